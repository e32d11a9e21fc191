//! What follows the state outside the page's own elements: attributes
//! of the root element, playback, theme, keys.

use gloo_events::{EventListener, EventListenerOptions};
use gloo_render::{AnimationFrame, request_animation_frame};
use std::cell::RefCell;
use std::rc::Rc;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, KeyboardEvent};
use yew::prelude::*;

use crate::dom;
use crate::keys::{Command, Focus, Keys, Press, command};
use crate::state::{Action, Call, State, Theme};
use crate::timeline::palette::{Shade, from_css};
use crate::ui::Ui;

/// Key of the stored theme.
const THEME_KEY: &str = "reaperscope-theme";
/// Key of the stored choice of keys.
const KEYS_KEY: &str = "reaperscope-keys";
/// Holds while the system forces its colors.
const FORCED: &str = "(forced-colors: active)";
/// A frame later than this was held up; playback doesn't jump for it.
const FRAME_SECONDS_MAX: f64 = 0.1;

/// Writes the attributes that scripts and tests read.
#[hook]
pub fn use_root_attributes(state: &State) {
    let scene = state.scene.as_ref().filter(|_| state.phase_id() == "ready");
    let attributes = [
        ("data-state", state.phase_id().to_owned()),
        ("data-digest", scene.map(|_| state.digests()).unwrap_or_default()),
        ("data-verdict", scene.map(|_| state.verdicts()).unwrap_or_default()),
        ("data-events", scene.map(|it| it.outcome.run.events.to_string()).unwrap_or_default()),
        ("data-t-ns", state.cursor.at.to_string()),
        ("data-link-check", state.link_check_id().to_owned()),
        ("data-theme", state.theme.id().to_owned()),
    ];
    use_effect_with(attributes, |attributes| {
        if let Some(root) = dom::root() {
            for (name, value) in attributes {
                // Fails only for names that are no names.
                let _ = root.set_attribute(name, value);
            }
        }
    });
}

/// Ticks once per frame while playing.
#[hook]
pub fn use_playback(ui: &Ui, playing: bool) {
    let ui = ui.clone();
    use_effect_with(playing, move |playing| {
        let frames: Rc<RefCell<Option<AnimationFrame>>> = Rc::default();
        if *playing {
            tick(&ui, &frames, dom::now_ms());
        }
        move || drop(frames.borrow_mut().take())
    });
}

fn tick(ui: &Ui, frames: &Rc<RefCell<Option<AnimationFrame>>>, last: f64) {
    let (ui, weak) = (ui.clone(), Rc::downgrade(frames));
    let frame = request_animation_frame(move |now| {
        if let Some(frames) = weak.upgrade() {
            let seconds = ((now - last) / 1e3).clamp(0.0, FRAME_SECONDS_MAX);
            ui.send(Action::Tick(seconds));
            tick(&ui, &frames, now);
        }
    });
    *frames.borrow_mut() = Some(frame);
}

/// Moves the focus where the last action wants it: now, since what is typed next is meant for it,
/// and again a frame later, if it is not there yet or a dialog that closed has taken it back.
#[hook]
pub fn use_focus(call: &Call) {
    use_effect_with(call.clone(), |call| {
        let frame = (call.turn > 0).then(|| {
            dom::focus(&call.to);
            let to = call.to.clone();
            request_animation_frame(move |_| {
                if !dom::has_focus(&to) {
                    dom::focus(&to);
                }
            })
        });
        move || drop(frame)
    });
}

/// Reads the choice of keys, keeps it, and hands it to the listener.
#[hook]
pub fn use_key_choice(ui: &Ui, keys: Keys) {
    ui.keys.set(keys);
    let first = ui.clone();
    use_effect_with((), move |()| {
        let stored = dom::stored(KEYS_KEY).unwrap_or_default();
        first.send(Action::Keys(Keys::from_id(&stored)));
    });
    let known = use_mut_ref(|| keys);
    use_effect_with(keys, move |keys| {
        if std::mem::replace(&mut *known.borrow_mut(), *keys) != *keys {
            dom::store(KEYS_KEY, keys.id());
        }
    });
}

/// Reads theme and motion preferences, and follows the system's.
#[hook]
pub fn use_preferences(ui: &Ui, theme: Theme) {
    let first = ui.clone();
    use_effect_with((), move |()| {
        let stored = dom::stored(THEME_KEY).unwrap_or_default();
        first.send(Action::Theme(Theme::from_id(&stored)));
        let calm = "(prefers-reduced-motion: reduce)";
        first.send(Action::Calm(dom::media(calm)));
        let calm_listener = follow(calm, {
            let ui = first.clone();
            move |calm| ui.send(Action::Calm(calm))
        });
        let contrast = "(prefers-contrast: more)";
        first.send(Action::Contrast(dom::media(contrast)));
        let contrast_listener = follow(contrast, {
            let ui = first.clone();
            move |contrast| ui.send(Action::Contrast(contrast))
        });
        // Their change can change what the forced colors are, too.
        let forced = {
            let ui = first.clone();
            move |_| {
                let colors = dom::page_colors().filter(|_| dom::media(FORCED));
                let read =
                    |(ground, ink): (String, String)| Some((from_css(&ground)?, from_css(&ink)?));
                ui.send(Action::Forced(colors.and_then(read)));
            }
        };
        forced(true);
        let forced_listener = follow(FORCED, forced.clone());
        let system = first.clone();
        let shade = move |dark| {
            forced(true);
            system.send(Action::SystemShade(if dark { Shade::Dark } else { Shade::Light }));
        };
        // Both: pages are looked at as print without being printed, and a print does not wait.
        let print_listener = follow("print", {
            let ui = first.clone();
            move |printing| ui.send(Action::Printing(printing))
        });
        let paper = [("beforeprint", true), ("afterprint", false)].map(|(name, printing)| {
            let ui = first.clone();
            EventListener::new(&dom::window(), name, move |_| ui.send(Action::Printing(printing)))
        });
        let dark = "(prefers-color-scheme: dark)";
        shade(dom::media(dark));
        let dark_listener = follow(dark, shade);
        let listeners = (calm_listener, contrast_listener, dark_listener, forced_listener);
        move || drop((listeners, print_listener, paper))
    });
    let known = use_mut_ref(|| theme);
    use_effect_with(theme, move |theme| {
        // The first value is what was read, or the default.
        if std::mem::replace(&mut *known.borrow_mut(), *theme) != *theme {
            dom::store(THEME_KEY, theme.id());
        }
    });
}

fn follow(query: &'static str, act: impl Fn(bool) + 'static) -> Option<EventListener> {
    let list = dom::window().match_media(query).ok()??;
    Some(EventListener::new(&list, "change", move |_| {
        act(dom::media(query));
    }))
}

/// Sends keys as commands.
#[hook]
pub fn use_keys(ui: &Ui) {
    let ui = ui.clone();
    use_effect_with((), move |()| {
        let options = EventListenerOptions::enable_prevent_default();
        let listen = move |event: &Event| {
            if let Some(event) = event.dyn_ref::<KeyboardEvent>() {
                on_key(&ui, event);
            }
        };
        let listener =
            EventListener::new_with_options(&dom::document(), "keydown", options, listen);
        move || drop(listener)
    });
}

fn on_key(ui: &Ui, event: &KeyboardEvent) {
    if event.default_prevented() {
        return;
    }
    if event.key() == "Escape" {
        dom::set_tips(false);
    }
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let press = Press {
        code: &event.code(),
        key: &event.key(),
        shift: event.shift_key(),
        control: event.ctrl_key() || event.meta_key(),
        alt: event.alt_key(),
    };
    let Some(command) = command(press, focus_of(target.as_ref()), ui.keys.get()) else {
        return;
    };
    if !command.acts_in_embed() && dom::is_embedded() {
        return;
    }
    event.prevent_default();
    match command {
        Command::Search => return dom::focus("event-filter"),
        Command::Compare => return dom::focus("compare-with"),
        _ => {}
    }
    ui.send(Action::Command { command, anchor: ui.hover.get() });
}

/// Where the focus is, for the keymap.
fn focus_of(target: Option<&Element>) -> Focus {
    let Some(target) = target else {
        return Focus::Timeline;
    };
    if dom::has_dialog() || dom::inside(target, "input, textarea, select") {
        Focus::Field
    } else if dom::inside(target, "button, summary, a, [role=button]") {
        Focus::Button
    } else if target.matches("[tabindex='0']").unwrap_or(false) && !dom::inside(target, ".timeline")
    {
        Focus::Scroller
    } else {
        Focus::Timeline
    }
}

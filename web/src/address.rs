//! Keeps the fragment of the address and the state in step.
//!
//! Another run, another part of it or other rows make an entry of the browser's
//! history, so that Back returns to what was seen; a moved cursor
//! only corrects the present one, and waits until the hand rests, since
//! browsers limit how often that may be done.

use std::cell::RefCell;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use sim_core::share::ScenarioRef;
use wasm_bindgen::JsValue;
use yew::prelude::*;

use crate::dom;
use crate::route::{self, Route};
use crate::state::Action;
use crate::ui::Ui;

/// Rest before the address follows.
const REST_MS: u32 = 500;

/// What this page leaves with the entries that it makes: a link that is followed has none.
const SEEN: &str = "seen";

/// Opens what the address says, now and whenever it changes.
#[hook]
pub fn use_opened_links(ui: &Ui) {
    let ui = ui.clone();
    use_effect_with((), move |()| {
        open(&ui);
        let listener = EventListener::new(&dom::window(), "hashchange", move |_| open(&ui));
        move || drop(listener)
    });
}

thread_local! {
    /// The fragment that was opened or written last.
    static KNOWN: RefCell<String> = const { RefCell::new(String::new()) };
}

fn open(ui: &Ui) {
    let fragment = fragment();
    KNOWN.set(fragment.clone());
    let was_here = was_here();
    ui.send(match route::parse(&fragment) {
        Ok(route) if was_here => Action::Return(route),
        Ok(route) => Action::Open(route),
        Err(message) => Action::Refuse { message },
    });
}

/// Whether what the address says was on screen before; from now on it was.
fn was_here() -> bool {
    let Ok(history) = dom::window().history() else {
        return false;
    };
    let was_here = history.state().is_ok_and(|mark| !mark.is_null());
    if !was_here {
        // Refused only when called too often.
        let _ = history.replace_state(&JsValue::from(SEEN), "");
    }
    was_here
}

fn fragment() -> String {
    dom::window().location().hash().unwrap_or_default()
}

/// What the address has to follow.
#[derive(Clone, PartialEq)]
pub struct Shown {
    /// The link to what is on screen.
    pub route: Route,
    /// Whether the address has been read; before, it isn't written.
    pub started: bool,
    /// Whether it is worth writing in full now.
    pub settled: bool,
    /// Counts links that were opened or refused: after each, the address says what is on screen.
    pub links: u32,
    /// Whether it stands in for a link that could not be opened.
    pub substitute: bool,
}

/// Writes the state's link into the address: another run at once,
/// everything else after a rest.
#[hook]
pub fn use_written_link(ui: &Ui, shown: Shown) {
    let asked = (shown.started, shown.route.request.clone(), shown.substitute);
    use_effect_with(asked, |(started, request, substitute)| {
        let route = Route { request: request.clone(), ..Route::default() };
        let differs = |present: Route| present.request != route.request;
        if *started && route::parse(&fragment()).is_ok_and(differs) {
            write(&route, *substitute);
        }
    });
    let ui = ui.clone();
    use_effect_with(shown, move |shown| {
        let Shown { route, settled, substitute, .. } = shown.clone();
        let rest = move || {
            write(&route, substitute);
            ui.send(Action::Settled);
        };
        let timer = settled.then(|| Timeout::new(REST_MS, rest));
        move || drop(timer)
    });
}

fn write(route: &Route, substitute: bool) {
    let text = route::fragment(route);
    let present = fragment();
    // Another one than is known is a link just followed, of which the page hears next: written over,
    // it would be lost.
    if present == text || KNOWN.with_borrow(|known| *known != present) {
        return;
    }
    let Ok(history) = dom::window().history() else {
        return;
    };
    // Relative to the page's own address, whatever `<base>` says.
    let url = address_of(&text);
    // An entry without a digest was never on screen.
    let is_other = |there: Route| {
        there.request != route.request
            || there.lesson != route.lesson
            || (&there.view, &there.lanes) != (&route.view, &route.lanes) && there.digest.is_some()
    };
    // Letters that are typed are no views to go back to.
    let typed = |there: Route| {
        matches!(
            (&there.request.scenario, &route.request.scenario),
            (ScenarioRef::Inline(_), ScenarioRef::Inline(_))
        )
    };
    let there = route::parse(&present);
    // A newer page may understand more of it, so it stays for as long as its run does.
    if there.as_ref().is_ok_and(|there| there.newer && there.request == route.request) {
        return;
    }
    let worth_going_back =
        !substitute && there.clone().is_ok_and(is_other) && !there.is_ok_and(typed);
    let seen = JsValue::from(SEEN);
    // Refused only when called too often; the next rest tries again.
    let _ = if worth_going_back {
        history.push_state_with_url(&seen, "", Some(&url))
    } else {
        history.replace_state_with_url(&seen, "", Some(&url))
    };
    KNOWN.set(fragment());
}

/// The link for others: the page's address with this fragment, or the fragment alone where that
/// address is a file's, which nobody else has. Others have a language of their own.
pub fn shareable(fragment: &str) -> String {
    if is_file() {
        return fragment.to_owned();
    }
    let page = page();
    let page = page.split_once("?lang=").map_or(page.as_str(), |(page, _)| page);
    format!("{page}{fragment}")
}

/// Whether the page was opened from a file.
pub fn is_file() -> bool {
    dom::window().location().protocol().is_ok_and(|protocol| protocol == "file:")
}

/// The page's address with this fragment.
pub fn address_of(fragment: &str) -> String {
    page() + fragment
}

fn page() -> String {
    let href = dom::window().location().href().unwrap_or_default();
    href.split('#').next().unwrap_or_default().to_owned()
}

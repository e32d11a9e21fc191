//! Pointer and wheel events of the timeline, and turns of the wheel over whatever shares its axis.
//!
//! Yew's own handlers are passive for wheels and delegated to the root;
//! a zoom must keep the browser from zooming the page, so these are not.

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, MouseEvent, PointerEvent, WheelEvent};
use yew::html::Scope;
use yew::prelude::*;

use super::component::{Msg, Timeline};
use super::gesture::{Gesture, Mode, Pointer, wheel_factor};
use crate::dom;
use crate::state::Action;
use crate::ui::Ui;

/// What a pointer did.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Kind {
    Down,
    Move,
    Up,
    Cancel,
}

/// Pixels of a line, where a wheel counts lines (Firefox).
const LINE_PX: f64 = 33.0;
/// The buttons that drag, as a pointer tells of those that are down: the main and the middle one.
const DRAGGING: u16 = 0b101;

/// Listens on the timeline's body.
pub fn to_pointer(body: &HtmlElement, link: &Scope<Timeline>) -> Vec<EventListener> {
    let kinds = [
        ("pointerdown", Kind::Down),
        ("pointermove", Kind::Move),
        ("pointerup", Kind::Up),
        ("pointercancel", Kind::Cancel),
    ];
    let mut listeners: Vec<EventListener> = kinds
        .into_iter()
        .map(|(name, kind)| {
            let link = link.clone();
            EventListener::new(body, name, move |event| {
                if let Some(event) = event.dyn_ref::<PointerEvent>() {
                    link.send_message(Msg::Pointer { kind, event: event.clone() });
                }
            })
        })
        .collect();
    let leave = link.clone();
    listeners.push(EventListener::new(body, "pointerleave", move |_| {
        leave.send_message(Msg::Hover(None));
    }));
    let scroll = link.clone();
    listeners.push(EventListener::new(body, "scroll", move |_| {
        scroll.send_message(Msg::Scrolled);
    }));
    // Where it pans, the browser would begin to scroll by itself.
    let options = EventListenerOptions::enable_prevent_default();
    listeners.push(EventListener::new_with_options(body, "mousedown", options, |event| {
        if event.dyn_ref::<MouseEvent>().is_some_and(|event| event.button() == 1) {
            event.prevent_default();
        }
    }));
    listeners
}

/// Listens for turns of the wheel over `element` that zoom or pan; what they mean is told in
/// pixels of `axis`, and with them how wide that is.
pub fn to_wheel(
    element: &Element,
    axis: &Element,
    act: impl Fn(Gesture, f64) + 'static,
) -> EventListener {
    let axis = axis.clone();
    let options = EventListenerOptions::enable_prevent_default();
    EventListener::new_with_options(element, "wheel", options, move |event| {
        let bounds = axis.get_bounding_client_rect();
        let turn = event.dyn_ref::<WheelEvent>().and_then(|it| turned(it, bounds.left()));
        if let Some(gesture) = turn {
            event.prevent_default();
            act(gesture, bounds.width());
        }
    })
}

/// Has turns of the wheel over `rows` move the part of the run on screen, which `axis` shows.
#[hook]
pub fn use_wheel(ui: &Ui, rows: &NodeRef, axis: &NodeRef) {
    let (ui, rows, axis) = (ui.clone(), rows.clone(), axis.clone());
    use_effect_with((), move |()| {
        let turns = rows.cast::<Element>().zip(axis.cast::<Element>()).map(|(rows, axis)| {
            to_wheel(&rows, &axis, move |gesture, width| {
                if let Some(action) = moved(gesture, width) {
                    ui.send(action);
                }
            })
        });
        move || drop(turns)
    });
}

/// What a pan or a zoom over the whole width of the window does.
pub fn moved(gesture: Gesture, width: f64) -> Option<Action> {
    let width = width.max(1.0);
    match gesture {
        Gesture::Pan { dx } => Some(Action::Pan(-dx / width)),
        Gesture::Zoom { x, factor } => {
            Some(Action::Zoom { factor, anchor: Some((x / width).clamp(0.0, 1.0)) })
        }
        _ => None,
    }
}

/// Ctrl turns zoom (a trackpad's pinch arrives so, too), Shift turns
/// and sideways turns pan; others scroll the lanes.
fn turned(event: &WheelEvent, left: f64) -> Option<Gesture> {
    let unit = if event.delta_mode() == WheelEvent::DOM_DELTA_LINE { LINE_PX } else { 1.0 };
    let (dx, dy) = (event.delta_x() * unit, event.delta_y() * unit);
    let x = f64::from(event.client_x()) - left;
    if event.ctrl_key() || event.meta_key() {
        return Some(Gesture::Zoom { x, factor: wheel_factor(dy) });
    }
    let sideways = if event.shift_key() && dx == 0.0 { dy } else { dx };
    let pans = event.shift_key() || dx.abs() > dy.abs();
    pans.then_some(Gesture::Pan { dx: -sideways })
}

/// What a pointer that goes down will do, if that is for the timeline.
pub fn mode(event: &PointerEvent) -> Option<Mode> {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let on_ruler = target.is_some_and(|target| dom::inside(&target, ".tl-ruler"));
    Mode::of(event.button(), on_ruler, event.pointer_type() == "touch", event.shift_key())
}

/// Whether a pointer moves with no button down that drags: it was let go where nobody told of it,
/// as over a menu of the browser's.
pub fn is_let_go(event: &PointerEvent) -> bool {
    event.pointer_type() != "touch" && event.buttons() & DRAGGING == 0
}

/// A pointer event in the plot's pixels; `origin` is its left edge and the top of the first lane.
pub fn pointer(event: &PointerEvent, mode: Mode, (left, top): (f64, f64)) -> Pointer {
    Pointer {
        id: event.pointer_id(),
        x: f64::from(event.client_x()) - left,
        y: f64::from(event.client_y()) - top,
        time: dom::now_ms(),
        mode,
    }
}

/// Whether a finger is on a lane's label.
pub fn is_touch_on_label(event: &PointerEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    event.pointer_type() == "touch" && target.is_some_and(|it| dom::inside(&it, ".lane button"))
}

/// Whether a press is for a button over the plot.
pub fn is_on_button(event: &PointerEvent) -> bool {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    target.is_some_and(|target| dom::inside(&target, "button"))
}

/// Keeps a drag coming when it leaves the plot.
pub fn capture(event: &PointerEvent, body: Option<&HtmlElement>) {
    if let Some(body) = body {
        // Fails when the pointer is gone already.
        let _ = body.set_pointer_capture(event.pointer_id());
    }
}

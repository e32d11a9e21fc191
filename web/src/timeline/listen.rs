//! Pointer and wheel events of the timeline.
//!
//! Yew's own handlers are passive for wheels and delegated to the root;
//! a zoom must keep the browser from zooming the page, so these are not.

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, PointerEvent, WheelEvent};
use yew::html::Scope;

use super::component::{Msg, Timeline};
use super::gesture::{Gesture, Mode, Pointer, wheel_factor};
use crate::dom;

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
    let (wheel, origin) = (link.clone(), body.clone());
    let options = EventListenerOptions::enable_prevent_default();
    listeners.push(EventListener::new_with_options(body, "wheel", options, move |event| {
        if let Some(gesture) = event.dyn_ref::<WheelEvent>().and_then(|it| turned(it, &origin)) {
            event.prevent_default();
            wheel.send_message(Msg::Gesture { gesture, free: false });
        }
    }));
    listeners
}

/// Ctrl turns zoom (a trackpad's pinch arrives so, too), Shift turns
/// and sideways turns pan; others scroll the lanes.
fn turned(event: &WheelEvent, body: &HtmlElement) -> Option<Gesture> {
    let unit = if event.delta_mode() == WheelEvent::DOM_DELTA_LINE { LINE_PX } else { 1.0 };
    let (dx, dy) = (event.delta_x() * unit, event.delta_y() * unit);
    let ruler = body.query_selector(".tl-ruler").ok()??;
    let x = f64::from(event.client_x()) - ruler.get_bounding_client_rect().left();
    if event.ctrl_key() || event.meta_key() {
        return Some(Gesture::Zoom { x, factor: wheel_factor(dy) });
    }
    let sideways = if event.shift_key() && dx == 0.0 { dy } else { dx };
    let pans = event.shift_key() || dx.abs() > dy.abs();
    pans.then_some(Gesture::Pan { dx: -sideways })
}

/// A pointer event in the plot's pixels; `origin` is its left edge and
/// the top of the first lane.
pub fn pointer(event: &PointerEvent, (left, top): (f64, f64)) -> Pointer {
    let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    let on_ruler = target.is_some_and(|target| dom::inside(&target, ".tl-ruler"));
    let mode = if on_ruler {
        Mode::Scrub
    } else if event.pointer_type() == "touch" {
        Mode::Touch
    } else if event.shift_key() || event.button() == 1 {
        Mode::Pan
    } else {
        Mode::Select
    };
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

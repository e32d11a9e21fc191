//! Puts what lies over the drawing where it belongs: labels that stay, the tip, the cursor, notes.

use wasm_bindgen::JsCast as _;
use web_sys::HtmlElement;

use super::{Props, Timeline};
use crate::dom;
use crate::timeline::hit;

impl Timeline {
    /// Labels that stay do so below each other.
    pub(super) fn place_staying(&self, props: &Props) {
        let rows = self.rows(props);
        let Some(labels) = self.labels.cast::<HtmlElement>() else {
            return;
        };
        let stay = labels.query_selector_all(".stays");
        for (place, row) in rows.iter().enumerate() {
            let label = stay.as_ref().ok().and_then(|it| it.item(place as u32));
            let Some(label) = label.and_then(|it| it.dyn_into::<HtmlElement>().ok()) else {
                break;
            };
            dom::set_style(&label, "--down", &format!("{}px", row.top));
        }
    }

    /// Beside the pointer, on the side that has room.
    pub(super) fn place_tip(&self) {
        let (Some(tip), Some(frame)) =
            (self.tip.cast::<HtmlElement>(), self.body.cast::<HtmlElement>())
        else {
            return;
        };
        let frame = frame.get_bounding_client_rect();
        let (x, y) = self.pointer;
        let (width, height) = (f64::from(tip.offset_width()), f64::from(tip.offset_height()));
        let (left, top) =
            hit::tip_place((x, y), (width, height), (frame.left(), frame.right(), frame.bottom()));
        dom::set_style(&tip, "left", &format!("{left:.0}px"));
        dom::set_style(&tip, "top", &format!("{top:.0}px"));
    }

    pub(super) fn place_overlay(&self, props: &Props) {
        let width = self.plot_width();
        let share = |px: f64| px / width.max(1.0) * 100.0;
        if let Some(cursor) = self.cursor.cast::<HtmlElement>() {
            let x = props.view.px_from_time(props.now.at, width);
            let shown = (0.0..=width).contains(&x);
            dom::set_style(&cursor, "transform", &format!("translateX({x:.2}px)"));
            // Paper has another width than the screen.
            dom::set_style(&cursor, "--at", &format!("{:.3}%", share(x)));
            dom::set_style(&cursor, "visibility", if shown { "visible" } else { "hidden" });
        }
        if let Some(range) = self.range.cast::<HtmlElement>() {
            let (from, to) = props.selection.unwrap_or_default();
            let left = props.view.px_from_time(from, width).clamp(0.0, width);
            let right = props.view.px_from_time(to, width).clamp(0.0, width);
            let shown = props.selection.is_some();
            dom::set_style(&range, "left", &format!("{:.3}%", share(left)));
            dom::set_style(&range, "width", &format!("{:.3}%", share(right - left)));
            dom::set_style(&range, "visibility", if shown { "visible" } else { "hidden" });
        }
    }

    pub(super) fn place_notes(&self, props: &Props) {
        let width = self.plot_width();
        let Some(overlay) = self.overlay.cast::<HtmlElement>() else {
            return;
        };
        let flags = overlay.query_selector_all(".tl-note");
        for (index, note) in props.notes.iter().enumerate() {
            let flag = flags.as_ref().ok().and_then(|flags| flags.item(index as u32));
            let Some(flag) = flag.and_then(|flag| flag.dyn_into::<HtmlElement>().ok()) else {
                continue;
            };
            let left = props.view.px_from_time(note.at, width);
            let right = props.view.px_from_time(note.until.unwrap_or(note.at), width);
            let shown = right >= 0.0 && left <= width;
            // The text stays in sight as long as a part of its stretch does.
            let left = left.max(0.0);
            dom::set_style(&flag, "left", &format!("{left:.1}px"));
            let stretch =
                if note.until.is_some() { (right.min(width) - left).max(2.0) } else { 0.0 };
            dom::set_style(&flag, "--stretch", &format!("{stretch:.1}px"));
            dom::set_style(&flag, "visibility", if shown { "visible" } else { "hidden" });
        }
    }
}

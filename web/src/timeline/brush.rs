//! Dragging the window on the overview: its middle moves it, its edges
//! resize it, elsewhere it jumps.

use super::gesture::Gesture;
use super::viewport::Viewport;
use crate::state::Action;

/// How near to an edge takes hold of it.
const EDGE_PX: f64 = 8.0;

/// What a drag holds.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Grab {
    /// The window, by the point this share into it.
    Window(f64),
    /// Its start; the end stays.
    Start,
    /// Its end; the start stays.
    End,
}

/// What a press at `x` takes hold of, and the window after it.
pub fn grab(view: Viewport, x: f64, width: f64, end: u64) -> (Grab, Viewport) {
    let whole = Viewport::whole(end);
    let left = whole.px_from_time(view.start, width);
    let right = whole.px_from_time(view.end(), width);
    let is_whole = view.span >= end;
    if !is_whole && (x - left).abs() <= EDGE_PX.min((right - left) / 3.0).max(3.0) {
        (Grab::Start, view)
    } else if !is_whole && (x - right).abs() <= EDGE_PX.min((right - left) / 3.0).max(3.0) {
        (Grab::End, view)
    } else if (left..=right).contains(&x) {
        (Grab::Window((x - left) / (right - left).max(1.0)), view)
    } else {
        (Grab::Window(0.5), moved(view, Grab::Window(0.5), x, width, end))
    }
}

/// The window when the held point is at `x`.
pub fn moved(view: Viewport, grab: Grab, x: f64, width: f64, end: u64) -> Viewport {
    let at = Viewport::whole(end).time_from_px(x, width);
    match grab {
        Grab::Window(share) => {
            let start = at as f64 - share * view.span as f64;
            Viewport { start: start.max(0.0) as u64, ..view }.panned(0.0, end)
        }
        Grab::Start => Viewport::between(at.min(view.end() - 1), view.end(), end),
        Grab::End => Viewport::between(view.start, at.max(view.start + 1), end),
    }
}

/// What a turn of the wheel over the overview does: it zooms the window where it is pointed at,
/// else around its middle, and pans it by what the turn is worth here.
pub fn turned(view: Viewport, gesture: Gesture, width: f64, end: u64) -> Option<Action> {
    let whole = Viewport::whole(end);
    match gesture {
        Gesture::Zoom { x, factor } => {
            let anchor = view.px_from_time(whole.time_from_px(x, width), 1.0);
            let anchor = if (0.0..=1.0).contains(&anchor) { anchor } else { 0.5 };
            Some(Action::Zoom { factor, anchor: Some(anchor) })
        }
        Gesture::Pan { dx } => {
            Some(Action::Pan(-dx / width.max(1.0) * whole.span as f64 / view.span as f64))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: u64 = 1_000_000;
    const VIEW: Viewport = Viewport { start: 200_000, span: 400_000 };

    #[test]
    fn middle_moves_and_edges_resize() {
        let (hold, view) = grab(VIEW, 400.0, 1_000.0, END);
        assert_eq!((hold, view), (Grab::Window(0.5), VIEW));
        assert_eq!(moved(VIEW, hold, 500.0, 1_000.0, END).start, 300_000);
        assert_eq!(moved(VIEW, hold, 2_000.0, 1_000.0, END).end(), END);

        let (hold, _) = grab(VIEW, 603.0, 1_000.0, END);
        assert_eq!(hold, Grab::End);
        assert_eq!(moved(VIEW, hold, 700.0, 1_000.0, END).end(), 700_000);
        assert_eq!(grab(VIEW, 197.0, 1_000.0, END).0, Grab::Start);
    }

    #[test]
    fn wheel_zooms_the_window_where_it_is_pointed_at_and_pans_it() {
        let zoom = |x| match turned(VIEW, Gesture::Zoom { x, factor: 0.5 }, 1_000.0, END) {
            Some(Action::Zoom { factor, anchor }) => (factor, anchor),
            _ => panic!("no zoom"),
        };
        assert_eq!([zoom(300.0), zoom(900.0)], [(0.5, Some(0.25)), (0.5, Some(0.5))]);
        let pan = turned(VIEW, Gesture::Pan { dx: -100.0 }, 1_000.0, END);
        let Some(Action::Pan(share)) = pan else { panic!("no pan") };
        assert_eq!(VIEW.panned(share, END).start, 300_000);
        assert!(turned(VIEW, Gesture::Whole, 1_000.0, END).is_none());
    }

    #[test]
    fn elsewhere_jumps() {
        let (_, view) = grab(VIEW, 900.0, 1_000.0, END);
        assert_eq!(view.end(), END);
    }

    #[test]
    fn whole_window_has_no_edges() {
        let (hold, _) = grab(Viewport::whole(END), 2.0, 1_000.0, END);
        assert_eq!(hold, Grab::Window(0.002));
    }
}

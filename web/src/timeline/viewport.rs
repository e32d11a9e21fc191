//! The part of the run that is on screen, and how times become pixels.
//!
//! Differences are taken in integers before they become floats, so an
//! hour-long run still zooms to the nanosecond.

/// No zoom goes below this: ten nanoseconds, the finest step of a run.
const SPAN_NS_MIN: u64 = 10;

/// A window onto a run, in nanoseconds since its start.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Viewport {
    /// First instant shown.
    pub start: u64,
    // Invariant: at least 1.
    /// How much is shown.
    pub span: u64,
}

impl Viewport {
    /// All of a run that ended at `end`.
    pub fn whole(end: u64) -> Self {
        Self { start: 0, span: end.max(1) }
    }

    /// From `from` to `to`, whichever comes first, kept inside the run.
    pub fn between(from: u64, to: u64, end: u64) -> Self {
        let (from, to) = (from.min(to), from.max(to));
        Self { start: from, span: to - from }.clamped(end)
    }

    /// One past the last instant shown.
    pub fn end(self) -> u64 {
        self.start.saturating_add(self.span)
    }

    /// From and to, as round as a thousandth of the window allows: a link
    /// needs no more, and is shorter.
    pub fn rounded(self) -> (u64, u64) {
        let mut grain: u64 = 1;
        while grain * 10 <= self.span / 1000 {
            grain *= 10;
        }
        let (from, to) = (self.start / grain * grain, self.end().div_ceil(grain) * grain);
        (from, to)
    }

    /// Where `at` is drawn, in pixels from the left edge; may lie outside.
    pub fn px_from_time(self, at: u64, width: f64) -> f64 {
        let offset =
            if at >= self.start { (at - self.start) as f64 } else { -((self.start - at) as f64) };
        offset / self.span as f64 * width
    }

    /// The instant drawn at `px`, kept inside the window.
    pub fn time_from_px(self, px: f64, width: f64) -> u64 {
        if width <= 0.0 {
            return self.start;
        }
        let share = (px / width).clamp(0.0, 1.0);
        self.start + (share * self.span as f64) as u64
    }

    /// Shows `factor` times as much (below 1: zooms in) with the instant
    /// at `anchor` (0 left … 1 right) kept in place.
    #[must_use]
    pub fn zoomed(self, factor: f64, anchor: f64, end: u64) -> Self {
        let limit = end.max(1);
        let span = (self.span as f64 * factor).clamp(SPAN_NS_MIN.min(limit) as f64, limit as f64);
        let pivot = self.start as f64 + anchor * self.span as f64;
        let start = (pivot - anchor * span).max(0.0);
        Self { start: start as u64, span: span as u64 }.clamped(end)
    }

    /// Moved by `share` of its width; positive shows later times.
    #[must_use]
    pub fn panned(self, share: f64, end: u64) -> Self {
        let offset = share * self.span as f64;
        let start = (self.start as f64 + offset).max(0.0) as u64;
        Self { start, ..self }.clamped(end)
    }

    /// Moved as little as possible so that `at` is shown, then with a margin. What is shown
    /// already moves nothing, or it would slip away from under the pointer.
    #[must_use]
    pub fn revealing(self, at: u64, end: u64) -> Self {
        let margin = self.span / 10;
        let start = if at < self.start {
            at.saturating_sub(margin)
        } else if at > self.end() {
            at.saturating_add(margin).saturating_sub(self.span)
        } else {
            return self;
        };
        Self { start, ..self }.clamped(end)
    }

    fn clamped(self, end: u64) -> Self {
        let limit = end.max(1);
        let span = self.span.clamp(SPAN_NS_MIN.min(limit), limit);
        Self { start: self.start.min(limit - span), span }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: u64 = 60_000_000_000;

    #[test]
    fn time_and_pixels_are_inverse() {
        let view = Viewport { start: 1_000, span: 4_000 };
        assert_eq!(view.px_from_time(3_000, 800.0), 400.0);
        assert_eq!(view.time_from_px(400.0, 800.0), 3_000);
        assert_eq!(view.px_from_time(0, 800.0), -200.0);
        assert_eq!(view.time_from_px(9_999.0, 800.0), 5_000);
        assert_eq!(view.time_from_px(1.0, 0.0), 1_000);
    }

    #[test]
    fn zoom_keeps_the_anchor_in_place() {
        let view = Viewport::whole(END).zoomed(0.5, 0.25, END);
        assert_eq!(view, Viewport { start: END / 8, span: END / 2 });
        let back = view.zoomed(100.0, 0.9, END);
        assert_eq!(back, Viewport::whole(END));
    }

    #[test]
    fn zoom_stops_at_the_finest_step() {
        let view = (0..200).fold(Viewport::whole(END), |view, _| view.zoomed(0.5, 1.0, END));
        assert_eq!(view.span, SPAN_NS_MIN);
        assert!(view.end() <= END);
    }

    #[test]
    fn pan_stops_at_the_ends() {
        let view = Viewport { start: 10, span: 1_000 };
        assert_eq!(view.panned(-1.0, END).start, 0);
        assert_eq!(view.panned(1e12, END).end(), END);
        assert_eq!(view.panned(0.25, END).start, 260);
    }

    #[test]
    fn revealing_moves_only_when_needed() {
        let view = Viewport { start: 1_000, span: 1_000 };
        for shown in [1_000, 1_001, 1_500, 1_999, 2_000] {
            assert_eq!(view.revealing(shown, END), view);
        }
        assert_eq!(view.revealing(5_000, END).end(), 5_100);
        assert_eq!(view.revealing(50, END).start, 0);
    }

    #[test]
    fn empty_run_has_a_viewport() {
        let view = Viewport::whole(0);
        assert_eq!(view.zoomed(0.5, 0.5, 0), view);
        assert_eq!(Viewport::between(0, 0, 0), view);
    }
}

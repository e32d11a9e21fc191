//! Which rows of a long list show, pure.
//!
//! Browsers limit the height of an element; a list of a million rows is
//! higher. Beyond the limit a pixel of scrolling stands for more than a
//! pixel of rows.

use std::ops::Range;

/// Height of a row, in style.css too.
pub const ROW_PX: f64 = 24.0;
/// Firefox ends at about 17 million pixels.
const SCROLL_HEIGHT_MAX: f64 = 8_000_000.0;

/// A list of `count` rows in a window `height` pixels high.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Rows {
    count: usize,
    height: f64,
}

impl Rows {
    pub fn new(count: usize, height: f64) -> Self {
        Self { count, height: height.max(ROW_PX) }
    }

    fn full_height(self) -> f64 {
        self.count as f64 * ROW_PX
    }

    /// Height of what is scrolled.
    pub fn scroll_height(self) -> f64 {
        self.full_height().min(SCROLL_HEIGHT_MAX)
    }

    /// Pixels of rows per pixel of scrolling.
    fn scale(self) -> f64 {
        let room = self.scroll_height() - self.height;
        if room <= 0.0 { 1.0 } else { (self.full_height() - self.height) / room }
    }

    /// The rows that show when scrolled by `top`.
    pub fn visible(self, top: f64) -> Range<usize> {
        let first = (top * self.scale() / ROW_PX).floor().max(0.0) as usize;
        let rows = (self.height / ROW_PX).ceil() as usize + 1;
        let first = first.min(self.count.saturating_sub(rows));
        first..(first + rows).min(self.count)
    }

    /// Where the first visible row stands, from the top of what is scrolled.
    pub fn offset(self, top: f64) -> f64 {
        let first = self.visible(top).start as f64 * ROW_PX;
        let hidden = top * self.scale() - first;
        (top - hidden).max(0.0)
    }

    /// The scroll that shows `row`, if it doesn't show at `top`.
    pub fn scrolled_to(self, row: usize, top: f64) -> Option<f64> {
        let from = row as f64 * ROW_PX;
        let shown = top * self.scale();
        let margin = ROW_PX.min(self.height / 4.0);
        let wanted = if from < shown + margin {
            from - self.height / 3.0
        } else if from + ROW_PX > shown + self.height - margin {
            from - self.height * 2.0 / 3.0
        } else {
            return None;
        };
        let limit = (self.full_height() - self.height).max(0.0);
        let target = wanted.clamp(0.0, limit) / self.scale();
        ((target - top).abs() >= 1.0).then_some(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lists_scroll_by_pixels() {
        let rows = Rows::new(100, 240.0);
        assert_eq!(rows.visible(0.0), 0..11);
        assert_eq!(rows.visible(36.0), 1..12);
        assert_eq!(rows.offset(36.0), 24.0);
        assert_eq!(rows.visible(100.0 * ROW_PX - 240.0).end, 100);
        assert_eq!(Rows::new(0, 240.0).visible(0.0), 0..0);
    }

    #[test]
    fn long_lists_reach_their_end() {
        let rows = Rows::new(1_000_000, 240.0);
        assert!(rows.scroll_height() <= SCROLL_HEIGHT_MAX);
        assert_eq!(rows.visible(rows.scroll_height() - 240.0).end, 1_000_000);
        let top = rows.scrolled_to(500_000, 0.0).unwrap();
        assert!(rows.visible(top).contains(&500_000));
    }

    #[test]
    fn shown_rows_stay_where_they_are() {
        let rows = Rows::new(1_000, 240.0);
        assert_eq!(rows.scrolled_to(4, 0.0), None);
        let top = rows.scrolled_to(50, 0.0).unwrap();
        assert_eq!(rows.scrolled_to(50, top), None);
        assert_eq!(rows.scrolled_to(0, 0.0), None);
    }
}

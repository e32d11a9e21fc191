//! Where lanes stand: sizes in CSS pixels, wide and narrow.

/// Sizes of the timeline for one width of the page.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Layout {
    /// Height of a lane with the space around its bar.
    pub pitch: f64,
    /// Distance from a lane's top to its bar.
    pub bar_top: f64,
    /// Height of the bar.
    pub bar_height: f64,
    /// Width of the column of labels; 0 when labels stand above the bars.
    pub gutter: f64,
}

/// Below this width of the timeline labels stand above the bars.
pub const NARROW_PX: f64 = 640.0;

impl Layout {
    /// The layout for a timeline this wide. The numbers stand in
    /// style.css too (`--pitch`, `--gutter`).
    pub fn for_width(width: f64) -> Self {
        if width < NARROW_PX {
            Self { pitch: 48.0, bar_top: 27.0, bar_height: 18.0, gutter: 0.0 }
        } else {
            Self { pitch: 32.0, bar_top: 6.0, bar_height: 20.0, gutter: 176.0 }
        }
    }

    /// Height of `count` lanes.
    pub fn height(self, count: usize) -> f64 {
        self.pitch * count as f64
    }

    /// The lane at `y`, if there is one of `count`.
    pub fn lane_at(self, y: f64, count: usize) -> Option<usize> {
        let index = (y / self.pitch).floor();
        (index >= 0.0 && index < count as f64).then_some(index as usize)
    }

    /// The lanes that show when scrolled down by `top` in a window of `height`.
    pub fn visible(self, top: f64, height: f64, count: usize) -> std::ops::Range<usize> {
        let first = (top / self.pitch).floor().max(0.0) as usize;
        let last = ((top + height) / self.pitch).ceil().max(0.0) as usize;
        first.min(count)..last.min(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_are_found_by_height() {
        let layout = Layout::for_width(1_000.0);
        assert_eq!(layout.lane_at(31.9, 2), Some(0));
        assert_eq!(layout.lane_at(32.0, 2), Some(1));
        assert_eq!(layout.lane_at(64.0, 2), None);
        assert_eq!(layout.lane_at(-1.0, 2), None);
        assert_eq!(layout.visible(40.0, 32.0, 9), 1..3);
        assert_eq!(layout.visible(0.0, 9_999.0, 3), 0..3);
    }

    #[test]
    fn narrow_pages_put_labels_above() {
        assert_eq!(Layout::for_width(360.0).gutter, 0.0);
    }
}

//! How high and wide a lane is: sizes in CSS pixels, wide and narrow.

/// Sizes of the timeline for one width of the page.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Layout {
    /// Height of a lane with the space around its bar.
    pub pitch: f64,
    /// Distance from a lane's top to its bar.
    pub bar_top: f64,
    /// Height of the bar.
    pub bar_height: f64,
    /// Distance from a lane's top to the strip of its locks.
    pub strip_top: f64,
    /// Height of that strip.
    pub strip_height: f64,
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
            Self {
                pitch: 48.0,
                bar_top: 26.0,
                bar_height: 15.0,
                strip_top: 42.0,
                strip_height: 5.0,
                gutter: 0.0,
            }
        } else {
            Self {
                pitch: 32.0,
                bar_top: 5.0,
                bar_height: 18.0,
                strip_top: 24.0,
                strip_height: 5.0,
                gutter: 176.0,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_pages_put_labels_above() {
        assert_eq!(Layout::for_width(360.0).gutter, 0.0);
    }
}

//! How high and wide a lane is: sizes in CSS pixels, wide and narrow, in ordinary and high windows.

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
    /// Size of the letters on bars.
    pub text: f64,
}

/// Below this width of the timeline labels stand above the bars.
pub const NARROW_PX: f64 = 640.0;

/// From these sizes of the window on lanes are higher.
const ROOMY_WIDTH_PX: f64 = 1_000.0;
const ROOMY_PX: f64 = 1_400.0;
const VAST_PX: f64 = 2_000.0;

impl Layout {
    /// The layout for a timeline this wide in an ordinary window.
    pub fn for_width(width: f64) -> Self {
        Self::in_window(width, (width, 0.0))
    }

    /// The layout for a timeline this wide in a window of this width and height: where there is
    /// room, lanes are higher. The numbers stand in style.css too (`--pitch`, `--gutter`).
    pub fn in_window(width: f64, window: (f64, f64)) -> Self {
        if width < NARROW_PX {
            Self {
                pitch: 48.0,
                bar_top: 26.0,
                bar_height: 15.0,
                strip_top: 42.0,
                strip_height: 5.0,
                gutter: 0.0,
                text: 12.0,
            }
        } else if window.0 >= ROOMY_WIDTH_PX && window.1 >= VAST_PX {
            Self {
                pitch: 68.0,
                bar_top: 9.0,
                bar_height: 42.0,
                strip_top: 54.0,
                strip_height: 9.0,
                gutter: 176.0,
                text: 16.0,
            }
        } else if window.0 >= ROOMY_WIDTH_PX && window.1 >= ROOMY_PX {
            Self {
                pitch: 46.0,
                bar_top: 7.0,
                bar_height: 27.0,
                strip_top: 36.0,
                strip_height: 7.0,
                gutter: 176.0,
                text: 13.0,
            }
        } else {
            Self {
                pitch: 32.0,
                bar_top: 5.0,
                bar_height: 18.0,
                strip_top: 24.0,
                strip_height: 5.0,
                gutter: 176.0,
                text: 12.0,
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

    #[test]
    fn high_windows_have_high_lanes_in_which_all_fits() {
        let windows = [(390.0, 844.0), (1280.0, 800.0), (2560.0, 1440.0), (3840.0, 2160.0)];
        let layouts = windows.map(|window| Layout::in_window(window.0 - 24.0, window));
        assert_eq!(layouts.map(|it| it.pitch), [48.0, 32.0, 46.0, 68.0]);
        for it in layouts {
            assert!(it.bar_top + it.bar_height <= it.strip_top, "{it:?}");
            assert!(it.strip_top + it.strip_height <= it.pitch && it.text + 3.0 <= it.bar_height);
        }
        // High but not wide, as of a book: labels beside the bars, and no more.
        assert_eq!(Layout::in_window(800.0, (824.0, 2160.0)).pitch, 32.0);
    }

    #[test]
    fn style_sheet_has_the_same_numbers() {
        let style = include_str!("../../static/style.css");
        for layout in [(360.0, 0.0), (1_000.0, 0.0), (1_000.0, ROOMY_PX), (1_000.0, VAST_PX)] {
            let it = Layout::in_window(layout.0, layout);
            let told = format!("--pitch: {}px;", it.pitch);
            assert!(style.contains(&told), "{told}");
            let told = format!("--bar-top: {}px;", it.bar_top + 1.0);
            assert!(style.contains(&told), "{told}");
        }
    }
}

//! Draws lanes into a framebuffer: per pixel column the state that
//! covers most of it, then rows of pixels with their pattern.
//!
//! The cost of a frame follows from the number of pixels, not of spans:
//! spans of a column are found by binary search, and a column looks at a
//! bounded number of them. Text, marks and arrows are drawn elsewhere.

use sim_core::analysis::{LaneState, Span};

use super::palette::{Look, Pattern, Rgb, Shade, look, mixed};
use super::pyramid::Pyramid;
use super::viewport::Viewport;

/// Spans of one column that are looked at; more are sampled evenly.
const SAMPLES_MAX: usize = 16;
/// How much of its color a state keeps in the part yet to be played.
#[derive(Copy, Clone, PartialEq, Debug)]
pub enum Fade {
    /// While playing: what is to come is a hint.
    Strong,
    /// At rest, for reading.
    Weak,
}

impl Fade {
    fn share(self) -> f64 {
        match self {
            Self::Strong => 0.32,
            Self::Weak => 0.7,
        }
    }
}

/// The gravest state over any stretch of a lane's spans.
pub type Peaks = Pyramid<LaneState>;

/// Prepares a lane for being zoomed out.
pub fn peaks(spans: &[Span]) -> Peaks {
    let graver = |one, other| if gravity(other) > gravity(one) { other } else { one };
    Pyramid::new(spans.iter().map(|span| span.state).collect(), graver)
}

/// Which state shows through where many share a pixel: whatever somebody
/// came to look for.
fn gravity(state: LaneState) -> u8 {
    match state {
        LaneState::CallbackBlocked => 8,
        LaneState::BackOff(_) => 7,
        LaneState::Blocked | LaneState::Contended => 6,
        LaneState::Reaping(_) => 5,
        LaneState::Exiting => 4,
        LaneState::Killed | LaneState::Callback => 3,
        LaneState::Reclaiming | LaneState::Job => 2,
        LaneState::Running | LaneState::Held => 1,
        LaneState::Runnable | LaneState::Sleeping => 0,
    }
}

/// A span narrower than this many columns gets no gap before it: the
/// gap would be all one sees.
const GAP_WIDTH_MIN: f64 = 3.0;

/// What one pixel column of a lane shows.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Column {
    /// Before the first or after the last span.
    Empty,
    /// The boundary between two spans.
    Gap,
    /// A state.
    State(LaneState),
}

/// Where and how a lane is painted, in device pixels.
#[derive(Copy, Clone, Debug)]
pub struct Bar {
    /// First row.
    pub top: usize,
    /// Number of rows.
    pub height: usize,
    /// First column of the future, drawn faded; past the width when there is none.
    pub future: usize,
    /// How faded.
    pub fade: Fade,
    /// Device pixels per CSS pixel, for the size of patterns.
    pub scale: usize,
}

/// A framebuffer of RGBA pixels, as `ImageData` wants them.
#[derive(Default)]
pub struct Frame {
    width: usize,
    height: usize,
    pixels: Vec<u32>,
    columns: Vec<Column>,
    caps: Vec<Option<LaneState>>,
}

impl Frame {
    /// Makes it `width` by `height` and fills it with `color`.
    pub fn reset(&mut self, width: usize, height: usize, color: Rgb) {
        (self.width, self.height) = (width, height);
        self.pixels.clear();
        self.pixels.resize(width * height, pixel(color));
    }

    pub fn width(&self) -> usize {
        self.width
    }

    pub fn height(&self) -> usize {
        self.height
    }

    /// Its pixels, each red in the lowest byte.
    pub fn pixels(&self) -> &[u32] {
        &self.pixels
    }

    /// Paints one lane. Where a pixel covers several spans, the bar shows
    /// what prevails and its upper edge the gravest, so that no short
    /// wait is lost.
    pub fn lane(&mut self, spans: &[Span], peaks: &Peaks, view: Viewport, bar: Bar, shade: Shade) {
        let mut columns = std::mem::take(&mut self.columns);
        let mut caps = std::mem::take(&mut self.caps);
        fill_columns(spans, peaks, view, self.width, &mut columns, &mut caps);
        let cap_inks: Vec<Option<u32>> = caps
            .iter()
            .enumerate()
            .map(|(x, cap)| {
                let future = (x >= bar.future).then_some(bar.fade);
                Some(Ink::of(Column::State((*cap)?), future, shade).color)
            })
            .collect();
        let cap_rows = (bar.height / 4).max(1);
        let inks: Vec<Ink> = columns
            .iter()
            .enumerate()
            .map(|(x, column)| Ink::of(*column, (x >= bar.future).then_some(bar.fade), shade))
            .collect();
        for row in 0..bar.height {
            let start = (bar.top + row) * self.width;
            let Some(line) = self.pixels.get_mut(start..start + self.width) else {
                break;
            };
            let place =
                Place { y: bar.top + row, row, height: bar.height, scale: bar.scale.max(1) };
            for (x, (pixel, ink)) in line.iter_mut().zip(&inks).enumerate() {
                *pixel = match cap_inks[x].filter(|_| row < cap_rows) {
                    Some(cap) => cap,
                    None if ink.covers(x, place) => ink.color,
                    None => ink.under,
                };
            }
        }
        self.columns = columns;
        self.caps = caps;
    }

    /// Fills a rectangle, cut at the edges.
    pub fn fill(&mut self, left: usize, top: usize, width: usize, height: usize, color: Rgb) {
        let (left, right) = (left.min(self.width), (left + width).min(self.width));
        for y in top..(top + height).min(self.height) {
            self.pixels[y * self.width + left..y * self.width + right].fill(pixel(color));
        }
    }
}

/// Decides what each of `width` columns shows, and which graver state
/// than that one it has besides.
pub fn fill_columns(
    spans: &[Span],
    peaks: &Peaks,
    view: Viewport,
    width: usize,
    columns: &mut Vec<Column>,
    caps: &mut Vec<Option<LaneState>>,
) {
    columns.clear();
    columns.resize(width, Column::Empty);
    caps.clear();
    caps.resize(width, None);
    let px_per_ns = width as f64 / view.span as f64;
    let edge = |x: usize| view.start + (x as u128 * u128::from(view.span) / width as u128) as u64;
    let mut first = spans.partition_point(|span| span.end.0 <= view.start);
    for (x, (column, cap)) in columns.iter_mut().zip(caps).enumerate() {
        let (from, to) = (edge(x), edge(x + 1).max(edge(x) + 1));
        first += spans[first..].partition_point(|span| span.end.0 <= from);
        let rest = &spans[first..];
        let Some(leading) = rest.first() else {
            break;
        };
        let inside = if leading.end.0 >= to {
            usize::from(leading.start.0 < to)
        } else {
            rest.partition_point(|span| span.start.0 < to)
        };
        let here = &rest[..inside];
        // A boundary is worth a gap where something else begins.
        let before = first.checked_sub(1).map(|index| &spans[index]);
        *column = match here {
            [] => Column::Empty,
            [only] if only.start.0 >= from && divides(before, only) && wide(only, px_per_ns) => {
                Column::Gap
            }
            [only] => Column::State(only.state),
            [.., last_but_one, last]
                if divides(Some(last_but_one), last) && wide(last, px_per_ns) =>
            {
                Column::Gap
            }
            several => {
                let state = prevailing(several, from, to);
                let gravest = peaks.over(first..first + inside);
                *cap = gravest.filter(|gravest| gravity(*gravest) > gravity(state).max(2));
                Column::State(state)
            }
        };
    }
}

/// Whether a gap belongs between two spans. A wait that is renewed is
/// one wait to the eye; two jobs are two.
fn divides(before: Option<&Span>, span: &Span) -> bool {
    before.is_some_and(|before| {
        before.end == span.start && (before.state != span.state || !continues(span.state))
    })
}

/// Whether neighbors in this state are one to the eye.
pub fn continues(state: LaneState) -> bool {
    !matches!(
        state,
        LaneState::Job | LaneState::Callback | LaneState::CallbackBlocked | LaneState::Held
    )
}

fn wide(span: &Span, px_per_ns: f64) -> bool {
    (span.end.0 - span.start.0) as f64 * px_per_ns >= GAP_WIDTH_MIN
}

/// The state that covers most of a column; rest counts least, so that
/// a short wait shows beside a long sleep.
fn prevailing(spans: &[Span], from: u64, to: u64) -> LaneState {
    let step = spans.len().div_ceil(SAMPLES_MAX);
    let weight = |span: &&Span| {
        let covered = span.end.0.min(to).saturating_sub(span.start.0.max(from));
        match span.state {
            LaneState::Sleeping | LaneState::Runnable => covered / 8,
            _ => covered,
        }
    };
    spans.iter().step_by(step).max_by_key(weight).map_or(LaneState::Sleeping, |span| span.state)
}

/// A pixel's row in its lane.
#[derive(Copy, Clone)]
struct Place {
    y: usize,
    row: usize,
    height: usize,
    scale: usize,
}

/// What a column is painted with.
#[derive(Copy, Clone)]
struct Ink {
    color: u32,
    under: u32,
    pattern: Pattern,
}

impl Ink {
    fn of(column: Column, future: Option<Fade>, shade: Shade) -> Self {
        let Look { color, under, pattern, .. } = match column {
            Column::Empty => plain(shade.track()),
            Column::Gap => plain(shade.ground()),
            Column::State(state) => look(state, shade),
        };
        let fade = |color| match future {
            Some(fade) => mixed(color, shade.track(), fade.share()),
            None => color,
        };
        Self { color: pixel(fade(color)), under: pixel(fade(under)), pattern }
    }

    fn covers(self, x: usize, place: Place) -> bool {
        let (x, y) = (x / place.scale, place.y / place.scale);
        match self.pattern {
            Pattern::Solid => true,
            Pattern::Hatch => (x + y) % 6 < 3,
            Pattern::Dots => x % 5 < 2 && y % 5 < 2,
            Pattern::Cross => (x + y).is_multiple_of(7) || (x + 7 - y % 7).is_multiple_of(7),
            Pattern::Line => {
                let middle = place.height / 2;
                place.row >= middle.saturating_sub(place.scale) && place.row < middle + place.scale
            }
            Pattern::Half => place.row * 2 >= place.height,
            Pattern::BackHatch => (x + 5 - y % 6) % 6 < 3,
            Pattern::Rules => !y.is_multiple_of(6),
            Pattern::Foot => place.row + 3 * place.scale < place.height,
            Pattern::Slashes => !(x + 8 - y % 9).is_multiple_of(9),
            Pattern::Grains => !(y.is_multiple_of(4) && (x + y).is_multiple_of(8)),
            Pattern::Bars => !x.is_multiple_of(10),
        }
    }
}

fn plain(color: Rgb) -> Look {
    Look { color, under: color, pattern: Pattern::Solid, text: color, ground: color }
}

/// Opaque, red in the lowest byte.
fn pixel((red, green, blue): Rgb) -> u32 {
    u32::from_le_bytes([red, green, blue, 0xff])
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::base::SimTime;

    fn span(start: u64, end: u64, state: LaneState) -> Span {
        Span { start: SimTime(start), end: SimTime(end), state, record: 0 }
    }

    fn columns(spans: &[Span], view: Viewport, width: usize) -> Vec<Column> {
        drawn(spans, view, width).0
    }

    fn drawn(
        spans: &[Span],
        view: Viewport,
        width: usize,
    ) -> (Vec<Column>, Vec<Option<LaneState>>) {
        let (mut columns, mut caps) = (Vec::new(), Vec::new());
        fill_columns(spans, &peaks(spans), view, width, &mut columns, &mut caps);
        (columns, caps)
    }

    const RUN: Column = Column::State(LaneState::Running);
    const BLOCK: Column = Column::State(LaneState::Blocked);

    #[test]
    fn spans_fill_their_columns_with_gaps_between() {
        let spans = [span(0, 40, LaneState::Running), span(40, 80, LaneState::Blocked)];
        let drawn = columns(&spans, Viewport { start: 0, span: 100 }, 10);
        let expected = [RUN, RUN, RUN, RUN, Column::Gap, BLOCK, BLOCK, BLOCK];
        assert_eq!(drawn[..8], expected);
        assert_eq!(drawn[8..], [Column::Empty, Column::Empty]);
    }

    #[test]
    fn many_short_spans_show_the_prevailing_state() {
        let spans: Vec<Span> = (0..1_000)
            .map(|n| {
                let state = if n % 2 == 0 { LaneState::Running } else { LaneState::Sleeping };
                span(n * 10, n * 10 + 10, state)
            })
            .collect();
        let drawn = columns(&spans, Viewport { start: 0, span: 10_000 }, 20);
        assert_eq!(drawn, [RUN; 20]);
    }

    #[test]
    fn one_short_wait_among_thousands_shows() {
        let spans: Vec<Span> = (0..10_000)
            .map(|n| {
                let state = if n == 7_777 { LaneState::Blocked } else { LaneState::Running };
                span(n * 10, n * 10 + 10, state)
            })
            .collect();
        let (columns, caps) = drawn(&spans, Viewport { start: 0, span: 100_000 }, 20);
        assert_eq!(columns, [RUN; 20]);
        let expected = (0..20).map(|x| (x == 15).then_some(LaneState::Blocked));
        assert_eq!(caps, expected.collect::<Vec<_>>());
    }

    #[test]
    fn window_inside_a_span_shows_it_without_gap() {
        let spans = [span(0, 1_000, LaneState::Running)];
        assert_eq!(columns(&spans, Viewport { start: 500, span: 10 }, 40), [RUN; 40]);
        assert_eq!(columns(&spans, Viewport { start: 1_000, span: 10 }, 4), [Column::Empty; 4]);
        assert_eq!(columns(&[], Viewport { start: 0, span: 10 }, 4), [Column::Empty; 4]);
    }

    #[test]
    fn future_is_faded_and_patterns_differ() {
        let mut frame = Frame::default();
        frame.reset(12, 12, (0, 0, 0));
        let spans = [span(0, 100, LaneState::BackOff(2))];
        let bar = Bar { top: 2, height: 8, future: 6, fade: Fade::Strong, scale: 1 };
        frame.lane(&spans, &peaks(&spans), Viewport { start: 0, span: 100 }, bar, Shade::Light);
        let row = &frame.pixels()[5 * 12..6 * 12];
        assert_ne!(row[0], row[2], "dots");
        assert_ne!(row[0], row[10], "the future");
        assert_eq!(frame.pixels()[0], pixel((0, 0, 0)), "rows outside stay");
    }

    /// In a frame of one color, too, each of them shows that it is none.
    #[test]
    fn every_pattern_is_seen_in_a_bar_and_in_a_strip_of_a_lock() {
        let shown = |state, height| {
            let mut frame = Frame::default();
            frame.reset(40, height, (0, 0, 0));
            let spans = [span(0, 100, state)];
            let bar = Bar { top: 0, height, future: 99, fade: Fade::Weak, scale: 1 };
            frame.lane(&spans, &peaks(&spans), Viewport { start: 0, span: 100 }, bar, Shade::Light);
            let first = frame.pixels()[0];
            frame.pixels().iter().filter(|pixel| **pixel != first).count()
        };
        assert_eq!(shown(LaneState::Running, 18), 0);
        for state in [
            LaneState::Reclaiming,
            LaneState::Reaping(1),
            LaneState::Exiting,
            LaneState::Killed,
            LaneState::Job,
            LaneState::Blocked,
        ] {
            assert!(shown(state, 18) > 40, "{state:?}");
        }
        for state in [LaneState::Held, LaneState::Contended, LaneState::Blocked] {
            assert!(shown(state, 5) > 15, "{state:?}");
        }
    }

    #[test]
    fn bar_below_the_frame_is_cut() {
        let mut frame = Frame::default();
        frame.reset(4, 4, (0, 0, 0));
        let bar = Bar { top: 3, height: 9, future: 9, fade: Fade::Weak, scale: 1 };
        frame.lane(&[], &peaks(&[]), Viewport { start: 0, span: 100 }, bar, Shade::Dark);
        frame.fill(2, 2, 99, 99, (1, 2, 3));
        assert_eq!(frame.pixels()[15], pixel((1, 2, 3)));
    }
}

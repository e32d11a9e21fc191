//! The legend of an image: every state, sign and line that is in it.

use std::fmt::Write as _;

use sim_core::analysis::{ArrowKind, LaneState, MarkKind};

use super::{WIDTH, hex, lanes, text};
use crate::state::Scene;
use crate::timeline::palette::{
    Pattern, Shade, VERMILION, arrow_look, arrow_name, look, mark_look,
};
use crate::words::t;

const ROW: f64 = 20.0;
const LEFT: f64 = 16.0;

/// Something that is explained.
#[derive(Copy, Clone, PartialEq)]
pub(super) enum Entry {
    Free,
    Watermarks,
    State(LaneState),
    Mark(MarkKind),
    Arrow(ArrowKind),
}

impl Entry {
    fn name(self) -> String {
        match self {
            Self::Free => t!("free memory").to_owned(),
            Self::Watermarks => t!("watermarks min, low, high").to_owned(),
            Self::State(state) => name_of(state),
            Self::Mark(kind) => mark_look(kind, Shade::Light).1.to_owned(),
            Self::Arrow(kind) => arrow_name(kind).to_owned(),
        }
    }
}

/// One for all attempts and back-offs, whatever their number.
pub(super) fn name_of(state: LaneState) -> String {
    match state {
        LaneState::Reaping(_) => t!("attempt of the reaper").to_owned(),
        LaneState::BackOff(_) => t!("back-off").to_owned(),
        state => state.name(),
    }
}

pub(super) fn pattern_id(state: LaneState) -> String {
    let id = match state {
        LaneState::Reaping(_) => "attempt".to_owned(),
        LaneState::BackOff(_) => "back-off".to_owned(),
        state => state.name().replace(' ', "-").to_ascii_lowercase(),
    };
    format!("p-{id}")
}

/// The states of some lanes and of the locks in them, each once.
pub(super) fn states<'s>(shown: impl Iterator<Item = (&'s Scene, &'s [usize])>) -> Vec<LaneState> {
    let mut found: Vec<LaneState> = Vec::new();
    for (scene, lanes) in shown {
        let stages = lanes.iter().filter_map(|lane| scene.stage.get(*lane));
        for state in stages.flat_map(|stage| &stage.states) {
            if !found.iter().any(|known| pattern_id(*known) == pattern_id(*state)) {
                found.push(*state);
            }
        }
    }
    found
}

/// What the states are filled with.
pub(super) fn patterns(out: &mut String, states: &[LaneState], shade: Shade) {
    out.push_str("<defs>");
    for state in states {
        let look = look(*state, shade);
        let (ink, ground) = (hex(look.color), hex(look.under));
        // One line or half a bar, however high that is.
        let of_bar = match look.pattern {
            Pattern::Line => Some((0.45, 0.1)),
            Pattern::Half => Some((0.5, 0.5)),
            Pattern::Foot => Some((0.0, 0.83)),
            _ => None,
        };
        if let Some((y, height)) = of_bar {
            let _ = write!(
                out,
                "<pattern id=\"{}\" width=\"1\" height=\"1\" patternContentUnits=\"objectBoundingBox\"><rect width=\"1\" height=\"1\" fill=\"{ground}\"/>\
                 <rect y=\"{y}\" width=\"1\" height=\"{height}\" fill=\"{ink}\"/></pattern>",
                pattern_id(*state)
            );
            continue;
        }
        // Little of one color in another one.
        let sparse = |path: &str| {
            format!(
                "<rect width=\"8\" height=\"8\" fill=\"{ink}\"/><path d=\"{path}\" stroke=\"{ground}\"/>"
            )
        };
        let inside = match look.pattern {
            Pattern::Solid => format!("<rect width=\"8\" height=\"8\" fill=\"{ink}\"/>"),
            Pattern::Hatch => format!(
                "<path d=\"M-2 10L10 -2M-2 2L2 -2M6 10L10 6\" stroke=\"{ink}\" stroke-width=\"2.4\"/>"
            ),
            Pattern::Dots => format!("<circle cx=\"4\" cy=\"4\" r=\"2\" fill=\"{ink}\"/>"),
            Pattern::Cross => {
                format!("<path d=\"M0 0L8 8M8 0L0 8\" stroke=\"{ink}\" stroke-width=\"1.6\"/>")
            }
            Pattern::BackHatch => format!(
                "<path d=\"M-2 -2L10 10M-2 6L2 10M6 -2L10 2\" stroke=\"{ink}\" stroke-width=\"2.4\"/>"
            ),
            Pattern::Rules => sparse("M0 2.5h8M0 6.5h8"),
            Pattern::Slashes => sparse("M0 0L8 8"),
            Pattern::Grains => sparse("M1 2h1.4M5 6h1.4"),
            Pattern::Bars => sparse("M4 0v8"),
            Pattern::Line | Pattern::Half | Pattern::Foot => String::new(),
        };
        let _ = write!(
            out,
            "<pattern id=\"{}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\"><rect width=\"8\" height=\"8\" fill=\"{ground}\"/>{inside}</pattern>",
            pattern_id(*state)
        );
    }
    out.push_str("</defs>");
}

/// Where each entry stands: from the left, and how far down from the first row.
pub(super) fn places(entries: &[Entry]) -> Vec<(f64, f64)> {
    let (mut x, mut down) = (LEFT, 0.0);
    let place = |entry: &Entry| {
        let width = 40.0 + entry.name().chars().count() as f64 * 7.2;
        if x > LEFT && x + width > WIDTH - LEFT {
            (x, down) = (LEFT, down + ROW);
        }
        let at = (x, down);
        x += width;
        at
    };
    entries.iter().map(place).collect()
}

pub(super) fn explain(out: &mut String, entry: Entry, (x, y): (f64, f64), shade: Shade) {
    let line = |color: &str, dash: &str| {
        format!(
            "<path d=\"M{x:.1} {:.1}h18\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\"{dash}/>",
            y - 4.0
        )
    };
    let broken = " stroke-dasharray=\"4 3\"";
    match entry {
        Entry::Free => out.push_str(&line(&hex(shade.accent()), "")),
        Entry::Watermarks => out.push_str(&line(&hex(VERMILION), broken)),
        Entry::Arrow(kind) => {
            let (color, dashed) = arrow_look(kind, shade);
            let color = hex(color);
            out.push_str(&line(&color, if dashed { broken } else { "" }));
            let _ = write!(
                out,
                "<path d=\"M{:.1} {:.1}v7l5 -3.5z\" fill=\"{color}\"/>",
                x + 16.0,
                y - 7.5
            );
        }
        Entry::Mark(kind) => lanes::badge(out, kind, (x + 9.0, y - 4.0), shade),
        Entry::State(state) => {
            let _ = write!(
                out,
                "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"18\" height=\"12\" fill=\"url(#{})\"/>",
                y - 10.0,
                pattern_id(state)
            );
        }
    }
    text(out, x + 24.0, y, "", &entry.name());
}

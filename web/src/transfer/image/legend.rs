//! The legend of an image: every state, sign and line that is in it.

use std::fmt::Write as _;

use sim_core::analysis::{ArrowKind, LaneState, MarkKind};
use sim_core::export::fill;

use super::{WIDTH, hex, lanes, text};
use crate::state::Scene;
use crate::timeline::palette::{Look, Shade, VERMILION, arrow_look, arrow_name, look, mark_look};
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
        let Look { color, pattern, under, .. } = look(*state, shade);
        // Writing to a String cannot fail.
        let _ = fill::svg(out, &pattern_id(*state), (color, pattern), (under, "1"));
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

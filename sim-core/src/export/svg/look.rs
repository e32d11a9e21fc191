//! How states and marks look in the picture: classes for their colors and patterns, which are those of
//! [`fill`](super::super::fill), on light and dark ground, and the legend.

use std::fmt::{self, Write as _};

use super::super::fill::{self, BLUE, Pattern};
use super::{BAR, xml};
use crate::analysis::{LaneState, MarkKind};

/// Kinds of states, in the order of the legend.
pub(super) const ALL: [LaneState; 14] = [
    LaneState::Running,
    LaneState::Runnable,
    LaneState::Reclaiming,
    LaneState::Sleeping,
    LaneState::Blocked,
    LaneState::Reaping(0),
    LaneState::BackOff(0),
    LaneState::Exiting,
    LaneState::Killed,
    LaneState::Job,
    LaneState::Callback,
    LaneState::CallbackBlocked,
    LaneState::Held,
    LaneState::Contended,
];

/// Class of a state's bars, and what the legend says.
fn names(state: LaneState) -> (&'static str, &'static str) {
    match state {
        LaneState::Running => ("running", "running"),
        LaneState::Runnable => ("runnable", "waits for a CPU"),
        LaneState::Reclaiming => ("reclaiming", "direct reclaim"),
        LaneState::Sleeping => ("sleeping", "asleep"),
        LaneState::Blocked => ("blocked", "blocked"),
        LaneState::Reaping(_) => ("reaping", "reaping attempt"),
        LaneState::BackOff(_) => ("back-off", "back-off"),
        LaneState::Exiting => ("exiting", "tearing down"),
        LaneState::Killed => ("killed", "killed"),
        LaneState::Job => ("job", "job"),
        LaneState::Callback => ("callback", "callback"),
        LaneState::CallbackBlocked => ("callback-blocked", "callback blocked"),
        LaneState::Held => ("held", "lock held"),
        LaneState::Contended => ("contended", "lock contended"),
    }
}

/// Class of a state's bars.
pub(super) fn class(state: LaneState) -> &'static str {
    names(state).0
}

/// Class of text on them.
pub(super) fn text_class(state: LaneState) -> &'static str {
    match fill::of(state) {
        (color, pattern) if pattern.is_sparse() && color == BLUE => "white",
        (_, pattern) if pattern.is_sparse() || pattern == Pattern::Solid => "black",
        _ => "ink",
    }
}

/// Styles and patterns.
pub(super) fn style() -> String {
    let mut style = String::from(
        "<style>
.reaperscope text{font:11px system-ui,sans-serif;fill:#16181d}
.reaperscope .title{font-size:16px;font-weight:600}
.reaperscope .run{font-size:13px;font-weight:600}
.reaperscope .faint{fill:#555c68}
.reaperscope .end{text-anchor:end}
.reaperscope .link{font-family:ui-monospace,monospace;font-size:10px;fill:#005f96}
.reaperscope .black{fill:#16181d}.reaperscope .white{fill:#fff}
.reaperscope .on.ink{paint-order:stroke;stroke:#fff;stroke-width:3px}
.reaperscope .mark{font-size:9px;text-anchor:middle}
.reaperscope .bad{fill:#a84300}
.reaperscope .ground{fill:#fff}.reaperscope .track{fill:#f1f3f6}
.reaperscope .tick{stroke:#858c98}.reaperscope .free{fill:#0072b2;fill-opacity:.35}
.reaperscope .mark-line{stroke:#858c98;stroke-dasharray:4 3;fill:none}
.reaperscope .kill,.reaperscope .refusal{stroke:#d55e00;stroke-width:1.5;fill:none}
.reaperscope .refusal{stroke-dasharray:3 2}
.reaperscope .tip{fill:#d55e00}
.reaperscope .parts{stroke:#16181d;stroke-width:1.5;stroke-dasharray:6 3}
.reaperscope .curve{stroke:#0072b2;stroke-width:1.5;fill:none}.reaperscope .band{fill:#0072b2;fill-opacity:.2}
",
    );
    let mut patterns = String::new();
    for state in ALL {
        let (class, (color, pattern)) = (class(state), fill::of(state));
        // The ground may be light or dark.
        let under = match pattern {
            Pattern::Solid => (color, "1"),
            _ if pattern.is_sparse() => (fill::grain(color), "1"),
            Pattern::Line | Pattern::Half => (color, "0"),
            _ => (color, ".3"),
        };
        // Writing to a String cannot fail.
        let _: fmt::Result = if pattern == Pattern::Solid {
            writeln!(style, ".reaperscope .{class}{{fill:{}}}", fill::hex(color))
        } else {
            writeln!(style, ".reaperscope .{class}{{fill:url(#{class})}}")
                .and_then(|()| fill::svg(&mut patterns, class, (color, pattern), under))
                .and_then(|()| writeln!(patterns))
        };
    }
    style.push_str(
        "@media (prefers-color-scheme:dark){
.reaperscope text,.reaperscope .ink{fill:#e8eaed}
.reaperscope .faint{fill:#a4acb9}.reaperscope .link{fill:#6cc1f0}.reaperscope .bad{fill:#ff9a57}
.reaperscope .black{fill:#16181d}.reaperscope .white{fill:#fff}
.reaperscope .on.ink{stroke:#14171c}
.reaperscope .ground{fill:#14171c}.reaperscope .track{fill:#1f232b}
.reaperscope .parts{stroke:#e8eaed}.reaperscope .curve{stroke:#56b4e9}
}
</style>
",
    );
    format!(
        "{style}<defs>\n<marker id=\"tip\" markerWidth=\"6\" markerHeight=\"6\" refX=\"5\" \
         refY=\"3\" orient=\"auto\"><path class=\"tip\" d=\"M0 0L6 3L0 6z\"/></marker>\n\
         {patterns}</defs>\n"
    )
}

/// What the patterns that were used mean; where the next thing begins.
pub(super) fn legend(out: &mut String, used: &[&str], y: u64) -> Result<u64, fmt::Error> {
    let mut x = 16;
    let mut y = y;
    for (class, words) in ALL.map(names).into_iter().filter(|(class, _)| used.contains(class)) {
        let width = 40 + 7 * u64::try_from(words.len()).unwrap_or(0);
        if x + width > super::WIDTH {
            (x, y) = (16, y + PITCH_LEGEND);
        }
        writeln!(
            out,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"22\" height=\"{BAR}\"/>"
        )?;
        xml::text(out, x + 28, y + 11, "name", words)?;
        x += width;
    }
    y += PITCH_LEGEND;
    let marks = MARKS.map(|kind| {
        let (glyph, _) = glyph(kind);
        format!("{glyph} {}", crate::export::mark_name(kind))
    });
    xml::text(out, 16, y + 12, "faint", &marks.join("    "))?;
    Ok(y + PITCH_LEGEND)
}

/// Height of a line of the legend.
const PITCH_LEGEND: u64 = 20;

/// Marks, in the order of the legend.
const MARKS: [MarkKind; 10] = [
    MarkKind::Kill,
    MarkKind::WakeReaper,
    MarkKind::AttemptStart,
    MarkKind::AttemptSkipped,
    MarkKind::Refusal,
    MarkKind::Reaped,
    MarkKind::GiveUp,
    MarkKind::SkipSet,
    MarkKind::Exit,
    MarkKind::Ready,
];

/// A mark's glyph, and whether it is bad news.
pub(super) fn glyph(kind: MarkKind) -> (char, bool) {
    match kind {
        MarkKind::Kill => ('✕', true),
        MarkKind::WakeReaper => ('▾', false),
        MarkKind::AttemptStart => ('▸', false),
        MarkKind::AttemptSkipped => ('↷', false),
        MarkKind::Refusal => ('⊘', true),
        MarkKind::Reaped => ('✓', false),
        MarkKind::GiveUp => ('■', true),
        MarkKind::SkipSet => ('S', false),
        MarkKind::Exit => ('◂', false),
        MarkKind::Ready => ('•', false),
    }
}

//! How states and marks look: one hue per meaning, and a pattern
//! wherever the hue alone would carry it. The hues are Okabe and Ito's,
//! told apart with any color vision; they mean what they mean on the page.

use std::fmt::{self, Write as _};

use super::{BAR, xml};
use crate::analysis::{LaneState, MarkKind};

/// A kind of state, as it is drawn.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Look {
    Running,
    Runnable,
    Reclaiming,
    Sleeping,
    Blocked,
    Reaping,
    BackOff,
    Exiting,
    Killed,
    Job,
    Callback,
    CallbackBlocked,
    Held,
    Contended,
}

/// What a fill is made of.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
enum Pattern {
    Solid,
    Hatch,
    Dots,
    Cross,
    Line,
    Half,
}

const ALL: [Look; 14] = [
    Look::Running,
    Look::Runnable,
    Look::Reclaiming,
    Look::Sleeping,
    Look::Blocked,
    Look::Reaping,
    Look::BackOff,
    Look::Exiting,
    Look::Killed,
    Look::Job,
    Look::Callback,
    Look::CallbackBlocked,
    Look::Held,
    Look::Contended,
];

impl Look {
    /// Of a state.
    pub(super) fn of(state: LaneState) -> Self {
        match state {
            LaneState::Running => Self::Running,
            LaneState::Runnable => Self::Runnable,
            LaneState::Reclaiming => Self::Reclaiming,
            LaneState::Sleeping => Self::Sleeping,
            LaneState::Blocked => Self::Blocked,
            LaneState::Reaping(_) => Self::Reaping,
            LaneState::BackOff(_) => Self::BackOff,
            LaneState::Exiting => Self::Exiting,
            LaneState::Killed => Self::Killed,
            LaneState::Job => Self::Job,
            LaneState::Callback => Self::Callback,
            LaneState::CallbackBlocked => Self::CallbackBlocked,
            LaneState::Held => Self::Held,
            LaneState::Contended => Self::Contended,
        }
    }

    /// Class, color, pattern, and what the legend says.
    fn parts(self) -> (&'static str, &'static str, Pattern, &'static str) {
        match self {
            Self::Running => ("running", "#009e73", Pattern::Solid, "running"),
            Self::Runnable => ("runnable", "#009e73", Pattern::Half, "waits for a CPU"),
            Self::Reclaiming => ("reclaiming", "#e69f00", Pattern::Solid, "direct reclaim"),
            Self::Sleeping => ("sleeping", "#999999", Pattern::Line, "asleep"),
            Self::Blocked => ("blocked", "#d55e00", Pattern::Hatch, "blocked"),
            Self::Reaping => ("reaping", "#0072b2", Pattern::Solid, "reaping attempt"),
            Self::BackOff => ("back-off", "#56b4e9", Pattern::Dots, "back-off"),
            Self::Exiting => ("exiting", "#cc79a7", Pattern::Solid, "tearing down"),
            Self::Killed => ("killed", "#cc79a7", Pattern::Cross, "killed"),
            Self::Job => ("job", "#f5c710", Pattern::Solid, "job"),
            Self::Callback => ("callback", "#0072b2", Pattern::Solid, "callback"),
            Self::CallbackBlocked => {
                ("callback-blocked", "#d55e00", Pattern::Hatch, "callback blocked")
            }
            Self::Held => ("held", "#999999", Pattern::Solid, "lock held"),
            Self::Contended => ("contended", "#e69f00", Pattern::Hatch, "lock contended"),
        }
    }

    /// Class of its bars.
    pub(super) fn class(self) -> &'static str {
        self.parts().0
    }

    /// Class of text on them.
    pub(super) fn text_class(self) -> &'static str {
        match (self.parts().2, self) {
            (Pattern::Solid, Self::Reaping | Self::Callback) => "white",
            (Pattern::Solid, _) => "black",
            _ => "ink",
        }
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
    for look in ALL {
        let (class, color, pattern, _) = look.parts();
        let fill =
            if pattern == Pattern::Solid { color.to_owned() } else { format!("url(#{class})") };
        // Writing to a String cannot fail.
        let _: fmt::Result = writeln!(style, ".reaperscope .{class}{{fill:{fill}}}");
        let _: fmt::Result = write_pattern(&mut patterns, class, color, pattern);
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

fn write_pattern(out: &mut String, class: &str, color: &str, pattern: Pattern) -> fmt::Result {
    let (size, under, path) = match pattern {
        Pattern::Solid => return Ok(()),
        Pattern::Hatch => {
            (6, ".3", "<path d=\"M-1 7L7 -1M-1 1L1 -1M5 7L7 5\" stroke-width=\"2\"/>")
        }
        Pattern::Dots => (6, ".3", "<circle cx=\"3\" cy=\"3\" r=\"1.6\" stroke=\"none\"/>"),
        Pattern::Cross => (7, ".3", "<path d=\"M0 0L7 7M7 0L0 7\"/>"),
        Pattern::Line => (BAR, "0", "<path d=\"M0 7.5H15\"/>"),
        Pattern::Half => (BAR, "0", "<path stroke=\"none\" d=\"M0 8h15v7h-15z\"/>"),
    };
    // Tiles of a row's height would begin anywhere in it; those are boxes of the bar instead.
    let units = if size == BAR { "objectBoundingBox" } else { "userSpaceOnUse" };
    let tile = if size == BAR {
        "width=\"1\" height=\"1\" viewBox=\"0 0 15 15\" preserveAspectRatio=\"none\"".to_owned()
    } else {
        format!("width=\"{size}\" height=\"{size}\"")
    };
    writeln!(
        out,
        "<pattern id=\"{class}\" patternUnits=\"{units}\" {tile} stroke=\"{color}\" \
         fill=\"{color}\"><rect width=\"{size}\" height=\"{size}\" fill-opacity=\"{under}\" \
         stroke=\"none\"/>{path}</pattern>"
    )
}

/// What the patterns that were used mean; where the next thing begins.
pub(super) fn legend(out: &mut String, used: &[Look], y: u64) -> Result<u64, fmt::Error> {
    let mut x = 16;
    let mut y = y;
    for look in ALL.iter().filter(|look| used.contains(look)) {
        let (class, _, _, words) = look.parts();
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

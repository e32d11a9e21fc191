//! What the page is drawn with: colors of light, dark and forced grounds, and the looks of states, marks and
//! arrows on them. Which hue and pattern a state has is the simulator's to say
//! ([`fill`](sim_core::export::fill)), whose pictures have them, too.

use sim_core::analysis::{ArrowKind, LaneState, MarkKind};
pub use sim_core::export::fill::{
    AMBER, BLUE, GRAY, GREEN, ORANGE, PURPLE, Pattern, Rgb, SKY, VERMILION, hex as css,
};
use sim_core::export::fill::{BLACK, WHITE, grain, of};

use crate::words::t;

/// Whether the page is light or dark.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Shade {
    Light,
    Dark,
    /// The system's colors, which a user of forced colors has chosen.
    Forced {
        ground: Rgb,
        ink: Rgb,
    },
}

impl Shade {
    /// What lanes are drawn on.
    pub fn track(self) -> Rgb {
        match self {
            Self::Light => (0xf1, 0xf3, 0xf6),
            Self::Dark => (0x1f, 0x23, 0x2b),
            Self::Forced { ground, ink } => mixed(ink, ground, 0.08),
        }
    }

    /// The page itself: gaps between spans and between lanes.
    pub fn ground(self) -> Rgb {
        match self {
            Self::Light => WHITE,
            Self::Dark => (0x14, 0x17, 0x1c),
            Self::Forced { ground, .. } => ground,
        }
    }

    /// Text and rules.
    pub fn ink(self) -> Rgb {
        match self {
            Self::Light => BLACK,
            Self::Dark => (0xe8, 0xea, 0xed),
            Self::Forced { ink, .. } => ink,
        }
    }

    /// Small print.
    pub fn faint_ink(self) -> Rgb {
        match self {
            Self::Light => (0x55, 0x5c, 0x68),
            Self::Dark => (0xa4, 0xac, 0xb9),
            Self::Forced { ink, .. } => ink,
        }
    }

    /// Arrows of locks: orange, dark enough for a thin line.
    fn lock_ink(self) -> Rgb {
        match self {
            Self::Light => (0x9a, 0x68, 0x00),
            Self::Dark => ORANGE,
            Self::Forced { ink, .. } => ink,
        }
    }

    /// Arrows of calls, and what is selected.
    pub fn accent(self) -> Rgb {
        match self {
            Self::Light => BLUE,
            Self::Dark => SKY,
            Self::Forced { ink, .. } => ink,
        }
    }

    /// Where runs part; as `--bad` of the style sheet.
    pub fn bad(self) -> Rgb {
        match self {
            Self::Light => (0xa8, 0x43, 0x00),
            Self::Dark => (0xff, 0x9a, 0x57),
            Self::Forced { ink, .. } => ink,
        }
    }
}

/// A color as the browser computes it: `rgb(0, 0, 0)`.
pub fn from_css(text: &str) -> Option<Rgb> {
    let inner = text.trim().strip_prefix("rgb")?.trim_start_matches('a');
    let inner = inner.strip_prefix('(')?.strip_suffix(')')?;
    let mut parts = inner.split(',').map(|part| part.trim().parse::<u8>());
    Some((parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?))
}

/// How a state looks.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Look {
    /// Its main color.
    pub color: Rgb,
    /// What the pattern leaves free.
    pub under: Rgb,
    /// Its pattern.
    pub pattern: Pattern,
    /// Text on it, at least 4.5:1 on its ground.
    pub text: Rgb,
    /// What text stands on.
    pub ground: Rgb,
}

/// The look of a state.
pub fn look(state: LaneState, shade: Shade) -> Look {
    let (color, pattern) = of(state);
    let under = match pattern {
        Pattern::Solid => color,
        _ if pattern.is_sparse() => grain(color),
        Pattern::Line | Pattern::Half => shade.track(),
        _ => mixed(color, shade.ground(), 0.30),
    };
    let is_full = pattern == Pattern::Solid || pattern.is_sparse();
    let text = match is_full {
        true if color == BLUE => WHITE,
        true => BLACK,
        false => shade.ink(),
    };
    Look { color, under, pattern, text, ground: if is_full { color } else { under } }
}

/// `share` of `color` over `ground`.
pub fn mixed(color: Rgb, ground: Rgb, share: f64) -> Rgb {
    let mix = |top: u8, bottom: u8| {
        (f64::from(top) * share + f64::from(bottom) * (1.0 - share)).round() as u8
    };
    (mix(color.0, ground.0), mix(color.1, ground.1), mix(color.2, ground.2))
}

/// A state's name without the number of an attempt.
pub fn state_kind_name(state: LaneState) -> String {
    match state {
        LaneState::Reaping(_) => t!("attempts").into(),
        LaneState::BackOff(_) => t!("back-offs").into(),
        other => other.name(),
    }
}

/// A mark's glyph, name and color.
pub fn mark_look(kind: MarkKind, shade: Shade) -> (char, &'static str, Rgb) {
    match kind {
        MarkKind::Kill => ('✕', t!("killed"), VERMILION),
        MarkKind::WakeReaper => ('▾', t!("reaper woken"), shade.ink()),
        MarkKind::AttemptStart => ('▸', t!("attempt began"), shade.ink()),
        MarkKind::AttemptSkipped => ('↷', t!("attempt skipped"), shade.ink()),
        MarkKind::Refusal => ('⊘', t!("callback refused"), VERMILION),
        MarkKind::Reaped => ('✓', t!("reaped"), shade.ink()),
        MarkKind::GiveUp => ('■', t!("gave up"), VERMILION),
        MarkKind::SkipSet => ('S', t!("MMF_OOM_SKIP set"), shade.ink()),
        MarkKind::Exit => ('◂', t!("exited"), shade.ink()),
        MarkKind::Ready => ('•', t!("ready"), shade.ink()),
    }
}

/// Whether a mark is drawn with its sign: the number in a span says which attempt began.
pub fn is_sign(kind: MarkKind) -> bool {
    mark_weight(kind) > 1
}

/// Which of several marks in one place shows: the heaviest.
pub fn mark_weight(kind: MarkKind) -> u8 {
    match kind {
        MarkKind::Kill => 5,
        MarkKind::GiveUp => 4,
        MarkKind::Refusal | MarkKind::AttemptSkipped => 3,
        MarkKind::Reaped | MarkKind::SkipSet | MarkKind::Exit => 2,
        MarkKind::AttemptStart | MarkKind::WakeReaper => 1,
        MarkKind::Ready => 0,
    }
}

/// An arrow's color and whether it is dashed.
pub fn arrow_look(kind: ArrowKind, shade: Shade) -> (Rgb, bool) {
    match kind {
        ArrowKind::Kill => (VERMILION, false),
        ArrowKind::Refusal => (VERMILION, true),
        ArrowKind::HandOver => (shade.lock_ink(), false),
        ArrowKind::Call => (shade.accent(), false),
        ArrowKind::WakeUp => (shade.faint_ink(), true),
    }
}

/// An arrow's name.
pub fn arrow_name(kind: ArrowKind) -> &'static str {
    match kind {
        ArrowKind::Kill => t!("kill"),
        ArrowKind::Refusal => t!("refusal"),
        ArrowKind::HandOver => t!("lock handed over"),
        ArrowKind::Call => t!("call"),
        ArrowKind::WakeUp => t!("wake-up"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [LaneState; 14] = [
        LaneState::Running,
        LaneState::Runnable,
        LaneState::Reclaiming,
        LaneState::Sleeping,
        LaneState::Blocked,
        LaneState::Reaping(1),
        LaneState::BackOff(1),
        LaneState::Exiting,
        LaneState::Killed,
        LaneState::Job,
        LaneState::Callback,
        LaneState::CallbackBlocked,
        LaneState::Held,
        LaneState::Contended,
    ];

    fn luminance((red, green, blue): Rgb) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { libm_pow((value + 0.055) / 1.055) }
        };
        0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue)
    }

    // x^2.4 by square roots: close enough for a contrast ratio.
    fn libm_pow(x: f64) -> f64 {
        let fifth_root = (0..60).fold(x, |root, _| {
            let fourth = root * root * root * root;
            root - (fourth * root - x) / (5.0 * fourth)
        });
        x * x * fifth_root * fifth_root
    }

    fn contrast(one: Rgb, other: Rgb) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn text_on_fills_is_readable() {
        let forced = |ground, ink| Shade::Forced { ground, ink };
        let (black, white) = ((0, 0, 0), (255, 255, 255));
        let forced =
            [forced(black, white), forced(white, black), forced((0x2d, 0x32, 0x36), white)];
        for shade in [Shade::Light, Shade::Dark].into_iter().chain(forced) {
            for state in STATES {
                let look = look(state, shade);
                let ratio = contrast(look.text, look.ground);
                assert!(ratio >= 4.5, "{state:?} in {shade:?}: {ratio:.1}");
            }
            assert!(contrast(shade.faint_ink(), shade.ground()) >= 4.5);
        }
    }

    #[test]
    fn computed_colors_are_read() {
        assert_eq!(from_css("rgb(45, 50, 54)"), Some((45, 50, 54)));
        assert_eq!(from_css("rgba(0, 0, 0, 0.5)"), Some((0, 0, 0)));
        assert_eq!(from_css("Canvas"), None);
        assert_eq!(from_css("rgb(1, 2)"), None);
    }

    /// Whoever tells no colors apart tells the states apart: but for a device's callback, which
    /// does what it is called for, or waits as any task does.
    #[test]
    fn states_differ_by_pattern_too() {
        let meaning = |state| match state {
            LaneState::Callback => LaneState::Reaping(1),
            LaneState::CallbackBlocked => LaneState::Blocked,
            other => other,
        };
        for shade in [Shade::Light, Shade::Dark] {
            for (one, other) in STATES.iter().flat_map(|one| STATES.map(|other| (*one, other))) {
                let same = look(one, shade).pattern == look(other, shade).pattern;
                assert_eq!(same, meaning(one) == meaning(other), "{one:?}, {other:?}");
            }
            let textures = STATES.map(|state| look(state, shade));
            for it in textures.iter().filter(|it| it.pattern != Pattern::Solid) {
                assert!(contrast(it.color, it.under) >= 1.5, "{it:?} is seen");
            }
        }
    }
}

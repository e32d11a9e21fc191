//! What states of lanes are filled with, on the page, in its images and in the pictures of the command
//! line: one hue per meaning, and a pattern, so that no state is told by its color alone.
//!
//! The hues are Okabe and Ito's, told apart with any color vision: vermilion hatch waits for somebody,
//! sky dots back off, purple is dying, blue takes memory away, green runs. Leaves out how a screen
//! paints a pattern: there it is pixels.

use std::fmt::{self, Write as _};

use crate::analysis::LaneState;

/// 8-bit red, green, blue.
pub type Rgb = (u8, u8, u8);

/// Direct reclaim, and locks that others wait for.
pub const ORANGE: Rgb = (0xe6, 0x9f, 0x00);
/// Back-offs.
pub const SKY: Rgb = (0x56, 0xb4, 0xe9);
/// What runs, or is ready to.
pub const GREEN: Rgb = (0x00, 0x9e, 0x73);
/// Jobs of devices; Okabe and Ito's yellow is too light on white.
pub const AMBER: Rgb = (0xf5, 0xc7, 0x10);
/// What takes memory away.
pub const BLUE: Rgb = (0x00, 0x72, 0xb2);
/// What waits for somebody.
pub const VERMILION: Rgb = (0xd5, 0x5e, 0x00);
/// What dies.
pub const PURPLE: Rgb = (0xcc, 0x79, 0xa7);
/// What rests, and locks that are held.
pub const GRAY: Rgb = (0x99, 0x99, 0x99);
/// Text on a light ground.
pub const BLACK: Rgb = (0x16, 0x18, 0x1d);
/// Text on a dark ground.
pub const WHITE: Rgb = (0xff, 0xff, 0xff);

/// What a fill is made of besides its color.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Pattern {
    /// One color.
    Solid,
    /// Diagonal stripes: waits for somebody.
    Hatch,
    /// Dots: backs off.
    Dots,
    /// Crossed diagonals: killed.
    Cross,
    /// A thin line in the middle: at rest.
    Line,
    /// The lower half: ready, but not served.
    Half,
    /// Diagonal stripes the other way: others wait for it.
    BackHatch,
    /// A few lines along: looks for memory to take.
    Rules,
    /// An edge below: takes memory away.
    Foot,
    /// A few diagonals: takes itself down.
    Slashes,
    /// A few dots: a device's job.
    Grains,
    /// A few lines across: a lock is held.
    Bars,
}

impl Pattern {
    /// Whether it is one color with a little of another in it, for states that need no attention.
    pub fn is_sparse(self) -> bool {
        matches!(self, Self::Rules | Self::Foot | Self::Slashes | Self::Grains | Self::Bars)
    }
}

/// The color and the pattern of a state.
pub fn of(state: LaneState) -> (Rgb, Pattern) {
    match state {
        LaneState::Running => (GREEN, Pattern::Solid),
        LaneState::Runnable => (GREEN, Pattern::Half),
        LaneState::Reclaiming => (ORANGE, Pattern::Rules),
        LaneState::Sleeping => (GRAY, Pattern::Line),
        LaneState::Blocked | LaneState::CallbackBlocked => (VERMILION, Pattern::Hatch),
        LaneState::Reaping(_) | LaneState::Callback => (BLUE, Pattern::Foot),
        LaneState::BackOff(_) => (SKY, Pattern::Dots),
        LaneState::Exiting => (PURPLE, Pattern::Slashes),
        LaneState::Killed => (PURPLE, Pattern::Cross),
        LaneState::Job => (AMBER, Pattern::Grains),
        LaneState::Held => (GRAY, Pattern::Bars),
        LaneState::Contended => (ORANGE, Pattern::BackHatch),
    }
}

/// The other color of a sparse pattern, on whatever ground: lighter in the darkest one.
pub fn grain(color: Rgb) -> Rgb {
    if color == BLUE { mixed(color, WHITE, 50) } else { mixed(color, BLACK, 65) }
}

/// So many hundredths of `color`, the rest of `ground`.
fn mixed(color: Rgb, ground: Rgb, share: u16) -> Rgb {
    let mix = |top: u8, bottom: u8| {
        let hundred = u16::from(top) * share + u16::from(bottom) * (100 - share);
        u8::try_from((hundred + 50) / 100).unwrap_or(u8::MAX)
    };
    (mix(color.0, ground.0), mix(color.1, ground.1), mix(color.2, ground.2))
}

/// As CSS and SVG write it: `#e69f00`.
pub fn hex((red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// Writes an SVG pattern under this id. `under` is what the ink leaves free, and how opaque that is:
/// `1`, `.3`, `0`.
///
/// # Errors
/// Where `out` refuses text.
pub fn svg(
    out: &mut String,
    id: &str,
    (color, pattern): (Rgb, Pattern),
    (under, opacity): (Rgb, &str),
) -> fmt::Result {
    let (ink, ground) = (hex(color), hex(under));
    let opacity =
        if opacity == "1" { String::new() } else { format!(" fill-opacity=\"{opacity}\"") };
    // One line or a part of a bar, however high that is.
    let of_bar = match pattern {
        Pattern::Line => Some(("0.45", "0.1")),
        Pattern::Half => Some(("0.5", "0.5")),
        Pattern::Foot => Some(("0", "0.83")),
        _ => None,
    };
    if let Some((y, height)) = of_bar {
        return write!(
            out,
            "<pattern id=\"{id}\" width=\"1\" height=\"1\" patternContentUnits=\"objectBoundingBox\">\
             <rect width=\"1\" height=\"1\" fill=\"{ground}\"{opacity}/>\
             <rect y=\"{y}\" width=\"1\" height=\"{height}\" fill=\"{ink}\"/></pattern>"
        );
    }
    let stripes = |path: &str, width: &str| {
        format!("<path d=\"{path}\" stroke=\"{ink}\" stroke-width=\"{width}\"/>")
    };
    let whole = format!("<rect width=\"8\" height=\"8\" fill=\"{ink}\"/>");
    // Little of one color in another one.
    let sparse = |path: &str| format!("{whole}<path d=\"{path}\" stroke=\"{ground}\"/>");
    let inside = match pattern {
        Pattern::Solid | Pattern::Line | Pattern::Half | Pattern::Foot => whole,
        Pattern::Hatch => stripes("M-2 10L10 -2M-2 2L2 -2M6 10L10 6", "2.4"),
        Pattern::Dots => format!("<circle cx=\"4\" cy=\"4\" r=\"2\" fill=\"{ink}\"/>"),
        Pattern::Cross => stripes("M0 0L8 8M8 0L0 8", "1.6"),
        Pattern::BackHatch => stripes("M-2 -2L10 10M-2 6L2 10M6 -2L10 2", "2.4"),
        Pattern::Rules => sparse("M0 2.5h8M0 6.5h8"),
        Pattern::Slashes => sparse("M0 0L8 8"),
        Pattern::Grains => sparse("M1 2h1.4M5 6h1.4"),
        Pattern::Bars => sparse("M4 0v8"),
    };
    write!(
        out,
        "<pattern id=\"{id}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\">\
         <rect width=\"8\" height=\"8\" fill=\"{ground}\"{opacity}/>{inside}</pattern>"
    )
}

//! What comes in and goes out as files: recordings of real kernels,
//! scenarios, lessons and saved runs; runs in the formats of other tools, images.
//! All of it stays on this machine.

pub mod download;
pub mod drop;
pub mod export_dialog;
pub mod files;
pub mod image;
pub mod import_dialog;
pub mod overlay;
pub mod print;
pub mod qr;
pub mod strip;

use sim_core::import::{Note, Story};
use sim_core::lesson::Lesson;

use crate::route::Route;
use crate::shared::Shared;

/// What was read of files that somebody brought.
#[expect(clippy::large_enum_variant, reason = "one at a time")]
pub enum Received {
    Capture(Capture),
    /// The text of a scenario that is right.
    Scenario(String),
    Lesson(Shared<Lesson>),
    /// What a run that was saved as JSON was made from.
    Run(Route),
    /// Nothing could be made of them; why.
    Nothing(String),
}

/// A recording of a real kernel.
pub struct Capture {
    /// Names of its files.
    pub name: String,
    /// A scenario that replays it.
    pub toml: String,
    /// How that came about.
    pub notes: Vec<Note>,
    /// What the recording tells.
    pub story: Story,
    /// Who is killed, in order; a log may tell no more than that.
    pub killed: Vec<String>,
}

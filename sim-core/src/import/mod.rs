//! Text that a kernel (or a run) wrote, read back: ftrace, the kernel
//! log, and the story that both tell of an OOM incident.
//!
//! One reader for recordings and runs, so that comparing the two
//! compares what happened and not two parsers. Turning a recording into
//! a scenario is not here.

mod counters;
mod dmesg;
mod ftrace;
mod keys;
mod log_lines;
mod story;
mod teller;

pub use dmesg::{LogLine, LogText, parse_dmesg};
pub use ftrace::{FtraceText, NotFtrace, TraceLine, parse_ftrace};
pub use story::{
    Attempt, Counters, CountersAt, Hang, KeyEvent, KeyKind, Process, Story, VictimStory,
};
pub use teller::{clock_offset, story};

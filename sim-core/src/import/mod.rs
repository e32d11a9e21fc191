//! Text that a kernel (or a run) wrote, read back: ftrace, the kernel
//! log, and the story that both tell of an OOM incident; and a scenario
//! that replays it ([`import`]).
//!
//! One reader for recordings and runs, so that comparing the two
//! compares what happened and not two parsers.

mod capture;
mod charset;
mod constraint;
mod counters;
mod cut;
mod dmesg;
mod frame;
mod ftrace;
mod journal_fields;
mod json;
mod keys;
mod killed;
mod log_lines;
mod logcat;
mod machine_seen;
mod made;
mod memory_seen;
mod nobody;
mod oom_facts;
mod oom_report;
mod perf;
mod plain;
mod pressure;
mod sacrificed;
mod story;
mod teller;
mod timeline;
mod to_scenario;
mod victims;
mod wrapped;
mod write_scenario;

pub use capture::{CaptureFile, NotACapture};
pub use charset::{NoText, text_of_bytes};
pub use cut::cut_off;
pub use dmesg::{LogLine, LogText, parse_dmesg};
pub use ftrace::{FtraceText, NotFtrace, TraceLine, parse_ftrace};
pub use story::{
    Attempt, Counters, CountersAt, Hang, KeyEvent, KeyKind, MemorySeen, Process, Story, VictimStory,
};
pub use teller::{clock_offset, story};
pub use to_scenario::{Imported, Note, NoteKind, import, import_noted};

//! A run as other tools read it: ftrace text and trace-cmd's file, the kernel
//! log, `/proc/pressure/memory`, Chrome's trace events, CSV; the wait-for graph of
//! an instant as Graphviz text; as a picture; and a scenario as the file it
//! could have been read from.
//!
//! Real tracepoints and log lines are printed exactly as the kernel
//! prints them; what the kernel has no word for is a `sim:` event, so
//! that nobody takes it for the kernel's. Nothing here runs or judges.

mod chrome;
mod csv;
mod dmesg;
pub mod document;
mod dot;
pub mod fill;
mod ftrace;
mod gfp;
mod json;
mod lines;
mod pressure;
mod rows;
mod scenario;
mod sched;
mod sim_lines;
mod state;
pub mod svg;
mod trace_dat;
mod tracepoint;
mod words;

#[cfg(test)]
mod tests;

pub use chrome::chrome;
pub use csv::csv;
pub use dmesg::{dmesg, lockdep};
pub use dot::dot;
pub use ftrace::ftrace;
pub use pressure::pressure;
pub use scenario::scenario;
pub use trace_dat::trace_dat;
use words::mark_name;

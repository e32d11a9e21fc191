//! A run as text that other tools read: ftrace, the kernel log, and
//! `/proc/pressure/memory`.
//!
//! Real tracepoints and log lines are printed exactly as the kernel
//! prints them; what the kernel has no word for is a `sim:` event, so
//! that nobody takes it for the kernel's. Nothing here runs or judges.

mod dmesg;
mod ftrace;
mod gfp;
mod lines;
mod pressure;
mod sim_lines;
mod state;

#[cfg(test)]
mod tests;

pub use dmesg::dmesg;
pub use ftrace::ftrace;
pub use pressure::pressure;

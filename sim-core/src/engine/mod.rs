//! The discrete-event engine: a clock, an event list, processes that
//! are coroutines, and what they can wait for.
//!
//! A *process* is an `async` block. It runs until it awaits one of the
//! primitives here (a sleep, a lock, a queue, CPU time); the only thing
//! that ever resumes it is an event taken from the [`EventList`], so a
//! run is a function of its inputs alone. Simulated time passes only
//! inside these awaits.
//!
//! Left out on purpose: what the processes mean. Nothing here knows of
//! any operating system; names and reasons pass through as numbers.

mod action;
mod core;
mod cpu;
pub mod event_list;
mod executor;
mod interfere;
mod lock;
#[cfg(feature = "op-log")]
pub mod op_log;
mod pressure;
mod queue;
mod run_queue;
mod stack;

pub use self::core::{Engine, EngineEvent, Limits, Observer, Signals, WaitOn, Waited, Why};
pub use cpu::Cpus;
pub use event_list::{Class, EventKey, EventList, Ties};
pub use executor::{Executor, Needs, Progress, Stop};
pub use interfere::Shift;
pub use lock::Hold;
pub use pressure::{Load, Pressure};
pub use run_queue::Share;
pub use stack::Frame;

#[cfg(test)]
mod tests;

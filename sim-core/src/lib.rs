//! Deterministic simulator of what Linux does when it runs out of
//! memory: the OOM killer, the OOM reaper, and the MMU notifiers through
//! which drivers hear that memory is taken from under them.
//!
//! Layers, lowest first; a file uses lower layers only:
//! [`base`], [`engine`], [`record`], [`kernel`], [`driver`], [`policy`] and
//! [`check`], [`workload`], [`scenario`], [`import`], [`analysis`], [`export`],
//! [`experiment`], [`share`], [`lesson`].
//!
//! Pure: no clock, no files, no threads, no environment. The same
//! scenario, profile, policy and seed give the same [`record::Run`] on
//! every machine, natively and as WebAssembly.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod analysis;
pub mod base;
pub mod check;
pub mod driver;
pub mod engine;
pub mod experiment;
pub mod export;
pub mod import;
pub mod kernel;
pub mod lesson;
pub mod policy;
pub mod record;
pub mod scenario;
pub mod share;
pub mod workload;

//! Deterministic simulator.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod analysis;
pub mod base;
pub mod driver;
pub mod engine;
pub mod export;
pub mod import;
pub mod kernel;
pub mod policy;
pub mod record;
pub mod scenario;
pub mod share;
pub mod workload;

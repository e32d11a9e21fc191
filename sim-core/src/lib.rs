//! Deterministic simulator.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod base;
pub mod engine;

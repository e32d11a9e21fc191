//! Deterministic simulator.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod base;
pub mod engine;
pub mod record;
pub mod scenario;
pub mod analysis {
    //! Analyses.
    pub mod types;
}
pub mod share;

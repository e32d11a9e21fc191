//! Deterministic simulator.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod base;
pub mod engine;
pub mod record;
pub mod scenario {
    //! Scenarios.
    pub mod checked;
}
pub mod analysis;

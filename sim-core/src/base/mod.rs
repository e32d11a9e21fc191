//! Ground every other layer stands on: time, typed ids, random
//! streams, distributions and the digest.
//!
//! Everything here is integer arithmetic, so the same bits come out on
//! every target. Nothing here knows of events, tasks or Linux.
#![deny(clippy::float_arithmetic)]

pub mod digest;
pub mod dist;
pub mod ids;
pub mod random;
pub mod sort;
pub mod time;

pub use digest::{Digest, RollingDigest};
pub use dist::{Distribution, Shape};
pub use ids::*;
pub use random::{Seeds, Stream};
pub use time::{Nanos, SimTime};

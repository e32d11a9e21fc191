//! What the analyses find in a run: plain data that the page draws and
//! the command line prints. Everything here comes from records alone.

mod memory;
mod outcome;
mod timeline;
mod waiting;

pub use memory::{Memory, Pressure, PressureAverages};
pub use outcome::{
    Incident, LongestWait, Metrics, RangeSums, Report, Said, Stalls, Verdict, Victim,
};
pub use timeline::{Arrow, ArrowKind, Lane, LaneOf, LaneState, Mark, MarkKind, Party, Span};
pub use waiting::{WaitCycle, WaitGraph, WaitLink};

pub use crate::record::{ClosedSet, Dependency, EdgeKind, WaitEdge, WaitFor};

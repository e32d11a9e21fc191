//! A finished run: what it was a run of, and its record.

use super::{Cast, Findings, LockReports, Trace};
use crate::base::{Digest, SimTime};
use crate::engine::Stop;

/// Bumped whenever the digest of any run changes.
pub const MODEL_VERSION: u32 = 11;

/// What a run is a run of. Together with the scenario's text this
/// decides every bit of it.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct RunId {
    /// Gallery id or file stem.
    pub scenario: String,
    /// Kernel profile, such as `6.1`.
    pub kernel: String,
    /// Notifier policy, such as `interval`.
    pub policy: String,
    /// Seed, 0 … 2^53−1.
    pub seed: u64,
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Of what.
    pub id: RunId,
    /// Hash over all engine and kernel records.
    pub digest: Digest,
    /// 18 bits of the digest of the first 64, 128, 256, … records: where
    /// two runs part can be told from these, within a factor of two.
    pub marks: Vec<u32>,
    /// Number of engine and kernel records, kept or not.
    pub events: u64,
    /// When it ended.
    pub end: SimTime,
    /// Why it ended.
    pub stop: Stop,
    /// What the watching of its invariants found.
    pub findings: Findings,
    /// What its checkers found.
    pub lock_reports: LockReports,
    /// The records, if kept.
    pub trace: Trace,
    /// Who they speak of.
    pub cast: Cast,
}

//! A lock's row: held, and whether somebody waits.

use super::span::{Merge, Row};
use crate::analysis::types::LaneState;
use crate::base::SimTime;

/// A lock held for longer than this is worth a row, in ns. Far above
/// what a page fault holds `mmap_lock` for, far below a back-off.
const LONG_HOLD_NS: u64 = 1_000_000;

/// Counts of a lock.
#[derive(Default)]
pub(super) struct LockRow {
    pub(super) row: Row,
    holders: u32,
    waiters: u32,
    was_contended: bool,
}

impl LockRow {
    pub(super) fn acquired(&mut self, at: SimTime, number: usize) {
        self.holders += 1;
        let merge = if self.holders == 1 { Merge::Never } else { Merge::Same };
        self.update(at, number, merge);
    }

    pub(super) fn released(&mut self, at: SimTime, number: usize) {
        self.holders = self.holders.saturating_sub(1);
        self.update(at, number, Merge::Same);
    }

    pub(super) fn wait(&mut self, at: SimTime, number: usize, begins: bool) {
        self.waiters = if begins { self.waiters + 1 } else { self.waiters.saturating_sub(1) };
        self.was_contended |= begins;
        self.update(at, number, Merge::Same);
    }

    /// Whether the row tells anything; see the module above.
    pub(super) fn is_worth_showing(&self, name: &str, end: SimTime) -> bool {
        let is_central = name == "oom_lock" || name.starts_with("mmap_lock");
        let longest_ns = self.row.longest_ns(end);
        self.was_contended && longest_ns > 0 || is_central && longest_ns > LONG_HOLD_NS
    }

    fn update(&mut self, at: SimTime, number: usize, merge: Merge) {
        let state = match (self.holders, self.waiters) {
            (0, _) => return self.row.end(at),
            (_, 0) => LaneState::Held,
            _ => LaneState::Contended,
        };
        self.row.set_with(at, state, number, merge);
    }
}

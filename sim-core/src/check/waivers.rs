//! Which invariants a run may break: a function of its switches, its
//! policy and its drivers (kernel-spec 8.1, first paragraph).

use super::Declared;
use crate::kernel::plugin::Approach;
use crate::record::Invariant;

/// A set of invariants.
#[derive(Copy, Clone, Default, Eq, PartialEq, Debug)]
pub struct Waivers(u32);

impl Waivers {
    /// What is waived for such a run. What merely shifts a limit (rounding
    /// of timers for I15, GFP flags that kill for I16) is not waived: the
    /// check knows the limit.
    pub fn of(declared: &Declared<'_>) -> Self {
        let switches = declared.switches;
        let mut waived = Self::default();
        // 4.6 has no SKIP: neither rule can hold there.
        waived.add(switches.victim_is_memdie, Invariant::OnePendingVictim);
        waived.add(!switches.give_up_sets_skip, Invariant::ReaperSetsSkip);
        waived.add(switches.reaper_holds_oom_lock, Invariant::ReaperTakesNothing);
        waived.add(!switches.ends_paired, Invariant::StartsHaveEnds);
        waived.add(switches.interval_leak, Invariant::StartsHaveEnds);
        // Step 6 of out_of_memory() asks for oom_score_adj alone: neither for SKIP nor for
        // another victim.
        waived.add(declared.kills_allocating_task, Invariant::OnePendingVictim);
        waived.add(declared.kills_allocating_task, Invariant::SkipEndsReaping);
        // Tasks are queued, not mms, and one may be queued twice.
        waived.add(!switches.queues_mm_once, Invariant::TenAttempts);
        // Pauses are as long as whoever forked the run wanted them.
        waived.add(declared.shifts_waits, Invariant::TenAttempts);
        waived.add(declared.shifts_waits, Invariant::LoserSleepsOneJiffy);
        for policy in declared.policies {
            let approach = policy.approach();
            let silent = approach == Approach::Silent;
            let skips = matches!(approach, Approach::SkipAny | Approach::SkipFlag);
            let blocks = matches!(approach, Approach::Blocking | Approach::Deadline(_));
            let hands_off = approach == Approach::HandOff;
            waived.add(silent, Invariant::NoStaleMapping);
            waived.add(skips, Invariant::ReaperTakesNothing);
            // I6 is of 4.19 and later: before, the reaper believes a driver's flag.
            waived.add(approach == Approach::SkipFlag, Invariant::ReaperNeverBlocks);
            waived.add(blocks, Invariant::ReaperNeverBlocks);
            waived.add(hands_off, Invariant::SkipEndsReaping);
            // The worker sets it when it is done; of one that is queued twice, while it is at it still.
            waived.add(hands_off && !switches.queues_mm_once, Invariant::ReaperSetsSkip);
            waived.add(hands_off, Invariant::RefusedVmaIsWhole);
        }
        let sleeps = declared.drivers.iter().any(|driver| driver.sleeps_anyway());
        waived.add(sleeps, Invariant::ReaperNeverBlocks);
        // The reaper calls it, so the reaper allocates, and may sleep in that.
        waived.add(declared.callback_allocates, Invariant::ReaperTakesNothing);
        waived.add(declared.callback_allocates, Invariant::ReaperNeverBlocks);
        // A driver on the list that does not count invalidations until their ends may map
        // pages again while they are being freed, unless it refers to them.
        waived.add(declared.maps_what_is_gone.contains(&true), Invariant::NoStaleMapping);
        waived
    }

    fn add(&mut self, condition: bool, invariant: Invariant) {
        self.0 |= u32::from(condition) << invariant as u8;
    }

    /// Whether it is in the set.
    pub fn has(self, invariant: Invariant) -> bool {
        self.0 >> (invariant as u8) & 1 == 1
    }
}

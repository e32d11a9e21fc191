//! The lists that reclaim takes pages from: one set for each memory
//! cgroup, and what a cgroup's set is protected from.
//!
//! Mirrors mm/vmscan.c: `lruvec_lru_size()`, `inactive_is_low()`,
//! `get_scan_count()`, and mm/memcontrol.c: `mem_cgroup_iter()`,
//! `mem_cgroup_calculate_protection()`, `effective_protection()`,
//! `mem_cgroup_below_min()`, `mem_cgroup_below_low()`, Linux 6.1
//! (kernel-spec 1.4). The lists are counts, so their lengths cost nothing
//! to know; what a cgroup does not have is the root's. Page cache that
//! somebody maps is the active list of files, the rest of it the inactive
//! one; anonymous pages have one list. Left out: MGLRU, the balance of
//! anonymous and file pages, `memory_recursiveprot`.

use super::reclaim_retry::is_swappable;
use super::state::State;
use super::switches::Switches;
use super::vmscan::{SWAP_CLUSTER_MAX, ScanControl};
use super::zone::{Pages, Use, ZoneType};
use crate::base::{CgroupId, MmId, ZoneId};

/// A cgroup; none: the root.
pub(super) type Memcg = Option<CgroupId>;

/// Lengths of a cgroup's lists, as far as they lie in zones that a request can use.
#[derive(Copy, Clone, Default, Eq, PartialEq, Debug)]
pub(super) struct Lists {
    /// Page cache that nobody maps; swap cache.
    pub(super) inactive_file: u64,
    /// Page cache that somebody maps.
    pub(super) active_file: u64,
    /// Anonymous pages and shared memory, while there is swap.
    pub(super) anon: u64,
}

impl Lists {
    /// `inactive_is_low()` of the files: more are in use than wait for their end.
    pub(super) fn inactive_file_is_low(self) -> bool {
        let gb = (self.inactive_file + self.active_file) >> (30 - 12);
        let ratio = if gb == 0 { 1 } else { (10 * gb).isqrt() };
        self.inactive_file * ratio < self.active_file
    }

    fn all(self) -> u64 {
        self.inactive_file + self.active_file + self.anon
    }
}

impl State {
    /// How many zones, from the lowest up, a request may use (`reclaim_idx`).
    pub(super) fn zones_up_to(&self, reclaim_idx: ZoneType) -> usize {
        self.zones.iter().filter(|(_, zone)| zone.kind <= reclaim_idx).count()
    }

    /// Pages of these uses that are charged to the cgroup, where `theirs` says
    /// what each has.
    #[inline]
    fn charged<const USES: usize>(
        &self,
        of: [Use; USES],
        memcg: Memcg,
        theirs: impl Fn(CgroupId) -> Pages,
    ) -> Pages {
        if let Some(memcg) = memcg {
            return theirs(memcg);
        }
        let mut rest = Pages::default();
        for ((_, zone), rest) in self.zones.iter().zip(&mut rest.0) {
            *rest = of.iter().map(|&of| zone.pages(of)).sum();
        }
        for (id, _) in self.cgroups.iter() {
            for (rest, theirs) in rest.0.iter_mut().zip(theirs(id).0) {
                *rest = rest.saturating_sub(theirs);
            }
        }
        rest
    }

    /// Clean page cache and swap cache of a cgroup.
    pub(super) fn clean(&self, memcg: Memcg) -> Pages {
        self.charged([Use::Clean], memcg, |id| self.cgroups[id].clean)
    }

    /// Dirty page cache of a cgroup.
    pub(super) fn dirty(&self, memcg: Memcg) -> Pages {
        self.charged([Use::Dirty], memcg, |id| self.writeback.dirty_of(id))
    }

    /// Pages of a cgroup that are being written.
    pub(super) fn under_writeback(&self, memcg: Memcg) -> Pages {
        self.charged([Use::Writeback], memcg, |id| self.writeback.pages_of(id))
    }

    /// Page cache of a cgroup that somebody maps (`NR_FILE_MAPPED`), and how much of it is locked.
    fn file_mapped(&self, memcg: Memcg) -> (Pages, Pages) {
        let (mut mapped, mut locked) = (Pages::default(), Pages::default());
        for (id, file) in self.files.iter().filter(|(_, f)| f.cached > 0 && f.memcg == memcg) {
            mapped.add(file.pages);
            locked.add(self.mlocked(id));
        }
        (mapped, locked)
    }

    /// Clean page cache of a cgroup that nobody maps.
    pub(super) fn clean_unmapped(&self, memcg: Memcg) -> Pages {
        let mut clean = self.clean(memcg);
        for (id, file) in self.files.iter().filter(|(_, f)| f.cached > 0 && f.memcg == memcg) {
            // Of the pages mapped, some are dirty or being written.
            let mut mapped = file.pages;
            mapped.subtract(self.writeback.busy_of(id));
            clean.subtract(mapped);
        }
        clean
    }

    /// The cgroup that an mm's pages are charged to (`get_mem_cgroup_from_mm()`).
    pub(super) fn mm_cgroup(&self, mm: MmId) -> Memcg {
        self.group_of(self.mms[mm].owner)?.cgroup
    }

    /// Anonymous pages of a cgroup, and shared memory, that are not locked.
    fn anon(&self, memcg: Memcg) -> Pages {
        let mut anon = Pages::default();
        if self.cgroups.is_empty() {
            for ((_, zone), count) in self.zones.iter().zip(&mut anon.0) {
                *count = zone.pages(Use::Anon) + zone.pages(Use::Shmem);
            }
            anon.subtract(self.mlocked_of(true));
            return anon;
        }
        for (id, mm) in self.mms.iter().filter(|(_, mm)| mm.mm_users > 0) {
            if self.mm_cgroup(id) == memcg {
                mm.vmas.iter().filter(|vma| !vma.locked).for_each(|vma| anon.add(vma.anon));
            }
        }
        for (_, share) in self.shares.iter() {
            if share.pages != Pages::default() && self.mm_cgroup(share.owner) == memcg {
                anon.add(share.pages);
            }
        }
        for (id, segment) in self.files.iter().filter(|(_, f)| f.cached == 0 && f.memcg == memcg) {
            anon.add(segment.pages);
            anon.subtract(self.mlocked(id));
        }
        anon
    }

    /// `lruvec_lru_size()` of a cgroup's lists.
    pub(super) fn lists(&self, memcg: Memcg, zones: usize, swaps: bool) -> Lists {
        // At once: reclaim asks in every round, and there is one at each priority.
        let uses = [Use::Clean, Use::Dirty, Use::Writeback];
        let file = self.charged(uses, memcg, |id| {
            let mut file = self.cgroups[id].clean;
            file.add(self.writeback.dirty_of(id));
            file.add(self.writeback.pages_of(id));
            file
        });
        let (mapped, locked) = self.file_mapped(memcg);
        let unlocked = |pages: Pages| pages.count_in(zones).saturating_sub(locked.count_in(zones));
        let file = unlocked(file);
        let active_file = unlocked(mapped).min(file);
        let anon = if swaps && is_swappable(self) { self.anon(memcg).count_in(zones) } else { 0 };
        Lists { inactive_file: file - active_file, active_file, anon }
    }

    /// Takes clean pages that nobody maps off a cgroup's lists, from the highest zone down.
    pub(super) fn take_clean(&mut self, memcg: Memcg, zones: usize, most: u64) -> Pages {
        let taken = self.clean_unmapped(memcg).take_in(most, zones);
        for (index, &count) in taken.0.iter().enumerate().filter(|&(_, &count)| count > 0) {
            self.zones[ZoneId::from_index(index)].transfer(Use::Clean, Use::InFlight, count);
        }
        if let Some(memcg) = memcg {
            self.cgroups[memcg].clean.subtract(taken);
        }
        taken
    }
}

/// Whether a cgroup's lists may be scanned.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Protection {
    /// Yes, but for this much of its memory.
    Part { min: u64, low: u64 },
    /// `mem_cgroup_below_low()`: not before all others were tried.
    BelowLow,
    /// `mem_cgroup_below_min()`: no.
    BelowMin,
}

/// `mem_cgroup_calculate_protection()` of a cgroup whose parents' was
/// calculated before, while `target` is reclaimed from.
pub(super) fn mem_cgroup_calculate_protection(
    state: &mut State,
    switches: &Switches,
    target: Memcg,
    memcg: Memcg,
) -> Protection {
    // The target itself is what reclaim is for; the root can't be protected.
    let Some(id) = memcg.filter(|_| memcg != target) else {
        return Protection::Part { min: 0, low: 0 };
    };
    let usage = state.cgroups[id].usage;
    let parent = state.cgroups[id].parent;
    let set = |id: CgroupId| {
        let cgroup = &state.cgroups[id];
        (if switches.memory_min { cgroup.min } else { 0 }, cgroup.low)
    };
    let (mut emin, mut elow) = set(id);
    if let Some(parent) = parent.filter(|_| parent != target) {
        let (mut siblings_min, mut siblings_low) = (0, 0);
        for (sibling, cgroup) in state.cgroups.iter().filter(|(_, c)| c.parent == Some(parent)) {
            let (min, low) = set(sibling);
            siblings_min += min.min(cgroup.usage);
            siblings_low += low.min(cgroup.usage);
        }
        let above = &state.cgroups[parent];
        emin = effective_protection(emin.min(usage), above.emin, siblings_min);
        elow = effective_protection(elow.min(usage), above.elow, siblings_low);
    }
    (state.cgroups[id].emin, state.cgroups[id].elow) = (emin, elow);
    match (usage > 0 && emin >= usage, usage > 0 && elow >= usage) {
        (true, _) => Protection::BelowMin,
        (false, true) => Protection::BelowLow,
        (false, false) => Protection::Part { min: emin, low: elow },
    }
}

/// `effective_protection()`: children share what their parent has, in
/// proportion to what they use of what they ask for.
fn effective_protection(protected: u64, parent: u64, siblings: u64) -> u64 {
    if siblings <= parent {
        return protected;
    }
    let share = u128::from(protected) * u128::from(parent) / u128::from(siblings.max(1));
    u64::try_from(share).unwrap_or(parent)
}

/// `get_scan_count()`: how much of a cgroup's lists to scan at this priority.
pub(super) fn get_scan_count(
    state: &State,
    switches: &Switches,
    sc: &mut ScanControl,
    memcg: Memcg,
    (min, low): (u64, u64),
    lists: Lists,
) -> u64 {
    let size = lists.all();
    let id = memcg.filter(|_| switches.memcg_protects_in_part && (min > 0 || low > 0));
    let Some(id) = id else {
        sc.longest = sc.longest.max(size);
        return size >> sc.priority;
    };
    let protection = if !sc.memcg_low_reclaim && low > min {
        sc.memcg_low_skipped |= switches.memcg_part_is_skipped;
        low
    } else {
        min
    };
    let cgroup_size = state.cgroups[id].usage.max(protection);
    let kept = u128::from(size) * u128::from(protection) / (u128::from(cgroup_size) + 1);
    let scan = size - u64::try_from(kept).unwrap_or(size);
    let scan = scan.max(SWAP_CLUSTER_MAX);
    sc.longest = sc.longest.max(scan);
    scan >> sc.priority
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::testing::Machine;
    use crate::record::Gfp;

    #[test]
    fn children_share_what_their_parent_has() {
        assert_eq!(effective_protection(100, 300, 200), 100);
        assert_eq!(effective_protection(100, 100, 400), 25);
        assert_eq!(effective_protection(0, 0, 0), 0);
    }

    /// A cgroup of 100 pages of which 60 are protected: at priority 0 a share of 60 % is left alone.
    #[test]
    fn part_protected_is_scanned_less_and_since_5_14_tried_again() {
        for (profile, (scan, skipped)) in
            [("4.19", (100, false)), ("5.12", (41, false)), ("6.1", (41, true))]
        {
            let machine = Machine::new(profile);
            let memcg = machine.cgroup(None, None);
            let lists = Lists { inactive_file: 100, ..Lists::default() };
            let mut sc = ScanControl::direct(Gfp::KERNEL, 0);
            sc.priority = 0;
            let asked = machine.kernel.with(|state| {
                state.cgroups[memcg].usage = 100;
                let switches = machine.kernel.switches;
                get_scan_count(state, switches, &mut sc, Some(memcg), (0, 60), lists)
            });
            assert_eq!((asked, sc.memcg_low_skipped), (scan, skipped), "{profile}");
        }
    }

    #[test]
    fn mapped_files_are_left_alone_while_there_are_as_many_others() {
        let lists = |inactive_file, active_file| Lists { inactive_file, active_file, anon: 0 };
        assert!(!lists(100, 100).inactive_file_is_low());
        assert!(lists(99, 100).inactive_file_is_low());
        // Of 10 GiB, one page in eleven is enough.
        let gib = 1 << 18;
        assert!(!lists(gib, 9 * gib).inactive_file_is_low());
    }
}

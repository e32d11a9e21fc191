//! How bad a process is: what the OOM killer goes by.
//!
//! Mirrors mm/oom_kill.c: `oom_badness()`, `constrained_alloc()`, and
//! fs/proc/base.c: `proc_oom_score()`, `__set_oom_adj()`, Linux 4.6 to
//! 7.1 (kernel-spec 2.4). Left out: `CONSTRAINT_CPUSET` and
//! `CONSTRAINT_MEMORY_POLICY`, which need more than one node.

use super::cx::Cx;
use super::oom_kill::{OomControl, is_global_init};
use super::state::{Group, State};
use super::switches::Switches;
use crate::base::{CgroupId, TaskId};
use crate::record::Event;

/// `OOM_SCORE_ADJ_MIN` (include/uapi/linux/oom.h): never a victim.
pub(super) const OOM_SCORE_ADJ_MIN: i16 = -1000;

/// `enum oom_constraint`: what the OOM is confined to.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Constraint {
    /// `CONSTRAINT_NONE`.
    None,
    /// `CONSTRAINT_MEMCG`.
    Memcg(CgroupId),
}

/// `constrained_alloc()`: the constraint, and `totalpages`.
pub(super) fn constrained_alloc(state: &State, oc: &OomControl) -> (Constraint, u64) {
    match oc.memcg {
        Some(memcg) => {
            let limit = state.cgroups[memcg].limit.unwrap_or_else(|| ram_and_swap(state));
            (Constraint::Memcg(memcg), limit.max(1))
        }
        None => (Constraint::None, ram_and_swap(state)),
    }
}

/// `totalram_pages() + total_swap_pages`.
fn ram_and_swap(state: &State) -> u64 {
    state.total_pages() + state.swap.as_ref().map_or(0, |swap| swap.pages)
}

/// `oom_badness()`: none where the kernel says `LONG_MIN` (up to 5.9: 0),
/// not eligible.
pub(super) fn oom_badness(
    state: &State,
    switches: &Switches,
    leader: TaskId,
    totalpages: u64,
) -> Option<i64> {
    let group = state.group_of(leader)?;
    if is_global_init(group) {
        return None;
    }
    let (_, mm) = state.find_task_mm(group)?;
    let mm = &state.mms[mm];
    if group.oom_score_adj == OOM_SCORE_ADJ_MIN
        || (!switches.victim_is_memdie && mm.oom_skip)
        || (switches.vfork_is_spared && group.vfork)
    {
        return None;
    }
    let rss = mm.anon_pages() + mm.file_pages() + mm.shmem_pages();
    let pgtables =
        if switches.badness_counts_ptes { mm.pte_pmd_pages() } else { mm.pgtable_pages() };
    let mut points = pages(rss + mm.swap_entries() + pgtables);
    if switches.badness_root_bonus && group.admin {
        points -= points * 3 / 100;
    }
    // The integer division comes first.
    points += i64::from(group.oom_score_adj) * pages(totalpages / 1000);
    Some(if switches.badness_floor { points.max(1) } else { points })
}

fn pages(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// `/proc/PID/oom_score`, 0 to 2000: how far up the victims' list it is.
/// The kernel of 7.1; 0 if it is not eligible.
pub fn proc_oom_score(state: &State, switches: &Switches, leader: TaskId) -> u64 {
    let totalpages = ram_and_swap(state).max(1);
    let Some(badness) = oom_badness(state, switches, leader, totalpages) else { return 0 };
    let score = (1000 + badness * 1000 / pages(totalpages)) * 2 / 3;
    u64::try_from(score).unwrap_or(0)
}

/// `__set_oom_adj()`: a new `oom_score_adj`, also for those who share the
/// mm, unless one of the two is in vfork.
pub fn set_oom_adj(cx: &Cx, leader: TaskId, oom_score_adj: i16) {
    let sharers = cx.with(|state| {
        state.group(leader).oom_score_adj = oom_score_adj;
        let group = state.group(leader).clone();
        let mm = state.find_task_mm(&group).filter(|_| !group.vfork);
        let Some((_, mm)) = mm else { return Vec::new() };
        let shares = |other: &Group| {
            !is_global_init(other) && !other.vfork && state.process_shares_mm(other, mm)
        };
        let others = state.processes().filter(|&(other, group)| other != leader && shares(group));
        let others: Vec<_> = others.map(|(other, _)| other).collect();
        for &other in &others {
            state.group(other).oom_score_adj = oom_score_adj;
        }
        others
    });
    let adj_plus_1000 = u16::try_from(oom_score_adj + 1000).unwrap_or(0);
    for target in std::iter::once(leader).chain(sharers) {
        cx.record(Event::OomScoreAdjUpdate { target, adj_plus_1000 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::mm::Backing;
    use crate::kernel::switches::find;
    use crate::kernel::testing::{GLOBAL, Machine, Proc, stuck};
    use crate::kernel::zone::{Use, Zone};

    /// Points of a process on a machine of 100,000 pages.
    fn points(profile: &str, proc: &Proc) -> Option<i64> {
        let machine = Machine::new(profile);
        let leader = machine.process(proc, stuck);
        machine.with(|state| {
            let (_, totalpages) = constrained_alloc(state, &GLOBAL);
            oom_badness(state, find(profile).expect("a profile"), leader, totalpages)
        })
    }

    const PROFILES: [&str; 12] =
        ["4.6", "4.9", "4.14", "4.16", "4.19", "5.3", "5.4", "5.6", "5.12", "6.1", "6.12", "7.1"];

    /// 1024 pages need 2 tables of the lowest level and 1 of the next;
    /// later kernels count the third level too.
    #[test]
    fn page_tables_count_by_number_up_to_4_14_and_by_size_since() {
        for profile in PROFILES {
            let old = ["4.6", "4.9", "4.14"].contains(&profile);
            let tables = if old { 3 } else { 4 };
            assert_eq!(points(profile, &Proc::of(100, 1024)), Some(1024 + tables), "{profile}");
        }
    }

    /// Tables go with the mapping, not with the pages.
    #[test]
    fn page_tables_stay_when_their_pages_are_in_swap_or_reaped() {
        for (swapped, rest) in [(1024, 1024), (0, 0)] {
            let machine = Machine::new("6.1");
            let leader = machine.process(&Proc::of(100, 1024), stuck);
            let switches = find("6.1").expect("a profile");
            machine.with(|state| {
                let mm = state.tasks[leader].mm.expect("it has one");
                let vma = &mut state.mms[mm].vmas[0];
                (vma.anon, vma.swapped) = (crate::kernel::zone::Pages::default(), swapped);
                let points = oom_badness(state, switches, leader, 100_000);
                assert_eq!(points, Some(rest + 4), "{swapped} in swap");
            });
        }
    }

    /// Neither is in a counter that makes up RSS; program text in an initramfs is.
    #[test]
    fn huge_pages_of_the_pool_and_memory_of_devices_do_not_count() {
        for (backing, pages) in
            [(Backing::PrivateFile, 1024), (Backing::Hugetlb, 0), (Backing::Pfnmap, 0)]
        {
            let machine = Machine::new("6.1");
            let leader = machine.process(&Proc::of(100, 0), stuck);
            let switches = find("6.1").expect("a profile");
            machine.with(|state| {
                let mm = state.tasks[leader].mm.expect("it has one");
                let before = oom_badness(state, switches, leader, 100_000);
                let vma = &mut state.mms[mm].vmas[0];
                (vma.backing, vma.resident) = (backing, 1024);
                let points = oom_badness(state, switches, leader, 100_000);
                assert_eq!(points, before.map(|points| points + pages), "{backing:?}");
            });
        }
    }

    #[test]
    fn root_has_a_bonus_of_3_percent_up_to_4_16() {
        for profile in PROFILES {
            let usual = points(profile, &Proc::of(100, 1024)).expect("eligible");
            let admin = Proc { admin: true, ..Proc::of(100, 1024) };
            let bonus = ["4.6", "4.9", "4.14", "4.16"].contains(&profile);
            let expected = if bonus { usual - usual * 3 / 100 } else { usual };
            assert_eq!(points(profile, &admin), Some(expected), "{profile}");
        }
    }

    #[test]
    fn floor_is_1_up_to_5_6_and_there_is_none_since() {
        for profile in PROFILES {
            let adjusted = points(profile, &Proc { adj: -900, ..Proc::of(100, 10) });
            let floor = !["5.12", "6.1", "6.12", "7.1"].contains(&profile);
            match adjusted.expect("eligible") {
                1 => assert!(floor, "{profile}"),
                negative => assert!(!floor && negative < -89_000, "{profile}: {negative}"),
            }
        }
    }

    #[test]
    fn adj_is_multiplied_after_the_integer_division() {
        let machine = Machine::new("6.1");
        let leader = machine.process(&Proc { adj: 1, ..Proc::of(100, 0) }, stuck);
        let switches = find("6.1").expect("a profile");
        let of = |total| machine.with(|state| oom_badness(state, switches, leader, total));
        let base = of(999).expect("eligible");
        assert_eq!(of(1_999), Some(base + 1));
        assert_eq!(of(2_000), Some(base + 2));
    }

    #[test]
    fn minimal_adj_skip_vfork_and_a_lost_mm_are_not_eligible() {
        assert_eq!(points("6.1", &Proc { adj: -1000, ..Proc::of(100, 10) }), None);
        assert!(points("6.1", &Proc { adj: -999, ..Proc::of(100, 10) }).is_some());
        for (profile, spared) in [("4.6", false), ("4.9", true), ("6.1", true)] {
            let vfork = points(profile, &Proc { vfork: true, ..Proc::of(100, 10) });
            assert_eq!(vfork.is_none(), spared, "{profile}");
        }
        for (profile, spared) in [("4.6", false), ("4.9", true), ("6.1", true)] {
            let machine = Machine::new(profile);
            let leader = machine.process(&Proc::of(100, 10), stuck);
            let switches = find(profile).expect("a profile");
            let of = || machine.with(|state| oom_badness(state, switches, leader, 1000));
            machine.with(|state| state.mms.iter_mut().for_each(|(_, mm)| mm.oom_skip = true));
            assert_eq!(of().is_none(), spared, "{profile}");
            machine.with(|state| {
                state.mms.iter_mut().for_each(|(_, mm)| mm.oom_skip = false);
                state.tasks[leader].mm = None;
            });
            assert_eq!(of(), None, "{profile}");
        }
    }

    #[test]
    fn swap_file_and_shared_pages_count() {
        let machine = Machine::new("6.1");
        let leader = machine.process(&Proc::of(100, 10), stuck);
        let switches = find("6.1").expect("a profile");
        let of = || machine.with(|state| oom_badness(state, switches, leader, 1000));
        let before = of().expect("eligible");
        machine.with(|state| {
            let mm = state.tasks[leader].mm.expect("it has one");
            let vma = &mut state.mms[mm].vmas[0];
            vma.swapped = 100;
            vma.resident = 20;
            vma.shmem = 3;
        });
        assert_eq!(of(), Some(before + 123));
    }

    #[test]
    fn totalpages_are_ram_and_swap_or_the_limit_and_at_least_1() {
        let machine = Machine::new("6.1");
        let full = machine.cgroup(None, Some(0));
        let limited = machine.cgroup(None, Some(77));
        machine.with(|state| {
            assert_eq!(constrained_alloc(state, &GLOBAL), (Constraint::None, 100_000));
            let zone: &mut Zone = &mut state.zones[crate::base::ZoneId(0)];
            zone.transfer(Use::Free, Use::Reserved, 5);
            assert_eq!(constrained_alloc(state, &GLOBAL).1, 100_000, "used or not");
            let oc = |memcg| OomControl { memcg: Some(memcg), ..GLOBAL };
            assert_eq!(constrained_alloc(state, &oc(limited)), (Constraint::Memcg(limited), 77));
            assert_eq!(constrained_alloc(state, &oc(full)).1, 1);
        });
    }

    #[test]
    fn score_in_proc_is_two_thirds_of_the_badness_per_mille_above_1000() {
        let machine = Machine::new("7.1");
        let leader = machine.process(&Proc::of(100, 49_900), stuck);
        let exempt = machine.process(&Proc { adj: -1000, ..Proc::of(101, 10) }, stuck);
        let switches = find("7.1").expect("a profile");
        machine.with(|state| {
            let badness = oom_badness(state, switches, leader, 100_000).expect("eligible");
            let expected = (1000 + badness / 100) * 2 / 3;
            assert_eq!(i64::try_from(proc_oom_score(state, switches, leader)), Ok(expected));
            assert_eq!(proc_oom_score(state, switches, exempt), 0);
        });
    }

    #[test]
    fn adj_is_shared_by_those_who_share_the_mm_but_not_in_vfork() {
        let mut machine = Machine::new("6.1");
        let leader = machine.process(&Proc::of(100, 10), stuck);
        let shares = |pid| Proc { shares: Some(leader), ..Proc::of(pid, 0) };
        let other = machine.process(&shares(101), stuck);
        let vfork = machine.process(&Proc { vfork: true, ..shares(102) }, stuck);
        machine.kthread(move |cx| async move { set_oom_adj(&cx, leader, -500) });
        machine.run();
        let updated = machine.story(|event| match event {
            Event::OomScoreAdjUpdate { target, adj_plus_1000 } => Some((target, adj_plus_1000)),
            _ => None,
        });
        assert_eq!(updated, [(leader, 500), (other, 500)]);
        let adj = |task| machine.with(|state| state.group(task).oom_score_adj);
        assert_eq!([leader, other, vfork].map(adj), [-500, -500, 0]);
    }
}

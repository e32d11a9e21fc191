//! Counts the pages again, at rare points of a run: when somebody is
//! chosen, when SKIP is set, when an mm is gone, when the run ends.
//!
//! Holds what records don't show: that every page of a zone has an owner
//! who knows of it, and every slot of swap a page table that names it (I13), and that flags which may only be set stay set
//! (I1). Kernel-spec 8.1.

use std::collections::BTreeMap;

use super::cx::Kernel;
use super::device;
use super::mm::Shared;
use super::state::State;
use super::zone::{Pages, Use, ZONES};
use crate::base::{MmId, TaskId};
use crate::record::{Breach, Event, Invariant};

/// What was set when the pages were last counted.
#[derive(Default)]
pub(super) struct Ledger {
    /// SKIP, UNSTABLE, REAP_QUEUED.
    flags: Vec<[bool; 3]>,
    oom_mm: BTreeMap<TaskId, MmId>,
}

/// Names of the flags, in the ledger's order.
const FLAGS: [&str; 3] = ["MMF_OOM_SKIP", "MMF_UNSTABLE", "MMF_OOM_REAP_QUEUED"];

/// Whether the pages are counted after such an event.
pub(super) fn is_due(event: &Event) -> bool {
    matches!(
        event,
        Event::OomKillProcess { .. } | Event::OomSkipSet { .. } | Event::ExitMmapDone { .. }
    )
}

impl Kernel {
    /// Counts everything; a breach ends the run. `task` is who is running.
    pub fn recount(&self, task: TaskId) {
        let breach = self.with(|state| {
            let ledger = &mut *self.ledger.borrow_mut();
            uncounted(state).or_else(|| ledger.cleared(state))
        });
        let Some((invariant, text)) = breach else {
            return;
        };
        self.breached(task, invariant, text);
    }

    /// The state itself shows a breach, while `task` runs.
    pub(super) fn breached(&self, task: TaskId, invariant: Invariant, text: String) {
        self.engine.observe(|at, recorder| {
            recorder.breached(at, task, Breach::new(invariant, text));
        });
    }
}

/// I13: a zone whose pages are not those that their owners know of.
fn uncounted(state: &State) -> Option<(Invariant, String)> {
    let mut anon = Pages::default();
    for (_, mm) in state.mms.iter() {
        for vma in mm.vmas.iter().chain(&mm.detached) {
            anon.add(vma.anon);
        }
    }
    for (_, share) in state.shares.iter() {
        anon.add(share.pages);
    }
    let mut slots: u64 = 0;
    for (_, mm) in state.mms.iter() {
        for vma in mm.vmas.iter().chain(&mm.detached) {
            slots += vma.swapped - vma.swap_shares.iter().map(Shared::count).sum::<u64>();
        }
    }
    for (_, share) in state.shares.iter().filter(|(_, share)| share.is_of_slots()) {
        slots += share.mapped();
    }
    slots += state.files.iter().map(|(_, file)| file.swapped).sum::<u64>();
    let used = state.swap.as_ref().map_or(0, |swap| swap.used);
    if used != slots {
        let text =
            format!("{used} slots of swap are used, but page tables and segments name {slots}");
        return Some((Invariant::PagesConserved, text));
    }
    let mut tables = Pages::default();
    for (_, mm) in state.mms.iter() {
        tables.add(mm.page_tables.pages);
    }
    let mut kernel = Pages::default();
    for (_, task) in state.tasks.iter() {
        kernel.add(task.kernel_pages);
    }
    let (pinned, writing) = (device::kept_pages(state), state.writeback.pages());
    let dirty = state.writeback.flusher.dirty();
    let mut shmem = Pages::default();
    // Of a file something was read before anybody could map it.
    for (_, segment) in state.files.iter().filter(|(_, file)| file.cached == 0) {
        shmem.add(segment.pages);
    }
    for ((_, zone), index) in state.zones.iter().zip(0..ZONES) {
        let mapped = zone.pages(Use::Anon) + zone.pages(Use::Unevictable);
        for (what, used, owned) in [
            ("anonymous pages", mapped, anon.0[index]),
            ("pages of kernel code", zone.pages(Use::Kernel), kernel.0[index]),
            ("page tables", zone.pages(Use::PageTable), tables.0[index]),
            ("pages of shared memory", zone.pages(Use::Shmem), shmem.0[index]),
            ("pages that only devices hold", zone.pages(Use::Pinned), pinned.0[index]),
            ("dirty pages", zone.pages(Use::Dirty), dirty.0[index]),
            ("pages under write-back", zone.pages(Use::Writeback), writing.0[index]),
        ] {
            if used != owned {
                let text =
                    format!("zone {index} counts {used} {what}, but their owners know of {owned}");
                return Some((Invariant::PagesConserved, text));
            }
        }
        let charged: u64 = state.cgroups.iter().map(|(_, cgroup)| cgroup.clean.0[index]).sum();
        let clean = zone.pages(Use::Clean);
        if charged > clean {
            let text = format!("{charged} of {clean} clean pages of zone {index} are charged");
            return Some((Invariant::PagesConserved, text));
        }
    }
    None
}

impl Ledger {
    /// I1: something that was set and is no more.
    fn cleared(&mut self, state: &State) -> Option<(Invariant, String)> {
        for (id, mm) in state.mms.iter() {
            let now = [mm.oom_skip, mm.unstable, mm.reap_queued];
            if id.index() >= self.flags.len() {
                self.flags.push(now);
            }
            let before = std::mem::replace(&mut self.flags[id.index()], now);
            for (flag, (was, is)) in FLAGS.iter().zip(before.into_iter().zip(now)) {
                if was && !is {
                    let text = format!("{flag} of mm {} was cleared", id.index());
                    return Some((Invariant::FlagsAreMonotone, text));
                }
            }
        }
        for (leader, group) in state.groups.iter() {
            let now = group.as_ref().and_then(|group| group.oom_mm);
            let before = match now {
                Some(mm) => self.oom_mm.insert(leader, mm),
                None => self.oom_mm.get(&leader).copied(),
            };
            if before.is_some() && before != now {
                let text = format!("signal->oom_mm of task {} was changed", leader.index());
                return Some((Invariant::FlagsAreMonotone, text));
            }
        }
        None
    }
}

//! Making processes, and memory shared since a fork.
//!
//! Mirrors kernel/fork.c: `kernel_clone()`, `dup_mmap()`,
//! `wait_for_vfork_done()`, `complete_vfork_done()`, and mm/memory.c:
//! `copy_page_range()`, `do_wp_page()`, Linux 6.1.
//!
//! A fork turns the anonymous pages of a private VMA into a *share*: a
//! row of pages with a count of mappers for each run of them. Every
//! mapper maps a stretch of the row; taking pages out of it, by unmapping
//! or by a copy on write, always begins at the stretch's start, because
//! present pages are taken to be a VMA's first ones. A page is freed when
//! nobody maps it any more, and a page with one mapper left is not
//! copied on write but taken over. Slots of swap are shared likewise.
//! Left out: `exec`; the cost of everything but PTEs.

use super::cx::Cx;
use super::exit::mmput;
use super::memory::FaultError;
use super::mm::{Backing, Shared, Vma};
use super::mmu_notifier::{
    Range, invalidate_range_end, invalidate_range_start, mmu_notifier_range_init,
};
use super::pgtable::alloc_tables;
use super::state::State;
use super::swap::share_entries;
use super::zone::{Pages, Use};
use crate::base::{MmId, RangeId, TaskId};
use crate::engine::{Hold, Signals, Waited};
use crate::record::{Event, Func, MnEvent, RangeInfo, Reason};

/// Anonymous pages shared since a fork, or slots of swap with such pages.
#[derive(Clone, Debug)]
pub struct AnonShare {
    /// Pages still mapped by anybody.
    pub pages: Pages,
    /// Whose pages they were, and who they are charged to.
    pub owner: MmId,
    /// Runs of pages that as many map: where each begins, and how many
    /// do. Invariant: sorted, the first begins at 0, neighbors differ.
    runs: Vec<(u64, u32)>,
    /// Pages shared at the fork.
    len: u64,
    /// Slots of swap.
    of_slots: bool,
}

impl AnonShare {
    pub(super) fn new(pages: Pages, owner: MmId) -> Self {
        Self { pages, owner, runs: vec![(0, 0)], len: pages.count(), of_slots: false }
    }

    /// So many slots of swap, which have no pages.
    pub(super) fn of_slots(count: u64, owner: MmId) -> Self {
        Self { pages: Pages::default(), owner, runs: vec![(0, 0)], len: count, of_slots: true }
    }

    /// Whether it is of slots and not of pages.
    pub(super) fn is_of_slots(&self) -> bool {
        self.of_slots
    }

    /// One more maps pages `from..to`; of how many it is the first.
    pub(super) fn map(&mut self, from: u64, to: u64) -> u64 {
        self.count(from, to, 1)
    }

    /// One less maps pages `from..to`; of how many it was the last.
    pub(super) fn unmap(&mut self, from: u64, to: u64) -> u64 {
        self.count(from, to, -1)
    }

    /// Changes the number of mappers of pages `from..to`; how many pages
    /// somebody maps, or nobody any more, because of it.
    fn count(&mut self, from: u64, to: u64, change: i32) -> u64 {
        for at in [from, to] {
            let next = self.runs.partition_point(|&(start, _)| start <= at);
            let (start, mappers) = self.runs[next - 1];
            if start < at && at < self.len {
                self.runs.insert(next, (at, mappers));
            }
        }
        let mut changed = 0;
        for index in 0..self.runs.len() {
            let end = self.runs.get(index + 1).map_or(self.len, |&(start, _)| start);
            let (start, mappers) = &mut self.runs[index];
            if from <= *start && *start < to {
                let now = mappers.checked_add_signed(change);
                *mappers = now.expect("invariant: who maps a page unmaps it once");
                let turns = if change > 0 { *mappers == 1 } else { *mappers == 0 };
                changed += if turns { end - *start } else { 0 };
            }
        }
        self.runs.dedup_by_key(|&mut (_, mappers)| mappers);
        changed
    }

    /// How many somebody maps.
    pub(super) fn mapped(&self) -> u64 {
        let ends = self.runs.iter().skip(1).map(|&(start, _)| start).chain([self.len]);
        let runs = self.runs.iter().zip(ends).filter(|((_, mappers), _)| *mappers > 0);
        runs.map(|(&(start, _), end)| end - start).sum()
    }

    /// The pages from `from` to before `to` that as many map as the first of them, and how many do.
    fn run(&self, from: u64, to: u64) -> (u64, u32) {
        let next = self.runs.partition_point(|&(start, _)| start <= from);
        let end = self.runs.get(next).map_or(self.len, |&(start, _)| start);
        (end.min(to) - from, self.runs[next - 1].1)
    }
}

/// What a write to shared pages comes to.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Taken {
    /// Nothing is shared.
    Nothing,
    /// These pages were the last mapper's: they are its own now.
    Reused(Pages),
    /// So many pages are to be copied; nothing changed yet.
    Copied(u64),
}

/// `do_wp_page()` up to the copy: up to `want` of the first shared pages
/// of a VMA are taken over, or are to be copied by the caller, who then
/// calls [`unshare`]. Pages that are charged to another cgroup are copied
/// in any case, so that a charge is given back where it was made.
pub(super) fn do_wp_page(state: &mut State, mm: MmId, range: RangeId, want: u64) -> Taken {
    let Some(vma) = state.mms[mm].vma(range) else { return Taken::Nothing };
    let Some(first) = vma.shares.first().copied() else { return Taken::Nothing };
    let share = &state.shares[first.share];
    let (run, mappers) = share.run(first.from, first.to);
    let cgroup = |mm: MmId| state.group_of(state.mms[mm].owner).and_then(|group| group.cgroup);
    let count = run.min(want);
    if mappers > 1 || cgroup(share.owner) != cgroup(mm) {
        return Taken::Copied(count);
    }
    let taken = unshare(state, mm, range, count);
    taken.map_or(Taken::Nothing, |taken| Taken::Reused(taken.dropped))
}

/// Shared pages that a VMA maps no longer.
#[derive(Copy, Clone, Debug)]
pub(super) struct Unshared {
    /// How many.
    pub(super) count: u64,
    /// Of these, those that nobody maps any more: the caller's to free.
    pub(super) dropped: Pages,
    /// Who they are charged to.
    pub(super) owner: MmId,
}

/// Takes the first shared pages out of a VMA, at most `most` and those of
/// one share; none if it has none.
pub(super) fn unshare(state: &mut State, mm: MmId, range: RangeId, most: u64) -> Option<Unshared> {
    let vma = state.mms[mm].vma(range)?;
    let first = vma.shares.first_mut()?;
    let (share, from) = (first.share, first.from);
    let count = most.min(first.count());
    first.from += count;
    if first.count() == 0 {
        vma.shares.remove(0);
    }
    let share = &mut state.shares[share];
    let dropped = share.unmap(from, from + count);
    Some(Unshared { count, dropped: share.pages.take(dropped), owner: share.owner })
}

/// What becomes of a child's address space.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum CloneMm {
    /// It gets this empty one, filled with a copy.
    Copy(MmId),
    /// It shares its parent's (CLONE_VM).
    Shared,
    /// It shares its parent's, who waits until it ends (CLONE_VFORK).
    Vfork,
}

/// `kernel_clone()` of a whole process: brings `child` to life. Nothing comes of
/// it if SIGKILL comes first, or there is no memory for page tables.
pub async fn kernel_clone(cx: &Cx, child: TaskId, mm: CloneMm) {
    let _in = cx.enter(Func::DoFork);
    let Some(parent_mm) = cx.mm() else { return };
    let leader = cx.with(|state| state.tasks[cx.task()].leader);
    // copy_process() fails while a signal is pending.
    if cx.with(|state| state.group(leader).group_exit) {
        return;
    }
    let child_mm = match mm {
        CloneMm::Copy(copy) => {
            cx.with(|state| state.mms[copy].mm_users = 1);
            if dup_mmap(cx, parent_mm, copy).await.is_err() {
                mmput(cx, copy).await;
                return;
            }
            copy
        }
        CloneMm::Shared | CloneMm::Vfork => {
            cx.with(|state| state.mms[parent_mm].mm_users += 1);
            parent_mm
        }
    };
    let (children, cgroup) = cx.with(|state| {
        let parent = state.group(leader).clone();
        let group = state.group(child);
        group.parent = Some(leader);
        group.vfork = mm == CloneMm::Vfork;
        group.born = true;
        let inherits = group.cgroup.is_none();
        group.cgroup = group.cgroup.or(parent.cgroup);
        let inherited = group.cgroup.filter(|_| inherits);
        if group.inherits_adj {
            group.oom_score_adj = parent.oom_score_adj;
        }
        state.tasks[child].mm = Some(child_mm);
        state.start_group(child);
        (parent.children, inherited)
    });
    cx.record(Event::Forked { child, mm: child_mm });
    cx.kernel().engine.observe(|_, recorder| {
        recorder.cast.tasks[child].mm = Some(child_mm);
        if let Some(cgroup) = cgroup.and_then(|id| recorder.cast.cgroups.get_mut(id)) {
            cgroup.members.push(child);
        }
    });
    cx.wake_all(children);
    if mm == CloneMm::Vfork {
        wait_for_vfork_done(cx, child).await;
    }
}

/// `wait_for_vfork_done()`, killable.
async fn wait_for_vfork_done(cx: &Cx, child: TaskId) {
    loop {
        let (vfork, queue) = cx.with(|state| {
            let group = state.group(child);
            (group.vfork, group.children)
        });
        if !vfork || cx.wait(queue, Reason::Vfork, Signals::Killable).await == Waited::Killed {
            return;
        }
    }
}

/// `complete_vfork_done()`, when a task lets go of its mm.
pub(super) fn complete_vfork_done(cx: &Cx) {
    let queue = cx.with(|state| {
        // A vforked process is its first thread: its parent waits for that.
        let group = state.groups.get_mut(cx.task())?.as_mut()?;
        std::mem::replace(&mut group.vfork, false).then_some(group.children)
    });
    if let Some(queue) = queue {
        cx.wake_all(queue);
    }
}

/// `dup_mmap()`: copies the VMAs, and turns private anonymous pages into
/// shared ones, which the parent's notifiers hear of.
async fn dup_mmap(cx: &Cx, old: MmId, new: MmId) -> Result<(), FaultError> {
    let _in = cx.enter(Func::DupMmap);
    let mmap_lock = cx.with(|state| state.mms[old].mmap_lock);
    let waited = cx.lock_killable(mmap_lock, Hold::Exclusive, Reason::MmapLockKillable).await;
    if waited != Waited::Granted {
        return Err(FaultError::Killed);
    }
    let mut result = Ok(());
    let vmas: Vec<RangeId> = cx.with(|state| state.mms[old].vmas.iter().map(|v| v.id).collect());
    for vma in vmas {
        let id = cx.kernel().engine.observe(|_, recorder| {
            let RangeInfo { start, end, name, anonymous, .. } = recorder.cast.ranges[vma].clone();
            recorder.cast.ranges.push(RangeInfo { mm: new, start, end, name, anonymous })
        });
        let (range, backing, pages) = cx.with(|state| {
            let old = state.mms[old].vma(vma).expect("invariant: mmap_lock keeps the VMAs");
            let child = child_vma(old, id);
            let range = Range { id: vma, start: old.start, end: old.end };
            // vma_needs_copy(): what faults can fill again is left to them.
            let pages = old.anon.count() + old.swapped + old.shared();
            let backing = old.backing;
            state.mms[new].insert(child);
            (range, backing, pages)
        });
        if backing == Backing::Pfnmap {
            result = copy_tables(cx, old, new, range).await;
        } else if pages > 0 {
            result = copy_page_range(cx, old, new, range, id, pages).await;
        }
        if result.is_err() {
            break;
        }
    }
    cx.unlock(mmap_lock);
    result
}

/// `pte_alloc_map_lock()` and the like while tables are copied: the child gets those that its parent has.
async fn copy_tables(cx: &Cx, old: MmId, new: MmId, range: Range) -> Result<(), FaultError> {
    let spans = cx.with(|state| state.mms[old].page_tables.mapped(range.start, range.end));
    for span in spans {
        alloc_tables(cx, new, span, Backing::Anonymous).await?;
    }
    Ok(())
}

/// The child's VMA, without its anonymous pages.
fn child_vma(old: &Vma, id: RangeId) -> Vma {
    let mut vma = Vma::new(id, old.start, old.end, old.backing);
    // VM_LOCKED is not inherited.
    (vma.thp, vma.vm_file) = (old.thp, old.vm_file);
    if old.backing == Backing::Pfnmap {
        vma.resident = old.resident;
    }
    vma
}

/// `copy_page_range()`.
async fn copy_page_range(
    cx: &Cx,
    old: MmId,
    new: MmId,
    range: Range,
    child: RangeId,
    pages: u64,
) -> Result<(), FaultError> {
    let range = mmu_notifier_range_init(cx, MnEvent::ProtectionPage, old, range);
    invalidate_range_start(cx, range).await;
    let vma_id = range.range.id;
    let result = copy_tables(cx, old, new, range.range).await;
    if result.is_err() {
        invalidate_range_end(cx, range).await;
        return result;
    }
    cx.cpu(cx.costs().fork_page * pages).await;
    let shared = cx.with(|state| {
        let vma = state.mms[old].vma(vma_id).expect("invariant: mmap_lock keeps the VMAs");
        let (anon, used) = (std::mem::take(&mut vma.anon), vma.anon_use());
        let mut shares = vma.shares.clone();
        if anon.count() > 0 {
            let share = state.shares.push(AnonShare::new(anon, old));
            let mine = Shared { share, from: 0, to: anon.count() };
            state.shares[share].map(0, mine.to);
            // A locked page is locked no more than its mappers are: one is not.
            for ((_, zone), count) in state.zones.iter_mut().zip(anon.0) {
                zone.transfer(used, Use::Anon, count);
            }
            shares.insert(0, mine);
            let vma = state.mms[old].vma(vma_id).expect("invariant: mmap_lock keeps the VMAs");
            vma.shares.clone_from(&shares);
        }
        for Shared { share, from, to } in &shares {
            state.shares[*share].map(*from, *to);
        }
        let count = shares.iter().map(Shared::count).sum::<u64>();
        share_entries(state, (old, vma_id), (new, child));
        let vma = state.mms[new].vma(child).expect("invariant: it was inserted before");
        vma.shares = shares;
        vma.touched = count + vma.swapped;
        vma.head = vma.swapped % vma.touched.max(1);
        count
    });
    let shared = u32::try_from(shared).unwrap_or(u32::MAX);
    cx.record(Event::Fault { range: child, pages: shared });
    invalidate_range_end(cx, range).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_is_dropped_when_its_last_mapper_goes() {
        let mut pages = Pages::default();
        pages.0[0] = 10;
        let mut share = AnonShare::new(pages, MmId(0));
        assert_eq!(share.map(0, 10), 10);
        assert_eq!(share.map(0, 10), 0);
        assert_eq!(share.unmap(0, 4), 0);
        assert_eq!((share.run(0, 10), share.run(4, 10)), ((4, 1), (6, 2)));
        assert_eq!(share.unmap(0, 6), 4);
        assert_eq!(share.run(4, 10), (2, 1));
        assert_eq!(share.unmap(4, 10), 2);
        assert_eq!(share.unmap(6, 10), 4);
        assert_eq!(share.runs, [(0, 0)]);
    }
}

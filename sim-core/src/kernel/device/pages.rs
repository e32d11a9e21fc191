//! What devices map of whose memory, and what becomes of the pages when
//! they are unmapped.
//!
//! A device with references to its pages (`pin_user_pages()`,
//! mm/gup.c) keeps them allocated when the process loses them; one
//! without goes on using what it was not told is gone. Pages are counted
//! per VMA: those that a device holds are taken to be unmapped last.

use super::super::cx::Cx;
use super::super::memcontrol::mem_cgroup_uncharge;
use super::super::page_alloc::{free_pages, transfer_pages};
use super::super::plugin::Call;
use super::super::state::State;
use super::super::zone::{Pages, Use};
use crate::base::{DeviceId, MmId, NotifierId, RangeId, TaskId};
use crate::record::{Breach, Event, Invariant};

/// What a device maps of one VMA.
#[derive(Clone, Debug)]
pub(super) struct Mirror {
    /// The VMA.
    pub(super) range: RangeId,
    /// Pages that its page tables map.
    pub(super) mapped: u64,
    /// Pages that it holds references to.
    refs: u64,
    /// Of these, pages that nobody else has any longer.
    kept: Pages,
    /// Pages that it maps although they were freed.
    stale: u64,
    /// How often it mapped the VMA, which tells the references of one time from those of the next.
    mapping: u64,
}

/// What a device does through one registration.
#[derive(Clone, Debug)]
pub(super) struct Attachment {
    pub(super) notifier: NotifierId,
    pub(super) mm: MmId,
    mirrors: Vec<Mirror>,
    /// `kvm->mmu_invalidate_in_progress`, `umem_odp->notifiers_count`.
    pub(super) in_progress: Vec<TaskId>,
    /// `kvm->mmu_invalidate_seq`, `umem_odp->notifiers_seq`.
    pub(super) seq: u64,
}

impl Attachment {
    pub(super) fn new(notifier: NotifierId, mm: MmId) -> Self {
        Self { notifier, mm, mirrors: Vec::new(), in_progress: Vec::new(), seq: 0 }
    }

    pub(super) fn mirror(&self, range: RangeId) -> Option<&Mirror> {
        self.mirrors.iter().find(|mirror| mirror.range == range)
    }

    /// The VMAs that it maps, or has mapped, something of.
    pub(super) fn ranges(&self) -> Vec<RangeId> {
        self.mirrors.iter().map(|mirror| mirror.range).collect()
    }

    pub(super) fn maps_any(&self, vmas: &[RangeId]) -> bool {
        self.mirrors.iter().any(|mirror| mirror.mapped > 0 && vmas.contains(&mirror.range))
    }

    fn mirror_mut(&mut self, range: RangeId) -> &mut Mirror {
        let index = self.mirrors.iter().position(|mirror| mirror.range == range);
        let index = index.unwrap_or_else(|| {
            let kept = Pages::default();
            self.mirrors.push(Mirror { range, mapped: 0, refs: 0, kept, stale: 0, mapping: 0 });
            self.mirrors.len() - 1
        });
        &mut self.mirrors[index]
    }
}

impl State {
    /// The registration's state in its device.
    pub(super) fn attachment(&mut self, notifier: NotifierId) -> Option<&mut Attachment> {
        let device = self.notifiers[notifier].device;
        let attached = self.devices[device].attached.iter_mut();
        attached.into_iter().find(|attachment| attachment.notifier == notifier)
    }
}

/// Every mirror of a VMA, and whose it is.
fn mirrors_of(state: &mut State, range: RangeId) -> impl Iterator<Item = (DeviceId, &mut Mirror)> {
    let attached = state.devices.iter_mut().flat_map(|(id, device)| {
        device.attached.iter_mut().map(move |attachment| (id, attachment))
    });
    let mirrors = attached
        .flat_map(|(id, attachment)| attachment.mirrors.iter_mut().map(move |mirror| (id, mirror)));
    mirrors.filter(move |(_, mirror)| mirror.range == range)
}

/// Pages of a VMA that would stay allocated if they were unmapped now,
/// because a device refers to them.
pub fn pages_held(state: &mut State, range: RangeId) -> u64 {
    let held = mirrors_of(state, range).map(|(_, mirror)| mirror.refs - mirror.kept.count());
    held.max().unwrap_or(0)
}

/// Pages that are allocated only because devices refer to them.
pub(in crate::kernel) fn kept_pages(state: &State) -> Pages {
    let attached = state.devices.iter().flat_map(|(_, device)| &device.attached);
    let mut all = Pages::default();
    for mirror in attached.flat_map(|attachment| &attachment.mirrors) {
        all.add(mirror.kept);
    }
    all
}

/// A VMA was split: what lies behind its first `stays` pages belongs to
/// another one now.
pub(in crate::kernel) fn split(state: &mut State, old: RangeId, new: RangeId, stays: u64) {
    for (_, device) in state.devices.iter_mut() {
        for attachment in &mut device.attached {
            let Some(index) = attachment.mirrors.iter().position(|m| m.range == old) else {
                continue;
            };
            let lower = &mut attachment.mirrors[index];
            let mapped = lower.mapped.saturating_sub(stays);
            let refs = lower.refs.saturating_sub(stays);
            lower.mapped -= mapped;
            lower.refs -= refs;
            // Pages that nobody has any longer were unmapped before: they are the last ones.
            let kept = lower.kept.take(refs);
            let mapping = lower.mapping;
            let upper = Mirror { range: new, mapped, refs, kept, stale: 0, mapping };
            attachment.mirrors.push(upper);
        }
    }
}

/// The device maps `pages` pages of a VMA from now on, and with `refs`
/// refers to them.
pub(super) fn map(cx: &Cx, notifier: NotifierId, range: RangeId, pages: u64, refs: bool) {
    drop_refs(cx, notifier, range);
    cx.with(|state| {
        let Some(attachment) = state.attachment(notifier) else { return };
        let mirror = attachment.mirror_mut(range);
        (mirror.mapped, mirror.stale) = (pages, 0);
        mirror.refs = if refs { pages } else { 0 };
        mirror.mapping += 1;
    });
}

/// Takes out of `pages`, which were unmapped from a VMA that maps `left`
/// others, those that a device refers to: they stay allocated. The rest is
/// the caller's to free, and stale for a device that still maps it.
pub(in crate::kernel) fn keep_referenced(
    cx: &Cx,
    range: RangeId,
    left: u64,
    pages: &mut Pages,
    from: Use,
) {
    let count = pages.count();
    let drivers = &cx.kernel().drivers;
    let (kept, lost) = cx.with(|state| {
        let mut stale = None;
        let keep = pages_held(state, range).saturating_sub(left).min(count);
        let kept = pages.take(keep);
        for (device, mirror) in mirrors_of(state, range).filter(|(_, mirror)| mirror.refs == 0) {
            // Who refers to nothing loses what it maps, last pages last.
            let lost = mirror.mapped.saturating_sub(left).min(count - keep);
            mirror.mapped -= lost;
            // Flushed with the CPU's TLBs, a mapping is gone before the pages are.
            if !drivers[device].ops().secondary_tlb {
                mirror.stale += lost;
                stale = stale.or((lost > 0).then_some((device, lost)));
            }
        }
        let keeper = mirrors_of(state, range).max_by_key(|(_, m)| m.refs - m.kept.count());
        if let Some((_, keeper)) = keeper {
            keeper.kept.add(kept);
        }
        (kept, stale)
    });
    if let Some((device, pages)) = lost {
        stale_mapping(cx, device, range, pages);
    }
    if kept.count() > 0 {
        transfer_pages(cx, kept, from, Use::Pinned);
        cx.record(Event::StillPinned { range, pages: record_count(kept.count()) });
    }
}

/// I9, where it is broken: pages that a device maps without a reference are about to be freed.
fn stale_mapping(cx: &Cx, device: DeviceId, range: RangeId, pages: u64) {
    cx.kernel().engine.observe(|at, recorder| {
        let name = |name: Option<&String>| name.cloned().unwrap_or_default();
        let who = name(recorder.cast.devices.get(device).map(|device| &device.name));
        let what = name(recorder.cast.ranges.get(range).map(|range| &range.name));
        let text = format!("{pages} pages of {what} are freed although {who} maps them");
        recorder.breached(at, cx.task(), Breach::new(Invariant::NoStaleMapping, text).by(device));
    });
}

/// The device's references to pages of a VMA are dropped; pages that
/// nobody has any longer are freed.
pub(super) fn drop_refs(cx: &Cx, notifier: NotifierId, range: RangeId) {
    let freed = cx.with(|state| {
        let Some(attachment) = state.attachment(notifier) else { return Pages::default() };
        let mirror = attachment.mirror_mut(range);
        mirror.refs = 0;
        let mut kept = std::mem::take(&mut mirror.kept);
        for (_, other) in mirrors_of(state, range) {
            other.kept.add(kept.take(other.refs - other.kept.count()));
        }
        kept
    });
    if freed.count() > 0 {
        free_pages(cx, freed, Use::Pinned);
        // What is pinned stays charged to who mapped it.
        let mm = cx.with(|state| state.notifiers[notifier].mm);
        mem_cgroup_uncharge(cx, mm, freed.count());
        cx.record(Event::Unpinned { range, pages: record_count(freed.count()) });
    }
}

/// The mapping of a VMA that the device has now, or had last.
pub(super) fn mapping(state: &mut State, notifier: NotifierId, range: RangeId) -> u64 {
    let mirror = state.attachment(notifier).and_then(|attachment| attachment.mirror(range));
    mirror.map_or(0, |mirror| mirror.mapping)
}

/// As [`drop_refs`], unless the VMA was mapped anew since that mapping: the new
/// one has references of its own, and the old one's went when it was made.
pub(super) fn drop_refs_of(cx: &Cx, notifier: NotifierId, (range, of): (RangeId, u64)) {
    if cx.with(|state| mapping(state, notifier, range)) == of {
        drop_refs(cx, notifier, range);
    }
}

/// All references that the device has to anybody's pages are dropped.
pub fn unpin_all(cx: &Cx, device: DeviceId) {
    let pinned: Vec<_> = cx.with(|state| {
        let attached = state.devices[device].attached.iter();
        let mirrors = attached.flat_map(|attachment| {
            attachment.mirrors.iter().map(|mirror| (attachment.notifier, mirror.range))
        });
        mirrors.collect()
    });
    for (notifier, range) in pinned {
        drop_refs(cx, notifier, range);
    }
}

/// A registration is gone, and with it all that the device did through it.
pub(in crate::kernel) fn unregistered(cx: &Cx, notifier: NotifierId) {
    let ranges = cx.with(|state| Some(state.attachment(notifier)?.ranges()));
    for range in ranges.into_iter().flatten() {
        drop_refs(cx, notifier, range);
    }
    cx.with(|state| {
        let device = state.notifiers[notifier].device;
        state.devices[device].attached.retain(|attachment| attachment.notifier != notifier);
    });
}

/// `release()` of a list notifier: the mm is going away, and the device
/// maps nothing of it any longer. Its references stay until it is closed.
pub(in crate::kernel) fn released(cx: &Cx, notifier: NotifierId) {
    cx.with(|state| {
        let Some(attachment) = state.attachment(notifier) else { return };
        attachment.seq += 1;
        for mirror in &mut attachment.mirrors {
            (mirror.mapped, mirror.stale) = (0, 0);
        }
    });
}

/// The hardware uses what it maps of a VMA of `mm`.
pub(super) fn access(cx: &Cx, device: DeviceId, mm: MmId, range: RangeId) {
    let stale = cx.with(|state| {
        let attached = state.devices[device].attached.iter();
        // The mm first: it spares a look into each of a shared device's attachments.
        let attached = attached.filter(|attachment| attachment.mm == mm);
        let mirrors = attached.filter_map(|attachment| attachment.mirror(range));
        mirrors.map(|mirror| mirror.stale).sum::<u64>()
    });
    if stale > 0 {
        cx.record(Event::StaleAccess { device, range, pages: record_count(stale) });
    }
}

fn record_count(pages: u64) -> u32 {
    u32::try_from(pages).unwrap_or(u32::MAX)
}

impl Call<'_> {
    /// The device maps nothing of the range any longer. Its references stay.
    pub fn unmap(&self) {
        let vmas = self.vmas();
        self.cx.with(|state| {
            let Some(attachment) = state.attachment(self.notifier) else { return };
            attachment.seq += 1;
            for mirror in attachment.mirrors.iter_mut().filter(|m| vmas.contains(&m.range)) {
                (mirror.mapped, mirror.stale) = (0, 0);
            }
        });
    }

    /// The device drops its references to pages of the range.
    pub fn unpin(&self) {
        for range in self.vmas() {
            drop_refs(self.cx, self.notifier, range);
        }
    }

    /// An invalidation begins, of which the end will be heard: until then
    /// no fault of the device can be served.
    pub fn begin_invalidation(&self) {
        let task = self.cx.task();
        self.cx.with(|state| {
            if let Some(attachment) = state.attachment(self.notifier) {
                attachment.in_progress.push(task);
            }
        });
    }

    /// An invalidation that this task began ends. An end may come without a
    /// begin, for a start that refused (paired ends, 5.12 and later) or had
    /// nothing to do; it must not end somebody else's.
    pub fn end_invalidation(&self) {
        let (device, task) = (self.device(), self.cx.task());
        let idle = self.cx.with(|state| {
            let idle = state.devices[device].idle;
            let attachment = state.attachment(self.notifier)?;
            attachment.seq += 1;
            let begun = &mut attachment.in_progress;
            if let Some(own) = begun.iter().position(|&beginner| beginner == task) {
                begun.remove(own);
            }
            begun.is_empty().then_some(idle)
        });
        if let Some(idle) = idle {
            self.cx.wake_all(idle);
        }
    }
}

//! I9, I10 and I12: starts and ends, and who programs a device
//! (mm/mmu_notifier.c). The interval tree is in [`itree`](super::itree).

use super::itree::Itrees;
use super::locks::Locks;
use super::{device_name, lock_name, mm_name, name, range_name, slot};
use crate::base::{DeviceId, MmId, NotifierId, RangeId, TaskId};
use crate::kernel::plugin::{Driver, Ops};
use crate::kernel::switches::Switches;
use crate::record::{Breach, Cast, Event, Invariant, ItreeRead, MnEvent, Record};

/// A registration.
#[derive(Clone, Default)]
struct Notifier {
    /// Starts that succeeded and have no end yet.
    open: Vec<Record>,
    /// Starts that were refused although the driver has an end operation, of a range under way.
    refused: Vec<Record>,
    /// Who reads, and whether an invalidation came since.
    readers: Vec<(TaskId, bool)>,
}

/// A call into a driver.
#[derive(Clone, Copy)]
struct Call {
    task: TaskId,
    record: Record,
    /// Whether nobody asks what it returns: it may sleep, for as long as it likes.
    ignored: bool,
    event: MnEvent,
}

/// Registrations and calls.
pub(super) struct Notifiers {
    switches: &'static Switches,
    pub(super) ops: Vec<Ops>,
    subscriptions: Vec<Notifier>,
    pub(super) itrees: Itrees,
    /// Calls under way, the innermost of each task last.
    calls: Vec<Call>,
    /// Ranges of which a refusal was ignored.
    failed: Vec<(TaskId, RangeId)>,
}

impl Notifiers {
    pub(super) fn new(switches: &'static Switches, drivers: &[&dyn Driver]) -> Self {
        let ops = drivers.iter().map(|driver| driver.ops()).collect();
        Self {
            switches,
            ops,
            subscriptions: Vec::new(),
            itrees: Itrees::default(),
            calls: Vec::new(),
            failed: Vec::new(),
        }
    }

    pub(super) fn called(&mut self, record: &Record, cast: &Cast) -> Result<(), Breach> {
        let Event::MnCall { blockable, limited, event, .. } = record.event else {
            return Ok(());
        };
        let ignored = blockable && !limited;
        self.calls.push(Call { task: record.task, record: *record, ignored, event });
        self.itrees.called(record, cast)
    }

    pub(super) fn returned(
        &mut self,
        task: TaskId,
        notifier: NotifierId,
        refused: bool,
        cast: &Cast,
    ) {
        let Some(at) = self.calls.iter().rposition(|call| call.task == task) else {
            return;
        };
        let call = self.calls.remove(at);
        if refused && !call.ignored {
            self.itrees.refused(task, notifier, cast);
        }
        let info = cast.notifiers.get(notifier);
        let ops = info.and_then(|info| self.ops.get(info.device.index()));
        // Only the list's interface has an end.
        let has_end = ops.is_some_and(|ops| ops.end) && info.is_some_and(|info| !info.interval);
        let state = slot(&mut self.subscriptions, notifier.index());
        if has_end && call.event != MnEvent::Release {
            let started = call.ignored || !refused;
            if started { &mut state.open } else { &mut state.refused }.push(call.record);
        }
        if let (true, true, Event::MnCall { range, .. }) =
            (call.ignored, refused, call.record.event)
        {
            self.failed.push((task, range));
        }
        if !refused {
            for (_, invalidated) in &mut state.readers {
                *invalidated = true;
            }
        }
    }

    pub(super) fn ended(
        &mut self,
        task: TaskId,
        notifier: NotifierId,
        range: RangeId,
        cast: &Cast,
    ) -> Result<(), Breach> {
        let state = slot(&mut self.subscriptions, notifier.index());
        if take(&mut state.open, task, range).is_some() {
            return Ok(());
        }
        // From 5.12 on all get an end when one refuses, even who refused: such a driver may have none. If
        // the call may sleep, all get another one when the range ends.
        let refused = take(&mut state.refused, task, range);
        let again = self.failed.contains(&(task, range));
        let expected = (refused.is_some() || again) && self.switches.ends_paired;
        let who = device_name(cast, notifier);
        let text = format!("{who} gets an end for {} without a start", range_name(cast, range));
        let breach = Breach::new(Invariant::StartsHaveEnds, text).unless(expected);
        Err(refused.into_iter().fold(breach, Breach::after))
    }

    pub(super) fn lost(
        &mut self,
        task: TaskId,
        notifier: NotifierId,
        range: RangeId,
        cast: &Cast,
    ) -> Result<(), Breach> {
        let state = slot(&mut self.subscriptions, notifier.index());
        let start = take(&mut state.open, task, range);
        let who = device_name(cast, notifier);
        let text = format!("the start of {who} for {} gets no end", range_name(cast, range));
        let breach =
            Breach::new(Invariant::StartsHaveEnds, text).unless(!self.switches.ends_paired);
        Err(start.into_iter().fold(breach, Breach::after))
    }

    /// It is closed, perhaps in the middle of somebody's range.
    pub(super) fn unregistered(&mut self, notifier: NotifierId, cast: &Cast) -> Result<(), Breach> {
        self.hears_no_more(notifier, cast)
    }

    /// It is off the list: the ranges that it was told of end without it. So it is in every
    /// kernel, and harms nobody whose mm is gone.
    fn hears_no_more(&mut self, notifier: NotifierId, cast: &Cast) -> Result<(), Breach> {
        let state = std::mem::take(slot(&mut self.subscriptions, notifier.index()));
        let Some(start) = state.open.first() else { return Ok(()) };
        let who = device_name(cast, notifier);
        let text = format!("{who} is taken off the list after a start, and hears no end");
        Err(Breach::new(Invariant::StartsHaveEnds, text).after(*start))
    }

    /// The mm is about to go, its list with it. Whose mm it is has ended what it
    /// began; the reaper and reclaim, who don't hold it open, may be inside a range
    /// and find the notifier gone when they end it.
    pub(super) fn mm_goes(&mut self, mm: MmId, cast: &Cast) -> Result<(), Breach> {
        for (id, _) in cast.notifiers.iter().filter(|(_, info)| info.mm == mm) {
            let Some(state) = self.subscriptions.get_mut(id.index()) else {
                continue;
            };
            let left = state.open.iter().position(|start| is_of(cast, start.task, mm));
            if let Some(start) = left.map(|at| state.open.remove(at)) {
                let who = device_name(cast, id);
                let text = format!("the mm goes, but a start of {who} has had no end");
                return Err(Breach::new(Invariant::StartsHaveEnds, text)
                    .unless(false)
                    .after(start));
            }
        }
        Ok(())
    }

    /// The mm is gone: no invalidation of its tree may be left open.
    pub(super) fn mm_gone(&mut self, mm: MmId, cast: &Cast) -> Result<(), Breach> {
        let tree = self.itrees.of(mm);
        // The reaper was waited for, and so was reclaim.
        let listed = cast.notifiers.iter().filter(|(_, info)| info.mm == mm && !info.interval);
        let mut off_list = Ok(());
        for (id, _) in listed {
            off_list = off_list.and(self.hears_no_more(id, cast));
        }
        let leaked = self.itrees.leaked(mm);
        self.itrees.mm_gone(mm);
        if tree.active == 0 {
            return off_list;
        }
        let text = format!(
            "the mm of {} is gone, but {} invalidations have had no end (seq {})",
            mm_name(cast, mm),
            tree.active,
            tree.seq
        );
        // Of those alone behind which the list refused.
        let expected = self.switches.interval_leak && usize::from(tree.active) == leaked;
        let breach = Breach::new(Invariant::StartsHaveEnds, text).unless(expected);
        Err(tree.last.into_iter().fold(breach, Breach::after))
    }

    pub(super) fn read(
        &mut self,
        record: &Record,
        notifier: NotifierId,
        op: ItreeRead,
        locks: &Locks,
        cast: &Cast,
    ) -> Result<(), Breach> {
        if matches!(op, ItreeRead::Retry | ItreeRead::Valid) {
            under_its_lock(record.task, notifier, locks, cast)?;
        }
        let readers = &mut slot(&mut self.subscriptions, notifier.index()).readers;
        let at = readers.iter().position(|&(reader, _)| reader == record.task);
        match op {
            ItreeRead::Begin | ItreeRead::Waited => {
                match at {
                    Some(at) => readers[at].1 = false,
                    None => readers.push((record.task, false)),
                }
                Ok(())
            }
            ItreeRead::Retry => {
                at.map(|at| readers.remove(at));
                Ok(())
            }
            ItreeRead::Valid => {
                let read = at.map(|at| readers.remove(at));
                if read.is_some_and(|(_, invalidated)| !invalidated) {
                    return Ok(());
                }
                let who = device_name(cast, notifier);
                let text = format!("{who} is programmed although its range was invalidated since");
                Err(Breach::new(Invariant::ReadersRetry, text))
            }
        }
    }
}

/// Whether the mm is the task's own.
fn is_of(cast: &Cast, task: TaskId, mm: MmId) -> bool {
    cast.tasks.get(task).is_some_and(|info| info.mm == Some(mm))
}

/// `mmu_interval_read_retry()` means something only under the lock that the callback takes, too.
fn under_its_lock(
    task: TaskId,
    notifier: NotifierId,
    locks: &Locks,
    cast: &Cast,
) -> Result<(), Breach> {
    let device = cast.notifiers.get(notifier).and_then(|info| cast.devices.get(info.device));
    match device.and_then(|device| device.locks.first()) {
        Some(&lock) if !locks.is_held(lock, task) => {
            let (who, what) = (name(cast, task), lock_name(cast, lock));
            let text = format!("{who} asks for invalidations without {what}");
            Err(Breach::new(Invariant::ReadersRetry, text))
        }
        _ => Ok(()),
    }
}

/// A device used freed pages.
pub(super) fn stale_access(
    device: DeviceId,
    range: RangeId,
    pages: u32,
    cast: &Cast,
) -> Result<(), Breach> {
    let who = cast.devices.get(device).map_or("a device", |info| &info.name);
    let text = format!("{who} uses {pages} pages of {} that were freed", range_name(cast, range));
    Err(Breach::new(Invariant::NoStaleMapping, text).by(device))
}

/// Takes a start by this task for this range out of a list.
fn take(starts: &mut Vec<Record>, task: TaskId, range: RangeId) -> Option<Record> {
    let is_it = |start: &Record| {
        start.task == task && matches!(start.event, Event::MnCall { range: of, .. } if of == range)
    };
    let at = starts.iter().position(is_it)?;
    Some(starts.remove(at))
}

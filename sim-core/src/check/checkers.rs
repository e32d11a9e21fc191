//! The checkers that can be selected with `--check`, and how they share
//! one run: [`checker`] makes the one that the recorder tells everything.
//!
//! A checker is one file here and one line in [`ALL`]. None changes a run.

use super::fence_annotations;
use super::lockdep::Lockdep;
use super::non_block::NonBlock;
use super::slot;
use super::wait_for::Watcher;
use crate::base::{NotifierId, SimTime};
use crate::kernel::plugin::head_of;
use crate::kernel::switches::Switches;
use crate::record::{
    AllLocks, Annotation, By, Cast, Checker, Event, FakeMap, HeldLocks, HungTaskLooks, LockReport,
    LockReports, Noted, Place, Record, Splat, Tracked,
};

/// Reports kept, at most: more of them say nothing new.
const REPORTS_MAX: usize = 256;

/// A checker that can be selected.
#[derive(Copy, Clone, Debug)]
pub struct Selectable {
    /// Its stable id.
    pub id: &'static str,
    /// What it does, for people.
    pub doc: &'static str,
}

/// Every checker.
pub const ALL: &[Selectable] = &[
    Selectable { id: "lockdep", doc: head_of!("lockdep.rs") },
    Selectable { id: "non-block", doc: head_of!("non_block.rs") },
    Selectable { id: "fence-annotations", doc: head_of!("fence_annotations.rs") },
    Selectable { id: "wait-for", doc: head_of!("wait_for.rs") },
];

/// The checker with this id.
pub fn find(id: &str) -> Option<&'static Selectable> {
    ALL.iter().find(|checker| checker.id == id)
}

/// The call stacks of boot that reports name.
pub const BOOT_STACKS: &[&[&str]] = super::lockdep::BOOT_STACKS;

/// Who checks a run on this kernel with these checkers on; nobody, if none
/// of them needs to be told anything while it runs. A kernel that debugs
/// locks, and pays for it, has lockdep whether or not its reports are asked for.
pub fn checker(
    switches: &Switches,
    checks: &[&'static str],
    debug_kernel: bool,
) -> Option<Box<dyn Checker>> {
    let has = |id| checks.contains(&id);
    let (fences, shown) = (has("fence-annotations"), has("lockdep") || has("fence-annotations"));
    let non_block = has("non-block").then(NonBlock::default);
    let lockdep = shown.then(|| Lockdep::new(switches, fences));
    let of_machine = debug_kernel.then(|| Lockdep::new(switches, false));
    let wait_for = has("wait-for").then(Watcher::default);
    let tells = lockdep.is_some() || non_block.is_some() || wait_for.is_some();
    if !tells && of_machine.is_none() {
        return None;
    }
    let checks = checks.to_vec();
    let found = LockReports { checks, shows_lockdep: shown, ..LockReports::default() };
    let (calls, next_look) = (Vec::new(), SimTime::ZERO);
    Some(Box::new(Debug {
        lockdep,
        of_machine,
        shown,
        fences,
        non_block,
        wait_for,
        calls,
        next_look,
        found,
    }))
}

struct Debug {
    /// The one whose reports are asked for.
    lockdep: Option<Lockdep>,
    /// That of a machine which pays for it: the same whatever is asked for, so that
    /// checkers change nothing.
    of_machine: Option<Lockdep>,
    /// Whether lockdep's reports are asked for.
    shown: bool,
    fences: bool,
    non_block: Option<NonBlock>,
    wait_for: Option<Watcher>,
    /// By task: the callbacks that it is in.
    calls: Vec<Vec<NotifierId>>,
    /// When the hung-task detector looks next.
    next_look: SimTime,
    found: LockReports,
}

impl Debug {
    fn place(&self, noted: Noted, by: By) -> Place {
        let notifier = self.calls.get(noted.task.index()).and_then(|calls| calls.last().copied());
        Place { stack: noted.stack, notifier, by }
    }

    fn report(&mut self, noted: Noted, by: By, splat: Option<Splat>) {
        let Some(splat) = splat else { return };
        let is_lockdep = splat.is_lockdep();
        if is_lockdep {
            self.found.turned_off_at = Some(noted.at);
        }
        let count = if is_lockdep {
            &mut self.found.lockdep_count
        } else {
            &mut self.found.non_block_count
        };
        *count += 1;
        if self.found.reports.len() < REPORTS_MAX {
            let place = self.place(noted, by);
            let held = self.lockdep.as_ref().map_or(HeldLocks::Unknown, |lockdep| {
                // Its own report still says what was held.
                let known = || HeldLocks::Known(lockdep.held_by(noted.task));
                if is_lockdep { known() } else { lockdep.held_locks(noted.task) }
            });
            let Noted { at, task, record, .. } = noted;
            self.found.reports.push(LockReport { at, task, record, splat, place, held });
        }
    }

    /// The hung-task detector looks before what happens now: if it finds
    /// somebody, it lists all locks.
    #[cold]
    fn look(&mut self, now: SimTime, record: u64, cast: &Cast) {
        let Some(looks) = HungTaskLooks::of(cast) else {
            self.next_look = SimTime::MAX;
            return;
        };
        let at = looks.from(self.next_look);
        if at <= now
            && let Some(held) = self.lockdep.as_ref().and_then(Lockdep::everybody)
        {
            self.found.at_looks.push(AllLocks { at, record, held: Some(held) });
        }
        // Looks in between found nothing new: nothing happened.
        let last = SimTime(now.0.saturating_add(1));
        self.next_look = looks.from(if at > now { at } else { last });
    }

    /// The machine's own lockdep says nothing: what counts is when it turns itself off.
    fn tell_machine(&mut self, noted: Noted, annotation: Annotation, cast: &Cast) {
        let Some(lockdep) = &mut self.of_machine else { return };
        match annotation {
            Annotation::Acquire { what, hold, attempt, by } => {
                let place = Place { stack: noted.stack, notifier: None, by };
                lockdep.acquire(noted, place, what, (hold, attempt), cast);
            }
            Annotation::Release(what) => {
                lockdep.release(noted.task, what, cast);
            }
            _ => {}
        }
    }

    fn tell_lockdep(&mut self, noted: Noted, annotation: Annotation, cast: &Cast) {
        match annotation {
            Annotation::Acquire { what, hold, attempt, by } => {
                let place = self.place(noted, by);
                let lockdep = self.lockdep.as_mut();
                let splat = lockdep
                    .and_then(|lockdep| lockdep.acquire(noted, place, what, (hold, attempt), cast));
                self.report(noted, by, splat);
            }
            Annotation::Release(what) => {
                let lockdep = self.lockdep.as_mut();
                let splat = lockdep.and_then(|lockdep| lockdep.release(noted.task, what, cast));
                self.report(noted, By::Caller, splat);
            }
            _ => {}
        }
    }
}

impl Checker for Debug {
    fn see(&mut self, record: &Record, before: u64, cast: &Cast) {
        let task = record.task;
        if let Some(watcher) = &mut self.wait_for {
            watcher.see(record, before, cast);
        }
        if self.shown && record.at >= self.next_look {
            self.look(record.at, before, cast);
        }
        match record.event {
            Event::MnCall { notifier, .. } => slot(&mut self.calls, task.index()).push(notifier),
            Event::MnReturn { notifier, .. } => {
                let calls = slot(&mut self.calls, task.index());
                if calls.last() == Some(&notifier) {
                    calls.pop();
                }
            }
            Event::Blocked { stack, .. } => {
                let splats = self.non_block.as_mut().map(|debug| debug.schedules(task));
                // Printed on the way out, so before the record that it is gone.
                let noted = Noted { at: record.at, task, stack, record: before };
                for splat in splats.into_iter().flatten() {
                    self.report(noted, By::Caller, splat);
                }
            }
            Event::UnableToReap { .. } if self.shown => {
                let held = self.lockdep.as_ref().and_then(Lockdep::everybody);
                let (at, record) = (record.at, before + 1);
                self.found.all_locks.push(AllLocks { at, record, held });
            }
            _ => {}
        }
    }

    fn note(&mut self, noted: Noted, annotation: Annotation, cast: &Cast) {
        if let Some(non_block) = &mut self.non_block {
            let splat = match annotation {
                Annotation::MightSleep(site) => {
                    non_block.might_sleep((noted.at, noted.task), site, cast)
                }
                Annotation::NonBlockStart => {
                    non_block.start(noted.task);
                    None
                }
                Annotation::NonBlockEnd => {
                    non_block.end(noted.task);
                    None
                }
                Annotation::Acquire { what: Tracked::Lock(lock), .. } => {
                    non_block.lock(noted.task, lock, true, cast);
                    None
                }
                Annotation::Release(Tracked::Lock(lock)) => {
                    non_block.lock(noted.task, lock, false, cast);
                    None
                }
                _ => None,
            };
            self.report(noted, By::Caller, splat);
        }
        let map = Tracked::Map(FakeMap::DmaFence);
        match annotation {
            Annotation::Acquire { .. } | Annotation::Release(_) => {
                self.tell_machine(noted, annotation, cast);
                self.tell_lockdep(noted, annotation, cast);
            }
            Annotation::BeginSignalling | Annotation::EndSignalling | Annotation::FenceWait
                if self.fences =>
            {
                let lockdep = self.lockdep.as_ref();
                let signalling = lockdep.is_some_and(|lockdep| lockdep.holds(noted.task, map));
                for told in fence_annotations::translate(annotation, signalling) {
                    self.tell_lockdep(noted, told, cast);
                }
            }
            _ => {}
        }
    }

    fn debug_locks(&self) -> bool {
        self.of_machine.as_ref().is_some_and(|lockdep| lockdep.is_on)
    }

    fn finish(&mut self, end: SimTime) -> LockReports {
        let mut found = std::mem::take(&mut self.found);
        // The detector may look long after the last record; nothing changes until then.
        let held = self.lockdep.as_ref().filter(|_| self.shown).and_then(Lockdep::everybody);
        if held.is_some() {
            // From the first look on that no record came after.
            let at = self.next_look.min(end);
            found.at_looks.push(AllLocks { at, record: u64::MAX, held });
        }
        found.wait_for = self.wait_for.as_mut().map(|watcher| watcher.finish(end));
        found.classes = self.lockdep.as_mut().map(Lockdep::classes).unwrap_or_default();
        found
    }
}

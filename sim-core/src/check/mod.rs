//! The invariants of kernel-spec 8.1, watched in every run.
//!
//! A [`monitor`] sees each record as it is made and knows nothing else but
//! the [`Cast`] and what was declared: switches, policy, drivers and
//! rounding of timers, from which follows what is waived. A breach that is
//! waived is kept as a finding, any other ends the run. What needs the
//! state itself (I13, and the flags of I1) the kernel recounts at rare
//! points, in `kernel/recount.rs`; that nobody reclaims who must not (I14)
//! it sees where reclaim begins. I19 is about two runs, so tests and the
//! search hold it.
//!
//! One file per kind of record: [`locks`], [`allocs`], [`victims`],
//! [`reaper`], [`told`], [`notifiers`], [`itree`]. The checkers that one selects, such as
//! lockdep, are in [`checkers`].

mod allocs;
pub mod checkers;
mod fence_annotations;
mod hand_off;
mod itree;
mod lockdep;
mod locks;
mod non_block;
mod notifiers;
mod reaper;
mod told;
mod victims;
pub(crate) mod wait_for;
mod waivers;

use crate::base::{DeviceId, LockId, MmId, NotifierId, TaskId};
use crate::kernel::plugin::{Approach, Driver, Policy};
use crate::kernel::switches::Switches;
use crate::record::{Breach, Cast, Event, Invariant, Monitor, OomResult, Reason, Record, TaskKind};
pub use waivers::Waivers;

/// What was declared about a run.
#[derive(Copy, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "a table of independent facts")]
pub struct Declared<'a> {
    /// The kernel's version.
    pub switches: &'static Switches,
    /// Every policy that the run may be under.
    pub policies: &'a [&'static dyn Policy],
    /// The drivers of its devices, in the order of their ids.
    pub drivers: &'a [&'a dyn Driver],
    /// Whether timers are rounded.
    pub timer_wheel: bool,
    /// Whether waits are made to end early or late, from outside.
    pub shifts_waits: bool,
    /// `vm.oom_kill_allocating_task`.
    pub kills_allocating_task: bool,
    /// By device, whether it may use memory that it was told is gone: it is on a list of notifiers
    /// and counts none until its end, or loses invalidations, and has no references to the pages.
    pub maps_what_is_gone: &'a [bool],
    /// Whether a callback that the reaper calls may allocate with flags that may sleep.
    pub callback_allocates: bool,
    /// By device, whether the reaper may have to wait in a callback of it.
    pub reaper_may_wait: &'a [bool],
}

/// Who watches a run of which this was declared.
pub fn monitor(declared: &Declared<'_>) -> Box<dyn Monitor> {
    let calls_them = |policy: &&dyn Policy| policy.approach() != Approach::Silent;
    let silent = !declared.policies.iter().all(calls_them);
    let told = told::Told::new(!silent);
    Box::new(Watch {
        waivers: Waivers::of(declared),
        locks: locks::Locks::default(),
        allocs: allocs::Allocs::new(declared.switches, declared.timer_wheel),
        victims: victims::Victims::new(declared.switches, declared.kills_allocating_task),
        reaper: reaper::Reaper::new(declared, told),
        notifiers: notifiers::Notifiers::new(declared.switches, declared.drivers),
        handed: hand_off::HandedOver::default(),
        may_map_what_is_gone: declared
            .maps_what_is_gone
            .iter()
            .map(|&maps| maps || silent)
            .collect(),
    })
}

struct Watch {
    waivers: Waivers,
    locks: locks::Locks,
    allocs: allocs::Allocs,
    victims: victims::Victims,
    reaper: reaper::Reaper,
    notifiers: notifiers::Notifiers,
    handed: hand_off::HandedOver,
    /// By device, whether I9 is waived for it.
    may_map_what_is_gone: Vec<bool>,
}

impl Monitor for Watch {
    fn see(&mut self, record: &Record, cast: &Cast) -> Result<(), Breach> {
        let task = record.task;
        let is_reaper = self.reaper.id == Some(task);
        match record.event {
            Event::Acquired { lock, hold } => {
                let taken = self.locks.acquired(task, lock, hold, cast);
                taken.and(if is_reaper { self.reaper.acquired(lock) } else { Ok(()) })
            }
            Event::Released { lock } => {
                self.locks.released(lock);
                self.allocs.released(task, lock);
                Ok(())
            }
            Event::Blocked { on, why, .. } => {
                self.locks.blocked(task, on);
                if why == Reason::Srcu as u8 {
                    self.reaper.told.waits_for_callers(task, cast);
                }
                let allocates = self.allocs.blocked(record, cast);
                if !is_reaper {
                    return allocates;
                }
                allocates.and(self.reaper.blocked(record, why, &self.victims, cast))
            }
            Event::Woken { how, .. } => {
                self.locks.woken(task, how);
                self.allocs.woken(record, how, cast)
            }
            Event::ZoneFree { zone, free } => match cast.zones.get(zone) {
                Some(info) if u64::from(free) > info.managed => Err(Breach::new(
                    Invariant::PagesConserved,
                    format!("{free} pages of {} are free, but it has {}", info.name, info.managed),
                )),
                _ => Ok(()),
            },
            // What a callback's request reclaims is not reaped.
            Event::Zap { .. } if self.allocs.reclaims(task) => Ok(()),
            Event::Zap { range, pages, .. } if is_reaper => {
                self.reaper.zapped(range, pages, &self.victims, cast)
            }
            Event::Zap { range, .. } if cast.hand_off_workers.contains(&task) => {
                self.handed.zapped(range, &self.victims, cast)
            }
            Event::HandedOff { mm, range, .. } => {
                if is_reaper {
                    self.reaper.handed_off(mm);
                }
                self.handed.handed(range);
                Ok(())
            }
            Event::Spawned {} => {
                if self.reaper.id.is_none() && is_named(cast, task, "oom_reaper") {
                    let oom_lock = cast.locks.iter().find(|(_, lock)| lock.name == "oom_lock");
                    let oom_lock = oom_lock.map(|(id, _)| id);
                    self.reaper.found(task, oom_lock);
                    self.allocs.oom_lock = oom_lock;
                }
                Ok(())
            }
            _ => self.see_rare(record, cast),
        }
    }

    fn waives(&self, breach: &Breach) -> bool {
        let may_map = |device: DeviceId| self.may_map_what_is_gone.get(device.index());
        self.waivers.has(breach.invariant)
            && breach.device.is_none_or(|device| may_map(device) == Some(&true))
    }
}

impl Watch {
    /// The events that are no engine's and no page's.
    fn see_rare(&mut self, record: &Record, cast: &Cast) -> Result<(), Breach> {
        let is_reaper = self.reaper.id == Some(record.task);
        match record.event {
            Event::AllocBegin { gfp, .. } => {
                self.allocs.begun(record, cast);
                if is_reaper { self.reaper.allocates(gfp) } else { Ok(()) }
            }
            Event::AllocServed { gfp, .. } if is_reaper => self.reaper.allocates(gfp),
            Event::AllocDone { .. } => {
                self.allocs.done(record.task);
                Ok(())
            }
            Event::DirectReclaimBegin { gfp, .. } => {
                let begun = self.allocs.reclaim_begun(record, cast);
                begun.and(if is_reaper { self.reaper.allocates(gfp) } else { Ok(()) })
            }
            Event::DirectReclaimEnd { .. } => {
                self.allocs.reclaim_ended(record.task);
                Ok(())
            }
            Event::OomTrylockFail { .. } => {
                self.allocs.lost_oom_lock(record);
                Ok(())
            }
            Event::OomMmSet { leader, mm } => self.victims.oom_mm_set(record, leader, mm, cast),
            Event::OomSkipSet { mm, .. } => {
                self.reaper.skip_set(mm);
                self.victims.skip_set(record, mm, cast)
            }
            Event::MemcgOom { cgroup, .. } => {
                self.victims.memcg_oom(record.task, cgroup);
                self.allocs.may_wait(record.task);
                Ok(())
            }
            Event::OomKillProcess { .. } => self.victims.kill_begun(record, cast),
            Event::OutOfMemory { result, victim } => {
                self.victims.kill_over(record.task);
                let waits_for = victim.filter(|_| result == OomResult::Aborted);
                waits_for.map_or(Ok(()), |victim| self.victims.is_waited_for(victim, cast))
            }
            Event::SignalGenerate { target } => {
                self.victims.signalled(record.task, target);
                Ok(())
            }
            Event::Exited {} => {
                self.victims.exited(record.task);
                Ok(())
            }
            Event::MarkVictim { victim, .. } => self.victims.marked(record, victim, cast),
            Event::WakeReaper { victim } => self.reaper.woken(record, victim, cast),
            Event::BackedOff { mm, .. } if is_reaper => {
                self.reaper.backed_off(record, mm, &self.victims);
                Ok(())
            }
            Event::StartTaskReaping { victim } if is_reaper => {
                let begun = self.reaper.begun(record, victim, &self.victims, cast);
                begun.and(self.victims.is_reapable(victim, cast))
            }
            Event::SkipTaskReaping { victim } if is_reaper => {
                self.reaper.skipped(record, victim, &self.victims, cast)
            }
            Event::FinishTaskReaping { victim, ok } if is_reaper => {
                self.reaper.finished(record, victim, ok, cast)
            }
            Event::Reaped { victim, .. } if is_reaper => self.reaper.reaped(victim, cast),
            _ => self.see_notifier(record, is_reaper, cast),
        }
    }

    /// What notifiers do, and mms that go.
    fn see_notifier(
        &mut self,
        record: &Record,
        is_reaper: bool,
        cast: &Cast,
    ) -> Result<(), Breach> {
        match record.event {
            Event::MnCall { .. } => {
                if is_reaper {
                    self.reaper.called(record);
                }
                self.notifiers.called(record, cast)
            }
            Event::CoreRefused { range, .. } => {
                if is_reaper {
                    self.reaper.refused(range);
                }
                self.notifiers.itrees.called(record, cast)
            }
            Event::MnReturn { notifier, range, refused } => {
                if is_reaper {
                    self.reaper.returned(range, refused);
                }
                self.notifiers.returned(record.task, notifier, refused, cast);
                Ok(())
            }
            Event::MnEnd { notifier, range } => {
                self.notifiers.ended(record.task, notifier, range, cast)
            }
            Event::MnLostEnd { notifier, range } => {
                self.notifiers.lost(record.task, notifier, range, cast)
            }
            Event::MnItree { op, .. } => {
                if is_reaper {
                    self.reaper.told.changes_tree(op);
                }
                self.notifiers.itrees.changed(record, cast)
            }
            Event::NotifierRegistered { notifier, range } => {
                self.reaper.told.registered(notifier, range, &self.notifiers.ops, cast);
                Ok(())
            }
            Event::MnRead { notifier, op, .. } => {
                self.notifiers.read(record, notifier, op, &self.locks, cast)
            }
            Event::NotifierUnregistered { notifier } => {
                self.reaper.told.unregistered(record.task, notifier);
                self.notifiers.unregistered(notifier, cast)
            }
            Event::StaleAccess { device, range, pages } => {
                notifiers::stale_access(device, range, pages, cast)
            }
            Event::ExitMmap { mm } => {
                self.allocs.exits(record.task);
                self.reaper.told.mm_goes(record.task, mm, cast);
                self.notifiers.mm_goes(mm, cast)
            }
            Event::ExitMmapDone { mm } => {
                self.allocs.exited(record.task);
                self.reaper.told.mm_gone(record.task);
                self.notifiers.mm_gone(mm, cast).and(self.reaper.mm_gone(mm, cast))
            }
            _ => Ok(()),
        }
    }
}

fn is_named(cast: &Cast, task: TaskId, name: &str) -> bool {
    cast.tasks.get(task).is_some_and(|info| info.kind == TaskKind::Kthread && info.name == name)
}

/// A task's name, for texts.
fn name(cast: &Cast, task: TaskId) -> &str {
    cast.tasks.get(task).map_or("somebody", |info| &info.name)
}

/// The name of a lock, for texts.
fn lock_name(cast: &Cast, lock: LockId) -> &str {
    cast.locks.get(lock).map_or("a lock", |info| &info.name)
}

/// The name of a range, for texts.
fn range_name(cast: &Cast, range: crate::base::RangeId) -> &str {
    cast.ranges.get(range).map_or("a range", |info| &info.name)
}

/// The name of a notifier's device, for texts.
fn device_name(cast: &Cast, notifier: NotifierId) -> &str {
    let device = cast.notifiers.get(notifier).and_then(|info| cast.devices.get(info.device));
    device.map_or("a device", |info| &info.name)
}

/// The name of who an mm was made for, for texts.
fn mm_name(cast: &Cast, mm: MmId) -> &str {
    cast.mms.get(mm).map_or("somebody", |info| name(cast, info.owner))
}

/// The mm of a task, as far as records know it.
fn mm_of(cast: &Cast, task: TaskId) -> Option<MmId> {
    let info = cast.tasks.get(task)?;
    info.mm.or_else(|| cast.tasks.get(info.leader)?.mm)
}

/// The slot of an id in a table that grows with the run.
fn slot<T: Default + Clone>(table: &mut Vec<T>, index: usize) -> &mut T {
    if index >= table.len() {
        table.resize(index + 1, T::default());
    }
    &mut table[index]
}

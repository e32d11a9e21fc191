//! The pass over the records that fills an [`Index`].

use super::{Call, Counts, Holding, Index, Stale, Step};
use crate::analysis::memory::MemoryBuilder;
use crate::analysis::psi::{Psi, PsiBuilder};
use crate::analysis::reaping::AttemptsBuilder;
use crate::analysis::replay::{Doing, Now, TaskNow};
use crate::analysis::types::Memory;
use crate::analysis::victims::VictimsBuilder;
use crate::base::SimTime;
use crate::base::{Nanos, TaskId};
use crate::check::wait_for::scene::Known;
use crate::check::wait_for::{Oracle, is_progress};
use crate::record::{Cast, Event, Gfp, ItreeOp, Record, Run, WaitFor};

/// The pass.
pub(super) struct Builder<'r> {
    cast: &'r Cast,
    now: Now,
    memory: MemoryBuilder<'r>,
    psi: PsiBuilder,
    victims: VictimsBuilder<'r>,
    attempts: AttemptsBuilder,
    oracle: Oracle,
    known: Known,
    index: Index,
}

fn table<T: Default>(count: usize) -> Vec<T> {
    (0..count).map(|_| T::default()).collect()
}

impl<'r> Builder<'r> {
    pub(super) fn new(run: &'r Run) -> Self {
        let cast = &run.cast;
        let known = Known::of(cast);
        let Known { reaper, kswapd, oom_lock } = known;
        Self {
            cast,
            now: Now::new(cast),
            memory: MemoryBuilder::new(cast),
            psi: PsiBuilder::new(cast),
            victims: VictimsBuilder::new(cast),
            attempts: AttemptsBuilder::new(reaper),
            oracle: Oracle::new(cast),
            known,
            index: Index {
                cast: cast.clone(),
                end: run.end,
                stop: run.stop,
                waived: run.findings.waived.clone(),
                lock_reports: run.lock_reports.clone(),
                events: run.events,
                times: Vec::with_capacity(run.trace.len()),
                actors: Vec::with_capacity(run.trace.len()),
                tasks: table(cast.tasks.len()),
                locks: table(cast.locks.len()),
                jobs: table(cast.devices.len()),
                invalidations: table(cast.mms.len()),
                attempts: Vec::new(),
                victims: Vec::new(),
                memory: Memory::default(),
                psi: Psi::default(),
                reaper,
                kswapd,
                oom_lock,
                rises: Vec::new(),
                forks: Vec::new(),
                dumpers: Vec::new(),
                stale: Vec::new(),
                progress: None,
                panic: None,
                counts: Counts::default(),
                lost_ends: Vec::new(),
                backed_off: Vec::new(),
                give_ups: Vec::new(),
                wait_for: WaitFor::default(),
            },
        }
    }

    pub(super) fn feed(&mut self, number: usize, record: &Record) {
        self.index.times.push(record.at);
        self.index.actors.push(record.task);
        let before = self.now.task(record.task).cloned();
        self.now.apply(record);
        self.psi.feed(record, before.as_ref(), &self.now);
        let rise = self.memory.feed(record);
        self.victims.feed(number, record, self.memory.present());
        self.attempts.feed(number, record, &self.now.reaper);
        if rise {
            self.index.rises.push((number, record.task));
        }
        let states = (before.as_ref(), &self.now);
        self.oracle.see(number, record, states, self.cast);
        if rise || is_progress(&record.event, self.known) {
            self.index.progress = Some(number);
        }
        if let Some(before) = before {
            self.track_task(number, record, &before);
        }
        self.track_objects(number, record);
        self.count(number, record);
    }

    fn count(&mut self, number: usize, record: &Record) {
        let counts = &mut self.index.counts;
        match record.event {
            Event::MnReturn { refused: true, .. } | Event::CoreRefused { .. } => {
                counts.refusals += 1;
            }
            Event::BackedOff { mm, notifier } => {
                self.index.backed_off.push((number, mm, notifier));
            }
            Event::UnableToReap { victim } => {
                counts.gave_up += 1;
                self.index.give_ups.push((number, victim));
            }
            Event::Zap { pages, .. }
                if Some(record.task) == self.index.reaper
                    || self.cast.hand_off_workers.contains(&record.task) =>
            {
                counts.reaped_pages += u64::from(pages);
            }
            Event::StaleAccess { device, range, pages } => {
                let task = record.task;
                self.index.stale.push(Stale { record: number, task, device, range, pages });
            }
            Event::MnLostEnd { notifier, .. } => {
                self.index.lost_ends.push((number, notifier));
            }
            Event::Forked { child, .. } => self.index.forks.push((number, record.task, child)),
            Event::CoreDump {} => self.index.dumpers.push((number, record.task)),
            Event::SleptNonblocking { .. } => counts.slept_nonblocking += 1,
            Event::ReserveTaken { free: 0, .. } => counts.reserves_exhausted += 1,
            // Who is killed may take of the reserves; if even that fails, there are none left.
            Event::AllocFailed { gfp, .. }
                if Gfp(gfp).has(Gfp::DIRECT_RECLAIM)
                    && self.now.task(record.task).is_some_and(|task| task.is_killed) =>
            {
                counts.reserves_exhausted += 1;
            }
            _ => {}
        }
    }

    fn track_task(&mut self, number: usize, record: &Record, before: &TaskNow) {
        let (Some(after), Some(track)) =
            (self.now.task(record.task), self.index.tasks.get_mut(record.task.index()))
        else {
            return;
        };
        if after.doing != before.doing {
            if let (Doing::Blocked { .. }, Some(parked)) = (before.doing, track.steps.last())
                && let Some(call) = track.calls.youngest_open()
            {
                let since = self.index.times.get(parked.record).copied();
                call.blocked += record.at.saturating_sub(since.unwrap_or(record.at));
            }
            let doing = after.doing;
            track.steps.push(Step { record: number, doing });
        }
        match (before.stall, after.stall) {
            (None, Some(gfp)) => track.stalls.open(number, gfp),
            (Some(_), None) => track.stalls.close(number, |_| true),
            (Some(old), Some(new)) if old != new => {
                if let Some(gfp) = track.stalls.youngest_open() {
                    *gfp = new;
                }
            }
            _ => {}
        }
        match record.event {
            Event::MnCall { notifier, range, blockable, .. } => track
                .calls
                .open(number, Call { notifier, range, can_block: blockable, blocked: Nanos::ZERO }),
            Event::MnFinishCall { notifier, range } => {
                // The second pass of a call is as blockable as the first.
                let first = track.calls.items.iter().rev();
                let first = first.map(|call| call.what).find(|call| call.notifier == notifier);
                let can_block = first.is_none_or(|call| call.can_block);
                let blocked = Nanos::ZERO;
                track.finishes += 1;
                track.calls.open(number, Call { notifier, range, can_block, blocked });
            }
            Event::MnReturn { notifier, range, .. } | Event::MnFinishReturn { notifier, range } => {
                track.calls.close(number, |call| call.notifier == notifier && call.range == range);
            }
            _ => {}
        }
    }

    fn track_objects(&mut self, number: usize, record: &Record) {
        let task = record.task;
        match record.event {
            Event::Acquired { lock, hold } => {
                if let Some(holds) = self.index.locks.get_mut(lock.index()) {
                    holds.open(number, Holding { task, hold });
                }
            }
            Event::Released { lock } => {
                if let Some(holds) = self.index.locks.get_mut(lock.index()) {
                    holds.close(number, |holding| holding.task == task);
                }
            }
            Event::JobSubmitted { device, fence } => {
                if let Some(jobs) = self.index.jobs.get_mut(device.index()) {
                    jobs.open(number, fence);
                }
            }
            Event::FenceSignaled { fence } => {
                // Every device numbers its fences for itself.
                let device = self.index.device_signaled_by(task);
                if let Some(jobs) = device.and_then(|id| self.index.jobs.get_mut(id.index())) {
                    jobs.close(number, |job| *job == fence);
                }
            }
            Event::MnItree { mm, op, .. } => {
                if let Some(running) = self.index.invalidations.get_mut(mm.index()) {
                    match op {
                        ItreeOp::Start => running.open(number, task),
                        ItreeOp::End => running.close(number, |by| *by == task),
                        _ => {}
                    }
                }
            }
            Event::SignalGenerate { target } => self.killed(number, target),
            Event::MarkVictim { victim, .. } => {
                let leader = self.cast.tasks.get(victim).map(|info| info.leader);
                self.killed(number, leader.unwrap_or(victim));
            }
            Event::Panic { text } => {
                self.index.panic = self.index.panic.or(Some((number, text)));
            }
            _ => {}
        }
    }

    fn killed(&mut self, number: usize, leader: TaskId) {
        for (task, info) in self.cast.tasks.iter() {
            if info.leader == leader
                && let Some(track) = self.index.tasks.get_mut(task.index())
            {
                track.killed = track.killed.or(Some(number));
            }
        }
    }

    pub(super) fn finish(mut self, end: SimTime) -> Index {
        self.index.memory = self.memory.finish();
        self.index.psi = self.psi.finish(end);
        self.index.memory.pressure = std::mem::take(&mut self.index.psi.points);
        self.index.memory.averages = std::mem::take(&mut self.index.psi.averages);
        self.index.victims = self.victims.finish();
        self.index.attempts = self.attempts.finish();
        self.index.wait_for = self.oracle.finish(end);
        self.index.end_parked_calls();
        self.index
    }
}

//! Pressure stall information for memory: how much of the time tasks
//! were held up (`some`), and how much everybody was (`full`).
//!
//! Mirrors the definition in kernel/sched/psi.c, Linux 6.1, over the
//! whole machine instead of per CPU: with N = min(tasks that are
//! runnable or stalled, CPUs), `some` grows by min(stalled/N, 1) and
//! `full` by (N − min(productive, N))/N of the time. Productive is who
//! runs and is not stalled: while a CPU reclaims, all is lost on it, even
//! if somebody else could run (psi_group_change(); recorded: a victim
//! that shares its CPU with a reclaimer has `full` for half of the time).
//! A stall is what the kernel marks as one; waiting for `oom_lock` or
//! inside a notifier is none. The averages over 10, 60 and 300 s are taken from the totals.

mod averages;

use averages::Averager;

use super::replay::{Doing, Now, TaskNow};
use super::types::{Pressure, PressureAverages};
use crate::base::SimTime;
use crate::record::{Cast, Record, TaskKind};

/// Totals, and the pressure over time.
#[derive(Clone, Default, Debug)]
pub(super) struct Psi {
    pub(super) some_ns: u64,
    pub(super) full_ns: u64,
    pub(super) points: Vec<(SimTime, Pressure)>,
    pub(super) averages: Vec<PressureAverages>,
}

/// Adds them up.
pub(super) struct PsiBuilder {
    cpus: u64,
    counted: Vec<bool>,
    stalled: u64,
    /// Running, and not stalled.
    productive: u64,
    /// Runnable or running, stalled or not.
    wanting_cpu: u64,
    stalled_wanting_cpu: u64,
    since: SimTime,
    /// Numerators of time, by N.
    some: Vec<u128>,
    full: Vec<u128>,
    averager: Averager,
    points: Vec<(SimTime, Pressure)>,
}

impl PsiBuilder {
    pub(super) fn new(cast: &Cast) -> Self {
        let cpus = u64::from(cast.cpus.clamp(1, 1024));
        let is_counted = |kind| matches!(kind, TaskKind::User | TaskKind::Kthread);
        let denominators = usize::try_from(cpus).unwrap_or(1) + 1;
        Self {
            cpus,
            counted: cast.tasks.iter().map(|(_, info)| is_counted(info.kind)).collect(),
            stalled: 0,
            productive: 0,
            wanting_cpu: 0,
            stalled_wanting_cpu: 0,
            since: SimTime::ZERO,
            some: vec![0; denominators],
            full: vec![0; denominators],
            averager: Averager::new(cast.jiffy, cast.uptime),
            points: Vec::new(),
        }
    }

    /// Takes note of a record that turned `before` into the state in `now`.
    pub(super) fn feed(&mut self, record: &Record, before: Option<&TaskNow>, now: &Now) {
        let (Some(before), Some(after)) = (before, now.task(record.task)) else {
            return;
        };
        let is_counted = self.counted.get(record.task.index()) == Some(&true);
        let (old, new) = (Share::of(before), Share::of(after));
        if !is_counted || old == new {
            return;
        }
        self.advance(record.at);
        let adjust = |count: &mut u64, old: bool, new: bool| {
            *count = (*count + u64::from(new)).saturating_sub(u64::from(old));
        };
        adjust(&mut self.stalled, old.stalled, new.stalled);
        adjust(&mut self.wanting_cpu, old.wants_cpu, new.wants_cpu);
        adjust(&mut self.productive, old.runs && !old.stalled, new.runs && !new.stalled);
        adjust(
            &mut self.stalled_wanting_cpu,
            old.wants_cpu && old.stalled,
            new.wants_cpu && new.stalled,
        );
        self.push_point(record.at);
    }

    fn threads(&self) -> u64 {
        let nonidle = self.wanting_cpu + self.stalled - self.stalled_wanting_cpu.min(self.stalled);
        nonidle.min(self.cpus)
    }

    /// Adds up to `at`, stopping for every average on the way.
    fn advance(&mut self, at: SimTime) {
        while let Some(due) = self.averager.due(at) {
            self.add_until(due);
            self.averager.update(total(&self.some), total(&self.full));
        }
        self.add_until(at);
    }

    fn add_until(&mut self, at: SimTime) {
        let span = u128::from(at.saturating_sub(self.since).0);
        self.since = at;
        let threads = self.threads();
        let Ok(slot) = usize::try_from(threads) else {
            return;
        };
        if threads == 0 || self.stalled == 0 {
            return;
        }
        self.some[slot] += span * u128::from(self.stalled.min(threads));
        self.full[slot] += span * u128::from(threads - self.productive.min(threads));
    }

    fn push_point(&mut self, at: SimTime) {
        let pressure = match (self.stalled, self.productive) {
            (0, _) => Pressure::None,
            (_, 0) => Pressure::Full,
            _ => Pressure::Some,
        };
        match self.points.last_mut() {
            Some(last) if last.0 == at => last.1 = pressure,
            Some(last) if last.1 == pressure => {}
            _ => self.points.push((at, pressure)),
        }
    }

    pub(super) fn finish(mut self, end: SimTime) -> Psi {
        self.advance(end);
        Psi {
            some_ns: total(&self.some),
            full_ns: total(&self.full),
            points: self.points,
            averages: self.averager.finish(),
        }
    }
}

fn total(numerators: &[u128]) -> u64 {
    let time = (1u128..).zip(numerators.iter().skip(1));
    let sum: u128 = time.map(|(threads, time)| time / threads).sum();
    u64::try_from(sum).unwrap_or(u64::MAX)
}

/// How a task counts.
#[derive(Copy, Clone, Eq, PartialEq)]
struct Share {
    wants_cpu: bool,
    runs: bool,
    stalled: bool,
}

impl Share {
    fn of(task: &TaskNow) -> Self {
        Self {
            wants_cpu: matches!(task.doing, Doing::Runnable | Doing::Running(_)),
            runs: matches!(task.doing, Doing::Running(_)),
            stalled: task.is_memstalled && task.doing.is_alive(),
        }
    }
}

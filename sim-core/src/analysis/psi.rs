//! Pressure stall information for memory: how much of the time tasks
//! were held up (`some`), and how much everybody was (`full`).
//!
//! Mirrors the definition in kernel/sched/psi.c, Linux 6.1, over the
//! whole machine instead of per CPU ([`engine::Pressure`]). Productive is
//! who has a CPU and is not stalled: while a CPU reclaims, all is lost on it, even
//! if somebody else could run (psi_group_change(); recorded: a victim
//! that shares its CPU with a reclaimer has `full` for half of the time).
//! A stall is what the kernel marks as one; waiting for `oom_lock` or
//! inside a notifier is none. The averages over 10, 60 and 300 s are taken from the totals.

mod averages;

use averages::Averager;

use super::replay::{Doing, Now, TaskNow};
use super::types::{Pressure, PressureAverages};
use crate::base::SimTime;
use crate::engine::{self, Load};
use crate::record::{Cast, Reason, Record, Run, TaskKind};

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
    counted: Vec<bool>,
    sums: engine::Pressure,
    averager: Averager,
    points: Vec<(SimTime, Pressure)>,
}

impl PsiBuilder {
    pub(super) fn new(cast: &Cast) -> Self {
        let is_counted = |kind| matches!(kind, TaskKind::User | TaskKind::Kthread);
        Self {
            counted: cast.tasks.iter().map(|(_, info)| is_counted(info.kind)).collect(),
            sums: engine::Pressure::new(cast.cpus, SimTime::ZERO),
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
        let (old, new) = (load(before), load(after));
        if !is_counted || old == new {
            return;
        }
        self.advance(record.at);
        self.sums.shift(record.at, old, new);
        self.push_point(record.at);
    }

    /// Adds up to `at`, stopping for every average on the way.
    fn advance(&mut self, at: SimTime) {
        while let Some(due) = self.averager.due(at) {
            self.sums.advance(due);
            let (some_ns, full_ns) = self.sums.totals();
            self.averager.update(some_ns, full_ns);
        }
        self.sums.advance(at);
    }

    fn push_point(&mut self, at: SimTime) {
        let pressure = match self.sums.state() {
            (false, _) => Pressure::None,
            (true, false) => Pressure::Full,
            (true, true) => Pressure::Some,
        };
        match self.points.last_mut() {
            Some(last) if last.0 == at => last.1 = pressure,
            Some(last) if last.1 == pressure => {}
            _ => self.points.push((at, pressure)),
        }
    }

    pub(super) fn finish(mut self, end: SimTime) -> Psi {
        self.advance(end);
        let (some_ns, full_ns) = self.sums.totals();
        Psi { some_ns, full_ns, points: self.points, averages: self.averager.finish() }
    }
}

/// How a task counts.
fn load(task: &TaskNow) -> Load {
    Load {
        wants_cpu: matches!(task.doing, Doing::Runnable | Doing::Running(_)),
        runs: matches!(task.doing, Doing::Running(_)),
        waits_for_io: task.doing.reason().is_some_and(Reason::is_io_wait),
        stalled: task.is_memstalled && task.doing.is_alive(),
    }
}

/// What a reader of `/proc/pressure/memory` sees at `at`: totals up to
/// that moment (`psi_show()` collects them), averages as of their last update.
pub fn pressure_at(run: &Run, at: SimTime) -> PressureAverages {
    let mut now = Now::new(&run.cast);
    let mut psi = PsiBuilder::new(&run.cast);
    for record in run.trace.iter().take_while(|record| record.at <= at) {
        let before = now.task(record.task).cloned();
        now.apply(&record);
        psi.feed(&record, before.as_ref(), &now);
    }
    let Psi { some_ns, full_ns, averages, .. } = psi.finish(at);
    let last = averages.last().copied().unwrap_or_default();
    PressureAverages { some_ns, full_ns, ..last }
}

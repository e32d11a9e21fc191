//! The hung-task detector: tasks that stay in an uninterruptible wait.
//!
//! Mirrors kernel/hung_task.c: `watchdog()` and `check_hung_task()`,
//! Linux 6.1. It looks at every task once per time-out, counted from
//! boot. A look that finds a task in a wait it had not seen takes note;
//! later ones report it once the time-out has passed since that note.
//! Records do not say whether a wait can be ended by a signal: what tells
//! is why the task waits. It goes on to look when nothing else happens any
//! more, until the horizon.

use std::collections::BTreeSet;

use super::index::Index;
use super::replay::{Doing, is_own_wish};
use crate::base::{Nanos, SimTime, TaskId, sort};
use crate::engine::Stop;
use crate::record::{HungTaskLooks, Reason, Run, TaskKind};

/// `sysctl_hung_task_warnings`: after so many reports it says nothing more.
const HUNG_TASK_WARNINGS: usize = 10;

/// One report of a task.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct HungReport {
    /// When.
    pub at: SimTime,
    /// Who.
    pub task: TaskId,
    /// How long it had been blocked since the note, in whole seconds.
    pub seconds: u64,
}

/// The reports of a run that the kernel prints, by time.
pub fn hung_reports(run: &Run) -> Vec<HungReport> {
    let is_long = run.end.max(run.cast.horizon).0 >= run.cast.hung_task_timeout.0;
    let mut reports = if is_long { reports(&Index::new(run)) } else { Vec::new() };
    reports.truncate(HUNG_TASK_WARNINGS);
    reports
}

/// Tasks that were reported at least once.
pub(super) fn hung_tasks(index: &Index) -> u64 {
    let tasks: BTreeSet<TaskId> = reports(index).iter().map(|report| report.task).collect();
    u64::try_from(tasks.len()).unwrap_or(u64::MAX)
}

/// As [`hung_reports`], from an index that exists already.
pub(super) fn reports(index: &Index) -> Vec<HungReport> {
    let Some(looks) = HungTaskLooks::of(&index.cast) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let last = match index.stop {
        Stop::Idle => index.end.max(index.cast.horizon),
        _ => index.end,
    };
    let is_watched = |kind| matches!(kind, TaskKind::User | TaskKind::Kthread);
    for (task, _) in index.cast.tasks.iter().filter(|(_, info)| is_watched(info.kind)) {
        let Some(track) = index.tasks.get(task.index()) else {
            continue;
        };
        let nexts = track.steps.iter().skip(1).map(|step| index.time(step.record));
        let ends = nexts.chain([last]);
        for (step, end) in track.steps.iter().zip(ends) {
            if !is_uninterruptible(step.doing) {
                continue;
            }
            let noted = looks.from(index.time(step.record));
            let mut at = SimTime(noted.0.saturating_add(looks.period.0));
            while at < end {
                let seconds = at.saturating_sub(noted).0 / Nanos::from_secs(1).0;
                found.push(HungReport { at, task, seconds });
                at = SimTime(at.0.saturating_add(looks.period.0));
            }
        }
    }
    sort::by_key(&mut found, |report| (report.at, report.task));
    found
}

/// `TASK_UNINTERRUPTIBLE`, neither killable nor idle (`TASK_IDLE`).
fn is_uninterruptible(doing: Doing) -> bool {
    let Some(reason) = doing.reason() else {
        return false;
    };
    let is_idle = matches!(
        reason,
        // schedule_timeout_idle(), and waits of kernel threads for work.
        Reason::BackOff
            | Reason::SkipSleep
            | Reason::HandOffWork
            | Reason::DiskIdle
            | Reason::KswapdIdle
            | Reason::KswapdNap
            | Reason::Injection
            // Interruptible.
            | Reason::Futex
            // Killable.
            | Reason::DeviceFault
            | Reason::PfMemalloc
            | Reason::MemcgOom
            | Reason::MemcgHigh
            | Reason::AfterKill
            | Reason::Vfork
            | Reason::Sigkill
            | Reason::MmapLockKillable
            | Reason::OomLockKillable
            | Reason::DiskRead
            | Reason::SwapInKillable
            | Reason::BalanceDirtyPages
    );
    !is_own_wish(reason) && !is_idle
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::story::*;
    use crate::engine::Stop;
    use crate::record::Cast;

    fn reports_of(since_ms: u64, until_ms: u64, setup: impl Fn(&mut Cast)) -> Vec<(u64, u64)> {
        let mut story = Story::new();
        story.at(since_ms).sleeps(HOG_2, Reason::Pause);
        story.sleeps(HOG, Reason::Stuck);
        story.at(until_ms).wakes(HOG);
        let mut run = story.ends(until_ms + 1, Stop::Horizon);
        setup(&mut run.cast);
        let reports = hung_reports(&run);
        assert!(reports.iter().all(|report| report.task == HOG));
        reports.iter().map(|report| (report.at.0 / 1_000_000, report.seconds)).collect()
    }

    #[test]
    fn second_look_reports() {
        let nothing = |_: &mut Cast| {};
        assert_eq!(reports_of(1, 239_999, nothing), []);
        assert_eq!(reports_of(1, 240_001, nothing), [(240_000, 120)]);
        assert_eq!(reports_of(121_000, 500_000, nothing), [(360_000, 120), (480_000, 240)]);
    }

    #[test]
    fn ten_seconds_are_a_little_more_on_the_wheel() {
        // As recorded on a kernel with lock debugging: looks are 10.24 s apart.
        let setup = |cast: &mut Cast| {
            cast.hung_task_timeout = Nanos::from_secs(10);
            cast.timer_wheel = true;
            cast.uptime = Nanos::from_secs(5);
        };
        assert_eq!(reports_of(1_000, 30_000, setup), [(15_480, 10), (25_720, 20)]);
    }

    /// Who can be killed out of a wait is not stuck (TASK_KILLABLE).
    #[test]
    fn killable_wait_is_no_reason_to_report() {
        for (reason, reports) in [
            (Reason::MmapLock, 1),
            (Reason::MmapLockKillable, 0),
            // Of a cgroup up to 5.3, and later.
            (Reason::OomLock, 1),
            (Reason::OomLockKillable, 0),
            // Shared memory, and a process's own.
            (Reason::SwapIn, 1),
            (Reason::SwapInKillable, 0),
        ] {
            let mut story = Story::new();
            story.at(1).sleeps(HOG, reason);
            let run = story.ends(241_000, Stop::Horizon);
            assert_eq!(hung_reports(&run).len(), reports, "{reason:?}");
        }
    }

    /// Nobody ends the wait of who is left when nothing can happen any more.
    #[test]
    fn machine_where_nothing_happens_any_more_is_looked_at_until_the_horizon() {
        for (stop, reports) in [(Stop::Idle, 2), (Stop::Requested, 0)] {
            let mut story = Story::new();
            story.at(1).sleeps(HOG, Reason::MmapLock);
            let mut run = story.ends(2, stop);
            run.cast.horizon = SimTime::ZERO + Nanos::from_secs(361);
            assert_eq!(hung_reports(&run).len(), reports, "{stop:?}");
        }
    }

    #[test]
    fn zero_means_never() {
        assert_eq!(reports_of(1, 500_000, |cast| cast.hung_task_timeout = Nanos(0)), []);
    }
}

//! A run as the kernel log, as `dmesg` prints it.
//!
//! Times are cut to µs, as printk cuts them, and count from the run's
//! start. Of the report before a kill those numbers are printed that a run
//! knows. A stack or a task's state dump has no sizes and offsets: a run has no code.

mod dump;
mod failure;
mod frames;
mod killer;
mod limit;
mod lock_debug;
mod task_state;

use std::fmt::{self, Write as _};

use limit::RateLimit;

use super::lines::{comm, kb, pid};
use super::state::State;
use crate::analysis::{HungReport, hung_reports};
use crate::base::{Nanos, SimTime, TaskId};
use crate::record::{Event, OomDump, OomScope, Record, Run};

/// `sysctl_hung_task_warnings` (kernel/hung_task.c, Linux 6.1): reports in all.
const HUNG_TASK_WARNINGS: usize = 10;

/// The run as log text. Empty if no records were kept.
pub fn dmesg(run: &Run) -> String {
    log_of(run, Lines::All)
}

/// Of that text what lock debugging and the hung-task detector print. Empty if neither found anything.
pub fn lockdep(run: &Run) -> String {
    log_of(run, Lines::OfDebugging)
}

/// Which lines of a log are wanted.
#[derive(Copy, Clone, Eq, PartialEq)]
enum Lines {
    All,
    OfDebugging,
}

fn log_of(run: &Run, lines: Lines) -> String {
    let mut state = State::new(&run.cast);
    let mut log = Log::new(run);
    let hung = hung_reports(run);
    let mut hung = hung.iter().take(HUNG_TASK_WARNINGS).peekable();
    let found = &run.lock_reports;
    let mut reports = found.reports.iter().peekable();
    let mut all_locks = found.all_locks.iter().peekable();
    let mut dumps = run.cast.dumps.iter().peekable();
    // Behind the last record comes what is still to be said.
    for (index, record) in (0..).zip(run.trace.iter().map(Some).chain([None])) {
        let is_due = |before: u64| record.is_none() || before <= index;
        // Writing to a String cannot fail.
        while let Some(all) = all_locks.next_if(|all| is_due(all.record)) {
            let _: fmt::Result = log.write_all_locks(&state, &found.classes, all);
        }
        while let Some(report) = reports.next_if(|report| is_due(report.record)) {
            let _: fmt::Result =
                log.write_lock_report(&state, &found.classes, report, record.as_ref());
        }
        while let Some(report) =
            hung.next_if(|report| record.as_ref().is_none_or(|record| report.at <= record.at))
        {
            let _: fmt::Result = log.write_hung(&state, report);
            if hung.peek().is_none_or(|next| next.at > report.at) {
                let _: fmt::Result = log.write_locks_at_look(&state, found, report.at);
            }
        }
        let Some(record) = record else { break };
        state.follow(&record);
        log.dump = dumps.next_if(|dump| dump.record <= index).cloned();
        if lines == Lines::All {
            let _: fmt::Result = log.write_record(&state, &record);
        }
    }
    log.out
}

/// `print_tainted()` (kernel/panic.c).
fn tainted(warned: bool) -> &'static str {
    if warned { "Tainted: G        W         " } else { "Not tainted" }
}

/// The log so far, and what the kernel remembers of it.
struct Log {
    out: String,
    /// `nopage_rs` in `warn_alloc()`.
    failures: RateLimit,
    /// `pfoom_rs` in `pagefault_out_of_memory()`: the default, ten in 5 s.
    pagefaults: RateLimit,
    /// Who was chosen, and its uid as the report has it, as long as no line says that it was killed.
    chosen: Option<(TaskId, u32)>,
    /// Whether the report for the kill under way was printed.
    is_dumped: bool,
    /// What the report at this record shows.
    dump: Option<OomDump>,
    /// On whose behalf the last kill was.
    scope: OomScope,
    /// Whether something was reported that taints the kernel (`TAINT_WARN`).
    warned: bool,
    /// Whether this kernel debugs its locks.
    debugs_locks: bool,
}

impl Log {
    fn new(run: &Run) -> Self {
        let is_debug = |id: &&str| ["lockdep", "non-block", "fence-annotations"].contains(id);
        let (secs, burst) = if run.cast.wording.logs_failures_rarely { (10, 1) } else { (5, 10) };
        Self {
            out: String::new(),
            failures: RateLimit::new(Nanos::from_secs(secs), burst),
            pagefaults: RateLimit::new(Nanos::from_secs(5), 10),
            chosen: None,
            is_dumped: false,
            dump: None,
            scope: OomScope::Global,
            warned: false,
            debugs_locks: run.lock_reports.checks.iter().any(is_debug),
        }
    }

    /// The clock at the head of a line.
    fn stamp(&mut self, at: SimTime) -> fmt::Result {
        let (secs, us) = at.as_secs_us();
        write!(self.out, "[{secs:>5}.{us:06}] ")
    }

    fn write_record(&mut self, state: &State<'_>, record: &Record) -> fmt::Result {
        match record.event {
            Event::Reaped { victim, report } => {
                let report = state.cast.reports.get(report).cloned().unwrap_or_default();
                self.stamp(record.at)?;
                writeln!(
                    self.out,
                    "oom_reaper: reaped process {} ({}), now anon-rss:{}kB, file-rss:{}kB, \
                     shmem-rss:{}kB",
                    pid(state, victim),
                    comm(state, victim),
                    kb(report.anon),
                    kb(report.file),
                    kb(report.shmem),
                )
            }
            Event::UnableToReap { victim } => {
                let (pid, comm) = (pid(state, victim), comm(state, victim));
                self.stamp(record.at)?;
                writeln!(self.out, "oom_reaper: unable to reap pid:{pid} ({comm})")?;
                // Recorded: nothing is dumped of a leader that is a zombie.
                if state.cast.wording.dumps_unreaped && !state.is_gone(victim) {
                    self.write_task_state(state, record.at, victim)?;
                }
                Ok(())
            }
            Event::MnReturn { notifier, refused: true, .. } => {
                self.write_refusal(state, record, notifier)
            }
            Event::AllocFailed { order, gfp } => self.write_alloc_failed(state, record, order, gfp),
            Event::PagefaultRetry {} => self.write_pagefault_retry(record.at),
            _ => self.write_killer(state, record),
        }
    }

    fn write_hung(&mut self, state: &State<'_>, report: &HungReport) -> fmt::Result {
        let (pid, comm) = (pid(state, report.task), comm(state, report.task));
        self.stamp(report.at)?;
        writeln!(
            self.out,
            "INFO: task {comm}:{pid} blocked for more than {} seconds.",
            report.seconds
        )?;
        self.stamp(report.at)?;
        let (taint, release) = (tainted(self.warned), state.cast.wording.release);
        writeln!(self.out, "      {taint} {release} #1")?;
        self.stamp(report.at)?;
        self.out.push_str(
            "\"echo 0 > /proc/sys/kernel/hung_task_timeout_secs\" disables this message.\n",
        );
        self.write_task_state(state, report.at, report.task)
    }
}

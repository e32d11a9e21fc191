//! The events of include/trace/events/oom.h that tell of victims.

use std::fmt::{self, Write as _};

use super::{comm, kb, pid, write_name};
use crate::export::state::State;
use crate::record::{Event, Record, VictimReport};

pub(super) fn write(
    out: &mut String,
    state: &State<'_>,
    record: &Record,
) -> Result<bool, fmt::Error> {
    let (name, victim) = match record.event {
        Event::MarkVictim { victim, .. } => ("mark_victim", victim),
        Event::WakeReaper { victim } => ("wake_reaper", victim),
        Event::StartTaskReaping { victim } => ("start_task_reaping", victim),
        Event::SkipTaskReaping { victim } => ("skip_task_reaping", victim),
        Event::FinishTaskReaping { victim, .. } => ("finish_task_reaping", victim),
        Event::OomScoreAdjUpdate { target, adj_plus_1000 } => {
            let (pid, comm) = (pid(state, target), comm(state, target));
            let adj = i32::from(adj_plus_1000) - 1000;
            write!(out, "oom_score_adj_update: pid={pid} comm={comm} oom_score_adj={adj}")?;
            return Ok(true);
        }
        _ => return Ok(false),
    };
    let wording = &state.cast.wording;
    write_name(out, wording.traces_reaper, name)?;
    write!(out, "pid={}", pid(state, victim))?;
    if let Event::MarkVictim { report, .. } = record.event
        && let Some(report) = state.cast.reports.get(report)
        && wording.mark_victim_sizes
    {
        write_sizes(out, comm(state, victim), report)?;
    }
    Ok(true)
}

/// The mixed `=` and `:` are the kernel's.
fn write_sizes(out: &mut String, comm: &str, report: &VictimReport) -> fmt::Result {
    write!(
        out,
        " comm={comm} total-vm={}kB anon-rss={}kB file-rss:{}kB shmem-rss:{}kB uid={} \
         pgtables={}kB oom_score_adj={}",
        kb(report.total_vm),
        kb(report.anon),
        kb(report.file),
        kb(report.shmem),
        report.uid,
        report.pgtables_bytes / 1024,
        report.oom_score_adj,
    )
}

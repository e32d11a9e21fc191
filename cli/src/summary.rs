//! What happened in a run, for people.

use std::fmt::{self, Write as _};

use sim_core::analysis::{Metrics, Report, Victim, size_text, time_text};
use sim_core::record::Run;

use crate::json::task_name;

/// More incidents than this are counted, not shown.
const INCIDENTS_MAX: usize = 40;

/// The summary; ends with the digest and the link.
pub(crate) fn of(title: &str, run: &Run, report: &Report, link: &str) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _: fmt::Result = write(&mut text, title, run, report, link);
    text
}

fn write(out: &mut String, title: &str, run: &Run, report: &Report, link: &str) -> fmt::Result {
    let id = &run.id;
    writeln!(out, "{title}")?;
    writeln!(out, "{}, kernel {}, policy {}, seed {}", id.scenario, id.kernel, id.policy, id.seed)?;
    writeln!(out)?;
    writeln!(out, "verdict    {}", report.verdict.id())?;
    writeln!(out, "           {}", report.evidence)?;
    if !report.flags.is_empty() {
        writeln!(out, "flags      {}", report.flags.join(", "))?;
    }
    for (index, victim) in report.victims.iter().enumerate() {
        write!(out, "{:<11}", if index == 0 { "victims" } else { "" })?;
        write_victim(out, run, victim)?;
    }
    write_metrics(out, &report.metrics)?;
    for (index, incident) in report.incidents.iter().take(INCIDENTS_MAX).enumerate() {
        writeln!(
            out,
            "{:<11}{:>14}  {:<13}  {}",
            if index == 0 { "incidents" } else { "" },
            time_text(incident.at),
            incident.kind,
            incident.text
        )?;
    }
    if let Some(more @ 1..) = report.incidents.len().checked_sub(INCIDENTS_MAX) {
        writeln!(out, "           and {more} more")?;
    }
    writeln!(out, "ended      {}, {} events", time_text(run.end), run.events)?;
    writeln!(out, "digest     {}", run.digest)?;
    writeln!(out, "link       {link}")
}

fn write_victim(out: &mut String, run: &Run, victim: &Victim) -> fmt::Result {
    let pid = run.cast.tasks.get(victim.task).map_or(0, |info| info.pid);
    write!(
        out,
        "{} (pid {pid}) killed at {}, {} freed",
        task_name(run, victim.task),
        time_text(victim.killed),
        size_text(victim.freed_pages),
    )?;
    match victim.skip {
        Some(skip) => writeln!(out, ", nobody waits for it from {} on", time_text(skip)),
        None => writeln!(out, ", still waited for at the end"),
    }
}

fn write_metrics(out: &mut String, metrics: &Metrics) -> fmt::Result {
    writeln!(
        out,
        "reaper     {}, {}, {}; {} reaped{}",
        counted(metrics.reap_attempts, "attempt"),
        counted(metrics.backoffs, "back-off"),
        counted(metrics.refusals, "refusal"),
        size_text(metrics.reaped_pages),
        if metrics.gave_up > 0 { ", gave up" } else { "" },
    )
}

fn counted(count: u64, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

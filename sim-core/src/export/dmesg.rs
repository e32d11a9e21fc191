//! A run as the kernel log, as `dmesg` prints it.
//!
//! Times are cut to µs, as printk cuts them, and count from the run's
//! start. Of the report before a kill only the lines are printed whose
//! contents a run knows: no stack, no `Mem-Info`, no table of tasks.

use std::fmt::{self, Write as _};

use super::era::Era;
use super::lines::{comm, kb, pid};
use super::state::State;
use crate::base::{NotifierId, ReportId, TaskId};
use crate::record::{Event, Gfp, Record, Run, VictimReport};

/// The run as log text. Empty if no records were kept.
pub fn dmesg(run: &Run) -> String {
    let era = Era::of(&run.id.kernel);
    let mut state = State::new(&run.cast);
    let mut out = String::new();
    for record in run.trace.iter() {
        state.follow(&record);
        // Writing to a String cannot fail.
        let _: fmt::Result = write_record(&mut out, era, &state, &record);
    }
    out
}

fn write_record(out: &mut String, era: Era, state: &State<'_>, record: &Record) -> fmt::Result {
    match record.event {
        Event::OomKillProcess { .. } => write_invoked(out, state, record),
        Event::KilledProcess { victim, report } => {
            write_killed(out, era, state, record, victim, report)
        }
        Event::Reaped { victim, report } => {
            let report = state.cast.reports.get(report).cloned().unwrap_or_default();
            stamp(out, record)?;
            writeln!(
                out,
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
            stamp(out, record)?;
            writeln!(out, "oom_reaper: unable to reap pid:{pid} ({comm})")
        }
        Event::MnReturn { notifier, refused: true, .. } if era.logs_refusals() => {
            write_refusal(out, state, record, notifier)
        }
        Event::AllocFailed { order, gfp } => {
            let gfp = Gfp(gfp);
            stamp(out, record)?;
            writeln!(
                out,
                "{}: page allocation failure: order:{order}, mode:{:#x}({}), \
                 nodemask=(null),cpuset=/,mems_allowed=0",
                comm(state, record.task),
                gfp_bits(gfp),
                gfp.text(),
            )
        }
        Event::Panic { text } => {
            stamp(out, record)?;
            writeln!(out, "Kernel panic - not syncing: {}", text.text())
        }
        _ => Ok(()),
    }
}

/// The line with which the report before a kill begins.
fn write_invoked(out: &mut String, state: &State<'_>, record: &Record) -> fmt::Result {
    let request = state.request(record.task);
    let info = state.cast.tasks.get(record.task);
    stamp(out, record)?;
    writeln!(
        out,
        "{} invoked oom-killer: gfp_mask={:#x}({}), order={}, oom_score_adj={}",
        comm(state, record.task),
        gfp_bits(request.gfp),
        request.gfp.text(),
        request.order,
        info.map_or(0, |info| info.oom_score_adj),
    )
}

fn stamp(out: &mut String, record: &Record) -> fmt::Result {
    let (secs, us) = record.at.as_secs_us();
    write!(out, "[{secs:>5}.{us:06}] ")
}

fn write_killed(
    out: &mut String,
    era: Era,
    state: &State<'_>,
    record: &Record,
    victim: TaskId,
    report: ReportId,
) -> fmt::Result {
    let report: VictimReport = state.cast.reports.get(report).cloned().unwrap_or_default();
    let (pid, comm) = (pid(state, victim), comm(state, victim));
    if era.kill_has_constraint() {
        stamp(out, record)?;
        writeln!(
            out,
            "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,\
             global_oom,task_memcg=/,task={comm},pid={pid},uid=0",
        )?;
    }
    stamp(out, record)?;
    if era.kill_has_prefix() {
        out.push_str("Out of memory: ");
    }
    write!(
        out,
        "Killed process {pid} ({comm}) total-vm:{}kB, anon-rss:{}kB, file-rss:{}kB, \
         shmem-rss:{}kB",
        kb(report.total_vm),
        kb(report.anon),
        kb(report.file),
        kb(report.shmem),
    )?;
    if era.kill_has_score() {
        let unit = if era.pgtables_in_bytes() { 1 } else { 1024 };
        write!(
            out,
            ", UID:0 pgtables:{}kB oom_score_adj:{}",
            report.pgtables_bytes / unit,
            report.oom_score_adj
        )?;
    }
    out.push('\n');
    Ok(())
}

/// Only notifiers on the list are logged, and only where they may not block.
fn write_refusal(
    out: &mut String,
    state: &State<'_>,
    record: &Record,
    notifier: NotifierId,
) -> fmt::Result {
    let Some(info) = state.cast.notifiers.get(notifier) else {
        return Ok(());
    };
    if info.interval || state.blockable(record.task, notifier) {
        return Ok(());
    }
    let device = state.cast.devices.get(info.device);
    let (driver, name) = device.map_or(("driver", "?"), |info| (info.driver, info.name.as_str()));
    stamp(out, record)?;
    // `%pS`: the callback, its offset and size in the module's text. The
    // size is the recorded test driver's; a run has no code.
    writeln!(
        out,
        "{}_invalidate_range_start+0x0/0x310 [{name}] callback failed with -11 in \
         non-blockable context.",
        driver.replace('-', "_"),
    )
}

/// The bits of a request as Linux 6.1 numbers them
/// (include/linux/gfp_types.h).
fn gfp_bits(gfp: Gfp) -> u32 {
    // From ___GFP_IO to ___GFP_KSWAPD_RECLAIM; then what a user page adds:
    // HIGHMEM, MOVABLE, ZERO, HARDWALL, and COMP as anonymous folios ask.
    [
        (Gfp::IO, 0x40),
        (Gfp::FS, 0x80),
        (Gfp::DIRECT_RECLAIM, 0x400),
        (Gfp::KSWAPD_RECLAIM, 0x800),
        (Gfp::USER, 0x14_010a),
    ]
    .into_iter()
    .filter(|(flag, _)| gfp.has(*flag))
    .fold(0, |bits, (_, bit)| bits | bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_the_recorded_ones() {
        assert_eq!(gfp_bits(Gfp::HIGHUSER_MOVABLE), 0x14_0dca);
        assert_eq!(gfp_bits(Gfp::KERNEL), 0xcc0);
        assert_eq!(gfp_bits(Gfp::KSWAPD_RECLAIM), 0x800);
    }
}

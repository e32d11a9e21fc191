//! Every event of a trace as a name and a sentence.
//!
//! Names are those ftrace prints where the kernel has a tracepoint, and
//! begin with `sim:` where it has none.

use super::{
    count_text, device_name, lock_name, maybe_task_name, mm_name, notifier_name, process_name,
    range_name, range_text, size_text, task_name,
};
use crate::base::ReportId;
use crate::engine::{Hold, WaitOn, Waited};
use crate::record::{Cast, Event, Gfp, ItreeOp, MnEvent, OomResult, Reason, Record, Run, SkipBy};

/// The event's name in a list of events.
pub fn event_name(event: &Event) -> &'static str {
    match event {
        Event::Spawned {} => "sim:spawn",
        Event::Exited {} => "sim:end",
        Event::Ran { .. } => "sim:run",
        Event::Preempted {} => "sim:preempt",
        Event::Blocked { .. } => "sim:block",
        Event::Woken { .. } => "sim:unblock",
        Event::Acquired { .. } => "sim:lock",
        Event::Released { .. } => "sim:unlock",
        Event::ZoneFree { .. } => "sim:zone_free",
        Event::Fault { .. } => "sim:fault",
        Event::Zap { .. } => "sim:zap",
        Event::DirectReclaimBegin { .. } => "mm_vmscan_direct_reclaim_begin",
        Event::DirectReclaimEnd { .. } => "mm_vmscan_direct_reclaim_end",
        Event::ReclaimRetryZone { .. } => "reclaim_retry_zone",
        Event::OomTrylockFail { .. } => "sim:oom_trylock_fail",
        Event::OutOfMemory { .. } => "sim:out_of_memory",
        Event::OomKillProcess { .. } => "sim:oom_kill_process",
        Event::SignalGenerate { .. } => "signal_generate",
        Event::SignalDeliver {} => "signal_deliver",
        Event::MarkVictim { .. } => "mark_victim",
        Event::KilledProcess { .. } => "sim:killed_process",
        Event::WakeReaper { .. } => "wake_reaper",
        Event::StartTaskReaping { .. } => "start_task_reaping",
        Event::SkipTaskReaping { .. } => "skip_task_reaping",
        Event::FinishTaskReaping { .. } => "finish_task_reaping",
        Event::Reaped { .. } => "sim:reaped",
        Event::UnableToReap { .. } => "sim:unable_to_reap",
        Event::OomSkipSet { .. } => "sim:oom_skip_set",
        Event::MnCall { .. } => "sim:mn_call",
        Event::MnReturn { refused: false, .. } => "sim:mn_return",
        Event::MnReturn { refused: true, .. } => "sim:mn_refuse",
        Event::MnItree { .. } => "sim:mn_itree",
        Event::ExitMmap { .. } => "exit_mmap",
        Event::ExitMmapDone { .. } => "sim:exit_mmap_done",
        Event::ProcessExit {} => "sched_process_exit",
        Event::JobSubmitted { .. } => "sim:job_submit",
        Event::FenceSignaled { .. } => "sim:fence_signal",
        Event::MemstallEnter {} => "sim:memstall_enter",
        Event::MemstallLeave {} => "sim:memstall_leave",
        Event::Ready {} => "sim:ready",
        Event::NotifierRegistered { .. } => "sim:mn_register",
        Event::StillPinned { .. } => "sim:still_pinned",
        Event::Panic { .. } => "sim:panic",
        Event::AllocFailed { .. } => "sim:alloc_failed",
        other => other.name(),
    }
}

/// What happened, as a sentence without its full stop.
pub fn event_text(run: &Run, record: &Record) -> String {
    let cast = &run.cast;
    let who = task_name(cast, record.task);
    engine_text(cast, &who, record)
        .or_else(|| memory_text(cast, &who, record))
        .or_else(|| kill_text(cast, &who, record))
        .or_else(|| reaper_text(cast, &who, record))
        .or_else(|| notifier_text(cast, &who, record))
        .unwrap_or_else(|| match record.event {
            Event::ProcessExit {} => format!("{who} exits"),
            Event::Ready {} => format!("{who} is ready"),
            Event::Panic { text } => format!("the kernel panics: {}", text.text()),
            other => format!("{who}: {}", event_name(&other)),
        })
}

fn engine_text(cast: &Cast, who: &str, record: &Record) -> Option<String> {
    Some(match record.event {
        Event::Spawned {} => format!("{who} starts"),
        Event::Exited {} => format!("{who} is gone"),
        Event::Ran { cpu } => format!("{who} gets CPU {}", cpu.0),
        Event::Preempted {} => format!("{who} loses its CPU"),
        Event::Blocked { on: WaitOn::Lock(lock), .. } => {
            format!("{who} waits for {}", lock_name(cast, lock))
        }
        Event::Blocked { why, .. } => {
            let reason = Reason::from_number(why).map_or("something", Reason::text);
            format!("{who} waits for {reason}")
        }
        Event::Woken { by, how } => match (how, by) {
            (Waited::TimedOut, _) => format!("{who} wakes, its time is over"),
            (Waited::Killed, _) => format!("{who} wakes, because it was killed"),
            (Waited::Granted, Some(by)) => format!("{} wakes {who}", task_name(cast, by)),
            (Waited::Granted, None) => format!("{who} wakes"),
        },
        Event::Acquired { lock, hold } => {
            let mode = match hold {
                Hold::Shared => " for reading",
                Hold::Exclusive => "",
            };
            format!("{who} takes {}{mode}", lock_name(cast, lock))
        }
        Event::Released { lock } => format!("{who} lets go of {}", lock_name(cast, lock)),
        _ => return None,
    })
}

fn memory_text(cast: &Cast, who: &str, record: &Record) -> Option<String> {
    Some(match record.event {
        Event::ZoneFree { zone, free } => {
            let name = cast.zones.get(zone).map_or("a zone", |zone| &zone.name);
            format!("{name} has {} free", count_text(free.into(), "page"))
        }
        Event::Fault { range, pages } => format!(
            "{} of {} become present",
            count_text(pages.into(), "page"),
            range_name(cast, range)
        ),
        Event::Zap { range, pages, freed } => format!(
            "{who} unmaps {} of {}, {freed} of them are free now",
            count_text(pages.into(), "page"),
            range_name(cast, range)
        ),
        Event::StillPinned { range, pages } => format!(
            "{} of {} stay allocated: a device holds them",
            count_text(pages.into(), "page"),
            range_name(cast, range)
        ),
        Event::DirectReclaimBegin { gfp, .. } => {
            format!("{who} begins direct reclaim ({})", Gfp(gfp).text())
        }
        Event::DirectReclaimEnd { reclaimed } => {
            let pages = count_text(reclaimed.into(), "page");
            format!("{who} ends direct reclaim with {pages}")
        }
        Event::ReclaimRetryZone { zone, loops, ok, .. } => {
            let name = cast.zones.get(zone).map_or("a zone", |zone| &zone.name);
            let hope = if ok { "would" } else { "would not" };
            format!(
                "{who} asks whether to retry: {name} {hope} do, {loops} rounds without progress"
            )
        }
        Event::MemstallEnter {} => format!("{who} begins to stall on memory"),
        Event::MemstallLeave {} => format!("{who} no longer stalls on memory"),
        Event::AllocFailed { gfp, .. } => {
            format!("{who} gets no page ({})", Gfp(gfp).text())
        }
        _ => return None,
    })
}

fn kill_text(cast: &Cast, who: &str, record: &Record) -> Option<String> {
    Some(match record.event {
        Event::OomTrylockFail { owner } => format!(
            "{who} leaves the killing to {}, who holds oom_lock",
            maybe_task_name(cast, owner)
        ),
        Event::OutOfMemory { result, victim } => {
            let victim = maybe_task_name(cast, victim);
            match result {
                OomResult::Killed => format!("{who} had {victim} killed"),
                OomResult::Aborted => format!("{who} kills nobody: {victim} is still dying"),
                OomResult::NoFs => format!("{who} kills nobody: its request lacks __GFP_FS"),
                OomResult::SelfDying => format!("{who} is dying itself, and may use reserves"),
                OomResult::NoVictim => format!("{who} finds nobody to kill"),
                OomResult::PanicOnOom => format!("{who} panics, as vm.panic_on_oom asks"),
                OomResult::Gone => format!("{who} chose {victim}, which was gone by then"),
            }
        }
        Event::OomKillProcess { victim, .. } => {
            format!("{who} reports out of memory and chooses {}", process_name(cast, victim))
        }
        Event::SignalGenerate { target } => {
            format!("{who} sends SIGKILL to {}", process_name(cast, target))
        }
        Event::SignalDeliver {} => format!("{who} sees its SIGKILL"),
        Event::MarkVictim { victim, report } => format!(
            "{} is marked as a victim{}",
            task_name(cast, victim),
            report_text(cast, report)
        ),
        Event::KilledProcess { victim, report } => {
            format!("{} was killed{}", process_name(cast, victim), report_text(cast, report))
        }
        _ => return None,
    })
}

/// ` with 128 MiB`.
fn report_text(cast: &Cast, report: ReportId) -> String {
    match cast.reports.get(report) {
        Some(report) => {
            let pages = report.anon + report.file + report.shmem;
            format!(" with {} present", size_text(pages))
        }
        None => String::new(),
    }
}

fn reaper_text(cast: &Cast, who: &str, record: &Record) -> Option<String> {
    Some(match record.event {
        Event::WakeReaper { victim } => {
            format!("the reaper is woken for {}", process_name(cast, victim))
        }
        Event::StartTaskReaping { victim } => {
            format!("{who} starts to reap {}", process_name(cast, victim))
        }
        Event::SkipTaskReaping { victim } => {
            format!("{who} skips {}", process_name(cast, victim))
        }
        Event::FinishTaskReaping { victim, ok } => {
            let result = if ok { "all of it" } else { "not all of it" };
            let victim = process_name(cast, victim);
            format!("{who} ends an attempt on {victim}, reaped {result}")
        }
        Event::Reaped { victim, report } => {
            let left = cast.reports.get(report).map_or(0, |report| report.anon + report.file);
            let victim = process_name(cast, victim);
            format!("{who} reaped {victim}, which keeps {}", size_text(left))
        }
        Event::UnableToReap { victim } => {
            format!("{who} gives up on {}", process_name(cast, victim))
        }
        Event::OomSkipSet { mm, by } => {
            let by = match by {
                SkipBy::Reaper => "it was reaped",
                SkipBy::GiveUp => "the reaper gave up",
                SkipBy::Exit => "it exits",
                SkipBy::SharedWithInit => "init uses it too",
            };
            format!("the killer need not wait for {} any more: {by}", mm_name(cast, mm))
        }
        Event::ExitMmap { mm } => format!("{who} tears down the memory of {}", mm_name(cast, mm)),
        Event::ExitMmapDone { mm } => {
            format!("{who} has torn down the memory of {}", mm_name(cast, mm))
        }
        _ => return None,
    })
}

fn notifier_text(cast: &Cast, who: &str, record: &Record) -> Option<String> {
    Some(match record.event {
        Event::MnCall { notifier, range, blockable, event } => {
            let manner = if blockable { "may sleep" } else { "must not sleep" };
            let why = match event {
                MnEvent::Unmap => "unmap",
                MnEvent::Clear => "clear",
                MnEvent::Release => "release",
                MnEvent::ProtectionPage => "write-protect",
            };
            format!(
                "{who} calls {} for {} ({why}, {manner})",
                notifier_name(cast, notifier),
                range_text(cast, range)
            )
        }
        Event::MnReturn { notifier, range, refused } => {
            let device = notifier_name(cast, notifier);
            let verb = if refused { "refuses" } else { "gives up" };
            format!("{device} {verb} {}", range_text(cast, range))
        }
        Event::MnItree { mm, op, active, seq } => {
            let what = match op {
                ItreeOp::Start => "an invalidation begins",
                ItreeOp::End => "an invalidation ends",
                ItreeOp::Insert => "a subscription enters",
                ItreeOp::DeferInsert => "a subscription waits to enter",
                ItreeOp::Remove => "a subscription leaves",
                ItreeOp::DeferRemove => "a subscription waits to leave",
            };
            let mm = mm_name(cast, mm);
            format!("{what} in the interval tree of {mm} ({active} active, seq {seq})")
        }
        Event::NotifierRegistered { notifier, range } => {
            format!("{} watches {}", notifier_name(cast, notifier), range_text(cast, range))
        }
        Event::JobSubmitted { device, fence } => {
            format!("{who} submits job {} to {}", fence.0, device_name(cast, device))
        }
        Event::FenceSignaled { fence } => format!("{who} signals fence {}", fence.0),
        _ => return None,
    })
}

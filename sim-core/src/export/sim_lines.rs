//! The bodies of `sim:` events: what happened where the kernel has no
//! tracepoint (kernel-spec 1.8). `key=value`, the value that may hold
//! blanks last.
//!
//! Left out: who got and lost a CPU, uncontended locks, single page
//! faults and changes of the free count. They are most of a run and say
//! nothing to a reader of ftrace.

use std::fmt::{self, Write as _};

use super::lines::{comm, pid};
use super::state::State;
use crate::base::{MmId, NotifierId, RangeId};
use crate::engine::{WaitOn, Waited};
use crate::record::{Event, ItreeOp, MnEvent, OomResult, Reason, Record, SkipBy};

/// Writes `sim:name: args` if the record has such a line, and says
/// whether it has.
pub(super) fn write_sim(out: &mut String, state: &State<'_>, record: &Record) -> Written {
    Ok(write_task(out, state, record)?
        || write_killer(out, state, record)?
        || write_memory(out, state, record)?
        || write_notifier(out, state, record)?)
}

/// Whether something was written.
type Written = Result<bool, fmt::Error>;

/// Waits, stalls and milestones of a thread. Devices and timers wait
/// too, but are nobody that a tracer could name.
fn write_task(out: &mut String, state: &State<'_>, record: &Record) -> Written {
    if !state.is_thread(record.task) {
        return Ok(false);
    }
    let me = pid(state, record.task);
    match record.event {
        Event::Blocked { on, why, stack } => {
            write!(out, "sim:block: pid={me} ")?;
            write_wait(out, state, on)?;
            let why = Reason::from_number(why).map_or("?", Reason::text);
            write!(out, " why=\"{why}\" stack=")?;
            for (index, function) in state.cast.functions(stack).into_iter().enumerate() {
                let arrow = if index == 0 { "" } else { "<-" };
                write!(out, "{arrow}{}", function.text())?;
            }
        }
        Event::Woken { by, how } => {
            let how = match how {
                Waited::Granted => "granted",
                Waited::TimedOut => "timeout",
                Waited::Killed => "killed",
            };
            let by = by.map_or(0, |by| pid(state, by));
            write!(out, "sim:unblock: pid={me} by={by} how={how}")?;
        }
        Event::Exited {} => write!(out, "sim:exited: pid={me}")?,
        Event::MemstallEnter {} => write!(out, "sim:psi_memstall_enter: pid={me}")?,
        Event::MemstallLeave {} => write!(out, "sim:psi_memstall_leave: pid={me}")?,
        Event::Ready {} => write!(out, "sim:ready: pid={me}")?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Turns of the OOM killer.
fn write_killer(out: &mut String, state: &State<'_>, record: &Record) -> Written {
    let me = pid(state, record.task);
    match record.event {
        Event::OomTrylockFail { owner } => {
            let owner = owner.map_or(0, |owner| pid(state, owner));
            write!(out, "sim:oom_trylock_fail: pid={me} owner={owner}")?;
        }
        Event::OutOfMemory { result, victim } => {
            let victim = victim.map_or(0, |victim| pid(state, victim));
            match result {
                OomResult::Aborted => {
                    write!(out, "sim:oom_abort: pid={me} pending_victim={victim}")?;
                }
                OomResult::NoFs => {
                    let gfp = state.request(record.task).gfp.text();
                    write!(out, "sim:oom_nofs_progress: pid={me} gfp={gfp}")?;
                }
                OomResult::Killed => write!(out, "sim:oom_killed: pid={me} victim={victim}")?,
                OomResult::SelfDying => write!(out, "sim:oom_self_dying: pid={me}")?,
                OomResult::NoVictim => write!(out, "sim:oom_no_victim: pid={me}")?,
                OomResult::PanicOnOom => write!(out, "sim:oom_panic_on_oom: pid={me}")?,
                OomResult::Gone => write!(out, "sim:oom_victim_gone: pid={me} victim={victim}")?,
            }
        }
        Event::OomKillProcess { victim, .. } => {
            let (pid, comm) = (pid(state, victim), comm(state, victim));
            write!(out, "sim:oom_kill_process: victim={pid} comm={comm}")?;
        }
        Event::OomSkipSet { mm, by } => {
            let by = match by {
                SkipBy::Reaper => "reaper",
                SkipBy::GiveUp => "give-up",
                SkipBy::Exit => "exit",
                SkipBy::SharedWithInit => "init-shared",
            };
            write!(out, "sim:oom_skip_set: by={by} ")?;
            write_mm(out, state, mm)?;
        }
        Event::Panic { text } => write!(out, "sim:panic: {}", text.text())?,
        _ => return Ok(false),
    }
    Ok(true)
}

/// Pages that come and go.
fn write_memory(out: &mut String, state: &State<'_>, record: &Record) -> Written {
    match record.event {
        Event::Zap { range, pages, freed } => {
            out.push_str("sim:zap: ");
            write_range(out, state, range)?;
            write!(out, " pages={pages} freed={freed}")?;
        }
        Event::StillPinned { range, pages } => {
            out.push_str("sim:still_pinned: ");
            write_range(out, state, range)?;
            write!(out, " pages={pages}")?;
        }
        Event::ExitMmap { mm } => {
            out.push_str("sim:exit_mmap: ");
            write_mm(out, state, mm)?;
        }
        Event::ExitMmapDone { mm } => {
            out.push_str("sim:exit_mmap_done: ");
            write_mm(out, state, mm)?;
        }
        Event::AllocFailed { order, gfp } => {
            let (me, gfp) = (pid(state, record.task), crate::record::Gfp(gfp).text());
            write!(out, "sim:alloc_failed: pid={me} order={order} gfp={gfp}")?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// The notifier core.
fn write_notifier(out: &mut String, state: &State<'_>, record: &Record) -> Written {
    match record.event {
        Event::MnCall { notifier, range, blockable, event } => {
            out.push_str("sim:mn_call: ");
            write_registration(out, state, notifier)?;
            write_range(out, state, range)?;
            let event = match event {
                MnEvent::Unmap => "unmap",
                MnEvent::Clear => "clear",
                MnEvent::Release => "release",
                MnEvent::ProtectionPage => "protection-page",
            };
            write!(out, " blockable={} event={event}", u8::from(blockable))?;
        }
        Event::MnReturn { notifier, range, refused } => {
            out.push_str("sim:mn_return: ");
            write_registration(out, state, notifier)?;
            write_range(out, state, range)?;
            write!(out, " refused={}", u8::from(refused))?;
        }
        Event::NotifierRegistered { notifier, range } => {
            out.push_str("sim:mn_register: ");
            write_registration(out, state, notifier)?;
            write_range(out, state, range)?;
        }
        Event::MnItree { mm, op, active, seq } => {
            let op = match op {
                ItreeOp::Start => "start",
                ItreeOp::End => "end",
                ItreeOp::Insert => "insert",
                ItreeOp::DeferInsert => "defer-insert",
                ItreeOp::Remove => "remove",
                ItreeOp::DeferRemove => "defer-remove",
            };
            write!(out, "sim:mn_itree: op={op} active={active} seq={seq} ")?;
            write_mm(out, state, mm)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn write_wait(out: &mut String, state: &State<'_>, on: WaitOn) -> fmt::Result {
    match on {
        WaitOn::Time => write!(out, "on=time"),
        WaitOn::Queue(queue) => write!(out, "on=queue queue={}", queue.0),
        WaitOn::Lock(lock) => {
            let name = state.cast.locks.get(lock).map_or("?", |info| info.name.as_str());
            let owner = state.holder(lock).map_or(0, |owner| pid(state, owner));
            write!(out, "on=lock owner={owner} lock=\"{name}\"")
        }
    }
}

fn write_mm(out: &mut String, state: &State<'_>, mm: MmId) -> fmt::Result {
    let owner = state.cast.mms.get(mm).map(|info| info.owner);
    let (pid, comm) = owner.map_or((0, "?"), |owner| (pid(state, owner), comm(state, owner)));
    write!(out, "mm={} pid={pid} comm={comm}", mm.0)
}

fn write_range(out: &mut String, state: &State<'_>, range: RangeId) -> fmt::Result {
    match state.cast.ranges.get(range) {
        Some(info) => write!(
            out,
            "mm={} vma={} start={:#x} end={:#x}",
            info.mm.0,
            info.name.replace(' ', "_"),
            info.start,
            info.end
        ),
        None => write!(out, "range={}", range.0),
    }
}

fn write_registration(out: &mut String, state: &State<'_>, notifier: NotifierId) -> fmt::Result {
    let info = state.cast.notifiers.get(notifier);
    let device = info.and_then(|info| state.cast.devices.get(info.device));
    let device = device.map_or("?", |device| device.name.as_str());
    let api = match info {
        Some(info) if info.interval => "interval",
        Some(_) => "hlist",
        None => "?",
    };
    write!(out, "notifier={} device={device} api={api} ", notifier.0)
}

//! Waits, stalls and milestones of a thread. Devices and timers wait
//! too, but are nobody that a tracer could name.

use std::fmt::{self, Write as _};

use super::Written;
use crate::engine::{WaitOn, Waited};
use crate::export::gfp;
use crate::export::lines::pid;
use crate::export::state::State;
use crate::record::{Event, Gfp, Reason, Record};

pub(super) fn write(out: &mut String, state: &State<'_>, record: &Record) -> Written {
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
            let stack = state.cast.functions(stack);
            let names = state.cast.function_names(&stack, state.inside(record.task));
            write!(out, "{}", names.join("<-"))?;
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
        Event::CoreDump {} => write!(out, "sim:do_coredump: pid={me}")?,
        Event::MemstallEnter {} => write!(out, "sim:psi_memstall_enter: pid={me}")?,
        Event::MemstallLeave {} => write!(out, "sim:psi_memstall_leave: pid={me}")?,
        Event::AllocBegin { order, gfp, memalloc } => {
            let (gfp, memalloc) = (gfp::name(Gfp(gfp), &state.cast.wording), u8::from(memalloc));
            write!(out, "sim:alloc_begin: pid={me} order={order} gfp={gfp} memalloc={memalloc}")?;
        }
        Event::AllocServed { order, gfp } => {
            let gfp = gfp::name(Gfp(gfp), &state.cast.wording);
            write!(out, "sim:alloc_served: pid={me} order={order} gfp={gfp}")?;
        }
        Event::AllocDone { ok } => write!(out, "sim:alloc_done: pid={me} ok={}", u8::from(ok))?,
        Event::BadUnlock { lock } => {
            let name = state.cast.locks.get(lock).map_or("?", |info| info.name.as_str());
            write!(out, "sim:bad_unlock: pid={me} lock=\"{name}\"")?;
        }
        Event::EventSignaled { event } => {
            let mut events = state.cast.named_events.iter();
            let named = events.find(|info| info.queue.0 == event);
            let name = named.map_or("?", |info| info.name.as_str());
            write!(out, "sim:event_signal: pid={me} event=\"{name}\"")?;
        }
        Event::Ready {} => write!(out, "sim:ready: pid={me}")?,
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

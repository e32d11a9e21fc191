//! Turns of the OOM killer, and of those who stand in for it.

use std::fmt::Write as _;

use super::{Written, write_mm, write_registration};
use crate::export::gfp;
use crate::export::lines::{comm, pid};
use crate::export::state::{State, cgroup_path};
use crate::record::{Event, Gfp, Injected, OomResult, Record, SkipBy};

pub(super) fn write(out: &mut String, state: &State<'_>, record: &Record) -> Written {
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
                    let gfp = gfp::name(state.request(record.task).gfp, &state.cast.wording);
                    write!(out, "sim:oom_nofs_progress: pid={me} gfp={gfp}")?;
                }
                OomResult::Killed => write!(out, "sim:oom_killed: pid={me} victim={victim}")?,
                OomResult::SelfDying => write!(out, "sim:oom_self_dying: pid={me}")?,
                OomResult::NoVictim => write!(out, "sim:oom_no_victim: pid={me}")?,
                OomResult::Disabled => write!(out, "sim:oom_disabled: pid={me}")?,
                OomResult::NotifierFreed => write!(out, "sim:oom_notifier_freed: pid={me}")?,
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
        Event::OomMmSet { leader, mm } => {
            write!(out, "sim:oom_mm: leader={} ", pid(state, leader))?;
            write_mm(out, state, mm)?;
        }
        Event::BackedOff { mm, notifier } => {
            out.push_str("sim:oom_back_off: ");
            write_registration(out, state, notifier)?;
            write_mm(out, state, mm)?;
        }
        Event::MemcgOom { cgroup, gfp, order } => {
            let gfp = gfp::name(Gfp(gfp), &state.cast.wording);
            let name = cgroup_path(state, cgroup);
            write!(out, "sim:memcg_oom: pid={me} order={order} gfp={gfp} cgroup={name}")?;
        }
        Event::ProcessMrelease { target, ok } => {
            let target = pid(state, target);
            write!(out, "sim:process_mrelease: pid={me} target={target} ok={}", u8::from(ok))?;
        }
        Event::Injection { what, target } => {
            let what = match what {
                Injected::Kill => "kill",
                Injected::SysrqF => "sysrq-f",
                Injected::Limit => "limit",
                Injected::Policy => "policy",
                Injected::OomScoreAdj => "oom_score_adj",
                Injected::Suspend => "suspend",
                Injected::Freeze => "freeze",
                Injected::Thaw => "thaw",
                Injected::End => "end",
                Injected::Delay => "delay",
            };
            let target = target.map_or(0, |target| pid(state, target));
            write!(out, "sim:inject: what={what} target={target}")?;
        }
        Event::Panic { text } => write!(out, "sim:panic: {}", text.text())?,
        _ => return Ok(false),
    }
    Ok(true)
}

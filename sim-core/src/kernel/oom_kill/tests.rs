//! Every step of `out_of_memory()` and of the kill, in the order of
//! kernel-spec 2.2, 2.3 and 2.5; here is what the three files share.

mod kill;
mod select;
mod steps;

use crate::base::{CgroupId, Nanos, TaskId, ZoneId};
use crate::engine::Stop;
use crate::kernel::oom_kill::{OomControl, OomOrder};
use crate::kernel::oom_reaper::oom_reaper;
use crate::kernel::signal::send_sigkill;
use crate::kernel::state::PanicOnOom;
use crate::kernel::sysrq::moom_callback;
use crate::kernel::testing::{
    GLOBAL, Machine, Proc, call_oom, idle, killed, new_task, results, sleep_ms, stuck,
};
use crate::kernel::zone::Use;
use crate::kernel::{do_exit, do_group_exit};
use crate::record::{Event, Gfp, OomResult, OomScope, PanicText, SkipBy, TaskKind};

/// Who calls the OOM killer, from outside the victims.
pub(super) fn killer(machine: &Machine, oc: OomControl) -> TaskId {
    machine.kthread(move |cx| async move {
        call_oom(&cx, oc).await;
    })
}

pub(super) fn panics(machine: &Machine) -> Vec<PanicText> {
    machine.story(|event| match event {
        Event::Panic { text } => Some(text),
        _ => None,
    })
}

pub(super) fn sigkills(machine: &Machine) -> Vec<TaskId> {
    machine.story(|event| match event {
        Event::SignalGenerate { target } => Some(target),
        _ => None,
    })
}

pub(super) fn marked(machine: &Machine) -> Vec<TaskId> {
    machine.story(|event| match event {
        Event::MarkVictim { victim, .. } => Some(victim),
        _ => None,
    })
}

/// Two processes, the second the bigger, and a call with `oc`.
pub(super) fn two(profile: &str, oc: OomControl) -> (Machine, TaskId, TaskId) {
    let machine = Machine::new(profile);
    let small = machine.process(&Proc::of(100, 10), stuck);
    let big = machine.process(&Proc::of(101, 20), stuck);
    killer(&machine, oc);
    (machine, small, big)
}

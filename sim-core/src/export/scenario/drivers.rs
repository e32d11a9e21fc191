//! `[[driver]]`: the drivers that a file describes itself. What they say of
//! their devices stands in those.

use std::fmt::Write as _;

use super::Writer;
use super::values::{self, distribution, string};
use crate::driver::plan::{Alloc, Calls, EndStep, LockName, OwnStep, Plan, Step, Take, WhenAsked};
use crate::engine::Hold;
use crate::kernel::device::Awaits;
use crate::kernel::plugin::FaultWait;
use crate::scenario::checked::{Behaviour, Scenario};
use crate::scenario::names;

/// Writes each driver that a device names and that is none of the program's.
pub(super) fn write(out: &mut Writer, scenario: &Scenario) {
    let known = names::drivers();
    let mut written: Vec<&str> = Vec::new();
    for device in &scenario.devices {
        let name = device.driver.as_str();
        if known.contains(&name) || written.contains(&name) {
            continue;
        }
        written.push(name);
        out.table("[[driver]]");
        out.field("name", &string(name));
        out.field("module", &string(&device.module));
        match &device.behaviour {
            Behaviour::Archetype(id) => out.field("like", &string(id)),
            Behaviour::Steps(plan) => write_plan(out, scenario, plan),
        }
    }
}

/// Every field of a plan is named here, so that none can be forgotten.
fn write_plan(out: &mut Writer, scenario: &Scenario, plan: &Plan) {
    let Plan { calls, range_test, refuse, lucky, faults, start, finish, end, .. } = plan;
    let Plan { release, register, map, lock_kind, .. } = plan;
    match calls {
        Calls::Start if end.is_empty() && release.is_empty() => {}
        Calls::Start => out.field("api", "\"hlist\""),
        Calls::SecondaryTlb(time) => {
            out.field("api", "\"secondary-tlb\"");
            out.field("start", &format!("[{{ work = {} }}]", distribution(time)));
        }
        Calls::Nothing => out.field("api", "\"none\""),
    }
    if let Some(kind) = lock_kind {
        out.field("lock_kind", &string(kind.word()));
    }
    let lock = |name: &LockName| lock_name(scenario, name);
    if *calls == Calls::Start {
        if !range_test {
            out.field("range_test", "false");
        }
        let word = match refuse {
            WhenAsked::Always => "always",
            WhenAsked::Overlap => "overlap",
            WhenAsked::WhenBusy => "when-busy",
            WhenAsked::WhenMapped => "when-mapped",
            WhenAsked::IfNeeded => "if-needed",
            WhenAsked::Never => "never",
        };
        out.field("refuse", &string(word));
        out.number("lucky", lucky);
        let word = match faults {
            FaultWait::Killable => "killable",
            FaultWait::Uninterruptible => "uninterruptible",
            FaultWait::Retries => "retried",
            FaultWait::Timed => "timed",
        };
        out.field("faults", &string(word));
        let steps = |steps: &[Step]| steps.iter().map(|it| step(it, &lock)).collect();
        list(out, "start", steps(start));
        list(out, "finish", steps(finish));
    }
    list(out, "end", end.iter().map(|it| end_step(it, &lock)).collect());
    own_steps(out, scenario, "release", release);
    own_steps(out, scenario, "register", register);
    own_steps(out, scenario, "map", map);
}

/// Steps that a process or reclaim goes through, if there are any.
pub(super) fn own_steps(out: &mut Writer, scenario: &Scenario, key: &str, steps: &[OwnStep]) {
    let lock = |name: &LockName| lock_name(scenario, name);
    list(out, key, steps.iter().map(|it| own_step(it, &lock)).collect());
}

fn lock_name(scenario: &Scenario, name: &LockName) -> String {
    match name {
        LockName::Own => string("own"),
        LockName::Declared(index) => {
            string(scenario.locks.get(*index).map_or("", |lock| lock.name.as_str()))
        }
    }
}

fn list(out: &mut Writer, key: &str, steps: Vec<String>) {
    if steps.is_empty() {
        return;
    }
    let mut text = String::from("[");
    for step in steps {
        // Writing to a String cannot fail.
        let _: std::fmt::Result = write!(text, "\n  {{ {step} }},");
    }
    out.field(key, &format!("{text}\n]"));
}

fn taken(name: &LockName, hold: Hold, lock: &impl Fn(&LockName) -> String) -> String {
    let mode = if hold == Hold::Shared { ", mode = \"read\"" } else { "" };
    format!("lock = {}{mode}", lock(name))
}

fn allocated(alloc: Alloc) -> String {
    format!("{}, count = {}", values::alloc(alloc.request), alloc.count)
}

fn step(step: &Step, lock: &impl Fn(&LockName) -> String) -> String {
    match step {
        Step::Lock { lock: name, hold, take } => {
            let how = match take {
                Take::Wait => "",
                Take::Killable => ", how = \"killable\"",
                Take::Try => ", how = \"trylock\"",
            };
            format!("{}{how}", taken(name, *hold, lock))
        }
        Step::Unlock(name) => format!("unlock = {}", lock(name)),
        Step::Work(time) => format!("work = {}", distribution(time)),
        Step::Hardware(time) => format!("hardware = {}", distribution(time)),
        Step::Sleep(time) => format!("sleep = {}", distribution(time)),
        Step::Fences { unless_exiting: true } => "fences = true, unless = \"exiting\"".to_owned(),
        Step::Fences { unless_exiting: false } => "fences = true".to_owned(),
        Step::Flush(awaits) => flushed(*awaits),
        Step::Queue => "queue = true".to_owned(),
        Step::Alloc(alloc) => allocated(*alloc),
        Step::Unpin => "unpin = true".to_owned(),
        Step::Fails(percent) => format!("fails = {percent}"),
        Step::Begin => "invalidation = \"begin\"".to_owned(),
        Step::End => "invalidation = \"end\"".to_owned(),
    }
}

fn flushed(awaits: Awaits) -> String {
    match awaits {
        Awaits::Workqueue => "flush = true".to_owned(),
        Awaits::Completion => "flush = true, how = \"completion\"".to_owned(),
    }
}

fn end_step(step: &EndStep, lock: &impl Fn(&LockName) -> String) -> String {
    match step {
        EndStep::Lock(name, hold) => taken(name, *hold, lock),
        EndStep::Unlock(name) => format!("unlock = {}", lock(name)),
        EndStep::Work(time) => format!("work = {}", distribution(time)),
        EndStep::Sleep(time) => format!("sleep = {}", distribution(time)),
        EndStep::End => "invalidation = \"end\"".to_owned(),
    }
}

fn own_step(step: &OwnStep, lock: &impl Fn(&LockName) -> String) -> String {
    match step {
        OwnStep::Lock(name, hold) => taken(name, *hold, lock),
        OwnStep::Unlock(name) => format!("unlock = {}", lock(name)),
        OwnStep::Work(time) => format!("work = {}", distribution(time)),
        OwnStep::Trylock(name, hold) => {
            format!("{}, how = \"trylock\"", taken(name, *hold, lock))
        }
        OwnStep::Alloc(alloc) => allocated(*alloc),
        OwnStep::Hardware(time) => format!("hardware = {}", distribution(time)),
        OwnStep::Sleep(time) => format!("sleep = {}", distribution(time)),
        OwnStep::Fences => "fences = true".to_owned(),
        OwnStep::Flush(awaits) => flushed(*awaits),
        OwnStep::Queue => "queue = true".to_owned(),
        OwnStep::Unpin => "unpin = true".to_owned(),
    }
}

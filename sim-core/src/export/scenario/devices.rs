//! `[[device]]`.

use super::values::{distribution, gfp, string};
use super::{Writer, drivers};
use crate::base::Nanos;
use crate::scenario::checked::{
    ActsOn, Api, Behaviour, Device, LockName, Mapped, Refuse, Scenario, Worker,
};

/// Writes a device and its rings; every field of the checked form is named here, so
/// that none can be forgotten.
pub(super) fn write(out: &mut Writer, scenario: &Scenario, (index, device): (usize, &Device)) {
    let Device {
        name,
        driver,
        // Its driver's.
        module: _,
        behaviour,
        api,
        lock,
        fence,
        sleep,
        refuse,
        work,
        page_refs,
        does_not_block,
        vcpus,
        timeout,
        gfp: flags,
        acts_on,
        worker,
        shrinker,
        mapped,
        ring_of,
    } = device;
    if ring_of.is_some() {
        // Its device has it.
        return;
    }
    let lock_name =
        |index: usize| string(scenario.locks.get(index).map_or("", |lock| lock.name.as_str()));
    out.table("[[device]]");
    out.field("name", &string(name));
    out.field("driver", &string(driver));
    match api {
        Some(Api::Hlist) => out.field("api", "\"hlist\""),
        Some(Api::Interval) => out.field("api", "\"interval\""),
        None => {}
    }
    if let Some(lock) = lock {
        out.field("lock", &lock_name(*lock));
    }
    for (key, times) in [("fence", fence), ("work", work)] {
        if let Some(times) = times {
            out.field(key, &distribution(times));
        }
    }
    if *sleep > Nanos::ZERO {
        out.time("sleep", *sleep);
    }
    match refuse {
        Some(Refuse::Overlap) => out.field("refuse", "\"overlap\""),
        Some(Refuse::WhenBusy) => out.field("refuse", "\"when-busy\""),
        None => {}
    }
    for (key, set) in [("page_refs", page_refs), ("does_not_block", does_not_block)] {
        if let Some(set) = set {
            out.number(key, set);
        }
    }
    // Steps say themselves whom they interrupt.
    if matches!(behaviour, Behaviour::Archetype(_)) {
        out.number("vcpus", vcpus);
    }
    if let Some(timeout) = timeout {
        out.time("timeout", *timeout);
    }
    if let Some(flags) = flags {
        out.field("gfp", &gfp(*flags));
    }
    match acts_on {
        ActsOn::Any => {}
        ActsOn::Unmap => out.field("acts_on", "\"unmap\""),
    }
    let when = match mapped {
        Mapped::AtSubmit => None,
        Mapped::AtRegister => Some("at-register"),
        Mapped::OnFault => Some("on-fault"),
    };
    if let Some(when) = when {
        out.field("mapped", &string(when));
    }
    if let Some(steps) = shrinker {
        drivers::own_steps(out, scenario, "shrinker", steps);
    }
    if let Some(worker) = worker {
        write_worker(out, scenario, "[device.worker]", worker);
    }
    for ring in scenario.devices.iter().filter(|ring| ring.ring_of == Some(index)) {
        out.line(format_args!("[[device.ring]]"));
        let own = ring.name.strip_prefix(&format!("{name}/")).unwrap_or(&ring.name);
        out.field("name", &string(own));
        if let Some(times) = &ring.fence {
            out.field("fence", &distribution(times));
        }
        if let Some(timeout) = ring.timeout {
            out.time("timeout", timeout);
        }
        if let Some(worker) = &ring.worker {
            write_worker(out, scenario, "[device.ring.worker]", worker);
        }
    }
}

fn write_worker(out: &mut Writer, scenario: &Scenario, table: &str, worker: &Worker) {
    let Worker { locks, fences, alloc, time, signals, unpins } = worker;
    let lock_name =
        |index: usize| string(scenario.locks.get(index).map_or("", |lock| lock.name.as_str()));
    out.line(format_args!("{table}"));
    let locks: Vec<String> = locks
        .iter()
        .map(|lock| match lock {
            LockName::Own => string("own"),
            LockName::Declared(index) => lock_name(*index),
        })
        .collect();
    if !locks.is_empty() {
        out.field("lock", &format!("[{}]", locks.join(", ")));
    }
    let device = |index: usize| scenario.devices.get(index).map_or("", |it| it.name.as_str());
    let fences: Vec<String> =
        fences.iter().map(|of| string(of.map_or("own", |index| device(index)))).collect();
    if !fences.is_empty() {
        out.field("fences", &format!("[{}]", fences.join(", ")));
    }
    if !signals {
        out.field("signals", "false");
    }
    if *unpins {
        out.field("unpin", "true");
    }
    if let Some((flags, order)) = alloc {
        out.field("alloc", &gfp(*flags));
        out.number("order", order);
    }
    out.field("time", &distribution(time));
}

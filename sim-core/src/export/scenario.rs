//! A checked scenario as the text of a scenario file: what [`parse`]
//! reads from it is the same scenario again.
//!
//! The checked form holds no presets, shares or default places, so
//! zones, sizes and addresses are written as they came out. Comments of
//! the file it was read from are gone.
//!
//! [`parse`]: crate::scenario::parse

mod devices;
mod drivers;
mod ops;
mod values;

use std::fmt::Write as _;

use crate::base::Nanos;
use crate::kernel::state::PanicOnOom;
use crate::kernel::switches;
use crate::scenario::checked::{
    ForkMm, Inject, Injection, Lock, Machine, Scenario, Task, Thread, Zone,
};
use crate::scenario::units::{PAGE_SIZE, format_rate, format_size, format_time};
use ops::Names;
use values::{distribution, string, text_block};

/// The scenario as TOML.
pub fn scenario(scenario: &Scenario) -> String {
    let mut out = Writer::default();
    out.field("schema", "1");
    out.field("title", &string(&scenario.title));
    if !scenario.about.is_empty() {
        out.field("about", &text_block(&scenario.about));
    }
    out.field("kernel", &string(&scenario.kernel));
    if let Some(policy) = &scenario.policy {
        out.field("policy", &string(policy));
    }
    out.time("horizon", scenario.horizon);
    machine(&mut out, &scenario.machine, &scenario.kernel);
    for Lock { name, kind, class } in &scenario.locks {
        out.table("[[lock]]");
        out.field("name", &string(name));
        out.field("kind", &string(kind.word()));
        out.field("class", &string(class));
    }
    for cgroup in &scenario.cgroups {
        out.table("[[cgroup]]");
        out.field("name", &string(&cgroup.name));
        if let Some(parent) = cgroup.parent.and_then(|parent| scenario.cgroups.get(parent)) {
            out.field("parent", &string(&parent.name));
        }
        for (key, pages) in [("limit", cgroup.limit), ("high", cgroup.high)] {
            if let Some(pages) = pages {
                out.field(key, &pages_text(pages));
            }
        }
        for (key, pages) in [("min", cgroup.min), ("low", cgroup.low)] {
            out.field(key, &pages_text(pages));
        }
        out.flag("oom_group", cgroup.oom_group);
    }
    drivers::write(&mut out, scenario);
    for (index, device) in scenario.devices.iter().enumerate() {
        devices::write(&mut out, scenario, (index, device));
    }
    for task in &scenario.tasks {
        write_task(&mut out, scenario, task);
    }
    for injection in &scenario.injections {
        write_injection(&mut out, scenario, injection);
    }
    out.text
}

/// The text so far.
#[derive(Default)]
struct Writer {
    text: String,
}

impl Writer {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _: std::fmt::Result = writeln!(self.text, "{line}");
    }

    fn table(&mut self, header: &str) {
        self.line(format_args!("\n{header}"));
    }

    fn field(&mut self, key: &str, value: &str) {
        self.line(format_args!("{key} = {value}"));
    }

    fn number(&mut self, key: &str, value: impl std::fmt::Display) {
        self.line(format_args!("{key} = {value}"));
    }

    fn time(&mut self, key: &str, time: Nanos) {
        self.line(format_args!("{key} = \"{}\"", format_time(time)));
    }

    /// A boolean whose default is false.
    fn flag(&mut self, key: &str, set: bool) {
        if set {
            self.field(key, "true");
        }
    }
}

fn pages_text(pages: u64) -> String {
    format!("\"{}\"", format_size(pages.saturating_mul(PAGE_SIZE)))
}

fn rate_text(pages_per_second: u64) -> String {
    format!("\"{}\"", format_rate(pages_per_second.saturating_mul(PAGE_SIZE)))
}

/// Every field of the checked form is named here, so that none can be forgotten.
fn machine(out: &mut Writer, machine: &Machine, kernel: &str) {
    let Machine {
        // Written out with the watermarks that the kernel computes.
        zones: _,
        computed: _,
        cpus,
        hz,
        timer_wheel,
        uptime,
        swap,
        disk,
        panic_on_oom,
        oom_kill_allocating_task,
        dirty_background_ratio,
        dirty_ratio,
        dirty_writeback_interval,
        dirty_expire_interval,
        hung_task_timeout,
        oom_reaper_delay,
        oom_reap_pause,
        max_oom_reap_retries,
        oom_skip_sleep,
        iotlb_flush_timeout,
        lock_op_cost,
        costs,
    } = machine;
    let zones = match switches::find(kernel) {
        Some(switches) => machine.zones_on(switches),
        None => machine.zones.clone(),
    };
    out.table("[machine]");
    out.number("cpus", cpus);
    out.number("hz", hz);
    out.flag("timer_wheel", *timer_wheel);
    out.time("uptime", *uptime);
    out.time("lock_op_cost", *lock_op_cost);
    let panic = match panic_on_oom {
        PanicOnOom::No => 0,
        PanicOnOom::Unconstrained => 1,
        PanicOnOom::Always => 2,
    };
    out.number("panic_on_oom", panic);
    out.flag("oom_kill_allocating_task", *oom_kill_allocating_task);
    out.number("dirty_background_ratio", dirty_background_ratio);
    out.number("dirty_ratio", dirty_ratio);
    out.time("dirty_writeback_interval", *dirty_writeback_interval);
    out.time("dirty_expire_interval", *dirty_expire_interval);
    out.time("hung_task_timeout", *hung_task_timeout);
    if let Some(delay) = oom_reaper_delay {
        out.time("oom_reaper_delay", *delay);
    }
    out.time("oom_reap_pause", *oom_reap_pause);
    out.number("max_oom_reap_retries", max_oom_reap_retries);
    out.time("oom_skip_sleep", *oom_skip_sleep);
    out.time("iotlb_flush_timeout", *iotlb_flush_timeout);
    let balloon = zones.iter().map(|zone| zone.balloon).sum();
    out.field("balloon", &pages_text(balloon));
    out.table("[machine.disk]");
    out.field("latency", &distribution(&disk.latency));
    out.field("bandwidth", &rate_text(disk.bandwidth));
    if let Some(swap) = swap {
        out.table("[machine.swap]");
        out.field("size", &pages_text(swap.pages));
        out.field("latency", &distribution(&swap.disk.latency));
        out.field("bandwidth", &rate_text(swap.disk.bandwidth));
    }
    if !costs.is_empty() {
        out.table("[machine.cost]");
    }
    for (name, cost) in costs {
        out.time(name, *cost);
    }
    for zone in &zones {
        let Zone {
            name,
            managed,
            free,
            min,
            low,
            high,
            lowmem_reserve,
            page_cache,
            dirty,
            balloon,
        } = zone;
        // The balloon takes its pages out of these when the file is read.
        let free = &(free + balloon);
        out.table("[[machine.zone]]");
        out.field("name", &string(name));
        for (key, pages) in [
            ("managed", managed),
            ("free", free),
            ("min", min),
            ("low", low),
            ("high", high),
            ("reserve", lowmem_reserve),
            ("page_cache", page_cache),
            ("dirty", dirty),
        ] {
            out.number(key, pages);
        }
    }
}

fn write_task(out: &mut Writer, scenario: &Scenario, task: &Task) {
    out.table("[[task]]");
    out.field("name", &string(&task.name));
    out.field("comm", &string(&task.comm));
    if let Some(pid) = task.pid {
        out.number("pid", pid);
    }
    out.number("uid", task.uid);
    if let Some(adj) = task.oom_score_adj {
        out.number("oom_score_adj", adj);
    }
    priorities(out, task.nice, task.rt_priority);
    out.flag("root", task.root);
    out.flag("oom_task_origin", task.oom_task_origin);
    if let Some(cgroup) = task.cgroup.and_then(|index| scenario.cgroups.get(index)) {
        out.field("cgroup", &string(&cgroup.name));
    }
    let mut inherited = 0;
    if let Some(fork) = task.fork {
        if let Some(parent) = scenario.tasks.get(fork.parent) {
            inherited = parent.regions.len();
            out.field("parent", &string(&parent.name));
        }
        match fork.mm {
            ForkMm::Copy => {}
            ForkMm::Shared => out.flag("share_mm", true),
            ForkMm::Vfork => out.flag("vfork", true),
        }
    } else {
        let delay = format_time(task.start.delay);
        match task.start.after.and_then(|index| scenario.tasks.get(index)) {
            Some(after) => {
                let after = string(&after.name);
                out.line(format_args!("start = {{ after = {after}, delay = \"{delay}\" }}"));
            }
            None => out.line(format_args!("start = \"{delay}\"")),
        }
        let preset = if task.vmas.is_empty() { "none" } else { "static-elf" };
        out.field("preset", &string(preset));
    }
    let names = Names { scenario, task, inherited };
    names.program(&mut out.text, &task.program);
    for Thread { name, comm, nice, rt_priority, program } in &task.threads {
        out.line(format_args!("[[task.thread]]"));
        out.field("name", &string(name));
        if let Some(comm) = comm {
            out.field("comm", &string(comm));
        }
        priorities(out, *nice, *rt_priority);
        names.program(&mut out.text, program);
    }
}

fn priorities(out: &mut Writer, nice: Option<i8>, rt_priority: Option<u8>) {
    if let Some(nice) = nice {
        out.number("nice", nice);
    }
    if let Some(priority) = rt_priority {
        out.number("rt_priority", priority);
    }
}

fn write_injection(out: &mut Writer, scenario: &Scenario, injection: &Injection) {
    let task = |index: usize| string(scenario.tasks.get(index).map_or("", |task| &task.name));
    out.table("[[inject]]");
    out.time("at", injection.at);
    match &injection.what {
        Inject::Kill { task: target } => out.field("kill", &task(*target)),
        Inject::SysrqF => out.flag("sysrq_f", true),
        Inject::Limit { cgroup, pages } => {
            let cgroup = scenario.cgroups.get(*cgroup).map_or("", |group| &group.name);
            let size = pages.map_or("\"max\"".to_owned(), pages_text);
            let cgroup = string(cgroup);
            out.line(format_args!("limit = {{ cgroup = {cgroup}, size = {size} }}"));
        }
        Inject::Policy { id } => out.field("policy", &string(id)),
        Inject::Freeze { task: target } => out.field("freeze", &task(*target)),
        Inject::Thaw { task: target } => out.field("thaw", &task(*target)),
        Inject::Suspend { time } => out.time("suspend", *time),
        Inject::OomScoreAdj { task: target, value } => {
            let task = task(*target);
            out.line(format_args!("oom_score_adj = {{ task = {task}, value = {value} }}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{gallery, parse};

    #[test]
    fn every_scenario_of_the_gallery_is_read_back_as_it_was() {
        for entry in gallery::gallery() {
            let mut read = parse(entry.id, entry.text, &[]).expect("checked");
            let text = scenario(&read);
            // Watermarks are written out.
            read.machine.computed = None;
            let again = parse(entry.id, &text, &[]);
            let again = again.unwrap_or_else(|errors| panic!("{}: {errors:?}\n{text}", entry.id));
            assert_eq!(format!("{again:#?}"), format!("{read:#?}"), "{}", entry.id);
        }
    }
}

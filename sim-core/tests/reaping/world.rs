//! The victim of kernel-spec 4.9: 2 GiB of its own and 512 MiB that a
//! device maps, which is busy for 5 s; its exit is blocked.

use sim_core::base::{Nanos, SimTime};
use sim_core::record::{Event, Record, Run};
use sim_core::scenario::checked::Device;
use sim_core::scenario::{RunOptions, Simulation, parse};

/// Pages of the heap and of the buffer.
pub(crate) const HEAP: u64 = 524_288;
pub(crate) const BUFFER: u64 = 131_072;

/// Only unmapping costs time, 0.5 us a page, and a fruitless reclaim
/// pass, so that those who wait for memory let time go on.
const MACHINE: &str = "
schema = 1
title = 't'
horizon = '30s'
[machine]
cpus = 4
[machine.cost]
page_fault = '0s'
zap_page = '500ns'
zap_page_tight = '500ns'
reclaim_pass = '1ms'
oom_report = '0s'
select_per_task = '0s'
notifier_hlist = '0s'
notifier_interval = '0s'
context_switch = '0s'
signal = '0s'
lock_op = '0s'
[[machine.zone]]
name = 'Normal'
managed = 700000
free = 690000
min = 1000
low = 1250
high = 1500
";

/// The victim's run: its device is busy for `busy` from the start, and
/// runs out of memory at once.
pub(crate) fn run(kernel: &str, policy: &str, busy: &str) -> Outcome {
    run_with(kernel, policy, busy, |_| {})
}

/// The same with another device.
pub(crate) fn run_with(
    kernel: &str,
    policy: &str,
    busy: &str,
    change: impl FnOnce(&mut Device),
) -> Outcome {
    outcome(&text(kernel, policy, busy), &[], change)
}

/// The same on a machine with these settings, `name=value`.
pub(crate) fn run_set(kernel: &str, policy: &str, settings: &[&str]) -> Outcome {
    outcome(&text(kernel, policy, "5s"), &sets(settings), |_| {})
}

/// `--set machine.name=value` for each.
pub(crate) fn sets(settings: &[&str]) -> Vec<(String, String)> {
    let pair = |set: &&str| {
        let (name, value) = set.split_once('=').expect("name=value");
        (format!("machine.{name}"), value.to_owned())
    };
    settings.iter().map(pair).collect()
}

pub(crate) fn text(kernel: &str, policy: &str, busy: &str) -> String {
    format!(
        "kernel = '{kernel}'\npolicy = '{policy}'\n{MACHINE}
[[device]]
name = 'gpu'
driver = 'gpu-fence'
fence = '{busy}'
[[task]]
name = 'victim'
preset = 'none'
program = [
  {{ mmap = 'heap', size = '2GiB' }},
  {{ mmap = 'buffer', size = '512MiB' }},
  {{ register = 'gpu', region = 'buffer' }},
  {{ touch = ['heap', 'buffer'] }},
  {{ submit = 'gpu', region = 'buffer', every = '1ms', count = 1 }},
{}",
        ending("10s", "1GiB")
    )
}

/// The end of the victim's program, its thread that is stuck for so long after the kill, and who
/// wants more memory than there is.
fn ending(stuck: &str, wanted: &str) -> String {
    format!(
        "  {{ thread = 'stuck' }},
  {{ ready = true }},
  {{ idle = true }},
]
[[task.thread]]
name = 'stuck'
program = [{{ stuck = '{stuck}' }}]
[[task]]
name = 'presser'
preset = 'none'
oom_score_adj = -1000
start = {{ after = 'victim' }}
program = [
  {{ mmap = 'a', size = '{wanted}' }},
  {{ touch = 'a' }},
  {{ pause = '20s' }},
  {{ exit = true }},
]
"
    )
}

fn outcome(text: &str, set: &[(String, String)], change: impl FnOnce(&mut Device)) -> Outcome {
    let mut scenario =
        parse("reaping", text, set).unwrap_or_else(|errors| panic!("{errors:?}\n{text}"));
    change(&mut scenario.devices[0]);
    let run = Simulation::new(&scenario, &RunOptions::default()).expect("starts").run();
    assert!(run.findings.broken.is_none(), "{:?}", run.findings.broken);
    Outcome(run)
}

/// A victim with one device for each of `starts`, which all mirror `buffers` buffers of 512 MiB
/// each; a device's callback goes through the steps of `start`. Before the steps may stand `never`: it does
/// not ask whether it may sleep; or `exits`: the victim leaves 400 ms after the kill.
pub(crate) fn run_more(kernel: &str, policy: &str, starts: &[&str], buffers: usize) -> Outcome {
    let machine = MACHINE.replace("700000", "1200000").replace("690000", "1190000");
    let mut text = format!("kernel = '{kernel}'\npolicy = '{policy}'\n{machine}");
    let mut stuck = "10s";
    let names: Vec<_> = (0..buffers).map(|at| format!("'buffer{at}'")).collect();
    let maps: Vec<_> =
        names.iter().map(|name| format!("  {{ mmap = {name}, size = '512MiB' }},\n")).collect();
    let mut program = maps.concat();
    text += "[[lock]]\nname = 'held'\nkind = 'mutex'\n";
    for (at, start) in starts.iter().enumerate() {
        let (word, steps) = start.split_once(' ').unwrap_or_default();
        let (refuse, start) = match word {
            "never" => ("never", steps),
            "exits" => ("if-needed", steps),
            _ => ("if-needed", *start),
        };
        if word == "exits" {
            stuck = "400ms";
        }
        let device = format!(
            "[[driver]]
name = 'mine{at}'
api = 'interval'
refuse = '{refuse}'
start = [{start}]
[[device]]
name = 'dev{at}'
driver = 'mine{at}'
fence = '9s'
worker = {{ time = '9s', signals = false }}
"
        );
        text.push_str(&device);
        for name in &names {
            let register = format!("  {{ register = 'dev{at}', region = {name} }},\n");
            program.push_str(&register);
        }
    }
    let all = names.join(", ");
    let tasks = format!(
        "[[task]]
name = 'holder'
oom_score_adj = -1000
program = [{{ ioctl = [{{ lock = 'held' }}, {{ sleep = '25s' }}, {{ unlock = 'held' }}] }}, {{ exit = true }}]
[[task]]
name = 'victim'
preset = 'none'
program = [
  {{ mmap = 'heap', size = '2GiB' }},
{program}  {{ touch = ['heap', {all}] }},
  {{ submit = 'dev0', region = 'buffer0', every = '1ms', count = 1 }},
{}",
        ending(stuck, "3GiB")
    );
    text.push_str(&tasks);
    outcome(&text, &[], |_| {})
}

/// A run, and questions about it. Times count from the kill.
pub(crate) struct Outcome(pub(crate) Run);

impl Outcome {
    pub(crate) fn count(&self, is: impl Fn(&Event) -> bool) -> usize {
        self.0.trace.iter().filter(|record| is(&record.event)).count()
    }

    fn first(&self, is: impl Fn(&Event) -> bool) -> Option<Record> {
        self.0.trace.iter().find(|record| is(&record.event))
    }

    fn kill(&self) -> SimTime {
        self.first(|event| matches!(event, Event::MarkVictim { .. })).expect("a kill").at
    }

    /// When it happened first, in us.
    pub(crate) fn when(&self, is: impl Fn(&Event) -> bool) -> Option<u64> {
        Some((self.first(is)?.at - self.kill()).0 / 1000)
    }

    pub(crate) fn skip_us(&self) -> Option<u64> {
        self.when(|event| matches!(event, Event::OomSkipSet { .. }))
    }

    pub(crate) fn reaped_us(&self) -> Option<u64> {
        self.when(|event| matches!(event, Event::Reaped { .. }))
    }

    pub(crate) fn attempts(&self) -> usize {
        self.count(|event| matches!(event, Event::StartTaskReaping { .. }))
    }

    pub(crate) fn gave_up(&self) -> bool {
        self.count(|event| matches!(event, Event::UnableToReap { .. })) > 0
    }

    /// Pages that tasks of this name unmapped from the victim within a
    /// time after the kill.
    pub(crate) fn unmapped(&self, by: &str, within: Nanos) -> u64 {
        let end = self.kill() + within;
        let zaps = self.0.trace.iter().filter(|record| record.at <= end);
        let zaps = zaps.filter(|record| self.0.cast.tasks[record.task].comm == by);
        let pages = zaps.map(|record| match record.event {
            Event::Zap { pages, .. } => u64::from(pages),
            _ => 0,
        });
        pages.sum()
    }

    /// Calls of notifiers by the reaper.
    pub(crate) fn reaper_calls(&self) -> usize {
        let by_reaper = self.0.trace.iter();
        let by_reaper =
            by_reaper.filter(|record| self.0.cast.tasks[record.task].comm == "oom_reaper");
        by_reaper.filter(|record| matches!(record.event, Event::MnCall { .. })).count()
    }
}

//! A small machine whose victim a device mirrors, and questions about its run.

use sim_core::base::Nanos;
use sim_core::record::{Event, Record, Run};
use sim_core::scenario::checked::{Device, Scenario};
use sim_core::scenario::{RunOptions, Simulation, parse};

/// No cost but that of unmapping, and of a fruitless reclaim pass so that time goes on.
const MACHINE: &str = "
schema = 1
title = 't'
horizon = '60s'
[machine]
cpus = 2
[machine.cost]
page_fault = '0s'
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
managed = 40000
free = 30000
min = 100
low = 125
high = 150
";

/// A victim with a heap and a buffer that `dev` mirrors, stuck for `stuck`,
/// and a task that takes more memory than there is.
pub(crate) fn victim(kernel: &str, device: &str, program: &str, stuck: &str) -> String {
    format!(
        "kernel = '{kernel}'\n{MACHINE}
[[device]]
name = 'dev'
{device}
[[task]]
name = 'victim'
preset = 'none'
program = [
  {{ mmap = 'heap', size = '40MiB' }},
  {{ mmap = 'buffer', size = '40MiB' }},
  {program}
  {{ thread = 'stuck' }},
  {{ ready = true }},
  {{ idle = true }},
]
[[task.thread]]
name = 'stuck'
program = [{{ stuck = '{stuck}' }}]
[[task]]
name = 'second'
preset = 'none'
oom_score_adj = -1000
start = {{ after = 'victim', delay = '100ms' }}
program = [
  {{ mmap = 'a', size = '70MiB' }},
  {{ touch = 'a' }},
  {{ ready = true }},
  {{ pause = '5s' }},
  {{ exit = true }},
]
"
    )
}

/// The same without anybody who wants memory: the victim does what it does, and no more.
pub(crate) fn alone(text: &str) -> String {
    let text = text.replacen("start = { after = 'victim', delay = '100ms' }", "start = '60s'", 1);
    let (before, thread) = text.split_once("[[task.thread]]").expect("it has one");
    let (_, after) = thread.split_once("[[task]]").expect("another task");
    format!("{}[[task]]{after}", before.replacen("{ thread = 'stuck' },", "", 1))
}

/// Pages of each of the victim's regions.
pub(crate) const REGION: u64 = 10_240;

pub(crate) fn scenario(text: &str) -> Scenario {
    parse("drivers", text, &[]).unwrap_or_else(|errors| panic!("{errors:?}"))
}

pub(crate) fn run(scenario: &Scenario, policy: Option<&str>) -> Run {
    let options = RunOptions { policy: policy.map(str::to_owned), ..RunOptions::default() };
    Simulation::new(scenario, &options).expect("starts").run()
}

/// Runs `text` with the device changed by `change`.
pub(crate) fn run_with(text: &str, change: impl FnOnce(&mut Device)) -> Run {
    let mut scenario = scenario(text);
    change(&mut scenario.devices[0]);
    run(&scenario, None)
}

pub(crate) fn count(run: &Run, is: impl Fn(&Record) -> bool) -> usize {
    run.trace.iter().filter(|record| is(record)).count()
}

/// A call of a callback.
pub(crate) struct Called {
    /// Whether the reaper called. (Up to 5.17 `exit_mmap()` of a victim
    /// makes calls that must not sleep, too.)
    pub(crate) reaping: bool,
    pub(crate) blockable: bool,
    pub(crate) time: Nanos,
    pub(crate) refused: bool,
}

/// All calls that returned, in the order in which they began.
pub(crate) fn calls(run: &Run) -> Vec<Called> {
    let reaper = run.cast.tasks.iter().find(|(_, task)| task.name == "oom_reaper");
    let (reaper, _) = reaper.expect("a reaper");
    let records: Vec<_> = run.trace.iter().collect();
    let began = records.iter().enumerate().filter_map(|(index, record)| match record.event {
        Event::MnCall { blockable, .. } => Some((index, record, blockable)),
        _ => None,
    });
    let calls = began.filter_map(|(index, begin, blockable)| {
        records[index..].iter().filter(|record| record.task == begin.task).find_map(|record| {
            match record.event {
                Event::MnReturn { refused, .. } => {
                    let (time, reaping) = (record.at - begin.at, begin.task == reaper);
                    Some(Called { reaping, blockable, time, refused })
                }
                _ => None,
            }
        })
    });
    calls.collect()
}

/// The reaper's calls that must not sleep: how many, and how many were refused.
pub(crate) fn nonblocking(run: &Run) -> (usize, usize) {
    let mut calls = calls(run);
    calls.retain(|call| call.reaping && !call.blockable);
    (calls.len(), calls.iter().filter(|call| call.refused).count())
}

/// How long each call took that might sleep.
pub(crate) fn blockable_times(run: &Run) -> Vec<Nanos> {
    calls(run).iter().filter(|call| call.blockable).map(|call| call.time).collect()
}

/// How long each of the reaper's calls took that must not sleep, in ms.
pub(crate) fn nonblocking_ms(run: &Run) -> Vec<u64> {
    let mut calls = calls(run);
    calls.retain(|call| call.reaping && !call.blockable);
    calls.iter().map(|call| call.time.0 / 1_000_000).collect()
}

/// Pages unmapped from a region, and those of them that came free.
pub(crate) fn zapped(run: &Run, region: &str) -> (u64, u64) {
    let mut sums = (0, 0);
    for record in run.trace.iter() {
        if let Event::Zap { range, pages, freed } = record.event
            && run.cast.ranges[range].name == region
        {
            sums = (sums.0 + u64::from(pages), sums.1 + u64::from(freed));
        }
    }
    sums
}

/// Pages unmapped from a region by the reaper alone.
pub(crate) fn reaped(run: &Run, region: &str) -> u64 {
    let reaper = run.cast.tasks.iter().find(|(_, task)| task.name == "oom_reaper");
    let (reaper, _) = reaper.expect("a reaper");
    let zaps = run.trace.iter().filter(|record| record.task == reaper);
    let zaps = zaps.filter_map(|record| match record.event {
        Event::Zap { range, pages, .. } if run.cast.ranges[range].name == region => Some(pages),
        _ => None,
    });
    zaps.map(u64::from).sum()
}

pub(crate) fn attempts(run: &Run) -> usize {
    count(run, |record| matches!(record.event, Event::StartTaskReaping { .. }))
}

/// How often the reaper slept although told not to.
pub(crate) fn slept(run: &Run) -> usize {
    let reaper = run.cast.tasks.iter().find(|(_, task)| task.name == "oom_reaper");
    let (reaper, _) = reaper.expect("a reaper");
    count(run, |record| {
        record.task == reaper && matches!(record.event, Event::SleptNonblocking { .. })
    })
}

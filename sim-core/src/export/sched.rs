//! `sched_switch` and `sched_waking` of a run (include/trace/events/sched.h,
//! Linux 6.1): what tools that draw threads and CPUs go by.
//!
//! A record says that a task got a CPU or left it; the tracepoint names
//! both tasks of a switch, so each CPU is followed from one record to the
//! next, and between two tasks, where time passes, to its idle task.
//! `prio` is 120 throughout: it is not modeled.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use super::lines::{comm, pid};
use super::state::State;
use crate::base::{SimTime, TaskId};
use crate::record::{Event, Reason, Record, Run};

/// A CPU goes from one task to another; `None` is its idle task.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub(super) struct Switch {
    pub(super) cpu: u32,
    /// And the letter of its state.
    pub(super) prev: Option<(TaskId, char)>,
    pub(super) next: Option<TaskId>,
}

/// Who left a CPU to which nobody came yet.
struct Left {
    index: usize,
    at: SimTime,
    task: TaskId,
    letter: char,
}

/// The switches of a run, by the index of the record that each stands at.
pub(super) fn switches(run: &Run) -> BTreeMap<usize, Switch> {
    let mut switches = BTreeMap::new();
    let mut running: BTreeMap<u32, TaskId> = BTreeMap::new();
    let mut left: BTreeMap<u32, Left> = BTreeMap::new();
    let to_idle = |cpu: u32, left: &Left| {
        (left.index, Switch { cpu, prev: Some((left.task, left.letter)), next: None })
    };
    for (index, record) in run.trace.iter().enumerate() {
        let Record { at, task, event } = record;
        let letter = match event {
            Event::Ran { cpu } => {
                let cpu = cpu.0;
                let before = left.remove(&cpu);
                let prev = match (running.insert(cpu, task), before) {
                    (Some(other), _) => Some((other, 'R')),
                    (None, Some(before)) if before.at == at => Some((before.task, before.letter)),
                    (None, Some(before)) => {
                        switches.extend([to_idle(cpu, &before)]);
                        None
                    }
                    (None, None) => None,
                };
                if prev.is_none_or(|(prev, _)| prev != task) {
                    switches.insert(index, Switch { cpu, prev, next: Some(task) });
                }
                continue;
            }
            Event::Blocked { why, .. } => letter_of(Reason::from_number(why)),
            Event::Preempted {} => 'R',
            Event::Exited {} => 'X',
            _ => continue,
        };
        let cpu = running.iter().find(|(_, running)| **running == task).map(|(cpu, _)| *cpu);
        if let Some(cpu) = cpu {
            running.remove(&cpu);
            left.insert(cpu, Left { index, at, task, letter });
        }
    }
    switches.extend(left.iter().map(|(cpu, left)| to_idle(*cpu, left)));
    switches
}

/// The letter of the state in which a task waits, as `ps` shows it.
pub(super) fn letter_of(why: Option<Reason>) -> char {
    match why {
        Some(
            Reason::Pause
            | Reason::Pace
            | Reason::Forever
            | Reason::Start
            | Reason::ReaperIdle
            | Reason::KswapdIdle
            | Reason::KswapdNap
            | Reason::PsiTrigger
            | Reason::PsiPoll,
        ) => 'S',
        Some(Reason::BackOff | Reason::SkipSleep) => 'I',
        _ => 'D',
    }
}

/// `sched_switch: …`, without the frame.
pub(super) fn write_switch(out: &mut String, state: &State<'_>, switch: Switch) -> fmt::Result {
    let Switch { cpu, prev, next } = switch;
    out.push_str("sched_switch: prev_comm=");
    write_comm(out, state, prev.map(|(task, _)| task), cpu)?;
    let (prev, letter) = prev.map_or((0, 'R'), |(task, letter)| (pid(state, task), letter));
    write!(out, " prev_pid={prev} prev_prio=120 prev_state={letter} ==> next_comm=")?;
    write_comm(out, state, next, cpu)?;
    let next = next.map_or(0, |task| pid(state, task));
    write!(out, " next_pid={next} next_prio=120")
}

fn write_comm(out: &mut String, state: &State<'_>, task: Option<TaskId>, cpu: u32) -> fmt::Result {
    match task {
        Some(task) => write!(out, "{}", comm(state, task)),
        None => write!(out, "swapper/{cpu}"),
    }
}

/// `sched_waking: …` of a task that may run again, without the frame.
pub(super) fn write_waking(out: &mut String, state: &State<'_>, task: TaskId) -> fmt::Result {
    write!(
        out,
        "sched_waking: comm={} pid={} prio=120 target_cpu={:03}",
        comm(state, task),
        pid(state, task),
        state.cpu(task)
    )
}

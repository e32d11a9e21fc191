//! `sched_switch` and `sched_waking` of a run (include/trace/events/sched.h,
//! Linux 6.1): what tools that draw threads and CPUs go by.
//!
//! A record says that a task got a CPU or left it; the tracepoint names
//! both tasks of a switch, so each CPU is followed from one record to the
//! next, and between two tasks, where time passes, to its idle task.
//! `prio` is 120 throughout: it is not modeled.

use std::collections::BTreeMap;

use super::lines::{PRIO, comm, pid};
use super::state::State;
use super::tracepoint::{
    Field,
    Show::{Plain, TaskState},
    Traced, Tracepoint, Type, Value, number, task_state,
};
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
        // schedule_timeout_idle(), and workers without work.
        Some(
            Reason::BackOff
            | Reason::SkipSleep
            | Reason::DeviceIdle
            | Reason::DiskIdle
            | Reason::HandOffWork,
        ) => 'I',
        _ => 'D',
    }
}

static SCHED_SWITCH: Tracepoint = Tracepoint {
    system: "sched",
    name: "sched_switch",
    fields: &[
        Field(Type::Comm, "prev_comm", Plain),
        Field(Type::Pid, "prev_pid", Plain),
        Field(Type::Int, "prev_prio", Plain),
        Field(Type::Long, "prev_state", TaskState),
        Field(Type::Comm, "next_comm", Plain),
        Field(Type::Pid, "next_pid", Plain),
        Field(Type::Int, "next_prio", Plain),
    ],
    print: "prev_comm=%s prev_pid=%d prev_prio=%d prev_state=%s%s ==> next_comm=%s next_pid=%d \
            next_prio=%d",
};

static SCHED_WAKING: Tracepoint = Tracepoint {
    system: "sched",
    name: "sched_waking",
    fields: &[
        Field(Type::Comm, "comm", Plain),
        Field(Type::Pid, "pid", Plain),
        Field(Type::Int, "prio", Plain),
        Field(Type::Int, "target_cpu", Plain),
    ],
    print: "comm=%s pid=%d prio=%d target_cpu=%03d",
};

/// `sched_switch` of a CPU.
pub(super) fn switch_event<'a>(state: &State<'a>, switch: Switch) -> Traced<'a> {
    let Switch { cpu, prev, next } = switch;
    let of = |task: Option<TaskId>| match task {
        Some(task) => (comm(state, task).into(), number(pid(state, task))),
        None => (Value::Text(format!("swapper/{cpu}").into()), number(0)),
    };
    let (prev_comm, prev_pid) = of(prev.map(|(task, _)| task));
    let prev_state = number(task_state(prev.map_or('R', |(_, letter)| letter)));
    let (next_comm, next_pid) = of(next);
    let prio = || number(PRIO);
    let values = [prev_comm, prev_pid, prio(), prev_state, next_comm, next_pid, prio()];
    Traced::new(&SCHED_SWITCH, values)
}

/// `sched_waking` of a task that may run again.
pub(super) fn waking_event<'a>(state: &State<'a>, task: TaskId) -> Traced<'a> {
    let (pid, cpu) = (number(pid(state, task)), number(state.cpu(task)));
    Traced::new(&SCHED_WAKING, [comm(state, task).into(), pid, number(PRIO), cpu])
}

//! A run as the events that a tracer would have recorded, one after the
//! other: what each is, who was current, where and when.

use super::lines::tracepoint;
use super::sched::{Switch, switch_event, switches, waking_event};
use super::sim_lines::write_sim;
use super::state::{State, beginnings};
use super::tracepoint::{
    Field,
    Show::{Plain, Symbols},
    Traced, Tracepoint, Type, number,
};
use crate::base::{RangeId, SimTime, TaskId};
use crate::record::{Event, Record, Run, TaskKind};

/// An event and its frame.
pub(super) struct Row<'a> {
    pub(super) at: SimTime,
    /// The task that was current; none: the idle task.
    pub(super) current: Option<TaskId>,
    pub(super) cpu: u32,
    /// In a timer's interrupt. Interrupts and preemption counts are not modeled otherwise.
    pub(super) in_softirq: bool,
    pub(super) event: Traced<'a>,
}

impl Row<'_> {
    /// Comm and pid of the task that was current.
    pub(super) fn task<'s>(&self, run: &'s Run) -> (&'s str, u32) {
        let info = self.current.and_then(|task| run.cast.tasks.get(task));
        info.map_or(("<idle>", 0), |info| (info.comm.as_str(), info.pid))
    }
}

/// Hands over the run's rows in their order.
pub(super) fn rows<'a>(run: &'a Run, take: &mut impl FnMut(Row<'a>)) {
    let mut state = State::new(&run.cast);
    let (beginnings, switches) = (beginnings(run), switches(run));
    for (index, record) in run.trace.iter().enumerate() {
        state.follow(&record);
        let switch = switches.get(&index).copied();
        of_record(&state, &record, beginnings.contains_key(&index), switch, take);
    }
}

fn of_record<'a>(
    state: &State<'a>,
    record: &Record,
    begins: bool,
    switch: Option<Switch>,
    take: &mut impl FnMut(Row<'a>),
) {
    // Who leaves says first what it does; who comes is there before it does anything.
    if let Some(switch) = switch.filter(|switch| switch.next.is_some()) {
        take(of_switch(state, record, switch));
    }
    take_waking(state, record, take);
    let mut line = String::new();
    if begins {
        let info = state.cast.tasks.get(record.task);
        let (pid, name) = info.map_or((0, "?"), |info| (info.pid, info.name.as_str()));
        let started = format!("sim:started: pid={pid} task={name}");
        take(of_task(state, record, Traced::sim(&started)));
    }
    if let Some(event) = tracepoint(state, record) {
        take(of_task(state, record, event));
    }
    if let Event::Zap { range, .. } | Event::SwapOut { range, .. } = record.event
        && let Some(event) = rss_stat(state, record.task, range)
    {
        take(of_task(state, record, event));
    }
    if write_sim(&mut line, state, record).unwrap_or(false) {
        take(of_task(state, record, Traced::sim(&line)));
    }
    if let Some(switch) = switch.filter(|switch| switch.next.is_none()) {
        take(of_switch(state, record, switch));
    }
}

/// A row of the task that the record is of.
fn of_task<'a>(state: &State<'a>, record: &Record, event: Traced<'a>) -> Row<'a> {
    let current = state.current(record.task);
    let kind = state.cast.tasks.get(record.task).map(|info| info.kind);
    Row {
        at: record.at,
        current,
        cpu: current.map_or(0, |task| state.cpu(task)),
        in_softirq: kind == Some(TaskKind::Timer),
        event,
    }
}

/// The row of a switch: the task that leaves is still current.
fn of_switch<'a>(state: &State<'a>, record: &Record, switch: Switch) -> Row<'a> {
    Row {
        at: record.at,
        current: switch.prev.map(|(task, _)| task),
        cpu: switch.cpu,
        in_softirq: false,
        event: switch_event(state, switch),
    }
}

fn take_waking<'a>(state: &State<'a>, record: &Record, take: &mut impl FnMut(Row<'a>)) {
    let Event::Woken { by, .. } = record.event else { return };
    if !state.is_thread(record.task) {
        return;
    }
    let by = by.filter(|by| state.is_thread(*by));
    let cpu = state.cpu(by.unwrap_or(record.task));
    take(Row {
        at: record.at,
        current: by.or_else(|| state.running(cpu)),
        cpu,
        in_softirq: by.is_none(),
        event: waking_event(state, record.task),
    });
}

static RSS_STAT: Tracepoint = Tracepoint {
    system: "kmem",
    name: "rss_stat",
    fields: &[
        Field(Type::UInt, "mm_id", Plain),
        Field(Type::UInt, "curr", Plain),
        Field(
            Type::Int,
            "member",
            Symbols(&[
                (0, "MM_FILEPAGES"),
                (1, "MM_ANONPAGES"),
                (2, "MM_SWAPENTS"),
                (3, "MM_SHMEMPAGES"),
            ]),
        ),
        Field(Type::Long, "size", Plain),
    ],
    print: "mm_id=%u curr=%d type=%s size=%ldB",
};

/// `rss_stat`, for victims: from the kill on their counter is known.
///
/// The kernel hashes the address of the mm; here it is the mm's number.
fn rss_stat<'a>(state: &State<'a>, task: TaskId, range: RangeId) -> Option<Traced<'a>> {
    let info = state.cast.ranges.get(range).filter(|info| info.anonymous)?;
    let anon = state.anon(info.mm)?;
    let own = state.cast.tasks.get(task).is_some_and(|task| task.mm == Some(info.mm));
    let values = [number(info.mm.0), number(own), number(1), number(anon.saturating_mul(4096))];
    Some(Traced::new(&RSS_STAT, values))
}

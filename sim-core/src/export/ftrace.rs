//! A run as ftrace text, as `/sys/kernel/tracing/trace` shows it.
//!
//! Times are rounded to µs as the tracer rounds them and count from the
//! run's start. The latency flags are dots, except for what a timer
//! does: interrupts, preemption counts and the like are not modeled.

use std::fmt::{self, Write as _};

use super::lines::write_tracepoint;
use super::sched::{Switch, switches, write_switch, write_waking};
use super::sim_lines::write_sim;
use super::state::{State, beginnings};
use crate::base::{RangeId, SimTime, TaskId};
use crate::record::{Event, Record, Run, TaskKind};

/// The run as ftrace text. Empty but for the header if no records were kept.
pub fn ftrace(run: &Run) -> String {
    let mut body = Body { out: String::new(), lines: 0 };
    let mut state = State::new(&run.cast);
    let (beginnings, switches) = (beginnings(run), switches(run));
    for (index, record) in run.trace.iter().enumerate() {
        state.follow(&record);
        let switch = switches.get(&index).copied();
        // Writing to a String cannot fail.
        let _: fmt::Result = body.record(&state, &record, beginnings.contains_key(&index), switch);
    }
    let mut text = header(body.lines, run.cast.cpus);
    text.push_str(&body.out);
    text
}

struct Body {
    out: String,
    lines: usize,
}

impl Body {
    fn record(
        &mut self,
        state: &State<'_>,
        record: &Record,
        begins: bool,
        switch: Option<Switch>,
    ) -> fmt::Result {
        // Who leaves says first what it does; who comes is there before it does anything.
        if let Some(switch) = switch.filter(|switch| switch.next.is_some()) {
            self.switch(state, record, switch)?;
        }
        if let Event::Woken { by, .. } = record.event
            && state.is_thread(record.task)
        {
            let by = by.filter(|by| state.is_thread(*by));
            let (current, cpu) = match by {
                Some(by) => (Some(by), state.cpu(by)),
                None => (state.running(state.cpu(record.task)), state.cpu(record.task)),
            };
            let flags = if by.is_some() { "....." } else { "..s.." };
            self.framed(state, record.at, (current, cpu, flags), |out| {
                write_waking(out, state, record.task)?;
                Ok(true)
            })?;
        }
        if begins {
            let name = state.cast.tasks.get(record.task).map_or("?", |info| info.name.as_str());
            self.line(state, record, |out| {
                write!(
                    out,
                    "sim:started: pid={} task={name}",
                    super::lines::pid(state, record.task)
                )?;
                Ok(true)
            })?;
        }
        self.line(state, record, |out| write_tracepoint(out, state, record))?;
        if let Event::Zap { range, .. } | Event::SwapOut { range, .. } = record.event {
            self.line(state, record, |out| write_rss(out, state, record.task, range))?;
        }
        self.line(state, record, |out| write_sim(out, state, record))?;
        match switch.filter(|switch| switch.next.is_none()) {
            Some(switch) => self.switch(state, record, switch),
            None => Ok(()),
        }
    }

    /// The line of a switch: the task that leaves is still current.
    fn switch(&mut self, state: &State<'_>, record: &Record, switch: Switch) -> fmt::Result {
        let current = switch.prev.map(|(task, _)| task);
        self.framed(state, record.at, (current, switch.cpu, "....."), |out| {
            write_switch(out, state, switch)?;
            Ok(true)
        })
    }

    /// A whole line of the task that the record is of, if `body` writes one.
    fn line(
        &mut self,
        state: &State<'_>,
        record: &Record,
        body: impl FnOnce(&mut String) -> Result<bool, fmt::Error>,
    ) -> fmt::Result {
        let current = state.current(record.task);
        let cpu = current.map_or(0, |task| state.cpu(task));
        let kind = state.cast.tasks.get(record.task).map(|info| info.kind);
        let flags = if kind == Some(TaskKind::Timer) { "..s.." } else { "....." };
        self.framed(state, record.at, (current, cpu, flags), body)
    }

    fn framed(
        &mut self,
        state: &State<'_>,
        at: SimTime,
        frame: (Option<TaskId>, u32, &str),
        body: impl FnOnce(&mut String) -> Result<bool, fmt::Error>,
    ) -> fmt::Result {
        let start = self.out.len();
        write_frame(&mut self.out, state, at, frame)?;
        if body(&mut self.out)? {
            self.out.push('\n');
            self.lines += 1;
        } else {
            self.out.truncate(start);
        }
        Ok(())
    }
}

/// `           comm-pid     [000] .....    13.544552: `.
fn write_frame(
    out: &mut String,
    state: &State<'_>,
    at: SimTime,
    (current, cpu, flags): (Option<TaskId>, u32, &str),
) -> fmt::Result {
    let info = current.and_then(|task| state.cast.tasks.get(task));
    let (comm, pid) = info.map_or(("<idle>", 0), |info| (info.comm.as_str(), info.pid));
    let (secs, us) = rounded(at).as_secs_us();
    write!(out, "{comm:>16}-{pid:<7} [{cpu:03}] {flags} {secs:>5}.{us:06}: ")
}

/// To the next µs from half of one on, as the tracer's `ns2usecs()`.
fn rounded(at: SimTime) -> SimTime {
    at.saturating_add(crate::base::Nanos(500))
}

/// `rss_stat`, for victims: from the kill on their counter is known.
///
/// The kernel hashes the address of the mm; here it is the mm's number.
fn write_rss(
    out: &mut String,
    state: &State<'_>,
    task: TaskId,
    range: RangeId,
) -> Result<bool, fmt::Error> {
    let Some(info) = state.cast.ranges.get(range).filter(|info| info.anonymous) else {
        return Ok(false);
    };
    let Some(anon) = state.anon(info.mm) else {
        return Ok(false);
    };
    let own = state.cast.tasks.get(task).is_some_and(|task| task.mm == Some(info.mm));
    write!(
        out,
        "rss_stat: mm_id={} curr={} type=MM_ANONPAGES size={}B",
        info.mm.0,
        u8::from(own),
        anon.saturating_mul(4096)
    )?;
    Ok(true)
}

fn header(lines: usize, cpus: u32) -> String {
    format!(
        "\
# tracer: nop
#
# entries-in-buffer/entries-written: {lines}/{lines}   #P:{cpus}
#
#                                _-----=> irqs-off/BH-disabled
#                               / _----=> need-resched
#                              | / _---=> hardirq/softirq
#                              || / _--=> preempt-depth
#                              ||| / _-=> migrate-disable
#                              |||| /     delay
#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION
#              | |         |   |||||     |         |
"
    )
}

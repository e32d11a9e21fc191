//! A run as ftrace text, as `/sys/kernel/tracing/trace` shows it.
//!
//! Times are rounded to µs as the tracer rounds them and count from the
//! run's start. The latency flags are dots, except for what a timer
//! does: interrupts, preemption counts and the like are not modeled.

use std::fmt::{self, Write as _};

use super::rows::{Row, rows};
use crate::base::{Nanos, SimTime};
use crate::record::Run;

/// The run as ftrace text. Empty but for the header if no records were kept.
pub fn ftrace(run: &Run) -> String {
    let (mut body, mut lines) = (String::new(), 0);
    rows(run, &mut |row| {
        // Writing to a String cannot fail.
        let _: fmt::Result = write_row(&mut body, run, &row);
        lines += 1;
    });
    let mut text = header(lines, run.cast.cpus);
    text.push_str(&body);
    text
}

/// `           comm-pid     [000] .....    13.544552: name: args`.
fn write_row(out: &mut String, run: &Run, row: &Row<'_>) -> fmt::Result {
    let (comm, pid) = row.task(run);
    let cpu = row.cpu;
    let flags = if row.in_softirq { "..s.." } else { "....." };
    let (secs, us) = rounded(row.at).as_secs_us();
    write!(out, "{comm:>16}-{pid:<7} [{cpu:03}] {flags} {secs:>5}.{us:06}: ")?;
    row.event.write(out, &run.cast.wording)?;
    out.push('\n');
    Ok(())
}

/// To the next µs from half of one on, as the tracer's `ns2usecs()`.
fn rounded(at: SimTime) -> SimTime {
    at.saturating_add(Nanos(500))
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

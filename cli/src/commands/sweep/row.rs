//! The row of a run. Its columns are an interface: `docs/src/sweeps.md`
//! says what each means. New ones are added at the end.

use sim_core::analysis::Report;
use sim_core::engine::Stop;
use sim_core::record::{MODEL_VERSION, Run};

use super::plan::{Cell, ties_id};
use super::table::{Column, Columns, Value};
use crate::json::{self, task_name};

/// The values of a run, in the order of its columns.
pub(super) type Row = Vec<Value>;

/// The columns of every sweep; those of varied values stand after `seed`.
pub(super) fn columns(varied: impl Iterator<Item = Column>) -> Columns {
    let texts = ["scenario", "kernel", "policy", "ties"].map(Column::text);
    let numbers =
        |names: &[&str]| names.iter().map(|name| Column::number(name)).collect::<Vec<_>>();
    let maybe = |names: &[&str]| {
        names.iter().map(|name| Column::number(name).optional()).collect::<Vec<_>>()
    };
    let mut columns = vec![Column::number("run")];
    columns.extend(texts);
    columns.push(Column::number("seed"));
    columns.extend(varied);
    columns.extend(numbers(&["model"]));
    columns.extend(["digest", "verdict", "flags", "stop"].map(Column::text));
    columns.push(Column::text("broken").optional());
    columns.extend(numbers(&["end_ns", "victims"]));
    columns.push(Column::text("first_victim").optional());
    columns.extend(maybe(&["first_kill_ns", "first_skip_ns", "last_kill_ns"]));
    columns.extend(numbers(&[
        "freed_pages",
        "incidents",
        "reap_attempts",
        "backoffs",
        "refusals",
        "gave_up",
        "reaped_pages",
        "callbacks",
        "callback_blocked_ns",
        "callback_blocked_max_ns",
    ]));
    columns.extend(maybe(&["oom_to_recovery_ns"]));
    columns.extend(numbers(&["alloc_stalls"]));
    columns.extend(maybe(&["alloc_stall_p50_ns", "alloc_stall_p99_ns", "alloc_stall_max_ns"]));
    columns.extend(numbers(&[
        "psi_some_ns",
        "psi_full_ns",
        "stale_accesses",
        "lockdep_reports",
        "non_block_reports",
        "hung_tasks",
        "events",
        "first_freed_by_reaper_pages",
    ]));
    columns.extend(maybe(&["next_victim_after_ns"]));
    Columns(columns)
}

/// The row of a run.
pub(super) fn of(number: u64, cell: &Cell, run: &Run, report: &Report) -> Row {
    let id = &run.id;
    let metrics = json::metrics(&report.metrics);
    let first = report.victims.first();
    let mut row = vec![Value::Number(number)];
    row.extend([&id.scenario, &id.kernel, &id.policy].map(|text| Value::Text(text.clone())));
    row.push(text(ties_id(cell.choice.ties)));
    row.push(Value::Number(id.seed));
    row.extend(cell.values.iter().cloned().map(Value::Text));
    row.push(Value::Number(u64::from(MODEL_VERSION)));
    row.push(Value::Text(run.digest.to_string()));
    row.push(text(report.verdict.id()));
    row.push(Value::Text(report.flags.join(",")));
    row.push(text(stop_id(run.stop)));
    row.push(broken(run).map_or(Value::Null, Value::Text));
    row.push(Value::Number(run.end.0));
    row.push(count(report.victims.len()));
    row.push(first.map_or(Value::Null, |victim| Value::Text(task_name(run, victim.task))));
    row.push(maybe(first.map(|victim| victim.killed.0)));
    row.push(maybe(first.and_then(|victim| Some(victim.skip?.0))));
    row.push(maybe(report.victims.last().map(|victim| victim.killed.0)));
    let freed = report.victims.iter().map(|victim| victim.freed_pages);
    row.push(Value::Number(freed.fold(0, u64::saturating_add)));
    row.push(count(report.incidents.len()));
    row.extend(
        [
            metrics.reap_attempts,
            metrics.backoffs,
            metrics.refusals,
            metrics.gave_up,
            metrics.reaped_pages,
            metrics.callbacks,
            metrics.callback_blocked_ns,
            metrics.callback_blocked_max_ns,
        ]
        .map(Value::Number),
    );
    row.push(maybe(metrics.oom_to_recovery_ns));
    let stalls = metrics.alloc_stall_ns;
    row.push(Value::Number(stalls.count));
    row.extend([stalls.p50, stalls.p99, stalls.max].map(maybe));
    row.extend(
        [
            metrics.psi_some_ns,
            metrics.psi_full_ns,
            metrics.stale_accesses,
            metrics.lockdep_reports,
            metrics.non_block_reports,
            metrics.hung_tasks,
            metrics.events,
            first.map_or(0, |victim| victim.freed_by_reaper),
        ]
        .map(Value::Number),
    );
    row.push(maybe(first.and_then(|victim| Some(victim.done?.saturating_sub(victim.killed).0))));
    row
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn maybe(number: Option<u64>) -> Value {
    number.map_or(Value::Null, Value::Number)
}

fn count(length: usize) -> Value {
    Value::Number(u64::try_from(length).unwrap_or(u64::MAX))
}

fn stop_id(stop: Stop) -> &'static str {
    match stop {
        Stop::Idle => "idle",
        Stop::Horizon => "horizon",
        Stop::EventLimit => "event-limit",
        Stop::NoProgress(_) => "no-progress",
        Stop::Requested => "requested",
        Stop::Broken => "broken",
    }
}

/// What the model broke, if it did.
fn broken(run: &Run) -> Option<String> {
    match run.stop {
        Stop::Broken => Some(sim_core::analysis::broken_text(run).unwrap_or_default()),
        Stop::NoProgress(task) => {
            let at = sim_core::analysis::time_text(run.end);
            Some(format!("{} ran over and over at {at} while no time passed", task_name(run, task)))
        }
        _ => None,
    }
}

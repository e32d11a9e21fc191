//! `sweep`: a scenario under many seeds, policies, kernels and values,
//! a row per run.
//!
//! Runs share nothing, so they are spread over the cores. Rows are kept in
//! the order of run numbers (`plan`), first in a journal beside the result
//! (`journal`); when all are there the result is written from it in one
//! go. So the result depends neither on `--jobs` nor on how often the
//! sweep was stopped and resumed, and there is never half of one.

mod journal;
mod plan;
mod row;
mod run_one;
pub(super) mod table;
pub(super) mod tally;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;

use indicatif::ProgressBar;

use self::journal::{Begun, Journal};
use self::plan::Plan;
pub(super) use self::plan::{RUNS_KEY, digest_of_text};
use self::row::Row;
use self::run_one::run_one;
use self::table::{Format, Value};
use self::tally::Tally;
use crate::args::SweepArgs;
use crate::error::Error;
use crate::{progress, stop};

/// Sweeps.
pub(crate) fn run(args: &SweepArgs) -> Result<(), Error> {
    let plan = Plan::of(args)?;
    let format = Format::of(&args.out)?;
    let begun = if args.resume { Begun::Continued } else { Begun::Refused };
    let mut journal = Journal::open(&args.out, &plan, begun)?;
    let pool = super::pool(args.jobs)?;
    stop::catch_signals()?;
    let bar = progress::bar(plan.runs(), journal.rows());
    let done = pool.in_place_scope(|scope| {
        let next = AtomicU64::new(plan.first() + journal.rows());
        let (sender, receiver) = mpsc::channel();
        let (plan, next) = (&plan, &std::sync::Arc::new(next));
        for _ in 0..pool.current_num_threads() {
            let (sender, next) = (sender.clone(), std::sync::Arc::clone(next));
            scope.spawn(move |_| work(plan, &next, &sender));
        }
        drop(sender);
        collect(&receiver, &mut journal, &bar)
    });
    bar.finish_and_clear();
    done?;
    if journal.rows() < plan.runs() {
        return Err(Error::Interrupted(format!(
            "stopped after {} of {} runs; the same command with --resume goes on",
            journal.rows(),
            plan.runs()
        )));
    }
    finish(&plan, journal, &args.out, format)
}

/// Makes runs until there are no more.
fn work(plan: &Plan, next: &AtomicU64, rows: &mpsc::Sender<(u64, Row)>) {
    while !stop::is_stopped() {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= plan.end() || rows.send((number, run_one(plan, number))).is_err() {
            return;
        }
    }
}

/// Keeps rows in order. Those that come early wait; a run has a limit of
/// events, so they are never many.
fn collect(
    rows: &mpsc::Receiver<(u64, Row)>,
    journal: &mut Journal,
    bar: &ProgressBar,
) -> Result<(), Error> {
    let mut early = BTreeMap::new();
    for (number, row) in rows {
        early.insert(number, row);
        while let Some(row) = early.remove(&journal.next()) {
            // Without a place to keep rows there is no use in making more.
            journal.keep(&row).inspect_err(|_| stop::stop())?;
        }
        journal.flush()?;
        bar.set_position(journal.rows());
    }
    Ok(())
}

fn finish(plan: &Plan, journal: Journal, out: &Path, format: Format) -> Result<(), Error> {
    let broken_column = plan.columns().position("broken");
    let mut broken = None;
    let mut number = plan.first();
    let mut tally = Tally::new(plan.columns());
    let rows = journal.read()?.inspect(|row| {
        if let Ok(row) = row
            && broken.is_none()
            && let Some(Value::Text(message)) = row.get(broken_column)
        {
            broken = Some((number, message.clone()));
        }
        number += 1;
        if let Ok(row) = row {
            tally.add(row);
        }
    });
    table::write(out, format, plan.columns(), &plan.about(), rows)?;
    journal.remove()?;
    tally.tell(out);
    match broken {
        Some((number, message)) => Err(Error::Broken { message, link: plan.link(number) }),
        None => Ok(()),
    }
}

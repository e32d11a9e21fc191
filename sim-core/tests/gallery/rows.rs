//! A row of the table: a scenario, what is different, and what comes of it.

use std::collections::BTreeMap;

use sim_core::analysis::report;
use sim_core::analysis::types::Report;
use sim_core::record::{Event, Func, Run};
use sim_core::scenario::{RunOptions, Simulation, gallery, parse};

/// See the file's documentation.
#[derive(Copy, Clone)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    /// `kernel=V`, `policy=ID`, `check=ID` and overrides of the scenario, parted by
    /// `; `; nothing: the scenario as it is.
    pub(crate) with: &'static str,
    verdict: &'static str,
    /// How many were killed for memory.
    victims: usize,
    /// Attempts of the reaper.
    attempts: u64,
    flags: &'static str,
    /// How many of each kind, by kind, without waived invariants.
    incidents: &'static str,
}

/// What a row comes to.
#[derive(Clone, Eq, PartialEq, Debug)]
pub(crate) struct Outcome {
    verdict: String,
    victims: usize,
    attempts: u64,
    flags: String,
    incidents: String,
}

/// A row, as tables write it.
pub(crate) const fn row(
    id: &'static str,
    with: &'static str,
    verdict: &'static str,
    victims: usize,
    attempts: u64,
    flags: &'static str,
    incidents: &'static str,
) -> Row {
    Row { id, with, verdict, victims, attempts, flags, incidents }
}

impl Row {
    pub(crate) fn expected(&self) -> Outcome {
        Outcome {
            verdict: self.verdict.to_owned(),
            victims: self.victims,
            attempts: self.attempts,
            flags: self.flags.to_owned(),
            incidents: self.incidents.to_owned(),
        }
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let report = report(&run(self.id, self.with));
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        for incident in &report.incidents {
            if incident.kind != "waived-invariant" {
                *counts.entry(incident.kind).or_default() += 1;
            }
        }
        let counts: Vec<String> = counts.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        Outcome {
            verdict: report.verdict.id().to_owned(),
            victims: report.victims.len(),
            attempts: report.metrics.reap_attempts,
            flags: report.flags.join(", "),
            incidents: counts.join(", "),
        }
    }
}

/// Runs a scenario of the gallery under seed 1, with what is different
/// written as in [`Row::with`].
pub(crate) fn run(id: &str, with: &str) -> Run {
    let entry = gallery::find(id).unwrap_or_else(|| panic!("{id} is in the gallery"));
    let mut options = RunOptions::default();
    let mut sets = Vec::new();
    for (path, value) in with.split("; ").filter_map(|set| set.split_once('=')) {
        match path {
            "kernel" => options.kernel = Some(value.to_owned()),
            "policy" => options.policy = Some(value.to_owned()),
            "check" => options.checks = vec![value.to_owned()],
            _ => sets.push((path.to_owned(), value.to_owned())),
        }
    }
    let scenario = parse(entry.id, entry.text, &sets)
        .unwrap_or_else(|errors| panic!("{id} with {with}: {errors:?}"));
    let run = Simulation::new(&scenario, &options).expect("profile and policy exist").run();
    assert_eq!(run.findings.broken, None, "{id} with {with}");
    run
}

/// The same, judged.
pub(crate) fn judged(id: &str, with: &str) -> Report {
    report(&run(id, with))
}

/// The functions that a task was in when it last went to sleep, outermost first.
pub(crate) fn stack_at_end(run: &Run, task: &str) -> Vec<&'static str> {
    let id = run.cast.tasks.iter().find(|(_, info)| info.name == task).expect("there is one").0;
    let mut stack = None;
    for record in run.trace.iter().filter(|record| record.task == id) {
        if let Event::Blocked { stack: at, .. } = record.event {
            stack = Some(at);
        }
    }
    let mut functions = run.cast.functions(stack.expect("it slept"));
    functions.reverse();
    functions.into_iter().map(Func::text).collect()
}

//! Runs of which only the outcome counts, one after the other, in slices:
//! a worker's part of a sweep. Slices decide when, never what.

use std::collections::VecDeque;

use sim_core::analysis::broken_text;
use sim_core::experiment::{Outcome, Replication};

use super::plan::CASES_MAX;
use crate::engine::{Job, Prepared, Request};

/// Events between two looks at the clock: about a millisecond.
const EVENTS_PER_LOOK: u64 = 2_000;
/// Scenarios kept: of as many cases as a sweep may have.
const PREPARED_MAX: usize = CASES_MAX;

/// Runs that are left, and the one under way.
pub struct Batch {
    queue: VecDeque<(u32, Request)>,
    /// The scenarios of the last cases: runs go from one to the next, and come back.
    prepared: Vec<Prepared>,
    job: Option<(u32, Job)>,
}

impl Batch {
    pub fn new(runs: Vec<(u32, Request)>) -> Self {
        Self { queue: runs.into(), prepared: Vec::new(), job: None }
    }

    /// Whether all are made.
    pub fn is_over(&self) -> bool {
        self.job.is_none() && self.queue.is_empty()
    }

    /// Simulates until `is_time` says so or nothing is left; what became of
    /// the runs that ended meanwhile.
    pub fn advance(
        &mut self,
        mut is_time: impl FnMut() -> bool,
    ) -> Result<Vec<(u32, Outcome)>, String> {
        let mut found = Vec::new();
        while let Some((number, mut job)) = self.next()? {
            while job.advance(EVENTS_PER_LOOK) {
                if is_time() {
                    self.job = Some((number, job));
                    return Ok(found);
                }
            }
            found.push((number, outcome(job)?));
            if is_time() {
                break;
            }
        }
        Ok(found)
    }

    /// The run under way, or the next.
    fn next(&mut self) -> Result<Option<(u32, Job)>, String> {
        if let Some(job) = self.job.take() {
            return Ok(Some(job));
        }
        let Some((number, request)) = self.queue.pop_front() else {
            return Ok(None);
        };
        let known = self.prepared.iter().position(|it| it.is_of(&request));
        let index = known.unwrap_or(0);
        if known.is_none() {
            self.prepared.truncate(PREPARED_MAX - 1);
            self.prepared.insert(0, Prepared::of(&request)?);
        }
        Ok(Some((number, Job::of(&self.prepared[index], &request)?)))
    }
}

fn outcome(job: Job) -> Result<Outcome, String> {
    if let Some(problem) = job.problem() {
        return Err(problem);
    }
    let run = job.into_run();
    if let Some(broken) = broken_text(&run) {
        let seed = run.id.seed;
        return Err(format!("Under seed {seed} an invariant of the model broke.\n{broken}"));
    }
    Ok(Replication::of(run).outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::plan::tests::plan;

    fn all(batch: &mut Batch, mut is_time: impl FnMut() -> bool) -> Vec<(u32, Outcome)> {
        let mut found = Vec::new();
        while !batch.is_over() {
            found.extend(batch.advance(&mut is_time).expect("nothing breaks"));
        }
        found
    }

    #[test]
    fn slices_change_no_outcome() {
        let plan = plan(&["nonblock", "interval"], 3..5);
        let runs: Vec<_> = (0..plan.runs()).map(|number| (number, plan.run(number))).collect();
        let whole = all(&mut Batch::new(runs.clone()), || false);
        assert_eq!(whole, all(&mut Batch::new(runs), || true));
        let seen: Vec<_> =
            whole.iter().map(|(number, it)| (*number, it.seed, it.policy.as_str())).collect();
        let wanted =
            [(0, 3, "nonblock"), (1, 3, "interval"), (2, 4, "nonblock"), (3, 4, "interval")];
        assert_eq!(seen, wanted);
    }

    #[test]
    fn what_cannot_run_says_why() {
        let plan = plan(&["none-such"], 0..1);
        let message = Batch::new(vec![(0, plan.run(0))]).advance(|| false).unwrap_err();
        assert!(message.contains("none-such"), "{message}");
    }
}

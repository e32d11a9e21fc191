//! Runs, one after the other, in slices.
//!
//! Slices decide when events are simulated, never which. Knows of no
//! browser: the worker and, without one, the page drive it.

use std::collections::VecDeque;

use sim_core::analysis::broken_text;
use sim_core::record::Run;

use crate::engine::{Job, Request};

/// Events between two looks at the clock: about a millisecond.
const EVENTS_PER_LOOK: u64 = 2_000;

/// Runs under way; dropping it cancels them.
pub struct Series {
    job: Job,
    /// What runs after it.
    queue: VecDeque<Request>,
}

/// What a slice came to.
pub enum Step {
    /// There is more to do.
    More,
    /// A run is over, and there are more.
    Run(Run),
    /// The last one is over.
    Last(Run),
}

impl Series {
    /// Starts with the first of them.
    pub fn start(runs: Vec<Request>) -> Result<Self, String> {
        let mut queue: VecDeque<Request> = runs.into();
        let first = queue.pop_front().ok_or_else(|| "There is nothing to run.".to_owned())?;
        Ok(Self { job: Job::start(&first)?, queue })
    }

    /// Simulates until `is_time` says so or a run is over.
    pub fn advance(
        mut self,
        mut is_time: impl FnMut() -> bool,
    ) -> Result<(Step, Option<Self>), String> {
        while self.job.advance(EVENTS_PER_LOOK) {
            if is_time() {
                return Ok((Step::More, Some(self)));
            }
        }
        if let Some(problem) = self.job.problem() {
            return Err(problem);
        }
        let run = self.job.into_run();
        if let Some(broken) = broken_text(&run) {
            return Err(format!("An invariant of the model broke.\n{broken}"));
        }
        let Some(next) = self.queue.pop_front() else {
            return Ok((Step::Last(run), None));
        };
        Ok((Step::Run(run), Some(Self { job: Job::start(&next)?, queue: self.queue })))
    }

    /// How far the present run is, and where it ends at the latest, in ns.
    pub fn progress(&self) -> (u64, u64) {
        (self.job.now().0, self.job.horizon().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::share::Other;

    fn all(request: &Request) -> Vec<Run> {
        let mut series = Some(Series::start(request.runs()).expect("it starts"));
        let mut runs = Vec::new();
        while let Some(now) = series.take() {
            let (step, rest) = now.advance(|| true).expect("nothing breaks");
            series = rest;
            match step {
                Step::More => {}
                Step::Run(run) | Step::Last(run) => runs.push(run),
            }
        }
        runs
    }

    #[test]
    fn the_one_to_look_at_comes_last_whatever_the_slices() {
        let request = Request {
            policy: Some("interval".into()),
            others: ["skip-any", "nonblock"].map(|id| Other::Policy(id.into())).to_vec(),
            ..Request::default()
        };
        let runs = all(&request);
        let policies: Vec<&str> = runs.iter().map(|run| run.id.policy.as_str()).collect();
        assert_eq!(policies, ["skip-any", "nonblock", "interval"]);
        let alone = all(&request.with(&Other::Policy("interval".into())));
        assert_eq!(alone[0].digest, runs[2].digest);
    }

    #[test]
    fn what_cannot_run_says_why() {
        let request = Request { policy: Some("none-such".into()), ..Request::default() };
        let message = Series::start(request.runs()).err().expect("there is no such policy");
        assert!(message.contains("none-such"), "{message}");
    }
}

//! The point of no return: a run rewound to several moments and drawn anew
//! from there on, so many times each. Which runs, and what they come to;
//! pure. The method is the simulator's (`sim_core::experiment`).

use sim_core::analysis::Verdict;
use sim_core::base::SimTime;
use sim_core::experiment::{Outcome, Point, Proportion, moments, no_return, parting};

use super::plan::RUNS_MAX;
use crate::engine::Request;
use crate::words::t;

/// Moments and runs of each unless somebody says otherwise.
pub const MOMENTS: u32 = 24;
pub const TIMES: u32 = 20;

/// A curve under way, or done.
#[derive(Clone, PartialEq, Debug)]
pub struct Rewind {
    /// The run.
    pub request: Request,
    pub until: Verdict,
    points: Vec<Point>,
    times: u32,
}

impl Rewind {
    /// Of a run that ended at `end`; what is wrong with what was typed is said as a sentence.
    pub fn typed(
        request: &Request,
        (until, end): (Verdict, SimTime),
        points: &str,
        times: &str,
    ) -> Result<Self, String> {
        let number = |text: &str, what: &str| {
            let found = text.trim().parse::<u32>().ok().filter(|number| *number > 0);
            found.ok_or_else(|| {
                t!("“{text}” is no count of {what}: it takes 1 or more.", text, what)
            })
        };
        let (points, times) = (number(points, t!("moments"))?, number(times, t!("runs"))?);
        if u64::from(points) * u64::from(times) > RUNS_MAX {
            return Err(t!("That is more than {most} runs: take fewer.", most = RUNS_MAX));
        }
        let none = Proportion { count: 0, of: 0 };
        let points = moments(end, points.into()).into_iter();
        let points = points.map(|at| Point { at, shown: none }).collect();
        Ok(Self { request: request.alone(), until, points, times })
    }

    pub fn runs(&self) -> u32 {
        self.points.len() as u32 * self.times
    }

    pub fn done(&self) -> u32 {
        self.points.iter().map(|point| point.shown.of as u32).sum()
    }

    /// The run of that number: moment by moment, and then again.
    pub fn run(&self, number: u32) -> Request {
        let moments = self.points.len().max(1);
        let (moment, time) = (number as usize % moments, number as usize / moments);
        let mut request = self.request.clone();
        if let Some(point) = self.points.get(moment) {
            request.forks.retain(|fork| fork.at <= point.at);
            request.forks.push(parting(point.at, time as u64));
        }
        request
    }

    /// Takes in what became of a run.
    pub fn tell(&mut self, number: u32, outcome: &Outcome) {
        let moments = self.points.len().max(1);
        if let Some(point) = self.points.get_mut(number as usize % moments) {
            point.shown.of += 1;
            point.shown.count += u64::from(outcome.verdict == self.until);
        }
    }

    /// Moments that were tried, in order.
    pub fn curve(&self) -> Vec<Point> {
        self.points.iter().copied().filter(|point| point.shown.of > 0).collect()
    }

    /// From when on it always came; told only of all.
    pub fn no_return(&self) -> Option<SimTime> {
        if self.done() < self.runs() {
            return None;
        }
        no_return(&self.points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Job;
    use crate::sweep::batch::Batch;

    #[test]
    fn the_curve_ends_in_what_became_of_the_run() {
        let request = Request::default();
        let mut job = Job::start(&request).expect("it starts");
        while job.advance(100_000) {}
        let run = job.into_run();
        let verdict = Verdict::ExtraVictims;
        let mut rewind =
            Rewind::typed(&request, (verdict, run.end), "4", "2").expect("it is right");
        assert_eq!((rewind.runs(), rewind.done()), (8, 0));
        let runs: Vec<_> = (0..rewind.runs()).map(|number| (number, rewind.run(number))).collect();
        let forks: Vec<String> = runs.iter().map(|(_, run)| run.forks[0].to_string()).collect();
        assert!(forks[0].ends_with("reseed=0") && forks[4].ends_with("reseed=1"), "{forks:?}");
        for (number, outcome) in Batch::new(runs).advance(|| false).expect("nothing breaks") {
            rewind.tell(number, &outcome);
        }
        assert_eq!(rewind.done(), 8);
        let last = rewind.curve().last().copied().expect("there are four");
        assert_eq!(last.shown, Proportion { count: 2, of: 2 });
        assert!(rewind.no_return().is_some_and(|at| at <= last.at));
    }

    #[test]
    fn forks_before_the_moment_stay() {
        let fork = "1ms:reseed=9".parse().expect("a fork");
        let request = Request { forks: vec![fork], ..Request::default() };
        let rewind =
            Rewind::typed(&request, (Verdict::Panic, SimTime(4_000_000)), "4", "1").expect("right");
        let counts: Vec<usize> = (0..4).map(|number| rewind.run(number).forks.len()).collect();
        assert_eq!(counts, [1, 2, 2, 2]);
        assert!(Rewind::typed(&request, (Verdict::Panic, SimTime(1)), "x", "1").is_err());
    }
}

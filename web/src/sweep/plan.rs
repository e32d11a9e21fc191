//! What a sweep runs: a scenario under every kernel, choice of values and
//! policy, and every seed. Pure.
//!
//! One of each is a case; cases come in that order, the policy varying
//! fastest, as on the command line. Runs are numbered seed by seed, each
//! in every case, so that what is there so far compares cases under the
//! same seeds.

use std::ops::Range;

use sim_core::experiment::{
    Grid, combinations, path_and_value, refuse_twice, values_of, values_text,
};

use super::form::Typed;
use crate::engine::{self, Job, Prepared, Request, SEED_MAX};
use crate::words::t;

/// Runs of one sweep; their outcomes take some 20 MB.
pub const RUNS_MAX: u64 = 100_000;
/// Cases of one sweep: each has a plot.
pub const CASES_MAX: usize = 64;

/// One kernel, one choice of values, one policy.
#[derive(Clone, PartialEq, Debug)]
pub struct SweptCase {
    /// What tells it from the others.
    pub name: String,
    /// The values of its paths, as `path=value`; of the grid alone.
    pub values: String,
    /// `None`: what the scenario on screen runs on.
    pub kernel: Option<String>,
    pub sets: Vec<(String, String)>,
    /// `None`: the scenario's, or else the kernel's own.
    pub policy: Option<String>,
}

/// A sweep.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// Scenario and forks, and what all cases share.
    pub request: Request,
    pub cases: Vec<SweptCase>,
    /// How many of them differ in their policy alone.
    pub policies: usize,
    pub seeds: Range<u64>,
}

impl Plan {
    /// From what was typed; what is wrong with it is said as a sentence.
    pub fn typed(request: &Request, typed: &Typed) -> Result<Self, String> {
        let number = |text: &str| text.trim().replace(['_', ' ', '\u{202f}'], "").parse::<u64>();
        let (first, count) = (&typed.first, &typed.count);
        let first = number(first)
            .map_err(|_| t!("“{first}” is no seed: it takes a whole number from 0.", first))?;
        let wanted = number(count)
            .ok()
            .filter(|count| *count > 0)
            .ok_or_else(|| t!("“{count}” is no count of seeds: it takes 1 or more.", count))?;
        if typed.policies.is_empty() && typed.kernels.len() < 2 {
            let why = t!(
                "Choose a policy to run them under, or several kernels, each with the scenario's or its own."
            );
            return Err(why.to_owned());
        }
        let request = request.alone();
        let cases = cases(&request, typed)?;
        let runs = wanted.saturating_mul(cases.len() as u64);
        if runs > RUNS_MAX {
            return Err(t!(
                "{runs} runs are more than a page can hold ({most}): take fewer seeds, \
                 policies, kernels or values, or the command line.",
                runs,
                most = RUNS_MAX
            ));
        }
        let seeds = match first.checked_add(wanted) {
            Some(end) if end <= SEED_MAX + 1 => first..end,
            _ => return Err(t!("The largest seed is {most}.", most = SEED_MAX)),
        };
        let plan = Self { request, cases, policies: typed.policies.len().max(1), seeds };
        // Everything that would be refused later is refused now.
        for case in 0..plan.cases.len() {
            let request = plan.one(case, plan.seeds.start);
            Job::of(&Prepared::of(&request)?, &request).map_err(|why| engine::sentence(&why))?;
        }
        Ok(plan)
    }

    pub fn seed_count(&self) -> u64 {
        self.seeds.end.saturating_sub(self.seeds.start)
    }

    /// How many runs that is.
    pub fn runs(&self) -> u32 {
        self.seed_count() as u32 * self.cases.len() as u32
    }

    /// Case and seed of a run, by their places.
    pub fn place(&self, number: u32) -> (usize, usize) {
        let cases = self.cases.len().max(1);
        (number as usize % cases, number as usize / cases)
    }

    /// What the run of that number is.
    pub fn run(&self, number: u32) -> Request {
        let (case, seed) = self.place(number);
        self.one(case, self.seeds.start + seed as u64)
    }

    /// One case and one seed of it.
    pub fn one(&self, case: usize, seed: u64) -> Request {
        let Some(case) = self.cases.get(case) else { return self.request.alone() };
        Request {
            seed,
            policy: case.policy.clone(),
            kernel: case.kernel.clone(),
            sets: case.sets.clone(),
            ..self.request.alone()
        }
    }

    /// What a case is compared with: the first policy beside it, and where it is that itself,
    /// the first case of all. Nothing for the very first.
    pub fn base(&self, case: usize) -> Option<usize> {
        let beside = case - case % self.policies;
        let base = if beside == case { 0 } else { beside };
        (base != case).then_some(base)
    }
}

/// The lines of values to try.
fn grid(text: &str) -> Result<Grid, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let of_line = |line: &str| {
        let (path, values) =
            path_and_value(line).map_err(|why| t!("In the line “{line}”: {why}.", line, why))?;
        Ok((path, values_of(&values)))
    };
    lines.map(of_line).collect()
}

fn cases(request: &Request, typed: &Typed) -> Result<Vec<SweptCase>, String> {
    let grid = grid(&typed.grid)?;
    refuse_twice(&typed.policies, &typed.kernels, &grid).map_err(|why| engine::sentence(&why))?;
    let kernels: Vec<Option<&String>> = match typed.kernels.as_slice() {
        [] => vec![None],
        kernels => kernels.iter().map(Some).collect(),
    };
    let policies: Vec<Option<&String>> = match typed.policies.as_slice() {
        [] => vec![None],
        policies => policies.iter().map(Some).collect(),
    };
    let mut cases = Vec::new();
    for kernel in &kernels {
        for values in combinations(&grid, CASES_MAX + 1) {
            for policy in &policies {
                if cases.len() == CASES_MAX {
                    return Err(t!(
                        "More than {most} kernels × values × policies: take fewer of them, \
                         or the command line.",
                        most = CASES_MAX
                    ));
                }
                let chosen = values_text(values.iter().map(|(path, value)| (path, value)));
                let kernel_name = kernel.filter(|_| kernels.len() > 1).map(String::as_str);
                let policy_name = policy.map_or(t!("default policy"), String::as_str);
                let parts = [kernel_name.unwrap_or_default(), policy_name, &chosen];
                let parts: Vec<&str> = parts.into_iter().filter(|it| !it.is_empty()).collect();
                let is_varied = |path: &String| values.iter().any(|(varied, _)| varied == path);
                let kept = request.sets.iter().filter(|(path, _)| !is_varied(path));
                cases.push(SweptCase {
                    name: parts.join(" "),
                    values: chosen.clone(),
                    kernel: kernel.cloned().or_else(|| request.kernel.clone()),
                    sets: kept.chain(&values).cloned().collect(),
                    policy: policy.cloned(),
                });
            }
        }
    }
    Ok(cases)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    fn typed(policies: &[&str], first: &str, count: &str) -> Typed {
        let policies = policies.iter().map(|policy| (*policy).to_owned()).collect();
        Typed { first: first.to_owned(), count: count.to_owned(), ..Typed::of(policies) }
    }

    pub fn plan(policies: &[&str], seeds: Range<u64>) -> Plan {
        let count = (seeds.end - seeds.start).to_string();
        let typed = typed(policies, &seeds.start.to_string(), &count);
        let cases = cases(&Request::default(), &typed).expect("it is right");
        Plan { request: Request::default(), cases, policies: policies.len(), seeds }
    }

    #[test]
    fn every_seed_meets_every_policy_before_the_next() {
        let plan = plan(&["nonblock", "interval"], 7..9);
        assert_eq!(plan.runs(), 4);
        let runs: Vec<_> = (0..4).map(|number| plan.run(number)).collect();
        let seen: Vec<_> =
            runs.iter().map(|run| (run.seed, run.policy.as_deref().unwrap_or(""))).collect();
        assert_eq!(seen, [(7, "nonblock"), (7, "interval"), (8, "nonblock"), (8, "interval")]);
    }

    #[test]
    fn every_kernel_and_value_meets_every_policy() {
        let sets = [("task.hog.oom_score_adj", "5"), ("machine.cpus", "4")];
        let sets = sets.map(|(path, value)| (path.to_owned(), value.to_owned())).to_vec();
        let request = Request { sets, ..Request::default() };
        let typed = Typed {
            kernels: vec!["5.3".to_owned(), "6.1".to_owned()],
            grid: "\nmachine.cpus = 1, 2\n".to_owned(),
            ..typed(&["nonblock", "interval"], "0", "3")
        };
        let plan = Plan::typed(&request, &typed).expect("it is right");
        assert_eq!((plan.runs(), plan.cases.len()), (24, 8));
        let names: Vec<&str> = plan.cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(
            names[..3],
            [
                "5.3 nonblock machine.cpus=1",
                "5.3 interval machine.cpus=1",
                "5.3 nonblock machine.cpus=2"
            ]
        );
        let bases: Vec<_> = (0..8).map(|case| plan.base(case)).collect();
        assert_eq!(bases[..4], [None, Some(0), Some(0), Some(2)]);
        assert_eq!(bases[4..], [Some(0), Some(4), Some(0), Some(6)]);
        // What was set is kept, but for what is varied.
        let run = plan.one(7, 2);
        let sets: Vec<_> = run.sets.iter().map(|(path, value)| (&path[..], &value[..])).collect();
        assert_eq!(sets, [("task.hog.oom_score_adj", "5"), ("machine.cpus", "2")]);
        assert_eq!((run.kernel.as_deref(), run.policy.as_deref()), (Some("6.1"), Some("interval")));
    }

    #[test]
    fn without_a_policy_each_kernel_has_its_own() {
        let kernels = vec!["4.9".to_owned(), "6.1".to_owned()];
        let typed = Typed { kernels, ..typed(&[], "0", "2") };
        let plan = Plan::typed(&Request::default(), &typed).expect("it is right");
        let names: Vec<&str> = plan.cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["4.9 default policy", "6.1 default policy"]);
        let run = plan.run(1);
        assert_eq!((run.kernel.as_deref(), run.policy, run.seed), (Some("6.1"), None, 0));
        assert_eq!((plan.base(0), plan.base(1)), (None, Some(0)));
    }

    #[test]
    fn what_was_typed_is_checked() {
        let plan = Plan::typed(&Request::default(), &typed(&["ignore"], " 5", "1 000"));
        let plan = plan.expect("it is right");
        assert_eq!((plan.seeds.clone(), plan.runs()), (5..1005, 1000));
        for (policies, first, count, expected) in [
            (&["ignore"][..], "x", "1", "“x” is no seed"),
            (&["ignore"], "0", "0", "no count of seeds"),
            (&[], "0", "1", "Choose a policy"),
            (&["ignore", "interval"], "0", "50001", "100002 runs are more"),
            (&["ignore"], "9007199254740991", "2", "The largest seed"),
        ] {
            let problem = Plan::typed(&Request::default(), &typed(policies, first, count));
            let problem = problem.unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
        for (grid, expected) in [
            ("machine.cpus", "In the line “machine.cpus”: expected path=value"),
            ("machine.cpus=1,1", "Machine.cpus: 1 is given twice"),
            ("machine.cpus=1\nmachine.cpus=2", "given twice; expected its values in one list"),
            ("machine.cpuz=1", "In the change machine.cpuz = 1: "),
            ("machine.cpus=1,many", "In the change machine.cpus = many: "),
            (&format!("machine.cpus={}", "1,".repeat(70)), "is given twice"),
            (
                "machine.cpus=1,2,3,4,5,6,7,8,9\nmachine.hz=100,250,300,1000\nmachine.ram=1GiB,2GiB",
                "More than 64",
            ),
        ] {
            let typed = Typed { grid: grid.to_owned(), ..typed(&["ignore"], "0", "1") };
            let problem = Plan::typed(&Request::default(), &typed).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}

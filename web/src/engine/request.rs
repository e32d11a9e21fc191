//! What to run: a scenario, what differs from what it says, and the runs that stand beside the first.

use sim_core::scenario::Fork;
use sim_core::share::{Branch, Other, ScenarioRef};

use crate::forks;

/// What the page opens on.
pub const DEFAULT_SCENARIO: &str = "gpu-fence-overlap";
/// Seed of a first visit.
pub const DEFAULT_SEED: u64 = 1;
pub use sim_core::share::SEED_MAX;

/// What to run.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Request {
    /// Of the gallery, or its text.
    pub scenario: ScenarioRef,
    pub seed: u64,
    /// `None`: what the scenario asks for.
    pub kernel: Option<String>,
    /// `None`: the scenario's, else the kernel's own.
    pub policy: Option<String>,
    /// What to compare it with, under the same seed; at most [`OTHERS_MAX`], policies first.
    pub others: Vec<Other>,
    /// Overrides, by path.
    pub sets: Vec<(String, String)>,
    /// Checkers; they don't change the run.
    pub checks: Vec<String>,
    /// Forks that every run has.
    pub forks: Vec<Fork>,
    /// Runs forked off the first one, or off each other; at most [`BRANCHES_MAX`].
    pub branches: Vec<Branch>,
}

/// Forks beside the first run.
pub const BRANCHES_MAX: usize = 7;
/// Runs to compare the first one with.
pub const OTHERS_MAX: usize = 3;

impl Request {
    /// The first run with another choice instead.
    #[must_use]
    pub fn with(&self, other: &Other) -> Self {
        let mut request = self.alone();
        let id = other.id().to_owned();
        match other {
            Other::Policy(_) => request.policy = Some(id),
            Other::Kernel(_) => request.kernel = Some(id),
            Other::Check(_) => request.checks = vec![id],
        }
        request
    }

    /// The first run without those beside it.
    #[must_use]
    pub fn alone(&self) -> Self {
        Self { others: Vec::new(), branches: Vec::new(), ..self.clone() }
    }

    /// The run of a branch, numbered from 1; 0 is the first run.
    #[must_use]
    pub fn forked(&self, branch: usize) -> Self {
        let mut forks = self.forks.clone();
        forks.extend(forks::path(&self.branches, branch));
        Self { forks, ..self.alone() }
    }

    /// How many runs stand beside the first.
    pub fn beside(&self) -> usize {
        self.others.len() + self.branches.len()
    }

    /// What to run, in order: what to compare with, branches, and last
    /// the run that is looked at, so that all is there when the page changes.
    pub fn runs(&self) -> Vec<Self> {
        let others = self.others.iter().map(|other| self.with(other));
        let branches = (1..=self.branches.len()).map(|branch| self.forked(branch));
        others.chain(branches).chain([self.alone()]).collect()
    }
}

impl Default for Request {
    fn default() -> Self {
        Self {
            scenario: ScenarioRef::ById(DEFAULT_SCENARIO.into()),
            seed: DEFAULT_SEED,
            kernel: None,
            policy: None,
            others: Vec::new(),
            sets: Vec::new(),
            checks: Vec::new(),
            forks: Vec::new(),
            branches: Vec::new(),
        }
    }
}

//! The one door to the simulator: what can be run, a run in slices, and
//! what is known of a finished run.

use sim_core::analysis::types::{Lane, Memory, Report, WaitLink};
use sim_core::base::{SimTime, TaskId};
use sim_core::record::{Record, Run};

use crate::demo;

/// Something to choose in a list.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Choice {
    pub id: &'static str,
    pub title: &'static str,
    /// Heading it stands under; may be empty.
    pub group: &'static str,
}

/// What the page opens on.
pub const DEFAULT_SCENARIO: &str = "gpu-fence-overlap";
/// Seed of a first visit.
pub const DEFAULT_SEED: u64 = 42;
/// Seeds are exact in a JavaScript number: below 2^53.
pub const SEED_MAX: u64 = (1 << 53) - 1;

/// What to run.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Request {
    pub scenario: String,
    pub seed: u64,
    /// `None`: what the scenario asks for.
    pub kernel: Option<String>,
    /// `None`: the scenario's, else the kernel's own.
    pub policy: Option<String>,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            scenario: DEFAULT_SCENARIO.into(),
            seed: DEFAULT_SEED,
            kernel: None,
            policy: None,
        }
    }
}

/// A finished run and all that the page shows of it.
pub struct Outcome {
    pub run: Run,
    pub lanes: Vec<Lane>,
    pub memory: Memory,
    pub report: Report,
}

/// A run under way.
pub struct Job {
    request: Request,
}

impl Job {
    /// Starts a run, or says what is wrong with the request.
    pub fn start(request: &Request) -> Result<Self, String> {
        if !scenarios().iter().any(|choice| choice.id == request.scenario) {
            return Err(format!("There is no scenario “{}” in the gallery.", request.scenario));
        }
        Ok(Self { request: request.clone() })
    }

    /// Simulates up to `events` more events; true while there are more.
    pub fn advance(&mut self, _events: u64) -> bool {
        false
    }

    /// How far it is.
    pub fn now(&self) -> SimTime {
        SimTime::ZERO
    }

    /// Where it ends at the latest.
    pub fn horizon(&self) -> SimTime {
        SimTime(60_000_000_000)
    }

    /// Reads the finished run.
    pub fn finish(self) -> Outcome {
        demo::outcome(&self.request)
    }
}

/// The gallery.
pub fn scenarios() -> Vec<Choice> {
    vec![
        Choice { id: DEFAULT_SCENARIO, title: "GPU userptr over part of the victim", group: "Examples" },
        Choice { id: "g1-plain", title: "One hog, no notifier", group: "Golden" },
    ]
}

/// All notifier policies.
pub fn policies() -> Vec<Choice> {
    ["ignore", "skip-any", "skip-flag", "nonblock", "interval"]
        .map(|id| Choice { id, title: id, group: "" })
        .to_vec()
}

/// All kernel profiles.
pub fn kernels() -> Vec<Choice> {
    ["4.19", "5.3", "6.1"].map(|id| Choice { id, title: id, group: "" }).to_vec()
}

/// Who waits for whom, from `task` on, at an instant.
pub fn wait_chain(outcome: &Outcome, task: TaskId, at: SimTime) -> Vec<WaitLink> {
    demo::wait_chain(outcome, task, at)
}

/// A record in words.
pub fn event_text(run: &Run, record: &Record) -> String {
    let _ = run;
    format!("{:?}", record.event)
}

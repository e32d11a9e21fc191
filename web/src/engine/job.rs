//! A request on its way to a run: its scenario is read once, and simulated in slices.

use sim_core::base::SimTime;
use sim_core::export;
use sim_core::record::Run;
use sim_core::scenario::checked::Scenario;
use sim_core::scenario::{Diagnostic, RunOptions, Simulation, parse};
use sim_core::share::ScenarioRef;

use super::Request;
use crate::texts;

/// A run under way.
pub struct Job {
    simulation: Simulation,
    horizon: SimTime,
}

/// A scenario that has been read, for all runs that differ in nothing it says.
pub struct Prepared {
    scenario: Scenario,
    of: (ScenarioRef, Vec<(String, String)>),
}

impl Prepared {
    /// Reads the scenario of a request, or says what is wrong with it.
    pub fn of(request: &Request) -> Result<Self, String> {
        let (id, text) = source(request)?;
        let scenario = parse(id, text, &request.sets).map_err(|it| lines(&it, &request.sets))?;
        Ok(Self { scenario, of: (request.scenario.clone(), request.sets.clone()) })
    }

    /// Whether it is that of another request, too.
    pub fn is_of(&self, request: &Request) -> bool {
        self.of.0 == request.scenario && self.of.1 == request.sets
    }

    pub fn title(&self) -> &str {
        &self.scenario.title
    }
}

impl Job {
    /// Starts a run, or says what is wrong with the request.
    pub fn start(request: &Request) -> Result<Self, String> {
        Self::of(&Prepared::of(request)?, request)
    }

    /// Starts a run of a scenario that has been read.
    pub fn of(prepared: &Prepared, request: &Request) -> Result<Self, String> {
        let scenario = &prepared.scenario;
        let options = RunOptions {
            seed: request.seed,
            kernel: request.kernel.clone(),
            policy: request.policy.clone(),
            checks: request.checks.clone(),
            forks: request.forks.clone(),
            ..RunOptions::default()
        };
        let simulation = Simulation::new(scenario, &options)?;
        Ok(Self { simulation, horizon: SimTime::ZERO + scenario.horizon })
    }

    /// Simulates up to `events` more events; true while there are more.
    pub fn advance(&mut self, events: u64) -> bool {
        self.simulation.advance(events)
    }

    /// Why a fork could not be made, if one could not.
    pub fn problem(&self) -> Option<String> {
        self.simulation.problem()
    }

    /// How far it is.
    pub fn now(&self) -> SimTime {
        self.simulation.now()
    }

    /// Where it ends at the latest.
    pub fn horizon(&self) -> SimTime {
        self.horizon
    }

    /// Ends it and hands over its record.
    pub fn into_run(self) -> Run {
        self.simulation.finish()
    }
}

/// The scenario of a request as a file, with all that was chosen for it.
pub fn scenario_text(request: &Request) -> Result<String, String> {
    let (id, text) = source(request)?;
    let mut scenario = parse(id, text, &request.sets).map_err(|it| lines(&it, &request.sets))?;
    if let Some(kernel) = &request.kernel {
        scenario.kernel.clone_from(kernel);
    }
    if request.policy.is_some() {
        scenario.policy.clone_from(&request.policy);
    }
    Ok(export::scenario(&scenario))
}

/// Name and text of a request's scenario.
fn source(request: &Request) -> Result<(&str, &str), String> {
    match &request.scenario {
        ScenarioRef::Inline(text) => Ok(("link", text.as_str())),
        ScenarioRef::ById(id) => texts::scenario(id)
            .map(|entry| (entry.id, entry.text))
            .ok_or_else(|| format!("There is no scenario “{id}” in the gallery.")),
    }
}

/// Complaints, each with its place in words of the page.
fn lines(complaints: &[Diagnostic], sets: &[(String, String)]) -> String {
    let told = |complaint: &Diagnostic| {
        let Diagnostic { line, column, .. } = complaint;
        let set = usize::try_from(*line).ok().and_then(|line| sets.get(line.checked_sub(1)?));
        match set.filter(|_| complaint.is_of_set()) {
            Some((path, value)) => {
                format!("In the change {path} = {value}: {}.", complaint.told())
            }
            None => format!("Line {line}, column {column}: {}.", complaint.told()),
        }
    };
    complaints.iter().map(told).collect::<Vec<_>>().join("\n")
}

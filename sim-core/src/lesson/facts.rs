//! A run with all that claims ask of it.

use super::point::Stage;
use super::{Look, Setting};
use crate::analysis::{self, Index, Lane, LaneOf, Report};
use crate::base::{SimTime, TaskId};
use crate::record::Run;
use crate::scenario::{RunOptions, Simulation, gallery, parse};

/// A finished run, analyzed.
pub struct Facts {
    /// The run.
    pub run: Run,
    /// Its findings.
    pub report: Report,
    /// Its rows.
    pub lanes: Vec<Lane>,
    index: Index,
}

impl Facts {
    /// Runs what a step asks for, under the first of its policies.
    ///
    /// # Errors
    /// What is wrong with the setting, in words.
    pub fn of(setting: &Setting) -> Result<Self, String> {
        let id = &setting.scenario;
        let entry = gallery::find(id).ok_or_else(|| format!("there is no scenario `{id}`"))?;
        let scenario = parse(entry.id, entry.text, &setting.sets).map_err(|complaints| {
            let lines: Vec<String> = complaints.iter().map(ToString::to_string).collect();
            lines.join("; ")
        })?;
        let defaults = RunOptions::default();
        let options = RunOptions {
            seed: setting.seed.unwrap_or(defaults.seed),
            kernel: setting.kernel.clone(),
            policy: setting.policies.first().cloned(),
            checks: setting.checks.clone(),
            ..defaults
        };
        let mut simulation = Simulation::new(&scenario, &options)?;
        while simulation.advance(u64::MAX) {}
        let run = simulation.finish();
        let index = Index::new(&run);
        let lanes = analysis::lanes(&run).into_iter().chain(analysis::cpu_lanes(&run)).collect();
        Ok(Self { report: analysis::report_from(&index), lanes, index, run })
    }

    /// Where points are found.
    pub fn stage(&self) -> Stage<'_> {
        let incidents = &self.report.incidents;
        Stage { lanes: &self.lanes, incidents, end: self.run.end }
    }

    /// The task of a lane.
    pub(super) fn task(&self, title: &str) -> Option<TaskId> {
        let lane = self.lanes.iter().find(|lane| lane.title == title)?;
        match lane.of {
            LaneOf::Reaper(task) | LaneOf::Task(task) => Some(task),
            _ => None,
        }
    }

    /// Whom a task waits for where a look is, in sentences.
    pub(super) fn chain(&self, task: TaskId, look: &Look) -> Option<String> {
        let moment = look.cursor.as_ref()?.find(&self.stage())?;
        let links = match moment.record {
            Some(record) => analysis::wait_chain_after(&self.index, task, record),
            None => analysis::wait_chain(&self.index, task, moment.at),
        };
        let texts: Vec<&str> = links.iter().map(|link| link.text.as_str()).collect();
        Some(texts.join(" "))
    }

    /// What a lane does at an instant.
    pub(super) fn state(&self, title: &str, at: SimTime) -> Option<String> {
        let lane = self.lanes.iter().find(|lane| lane.title == title)?;
        let span = lane.spans.iter().find(|span| span.start <= at && at < span.end)?;
        Some(span.state.name())
    }
}

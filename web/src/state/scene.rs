//! A finished run with what the page derives from it once.

use std::cell::RefCell;
use std::collections::BTreeMap;

use sim_core::analysis::{LaneOf, LaneState, MarkKind};
use sim_core::base::{SimTime, sort};

use super::stage::{StageArrow, StageLane, stage};
use crate::chart::memory::Uses;
use crate::engine::{self, Outcome};
use crate::playback::Timetable;
use crate::timeline::viewport::Viewport;
use crate::words::{aside, t};

/// A run on stage.
pub struct Scene {
    pub outcome: Outcome,
    /// How auto mode plays it.
    pub timetable: Timetable,
    /// Instants of the incidents, sorted, each once.
    pub incidents: Vec<u64>,
    /// Records that closed a cycle of waits, in order.
    pub cycles: Vec<usize>,
    /// What memory is used for.
    pub uses: Uses,
    /// By lane, what it shows besides its spans.
    pub stage: Vec<StageLane>,
    /// By time.
    pub arrows: Vec<StageArrow>,
    /// What spans wait on, by record, as far as it was asked for.
    waits: RefCell<BTreeMap<usize, String>>,
}

impl Scene {
    /// Prepares a run.
    pub fn new(mut outcome: Outcome) -> Self {
        let mut incidents: Vec<u64> = outcome.report.incidents.iter().map(|it| it.at.0).collect();
        incidents.extend(marks_worth_a_stop(&outcome));
        sort::natural(&mut incidents);
        incidents.dedup();
        let cycles = outcome.report.incidents.iter().filter(|incident| incident.kind == "cycle");
        let mut cycles: Vec<usize> = cycles.map(|incident| incident.record).collect();
        cycles.sort_unstable();
        cycles.dedup();
        let timetable = Timetable::new(stops(&outcome, &incidents), outcome.run.end.0);
        let (mut touches, arrows) =
            (std::mem::take(&mut outcome.touches), std::mem::take(&mut outcome.arrows));
        let (stage, arrows) = stage(&outcome.lanes, &outcome.run.cast, &mut touches, &arrows);
        let cast = &outcome.run.cast;
        let uses = Uses::new(&outcome.memory, |mm| {
            let owner = cast.mms.get(mm).and_then(|info| cast.tasks.get(info.owner));
            owner.map_or_else(String::new, |task| task.name.clone())
        });
        let waits = RefCell::default();
        Self { outcome, timetable, incidents, cycles, uses, stage, arrows, waits }
    }

    /// What the span that began with this record waits on, in a few words; may be empty.
    pub fn waits_on(&self, record: usize) -> String {
        let mut known = self.waits.borrow_mut();
        let found = || engine::waits_on(&self.outcome, record).unwrap_or_default();
        known.entry(record).or_insert_with(found).clone()
    }

    /// What a lane's task has to do with a lock at an instant, in words, or who has to do with the
    /// lock that the lane is.
    pub fn lock_at(&self, lane: usize, at: u64) -> Option<String> {
        if let LaneOf::Lock(lock) = self.outcome.lanes.get(lane)?.of {
            let happened = self.outcome.run.trace.count_until(SimTime(at));
            let text = engine::lock_users_text(&self.outcome, lock, happened);
            return (!text.is_empty()).then(|| aside(text));
        }
        let locks = &self.stage.get(lane)?.locks;
        let index = locks.partition_point(|span| span.end.0 <= at);
        let span = locks.get(index).filter(|span| span.start.0 <= at)?;
        let lock = engine::lock_of(&self.outcome.run, span.record)?;
        Some(match span.state {
            LaneState::Blocked => t!("waits for {lock}", lock),
            LaneState::Contended => t!("holds {lock}, others wait", lock),
            _ => t!("holds {lock}", lock),
        })
    }

    /// The last arrow into a lane among the first `happened` records.
    pub fn arrow_into(&self, lane: usize, happened: usize) -> Option<usize> {
        let arrows = &self.stage.get(lane)?.arrows;
        let count = arrows.partition_point(|arrow| self.arrows[*arrow].record < happened);
        arrows[..count].iter().rev().copied().find(|arrow| self.arrows[*arrow].to == lane)
    }

    /// The latest thing worth announcing after `from`, up to `to`, in words.
    pub fn announcement(&self, from: SimTime, to: SimTime) -> Option<(SimTime, String)> {
        let incidents = &self.outcome.report.incidents;
        let last = incidents.partition_point(|incident| incident.at <= to).checked_sub(1);
        let incident = last.map(|last| (incidents[last].at, incidents[last].text.clone()));
        let marks = self.outcome.lanes.iter().filter_map(|lane| {
            let last = lane.marks.partition_point(|mark| mark.at <= to).checked_sub(1)?;
            let (mark, title) = (&lane.marks[last], &lane.title);
            let text = match mark.kind {
                MarkKind::Kill => t!("{title} is killed", title),
                MarkKind::AttemptStart => t!("{title} begins an attempt", title),
                MarkKind::Reaped => t!("{title} has reaped", title),
                MarkKind::Exit => t!("{title} exits", title),
                _ => return None,
            };
            Some((mark.at, text))
        });
        // Of things at one instant the incident says most.
        let all = marks.chain(incident).filter(|(at, _)| *at > from);
        all.max_by_key(|(at, _)| *at)
    }

    /// The record that closes the first cycle when `happened` records have
    /// and the cursor goes to `at`.
    pub fn cycle_before(&self, happened: usize, at: u64) -> Option<usize> {
        let next = self.cycles.partition_point(|record| *record < happened);
        let record = *self.cycles.get(next)?;
        (self.outcome.run.trace.get(record)?.at.0 <= at).then_some(record)
    }

    /// The record of the incident, or else of the mark, at this instant.
    pub fn incident_record(&self, at: u64) -> Option<usize> {
        let incidents = self.outcome.report.incidents.iter();
        let incident = incidents.filter(|incident| incident.at.0 == at).map(|it| it.record).min();
        let marks = self.outcome.lanes.iter().flat_map(|lane| &lane.marks);
        incident.or_else(|| marks.filter(|mark| mark.at.0 == at).map(|it| it.record).min())
    }

    /// The stretch of the run that is worth watching: from a little
    /// before the first incident to a little after the last, or all of
    /// it where that is most of it.
    pub fn opening(&self) -> Viewport {
        let end = self.outcome.run.end.0;
        let (Some(first), Some(last)) = (self.incidents.first(), self.incidents.last()) else {
            return Viewport::whole(end);
        };
        let story = (last - first).max(end / 10);
        let from = first.saturating_sub(story / 5);
        let to = last.saturating_add(story / 4).min(end);
        if to - from > end / 4 * 3 {
            Viewport::whole(end)
        } else {
            Viewport::between(from, to, end)
        }
    }
}

/// Kills are incidents to a viewer even when nothing goes wrong.
fn marks_worth_a_stop(outcome: &Outcome) -> impl Iterator<Item = u64> + '_ {
    let marks = outcome.lanes.iter().flat_map(|lane| &lane.marks);
    marks
        .filter(|mark| matches!(mark.kind, MarkKind::Kill | MarkKind::GiveUp | MarkKind::Reaped))
        .map(|mark| mark.at.0)
}

/// Where auto mode slows down: incidents, and the reaper's every step.
fn stops(outcome: &Outcome, incidents: &[u64]) -> Vec<u64> {
    let mut stops = incidents.to_vec();
    for lane in &outcome.lanes {
        if matches!(lane.of, LaneOf::Reaper(_)) {
            stops.extend(lane.spans.iter().map(|span| span.start.0));
        }
        stops.extend(lane.marks.iter().map(|mark| mark.at.0));
    }
    stops
}

//! A finished run with what the page derives from it once.

use sim_core::analysis::{LaneOf, MarkKind};
use sim_core::base::SimTime;

use crate::engine::Outcome;
use crate::playback::Timetable;
use crate::timeline::viewport::Viewport;

/// A run on stage.
pub struct Scene {
    pub outcome: Outcome,
    /// How auto mode plays it.
    pub timetable: Timetable,
    /// Instants of the incidents, sorted, each once.
    pub incidents: Vec<u64>,
    /// What playback announces: sorted by time.
    pub announcements: Vec<(SimTime, String)>,
}

impl Scene {
    /// Prepares a run.
    pub fn new(outcome: Outcome) -> Self {
        let mut incidents: Vec<u64> = outcome.report.incidents.iter().map(|it| it.at.0).collect();
        incidents.extend(marks_worth_a_stop(&outcome));
        incidents.sort_unstable();
        incidents.dedup();
        let timetable = Timetable::new(stops(&outcome, &incidents), outcome.run.end.0);
        let announcements = announcements(&outcome);
        Self {
            outcome,
            timetable,
            incidents,
            announcements,
        }
    }

    /// The stretch of the run that is worth watching: from a little
    /// before the first incident to a little after the last, or all of
    /// it where that is most of it.
    pub fn opening(&self) -> Viewport {
        let end = self.outcome.run.end.0;
        let (Some(first), Some(last)) = (self.incidents.first(), self.incidents.last()) else {
            return Viewport::whole(end);
        };
        let story = (last - first).max(end / 200);
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
        .filter(|mark| {
            matches!(
                mark.kind,
                MarkKind::Kill | MarkKind::GiveUp | MarkKind::Reaped
            )
        })
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

fn announcements(outcome: &Outcome) -> Vec<(SimTime, String)> {
    let incidents = outcome.report.incidents.iter();
    let mut all: Vec<(SimTime, String)> = incidents.map(|it| (it.at, it.text.clone())).collect();
    for lane in &outcome.lanes {
        for mark in &lane.marks {
            let text = match mark.kind {
                MarkKind::Kill => format!("{} is killed", lane.title),
                MarkKind::AttemptStart => format!("{} begins an attempt", lane.title),
                MarkKind::Reaped => format!("{} has reaped", lane.title),
                MarkKind::Exit => format!("{} exits", lane.title),
                _ => continue,
            };
            all.push((mark.at, text));
        }
    }
    all.sort_by_key(|(at, _)| *at);
    all
}

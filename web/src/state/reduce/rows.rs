//! Rows, ranges and notes: what is selected, how rows are arranged, whom arrows lead to.

use crate::engine::{self, Outcome};
use crate::route::{NOTES_MAX, Note};
use crate::shared::Shared;
use crate::state::{Hop, Scene, StageArrow, State};
use crate::timeline::hit::{Step, span_now, task_of};
use crate::timeline::rows::{Arrangement, Toward};
use sim_core::analysis::{Lane, LaneOf};
use sim_core::record::Record;

impl State {
    pub(super) fn select_lane(&mut self, lane: usize) {
        let count = self.scene.as_ref().map_or(0, |scene| scene.outcome.lanes.len());
        if lane < count {
            self.lane = lane;
            self.arrange(|arrangement, scene, lane| {
                arrangement.reveal(lane, &scene.outcome.run.cast);
            });
        }
    }

    pub(super) fn select_task(&mut self, task: sim_core::base::TaskId) {
        let Some(scene) = self.scene.clone() else {
            return;
        };
        let Scene { outcome, .. } = &*scene;
        let lane =
            outcome.lanes.iter().position(|lane| task_of(lane.of, &outcome.run.cast) == Some(task));
        if let Some(lane) = lane {
            self.select_lane(lane);
        }
    }

    /// Selects the lane that shows a record, with a mark or as its task's: the one that is selected
    /// if that does. A lane that was put away stays away.
    pub(super) fn select_lane_of(&mut self, record: usize) {
        let Some(scene) = self.scene.clone() else {
            return;
        };
        let Some(Record { at, task, .. }) = scene.outcome.run.trace.get(record) else {
            return;
        };
        let Outcome { run, lanes, .. } = &scene.outcome;
        let marked = |lane: &Lane| {
            let first = lane.marks.partition_point(|mark| mark.at < at);
            let now = lane.marks[first..].iter().take_while(|mark| mark.at == at);
            now.into_iter().any(|mark| mark.record == record)
        };
        let of_task = |lane: &Lane| task_of(lane.of, &run.cast) == Some(task);
        let rows = self.rows();
        let find = |is_it: &dyn Fn(&Lane) -> bool| {
            let shows =
                |lane: &usize| lanes.get(*lane).is_some_and(is_it) && rows.of_lane(*lane).is_some();
            [self.lane].into_iter().chain(0..lanes.len()).find(shows)
        };
        if let Some(lane) = find(&marked).or_else(|| find(&of_task)) {
            self.select_lane(lane);
        }
    }

    pub(super) fn select(&mut self, range: Option<(u64, u64)>) {
        let end = self.end();
        self.selection = range.map(|(from, to)| (from.min(to), from.max(to).min(end)));
    }

    /// Selects what the lane does at the cursor, from beginning to end.
    pub(super) fn range_from_span(&mut self) {
        let span = self.scene.as_ref().and_then(|scene| {
            let lane = scene.outcome.lanes.get(self.lane)?;
            span_now(lane, self.cursor).copied()
        });
        if let Some(span) = span {
            self.select(Some((span.start.0, span.end.0)));
        }
    }

    pub(super) fn add_note(&mut self, (at, until): (u64, Option<u64>)) {
        let is_there = |note: &Note| (note.at, note.until) == (at, until);
        let mut place = self.notes.iter().position(is_there);
        if place.is_none() && self.notes.len() < NOTES_MAX {
            let new = self.notes.partition_point(|note| note.at <= at);
            self.notes.insert(new, Note { at, until, text: String::new() });
            place = Some(new);
        }
        // What is typed next is its text.
        if let Some(place) = place {
            self.focus(format!("note-{place}"));
        }
    }

    /// Removes the note nearest to the cursor, of those on screen.
    pub(super) fn remove_note(&mut self) {
        let cursor = self.cursor.at;
        let distance = |note: &Note| match note.until {
            Some(until) if (note.at..=until).contains(&cursor) => 0,
            _ => note.at.abs_diff(cursor),
        };
        let near = (0..self.notes.len())
            .filter(|index| distance(&self.notes[*index]) <= self.view.span / 20)
            .min_by_key(|index| distance(&self.notes[*index]));
        if let Some(index) = near {
            self.notes.remove(index);
        }
    }

    /// To whom the selected lane's task waits for; if it waits for
    /// nobody, to who acted on it last.
    pub(super) fn follow_cause(&mut self) {
        let Some(scene) = self.scene.clone() else {
            return;
        };
        let outcome = &scene.outcome;
        let before = Hop { lane: self.lane, cursor: self.cursor, arrow: None };
        let lane = outcome.lanes.get(self.lane);
        if let Some(task) = lane.and_then(|lane| task_of(lane.of, &outcome.run.cast)) {
            for link in engine::wait_chain(outcome, task, self.cursor.happened, self.cursor.at) {
                self.select_task(link.task);
                if self.lane != before.lane {
                    self.trail.push(before);
                    return;
                }
            }
        }
        if let Some(arrow) = scene.arrow_into(self.lane, self.cursor.happened) {
            let StageArrow { record, from, .. } = scene.arrows[arrow];
            self.trail.push(Hop { arrow: Some(arrow), ..before });
            self.seek_record(record);
            self.select_lane(from);
        }
    }

    pub(super) fn go_back(&mut self) {
        if let Some(hop) = self.trail.pop() {
            self.select_lane(hop.lane);
            self.cursor = hop.cursor;
            self.view = self.view.revealing(self.cursor.at, self.end());
        }
    }

    /// Changes how the selected lane stands among the rows.
    pub(super) fn arrange(&mut self, change: impl FnOnce(&mut Arrangement, &Scene, LaneOf)) {
        if let Some(scene) = self.scene.clone()
            && let Some(lane) = scene.outcome.lanes.get(self.lane)
        {
            change(&mut self.arrangement, &scene, lane.of);
        }
    }

    /// Puts the records that a filter lets through into their lanes.
    pub(super) fn match_lanes(&mut self, found: Option<&Vec<usize>>) {
        self.matched = self.scene.as_ref().zip(found).map(|(scene, found)| {
            let Outcome { run, lanes, .. } = &scene.outcome;
            let mut lane_of = std::collections::BTreeMap::new();
            for (index, lane) in lanes.iter().enumerate() {
                if let Some(task) = task_of(lane.of, &run.cast) {
                    lane_of.entry(task).or_insert(index);
                }
            }
            let placed = found.iter().filter_map(|record| {
                let record = run.trace.get(*record)?;
                Some((record.at.0, *lane_of.get(&record.task)?))
            });
            Shared::new(placed.collect())
        });
    }

    pub(super) fn hide_lane(&mut self) {
        let rows = self.rows();
        let next = rows.neighbor(self.lane, Toward::Bottom);
        let next = next.or_else(|| rows.neighbor(self.lane, Toward::Top));
        // The last one stays: an empty timeline explains nothing.
        let Some(next) = next else {
            return;
        };
        self.arrange(|arrangement, _, lane| arrangement.hide(lane));
        self.lane = next;
    }

    pub(super) fn extend_selection(&mut self, step: Step) {
        let Some(at) = self.lane_neighbor(self.cursor.at, step) else {
            return;
        };
        // The end that isn't the cursor stays.
        let cursor = self.cursor.at;
        let fixed = match self.selection {
            Some((from, to)) if to == cursor => from,
            Some((from, to)) if from == cursor => to,
            _ => cursor,
        };
        self.select(Some((fixed, at)));
        self.stop_and_seek(at);
    }
}

//! The cursor and the window: playing, seeking, stepping, zooming.

use crate::playback::{STEP_SECONDS, advanced, stepped};
use crate::state::reduce::LANES;
use crate::state::{Cursor, State};
use crate::timeline::hit::{Step, neighbor_event, span_at};
use crate::timeline::viewport::Viewport;
use crate::words::t;
use sim_core::base::SimTime;

/// What is fitted leaves this part of its length on either side.
const FIT_MARGIN: u64 = 16;
const NS_PER_US: u64 = 1_000;

impl State {
    pub(super) fn tick(&mut self, seconds: f64) {
        let Some(scene) = self.scene.clone().filter(|_| self.playing) else {
            return;
        };
        let end = self.end();
        let at = if self.calm {
            self.since_step += seconds;
            if self.since_step < STEP_SECONDS {
                return;
            }
            self.since_step = 0.0;
            stepped(self.cursor.at, STEP_SECONDS, self.speed, &scene.timetable, end)
        } else {
            advanced(self.cursor.at, seconds, self.speed, &scene.timetable, end)
        };
        if let Some(record) = scene.cycle_before(self.cursor.happened, at).filter(|_| self.stops) {
            self.seek_record(record);
            self.said =
                t!("Stopped where a cycle of waits closes: {event}", event = self.event_told());
            return;
        }
        let visible = self.view.start <= self.cursor.at && self.cursor.at < self.view.end();
        self.move_to(at);
        if visible && at >= self.view.end() {
            self.view = self.view.panned(0.8, end).revealing(at, end);
        }
        if at >= end {
            self.playing = false;
        }
    }

    pub(super) fn play(&mut self, playing: bool) {
        // From the end, play starts over.
        if playing && self.cursor.at >= self.end() {
            let opening = self.scene.as_ref().map_or(0, |scene| scene.opening().start);
            self.seek(opening);
        }
        self.playing = playing && self.scene.is_some();
        // The first step comes at once.
        self.since_step = STEP_SECONDS;
    }

    pub(super) fn move_to(&mut self, at: u64) {
        let at = at.min(self.end());
        let happened =
            self.scene.as_ref().map_or(0, |scene| scene.outcome.run.trace.count_until(SimTime(at)));
        self.cursor = Cursor { at, happened };
        self.hint = "";
    }

    pub(super) fn seek(&mut self, at: u64) {
        self.move_to(at);
        self.view = self.view.revealing(self.cursor.at, self.end());
    }

    pub(super) fn seek_record(&mut self, record: usize) {
        let Some(scene) = self.scene.clone() else {
            return;
        };
        if let Some(record_there) = scene.outcome.run.trace.get(record) {
            self.playing = false;
            self.hint = "";
            self.cursor = Cursor { at: record_there.at.0, happened: record + 1 };
            self.view = self.view.revealing(self.cursor.at, self.end());
        }
    }

    /// Sentences tell instants to the microsecond: what they tell of is the last of it.
    pub(super) fn seek_told(&mut self, at: u64) {
        self.stop_and_seek(at.saturating_add(NS_PER_US - 1));
        let last = self.cursor.happened.checked_sub(1);
        let trace = self.scene.as_ref().map(|scene| &scene.outcome.run.trace);
        let told = last.filter(|&last| {
            trace.and_then(|trace| trace.get(last)).is_some_and(|record| record.at.0 >= at)
        });
        match told {
            Some(record) => self.seek_record(record),
            None => self.stop_and_seek(at),
        }
        self.focus(LANES);
    }

    pub(super) fn zoom(&mut self, factor: f64, anchor: Option<f64>) {
        let cursor = self.view.px_from_time(self.cursor.at, 1.0);
        let cursor = (0.0..=1.0).contains(&cursor).then_some(cursor);
        let anchor = anchor.or(cursor).unwrap_or(0.5);
        self.view = self.view.zoomed(factor, anchor, self.end());
    }

    pub(super) fn fit(&mut self, lane: usize, at: u64) {
        let end = self.end();
        let lanes = self.scene.as_ref().map(|scene| &scene.outcome.lanes);
        let range = self.selection.filter(|(from, to)| from < to && (*from..*to).contains(&at));
        let span = lanes.and_then(|lanes| span_at(lanes.get(lane)?, at));
        let span = span.map(|span| {
            // Its edges are to be seen, too.
            let margin = (span.end.0 - span.start.0) / FIT_MARGIN;
            (span.start.0.saturating_sub(margin), span.end.0.saturating_add(margin))
        });
        let wanted = range.or(span);
        let fitted = wanted.map(|(from, to)| Viewport::between(from, to, end));
        let whole = Viewport::whole(end);
        self.view = fitted.filter(|fitted| *fitted != self.view).unwrap_or(whole);
    }

    pub(super) fn stop_and_seek(&mut self, at: u64) {
        self.playing = false;
        self.seek(at);
    }

    pub(super) fn step_in_lane(&mut self, step: Step) {
        if let Some(at) = self.lane_neighbor(self.cursor.at, step) {
            self.stop_and_seek(at);
        }
    }

    pub(super) fn lane_neighbor(&self, at: u64, step: Step) -> Option<u64> {
        let lane = self.scene.as_ref()?.outcome.lanes.get(self.lane)?;
        neighbor_event(lane, at, step)
    }

    pub(super) fn step_event(&mut self, step: Step) {
        match step {
            Step::Forward => self.seek_record(self.cursor.happened),
            Step::Back if self.cursor.happened >= 2 => self.seek_record(self.cursor.happened - 2),
            Step::Back => {
                self.playing = false;
                self.cursor = Cursor::default();
            }
        }
    }

    pub(super) fn incident(&mut self, step: Step) {
        let Some(scene) = self.scene.clone() else {
            return;
        };
        let times = &scene.incidents;
        let target = match step {
            Step::Forward => times.get(times.partition_point(|at| *at <= self.cursor.at)),
            Step::Back => {
                times.get(times.partition_point(|at| *at < self.cursor.at).wrapping_sub(1))
            }
        };
        if target.is_none() {
            self.hint = match step {
                Step::Forward => t!("no incident after this"),
                Step::Back => t!("no incident before this"),
            };
        }
        if let Some(at) = target {
            // At its own record: what happens at the same instant comes after.
            match scene.incident_record(*at) {
                Some(record) => {
                    self.seek_record(record);
                    self.select_lane_of(record);
                }
                None => self.stop_and_seek(*at),
            }
        }
    }
}

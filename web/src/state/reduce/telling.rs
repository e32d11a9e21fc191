//! What a command led to and what a run came to, in words: for the status region.

use sim_core::base::SimTime;

use crate::engine;
use crate::format;
use crate::keys::Command;
use crate::state::{Scene, State};
use crate::timeline::grid::lane_text;
use crate::timeline::rows::Arrangement;
use crate::timeline::viewport::Viewport;
use crate::words::{t, tn};

/// What a command may change, as it was.
pub(super) struct Before {
    lane: usize,
    view: Viewport,
    selection: Option<(u64, u64)>,
    notes: usize,
    arrangement: Arrangement,
}

fn stretch(from: u64, to: u64) -> String {
    let instant = |at| format::instant(SimTime(at));
    t!(
        "from {from} to {to}, {time}",
        from = instant(from),
        to = instant(to),
        time = format::duration(to - from)
    )
}

impl State {
    pub(super) fn before(&self) -> Before {
        let (lane, view, selection) = (self.lane, self.view, self.selection);
        let (notes, arrangement) = (self.notes.len(), self.arrangement.clone());
        Before { lane, view, selection, notes, arrangement }
    }

    /// Says what a command led to, where nothing that takes the focus says it.
    #[inline(never)]
    pub(super) fn tell(&mut self, command: Command, before: &Before) {
        let Some(scene) = self.scene.clone() else {
            return;
        };
        self.said_by_cell = matches!(
            command,
            Command::StepInLane(_)
                | Command::FollowCause
                | Command::GoBack
                | Command::Lane(_)
                | Command::GoToStart
                | Command::GoToEnd
        );
        if !self.hint.is_empty() && matches!(command, Command::Incident(_)) {
            self.said = self.hint.to_owned();
            return;
        }
        let now = format::instant(SimTime(self.cursor.at));
        let at_now = |what: String| t!("{at}: {what}", at = now, what);
        let here = || lane_text(&scene, self.lane, self.cursor);
        let lanes = &scene.outcome.lanes;
        let title = |lane: usize| lanes.get(lane).map_or("", |lane| lane.title.as_str());
        self.said = match command {
            Command::StepEvent(_) | Command::Incident(_) => at_now(self.event_told()),
            Command::StepInLane(_) | Command::FollowCause | Command::GoBack => at_now(here()),
            Command::Lane(_) => here(),
            Command::GoToStart => at_now(t!("start of the run").to_owned()),
            Command::GoToEnd => at_now(t!("end of the run").to_owned()),
            Command::TogglePlay if self.playing => t!("playing").to_owned(),
            Command::TogglePlay => t!("paused at {now}", now),
            Command::ZoomIn
            | Command::ZoomOut
            | Command::WholeRun
            | Command::FitSelection
            | Command::PanLeft
            | Command::PanRight => self.window_told(),
            Command::RangeFromSpan
            | Command::BeginRange
            | Command::EndRange
            | Command::ExtendSelection(_)
            | Command::Clear => self.range_told(),
            Command::PinLane => {
                let pinned =
                    lanes.get(self.lane).is_some_and(|lane| self.arrangement.is_pinned(lane.of));
                let lane = title(self.lane);
                if pinned {
                    t!("{lane} is pinned on top", lane)
                } else {
                    t!("{lane} is back in its place", lane)
                }
            }
            Command::HideLane if self.lane == before.lane => {
                t!("{lane} is the last lane, and stays", lane = title(self.lane))
            }
            Command::HideLane => {
                t!("{lane} is hidden; {next}", lane = title(before.lane), next = here())
            }
            Command::ShowHiddenLanes | Command::ShowAllLanes => {
                let count = self.rows().lanes().count();
                tn!(count, "1 lane shows", "{count} lanes show", count)
            }
            Command::ShiftLane(_) => {
                let shown: Vec<usize> = self.rows().lanes().collect();
                let place = shown.iter().position(|lane| *lane == self.lane).unwrap_or(0);
                t!(
                    "{lane} is lane {place} of {shown}",
                    lane = title(self.lane),
                    place = place + 1,
                    shown = shown.len()
                )
            }
            Command::RemoveNote if self.notes.len() == before.notes => {
                t!("no note near the cursor").to_owned()
            }
            Command::RemoveNote => t!("note removed; {left}", left = self.notes_told()),
            Command::Undo => t!("undone: {now}", now = self.change_told(before)),
            Command::Redo => t!("done again: {now}", now = self.change_told(before)),
            Command::Graph if self.graph => t!("wait-for graph shown").to_owned(),
            Command::Graph => t!("wait-for graph put away").to_owned(),
            Command::StopAtCycles if self.stops => t!("playing stops at cycles").to_owned(),
            Command::StopAtCycles => t!("playing goes on through cycles").to_owned(),
            _ => return,
        };
    }

    fn window_told(&self) -> String {
        stretch(self.view.start, self.view.end())
    }

    fn range_told(&self) -> String {
        let told = |(from, to)| t!("selected {range}", range = stretch(from, to));
        self.selection.map_or_else(|| t!("no range selected").to_owned(), told)
    }

    fn notes_told(&self) -> String {
        match self.notes.len() {
            0 => t!("no notes").to_owned(),
            count => tn!(count, "1 note", "{count} notes", count),
        }
    }

    /// What is different from before, as it is now.
    fn change_told(&self, before: &Before) -> String {
        if self.view != before.view {
            self.window_told()
        } else if self.selection != before.selection {
            self.range_told()
        } else if self.arrangement != before.arrangement {
            t!("the order of the lanes").to_owned()
        } else if self.notes.len() != before.notes {
            self.notes_told()
        } else {
            t!("nothing that shows in the lanes").to_owned()
        }
    }

    /// Says what a run came to that took the place of another one, or joined it.
    pub(super) fn tell_run(&mut self, before: Option<&Scene>) {
        let (Some(before), Some(scene)) = (before, &self.scene) else {
            return;
        };
        let same = before.outcome.run.digest == scene.outcome.run.digest;
        // What the page opens on is run once more behind the first view, and is no news.
        if !same || !self.others.is_empty() {
            self.tell_verdicts();
        }
    }

    #[inline(never)]
    fn tell_verdicts(&mut self) {
        let names = self.names();
        let told = self.scenes().zip(&names).map(|(scene, name)| {
            let report = &scene.outcome.report;
            let verdict = report.verdict.id();
            if names.len() == 1 {
                t!("Run done: {verdict}. {evidence}", verdict, evidence = report.evidence)
            } else {
                t!("{name}: {verdict}", name, verdict)
            }
        });
        let told: Vec<String> = told.collect();
        self.said = told.join("; ");
        self.said_by_cell = false;
    }

    /// The last event in words, as an incident if it is one.
    pub(super) fn event_told(&self) -> String {
        let last = self.cursor.happened.checked_sub(1);
        let told = self.scene.as_ref().zip(last).and_then(|(scene, last)| {
            let outcome = &scene.outcome;
            let mut incidents = outcome.report.incidents.iter();
            let incident = incidents.find(|incident| incident.record == last);
            let record = outcome.run.trace.get(last)?;
            let of_record = || engine::event_text(&outcome.run, &record);
            Some(incident.map_or_else(of_record, |incident| incident.text.clone()))
        });
        told.unwrap_or_else(|| t!("nothing has happened yet").to_owned())
    }
}

//! What a step by key is followed by, in words: for the status region.

use sim_core::base::SimTime;

use crate::engine;
use crate::format;
use crate::keys::Command;
use crate::state::State;
use crate::timeline::grid::lane_text;

impl State {
    /// Says what a command led to, if it moved cursor or lane.
    pub(super) fn tell(&mut self, command: Command) {
        let Some(scene) = self.scene.clone() else {
            return;
        };
        if !self.hint.is_empty() && matches!(command, Command::Incident(_)) {
            self.said = self.hint.to_owned();
            return;
        }
        let now = format::instant(SimTime(self.cursor.at));
        let text = match command {
            Command::StepEvent(_) | Command::Incident(_) => self.event_told(),
            Command::StepInLane(_) | Command::FollowCause | Command::GoBack => {
                lane_text(&scene, self.lane, self.cursor)
            }
            Command::Lane(_) => {
                self.said = lane_text(&scene, self.lane, self.cursor);
                return;
            }
            Command::GoToStart => "start of the run".to_owned(),
            Command::GoToEnd => "end of the run".to_owned(),
            _ => return,
        };
        self.said = format!("{now}: {text}");
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
        told.unwrap_or_else(|| "nothing has happened yet".to_owned())
    }
}

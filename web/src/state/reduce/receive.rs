//! Files that were brought: lessons open, scenarios and saved runs run, recordings are
//! shown first.

use sim_core::share::ScenarioRef;

use crate::engine::{DEFAULT_SEED, Request};
use crate::learn::Lessons;
use crate::route::Route;
use crate::shared::Shared;
use crate::state::{Dialog, State};
use crate::transfer::Received;

impl State {
    #[inline(never)]
    pub(super) fn receive(&mut self, received: Shared<Received>) {
        self.dialog = None;
        match &*received {
            Received::Lesson(lesson) => self.learn(Lessons::OpenFile(lesson.clone())),
            Received::Scenario(text) => self.run_text(text.clone(), None),
            Received::Run(route) => self.open(route.clone()),
            Received::Capture(_) | Received::Nothing(_) => self.dialog = Some(Dialog::Import),
        }
        self.received = Some(received);
    }

    #[inline(never)]
    pub(super) fn run_received(&mut self, policy: Option<String>) {
        let Some(received) = self.received.clone() else {
            return;
        };
        if let Received::Capture(capture) = &*received {
            self.dialog = None;
            self.run_text(capture.toml.clone(), policy);
            self.recording = Some(received);
            self.opens_recording = true;
            // It is another story than any other text.
            self.pending = Some(Route {
                request: self.request.clone(),
                focus: Some("oom_reaper".to_owned()),
                ..Route::default()
            });
        }
    }

    fn run_text(&mut self, text: String, policy: Option<String>) {
        self.request = Request {
            scenario: ScenarioRef::Inline(text),
            seed: DEFAULT_SEED,
            policy,
            ..Request::default()
        };
        self.pending = None;
        self.notice = None;
        self.learn.course = None;
        self.learn.shown = false;
        self.run_again();
    }
}

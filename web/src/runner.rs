//! Runs the simulator in slices between frames, so that the page never
//! stands still. Slices decide when events are simulated, never which.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use gloo_render::{AnimationFrame, request_animation_frame};
use sim_core::analysis::broken_text;
use yew::prelude::*;

use crate::dom;
use crate::engine::{Job, Request};
use crate::shared::Shared;
use crate::state::{Action, Scene};
use crate::ui::Ui;

/// Time simulated between two frames; half of a frame at 60 Hz.
const SLICE_MS: f64 = 8.0;
/// Events between two looks at the clock: about a millisecond.
const EVENTS_PER_LOOK: u64 = 2_000;
/// Between two reports of progress.
const REPORT_MS: f64 = 100.0;

/// A run under way; dropping it cancels it.
struct Running {
    job: Option<Job>,
    /// What runs after it; the last is the one that is looked at.
    queue: VecDeque<Request>,
    /// What the ones before brought.
    done: Vec<Shared<Scene>>,
    reported: f64,
    frame: Option<AnimationFrame>,
}

/// Runs `request` whenever `turn` changes.
#[hook]
pub fn use_runner(ui: &Ui, request: &Request, turn: u32) {
    let (ui, request) = (ui.clone(), request.clone());
    use_effect_with(turn, move |turn| {
        let running = (*turn > 0).then(|| start(&ui, &request)).flatten();
        move || {
            if let Some(running) = running {
                let mut running = running.borrow_mut();
                running.job = None;
                running.frame = None;
            }
        }
    });
}

fn start(ui: &Ui, request: &Request) -> Option<Rc<RefCell<Running>>> {
    // Policies to compare with first, so that all is there when the page changes.
    let others = request.others.iter().map(|policy| request.under(policy));
    let mut queue: VecDeque<Request> = others.chain([request.clone()]).collect();
    match Job::start(&queue.pop_front()?) {
        Ok(job) => {
            let (reported, done) = (dom::now_ms(), Vec::new());
            let running = Running { job: Some(job), queue, done, reported, frame: None };
            let running = Rc::new(RefCell::new(running));
            slice(&running, ui);
            Some(running)
        }
        Err(message) => {
            ui.send(Action::Failed(message));
            None
        }
    }
}

fn slice(running: &Rc<RefCell<Running>>, ui: &Ui) {
    let start = dom::now_ms();
    let mut this = running.borrow_mut();
    let Some(job) = &mut this.job else {
        return;
    };
    let mut more = true;
    while more && dom::now_ms() - start < SLICE_MS {
        more = job.advance(EVENTS_PER_LOOK);
    }
    if !more {
        let Some(job) = this.job.take() else {
            return;
        };
        let outcome = job.finish();
        if let Some(broken) = broken_text(&outcome.run) {
            drop(this);
            ui.send(Action::Failed(format!("An invariant of the model broke.\n{broken}")));
            return;
        }
        let scene = Shared::new(Scene::new(outcome));
        let Some(next) = this.queue.pop_front() else {
            let others = std::mem::take(&mut this.done);
            drop(this);
            ui.send(Action::Compared(others));
            ui.send(Action::Finished(scene));
            return;
        };
        this.done.push(scene);
        match Job::start(&next) {
            Ok(job) => this.job = Some(job),
            Err(message) => {
                drop(this);
                ui.send(Action::Failed(message));
                return;
            }
        }
    }
    let Some(job) = &this.job else {
        return;
    };
    let progress = Action::Progress { now: job.now(), horizon: job.horizon() };
    let report = start - this.reported > REPORT_MS;
    if report {
        this.reported = start;
    }
    // A weak reference: the hook's clean-up ends the chain of frames.
    let (again, send) = (Rc::downgrade(running), ui.clone());
    this.frame = Some(request_animation_frame(move |_| {
        if let Some(running) = again.upgrade() {
            slice(&running, &send);
        }
    }));
    drop(this);
    if report {
        ui.send(progress);
    }
}

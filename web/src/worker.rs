//! The simulator's own thread: this program again, in a worker without a page.
//!
//! Takes [`Ask`]s and gives [`Answer`]s. It looks for newer questions between
//! slices, so that a run nobody waits for any more ends soon.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::Closure;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use crate::message::{Answer, Ask};
use crate::series::{Series, Step};
use crate::sweep::batch::Batch;
use crate::sweep::review;

/// Time simulated between two looks at the mail; also between two reports.
const SLICE_MS: f64 = 60.0;

thread_local! {
    /// The question under way, for a panic to name.
    static TURN: Cell<u32> = const { Cell::new(0) };
}

/// Has a broken invariant told in words; the thread ends with it.
fn explain_panics() {
    std::panic::set_hook(Box::new(|panic| {
        if let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() {
            let text = format!("The simulator stopped: an invariant broke.\n{panic}");
            let (message, _) = Answer::Failed(text).to_js(TURN.get());
            let _ = scope.post_message(&message);
        }
    }));
}

/// A question under way.
struct Work {
    scope: DedicatedWorkerGlobalScope,
    turn: u32,
    doing: Option<Doing>,
    next: Option<Timeout>,
}

/// What is done in slices.
enum Doing {
    Series(Series),
    Batch(Batch),
}

/// Becomes a worker if this is no page; says whether it did.
pub fn serve() -> bool {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else {
        return false;
    };
    explain_panics();
    let work = Work { scope: scope.clone(), turn: 0, doing: None, next: None };
    work.send(&Answer::Ready);
    let work = Rc::new(RefCell::new(work));
    let listen = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        if let Some((turn, ask)) = Ask::from_js(&event.data()) {
            TURN.set(turn);
            let mut this = work.borrow_mut();
            this.turn = turn;
            this.doing = None;
            this.begin(ask);
            this.slice(&work);
        }
    });
    scope.set_onmessage(Some(listen.as_ref().unchecked_ref()));
    // The worker listens as long as it lives.
    listen.forget();
    true
}

impl Work {
    fn send(&self, answer: &Answer) {
        let (message, hands) = answer.to_js(self.turn);
        // Fails only for what cannot be sent, and bytes and texts can.
        let _ = self.scope.post_message_with_transfer(&message, &hands);
    }

    fn begin(&mut self, ask: Ask) {
        match ask {
            Ask::Runs(runs) => match Series::start(runs) {
                Ok(series) => self.doing = Some(Doing::Series(series)),
                Err(why) => self.send(&Answer::Failed(why)),
            },
            Ask::Outcomes(runs) => self.doing = Some(Doing::Batch(Batch::new(runs))),
            // A few runs and a text; whoever doesn't want it any more ends the thread.
            Ask::Review(dossier) => self.send(&match review::documents(&dossier) {
                Ok((html, markdown)) => Answer::Review { html, markdown },
                Err(why) => Answer::Failed(why),
            }),
        }
    }

    fn slice(&mut self, work: &Rc<RefCell<Self>>) {
        self.next = None;
        let clock = self.scope.performance();
        let now = || clock.as_ref().map_or(f64::INFINITY, web_sys::Performance::now);
        let end = now() + SLICE_MS;
        self.doing = match self.doing.take() {
            None => return,
            Some(Doing::Series(series)) => self.go_on(series, || now() >= end),
            Some(Doing::Batch(batch)) => self.count_on(batch, || now() >= end),
        };
        if self.doing.is_none() {
            return;
        }
        let again = Rc::clone(work);
        self.next = Some(Timeout::new(0, move || {
            let mut this = again.borrow_mut();
            this.slice(&again);
        }));
    }

    fn go_on(&self, series: Series, is_time: impl FnMut() -> bool) -> Option<Doing> {
        match series.advance(is_time) {
            Ok((step, rest)) => {
                match step {
                    Step::More => {}
                    Step::Run(run) | Step::Last(run) => self.send(&Answer::Run(run.to_wire())),
                }
                let rest = rest?;
                let (now, horizon) = rest.progress();
                self.send(&Answer::Progress { now, horizon });
                Some(Doing::Series(rest))
            }
            Err(why) => {
                self.send(&Answer::Failed(why));
                None
            }
        }
    }

    fn count_on(&self, mut batch: Batch, is_time: impl FnMut() -> bool) -> Option<Doing> {
        match batch.advance(is_time) {
            Ok(found) => {
                if !found.is_empty() {
                    self.send(&Answer::Outcomes(found));
                }
                if batch.is_over() {
                    self.send(&Answer::Done);
                    return None;
                }
                Some(Doing::Batch(batch))
            }
            Err(why) => {
                self.send(&Answer::Failed(why));
                None
            }
        }
    }
}

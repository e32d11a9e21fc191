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
    series: Option<Series>,
    next: Option<Timeout>,
}

/// Becomes a worker if this is no page; says whether it did.
pub fn serve() -> bool {
    let Ok(scope) = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>() else {
        return false;
    };
    explain_panics();
    let work = Work { scope: scope.clone(), turn: 0, series: None, next: None };
    work.send(&Answer::Ready);
    let work = Rc::new(RefCell::new(work));
    let listen = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        if let Some((turn, Ask::Run(request))) = Ask::from_js(&event.data()) {
            TURN.set(turn);
            let series = Series::start(&request);
            let mut this = work.borrow_mut();
            this.turn = turn;
            this.series = None;
            match series {
                Ok(series) => this.series = Some(series),
                Err(why) => this.send(&Answer::Failed(why)),
            }
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

    fn slice(&mut self, work: &Rc<RefCell<Self>>) {
        self.next = None;
        let Some(series) = self.series.take() else {
            return;
        };
        let clock = self.scope.performance();
        let now = || clock.as_ref().map_or(f64::INFINITY, web_sys::Performance::now);
        let end = now() + SLICE_MS;
        match series.advance(|| now() >= end) {
            Ok((step, rest)) => {
                match step {
                    Step::More => {}
                    Step::Run(run) | Step::Last(run) => self.send(&Answer::Run(run.to_wire())),
                }
                self.series = rest;
            }
            Err(why) => self.send(&Answer::Failed(why)),
        }
        let Some((now, horizon)) = self.series.as_ref().map(Series::progress) else {
            return;
        };
        self.send(&Answer::Progress { now, horizon });
        let again = Rc::clone(work);
        self.next = Some(Timeout::new(0, move || {
            let mut this = again.borrow_mut();
            this.slice(&again);
        }));
    }
}

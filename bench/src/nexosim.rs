//! nexosim, formerly asynchronix, on one thread: models that schedule
//! themselves.
//!
//! Two ways to hold the same events: all in one model, which is an event
//! list with handlers, or each in a model of its own, with its own state
//! and mailbox, which is what the engine here calls a process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nexosim::model::{Context, Model, schedulable};
use nexosim::simulation::{Mailbox, SimInit};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

use crate::hold::Increments;

/// A model with a number of events pending. Nothing here is ever saved,
/// but nexosim asks that it could.
#[derive(Clone, Serialize, Deserialize)]
struct Hold {
    pending: u32,
    #[serde(skip, default = "Increments::new")]
    increments: Increments,
    /// How many increments all models together have drawn.
    #[serde(skip)]
    drawn: Arc<AtomicUsize>,
}

#[Model]
impl Hold {
    #[nexosim(init)]
    #[expect(clippy::unused_async, reason = "the macro awaits it")]
    async fn init(&mut self, cx: &Context<Self>) {
        for payload in 0..self.pending {
            self.schedule(payload, cx);
        }
    }

    #[nexosim(schedulable)]
    fn fire(&mut self, payload: u32, cx: &Context<Self>) {
        self.schedule(payload, cx);
    }

    fn schedule(&mut self, payload: u32, cx: &Context<Self>) {
        let draw = self.drawn.fetch_add(1, Ordering::Relaxed);
        let delay = Duration::from_nanos(self.increments.nth(draw));
        cx.schedule_event(delay, schedulable!(Self::fire), payload).expect("in the future");
    }
}

/// All events in one model.
pub(crate) fn start(increments: Increments, pending: u32) -> impl FnMut(u64) -> u64 {
    run(1, &Hold { pending, increments, drawn: Arc::default() })
}

/// A model for each event.
pub(crate) fn start_processes(increments: Increments, pending: u32) -> impl FnMut(u64) -> u64 {
    run(pending, &Hold { pending: 1, increments, drawn: Arc::default() })
}

fn run(models: u32, model: &Hold) -> impl FnMut(u64) -> u64 + use<> {
    let add = |init: SimInit, _| init.add_model(model.clone(), Mailbox::new(), "hold");
    let mut simulation = (0..models)
        .fold(SimInit::with_num_threads(1), add)
        .init(MonotonicTime::EPOCH)
        .expect("fresh models start");
    let drawn = Arc::clone(&model.drawn);
    let mut target = drawn.load(Ordering::Relaxed);
    move |count| {
        target += usize::try_from(count).expect("fits the machine's words");
        // It advances by instants, each with one event or more.
        while drawn.load(Ordering::Relaxed) < target {
            simulation.step().expect("never empty");
        }
        let now = simulation.time().duration_since(MonotonicTime::EPOCH);
        u64::try_from(now.as_nanos()).expect("less than 584 years")
    }
}

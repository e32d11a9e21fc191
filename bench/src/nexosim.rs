//! nexosim, formerly asynchronix: one model that schedules itself, on
//! one thread. It advances by instants, each with one event or more, so
//! the model counts events.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use nexosim::model::{Context, Model, schedulable};
use nexosim::simulation::{Mailbox, SimInit};
use nexosim::time::MonotonicTime;
use serde::{Deserialize, Serialize};

use crate::hold::Increments;

/// The model. Nothing here is ever saved, but nexosim asks that it could.
#[derive(Serialize, Deserialize)]
struct Hold {
    pending: u32,
    #[serde(skip, default = "Increments::new")]
    increments: Increments,
    #[serde(skip)]
    events: Arc<AtomicU64>,
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
        self.events.fetch_add(1, Ordering::Relaxed);
        self.schedule(payload, cx);
    }

    fn schedule(&mut self, payload: u32, cx: &Context<Self>) {
        let delay = Duration::from_nanos(self.increments.next());
        cx.schedule_event(delay, schedulable!(Self::fire), payload).expect("in the future");
    }
}

pub(crate) fn start(increments: Increments, pending: u32) -> impl FnMut(u64) -> u64 {
    let events = Arc::new(AtomicU64::new(0));
    let model = Hold { pending, increments, events: Arc::clone(&events) };
    let mut simulation = SimInit::with_num_threads(1)
        .add_model(model, Mailbox::new(), "hold")
        .init(MonotonicTime::EPOCH)
        .expect("a fresh model starts");
    let mut target = 0;
    move |count| {
        target += count;
        while events.load(Ordering::Relaxed) < target {
            simulation.step().expect("never empty");
        }
        let now = simulation.time().duration_since(MonotonicTime::EPOCH);
        u64::try_from(now.as_nanos()).expect("less than 584 years")
    }
}

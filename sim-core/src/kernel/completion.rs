//! Completions: events that some tasks signal and others wait for.
//!
//! Mirrors kernel/sched/completion.c: `complete()`, `complete_all()`,
//! `wait_for_completion()` and its killable and timed variants, Linux
//! 6.1. Waiters are woken in order of arrival; a signal that nobody waits
//! for is kept for the next.

use super::cx::Cx;
use super::lockdep::might_sleep;
use crate::base::{CompletionId, Nanos, QueueId};
use crate::engine::{Signals, Waited, Why};
use crate::record::{Event, Func, Reason, SleepSite};

/// `struct completion`.
#[derive(Clone, Debug)]
pub struct Completion {
    /// Who waits.
    pub wait: QueueId,
    /// `done`: signals not yet used up; `None`: for all, for ever (`UINT_MAX`).
    pub done: Option<u32>,
}

/// `complete()`: one waiter goes on, now or when it comes.
pub fn complete(cx: &Cx, completion: CompletionId) {
    let queue = cx.with(|state| {
        let completion = &mut state.completions[completion];
        completion.done = completion.done.map(|done| done.saturating_add(1));
        completion.wait
    });
    cx.record(Event::EventSignaled { event: queue.0 });
    cx.kernel().engine.wake_one(queue);
}

/// `complete_all()`: every waiter goes on, now and later.
pub fn complete_all(cx: &Cx, completion: CompletionId) {
    let queue = cx.with(|state| {
        let completion = &mut state.completions[completion];
        completion.done = None;
        completion.wait
    });
    cx.record(Event::EventSignaled { event: queue.0 });
    cx.wake_all(queue);
}

/// `wait_for_completion()`, killable if `signals` says so, and at most
/// for `timeout`, which is rounded as every timer is.
pub async fn wait_for_completion(
    cx: &Cx,
    completion: CompletionId,
    signals: Signals,
    timeout: Option<Nanos>,
) -> Waited {
    let _in = cx.enter(Func::WaitForCompletion);
    might_sleep(cx, SleepSite::Completion);
    let clock = cx.kernel().clock;
    let deadline = timeout.map(|span| clock.expiry(cx.now(), clock.msecs_to_jiffies(span)));
    let queue = cx.with(|state| state.completions[completion].wait);
    loop {
        let granted = cx.with(|state| match &mut state.completions[completion].done {
            None => true,
            Some(0) => false,
            Some(done) => {
                *done -= 1;
                true
            }
        });
        if granted {
            return Waited::Granted;
        }
        let left = deadline.map(|deadline| deadline.saturating_sub(cx.now()));
        if left == Some(Nanos::ZERO) {
            return Waited::TimedOut;
        }
        let why = Why(Reason::NamedEvent as u8);
        let waited = cx.kernel().engine.wait(queue, why, signals, left).await;
        if waited == Waited::Killed {
            return waited;
        }
    }
}

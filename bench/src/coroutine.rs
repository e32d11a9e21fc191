//! The engine's processes: each pending event is a coroutine that sleeps.

use std::rc::Rc;

use sim_core::base::{Nanos, SimTime, TaskId};
use sim_core::engine::{
    Cpus, Engine, EngineEvent, Executor, Limits, Needs, Observer, Signals, Ties, Why,
};

use crate::hold::Increments;

/// Sees nothing: the figure is the engine's own.
struct Blind;

impl Observer for Blind {
    fn engine_event(&mut self, _: SimTime, _: TaskId, _: EngineEvent) {}
}

pub(crate) fn start(increments: Increments, pending: u32) -> impl FnMut(u64) -> u64 {
    let cpus = Cpus {
        count: 1,
        tick: Nanos::from_ms(4),
        since_tick: Nanos(0),
        latency: Nanos::from_ms(6),
        min_granularity: Nanos::from_us(750),
        wakeup_granularity: Nanos::from_ms(1),
        switch_cost: Nanos(0),
    };
    let engine = Rc::new(Engine::new(cpus, Ties::Fifo, Blind));
    let increments = Rc::new(increments);
    for _ in 0..pending {
        let increments = Rc::clone(&increments);
        let own = Rc::clone(&engine);
        engine.spawn(Needs::Nothing, |_| async move {
            loop {
                let span = Nanos(increments.next());
                own.sleep(span, Why(0), Signals::Ignored).await;
            }
        });
    }
    let limits = Limits { events: u64::MAX, horizon: SimTime::MAX, ..Limits::default() };
    let mut executor = Executor::new(Rc::clone(&engine), limits);
    // The first resume of each process only starts its first sleep.
    executor.run(u64::from(pending));
    move |events| {
        executor.run(events);
        engine.now().0
    }
}

//! What a modelled event costs, on the gallery, and what the engine
//! alone costs: the same code natively and as WebAssembly.
//!
//! Prints `bench NAME VALUE UNIT` lines; lower is better. Other engines
//! stand beside ours in the crate `bench`.

#![expect(clippy::float_arithmetic, reason = "a benchmark divides")]

use std::cell::RefCell;
use std::rc::Rc;

use sim_core::base::{Nanos, SimTime, Stream, TaskId};
use sim_core::engine::{
    Class, Cpus, Engine, EngineEvent, EventList, Executor, Limits, Needs, Observer, Signals, Ties,
    Why,
};
use sim_core::record::Keep;
use sim_core::scenario::gallery::gallery;
use sim_core::scenario::{RunOptions, Simulation, parse};

/// Rounds per figure; the median counts.
const ROUNDS: usize = 15;
const HOLD_EVENTS: u64 = 200_000;
const PENDING: [u32; 3] = [16, 256, 4096];

#[cfg(not(target_arch = "wasm32"))]
fn now_ns() -> f64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static START: OnceLock<Instant> = OnceLock::new();
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    let now = Instant::now();
    now.duration_since(*START.get_or_init(|| now)).as_secs_f64() * 1e9
}

#[cfg(target_arch = "wasm32")]
fn now_ns() -> f64 {
    use js_sys::{Function, Reflect, global};
    use wasm_bindgen::JsCast as _;
    let performance = Reflect::get(&global(), &"performance".into()).expect("node has it");
    let now = Reflect::get(&performance, &"now".into()).expect("it tells the time");
    let now: Function = now.dyn_into().expect("now is a function");
    now.call0(&performance).expect("it answers").as_f64().expect("with a number") * 1e6
}

#[cfg(not(target_arch = "wasm32"))]
fn say(line: &str) {
    println!("{line}");
}

#[cfg(target_arch = "wasm32")]
fn say(line: &str) {
    wasm_bindgen_test::console_log!("{line}");
}

/// The median over rounds of what `round` costs, divided by the number
/// of events it says it handled.
fn measure(name: &str, mut round: impl FnMut() -> u64) {
    let mut costs: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = now_ns();
            let events = round();
            #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
            let events = events as f64;
            (now_ns() - start) / events
        })
        .collect();
    costs.sort_by(f64::total_cmp);
    say(&format!("bench {name} {:.1} ns/event", costs[ROUNDS / 2]));
}

/// Increments of about a millisecond, drawn before the clock runs.
fn increments() -> Vec<u64> {
    let mut stream = Stream::new(1, "bench", "increments");
    (0..4096).map(|_| 1 + stream.below(2_000_000)).collect()
}

fn hold_event_list(pending: u32) {
    let increments = increments();
    let mut list = EventList::new(Ties::Fifo);
    for payload in 0..pending {
        list.schedule(SimTime(increments[payload as usize]), Class::Step, payload);
    }
    let mut next = 0;
    measure(&format!("event-list/{pending}"), || {
        for _ in 0..HOLD_EVENTS {
            let (now, class, payload) = list.pop().expect("never empty");
            next = (next + 1) % increments.len();
            list.schedule(now + Nanos(increments[next]), class, payload);
        }
        HOLD_EVENTS
    });
}

struct Blind;

impl Observer for Blind {
    fn engine_event(&mut self, _: SimTime, _: TaskId, _: EngineEvent) {}
}

fn hold_coroutines(pending: u32) {
    let cpus = Cpus {
        since_tick: Nanos(0),
        count: 1,
        tick: Nanos::from_ms(4),
        latency: Nanos::from_ms(6),
        min_granularity: Nanos::from_us(750),
        wakeup_granularity: Nanos::from_ms(1),
        switch_cost: Nanos(0),
    };
    let engine = Rc::new(Engine::new(cpus, Ties::Fifo, Blind));
    let increments = Rc::new((increments(), RefCell::new(0)));
    for _ in 0..pending {
        let (own, increments) = (Rc::clone(&engine), Rc::clone(&increments));
        engine.spawn(Needs::Nothing, |_| async move {
            loop {
                let span = {
                    let mut next = increments.1.borrow_mut();
                    *next = (*next + 1) % increments.0.len();
                    Nanos(increments.0[*next])
                };
                own.sleep(span, Why(0), Signals::Ignored).await;
            }
        });
    }
    let limits = Limits { events: u64::MAX, horizon: SimTime::MAX, ..Limits::default() };
    let mut executor = Executor::new(engine, limits);
    executor.run(u64::from(pending));
    measure(&format!("coroutines/{pending}"), || {
        executor.run(HOLD_EVENTS);
        HOLD_EVENTS
    });
}

/// Whole runs, from checked scenario to digest, records kept.
fn model(id: &str, text: &str) {
    let scenario = parse(id, text, &[]).expect("gallery scenarios are sound");
    measure(&format!("model/{id}"), || {
        let options = RunOptions { keep: Keep::Records, ..RunOptions::default() };
        Simulation::new(&scenario, &options).expect("starts").run().events
    });
}

/// What something costs on the whole gallery, with and without, in turns,
/// so that both see the same machine.
fn costs_of(names: [&str; 3], with: &RunOptions, without: &RunOptions) {
    let gallery = gallery().iter().map(|entry| parse(entry.id, entry.text, &[]));
    let gallery: Vec<_> = gallery.map(|parsed| parsed.expect("sound")).collect();
    let mut events = 0;
    let mut round = |options: &RunOptions| {
        let start = now_ns();
        events = 0;
        for scenario in &gallery {
            events += Simulation::new(scenario, options).expect("starts").run().events;
        }
        now_ns() - start
    };
    // The least of many rounds: what else the machine does only adds.
    let (mut dear, mut cheap) = (f64::MAX, f64::MAX);
    for turn in 0..4 * ROUNDS {
        let (least, options) =
            if turn % 2 == 0 { (&mut dear, with) } else { (&mut cheap, without) };
        *least = least.min(round(options));
    }
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let events = events as f64;
    let [dear_name, cheap_name, cost_name] = names;
    say(&format!("bench gallery/{dear_name} {:.1} ns/event", dear / events));
    say(&format!("bench gallery/{cheap_name} {:.1} ns/event", cheap / events));
    say(&format!("bench gallery/{cost_name} {:.1} %", (dear / cheap - 1.0) * 100.0));
}

/// What it costs to watch the invariants.
fn watching() {
    let blind = RunOptions { watch: false, ..RunOptions::default() };
    costs_of(["watched", "unwatched", "cost-of-watching"], &RunOptions::default(), &blind);
}

/// What lockdep costs whoever runs the simulator; what it costs the
/// modelled machine is a parameter of that.
fn lockdep() {
    let checks = vec!["lockdep".to_owned()];
    let checked = RunOptions { checks, ..RunOptions::default() };
    costs_of(["lockdep", "no-lockdep", "cost-of-lockdep"], &checked, &RunOptions::default());
}

fn everything() {
    for pending in PENDING {
        hold_event_list(pending);
        hold_coroutines(pending);
    }
    for entry in gallery() {
        model(entry.id, entry.text);
    }
    watching();
    lockdep();
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    everything();
}

#[cfg(target_arch = "wasm32")]
#[wasm_bindgen_test::wasm_bindgen_test]
fn measure_everything() {
    everything();
}

#[cfg(target_arch = "wasm32")]
fn main() {}

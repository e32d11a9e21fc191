//! Whether the cost of an event stays the same as runs grow: from ten
//! thousand to ten million events, from ten to five hundred tasks, and on
//! a machine with 64 GiB.
//!
//! Prints `bench NAME VALUE UNIT` lines; lower is better. Native only:
//! ten million records don't fit into a page.

#![cfg_attr(
    not(target_arch = "wasm32"),
    expect(clippy::float_arithmetic, reason = "a benchmark divides")
)]

#[cfg(not(target_arch = "wasm32"))]
#[path = "support/machines.rs"]
mod machines;

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::time::Instant;

    use peak_alloc::PeakAlloc;
    use sim_core::record::Keep;
    use sim_core::scenario::{RunOptions, Simulation, parse};

    use crate::machines::{large, steady};

    #[global_allocator]
    static MEMORY: PeakAlloc = PeakAlloc;

    /// Rounds per figure; the fastest counts, since noise only adds.
    const ROUNDS: usize = 3;

    /// Time and memory of a run from its checked scenario on, with records kept.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    fn measure(name: &str, text: &str) {
        let scenario = parse("bench", text, &[]).unwrap_or_else(|errors| panic!("{errors:?}"));
        let options = RunOptions { keep: Keep::Records, ..RunOptions::default() };
        let mut best = f64::INFINITY;
        let (mut events, mut bytes) = (0, 0.0);
        for _ in 0..ROUNDS {
            let before = MEMORY.current_usage();
            let start = Instant::now();
            let run = Simulation::new(&scenario, &options).expect("starts").run();
            let time = start.elapsed().as_secs_f64() * 1e9;
            events = run.events;
            best = best.min(time / events as f64);
            bytes = (MEMORY.current_usage() - before) as f64 / events as f64;
        }
        println!("bench scale/{name}/time {best:.1} ns/event ({events} events)");
        println!("bench scale/{name}/memory {bytes:.1} B/event");
    }

    #[expect(clippy::disallowed_methods, reason = "it is not a run that depends on its arguments")]
    pub(crate) fn main() {
        let mut machines = Vec::new();
        for (name, ms) in [("1e4", 70), ("1e5", 700), ("1e6", 7_000), ("1e7", 70_000)] {
            machines.push((name.to_owned(), steady(10, ms)));
        }
        for tasks in [10, 100, 500] {
            machines.push((format!("tasks-{tasks}"), steady(tasks, 5_000)));
        }
        machines.push(("64GiB-500-tasks".to_owned(), large()));
        // `cargo bench --bench scale -- 1e4` measures one, say under callgrind.
        let asked: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
        for (name, text) in machines {
            if asked.is_empty() || asked.contains(&name) {
                measure(&name, &text);
            }
        }
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    native::main();
}

#[cfg(target_arch = "wasm32")]
fn main() {}

//! Side-by-side measurements, in one process and one run, because
//! ratios travel between machines and nanoseconds don't.
//!
//! `cargo run --release -p bench` prints the hold model (take the earliest
//! event, schedule another a random time later) at 16, 256 and 4096
//! pending events for each contender in [`contenders`]. Whole-model
//! figures and wasm are measured elsewhere.

mod baseline;
mod coroutine;
mod event_list;
mod hold;
mod nexosim;

use hold::{Contender, Increments};

/// Everyone in the table, the baseline first. To add one, write a function
/// from (increments, number pending) to a closure that runs a number of
/// events and returns the simulated time it ends at.
fn contenders() -> Vec<Contender> {
    vec![
        Contender::new("std BinaryHeap (baseline)", baseline::start),
        Contender::new("reaperscope event list", event_list::start),
        Contender::new("reaperscope coroutines", coroutine::start),
        Contender::new("nexosim 1.0.0, one model", nexosim::start),
        Contender::new("nexosim 1.0.0, processes", nexosim::start_processes),
    ]
}

fn main() {
    let increments = Increments::new();
    hold::print_table(&increments, &contenders());
}

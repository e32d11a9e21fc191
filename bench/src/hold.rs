//! The hold model and the table of its results.
#![expect(clippy::cast_precision_loss, reason = "figures are printed to three digits")]

use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;

use sim_core::base::dist::{Distribution, Shape};
use sim_core::base::random::Stream;
use sim_core::base::time::Nanos;

/// Numbers of pending events to measure at.
const PENDING: [u32; 3] = [16, 256, 4096];
/// Every round runs each contender once; the medians of rounds count.
const ROUNDS: usize = 21;
/// Events in one round. Some 10 ms: shorter than most disturbances, much
/// longer than reading the clock.
const EVENTS: u64 = 200_000;
/// Size of the table of increments.
const INCREMENT_COUNT: usize = 1 << 13;

/// Times to the next event, drawn in advance so that no random number
/// generator is measured. Exponential, 1 ms on average: with 4096
/// pending, few events coincide.
#[derive(Clone)]
pub(crate) struct Increments {
    table: Arc<[u64; INCREMENT_COUNT]>,
    next: Cell<usize>,
}

impl Increments {
    pub(crate) fn new() -> Self {
        let mut stream = Stream::new(1, "bench", "increments");
        let exponential = Distribution::new(Shape::Exponential { mean: Nanos::from_ms(1) });
        let table = std::array::from_fn(|_| exponential.draw(&mut stream).0.max(1));
        Self { table: Arc::new(table), next: Cell::new(0) }
    }

    /// The next increment, in nanoseconds; at least 1.
    #[inline]
    pub(crate) fn next(&self) -> u64 {
        let draw = self.next.get();
        self.next.set(draw.wrapping_add(1));
        self.nth(draw)
    }

    /// The increment of one draw, for who counts the draws elsewhere.
    #[inline]
    pub(crate) fn nth(&self, draw: usize) -> u64 {
        self.table[draw % INCREMENT_COUNT]
    }
}

/// Runs this many more events and returns the time of the last.
pub(crate) type Run = Box<dyn FnMut(u64) -> u64>;

/// An engine that can run the hold model.
pub(crate) struct Contender {
    name: &'static str,
    start: Box<dyn Fn(Increments, u32) -> Run>,
}

impl Contender {
    /// `start` sets a model up with a number of events pending.
    pub(crate) fn new<R: FnMut(u64) -> u64 + 'static>(
        name: &'static str,
        start: impl Fn(Increments, u32) -> R + 'static,
    ) -> Self {
        let start =
            Box::new(move |increments, pending| -> Run { Box::new(start(increments, pending)) });
        Self { name, start }
    }
}

/// Measures everyone and prints nanoseconds per event and the ratio to
/// the first. Ratios are taken round by round.
pub(crate) fn print_table(increments: &Increments, contenders: &[Contender]) {
    println!("hold model, ns/event (times the speed of the baseline), medians of {ROUNDS} rounds");
    print!("{:<28}", "pending");
    let columns = PENDING.map(|pending| {
        print!("{pending:>18}");
        measure(increments, contenders, pending)
    });
    println!();
    for (row, contender) in contenders.iter().enumerate() {
        print!("{:<28}", contender.name);
        for column in &columns {
            let ratios = column[0].iter().zip(&column[row]).map(|(base, own)| base / own);
            let (own, ratio) = (median(column[row].iter().copied()), median(ratios));
            print!("{:>18}", format!("{own:.1} ({ratio:.2}x)"));
        }
        println!();
    }
}

/// Nanoseconds per event: a list of rounds for each contender.
fn measure(increments: &Increments, contenders: &[Contender], pending: u32) -> Vec<Vec<f64>> {
    let mut runs: Vec<Run> =
        contenders.iter().map(|contender| (contender.start)(increments.clone(), pending)).collect();
    let mut rounds = vec![Vec::new(); runs.len()];
    for round in 0..=ROUNDS {
        let mut ends = Vec::new();
        for (run, times) in runs.iter_mut().zip(&mut rounds) {
            let (end, ns) = timed(|| run(black_box(EVENTS)));
            ends.push(end);
            // The first round warms caches and branch predictors up.
            if round > 0 {
                times.push(ns / EVENTS as f64);
            }
        }
        assert!(ends.iter().all(|end| *end == ends[0]), "all simulate the same: {ends:?}");
    }
    rounds
}

/// What `work` returns, and the nanoseconds it took.
#[expect(clippy::disallowed_methods, reason = "measuring is what this crate is for")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let start = std::time::Instant::now();
    let result = work();
    (result, start.elapsed().as_nanos() as f64)
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

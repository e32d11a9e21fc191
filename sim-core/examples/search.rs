//! Looks for a scenario that breaks the model: `search FIRST COUNT`.
//!
//! Runs the scenarios of so many seeds on every CPU, prints the first
//! failures of each kind with their seeds, and ends with counts. With one
//! seed and no count it prints that scenario and what came of it.

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use support::random::random_scenario;
use support::trial::{Effort, Outcome, trial};

/// One run in so many is made twice.
const TWICE_EVERY: u64 = 8;
/// Of one in so many everything is made that can be made of a run.
const READ_EVERY: u64 = 16;
/// Failures printed, at most.
const SHOWN_MAX: usize = 40;

#[derive(Default)]
struct Counts {
    sound: u64,
    refused: u64,
    events: u64,
    verdicts: BTreeMap<&'static str, u64>,
    complaints: BTreeMap<String, (u64, u64)>,
    failures: Vec<(u64, String)>,
}

impl Counts {
    fn try_seed(&mut self, seed: u64) {
        let effort =
            Effort { twice: seed.is_multiple_of(TWICE_EVERY), read: seed % READ_EVERY == 1 };
        let outcome = catch_unwind(AssertUnwindSafe(|| trial(seed, effort)));
        match outcome {
            Ok(Outcome::Sound(events, verdict)) => {
                self.sound += 1;
                self.events += events;
                *self.verdicts.entry(verdict).or_default() += 1;
            }
            Ok(Outcome::Refused(complaint)) => {
                self.refused += 1;
                let kind = complaint.split_once(": ").map_or("", |(_, text)| text).to_owned();
                self.complaints.entry(kind).or_insert((0, seed)).0 += 1;
            }
            Ok(Outcome::Failed(wrong)) => self.failures.push((seed, wrong)),
            Err(payload) => {
                let text = payload.downcast_ref::<String>().cloned();
                let text = text.or_else(|| payload.downcast_ref::<&str>().map(|&s| s.to_owned()));
                self.failures.push((seed, format!("panic: {}", text.unwrap_or_default())));
            }
        }
    }

    fn add(&mut self, other: Self) {
        self.sound += other.sound;
        self.refused += other.refused;
        self.events += other.events;
        for (verdict, count) in other.verdicts {
            *self.verdicts.entry(verdict).or_default() += count;
        }
        for (complaint, (count, seed)) in other.complaints {
            self.complaints.entry(complaint).or_insert((0, seed)).0 += count;
        }
        self.failures.extend(other.failures);
    }
}

#[expect(clippy::disallowed_methods, reason = "a search is no run: it reads its command line")]
fn main() -> ExitCode {
    let numbers: Vec<u64> =
        std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    match numbers[..] {
        [seed] => one(seed),
        [first, count] => search(first, count),
        _ => {
            eprintln!("usage: search FIRST [COUNT]");
            ExitCode::from(2)
        }
    }
}

fn one(seed: u64) -> ExitCode {
    println!("{}", random_scenario(seed));
    match trial(seed, Effort { twice: true, read: true }) {
        Outcome::Sound(events, verdict) => println!("# {verdict}, {events} records"),
        Outcome::Refused(complaint) => println!("# refused: {complaint}"),
        Outcome::Failed(wrong) => {
            println!("# failed: {wrong}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn search(first: u64, count: u64) -> ExitCode {
    // Panics are collected: nothing is to be printed between.
    std::panic::set_hook(Box::new(|_| {}));
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = AtomicU64::new(first);
    let mut counts = Counts::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cpus)
            .map(|_| {
                scope.spawn(|| {
                    let mut counts = Counts::default();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= first + count {
                            return counts;
                        }
                        counts.try_seed(seed);
                    }
                })
            })
            .collect();
        for worker in workers {
            counts.add(worker.join().expect("a worker catches panics"));
        }
    });
    counts.failures.sort();
    for (seed, wrong) in counts.failures.iter().take(SHOWN_MAX) {
        println!("seed {seed}: {wrong}");
    }
    for (complaint, (times, seed)) in &counts.complaints {
        println!("refused {times} times, as seed {seed}: {complaint}");
    }
    println!(
        "search: seeds {first}..{}: {} sound, {} failed, {} refused; {} records; verdicts {:?}",
        first + count,
        counts.sound,
        counts.failures.len(),
        counts.refused,
        counts.events,
        counts.verdicts
    );
    if counts.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! What holds in every run, whatever the scenario: no panic, a verdict,
//! all invariants, pages conserved to the end, and the same digest again,
//! in slices or not, with records kept or not.
//!
//! `cargo xtask search --runs N` goes through as many more as wanted.

#![cfg(not(target_arch = "wasm32"))]

mod support;

use proptest::prelude::{ProptestConfig, any, proptest};
use support::trial::{Effort, Outcome, trial};

const EVERYTHING: Effort = Effort { twice: true, read: true };

/// The first seeds, which every machine tries.
#[test]
fn first_seeds_are_sound() {
    let (mut sound, mut refused) = (0, Vec::new());
    for seed in 0..400 {
        match trial(seed, EVERYTHING) {
            Outcome::Sound(records, verdict) => {
                assert!(records > 0 && !verdict.is_empty(), "seed {seed}");
                sound += 1;
            }
            Outcome::Refused(complaint) => refused.push((seed, complaint)),
            Outcome::Failed(wrong) => panic!("seed {seed}: {wrong}"),
        }
    }
    // Some scenarios make no sense; most must, or nothing is tried.
    assert!(sound >= 300, "{sound} of 400 are sound; {refused:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_seed_is_sound(seed in any::<u32>()) {
        if let Outcome::Failed(wrong) = trial(u64::from(seed), EVERYTHING) {
            panic!("seed {seed}: {wrong}");
        }
    }
}

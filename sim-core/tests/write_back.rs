//! A scenario that is written as a file and read again is the same one:
//! scenarios drawn from seeds, over the whole language.

#![cfg(not(target_arch = "wasm32"))]

#[path = "support/random/mod.rs"]
mod random;

use sim_core::export;
use sim_core::scenario::parse;

#[test]
fn what_is_written_is_read_as_it_was() {
    for seed in 0..600 {
        let text = random::random_scenario(seed);
        // Some draws make no sense, a lock taken twice say.
        let Ok(mut scenario) = parse("drawn", &text, &[]) else { continue };
        let written = export::scenario(&scenario);
        // Watermarks are written out.
        scenario.machine.computed = None;
        let again = parse("drawn", &written, &[])
            .unwrap_or_else(|errors| panic!("seed {seed}: {errors:?}\n{written}"));
        assert_eq!(format!("{again:#?}"), format!("{scenario:#?}"), "seed {seed}");
        assert_eq!(export::scenario(&again), written, "seed {seed}");
    }
}

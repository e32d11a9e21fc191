//! Runs that travel to another thread arrive as they left, and bytes that
//! are no run are refused. The page relies on it: its simulator is a worker.

use sim_core::analysis;
use sim_core::record::{Run, WireError};
use sim_core::scenario::gallery::gallery;
use sim_core::scenario::{RunOptions, Simulation, parse, run_from_wire};

/// Every `step`th scenario of the gallery, with all checkers on.
fn runs(step: usize) -> impl Iterator<Item = Run> {
    gallery().iter().step_by(step).map(|entry| {
        let scenario = parse(entry.id, entry.text, &[]).expect("gallery scenarios are sound");
        let checks = ["lockdep", "non-block", "wait-for"].map(str::to_owned).to_vec();
        let options = RunOptions { checks, ..RunOptions::default() };
        Simulation::new(&scenario, &options).expect("a gallery run starts").run()
    })
}

#[test]
fn a_run_arrives_as_it_left() {
    let mut splats = 0;
    for run in runs(3) {
        let arrived = run_from_wire(&run.to_wire()).expect("it is whole");
        let text = |run: &Run| {
            let all = (&run.id, run.digest, run.events, run.end, run.stop, &run.findings);
            format!("{all:?} {:?} {:?}", run.lock_reports, run.cast.wording)
        };
        assert_eq!(text(&arrived), text(&run));
        assert!(arrived.trace.iter().eq(run.trace.iter()), "{}", run.id.scenario);
        let report = |run: &Run| format!("{:?}", analysis::report(run));
        assert_eq!(report(&arrived), report(&run));
        // Everything is written, so what is written again says it all.
        assert_eq!(arrived.to_wire(), run.to_wire());
        splats += run.lock_reports.reports.len();
    }
    assert!(splats > 0, "reports of lock debugging travelled too");
}

#[test]
fn bytes_that_are_no_run_are_refused() {
    let run = runs(1000).next().expect("the gallery is not empty");
    let whole = run.to_wire();
    for length in (0..whole.len()).step_by(7) {
        assert!(run_from_wire(&whole[..length]).is_err(), "cut after {length} bytes");
    }
    let mut other = whole.clone();
    other[0] ^= 1;
    assert!(matches!(run_from_wire(&other), Err(WireError::Version(_))));
    // A length that no memory holds.
    let mut long = whole;
    long[8..16].fill(0x7f);
    assert!(matches!(run_from_wire(&long), Err(WireError::Short(_))));
}

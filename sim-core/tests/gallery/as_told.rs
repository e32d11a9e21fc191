//! The gallery's texts tell people what they will see: here it is held
//! to that.

use sim_core::analysis::{report, types::Report};
use sim_core::scenario::{RunOptions, Simulation, gallery, parse};

fn run(id: &str, seed: u64) -> Report {
    let entry = gallery::find(id).expect("in the gallery");
    let scenario = parse(entry.id, entry.text, &[]).expect("parses");
    let options = RunOptions { seed, ..RunOptions::default() };
    report(&Simulation::new(&scenario, &options).expect("profile and policy exist").run())
}

/// Partial teardown, ten back-offs, give-up, and an innocent second
/// victim, whatever the GPU's jobs take.
#[test]
fn opening_example_goes_as_its_text_says() {
    for seed in [0, 1, 42, 9_007_199_254_740_991] {
        let report = run("gpu-fence-overlap", seed);
        let count = |kind: &str| report.incidents.iter().filter(|i| i.kind == kind).count();
        let (metrics, victims) = (&report.metrics, &report.victims);
        assert_eq!((metrics.reap_attempts, metrics.backoffs), (10, 10));
        assert_eq!((metrics.refusals, metrics.gave_up), (10, 1));
        // The heap's 72 MiB and the small VMAs, not the buffers' 40 MiB.
        assert!((18_432..18_432 + 400).contains(&metrics.reaped_pages));
        assert_eq!((count("back-off"), count("give-up")), (10, 1));
        assert_eq!((victims.len(), count("extra-victim")), (2, 1));
        let extra = report.incidents.iter().find(|i| i.kind == "extra-victim");
        let text = extra.map_or("", |incident| incident.text.as_str());
        assert_eq!(text, "editor is killed although hog still has 40 MiB");
    }
}

/// What every recording's `about` says of attempts and refusals.
#[test]
fn recordings_go_as_their_texts_say() {
    for (id, attempts, refusals, victims) in [
        ("capture-6-1-s1", 0, 0, 1),
        ("capture-6-1-s2", 0, 0, 1),
        ("capture-6-1-s2-smp", 0, 0, 1),
        ("capture-6-1-s2stuck", 1, 0, 1),
        ("capture-6-1-s3", 10, 140, 2),
        ("capture-6-1-s3-smp", 10, 140, 2),
        ("capture-6-1-s3exit", 0, 0, 1),
        ("capture-6-1-s4part", 10, 10, 2),
        ("capture-6-1-s5part", 10, 10, 2),
        ("capture-6-1-s6", 10, 20, 2),
        ("capture-6-1-s6-smp", 10, 20, 2),
        ("capture-6-1-s7", 1, 0, 1),
        ("capture-6-1-s8w500", 0, 0, 1),
        ("capture-6-1-s8w5000", 10, 0, 2),
        ("capture-6-1-s12", 1, 0, 1),
        ("capture-6-1-l1both", 10, 140, 2),
        ("capture-6-1-l2itv", 1, 0, 1),
    ] {
        let report = run(id, 0);
        assert_eq!(
            (report.metrics.reap_attempts, report.metrics.refusals),
            (attempts, refusals),
            "{id}"
        );
        assert_eq!(report.victims.len(), victims, "{id}");
    }
}

//! The example of `docs/src/describe-a-driver.md`, as a reader would copy it.

use sim_core::analysis::{Verdict, report};
use sim_core::scenario::{RunOptions, Simulation, parse};

const PAGE: &str = include_str!("../../../docs/src/describe-a-driver.md");

fn example() -> &'static str {
    let (_, rest) = PAGE.split_once("<!-- file: my-gpu.toml -->").expect("the page has an example");
    let (_, rest) = rest.split_once("```toml\n").expect("of a file");
    rest.split_once("```").expect("it ends").0
}

#[test]
fn the_example_reads_and_its_gpu_makes_the_reaper_give_up() {
    let scenario = parse("my-gpu", example(), &[]).expect("the example is sound");
    let run = Simulation::new(&scenario, &RunOptions::default()).expect("starts").run();
    let report = report(&run);
    assert_eq!(report.verdict, Verdict::Recovered, "{}", report.evidence);
    assert_eq!((report.metrics.reap_attempts, report.metrics.gave_up), (10, 1));
    assert_eq!(
        report.metrics.refusals, 11,
        "ten of the reaper's, and that of exit_mmap(), which reaps first"
    );
}

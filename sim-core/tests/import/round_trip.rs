//! What a run prints, imported again: the same key events.

use sim_core::export::{dmesg, ftrace};
use sim_core::import::{CaptureFile, import};
use sim_core::scenario::{RunOptions, Simulation, gallery, parse};

use crate::{run_of, victims};

#[test]
fn run_that_is_exported_and_imported_has_the_same_key_events() {
    for (id, kernel) in [
        ("capture-6-1-s6", "6.1"),
        ("capture-6-1-s3", "6.12"),
        ("capture-6-1-s4part", "6.1"),
        ("capture-6-1-s2stuck", "7.1"),
        ("capture-6-1-s8w5000", "6.1"),
        ("capture-6-1-s1", "6.1"),
    ] {
        let entry = gallery::find(id).expect("in the gallery");
        let scenario = parse(id, entry.text, &[]).expect("checked");
        let options = RunOptions { kernel: Some(kernel.to_owned()), ..RunOptions::default() };
        let run = Simulation::new(&scenario, &options).expect("known ids").run();
        let (trace, log) = (ftrace(&run), dmesg(&run));
        let imported = import(&[
            CaptureFile { name: "trace", text: &trace },
            CaptureFile { name: "log", text: &log },
        ])
        .expect("a kill");
        let again = run_of(&imported);
        assert_eq!(victims(&again), victims(&imported.story), "{id}\n{}", imported.toml);
        let kinds = |story: &sim_core::import::Story| -> Vec<(&'static str, String)> {
            story.events.iter().map(|event| (event.kind.text(), event.victim.clone())).collect()
        };
        assert_eq!(kinds(&again), kinds(&imported.story), "{id}");
    }
}

//! Captures turned into scenarios: recordings, our own exports, formats
//! of other eras, and damaged text. The run of such a scenario kills
//! whom the capture killed, and the reaper tries as often.

#![cfg(not(target_arch = "wasm32"))]

mod damaged;
mod eras;
mod field;
mod forms;
mod frames;
mod log_forms;
mod many;
mod marks;
#[path = "../support/recorded.rs"]
mod recorded;
mod reports;
mod round_trip;
mod samples;
mod tools;

use recorded::ALL;
use sim_core::export::{dmesg, ftrace};
use sim_core::import::{CaptureFile, Imported, Story, import, parse_dmesg, parse_ftrace, story};
use sim_core::scenario::{RunOptions, Simulation, parse};

/// Victims in order, each with the number of attempts.
pub(crate) type Victims = Vec<(String, usize)>;

/// Of a story; a mark of another thread of the same process is no kill.
pub(crate) fn victims(story: &Story) -> Victims {
    let mut victims: Victims = Vec::new();
    for victim in &story.victims {
        match victims.iter_mut().find(|(name, _)| *name == victim.name) {
            Some((_, attempts)) => *attempts += victim.attempts.len(),
            None => victims.push((victim.name.clone(), victim.attempts.len())),
        }
    }
    victims
}

/// What the run of an imported scenario tells.
pub(crate) fn run_of(imported: &Imported) -> Story {
    let scenario = parse("imported", &imported.toml, &[])
        .unwrap_or_else(|errors| panic!("{errors:#?}\n{}", imported.toml));
    let run = Simulation::new(&scenario, &RunOptions::default()).expect("known ids").run();
    let (trace, log) = (ftrace(&run), dmesg(&run));
    let trace = parse_ftrace(&trace).expect("a trace");
    let log = parse_dmesg(&log);
    story(&trace.lines, &log.lines, 0)
}

pub(crate) fn imported(text: &str) -> Imported {
    import(&[CaptureFile { name: "capture.txt", text }])
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn scenario_of_a_recording_has_its_victims_and_attempts() {
    let mut wrong = Vec::new();
    for recording in ALL {
        let trace = recording.trace();
        let files = [
            CaptureFile { name: "trace.txt", text: &trace },
            CaptureFile { name: "dmesg.txt", text: recording.dmesg },
        ];
        let both = import(&files).expect("a kill");
        let recorded = victims(&both.story);
        let trace_alone = import(&files[..1]).expect("a kill");
        for (what, imported) in [("both", both), ("trace", trace_alone)] {
            let run = victims(&run_of(&imported));
            if run != recorded {
                wrong.push(format!(
                    "{} {what}: {recorded:?}, but {run:?}\n{}",
                    recording.id, imported.toml
                ));
            }
        }
        // A log alone says how it ended: whether it was reaped, or given up.
        let log_alone = import(&files[1..]).expect("a kill");
        let run = victims(&run_of(&log_alone));
        if run != recorded {
            wrong.push(format!(
                "{} log: {recorded:?}, but {run:?}\n{}",
                recording.id, log_alone.toml
            ));
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn machine_of_the_recordings_is_found() {
    let recording = ALL.iter().find(|recording| recording.id == "S6-3").expect("there");
    let trace = recording.trace();
    let imported = import(&[
        CaptureFile { name: "trace.txt", text: &trace },
        CaptureFile { name: "dmesg.txt", text: recording.dmesg },
    ])
    .expect("a kill");
    let scenario = parse("imported", &imported.toml, &[]).expect("fit");
    let machine = &scenario.machine;
    assert_eq!((scenario.kernel.as_str(), machine.cpus, machine.hz), ("6.1", 1, 250));
    let zones: Vec<_> = machine
        .zones
        .iter()
        .map(|zone| {
            (zone.name.as_str(), zone.managed, zone.min, zone.low, zone.high, zone.lowmem_reserve)
        })
        .collect();
    assert_eq!(zones, [("DMA", 3840, 32, 40, 48, 192), ("DMA32", 52_062, 436, 545, 654, 0)]);
    let names: Vec<&str> = scenario.tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names, ["hog", "bystander", "oomrun", "presser"]);
    let notes: Vec<String> =
        imported.notes.iter().map(|note| format!("{}: {}", note.kind.text(), note.text)).collect();
    for expected in [
        "inferred: kernel 6.1.0-56-cloud-amd64: profile 6.1",
        "inferred: HZ = 250, from the pauses of the reaper",
        "inferred: the reaper gave hog up after 10 attempts",
        "inferred: interval notifiers refused for 92 MiB of hog: nothing is logged",
    ] {
        assert!(notes.iter().any(|note| note == expected), "{expected}\n{notes:#?}");
        assert!(imported.toml.contains(&format!("# {expected}\n")), "{expected}");
    }
}

//! What a run prints, imported again: the same key events.

use sim_core::export::{dmesg, ftrace};
use sim_core::import::{CaptureFile, KeyKind, import};
use sim_core::record::{Event, Run};
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

/// What the records say, in the words of the reader: trace first, then log.
fn recorded(run: &Run) -> [Vec<(&'static str, String)>; 2] {
    let comm = |task| run.cast.tasks.get(task).map_or_else(String::new, |info| info.comm.clone());
    let (mut trace, mut log) = (Vec::new(), Vec::new());
    for record in run.trace.iter() {
        let (kind, victim) = match record.event {
            Event::MarkVictim { victim, .. } => (KeyKind::MarkVictim, victim),
            Event::WakeReaper { victim } => (KeyKind::WakeReaper, victim),
            Event::StartTaskReaping { victim } => (KeyKind::StartReaping, victim),
            Event::SkipTaskReaping { victim } => (KeyKind::SkipReaping, victim),
            Event::FinishTaskReaping { victim, .. } => (KeyKind::FinishReaping, victim),
            Event::Reaped { victim, .. } => (KeyKind::Reaped, victim),
            Event::UnableToReap { victim } => (KeyKind::UnableToReap, victim),
            _ => continue,
        };
        let told = (kind.text(), comm(victim));
        if matches!(kind, KeyKind::Reaped | KeyKind::UnableToReap) {
            log.push(told);
        } else {
            trace.push(told);
        }
    }
    [trace, log]
}

/// Every scenario of the gallery that kills, under its own kernel: what is read back is what was
/// recorded, and a scenario comes of it that can be run.
#[test]
fn every_kill_of_the_gallery_is_read_back_as_it_was() {
    let (mut count, mut wrong, mut others) = (0, Vec::new(), Vec::new());
    for entry in gallery::gallery() {
        let scenario = parse(entry.id, entry.text, &[]).expect("checked");
        let run = Simulation::new(&scenario, &RunOptions::default()).expect("known ids").run();
        if !run.trace.iter().any(|record| matches!(record.event, Event::MarkVictim { .. })) {
            continue;
        }
        count += 1;
        let (trace, log) = (ftrace(&run), dmesg(&run));
        let files =
            [CaptureFile { name: "trace", text: &trace }, CaptureFile { name: "log", text: &log }];
        let imported = match import(&files) {
            Ok(imported) => imported,
            Err(error) => {
                wrong.push(format!("{}: {error}", entry.id));
                continue;
            }
        };
        let read = |is_log: bool| -> Vec<(&'static str, String)> {
            let events = imported.story.events.iter();
            let of = events.filter(|event| {
                matches!(event.kind, KeyKind::Reaped | KeyKind::UnableToReap) == is_log
            });
            of.map(|event| (event.kind.text(), event.victim.clone())).collect()
        };
        let expected = recorded(&run);
        if [read(false), read(true)] != expected {
            wrong.push(format!(
                "{}: {expected:?} read as {:?}",
                entry.id,
                [read(false), read(true)]
            ));
        }
        if let Err(errors) = parse("imported", &imported.toml, &[]) {
            wrong.push(format!("{}: {errors:?}", entry.id));
            continue;
        }
        let (again, first) = (victims(&run_of(&imported)), victims(&imported.story));
        if again != first {
            println!("{}: kills {first:?}, run again {again:?}", entry.id);
            others.push(entry.id);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 60, "{count}");
    assert_eq!(others, [""; 0], "of {count}");
}

/// Of control groups a trace has no word. Who died while another victim could still be reaped had one of its own; and who
/// asked for itself, one after the other, does so again.
#[test]
fn trace_alone_tells_victims_of_several_control_groups_apart() {
    let entry = gallery::find("f9-head-of-line").expect("in the gallery");
    let scenario = parse(entry.id, entry.text, &[]).expect("checked");
    let mut wrong = Vec::new();
    for kernel in ["5.3", "6.1"] {
        for policy in sim_core::scenario::names::policies() {
            let (kernel, policy) = (Some(kernel.to_owned()), Some(policy.to_owned()));
            let options = RunOptions { kernel, policy, ..RunOptions::default() };
            let run = Simulation::new(&scenario, &options).expect("known ids").run();
            let imported =
                import(&[CaptureFile { name: "trace", text: &ftrace(&run) }]).expect("a kill");
            let (mut again, mut first) = (victims(&run_of(&imported)), victims(&imported.story));
            // Nothing in a trace says that a worker goes on with what was refused.
            if options.policy.as_deref() == Some("hand-off") {
                again.iter_mut().chain(&mut first).for_each(|(_, attempts)| *attempts = 0);
            }
            if again != first {
                wrong.push(format!("{:?} {:?}", options.kernel, options.policy));
            }
        }
    }
    // Nobody is killed while another could be reaped, so one machine is all that the trace tells of; of two that
    // have as much the later one may die first there.
    let equals =
        ["skip-any", "skip-flag"].map(|policy| format!("Some(\"5.3\") Some(\"{policy}\")"));
    assert_eq!(wrong, equals);
}

/// A process's `kill(2)` is told from the OOM killer's signal, so nobody takes it for one.
#[test]
fn kill_by_a_process_is_no_oom_kill() {
    let traced = |text: &str| {
        let scenario = parse("kill", text, &[]).expect("checked");
        ftrace(&Simulation::new(&scenario, &RunOptions::default()).expect("known ids").run())
    };
    let codes = |trace: &str| {
        let signals = trace.lines().filter(|line| line.contains("signal_generate: "));
        let code = |line: &str| {
            line.split_whitespace().find_map(|word| word.strip_prefix("code=")).map(str::to_owned)
        };
        signals.filter_map(code).collect::<Vec<_>>()
    };
    let both = traced(gallery::find("lockdep-6-1-h1").expect("in the gallery").text);
    assert_eq!(codes(&both), ["128", "0"]);
    let alone = traced(
        "schema = 1\ntitle = 't'\nkernel = '6.1'\nhorizon = '2s'\n[[task]]\nname = 'a'\n\
         program = [{ idle = true }]\n[[inject]]\nat = '1s'\nkill = 'a'\n",
    );
    assert_eq!(codes(&alone), ["0"]);
    assert!(import(&[CaptureFile { name: "trace", text: &alone }]).is_err());
}

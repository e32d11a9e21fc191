//! Forks: up to where its choice is made a forked run is its parent record
//! for record, whatever the choice, and it is the same run again. That it is
//! the same natively and as WebAssembly, the table of digests says.

use sim_core::base::{Nanos, SimTime};
use sim_core::record::{Event, Run};
use sim_core::scenario::gallery::{find, gallery};
use sim_core::scenario::{Fork, ForkChoice, RunOptions, Simulation, parse};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const EXAMPLE: &str = "gpu-fence-overlap";

fn forked(id: &str, seed: u64, forks: &[Fork]) -> Result<Run, String> {
    let entry = find(id).expect("a scenario of the gallery");
    let scenario = parse(entry.id, entry.text, &[]).expect("gallery scenarios are sound");
    let options = RunOptions { seed, forks: forks.to_vec(), ..RunOptions::default() };
    let mut simulation = Simulation::new(&scenario, &options)?;
    // In slices, which must not matter.
    while simulation.advance(777) {}
    match simulation.problem() {
        Some(problem) => Err(problem),
        None => Ok(simulation.finish()),
    }
}

fn fork(text: &str) -> Fork {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// How many records are alike, from the first on.
fn alike(one: &Run, other: &Run) -> usize {
    one.trace.iter().zip(other.trace.iter()).take_while(|(a, b)| a == b).count()
}

/// A fork at the record with this index, and how many records must be alike.
fn place(parent: &Run, index: usize) -> (SimTime, u64, usize) {
    let at = parent.trace.get(index).expect("a record").at;
    let before = parent.trace.iter().take_while(|record| record.at < at).count();
    (at, 0, before)
}

#[test]
fn forked_run_is_its_parent_up_to_the_choice() {
    let mut made = 0;
    for entry in gallery().iter().step_by(3) {
        let parent = forked(entry.id, 3, &[]).expect("it runs");
        let names: Vec<String> = parent.cast.tasks.iter().map(|(_, it)| it.name.clone()).collect();
        let count = parent.trace.len();
        for (number, part) in [1, 2, 3].into_iter().enumerate() {
            let (at, record, before) = place(&parent, count * part / 4);
            let name = names[(number * 7 + count) % names.len()].clone();
            let choices = [
                ForkChoice::Policy("block-always".to_owned()),
                ForkChoice::Kill(name.clone()),
                ForkChoice::End(name.clone()),
                ForkChoice::Delay(name, Nanos::from_ms(50)),
                ForkChoice::Reseed { salt: 9, share: 255 },
                ForkChoice::Ties { salt: 9 },
                ForkChoice::Preempt { cpu: 0, by: Nanos::from_ms(3) },
            ];
            for choice in choices {
                let fork = Fork { at, record, choice };
                let Ok(child) = forked(entry.id, 3, std::slice::from_ref(&fork)) else {
                    continue;
                };
                let same = alike(&parent, &child);
                assert!(same >= before, "{} {fork}: {same} of {before}", entry.id);
                let again = forked(entry.id, 3, std::slice::from_ref(&fork)).expect("as before");
                assert_eq!(child.digest, again.digest, "{} {fork}", entry.id);
                made += 1;
            }
        }
    }
    assert!(made > 200, "{made}");
}

#[test]
fn choice_is_made_before_anything_else_of_its_instant() {
    let parent = forked(EXAMPLE, 1, &[]).expect("it runs");
    let (at, _, before) = place(&parent, parent.trace.len() / 2);
    let kill = Fork { at, record: 0, choice: ForkChoice::Kill("hog".to_owned()) };
    let child = forked(EXAMPLE, 1, &[kill]).expect("hog lives");
    assert_eq!(alike(&parent, &child), before);
    let first = child.trace.get(before + 1).map(|record| (record.at, record.event));
    assert!(matches!(first, Some((then, Event::Injection { .. })) if then == at), "{first:?}");
}

#[test]
fn count_of_records_tells_instants_apart() {
    let parent = forked(EXAMPLE, 1, &[]).expect("it runs");
    let (at, _, before) = place(&parent, parent.trace.len() / 2);
    let after = parent.trace.iter().take_while(|record| record.at <= at).count();
    let kill = |record: usize| Fork {
        at,
        record: record as u64,
        choice: ForkChoice::Kill("hog".to_owned()),
    };
    let first = forked(EXAMPLE, 1, &[kill(before)]).expect("hog lives");
    let second = forked(EXAMPLE, 1, &[kill(after)]).expect("hog lives");
    assert_eq!(alike(&parent, &first), before);
    assert!(alike(&parent, &second) >= after);
}

#[test]
fn waits_end_early_and_late() {
    let parent = forked(EXAMPLE, 1, &[]).expect("it runs");
    let signaled = |run: &Run| {
        let fences = run.trace.iter().filter(|it| matches!(it.event, Event::FenceSignaled { .. }));
        fences.map(|it| it.at).collect::<Vec<_>>()
    };
    let submitted = parent
        .trace
        .iter()
        .find(|it| matches!(it.event, Event::JobSubmitted { .. }))
        .expect("it submits jobs")
        .at;
    let at = SimTime(submitted.0 + 1_000_000);
    let of = |choice| forked(EXAMPLE, 1, &[Fork { at, record: 0, choice }]).expect("gpu0 works");
    let first = signaled(&parent)[0];
    assert!(first > at);
    let ended = of(ForkChoice::End("gpu0".to_owned()));
    assert_eq!(signaled(&ended)[0], at);
    let late = of(ForkChoice::Delay("gpu0".to_owned(), Nanos::from_ms(50)));
    assert_eq!(signaled(&late)[0], first + Nanos::from_ms(50));
}

#[test]
fn what_cannot_be_done_is_explained() {
    for (text, expected) in [
        ("1ms:kill=hok", "no task `hok`: did you mean hog?"),
        ("1ms:kill=gpu0", "no task `gpu0`"),
        ("1ms:end=gpu0", "nothing that time ends"),
        ("3600000ms:kill=hog", "the run was over before that"),
    ] {
        let problem = forked(EXAMPLE, 1, &[fork(text)]).err().unwrap_or_default();
        assert!(problem.contains(expected), "{text}: {problem}");
    }
    // Nothing is drawn after the end.
    let late = forked(EXAMPLE, 1, &[fork("3600000ms:reseed=1")]).expect("it runs");
    assert_eq!(late.digest, forked(EXAMPLE, 1, &[]).expect("it runs").digest);
}

#[test]
fn other_chances_change_what_comes_after() {
    let parent = forked(EXAMPLE, 1, &[]).expect("it runs");
    let child = forked(EXAMPLE, 1, &[fork("0ms:reseed=1")]).expect("it runs");
    assert_ne!(parent.digest, child.digest);
}

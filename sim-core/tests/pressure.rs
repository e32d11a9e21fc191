//! Memory pressure as programs see it: triggers, and `/proc/pressure/memory`.

use sim_core::analysis::pressure_at;
use sim_core::base::{Nanos, SimTime};
use sim_core::export;
use sim_core::record::{Event, Reason, Run};
use sim_core::scenario::{RunOptions, Simulation, parse};

/// `hog` is killed and can't exit, `presser` reclaims in vain meanwhile; `oomd` kills it when
/// it is told of pressure.
fn run(kernel: &str, poll: &str) -> Run {
    let text = format!(
        "schema = 1\ntitle = 't'\nkernel = '{kernel}'\nhorizon = '20s'\n[machine]\nram = \
         '64MiB'\ncpus = 1\n[[device]]\nname = 'd'\ndriver = 'always-refuse'\napi = \
         'hlist'\n[[task]]\nname = 'oomd'\noom_score_adj = -1000\npreset = 'none'\nprogram = [{{ \
         psi_poll = {poll} }}, {{ kill = 'presser' }}]\n[[task]]\nname = 'hog'\npreset = \
         'none'\nprogram = [{{ mmap = 'm', size = '40MiB' }}, {{ register = 'd', region = 'm' }}, {{ \
         touch = 'm' }}, {{ stuck = '15s' }}]\n[[task]]\nname = 'presser'\nstart = '1s'\npreset = \
         'none'\noom_score_adj = -1000\nprogram = [{{ mmap = 'p', size = '60MiB' }}, {{ touch = 'p' \
         }}]\n"
    );
    let scenario = parse("test", &text, &[]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let run = Simulation::new(&scenario, &RunOptions::default()).expect("starts").run();
    assert!(run.findings.broken.is_none(), "{:?}", run.findings.broken);
    run
}

/// When a task first waited for this, and when that was over.
fn wait(run: &Run, name: &str, reason: Reason) -> (SimTime, Option<SimTime>) {
    let task = run.cast.tasks.iter().find(|(_, task)| task.name == name).expect("in the cast").0;
    let mut records = run.trace.iter().filter(|record| record.task == task);
    let waits = |event| matches!(event, Event::Blocked { why, .. } if Reason::from_number(why) == Some(reason));
    let from = records.find(|record| waits(record.event)).expect("it waits").at;
    let woken = records.find(|record| matches!(record.event, Event::Woken { .. }));
    (from, woken.map(|record| record.at))
}

#[test]
fn trigger_wakes_its_process_when_tasks_were_held_up_for_long_enough() {
    for (poll, full) in [
        ("'some', threshold = '150ms', window = '1s'", false),
        ("'full', threshold = '600ms', window = '2s'", true),
    ] {
        let run = run("6.1", poll);
        let (_, woken) = wait(&run, "oomd", Reason::PsiTrigger);
        let pressure = pressure_at(&run, woken.expect("it is told"));
        let (held_up, threshold, look) = if full {
            (pressure.full_ns, 600_000_000, 200_000_000)
        } else {
            (pressure.some_ns, 150_000_000, 100_000_000)
        };
        // It is looked at every tenth of a window, a jiffy or two late.
        let late = look + 10_000_000;
        assert!((threshold..threshold + late).contains(&held_up), "{poll}: {held_up}");
        let killed = run.trace.iter().any(|record| {
            matches!(record.event, Event::SignalGenerate { target } if
                run.cast.tasks[target].name == "presser")
        });
        assert!(killed, "{poll}");
    }
}

/// A task waits for its pages from a slow swap while another one computes: that is `some`. It
/// becomes `full` when the other one pauses, in which nobody who is held up has a part.
#[test]
fn window_of_a_full_trigger_begins_with_full_pressure() {
    let text = "schema = 1\ntitle = 't'\nkernel = '6.1'\nhorizon = '30s'\n[machine]\nram = \
                '64MiB'\ncpus = 1\nswap = { size = '256MiB', latency = '100ms' }\n[machine.cost]\ncontext_switch \
                = '0s'\nlock_op = '0s'\n[[task]]\nname = 'swapper'\npreset = 'none'\nprogram = [{ mmap = 'a', size = '30MiB' }, { touch \
                = 'a' }, { mmap = 'b', size = '50MiB' }, { touch = 'b' }, { munmap = 'b' }, { ready \
                = true }, { touch = 'a' }]\n[[task]]\nname = 'busy'\nstart = { after = 'swapper' \
                }\npreset = 'none'\nprogram = [{ compute = '2s' }, { ready = true }, { compute = \
                '3s' }, { pause = '20s' }]\n[[task]]\nname = 'oomd'\nstart = { after = 'busy' \
                }\npreset = 'none'\nprogram = [{ psi_poll = 'full', threshold = '600ms', window = \
                '2s' }, { exit = true }]\n";
    let scenario = parse("test", text, &[]).unwrap_or_else(|errors| panic!("{errors:#?}"));
    let run = Simulation::new(&scenario, &RunOptions::default()).expect("starts").run();
    let (asked, told) = wait(&run, "oomd", Reason::PsiTrigger);
    let (begins, _) = wait(&run, "busy", Reason::Pause);
    let some = |at| pressure_at(&run, at).some_ns;
    assert!(some(begins) > some(asked) + 2_000_000_000, "there is pressure all the time");
    let psimon = run.cast.tasks.iter().find(|(_, task)| task.name == "psimon").expect("is there").0;
    let mut looks = run
        .trace
        .iter()
        .filter(|record| record.task == psimon && matches!(record.event, Event::Woken { .. }));
    let first = looks.next().expect("it looks").at;
    assert_eq!(first - begins, Nanos::from_ms(4), "a jiffy after full pressure began");
    // 600 ms of it are seen at the fourth or fifth look, every tenth of the window.
    let told = told.expect("it is told") - first;
    assert!((600..=810).contains(&(told.0 / 1_000_000)), "{told:?}");
}

#[test]
fn without_triggers_nobody_is_told() {
    let run = run("4.19", "'some', threshold = '150ms', window = '1s'");
    assert_eq!(wait(&run, "oomd", Reason::PsiTrigger).1, None);
    assert!(run.cast.tasks.iter().all(|(_, task)| task.name != "psimon"));
}

/// Totals go on between two updates of the averages; the averages do not.
#[test]
fn proc_pressure_shows_totals_of_the_moment() {
    let run = run("6.1", "'some', threshold = '2s', window = '2s'");
    let shown = |ms: u64| {
        let text = export::pressure(&run, SimTime(ms * 1_000_000));
        let some = text.lines().next().expect("two lines").to_owned();
        let (averages, total) = some.split_once(" total=").expect("it ends with the total");
        (averages.to_owned(), total.parse::<u64>().expect("a number"))
    };
    // PSI_FREQ is two seconds and a jiffy.
    let (before, after) = (shown(2_100), shown(3_900));
    assert_eq!(before.0, after.0);
    assert!(after.1 > before.1 + 500_000, "{before:?} {after:?}");
    assert_ne!(shown(4_100).0, after.0);
}

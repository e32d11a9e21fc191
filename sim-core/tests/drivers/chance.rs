//! What a driver leaves to chance, and to whom its worker's time is put down, as the story tells it.

use crate::world::{run, scenario, victim};
use sim_core::analysis::{Index, explain, report_from};

/// The story of a victim whose buffer a driver with these lines mirrors.
fn story(lines: &str) -> String {
    let device = format!("driver = 'mine'\n[[driver]]\nname = 'mine'\n{lines}");
    let uses = "{ register = 'dev', region = 'buffer' }, { touch = ['heap', 'buffer'] },";
    let run = run(&scenario(&victim("6.1", &device, uses, "6s")), None);
    let index = Index::new(&run);
    explain(&run, &index, &report_from(&index)).join("\n")
}

#[test]
fn refusals_by_chance_are_told() {
    let overlap = "api = 'interval'\nrefuse = 'overlap'\nstart = [{ hardware = '1ms' }]";
    let busy = "while dev's hardware was in use, as it is in 80 of 100 calls";
    let told = story(&format!("{overlap}\nlucky = 20"));
    assert!(told.contains("refused") && told.contains(busy), "{told}");
    assert!(!story(overlap).contains("in use"));
    let if_needed =
        "api = 'interval'\nrefuse = 'if-needed'\nstart = [{ work = '1us' }, { fails = 90 }]";
    let told = story(if_needed);
    let fails = "while dev failed, as it does in 90 of 100 calls";
    assert!(told.contains("refused") && told.contains(fails), "{told}");
}

/// The worker frees what is pinned only once the reaper gives it something to do: until then the
/// reaper's delay is what is waited for, and no program's work.
#[test]
fn a_worker_without_work_is_not_waited_for() {
    let told = story(
        "api = 'hlist'\nlock_kind = 'spinlock'\nrefuse = 'if-needed'\npage_refs = true
start = [{ lock = 'own' }, { work = '1us' }, { unlock = 'own' }, { queue = true }]
worker = { time = '50us', unpin = true, signals = false }",
    );
    assert!(told.contains("in the delay before the reaper is told"), "{told}");
    assert!(!told.contains("programs at work"), "{told}");
}

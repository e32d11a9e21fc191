//! What lock debugging prints, line by line as the kernel does: reports of
//! recordings and of runs, but for what a run has not: offsets, addresses, a
//! module's taint, the functions that a model leaves out.

use super::{recorded_log, run};
use sim_core::export::{dmesg, lockdep};
use sim_core::scenario::gallery::find;

/// The titles of reports, and of the listing of locks.
const BEGINS: [&str; 5] = [
    "WARNING: possible circular locking dependency detected",
    "BUG: sleeping function called from invalid context",
    "BUG: scheduling in a non-blocking section",
    "INFO: task ",
    "Showing all locks held in the system:",
];

/// The lines of every report of a log, one list each, without what may differ.
fn reports(log: &str) -> Vec<Vec<String>> {
    let lines: Vec<&str> =
        log.lines().map(|line| line.split_once("] ").map_or(line, |(_, text)| text)).collect();
    let mut reports: Vec<Vec<String>> = Vec::new();
    let mut inside = false;
    let mut in_functions = false;
    for line in lines {
        let begins = BEGINS.iter().any(|begin| line.starts_with(begin));
        if begins {
            reports.push(Vec::new());
            (inside, in_functions) = (true, false);
        }
        if !inside {
            continue;
        }
        let report = reports.last_mut().expect("inside one");
        if line == " </TASK>" {
            in_functions = false;
            // Behind the first stack, but for lockdep's, which has one at its end.
            inside = false;
        }
        if line.is_empty() || line == " " {
            in_functions = false;
        }
        if !in_functions {
            report.push(plain(line));
        }
        in_functions |= line == " <TASK>" || line.starts_with("-> #");
    }
    reports
}

/// A line without addresses, places, numbers of processes and the module's taint.
fn plain(line: &str) -> String {
    let line = line.split_once("at: ").map_or(line, |(before, _)| before);
    let words: Vec<String> = line
        .split(' ')
        .map(|word| {
            let is_number = |word: &str| {
                !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit() || b == b',')
            };
            let is_hex =
                |word: &str| word.len() == 16 && word.bytes().all(|b| b.is_ascii_hexdigit());
            match word.split_once('/') {
                _ if is_hex(word) => "ADDRESS".to_owned(),
                Some((comm, pid)) if comm != "kernel" => {
                    let rest = pid.trim_start_matches(|c: char| c.is_ascii_digit());
                    format!("{comm}/N{rest}")
                }
                _ if is_number(word) => "N".to_owned(),
                _ if word.starts_with("pid:") || word.starts_with("ppid:") => "pid:N".to_owned(),
                _ => word.to_owned(),
            }
        })
        .collect();
    let mut text = words.join(" ");
    if text.starts_with("task:") {
        // Columns as wide as numbers are.
        text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    match (text.find("Tainted: G"), text.find("Not tainted")) {
        // "W", and whether a module is there or not.
        (Some(at), _) => {
            let warned = if text[at..].contains(" W ") { "warned" } else { "clean" };
            let release = if text.contains("#1") { "release" } else { "" };
            format!("{}{warned} {release}", text[..at].replace("6.1.192 #1 ", "release "))
        }
        (_, Some(at)) => {
            let release = if text.contains("#1") { "release" } else { "" };
            format!("{}clean {release}", text[..at].replace("6.1.192 #1 ", "release "))
        }
        _ => {
            // INFO: task NAME:PID blocked …
            match text.strip_prefix("INFO: task ").and_then(|rest| rest.split_once(':')) {
                Some((comm, rest)) => {
                    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                    format!("INFO: task {comm}:N{rest}")
                }
                None => text,
            }
        }
    }
}

#[test]
fn reports_are_laid_out_as_the_kernel_lays_them_out() {
    let mut compared = 0;
    for (recording, end) in [
        ("L1", "l1"),
        ("L2", "l2"),
        ("L6", "l6"),
        ("L7", "l7"),
        ("N1mutex", "n1mutex"),
        ("H1", "h1"),
    ] {
        let id = format!("lockdep-6-1-{end}");
        let text = find(&id).expect("in the gallery").text;
        let (real, ours) =
            (recorded_log(recording), dmesg(&run(&id, text, &["lockdep", "non-block"])));
        let (real, ours) = (reports(&real), reports(&ours));
        assert!(!real.is_empty(), "{recording}");
        compared += real.len();
        assert_eq!(ours, real, "{recording}");
    }
    assert!(compared > 15, "{compared}");
}

/// Functions between `schedule()` and the callback.
#[test]
fn who_sleeps_for_a_mutex_is_in_its_functions() {
    let text = find("lockdep-6-1-h1").expect("in the gallery").text;
    let log = dmesg(&run("h1", text, &["lockdep", "non-block"]));
    let real = recorded_log("H1");
    for title in ["BUG: scheduling in a non-blocking section", "INFO: task oom_reaper"] {
        let top = |log: &str| {
            let from = log.find(title).expect("such a report");
            let lines = log[from..].lines().map(|line| line.split_once("] ").map_or("", |it| it.1));
            let lines = lines.skip_while(|line| *line != " <TASK>").skip(1);
            let sure = lines.filter(|line| !line.trim_start().starts_with('?'));
            let names = sure.map(|line| line.trim().split('+').next().unwrap_or("").to_owned());
            let own = names.skip_while(|name| name.starts_with("dump_stack"));
            own.take_while(|name| !name.contains("cl_start") && !name.contains("sleeps_anyway"))
                .collect::<Vec<_>>()
        };
        assert_eq!(top(&log), top(&real), "{title}");
        assert!(top(&log).len() > 3, "{title}");
    }
}

/// Names of locks and headers as they stand in public reports of 5.5 (amd-gfx, 2019), 6.12
/// (amd-gfx, February 2025) and of later kernels (linux-rdma, 2025); the rest from memory.
#[test]
fn older_kernels_have_no_wait_types_and_another_name_for_mmap_lock() {
    let text = find("lockdep-6-1-n1mutex").expect("in the gallery").text;
    let log = |kernel: &str| {
        let text = text.replace("kernel = \"6.1\"", &format!("kernel = \"{kernel}\""));
        dmesg(&run("n1", &text, &["lockdep", "non-block"]))
    };
    let (old, new) = (log("5.4"), log("6.12"));
    let newest = log("7.1");
    for (line, in_new, in_newest) in [
        (" (&mm->mmap_lock){++++}-{3:3}, at: ", true, false),
        (" (&mm->mmap_lock){++++}-{4:4}, at: ", false, true),
        (" (mmu_notifier_invalidate_range_start){+.+.}-{0:0}, at: ", true, true),
        (" (srcu){.+.+}-{0:0}, at: ", true, true),
    ] {
        assert_eq!((new.contains(line), newest.contains(line)), (in_new, in_newest), "{line}");
    }
    let hangs = find("lockdep-6-1-h1").expect("in the gallery").text;
    let state = |kernel: &str| {
        let text = hangs.replace("kernel = \"6.1\"", &format!("kernel = \"{kernel}\""));
        let log = dmesg(&run("h1", &text, &[]));
        let line = log.lines().find(|line| line.contains("task:oom_reaper "));
        line.expect("the reaper's state").to_owned()
    };
    for (kernel, ends) in [
        ("6.1", " ppid:2      flags:0x00004000"),
        ("6.12", " ppid:2      flags:0x00004000"),
        ("7.1", " ppid:2      task_flags:0x208040 flags:0x00004000"),
    ] {
        let line = state(kernel);
        assert!(line.ends_with(ends), "{kernel}: {line}");
        assert_eq!(line.contains(" tgid:"), kernel != "6.1", "{line}");
    }
    for (line, in_old, in_new) in [
        (" (&mm->mmap_sem){++++}, at: ", true, false),
        (" (mmu_notifier_invalidate_range_start){+.+.}, at: ", true, false),
        (" (srcu){....}, at: ", true, false),
        (" (&mm->mmap_lock){++++}-{3:3}, at: ", false, true),
        ("preempt_count: 0, expected: 0", false, true),
        (" <TASK>", false, true),
        (" ___might_sleep", true, false),
        (" __might_resched", false, true),
        ("CPU: 0 UID: 0 PID: ", false, true),
        ("Tainted: [W]=WARN", false, true),
    ] {
        assert_eq!((old.contains(line), new.contains(line)), (in_old, in_new), "{line}");
    }
}

#[test]
fn every_lock_says_where_it_was_taken() {
    let text = find("seed-5-found-cold").expect("in the gallery").text;
    let log = dmesg(&run("cold", text, &["lockdep"]));
    assert!(log.contains("(&mm->mmap_sem){++++}, at: __vm_munmap\n"), "{log}");
    assert!(log.contains("(mmu_notifier_invalidate_range_start){+.+.}, at: unmap_vmas\n"), "{log}");
    // Whence reclaim's map leads to the notifiers': from a registration here, from boot on since 5.11.
    assert!(log.contains("        __mmu_notifier_register\n"), "{log}");
    let since = text.replace("kernel = \"5.4\"", "kernel = \"5.12\"");
    let log = dmesg(&run("cold", &since, &["lockdep"]));
    assert!(log.contains("        kmem_cache_alloc_trace\n"), "{log}");
    assert!(!log.contains("__mmu_notifier_register"), "{log}");
}

/// `lockdep_print_held_locks()`: what somebody holds who runs is not listed.
#[test]
fn locks_of_who_runs_are_counted_and_not_listed() {
    let text = |then: &str| {
        format!(
            "schema = 1
title = 't'
kernel = '6.1'
horizon = '8s'
[machine]
ram = '256MiB'
cpus = 2
[[lock]]
name = 'drv_mutex'
kind = 'mutex'
[[device]]
name = 'dev'
driver = 'always-refuse'
api = 'hlist'
[[task]]
name = 'hog'
program = [
  {{ mmap = 'a', size = '90MiB' }},
  {{ register = 'dev', region = 'a' }},
  {{ touch = 'a' }},
  {{ thread = 'stuck' }},
  {{ ready = true }},
  {{ idle = true }},
]
[[task.thread]]
name = 'stuck'
program = [{{ stuck = '6s' }}]
[[task]]
name = 'holder'
start = {{ after = 'hog' }}
program = [{{ ioctl = [{{ lock = 'drv_mutex' }}, {then}, {{ unlock = 'drv_mutex' }}] }}]
[[inject]]
at = '1s'
sysrq_f = true
"
        )
    };
    let listed = |then: &str| {
        let log = dmesg(&run("t", &text(then), &["lockdep"]));
        assert!(log.contains("1 lock held by holder/"), "{log}");
        log.contains(" #0: ") && log.contains("(drv_mutex){+.+.}-{3:3}, at: ")
    };
    assert!(listed("{ sleep = '7s' }"));
    assert!(!listed("{ compute = '7s' }"));
}

/// The stacks of a report's chain, and where it says that locks were taken: functions without their
/// offsets, one word for those of the driver.
fn places(log: &str) -> Vec<String> {
    let name = |function: &str| {
        let (name, rest) = function.split_once('+').unwrap_or((function, function));
        if rest.contains('[') || name == "device_ioctl" {
            "driver".to_owned()
        } else {
            name.to_owned()
        }
    };
    let mut places: Vec<String> = Vec::new();
    let mut in_chain = false;
    for line in log.lines() {
        let text = line.split_once("] ").map_or(line, |(_, text)| text);
        in_chain = text.starts_with("-> #") || in_chain && text.starts_with("       ");
        let place = match text.split_once("at: ") {
            Some((_, place)) => format!("at: {}", name(place)),
            None if in_chain && text.starts_with("       ") => name(text.trim()),
            None => continue,
        };
        // A driver is one function here.
        if place != "driver" || places.last() != Some(&place) {
            places.push(place);
        }
    }
    places
}

#[test]
fn chains_and_places_are_those_of_the_recordings() {
    for (recording, end) in [
        ("L1", "l1"),
        ("L2", "l2"),
        ("L3", "l3"),
        ("L6", "l6"),
        ("L7", "l7"),
        ("H1", "h1"),
        ("N1mutex", "n1mutex"),
    ] {
        let id = format!("lockdep-6-1-{end}");
        let text = find(&id).expect("in the gallery").text;
        let ours = dmesg(&run(&id, text, &["lockdep", "non-block"]));
        let (ours, real) = (places(&ours), places(&recorded_log(recording)));
        assert!(real.len() > 5, "{recording}: {real:?}");
        assert_eq!(ours, real, "{recording}");
    }
}

/// The text of `--format lockdep` has the recording's blocks in the recording's order, those of the
/// hung-task detector among them, and nothing else.
#[test]
fn lockdep_format_has_what_the_hung_task_detector_says_too() {
    let titles = |log: &str| -> Vec<String> {
        let begins = ["WARNING: possible circular", "BUG: ", "INFO: task ", "INFO: lockdep is"];
        let lines = log.lines().filter_map(|line| line.split_once("] ")).map(|(_, text)| text);
        lines
            .filter(|text| begins.iter().any(|begin| text.starts_with(begin)))
            .map(|text| text.split([':', '.', '/']).take(2).collect::<Vec<_>>().join(":"))
            .collect()
    };
    let text = find("lockdep-6-1-h1").expect("in the gallery").text;
    let ours = lockdep(&run("h1", text, &["lockdep", "non-block"]));
    assert_eq!(ours.matches("INFO: task ").count(), 6);
    let plain = |titles: Vec<String>| -> Vec<String> {
        // Numbers of processes differ.
        let unnumbered =
            |text: String| text.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        titles.into_iter().map(unnumbered).collect()
    };
    assert_eq!(plain(titles(&ours)), plain(titles(&recorded_log("H1"))));
    assert!(!ours.contains("Killed process"));
}

/// A callback that waits for a fence although it must not: up to 5.8 the scheduler alone notices, since 5.9
/// `dma_fence_wait_timeout()` says before that it may sleep. Every report names a line that the kernel has.
#[test]
fn who_waits_for_a_fence_says_so_since_5_9() {
    let text = |kernel: &str| {
        format!(
            "schema = 1
title = 't'
kernel = '{kernel}'
horizon = '8s'
[machine]
ram = '256MiB'
cpus = 2
[[driver]]
name = 'never-asks'
api = 'hlist'
refuse = 'never'
start = [{{ fences = true }}]
fence = '500ms'
[[device]]
name = 'gpu0'
driver = 'never-asks'
[[task]]
name = 'hog'
program = [{{ mmap = 'a', size = '96MiB' }}, {{ touch = 'a' }}, {{ register = 'gpu0', region = 'a' }},
  {{ ready = true }}, {{ submit = 'gpu0', region = 'a', every = '1ms', count = 100 }}, {{ stuck = '4s' }}]
[[task]]
name = 'presser'
oom_score_adj = -1000
start = {{ after = 'hog' }}
program = [{{ mmap = 'b', size = '200MiB' }}, {{ touch = 'b', rate = '400MiB/s' }}, {{ exit = true }}]
"
        )
    };
    for (kernel, site) in [
        ("5.4", None),
        ("5.12", Some("drivers/dma-buf/dma-fence.c:498\n")),
        ("6.1", Some("drivers/dma-buf/dma-fence.c:508\n")),
        ("6.12", Some("drivers/dma-buf/dma-fence.c:508\n")),
    ] {
        let log = lockdep(&run("fence", &text(kernel), &["non-block"]));
        assert!(log.contains("BUG: scheduling in a non-blocking section: oom_reaper"), "{kernel}");
        let at = log.split_once("invalid context at ").map(|(_, rest)| rest);
        assert_eq!(at.is_some(), site.is_some(), "{kernel}: {log}");
        if let (Some(at), Some(site)) = (at, site) {
            assert!(at.starts_with(site), "{kernel}: {at}");
            assert!(at.contains(" dma_fence_wait_timeout\n"), "{kernel}: {at}");
        }
        assert!(!log.contains(":0\n"), "{kernel}: {log}");
    }
}

//! `compare`: policies side by side, and how often over seeds.

use std::collections::BTreeMap;

use serde_json::Value;

use super::tool::{call, printed};

const G4: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../traces/g4-overlap-refused.toml");
const G9: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../traces/g9-block-always-deadlock.toml");
const SECOND: u64 = 1_000_000_000;

fn rows(args: &[&str]) -> Vec<Value> {
    let mut all = vec!["compare"];
    all.extend(args);
    all.extend(["--format", "json"]);
    let json: Value = serde_json::from_str(&printed(&all)).expect("one object");
    json["rows"].as_array().expect("rows").clone()
}

/// kernel-spec 4.9, with 1 GiB in place of 2 GiB: who frees what, in how
/// many attempts, what the log says, and from when the next may die.
#[test]
fn policies_differ_as_the_kernel_specification_says() {
    let gib = 262_144;
    // Pages freed by the reaper, attempts, log, whole seconds until the next victim.
    let small = 2048;
    let expected = [
        ("ignore", gib + gib / 2 + small, 1, "reaped", 0),
        ("skip-any", 0, 1, "", 1),
        ("skip-flag", 0, 1, "", 1),
        ("nonblock", gib + small, 10, "unable to reap", 1),
        ("interval", gib + small, 10, "unable to reap", 1),
        ("core-refuse", gib + small, 10, "unable to reap", 1),
        ("block-always", gib + gib / 2 + small, 1, "reaped", 5),
    ];
    let ids: Vec<_> = expected.iter().map(|row| row.0).collect();
    let found = rows(&[G4, "--policy", &ids.join(",")]);
    for ((policy, freed, attempts, log, seconds), row) in expected.into_iter().zip(&found) {
        assert_eq!(row["policy"], policy);
        assert_eq!(row["freed_by_reaper_pages"], freed, "{policy}");
        assert_eq!(row["attempts"], attempts, "{policy}");
        assert_eq!(row["log"].as_str().unwrap_or_default(), log, "{policy}");
        let next = row["next_victim_after_ns"].as_u64().expect("a time");
        assert_eq!(next / SECOND, seconds, "{policy}");
        let is_stale =
            row["flags"].as_array().is_some_and(|flags| flags.contains(&"stale-access".into()));
        assert_eq!(is_stale, policy == "ignore");
    }
    let found = rows(&[G9, "--policy", "interval,block-always"]);
    // The delay of two seconds comes first.
    assert_eq!(found[0]["next_victim_after_ns"].as_u64().map(|ns| ns / SECOND), Some(3));
    let stuck = &found[1];
    assert_eq!((&stuck["verdict"], &stuck["danger"]), (&"deadlock".into(), &"stuck".into()));
    assert!(stuck["next_victim_after_ns"].is_null() && stuck["log"].is_null());
    let text = stuck["danger_text"].as_str().expect("words");
    let cycle = "oom_reaper → gpu0 (a fence) → gpu0/worker (the signal of a fence) → mem-hog (m) → oom_reaper \
                 (a page, by the reaper)";
    assert!(text.ends_with(cycle), "{text}");
    // And `run` names the same.
    let run = printed(&["run", G9]);
    assert!(run.contains(&format!("oom_reaper could never go on: {cycle}.")), "{run}");
}

/// The table of kernel-spec 4.9 with its own sizes: 2 GiB of the victim's own, 512 MiB that a device uses
/// for five seconds. Unmapping the former takes a quarter of a second on top of the table's times.
#[test]
fn the_table_of_eras_comes_out_of_compare() {
    let (heap, all, small) = (524_288, 655_360, 400);
    // Pages freed by the reaper, attempts, log, until the next victim in ms, flags.
    let expected: [(&str, u64, u64, &str, u64, &str); 7] = [
        ("ignore", all, 1, "reaped", 328, "stale-access"),
        ("skip-any", 0, 1, "", 1000, ""),
        ("skip-flag", 0, 1, "", 1000, ""),
        ("nonblock", heap, 10, "unable to reap", 1262, ""),
        ("interval", heap, 10, "unable to reap", 1262, ""),
        ("core-refuse", heap, 10, "unable to reap", 1262, ""),
        ("block-always", all, 1, "reaped", 5042, ""),
    ];
    let ids: Vec<_> = expected.iter().map(|row| row.0).collect();
    let found = rows(&["eras-side-by-side", "--policy", &ids.join(",")]);
    assert_eq!(found.len(), expected.len());
    for ((policy, freed, attempts, log, ms, flags), row) in expected.into_iter().zip(&found) {
        assert_eq!(row["policy"], policy);
        let pages = row["freed_by_reaper_pages"].as_u64().expect("a number");
        assert!((freed..=freed + small).contains(&pages), "{policy}: {pages}");
        assert_eq!(row["attempts"], attempts, "{policy}");
        assert_eq!(row["log"].as_str().unwrap_or_default(), log, "{policy}");
        let next = row["next_victim_after_ns"].as_u64().expect("a time") / 1_000_000;
        assert!(next.abs_diff(ms) <= 5, "{policy}: {next} ms");
        let is: Vec<_> = row["flags"].as_array().expect("a list").iter().collect();
        assert_eq!(is, flags.split_terminator(' ').collect::<Vec<_>>(), "{policy}");
    }
    // Since 5.18 the reaper waits for two seconds first.
    let later = rows(&["eras-side-by-side", "--kernel", "6.1", "--policy", "interval"]);
    let next = later[0]["next_victim_after_ns"].as_u64().expect("a time") / 1_000_000;
    assert!(next.abs_diff(3262) <= 5, "{next} ms");
    // Where the fence needs memory, the reaper never comes back.
    let never = rows(&["eras-fence-needs-allocation", "--policy", "block-always"]);
    assert_eq!((&never[0]["attempts"], &never[0]["log"]), (&1.into(), &Value::Null));
    assert!(never[0]["next_victim_after_ns"].is_null());
    assert_eq!(never[0]["flags"][0], "hung-task");
    let pages = never[0]["freed_by_reaper_pages"].as_u64().expect("a number");
    assert!((heap..=heap + small).contains(&pages), "{pages}");
}

/// The cells of the table that `compare` prints, by policy.
fn cells(args: &[&str]) -> BTreeMap<String, BTreeMap<String, String>> {
    let text = printed(&[&["compare"], args].concat());
    let mut lines = text.lines().skip_while(|line| !line.starts_with("policy"));
    let split = |line: &str| -> Vec<String> {
        let cells = line.split("  ").map(str::trim).filter(|cell| !cell.is_empty());
        cells.map(str::to_owned).collect()
    };
    let heads = split(lines.next().expect("a head"));
    let rows = lines.take_while(|line| !line.is_empty()).map(|line| {
        let mut row: BTreeMap<_, _> = heads.iter().cloned().zip(split(line)).collect();
        (row.remove("policy").expect("its name"), row)
    });
    rows.collect()
}

/// kernel-spec 4.9 as people read it: each of its cells is a cell of what is printed. What it
/// rounds to "1.0 s" is that and the quarter second that unmapping 2 GiB takes.
#[test]
fn every_cell_of_the_table_of_eras_is_printed() {
    const ALL: &str = "ignore,skip-any,skip-flag,nonblock,interval,core-refuse,block-always";
    // Policy; freed, attempts, log, next victim; the same with the delay of two seconds.
    let table = [
        ("ignore", "2.5 GiB", "1", "reaped", "+327 ms", "+2.32 s"),
        ("skip-any", "0 KiB", "1", "none", "+1.00 s", "+3.00 s"),
        ("skip-flag", "0 KiB", "1", "none", "+1.00 s", "+3.00 s"),
        ("nonblock", "2 GiB", "10", "unable to reap", "+1.26 s", "+3.26 s"),
        ("interval", "2 GiB", "10", "unable to reap", "+1.26 s", "+3.26 s"),
        ("core-refuse", "2 GiB", "10", "unable to reap", "+1.26 s", "+3.26 s"),
        ("block-always", "2.5 GiB", "1", "reaped", "+5.04 s", "+5.02 s"),
    ];
    let at_once = cells(&["eras-side-by-side", "--policy", ALL]);
    let delayed = cells(&["eras-side-by-side", "--kernel", "6.1", "--policy", ALL]);
    for (policy, freed, attempts, log, next, next_delayed) in table {
        for (found, next) in [(&at_once, next), (&delayed, next_delayed)] {
            let row = &found[policy];
            let cell = |head: &str| row.get(head).map_or("", String::as_str);
            let is = [cell("freed"), cell("attempts"), cell("log"), cell("next victim")];
            assert_eq!(is, [freed, attempts, log, next], "{policy}");
            assert_eq!(cell("flags") == "stale-access", policy == "ignore", "{policy}");
        }
    }
    // The last row: a fence that needs an allocation.
    let row = &cells(&["eras-fence-needs-allocation", "--policy", "block-always"])["block-always"];
    for (head, cell) in [
        ("verdict", "deadlock"),
        ("freed", "2 GiB"),
        ("attempts", "1"),
        ("log", "none"),
        ("next victim", "never"),
        ("flags", "hung-task"),
    ] {
        assert_eq!(row[head], cell, "{head}");
    }
    let limits = ["--set", "machine.hung_task_timeout=120s", "--set", "horizon=250s"];
    let run = ["run", "eras-fence-needs-allocation", "--format", "dmesg"];
    let log = printed(&[&run[..], &limits].concat());
    let hung = log.lines().find(|line| line.contains("INFO: task oom_reaper:"));
    assert!(hung.is_some_and(|line| line.ends_with("blocked for more than 120 seconds.")), "{log}");
}

/// Seed 2289 is served once, two seconds after the kill, and deadlocks later.
#[test]
fn a_run_that_deadlocks_in_the_end_is_none_that_recovered() {
    let rare = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/rare-deadlock.toml");
    let args = ["compare", rare, "--policy", "nonblock,block-always", "--seeds", "2289..2291"];
    let text = printed(&args);
    let (_, counted) = text.split_once("6.1 block-always\n").expect("its part");
    assert!(counted.starts_with("  deadlock        1 of 2 ("), "{counted}");
    assert!(counted.contains(" in the median (1 seed)\n"), "{counted}");
}

#[test]
fn seeds_are_counted_the_same_on_any_number_of_threads() {
    let args = ["compare", "gpu-fence-overlap", "--policy", "nonblock,block-always"];
    let with = |more: &[&str]| printed(&[&args[..], &["--seeds", "3..11"], more].concat());
    let one = with(&["--jobs", "1"]);
    assert_eq!(one, with(&["--jobs", "4"]));
    assert_eq!(one, with(&[]));
    for part in [
        "Over seeds 3..11:",
        "  extra-victims   8 of 8 (100.0 %, 95 % interval 67.6 to 100.0 %)",
        // It spares a victim, and everybody waits longer.
        "block-always against nonblock, time to recovery: +",
        "block-always against nonblock, longest wait: +",
        "; smaller in 0, equal in 0, larger in 8",
    ] {
        assert!(one.contains(part), "{part}\n{one}");
    }
    // The runs shown do not depend on how many are counted.
    let table = |text: &str| text.lines().take(6).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(table(&one), table(&printed(&args)));
    let answers =
        "nonblock      no           said nothing  0 of 8 (0.0 %, 95 % interval 0.0 to 32.4 %)";
    assert!(one.contains(answers), "{one}");
}

#[test]
fn runs_part_where_the_policies_differ() {
    let text = printed(&["compare", G4, "--policy", "nonblock,block-always"]);
    // Both ask about every VMA; what first comes of it is a refusal here and a wait there.
    let parts = "ms: here gpu0 refuses victim's userptr [";
    let line = text.lines().find(|line| line.starts_with("block-always: ") && line.contains(parts));
    let line = line.unwrap_or_else(|| panic!("{text}"));
    for part in [
        ", because it must not sleep there; there oom_reaper waits for a fence",
        " in the callback of gpu0 for victim's userptr [",
        ", where it may sleep.",
    ] {
        assert!(line.contains(part), "{part}\n{line}");
    }
    // A processor more that nobody runs on decides nothing.
    let cpus = printed(&["compare", G4, "--policy", "nonblock", "--set", "machine.cpus=4,8"]);
    let same = "nonblock machine.cpus=8: never; the runs are the same.";
    assert!(cpus.contains(same), "{cpus}");
    let eras = printed(&["compare", "gpu-fence-overlap", "--kernel", "4.9,4.14,5.3,6.1"]);
    for era in ["4.9 ignore", "4.14 skip-any", "5.3 nonblock", "6.1 interval"] {
        assert!(eras.contains(era), "{eras}");
    }
    assert_eq!(eras.matches("\nlink  ").count(), 1, "{eras}");
}

#[test]
fn checkers_are_asked_and_change_nothing() {
    let args = ["compare", "d3-fence", "--policy", "interval,block-always"];
    let asked = printed(&[&args[..], &["--check", "wait-for,non-block"]].concat());
    let says = " ms, the reaper depends indirectly on gpu0/worker, which asks for a page with ";
    assert!(asked.contains("What the checkers said:\nblock-always: "), "{asked}");
    assert!(asked.contains(says), "{asked}");
    let plain = printed(&args);
    assert!(!plain.contains("What the checkers said"), "{plain}");
    let table = |text: &str| text.lines().take(5).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(table(&asked), table(&plain));
    let reports =
        &rows(&["d3-fence", "--policy", "block-always", "--check", "wait-for"])[0]["reports"];
    assert_eq!(reports.as_array().map(Vec::len), Some(1), "{reports}");
    let said = call(&[&args[..], &["--check", "lokdep"]].concat());
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""));
}

#[test]
fn its_link_verifies() {
    let text = printed(&["compare", "gpu-fence-overlap", "--policy", "interval,hand-off"]);
    let link = text.lines().find_map(|line| line.strip_prefix("link  ")).expect("a link");
    assert_eq!(printed(&["verify", link]).matches("reproduced").count(), 2);
    // Read again, it compares the same policies.
    assert_eq!(printed(&["compare", link]), text);
}

/// As the page writes it.
#[test]
fn kernels_and_checks_are_compared_by_one_link() {
    let link_of = |text: &str| {
        let link = text.lines().find_map(|line| line.strip_prefix("link  "));
        link.unwrap_or_else(|| panic!("{text}")).to_owned()
    };
    let text = printed(&["compare", "gpu-fence-overlap", "--kernel", "4.9,5.3,6.1"]);
    let link = link_of(&text);
    assert!(link.contains("&kernel=4.9&compare=kernel:5.3,kernel:6.1&"), "{link}");
    assert_eq!(printed(&["verify", &link]).matches("reproduced").count(), 3);
    assert_eq!(printed(&["compare", &link]), text);
    // One of them alone is to be chosen, and is the one that the link has.
    let said = call(&["run", &link]);
    let part = "the link compares kernel 4.9 with kernel 5.3, 6.1: choose one with --kernel";
    assert!(said.code == Some(2) && said.err.contains(part), "{}", said.err);
    let one = printed(&["link", &link, "--kernel", "5.3"]);
    let digest = one.split("digest=").nth(1).expect("a digest").get(..32).expect("32 digits");
    assert!(link.contains(&format!(",{digest},")), "{one}");
    // What is typed wins.
    let typed = printed(&["compare", &link, "--policy", "nonblock,block-always"]);
    let ours = link_of(&typed);
    assert!(ours.contains("&kernel=4.9&policy=nonblock,block-always&"), "{ours}");

    let checks = "#/v1/run?scenario=d3-fence&policy=block-always&compare=check:wait-for";
    let text = printed(&["compare", checks]);
    assert!(text.contains("\nblock-always check wait-for: "), "{text}");
    assert!(link_of(&text).contains("&policy=block-always&compare=check:wait-for&"), "{text}");
    // Two things at once are no one link.
    let grid = ["--kernel", "5.3,6.1", "--policy", "nonblock,interval"];
    let text = printed(&[&["compare", "gpu-fence-overlap"], &grid[..]].concat());
    assert_eq!(text.matches("\nlink  ").count(), 2, "{text}");
}

#[test]
fn mistakes_are_told() {
    for (args, part) in [
        (["--seeds", "9..9"], "expected A..B with A below B"),
        (["--seeds", "0..9007199254740993"], "seeds end at 9007199254740991"),
        (["--policy", "nonblok"], "no notifier policy `nonblok`"),
        (["--kernel", "6.1,9.9"], "no kernel profile `9.9`"),
    ] {
        let said = call(&["compare", "gpu-fence-overlap", args[0], args[1]]);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{args:?}");
        assert!(said.err.contains(part), "{}", said.err);
    }
}

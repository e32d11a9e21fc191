//! `run`: every format, and where it goes.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};

use serde_json::Value;
use sim_core::import::{parse_dmesg, parse_ftrace, story};

use super::tool::{call, command, printed, scratch};

/// What a recording fixes: who is killed, and after how many attempts.
const SCENARIO: &str = "capture-6-1-s6";

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[test]
fn json_has_the_fields_that_scripts_rely_on() {
    let json = printed(&["run", SCENARIO, "--seed", "7", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).expect("one object");
    let mut expected = vec![
        "scenario",
        "kernel",
        "policy",
        "seed",
        "model",
        "digest",
        "link",
        "verdict",
        "flags",
        "end_ns",
        "victims",
        "metrics",
        "incidents",
    ];
    expected.sort_unstable();
    assert_eq!(keys(&json), expected);
    let link = json["link"].as_str().expect("this run has one");
    assert!(printed(&["verify", link]).contains(json["digest"].as_str().expect("a text")));
    let mut expected = vec![
        "reap_attempts",
        "backoffs",
        "refusals",
        "gave_up",
        "reaped_pages",
        "callbacks",
        "callback_blocked_ns",
        "callback_blocked_max_ns",
        "oom_to_recovery_ns",
        "alloc_stall_ns",
        "psi_some_ns",
        "psi_full_ns",
        "stale_accesses",
        "lockdep_reports",
        "non_block_reports",
        "hung_tasks",
        "events",
    ];
    expected.sort_unstable();
    assert_eq!(keys(&json["metrics"]), expected);
    assert_eq!(keys(&json["metrics"]["alloc_stall_ns"]), ["count", "max", "p50", "p99"]);
    assert_eq!(
        keys(&json["victims"][0]),
        ["attempts", "freed_pages", "killed_ns", "pid", "skip_ns", "task"]
    );
    let incident = &json["incidents"][0];
    assert_eq!(keys(incident), ["chain", "kind", "t_ns", "task", "text"]);
    assert_eq!(keys(&incident["chain"][0]), ["kind", "since_ns", "task", "waits_on"]);
    let head = [&json["scenario"], &json["kernel"], &json["policy"], &json["verdict"]];
    assert_eq!(head, [SCENARIO, "6.1", "interval", "extra-victims"]);
    assert_eq!(
        (&json["seed"], &json["model"]),
        (&7.into(), &sim_core::record::MODEL_VERSION.into())
    );
    let digest = json["digest"].as_str().expect("text");
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    assert!(digest.len() == 32 && digest.chars().all(hex), "{digest}");
    let metrics = &json["metrics"];
    assert_eq!(metrics["reap_attempts"], 10);
    assert_eq!((&metrics["backoffs"], &metrics["refusals"]), (&10.into(), &20.into()));
    assert_eq!(json["victims"][0]["task"], "hog");
}

#[test]
fn what_never_happened_is_null() {
    let json = printed(&["run", SCENARIO, "--set", "horizon=1s", "--format", "json"]);
    let json: Value = serde_json::from_str(&json).expect("one object");
    assert!(json["metrics"]["oom_to_recovery_ns"].is_null());
    assert!(json["metrics"]["alloc_stall_ns"]["p50"].is_null());
    assert_eq!(json["metrics"]["alloc_stall_ns"]["count"], 0);
    assert_eq!(json["victims"], Value::Array(Vec::new()));
}

#[test]
fn summary_names_what_matters() {
    let text = printed(&["run", SCENARIO]);
    for part in [
        "ms hog (pid 130) was killed, the largest, which had ",
        "In 10 attempts the reaper unmapped 1.2 MiB of hog's memory",
        "it was refused 20 times, for hog's a (module) and hog's reserved (module)",
        "; then it gave up, with 92 MiB left.",
        " in the reaper's back-offs",
        "ms presser was killed too, although hog still had 92 MiB.",
        "Verdict: extra-victims. presser was killed at ",
        "digest     ",
        "link       #/v1/run?scenario=capture-6-1-s6&",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn every_story_fits_on_a_screen_and_is_in_words() {
    let list: Value = serde_json::from_str(&printed(&["list", "scenarios", "--format", "json"]))
        .expect("an array");
    for item in list.as_array().expect("an array") {
        let text = printed(&["run", item["id"].as_str().expect("an id")]);
        assert!((6..=15).contains(&text.lines().count()), "{text}");
        for word in ["Some(", "None", "TaskId", "Nanos", " record ", "::", "  "] {
            let story = text.split("\nended ").next().expect("a story");
            assert!(!story.contains(word), "{word}: {text}");
        }
    }
}

#[test]
fn story_of_a_deadlock_says_who_waits_for_whom() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../traces/g9-block-always-deadlock.toml");
    let text = printed(&["run", path]);
    for part in [
        "mem-hog needed a page in the kernel (GFP_KERNEL), and there was none: at 17.001 ms victim \
         (pid 100) was killed, the largest, which had 1 GiB.",
        "In 1 attempt the reaper unmapped nothing of victim's memory; that attempt never ended.",
        " in a wait for a fence of gpu0 while mem-hog asked for a page",
        "Verdict: deadlock [hung-task]. From 60017.001 ms on oom_reaper could never go on: oom_reaper \
         → gpu0 (a fence) → gpu0/worker (the signal of a fence) → mem-hog (m) → oom_reaper (a page, \
         by the reaper). Nor could victim/stuck, which waits for oom_reaper (lock of gpu0).",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

/// Who asked for no checker is told which would have reported; who asked for it, or for one that
/// finds nothing, is not.
#[test]
fn summary_says_which_checker_would_have_reported() {
    let told = |args: &[&str]| printed(&[&["run"], args, &["--format", "summary"]].concat());
    let unasked = "A debug kernel would say more: with --check lockdep, lockdep makes 1 report.";
    assert!(told(&["lockdep-6-1-l1"]).contains(unasked));
    assert!(!told(&["lockdep-6-1-l1", "--check", "lockdep"]).contains("A debug kernel"));
    assert!(!told(&["g1-clean-exit"]).contains("A debug kernel"));
    // They turn lockdep on, which is silent without them.
    assert!(!told(&["d3-fence", "--check", "fence-annotations"]).contains("A debug kernel"));
}

#[test]
fn trace_and_log_are_read_by_the_reader_of_recordings() {
    let trace = printed(&["run", SCENARIO, "--format", "ftrace"]);
    let log = printed(&["run", SCENARIO, "--format", "dmesg"]);
    let trace = parse_ftrace(&trace).expect("a trace");
    let log = parse_dmesg(&log);
    assert_eq!((trace.unread, log.unread), (0, 0));
    let story = story(&trace.lines, &log.lines, 0);
    let victims: Vec<_> = story.victims.iter().map(|victim| victim.name.as_str()).collect();
    assert_eq!(victims, ["hog", "presser"]);
}

#[test]
fn choices_reach_the_run() {
    let digest = |args: &[&str]| {
        let mut all = vec!["run", "gpu-fence-overlap", "--format", "json"];
        all.extend(args);
        let json: Value = serde_json::from_str(&printed(&all)).expect("one object");
        json["digest"].to_string()
    };
    let plain = digest(&["--seed", "5"]);
    assert_eq!(plain, digest(&["--seed=5", "--ties", "fifo", "--kernel", "6.1"]));
    for other in [["--policy", "nonblock"], ["--ties", "seeded"], ["--set", "machine.cpus=1"]] {
        assert_ne!(plain, digest(&["--seed", "5", other[0], other[1]]), "{other:?}");
    }
}

#[test]
fn every_profile_and_every_policy_runs() {
    for (what, option) in [("profiles", "--kernel"), ("policies", "--policy")] {
        for row in printed(&["list", what]).lines() {
            let id = row.split(' ').next().unwrap_or_default();
            let said = call(&["run", "gpu-fence-overlap", option, id, "--format", "dmesg"]);
            assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{id}");
            assert!(said.out.contains("invoked oom-killer"), "{id}");
        }
    }
}

#[test]
fn out_names_a_file() {
    let path = scratch("out.json");
    let name = path.to_str().expect("a readable path");
    let _: std::io::Result<()> = std::fs::remove_file(&path);
    let said = call(&["run", SCENARIO, "--format", "json", "--out", name]);
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (Some(0), "", ""));
    let written = std::fs::read_to_string(&path).expect("the file");
    assert_eq!(written, printed(&["run", SCENARIO, "--format", "json"]));
    let said = call(&["run", SCENARIO, "--out", "/no/such/directory/x"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.starts_with("error: writing /no/such/directory/x: "), "{}", said.err);
}

#[test]
fn reader_that_leaves_early_is_no_error() {
    let mut child = command(["run", SCENARIO, "--format", "ftrace"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut some = [0; 16];
    let mut stdout = child.stdout.take().expect("piped");
    stdout.read_exact(&mut some).expect("a header");
    drop(stdout);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn three_answers_stand_in_the_summary_when_seeds_are_counted() {
    let text = printed(&["run", "d3-fence", "--seeds", "0..8"]);
    for part in [
        "? In this run: yes, for ever; lockdep would have said nothing; over seeds 0..8: 8 of 8 (100.0 \
         %, 95 % interval 67.6 to 100.0 %).",
        "Verdicts over these seeds: deadlock 8 of 8 (",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(text.lines().count() <= 15, "{text}");
    let full =
        printed(&["run", "f4-reaper-blocked", "--check", "lockdep,non-block", "--seeds", "0..2"]);
    assert!(
        full.lines().count() <= 15 && full.contains("Of the checkers, lockdep made 1 report"),
        "{full}"
    );
    // Asking changes neither verdict nor digest, and what needs no seeds shows none.
    let alone = printed(&["run", "d3-fence"]);
    for line in ["Verdict: deadlock", "digest "] {
        let of = |text: &str| text.lines().find(|at| at.starts_with(line)).map(str::to_owned);
        assert_eq!(of(&text), of(&alone));
    }
    assert!(!alone.contains("over seeds"), "{alone}");
    let warned = printed(&["run", "lockdep-6-1-l1", "--seeds", "0..2"]);
    assert!(warned.contains("In this run: no; lockdep would have warned; over seeds 0..2: 0 of 2"));
}

#[test]
fn graph_of_an_instant_is_what_graphviz_draws() {
    let text = printed(&["run", "d3-fence", "--format", "dot", "--at", "3200ms"]);
    assert!(text.starts_with("digraph waits {"), "{text}");
    assert!(text.contains("who waits for whom at 3200.000 ms"), "{text}");
    assert!(text.contains("\"oom_reaper\" -> \"gpu0\""), "{text}");
    // Where Graphviz is installed, it has the last word.
    let dot = Command::new("dot").arg("-Tsvg").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut dot) = dot else { return };
    dot.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let drawn = dot.wait_with_output().expect("it ends");
    let svg = String::from_utf8_lossy(&drawn.stdout);
    assert!(drawn.status.success() && svg.contains("<title>oom_reaper&#45;&gt;gpu0</title>"));
}

/// The object of a run, and what was asked for besides.
fn asked(args: &[&str]) -> Value {
    let all = [&["run", "d3-fence", "--format", "json"], args].concat();
    serde_json::from_str(&printed(&all)).expect("one object")
}

#[test]
fn chains_of_an_instant_have_durations_and_stacks() {
    let json = asked(&["--at", "3200ms", "--task", "presser,oom_reaper"]);
    let (waits, chains) = (&json["waits"], json["waits"]["chains"].as_array().expect("a list"));
    assert_eq!((waits["at_ns"].as_u64(), chains.len()), (Some(3_200_000_000), 2));
    assert_eq!((&chains[0]["task"], &chains[1]["task"]), (&"presser".into(), &"oom_reaper".into()));
    let links = chains[1]["links"].as_array().expect("a list");
    let names: Vec<_> = links.iter().map(|link| link["task"].as_str().expect("text")).collect();
    assert_eq!(names, ["oom_reaper", "gpu0", "gpu0/worker", "hog/stuck"]);
    assert_eq!(links[0]["stack"][0], "dma_fence_wait");
    assert_eq!((&links[0]["parent"], &links[1]["parent"]), (&Value::Null, &0.into()));
    for link in links {
        let time = |field: &str| link[field].as_u64().expect("a number");
        assert_eq!(time("since_ns") + time("duration_ns"), 3_200_000_000, "{link}");
    }
    let text = printed(&["run", "d3-fence", "--at", "3200ms"]);
    let told = text.split("Who waits for whom at 3200.000 ms:\n").nth(1).expect("it is told");
    assert!(told.contains("\n  gpu0 [worker, 610 ms]: gpu0 is done"), "{told}");
    assert!(
        told.contains("\n    in dma_fence_wait < gpu_fence_invalidate [gpu_fence] <"),
        "{told}"
    );
    // Who was told in the reaper's chain has none of its own.
    assert!(!told.contains("\ngpu0 [") && told.contains("\npresser ["), "{told}");
}

#[test]
fn blame_sums_to_the_interval() {
    for (option, whole) in [("--blame=1s..4500ms", Some(3_500_000_000)), ("--blame", None)] {
        let json = asked(&[option]);
        let blame = &json["blame"];
        let sum = |list: &str, of: &dyn Fn(&Value) -> u64| {
            blame[list].as_array().expect("a list").iter().map(of).sum::<u64>()
        };
        let time = |value: &Value, field: &str| value[field].as_u64().expect("a number");
        let asked = whole.unwrap_or(time(&json, "end_ns") - time(&json["victims"][0], "killed_ns"));
        assert_eq!(time(blame, "to_ns") - time(blame, "from_ns"), asked, "{option}");
        assert_eq!(sum("causes", &|cause| time(cause, "ns")), asked, "{option}");
        let path = |part: &Value| time(part, "to_ns") - time(part, "from_ns");
        assert_eq!(sum("path", &path), asked, "{option}");
    }
    let text = printed(&["run", "d3-fence", "--blame=2s..3s"]);
    assert!(text.contains("\nWhat 1.00 s from 2000.000 ms to 3000.000 ms went to:\n"), "{text}");
    // Nobody is killed: there is nothing to recover from.
    let calm = printed(&["run", "d3-fence", "--set", "machine.ram=4GiB", "--blame"]);
    assert!(calm.contains("\nNobody was killed"), "{calm}");
    let calm = asked(&["--set", "machine.ram=4GiB", "--blame"]);
    assert_eq!(calm.get("blame"), Some(&Value::Null));
}

#[test]
fn cycles_that_close_at_once_show_each_its_own_tasks() {
    let json = asked(&[]);
    let cycles = json["incidents"].as_array().expect("a list").iter();
    let cycles: Vec<_> = cycles.filter(|incident| incident["kind"] == "cycle").collect();
    assert_eq!(cycles.len(), 2);
    for cycle in cycles {
        let links = cycle["chain"].as_array().expect("a list");
        let names: Vec<_> = links.iter().map(|link| link["task"].as_str().expect("text")).collect();
        let told = format!("{} → {}", names.join(" → "), names[0]);
        assert!(cycle["text"].as_str().expect("text").contains(&told), "{cycle}");
    }
}

#[test]
fn lock_debugging_without_a_report_says_so() {
    let said = call(&["run", "d3-fence", "--format", "lockdep", "--check", "wait-for"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""));
    for part in [
        "wait-for: at 2589.564 ms the reaper depends indirectly on gpu0/worker, which asks",
        "wait-for: since 3163.512 ms and for ever they wait for each other: oom_reaper",
        "note: no report in d3-fence; checked by wait-for, lockdep",
    ] {
        assert!(said.err.contains(part), "{part}\n{}", said.err);
    }
}

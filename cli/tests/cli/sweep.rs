//! `sweep` and `merge`: the same bytes however many jobs, interruptions
//! and shards there are.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::tool::{call, command, printed, scratch};

/// Two policies, two values and 16 seeds of a scenario that takes a while.
const SWEEP: [&str; 8] = [
    "sweep",
    "gpu-fence-overlap",
    "--seeds",
    "3..19",
    "--policy",
    "nonblock,interval",
    "--set",
    "machine.cpus=1,2",
];

/// Sweeps into a file of this name; what it then holds.
fn swept(name: &str, more: &[&str]) -> Vec<u8> {
    let out = text(name);
    let mut args = SWEEP.to_vec();
    args.extend(more);
    args.extend(["--out", &out]);
    let said = call(&args);
    assert_eq!((said.code, said.out.as_str()), (Some(0), ""), "{}", said.err);
    assert!(!Path::new(&format!("{out}.part")).exists(), "a finished sweep leaves no journal");
    fs::read(&out).expect("the result")
}

fn text(name: &str) -> String {
    scratch(name).into_os_string().into_string().expect("a readable path")
}

/// Begins a sweep and ends it with this signal once it has kept rows;
/// the exit code, and how many rows were kept.
fn interrupted(name: &str, signal: &str) -> (Option<i32>, usize) {
    let out = text(name);
    let journal = format!("{out}.part");
    for file in [&out, &journal] {
        let _: std::io::Result<()> = fs::remove_file(file);
    }
    let mut args = SWEEP.to_vec();
    args.extend(["--jobs", "1", "--out", &out]);
    let mut sweep = command(args).stderr(Stdio::null()).spawn().expect("the program starts");
    let rows = || fs::read_to_string(&journal).unwrap_or_default().lines().count();
    while rows() < 5 {
        assert!(sweep.try_wait().expect("a child").is_none(), "it ended before it was stopped");
    }
    let pid = sweep.id().to_string();
    assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
    let code = sweep.wait().expect("a child").code();
    (code, rows() - 1)
}

#[test]
fn jobs_change_no_byte() {
    let one = swept("jobs-1.parquet", &["--jobs", "1"]);
    assert_eq!(one[..4], *b"PAR1");
    assert!(one == swept("jobs-3.parquet", &["--jobs", "3"]));
    let csv = swept("jobs-1.csv", &["--jobs", "1"]);
    assert!(csv == swept("jobs-3.csv", &["--jobs", "3"]));
    let csv = String::from_utf8(csv).expect("text");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + 2 * 2 * 16);
    let head = "run,scenario,kernel,policy,ties,seed,machine.cpus,model,digest,verdict,flags,";
    assert!(lines[0].starts_with(head), "{}", lines[0]);
    assert!(lines[1].starts_with("0,gpu-fence-overlap,6.1,nonblock,fifo,3,1,"), "{}", lines[1]);
    assert!(lines[17].starts_with("16,gpu-fence-overlap,6.1,interval,fifo,3,1,"), "{}", lines[17]);
    assert!(lines[33].starts_with("32,gpu-fence-overlap,6.1,nonblock,fifo,3,2,"), "{}", lines[33]);
}

#[test]
fn rows_say_what_run_says() {
    let csv = String::from_utf8(swept("agree.csv", &[])).expect("text");
    let mut lines = csv.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let head = lines.next().expect("a header");
    let row = lines.nth(20).expect("the row of seed 7 under interval");
    let field = |name: &str| row[head.iter().position(|at| *at == name).expect("a column")];
    let json = printed(&[
        "run",
        "gpu-fence-overlap",
        "--seed",
        "7",
        "--policy",
        "interval",
        "--set",
        "machine.cpus=1",
        "--format",
        "json",
    ]);
    let run: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((field("seed"), field("policy")), ("7", "interval"));
    assert_eq!(run["digest"], field("digest"));
    assert_eq!(run["verdict"], field("verdict"));
    assert_eq!(run["end_ns"].to_string(), field("end_ns"));
    assert_eq!(run["victims"][0]["killed_ns"].to_string(), field("first_kill_ns"));
    for name in ["reap_attempts", "backoffs", "refusals", "reaped_pages", "psi_full_ns", "events"] {
        assert_eq!(run["metrics"][name].to_string(), field(name), "{name}");
    }
    assert_eq!(run["metrics"]["alloc_stall_ns"]["p99"].to_string(), field("alloc_stall_p99_ns"));
}

#[test]
fn killed_sweep_goes_on_where_it_was() {
    let whole = swept("whole.parquet", &[]);
    let (code, kept) = interrupted("killed.parquet", "-KILL");
    assert_eq!(code, None);
    assert!(kept >= 4 && !scratch("killed.parquet").exists());
    // As if it had been killed in the middle of a line.
    let journal = scratch("killed.parquet.part");
    let mut torn = fs::read(&journal).expect("a journal");
    torn.extend(b"[63,\"gpu-fe");
    fs::write(&journal, torn).expect("writable");
    assert!(whole == swept("killed.parquet", &["--resume"]));
}

#[test]
fn ctrl_c_keeps_what_is_done() {
    let (code, kept) = interrupted("stopped.csv", "-INT");
    assert_eq!(code, Some(130));
    let out = text("stopped.csv");
    let mut args = SWEEP.to_vec();
    args.extend(["--out", &out]);
    let said = call(&args);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("go on with --resume"), "{}", said.err);
    args[3] = "3..20";
    let said = call(&[&args[..], &["--resume"]].concat());
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("of another sweep"), "{}", said.err);
    let mut journal = String::new();
    let file = fs::File::open(scratch("stopped.csv.part"));
    file.expect("a journal").read_to_string(&mut journal).expect("text");
    assert_eq!(journal.lines().count() - 1, kept, "refusing changes nothing");
    assert!(swept("stopped.csv", &["--resume"]) == swept("unstopped.csv", &[]));
}

#[test]
fn merged_shards_are_the_whole() {
    let whole = swept("unsharded.parquet", &[]);
    let names = ["shard-0.parquet", "shard-1.parquet", "shard-2.parquet"];
    for (index, name) in names.iter().enumerate() {
        swept(name, &["--shard", &format!("{index}/3")]);
    }
    let [first, second, third] = names.map(text);
    let out = text("merged.parquet");
    let said = call(&["merge", &third, &first, &second, "--out", &out]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(whole == fs::read(&out).expect("the result"));
    assert!(said.err.contains("64 runs in"), "{}", said.err);
    let all = |line: &&str| line.contains(" 16 of 16 (100.0 %, 95 % interval 80.6 to 100.0 %)");
    assert_eq!(said.err.lines().filter(all).count(), 4, "{}", said.err);
    let said = call(&["merge", &third, &first, "--out", &out]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("a shard is missing"), "{}", said.err);
    let said = call(&["merge", &second, &first, "--out", &out]);
    assert_eq!(said.code, Some(2), "the last is missing");
    assert!(said.err.contains("64 runs, these files 42: missing"), "{}", said.err);
    let said = call(&["merge", &third, &second, "--out", &out]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains(", expected 0: a shard is missing"), "{}", said.err);
    swept("another.parquet", &["--shard", "0/3", "--set", "machine.hz=100"]);
    let other = text("another.parquet");
    let said = call(&["merge", &other, &second, "--out", &out]);
    assert!(said.err.contains("of another sweep"), "{}", said.err);
    let csv = text("jobs.csv");
    fs::write(&csv, "run\n1\n").expect("writable");
    let said = call(&["merge", &csv, "--out", &out]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("expected shards in Parquet"), "{}", said.err);
}

#[test]
fn mistakes_are_told_before_anything_runs() {
    let out = text("never.parquet");
    let tries: [(&[&str], &str); 8] = [
        (&["--seeds", "9..9"], "A below B"),
        (&["--seeds", "0..9", "--shard", "3/3"], "I from 0 to N-1"),
        (&["--seeds", "0..9", "--policy", "nonblok"], "no notifier policy"),
        (&["--seeds", "0..9", "--set", "machine.cpu=1"], "cpus"),
        (&["--seeds", "0..9", "--set", "machine.cpus=1", "--set", "machine.cpus=2"], "twice"),
        (&["--seeds", "0..9", "--kernel", "6.1,9.9"], "no kernel profile"),
        (&["--seeds", "0..9", "--policy", "nonblock,nonblock"], "nonblock is given twice"),
        (&["--seeds", "0..9", "--set", "machine.cpus=1,2,1"], "machine.cpus: 1 is given twice"),
    ];
    for (more, expected) in tries {
        let said = call(&[&["sweep", "gpu-fence-overlap", "--out", &out], more].concat());
        assert_eq!(said.code, Some(2), "{more:?}");
        assert!(said.err.contains(expected), "{more:?}: {}", said.err);
    }
    let said = call(&["sweep", "gpu-fence-overlap", "--seeds", "0..9", "--out", "x.xlsx"]);
    assert!(said.err.contains(".parquet or .csv"), "{}", said.err);
    assert!(!scratch("never.parquet.part").exists());
}

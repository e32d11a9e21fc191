//! Kernel logs in the formats of other eras. They are formats, written
//! after the kernel's sources and kernel-spec 2.5 and 3.6 and filled with
//! made-up numbers: no recordings.

use sim_core::scenario::parse;

use crate::{imported, run_of, victims};

/// Mem-Info of a machine of 1 GiB, and the header of the table.
fn memory(kernel: &str) -> String {
    format!(
        "CPU: 1 PID: 900 Comm: builder Not tainted {kernel}-generic #1\n\
         Mem-Info:\n\
         active_anon:230000 inactive_anon:100 isolated_anon:0\n\
         Node 0 DMA free:4336kB min:740kB low:924kB high:1108kB active_anon:100kB present:15992kB managed:15908kB mlocked:0kB\n\
         lowmem_reserve[]: 0 960 960 960\n\
         Node 0 DMA32 free:44000kB min:44320kB low:55400kB high:66480kB active_anon:920000kB present:1032060kB managed:1000000kB mlocked:0kB\n\
         lowmem_reserve[]: 0 0 0 0\n\
         Total swap = 0kB\n"
    )
}

/// The report of a kill of `browser` by `builder`.
fn report(
    kernel: &str,
    header: &str,
    row: impl Fn(u32, u64, u64, i16, &str) -> String,
    lines: &[&str],
) -> String {
    let mut text = format!(
        "builder invoked oom-killer: gfp_mask=0x24280ca(GFP_HIGHUSER_MOVABLE|__GFP_ZERO), order=0, oom_score_adj=0\n{}{header}\n",
        memory(kernel)
    );
    for (pid, total_vm, rss, adj, name) in [
        (1, 10_000, 900, 0, "systemd"),
        (300, 12_000, 500, -1000, "sshd"),
        (700, 400_000, 150_000, 0, "browser"),
        (900, 200_000, 70_000, 0, "builder"),
    ] {
        text.push_str(&row(pid, total_vm, rss, adj, name));
        text.push('\n');
    }
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text
}

fn old_row(pid: u32, total_vm: u64, rss: u64, adj: i16, name: &str) -> String {
    format!("[{pid:5}]     0 {pid:5} {total_vm:8} {rss:8}      20       4        0 {adj:13} {name}")
}

fn middle_row(pid: u32, total_vm: u64, rss: u64, adj: i16, name: &str) -> String {
    format!("[{pid:7}]     0 {pid:5} {total_vm:8} {rss:8}   180224        0 {adj:13} {name}")
}

fn new_row(pid: u32, total_vm: u64, rss: u64, adj: i16, name: &str) -> String {
    let row = format!("{rss:8} {rss:8}        0         0");
    format!("[{pid:7}]     0 {pid:5} {total_vm:8} {row}   180224        0 {adj:13} {name}")
}

const OLD: &str =
    "[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name";
const MIDDLE: &str =
    "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name";
const NEW: &str = "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name";
const SIZES: &str = "total-vm:1600000kB, anon-rss:600000kB, file-rss:4kB, shmem-rss:0kB";

/// The same incident as each era prints it.
fn eras() -> Vec<(&'static str, String)> {
    let reaped =
        "oom_reaper: reaped process 700 (browser), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB";
    let chosen = "Out of memory: Kill process 700 (browser) score 588 or sacrifice child";
    let plain = format!("Killed process 700 (browser) {SIZES}");
    let prefixed = format!("Out of memory: Killed process 700 (browser) {SIZES}");
    let full = format!("{prefixed}, UID:0 pgtables:700kB oom_score_adj:0");
    let constraint = "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=browser,pid=700,uid=0";
    vec![
        ("4.6", report("4.6.2", OLD, old_row, &[chosen, &plain, reaped])),
        ("4.9", report("4.9.0-13", OLD, old_row, &[chosen, &plain, reaped])),
        ("4.14", report("4.14.98", OLD, old_row, &[chosen, &plain, reaped])),
        ("4.16", report("4.17.3", MIDDLE, middle_row, &[chosen, &plain, reaped])),
        ("4.19", report("4.19.0-5", MIDDLE, middle_row, &[chosen, &plain, reaped])),
        ("5.3", report("5.3.0", MIDDLE, middle_row, &[constraint, &prefixed, reaped])),
        ("5.4", report("5.4.0-42", MIDDLE, middle_row, &[constraint, &full, reaped])),
        ("5.12", report("5.15.0-91", MIDDLE, middle_row, &[constraint, &full, reaped])),
        ("6.1", report("6.8.0-31", NEW, new_row, &[constraint, &full, reaped])),
        ("6.12", report("6.12.5", NEW, new_row, &[constraint, &full, reaped])),
        ("7.1", report("7.1.5", NEW, new_row, &[constraint, &full, reaped])),
    ]
}

#[test]
fn reports_of_every_era_are_read() {
    for (profile, text) in eras() {
        let imported = imported(&text);
        let scenario = parse("era", &imported.toml, &[]).expect("fit");
        assert_eq!(scenario.kernel, profile);
        let tasks: Vec<_> = scenario
            .tasks
            .iter()
            .map(|task| (task.name.as_str(), task.pid, task.oom_score_adj))
            .collect();
        assert_eq!(
            tasks,
            [
                ("browser", Some(700), Some(0)),
                ("systemd", Some(1), Some(0)),
                ("sshd", Some(300), Some(-1000)),
                ("builder", Some(900), Some(0)),
            ],
            "{profile}"
        );
        let zones: Vec<_> = scenario
            .machine
            .zones
            .iter()
            .map(|zone| (zone.managed, zone.min, zone.lowmem_reserve))
            .collect();
        assert_eq!(zones, [(3977, 185, 960), (250_000, 11_080, 0)], "{profile}");
        // It runs, and the same process dies.
        let run = victims(&run_of(&imported));
        assert_eq!(run.first().map(|(name, _)| name.as_str()), Some("browser"), "{profile}");
        assert_eq!(run.len(), 1, "{profile}: {run:?}");
    }
}

/// Whatever stands before the text of a line.
#[test]
fn logs_of_every_source_say_the_same() {
    let (_, plain) = &eras()[8];
    let expected = imported(plain).toml;
    let boot = |line: usize| format!("{:5}.{:06}", 100 + line / 10, line);
    let lines = |source: &dyn Fn(usize, &str) -> String| {
        let lines = plain.lines().enumerate().map(|(number, line)| source(number, line));
        lines.collect::<Vec<_>>().join("\n")
    };
    let stamped = lines(&|n, line| format!("[{}] {line}", boot(n)));
    let folded = |line: &str| {
        let letters: Vec<char> = line.chars().collect();
        let parts = letters.chunks(80).map(|part| part.iter().collect::<String>());
        parts.collect::<Vec<_>>().join("\n")
    };
    let mut newest_first: Vec<String> = plain
        .lines()
        .enumerate()
        .map(|(n, line)| format!("Nov 22 10:00:{:02} box kernel: {line}", n % 60))
        .collect();
    newest_first.reverse();
    let texts = [
        stamped.clone(),
        lines(&|n, line| format!("<6>[{}] {line}", boot(n))),
        lines(&|n, line| format!("[{}][  T900] {line}", boot(n))),
        lines(&|_, line| format!("[So Nov 22 10:00:00 2026] {line}")),
        lines(&|_, line| format!("nov. 22 10:00:00 bôx kernel: {line}")),
        lines(&|_, line| format!("2026-11-22T10:00:00.123456+01:00 box kernel: {line}")),
        // dmesg --time-format iso, dmesg -d, dmesg -T -d.
        lines(&|_, line| format!("2026-11-22T10:00:00,123456+01:00 {line}")),
        lines(&|n, line| format!("[{} <    0.000021>] {line}", boot(n))),
        lines(&|_, line| format!("[Sun Nov 22 10:00:00 2026 <    0.000021>] {line}")),
        // logcat -b kernel, as it is and with -v brief; makers of telephones.
        lines(&|_, line| format!("11-22 10:00:00.123     0     0 W         : {line}")),
        lines(&|_, line| format!("W/kernel  (    0): {line}")),
        lines(&|n, line| format!("<4>[{}]  (5)[900:builder]{line}", boot(n))),
        lines(&|n, line| format!("<4>[{}]  [5:        builder:  900] {line}", boot(n))),
        // What reads a console adds its date, and a build its own.
        lines(&|n, line| format!("[2026-11-22 10:00:00.123] [{}] {line}", boot(n))),
        lines(&|n, line| format!("Nov 22 10:00:00 [{}] {line}", boot(n))),
        lines(&|n, line| format!("2026-11-22T10:00:00.1234567Z [{}] {line}", boot(n))),
        lines(&|n, line| format!("node-1  | [{}] {line}", boot(n))),
        // LAVA, Ansible, fluentd.
        lines(&|n, line| {
            format!(
                "- {{\"dt\": \"2026-11-22\", \"lvl\": \"target\", \"msg\": \"[{}] {line}\"}}",
                boot(n)
            )
        }),
        lines(&|n, line| format!("        \"[{}] {line}\",", boot(n))),
        lines(&|_, line| {
            format!("2026-11-22T10:00:00+01:00\tkernel.box\t{{\"message\":\"{line}\"}}")
        }),
        // A comment, a row of a table each, a mail, a search; empty lines between.
        lines(&|_, line| format!(" * \t{line}")),
        lines(&|n, line| format!("| 10:00 | box | [{}] {line} |", boot(n))),
        lines(&|n, line| format!("> > [{}] {line}", boot(n))),
        lines(&|n, line| format!("kern.log.1:{}:[{}] {line}", n + 812, boot(n))),
        stamped.replace('\n', "\n\n"),
        // A terminal's edge, and journalctl -r.
        stamped.lines().map(folded).collect::<Vec<_>>().join("\n"),
        newest_first.join("\n"),
    ];
    for (index, text) in texts.iter().enumerate() {
        let imported = imported(text);
        let scenario = |text: &str| {
            text.lines()
                .filter(|l| !l.starts_with('#') && !l.contains("horizon") && !l.contains("stuck ="))
                .collect::<Vec<_>>()
                .join("\n")
        };
        assert_eq!(scenario(&imported.toml), scenario(&expected), "source {index}");
    }
}

#[test]
fn control_group_at_its_limit_is_one() {
    for (task_line, killed) in [
        (
            "Task in /jobs/a killed as a result of limit of /jobs",
            "Memory cgroup out of memory: Kill process 12 (worker) score 900 or sacrifice child\nKilled process 12 (worker) total-vm:90000kB, anon-rss:60000kB, file-rss:0kB, shmem-rss:0kB",
        ),
        (
            "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/jobs,task_memcg=/jobs/a,task=worker,pid=12,uid=0",
            "Memory cgroup out of memory: Killed process 12 (worker) total-vm:90000kB, anon-rss:60000kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:200kB oom_score_adj:0",
        ),
    ] {
        let text = format!(
            "worker invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n\
             {task_line}\n\
             memory: usage 102400kB, limit 102400kB, failcnt 77\n\
             {MIDDLE}\n{}\n{}\n{killed}\n",
            middle_row(12, 22_500, 15_000, 0, "worker"),
            middle_row(13, 12_500, 9_000, 0, "helper"),
        );
        let imported = imported(&text);
        let scenario = parse("memcg", &imported.toml, &[]).expect("fit");
        assert_eq!(
            scenario.cgroups.iter().map(|group| group.limit).collect::<Vec<_>>(),
            [Some(25_600)]
        );
        assert!(scenario.tasks.iter().all(|task| task.cgroup == Some(0)));
        assert_eq!(victims(&run_of(&imported))[0].0, "worker");
    }
}

/// The forms of `trace`, `trace-cmd report` and `perf script`.
#[test]
fn traces_of_every_tool_say_the_same() {
    let sizes = "pid=130 comm=hog total-vm=112096kB anon-rss=94844kB file-rss:4kB shmem-rss:448kB uid=0 pgtables=224kB oom_score_adj=0";
    let events = [
        ("presser", 132, "10.000000", "oom", "mark_victim", sizes),
        ("presser", 132, "12.010000", "oom", "wake_reaper", "pid=130"),
        ("oom_reaper", 25, "12.010100", "oom", "start_task_reaping", "pid=130"),
        ("oom_reaper", 25, "12.020100", "oom", "finish_task_reaping", "pid=130"),
    ];
    let trace: String = events
        .map(|(comm, pid, at, _, name, args)| {
            format!("{comm:>16}-{pid:<7} [000] d..2.  {at}: {name}: {args}\n")
        })
        .concat();
    let trace_cmd: String = events
        .map(|(comm, pid, at, _, name, args)| {
            format!(
                "{comm:>16}-{pid:<5} [000]  {at}: {name:<20} {args}\n",
                name = format!("{name}:")
            )
        })
        .concat();
    let perf: String = events
        .map(|(comm, pid, at, system, name, args)| {
            format!(
                "{comm:>16} {pid:>5} [000]  {at}: {name:>30}: {args}\n",
                name = format!("{system}:{name}")
            )
        })
        .concat();
    let expected = imported(&trace);
    assert_eq!(victims(&expected.story), [("hog".to_owned(), 1)]);
    assert_eq!(victims(&run_of(&expected)), [("hog".to_owned(), 1)]);
    for text in [trace_cmd, perf] {
        assert_eq!(imported(&text).toml, expected.toml, "{text}");
    }
}

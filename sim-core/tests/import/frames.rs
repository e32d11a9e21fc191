//! One report and one trace in the frames that tools, collectors and people put around their lines: what comes
//! of them is the same scenario.

use std::fmt::Write as _;

use crate::imported;

/// A report, and how many seconds after its beginning each line is printed.
const REPORT: &[(u32, &str)] = &[
    (
        0,
        "cc1plus invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=0",
    ),
    (
        0,
        "CPU: 3 UID: 1000 PID: 4711 Comm: cc1plus Not tainted 6.11.0-26-generic #26~24.04.1-Ubuntu",
    ),
    (0, "Call Trace:"),
    (0, " <TASK>"),
    (0, " out_of_memory+0x101/0x5a0"),
    (0, "Mem-Info:"),
    (
        0,
        "Node 0 DMA32 free:44000kB min:44320kB low:55400kB high:66480kB present:1032060kB managed:1000000kB mlocked:0kB",
    ),
    (0, "lowmem_reserve[]: 0 0 0 0"),
    (0, "Node 0 DMA32: 13*4kB (UE) 12*8kB (U) = 44000kB"),
    (0, "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name"),
    (0, "[    412]     0   412     4000      900    65536        0         -1000 sshd"),
    (0, "[   4711]  1000  4711   120000    98000   860160        0             0 cc1plus"),
    (0, "[   4712]  1000  4712   140000   120000  1130496        0             0 Web Content"),
    (
        0,
        "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=Web Content,pid=4712,uid=1000",
    ),
    (
        0,
        "Out of memory: Killed process 4712 (Web Content) total-vm:560000kB, anon-rss:480000kB, file-rss:0kB, shmem-rss:0kB, UID:1000 pgtables:1104kB oom_score_adj:0",
    ),
    (
        2,
        "oom_reaper: reaped process 4712 (Web Content), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
    ),
];

/// `{s}` is the line's second of two digits, `{l}` the line.
const FRAMES: &[&str] = &[
    "[  123.{s}0000] {l}",
    "2026-11-22T10:00:{s}.000001+0100 build7 kernel: {l}",
    "2026-11-22T10:00:{s}.000001+01:00 build7 kernel: [  1{s}.000000] {l}",
    "Sun 2026-11-22 10:00:{s} UTC build7 kernel: {l}",
    "kern  :err   : [Sun Nov 22 10:00:{s} 2026] {l}",
    "[日 11月 22 10:00:{s} 2026] {l}",
    "[일 11월 22 오전 10:00:{s} 2026] {l}",
    "[الأحد نوفمبر 22 10:00:{s} 2026] {l}",
    "11月 22 10:00:{s} build7 kernel: {l}",
    "<4>1 2026-11-22T10:00:{s}.5Z build7 kernel - - [timeQuality tzKnown=\"1\"] {l}",
    "<4>1 2026-11-22T10:00:{s}.5Z build7 kernel - - [timeQuality tzKnown=\"1\"] [  1{s}.000000] {l}",
    "kern.log:8104:Nov 22 10:00:{s} build7 kernel: [  1{s}.000000] {l}",
    "/var/log/messages-20261122:Nov 22 10:00:{s} build7 kernel: {l}",
    "Nov 22 10:00:{s} build7 kern.warn kernel: [  1{s}.000000] {l}",
    "2026-11-22T10:00:{s}.000001Z WARNING kernel: [  1{s}.000000] {l}",
    "<4>[  1{s}.000000][T4711] {l}",
    "<6>[  1{s}.000000] [    T4711] {l}",
    "[  1{s}.000000] [T4711@C3] {l}",
    "\"11/22/2026, 10:00:{s}.123 AM\",vm1,\"{l}\"",
    "2026-11-22T10:00:{s}Z|build7|[  1{s}.000000] {l}",
    "2026-11-22T10:00:{s}Z {host=\"build7\", job=\"kern\"} [  1{s}.000000] {l}",
    "1795338000123  [  1{s}.000000] {l}",
    "- `[  1{s}.000000] {l}`",
    "[  1{s}.000000] {l}\r",
    "[  1{s}.000000] {l}\r\r",
    "[2026-11-22 10:00:{s}] [  1{s}.000000] {l}",
    "[  1{s}.000000] {l}\n[  1{s}.000000] [UFW BLOCK] IN=eth0 OUT= SRC=1.2.3.4 DST=5.6.7.8 LEN=40 PROTO=TCP SPT=44321 DPT=22",
    "[  1{s}.000000] {l}\n[  1{s}.000000] audit: type=1701 audit(1795338000.123:41): auid=1000 pid=412 comm=\"sshd\" sig=11",
];

fn framed(frame: &str) -> String {
    let mut text = String::new();
    for (second, line) in REPORT {
        let line = frame.replace("{s}", &format!("{:02}", 10 + second)).replace("{l}", line);
        let _ = writeln!(text, "{line}");
    }
    text
}

#[test]
fn report_is_the_same_in_every_frame() {
    let expected = imported(&framed("[  1{s}.000000] {l}"));
    assert_eq!(expected.killed, ["Web Content"]);
    for told in
        ["DMA32", "\ncpus = 4\n", "6.11.0-26-generic", "comm = \"Web Content\"", "stuck = \"3s\""]
    {
        assert!(expected.toml.contains(told), "{told}\n{}", expected.toml);
    }
    for frame in FRAMES.iter().skip(1) {
        assert_eq!(imported(&framed(frame)).toml, expected.toml, "{frame}");
    }
    // Of digits behind the point, too.
    let tenths = imported(&framed(FRAMES[0]));
    assert_eq!(tenths.toml.lines().count(), expected.toml.lines().count());
}

/// Names that look like what stands around them.
const NAMES: &[&str] = &[
    "Web Content",
    "a: b [1] c",
    "(sd-pam)",
    "foo-1-2",
    "[x]",
    "x=1 pid=9",
    "é ü",
    "1234",
    "a,b:c",
    "kworker/u8:3-ev",
];

/// Who, its pid, when, of which system, and what.
type Event<'a> = (&'a str, i32, &'a str, &'a str, String);

#[test]
fn trace_is_the_same_in_every_frame_for_every_name() {
    for name in NAMES {
        let events = [
            (
                "cc1plus",
                4711,
                "13.400001",
                "oom",
                format!(
                    "mark_victim: pid=4712 comm={name} total-vm=960000kB anon-rss=480000kB file-rss:0kB shmem-rss:0kB uid=1000 pgtables=900kB oom_score_adj=0"
                ),
            ),
            ("oom_reaper", 57, "15.400401", "oom", "start_task_reaping: pid=4712".to_owned()),
            ("oom_reaper", 57, "15.440401", "oom", "finish_task_reaping: pid=4712".to_owned()),
            (
                *name,
                4712,
                "15.500000",
                "sched",
                format!("sched_process_exit: comm={name} pid=4712 prio=120"),
            ),
        ];
        let frames: [fn(&Event<'_>) -> String; 5] = [
            |(comm, pid, at, _, event)| {
                format!("{comm:>16}-{pid:<7} [001] d..1. {at:>12}: {event}")
            },
            |(comm, pid, at, _, event)| format!("{comm:>16}-{pid:<7} [001] {at:>12}: {event}"),
            |(comm, pid, at, _, event)| {
                format!("{comm:>16}-{pid:<7} ({pid:>7}) [001] d..1. {at:>12}: {event}")
            },
            |(comm, pid, at, of, event)| {
                format!("{comm:>16} {pid:>5} [001] {at:>12}: {of}:{event}")
            },
            |(comm, pid, at, of, event)| {
                format!(
                    "{comm} {pid}/{pid} [001] {at:>12}: {of}:{event}\n\tffffffff9e4a1b2c out_of_memory+0x12c ([kernel.kallsyms])\n"
                )
            },
        ];
        let traced = |frame: &fn(&Event<'_>) -> String| {
            imported(&events.iter().map(frame).collect::<Vec<_>>().join("\n"))
        };
        let expected = traced(&frames[0]);
        assert_eq!(expected.killed, [*name], "{}", expected.toml);
        assert_eq!(expected.story.victims[0].attempts.len(), 1, "{name}");
        assert!(expected.story.process(name).is_some_and(|process| process.exits_us.len() == 1));
        for frame in &frames[1..] {
            let found = traced(frame);
            assert_eq!(found.toml, expected.toml, "{name}");
        }
    }
}

//! Logs as they stand in public bug reports: the formats of real ones, in words and numbers of our
//! own. What distinguishes them is what has broken readers before: prefixes, wraps, several reports
//! in one file, counters of large machines, control groups, and lines that are missing.

use sim_core::scenario::parse;

use crate::{imported, run_of, victims};

/// A report of 4.15 as journald prints it: the call trace in between, `nr_ptes` columns, node 1.
const JOURNALD: &str = "\
-- Logs begin at Mon 2018-03-05 09:00:01 CET, end at Mon 2018-03-05 11:00:01 CET. --
Mar 05 10:59:58 db2 kernel: postgres invoked oom-killer: gfp_mask=0x14201ca(GFP_HIGHUSER_MOVABLE|__GFP_COLD), nodemask=(null),  order=0, oom_score_adj=-900
Mar 05 10:59:58 db2 kernel: postgres cpuset=/ mems_allowed=0-1
Mar 05 10:59:58 db2 kernel: CPU: 17 PID: 2211 Comm: postgres Tainted: P           OE    4.15.0-13-generic #14-Ubuntu
Mar 05 10:59:58 db2 kernel: Hardware name: ACME Box/0ABCD, BIOS 2.1.7 06/16/2016
Mar 05 10:59:58 db2 kernel: Call Trace:
Mar 05 10:59:58 db2 kernel:  dump_stack+0x63/0x8b
Mar 05 10:59:58 db2 kernel:  dump_header+0x6e/0x285
Mar 05 10:59:58 db2 kernel:  oom_kill_process+0x22c/0x450
Mar 05 10:59:58 db2 kernel:  ? 0xffffffffc0a1b000
Mar 05 10:59:58 db2 kernel: Mem-Info:
Mar 05 10:59:58 db2 kernel: active_anon:49012345 inactive_anon:812345 isolated_anon:32
                             active_file:812 inactive_file:1024 isolated_file:0
Mar 05 10:59:58 db2 kernel: Node 0 active_anon:98024690kB inactive_anon:1624690kB all_unreclaimable? yes
Mar 05 10:59:58 db2 kernel: Node 0 DMA free:15884kB min:8kB low:20kB high:32kB present:15968kB managed:15884kB mlocked:0kB
Mar 05 10:59:58 db2 kernel: lowmem_reserve[]: 0 1800 95800 95800 95800
Mar 05 10:59:58 db2 kernel: Node 0 DMA32 free:380000kB min:1264kB low:3108kB high:4952kB present:1953000kB managed:1887000kB mlocked:0kB
Mar 05 10:59:58 db2 kernel: lowmem_reserve[]: 0 0 94000 94000 94000
Mar 05 10:59:58 db2 kernel: Node 0 Normal free:65000kB min:65960kB low:162200kB high:258440kB present:98566144kB managed:96256000kB mlocked:3648kB
Mar 05 10:59:58 db2 kernel: lowmem_reserve[]: 0 0 0 0 0
Mar 05 10:59:58 db2 kernel: Node 1 Normal free:67000kB min:67624kB low:166688kB high:265752kB present:100663296kB managed:99065000kB mlocked:0kB
Mar 05 10:59:58 db2 kernel: lowmem_reserve[]: 0 0 0 0 0
Mar 05 10:59:58 db2 kernel: Free swap  = 0kB
Mar 05 10:59:58 db2 kernel: Total swap = 8388604kB
Mar 05 10:59:58 db2 kernel: [ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
Mar 05 10:59:58 db2 kernel: [  788]     0   788     9842     1500    98304       80         -1000 systemd-udevd
Mar 05 10:59:58 db2 kernel: [ 2211]   115  2211 12000000  3500000 29360128     1200          -900 postgres
Mar 05 10:59:58 db2 kernel: [ 9034]  1001  9034 61000000 43000000 360710144  2000000             0 java
Mar 05 10:59:58 db2 kernel: Out of memory: Kill process 9034 (java) score 862 or sacrifice child
Mar 05 10:59:58 db2 kernel: Killed process 9034 (java) total-vm:244000000kB, anon-rss:172000000kB, file-rss:0kB, shmem-rss:0kB
Mar 05 11:00:01 db2 kernel: oom_reaper: reaped process 9034 (java), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB
";

/// Two reports of a container at its limit, as `dmesg -T` prints them in another language.
const CONTAINERS: &str = "\
[lun. juin  3 14:20:11 2024] node invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=996
[lun. juin  3 14:20:11 2024] CPU: 2 PID: 88123 Comm: node Not tainted 5.10.0-28-amd64 #1 Debian 5.10.209-2
[lun. juin  3 14:20:11 2024] memory: usage 524288kB, limit 524288kB, failcnt 1290
[lun. juin  3 14:20:11 2024] memory+swap: usage 524288kB, limit 9007199254740988kB, failcnt 0
[lun. juin  3 14:20:11 2024] Memory cgroup stats for /kubepods/burstable/pod1f/ab12: anon 520093696
[lun. juin  3 14:20:11 2024] Tasks state (memory values in pages):
[lun. juin  3 14:20:11 2024] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[lun. juin  3 14:20:11 2024] [  88001]     0 88001      250        1    28672        0          -998 pause
[lun. juin  3 14:20:11 2024] [  88123]  1000 88123   310000   126000  3500000        0           996 node
[lun. juin  3 14:20:11 2024] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=ab12,mems_allowed=0,oom_memcg=/kubepods/burstable/pod1f/ab12,task_memcg=/kubepods/burstable/pod1f/ab12,task=node,pid=88123,uid=1000
[lun. juin  3 14:20:11 2024] Memory cgroup out of memory: Killed process 88123 (node) total-vm:1240000kB, anon-rss:500000kB, file-rss:4000kB, shmem-rss:0kB, UID:1000 pgtables:3418kB oom_score_adj:996
[lun. juin  3 14:20:11 2024] oom_reaper: reaped process 88123 (node), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB
[lun. juin  3 14:25:40 2024] node invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=996
[lun. juin  3 14:25:40 2024] memory: usage 524288kB, limit 524288kB, failcnt 2580
[lun. juin  3 14:25:40 2024] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
[lun. juin  3 14:25:40 2024] [  90555]  1000 90555   311000   127000  3500000        0           996 node
[lun. juin  3 14:25:40 2024] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=ab12,mems_allowed=0,oom_memcg=/kubepods/burstable/pod1f/ab12,task_memcg=/kubepods/burstable/pod1f/ab12,task=node,pid=90555,uid=1000
[lun. juin  3 14:25:40 2024] Memory cgroup out of memory: Killed process 90555 (node) total-vm:1244000kB, anon-rss:504000kB, file-rss:4000kB, shmem-rss:0kB, UID:1000 pgtables:3420kB oom_score_adj:996
";

/// A desktop's 6.x, callers on: two CPUs print at once, so that lines come mixed.
const MIXED: &str = "\
[ 8812.100001][ T3301] Isolated Web Co invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=167
[ 8812.100005][    C1] usb 3-2: reset high-speed USB device number 4 using xhci_hcd
[ 8812.100009][ T3301] CPU: 5 UID: 1000 PID: 3301 Comm: Isolated Web Co Not tainted 6.12.8-arch1-1 #1
[ 8812.100042][ T3301] Node 0 Normal free:50100kB boost:0kB min:50200kB low:62750kB high:75300kB reserved_highatomic:0KB present:8126464kB managed:7912000kB mlocked:32kB
[ 8812.100050][  T412] wlan0: deauthenticating from 02:00:00:00:00:01 by local choice
[ 8812.100061][ T3301] lowmem_reserve[]: 0 0 0 0 0
[ 8812.100070][ T3301] [  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
[ 8812.100080][ T3301] [   2900]  1000  2900   900000   120000   100000    20000        0  2400000        0           100 firefox
[ 8812.100082][  T412] wlan0: disconnected
[ 8812.100085][ T3301] [   3301]  1000  3301   800000    60000    50000    10000        0  1400000        0           167 Isolated Web Co
[ 8812.100090][ T3301] [   5000]  1000  5000  2000000  1600000  1590000    10000        0 13107200        0           200 electron (main)
[ 8812.100100][ T3301] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=user.slice,mems_allowed=0,global_oom,task_memcg=/user.slice,task=electron (main),pid=5000,uid=1000
[ 8812.100120][ T3301] Out of memory: Killed process 5000 (electron (main)) total-vm:8000000kB, anon-rss:6360000kB, file-rss:40000kB, shmem-rss:0kB, UID:1000 pgtables:12800kB oom_score_adj:200
[ 8812.350000][  T60] oom_reaper: reaped process 5000 (electron (main)), now anon-rss:0kB, file-rss:32kB, shmem-rss:0kB
";

/// Allowed nodes are full although the machine is not; 4.9, on a serial console.
const CPUSET: &str = "\
<4>[  511.000100] mcnp invoked oom-killer: gfp_mask=0x24280ca(GFP_HIGHUSER_MOVABLE|__GFP_ZERO), nodemask=1, order=0, oom_score_adj=0
<6>[  511.000110] mcnp cpuset=job7 mems_allowed=1
<4>[  511.000120] CPU: 9 PID: 600 Comm: mcnp Not tainted 4.9.0-8-amd64 #1 Debian 4.9.144-3
<4>[  511.000200] Node 1 Normal free:44000kB min:45056kB low:56320kB high:67584kB present:16777216kB managed:16512000kB mlocked:0kB
<6>[  511.000300] [ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name
<6>[  511.000310] [  600]  1002   600  4200000  4100000    8100      18        0             0 mcnp
<3>[  511.000400] Out of memory: Kill process 600 (mcnp) score 990 or sacrifice child
<3>[  511.000410] Killed process 600 (mcnp) total-vm:16800000kB, anon-rss:16400000kB, file-rss:0kB, shmem-rss:0kB
";

/// Only the last line survived, as in many tickets.
const LAST_LINE: &str = "Jul  9 02:11:45 web03 kernel: [1234567.891234] Out of memory: Killed process 31337 (php-fpm) total-vm:912345kB, anon-rss:612345kB, file-rss:0kB, shmem-rss:1024kB, UID:33 pgtables:1500kB oom_score_adj:0";

/// Each with the processes it kills, in order.
const REPORTS: [(&str, &str, &[&str]); 5] = [
    ("journald", JOURNALD, &["java"]),
    ("containers", CONTAINERS, &["node"]),
    ("mixed", MIXED, &["electron (main)"]),
    ("cpuset", CPUSET, &["mcnp"]),
    ("last line", LAST_LINE, &["php-fpm"]),
];

fn names(story: &sim_core::import::Story) -> Vec<String> {
    victims(story).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn reports_of_the_field_become_scenarios_that_kill_the_same() {
    for (what, text, killed) in REPORTS {
        let found = imported(text);
        let scenario = parse(what, &found.toml, &[]);
        assert!(scenario.is_ok(), "{what}: {:#?}\n{}", scenario.err(), found.toml);
        let again = names(&run_of(&found));
        assert_eq!(again.first().map(String::as_str), Some(killed[0]), "{what}\n{}", found.toml);
    }
}

#[test]
fn line_ends_of_other_systems_change_nothing() {
    for (what, text, _) in REPORTS {
        let expected = imported(text).toml;
        assert_eq!(imported(&text.replace('\n', "\r\n")).toml, expected, "{what}");
        // A terminal's wrap is not undone, but it harms no other line.
        let spaced = text.replace('\n', "  \n\n");
        assert_eq!(imported(&spaced).toml, expected, "{what}");
    }
}

/// Lines of others do not end a table.
#[test]
fn tables_are_read_through_what_others_print() {
    let toml = imported(MIXED).toml;
    for name in ["firefox", "electron"] {
        assert!(toml.contains(name), "{name}\n{toml}");
    }
}

/// Whatever single line is missing, a scenario comes of it as long as the kill's own line is there.
#[test]
fn any_line_may_be_missing() {
    for (what, text, killed) in REPORTS {
        let lines: Vec<&str> = text.lines().collect();
        for missing in 0..lines.len() {
            if lines[missing].contains("Killed process") {
                continue;
            }
            let mut rest = lines.clone();
            rest.remove(missing);
            let found = imported(&rest.join("\n"));
            assert!(found.toml.contains(killed[0]), "{what} without line {}", missing + 1);
            let read = parse(what, &found.toml, &[]);
            assert!(read.is_ok(), "{what} without {}: {:#?}", missing + 1, read.err());
        }
    }
}

//! The report before a kill: stack, memory, zones, limits and the table of tasks.

#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them so")]

use expect_test::expect;

use super::super::dmesg;
use super::run_of;
use crate::base::{CgroupId, StackId, TaskId, ZoneId};
use crate::engine::WaitOn;
use crate::import::parse_dmesg;
use crate::record::{
    CgroupInfo, Event, Gfp, LimitDump, OomDump, OomScope, Reason, TaskDump, ZoneDump,
};

/// Of a hand-made kill, with all that its report shows.
fn dumped(kernel: &str, memcg: bool) -> String {
    let (victim, gfp, order) = (TaskId(2), Gfp::KERNEL.0, 0);
    let scope = if memcg { OomScope::Memcg } else { OomScope::Global };
    let cgroup = CgroupId(0);
    let records = [
        (1, Event::MemcgOom { cgroup, gfp, order }),
        (1, Event::OomKillProcess { victim, gfp, order, scope, report: true }),
    ];
    let mut run = run_of(kernel, &records);
    run.cast.cgroups.push(CgroupInfo {
        name: "jobs".to_owned(),
        parent: None,
        members: vec![victim],
    });
    let zone = ZoneDump {
        zone: ZoneId(0),
        index: 1,
        free: 428,
        min: 436,
        low: 545,
        high: 654,
        reserve: 0,
        reserve_dma32: 0,
        highatomic: 512,
        managed: 52_062,
        anon: 46_000,
        active_file: 3,
        inactive_file: 5,
        unevictable: 353,
        dirty: 2,
        writeback: 1,
        shmem: 1459,
        pagetables: 133,
    };
    let task = TaskDump {
        task: victim,
        uid: 1000,
        total_vm: 28_024,
        anon: 23_710,
        file: 1,
        shmem: 112,
        ptes: 54,
        pmds: 3,
        pgtables_bytes: 229_376,
        swap: 7,
        oom_score_adj: -17,
    };
    run.cast.dumps.push(OomDump {
        record: 1,
        stack: StackId(0),
        zones: if memcg {
            Vec::new()
        } else {
            vec![zone.clone(), ZoneDump { index: 0, reserve: 192, reserve_dma32: 180, ..zone }]
        },
        swap_total: 1024,
        swap_free: 1000,
        limit: memcg.then_some(LimitDump { usage: 512, limit: Some(500) }),
        tasks: vec![task],
    });
    let log = dmesg(&run);
    assert_eq!(parse_dmesg(&log).unread, 0);
    log
}

#[test]
fn report_before_a_kill_has_what_the_run_knows() {
    expect![[r#"
        [    0.001000] presser invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0
        [    0.001000] CPU: 0 PID: 132 Comm: presser Not tainted 6.1.192 #1
        [    0.001000] Call Trace:
        [    0.001000]  <TASK>
        [    0.001000]  dump_stack_lvl
        [    0.001000]  dump_header
        [    0.001000]  </TASK>
        [    0.001000] Mem-Info:
        [    0.001000] active_anon:0 inactive_anon:92000 isolated_anon:0
        [    0.001000]  active_file:6 inactive_file:10 isolated_file:0
        [    0.001000]  unevictable:706 dirty:4 writeback:2
        [    0.001000]  shmem:2918 pagetables:266
        [    0.001000]  free:856 free_pcp:0 free_cma:0
        [    0.001000] Node 0 DMA32 free:1712kB min:1744kB low:2180kB high:2616kB reserved_highatomic:2048KB active_anon:0kB inactive_anon:184000kB active_file:12kB inactive_file:20kB unevictable:1412kB writepending:12kB managed:208248kB free_pcp:0kB
        [    0.001000] lowmem_reserve[]: 0 0 0 0 0
        [    0.001000] Node 0 DMA32 free:1712kB min:1744kB low:2180kB high:2616kB reserved_highatomic:2048KB active_anon:0kB inactive_anon:184000kB active_file:12kB inactive_file:20kB unevictable:1412kB writepending:12kB managed:208248kB free_pcp:0kB
        [    0.001000] lowmem_reserve[]: 0 180 192 192 192
        [    0.001000] Free swap  = 4000kB
        [    0.001000] Total swap = 4096kB
        [    0.001000] Tasks state (memory values in pages):
        [    0.001000] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
        [    0.001000] [    130]  1000    25    28024    23823   229376        7           -17 hog
    "#]].assert_eq(&dumped("6.1", false));
    expect![[r#"
        [    0.001000] presser invoked oom-killer: gfp_mask=0x14000c0(GFP_KERNEL), order=0, oom_score_adj=0
        [    0.001000] presser cpuset=/ mems_allowed=0
        [    0.001000] CPU: 0 PID: 132 Comm: presser Not tainted 4.14.5 #1
        [    0.001000] Call Trace:
        [    0.001000]  dump_stack
        [    0.001000]  dump_header
        [    0.001000] Task in /jobs killed as a result of limit of /jobs
        [    0.001000] memory: usage 2048kB, limit 2000kB
        [    0.001000] [ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name
        [    0.001000] [  130]  1000    25    28024    23823      54       3        7           -17 hog
    "#]].assert_eq(&dumped("4.14", true));
}

#[test]
fn table_of_tasks_has_the_columns_of_its_kernel() {
    let rows = |kernel| {
        let log = dumped(kernel, false);
        let lines = log.lines().map(|line| line.split_once("] ").expect("a stamp").1);
        let rows = lines.filter(|line| line.starts_with('[') || line.starts_with("Tasks state"));
        rows.collect::<Vec<_>>().join("\n") + "\n"
    };
    expect![[r#"
        [ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name
        [  130]  1000    25    28024    23823      54       3        7           -17 hog
    "#]]
    .assert_eq(&rows("4.9"));
    expect![[r#"
        [ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name
        [  130]  1000    25    28024    23823   229376        7           -17 hog
    "#]]
    .assert_eq(&rows("4.16"));
    expect![[r#"
        Tasks state (memory values in pages):
        [  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name
        [    130]  1000    25    28024    23823    23710        1       112   229376        7           -17 hog
    "#]].assert_eq(&rows("6.12"));
    for (kernels, like) in [
        (&["4.6", "4.14"][..], "4.9"),
        (&["5.3", "5.4", "5.6", "5.12", "6.1"], "4.19"),
        (&["7.1"], "6.12"),
    ] {
        for kernel in kernels {
            assert_eq!(rows(kernel), rows(like), "{kernel}");
        }
    }
}

#[test]
fn who_can_not_be_reaped_is_dumped_with_its_stack() {
    let victim = TaskId(3);
    let unable = Event::UnableToReap { victim };
    let blocked = Event::Blocked { on: WaitOn::Time, why: Reason::Stuck as u8, stack: StackId(0) };
    expect![[r#"
        [    0.002000] oom_reaper: unable to reap pid:132 (presser)
        [    0.002000] task:presser         state:D stack:0     pid:132   ppid:1      flags:0x00004000
        [    0.002000] Call Trace:
        [    0.002000]  <TASK>
        [    0.002000]  __schedule
        [    0.002000]  schedule
        [    0.002000]  </TASK>
    "#]].assert_eq(&dmesg(&run_of("6.1", &[(1, blocked), (2, unable)])));
    let alone = "[    0.002000] oom_reaper: unable to reap pid:132 (presser)\n";
    assert_eq!(dmesg(&run_of("5.4", &[(1, blocked), (2, unable)])), alone);
    assert_eq!(dmesg(&run_of("6.1", &[(1, Event::Exited {}), (2, unable)])), alone);
}

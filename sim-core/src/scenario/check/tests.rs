//! Tests of the reader of scenario files: what a good one becomes, and
//! what a bad one is told.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes its texts so")]

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::base::{Distribution, Shape};
use crate::driver::plan::Step;
use crate::record::Gfp;
use crate::scenario::checked::{Behaviour, Refuse};

const SKETCH: &str = r#"
schema = 1
title = "GPU userptr over part of the victim"
kernel = "6.1"
[machine]
ram = "256MiB"
cpus = 2
hz = 250
cost = { zap_page = "10us" }
[[device]]
name = "gpu0"
driver = "gpu-fence"
fence = { lognormal = { median = "200ms", p99 = "5s" }, cap = "10s" }
[[task]]
name = "hog"
program = [
  { mmap = "heap", size = "128MiB" },
  { mmap = "buffers", size = "32MiB" },
  { register = "gpu0", region = "buffers", offset = "4MiB", extend = "2MiB" },
  { touch = ["heap", "buffers"], rate = "60MiB/s" },
  { thread = "stuck" },
  { ready = true },
  { submit = "gpu0", region = "buffers", every = "16ms" },
]
[[task.thread]]
name = "stuck"
program = [{ stuck = "4500ms" }]
[[task]]
name = "a-rather-long-name"
start = { after = "hog", delay = "8.7ms" }
program = [{ touch = "x" , rate = "4KiB/s" }]
"#;

fn sketch() -> String {
    let extra = "program = [{ mmap = \"x\", size = \"4KiB\", at = 0x7f00_0000_0000 }, ";
    SKETCH.replace("program = [{ touch = \"x\"", &format!("{extra}{{ touch = \"x\""))
}

fn sets(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect()
}

fn check_errors(text: &str, overrides: &[(&str, &str)], expected: &Expect) {
    let lines = match parse("x", text, &sets(overrides)) {
        Ok(_) => "no error".to_owned(),
        Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    };
    expected.assert_eq(&lines);
}

#[test]
fn names_become_indices_and_units_numbers() {
    let scenario = parse("sketch", &sketch(), &[]).expect("good");
    assert_eq!((scenario.id.as_str(), scenario.kernel.as_str()), ("sketch", "6.1"));
    assert_eq!(scenario.horizon, Nanos::from_secs(60));
    assert_eq!(scenario.machine.costs["zap_page"], Nanos::from_us(10));
    let hog = &scenario.tasks[0];
    expect![[r#"
        [
            Mmap {
                region: 0,
            },
            Mmap {
                region: 1,
            },
            Register {
                device: 0,
                region: 1,
                offset: 4194304,
                length: 31457280,
            },
            Touch {
                regions: [
                    0,
                    1,
                ],
                access: Write,
                rate: Some(
                    15360,
                ),
            },
            Thread {
                thread: 0,
            },
            Ready,
            Submit {
                device: 0,
                region: 1,
                every: Nanos(
                    16000000,
                ),
                count: None,
            },
        ]
    "#]]
    .assert_debug_eq(&hog.program);
    let late = &scenario.tasks[1];
    assert_eq!(late.comm, "a-rather-long-n");
    assert_eq!((late.start.after, late.start.delay), (Some(0), Nanos(8_700_000)));
}

#[test]
fn overrides_replace_add_and_find_items_by_name() {
    let scenario = parse(
        "x",
        &sketch(),
        &sets(&[
            ("task.hog.oom_score_adj", "-17"),
            ("machine.cost.page_fault", "26.85us"),
            ("device.gpu0.fence", "4ms"),
            ("device.0.refuse", "when-busy"),
            ("task.hog.thread.stuck.program.0.stuck", "1s"),
            ("kernel", "6.1"),
            ("horizon", "{}"),
            ("horizon", "\"10s\""),
        ]),
    )
    .expect("good");
    assert_eq!(scenario.tasks[0].oom_score_adj, Some(-17));
    assert_eq!(scenario.machine.costs["page_fault"], Nanos(26_850));
    let fence = Distribution::new(Shape::Constant(Nanos::from_ms(4)));
    assert_eq!(scenario.devices[0].fence, Some(fence));
    assert_eq!(scenario.devices[0].refuse, Some(Refuse::WhenBusy));
    assert_eq!(scenario.kernel, "6.1");
    assert_eq!(scenario.horizon, Nanos::from_secs(10));
}

#[test]
fn unknown_override_names_what_is_near() {
    let overrides = [
        ("task.hgo.oom_score_adj", "0"),
        ("machien.cost.zap_page", "1us"),
        ("machine.cost.zap_pages", "1us"),
        ("task.hog.oom_scoreadj", "0"),
        ("task.hog.name.x", "0"),
        ("task.hog.program.99.size", "1MiB"),
        ("a..b", "1"),
        ("policy", "nonblok"),
        ("machine.cpus", "many"),
    ];
    // Paths that lead nowhere are told first.
    check_errors(
        &sketch(),
        &overrides,
        &expect![[r#"
        --set:1:6: no such item `hgo`: did you mean hog?
        --set:2:1: no such path `machien`: did you mean machine?
        --set:5:15: no such path `x`: what is before it has no parts
        --set:6:18: no such item `99`: expected a position below 7
        --set:7:1: not a path `a..b=1`: expected dotted names, such as task.hog.oom_score_adj"#]],
    );
    check_errors(
        &sketch(),
        &[overrides[2], overrides[3], overrides[7], overrides[8]],
        &expect![[r#"
            --set:1:14: unknown cost `zap_pages`: did you mean zap_page?
            --set:2:10: unknown field `oom_scoreadj`: did you mean oom_score_adj?
            --set:3:8: unknown policy `nonblok`: did you mean nonblock?
            --set:4:14: wrong type `many`: expected a whole number from 1 to 64"#]],
    );
}

#[test]
fn every_complaint_has_its_place() {
    let text = r#"schema = 1
titel = "x"
kernel = 6.1
policy = "block"
horizon = "2h"
[machine]
ram = "256MB"
hz = 120
cpus = 0
cost = { zap_pgae = "1us", printk = 5 }
[[device]]
name = "gpu0"
driver = "gpu-fense"
api = "interval"
fence = { lognormal = { median = "5ms", p99 = "1ms" } }
[[device]]
name = "gpu0"
driver = "always-refuse"
fence = { uniform = { lo = "5ms" } }
[[task]]
name = "hog"
oom_score_adj = 1001
comm = "much too long for a comm"
pid = 7
start = { after = "hoggy" }
program = [
  { mmap = "heap", size = "100kB", at = 0x7f0000000010 },
  { mmap = "heap", size = "1.5KiB" },
  { touch = ["haep"], rate = "1B/s" },
  { touch = [] },
  { register = "gpu1", region = "late" },
  { mmap = "late", size = "4KiB" },
  { submit = "gpu0", region = "late", every = "0s", cuont = 3 },
  { slep = "1ms" },
  { pause = "1ms", idle = true },
  { ready = false },
  "exit",
  { thread = "stuck" },
  {},
]
[[task]]
name = "presser"
pid = 7
start = { after = "hog" }
preset = "static"
[[task.thread]]
name = "a thread"
program = [{ mmap = "x", size = "4KiB" }]
"#;
    check_errors(
        text,
        &[],
        &expect![[r#"
            x.toml:1:1: missing `title`: expected such as title = "new-title" (one line for people)
            x.toml:2:1: unknown field `titel`: did you mean title?
            x.toml:3:10: wrong type `6.1`: expected text in double quotes
            x.toml:4:10: unknown policy `"block"`: expected one of ignore, skip-any, skip-flag, nonblock, interval, interval-two-pass, core-refuse, block-always, deadline and hand-off
            x.toml:5:11: too long `"2h"`: expected at most 3600s
            x.toml:7:7: not a size `"256MB"`: expected a number and a unit, such as "64MiB" (units: B, KiB, MiB, GiB, TiB)
            x.toml:8:6: wrong value `120`: expected 100, 250, 300 or 1000
            x.toml:9:8: out of range `0`: expected a whole number from 1 to 64
            x.toml:10:10: unknown cost `zap_pgae`: did you mean zap_page?
            x.toml:10:37: not a time `5`: expected a number and a unit, such as "12.5ms" (units: ns, us, ms, s, min, h)
            x.toml:13:10: unknown driver `"gpu-fense"`: did you mean gpu-fence?
            x.toml:15:9: not a distribution `{ lognormal = { median = "5ms", p99 = "1ms" } }`: the 99th percentile (1000000 ns) is below the median (5000000 ns)
            x.toml:17:8: second `"gpu0"`: expected a name that no other has
            x.toml:19:21: missing `hi` in `{ lo = "5ms" }`: expected such as hi = "1ms" (the longest)
            x.toml:22:17: out of range `1001`: expected a whole number from -1000 to 1000
            x.toml:23:8: unfit text `"much too long for a comm"`: expected at most 15 printable characters
            x.toml:25:19: unknown task `"hoggy"`: did you mean hog?
            x.toml:27:27: not a size `"100kB"`: expected a number and a unit, such as "64MiB" (units: B, KiB, MiB, GiB, TiB)
            x.toml:27:41: not page-aligned `0x7f0000000010`: expected a multiple of 0x1000
            x.toml:28:12: second region `"heap"`: expected a name that no other region has
            x.toml:28:27: not whole pages `"1.5KiB"`: expected a multiple of 4KiB
            x.toml:29:14: unknown region `"haep"`: did you mean heap?
            x.toml:30:13: no region `[]`: expected at least one
            x.toml:31:16: unknown device `"gpu1"`: did you mean gpu0?
            x.toml:31:33: not mapped here `"late"`: expected its `mmap` before this
            x.toml:33:14: a device that it is not registered with `"gpu0"`: expected { register = "gpu0", region = … } before
            x.toml:33:47: too short `"0s"`: expected at least 1us
            x.toml:33:53: unknown field `cuont`: did you mean count?
            x.toml:34:5: unknown operation `slep`: did you mean sleep?
            x.toml:35:3: two operations in one `{ pause = "1ms", idle = true }`: expected a table for each
            x.toml:36:13: wrong value `false`: expected true, or no such field
            x.toml:37:3: no operation `"exit"`: expected a table such as { pause = "60ms" }
            x.toml:38:14: unknown thread `"stuck"`: there is none here: expected a [[task.thread]] with that name below the task
            x.toml:39:3: no operation `{}`: expected one of mmap, munmap, madvise, touch, read, write, mlock, munlock, fork, thread, alloc, free, memalloc, ioctl, lock, trylock, …
            x.toml:43:7: second pid `7`: hog has it already
            x.toml:44:9: waits forever `{ after = "hog" }`: hog never says { ready = true }
            x.toml:45:10: unknown preset `"static"`: expected one of static-elf and none
            x.toml:47:8: unfit name `"a thread"`: expected 1 to 32 letters, digits, hyphens or underscores
            x.toml:48:21: `mmap` in a thread `"x"`: expected in the task's own program only"#]],
    );
}

#[test]
fn files_that_cannot_be_read_say_why() {
    check_errors(
        "",
        &[],
        &expect![[r#"
            x.toml:1:1: missing `schema`: expected such as schema = 1 (the version of the language)
            x.toml:1:1: missing `title`: expected such as title = "new-title" (one line for people)
            x.toml:1:1: missing `kernel`: expected such as kernel = "4.6" (the kernel profile)
            x.toml:1:1: no task: expected at least one [[task]]"#]],
    );
    check_errors(
        "schema = 2\nanything = 1",
        &[],
        &expect!["x.toml:1:10: unknown schema `2`: this program reads schema 1"],
    );
    check_errors(
        "schema = 1\ntitle = \"x\nkernel = [",
        &[],
        &expect![[r#"
        x.toml:2:11: not TOML: invalid basic string, expected `"`
        x.toml:3:11: not TOML: unclosed array, expected `]`"#]],
    );
    check_errors(
        &"#".repeat(270_000),
        &[],
        &expect!["x.toml:1:1: file too long: expected at most 262144 bytes"],
    );
    check_errors(
        "schema=1\ntitle='t'\nkernel='6.1'\n[machine]\nram='1GiB'\n[[machine.zone]]\nname='DMA'",
        &[],
        &expect![[r#"
            x.toml:1:1: no task: expected at least one [[task]]
            x.toml:5:5: `ram` beside zones `'1GiB'`: expected either `ram` or `zone`, not both
            x.toml:6:1: missing `managed` in `[[machine.zone]]`: expected such as managed = 1 (pages that the allocator manages)
            x.toml:6:1: missing `min` in `[[machine.zone]]`: expected such as min = 1 (the watermark min)"#]],
    );
    let many = "[[task]]\n".repeat(501);
    let text = format!("schema=1\ntitle='t'\nkernel='6.1'\n{many}");
    let errors = parse("x", &text, &[]).expect_err("too many");
    assert_eq!(errors.len(), 50);
    let too_many = "x.toml:504:1: too many `[[task]]`: expected at most 500";
    assert!(errors.iter().any(|error| error.to_string() == too_many));
}

#[test]
fn list_that_is_never_closed_is_told_where_it_begins() {
    check_errors(
        "schema = 1\ntitle = 't'\nkernel = '6.1'\n[[task]]\nname = 'a'\n\
         program = [{ idle = true }\n\n[[task]]\nname = 'b'\nprogram = [{ idle = true }]\n",
        &[],
        &expect![
            "x.toml:6:11: not TOML `[`: never closed: expected its `]` or `}` before the next table or key"
        ],
    );
}

#[test]
fn what_can_never_happen_is_told() {
    let task = |program: &str| {
        format!(
            "schema = 1\ntitle = 't'\nkernel = '6.1'\n[[device]]\nname = 'dev'\ndriver = 'spin'\n\
             [[task]]\nname = 'a'\nprogram = [{{ mmap = 'm', size = '4KiB' }}, {program}]\n"
        )
    };
    let submit = "{ submit = 'dev', region = 'm', every = '1ms' }";
    check_errors(
        &task(submit),
        &[],
        &expect![[
            r#"x.toml:9:54: a device that it is not registered with `'dev'`: expected { register = "dev", region = … } before"#
        ]],
    );
    let registered = format!("{{ register = 'dev', region = 'm' }}, {submit}");
    check_errors(&task(&registered), &[], &expect!["no error"]);
    let waiter = "[[task]]\nname = 'b'\nstart = { after = 'a' }\nprogram = [{ idle = true }]\n";
    let told = |program: &str| {
        let text = task(&format!("{{ register = 'dev', region = 'm' }}, {program}")) + waiter;
        let errors = parse("x", &text, &[]).err().unwrap_or_default();
        errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let forever = "{ repeat = 'forever', program = [{ pause = '1s' }] }";
    for endless in [submit, "{ exit = true }", forever] {
        let late = told(&format!("{endless}, {{ ready = true }}"));
        let expected = "x.toml:12:9: waits forever `{ after = 'a' }`: \
            a never says { ready = true } before something that never ends";
        assert_eq!(late, expected, "{endless}");
        assert_eq!(told(&format!("{{ ready = true }}, {endless}")), "");
    }
}

#[test]
fn gfp_flags_of_drivers_are_known() {
    let gfp = |flags: &str| {
        let steps = format!("name = 'mine'\nstart = [{{ alloc = '{flags}' }}]");
        let scenario = parse("t", &driver(&steps, "driver = 'mine'"), &[]).expect("they are flags");
        let Behaviour::Steps(plan) = &scenario.devices[0].behaviour else { panic!("it has steps") };
        let [Step::Alloc(alloc)] = plan.start[..] else { panic!("it allocates") };
        alloc.gfp
    };
    assert_eq!(gfp("GFP_USER | __GFP_ZERO|__GFP_COMP"), Gfp::KERNEL);
    assert_eq!(
        gfp("GFP_KERNEL_ACCOUNT|__GFP_NOWARN"),
        Gfp::KERNEL.with(Gfp::ACCOUNT).with(Gfp::NOWARN)
    );
    assert!(!gfp("GFP_TRANSHUGE").has(Gfp::KSWAPD_RECLAIM));
    assert!(!gfp("GFP_TRANSHUGE_LIGHT").has(Gfp::DIRECT_RECLAIM));
}

#[test]
fn waiting_in_a_circle_is_refused() {
    let text = r#"
schema = 1
title = "t"
kernel = "6.1"
[[task]]
name = "a"
start = { after = "b" }
program = [{ ready = true }]
[[task]]
name = "b"
start = { after = "a" }
program = [{ ready = true }]
[[task]]
name = "c"
program = [{ mmap = "x", size = "4KiB", at = 0x1000000 }]
[[task]]
name = "d"
preset = "none"
program = [
  { mmap = "x", size = "8KiB", at = 0x1000000 },
  { mmap = "y", size = "8KiB", at = 0x1001000 },
]
"#;
    check_errors(
        text,
        &[],
        &expect![[r#"
        x.toml:7:9: waits forever `{ after = "b" }`: these tasks wait for each other
        x.toml:11:9: waits forever `{ after = "a" }`: these tasks wait for each other
        x.toml:15:21: no room for region `"x"`: expected it between 0x100000000 and 0x7ff000000000
        x.toml:21:12: overlapping region `"y"`: expected addresses of its own"#]],
    );
}

#[test]
fn a_static_program_has_13_vmas_besides_its_regions() {
    let scenario = parse("sketch", &sketch(), &[]).expect("good");
    for (task, gaps) in scenario.tasks.iter().zip([1, 0]) {
        assert_eq!(task.vmas.len(), 13 + gaps);
        let present = |anonymous: bool| -> u64 {
            task.vmas.iter().filter(|v| v.anonymous == anonymous).map(|v| v.present).sum()
        };
        assert_eq!((present(true), present(false)), (159, 160));
        let mut spans: Vec<(u64, u64)> = task.vmas.iter().map(|v| (v.start, v.end)).collect();
        assert!(spans.is_sorted());
        spans.extend(task.regions.iter().map(|region| (region.at, region.end())));
        spans.sort_unstable();
        assert!(spans.windows(2).all(|pair| pair[0].1 <= pair[1].0), "{spans:x?}");
    }
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}", path in "\\PC{0,20}", value in "\\PC{0,20}") {
        let _ = parse("x", &text, &[]);
        let _ = parse("x", &sketch(), &[(path, value)]);
    }

    /// Cut, doubled and shuffled pieces of a good file reach further.
    #[test]
    fn damaged_file_never_panics(
        cuts in proptest::collection::vec((0_usize..1200, 0_usize..60), 1..6),
        piece in "[0-9a-zA-Z\"={}\\[\\]., \n-]{0,12}",
    ) {
        let mut text = sketch();
        for (start, length) in cuts {
            let (start, end) = (start.min(text.len()), (start + length).min(text.len()));
            if text.is_char_boundary(start) && text.is_char_boundary(end) {
                text.replace_range(start..end, &piece);
            }
        }
        let _ = parse("x", &text, &[]);
    }
}

/// A file with a driver of its own.
fn driver(text: &str, device: &str) -> String {
    format!(
        "schema = 1\ntitle = \"t\"\nkernel = \"6.1\"\n[[lock]]\nname = \"m\"\nkind = \"mutex\"\n\
         [[driver]]\n{text}\n[[device]]\nname = \"d\"\n{device}\n[[task]]\nname = \"t\"\n"
    )
}

#[test]
fn what_is_wrong_with_a_driver_is_said_where_it_is() {
    let mine = "driver = 'mine'";
    let rows = [
        ("name = 'spin'", "driver = 'spin'"),
        ("name = 'mine'\nlike = 'i915'", mine),
        ("name = 'mine'\nlike = 'spin'\nstart = []", mine),
        ("name = 'mine'\nlike = 'spin'\napi = 'none'", mine),
        ("name = 'mine'\nstart = [{ wrok = '1ms' }]", mine),
        ("name = 'mine'\nstart = [{ work = '1ms', sleep = '1ms' }]", mine),
        ("name = 'mine'\nstart = [{ lock = 'n' }]", mine),
        ("name = 'mine'\nstart = [{ lock = 'm', mode = 'read' }, { unlock = 'm' }]", mine),
        ("name = 'mine'\nstart = [{ lock = 'own' }]", mine),
        ("name = 'mine'\nstart = [{ lock = 'm' }, { lock = 'm' }, { unlock = 'm' }]", mine),
        ("name = 'mine'\nstart = [{ unlock = 'own' }]", mine),
        ("name = 'mine'\nstart = [{ lock = 'own' }]\nend = [{ unlock = 'own' }]", mine),
        ("name = 'mine'\napi = 'hlist'\nend = [{ sleep = '1ms' }]", mine),
        ("name = 'mine'\nstart = [{ invalidation = 'begin' }]", mine),
        ("name = 'mine'\napi = 'interval'\nrange_test = false", mine),
        ("name = 'mine'\napi = 'none'\nstart = []", mine),
        ("name = 'mine'\napi = 'secondary-tlb'\nstart = [{ sleep = '1ms' }]", mine),
        ("name = 'mine'\nmap = [{ lock = 'own' }]", mine),
        ("name = 'mine'\nregister = [{ lock = 'm', how = 'trylock' }, { unlock = 'm' }]", mine),
        ("name = 'mine'\nstart = [{ flush = true }]", mine),
        ("name = 'mine'\ngfp = 'GFP_KERNEL'\nstart = []", mine),
        ("name = 'mine'\nstart = []", "driver = 'mine'\nwork = '1ms'"),
        ("name = 'mine'\nstart = []", "driver = 'mien'"),
        (
            "name = 'mine'\napi = 'hlist'\nend = [{ work = '0s' }]",
            "driver = 'mine'\napi = 'interval'",
        ),
        ("name = 'mine'", "driver = 'mine'\nworker = { lock = ['own', 'own'] }"),
        ("name = 'mine'\napi = 'hlist'\nend = [{ lock = 'm' }, { unlock = 'm' }]", mine),
        ("name = 'mine'\napi = 'hlist'\nend = [{ lock = 'own' }, { unlock = 'own' }]", mine),
        ("name = 'mine'\nstart = [{ alloc = 'GFP_KERNEL | __GFP_ZORE' }]", mine),
    ];
    let told = rows.map(|(text, device)| {
        let errors = parse("t", &driver(text, device), &[]).expect_err("it is wrong");
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        format!("{}\n", errors.join("\n"))
    });
    expect![[r#"
        t.toml:8:8: taken `'spin'`: expected a name that no driver of the program has
        t.toml:9:8: unknown driver `'i915'`: expected one of secondary-tlb, spin, kvm, trylock, gpu-fence, always-refuse, sleeps-anyway, pinned, held-across, rdma-odp, i915-4.19, i915-5.4, i915-5.15, i915-6.12, xe-6.12, xe-7.1, …
        t.toml:10:9: `start` beside `like` `[]`: expected no `like`, and steps that say all
        t.toml:10:7: wrong value `'none'`: expected hlist or interval beside `like`
        t.toml:9:12: unknown step `wrok`: did you mean work?
        t.toml:9:10: two steps in one `{ work = '1ms', sleep = '1ms' }`: expected a table for each
        t.toml:9:19: unknown lock `'n'`: expected one of m and own
        t.toml:9:31: no lock for readers `'read'`: expected no mode, or a lock of kind = "rwsem"
        t.toml:9:19: never let go `'own'`: expected an `unlock` of it here or in `end`
        t.toml:9:35: held already `'m'`: expected to let go of it before: the callback would wait for itself
        t.toml:9:21: not held `'own'`: expected a lock that was taken before
        t.toml:10:7: an end without a list `[{ unlock = 'own' }]`: expected api = "hlist": an interval hears of no end
        t.toml:10:8: `sleep` in `end` `{ sleep = '1ms' }`: expected lock, unlock, work, invalidation
        t.toml:9:9: an invalidation without end `[{ invalidation = 'begin' }]`: expected an `end` with { invalidation = "end" }
        t.toml:10:14: wrong value `false`: expected true: the core tests ranges for an interval
        t.toml:10:9: `start` without a callback `[]`: expected nothing: api = "none" has no such call
        t.toml:10:10: step of a TLB flush `{ sleep = '1ms' }`: expected one `work`: it runs under page-table locks
        t.toml:9:17: held already `'own'`: expected nothing: `map` is run under the driver's own lock
        t.toml:9:33: a lock that may fail `'trylock'`: expected `wait`: there is nobody who would be told
        t.toml:12:10: no worker `'mine'`: expected a `worker`, whom the driver's step `flush` or `queue` gives work
        t.toml:9:7: `gfp` of a driver with steps `'GFP_KERNEL'`: expected a step that says when, or `like`
        t.toml:13:8: `work` of a driver with steps `'1ms'`: expected nothing: the steps of its driver say it
        t.toml:12:10: unknown driver `'mien'`: did you mean mine?
        t.toml:14:7: no end `'interval'`: expected "hlist": an interval hears of no end, and its driver has one
        t.toml:12:27: taken twice `'own'`: expected each once: the worker would wait for itself
        t.toml:10:17: a lock that sleeps `'m'`: expected a lock of kind = "spinlock": `end` is called by those who must not sleep, too
        t.toml:13:10: a lock that sleeps, taken in `end` `'mine'`: expected a lock of kind = "spinlock": `end` is called by those who must not sleep, too
        t.toml:9:34: unknown GFP flag `__GFP_ZORE`: did you mean __GFP_ZERO or __GFP_COMP or __GFP_IO?
    "#]].assert_eq(&told.concat());
}

#[test]
fn real_drivers_can_be_named_and_changed() {
    let text = driver(
        "name = \"mine\"\nlike = \"amdgpu-5.6\"\ntimeout = \"3s\"",
        "driver = \"mine\"\nfence = \"1ms\"",
    );
    let scenario = parse("t", &text, &[]).expect("good");
    let device = &scenario.devices[0];
    assert_eq!(device.driver, "mine");
    assert!(matches!(device.behaviour, Behaviour::Archetype("gpu-fence")));
    assert_eq!(device.timeout, Some(Nanos::from_secs(3)));
    assert_eq!(device.fence, Some(Distribution::new(Shape::Constant(Nanos::from_ms(1)))));
    let text = driver("name = \"mine\"\nstart = []", "driver = \"xe-7.1\"");
    let scenario = parse("t", &text, &[]).expect("good");
    let Behaviour::Steps(plan) = &scenario.devices[0].behaviour else { panic!("it has steps") };
    assert_eq!((plan.start.len(), plan.finish.len()), (2, 4));
}

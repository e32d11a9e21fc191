//! What a bad scenario is told, and where. What is wrong with drivers is in `drivers`.

use super::*;

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
  { mmap = "heap", size = "83.2MiB" },
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
            x.toml:17:8: second use of `"gpu0"`: expected a name that no other has
            x.toml:19:21: missing `hi` in `{ lo = "5ms" }`: expected such as hi = "1ms" (the longest)
            x.toml:22:17: out of range `1001`: expected a whole number from -1000 to 1000
            x.toml:23:8: unfit text `"much too long for a comm"`: expected at most 15 printable characters
            x.toml:25:19: unknown task `"hoggy"`: did you mean hog?
            x.toml:27:27: not a size `"100kB"`: expected a number and a unit, such as "64MiB" (units: B, KiB, MiB, GiB, TiB)
            x.toml:27:41: not page-aligned `0x7f0000000010`: expected a multiple of 0x1000
            x.toml:28:12: second region `"heap"`: expected a name that no other region has
            x.toml:28:27: not whole pages `"83.2MiB"`: expected a multiple of 4KiB, such as "85200KiB"
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
            x.toml:43:7: second pid `7`: expected another, or none: hog has it already
            x.toml:44:9: waits forever `{ after = "hog" }`: hog never says { ready = true }
            x.toml:45:10: unknown preset `"static"`: expected one of static-elf and none
            x.toml:46:1: never started `[[task.thread]]`: expected { thread = "a thread" } in presser's program
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
fn what_has_no_effect_is_told() {
    let text = r#"schema = 1
title = "t"
kernel = "6.1"
horizon = "10s"
[[device]]
name = "gpu"
driver = "gpu-fence"
worker = { order = 3 }
[[device]]
name = "odp"
driver = "rdma-odp"
mapped = "on-fault"
[[task]]
name = "a"
start = "11s"
program = [
  { mmap = "m", size = "4KiB" },
  { register = "gpu", region = "m" },
  { register = "odp", region = "m" },
  { ioctl = [
    { mmap_lock = "write" },
    { submit = "gpu", region = "m", every = "1ms", count = 1 },
    { submit = "odp", region = "m", every = "1ms", count = 1 },
    { mmap_unlock = true },
    { submit = "gpu", region = "m", every = "1ms", count = 1 },
  ] },
  { thread = "one" },
  { ready = true },
]
[[task.thread]]
name = "one"
program = [{ pause = "1ms" }]
[[task.thread]]
name = "two"
program = [{ pause = "1ms" }]
[[task]]
name = "b"
start = { after = "a", delay = "10500ms" }
[[task]]
name = "c"
start = "10s"
[[inject]]
at = "10001ms"
sysrq_f = true
[[inject]]
at = "10s"
sysrq_f = true
"#;
    check_errors(
        text,
        &[],
        &expect![[r#"
        x.toml:8:20: `order` without `alloc` `3`: expected `alloc` with the allocation's flags, or no `order`
        x.toml:15:9: after the end of the run `"11s"`: expected at most the `horizon`, 10s
        x.toml:22:16: fault under mmap_lock `"gpu"`: expected `mmap_unlock` before: the fault would wait for this section
        x.toml:33:1: never started `[[task.thread]]`: expected { thread = "two" } in a's program
        x.toml:38:32: after the end of the run `"10500ms"`: expected at most the `horizon`, 10s
        x.toml:43:6: after the end of the run `"10001ms"`: expected at most the `horizon`, 10s"#]],
    );
    let all = text
        .replace("worker = { order = 3 }", "")
        .replace("[[task.thread]]\nname = \"two\"\nprogram = [{ pause = \"1ms\" }]", "");
    let all = all.replacen(
        "    { submit = \"gpu\", region = \"m\", every = \"1ms\", count = 1 },\n",
        "",
        1,
    );
    // Whoever cuts a run short does not change what is in it.
    check_errors(
        &all.replace("10s\"\n[[device]]", "20s\"\n[[device]]"),
        &[("horizon", "'10s'")],
        &expect!["no error"],
    );
    let fork = "schema = 1\ntitle = 't'\nkernel = '6.1'\n[[task]]\nname = 'a'\nparent = 'a'\n";
    check_errors(
        fork,
        &[],
        &expect![[r#"
        x.toml:6:10: its own ancestor `'a'`: expected a `parent` that it is no ancestor of: these tasks fork each other
        x.toml:6:10: never forked `'a'`: expected { fork = "a" } in a's program"#]],
    );
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
        x.toml:7:9: waits forever `{ after = "b" }`: expected one of them without `after`: these tasks wait for each other
        x.toml:11:9: waits forever `{ after = "a" }`: expected one of them without `after`: these tasks wait for each other
        x.toml:15:21: no room for region `"x"`: expected it between 0x100000000 and 0x7ff000000000
        x.toml:21:12: overlapping region `"y"`: expected addresses of its own"#]],
    );
}

//! What is typed or written wrong: exit code 2, and what to do instead.

use expect_test::{Expect, expect};

use super::tool::{call, file};

/// `err` with the path of a scratch file cut to its name.
fn check(args: &[&str], expected: &Expect) {
    let said = call(args);
    assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{args:?}\n{}", said.err);
    let directory = format!("{}/", env!("CARGO_TARGET_TMPDIR"));
    expected.assert_eq(&said.err.replace(&directory, ""));
}

#[test]
fn mistakes_in_a_file_have_line_and_column() {
    let name = file("bad.toml", "schema = 1\ntitle = \"x\"\n[machine]\nram = \"256MB\"\n");
    check(
        &["run", &name],
        &expect![[r#"
            error: bad.toml:1:1: missing `kernel`: expected such as kernel = "4.6" (the kernel profile)
            error: bad.toml:1:1: no task: expected at least one [[task]]
            error: bad.toml:4:7: not a size `"256MB"`: expected a number and a unit, such as "64MiB" (units: B, KiB, MiB, GiB, TiB)
        "#]],
    );
    let name = file("torn.toml", "schema = 1\ntitle = \n");
    check(
        &["run", &name],
        &expect![[r#"
        error: torn.toml:2:9: not TOML: string values must be quoted, expected literal string
    "#]],
    );
    let name = file("latin1.toml", b"schema = 1\ntitle = \"caf\xe9\"\n");
    check(
        &["run", &name],
        &expect![[r#"
        error: latin1.toml:2:13: not UTF-8 text (byte 0xe9); save it as UTF-8, with `iconv -f latin1 -t utf-8` for instance
    "#]],
    );
}

#[test]
fn unknown_names_are_told_with_near_ones() {
    let scenario = "capture-6-1-s6";
    check(
        &["run", "capture-6-1-s66"],
        &expect![[r#"
            error: `capture-6-1-s66` is neither a scenario of the gallery nor a file: `reaperscope list` names the scenarios; did you mean capture-6-1-s6 or capture-6-1-s6-smp?
        "#]],
    );
    check(
        &["run", "nothing.toml"],
        &expect![[r#"
        error: `nothing.toml` is neither a scenario of the gallery nor a file: `reaperscope list` names the scenarios
    "#]],
    );
    check(
        &["run", scenario, "--set", "task.hgo.oom_score_adj=1"],
        &expect![[r#"
            error: --set:1:6: no such item `hgo`: did you mean hog?
        "#]],
    );
    check(
        &["run", scenario, "--set", "machine.cost.zap_pgae=1us"],
        &expect![[r#"
            error: --set:1:14: unknown cost `zap_pgae`: did you mean zap_page?
        "#]],
    );
}

#[test]
fn unknown_kernels_and_policies_are_told() {
    for (option, wrong) in [("--kernel", "9.9"), ("--policy", "hope")] {
        let said = call(&["run", "capture-6-1-s6", option, wrong]);
        assert_eq!(said.code, Some(2));
        assert!(said.err.starts_with("error: no "), "{}", said.err);
        assert!(said.err.contains(wrong), "{}", said.err);
    }
}

#[test]
fn arguments_are_checked() {
    let scenario = "capture-6-1-s6";
    for (args, complaint) in [
        (&["run", scenario, "--seed", "9007199254740992"][..], "is not in 0..=9007199254740991"),
        (&["run", scenario, "--seed", "-1"], "invalid value '-1' for '--seed <N>'"),
        (
            &["run", scenario, "--set", "horizon"],
            "invalid value 'horizon' for '--set <PATH=VALUE>'",
        ),
        (&["run", scenario, "--format", "yaml"], "[possible values: summary, json, ftrace"),
        (&["run"], "required arguments were not provided"),
        (&["walk"], "unrecognized subcommand 'walk'"),
        (&[], "Usage: reaperscope <COMMAND>"),
    ] {
        let said = call(args);
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{args:?}");
        assert!(said.err.contains(complaint), "{args:?}: {}", said.err);
    }
    assert_eq!(call(&["run", scenario, "--seed", "9007199254740991"]).code, Some(0));
    assert_eq!(call(&["--version"]).code, Some(0));
}

#[test]
fn damaged_links_are_told() {
    check(
        &["verify", "#/v1/run?scenario=capture-6-1-s6"],
        &expect![[r#"
            error: the link has no digest= to compare with
        "#]],
    );
    check(
        &["verify", "#/v2/run?anything"],
        &expect![[r#"
        error: this link has version 2, newer than this program (1): reload or update
    "#]],
    );
    check(
        &["run", "#/v1/run?scenario=d2-direct&seed=x&policy=non&t=1"],
        &expect![[r#"
            error: the part `seed=x` of this link is damaged: expected a whole number from 0 to 9007199254740991
            error: the part `policy=non` of this link is damaged: unknown `non`: expected one of ignore, skip-any, skip-flag, nonblock, interval, interval-two-pass, core-refuse, block-always, deadline and hand-off
            error: the part `t=1` of this link is damaged: expected a number and a unit, such as "12.5ms" (units: ns, us, ms, s, min, h)
        "#]],
    );
    check(
        &["run", "#/v1/run?scenario=gone&seed=1"],
        &expect![[r#"
        error: the link's scenario `gone` is not in this gallery
    "#]],
    );
    check(
        &["run", "https://example.org/"],
        &expect![[r#"
        error: this is no link to a run: one has #/v1/run?… in it
    "#]],
    );
    check(
        &["link", "capture-6-1-s6", "--ties", "seeded"],
        &expect![[r#"
            error: a link has no word for --ties seeded: leave it out
        "#]],
    );
}

//! Tests of the reader of scenario files: what a good one becomes. What a
//! bad one is told is in `mistakes`, what concerns drivers in `drivers`.
#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes its texts so")]

mod drivers;
mod mistakes;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::base::{Distribution, Shape};
use crate::scenario::checked::Refuse;

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

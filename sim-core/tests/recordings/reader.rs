//! The reader on the recordings alone: what each tells, against what
//! its notes say.

use sim_core::import::{CountersAt, KeyKind, Story, clock_offset, parse_dmesg, parse_ftrace};

use super::compare::Psi;
use super::files::{ALL, Recording};

#[test]
fn every_line_is_read_and_the_clocks_agree() {
    for recording in ALL {
        let text = recording.trace();
        let trace = parse_ftrace(&text).expect("a trace");
        let log = parse_dmesg(recording.dmesg);
        assert_eq!((trace.unread, trace.lost, log.unread), (0, 0, 0), "{}", recording.id);
        let offset = clock_offset(&trace.lines, &log.lines).expect("a victim in both");
        // As the recordings' own summaries give it. Those of the interval
        // leak and its control have none.
        let noted = match recording.id {
            "S1-3" => -443_866,
            "S2-1" => 1_934_642,
            "S2-3" => -443_865,
            "S2stuck-3" => -423_945,
            "S3-1" => 796_092,
            "S3-3" => -443_858,
            "S3exit-3" => -443_843,
            "S4part-3" => -443_848,
            "S5part-3" => -443_879,
            "S6-1" => 272_417,
            "S6-3" => -443_863,
            "S7-3" => -443_869,
            "S8w500-3" => -443_845,
            "S8w5000-3" => -415_977,
            "S12-3" => -439_884,
            _ => continue,
        };
        // One line in the log of a busy host comes before its event.
        let slack = if recording.is_timed() { 1 } else { 250 };
        assert!((offset - noted).abs() <= slack, "{}: {offset} and {noted}", recording.id);
    }
}

/// Name, kill to wake, attempts, calls and refusals in all, drop of anon-rss in kB.
type FirstVictim<'a> = (&'a str, Option<i64>, usize, u32, u32, Option<i64>);

fn first_victim(story: &Story) -> FirstVictim<'_> {
    let victim = &story.victims[0];
    let wake = victim.wake_us.map(|wake| wake - victim.killed_us);
    let calls = victim.attempts.iter().map(|attempt| attempt.calls).sum();
    let refusals = victim.attempts.iter().map(|attempt| attempt.refusals).sum();
    let drop = victim.anon_drop().map(|drop| drop / 1024);
    (&victim.name, wake, victim.attempts.len(), calls, refusals, drop)
}

#[test]
fn stories_are_the_noted_ones() {
    let expected: [(&str, FirstVictim<'_>); 17] = [
        ("S1-3", ("hog", None, 0, 0, 0, None)),
        ("S2-1", ("hog1", None, 0, 0, 0, None)),
        ("S2-3", ("hog1", None, 0, 0, 0, None)),
        ("S2stuck-3", ("hog", Some(2_022_447), 1, 0, 0, Some(94_856))),
        ("S3-1", ("hog", Some(2_009_917), 10, 140, 140, Some(0))),
        ("S3-3", ("hog", Some(2_003_119), 10, 140, 140, Some(0))),
        ("S3exit-3", ("hog", None, 0, 0, 0, None)),
        ("S4part-3", ("hog", Some(2_009_595), 10, 160, 10, Some(4_744))),
        ("S5part-3", ("hog", Some(2_006_235), 10, 10, 10, Some(4_744))),
        ("S6-1", ("hog", Some(2_030_816), 10, 20, 20, Some(656))),
        ("S6-3", ("hog", Some(2_031_226), 10, 20, 20, Some(648))),
        ("S7-3", ("hog", Some(2_030_991), 1, 2, 0, Some(94_856))),
        ("S8w500-3", ("hog", None, 0, 0, 0, None)),
        ("S8w5000-3", ("hog", Some(2_027_138), 10, 0, 0, Some(0))),
        ("S12-3", ("hog", Some(2_022_615), 1, 0, 0, Some(94_856))),
        ("L1both-3", ("hog", Some(2_005_108), 10, 160, 140, Some(0))),
        ("L2itv-3", ("hog", Some(2_005_602), 1, 2, 0, Some(94_856))),
    ];
    for (id, expected) in expected {
        assert_eq!(first_victim(&Recording::find(id).story()), expected, "{id}");
    }
}

/// Memory pressure as `/proc/pressure/memory` had it at the end.
#[test]
fn pressure_is_the_noted_one() {
    for (id, some_us, full_us) in [
        ("S1-3", 29_249, 22_671),
        ("S3exit-3", 109_670, 61_504),
        ("S6-3", 3_053_150, 2_708_165),
        ("L1both-3", 3_042_154, 2_675_716),
    ] {
        assert_eq!(Recording::find(id).psi(), Psi { some_us, full_us }, "{id}");
    }
}

/// The leak of kernel-spec 4.5, and the same without the list notifier.
#[test]
fn counters_of_interval_notifiers_are_the_noted_ones() {
    let counters = |id| {
        let story = Recording::find(id).story();
        let seen = story.counters.iter().map(|c| (c.at, c.active, c.seq)).collect::<Vec<_>>();
        (seen, story.hangs)
    };
    let (leak, hangs) = counters("L1both-3");
    // Ten attempts of 14 calls of the list and 2 of the interval; then
    // release and unmap of everything, neither heard by the list.
    assert_eq!(leak.len(), 1 + 160 + 2 + 1);
    assert_eq!(leak[0], (CountersAt::Registered, 0, 2));
    assert_eq!(leak[160], (CountersAt::ListCall, 140, 3));
    assert_eq!(leak[162], (CountersAt::IntervalCall, 141, 3));
    assert_eq!(leak[163], (CountersAt::Removed, 140, 3));
    assert_eq!((hangs.len(), hangs[0].process.as_str()), (1, "hog"));
    let (control, hangs) = counters("L2itv-3");
    let odd = |seq| (CountersAt::IntervalCall, 1, seq);
    let even = [(CountersAt::Registered, 0, 2), (CountersAt::Removed, 0, 10)];
    assert_eq!(control, [even[0], odd(3), odd(5), odd(7), odd(9), even[1]]);
    assert_eq!(hangs, []);
    assert_eq!(counters("S5part-3"), (Vec::new(), Vec::new()));
}

#[test]
fn order_of_key_events_is_that_of_the_kernel() {
    for recording in ALL {
        let story = recording.story();
        let kinds: Vec<_> = story.events.iter().map(|event| event.kind).collect();
        let victim = &story.victims[0];
        let mut expected = vec![KeyKind::MarkVictim];
        if victim.wake_us.is_some() {
            expected.push(KeyKind::WakeReaper);
        }
        match (victim.attempts.len(), victim.attempts.first().map(|first| first.skipped)) {
            (0, _) => {}
            (1, _) => {
                expected.extend([KeyKind::StartReaping, KeyKind::Reaped, KeyKind::FinishReaping]);
            }
            (count, skipped) => {
                for _ in 0..count {
                    if skipped == Some(true) {
                        expected.push(KeyKind::SkipReaping);
                    } else {
                        expected.extend([KeyKind::StartReaping, KeyKind::FinishReaping]);
                    }
                }
                expected.extend([KeyKind::UnableToReap, KeyKind::MarkVictim]);
            }
        }
        assert_eq!(kinds, expected, "{}", recording.id);
        assert!(story.events.is_sorted_by_key(|event| event.at_us), "{}", recording.id);
    }
}

//! The reader on the recordings alone: what each tells, against what
//! its notes say.

use sim_core::import::{KeyKind, Story, clock_offset, parse_dmesg, parse_ftrace};

use super::files::{ALL, Recording};

#[test]
fn every_line_is_read_and_the_clocks_agree() {
    // Offsets as the recordings' own summaries give them.
    let noted = [-423_945, -443_858, -443_848, -443_879, -443_863];
    for (recording, noted) in ALL.iter().zip(noted) {
        let text = recording.trace();
        let trace = parse_ftrace(&text).expect("a trace");
        let log = parse_dmesg(recording.dmesg);
        assert_eq!((trace.unread, trace.lost, log.unread), (0, 0, 0), "{}", recording.id);
        let offset = clock_offset(&trace.lines, &log.lines).expect("a victim in both");
        assert!((offset - noted).abs() <= 1, "{}: {offset} and {noted}", recording.id);
    }
}

/// Name, kill to wake, attempts, refusals in all, drop of anon-rss in kB.
fn first_victim(story: &Story) -> (&str, i64, usize, u32, i64) {
    let victim = &story.victims[0];
    let wake = victim.wake_us.expect("it was woken for") - victim.killed_us;
    let refusals = victim.attempts.iter().map(|attempt| attempt.refusals).sum();
    let drop = victim.anon_drop().expect("it was reaped") / 1024;
    (&victim.name, wake, victim.attempts.len(), refusals, drop)
}

#[test]
fn stories_are_the_noted_ones() {
    let expected = [
        ("S2stuck-3", ("hog", 2_022_447, 1, 0, 94_856)),
        ("S3-3", ("hog", 2_003_119, 10, 140, 0)),
        ("S4part-3", ("hog", 2_009_595, 10, 10, 4_744)),
        ("S5part-3", ("hog", 2_006_235, 10, 10, 4_744)),
        ("S6-3", ("hog", 2_031_226, 10, 20, 648)),
    ];
    for (id, expected) in expected {
        assert_eq!(first_victim(&Recording::find(id).story()), expected, "{id}");
    }
}

#[test]
fn order_of_key_events_is_that_of_the_kernel() {
    for recording in ALL {
        let story = recording.story();
        let kinds: Vec<_> = story.events.iter().map(|event| event.kind).collect();
        let mut expected = vec![KeyKind::MarkVictim, KeyKind::WakeReaper];
        if recording.id == "S2stuck-3" {
            expected.extend([KeyKind::StartReaping, KeyKind::Reaped, KeyKind::FinishReaping]);
        } else {
            for _ in 0..10 {
                expected.extend([KeyKind::StartReaping, KeyKind::FinishReaping]);
            }
            expected.extend([KeyKind::UnableToReap, KeyKind::MarkVictim]);
        }
        assert_eq!(kinds, expected, "{}", recording.id);
        assert!(story.events.is_sorted_by_key(|event| event.at_us), "{}", recording.id);
    }
}

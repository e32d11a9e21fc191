//! What is under the pointer, and what a lane shows at an instant.

use std::cmp::Reverse;

use sim_core::analysis::{Lane, LaneOf, LaneState, Mark, Span};
use sim_core::base::{SimTime, TaskId};
use sim_core::record::Cast;

use super::palette::mark_weight;
use crate::format;
use crate::state::Cursor;
use crate::words::t;

/// The span of a lane that covers `at`.
pub fn span_at(lane: &Lane, at: u64) -> Option<&Span> {
    let index = lane.spans.partition_point(|span| span.end.0 <= at);
    lane.spans.get(index).filter(|span| span.start.0 <= at)
}

/// The span that a lane is in at the cursor: one that begins there with a record which is
/// still to happen has not begun.
pub fn span_now(lane: &Lane, now: Cursor) -> Option<&Span> {
    let index = lane.spans.partition_point(|span| span.end.0 <= now.at);
    let begun = |span: &&Span| {
        span.start.0 < now.at || span.start.0 == now.at && span.record < now.happened
    };
    let span = lane.spans.get(index).filter(|span| span.start.0 <= now.at)?;
    let ended = lane.spans[..index].iter().rev().take_while(|span| span.end.0 == now.at);
    std::iter::once(span).chain(ended).find(begun)
}

/// What a click in a lane points at: the record of a mark, if one is near, else an instant.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Aim {
    Record(usize),
    Instant(u64),
}

/// What is pointed at in a lane at `at`; marks attract within `reach` ns.
pub fn aim(lane: Option<&Lane>, at: u64, reach: u64) -> Aim {
    let mark = lane.and_then(|lane| mark_near(lane, at, reach));
    mark.map_or(Aim::Instant(at), |mark| Aim::Record(mark.record))
}

/// Pixels between the pointer and what is told of what is under it.
const TIP_PX: f64 = 14.0;

/// Where a tip of this width and height goes: below the pointer, above it where it would leave the
/// timeline's frame (left, right, bottom), and inside that frame to the sides.
pub fn tip_place(
    (x, y): (f64, f64),
    (width, height): (f64, f64),
    (left, right, bottom): (f64, f64, f64),
) -> (f64, f64) {
    let below = y + TIP_PX;
    let top = if below + height > bottom { y - TIP_PX - height } else { below };
    ((x + TIP_PX).min(right - width).max(left), top)
}

/// The mark that a lane shows around `at`, within `reach` ns: of several the heaviest, as in the
/// drawing, and of those the nearest.
pub fn mark_near(lane: &Lane, at: u64, reach: u64) -> Option<&Mark> {
    let first = lane.marks.partition_point(|mark| mark.at.0 < at.saturating_sub(reach));
    let near = lane.marks[first..].iter().take_while(|mark| mark.at.0 <= at.saturating_add(reach));
    let distance = |mark: &Mark| Reverse(mark.at.0.abs_diff(at));
    near.max_by_key(|mark| (mark_weight(mark.kind), distance(mark)))
}

/// What a lane does at the cursor, with what is left or has passed:
/// `back-off 3 · 56 ms left`, `callback blocked · 312 ms`.
pub fn status(lane: &Lane, now: Cursor) -> String {
    let Some(span) = span_now(lane, now) else {
        return String::new();
    };
    let at = now.at;
    let name = span.state.name();
    match span.state {
        LaneState::BackOff(_) => {
            t!("{name} · {time} left", name, time = format::duration(span.end.0 - at))
        }
        LaneState::Blocked | LaneState::CallbackBlocked | LaneState::Contended => {
            format!("{name} · {}", format::duration(at - span.start.0))
        }
        _ => name,
    }
}

/// The edge of a span nearest to `at`, within `reach` ns, else `at`.
pub fn snapped(lane: Option<&Lane>, at: u64, reach: u64) -> u64 {
    lane.and_then(|lane| span_at(lane, at))
        .into_iter()
        .flat_map(|span| [span.start.0, span.end.0])
        .filter(|edge| edge.abs_diff(at) <= reach)
        .min_by_key(|edge| edge.abs_diff(at))
        .unwrap_or(at)
}

/// The next or previous change of state or mark of a lane.
pub fn neighbor_event(lane: &Lane, at: u64, step: Step) -> Option<u64> {
    let spans = lane.spans.iter().map(|span| span.start.0);
    let marks = lane.marks.iter().map(|mark| mark.at.0);
    // Both are sorted; two binary searches each would do, but a lane's
    // neighbor is asked for once per key press.
    let all = spans.chain(marks);
    match step {
        Step::Forward => all.filter(|other| *other > at).min(),
        Step::Back => all.filter(|other| *other < at).max(),
    }
}

/// A direction in time.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Step {
    Back,
    Forward,
}

/// The task whose wait chain a lane stands for.
pub fn task_of(lane: LaneOf, cast: &Cast) -> Option<TaskId> {
    match lane {
        LaneOf::Reaper(task) | LaneOf::Task(task) => Some(task),
        LaneOf::Device(device) => cast.devices.get(device)?.task,
        LaneOf::Lock(_) | LaneOf::Cpu(_) => None,
    }
}

/// The span under the pointer in words, for the hover line.
pub fn describe(lane: &Lane, at: u64, reach: u64) -> String {
    let mark = mark_near(lane, at, reach).map(|mark| {
        let (_, name, _) = super::palette::mark_look(mark.kind, super::palette::Shade::Light);
        t!("{name} at {at}", name, at = format::instant(mark.at))
    });
    let span = span_at(lane, at).map(|span| {
        t!(
            "{state} for {time}, {from} – {to}",
            state = span.state.name(),
            time = format::duration(span.end.0 - span.start.0),
            from = format::instant(span.start),
            to = format::instant(span.end),
        )
    });
    let parts: Vec<String> = mark.into_iter().chain(span).collect();
    if parts.is_empty() {
        t!("{lane} · {what}", lane = lane.title, what = format::instant(SimTime(at)))
    } else {
        t!("{lane} · {what}", lane = lane.title, what = parts.join(" · "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::analysis::MarkKind;

    fn lane() -> Lane {
        let span =
            |start, end, state| Span { start: SimTime(start), end: SimTime(end), state, record: 0 };
        Lane {
            of: LaneOf::Reaper(TaskId(0)),
            title: "oom_reaper".into(),
            subtitle: String::new(),
            spans: vec![
                span(100, 200, LaneState::Reaping(1)),
                span(200, 1_000_200, LaneState::BackOff(1)),
            ],
            marks: vec![Mark { at: SimTime(150), kind: MarkKind::Refusal, record: 3 }],
        }
    }

    #[test]
    fn status_counts_back_offs_down() {
        let status = |at| super::status(&lane(), Cursor::after_all(at)).replace('\u{a0}', " ");
        assert_eq!(status(200), "back-off 1 · 1.00 ms left");
        assert_eq!(status(100), "attempt 1");
        assert_eq!(status(5), "");
    }

    #[test]
    fn what_begins_with_a_record_to_come_has_not_begun() {
        let mut lane = lane();
        lane.spans[1].record = 7;
        let state = |happened| span_now(&lane, Cursor { at: 200, happened }).map(|it| it.state);
        assert_eq!(state(7), Some(LaneState::Reaping(1)));
        assert_eq!(state(8), Some(LaneState::BackOff(1)));
        lane.spans.remove(0);
        assert_eq!(span_now(&lane, Cursor { at: 200, happened: 7 }), None);
    }

    #[test]
    fn heaviest_mark_in_reach_is_meant_and_of_those_the_nearest() {
        let mut lane = lane();
        let mark = |at, kind, record| Mark { at: SimTime(at), kind, record };
        lane.marks = vec![
            mark(150, MarkKind::Refusal, 3),
            mark(154, MarkKind::Kill, 4),
            mark(155, MarkKind::SkipSet, 5),
            mark(160, MarkKind::Kill, 6),
        ];
        let record = |at, reach| mark_near(&lane, at, reach).map(|mark| mark.record);
        assert_eq!([record(155, 2), record(158, 9), record(149, 2)], [Some(4), Some(6), Some(3)]);
        assert_eq!(record(155, 0), Some(5));
    }

    #[test]
    fn click_near_a_mark_is_for_its_record() {
        let lane = lane();
        assert_eq!(aim(Some(&lane), 155, 5), Aim::Record(3));
        assert_eq!(aim(Some(&lane), 156, 5), Aim::Instant(156));
        assert_eq!(aim(None, 150, 5), Aim::Instant(150));
    }

    #[test]
    fn tip_stays_in_the_frame_and_off_the_pointer() {
        let frame = (0.0, 500.0, 300.0);
        assert_eq!(tip_place((100.0, 50.0), (200.0, 20.0), frame), (114.0, 64.0));
        assert_eq!(tip_place((490.0, 290.0), (200.0, 20.0), frame), (300.0, 256.0));
    }

    #[test]
    fn edges_attract_within_reach() {
        let lane = lane();
        assert_eq!(snapped(Some(&lane), 195, 10), 200);
        assert_eq!(snapped(Some(&lane), 160, 10), 160);
        assert_eq!(snapped(None, 160, 10), 160);
    }

    #[test]
    fn steps_visit_changes_and_marks() {
        let lane = lane();
        assert_eq!(neighbor_event(&lane, 100, Step::Forward), Some(150));
        assert_eq!(neighbor_event(&lane, 200, Step::Back), Some(150));
        assert_eq!(neighbor_event(&lane, 200, Step::Forward), None);
    }

    #[test]
    fn marks_win_when_near() {
        assert!(describe(&lane(), 151, 5).contains("callback refused"));
        assert!(mark_near(&lane(), 180, 5).is_none());
    }
}

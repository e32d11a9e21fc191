//! What is under the pointer, and what a lane shows at an instant.

use sim_core::analysis::{Lane, LaneOf, LaneState, Mark, Span};
use sim_core::base::{SimTime, TaskId};
use sim_core::record::Cast;

use crate::format;

/// The span of a lane that covers `at`.
pub fn span_at(lane: &Lane, at: u64) -> Option<&Span> {
    let index = lane.spans.partition_point(|span| span.end.0 <= at);
    lane.spans.get(index).filter(|span| span.start.0 <= at)
}

/// The mark of a lane nearest to `at`, within `reach` ns.
pub fn mark_near(lane: &Lane, at: u64, reach: u64) -> Option<&Mark> {
    let index = lane.marks.partition_point(|mark| mark.at.0 < at);
    let near = index.saturating_sub(1)..(index + 1).min(lane.marks.len());
    lane.marks[near]
        .iter()
        .filter(|mark| mark.at.0.abs_diff(at) <= reach)
        .min_by_key(|mark| mark.at.0.abs_diff(at))
}

/// What a lane does at the cursor, with what is left or has passed:
/// `back-off 3 · 56 ms left`, `callback blocked · 312 ms`.
pub fn status(lane: &Lane, at: u64) -> String {
    let Some(span) = span_at(lane, at) else {
        return String::new();
    };
    let name = span.state.name();
    match span.state {
        LaneState::BackOff(_) => {
            format!("{name} · {} left", format::duration(span.end.0 - at))
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
        format!("{name} at {}", format::instant(mark.at))
    });
    let span = span_at(lane, at).map(|span| {
        format!(
            "{} for {}, {} – {}",
            span.state.name(),
            format::duration(span.end.0 - span.start.0),
            format::instant(span.start),
            format::instant(span.end),
        )
    });
    let parts: Vec<String> = mark.into_iter().chain(span).collect();
    if parts.is_empty() {
        format!("{} · {}", lane.title, format::instant(SimTime(at)))
    } else {
        format!("{} · {}", lane.title, parts.join(" · "))
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
        let text = status(&lane(), 200).replace('\u{a0}', " ");
        assert_eq!(text, "back-off 1 · 1.00 ms left");
        assert_eq!(status(&lane(), 100), "attempt 1");
        assert_eq!(status(&lane(), 5), "");
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

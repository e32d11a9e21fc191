//! What states and marks of the timeline are called in exports.

use crate::analysis::{LaneState, MarkKind};

/// The name of a state.
pub(super) fn state_name(state: LaneState) -> String {
    match state {
        LaneState::Running => "running".into(),
        LaneState::Runnable => "waits for a CPU".into(),
        LaneState::Reclaiming => "direct reclaim".into(),
        LaneState::Sleeping => "asleep".into(),
        LaneState::Blocked => "blocked".into(),
        LaneState::Reaping(attempt) => format!("attempt {attempt}"),
        LaneState::BackOff(attempt) => format!("back-off {attempt}"),
        LaneState::Exiting => "tearing down".into(),
        LaneState::Killed => "killed".into(),
        LaneState::Job => "job".into(),
        LaneState::Callback => "callback".into(),
        LaneState::CallbackBlocked => "callback blocked".into(),
        LaneState::Held => "held".into(),
        LaneState::Contended => "contended".into(),
    }
}

/// The name of a mark.
pub(super) fn mark_name(mark: MarkKind) -> &'static str {
    match mark {
        MarkKind::Kill => "killed",
        MarkKind::WakeReaper => "woken",
        MarkKind::AttemptStart => "attempt starts",
        MarkKind::AttemptSkipped => "attempt skipped",
        MarkKind::Refusal => "refusal",
        MarkKind::Reaped => "reaped",
        MarkKind::GiveUp => "gives up",
        MarkKind::SkipSet => "MMF_OOM_SKIP set",
        MarkKind::Exit => "exits",
        MarkKind::Ready => "ready",
    }
}

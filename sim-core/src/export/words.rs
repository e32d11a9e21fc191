//! What marks of the timeline are called in exports.

use crate::analysis::MarkKind;

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

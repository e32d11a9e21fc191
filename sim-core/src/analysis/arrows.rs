//! Who acted on whom: the arrows between rows of the timeline.
//!
//! One arrow per record that names two parties: a kill, a wake-up, a
//! lock handed over to a waiter, a call into a driver and its refusal.
//! Waking by a timer has no author and is no arrow.

use super::types::{Arrow, ArrowKind, Party};
use crate::base::NotifierId;
use crate::engine::WaitOn;
use crate::record::{Cast, Event, Record, Run};

/// All arrows of a run, by time.
pub fn arrows(run: &Run) -> Vec<Arrow> {
    let mut waits: Vec<Option<WaitOn>> = run.cast.tasks.iter().map(|_| None).collect();
    let mut arrows = Vec::new();
    for (number, record) in run.trace.iter().enumerate() {
        let waited = waits.get(record.task.index()).copied().flatten();
        if let Some((kind, from, to)) = arrow(&run.cast, &record, waited)
            && from != to
        {
            arrows.push(Arrow { at: record.at, record: number, kind, from, to });
        }
        if let Some(wait) = waits.get_mut(record.task.index()) {
            match record.event {
                Event::Blocked { on, .. } => *wait = Some(on),
                Event::Woken { .. } => *wait = None,
                _ => {}
            }
        }
    }
    arrows
}

fn arrow(
    cast: &Cast,
    record: &Record,
    waited: Option<WaitOn>,
) -> Option<(ArrowKind, Party, Party)> {
    let here = Party::Task(record.task);
    let device = |notifier: NotifierId| Some(Party::Device(cast.notifiers.get(notifier)?.device));
    Some(match record.event {
        Event::MarkVictim { victim, .. } => (ArrowKind::Kill, here, Party::Task(victim)),
        Event::Woken { by: Some(by), .. } => {
            let is_lock = matches!(waited, Some(WaitOn::Lock(_)));
            let kind = if is_lock { ArrowKind::HandOver } else { ArrowKind::WakeUp };
            (kind, Party::Task(by), here)
        }
        Event::MnCall { notifier, .. } | Event::MnFinishCall { notifier, .. } => {
            (ArrowKind::Call, here, device(notifier)?)
        }
        Event::MnReturn { notifier, refused: true, .. } | Event::CoreRefused { notifier, .. } => {
            (ArrowKind::Refusal, device(notifier)?, here)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::story::{GPU, HOG, HOG_LOCK, OTHER, REAPER, Story};
    use crate::engine::{Stop, Waited};
    use crate::record::Reason;

    #[test]
    fn every_kind_of_arrow_has_its_author() {
        let mut story = Story::new();
        story.at(5).takes(HOG, HOG_LOCK).kills(OTHER, HOG);
        story.at(6).blocks(OTHER, WaitOn::Lock(HOG_LOCK), Reason::MmapLock);
        let woken = |by| Event::Woken { by: Some(by), how: Waited::Granted };
        story.at(7).add(OTHER, woken(HOG)).add(REAPER, woken(OTHER));
        story.at(8).attempt_is_refused();
        let found = arrows(&story.ends(9, Stop::Idle));
        let told: Vec<_> = found.iter().map(|it| (it.kind, it.from, it.to)).collect();
        let (hog, other) = (Party::Task(HOG), Party::Task(OTHER));
        let (reaper, gpu) = (Party::Task(REAPER), Party::Device(GPU));
        assert_eq!(
            told,
            [
                (ArrowKind::Kill, other, hog),
                (ArrowKind::HandOver, hog, other),
                (ArrowKind::WakeUp, other, reaper),
                (ArrowKind::Call, reaper, gpu),
                (ArrowKind::Refusal, gpu, reaper),
            ]
        );
    }
}

//! What colors, patterns and signs of the lanes mean.

use sim_core::analysis::{ArrowKind, LaneState, MarkKind};
use yew::prelude::*;

use crate::state::Scene;
use crate::timeline::palette::{Shade, arrow_name, mark_look};
use crate::words::{mark, say, t};

/// Class of the swatch, and what it stands for.
const ENTRIES: [(&str, &str); 10] = [
    ("running", mark!("running")),
    ("runnable", mark!("waits for a CPU")),
    ("reclaiming", mark!("direct reclaim")),
    ("sleeping", mark!("asleep")),
    ("blocked", mark!("blocked")),
    ("reaping", mark!("reaping, callback")),
    ("back-off", mark!("back-off")),
    ("killed", mark!("killed")),
    ("exiting", mark!("tearing down")),
    ("job", mark!("device job")),
];

/// Of locks: in their own lanes, and as a thin strip in those of tasks.
const LOCKS: [(&str, &str); 2] =
    [("held", mark!("lock held")), ("contended", mark!("held, others wait"))];

/// Arrows of the selected lane.
const ARROWS: [ArrowKind; 5] =
    [ArrowKind::Kill, ArrowKind::WakeUp, ArrowKind::HandOver, ArrowKind::Call, ArrowKind::Refusal];

/// Signs that are drawn in the lanes, the gravest first.
const MARKS: [MarkKind; 7] = [
    MarkKind::Kill,
    MarkKind::GiveUp,
    MarkKind::Refusal,
    MarkKind::AttemptSkipped,
    MarkKind::Reaped,
    MarkKind::SkipSet,
    MarkKind::Exit,
];

/// Sign and name of the marks that a run's lanes have.
fn marks(scene: &Scene) -> impl Iterator<Item = (char, &'static str)> {
    let lanes = &scene.outcome.lanes;
    let has = |kind| lanes.iter().any(|lane| lane.marks.iter().any(|mark| mark.kind == kind));
    MARKS.into_iter().filter(move |kind| has(*kind)).map(|kind| {
        let (sign, name, _) = mark_look(kind, Shade::Light);
        (sign, name)
    })
}

/// The legend of a run's lanes, and of the arrows of the selected one.
pub fn legend(scene: &Scene, lane: usize) -> Html {
    let arrows = scene.stage.get(lane).map_or(&[][..], |stage| &stage.arrows);
    let has = |kind| arrows.iter().any(|arrow| scene.arrows[*arrow].kind == kind);
    html! {
        <ul class="legend" aria-label={t!("Colors and signs of the lanes")}>
            { for ENTRIES.iter().filter(|(id, _)| occurs(scene, id)).map(|(id, text)| entry(id, text)) }
            { for LOCKS.iter().filter(|(id, _)| occurs(scene, id)).map(|(id, text)| entry(id, text)) }
            { for marks(scene).map(|(sign, name)| html! { <li><i class="sign">{ sign }</i>{ name }</li> }) }
            { for ARROWS.iter().filter(|kind| has(**kind)).map(|kind| html! {
                <li><i class={format!("arrow arrow-{}", arrow_id(*kind))}></i>{ arrow_name(*kind) }</li>
            }) }
        </ul>
    }
}

/// Whether any lane is ever in a state of this entry.
fn occurs(scene: &Scene, id: &str) -> bool {
    scene.stage.iter().any(|lane| lane.states.iter().any(|state| state_class(*state) == id))
}

/// The entry that explains a state.
fn state_class(state: LaneState) -> &'static str {
    match state {
        LaneState::Running => "running",
        LaneState::Runnable => "runnable",
        LaneState::Reclaiming => "reclaiming",
        LaneState::Sleeping => "sleeping",
        LaneState::Blocked | LaneState::CallbackBlocked => "blocked",
        LaneState::Reaping(_) | LaneState::Callback => "reaping",
        LaneState::BackOff(_) => "back-off",
        LaneState::Exiting => "exiting",
        LaneState::Killed => "killed",
        LaneState::Job => "job",
        LaneState::Held => "held",
        LaneState::Contended => "contended",
    }
}

fn arrow_id(kind: ArrowKind) -> &'static str {
    match kind {
        ArrowKind::Kill => "kill",
        ArrowKind::WakeUp => "wake",
        ArrowKind::HandOver => "hand-over",
        ArrowKind::Call => "call",
        ArrowKind::Refusal => "refusal",
    }
}

fn entry(id: &str, text: &'static str) -> Html {
    html! { <li><i class={format!("swatch state-{id}")}></i>{ say(text) }</li> }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Job, Outcome, Request};

    #[test]
    fn every_sign_that_is_drawn_is_explained() {
        let mut job = Job::start(&Request::default()).unwrap();
        while job.advance(100_000) {}
        let scene = Scene::new(Outcome::of(job.into_run()));
        let told: Vec<&str> = marks(&scene).map(|(_, name)| name).collect();
        for lane in &scene.outcome.lanes {
            for mark in
                lane.marks.iter().filter(|mark| crate::timeline::palette::is_sign(mark.kind))
            {
                let (_, name, _) = mark_look(mark.kind, Shade::Light);
                assert!(told.contains(&name), "{name}: {told:?}");
            }
        }
        assert!(told.contains(&"gave up") && !told.contains(&"attempt skipped"), "{told:?}");
    }
}

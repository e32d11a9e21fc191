//! What colors and patterns of the lanes mean.

use sim_core::analysis::LaneOf;
use yew::prelude::*;

use crate::state::Scene;

/// Class of the swatch, and what it stands for.
const ENTRIES: [(&str, &str); 10] = [
    ("running", "running"),
    ("runnable", "waits for a CPU"),
    ("reclaiming", "direct reclaim"),
    ("sleeping", "asleep"),
    ("blocked", "blocked"),
    ("reaping", "reaping, callback"),
    ("back-off", "back-off"),
    ("killed", "killed"),
    ("exiting", "tearing down"),
    ("job", "device job"),
];

/// Of locks, where there are any.
const LOCKS: [(&str, &str); 2] = [("held", "lock held"), ("contended", "lock contended")];

/// The legend of a run's lanes.
pub fn legend(scene: &Scene) -> Html {
    let has_locks = scene.outcome.lanes.iter().any(|lane| matches!(lane.of, LaneOf::Lock(_)));
    html! {
        <ul class="legend" aria-label="Colors of the lanes">
            { for ENTRIES.iter().map(|(id, text)| entry(id, text)) }
            { for LOCKS.iter().filter(|_| has_locks).map(|(id, text)| entry(id, text)) }
        </ul>
    }
}

fn entry(id: &str, text: &'static str) -> Html {
    html! { <li><i class={format!("swatch state-{id}")}></i>{ text }</li> }
}

//! What colors and patterns of the lanes mean.

use sim_core::analysis::LaneState;
use yew::prelude::*;

const ENTRIES: [(&str, LaneState, &str); 11] = [
    ("running", LaneState::Running, "running"),
    ("runnable", LaneState::Runnable, "waits for a CPU"),
    ("reclaiming", LaneState::Reclaiming, "direct reclaim"),
    ("sleeping", LaneState::Sleeping, "asleep"),
    ("blocked", LaneState::Blocked, "blocked"),
    ("reaping", LaneState::Reaping(0), "reaping, callback"),
    ("back-off", LaneState::BackOff(0), "back-off"),
    ("killed", LaneState::Killed, "killed"),
    ("exiting", LaneState::Exiting, "tearing down"),
    ("job", LaneState::Job, "device job"),
    ("held", LaneState::Held, "lock held"),
];

#[component]
pub fn Legend() -> Html {
    html! {
        <ul class="legend" aria-label="Colors of the lanes">
            { for ENTRIES.iter().map(|(id, _, text)| html! {
                <li><i class={format!("swatch state-{id}")}></i>{ *text }</li>
            }) }
            <li><i class="swatch state-contended"></i>{ "lock contended" }</li>
        </ul>
    }
}

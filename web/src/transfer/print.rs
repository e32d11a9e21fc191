//! What only paper shows: verdict, link and QR code below the panels.

use gloo_timers::callback::Timeout;
use yew::prelude::*;

use super::{image, qr};
use crate::shared::Shared;
use crate::state::Scene;
use crate::words::t;

/// Rest of the hand before it is written anew.
const REST_MS: u32 = 700;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    /// What the scenario is called.
    pub title: String,
    /// The link; empty while it changes all the time.
    pub link: String,
}

#[component]
pub fn PrintFoot(props: &Props) -> Html {
    let settled = use_state_eq(String::new);
    {
        let settled = settled.clone();
        use_effect_with(props.link.clone(), move |link| {
            let link = link.clone();
            let timer =
                (!link.is_empty()).then(|| Timeout::new(REST_MS, move || settled.set(link)));
            move || drop(timer)
        });
    }
    let code = use_memo((*settled).clone(), |link| qr::of_link(link));
    html! {
        <footer class="print-foot" aria-hidden="true">
            { for code.as_ref().as_ref().map(drawn) }
            <div><p>{ image::alt_text(&props.title, &props.scene) }</p><p class="print-link" translate="no">{ (*settled).clone() }</p></div>
        </footer>
    }
}

/// A code as an element.
pub fn drawn(code: &qr::Code) -> Html {
    let side = code.side;
    html! {
        <svg class="qr" viewBox={format!("0 0 {side} {side}")} role="img" aria-label={t!("QR code of the link")}>
            <rect width={side.to_string()} height={side.to_string()} fill="#fff"></rect>
            <path d={code.path.clone()} fill="#000"></path>
        </svg>
    }
}

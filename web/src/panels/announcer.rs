//! Tells screen readers what playback passes and what a step led to, in a
//! status region.

use sim_core::base::SimTime;
use yew::prelude::*;

use crate::dom;
use crate::format;
use crate::shared::Shared;
use crate::state::Scene;

/// Between two announcements, or nobody could listen to them.
const PAUSE_MS: f64 = 1_500.0;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Option<Shared<Scene>>,
    pub at: u64,
    pub playing: bool,
    /// What the last step led to.
    pub said: String,
}

#[component]
pub fn Announcer(props: &Props) -> Html {
    let text = use_state_eq(String::new);
    let told = use_mut_ref(|| (0_u64, 0.0_f64));
    {
        let text = text.clone();
        let (scene, playing) = (props.scene.clone(), props.playing);
        use_effect_with(props.at, move |at| {
            let Some(scene) = scene.filter(|_| playing) else {
                told.borrow_mut().0 = *at;
                return;
            };
            let (last, when) = *told.borrow();
            let now = dom::now_ms();
            if *at < last || now - when < PAUSE_MS {
                return;
            }
            if let Some((time, what)) = scene.announcement(SimTime(last), SimTime(*at)) {
                text.set(format!("{}: {what}", format::instant(time)));
                *told.borrow_mut() = (*at, now);
            }
        });
    }
    {
        let text = text.clone();
        use_effect_with(props.said.clone(), move |said| {
            // The table reads the cell that takes the focus.
            let reads = dom::document().active_element();
            if !reads.is_some_and(|it| dom::inside(&it, ".tl-grid")) {
                text.set(said.clone());
            }
        });
    }
    html! { <p class="hidden" role="status">{ (*text).clone() }</p> }
}

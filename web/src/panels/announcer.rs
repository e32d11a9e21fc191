//! Tells screen readers what playback passes and what a command led to, in a
//! status region.

use sim_core::base::SimTime;
use yew::prelude::*;

use crate::dom;
use crate::format;
use crate::shared::Shared;
use crate::state::Scene;
use crate::words::t;

/// Between two announcements, or nobody could listen to them.
const PAUSE_MS: f64 = 1_500.0;

/// What of a run was told while it plays.
#[derive(Default)]
struct Told {
    /// Up to where.
    until: u64,
    /// When, in milliseconds.
    when: f64,
}

impl Told {
    /// From where on there is something to tell when playing has come to `at`; nothing while the
    /// last words are still being read.
    fn from(&mut self, at: u64, now: f64) -> Option<u64> {
        // Of what plays once more, nothing was told yet.
        self.until = self.until.min(at);
        (now - self.when >= PAUSE_MS).then_some(self.until)
    }
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Option<Shared<Scene>>,
    pub at: u64,
    pub playing: bool,
    /// What the last command led to, and whether the table's cell reads it.
    pub said: (String, bool),
}

#[component]
pub fn Announcer(props: &Props) -> Html {
    let text = use_state_eq(String::new);
    let told = use_mut_ref(Told::default);
    {
        let text = text.clone();
        let (scene, playing) = (props.scene.clone(), props.playing);
        use_effect_with(props.at, move |at| {
            let Some(scene) = scene.filter(|_| playing) else {
                told.borrow_mut().until = *at;
                return;
            };
            let now = dom::now_ms();
            let Some(from) = told.borrow_mut().from(*at, now) else {
                return;
            };
            if let Some((time, what)) = scene.announcement(SimTime(from), SimTime(*at)) {
                text.set(t!("{at}: {what}", at = format::instant(time), what));
                *told.borrow_mut() = Told { until: *at, when: now };
            }
        });
    }
    {
        let text = text.clone();
        use_effect_with(props.said.clone(), move |(said, by_cell)| {
            let reader = dom::document().active_element().filter(|_| *by_cell);
            if !reader.is_some_and(|it| dom::inside(&it, ".tl-grid")) {
                text.set(said.clone());
            }
        });
    }
    html! { <p class="hidden" role="status">{ (*text).clone() }</p> }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_plays_once_more_is_told_once_more() {
        let mut told = Told { until: 900, when: 0.0 };
        assert_eq!(told.from(950, 100.0), None, "still being read");
        assert_eq!(told.from(950, PAUSE_MS), Some(900));
        // Played to the end, and begun anew.
        assert_eq!(told.from(10, PAUSE_MS), Some(10));
        assert_eq!(told.from(400, PAUSE_MS), Some(10), "not only from the old place on");
    }
}

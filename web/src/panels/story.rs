//! The run as a story: what happened, in a few sentences.

use yew::prelude::*;

use super::dialog::Dialog;
use crate::engine;
use crate::shared::Shared;
use crate::state::Scene;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub open: bool,
    pub scene: Option<Shared<Scene>>,
}

#[component]
pub fn StoryDialog(props: &Props) -> Html {
    let told = use_memo((props.open, props.scene.clone()), |(open, scene)| {
        let scene = scene.as_ref().filter(|_| *open);
        scene.map(|scene| engine::story(&scene.outcome)).unwrap_or_default()
    });
    html! {
        <Dialog open={props.open} title="What happened">
            <ol class="story">{ for told.iter().map(|sentence| html! { <li>{ sentence }</li> }) }</ol>
        </Dialog>
    }
}

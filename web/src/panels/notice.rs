//! A plain message about a link that could not be opened.

use yew::prelude::*;

use crate::state::Action;
use crate::ui::use_ui;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub text: Option<String>,
}

#[component]
pub fn Notice(props: &Props) -> Html {
    let ui = use_ui();
    let Some(text) = &props.text else {
        return Html::default();
    };
    html! {
        <div class="notice" role="alert">
            <p>{ text }</p>
            <button type="button" onclick={ui.on(|_: MouseEvent| Action::DismissNotice)}>{ "Dismiss" }</button>
        </div>
    }
}

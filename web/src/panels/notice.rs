//! A plain message about a link that could not be opened.

use yew::prelude::*;

use crate::state::Action;
use crate::ui::Ui;

/// The message, if there is one.
pub fn notice(ui: &Ui, text: Option<&String>) -> Html {
    let Some(text) = text else {
        return Html::default();
    };
    html! {
        <div class="notice" role="alert">
            <p>{ text }</p>
            <button type="button" onclick={ui.on(|_: MouseEvent| Action::DismissNotice)}>{ "Dismiss" }</button>
        </div>
    }
}

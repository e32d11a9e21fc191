//! A plain message about a link that could not be opened.

use yew::prelude::*;

use super::older::replay;
use crate::state::{Action, Notice};
use crate::ui::Ui;
use crate::words::t;

/// The message, if there is one.
pub fn notice(ui: &Ui, notice: Option<&Notice>) -> Html {
    let Some(Notice { text, older }) = notice else {
        return Html::default();
    };
    html! {
        <div class="notice" role="alert">
            <p>{ text }{ for older.as_ref().and_then(|link| Some(html! { <>{ " " }{ replay(link.model?, link) }</> })) }</p>
            <button type="button" onclick={ui.on(|_: MouseEvent| Action::DismissNotice)}>{ t!("Dismiss") }</button>
        </div>
    }
}

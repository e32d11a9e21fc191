//! The user's notes beside the run, as fields: a flag in the timeline
//! has no room for text, and a canvas none for a caret.

use sim_core::base::SimTime;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::icon::{Icon, icon_button};
use crate::dom;
use crate::format;
use crate::route::{NOTE_BYTES_MAX, Note};
use crate::state::{Action, LANES};
use crate::ui::Ui;
use crate::words::t;

/// A row per note; nothing without notes.
pub fn notes(ui: &Ui, notes: &[Note]) -> Html {
    if notes.is_empty() {
        return Html::default();
    }
    let done = Callback::from(|event: KeyboardEvent| {
        if matches!(event.key().as_str(), "Enter" | "Escape") {
            event.prevent_default();
            dom::focus(LANES);
        }
    });
    let rows = notes.iter().enumerate().map(|(index, note)| {
        let at = note.at;
        let seek = ui.on(move |_: MouseEvent| Action::Seek(at));
        let remove = ui.on(move |_: MouseEvent| Action::RemoveNote(index));
        let edit = ui.on(move |event: InputEvent| {
            let input = event.target().and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
            Action::EditNote { index, text: input.map(|it| it.value()).unwrap_or_default() }
        });
        let when = match note.until {
            Some(until) => {
                format!("{} – {}", format::instant(SimTime(at)), format::instant(SimTime(until)))
            }
            None => format::instant(SimTime(at)),
        };
        html! {
            <li key={format!("{at} {:?}", note.until)}>
                <button type="button" class="link" onclick={seek} title={t!("Go there")}>{ when.clone() }</button>
                <input type="text" id={format!("note-{index}")} class="note-text" onkeydown={done.clone()} value={note.text.clone()} oninput={edit} maxlength={NOTE_BYTES_MAX.to_string()}
                    placeholder={t!("what is to be seen here")} aria-label={t!("Note at {when}", when)} />
                { icon_button(Icon::Close, t!("Remove the note at {when}", when), t!("Remove (Delete)"), remove, false) }
            </li>
        }
    });
    html! { <ul class="notes" aria-label={t!("Notes; they travel in the link")}>{ for rows }</ul> }
}

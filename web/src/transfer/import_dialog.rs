//! What was made of a recording, before it runs; and how to bring one.

use sim_core::import::NoteKind;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::files::{Dropped, receive};
use super::{Capture, Received, drop};
use crate::engine;
use crate::panels::dialog::Dialog;
use crate::shared::Shared;
use crate::state::Action;
use crate::ui::{Ui, use_ui};
use crate::words::t;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub open: bool,
    pub received: Option<Shared<Received>>,
}

#[component]
pub fn ImportDialog(props: &Props) -> Html {
    let ui = use_ui();
    let pasted = use_node_ref();
    if !props.open {
        return html! { <Dialog open=false title={t!("Import")}>{ Html::default() }</Dialog> };
    }
    let chosen = {
        let ui = ui.clone();
        Callback::from(move |event: Event| {
            let input = event.target().and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
            if let Some(files) = input.and_then(|input| input.files()) {
                drop::read(&ui, &files);
            }
        })
    };
    let paste = {
        let (ui, pasted) = (ui.clone(), pasted.clone());
        Callback::from(move |_: MouseEvent| {
            let text =
                pasted.cast::<HtmlTextAreaElement>().map(|it| it.value()).unwrap_or_default();
            let file = Dropped { name: t!("pasted text").to_owned(), bytes: text.into_bytes() };
            ui.send(Action::Received(Shared::new(receive(vec![file]))));
        })
    };
    let made = match props.received.as_deref() {
        Some(Received::Capture(capture)) => summary(&ui, capture),
        Some(Received::Nothing(why)) => html! {
            <div class="import-wrong" role="alert"><p>{ t!("Nothing could be made of that:") }</p><pre translate="no">{ why }</pre></div>
        },
        _ => Html::default(),
    };
    html! {
        <Dialog open=true title={t!("Import")}>
            <p>{ t!("Drop files anywhere on the page, choose them here, or paste text: ftrace (trace, trace-cmd report, perf script), \
                an OOM report of dmesg, or both; a scenario (TOML); a run that was exported as JSON; a lesson (Markdown).") }</p>
            <p class="small">{ t!("They are read in this page. Nothing leaves your machine.") }</p>
            <p><label>{ t!("Files ") }<input type="file" multiple=true onchange={chosen} /></label></p>
            <details><summary>{ t!("Paste text") }</summary>
                <textarea ref={pasted} rows="6" class="wide" aria-label={t!("Text of a log or trace")} spellcheck="false" />
                <button type="button" onclick={paste}>{ t!("Read it") }</button>
            </details>
            { made }
        </Dialog>
    }
}

/// Inferred, assumed, ignored; and the way to run it.
fn summary(ui: &Ui, capture: &Capture) -> Html {
    let list = |kind: NoteKind, title: &str| {
        let notes: Vec<_> = capture.notes.iter().filter(|note| note.kind == kind).collect();
        if notes.is_empty() {
            return Html::default();
        }
        html! {
            <section><h3>{ title }</h3>
                <ul class="contents">{ for notes.into_iter().map(|note| html! { <li translate="no">{ &note.text }</li> }) }</ul></section>
        }
    };
    let killed = match capture.killed.as_slice() {
        [] => t!("nobody is killed in it").to_owned(),
        victims => t!("it kills {victims}", victims = victims.join(t!(", then "))),
    };
    let run = {
        let ui = ui.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let select = crate::dom::document().get_element_by_id("import-policy");
            let select = select.and_then(|it| it.dyn_into::<HtmlSelectElement>().ok());
            let policy = select.map(|it| it.value()).filter(|it| !it.is_empty());
            ui.send(Action::RunReceived(policy));
        })
    };
    html! {
        <form class="import-made" onsubmit={run}>
            <p role="status">{ t!("Read {name}: {events} key events, {killed}.", name = capture.name, events = capture.story.events.len(), killed) }</p>
            <p class="share-line">
                <label>{ t!("Policy ") }<select id="import-policy">
                    <option value="" selected=true>{ t!("the recorded kernel's own") }</option>
                    { for engine::policies().into_iter().map(|policy| html! {
                        <option translate="no" value={policy.id} title={policy.title}>{ policy.id }</option>
                    }) }
                </select></label>
                <button type="submit" class="primary">{ t!("Run it") }</button>
            </p>
            { list(NoteKind::Inferred, t!("Inferred")) }
            { list(NoteKind::Assumed, t!("Assumed")) }
            { list(NoteKind::Ignored, t!("Ignored")) }
        </form>
    }
}

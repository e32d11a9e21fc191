//! The editor: the scenario as text with complaints at their place, the
//! same as a form, and what was kept on this machine. Both show one text;
//! whoever edits the one sees the other follow, and the run after a rest.

use std::ops::Range;

use sim_core::scenario::{Diagnostic, form, gallery};
use sim_core::share::ScenarioRef;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlSelectElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::editor_drafts::{Deed, DraftList};
use super::editor_form::{FORM_ID, FormView};
use super::editor_written::{Written, use_followed, use_written};
use super::icon::{Icon, drawing, icon_button};
use crate::dom;
use crate::editor::past::{Past, Put};
use crate::editor::{offset_of, problems, utf16_of};
use crate::engine;
use crate::state::{Action, Change};
use crate::ui::{Ui, use_ui};
use crate::words::t;

/// Id of the field with the text.
const TEXT_ID: &str = "editor-text";
/// What starts from nothing is called in the list.
const NOTHING: &str = "-nothing";

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scenario: ScenarioRef,
    pub sets: Vec<(String, String)>,
    /// Text of a link that could not be run.
    pub rescued: Option<String>,
}

#[component]
pub fn Editor(props: &Props) -> Html {
    let ui = use_ui();
    let written = use_written((props.scenario.clone(), props.sets.clone()), &props.rescued);
    let text = written.text.clone();
    let wrong = use_memo((*text).clone(), |text| problems(text));
    let sections = use_memo((*text).clone(), |text| form::form(text));
    // The last form that could be read stays while the text can't be.
    let last = use_mut_ref(Vec::new);
    if let Some(sections) = sections.as_ref() {
        last.borrow_mut().clone_from(sections);
    }
    use_followed(&ui, &written, wrong.is_empty());
    let edit = written.edit();
    let start = starter(&ui, &written);
    let act = use_deeds(&written);
    let back = written.clone();
    use_effect_with((*text).clone(), move |text| {
        // What was removed had the focus, or what undo took back: the next key is still for here.
        if back.past.can_undo() || back.past.can_redo() {
            dom::catch_focus(FORM_ID);
        }
        if let Some(place) = back.brought_back().filter(|_| dom::has_focus(TEXT_ID)) {
            mark(text, place);
        }
    });
    let close = ui.on(|_: MouseEvent| Action::Edit(false));
    let Written { notice, draft, drafts, unkept, past, .. } = &written;
    let step = |step: Step| {
        let written = written.clone();
        Callback::from(move |_: MouseEvent| written.undo(step))
    };
    html! {
        <section class="editor" aria-labelledby="editor-title" onkeydown={on_undo_key(&written)}>
            <header>
                <h2 id="editor-title" tabindex="-1">{ t!("Scenario") }</h2>
                <label>{ t!("Start from ") }<select id="editor-start" onchange={start}>
                    <option value="" selected=true>{ t!("this one") }</option>
                    <option value={NOTHING}>{ t!("nothing: one task that uses up memory") }</option>
                    { for engine::scenarios().into_iter().map(|choice| html! { <option translate="no" value={choice.id}>{ choice.title }</option> }) }
                </select></label>
                <p class="small">{ t!("Drafts stay in this browser; nothing leaves your machine.") }</p>
                <div class="buttons" role="group" aria-label={t!("Changes of the scenario")}>
                    <button type="button" onclick={step(Past::undo)} aria-disabled={(!past.can_undo()).to_string()} aria-label={t!("Undo the last change")} title={t!("Undo (Ctrl Z)")}>{ drawing(Icon::Undo) }</button>
                    <button type="button" onclick={step(Past::redo)} aria-disabled={(!past.can_redo()).to_string()} aria-label={t!("Redo the change")} title={t!("Redo (Ctrl Shift Z)")}>{ drawing(Icon::Redo) }</button>
                </div>
                { icon_button(Icon::Close, t!("Close the editor"), t!("Close the editor"), close, false) }
            </header>
            if !notice.is_empty() { <p class="problem" role="alert">{ (**notice).clone() }</p> }
            <div class="editor-parts">
                <div class="editor-text">
                    { code(&text, &wrong, &edit) }
                    { complaints(&text, &wrong) }
                    <DraftList drafts={(**drafts).clone()} current={(**draft).clone()} unkept={**unkept} {act} />
                </div>
                <FormView text={(*text).clone()} sections={last.borrow().clone()} readable={sections.is_some()}
                    problems={(*wrong).clone()} onedit={edit} />
            </div>
        </section>
    }
}

/// Starts from another scenario, or from nothing.
fn starter(ui: &Ui, written: &Written) -> Callback<Event> {
    let (ui, draft) = (ui.clone(), written.draft.setter());
    Callback::from(move |event: Event| {
        let Some(select) = event.target().and_then(|it| it.dyn_into::<HtmlSelectElement>().ok())
        else {
            return;
        };
        let id = select.value();
        select.set_value("");
        draft.set(None);
        if id == NOTHING {
            ui.send(Action::Choose(Change::Begin));
        } else if gallery::find(&id).is_some() {
            ui.send(Action::Choose(Change::Scenario(id)));
        }
    })
}

/// Undo or redo.
type Step = fn(&mut Past, &str) -> Option<Put>;

/// Undo and redo by key, in the text and in the form alike: in fields that a program writes to,
/// the browser's own ends. A draft's name is no part of the text.
fn on_undo_key(written: &Written) -> Callback<KeyboardEvent> {
    let written = written.clone();
    Callback::from(move |event: KeyboardEvent| {
        let target = event.target().and_then(|it| it.dyn_into::<Element>().ok());
        let is_name = target.is_some_and(|it| dom::inside(&it, ".drafts"));
        if is_name || event.alt_key() || !(event.ctrl_key() || event.meta_key()) {
            return;
        }
        let step: Step = match (event.key().to_lowercase().as_str(), event.shift_key()) {
            ("z", false) => Past::undo,
            ("z", true) | ("y", false) => Past::redo,
            _ => return,
        };
        // Neither the browser's nor the timeline's.
        event.prevent_default();
        event.stop_propagation();
        written.undo(step);
    })
}

/// What is done with a draft of the list. The same from render to render: a list drawn anew would
/// take back a name half typed.
#[hook]
fn use_deeds(written: &Written) -> Callback<Deed> {
    let written = written.clone();
    let now = ((*written.draft).clone(), (*written.drafts).clone());
    use_callback(now, move |deed: Deed, _| {
        let (mut drafts, current) = (written.kept(), (*written.draft).clone());
        match deed {
            Deed::Open(name) => {
                if let Some(found) = drafts.find(&name) {
                    written.show(found.text.clone(), Some(name));
                }
                return;
            }
            Deed::Rename(from, to) => {
                let new = drafts.rename(&from, &to);
                if current.as_ref() == Some(&from) {
                    written.draft.set(Some(new));
                }
            }
            Deed::Delete(name) => {
                drafts.remove(&name);
                written.draft.set(current.filter(|current| *current != name));
            }
        }
        written.keep(drafts);
    })
}

/// Selects what stands at a place of the text, in bytes.
fn mark(text: &str, place: Range<usize>) {
    let area = dom::document().get_element_by_id(TEXT_ID);
    if let Some(area) = area.and_then(|it| it.dyn_into::<HtmlTextAreaElement>().ok()) {
        // Fails only for kinds of fields without a selection.
        let _ = area.set_selection_range(utf16_of(text, place.start), utf16_of(text, place.end));
    }
}

/// The text, with numbers of lines, and complaints behind the lines they are about.
fn code(text: &str, problems: &[Diagnostic], edit: &Callback<String>) -> Html {
    let typed = edit.reform(|event: InputEvent| {
        let area = event.target().and_then(|it| it.dyn_into::<HtmlTextAreaElement>().ok());
        area.map(|it| it.value()).unwrap_or_default()
    });
    let said_of = |number: usize| {
        let of_line = problems.iter().filter(move |problem| problem.line as usize == number);
        of_line.map(Diagnostic::told).collect::<Vec<_>>().join("; ")
    };
    let lines: Vec<&str> = text.split('\n').collect();
    let numbers = (1..=lines.len()).map(|number| {
        let bad = problems.iter().any(|problem| problem.line as usize == number);
        html! { <span class={classes!(bad.then_some("bad"))}>{ format!("{number}\n") }</span> }
    });
    let rows = lines.iter().enumerate().map(|(index, line)| {
        let said = said_of(index + 1);
        let bad = !said.is_empty();
        html! {
            <span class={classes!("line", bad.then_some("bad"))}><span class="ghost">{ *line }</span>{ for bad.then(|| html! {
                <span class="said">{ format!("  ◂ {said}") }</span> }) }{ "\n" }</span>
        }
    });
    let wrong = (!problems.is_empty()).to_string();
    html! {
        <div class="code">
            <pre class="numbers" aria-hidden="true">{ for numbers }</pre>
            <div class="code-text">
                <pre class="behind" aria-hidden="true" translate="no">{ for rows }</pre>
                <textarea id={TEXT_ID} value={text.to_owned()} oninput={typed} spellcheck="false" autocomplete="off" wrap="off"
                    aria-label={t!("Scenario as TOML")} aria-invalid={wrong} aria-describedby="editor-problems" />
            </div>
        </div>
    }
}

/// Selects a place of the text, which scrolls there.
pub(super) fn go_to(text: &str, line: u32, column: u32, length: usize) -> Callback<MouseEvent> {
    let from = offset_of(text, line, column);
    Callback::from(move |_: MouseEvent| {
        let area = dom::document().get_element_by_id(TEXT_ID);
        if let Some(area) = area.and_then(|it| it.dyn_into::<HtmlTextAreaElement>().ok()) {
            let _ = area.focus();
            // Fails only for kinds of fields without a selection.
            let _ = area.set_selection_range(from, from + length as u32);
        }
    })
}

/// All complaints, each a way to its place.
fn complaints(text: &str, problems: &[Diagnostic]) -> Html {
    let rows = problems.iter().map(|problem| {
        let (line, column) = (problem.line, problem.column);
        let go = go_to(text, line, column, problem.text.encode_utf16().count());
        html! {
            <li><button type="button" class="link" onclick={go}>{ t!("line {line}, column {column}", line, column) }</button><span translate="no">{ format!(": {}", problem.told()) }</span></li>
        }
    });
    html! {
        <div id="editor-problems" class="complaints" role="status">
            { if problems.is_empty() { html! { <p class="small">{ t!("Sound: the run follows what you type.") }</p> } }
              else { html! { <ul>{ for rows }</ul> } } }
        </div>
    }
}

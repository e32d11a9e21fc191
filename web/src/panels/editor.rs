//! The editor: the scenario as text with complaints at their place, the
//! same as a form, and what was kept on this machine. Both show one text;
//! whoever edits the one sees the other follow, and the run after a rest.

use sim_core::scenario::{Diagnostic, form, gallery};
use sim_core::share::ScenarioRef;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlSelectElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::editor_drafts::DraftList;
use super::editor_form::FormView;
use super::editor_written::{Written, keep, use_followed, use_written};
use super::icon::{Icon, drawing};
use crate::dom;
use crate::editor::drafts::Drafts;
use crate::editor::{offset_of, problems};
use crate::engine;
use crate::state::{Action, Change};
use crate::ui::{Ui, use_ui};

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
    // The same from render to render: a list drawn anew would take back a name half typed.
    let load = {
        let (text, draft) = (text.setter(), written.draft.setter());
        use_callback((*written.drafts).clone(), move |name: String, drafts: &Drafts| {
            if let Some(found) = drafts.find(&name) {
                text.set(found.text.clone());
                draft.set(Some(name));
            }
        })
    };
    let change = {
        let (draft, drafts) = (written.draft.setter(), written.drafts.setter());
        use_callback((), move |(kept, name): (Drafts, Option<String>), ()| {
            keep(&kept);
            drafts.set(kept);
            draft.set(name);
        })
    };
    let close = ui.on(|_: MouseEvent| Action::Edit(false));
    let Written { notice, draft, drafts, .. } = &written;
    html! {
        <section class="editor" aria-labelledby="editor-title">
            <header>
                <h2 id="editor-title" tabindex="-1">{ "Scenario" }</h2>
                <label>{ "Start from " }<select id="editor-start" onchange={start}>
                    <option value="" selected=true>{ "this one" }</option>
                    <option value={NOTHING}>{ "nothing: one task that uses up memory" }</option>
                    { for engine::scenarios().into_iter().map(|choice| html! { <option value={choice.id}>{ choice.title }</option> }) }
                </select></label>
                <p class="small">{ "Drafts stay in this browser; nothing leaves your machine." }</p>
                <button type="button" onclick={close} aria-label="Close the editor" title="Close the editor">{ drawing(Icon::Close) }</button>
            </header>
            if !notice.is_empty() { <p class="problem" role="alert">{ (**notice).clone() }</p> }
            <div class="editor-parts">
                <div class="editor-text">
                    { code(&text, &wrong, &edit) }
                    { complaints(&text, &wrong) }
                    <DraftList drafts={(**drafts).clone()} current={(**draft).clone()} {load} {change} />
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
                <pre class="behind" aria-hidden="true">{ for rows }</pre>
                <textarea id="editor-text" value={text.to_owned()} oninput={typed} spellcheck="false" autocomplete="off" wrap="off"
                    aria-label="Scenario as TOML" aria-invalid={wrong} aria-describedby="editor-problems" />
            </div>
        </div>
    }
}

/// Selects a place of the text, which scrolls there.
pub(super) fn go_to(text: &str, line: u32, column: u32, length: usize) -> Callback<MouseEvent> {
    let from = offset_of(text, line, column);
    Callback::from(move |_: MouseEvent| {
        let area = dom::document().get_element_by_id("editor-text");
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
            <li><button type="button" class="link" onclick={go}>{ format!("line {line}, column {column}") }</button>{ format!(": {}", problem.told()) }</li>
        }
    });
    html! {
        <div id="editor-problems" class="complaints" role="status">
            { if problems.is_empty() { html! { <p class="small">{ "Sound: the run follows what you type." }</p> } }
              else { html! { <ul>{ for rows }</ul> } } }
        </div>
    }
}

//! The drafts that this browser keeps: open, rename, delete.

use wasm_bindgen::JsCast as _;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::icon::{Icon, drawing};
use crate::editor::drafts::Drafts;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub drafts: Drafts,
    /// The one that is edited.
    pub current: Option<String>,
    pub load: Callback<String>,
    /// All drafts after a change, and which is edited then.
    pub change: Callback<(Drafts, Option<String>)>,
}

#[component]
pub fn DraftList(props: &Props) -> Html {
    let rows = props.drafts.0.iter().map(|draft| {
        let name = draft.name.clone();
        let is_current = props.current.as_ref() == Some(&name);
        let load = props.load.reform({
            let name = name.clone();
            move |_: MouseEvent| name.clone()
        });
        let rename = props.change.reform({
            let (drafts, name, current) = (props.drafts.clone(), name.clone(), props.current.clone());
            move |event: Event| {
                let input = event.target().and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
                let mut drafts = drafts.clone();
                let new = drafts.rename(&name, &input.map(|it| it.value()).unwrap_or_default());
                let current = if is_current { Some(new) } else { current.clone() };
                (drafts, current)
            }
        });
        let delete = props.change.reform({
            let (drafts, name, current) = (props.drafts.clone(), name.clone(), props.current.clone());
            move |_: MouseEvent| {
                let mut drafts = drafts.clone();
                drafts.remove(&name);
                (drafts, current.clone().filter(|current| *current != name))
            }
        });
        html! {
            <li key={name.clone()} class={classes!(is_current.then_some("current"))}>
                <input type="text" value={name.clone()} onchange={rename} maxlength="60" aria-label={format!("Name of the draft {name}")} />
                <button type="button" onclick={load} disabled={is_current} aria-label={format!("Open the draft {name}")}>{ if is_current { "open" } else { "Open" } }</button>
                <button type="button" onclick={delete} aria-label={format!("Delete the draft {name}")} title="Delete">{ drawing(Icon::Close) }</button>
            </li>
        }
    });
    if props.drafts.0.is_empty() {
        return Html::default();
    }
    html! {
        <details class="drafts" open={true}>
            <summary>{ format!("Drafts in this browser ({})", props.drafts.0.len()) }</summary>
            <ul>{ for rows }</ul>
        </details>
    }
}

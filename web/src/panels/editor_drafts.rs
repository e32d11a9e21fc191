//! The drafts that this browser keeps: open, rename, delete.

use wasm_bindgen::JsCast as _;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::icon::{Icon, icon_button};
use crate::editor::drafts::{DRAFTS_MAX, Drafts};
use crate::words::t;

/// What is done with a draft, by its name.
pub enum Deed {
    Open(String),
    Rename(String, String),
    Delete(String),
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub drafts: Drafts,
    /// The one that is edited.
    pub current: Option<String>,
    /// Whether the browser did not store them.
    pub unkept: bool,
    pub act: Callback<Deed>,
}

#[component]
pub fn DraftList(props: &Props) -> Html {
    let rows = props.drafts.0.iter().map(|draft| {
        let name = draft.name.clone();
        let is_current = props.current.as_ref() == Some(&name);
        let deed = |deed: fn(String) -> Deed| {
            let name = name.clone();
            props.act.reform(move |_: MouseEvent| deed(name.clone()))
        };
        let rename = {
            let name = name.clone();
            props.act.reform(move |event: Event| {
                let input = event.target().and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
                Deed::Rename(name.clone(), input.map(|it| it.value()).unwrap_or_default())
            })
        };
        html! {
            <li key={name.clone()} class={classes!(is_current.then_some("current"))}>
                <input type="text" value={name.clone()} onchange={rename} maxlength="60" aria-label={t!("Name of the draft {name}", name)} />
                <button type="button" onclick={deed(Deed::Open)} disabled={is_current} aria-label={t!("Open the draft {name}", name)}>{ if is_current { t!("open") } else { t!("Open") } }</button>
                { icon_button(Icon::Close, t!("Delete the draft {name}", name), t!("Delete"), deed(Deed::Delete), false) }
            </li>
        }
    });
    let oldest = props.drafts.0.last().filter(|_| props.drafts.0.len() >= DRAFTS_MAX);
    html! {
        <>
            if props.unkept {
                <p class="problem" role="alert">{ t!("This browser keeps no more drafts: what you write lasts as long as this page is open. Delete drafts, or copy the text.") }</p>
            }
            if !props.drafts.0.is_empty() {
                <details class="drafts" open={true}>
                    <summary>{ t!("Drafts in this browser ({count})", count = props.drafts.0.len()) }</summary>
                    { for oldest.map(|oldest| html! { <p class="small">{ t!("No more than {most} are kept: the next one takes the place of “{name}”.", most = DRAFTS_MAX, name = oldest.name) }</p> }) }
                    <ul>{ for rows }</ul>
                </details>
            }
        </>
    }
}

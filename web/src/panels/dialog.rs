//! A modal dialog: the browser's own, which keeps the focus inside,
//! closes on Esc and makes the rest of the page inert.

use web_sys::HtmlDialogElement;
use yew::prelude::*;

use super::icon::{Icon, drawing};
use crate::state::Action;
use crate::ui::use_ui;
use crate::words::t;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub open: bool,
    pub title: AttrValue,
    pub children: Html,
}

#[component]
pub fn Dialog(props: &Props) -> Html {
    let ui = use_ui();
    let node = use_node_ref();
    {
        let node = node.clone();
        use_effect_with(props.open, move |open| {
            if let Some(dialog) = node.cast::<HtmlDialogElement>() {
                if *open && !dialog.open() {
                    // Fails only for a dialog that is open or not in the page.
                    let _ = dialog.show_modal();
                } else if !*open {
                    dialog.close();
                }
            }
        });
    }
    let close = ui.on(|_: MouseEvent| Action::CloseDialog);
    // Only of Esc: the page's own closing may have made room for another dialog.
    let onclose = {
        let (ui, open) = (ui.clone(), props.open);
        Callback::from(move |_: Event| {
            if open {
                ui.send(Action::CloseDialog);
            }
        })
    };
    html! {
        <dialog ref={node} {onclose} aria-labelledby={format!("{}-title", slug(&props.title))}>
            <header>
                <h2 id={format!("{}-title", slug(&props.title))}>{ &props.title }</h2>
                <button type="button" onclick={close} aria-label={t!("Close")}>{ drawing(Icon::Close) }</button>
            </header>
            { props.children.clone() }
        </dialog>
    }
}

fn slug(title: &str) -> String {
    title.to_ascii_lowercase().replace(' ', "-")
}

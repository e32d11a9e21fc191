//! The list of keys and gestures.

use yew::prelude::*;

use super::dialog::Dialog;
use crate::keys::{HELP, POINTER_HELP};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub open: bool,
}

#[component]
pub fn HelpDialog(props: &Props) -> Html {
    let rows = |list: &'static [(&'static str, &'static str)]| {
        list.iter().map(|(keys, what)| {
            let keys = keys.split(' ').filter(|key| !key.is_empty());
            html! { <tr><th scope="row">{ for keys.map(|key| html! { <kbd>{ key }</kbd> }) }</th><td>{ *what }</td></tr> }
        })
    };
    html! {
        <Dialog open={props.open} title="Keys and gestures">
            <p>{ "Keys act while the timeline or the page itself has the focus." }</p>
            <div class="help-columns">
                <table><caption>{ "Keys" }</caption><tbody>{ for rows(HELP) }</tbody></table>
                <table><caption>{ "Mouse and touch" }</caption><tbody>{ for rows(POINTER_HELP) }</tbody></table>
            </div>
        </Dialog>
    }
}

//! The list of keys and gestures.

use yew::prelude::*;

use super::dialog::Dialog;
use crate::keys::{HELP, Keys, POINTER_HELP, Preset, told};
use crate::state::Action;
use crate::ui::use_ui;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub open: bool,
    pub keys: Keys,
}

#[component]
pub fn HelpDialog(props: &Props) -> Html {
    let Keys { preset, single } = props.keys;
    let rows = |list: &'static [(&'static str, &'static str)]| {
        list.iter().map(move |(keys, what)| {
            let keys = told(keys, preset).split(' ').filter(|key| !key.is_empty());
            html! { <tr><th scope="row">{ for keys.map(|key| html! { <kbd>{ key }</kbd> }) }</th><td>{ *what }</td></tr> }
        })
    };
    let ui = use_ui();
    let other = Keys { single: !single, preset };
    let toggle = ui.on(move |_: Event| Action::Keys(other));
    let choose = |preset| ui.on(move |_: Event| Action::Keys(Keys { preset, single }));
    let radio = |to: Preset, text: &'static str| {
        html! {
            <label><input type="radio" name="preset" checked={preset == to} onchange={choose(to)} />{ text }</label>
        }
    };
    html! {
        <Dialog open={props.open} title="Keys and gestures">
            <p>{ "Keys act everywhere but in fields and lists of choices. A button keeps Space, which presses it; what scrolls keeps the arrows." }</p>
            <fieldset class="choices"><legend>{ "Keys" }</legend>
                <label><input type="checkbox" checked={single} onchange={toggle} />{ "single letters and signs act" }</label>
                { radio(Preset::Zoom, "W and S zoom") }
                { radio(Preset::Move, "W and S move among lanes, Q and E zoom (as in Firefox Profiler)") }
            </fieldset>
            <div class="help-columns">
                <table><caption>{ "Keys" }</caption><tbody>{ for rows(HELP) }</tbody></table>
                <table><caption>{ "Mouse and touch" }</caption><tbody>{ for rows(POINTER_HELP) }</tbody></table>
            </div>
        </Dialog>
    }
}

//! The list of keys and gestures.

use yew::prelude::*;

use super::dialog::Dialog;
use crate::keys::{HELP, Keys, POINTER_HELP, Preset, told};
use crate::state::Action;
use crate::ui::use_ui;
use crate::words::{say, t};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub open: bool,
    pub keys: Keys,
}

#[component]
pub fn HelpDialog(props: &Props) -> Html {
    let Keys { preset, single } = props.keys;
    let row = |keys: Html, what: &'static str| html! { <tr><th scope="row">{ keys }</th><td>{ say(what) }</td></tr> };
    let pressed = |(keys, what): &'static (&'static str, &'static str)| {
        let keys = told(keys, preset).split(' ').filter(|key| !key.is_empty());
        row(
            html! { <>{ for keys.map(|key| html! { <kbd translate="no">{ key }</kbd> }) }</> },
            what,
        )
    };
    let pointed = |(gesture, what): &'static (&'static str, &'static str)| {
        row(html! { <kbd>{ say(gesture) }</kbd> }, what)
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
        <Dialog open={props.open} title={t!("Keys and gestures")}>
            <p>{ t!("Keys act everywhere but in fields and lists of choices. A button keeps Space, which presses it; what scrolls keeps the arrows.") }</p>
            <fieldset class="choices"><legend>{ t!("Keys") }</legend>
                <label><input type="checkbox" checked={single} onchange={toggle} />{ t!("single letters and signs act") }</label>
                { radio(Preset::Zoom, t!("W and S zoom")) }
                { radio(Preset::Move, t!("W and S move among lanes, Q and E zoom (as in Firefox Profiler)")) }
            </fieldset>
            <div class="help-columns">
                <table><caption>{ t!("Keys") }</caption><tbody>{ for HELP.iter().map(pressed) }</tbody></table>
                <table><caption>{ t!("Mouse and touch") }</caption><tbody>{ for POINTER_HELP.iter().map(pointed) }</tbody></table>
            </div>
        </Dialog>
    }
}

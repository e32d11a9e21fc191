//! A list whose choice does something and is not kept: behind it the list shows its first line again.
//!
//! Browsers change a closed list with every letter and every arrow, before whoever types has said all of
//! what is meant. So what is chosen by such a key counts when the hand rests, or with Enter.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

/// Letters that follow each other faster are one word to browsers.
const REST_MS: u32 = 1_000;

#[derive(Properties, PartialEq)]
pub struct Props {
    #[prop_or_default]
    pub id: Option<AttrValue>,
    #[prop_or_default]
    pub class: Classes,
    #[prop_or_default]
    pub label: Option<AttrValue>,
    #[prop_or_default]
    pub title: Option<AttrValue>,
    #[prop_or_default]
    pub disabled: bool,
    /// What the list shows.
    pub first: AttrValue,
    pub onchoose: Callback<String>,
    /// Its options.
    pub children: Html,
}

/// What was chosen by keys, and is taken when they rest.
#[derive(Default)]
struct Keys {
    /// Whether the last change is one of a key.
    pressed: bool,
    chosen: Option<(Timeout, Callback<()>)>,
}

#[component]
pub fn Chooser(props: &Props) -> Html {
    let keys: Rc<RefCell<Keys>> = use_mut_ref(Keys::default);
    let onchange = {
        let (keys, onchoose) = (keys.clone(), props.onchoose.clone());
        Callback::from(move |event: Event| {
            let Some(select) =
                event.target().and_then(|it| it.dyn_into::<HtmlSelectElement>().ok())
            else {
                return;
            };
            let onchoose = onchoose.clone();
            let take = Callback::from(move |()| {
                let value = select.value();
                select.set_value("");
                if !value.is_empty() {
                    onchoose.emit(value);
                }
            });
            let mut keys = keys.borrow_mut();
            if std::mem::take(&mut keys.pressed) {
                keys.chosen = Some((rest(&take), take));
            } else {
                keys.chosen = None;
                take.emit(());
            }
        })
    };
    let onkeydown = Callback::from(move |event: KeyboardEvent| {
        let key = event.key();
        let mut keys = keys.borrow_mut();
        keys.pressed = key.chars().count() == 1 || key.starts_with("Arrow");
        match keys.chosen.take() {
            Some((_, take)) if key == "Enter" => take.emit(()),
            Some((_, take)) => keys.chosen = Some((rest(&take), take)),
            None => {}
        }
    });
    let Props { id, class, label, title, disabled, first, children, .. } = props;
    html! {
        <select id={id.clone()} class={class.clone()} {onchange} {onkeydown} aria-label={label.clone()} title={title.clone()} disabled={*disabled}>
            <option value="" selected=true>{ first }</option>
            { children.clone() }
        </select>
    }
}

fn rest(take: &Callback<()>) -> Timeout {
    let take = take.clone();
    Timeout::new(REST_MS, move || take.emit(()))
}

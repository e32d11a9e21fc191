//! The panel beside the timeline that sweeps over seeds: what to run, how
//! far it is, what was found, and a review of it. Closed, it keeps all of
//! that, goes on, and says so; one of its seeds can be looked at meanwhile.

use sim_core::experiment::QUANTITIES;
use sim_core::share::Other;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::form::{Typed, fields};
use super::results::{Found, results};
use super::rewind::Rewind;
use super::rewind_view::RewindForm;
use super::under_way::{Form, Sweep, use_found, use_sweep};
use super::verdicts::verdicts;
use crate::engine::Request;
use crate::panels::icon::{Icon, drawing};
use crate::shared::Shared;
use crate::state::{Action, Scene};
use crate::timeline::palette::Shade;
use crate::ui::{Ui, on_escape, use_ui};
use crate::words::t;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub open: bool,
    pub request: Request,
    /// The run that is looked at.
    pub scene: Option<Shared<Scene>>,
    pub shade: Shade,
    /// Of the run on screen, if it was rewound.
    pub curve: Option<Shared<Rewind>>,
}

#[component]
pub fn SweepPanel(props: &Props) -> Html {
    let ui = use_ui();
    let sweep = use_sweep();
    let typed = use_state_eq(|| None::<Typed>);
    let quantity = use_state_eq(|| 0_usize);
    let found = use_found(&sweep, *quantity);
    let was_open = use_mut_ref(|| false);
    *was_open.borrow_mut() |= props.open;
    if !*was_open.borrow() {
        return Html::default();
    }
    let shown = (*typed).clone().unwrap_or_else(|| on_screen(props));
    let set = {
        let typed = typed.clone();
        Callback::from(move |now: Typed| typed.set(Some(now)))
    };
    let close = ui.on(|_: MouseEvent| Action::Sweep(false));
    let escape = on_escape(&ui, || Action::Sweep(false));
    // Closed, it is hidden and not gone: what it has started goes on.
    html! {
        <>
            <aside class="learn sweep" aria-labelledby="sweep-title" onkeydown={escape} hidden={!props.open}>
                <header><h2 id="sweep-title" tabindex="-1">{ t!("Sweep over seeds") }</h2>
                    <button type="button" onclick={close} aria-label={t!("Close the sweep")}>{ drawing(Icon::Close) }</button></header>
                <div class="sweep-body" tabindex="0">
                    { asked(&sweep, &props.request, &shown, &set) }
                    { heard(&sweep) }
                    { for props.scene.as_ref().filter(|_| props.open).map(|scene| verdicts(&ui, scene, &props.request, (*found).as_ref())) }
                    if let Some(found) = (*found).as_ref().filter(|_| props.open) { { told(found, &quantity, props.shade) } }
                    <RewindForm request={props.request.clone()} scene={props.scene.clone()} curve={props.curve.clone()} />
                </div>
            </aside>
            if let Some(told) = sweep.told_briefly().filter(|_| !props.open) { { reopener(&ui, told) } }
        </>
    }
}

/// What would be swept of what is on screen.
fn on_screen(props: &Props) -> Typed {
    match &props.scene {
        Some(scene) => {
            let id = &scene.outcome.run.id;
            Typed::shown(&props.request, &id.kernel, &id.policy)
        }
        None => Typed::of(Vec::new()),
    }
}

/// What is on screen and is not swept, if there is such.
fn left_out(request: &Request) -> Option<&'static str> {
    let is_check = |other: &Other| matches!(other, Other::Check(_));
    match (request.others.iter().any(is_check), request.branches.is_empty()) {
        (false, true) => None,
        (true, true) => Some(t!("Checks change no run, so those that are compared are not swept.")),
        (false, false) => Some(t!("The forks beside the run are not swept.")),
        (true, false) => Some(t!(
            "The forks beside the run are not swept, nor are the checks that are compared: they change no run."
        )),
    }
}

/// Leads back to a sweep that goes on behind its closed panel.
fn reopener(ui: &Ui, told: String) -> Html {
    let open = ui.on(|_: MouseEvent| Action::Sweep(true));
    html! { <button type="button" class="sweep-on" onclick={open} title={t!("Show the sweep")}>{ told }</button> }
}

/// What to run, and the buttons that do it.
fn asked(sweep: &Sweep, request: &Request, shown: &Typed, set: &Callback<Typed>) -> Html {
    let submit = {
        let (sweep, request, shown) = (sweep.clone(), request.clone(), shown.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            sweep.start(&request, &shown, None);
        })
    };
    let cancel = {
        let sweep = sweep.clone();
        Callback::from(move |event: MouseEvent| {
            // The same button runs a sweep from now on, which this click is not to do.
            event.prevent_default();
            sweep.cancel();
        })
    };
    let review = |form: Form, name: &'static str| {
        let (its, request, shown) = (sweep.clone(), request.clone(), shown.clone());
        let onclick = Callback::from(move |_: MouseEvent| its.review(&request, &shown, form));
        html! { <button type="button" {onclick} disabled={sweep.is_busy()}>{ name }</button> }
    };
    html! {
        <form onsubmit={submit}>
            { fields(shown, request.others.iter().any(|other| other.kernel().is_some()), set) }
            { for left_out(request).map(|told| html! { <p class="small">{ told }</p> }) }
            <div class="buttons">
                { if sweep.is_running() {
                    html! { <button type="button" class="primary" onclick={cancel}>{ t!("Cancel") }</button> }
                } else {
                    html! { <button type="submit" class="primary">{ t!("Run them") }</button> }
                } }
                { review(Form::Html, t!("Review (HTML)")) }
                { review(Form::Markdown, t!("Review (Markdown)")) }
            </div>
            <p class="wrong" role="alert">{ sweep.problem() }</p>
        </form>
    }
}

/// How far it is.
fn heard(sweep: &Sweep) -> Html {
    let (done, runs) = sweep.progress();
    html! {
        <>
            <progress class={classes!((!sweep.is_running()).then_some("idle"))} max={runs.max(1).to_string()} value={done.to_string()} aria-label={t!("Runs made")}></progress>
            <p class="small" role="status">{ sweep.told() }</p>
        </>
    }
}

/// What was found, of the quantity that is chosen.
fn told(found: &Found, quantity: &UseStateHandle<usize>, shade: Shade) -> Html {
    let choose = {
        let quantity = quantity.clone();
        Callback::from(move |event: Event| {
            let select = event.target().and_then(|it| it.dyn_into::<HtmlSelectElement>().ok());
            quantity.set(select.and_then(|it| it.value().parse().ok()).unwrap_or(0));
        })
    };
    html! {
        <>
            <label class="quantity">{ t!("Distribution of ") }<select onchange={choose}>
                { for QUANTITIES.iter().enumerate().map(|(index, it)| html! {
                    <option translate="no" value={index.to_string()} selected={index == **quantity}>{ it.name }</option>
                }) }</select></label>
            { results(found, shade) }
            <p class="small">{ t!("Bars carry Wilson's 95 % interval, quantiles that of order statistics. ● recovered ▲ another victim ✕ no end, ? too few seeds to tell. \
                A bar opens the first seed that shows it, a dot its own.") }</p>
        </>
    }
}

//! A fork of the run at the cursor: what to change there, and off which
//! run.

use sim_core::base::SimTime;
use sim_core::scenario::{Fork, ForkChoice, units};
use sim_core::share::Branch;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::dialog::Dialog;
use crate::engine::{self, BRANCHES_MAX, Request};
use crate::forks;
use crate::format;
use crate::shared::Shared;
use crate::state::{Action, Change, Cursor, Scene};
use crate::ui::use_ui;
use crate::words::t;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub open: bool,
    pub request: Request,
    pub scene: Option<Shared<Scene>>,
    /// The branches' runs, in their order.
    pub branches: Vec<Shared<Scene>>,
    pub cursor: Cursor,
    /// The selected lane.
    pub lane: usize,
}

/// What a row of the dialog changes.
#[derive(Copy, Clone, PartialEq)]
enum Kind {
    Policy,
    Kill,
    End,
    Delay,
    Reseed,
    Ties,
    Preempt,
}

#[component]
pub fn ForkDialog(props: &Props) -> Html {
    let ui = use_ui();
    let parent = use_state_eq(|| 0_usize);
    let problem = use_state_eq(String::new);
    {
        let (parent, problem) = (parent.clone(), problem.clone());
        use_effect_with(props.open, move |open| {
            if *open {
                parent.set(0);
                problem.set(String::new());
                crate::dom::focus("fork-policy");
            }
        });
    }
    let chosen =
        if *parent == 0 { props.scene.clone() } else { props.branches.get(*parent - 1).cloned() };
    let Some(scene) = chosen.filter(|_| props.open) else {
        return html! { <Dialog open=false title={t!("Fork the run")}>{ Html::default() }</Dialog> };
    };
    let at = props.cursor.at;
    let happened =
        if *parent == 0 { props.cursor.happened } else { forks::happened_by(&scene, at) };
    let (time, record) = forks::place(&scene, at, happened);
    let targets = forks::targets(&scene, at, happened);
    let fork = |kind: Kind| {
        let (ui, problem, parent) = (ui.clone(), problem.clone(), *parent);
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            match read(kind) {
                Ok(choice) => {
                    let fork = Fork { at: time, record, choice };
                    ui.send(Action::CloseDialog);
                    ui.send(Action::Choose(Change::Fork(Branch { parent, fork })));
                }
                Err(message) => problem.set(message),
            }
        })
    };
    let off = {
        let parent = parent.clone();
        Callback::from(move |event: Event| {
            let select = event.target().and_then(|it| it.dyn_into::<HtmlSelectElement>().ok());
            parent.set(select.and_then(|it| it.value().parse().ok()).unwrap_or(0));
        })
    };
    let now = scene.outcome.run.id.policy.clone();
    let policies = engine::policies();
    let other = policies.iter().position(|policy| policy.id != now);
    let policies = policies.into_iter().enumerate().map(|(index, policy)| {
        let is_now = policy.id == now;
        html! { <option translate="no" value={policy.id} disabled={is_now} selected={Some(index) == other} title={policy.title}>{ if is_now { t!("{policy} (now)", policy = policy.id) } else { policy.id.to_owned() } }</option> }
    });
    // Whose lane is selected is meant first.
    let selected = scene.outcome.lanes.get(props.lane).map_or("", |lane| lane.title.as_str());
    let options = |of: &[&forks::Target]| {
        let first = of.iter().position(|target| target.name == selected).unwrap_or(0);
        let option = |(index, target): (usize, &&forks::Target)| {
            let doing = if target.doing.is_empty() { t!("works") } else { target.doing.as_str() };
            html! { <option value={target.name.clone()} selected={index == first}>{ t!("{task}: {doing}", task = target.name, doing) }</option> }
        };
        html! { <>{ for of.iter().enumerate().map(option) }</> }
    };
    let all: Vec<&forks::Target> = targets.iter().collect();
    let processes: Vec<&forks::Target> = targets.iter().filter(|it| it.process).collect();
    let cpus = (0..scene.outcome.run.cast.cpus).map(|cpu| {
        html! { <option value={cpu.to_string()}>{ t!("on CPU {cpu}", cpu) }</option> }
    });
    let full = props.request.branches.len() >= BRANCHES_MAX;
    let button =
        || html! { <button type="submit" class="primary" disabled={full}>{ t!("Fork") }</button> };
    html! {
        <Dialog open=true title={t!("Fork the run")}>
            <p>{ t!("At {at}: the run goes on twice from there, once as it did and once with", at = format::instant(SimTime(at))) }</p>
            <div class="fork-rows">
                <form onsubmit={fork(Kind::Policy)}><label for="fork-policy">{ t!("another policy") }</label>
                    <select id="fork-policy">{ for policies }</select>{ button() }</form>
                <form onsubmit={fork(Kind::Kill)}><label for="fork-kill">{ t!("a process killed") }</label>
                    <select id="fork-kill">{ options(&processes) }</select>{ button() }</form>
                <form onsubmit={fork(Kind::End)}><label for="fork-end">{ t!("a wait ended") }</label>
                    <select id="fork-end">{ options(&all) }</select>{ button() }</form>
                <form onsubmit={fork(Kind::Delay)}><label for="fork-delay">{ t!("a wait made longer") }</label>
                    <select id="fork-delay">{ options(&all) }</select>
                    <label class="hidden" for="fork-by">{ t!("by how much") }</label>
                    <input id="fork-by" type="text" class="short" ~defaultValue="500ms" autocomplete="off" spellcheck="false" />{ button() }</form>
                <form onsubmit={fork(Kind::Reseed)}><label for="fork-reseed">{ t!("other random draws") }</label>
                    <input id="fork-reseed" type="text" class="short" inputmode="numeric" title={t!("Any whole number: each stands for draws of its own")} ~defaultValue="1" autocomplete="off" />{ button() }</form>
                <form onsubmit={fork(Kind::Ties)}><label for="fork-ties">{ t!("another order of ties") }</label>
                    <input id="fork-ties" type="text" class="short" inputmode="numeric" title={t!("Any whole number: each stands for an order of its own")} ~defaultValue="1" autocomplete="off" />{ button() }</form>
                <form onsubmit={fork(Kind::Preempt)}><label for="fork-preempt">{ t!("what runs preempted") }</label>
                    <select id="fork-preempt">{ for cpus }</select>
                    <label class="hidden" for="fork-preempt-for">{ t!("for how long") }</label>
                    <input id="fork-preempt-for" type="text" class="short" ~defaultValue="2ms" autocomplete="off" spellcheck="false" />{ button() }</form>
            </div>
            { for (!props.request.branches.is_empty()).then(|| html! {
                <p><label for="fork-parent">{ t!("Forked off ") }</label>
                    <select id="fork-parent" onchange={off}>
                        <option value="0" selected={*parent == 0}>{ t!("this run") }</option>
                        { for props.request.branches.iter().enumerate().map(|(index, branch)| html! {
                            <option value={(index + 1).to_string()} selected={*parent == index + 1}>{ t!("fork {number}: {choice}", number = index + 1, choice = branch.fork.choice.text()) }</option>
                        }) }
                    </select></p>
            }) }
            <p class="problem" role="alert">{ if full { t!("There are {most} forks, as many as fit: remove one first.", most = BRANCHES_MAX) } else { (*problem).clone() } }</p>
            <p class="small">{ t!("Up to here both are the same, record for record. Ties are events at the same instant; for draws and ties any whole number does, each stands for others. Waits that time ends can be moved: sleeps, work, a device's job and with it its fence; for a lock, take whoever holds it. The link carries every fork.") }</p>
        </Dialog>
    }
}

/// The choice that a row's fields make.
fn read(kind: Kind) -> Result<ForkChoice, String> {
    Ok(match kind {
        Kind::Policy => ForkChoice::Policy(selected("fork-policy")?),
        Kind::Kill => ForkChoice::Kill(selected("fork-kill")?),
        Kind::End => ForkChoice::End(selected("fork-end")?),
        Kind::Delay => {
            let by = units::parse_time(&typed("fork-by"))
                .map_err(|error| t!("How much longer? {error}.", error))?;
            ForkChoice::Delay(selected("fork-delay")?, by)
        }
        Kind::Reseed => {
            let number = typed("fork-reseed").trim().parse();
            let salt =
                number.map_err(|_| t!("Other chances are named by a whole number.").to_owned())?;
            ForkChoice::Reseed { salt, share: u8::MAX }
        }
        Kind::Ties => {
            let salt = typed("fork-ties").trim().parse();
            let salt =
                salt.map_err(|_| t!("Another order is named by a whole number.").to_owned())?;
            ForkChoice::Ties { salt }
        }
        Kind::Preempt => {
            let by = units::parse_time(typed("fork-preempt-for").trim())
                .map_err(|error| t!("For how long? {error}.", error))?;
            let cpu = selected("fork-preempt")?;
            ForkChoice::Preempt { cpu: cpu.parse().map_err(|_| t!("There is no such CPU."))?, by }
        }
    })
}

fn element<T: wasm_bindgen::JsCast>(id: &str) -> Option<T> {
    crate::dom::document().get_element_by_id(id)?.dyn_into().ok()
}

fn selected(id: &str) -> Result<String, String> {
    let value = element::<HtmlSelectElement>(id).map(|select| select.value());
    value
        .filter(|value| !value.is_empty())
        .ok_or_else(|| t!("There is nobody to choose.").to_owned())
}

fn typed(id: &str) -> String {
    element::<HtmlInputElement>(id).map(|input| input.value()).unwrap_or_default()
}

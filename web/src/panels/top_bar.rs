//! What is run: scenario, policy, kernel and seed, and what can be done
//! with it.

use sim_core::share::Other;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::chooser::Chooser;
use super::icon::{Icon, icon_button, text_button};
use crate::dom;
use crate::engine::{self, Choice, OTHERS_MAX, Request, SEED_MAX};
use crate::learn::Lessons;
use crate::route;
use crate::shared::Shared;
use crate::state::{Action, Change, Dialog, LANES, Scene, Theme};
use crate::ui::{Ui, use_ui};
use crate::words::{t, tn};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub request: Request,
    pub scene: Option<Shared<Scene>>,
    pub theme: Theme,
    pub editing: bool,
    pub sweeping: bool,
}

#[component]
pub fn TopBar(props: &Props) -> Html {
    let ui = use_ui();
    let request = &props.request;
    let id = route::gallery_id(&request.scenario);
    let foreign = id.is_none();
    let run = props.scene.as_ref().map(|scene| &scene.outcome.run.id);
    let scenario =
        ui.on(|event: Event| Action::Choose(Change::Scenario(chosen(&event).unwrap_or_default())));
    let policy = ui.on(|event: Event| Action::Choose(Change::Policy(chosen(&event))));
    let kernel = ui.on(|event: Event| Action::Choose(Change::Kernel(chosen(&event))));
    let own_policy = run.filter(|_| request.policy.is_none()).map_or("", |run| &run.policy);
    let own_kernel = run.filter(|_| request.kernel.is_none()).map_or("", |run| &run.kernel);
    let share = ui.on(|_: MouseEvent| Action::Show(Dialog::Share));
    let import = ui.on(|_: MouseEvent| Action::Show(Dialog::Import));
    let export = ui.on(|_: MouseEvent| Action::Show(Dialog::Export));
    let learn = ui.on(|_: MouseEvent| Action::Learn(Lessons::Toggle));
    let editing = props.editing;
    let edit = ui.on(move |_: MouseEvent| Action::Edit(!editing));
    let sweeping = props.sweeping;
    let sweep = ui.on(move |_: MouseEvent| Action::Sweep(!sweeping));
    let help = ui.on(|_: MouseEvent| Action::Show(Dialog::Help));
    // Where there is little room, most of the bar waits behind a button.
    let unfolded = use_state_eq(|| false);
    let unfold = {
        let unfolded = unfolded.clone();
        Callback::from(move |_: MouseEvent| unfolded.set(!*unfolded))
    };
    let skip = Callback::from(|_: MouseEvent| dom::focus(LANES));
    let next = props.theme.next();
    let theme = ui.on(move |_: MouseEvent| Action::Theme(next));
    let theme_glyph = match props.theme {
        Theme::System => Icon::ThemeSystem,
        Theme::Light => Icon::ThemeLight,
        Theme::Dark => Icon::ThemeDark,
    };
    html! {
        <header class="top-bar">
            // No link: the address is the run's.
            <button type="button" class="skip" onclick={skip}>{ t!("To the timeline") }</button>
            <h1 translate="no">{ "Reaperscope" }</h1>
            <label class="field grow"><span class="field-name">{ t!("Scenario") }</span>
                <select onchange={scenario} aria-label={t!("Scenario")}>
                    { for foreign.then(|| html! { <option value="" selected=true disabled=true>{ if props.editing { t!("being edited") } else { t!("not of the gallery") } }</option> }) }
                    { options(&engine::scenarios(), id.unwrap_or_default()) }
                </select></label>
            <button type="button" class="unfold" onclick={unfold} aria-expanded={unfolded.to_string()}
                aria-controls="bar-rest">{ t!("Policy, seed, more") }</button>
            <div id="bar-rest" class={classes!("bar-rest", unfolded.then_some("unfolded"))}>
                <label class="field"><span>{ t!("Policy") }</span>
                    <select onchange={policy}>
                        <option value="" selected={request.policy.is_none()}>{ own(own_policy) }</option>
                        { options(&engine::policies(), request.policy.as_deref().unwrap_or_default()) }
                    </select></label>
                { compare(&ui, request, props.scene.as_deref()) }
                <label class="field"><span>{ t!("Kernel") }</span>
                    <select onchange={kernel}>
                        <option value="" selected={request.kernel.is_none()}>{ own(own_kernel) }</option>
                        { options(&engine::kernels(), request.kernel.as_deref().unwrap_or_default()) }
                    </select></label>
                <SeedField seed={request.seed} />
                { checks(&ui, request, props.scene.as_deref()) }
                <div class="buttons end">
                    <button type="button" id="edit-button" onclick={edit} aria-expanded={editing.to_string()} title={t!("The scenario as text and as a form")}>{ t!("Edit") }</button>
                    <button type="button" id="sweep-button" onclick={sweep} aria-expanded={sweeping.to_string()} title={t!("Many seeds: how often it ends how, and a review")}>{ t!("Sweep") }</button>
                    <button type="button" id="learn-button" onclick={learn} title={t!("Lessons (L)")}>{ t!("Learn") }</button>
                    { text_button(t!("Import"), t!("A log or trace of a real machine, a scenario, a lesson"), import, false) }
                    { text_button(t!("Export"), t!("For other tools, as an image, as a file"), export, false) }
                    { icon_button(theme_glyph, t!("Color theme: {theme}; change to {next}", theme = props.theme.name(), next = next.name()), t!("Color theme: system, light, dark"), theme, false) }
                    <button type="button" onclick={help} aria-label={t!("Keys and gestures")} title={t!("Keys and gestures (?)")}>{ "?" }</button>
                </div>
            </div>
            <button type="button" class="primary bar-share" onclick={share}>{ t!("Share") }</button>
        </header>
    }
}

/// What the run can be compared with.
fn compare(ui: &Ui, request: &Request, scene: Option<&Scene>) -> Html {
    let own = scene.map(|scene| &scene.outcome.run.id);
    let left = |other: &Other| {
        let is_own = match other {
            Other::Policy(id) => own.is_some_and(|own| own.policy == *id),
            Other::Kernel(id) => own.is_some_and(|own| own.kernel == *id),
            Other::Check(id) => request.checks == [id.as_str()],
        };
        !is_own && !request.others.contains(other)
    };
    let left: Vec<Other> = engine::others().into_iter().filter(left).collect();
    let choose = {
        let (ui, left) = (ui.clone(), left.clone());
        Callback::from(move |chosen: String| {
            if let Some(other) = left.iter().find(|other| other.to_string() == chosen) {
                ui.send(Action::Choose(Change::Beside(other.clone())));
            }
        })
    };
    let group = |(kind, name): (&str, &'static str)| {
        let members = left.iter().filter(|other| other.kind() == kind);
        html! {
            <optgroup label={name}>{ for members.map(|it| html! { <option translate="no" value={it.to_string()}>{ it.id().to_owned() }</option> }) }</optgroup>
        }
    };
    let groups = [("policy", t!("Policies")), ("kernel", t!("Kernels")), ("check", t!("Checks"))];
    html! {
        <label class="field"><span class="hidden">{ t!("Compare with") }</span>
            <Chooser id="compare-with" class="beside" onchoose={choose} title={t!("Another policy, kernel or check under the same seed, on the same axis (C)")}
                disabled={request.others.len() >= OTHERS_MAX} first={t!("+ compare")}>
                { for groups.into_iter().map(group) }
            </Chooser></label>
    }
}

/// Which checkers are asked, and how much they reported; choosing one asks it, or no more.
fn checks(ui: &Ui, request: &Request, scene: Option<&Scene>) -> Html {
    let all = engine::checkers();
    let is_on = |id: &str| request.checks.iter().any(|it| it == id);
    let toggle = {
        let (ui, ids) = (ui.clone(), all.iter().map(|it| it.id).collect::<Vec<_>>());
        Callback::from(move |id: String| {
            if let Some(id) = ids.iter().find(|known| **known == id) {
                ui.send(Action::Choose(Change::Check(id)));
            }
        })
    };
    let reports = scene.map_or(0, |scene| engine::reports(&scene.outcome).count());
    let told = match (request.checks.is_empty(), reports) {
        (true, _) => t!("none").to_owned(),
        // The number first: the rest may have no room.
        (false, many) => {
            let names = request.checks.join(", ");
            tn!(many, "1 report: {names}", "{many} reports: {names}", many, names)
        }
    };
    html! {
        <label class="field"><span>{ t!("Checks") }</span>
            <Chooser id="checks" onchoose={toggle} title={t!("Whether a debugging kernel would have warned; the run stays the same")} first={told}>
                { for all.iter().map(|it| html! {
                    <option translate="no" value={it.id} title={it.title}>{ if is_on(it.id) { format!("✓ {}", it.id) } else { it.id.to_owned() } }</option>
                }) }
            </Chooser></label>
    }
}

/// The option that leaves it to the scenario.
fn own(value: &str) -> String {
    if value.is_empty() { t!("scenario's").to_owned() } else { t!("scenario's: {value}", value) }
}

/// The chosen id; `None` for the empty one.
fn chosen(event: &Event) -> Option<String> {
    let select = event.target()?.dyn_into::<HtmlSelectElement>().ok()?;
    Some(select.value()).filter(|value| !value.is_empty())
}

/// Options, under the heading of their group where they have one.
fn options(choices: &[Choice], present: &str) -> Html {
    let option = |choice: &Choice| {
        html! {
            <option translate="no" value={choice.id} selected={choice.id == present} title={choice.title}>
                { if choice.group.is_empty() { choice.id.to_owned() } else { choice.title.to_owned() } }
            </option>
        }
    };
    let mut groups: Vec<(&str, Vec<Html>)> = Vec::new();
    for choice in choices {
        match groups.last_mut() {
            Some((group, members)) if *group == choice.group => members.push(option(choice)),
            _ => groups.push((choice.group, vec![option(choice)])),
        }
    }
    let groups = groups.into_iter().map(|(group, members)| {
        if group.is_empty() {
            html! { <>{ for members }</> }
        } else {
            html! { <optgroup translate="no" label={group.to_owned()}>{ for members }</optgroup> }
        }
    });
    html! { <>{ for groups }</> }
}

#[derive(Properties, PartialEq)]
struct SeedProps {
    seed: u64,
}

#[component]
fn SeedField(props: &SeedProps) -> Html {
    let ui = use_ui();
    let problem = use_state_eq(String::new);
    let typed = {
        let (ui, problem) = (ui.clone(), problem.clone());
        Callback::from(move |event: Event| {
            let input =
                event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
            let Some(input) = input else {
                return;
            };
            match route::seed(&input.value()) {
                Ok(seed) => {
                    problem.set(String::new());
                    // The same seed again renders nothing, and would leave the word.
                    input.set_value(&seed.to_string());
                    ui.send(Action::Choose(Change::Seed(seed)));
                }
                Err(message) => problem.set(message),
            }
        })
    };
    let dice = ui.on(|_: MouseEvent| {
        // Small seeds are easier to say aloud; any seed can be typed.
        Action::Choose(Change::Seed((js_sys::Math::random() * 1e6) as u64 % SEED_MAX))
    });
    html! {
        <div class="field seed">
            <label for="seed">{ t!("Seed") }</label>
            <div class="joined">
                <input id="seed" type="text" autocomplete="off" spellcheck="false" value={props.seed.to_string()}
                    title={t!("A whole number, or a word, which stands for one")}
                    onchange={typed} aria-invalid={(!problem.is_empty()).to_string()} aria-describedby="seed-problem" />
                { icon_button(Icon::Dice, t!("Another seed"), t!("Another seed"), dice, false) }
            </div>
            <p id="seed-problem" class="problem" role="alert">{ (*problem).clone() }</p>
        </div>
    }
}

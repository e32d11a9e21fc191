//! Play, step, speed, the moment, the verdict and the digest.

use sim_core::base::SimTime;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::icon::{Icon, drawing, icon_button};
use super::older::replay;
use crate::format;
use crate::keys::Command;
use crate::playback::{SPEEDS, Speed};
use crate::state::{Action, LinkCheck, Phase, Scene, State};
use crate::timeline::hit::Step;
use crate::ui::Ui;
use crate::words::t;

/// The second row. A function and no component: it changes with every
/// frame of playback anyway.
pub fn transport(ui: &Ui, state: &State) -> Html {
    let press = |command| ui.on(move |_: MouseEvent| Action::Command { command, anchor: None });
    let play = if state.playing { (Icon::Pause, t!("Pause")) } else { (Icon::Play, t!("Play")) };
    let speed = ui.on(|event: Event| Action::Speed(chosen_speed(&event)));
    let idle = state.scene.is_none();
    html! {
        <div class="transport">
            <div class="buttons" role="group" aria-label={t!("Playback")}>
                <button type="button" class="primary play" onclick={press(Command::TogglePlay)} disabled={idle}
                    aria-label={play.1} title={t!("{what} (Space)", what = play.1)}>{ drawing(play.0) }</button>
                { icon_button(Icon::PreviousIncident, t!("Previous incident"), t!("Previous incident (,)"), press(Command::Incident(Step::Back)), idle) }
                { icon_button(Icon::StepBack, t!("Back by one event"), t!("Back by one event (Ctrl ←)"), press(Command::StepEvent(Step::Back)), idle) }
                { icon_button(Icon::StepForward, t!("Forward by one event"), t!("Forward by one event (Ctrl →)"), press(Command::StepEvent(Step::Forward)), idle) }
                { icon_button(Icon::NextIncident, t!("Next incident"), t!("Next incident (.)"), press(Command::Incident(Step::Forward)), idle) }
            </div>
            <label class="speed"><span class="hidden">{ t!("Speed") }</span>
                <select onchange={speed} title={t!("Simulated seconds per second; auto slows down at incidents")}>
                    { for SPEEDS.iter().enumerate().map(|(index, speed)| html! {
                        <option value={index.to_string()} selected={*speed == state.speed}>{ speed_text(*speed) }</option>
                    }) }
                </select></label>
            <p class="moment">
                <span class="t">{ "t = " }<b>{ format::instant(SimTime(state.cursor.at)) }</b></span>
                if !state.hint.is_empty() { <b class="count">{ state.hint }</b> }
                { for state.scene.as_ref().filter(|_| state.hint.is_empty()).map(|scene| html! {
                    <span class="count">{ t!("event {at} of {count}", at = format::grouped(state.cursor.happened as u64),
                        count = format::grouped(scene.outcome.run.trace.len() as u64)) }</span>
                }) }
            </p>
            { outcome(ui, state) }
        </div>
    }
}

fn speed_text(speed: Speed) -> String {
    match speed {
        Speed::Auto => t!("auto").to_owned(),
        Speed::Factor(factor) => format::factor(factor),
    }
}

fn chosen_speed(event: &Event) -> Speed {
    let select = event.target().and_then(|target| target.dyn_into::<HtmlSelectElement>().ok());
    let index = select.and_then(|select| select.value().parse::<usize>().ok());
    index.and_then(|index| SPEEDS.get(index).copied()).unwrap_or(Speed::Auto)
}

/// The verdict when there is one; what is going on when not.
fn outcome(ui: &Ui, state: &State) -> Html {
    match (&state.phase, &state.scene) {
        (Phase::Running { now, horizon }, _) => html! {
            <p class="verdict running"><progress max={horizon.0.to_string()} value={now.0.to_string()}
                aria-label={t!("Simulating")}></progress>{ t!("simulating, {now}", now = format::instant(*now)) }</p>
        },
        (Phase::Failed(message), _) => {
            html! { <p class="verdict failed" role="alert" translate="no">{ message }</p> }
        }
        (Phase::Ready, Some(scene)) => verdict(ui, scene, state),
        _ => Html::default(),
    }
}

fn verdict(ui: &Ui, scene: &Scene, state: &State) -> Html {
    let report = &scene.outcome.report;
    let digest = scene.outcome.run.digest.to_string();
    let check = match &state.link_check {
        LinkCheck::None => Html::default(),
        LinkCheck::Reproduced => html! { <b class="badge good">{ t!("✓ reproduced") }</b> },
        LinkCheck::Differs { how, equal_until, older } => {
            let last = equal_until.and_then(|count| usize::try_from(count).ok()?.checked_sub(1));
            html! {
                <>
                    <b class="badge bad">{ t!("✗ differs: {how}", how) }</b>
                    { for last.map(|record| html! {
                        <button type="button" class="link" onclick={ui.on(move |_: MouseEvent| Action::SeekRecord(record))}
                            title={t!("The runs are the same up to record {record}; they part behind it", record = record + 1)}>{ t!("Go there") }</button>
                    }) }
                    { for older.as_ref().and_then(|link| Some(replay(link.model?, link))) }
                </>
            }
        }
    };
    let story = ui.on(|_: MouseEvent| Action::Command { command: Command::Story, anchor: None });
    html! {
        <>
            <p class="verdict"><b translate="no" class={format!("badge verdict-{}", report.verdict.id())}>{ report.verdict.id() }</b>
                { for report.flags.iter().map(|flag| html! {
                    <button type="button" class="badge flag" onclick={story.clone()} disabled={state.embed} title={t!("What happened?")}><span translate="no">{ *flag }</span></button>
                }) }
                <span class="evidence" translate="no" title={report.evidence.clone()}>{ &report.evidence }</span>
                { for (!state.embed).then(|| html! {
                    <button type="button" class="link told" onclick={story}
                        title={t!("The run in a few sentences")}>{ t!("What happened?") }</button>
                }) }</p>
            <p class="digest" title={t!("Digest of the run: {digest}", digest)}>
                <span>{ t!("digest ") }<code translate="no">{ format::short_digest(&digest) }</code></span>{ check }</p>
        </>
    }
}

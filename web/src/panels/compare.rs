//! Other policies, kernels or checks under the same seed: where their runs
//! part from the first one, their lanes on the same axis, and what came out.

use sim_core::analysis::task_name;
use sim_core::scenario::Fork;
use yew::prelude::*;

use super::icon::{Icon, icon_button};
use crate::engine::{self, Outcome};
use crate::format;
use crate::shared::Shared;
use crate::state::{Action, Change, Scene};
use crate::timeline::Stacked;
use crate::timeline::palette::Shade;
use crate::timeline::viewport::Viewport;
use crate::ui::use_ui;
use crate::words::{t, tn};

/// Why a run stands under another one.
#[derive(Clone, PartialEq, Debug)]
pub enum Beside {
    /// Another choice was made for it: its place among the others, of what, and what it is called.
    Other { place: usize, kind: &'static str, name: String },
    /// It was forked off a run: 0 the first, else another branch.
    Branch { number: usize, parent: usize, fork: Fork },
}

impl Beside {
    /// Tells it from others.
    pub fn key(&self) -> String {
        match self {
            Self::Other { name, .. } => name.clone(),
            Self::Branch { parent, fork, .. } => format!("{parent}~{fork}"),
        }
    }
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub first: Shared<Scene>,
    pub other: Shared<Scene>,
    /// Why it is there.
    pub of: Beside,
    pub view: Viewport,
    pub at: u64,
    pub playing: bool,
    pub shade: Shade,
}

/// One run that is compared with.
#[component]
pub fn Compared(props: &Props) -> Html {
    let ui = use_ui();
    let parting = {
        let both = (props.first.clone(), props.other.clone());
        use_memo(both, |(first, other)| engine::parting(&first.outcome, &other.outcome))
    };
    let outcome = &props.other.outcome;
    let verdict = outcome.report.verdict.id();
    let (title, off, forked) = match &props.of {
        Beside::Other { name, .. } => (name.clone(), String::new(), None),
        Beside::Branch { number, parent, fork } => {
            let parent =
                if *parent == 0 { t!("this run").to_owned() } else { t!("fork {parent}", parent) };
            let off = t!("off {parent} at {at}", parent, at = format::instant(fork.at));
            (
                t!("Fork {number}: {choice}", number, choice = fork.choice.text()),
                off,
                Some(fork.at.0),
            )
        }
    };
    let change = match &props.of {
        Beside::Other { place, .. } => Change::Without(*place),
        Beside::Branch { number, .. } => Change::Unfork(*number),
    };
    let remove = ui.on(move |_: MouseEvent| Action::Choose(change.clone()));
    let look = match &props.of {
        Beside::Other { place, .. } => Some(Change::Look(*place)),
        // The tree of forks has it.
        Beside::Branch { .. } => None,
    };
    let look = look.map(|change| ui.on(move |_: MouseEvent| Action::Choose(change.clone())));
    let told = match parting.as_ref() {
        None => html! { <p>{ match &props.of {
            Beside::Branch { .. } => t!("The same run: what was changed made no difference.").to_owned(),
            Beside::Other { kind: "check", .. } => t!("The same run: a checker only watches. {told}", told = reported(outcome)),
            Beside::Other { kind: "kernel", .. } => t!("The same run: nothing in it depends on which of the two kernels it is.").to_owned(),
            Beside::Other { .. } => t!("The same run: nothing in it depends on which of the two policies is in force.").to_owned(),
        } }</p> },
        Some(parting) => {
            let (at, record) = (parting.at, parting.record);
            // In the first run; one that is over has no such record.
            let go = ui.on(move |_: MouseEvent| Action::Seek(at));
            html! {
                <p><button type="button" class="link" onclick={go} title={t!("Go there: {alike} records are alike", alike = format::grouped(record as u64))}>{ t!("parts") }</button>
                    { if parting.text.starts_with(|first: char| first.is_ascii_digit()) { t!(" at ") } else { " " } }<span translate="no">{ &parting.text }</span></p>
            }
        }
    };
    let is_name = matches!(props.of, Beside::Other { .. });
    let label = t!("Compared with {title}", title);
    html! {
        <section class="compare" aria-label={label.clone()}>
            <header>
                <h2 translate={is_name.then_some("no")}>{ &title }</h2>
                { for (!off.is_empty()).then(|| html! { <span class="off">{ off.clone() }</span> }) }
                <b translate="no" class={format!("badge verdict-{verdict}")}>{ verdict }</b>
                { told }
                { for look.map(|onclick| html! {
                    <button type="button" {onclick} title={t!("Make it the run that is looked at, compared with this one")} aria-label={t!("Look at it: {title}", title)}>{ t!("Look at it") }</button>
                }) }
                { icon_button(Icon::Close, t!("Do not compare with {title}", title), t!("Do not compare with it"), remove, false) }
            </header>
            <Stacked scene={props.other.clone()} view={props.view} at={props.at} playing={props.playing} shade={props.shade}
                parting={parting.as_ref().as_ref().map(|parting| parting.at)} {forked} name={title} />
        </section>
    }
}

/// The first report of the checkers, and how many more there are.
fn reported(outcome: &Outcome) -> String {
    let mut reports = engine::reports(outcome);
    let Some(first) = reports.next() else {
        return t!("It reports nothing.").to_owned();
    };
    let more = match reports.count() {
        0 => String::new(),
        more => tn!(more, " And another one.", " And {more} more.", more),
    };
    t!("At {at} it reports: {text}.{more}", at = format::instant(first.at), text = first.text, more)
}

/// What came out of each run, side by side.
pub fn differences(scenes: &[Shared<Scene>], names: &[String]) -> Html {
    type Read = fn(&Scene) -> String;
    let rows: [(&str, Read); 12] = [
        (t!("verdict"), |it| it.outcome.report.verdict.id().to_owned()),
        (t!("victims"), |it| format::grouped(it.outcome.report.victims.len() as u64)),
        (t!("attempts of the reaper"), |it| {
            format::grouped(it.outcome.report.metrics.reap_attempts)
        }),
        (t!("back-offs"), |it| format::grouped(it.outcome.report.metrics.backoffs)),
        (t!("refusals"), |it| format::grouped(it.outcome.report.metrics.refusals)),
        (t!("give-ups"), |it| format::grouped(it.outcome.report.metrics.gave_up)),
        (t!("reaped"), |it| format::pages(it.outcome.report.metrics.reaped_pages)),
        (t!("callbacks blocked"), |it| {
            format::duration(it.outcome.report.metrics.callback_blocked_ns)
        }),
        (t!("first kill to recovery"), |it| {
            let time = it.outcome.report.metrics.oom_to_recovery_ns;
            time.map_or_else(|| t!("never").to_owned(), format::duration)
        }),
        (t!("longest wait for memory"), |it| {
            let wait = it.outcome.report.longest_wait;
            wait.map_or_else(
                || t!("none").to_owned(),
                |wait| {
                    let who = task_name(&it.outcome.run.cast, wait.task);
                    t!("{who}, {time}", who, time = format::duration(wait.lasted.0))
                },
            )
        }),
        (t!("pressure, full"), |it| format::duration(it.outcome.report.metrics.psi_full_ns)),
        (t!("reports of checkers"), |it| {
            let many = engine::reports(&it.outcome).count();
            if it.outcome.run.lock_reports.checks.is_empty() {
                t!("not asked").to_owned()
            } else {
                format::grouped(many as u64)
            }
        }),
    ];
    let heads = names.iter().map(|name| html! { <th scope="col" translate="no">{ name }</th> });
    // The last row is about who was asked, if anybody was.
    let is_asked = |it: &Shared<Scene>| !it.outcome.run.lock_reports.checks.is_empty();
    let shown = if scenes.iter().any(is_asked) { rows.len() } else { rows.len() - 1 };
    let rows = rows.into_iter().take(shown).enumerate().map(|(row, (name, read))| {
        // Verdicts are names.
        let translate = (row == 0).then_some("no");
        let values: Vec<String> = scenes.iter().map(|scene| read(scene)).collect();
        let differs = values.iter().any(|value| *value != values[0]);
        html! {
            <tr class={classes!(differs.then_some("differs"))}><th scope="row">{ name }</th>
                { for values.into_iter().map(|value| html! { <td {translate}>{ value }</td> }) }</tr>
        }
    });
    html! {
        <table class="outcomes"><caption>{ t!("Outcomes under one seed; what differs is bold") }</caption>
            <thead><tr><td></td>{ for heads }</tr></thead><tbody>{ for rows }</tbody></table>
    }
}

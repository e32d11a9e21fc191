//! The run in numbers: victims and counters.

use sim_core::analysis::{cpu_times, state_times};
use sim_core::base::SimTime;
use yew::prelude::*;

use crate::engine;
use crate::format;
use crate::shared::Shared;
use crate::state::{Action, Scene};
use crate::timeline::palette::state_kind_name;
use crate::ui::{Ui, use_ui};
use crate::words::{t, tn};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    /// The selected range; its sums stand in the place of the run's.
    pub selection: Option<(u64, u64)>,
    /// The selected lane.
    pub lane: usize,
}

#[component]
pub fn MetricsPanel(props: &Props) -> Html {
    let ui = use_ui();
    if let Some(range) = props.selection {
        return html! { <RangeSums scene={props.scene.clone()} {range} lane={props.lane} /> };
    }
    let report = &props.scene.outcome.report;
    let metrics = &report.metrics;
    let some = |ns: Option<u64>| ns.map_or_else(|| "–".to_owned(), format::duration);
    let rows = [
        (t!("attempts of the reaper"), format::grouped(metrics.reap_attempts)),
        (t!("back-offs"), format::grouped(metrics.backoffs)),
        (t!("refusals"), format::grouped(metrics.refusals)),
        (t!("give-ups"), format::grouped(metrics.gave_up)),
        (
            t!("reaped"),
            tn!(
                metrics.reaped_pages,
                "1 page, {size}",
                "{count} pages, {size}",
                count = format::grouped(metrics.reaped_pages),
                size = format::pages(metrics.reaped_pages)
            ),
        ),
        (t!("callbacks"), format::grouped(metrics.callbacks)),
        (
            t!("callbacks blocked"),
            t!(
                "{sum} in all, {most} at most",
                sum = format::duration(metrics.callback_blocked_ns),
                most = format::duration(metrics.callback_blocked_max_ns)
            ),
        ),
        (t!("first kill to recovery"), some(metrics.oom_to_recovery_ns)),
        (
            t!("allocation stalls"),
            t!(
                "{count}; median {median}, p99 {p99}, longest {longest}",
                count = format::grouped(metrics.alloc_stall.count),
                median = some(metrics.alloc_stall.p50),
                p99 = some(metrics.alloc_stall.p99),
                longest = some(metrics.alloc_stall.max)
            ),
        ),
        (
            t!("memory pressure"),
            t!(
                "some {some}, full {full}",
                some = format::duration(metrics.psi_some_ns),
                full = format::duration(metrics.psi_full_ns)
            ),
        ),
        (t!("events"), format::grouped(metrics.events)),
    ];
    html! {
        <section class="panel metrics" aria-labelledby="metrics-title">
            <h2 id="metrics-title">{ t!("Numbers") }</h2>
            <div class="scroll" tabindex="0" role="group" aria-labelledby="metrics-title">
                { victims(&ui, &props.scene) }
                <dl>{ for rows.into_iter().map(|(name, value)| html! {
                    <div><dt>{ name }</dt><dd>{ value }</dd></div>
                }) }</dl>
            </div>
        </section>
    }
}

#[derive(Properties, PartialEq)]
struct RangeProps {
    scene: Shared<Scene>,
    range: (u64, u64),
    lane: usize,
}

/// Tasks listed by their time on CPUs.
const TASKS_MAX: usize = 8;
/// `translate` of a list whose terms are names.
const NAMES: Option<&str> = Some("no");

/// What happened in the selected range.
#[component]
fn RangeSums(props: &RangeProps) -> Html {
    let ui = use_ui();
    let (from, to) = props.range;
    let outcome = &props.scene.outcome;
    let sums = {
        let scene = props.scene.clone();
        let of = (props.scene.clone(), props.range);
        *use_memo(of, move |(_, range)| engine::range_sums(&scene.outcome, *range))
    };
    let length = (to - from).max(1);
    let share = |ns: u64| {
        let tenths = u128::from(ns) * 1000 / u128::from(length);
        format!("{}, {}.{} %", format::duration(ns), tenths / 10, tenths % 10)
    };
    let rows = [
        (t!("length"), format::duration(to - from)),
        (t!("kills"), format::grouped(sums.kills)),
        (t!("attempts of the reaper"), format::grouped(sums.attempts)),
        (t!("back-offs"), format::grouped(sums.backoffs)),
        (t!("callbacks"), format::grouped(sums.callbacks)),
        (t!("refusals"), format::grouped(sums.refusals)),
        (t!("reaped"), format::pages(sums.reaped_pages)),
    ];
    let lane = outcome.lanes.get(props.lane);
    let states = lane.map(|lane| state_times(lane, SimTime(from), SimTime(to)));
    let states = states.unwrap_or_default().into_iter();
    let states = states.map(|(state, ns)| (state_kind_name(state), share(ns)));
    let cpu = cpu_times(&outcome.run, &outcome.lanes, SimTime(from), SimTime(to));
    let cpu = cpu.into_iter().take(TASKS_MAX).map(|(task, ns)| {
        let name = outcome.run.cast.tasks.get(task).map_or("?", |info| info.name.as_str());
        (name.to_owned(), share(ns))
    });
    let list = |rows: Vec<(String, String)>, of: Option<&'static str>| {
        html! { <dl translate={of}>{ for rows.into_iter().map(|(name, value)| html! {
            <div><dt>{ name }</dt><dd>{ value }</dd></div>
        }) }</dl> }
    };
    let clear = ui.on(|_: MouseEvent| Action::Select(None));
    let rows = rows.map(|(name, value)| (name.to_owned(), value)).to_vec();
    html! {
        <section class="panel metrics" aria-labelledby="metrics-title">
            <h2 id="metrics-title">{ t!("Numbers of the range") }
                <button type="button" class="link" onclick={clear} title={t!("Clear the range (Esc)")}>{ t!("whole run") }</button></h2>
            <div class="scroll" tabindex="0" role="group" aria-labelledby="metrics-title">
                { list(rows, None) }
                <h3>{ t!("Time of {title} per state", title = lane.map_or("?", |lane| &lane.title)) }</h3>
                { list(states.collect(), NAMES) }
                <h3>{ t!("Time on CPUs") }</h3>
                { list(cpu.collect(), NAMES) }
            </div>
        </section>
    }
}

fn victims(ui: &Ui, scene: &Scene) -> Html {
    let outcome = &scene.outcome;
    if outcome.report.victims.is_empty() {
        return html! { <p>{ t!("Nobody was killed.") }</p> };
    }
    let rows = outcome.report.victims.iter().map(|victim| {
        let (task, killed) = (victim.task, victim.killed);
        let name = outcome.run.cast.tasks.get(task).map_or("?", |info| info.name.as_str());
        let select = ui.on(move |_: MouseEvent| Action::SelectTask(task));
        let seek = ui.on(move |_: MouseEvent| Action::Seek(killed.0));
        html! {
            <tr key={task.0}>
                <th scope="row"><button type="button" class="link" onclick={select} translate="no">{ name }</button></th>
                <td><button type="button" class="link" onclick={seek} title={t!("Go there")}>{ format::bare_ms(killed) }</button></td>
                <td>{ victim.skip.map_or_else(|| t!("never").to_owned(), format::bare_ms) }</td>
                <td>{ victim.attempts }</td>
                <td>{ format::pages(victim.freed_pages) }</td>
            </tr>
        }
    });
    html! {
        <table class="victims"><caption>{ t!("Victims; times in ms") }</caption>
            <thead><tr><th scope="col">{ t!("task") }</th><th scope="col">{ t!("killed") }</th><th scope="col">{ t!("SKIP set") }</th>
                <th scope="col">{ t!("attempts") }</th><th scope="col">{ t!("freed") }</th></tr></thead>
            <tbody>{ for rows }</tbody></table>
    }
}

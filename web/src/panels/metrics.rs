//! The run in numbers: victims and counters.

use yew::prelude::*;

use crate::format;
use crate::shared::Shared;
use crate::state::{Action, Scene};
use crate::ui::{Ui, use_ui};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
}

#[component]
pub fn MetricsPanel(props: &Props) -> Html {
    let ui = use_ui();
    let report = &props.scene.outcome.report;
    let metrics = &report.metrics;
    let some = |ns: Option<u64>| ns.map_or_else(|| "–".to_owned(), format::duration);
    let rows = [
        ("attempts of the reaper", format::grouped(metrics.reap_attempts)),
        ("back-offs", format::grouped(metrics.backoffs)),
        ("refusals", format::grouped(metrics.refusals)),
        ("give-ups", format::grouped(metrics.gave_up)),
        (
            "reaped",
            format!(
                "{} pages, {}",
                format::grouped(metrics.reaped_pages),
                format::pages(metrics.reaped_pages)
            ),
        ),
        ("callbacks", format::grouped(metrics.callbacks)),
        (
            "callbacks blocked",
            format!(
                "{} in all, {} at most",
                format::duration(metrics.callback_blocked_ns),
                format::duration(metrics.callback_blocked_max_ns)
            ),
        ),
        ("first kill to recovery", some(metrics.oom_to_recovery_ns)),
        (
            "allocation stalls",
            format!(
                "{}; median {}, p99 {}, longest {}",
                format::grouped(metrics.alloc_stall.count),
                some(metrics.alloc_stall.p50),
                some(metrics.alloc_stall.p99),
                some(metrics.alloc_stall.max)
            ),
        ),
        (
            "memory pressure",
            format!(
                "some {}, full {}",
                format::duration(metrics.psi_some_ns),
                format::duration(metrics.psi_full_ns)
            ),
        ),
        ("events", format::grouped(metrics.events)),
    ];
    html! {
        <section class="panel metrics" aria-labelledby="metrics-title">
            <h2 id="metrics-title">{ "Numbers" }</h2>
            <div class="scroll" tabindex="0">
                { victims(&ui, &props.scene) }
                <dl>{ for rows.into_iter().map(|(name, value)| html! {
                    <div><dt>{ name }</dt><dd>{ value }</dd></div>
                }) }</dl>
            </div>
        </section>
    }
}

fn victims(ui: &Ui, scene: &Scene) -> Html {
    let outcome = &scene.outcome;
    if outcome.report.victims.is_empty() {
        return html! { <p>{ "Nobody was killed." }</p> };
    }
    let rows = outcome.report.victims.iter().map(|victim| {
        let (task, killed) = (victim.task, victim.killed);
        let name = outcome.run.cast.tasks.get(task).map_or("?", |info| info.name.as_str());
        let select = ui.on(move |_: MouseEvent| Action::SelectTask(task));
        let seek = ui.on(move |_: MouseEvent| Action::Seek(killed.0));
        html! {
            <tr key={task.0}>
                <th scope="row"><button type="button" class="link" onclick={select}>{ name }</button></th>
                <td><button type="button" class="link" onclick={seek} title="Go there">{ format::instant(killed) }</button></td>
                <td>{ victim.skip.map_or_else(|| "never".to_owned(), format::instant) }</td>
                <td>{ victim.attempts }</td>
                <td>{ format::pages(victim.freed_pages) }</td>
            </tr>
        }
    });
    html! {
        <table class="victims"><caption>{ "Victims" }</caption>
            <thead><tr><th scope="col">{ "task" }</th><th scope="col">{ "killed" }</th><th scope="col">{ "SKIP set" }</th>
                <th scope="col">{ "attempts" }</th><th scope="col">{ "freed" }</th></tr></thead>
            <tbody>{ for rows }</tbody></table>
    }
}

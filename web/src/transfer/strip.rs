//! The recording's key events on the time axis of the run, with a list
//! of them for who can't see or point.

use yew::prelude::*;

use super::overlay::{Memory, Overlay, Recorded};
use crate::format;
use crate::shared::Shared;
use crate::state::Action;
use crate::timeline::listen::use_wheel;
use crate::timeline::viewport::Viewport;
use crate::ui::use_ui;
use crate::words::t;
use sim_core::base::SimTime;

#[derive(Properties, PartialEq)]
pub struct Props {
    /// The recording, laid over the run.
    pub laid: Shared<Overlay>,
    pub view: Viewport,
}

#[component]
pub fn RecordingStrip(props: &Props) -> Html {
    let ui = use_ui();
    let (strips, axis) = (use_node_ref(), use_node_ref());
    use_wheel(&ui, &strips, &axis);
    let laid = &props.laid;
    let place = |at: u64| format!("{:.3}%", props.view.px_from_time(at, 100.0));
    let tick = |event: &Recorded| {
        let x = place(event.at);
        let class = if event.later.is_some() { "matched" } else { "unmatched" };
        let mark = match event.later {
            // Filled: also in the run.
            Some(_) => html! { <circle cx={x.clone()} cy="6" r="3.5"></circle> },
            None => html! { <text x={x.clone()} y="10" text-anchor="middle">{ "✕" }</text> },
        };
        html! {
            <g class={class}><title>{ event_text(event) }</title>
                <line x1={x.clone()} x2={x} y1="10" y2="22"></line>{ mark }</g>
        }
    };
    let visible = |event: &&Recorded| (props.view.start..=props.view.end()).contains(&event.at);
    let rows = laid.events.iter().map(|event| {
        let at = event.at;
        let go = ui.on(move |_: MouseEvent| Action::Seek(at));
        html! {
            <tr><td><button type="button" class="link" onclick={go}>{ format::instant(SimTime(at)) }</button></td>
                <td translate="no">{ event.kind }</td><td translate="no">{ &event.victim }</td><td>{ apart(event) }</td></tr>
        }
    });
    let told = laid.told();
    html! {
        <section class="recording" aria-label={t!("Recording")}>
            <div ref={strips}>
                <div class="rec-row">
                    <span class="rec-name">{ t!("recording") }</span>
                    <svg class="rec-axis" role="img" aria-label={told.clone()} ref={axis}>
                        { for laid.events.iter().filter(visible).map(tick) }
                    </svg>
                </div>
                { memory(laid, props.view) }
            </div>
            <details><summary>{ told }</summary>
                <table><thead><tr><th scope="col">{ t!("when") }</th><th scope="col">{ t!("what") }</th><th scope="col">{ t!("victim") }</th>
                    <th scope="col">{ t!("in the run") }</th></tr></thead><tbody>{ for rows }</tbody></table>
            </details>
        </section>
    }
}

/// What `kmem:rss_stat` told of memory over time: a line for each process, all on one scale.
fn memory(laid: &Overlay, view: Viewport) -> Html {
    let most = laid.memory.iter().map(|memory| memory.most).max().unwrap_or(0);
    if most == 0 {
        return Html::default();
    }
    let sentence = |memory: &Memory| {
        t!("{name} at most {most}", name = memory.name, most = format::pages(memory.most / 4096))
    };
    let sentences: Vec<String> = laid.memory.iter().map(sentence).collect();
    let label = t!("recorded anonymous memory: {sentences}", sentences = sentences.join(", "));
    let line = |memory: &Memory| {
        let point = |&(at, bytes): &(u64, u64)| {
            let x = view.px_from_time(at, 1000.0);
            format!("{x:.1},{:.1}", 23.0 - 22.0 * bytes as f64 / most as f64)
        };
        let points: Vec<String> = memory.points.iter().map(point).collect();
        html! { <polyline points={points.join(" ")}><title>{ sentence(memory) }</title></polyline> }
    };
    html! {
        <div class="rec-row">
            <span class="rec-name" title={label.clone()}>{ t!("its memory") }</span>
            <svg class="rec-axis rec-memory" role="img" aria-label={label} viewBox="0 0 1000 24" preserveAspectRatio="none">
                { for laid.memory.iter().map(line) }
            </svg>
        </div>
    }
}

fn event_text(event: &Recorded) -> String {
    format!("{}: {}", format::instant(SimTime(event.at)), event.told())
}

fn apart(event: &Recorded) -> String {
    match event.later {
        None => t!("does not happen").to_owned(),
        Some(0) => t!("at the same time").to_owned(),
        Some(later) if later > 0 => t!("{by} later", by = format::duration(later.unsigned_abs())),
        Some(earlier) => t!("{by} earlier", by = format::duration(earlier.unsigned_abs())),
    }
}

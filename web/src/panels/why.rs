//! Why the selected lane waits at the cursor: who waits for whom, in
//! words, with call stacks.

use std::rc::Rc;

use sim_core::analysis::{LaneOf, WaitLink};
use yew::prelude::*;

use crate::engine;
use crate::format;
use crate::keys::Command;
use crate::panels::blame::BlamePanel;
use crate::panels::graph::GraphView;
use crate::shared::Shared;
use crate::state::{Action, Cursor, Scene};
use crate::timeline::hit::{status, task_of};
use crate::ui::use_ui;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    pub lane: usize,
    pub at: u64,
    /// Records that have happened; at one instant, several may still have to.
    pub happened: usize,
    /// The selected range: its critical path stands before the chain.
    pub selection: Option<(u64, u64)>,
    /// Whether the wait-for graph is drawn.
    pub graph: bool,
    /// Whether playing stops where a cycle closes.
    pub stops: bool,
}

#[component]
pub fn WhyPanel(props: &Props) -> Html {
    let ui = use_ui();
    let outcome = &props.scene.outcome;
    let lane = outcome.lanes.get(props.lane);
    let task = lane.and_then(|lane| task_of(lane.of, &outcome.run.cast));
    let chain = {
        let (scene, happened, at) = (props.scene.clone(), props.happened, props.at);
        use_memo((props.scene.clone(), task, happened, at), move |_| {
            task.map(|task| engine::wait_chain(&scene.outcome, task, happened, at))
                .unwrap_or_default()
        })
    };
    let Some(lane) = lane else {
        return Html::default();
    };
    let toggle = ui.on(|_: MouseEvent| Action::Command { command: Command::Graph, anchor: None });
    let now = status(lane, Cursor { at: props.at, happened: props.happened });
    let lead = match lane.of {
        LaneOf::Cpu(_) => "CPUs wait for nobody. Select a task to see why it waits.".to_owned(),
        LaneOf::Lock(_) => "Locks wait for nobody. Select a task to see why it waits.".to_owned(),
        _ if chain.is_empty() => "It waits for nobody now.".to_owned(),
        _ => String::new(),
    };
    html! {
        <section class="panel why" aria-labelledby="why-title">
            <h2 id="why-title">{ "Why? " }<span class="of">{ &lane.title }</span>
                if !now.is_empty() { <span class="now">{ now }</span> }
                <button type="button" class="link end" onclick={toggle} aria-pressed={props.graph.to_string()}
                    title="Wait-for graph (G)">{ "graph" }</button></h2>
            <div class="why-parts">
                <div class="scroll" tabindex="0" role="group" aria-label="Chain of waits">
                    { for props.selection.map(|range| html! { <BlamePanel scene={props.scene.clone()} {range} /> }) }
                    if !lead.is_empty() { <p>{ lead }</p> }
                    <Chain scene={props.scene.clone()} links={ByIdentity(chain)} at={props.at} />
                </div>
                if props.graph {
                    <GraphView scene={props.scene.clone()} {task} happened={props.happened} stops={props.stops} />
                }
            </div>
        </section>
    }
}

/// Equal when it is the same chain, so that it renders once.
#[derive(Clone)]
struct ByIdentity(Rc<Vec<WaitLink>>);

impl PartialEq for ByIdentity {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

#[derive(Properties, PartialEq)]
struct ChainProps {
    scene: Shared<Scene>,
    links: ByIdentity,
    at: u64,
}

#[component]
fn Chain(props: &ChainProps) -> Html {
    let ui = use_ui();
    let cast = &props.scene.outcome.run.cast;
    let links = props.links.0.iter().enumerate().map(|(index, link)| {
        let task = link.task;
        let name = cast.tasks.get(task).map_or("?", |info| info.name.as_str());
        let select = ui.on(move |_: MouseEvent| Action::SelectTask(task));
        let waited = props.at.saturating_sub(link.since.0);
        html! {
            <li key={index}>
                <button type="button" class="link" onclick={select} title="Select its lane">{ name }</button>
                <span class="kind">{ link.kind }</span>
                <p>{ &link.text }<span class="since">{ format!(" ({}, since {})", format::duration(waited),
                    format::instant(link.since)) }</span></p>
                { for (!link.stack.is_empty()).then(|| html! {
                    <details><summary>{ "call stack" }</summary>
                        <ol class="stack">{ for link.functions(cast).into_iter().map(|name| html! { <li>{ name }</li> }) }</ol>
                    </details>
                }) }
            </li>
        }
    });
    html! { <ol class="chain">{ for links }</ol> }
}

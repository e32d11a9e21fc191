//! Why the selected lane waits at the cursor: who waits for whom, in
//! words, with call stacks.

use std::rc::Rc;

use sim_core::analysis::{LaneOf, LockUsers, WaitLink, task_name};
use sim_core::base::{SimTime, TaskId};
use sim_core::record::Cast;
use yew::prelude::*;

use crate::engine;
use crate::format;
use crate::keys::Command;
use crate::panels::blame::BlamePanel;
use crate::panels::graph::GraphView;
use crate::shared::Shared;
use crate::state::{Action, Cursor, Scene};
use crate::timeline::hit::{status, task_of};
use crate::ui::{Ui, use_ui};
use crate::words::t;

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
    let users = {
        let lock =
            lane.and_then(|lane| if let LaneOf::Lock(lock) = lane.of { Some(lock) } else { None });
        let now = (props.scene.clone(), lock, props.happened);
        use_memo(now, |(scene, lock, happened)| {
            lock.map(|lock| engine::lock_users(&scene.outcome, lock, *happened))
        })
    };
    // A lock waits for nobody, but who holds it may.
    let holder = users.as_ref().as_ref().and_then(|users| Some(users.holders.first()?.0));
    let task = lane.and_then(|lane| task_of(lane.of, &outcome.run.cast)).or(holder);
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
        LaneOf::Cpu(_) => t!("CPUs wait for nobody. Select a task to see why it waits.").to_owned(),
        LaneOf::Lock(_) => String::new(),
        _ if chain.is_empty() => t!("It waits for nobody now.").to_owned(),
        _ => String::new(),
    };
    html! {
        <section class="panel why" aria-labelledby="why-word why-of">
            <h2 id="why-title"><span id="why-word">{ t!("Why? ") }</span><span id="why-of" class="of" translate="no">{ &lane.title }</span>
                if !now.is_empty() { <span class="now" translate="no">{ now }</span> }
                <button type="button" class="link end" onclick={toggle} aria-pressed={props.graph.to_string()}
                    title={t!("Wait-for graph (G)")}>{ t!("graph") }</button></h2>
            <div class="why-parts">
                <div class="scroll" tabindex="0" role="group" aria-label={t!("Chain of waits")}>
                    { for props.selection.map(|range| html! { <BlamePanel scene={props.scene.clone()} {range} /> }) }
                    if !lead.is_empty() { <p>{ lead }</p> }
                    { for users.as_ref().as_ref().map(|users| lock_users(&ui, users, &outcome.run.cast, props.at)) }
                    <Chain scene={props.scene.clone()} links={ByIdentity(chain)} at={props.at} />
                </div>
                if props.graph {
                    <GraphView scene={props.scene.clone()} {task} happened={props.happened} stops={props.stops} />
                }
            </div>
        </section>
    }
}

/// Who holds the selected lock and who waits for it, each a way to its lane.
fn lock_users(ui: &Ui, users: &LockUsers, cast: &Cast, at: u64) -> Html {
    let listed = |users: &[(TaskId, SimTime)]| {
        let rows = users.iter().map(|&(task, since)| {
            let select = ui.on(move |_: MouseEvent| Action::SelectTask(task));
            let lasted = format::duration(at.saturating_sub(since.0));
            html! {
                <li key={task.index()}><button type="button" class="link" onclick={select} title={t!("Select its lane")}><span translate="no">{ task_name(cast, task) }</span></button>
                    <span class="since">{ t!(" ({lasted}, since {at})", lasted, at = format::instant(since)) }</span></li>
            }
        });
        html! { <ul>{ for rows }</ul> }
    };
    let LockUsers { holders, waiters } = users;
    if holders.is_empty() {
        return html! { <p>{ t!("Nobody holds it now.") }</p> };
    }
    html! {
        <div class="lock-users">
            <p>{ t!("Held by") }</p>{ listed(holders) }
            if waiters.is_empty() { <p>{ t!("Nobody waits for it now.") }</p> }
            else { <p>{ t!("Waiting for it") }</p>{ listed(waiters) } }
            <p>{ if holders.len() == 1 { t!("What its holder waits for:") } else { t!("What the first of its holders waits for:") } }</p>
        </div>
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
                <button type="button" class="link" onclick={select} title={t!("Select its lane")}><span translate="no">{ name }</span></button>
                <span class="kind" translate="no">{ link.kind }</span>
                <p><span translate="no">{ &link.text }</span><span class="since">{ t!(" ({lasted}, since {at})", lasted = format::duration(waited), at = format::instant(link.since)) }</span></p>
                { for (!link.stack.is_empty()).then(|| html! {
                    <details><summary>{ t!("call stack") }</summary>
                        <ol class="stack" translate="no">{ for link.functions(cast).into_iter().map(|name| html! { <li>{ name }</li> }) }</ol>
                    </details>
                }) }
            </li>
        }
    });
    html! { <ol class="chain">{ for links }</ol> }
}

//! The wait-for graph at the cursor, beside the chain in words: it grows
//! and closes as the cursor moves.
//!
//! Elements with keys, not a canvas: what stays is left alone, what is
//! new fades in, and each node is a button that takes the focus. What is
//! drawn and where is decided in `graph/`.

use sim_core::base::TaskId;
use web_sys::KeyboardEvent;
use yew::prelude::*;

use crate::engine;
use crate::graph::layout::{Drawing, Line, Loop, NODE_HEIGHT, Place, layout};
use crate::graph::sketch::{Node, Sketch, sketch};
use crate::shared::Shared;
use crate::state::{Action, Scene};
use crate::ui::{Ui, use_ui};
use crate::words::{t, tn};

/// Width that the panel has for it, where it has little.
const ROOM_PX: f64 = 300.0;
/// Letters of a label at most.
const LABEL_MAX: usize = 20;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    /// Of the selected lane.
    pub task: Option<TaskId>,
    pub happened: usize,
    /// Whether playing stops where a cycle closes.
    pub stops: bool,
}

#[component]
pub fn GraphView(props: &Props) -> Html {
    let ui = use_ui();
    let picture = {
        let (scene, task, happened) = (props.scene.clone(), props.task, props.happened);
        use_memo((props.scene.clone(), task, happened), move |_| {
            Picture::new(&scene, task, happened)
        })
    };
    let stop = {
        let stops = props.stops;
        ui.on(move |_: Event| Action::StopAtCycles(!stops))
    };
    let cycles = props.scene.cycles.len();
    html! {
        <div class="graph" role="group" aria-labelledby="graph-title">
            <div class="graph-head">
                <p id="graph-title">{ picture.summary() }</p>
                if cycles > 0 {
                    <label class="stop" title={t!("Playing stops at the event that closes a cycle")}><input type="checkbox"
                        checked={props.stops} onchange={stop} />{ t!("stop at cycles") }</label>
                }
            </div>
            { drawn(&ui, &picture) }
        </div>
    }
}

/// What is drawn, with its words.
struct Picture {
    sketch: Sketch,
    drawing: Drawing,
    /// By node.
    names: Vec<String>,
    /// By edge: what is waited for.
    texts: Vec<String>,
}

impl Picture {
    fn new(scene: &Scene, task: Option<TaskId>, happened: usize) -> Self {
        let outcome = &scene.outcome;
        let sketch = sketch(&engine::wait_graph(outcome, happened), task);
        let name =
            |task: TaskId| outcome.run.cast.tasks.get(task).map_or("?", |info| info.name.as_str());
        let names: Vec<String> = sketch
            .nodes
            .iter()
            .map(|node| match node.tasks.as_slice() {
                [one] => name(*one).to_owned(),
                [first, others @ ..] => format!("{} + {}", name(*first), others.len()),
                [] => String::new(),
            })
            .collect();
        let texts = sketch.edges.iter();
        let texts = texts.map(|edge| engine::edge_text(outcome, &edge.wait, happened)).collect();
        let drawing = layout(&sketch, &names, ROOM_PX);
        Self { sketch, drawing, names, texts }
    }

    /// The picture in a sentence.
    fn summary(&self) -> String {
        let Self { sketch, .. } = self;
        if sketch.edges.is_empty() {
            return t!("Nobody waits for anybody now.").to_owned();
        }
        let waiting = (0..sketch.nodes.len())
            .filter(|node| sketch.edges.iter().any(|edge| edge.from == *node))
            .map(|node| sketch.nodes[node].tasks.len())
            .sum::<usize>();
        let waits = tn!(waiting, "1 task waits", "{waiting} tasks wait", waiting);
        let cycles = match sketch.rings.len() {
            0 => t!("no cycle").to_owned(),
            several => tn!(several, "a cycle", "{several} cycles", several),
        };
        let rest = match sketch.left_out {
            0 => String::new(),
            more => t!(" {more} more are not drawn.", more),
        };
        t!("{waits}; {cycles}.{rest}", waits, cycles, rest)
    }

    /// The cycles in words, for who does not see their rings.
    fn cycles(&self) -> String {
        let rings = self.sketch.rings.iter().map(|ring| {
            let way = ring.nodes.iter().chain(ring.nodes.first());
            let way: Vec<&str> = way.map(|node| self.names[*node].as_str()).collect();
            let open = if ring.is_closed { "" } else { t!(", which somebody outside can open") };
            t!(". Cycle: {way}{open}", way = way.join(" → "), open)
        });
        rings.collect()
    }

    /// Whom a node waits for, in words.
    fn node_text(&self, node: usize) -> String {
        let edges = self.sketch.edges.iter().zip(&self.texts);
        let waits: Vec<String> = edges
            .filter(|(edge, _)| edge.from == node)
            .map(|(edge, text)| format!("{} ({text})", self.names[edge.to]))
            .collect();
        let name = &self.names[node];
        if waits.is_empty() {
            t!("{name}: waits for nobody", name)
        } else {
            t!("{name}: waits for {waits}", name, waits = waits.join(", "))
        }
    }

    fn label(&self, edge: usize) -> String {
        let wait = &self.sketch.edges[edge].wait;
        let text = &self.texts[edge];
        let is_name = wait.kind.is_lock() && text.chars().count() <= LABEL_MAX;
        if is_name { text.clone() } else { wait.kind.id().to_owned() }
    }
}

fn drawn(ui: &Ui, picture: &Picture) -> Html {
    let Drawing { width, height, places, lines, loops } = &picture.drawing;
    if places.is_empty() {
        return Html::default();
    }
    html! {
        <div class="graph-scroll">
            <svg viewBox={format!("0 0 {width:.0} {height:.0}")} width={format!("{width:.0}")} height={format!("{height:.0}")}
                role="group" aria-label={t!("Wait-for graph; who waits stands above whom it waits for{cycles}", cycles = picture.cycles())}>
                { for loops.iter().map(|own| ring(picture, own)) }
                { for lines.iter().map(|line| arrow(picture, line)) }
                { for lines.iter().map(|line| label(picture, line)) }
                { for places.iter().map(|place| node(ui, picture, place)) }
            </svg>
        </div>
    }
}

fn ring(picture: &Picture, own: &Loop) -> Html {
    let nodes = &picture.sketch.rings[own.ring];
    let tasks = nodes.nodes.iter().map(|node| picture.sketch.nodes[*node].tasks[0].0.to_string());
    let key = tasks.collect::<Vec<_>>().join("-");
    let closed = nodes.is_closed.then_some("closed");
    html! {
        <ellipse key={format!("ring-{key}")} class={classes!("ring", closed)} cx={px(own.x)} cy={px(own.y)} rx={px(own.rx)} ry={px(own.ry)} />
    }
}

/// Names an edge for as long as it is there.
fn key_of(picture: &Picture, line: &Line) -> String {
    let wait = &picture.sketch.edges[line.edge].wait;
    format!("{}-{}-{}-{}", wait.from.0, wait.to.0, wait.kind.id(), line.ring.is_some())
}

fn class_of(picture: &Picture, line: &Line) -> Classes {
    let edge = &picture.sketch.edges[line.edge];
    let closed = line.ring.is_some_and(|ring| picture.sketch.rings[ring].is_closed);
    classes!(
        "edge",
        edge.is_on_path.then_some("on-path"),
        edge.wait.any.then_some("any"),
        line.ring.map(|_| "in-ring"),
        closed.then_some("closed"),
    )
}

fn arrow(picture: &Picture, line: &Line) -> Html {
    let [from, bend, to] = line.curve.map(|(x, y)| format!("{x:.1} {y:.1}"));
    let head: Vec<String> = line.head.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    html! {
        <g key={format!("edge-{}", key_of(picture, line))} class={class_of(picture, line)}>
            <path d={format!("M {from} Q {bend} {to}")} />
            <polygon points={head.join(" ")} />
        </g>
    }
}

fn label(picture: &Picture, line: &Line) -> Html {
    let (x, y) = line.label;
    html! {
        <text translate="no" key={format!("label-{}", key_of(picture, line))} class="edge-label" aria-hidden="true" x={px(x)} y={px(y + 4.0)}
            text-anchor="middle">{ picture.label(line.edge) }</text>
    }
}

fn node(ui: &Ui, picture: &Picture, place: &Place) -> Html {
    let Node { tasks, is_selected, is_stuck } = &picture.sketch.nodes[place.node];
    let task = tasks[0];
    let onclick = ui.on(move |_: MouseEvent| Action::SelectTask(task));
    let onkeydown = {
        let ui = ui.clone();
        Callback::from(move |event: KeyboardEvent| {
            if matches!(event.key().as_str(), "Enter" | " ") {
                event.prevent_default();
                ui.send(Action::SelectTask(task));
            }
        })
    };
    let text = picture.node_text(place.node);
    // A second place of one task is the same button again.
    let tabindex = if place.copy == 0 { "0" } else { "-1" };
    let classes = classes!(
        "node",
        is_selected.then_some("selected"),
        is_stuck.then_some("stuck"),
        (tasks.len() > 1).then_some("crowd")
    );
    let (left, top) = (place.x - place.width / 2.0, place.y - NODE_HEIGHT / 2.0);
    html! {
        <g key={format!("node-{}-{}", task.0, place.copy)} class={classes} role="button" {tabindex} {onclick} {onkeydown}
            aria-label={text.clone()} aria-pressed={is_selected.to_string()}>
            <title>{ text }</title>
            <rect x={px(left)} y={px(top)} width={px(place.width)} height={px(NODE_HEIGHT)} rx="6" />
            <text translate="no" aria-hidden="true" x={px(place.x)} y={px(place.y + 4.0)} text-anchor="middle">{ &picture.names[place.node] }</text>
        </g>
    }
}

fn px(value: f64) -> String {
    format!("{value:.1}")
}

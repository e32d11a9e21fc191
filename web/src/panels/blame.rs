//! The critical path of the selected range: what its time went to, and
//! where the path was, each a way there.

use sim_core::analysis::{Blame, Segment};
use yew::prelude::*;

use crate::dom;
use crate::engine;
use crate::format;
use crate::shared::Shared;
use crate::state::{Action, Scene};
use crate::ui::{Ui, use_ui};
use crate::words::t;
use web_sys::HtmlElement;

/// Causes listed; what is less is summed up.
const CAUSES_MAX: usize = 7;
/// Stretches of the path listed, the longest.
const SEGMENTS_MAX: usize = 12;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    pub range: (u64, u64),
}

#[component]
pub fn BlamePanel(props: &Props) -> Html {
    let ui = use_ui();
    let blame = {
        let scene = props.scene.clone();
        let of = (props.scene.clone(), props.range);
        use_memo(of, move |(_, range)| engine::blame(&scene.outcome, *range))
    };
    let (from, to) = props.range;
    html! {
        <div class="blame">
            <h3>{ t!("Where {time} went", time = format::duration(to - from)) }</h3>
            <p class="small">{ t!("The critical path: at each instant, what the one who is served last was waiting for.") }</p>
            { causes(&props.scene, &blame, to - from) }
            { segments(&ui, &props.scene, &blame) }
        </div>
    }
}

fn causes(scene: &Scene, blame: &Blame, length: u64) -> Html {
    let shown = blame.causes.iter().take(CAUSES_MAX);
    let rows = shown.map(|(cause, sum)| (engine::cause_text(&scene.outcome, *cause), sum.0));
    let rest: u64 = blame.causes.iter().skip(CAUSES_MAX).map(|(_, sum)| sum.0).sum();
    let rows = rows.chain((rest > 0).then(|| (t!("everything else").to_owned(), rest)));
    html! {
        <ul class="causes">{ for rows.map(|(text, sum)| html! {
            <Cause key={text.clone()} text={text.clone()} {sum} {length} />
        }) }</ul>
    }
}

#[derive(Properties, PartialEq)]
struct CauseProps {
    text: String,
    sum: u64,
    length: u64,
}

/// A cause with its share as a bar behind it.
#[component]
fn Cause(props: &CauseProps) -> Html {
    let bar = use_node_ref();
    let share = u128::from(props.sum) * 1_000 / u128::from(props.length.max(1));
    {
        let bar = bar.clone();
        use_effect_with(share, move |share| {
            if let Some(bar) = bar.cast::<HtmlElement>() {
                let width = format!("{}.{}%", share / 10, share % 10);
                dom::set_style(&bar, "width", &width);
            }
        });
    }
    html! {
        <li><i ref={bar} aria-hidden="true"></i><span translate="no">{ &props.text }</span>
            <b>{ format!("{}, {}.{} %", format::duration(props.sum), share / 10, share % 10) }</b></li>
    }
}

/// The longest stretches in the order of time.
fn segments(ui: &Ui, scene: &Scene, blame: &Blame) -> Html {
    let length = |segment: &Segment| segment.to.saturating_sub(segment.from).0;
    let mut longest: Vec<&Segment> = blame.segments.iter().collect();
    longest.sort_by_key(|segment| std::cmp::Reverse(length(segment)));
    longest.truncate(SEGMENTS_MAX);
    longest.sort_by_key(|segment| segment.from);
    let left_out = blame.segments.len() - longest.len();
    let cast = &scene.outcome.run.cast;
    let rows = longest.into_iter().map(|segment| {
        let Segment { from, task, cause, .. } = *segment;
        let name = cast.tasks.get(task).map_or("?", |info| info.name.as_str());
        let seek = ui.on(move |_: MouseEvent| Action::Seek(from.0));
        let select = ui.on(move |_: MouseEvent| Action::SelectTask(task));
        html! {
            <li key={from.0}>
                <button type="button" class="link" onclick={seek} title={t!("Go there")}>{ format::instant(from) }</button>
                <span class="since">{ format!("+ {}", format::duration(length(segment))) }</span>
                <button type="button" class="link" onclick={select} title={t!("Select its lane")}><span translate="no">{ name }</span></button>
                <span translate="no">{ engine::cause_text(&scene.outcome, cause) }</span>
            </li>
        }
    });
    html! {
        <>
            <h3>{ t!("The path") }</h3>
            <ol class="path">{ for rows }</ol>
            { for (left_out > 0).then(|| html! {
                <p class="small">{ t!("The {most} longest stretches; {rest} more are shorter.", most = SEGMENTS_MAX, rest = format::grouped(left_out as u64)) }</p>
            }) }
        </>
    }
}

//! The lanes of a run that is compared with, under those of the first:
//! same axis, same cursor, no gestures but a click and turns of the wheel.

use wasm_bindgen::JsCast as _;
use web_sys::{HtmlCanvasElement, HtmlElement};
use yew::prelude::*;

use super::layout::Layout;
use super::palette::Shade;
use super::raster::{Fade, Frame};
use super::rows::Rows;
use super::sight::Sight;
use super::viewport::Viewport;
use super::{hit, listen, paint};
use crate::chart::use_width;
use crate::dom;
use crate::shared::Shared;
use crate::state::{Action, Cursor, Scene};
use crate::ui::use_ui;
use crate::words::t;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    pub view: Viewport,
    pub at: u64,
    pub playing: bool,
    pub shade: Shade,
    /// Where it parts from the first run.
    pub parting: Option<u64>,
    /// Where it was forked off it.
    pub forked: Option<u64>,
    /// What it is called.
    pub name: String,
}

#[component]
pub fn Stacked(props: &Props) -> Html {
    let ui = use_ui();
    let (spans, texts) = (use_node_ref(), use_node_ref());
    let (cursor, parting, drop_line) = (use_node_ref(), use_node_ref(), use_node_ref());
    let frame = use_mut_ref(Frame::default);
    let outcome = &props.scene.outcome;
    let (node, plot) = (use_node_ref(), use_node_ref());
    let width = use_width(&node);
    // Labels stand beside the lanes or above them as those of the first run do: it is one axis.
    let layout = Layout::for_width(if width == 0 { f64::INFINITY } else { f64::from(width) });
    let is_narrow = layout.gutter == 0.0;
    let rows = Rows::brief(&outcome.lanes, &outcome.run.cast, layout);
    {
        let (spans, texts, rows) = (spans.clone(), texts.clone(), rows.clone());
        let (cursor, parting, drop_line) = (cursor.clone(), parting.clone(), drop_line.clone());
        let now = (props.scene.clone(), props.view, props.at, props.playing, props.shade);
        use_effect_with(
            (now, props.parting, props.forked, width),
            move |(now, parts, forked, _)| {
                let (scene, view, at, playing, shade) = now;
                let (Some(spans), Some(texts)) =
                    (spans.cast::<HtmlCanvasElement>(), texts.cast::<HtmlCanvasElement>())
                else {
                    return;
                };
                if let Some(plot) =
                    spans.parent_element().and_then(|it| it.dyn_into::<HtmlElement>().ok())
                {
                    dom::set_style(&plot, "height", &format!("{}px", rows.height()));
                }
                let picture = paint::Picture {
                    scene,
                    view: *view,
                    shade: *shade,
                    layout,
                    sight: Sight::new(&rows, 0.0, rows.height()),
                    lane: usize::MAX,
                    followed: &[],
                    matched: &[],
                    recorded: &[],
                    now: Cursor::after_all(*at),
                    fade: if *playing { Fade::Strong } else { Fade::Weak },
                };
                paint::lanes(&spans, &mut frame.borrow_mut(), &picture);
                paint::texts(&texts, &picture);
                let width = f64::from(spans.client_width());
                for (line, at) in [(&cursor, Some(*at)), (&parting, *parts), (&drop_line, *forked)]
                {
                    let Some(line) = line.cast::<HtmlElement>() else {
                        continue;
                    };
                    let x = at.map(|at| view.px_from_time(at, width));
                    let x = x.filter(|x| (0.0..=width).contains(x));
                    // In parts of the width: paper has another one than the screen.
                    let left = x.unwrap_or(0.0) / width.max(1.0) * 100.0;
                    dom::set_style(&line, "left", &format!("{left:.3}%"));
                    dom::set_style(
                        &line,
                        "visibility",
                        if x.is_some() { "visible" } else { "hidden" },
                    );
                }
            },
        );
    }
    listen::use_wheel(&ui, &plot, &plot);
    let view = props.view;
    let onclick = ui.on(move |event: MouseEvent| {
        let target = event.target().and_then(|it| it.dyn_into::<HtmlElement>().ok());
        let bounds = target.map(|it| it.get_bounding_client_rect());
        let (left, width) = bounds.map_or((0.0, 1.0), |it| (it.left(), it.width()));
        Action::Seek(view.time_from_px(f64::from(event.client_x()) - left, width))
    });
    let labels = rows.lanes().map(|lane| {
        let lane = &outcome.lanes[lane];
        html! {
            <li class="lane"><span class="lane-title" translate="no">{ &lane.title }</span>
                <span class="lane-status" translate="no">{ hit::status(lane, Cursor::after_all(props.at)) }</span></li>
        }
    });
    let name = &props.name;
    html! {
        <div class={classes!("stacked", is_narrow.then_some("narrow"))} ref={node}>
            <ul class="lane-labels" aria-label={t!("Lanes of {name}", name)}>{ for labels }</ul>
            <div class="lane-plot" ref={plot} {onclick}>
                <canvas ref={spans} role="img" aria-label={t!("Lanes of {name}; the list beside says their states at the cursor", name)}></canvas>
                <canvas ref={texts} role="img" aria-label={t!("Labels of the lanes of {name}", name)}></canvas>
                <div class="tl-fork" ref={drop_line} aria-hidden="true"></div>
                <div class="tl-parting" ref={parting} aria-hidden="true"></div>
                <div class="tl-cursor" ref={cursor} aria-hidden="true"></div>
            </div>
        </div>
    }
}

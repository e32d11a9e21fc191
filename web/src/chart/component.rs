//! The memory chart on the page, with a legend that reads the values at
//! the cursor. The drawing waits until the zoom rests: plotters draws
//! everything anew each time.

use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::Closure;
use web_sys::{Element, HtmlCanvasElement, HtmlElement, ResizeObserver};
use yew::prelude::*;

use super::backend::CanvasBackend;
use super::draw::{self, Scale};
use super::memory::Use;
use crate::dom;
use crate::format;
use crate::shared::Shared;
use crate::state::Scene;
use crate::timeline::layout::Layout;
use crate::timeline::palette::Shade;
use crate::timeline::viewport::Viewport;
use crate::words::t;

/// Rest before the chart follows a zoom.
const REST_MS: u32 = 120;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    pub view: Viewport,
    pub at: u64,
    pub shade: Shade,
}

#[component]
pub fn MemoryChart(props: &Props) -> Html {
    let canvas = use_node_ref();
    let width = use_width(&canvas);
    let (scene, view, shade) = (props.scene.clone(), props.view, props.shade);
    let scale = use_state_eq(|| Scale::Uses);
    let first = use_mut_ref(|| None::<(Shared<Scene>, Scale)>);
    {
        let canvas = canvas.clone();
        use_effect_with(
            (scene, view, shade, width, *scale),
            move |(scene, view, shade, _, scale)| {
                let (scene, view, shade, scale) = (scene.clone(), *view, *shade, *scale);
                // A new run shows at once, a moved window after a rest.
                let now = (scene.clone(), scale);
                let fresh = first.borrow_mut().replace(now.clone()) != Some(now);
                let draw = move || {
                    if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
                        redraw(&canvas, &scene, view, (scale, shade));
                    }
                };
                let timer = if fresh {
                    draw();
                    None
                } else {
                    Some(Timeout::new(REST_MS, draw))
                };
                move || drop(timer)
            },
        );
    }
    let memory = &props.scene.outcome.memory;
    let uses = &props.scene.uses;
    let entry = |it: &Use| {
        html! {
            <li key={it.id}><i class={format!("swatch use-{}", it.id)}></i>
                { format!("{} ", it.name) }<b>{ format::pages(it.series.value_at(props.at)) }</b></li>
        }
    };
    let used = scale.stack(uses).iter().filter(|it| it.id == "free" || it.series.is_used());
    let swap = Some(&uses.swap).filter(|it| it.series.is_used());
    let choice = |to: Scale, text: &'static str, title: &'static str| {
        let set = scale.clone();
        let onclick = Callback::from(move |_: MouseEvent| set.set(to));
        html! {
            <button type="button" class="link" aria-pressed={(*scale == to).to_string()} {onclick} {title}>{ text }</button>
        }
    };
    let label = t!(
        "Memory over time: {managed} managed; what it is used for, watermarks, pressure. The list before says the values at the cursor.",
        managed = format::pages(memory.managed)
    );
    html! {
        <div class="memory">
            <div class="memory-head"><ul class="memory-legend" aria-label={t!("Memory at the cursor")}>
                { for used.map(entry) }
                { for swap.map(entry) }
                <li><i class="swatch use-pressure"></i>{ t!("pressure ") }<b class="word">{ uses.pressure_at(props.at) }</b></li>
                <li class="watermarks"><i class="swatch dashed"></i>
                    { t!("min {min} · low {low} · high {high}", min = format::pages(memory.min),
                        low = format::pages(memory.low), high = format::pages(memory.high)) }</li>
            </ul>
            <div class="scales" role="group" aria-label={t!("What the chart shows")}>
                    { choice(Scale::Uses, t!("by use"), t!("What memory is used for")) }
                    { choice(Scale::Processes, t!("by process"), t!("Whose memory it is")) }
                    { choice(Scale::Watermarks, t!("watermarks"), t!("Free memory near the watermarks")) }
                </div>
            </div>
            <canvas ref={canvas} role="img" aria-label={label}></canvas>
        </div>
    }
}

/// The element's width, followed while it changes; 0 before it is known.
#[hook]
pub fn use_width(node: &NodeRef) -> i32 {
    let width = use_state_eq(|| 0);
    let (node, observed, set) = (node.clone(), node.clone(), width.setter());
    use_effect_with((), move |()| {
        let measure = move || {
            set.set(node.cast::<HtmlElement>().map_or(0, |element| element.client_width()));
        };
        measure();
        // Its box changes with the window, and with what opens beside it.
        let seen = Closure::<dyn FnMut()>::new(measure);
        let observer = ResizeObserver::new(seen.as_ref().unchecked_ref()).ok();
        if let (Some(observer), Some(element)) = (&observer, observed.cast::<Element>()) {
            observer.observe(&element);
        }
        move || {
            if let Some(observer) = observer {
                observer.disconnect();
            }
            drop(seen);
        }
    });
    *width
}

fn redraw(canvas: &HtmlCanvasElement, scene: &Scene, view: Viewport, look: (Scale, Shade)) {
    let Some((context, width, height)) = dom::fit_canvas(canvas) else {
        return;
    };
    let backend = CanvasBackend::new(context, (width as u32, height as u32));
    let gutter = Layout::for_width(width).gutter as u32;
    // A canvas that refuses stays empty; the legend says the values.
    let _ = draw::memory(backend, (&scene.uses, &scene.outcome.memory), view, look, gutter);
}

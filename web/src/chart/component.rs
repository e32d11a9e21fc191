//! The memory chart on the page, with a legend that reads the values at
//! the cursor. The drawing waits until the zoom rests: plotters draws
//! everything anew each time.

use gloo_timers::callback::Timeout;
use sim_core::base::MmId;
use web_sys::{HtmlCanvasElement, HtmlElement};
use yew::prelude::*;

use super::backend::CanvasBackend;
use super::draw;
use super::series::value_at;
use crate::dom;
use crate::format;
use crate::shared::Shared;
use crate::state::Scene;
use crate::timeline::layout::Layout;
use crate::timeline::palette::Shade;
use crate::timeline::viewport::Viewport;

/// Rest before the chart follows a zoom.
const REST_MS: u32 = 120;
/// Address spaces named in the legend.
const NAMED_MAX: usize = 4;

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
    let first = use_mut_ref(|| None::<Shared<Scene>>);
    {
        let canvas = canvas.clone();
        use_effect_with((scene.clone(), view, shade, width), move |(scene, view, shade, _)| {
            let (scene, view, shade) = (scene.clone(), *view, *shade);
            // A new run shows at once, a moved window after a rest.
            let fresh = first.borrow_mut().replace(scene.clone()) != Some(scene.clone());
            let draw = move || {
                if let Some(canvas) = canvas.cast::<HtmlCanvasElement>() {
                    redraw(&canvas, &scene, view, shade);
                }
            };
            let timer = if fresh {
                draw();
                None
            } else {
                Some(Timeout::new(REST_MS, draw))
            };
            move || drop(timer)
        });
    }
    let memory = &props.scene.outcome.memory;
    let free = value_at(&memory.free, props.at);
    let named = memory.present.iter().take(NAMED_MAX).enumerate().map(|(index, (mm, points))| {
        let pages = value_at(points, props.at);
        html! {
            <li key={mm.0}><i class={format!("swatch series-{index}")}></i>
                { format!("{} ", owner(&props.scene, *mm)) }<b>{ format::pages(pages) }</b></li>
        }
    });
    let label = format!(
        "Memory: {} managed; free and present pages per process over time",
        format::pages(memory.managed)
    );
    html! {
        <div class="memory">
            <ul class="memory-legend" aria-label="Memory at the cursor">
                <li><i class="swatch series-free"></i>{ "free " }<b>{ format::pages(free) }</b></li>
                { for named }
                <li class="watermarks"><i class="swatch dashed"></i>
                    { format!("min {} · low {} · high {}", format::pages(memory.min),
                        format::pages(memory.low), format::pages(memory.high)) }</li>
            </ul>
            <canvas ref={canvas} role="img" aria-label={label}></canvas>
        </div>
    }
}

fn owner(scene: &Scene, mm: MmId) -> String {
    let cast = &scene.outcome.run.cast;
    let owner = cast.mms.get(mm).and_then(|info| cast.tasks.get(info.owner));
    owner.map_or_else(String::new, |task| task.name.clone())
}

/// The element's width, followed while it changes.
#[hook]
fn use_width(node: &NodeRef) -> i32 {
    let width = use_state_eq(|| 0);
    let (node, set) = (node.clone(), width.setter());
    use_effect_with((), move |()| {
        let measure = move || {
            set.set(node.cast::<HtmlElement>().map_or(0, |element| element.client_width()));
        };
        measure();
        let listener =
            gloo_events::EventListener::new(&dom::window(), "resize", move |_| measure());
        move || drop(listener)
    });
    *width
}

fn redraw(canvas: &HtmlCanvasElement, scene: &Scene, view: Viewport, shade: Shade) {
    let Some((context, width, height)) = dom::fit_canvas(canvas) else {
        return;
    };
    let backend = CanvasBackend::new(context, (width as u32, height as u32));
    let gutter = Layout::for_width(width).gutter as u32;
    // A canvas that refuses stays empty; the legend says the values.
    let _ = draw::memory(backend, &scene.outcome.memory, view, shade, gutter);
}

//! The whole run in a strip, with a brush that is the window below.

use gloo_events::EventListener;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::Closure;
use web_sys::{HtmlCanvasElement, HtmlElement, PointerEvent, ResizeObserver};
use yew::prelude::*;

use super::brush::{self, Grab};
use super::gesture::Gesture;
use super::palette::Shade;
use super::raster::Frame;
use super::viewport::Viewport;
use super::{listen, paint};
use crate::dom;
use crate::shared::Shared;
use crate::state::{Action, Scene};
use crate::ui::Ui;
use crate::words::t;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    pub view: Viewport,
    pub at: u64,
    pub shade: Shade,
}

pub enum Msg {
    Resized,
    Down(PointerEvent),
    Move(PointerEvent),
    Up,
    /// The wheel turned over so many pixels.
    Wheel(Gesture, f64),
}

#[derive(Default)]
pub struct Overview {
    canvas: NodeRef,
    brush: NodeRef,
    cursor: NodeRef,
    grab: Option<Grab>,
    frame: Frame,
    drawn: Option<(Shared<Scene>, Shade)>,
    listeners: Vec<EventListener>,
    observer: Option<(ResizeObserver, Closure<dyn FnMut()>)>,
}

impl Component for Overview {
    type Message = Msg;
    type Properties = Props;

    fn create(_: &Context<Self>) -> Self {
        Self::default()
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        let props = ctx.props();
        let end = props.scene.outcome.run.end.0;
        match msg {
            Msg::Resized => {
                self.drawn = None;
                return true;
            }
            // Others are the browser's.
            Msg::Down(event) if event.button() != 0 => {}
            Msg::Down(event) => {
                let Some((x, width)) = self.place(&event) else {
                    return false;
                };
                if let Some(canvas) = self.canvas.cast::<HtmlElement>() {
                    let _ = canvas.set_pointer_capture(event.pointer_id());
                }
                let (grab, view) = brush::grab(props.view, x, width, end);
                self.grab = Some(grab);
                ui(ctx).send(Action::View(view));
                if props.view.span >= end {
                    ui(ctx).send(Action::Seek(Viewport::whole(end).time_from_px(x, width)));
                }
            }
            Msg::Move(event) if listen::is_let_go(&event) => self.grab = None,
            Msg::Move(event) => {
                if let (Some(grab), Some((x, width))) = (self.grab, self.place(&event)) {
                    if props.view.span >= end {
                        ui(ctx).send(Action::Seek(Viewport::whole(end).time_from_px(x, width)));
                    } else {
                        ui(ctx).send(Action::View(brush::moved(props.view, grab, x, width, end)));
                    }
                }
            }
            Msg::Up => self.grab = None,
            Msg::Wheel(gesture, width) => {
                if let Some(action) = brush::turned(props.view, gesture, width, end) {
                    ui(ctx).send(action);
                }
            }
        }
        false
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let incidents = ctx.props().scene.incidents.len();
        html! {
            <section class="overview" aria-label={t!("Whole run")}>
                <canvas ref={self.canvas.clone()} role="img"
                    aria-label={t!("The whole run, with {incidents} incidents marked", incidents)}></canvas>
                <div class="ov-brush" ref={self.brush.clone()} aria-hidden="true"></div>
                <div class="ov-cursor" ref={self.cursor.clone()} aria-hidden="true"></div>
            </section>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        let Some(canvas) = self.canvas.cast::<HtmlCanvasElement>() else {
            return;
        };
        if first {
            self.attach(ctx, &canvas);
        }
        let props = ctx.props();
        let now = (props.scene.clone(), props.shade);
        if self.drawn.as_ref() != Some(&now) {
            paint::overview(&canvas, &mut self.frame, &props.scene, props.shade);
            self.drawn = Some(now);
        }
        self.place_marks(props, f64::from(canvas.client_width()));
    }

    fn destroy(&mut self, _: &Context<Self>) {
        if let Some((observer, _)) = &self.observer {
            observer.disconnect();
        }
    }
}

fn ui(ctx: &Context<Overview>) -> Ui {
    let (ui, _) =
        ctx.link().context(Callback::noop()).expect("invariant: the root provides the context");
    ui
}

impl Overview {
    fn attach(&mut self, ctx: &Context<Self>, canvas: &HtmlCanvasElement) {
        type Make = fn(PointerEvent) -> Msg;
        let kinds: [(&'static str, Make); 4] = [
            ("pointerdown", Msg::Down),
            ("pointermove", Msg::Move),
            ("pointerup", |_| Msg::Up),
            ("pointercancel", |_| Msg::Up),
        ];
        for (name, make) in kinds {
            let link = ctx.link().clone();
            self.listeners.push(EventListener::new(canvas, name, move |event| {
                if let Some(event) = event.dyn_ref::<PointerEvent>() {
                    link.send_message(make(event.clone()));
                }
            }));
        }
        let link = ctx.link().clone();
        self.listeners.push(listen::to_wheel(canvas, canvas, move |gesture, width| {
            link.send_message(Msg::Wheel(gesture, width));
        }));
        let link = ctx.link().clone();
        let resized = Closure::<dyn FnMut()>::new(move || link.send_message(Msg::Resized));
        if let Ok(observer) = ResizeObserver::new(resized.as_ref().unchecked_ref()) {
            observer.observe(canvas);
            self.observer = Some((observer, resized));
        }
    }

    fn place(&self, event: &PointerEvent) -> Option<(f64, f64)> {
        let bounds = self.canvas.cast::<HtmlElement>()?.get_bounding_client_rect();
        Some((f64::from(event.client_x()) - bounds.left(), bounds.width()))
    }

    fn place_marks(&self, props: &Props, width: f64) {
        let whole = Viewport::whole(props.scene.outcome.run.end.0);
        if let Some(brush) = self.brush.cast::<HtmlElement>() {
            let left = whole.px_from_time(props.view.start, width);
            let right = whole.px_from_time(props.view.end(), width);
            dom::set_style(&brush, "left", &format!("{left:.1}px"));
            dom::set_style(&brush, "width", &format!("{:.1}px", (right - left).max(3.0)));
        }
        if let Some(cursor) = self.cursor.cast::<HtmlElement>() {
            let x = whole.px_from_time(props.at, width);
            dom::set_style(&cursor, "transform", &format!("translateX({x:.2}px)"));
        }
    }
}

//! The timeline on the page: ruler, memory chart and lanes share one
//! time axis, one cursor and one set of gestures.
//!
//! A struct component: it owns canvases, and draws after a render
//! whatever that render made stale.

mod placing;
mod pointing;

use gloo_events::EventListener;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::prelude::Closure;
use web_sys::{HtmlCanvasElement, HtmlElement, PointerEvent, ResizeObserver};
use yew::prelude::*;

use super::gesture::Gestures;
use super::grid_view::GridView;
use super::layout::Layout;
use super::palette::Shade;
use super::raster::{Fade, Frame};
use super::rows::{Arrangement, Group, RowKind, Rows};
use super::sight::{Sight, staying};
use super::viewport::Viewport;
use super::{hit, listen, paint};
use crate::chart::MemoryChart;
use crate::dom;
use crate::format;
use crate::keys::Keys;
use crate::panels::icon::{Icon, drawing};
use crate::route::Note;
use crate::shared::Shared;
use crate::state::LANES;
use crate::state::{Action, Cursor, Scene};
use crate::timeline::toolbar::{Tools, toolbar};
use crate::transfer::overlay::Overlay;
use crate::ui::Ui;
use crate::words::t;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    pub view: Viewport,
    pub now: Cursor,
    pub lane: usize,
    pub arrangement: Arrangement,
    /// Arrows that were followed.
    pub followed: Vec<usize>,
    pub notes: Vec<Note>,
    /// Events that a filter lets through: when, and in which lane; by time.
    pub matched: Option<Shared<Vec<(u64, usize)>>>,
    /// The recording that the run replays, laid over it.
    pub laid: Option<Shared<Overlay>>,
    /// Whether there is something to undo and to redo.
    pub history: (bool, bool),
    pub selection: Option<(u64, u64)>,
    pub playing: bool,
    pub shade: Shade,
    /// How keys act, for what buttons say of them.
    pub keys: Keys,
    /// Whether the page goes to paper: then all lanes are seen at once.
    pub printing: bool,
    /// Whether the page is part of another one.
    pub embed: bool,
}

pub enum Msg {
    /// Sizes changed.
    Resized,
    /// The lanes were scrolled.
    Scrolled,
    /// The pointer is over this place of the plot, or has left it.
    Hover(Option<(f64, f64)>),
    /// A pointer event, still to be understood.
    Pointer { kind: listen::Kind, event: PointerEvent },
}

#[derive(Default)]
pub struct Timeline {
    body: NodeRef,
    ruler: NodeRef,
    labels: NodeRef,
    spans: NodeRef,
    texts: NodeRef,
    cursor: NodeRef,
    range: NodeRef,
    overlay: NodeRef,
    width: f64,
    gestures: Gestures,
    hover: String,
    /// Where the pointer is, in the window.
    pointer: (f64, f64),
    tip: NodeRef,
    frame: Frame,
    /// The lane that was last scrolled into sight.
    revealed: Option<usize>,
    drawn: Option<Drawn>,
    listeners: Vec<EventListener>,
    observer: Option<(ResizeObserver, Closure<dyn FnMut()>)>,
}

/// What the canvases show, to know what is stale.
#[derive(PartialEq, Clone)]
struct Drawn {
    scene: Shared<Scene>,
    view: Viewport,
    shade: Shade,
    top: f64,
    size: (f64, f64),
    arrangement: Arrangement,
    lane: usize,
    followed: Vec<usize>,
    matched: Option<Shared<Vec<(u64, usize)>>>,
    laid: Option<Shared<Overlay>>,
    /// The moment inside a back-off, which counts down.
    now: Cursor,
    playing: bool,
}

impl Component for Timeline {
    type Message = Msg;
    type Properties = Props;

    fn create(_: &Context<Self>) -> Self {
        Self { width: 1_000.0, ..Self::default() }
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Resized => self.measure(),
            Msg::Scrolled => true,
            Msg::Hover(place) => self.on_hover(ctx, place),
            Msg::Pointer { kind, event } => {
                self.on_pointer(ctx, kind, &event);
                false
            }
        }
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let props = ctx.props();
        let lanes = &props.scene.outcome.lanes;
        let rows = self.rows(props);
        let (top, height) = self.scrolled(props, &rows);
        let seen = rows.visible(top, height.max(400.0));
        let is_seen = |top: f64| seen.iter().any(|row| (row.top - top).abs() < 0.5);
        let is_pinned =
            |lane: usize| lanes.get(lane).is_some_and(|it| props.arrangement.is_pinned(it.of));
        let tools = Tools {
            hover: &self.hover,
            selection: props.selection,
            hidden: rows.hidden,
            history: props.history,
            is_pinned: is_pinned(props.lane),
            preset: props.keys.preset,
            embed: props.embed,
        };
        // One label is in the order of focus, from which arrows lead to the others.
        let first = rows.of_lane(props.lane).map(|_| props.lane).or_else(|| rows.lanes().next());
        let stays = staying(&rows, self.plot_height(props, &rows));
        let labels = rows.iter().enumerate().map(|(place, row)| match row.kind {
            RowKind::Heading { group, lanes, collapsed } => {
                heading(ctx, (group, lanes), collapsed, place < stays)
            }
            RowKind::Lane(index) => {
                let lane = &lanes[index];
                let now = if place < stays || is_seen(row.top) {
                    hit::status(lane, props.now)
                } else {
                    String::new()
                };
                let now = if now.is_empty() { lane.subtitle.clone() } else { now };
                let is = Labelled {
                    selected: index == props.lane,
                    pinned: is_pinned(index),
                    first: Some(index) == first,
                };
                label(ctx, index, (&lane.title, now), is, place < stays)
            }
        });
        let description = t!(
            "{lanes} lanes from {from} to {to}. The table that follows says the same in words.",
            lanes = lanes.len(),
            from = format::instant(sim_core::base::SimTime(props.view.start)),
            to = format::instant(sim_core::base::SimTime(props.view.end()))
        );
        html! {
            <section class="timeline" aria-label={t!("Timeline")}>
                { toolbar(&ui(ctx), &tools) }
                <div class="tl-body" id={LANES} ref={self.body.clone()} tabindex="0" role="group"
                    aria-label={t!("Lanes over time; press ? for keys")}>
                    <div class="tl-corner" aria-hidden="true">{ t!("time") }</div>
                    <canvas class="tl-ruler" ref={self.ruler.clone()} role="img" aria-label={t!("Time axis")}></canvas>
                    <MemoryChart scene={props.scene.clone()} view={props.view} at={props.now.at} shade={props.shade} />
                    <ul class="lane-labels" ref={self.labels.clone()} aria-label={t!("Lanes")}>{ for labels }</ul>
                    <div class="lane-plot" >
                        <canvas ref={self.spans.clone()} role="img" aria-label={description}></canvas>
                        <canvas ref={self.texts.clone()} role="img" aria-label={t!("Labels of the lanes")}></canvas>
                    </div>
                    <GridView scene={props.scene.clone()} view={props.view} width={self.plot_width()} lane={props.lane}
                        at={props.now.at} playing={props.playing} {rows} {stays} />
                    <div class="tl-overlay" ref={self.overlay.clone()} aria-hidden="true">
                        <div class="tl-range" ref={self.range.clone()}></div>
                        { for props.notes.iter().enumerate().map(|(index, note)| html! {
                            <div key={index} class="tl-note">{ &note.text }</div>
                        }) }
                        <div class="tl-cursor" ref={self.cursor.clone()}></div>
                    </div>
                </div>
                if !self.hover.is_empty() {
                    <p class="tl-tip" ref={self.tip.clone()} aria-hidden="true">{ &self.hover }</p>
                }
            </section>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, first: bool) {
        if first {
            self.attach(ctx);
            if self.measure() {
                ctx.link().send_message(Msg::Resized);
            }
        }
        self.reveal_lane(ctx.props());
        self.place_staying(ctx.props());
        self.draw(ctx.props());
    }

    fn destroy(&mut self, _: &Context<Self>) {
        if let Some((observer, _)) = &self.observer {
            observer.disconnect();
        }
    }
}

/// Of lanes higher than this paper shows the beginning: canvases have limits.
const PAPER_PX_MAX: f64 = 8_000.0;

fn ui(ctx: &Context<Timeline>) -> Ui {
    let (ui, _) =
        ctx.link().context(Callback::noop()).expect("invariant: the root provides the context");
    ui
}

fn heading(
    ctx: &Context<Timeline>,
    (group, lanes): (Group, usize),
    collapsed: bool,
    stays: bool,
) -> Html {
    let onclick = ui(ctx).on(move |_: MouseEvent| Action::ToggleGroup(group));
    let icon = if collapsed { Icon::Right } else { Icon::Down };
    html! {
        <li key={group.title()} class={classes!("lane-heading", stays.then_some("stays"))}>
            <button type="button" {onclick} aria-expanded={(!collapsed).to_string()}>
                { drawing(icon) }<span>{ group.title() }</span><span class="count">{ lanes }</span></button>
        </li>
    }
}

/// What a lane's label is.
#[derive(Copy, Clone)]
struct Labelled {
    selected: bool,
    pinned: bool,
    /// Whether the focus comes to it first.
    first: bool,
}

fn label(
    ctx: &Context<Timeline>,
    index: usize,
    (title, now): (&str, String),
    Labelled { selected, pinned, first }: Labelled,
    stays: bool,
) -> Html {
    let onclick = ui(ctx).on(move |_: MouseEvent| Action::SelectLane(index));
    html! {
        <li key={index} class={classes!("lane", selected.then_some("selected"), stays.then_some("stays"))}>
            <button type="button" {onclick} aria-pressed={selected.to_string()} tabindex={if first { "0" } else { "-1" }}>
                <span class="lane-title" translate="no">{ for pinned.then(|| drawing(Icon::Pin)) }{ title.to_owned() }</span>
                <span class="lane-status" translate="no">{ now }</span>
                if pinned { <span class="hidden">{ t!("pinned") }</span> }
            </button>
        </li>
    }
}

fn size_plot(canvas: &HtmlCanvasElement, height: f64) {
    let plot = canvas.parent_element().and_then(|it| it.dyn_into::<HtmlElement>().ok());
    if let Some(plot) = plot {
        dom::set_style(&plot, "height", &format!("{height}px"));
    }
}

impl Timeline {
    fn layout(&self) -> Layout {
        Layout::in_window(self.width, dom::window_size())
    }

    fn rows(&self, props: &Props) -> Rows {
        let outcome = &props.scene.outcome;
        let layout = self.layout();
        Rows::new(&outcome.lanes, &outcome.run.cast, &props.arrangement, layout)
    }

    /// Scrolls a lane into sight when it has just been selected.
    fn reveal_lane(&mut self, props: &Props) {
        if self.revealed.replace(props.lane) == Some(props.lane) {
            return;
        }
        self.follow_focus();
        let rows = self.rows(props);
        let (Some(row), Some(body), Some(labels)) = (
            rows.of_lane(props.lane),
            self.body.cast::<HtmlElement>(),
            self.labels.cast::<HtmlElement>(),
        ) else {
            return;
        };
        let ruler = self.ruler.cast::<HtmlElement>().map_or(0, |it| it.client_height());
        let above = labels.offset_top() - body.offset_top() - body.client_top();
        let top = f64::from(above) + row.top;
        let sight = Sight::new(&rows, 0.0, self.plot_height(props, &rows));
        let stays = sight.of_lane(props.lane).is_some_and(|it| it.stays);
        let covered = f64::from(ruler) + sight.covered();
        let shown = f64::from(body.scroll_top()) + covered;
        let bottom = f64::from(body.scroll_top() + body.client_height());
        if top < shown && !stays {
            body.set_scroll_top((top - covered) as i32);
        } else if top + row.height > bottom {
            body.set_scroll_top((top + row.height - f64::from(body.client_height())) as i32);
        }
    }

    /// Who goes from label to label takes the focus along.
    fn follow_focus(&self) {
        let focused = dom::document().active_element();
        if !focused.is_some_and(|it| dom::inside(&it, ".timeline .lane")) {
            return;
        }
        let labels = self.labels.cast::<HtmlElement>();
        let selected = labels.and_then(|it| it.query_selector(".selected button").ok()?);
        if let Some(label) = selected.and_then(|it| it.dyn_into::<HtmlElement>().ok()) {
            let _ = label.focus();
        }
    }

    fn attach(&mut self, ctx: &Context<Self>) {
        let (Some(body), Some(ruler)) =
            (self.body.cast::<HtmlElement>(), self.ruler.cast::<HtmlElement>())
        else {
            return;
        };
        self.listeners = listen::to_pointer(&body, ctx.link());
        let ui = ui(ctx);
        self.listeners.push(listen::to_wheel(&body, &ruler, move |gesture, width| {
            if let Some(action) = listen::moved(gesture, width) {
                ui.send(action);
            }
        }));
        let link = ctx.link().clone();
        let resized = Closure::<dyn FnMut()>::new(move || link.send_message(Msg::Resized));
        if let Ok(observer) = ResizeObserver::new(resized.as_ref().unchecked_ref()) {
            observer.observe(&body);
            self.observer = Some((observer, resized));
        }
    }

    /// Reads sizes off the page; true if something must be drawn anew.
    fn measure(&mut self) -> bool {
        let Some(body) = self.body.cast::<HtmlElement>() else {
            return false;
        };
        self.width = f64::from(body.client_width());
        self.drawn = None;
        true
    }

    /// How far lanes are scrolled under their canvas, and the canvas's height; paper shows all.
    fn scrolled(&self, props: &Props, rows: &Rows) -> (f64, f64) {
        if props.printing {
            return (0.0, rows.height());
        }
        let (Some(labels), Some(plot)) =
            (self.labels.cast::<HtmlElement>(), self.spans.cast::<HtmlElement>())
        else {
            return (0.0, 0.0);
        };
        let (lanes, canvas) = (labels.get_bounding_client_rect(), plot.get_bounding_client_rect());
        ((canvas.top() - lanes.top()).max(0.0), canvas.height())
    }

    fn plot_width(&self) -> f64 {
        self.ruler.cast::<HtmlElement>().map_or(0.0, |ruler| f64::from(ruler.client_width()))
    }

    fn draw(&mut self, props: &Props) {
        let (Some(ruler), Some(spans), Some(texts)) = (
            self.ruler.cast::<HtmlCanvasElement>(),
            self.spans.cast::<HtmlCanvasElement>(),
            self.texts.cast::<HtmlCanvasElement>(),
        ) else {
            return;
        };
        self.place_tip();
        self.place_overlay(props);
        self.place_notes(props);
        let layout = self.layout();
        let rows = self.rows(props);
        size_plot(&spans, self.plot_height(props, &rows));
        let (top, height) = self.scrolled(props, &rows);
        let now = Drawn {
            scene: props.scene.clone(),
            view: props.view,
            shade: props.shade,
            top,
            size: (self.plot_width(), height),
            arrangement: props.arrangement.clone(),
            lane: props.lane,
            followed: props.followed.clone(),
            matched: props.matched.clone(),
            laid: props.laid.clone(),
            now: props.now,
            playing: props.playing,
        };
        let stale = self.drawn.as_ref() != Some(&now);
        let picture = paint::Picture {
            scene: &props.scene,
            view: props.view,
            shade: props.shade,
            layout,
            sight: Sight::new(&rows, top, height),
            lane: props.lane,
            followed: &props.followed,
            matched: props.matched.as_ref().map_or(&[], |matched| matched.as_slice()),
            recorded: props.laid.as_ref().map_or(&[], |laid| &laid.events),
            now: props.now,
            fade: if props.playing { Fade::Strong } else { Fade::Weak },
        };
        paint::lanes(&spans, &mut self.frame, &picture);
        if stale {
            paint::ruler(&ruler, props.view, props.shade);
            paint::texts(&texts, &picture);
            self.drawn = Some(now);
        }
    }

    /// How high the canvas is: as what can be seen of the lanes.
    fn plot_height(&self, props: &Props, rows: &Rows) -> f64 {
        let Some(body) = self.body.cast::<HtmlElement>() else {
            return 0.0;
        };
        let ruler = self.ruler.cast::<HtmlElement>().map_or(0, |it| it.client_height());
        let room = f64::from(body.client_height() - ruler).max(120.0);
        rows.height().min(if props.printing { PAPER_PX_MAX } else { room }).round()
    }

    /// The lane at this height below the first row's top, as it is scrolled.
    fn lane_at(&self, props: &Props, y: f64) -> Option<usize> {
        let rows = self.rows(props);
        let (top, height) = self.scrolled(props, &rows);
        Sight::new(&rows, top, height).lane_at(y - top)
    }
}

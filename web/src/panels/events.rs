//! All records of the run as a list that draws only what shows.
//!
//! Follows the cursor; a row or the arrow keys move it. A filter is
//! applied in slices, so that a million records don't stop the page.

use std::rc::Rc;

use gloo_timers::callback::Timeout;
use sim_core::analysis::Topic;
use sim_core::base::TaskId;
use sim_core::record::Record;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlElement, HtmlInputElement, HtmlSelectElement, KeyboardEvent};
use yew::prelude::*;

use crate::dom;
use crate::engine;
use crate::event_filter::{Filter, Narrow, RELATIONS, Wanted};
use crate::format;
use crate::shared::Shared;
use crate::state::{Action, LANES, Scene};
use crate::ui::Ui;
use crate::virtual_list::{ROW_PX, Rows};
use crate::words::{say, t};

/// Records a filter looks at between two breaths.
const SLICE: usize = 20_000;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    /// Records that have happened; the last of them is marked.
    pub happened: usize,
    pub playing: bool,
    /// What is asked for besides the text.
    pub wanted: Wanted,
}

pub enum Msg {
    Scrolled,
    /// The list's height became known.
    Measured,
    Typed(String),
    /// Everything shows again.
    All,
    /// The filters besides the text show, or don't.
    Unfold,
    Slice,
    Key(KeyboardEvent),
    /// A key in the filter's field.
    FieldKey(KeyboardEvent),
}

#[derive(Default)]
pub struct EventList {
    field: NodeRef,
    viewport: NodeRef,
    spacer: NodeRef,
    window: NodeRef,
    scroll_top: f64,
    height: f64,
    filter: Filter,
    unfolded: bool,
    /// Matching records; `None` without a filter.
    matches: Option<Rc<Vec<usize>>>,
    /// A filter under way: where it is, and what it found.
    work: Option<(usize, Vec<usize>)>,
    timer: Option<Timeout>,
    /// Set until a render has measured the list.
    follow_again: bool,
}

impl Component for EventList {
    type Message = Msg;
    type Properties = Props;

    fn create(ctx: &Context<Self>) -> Self {
        let mut list = Self { height: 300.0, follow_again: true, ..Self::default() };
        list.take(ctx);
        list
    }

    fn changed(&mut self, ctx: &Context<Self>, old: &Props) -> bool {
        if ctx.props().scene != old.scene || ctx.props().wanted != old.wanted {
            if ctx.props().scene != old.scene {
                self.filter.cone = None;
            }
            self.take(ctx);
        }
        if ctx.props().happened != old.happened || ctx.props().scene != old.scene {
            self.follow_cursor(ctx.props());
        }
        true
    }

    fn update(&mut self, ctx: &Context<Self>, msg: Msg) -> bool {
        match msg {
            Msg::Scrolled => {
                let top = self.viewport.cast::<HtmlElement>().map_or(0, |it| it.scroll_top());
                let moved = (f64::from(top) - self.scroll_top).abs() > 0.5;
                self.scroll_top = f64::from(top);
                moved
            }
            Msg::Measured => true,
            Msg::Typed(text) => {
                self.filter.text = text.to_ascii_lowercase();
                self.restart(ctx);
                true
            }
            Msg::All => {
                self.filter.text.clear();
                if let Some(field) = self.field.cast::<HtmlInputElement>() {
                    field.set_value("");
                    let _ = field.focus();
                }
                ui(ctx).send(Action::Narrow(Narrow::Nothing));
                self.restart(ctx);
                true
            }
            Msg::Unfold => {
                self.unfolded = !self.unfolded;
                self.follow_again = true;
                true
            }
            Msg::Slice => self.slice(ctx),
            Msg::FieldKey(event) => {
                match event.key().as_str() {
                    "Enter" => self.go_to_match(ctx, event.shift_key()),
                    // The browser empties the field; from an empty one the way is back.
                    "Escape" if self.filter.text.is_empty() => dom::focus(LANES),
                    _ => {}
                }
                false
            }
            Msg::Key(event) => {
                self.on_key(ctx, &event);
                false
            }
        }
    }

    fn view(&self, ctx: &Context<Self>) -> Html {
        let scene = &ctx.props().scene;
        let count = self.count(ctx.props());
        let rows = Rows::new(count, self.height);
        let current = self.row_of_cursor(ctx.props());
        let link = ctx.link();
        let typed = link.callback(|event: InputEvent| {
            let input = event.target().and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
            Msg::Typed(input.map(|input| input.value()).unwrap_or_default())
        });
        let shown = rows.visible(self.scroll_top);
        let items = shown.filter_map(|row| {
            let index = self.record_at(row)?;
            let record = scene.outcome.run.trace.get(index)?;
            Some(Self::row(
                ctx,
                &record,
                Row { position: row, index, count, current: current == Some(row) },
            ))
        });
        let active = current.filter(|row| rows.visible(self.scroll_top).contains(row));
        let active = active.map(|row| format!("event-{row}"));
        let tally = match (&self.matches, &self.work) {
            (_, Some(_)) => t!("filtering…").to_owned(),
            (Some(found), _) => t!(
                "{shown} of {all}",
                shown = format::grouped(found.len() as u64),
                all = format::grouped(scene.outcome.run.trace.len() as u64)
            ),
            (None, _) => format::grouped(count as u64),
        };
        let choices = self.filter.choices();
        let unfold = match choices {
            0 => t!("filters").to_owned(),
            count => t!("filters: {count}", count),
        };
        let is_empty = self.work.is_none() && self.matches.as_ref().is_some_and(|it| it.is_empty());
        let all = link.callback(|_: MouseEvent| Msg::All);
        html! {
            <section class="panel events" aria-labelledby="events-word">
                <h2 id="events-title"><span id="events-word">{ t!("Events") }</span><span class="now" role="status">{ tally }</span>
                    <input id="event-filter" ref={self.field.clone()} type="search" placeholder={t!("filter")} oninput={typed} onkeydown={link.callback(Msg::FieldKey)}
                        aria-label={t!("Filter the events")} autocomplete="off" spellcheck="false" />
                    <button type="button" onclick={link.callback(|_: MouseEvent| Msg::Unfold)}
                        aria-expanded={self.unfolded.to_string()} aria-controls="event-filters">{ unfold }</button></h2>
                { self.filters(ctx) }
                if is_empty {
                    <p class="no-match">{ t!("No event matches. ") }<button type="button" class="link" onclick={all}>{ t!("Show all events") }</button></p>
                }
                <div class="scroll rows" ref={self.viewport.clone()} tabindex="0" role="listbox" aria-labelledby="events-word"
                    aria-activedescendant={active} onscroll={link.callback(|_: Event| Msg::Scrolled)}
                    onkeydown={link.callback(Msg::Key)}>
                    <div class="spacer" ref={self.spacer.clone()} role="presentation">
                        <div class="window" ref={self.window.clone()} role="presentation">{ for items }</div>
                    </div>
                </div>
            </section>
        }
    }

    fn rendered(&mut self, ctx: &Context<Self>, _: bool) {
        let (Some(viewport), Some(spacer), Some(window)) = (
            self.viewport.cast::<HtmlElement>(),
            self.spacer.cast::<HtmlElement>(),
            self.window.cast::<HtmlElement>(),
        ) else {
            return;
        };
        let height = f64::from(viewport.client_height()).max(ROW_PX);
        if (height - self.height).abs() >= 1.0 {
            self.height = height;
            self.follow_again = true;
        }
        let rows = Rows::new(self.count(ctx.props()), self.height);
        dom::set_style(&spacer, "height", &format!("{}px", rows.scroll_height()));
        if self.follow_again {
            // The first render didn't know the height.
            self.follow_again = false;
            self.follow_cursor(ctx.props());
            ctx.link().send_message(Msg::Measured);
        }
        if (f64::from(viewport.scroll_top()) - self.scroll_top).abs() >= 1.0 {
            viewport.set_scroll_top(self.scroll_top as i32);
        }
        dom::set_style(
            &window,
            "transform",
            &format!("translateY({}px)", rows.offset(self.scroll_top)),
        );
    }
}

/// A row to draw.
#[derive(Copy, Clone)]
struct Row {
    position: usize,
    index: usize,
    count: usize,
    current: bool,
}

/// The chosen option's number; none for the first.
fn chosen(event: &Event) -> Option<usize> {
    let select = event.target().and_then(|it| it.dyn_into::<HtmlSelectElement>().ok());
    select?.value().parse().ok()
}

fn ui(ctx: &Context<EventList>) -> Ui {
    let (ui, _) =
        ctx.link().context(Callback::noop()).expect("invariant: the root provides the context");
    ui
}

impl EventList {
    fn row(ctx: &Context<Self>, record: &Record, row: Row) -> Html {
        let run = &ctx.props().scene.outcome.run;
        let Row { position: row, index, count, current } = row;
        let onclick = ui(ctx).on(move |_: MouseEvent| Action::SeekRecord(index));
        let later = index >= ctx.props().happened;
        html! {
            <div key={row} id={format!("event-{row}")} role="option" {onclick}
                class={classes!("row", later.then_some("later"), current.then_some("current"))}
                aria-selected={current.to_string()} aria-setsize={count.to_string()} aria-posinset={(row + 1).to_string()}>
                <span class="time">{ format::instant(record.at) }</span>
                <span class="text" translate="no">{ engine::event_text(run, record) }</span>
            </div>
        }
    }

    /// Topic, task and relation to the current event.
    fn filters(&self, ctx: &Context<Self>) -> Html {
        if !self.unfolded {
            return html! { <div id="event-filters" hidden=true></div> };
        }
        let ui = ui(ctx);
        let outcome = &ctx.props().scene.outcome;
        let topic = ui.on(|event: Event| {
            let topic = chosen(&event).and_then(|index| Topic::ALL.get(index).copied());
            Action::Narrow(Narrow::Topic(topic))
        });
        let task = ui.on(|event: Event| {
            Action::Narrow(Narrow::Task(chosen(&event).map(TaskId::from_index)))
        });
        let relation = ui.on(|event: Event| {
            let wanted = chosen(&event).and_then(|index| RELATIONS.get(index));
            Action::Narrow(Narrow::Relation(wanted.map(|(relation, _)| *relation)))
        });
        let reset = ui.on(|_: MouseEvent| Action::Narrow(Narrow::Nothing));
        let choices = |all: &'static str,
                       list: Vec<(usize, String, bool)>,
                       translate: &'static str| {
            let is_free = !list.iter().any(|(.., selected)| *selected);
            html! {
                <>
                    <option value="" selected={is_free}>{ all }</option>
                    { for list.into_iter().map(|(value, text, selected)| html! {
                        <option {translate} value={value.to_string()} {selected}>{ text }</option>
                    }) }
                </>
            }
        };
        let topics = Topic::ALL.iter().enumerate();
        let topics =
            topics.map(|(index, it)| (index, it.name().to_owned(), self.filter.topic == Some(*it)));
        let tasks = outcome.run.cast.tasks.iter();
        let tasks =
            tasks.map(|(id, info)| (id.index(), info.name.clone(), self.filter.task == Some(id)));
        let wanted = self.filter.cone.as_ref().map(|cone| cone.wanted);
        let relations = RELATIONS.iter().enumerate();
        let relations =
            relations.map(|(index, (it, name))| (index, say(name).to_owned(), wanted == Some(*it)));
        let pivot = self.filter.cone.as_ref().map(|cone| {
            let (index, back) = (cone.pivot, ui.on({
                let pivot = cone.pivot;
                move |_: MouseEvent| Action::SeekRecord(pivot)
            }));
            html! {
                <button type="button" class="link" onclick={back} title={t!("Go to the event that others are compared with")}>
                    { t!("of event {number}", number = format::grouped(index as u64 + 1)) }</button>
            }
        });
        html! {
            <div id="event-filters" class="filters" role="group" aria-label={t!("Filters of the events")}>
                <select aria-label={t!("About")} onchange={topic}>{ choices(t!("about anything"), topics.collect(), "no") }</select>
                <select aria-label={t!("By task")} onchange={task}>{ choices(t!("by any task"), tasks.collect(), "no") }</select>
                <select aria-label={t!("How they stand to the current event")} title={t!("By what led from one to another, not by the clock")}
                    onchange={relation}>{ choices(t!("before, after, beside"), relations.collect(), "yes") }</select>
                { for pivot }
                <button type="button" class="link" onclick={reset} disabled={self.filter.choices() == 0}>{ t!("reset") }</button>
            </div>
        }
    }

    fn count(&self, props: &Props) -> usize {
        self.matches.as_ref().map_or(props.scene.outcome.run.trace.len(), |found| found.len())
    }

    fn record_at(&self, row: usize) -> Option<usize> {
        match &self.matches {
            Some(found) => found.get(row).copied(),
            None => Some(row),
        }
    }

    /// The last row that has happened.
    fn row_of_cursor(&self, props: &Props) -> Option<usize> {
        let happened = match &self.matches {
            Some(found) => found.partition_point(|index| *index < props.happened),
            None => props.happened,
        };
        happened.checked_sub(1)
    }

    /// Scrolls so that the cursor's row shows. Decided before a render,
    /// so that rows and scroll change in one frame.
    fn follow_cursor(&mut self, props: &Props) {
        let rows = Rows::new(self.count(props), self.height);
        if let Some(row) = self.row_of_cursor(props) {
            let top = self.scroll_top.min((rows.scroll_height() - self.height).max(0.0));
            self.scroll_top = rows.scrolled_to(row, top).unwrap_or(top).floor();
        }
    }

    /// Takes over what is asked for.
    fn take(&mut self, ctx: &Context<Self>) {
        let Props { wanted, scene, .. } = ctx.props();
        self.filter.take(wanted, &scene.outcome.run);
        // Who opens a link with a filter sees what it is.
        self.unfolded |= !wanted.is_empty();
        self.restart(ctx);
    }

    fn restart(&mut self, ctx: &Context<Self>) {
        self.filter.look_up(&ctx.props().scene.outcome.lanes);
        if self.filter.is_empty() {
            if self.matches.is_some() || self.work.is_some() {
                ui(ctx).send(Action::Matched(None));
            }
            (self.matches, self.work, self.timer) = (None, None, None);
            self.follow_cursor(ctx.props());
        } else {
            self.work = Some((0, Vec::new()));
            self.schedule(ctx);
        }
    }

    fn schedule(&mut self, ctx: &Context<Self>) {
        let link = ctx.link().clone();
        self.timer = Some(Timeout::new(0, move || link.send_message(Msg::Slice)));
    }

    fn slice(&mut self, ctx: &Context<Self>) -> bool {
        let Some((start, mut found)) = self.work.take() else {
            return false;
        };
        let run = &ctx.props().scene.outcome.run;
        for (index, record) in run.trace.iter_from(start).take(SLICE) {
            if self.filter.matches(run, index, &record) {
                found.push(index);
            }
        }
        if start + SLICE < run.trace.len() {
            self.work = Some((start + SLICE, found));
            self.schedule(ctx);
            return false;
        }
        ui(ctx).send(Action::Matched(Some(Shared::new(found.clone()))));
        self.matches = Some(Rc::new(found));
        self.follow_cursor(ctx.props());
        true
    }

    /// To the match after the cursor, or before it.
    fn go_to_match(&self, ctx: &Context<Self>, back: bool) {
        let present = self.row_of_cursor(ctx.props());
        let on_match = present.and_then(|row| self.record_at(row)).map(|record| record + 1);
        let at_it = on_match == Some(ctx.props().happened);
        let row = match (present, back) {
            (Some(row), true) if at_it => row.checked_sub(1),
            (row, true) => row,
            (row, false) => Some(row.map_or(0, |row| row + 1)),
        };
        if let Some(record) = row.and_then(|row| self.record_at(row)) {
            ui(ctx).send(Action::SeekRecord(record));
        }
    }

    fn on_key(&self, ctx: &Context<Self>, event: &KeyboardEvent) {
        let rows = (self.height / ROW_PX) as usize;
        let count = self.count(ctx.props());
        let current = self.row_of_cursor(ctx.props());
        let target = match event.key().as_str() {
            "ArrowDown" => current.map_or(0, |row| row + 1),
            "ArrowUp" => current.map_or(0, |row| row.saturating_sub(1)),
            "PageDown" => current.map_or(rows, |row| row + rows),
            "PageUp" => current.map_or(0, |row| row.saturating_sub(rows)),
            "Home" => 0,
            "End" => count.saturating_sub(1),
            _ => return,
        };
        event.prevent_default();
        if let Some(index) = self.record_at(target.min(count.saturating_sub(1))) {
            ui(ctx).send(Action::SeekRecord(index));
        }
    }
}

//! The table of `grid.rs` on the page: a grid with one cell in the order
//! of focus, which is that of the selected lane at the cursor.
//!
//! Cells lie over the states that they tell of, so that the focus is seen
//! there; pointers go through them to the canvas. Rebuilt once the window
//! rests: a zoom under way would only make work. Who activates a cell (Enter, or what a screen
//! reader sends for it) goes there, and of several states takes a closer look.

use gloo_timers::callback::Timeout;
use std::rc::Rc;
use wasm_bindgen::JsCast as _;
use web_sys::{Element, HtmlElement, KeyboardEvent};
use yew::prelude::*;

use super::grid::{Cell, cells, focused};
use super::rows::{RowKind, Rows};
use super::viewport::Viewport;
use crate::dom;
use crate::shared::Shared;
use crate::state::{Action, Scene};
use crate::ui::{Ui, use_ui};
use crate::words::t;

/// A window that has stood this long is at rest.
const REST_MS: u32 = 150;
/// Lanes in the table at once; of more, those around the selected one.
const ROWS_MAX: usize = 60;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub scene: Shared<Scene>,
    pub view: Viewport,
    pub rows: Rows,
    /// How many of them stay on top while others scroll.
    pub stays: usize,
    /// Of the plot, in pixels.
    pub width: f64,
    pub lane: usize,
    pub at: u64,
    pub playing: bool,
}

/// A lane of the table.
#[derive(PartialEq)]
struct Line {
    lane: usize,
    title: String,
    /// Place among the rows of the table: after the head, and among all lanes that show.
    index: usize,
    top: f64,
    height: f64,
    stays: bool,
    cells: Vec<Cell>,
}

impl AsRef<[Cell]> for Line {
    fn as_ref(&self) -> &[Cell] {
        &self.cells
    }
}

/// Everything but where the focus is; equal when it is the same.
#[derive(Clone)]
struct Table(Rc<Vec<Line>>);

impl PartialEq for Table {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

#[component]
pub fn GridView(props: &Props) -> Html {
    let rested = use_state_eq(|| props.view);
    {
        let rested = rested.clone();
        use_effect_with(props.view, move |view| {
            let view = *view;
            let timer = (*rested != view).then(|| Timeout::new(REST_MS, move || rested.set(view)));
            move || drop(timer)
        });
    }
    // Only of a crowd does the table depend on who is selected.
    let count = props.rows.lanes().count();
    let center = if count > ROWS_MAX { props.lane } else { 0 };
    let table = {
        let (scene, rows) = (props.scene.clone(), props.rows.clone());
        let sizes = (props.width as u64, center, props.stays);
        use_memo((props.scene.clone(), *rested, props.rows.clone(), sizes), move |of| {
            let (_, view, _, (width, center, stays)) = of;
            lines(&scene, *view, (&rows, *stays), *width as f64, *center)
        })
    };
    let line = table.iter().position(|line| line.lane == props.lane);
    let active = focused(line, &table, props.at);
    html! {
        <Grid table={Table(table)} {active} rows={count} height={props.rows.height()} end={props.scene.outcome.run.end.0} playing={props.playing} />
    }
}

fn lines(
    scene: &Scene,
    view: Viewport,
    (rows, stays): (&Rows, usize),
    width: f64,
    center: usize,
) -> Vec<Line> {
    if width < 1.0 {
        return Vec::new();
    }
    let lanes = rows.iter().enumerate().filter_map(|(place, row)| match row.kind {
        RowKind::Lane(lane) => Some((lane, row, place < stays)),
        RowKind::Heading { .. } => None,
    });
    let lanes: Vec<_> = lanes.enumerate().collect();
    let middle = lanes.iter().position(|(_, (lane, ..))| *lane == center).unwrap_or(0);
    let first = middle.saturating_sub(ROWS_MAX / 2).min(lanes.len().saturating_sub(ROWS_MAX));
    lanes
        .into_iter()
        .skip(first)
        .take(ROWS_MAX)
        .map(|(index, (lane, row, stays))| Line {
            lane,
            title: scene.outcome.lanes[lane].title.clone(),
            index: index + 2,
            top: row.top,
            height: row.height,
            stays,
            cells: cells(scene, lane, view, width),
        })
        .collect()
}

#[derive(Properties, PartialEq)]
struct GridProps {
    table: Table,
    /// Line and cell of the focus.
    active: Option<(usize, usize)>,
    rows: usize,
    height: f64,
    /// Of the run.
    end: u64,
    playing: bool,
}

#[component]
fn Grid(props: &GridProps) -> Html {
    let ui = use_ui();
    let node = use_node_ref();
    {
        let node = node.clone();
        let (height, table) = (props.height, props.table.clone());
        use_effect_with((props.table.clone(), props.height as u64), move |_| {
            if let Some(grid) = node.cast::<HtmlElement>() {
                dom::set_style(&grid, "height", &format!("{height:.0}px"));
                place(&grid, &table.0);
            }
        });
    }
    {
        let (node, playing) = (node.clone(), props.playing);
        use_effect_with((props.table.clone(), props.active), move |_| {
            if let Some(grid) = node.cast::<HtmlElement>() {
                keep_focus(&grid, playing);
            }
        });
    }
    let onclick = {
        let (ui, table, end) = (ui.clone(), props.table.clone(), props.end);
        Callback::from(move |event: MouseEvent| {
            let target = event.target().and_then(|it| it.dyn_into::<Element>().ok());
            if let Some((line, cell)) = target.and_then(|it| clicked(&it, &table.0)) {
                ui.send(Action::SelectLane(line.lane));
                activate(&ui, cell, end);
            }
        })
    };
    let onkeydown = {
        let (table, active, end) = (props.table.clone(), props.active, props.end);
        Callback::from(move |event: KeyboardEvent| {
            let control = event.ctrl_key() || event.meta_key();
            let plain = !(control || event.alt_key() || event.shift_key());
            let corner = control && matches!(event.key().as_str(), "Home" | "End");
            let Some((line, cell)) = active.filter(|_| plain || corner) else {
                return;
            };
            // With Ctrl as in any table: to its first cell, and to its last.
            let line = match event.key().as_str() {
                "Home" if corner => 0,
                "End" if corner => table.0.len() - 1,
                _ => line,
            };
            let Line { lane, cells, .. } = &table.0[line];
            let crowd = cells.get(cell).filter(|it| it.is_crowd);
            if let Some(cell) = crowd.filter(|_| matches!(event.key().as_str(), "Enter" | " ")) {
                event.prevent_default();
                event.stop_propagation();
                return activate(&ui, cell, end);
            }
            let target = match event.key().as_str() {
                "ArrowRight" => Some(cell + 1),
                "ArrowLeft" => cell.checked_sub(1),
                "Home" => Some(0),
                "End" => cells.len().checked_sub(1),
                _ => return,
            };
            // Past the window's edge the key steps to the lane's next event, as everywhere.
            if let Some(cell) = target.and_then(|target| cells.get(target)) {
                event.prevent_default();
                ui.send(Action::SelectLane(*lane));
                ui.send(Action::Seek(cell.from));
            }
        })
    };
    let rows = props.table.0.iter().enumerate().map(|(line, row)| {
        let cells = row.cells.iter().enumerate().map(|(index, cell)| {
            let tabindex = if props.active == Some((line, index)) { "0" } else { "-1" };
            html! {
                <div key={index} role="gridcell" {tabindex} aria-colindex={(index + 2).to_string()}>
                    <span class="hidden">{ &cell.text }</span></div>
            }
        });
        html! {
            <div key={row.lane} role="row" aria-rowindex={row.index.to_string()} class={row.stays.then_some("stays")}>
                <span role="rowheader" class="hidden" aria-colindex="1" translate="no">{ &row.title }</span>
                { for cells }
            </div>
        }
    });
    let wide = props.table.0.iter().map(|line| line.cells.len()).max().unwrap_or(0).max(1);
    html! {
        <div class="tl-grid" ref={node} role="grid" aria-readonly="true" aria-rowcount={(props.rows + 1).to_string()} aria-colcount={(wide + 1).to_string()}
            aria-label={t!("Lanes as a table: up and down change the lane, left and right the state, Enter looks closer at a cell of several; the cursor follows")} {onkeydown} {onclick}>
            <div role="row" aria-rowindex="1" class="hidden">
                <span role="columnheader" aria-colindex="1">{ t!("Lane") }</span>
                <span role="columnheader" aria-colindex="2" aria-colspan={wide.to_string()}>{ t!("What it does, in order of time") }</span>
            </div>
            { for rows }
        </div>
    }
}

/// The line and cell of an element in the table.
fn clicked<'a>(element: &Element, lines: &'a [Line]) -> Option<(&'a Line, &'a Cell)> {
    let cell = element.closest("[role=gridcell]").ok()??;
    let row = cell.parent_element()?;
    let index = |element: &Element, name| element.get_attribute(name)?.parse::<usize>().ok();
    let (row, column) = (index(&row, "aria-rowindex")?, index(&cell, "aria-colindex")?);
    let line = lines.iter().find(|line| line.index == row)?;
    Some((line, line.cells.get(column.checked_sub(2)?)?))
}

/// Goes to a cell; of several states, closer to them.
fn activate(ui: &Ui, cell: &Cell, end: u64) {
    if cell.is_crowd {
        ui.send(Action::View(Viewport::between(cell.from, cell.to, end)));
    }
    // Where the first of them is: each has a cell of its own there, or looks closer again.
    ui.send(Action::Seek(cell.from));
}

/// Puts cells over what they tell of; through the object model, as the
/// content policy wants it.
fn place(grid: &HtmlElement, lines: &[Line]) {
    let Ok(found) = grid.query_selector_all("[role=gridcell]") else {
        return;
    };
    let cells = lines.iter().flat_map(|line| line.cells.iter().map(move |cell| (line, cell)));
    for (index, (line, cell)) in cells.enumerate() {
        let element = found.item(index as u32).and_then(|it| it.dyn_into::<HtmlElement>().ok());
        let Some(element) = element else {
            continue;
        };
        let sizes = [
            ("left", cell.left),
            ("width", cell.width),
            ("top", line.top),
            ("height", line.height),
        ];
        for (property, value) in sizes {
            dom::set_style(&element, property, &format!("{value:.1}px"));
        }
    }
}

/// The focus stays on the active cell once it is in the grid, unless time
/// runs: then it would never rest.
fn keep_focus(grid: &HtmlElement, playing: bool) {
    let focused = dom::document().active_element();
    let is_inside = focused.as_ref().is_some_and(|it| grid.contains(Some(it)));
    if !is_inside || playing {
        return;
    }
    let active = grid.query_selector("[tabindex='0']").ok().flatten();
    if let Some(active) = active.and_then(|it| it.dyn_into::<HtmlElement>().ok()) {
        let _ = active.focus();
    }
}

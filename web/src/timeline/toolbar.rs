//! The line above the lanes: what is under the pointer, the selected
//! range, and a button for every gesture.

use sim_core::base::SimTime;
use yew::prelude::*;

use crate::format;
use crate::keys::{Command, Preset, told};
use crate::panels::icon::{Icon, drawing, icon_button, text_button};
use crate::state::Action;
use crate::timeline::rows::Toward;
use crate::ui::Ui;
use crate::words::t;

/// What the line depends on.
pub struct Tools<'a> {
    /// What is under the pointer.
    pub hover: &'a str,
    pub selection: Option<(u64, u64)>,
    /// How many lanes the user has hidden.
    pub hidden: usize,
    /// What can be undone and redone.
    pub history: (bool, bool),
    /// Whether the selected lane is on top.
    pub is_pinned: bool,
    pub preset: Preset,
    /// Whether the page is part of another one: notes have no fields there.
    pub embed: bool,
}

/// The line above the lanes.
pub fn toolbar(ui: &Ui, tools: &Tools<'_>) -> Html {
    let Tools { hover, selection, hidden, is_pinned, preset, embed, .. } = *tools;
    let (can_undo, can_redo) = tools.history;
    let press = |command| ui.on(move |_: MouseEvent| Action::Command { command, anchor: None });
    let text = match selection {
        _ if !hover.is_empty() => hover.to_owned(),
        Some((from, to)) => t!(
            "Selected {from} – {to} ({time})",
            from = format::instant(SimTime(from)),
            to = format::instant(SimTime(to)),
            time = format::duration(to - from),
        ),
        None => String::new(),
    };
    // Which of the hints is seen, the style sheet decides by the kind of pointer.
    let hints = text.is_empty().then(|| {
        html! {
            <>
                <span class="for-mouse">{ t!("Drag to select a range; Ctrl + wheel zooms") }</span>
                <span class="for-touch">{ t!("Drag to pan, hold to select, pinch to zoom") }</span>
            </>
        }
    });
    html! {
        <div class="tl-tools">
            <p class="hover">{ text }{ hints }</p>
            <div class="tl-buttons">
            <div class="buttons" role="group" aria-label={t!("Changes of the view")}>
                { icon_button(Icon::Undo, t!("Undo"), t!("Undo zoom, range, rows or notes (Ctrl Z)"), press(Command::Undo), !can_undo) }
                { icon_button(Icon::Redo, t!("Redo"), t!("Redo (Ctrl Shift Z)"), press(Command::Redo), !can_redo) }
                if !embed {
                    { text_button(t!("note"), t!("Add a note at the cursor (M); it travels in the link"), press(Command::Note), false) }
                }
            </div>
            <div class="buttons" role="group" aria-label={t!("Range")}>
                <span class="group-name" aria-hidden="true">{ t!("range") }</span>
                { text_button(t!("from here"), t!("Begin the range at the cursor"), press(Command::BeginRange), false) }
                { text_button(t!("to here"), t!("End the range at the cursor"), press(Command::EndRange), false) }
                { text_button(t!("fit"), t!("Zoom to the range (F)"), press(Command::FitSelection), selection.is_none()) }
            </div>
            <div class="buttons" role="group" aria-label={t!("Selected lane")}>
                <span class="group-name" aria-hidden="true">{ t!("lane") }</span>
                <button type="button" onclick={press(Command::PinLane)} aria-label={t!("Pin the lane")} aria-pressed={is_pinned.to_string()} title={t!("Pin the lane on top, or let it go (P)")}>{ drawing(Icon::Pin) }</button>
                { icon_button(Icon::Up, t!("Move the lane up"), t!("Move the lane up (Alt ↑)"), press(Command::ShiftLane(Toward::Top)), false) }
                { icon_button(Icon::Down, t!("Move the lane down"), t!("Move the lane down (Alt ↓)"), press(Command::ShiftLane(Toward::Bottom)), false) }
                { icon_button(Icon::Hide, t!("Hide the lane"), t!("Hide the lane (H)"), press(Command::HideLane), false) }
                if hidden > 0 {
                    { text_button(t!("show {hidden} hidden", hidden), t!("Show the lanes that are hidden; Shift H puts all in their places, too"), press(Command::ShowHiddenLanes), false) }
                }
            </div>
            <div class="buttons tl-zoom" role="group" aria-label={t!("Zoom")}>
                { icon_button(Icon::Left, t!("Pan left"), t!("Pan left (A)"), press(Command::PanLeft), false) }
                { icon_button(Icon::Minus, t!("Zoom out"), t!("Zoom out ({key})", key = told("S", preset)), press(Command::ZoomOut), false) }
                { icon_button(Icon::Plus, t!("Zoom in"), t!("Zoom in ({key})", key = told("W", preset)), press(Command::ZoomIn), false) }
                { icon_button(Icon::Right, t!("Pan right"), t!("Pan right (D)"), press(Command::PanRight), false) }
                { text_button(t!("whole"), t!("Whole run (0)"), press(Command::WholeRun), false) }
            </div>
            </div>
        </div>
    }
}

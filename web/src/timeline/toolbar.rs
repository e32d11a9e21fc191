//! The line above the lanes: what is under the pointer, the selected
//! range, and a button for every gesture.

use sim_core::base::SimTime;
use yew::prelude::*;

use crate::format;
use crate::keys::{Command, Preset, told};
use crate::panels::icon::{Icon, drawing};
use crate::state::Action;
use crate::timeline::rows::Toward;
use crate::ui::Ui;

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
        Some((from, to)) => format!(
            "Selected {} – {} ({})",
            format::instant(SimTime(from)),
            format::instant(SimTime(to)),
            format::duration(to - from),
        ),
        None => String::new(),
    };
    // Which of the hints is seen, the style sheet decides by the kind of pointer.
    let hints = text.is_empty().then(|| {
        html! {
            <>
                <span class="for-mouse">{ "Drag to select a range; Ctrl + wheel zooms" }</span>
                <span class="for-touch">{ "Drag to pan, hold to select, pinch to zoom" }</span>
            </>
        }
    });
    html! {
        <div class="tl-tools">
            <p class="hover">{ text }{ hints }</p>
            <div class="tl-buttons">
            <div class="buttons" role="group" aria-label="Changes of the view">
                <button type="button" onclick={press(Command::Undo)} disabled={!can_undo} aria-label="Undo" title="Undo zoom, range, rows or notes (Ctrl Z)">{ drawing(Icon::Undo) }</button>
                <button type="button" onclick={press(Command::Redo)} disabled={!can_redo} aria-label="Redo" title="Redo (Ctrl Shift Z)">{ drawing(Icon::Redo) }</button>
                if !embed {
                    <button type="button" onclick={press(Command::Note)} title="Add a note at the cursor (M); it travels in the link">{ "note" }</button>
                }
            </div>
            <div class="buttons" role="group" aria-label="Range">
                <span class="group-name" aria-hidden="true">{ "range" }</span>
                <button type="button" onclick={press(Command::BeginRange)} title="Begin the range at the cursor">{ "from here" }</button>
                <button type="button" onclick={press(Command::EndRange)} title="End the range at the cursor">{ "to here" }</button>
                <button type="button" onclick={press(Command::FitSelection)} disabled={selection.is_none()}
                    title="Zoom to the range (F)">{ "fit" }</button>
            </div>
            <div class="buttons" role="group" aria-label="Selected lane">
                <span class="group-name" aria-hidden="true">{ "lane" }</span>
                <button type="button" onclick={press(Command::PinLane)} aria-label="Pin the lane" aria-pressed={is_pinned.to_string()} title="Pin the lane on top, or let it go (P)">{ drawing(Icon::Pin) }</button>
                <button type="button" onclick={press(Command::ShiftLane(Toward::Top))} aria-label="Move the lane up" title="Move the lane up (Alt ↑)">{ drawing(Icon::Up) }</button>
                <button type="button" onclick={press(Command::ShiftLane(Toward::Bottom))} aria-label="Move the lane down" title="Move the lane down (Alt ↓)">{ drawing(Icon::Down) }</button>
                <button type="button" onclick={press(Command::HideLane)} aria-label="Hide the lane" title="Hide the lane (H)">{ drawing(Icon::Hide) }</button>
                if hidden > 0 {
                    <button type="button" onclick={press(Command::ShowHiddenLanes)} title="Show the lanes that are hidden; Shift H puts all in their places, too">{ format!("show {hidden} hidden") }</button>
                }
            </div>
            <div class="buttons tl-zoom" role="group" aria-label="Zoom">
                <button type="button" onclick={press(Command::PanLeft)} aria-label="Pan left" title="Pan left (A)">{ drawing(Icon::Left) }</button>
                <button type="button" onclick={press(Command::ZoomOut)} aria-label="Zoom out" title={format!("Zoom out ({})", told("S", preset))}>{ drawing(Icon::Minus) }</button>
                <button type="button" onclick={press(Command::ZoomIn)} aria-label="Zoom in" title={format!("Zoom in ({})", told("W", preset))}>{ drawing(Icon::Plus) }</button>
                <button type="button" onclick={press(Command::PanRight)} aria-label="Pan right" title="Pan right (D)">{ drawing(Icon::Right) }</button>
                <button type="button" onclick={press(Command::WholeRun)} title="Whole run (0)">{ "whole" }</button>
            </div>
            </div>
        </div>
    }
}

//! The runs that were forked off this one, as a tree: what was changed,
//! when, and what came of it.

use yew::prelude::*;

use super::icon::{Icon, icon_button};
use crate::forks::{self, Node};
use crate::format;
use crate::keys::Command;
use crate::shared::Shared;
use crate::state::{Action, Change, Scene, State};
use crate::ui::Ui;
use crate::words::t;

/// The list; nothing without forks.
pub fn fork_tree(ui: &Ui, state: &State) -> Html {
    let branches = &state.request.branches;
    let first = &state.request.forks;
    if branches.is_empty() && first.is_empty() {
        return Html::default();
    }
    let scenes = state.branch_scenes();
    let rows = forks::tree(branches).into_iter().filter_map(|node| {
        let fork = &branches.get(node.branch - 1)?.fork;
        Some(row(ui, node, fork.at.0, &fork.choice.text(), scenes.get(node.branch - 1)))
    });
    let own: Vec<String> = first
        .iter()
        .map(|fork| format!("{} {}", format::instant(fork.at), fork.choice.text()))
        .collect();
    let more = ui.on(|_: MouseEvent| Action::Command { command: Command::Fork, anchor: None });
    html! {
        <section class="forks" aria-labelledby="forks-title">
            <h2 id="forks-title">{ t!("Forks") }</h2>
            <ul class="fork-tree" aria-label={t!("Forks; they travel in the link")}>
                <li><span class="fork-name">{ t!("this run") }{ (!own.is_empty()).then(|| t!(", itself forked: {own}", own = own.join("; "))) }</span></li>
                { for rows }
            </ul>
            <button type="button" onclick={more} title={t!("Fork at the cursor (B)")}>{ t!("Fork at the cursor") }</button>
        </section>
    }
}

fn row(ui: &Ui, node: Node, at: u64, what: &str, scene: Option<&Shared<Scene>>) -> Html {
    let number = node.branch;
    let seek = ui.on(move |_: MouseEvent| Action::Seek(at));
    let alone = ui.on(move |_: MouseEvent| Action::Choose(Change::Branch(number)));
    let remove = ui.on(move |_: MouseEvent| Action::Choose(Change::Unfork(number)));
    let verdict = scene.map_or("", |scene| scene.outcome.report.verdict.id());
    html! {
        <li key={number} class={format!("depth-{}", node.depth.min(4))}>
            <span class="fork-name">{ format!("{number}. ") }
                <button type="button" class="link" onclick={seek} title={t!("Go to the fork")}>{ format::instant(sim_core::base::SimTime(at)) }</button>
                <span translate="no">{ format!(" {what}") }</span></span>
            <b translate="no" class={format!("badge verdict-{verdict}")}>{ verdict }</b>
            <button type="button" onclick={alone} title={t!("Make it the run that is looked at")} aria-label={t!("Look at it: fork {number}", number)}>{ t!("Look at it") }</button>
            { icon_button(Icon::Close, t!("Remove fork {number}", number), t!("Remove it and what was forked off it"), remove, false) }
        </li>
    }
}

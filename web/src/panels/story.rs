//! The run as a story: what happened, in a few sentences, whose instants lead to the timeline.

use yew::prelude::*;

use super::dialog::Dialog;
use crate::engine;
use crate::format;
use crate::shared::Shared;
use crate::state::{Action, Scene};
use crate::ui::{Ui, use_ui};
use crate::words::t;

#[derive(Properties, PartialEq)]
pub struct Props {
    pub open: bool,
    pub scene: Option<Shared<Scene>>,
}

#[component]
pub fn StoryDialog(props: &Props) -> Html {
    let ui = use_ui();
    let told = use_memo((props.open, props.scene.clone()), |(open, scene)| {
        let scene = scene.as_ref().filter(|_| *open);
        scene.map(|scene| engine::story(&scene.outcome)).unwrap_or_default()
    });
    html! {
        <Dialog open={props.open} title={t!("What happened")}>
            <ol class="story" translate="no">{ for told.iter().map(|sentence| html! { <li>{ linked(&ui, sentence) }</li> }) }</ol>
            { for props.scene.iter().filter(|_| props.open).map(|scene| reports(&ui, scene)) }
        </Dialog>
    }
}

/// What the checkers reported: each in words, with what led to it, and all as the kernel's log prints it.
fn reports(ui: &Ui, scene: &Scene) -> Html {
    let reports = engine::reports(&scene.outcome).map(|report| {
        let (ui, at, record) = (ui.clone(), report.at, report.record);
        let go = Callback::from(move |_: MouseEvent| {
            ui.send(Action::CloseDialog);
            ui.send(Action::SeekRecord(record));
        });
        html! {
            <li><button type="button" class="link" onclick={go} title={t!("Go there")}>{ format::instant(at) }</button><span translate="no">{ format!(" {}", report.text) }</span>
                if !report.chain.is_empty() {
                    <ol translate="no">{ for report.chain.iter().map(|link| html! { <li>{ &link.text }</li> }) }</ol>
                }</li>
        }
    });
    let reports: Vec<Html> = reports.collect();
    if reports.is_empty() {
        return Html::default();
    }
    html! {
        <section class="reports" aria-labelledby="reports-title">
            <h3 id="reports-title">{ t!("What the checkers report") }</h3>
            <ul>{ for reports }</ul>
            <details><summary>{ t!("As the kernel's log prints it") }</summary><pre tabindex="0" translate="no">{ engine::reports_text(&scene.outcome) }</pre></details>
        </section>
    }
}

/// A sentence with a button for each instant.
fn linked(ui: &Ui, sentence: &str) -> Html {
    let mut parts = Vec::new();
    let mut done = 0;
    for (range, at) in engine::instants(sentence) {
        let go = {
            let ui = ui.clone();
            Callback::from(move |_: MouseEvent| {
                ui.send(Action::CloseDialog);
                ui.send(Action::SeekTold(at.0));
            })
        };
        parts.push(html! { { &sentence[done..range.start] } });
        parts.push(html! {
            <button type="button" class="link" translate="yes" onclick={go} title={t!("Go there")}>{ &sentence[range.clone()] }</button>
        });
        done = range.end;
    }
    parts.push(html! { { &sentence[done..] } });
    parts.into_iter().collect()
}

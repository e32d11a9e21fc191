//! Everything that can be done, by name: type a few letters, press Enter.

use sim_core::analysis::Topic;
use sim_core::share::Other;
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlInputElement, KeyboardEvent};
use yew::prelude::*;

use super::dialog::Dialog;
use crate::dom;
use crate::engine;
use crate::event_filter::{Narrow, RELATIONS};
use crate::format;
use crate::keys::{NAMED, Preset, told};
use crate::learn::Lessons;
use crate::shared::Shared;
use crate::state::{Action, Change, Dialog as Open, Scene};
use crate::texts;
use crate::ui::use_ui;
use crate::words::{say, t};

/// Items shown at most; more letters find the rest.
const SHOWN_MAX: usize = 12;

/// Something that can be called.
#[derive(Clone)]
struct Item {
    name: String,
    keys: &'static str,
    action: Action,
}

fn items(scene: Option<&Scene>, preset: Preset) -> Vec<Item> {
    let plain = |name: String, action: Action| Item { name, keys: "", action };
    let commands = NAMED.iter().map(|(command, name, keys)| Item {
        name: say(name).to_owned(),
        keys: told(keys, preset),
        action: Action::Command { command: *command, anchor: None },
    });
    let lanes = scene.into_iter().flat_map(|scene| scene.outcome.lanes.iter().enumerate());
    let lanes = lanes.map(|(index, lane)| {
        plain(t!("Lane: {title}", title = lane.title), Action::SelectLane(index))
    });
    let choose = Action::Choose;
    let policies = engine::policies().into_iter().map(|choice| {
        plain(t!("Policy: {id}", id = choice.id), choose(Change::Policy(Some(choice.id.into()))))
    });
    let besides = engine::others().into_iter().map(|other| {
        let name = match &other {
            Other::Policy(id) => t!("Compare with: {id}", id),
            _ => t!("Compare with: {kind} {id}", kind = other.kind(), id = other.id()),
        };
        plain(name, choose(Change::Beside(other)))
    });
    let incidents = scene.into_iter().flat_map(|scene| &scene.outcome.report.incidents);
    let incidents = incidents.map(|incident| {
        let name =
            t!("Go to {at}: {text}", at = format::instant(incident.at), text = incident.text);
        plain(name, Action::SeekRecord(incident.record))
    });
    let kernels = engine::kernels().into_iter().map(|choice| {
        plain(t!("Kernel: {id}", id = choice.id), choose(Change::Kernel(Some(choice.id.into()))))
    });
    let checkers = engine::checkers().into_iter();
    let checkers = checkers.map(|choice| {
        plain(t!("Check on or off: {id}", id = choice.id), choose(Change::Check(choice.id)))
    });
    let scenarios = engine::scenarios().into_iter().map(|choice| {
        plain(
            t!("Scenario: {title}", title = choice.title),
            choose(Change::Scenario(choice.id.into())),
        )
    });
    let lessons = texts::lessons().iter().map(|entry| {
        plain(
            t!("Lesson: {title}", title = entry.title()),
            Action::Learn(Lessons::Open(entry.id, 0)),
        )
    });
    let narrow = |name: String, by: Narrow| plain(t!("Filter: {name}", name), Action::Narrow(by));
    let relations = RELATIONS.iter().map(|(relation, name)| {
        narrow(
            t!("events {name} (the one at the cursor)", name = say(name)),
            Narrow::Relation(Some(*relation)),
        )
    });
    let topics = Topic::ALL.into_iter();
    let topics = topics
        .map(|topic| narrow(t!("about {topic}", topic = topic.name()), Narrow::Topic(Some(topic))));
    let tasks = scene.into_iter().flat_map(|scene| scene.outcome.run.cast.tasks.iter());
    let tasks = tasks
        .map(|(task, info)| narrow(t!("by {task}", task = info.name), Narrow::Task(Some(task))));
    let all = narrow(t!("all events").to_owned(), Narrow::Nothing);
    let filters = relations.chain([all]).chain(topics).chain(tasks);
    let import = plain(
        t!("Import a log, a trace, a scenario or a lesson").to_owned(),
        Action::Show(Open::Import),
    );
    let export = plain(
        t!("Export the run, the view or the scenario").to_owned(),
        Action::Show(Open::Export),
    );
    let share = plain(t!("Share this moment").to_owned(), Action::Show(Open::Share));
    commands
        .chain([share, import, export])
        .chain(lessons)
        .chain(lanes)
        .chain(filters)
        .chain(policies)
        .chain(besides)
        .chain(kernels)
        .chain(checkers)
        .chain(scenarios)
        .chain(incidents)
        .collect()
}

/// Those that have every word of the query, whatever the order.
fn found(items: &[Item], query: &str) -> Vec<usize> {
    let words: Vec<String> = query.split_whitespace().map(str::to_ascii_lowercase).collect();
    let has = |item: &Item| {
        let name = item.name.to_ascii_lowercase();
        words.iter().all(|word| name.contains(word))
    };
    let places = (0..items.len()).filter(|index| has(&items[*index]));
    places.take(SHOWN_MAX).collect()
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub open: bool,
    pub scene: Option<Shared<Scene>>,
}

#[component]
pub fn PaletteDialog(props: &Props) -> Html {
    let ui = use_ui();
    let query = use_state_eq(String::new);
    let chosen = use_state_eq(|| 0_usize);
    {
        let (query, chosen) = (query.clone(), chosen.clone());
        use_effect_with(props.open, move |open| {
            if *open {
                query.set(String::new());
                chosen.set(0);
                dom::focus("palette-query");
            }
        });
    }
    if !props.open {
        return html! { <Dialog open=false title={t!("Commands")}>{ Html::default() }</Dialog> };
    }
    let items = items(props.scene.as_deref(), ui.keys.get().preset);
    let shown = found(&items, &query);
    let marked = (*chosen).min(shown.len().saturating_sub(1));
    let run = {
        let ui = ui.clone();
        move |action: Action| {
            ui.send(Action::CloseDialog);
            ui.send(action);
        }
    };
    let typed = {
        let (query, chosen) = (query.clone(), chosen.clone());
        Callback::from(move |event: InputEvent| {
            let input = event.target().and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
            query.set(input.map(|it| it.value()).unwrap_or_default());
            chosen.set(0);
        })
    };
    let pressed = {
        let actions: Vec<Action> = shown.iter().map(|index| items[*index].action.clone()).collect();
        let run = run.clone();
        Callback::from(move |event: KeyboardEvent| {
            match event.key().as_str() {
                "ArrowDown" => chosen.set((marked + 1) % actions.len().max(1)),
                "ArrowUp" => chosen.set((marked + actions.len().max(1) - 1) % actions.len().max(1)),
                "Enter" => {
                    if let Some(action) = actions.get(marked) {
                        run(action.clone());
                    }
                }
                _ => return,
            }
            event.prevent_default();
        })
    };
    let options = shown.iter().enumerate().map(|(place, index)| {
        let item = &items[*index];
        let (run, action) = (run.clone(), item.action.clone());
        let onclick = Callback::from(move |_: MouseEvent| run(action.clone()));
        html! {
            <li key={*index} id={format!("palette-{place}")} role="option" aria-selected={(place == marked).to_string()} {onclick}>
                <span>{ &item.name }</span>
                { for item.keys.split(' ').filter(|key| !key.is_empty()).map(|key| html! { <kbd translate="no">{ key }</kbd> }) }
            </li>
        }
    });
    let active = (!shown.is_empty()).then(|| format!("palette-{marked}"));
    html! {
        <Dialog open=true title={t!("Commands")}>
            <input id="palette-query" class="wide" type="text" role="combobox" aria-expanded="true" aria-controls="palette-list"
                aria-activedescendant={active} aria-label={t!("Command")} autocomplete="off" spellcheck="false" value={(*query).clone()}
                placeholder={t!("what to do, such as zoom, hog or nonblock")} oninput={typed} onkeydown={pressed} />
            <ul id="palette-list" class="palette" role="listbox" aria-label={t!("Commands")}>{ for options }</ul>
            if shown.is_empty() { <p role="status">{ t!("Nothing has that name.") }</p> }
        </Dialog>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_order() {
        let items = items(None, Preset::Zoom);
        let names = |query: &str| {
            let places = found(&items, query).into_iter();
            places.map(|index| items[index].name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names("run whole"), ["Show the whole run"]);
        assert!(names("nonblock").contains(&"Policy: nonblock".to_owned()));
        assert_eq!(names("no such thing"), Vec::<String>::new());
        assert!(names("").len() <= SHOWN_MAX);
    }
}

//! What is written in the editor: the text of the run on screen or what
//! became of it, kept as a draft with every letter, and run after a rest.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_timers::callback::Timeout;
use sim_core::share::ScenarioRef;
use yew::prelude::*;

use crate::dom;
use crate::editor::drafts::Drafts;
use crate::editor::{opened, scenario_of, title_of};
use crate::state::{Action, Change};
use crate::ui::Ui;

/// Key of the stored drafts.
const DRAFTS_KEY: &str = "reaperscope-drafts";
/// Rest before the run follows what is typed.
const REST_MS: u32 = 150;

/// A scenario and the overrides of a link.
type Asked = (ScenarioRef, Vec<(String, String)>);

/// The text, and what it is called on this machine.
#[derive(Clone)]
pub struct Written {
    pub text: UseStateHandle<String>,
    pub notice: UseStateHandle<String>,
    /// Name of the draft; `None`: nobody has typed.
    pub draft: UseStateHandle<Option<String>>,
    pub drafts: UseStateHandle<Drafts>,
    /// What the run on screen is of, as this editor knows it.
    shown: Rc<RefCell<Option<Asked>>>,
}

/// The text of what was asked for, until somebody edits it; of what could not be run, that.
#[hook]
pub fn use_written(asked: Asked, rescued: &Option<String>) -> Written {
    let written = Written {
        text: use_state_eq(String::new),
        notice: use_state_eq(String::new),
        draft: use_state_eq(|| None::<String>),
        drafts: use_state_eq(|| Drafts::read(&dom::stored(DRAFTS_KEY).unwrap_or_default())),
        shown: use_mut_ref(|| None::<Asked>),
    };
    let here = written.clone();
    use_effect_with(asked, move |asked| {
        if here.shown.borrow().as_ref() == Some(asked) {
            return;
        }
        let (text, problem) = opened(&asked.0, &asked.1);
        *here.shown.borrow_mut() = Some(asked.clone());
        here.text.set(text);
        here.draft.set(None);
        let told = problem.map(|it| format!("An override was left out: {it}."));
        here.notice.set(told.unwrap_or_default());
    });
    let here = written.clone();
    use_effect_with(rescued.clone(), move |rescued| {
        if let Some(text) = rescued {
            here.draft.set(None);
            here.notice.set(String::new());
            here.text.set(text.clone());
        }
    });
    written
}

impl Written {
    /// Takes in what was typed, and keeps it.
    pub fn edit(&self) -> Callback<String> {
        let here = self.clone();
        Callback::from(move |typed: String| {
            let mut kept = (*here.drafts).clone();
            let name = (*here.draft).clone().unwrap_or_else(|| kept.free_name(&title_of(&typed)));
            kept.keep(&name, &typed);
            keep(&kept);
            here.drafts.set(kept);
            here.draft.set(Some(name));
            here.text.set(typed);
        })
    }

    /// Has the page run a sound text.
    fn run(&self, ui: &Ui) {
        let scenario = scenario_of(&self.text);
        self.notice.set(String::new());
        let asked = (scenario.clone(), Vec::new());
        if self.shown.borrow().as_ref() != Some(&asked) {
            *self.shown.borrow_mut() = Some(asked);
            ui.send(Action::Choose(Change::Text(scenario)));
        }
    }
}

/// Has the run follow what is typed, after a rest of the hand.
#[hook]
pub fn use_followed(ui: &Ui, written: &Written, is_sound: bool) {
    let (ui, written) = (ui.clone(), written.clone());
    let now = ((*written.text).clone(), written.draft.is_some(), is_sound);
    use_effect_with(now, move |(_, is_edited, is_sound)| {
        let timer =
            (*is_edited && *is_sound).then(|| Timeout::new(REST_MS, move || written.run(&ui)));
        move || drop(timer)
    });
}

/// Stores the drafts.
pub fn keep(drafts: &Drafts) {
    dom::store(DRAFTS_KEY, &drafts.written());
}

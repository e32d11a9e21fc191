//! What is written in the editor: the text of the run on screen or what
//! became of it, kept as a draft with every letter, and run after a rest.
//! What was written can be undone, also after the editor was closed.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use sim_core::share::ScenarioRef;
use yew::prelude::*;

use crate::dom;
use crate::editor::drafts::Drafts;
use crate::editor::past::{Past, Put};
use crate::editor::{opened, scenario_of, title_of};
use crate::state::{Action, Change};
use crate::ui::Ui;
use crate::words::t;

/// Key of the stored drafts.
const DRAFTS_KEY: &str = "reaperscope-drafts";
/// Rest before the run follows what is typed.
const REST_MS: u32 = 150;

/// A scenario and the overrides of a link.
type Asked = (ScenarioRef, Vec<(String, String)>);

/// What an editor that is closed leaves to the next one.
struct Left {
    asked: Asked,
    rescued: Option<String>,
    text: String,
    draft: Option<String>,
    past: Past,
}

thread_local! {
    static LEFT: RefCell<Option<Left>> = const { RefCell::new(None) };
}

/// The text, and what it is called on this machine.
#[derive(Clone)]
pub struct Written {
    pub text: UseStateHandle<String>,
    pub notice: UseStateHandle<String>,
    /// Name of the draft; `None`: nobody has typed.
    pub draft: UseStateHandle<Option<String>>,
    pub drafts: UseStateHandle<Drafts>,
    /// Whether the browser did not store the drafts, so that they end with the page.
    pub unkept: UseStateHandle<bool>,
    pub past: UseStateHandle<Past>,
    /// What undo brought back last, until it is shown.
    back: Rc<RefCell<Option<Range<usize>>>>,
    /// What the run on screen is of, as this editor knows it.
    shown: Rc<RefCell<Option<Asked>>>,
    /// Text of a link that could not be run, as this editor knows it.
    rescued: Rc<RefCell<Option<String>>>,
}

/// The text of what was asked for, until somebody edits it; of what could not be run, that.
#[hook]
pub fn use_written(asked: Asked, rescued: &Option<String>) -> Written {
    let written = Written {
        text: use_state_eq(String::new),
        notice: use_state_eq(String::new),
        draft: use_state_eq(|| None::<String>),
        drafts: use_state_eq(stored),
        unkept: use_state_eq(|| false),
        past: use_state_eq(Past::default),
        back: use_mut_ref(|| None),
        shown: use_mut_ref(|| None::<Asked>),
        rescued: use_mut_ref(|| None::<String>),
    };
    let here = written.clone();
    let wanted = (asked, rescued.clone());
    use_effect_with(wanted, move |(asked, rescued)| here.open(asked, rescued.as_ref()));
    let here = written.clone();
    use_effect_with((), move |()| {
        // Another tab kept something.
        let told =
            EventListener::new(&dom::window(), "storage", move |_| here.drafts.set(stored()));
        move || drop(told)
    });
    use_left(&written);
    written
}

/// Leaves what is written to the next editor.
#[hook]
fn use_left(written: &Written) {
    let last = use_mut_ref(|| None::<Written>);
    *last.borrow_mut() = Some(written.clone());
    use_effect_with((), move |()| {
        move || {
            let left = last.borrow().as_ref().and_then(|it| {
                Some(Left {
                    asked: it.shown.borrow().clone()?,
                    rescued: it.rescued.borrow().clone(),
                    text: (*it.text).clone(),
                    draft: (*it.draft).clone(),
                    past: (*it.past).clone(),
                })
            });
            LEFT.set(left);
        }
    });
}

impl Written {
    /// Shows what was asked for, if that is not what this editor asked for itself.
    fn open(&self, asked: &Asked, rescued: Option<&String>) {
        let is_shown = self.shown.replace(Some(asked.clone())).as_ref() == Some(asked);
        let is_known = self.rescued.replace(rescued.cloned()).as_ref() == rescued;
        let is_same = |left: &Left| left.asked == *asked && left.rescued.as_ref() == rescued;
        if let Some(left) = LEFT.take().filter(is_same) {
            self.show(left.text, left.draft);
            self.past.set(left.past);
            return;
        }
        if let Some(text) = rescued.filter(|_| !is_known) {
            self.show(text.clone(), None);
            self.notice.set(String::new());
            return;
        }
        if is_shown {
            return;
        }
        let (text, problem) = opened(&asked.0, &asked.1);
        let is_as_asked = (scenario_of(&text), Vec::new()) == *asked;
        let kept = self.drafts.holding(&text).filter(|_| is_as_asked).map(str::to_owned);
        self.show(text, kept);
        let told = problem.map(|it| t!("An override was left out: {it}.", it));
        self.notice.set(told.unwrap_or_default());
    }

    /// Shows another text than the one that was edited.
    pub fn show(&self, text: String, draft: Option<String>) {
        self.text.set(text);
        self.draft.set(draft);
        self.past.set(Past::default());
    }

    /// Takes in what was typed, and keeps it.
    pub fn edit(&self) -> Callback<String> {
        let here = self.clone();
        Callback::from(move |typed: String| {
            let mut past = (*here.past).clone();
            past.changed(&here.text, &typed);
            here.past.set(past);
            here.take(typed);
        })
    }

    /// Takes the last edit back, or takes it up again.
    pub fn undo(&self, step: fn(&mut Past, &str) -> Option<Put>) {
        let mut past = (*self.past).clone();
        if let Some((text, place)) = step(&mut past, &self.text) {
            *self.back.borrow_mut() = Some(place);
            self.take(text);
        }
        self.past.set(past);
    }

    /// What undo brought back last, if that was not shown yet.
    pub fn brought_back(&self) -> Option<Range<usize>> {
        self.back.borrow_mut().take()
    }

    fn take(&self, text: String) {
        let mut drafts = self.kept();
        let name = drafts.follow(self.draft.as_deref(), &self.text, &text, &title_of(&text));
        self.keep(drafts);
        self.draft.set(Some(name));
        self.text.set(text);
    }

    /// The drafts as they are by now: another tab may have kept some.
    pub fn kept(&self) -> Drafts {
        if *self.unkept { (*self.drafts).clone() } else { stored() }
    }

    /// Stores the drafts.
    pub fn keep(&self, drafts: Drafts) {
        self.unkept.set(!dom::store(DRAFTS_KEY, &drafts.written()));
        self.drafts.set(drafts);
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

fn stored() -> Drafts {
    Drafts::read(&dom::stored(DRAFTS_KEY).unwrap_or_default())
}

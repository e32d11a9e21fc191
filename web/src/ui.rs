//! What every component may reach: the way to send actions, and where
//! the pointer is. Neither changes, so neither renders anything.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsCast as _;
use web_sys::Element;
use yew::prelude::*;

use crate::keys::Keys;
use crate::state::{Action, State};

/// The page's context.
#[derive(Clone)]
pub struct Ui {
    dispatcher: UseReducerDispatcher<State>,
    /// Where the pointer is over the timeline, 0 left … 1 right: the
    /// anchor of a zoom by key.
    pub hover: Rc<Cell<Option<f64>>>,
    /// The user's choice of keys.
    pub keys: Rc<Cell<Keys>>,
}

impl Ui {
    pub fn new(dispatcher: UseReducerDispatcher<State>) -> Self {
        Self { dispatcher, hover: Rc::default(), keys: Rc::default() }
    }

    /// Sends an action to the reducer.
    pub fn send(&self, action: Action) {
        self.dispatcher.dispatch(action);
    }

    /// A callback that sends what `action` makes of an event.
    pub fn on<E: 'static>(&self, action: impl Fn(E) -> Action + 'static) -> Callback<E> {
        let ui = self.clone();
        Callback::from(move |event| ui.send(action(event)))
    }
}

/// What Esc sends from inside a panel; of a list that is open it closes that list.
pub fn on_escape(ui: &Ui, action: impl Fn() -> Action + 'static) -> Callback<KeyboardEvent> {
    let ui = ui.clone();
    Callback::from(move |event: KeyboardEvent| {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        if event.key() == "Escape" && target.is_none_or(|target| target.tag_name() != "SELECT") {
            event.prevent_default();
            ui.send(action());
        }
    })
}

impl PartialEq for Ui {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.hover, &other.hover)
    }
}

/// The context of a component below the root.
#[hook]
pub fn use_ui() -> Ui {
    use_context().expect("invariant: the root provides the context")
}

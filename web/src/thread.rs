//! The page's end of the worker: starts it, asks, and hears.

use gloo_events::EventListener;
use wasm_bindgen::{JsCast as _, JsValue};
use web_sys::{ErrorEvent, MessageEvent, Url, Worker};

use crate::message::{Answer, Ask};
use crate::words::t;
use crate::{dom, rest};

/// A worker that runs the simulator; dropping it ends it.
pub struct Thread {
    worker: Worker,
    _listeners: [EventListener; 2],
}

/// What is heard of a worker.
pub enum News {
    Answer(u32, Answer),
    /// It could not start, or ended.
    Gone(String),
}

impl Thread {
    /// Starts a worker; `None` where the browser allows none.
    pub fn start(hear: impl Fn(News) + Clone + 'static) -> Option<Self> {
        let script = dom::document().query_selector("script[data-worker]").ok()??;
        let base = dom::document().base_uri().ok()??;
        let address = |attribute| {
            let name = script.get_attribute(attribute)?;
            Some(Url::new_with_base(&name, &base).ok()?.href())
        };
        let early = rest::thread();
        let is_told = early.is_some();
        let worker = early.or_else(|| Worker::new(&address("data-worker")?).ok())?;
        let listeners = [
            EventListener::new(&worker, "message", {
                let hear = hear.clone();
                move |event| {
                    let event: &MessageEvent = event.unchecked_ref();
                    if let Some((turn, answer)) = Answer::from_js(&event.data()) {
                        hear(News::Answer(turn, answer));
                    }
                }
            }),
            EventListener::new(&worker, "error", move |event| {
                let why = event.dyn_ref::<ErrorEvent>().map(ErrorEvent::message);
                let why = why.unwrap_or_default();
                hear(News::Gone(t!("The simulator stopped: an invariant broke. {why}", why)));
            }),
        ];
        if !is_told {
            // The page as one file has no addresses to give, and its worker asks for none.
            let text = |attribute| address(attribute).map_or(JsValue::NULL, JsValue::from);
            let (js, wasm) = (text("data-js"), text("data-wasm"));
            let parts = js_sys::Array::of4(&js, &wasm_bindgen::module(), &wasm, &rest::module());
            worker.post_message(&parts).ok()?;
        }
        Some(Self { worker, _listeners: listeners })
    }

    pub fn ask(&self, turn: u32, ask: &Ask) {
        // Fails only for what cannot be sent, and texts can.
        let _ = self.worker.post_message(&ask.to_js(turn));
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

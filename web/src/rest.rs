//! The part of this program that the first view does not run, which the browser fetches behind it.
//!
//! The build parts the program (`xtask/src/split.rs`), `rest.js` fetches. What nobody sees at first
//! asks here whether the rest is there before it becomes part of the page, so that a slow network
//! delays it and not what is on screen. Leaves out which functions those are: nobody declares them.

use gloo_render::request_animation_frame;
use gloo_timers::callback::Timeout;
use wasm_bindgen::prelude::{Closure, wasm_bindgen};
use wasm_bindgen::{JsCast as _, JsValue};
use yew::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Told what this program exports.
    #[wasm_bindgen(js_name = restOfProgram)]
    fn rest_of_program(exports: &JsValue);
    #[wasm_bindgen(js_namespace = restOfProgram, js_name = have)]
    fn have_rest();
    #[wasm_bindgen(js_namespace = restOfProgram)]
    fn there(act: &js_sys::Function);
    #[wasm_bindgen(js_namespace = restOfProgram)]
    fn compiled() -> JsValue;
    #[wasm_bindgen(js_namespace = restOfProgram, js_name = thread)]
    fn early_thread() -> Option<web_sys::Worker>;
}

/// The simulator's thread that was started before this program, if one was and nobody has it.
pub fn thread() -> Option<web_sys::Worker> {
    early_thread()
}

/// Says what this program exports, so that the rest can be put beside it.
pub fn begin() {
    rest_of_program(&wasm_bindgen::exports());
}

/// Waits for the rest, if it is not there yet. Its functions need no such call, they have it
/// loaded by themselves; the texts that came with them do.
pub fn have() {
    // Elsewhere nothing is parted.
    #[cfg(target_arch = "wasm32")]
    have_rest();
}

/// Calls back once, when all of the program is there.
pub fn when_there(act: impl FnOnce() + 'static) {
    there(Closure::once_into_js(act).unchecked_ref());
}

/// The compiled rest for another thread; `undefined` if it is not there, or no part of its own.
pub fn module() -> JsValue {
    compiled()
}

/// Whether what `is_there` since has been on screen: what comes after it has its own frame.
#[hook]
pub fn use_painted(is_there: bool) -> bool {
    let painted = use_state_eq(|| false);
    let set = painted.setter();
    use_effect_with(is_there, move |is_there| {
        let frame = is_there.then(|| {
            // The frame's own callbacks run before it is painted.
            request_animation_frame(move |_| {
                Timeout::new(0, move || set.set(true)).forget();
            })
        });
        move || drop(frame)
    });
    *painted
}

/// Whether all of the program is there.
#[hook]
pub fn use_rest() -> bool {
    let is_there = use_state_eq(|| false);
    let set = is_there.setter();
    use_effect_with((), move |()| when_there(move || set.set(true)));
    *is_there
}

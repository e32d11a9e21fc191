//! What the page and its worker say to each other, and how it crosses.
//!
//! A message is an array: the number of the question, a tag, and what
//! belongs to it. Runs cross as bytes that change hands and are not copied.
//! What is asked is a link, so that whatever a link can say can be run.

use js_sys::{Array, JsString, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};

use crate::engine::Request;
use crate::route::{self, Route};

/// What the page asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    /// The runs of a request; a newer question ends the work on this one.
    Run(Request),
}

/// What the worker says of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The worker is there; said once, of no question.
    Ready,
    /// How far it is, in ns.
    Progress { now: u64, horizon: u64 },
    /// A finished run; those to compare with come first, the one to look at last.
    Run(Vec<u8>),
    /// It cannot be done; why.
    Failed(String),
}

impl Ask {
    pub fn to_js(&self, turn: u32) -> JsValue {
        match self {
            Self::Run(request) => {
                let route = Route { request: request.clone(), ..Route::default() };
                array(turn, "run", &[route::fragment(&route).into()]).into()
            }
        }
    }

    pub fn from_js(message: &JsValue) -> Option<(u32, Self)> {
        let (turn, tag, rest) = parts(message)?;
        match tag.as_str() {
            "run" => {
                let route = route::parse(&rest.get(2).as_string()?).ok()?;
                Some((turn, Self::Run(route.request)))
            }
            _ => None,
        }
    }
}

impl Answer {
    /// The message, and what changes hands with it.
    pub fn to_js(&self, turn: u32) -> (JsValue, Array) {
        let hands = Array::new();
        let message = match self {
            Self::Ready => array(turn, "ready", &[]),
            // Exact up to 2^53 ns, which is a hundred days.
            Self::Progress { now, horizon } => {
                array(turn, "progress", &[(*now as f64).into(), (*horizon as f64).into()])
            }
            Self::Run(bytes) => {
                let bytes = Uint8Array::from(bytes.as_slice());
                hands.push(&bytes.buffer());
                array(turn, "done", &[bytes.into()])
            }
            Self::Failed(why) => array(turn, "failed", &[why.as_str().into()]),
        };
        (message.into(), hands)
    }

    pub fn from_js(message: &JsValue) -> Option<(u32, Self)> {
        let (turn, tag, rest) = parts(message)?;
        let number = |index| rest.get(index).as_f64().map(|number| number as u64);
        let answer = match tag.as_str() {
            "ready" => Self::Ready,
            "progress" => Self::Progress { now: number(2)?, horizon: number(3)? },
            "done" => Self::Run(rest.get(2).dyn_into::<Uint8Array>().ok()?.to_vec()),
            "failed" => Self::Failed(rest.get(2).as_string()?),
            _ => return None,
        };
        Some((turn, answer))
    }
}

fn array(turn: u32, tag: &str, rest: &[JsValue]) -> Array {
    let all = [JsValue::from(turn), JsString::from(tag).into()];
    all.iter().chain(rest).collect()
}

fn parts(message: &JsValue) -> Option<(u32, String, Array)> {
    let parts: Array = message.clone().dyn_into().ok()?;
    let turn = parts.get(0).as_f64()? as u32;
    Some((turn, parts.get(1).as_string()?, parts))
}

//! What the page and its worker say to each other, and how it crosses.
//!
//! A message is an array: the number of the question, a tag, and what
//! belongs to it. Runs cross as bytes that change hands and are not copied.
//! What is asked is a link, so that whatever a link can say can be run.

use js_sys::{Array, JsString, Uint8Array};
use wasm_bindgen::{JsCast as _, JsValue};

use sim_core::experiment::Outcome;

use crate::engine::Request;
use crate::route::{self, Route};
use crate::sweep::review::Dossier;

/// What the page asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    /// Runs, one of each request, in their order; a newer question ends the work on this one.
    Runs(Vec<Request>),
    /// What becomes of many runs, each with its number; only the first run of each request counts.
    Outcomes(Vec<(u32, Request)>),
    /// A document on runs that were counted.
    Review(Box<Dossier>),
}

/// What the worker says of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// The worker is there; said once, of no question.
    Ready,
    /// How far it is, in ns.
    Progress { now: u64, horizon: u64 },
    /// A finished run, in the order in which they were asked for.
    Run(Vec<u8>),
    /// What became of some of the many, by their numbers.
    Outcomes(Vec<(u32, Outcome)>),
    /// Nothing is left to do of the many.
    Done,
    /// The document in its two forms.
    Review { html: String, markdown: String },
    /// It cannot be done; why.
    Failed(String),
}

impl Ask {
    pub fn to_js(&self, turn: u32) -> JsValue {
        match self {
            Self::Runs(runs) => {
                let links: Array = runs.iter().map(|run| JsValue::from(link(run))).collect();
                array(turn, "runs", &[links.into()]).into()
            }
            Self::Outcomes(runs) => {
                let parts: Array = runs
                    .iter()
                    .flat_map(|(number, request)| [JsValue::from(*number), link(request).into()])
                    .collect();
                array(turn, "outcomes", &[parts.into()]).into()
            }
            Self::Review(dossier) => {
                let texts = |texts: &[String]| {
                    JsValue::from(texts.iter().map(JsValue::from).collect::<Array>())
                };
                let lines: Vec<String> =
                    dossier.outcomes.iter().map(|of| lines(of.iter())).collect();
                let seeds = [dossier.seeds.start as f64, dossier.seeds.end as f64];
                let cases = dossier.cases.iter();
                let (values, runs): (Vec<String>, Vec<String>) =
                    cases.map(|(values, request)| (values.clone(), link(request))).unzip();
                let parts = [
                    texts(&runs),
                    texts(&values),
                    seeds[0].into(),
                    seeds[1].into(),
                    texts(&lines),
                    dossier.page.as_str().into(),
                ];
                array(turn, "review", &parts).into()
            }
        }
    }

    pub fn from_js(message: &JsValue) -> Option<(u32, Self)> {
        let (turn, tag, rest) = parts(message)?;
        match tag.as_str() {
            "runs" => {
                let links: Array = rest.get(2).dyn_into().ok()?;
                let runs: Option<Vec<_>> = links.iter().map(|link| request(&link)).collect();
                Some((turn, Self::Runs(runs?)))
            }
            "outcomes" => {
                let parts: Array = rest.get(2).dyn_into().ok()?;
                let run = |index: u32| {
                    let number = parts.get(2 * index).as_f64()? as u32;
                    Some((number, request(&parts.get(2 * index + 1))?))
                };
                let runs: Option<Vec<_>> = (0..parts.length() / 2).map(run).collect();
                Some((turn, Self::Outcomes(runs?)))
            }
            "review" => {
                let texts = |index| {
                    let texts: Array = rest.get(index).dyn_into().ok()?;
                    texts.iter().map(|text| text.as_string()).collect::<Option<Vec<String>>>()
                };
                let outcomes = texts(6)?.into_iter().map(|lines| outcomes(&lines));
                let requests = texts(2)?.into_iter().map(|link| request(&link.into()));
                let requests = requests.collect::<Option<Vec<_>>>()?;
                let dossier = Dossier {
                    cases: texts(3)?.into_iter().zip(requests).collect(),
                    seeds: rest.get(4).as_f64()? as u64..rest.get(5).as_f64()? as u64,
                    outcomes: outcomes.collect::<Option<_>>()?,
                    page: rest.get(7).as_string()?,
                };
                Some((turn, Self::Review(Box::new(dossier))))
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
            Self::Outcomes(found) => {
                let numbers: Array =
                    found.iter().map(|(number, _)| JsValue::from(*number)).collect();
                let lines = lines(found.iter().map(|(_, outcome)| outcome));
                array(turn, "outcomes", &[numbers.into(), lines.into()])
            }
            Self::Done => array(turn, "over", &[]),
            Self::Review { html, markdown } => {
                array(turn, "review", &[html.as_str().into(), markdown.as_str().into()])
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
            "outcomes" => {
                let numbers: Array = rest.get(2).dyn_into().ok()?;
                let numbers = numbers.iter().map(|number| Some(number.as_f64()? as u32));
                let found = outcomes(&rest.get(3).as_string()?)?;
                let numbers: Vec<u32> = numbers.collect::<Option<_>>()?;
                Self::Outcomes(numbers.into_iter().zip(found).collect())
            }
            "over" => Self::Done,
            "review" => {
                let [html, markdown] = [2, 3].map(|index| rest.get(index).as_string());
                Self::Review { html: html?, markdown: markdown? }
            }
            "failed" => Self::Failed(rest.get(2).as_string()?),
            _ => return None,
        };
        Some((turn, answer))
    }
}

/// A request as a link.
fn link(request: &Request) -> String {
    route::fragment(&Route { request: request.clone(), ..Route::default() })
}

fn request(link: &JsValue) -> Option<Request> {
    Some(route::parse(&link.as_string()?).ok()?.request)
}

/// Outcomes as lines of text, and back.
fn lines<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> String {
    outcomes.map(Outcome::to_line).collect::<Vec<_>>().join("\n")
}

fn outcomes(lines: &str) -> Option<Vec<Outcome>> {
    lines.lines().map(|line| Outcome::from_line(line).ok()).collect()
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

//! The point of no return on the page: the fields that ask for it, and the
//! curve on the time axis of the run.

use std::cell::RefCell;

use sim_core::analysis::Verdict;
use sim_core::base::SimTime;
use sim_core::experiment::{Point, share_text};
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::pool::{Heard, Pool};
use super::rewind::{MOMENTS, Rewind, TIMES};
use crate::engine::Request;
use crate::format;
use crate::shared::Shared;
use crate::state::{Action, Scene};
use crate::timeline::listen::use_wheel;
use crate::timeline::viewport::Viewport;
use crate::ui::use_ui;
use crate::words::t;

#[derive(Properties, PartialEq)]
pub struct FormProps {
    pub request: Request,
    pub scene: Option<Shared<Scene>>,
    /// What is there of the last one.
    pub curve: Option<Shared<Rewind>>,
}

/// What to rewind, and how far it is.
#[component]
pub fn RewindForm(props: &FormProps) -> Html {
    let ui = use_ui();
    let pool = use_mut_ref(|| None::<Pool>);
    let is_running = use_state_eq(|| false);
    let problem = use_state_eq(String::new);
    let until = use_state_eq(|| None::<Verdict>);
    let (points, times) = (use_node_ref(), use_node_ref());
    let Some(scene) = &props.scene else {
        return Html::default();
    };
    let (end, own) = (scene.outcome.run.end, scene.outcome.report.verdict);
    let wanted = until.unwrap_or(own);
    let submit = {
        let (ui, pool, is_running) = (ui.clone(), pool.clone(), is_running.clone());
        let (problem, request) = (problem.clone(), props.request.clone());
        let (points, times) = (points.clone(), times.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let typed = |node: &NodeRef| {
                node.cast::<HtmlInputElement>().map(|input| input.value()).unwrap_or_default()
            };
            let rewind =
                match Rewind::typed(&request, (wanted, end), &typed(&points), &typed(&times)) {
                    Ok(rewind) => rewind,
                    Err(why) => return problem.set(why),
                };
            let asked = rewind.clone();
            let (ui, over, said) = (ui.clone(), is_running.setter(), problem.setter());
            let rewind = RefCell::new(rewind);
            let started = Pool::start(
                asked.runs(),
                move |number| asked.run(number),
                move |heard| match heard {
                    Heard::Outcomes(found) => {
                        let mut rewind = rewind.borrow_mut();
                        for (number, outcome) in found {
                            rewind.tell(number, &outcome);
                        }
                        ui.send(Action::Rewound(Some(Shared::new(rewind.clone()))));
                    }
                    Heard::Finished => over.set(false),
                    Heard::Failed(why) => {
                        over.set(false);
                        said.set(why);
                    }
                },
            );
            problem.set(String::new());
            is_running.set(true);
            *pool.borrow_mut() = Some(started);
        })
    };
    let cancel = {
        let (pool, is_running) = (pool.clone(), is_running.clone());
        Callback::from(move |_: MouseEvent| {
            *pool.borrow_mut() = None;
            is_running.set(false);
        })
    };
    let choose = {
        let until = until.clone();
        Callback::from(move |event: Event| {
            let select = event.target().and_then(|it| it.dyn_into::<HtmlSelectElement>().ok());
            let id = select.map(|it| it.value()).unwrap_or_default();
            until.set(Verdict::ALL.into_iter().find(|verdict| verdict.id() == id));
        })
    };
    let progress = props.curve.as_ref().filter(|_| *is_running);
    html! {
        <section class="rewind" aria-labelledby="rewind-title">
            <h3 id="rewind-title">{ t!("Point of no return") }</h3>
            <p class="small">{ t!("Rewinds the run on screen to several moments and draws chance anew from each: how likely is the verdict still?") }</p>
            <form onsubmit={submit}>
                <label>{ t!("Verdict ") }<select onchange={choose}>{ for Verdict::ALL.iter().map(|verdict| html! {
                    <option translate="no" value={verdict.id()} selected={*verdict == wanted}>{ verdict.id() }</option>
                }) }</select></label>
                <div class="seeds">
                    <label>{ t!("Moments") }<input ref={points} type="text" inputmode="numeric" autocomplete="off" ~defaultValue={MOMENTS.to_string()} /></label>
                    <label>{ t!("runs of each") }<input ref={times} type="text" inputmode="numeric" autocomplete="off" ~defaultValue={TIMES.to_string()} /></label>
                </div>
                <div class="buttons">{ if *is_running {
                    html! { <button type="button" onclick={cancel}>{ t!("Cancel the rewinding") }</button> }
                } else {
                    html! { <button type="submit">{ t!("Rewind") }</button> }
                } }</div>
                <p class="wrong" role="alert">{ (*problem).clone() }</p>
            </form>
            { for progress.map(|it| html! {
                <progress max={it.runs().to_string()} value={it.done().to_string()} aria-label={t!("Rewound runs made")}></progress>
            }) }
        </section>
    }
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub curve: Shared<Rewind>,
    pub view: Viewport,
}

/// Height of the curve, in CSS pixels, and room above and below it.
const HEIGHT_PX: f64 = 44.0;
const MARGIN_PX: f64 = 5.0;

/// The curve over the run.
#[component]
pub fn CurveStrip(props: &Props) -> Html {
    let ui = use_ui();
    let (strip, axis) = (use_node_ref(), use_node_ref());
    use_wheel(&ui, &strip, &axis);
    let (curve, view) = (&props.curve, props.view);
    let points = curve.curve();
    let x = |at: SimTime| format!("{:.3}%", view.px_from_time(at.0, 100.0));
    let y =
        |share: f64| format!("{:.1}", MARGIN_PX + (1.0 - share) * (HEIGHT_PX - 2.0 * MARGIN_PX));
    let share = |point: &Point| point.shown.share();
    let lines = points.windows(2).map(|pair| html! {
        <line class="curve" x1={x(pair[0].at)} x2={x(pair[1].at)} y1={y(share(&pair[0]))} y2={y(share(&pair[1]))}></line>
    });
    let marks = points.iter().map(|point| {
        let interval = point.shown.wilson();
        html! {
            <g><title>{ told(point) }</title>
                <line class="bounds" x1={x(point.at)} x2={x(point.at)} y1={y(interval.low)} y2={y(interval.high)}></line>
                <circle cx={x(point.at)} cy={y(share(point))} r="3"></circle></g>
        }
    });
    let no_return = curve.no_return();
    let rows = points.iter().map(|point| {
        let at = point.at.0;
        let go = ui.on(move |_: MouseEvent| Action::Seek(at));
        html! {
            <tr><td><button type="button" class="link" onclick={go}>{ format::instant(point.at) }</button></td><td>{ share_text(point.shown) }</td>
                <td>{ t!("{count} of {all}", count = point.shown.count, all = point.shown.of) }</td></tr>
        }
    });
    let until = curve.until.id();
    let summary = match (curve.done() < curve.runs(), no_return) {
        (true, _) => t!(
            "P({until}) if chance were drawn anew from there on: {done} of {all} runs so far.",
            until,
            done = curve.done(),
            all = curve.runs()
        ),
        (false, Some(at)) => t!(
            "P({until}) if chance were drawn anew from there on. No return from {at}: it always came.",
            until,
            at = format::instant(at)
        ),
        (false, None) => t!(
            "P({until}) if chance were drawn anew from there on. At no moment tried was it inevitable.",
            until
        ),
    };
    let dismiss = ui.on(|_: MouseEvent| Action::Rewound(None));
    html! {
        <section class="recording rewound" aria-label={t!("Curve over the run")}>
            <div class="rec-row" ref={strip}>
                <span class="rec-name" translate="no">{ format!("P({until})") }</span>
                <svg class="rec-axis" role="img" aria-label={summary.clone()} ref={axis}>
                    <line class="level" x1="0" x2="100%" y1={y(1.0)} y2={y(1.0)}></line>
                    <line class="level" x1="0" x2="100%" y1={y(0.0)} y2={y(0.0)}></line>
                    { for no_return.map(|at| html! { <line class="no-return" x1={x(at)} x2={x(at)} y1="0" y2={HEIGHT_PX.to_string()}></line> }) }
                    { for lines }{ for marks }
                </svg>
            </div>
            <details><summary>{ summary }</summary>
                <table><thead><tr><th scope="col">{ t!("from") }</th><th scope="col">{ t!("share and interval") }</th><th scope="col">{ t!("runs") }</th></tr></thead>
                    <tbody>{ for rows }</tbody></table>
                <button type="button" onclick={dismiss}>{ t!("Put the curve away") }</button>
            </details>
        </section>
    }
}

fn told(point: &Point) -> String {
    t!("from {at}: {share}", at = format::instant(point.at), share = share_text(point.shown))
}

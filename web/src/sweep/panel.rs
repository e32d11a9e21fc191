//! The panel beside the timeline that sweeps over seeds: what to run, how
//! far it is, what was found, and a review of it. It keeps what was found
//! while one of its seeds is looked at.

use std::cell::RefCell;
use std::rc::Rc;

use sim_core::experiment::QUANTITIES;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlSelectElement;
use yew::prelude::*;

use super::form::{Typed, fields};
use super::plan::Plan;
use super::pool::{Heard, Pool, write_review};
use super::results::{Found, results};
use super::review::Dossier;
use super::rewind::Rewind;
use super::rewind_view::RewindForm;
use super::tally::Tally;
use crate::address::shareable;
use crate::dom;
use crate::engine::Request;
use crate::format;
use crate::panels::icon::{Icon, drawing};
use crate::shared::Shared;
use crate::state::{Action, Scene};
use crate::thread::Thread;
use crate::timeline::palette::Shade;
use crate::transfer::download;
use crate::ui::{on_escape, use_ui};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub open: bool,
    pub request: Request,
    /// The runs on screen, the one that is looked at first.
    pub scenes: Vec<Shared<Scene>>,
    pub shade: Shade,
    /// Of the run on screen, if it was rewound.
    pub curve: Option<Shared<Rewind>>,
}

/// How a sweep stands.
#[derive(Clone, PartialEq)]
enum Phase {
    /// None was asked for yet.
    None,
    Running {
        workers: usize,
    },
    Cancelled,
    Finished {
        ms: f64,
    },
    Failed(String),
}

/// The two forms of a review.
#[derive(Copy, Clone, PartialEq)]
enum Form {
    Html,
    Markdown,
}

/// What is there, and who works on it.
#[derive(Default)]
struct Held {
    tally: Option<Tally>,
    pool: Option<Pool>,
    writer: Option<Rc<RefCell<Option<Thread>>>>,
    /// A review that waits for the sweep to finish.
    wanted: Option<Form>,
}

#[component]
pub fn SweepPanel(props: &Props) -> Html {
    let ui = use_ui();
    let held = use_mut_ref(Held::default);
    let phase = use_state_eq(|| Phase::None);
    let typed = use_state_eq(|| None::<Typed>);
    let problem = use_state_eq(String::new);
    let quantity = use_state_eq(|| 0_usize);
    let writing = use_state_eq(|| false);
    // Counts what was heard, so that it shows.
    let version = use_state_eq(|| 0_u32);
    let found = {
        let held = Rc::clone(&held);
        use_memo((*version, *quantity, phase.is_over()), move |(_, quantity, _)| {
            let held = held.borrow();
            held.tally.as_ref().map(|tally| Found::of(tally, &QUANTITIES[*quantity]))
        })
    };
    if !props.open {
        return Html::default();
    }
    let shown = (*typed).clone().unwrap_or_else(|| {
        let mut policies: Vec<String> = Vec::new();
        for scene in &props.scenes {
            let policy = &scene.outcome.run.id.policy;
            if !policies.contains(policy) {
                policies.push(policy.clone());
            }
        }
        Typed::of(policies)
    });

    let write = {
        let (held, writing, problem) = (Rc::clone(&held), writing.clone(), problem.clone());
        let request = props.request.clone();
        Callback::from(move |form: Form| {
            let Some(dossier) = dossier(&held.borrow(), &request) else { return };
            let stem = crate::transfer::export_dialog::stem(&crate::route::Route {
                request: dossier.request.clone(),
                ..Default::default()
            });
            let (done, said) = (writing.clone(), problem.clone());
            let writer = write_review(dossier, move |made| {
                done.set(false);
                match (made, form) {
                    (Ok((html, _)), Form::Html) => {
                        download::save_text(&format!("{stem}-review.html"), "text/html", &html);
                    }
                    (Ok((_, markdown)), Form::Markdown) => {
                        let name = format!("{stem}-review.md");
                        download::save_text(&name, "text/markdown", &markdown);
                    }
                    (Err(why), _) => said.set(why),
                }
            });
            writing.set(true);
            held.borrow_mut().writer = Some(writer);
        })
    };

    let start = {
        let (held, phase, version) = (Rc::clone(&held), phase.clone(), version.clone());
        let (problem, write) = (problem.clone(), write.clone());
        let (shown, request) = (shown.clone(), props.request.clone());
        move |wanted: Option<Form>| {
            let typed = shown.clone();
            let plan = match Plan::typed(&request, typed.policies, &typed.first, &typed.count) {
                Ok(plan) => plan,
                Err(why) => return problem.set(why),
            };
            problem.set(String::new());
            let begun = dom::now_ms();
            let heard = {
                let (held, phase, version) = (Rc::clone(&held), phase.setter(), version.setter());
                let (write, count) = (write.clone(), Rc::new(std::cell::Cell::new(0_u32)));
                move |heard| match heard {
                    Heard::Outcomes(found) => {
                        if let Some(tally) = &mut held.borrow_mut().tally {
                            for (number, outcome) in found {
                                tally.tell(number, outcome);
                            }
                        }
                        count.set(count.get() + 1);
                        version.set(count.get());
                    }
                    Heard::Finished => {
                        phase.set(Phase::Finished { ms: dom::now_ms() - begun });
                        let wanted = held.borrow_mut().wanted.take();
                        if let Some(form) = wanted {
                            write.emit(form);
                        }
                    }
                    Heard::Failed(why) => phase.set(Phase::Failed(why)),
                }
            };
            let pool = Pool::start(
                plan.runs(),
                {
                    let plan = plan.clone();
                    move |number| plan.run(number)
                },
                heard,
            );
            phase.set(Phase::Running { workers: pool.workers() });
            version.set(0);
            let mut held = held.borrow_mut();
            held.tally = Some(Tally::new(plan));
            held.pool = Some(pool);
            held.wanted = wanted;
        }
    };
    let submit = {
        let start = start.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            start(None);
        })
    };
    let cancel = {
        let (held, phase) = (Rc::clone(&held), phase.clone());
        Callback::from(move |event: MouseEvent| {
            // The same button runs a sweep from now on, which this click is not to do.
            event.prevent_default();
            // The workers end with it; what they told stays.
            held.borrow_mut().pool = None;
            phase.set(Phase::Cancelled);
        })
    };
    let busy = *writing || matches!(*phase, Phase::Running { .. });
    let review = |form: Form, name: &'static str| {
        let (phase, write, start) = (phase.clone(), write.clone(), start.clone());
        let onclick = Callback::from(move |_: MouseEvent| match *phase {
            Phase::Finished { .. } | Phase::Cancelled => write.emit(form),
            // One press is enough: the sweep first, and then of it the review.
            _ => start(Some(form)),
        });
        html! { <button type="button" {onclick} disabled={busy}>{ name }</button> }
    };
    let choose = {
        let quantity = quantity.clone();
        Callback::from(move |event: Event| {
            let select = event.target().and_then(|it| it.dyn_into::<HtmlSelectElement>().ok());
            quantity.set(select.and_then(|it| it.value().parse().ok()).unwrap_or(0));
        })
    };
    let set = {
        let typed = typed.clone();
        Callback::from(move |now: Typed| typed.set(Some(now)))
    };
    let close = ui.on(|_: MouseEvent| Action::Sweep(false));
    let escape = on_escape(&ui, || Action::Sweep(false));
    let is_running = matches!(*phase, Phase::Running { .. });
    let (done, runs) =
        held.borrow().tally.as_ref().map_or((0, 0), |it| (it.done(), it.plan.runs()));
    html! {
        <aside class="learn sweep" aria-labelledby="sweep-title" onkeydown={escape}>
            <header><h2 id="sweep-title" tabindex="-1">{ "Sweep over seeds" }</h2>
                <button type="button" onclick={close} aria-label="Close the sweep">{ drawing(Icon::Close) }</button></header>
            <div class="sweep-body" tabindex="0">
                <form onsubmit={submit}>
                    { fields(&shown, &set) }
                    <div class="buttons">
                        { if is_running {
                            html! { <button type="button" class="primary" onclick={cancel}>{ "Cancel" }</button> }
                        } else {
                            html! { <button type="submit" class="primary">{ "Run them" }</button> }
                        } }
                        { review(Form::Html, "Review (HTML)") }
                        { review(Form::Markdown, "Review (Markdown)") }
                    </div>
                    <p class="wrong" role="alert">{ (*problem).clone() }</p>
                </form>
                if is_running {
                    <progress max={runs.to_string()} value={done.to_string()} aria-label="Runs made"></progress>
                }
                <p class="small" role="status">{ told(&phase, done, runs, *writing) }</p>
                if let Some(found) = found.as_ref() {
                    <>
                        <label class="quantity">{ "Distribution of " }<select onchange={choose}>
                            { for QUANTITIES.iter().enumerate().map(|(index, it)| html! {
                                <option value={index.to_string()} selected={index == *quantity}>{ it.name }</option>
                            }) }</select></label>
                        { results(found, props.shade) }
                        <p class="small">{ "Bars carry Wilson's 95 % interval, quantiles that of order statistics. ● recovered ▲ another victim ✕ no end. \
                            A bar opens the first seed that shows it, a dot its own." }</p>
                    </>
                }
                <RewindForm request={props.request.clone()} scene={props.scenes.first().cloned()} curve={props.curve.clone()} />
            </div>
        </aside>
    }
}

impl Phase {
    fn is_over(&self) -> bool {
        !matches!(self, Self::Running { .. })
    }
}

/// What the status line says. While it runs, the bar says how far.
fn told(phase: &Phase, done: u32, runs: u32, writing: bool) -> String {
    let of = format!("{} of {}", format::grouped(done.into()), format::grouped(runs.into()));
    match phase {
        _ if writing => "Writing the review…".to_owned(),
        Phase::None => "Runs are made in this page, as many at once as there are cores.".to_owned(),
        Phase::Running { workers } => format!("{of} runs, {workers} at once"),
        Phase::Cancelled => format!("Cancelled after {of} runs; what is there stays."),
        Phase::Finished { ms } => {
            format!("{} runs in {:.1} s", format::grouped(runs.into()), ms / 1e3)
        }
        Phase::Failed(why) => format!("Stopped after {of} runs. {why}"),
    }
}

/// What a review is made of; of a sweep that was cancelled, the seeds from the first on
/// that every policy has met.
fn dossier(held: &Held, request: &Request) -> Option<Dossier> {
    let tally = held.tally.as_ref()?;
    let mut outcomes = tally.common();
    let first = tally.plan.seeds.start;
    let without_gap = |outcomes: &Vec<_>| {
        let seeds = outcomes.iter().map(|it: &sim_core::experiment::Outcome| it.seed);
        seeds.zip(first..).take_while(|(seed, wanted)| seed == wanted).count()
    };
    let count = outcomes.iter().map(without_gap).min().filter(|count| *count > 0)?;
    for row in &mut outcomes {
        row.truncate(count);
    }
    Some(Dossier {
        request: Request { seed: request.seed, ..tally.plan.request.clone() },
        policies: tally.plan.policies.clone(),
        seeds: first..first + count as u64,
        outcomes,
        page: shareable(""),
    })
}

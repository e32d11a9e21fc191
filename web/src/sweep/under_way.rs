//! A sweep under way: what was asked for, how far it is, what was found, and the review of it. It
//! goes on and is kept whether or not its panel is open.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use sim_core::experiment::QUANTITIES;
use yew::prelude::*;

use super::form::Typed;
use super::plan::Plan;
use super::pool::{Heard, Pool, write_review};
use super::results::Found;
use super::review::Dossier;
use super::tally::Tally;
use crate::address::shareable;
use crate::dom;
use crate::engine::Request;
use crate::format;
use crate::route::Route;
use crate::thread::Thread;
use crate::transfer::download;
use crate::transfer::export_dialog::stem;
use crate::words::t;

/// How a sweep stands.
#[derive(Clone, PartialEq)]
pub enum Phase {
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
pub enum Form {
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

/// The one sweep of the page.
#[derive(Clone)]
pub struct Sweep {
    held: Rc<RefCell<Held>>,
    phase: UseStateHandle<Phase>,
    problem: UseStateHandle<String>,
    writing: UseStateHandle<bool>,
    /// Counts what was heard, so that it shows.
    version: UseStateHandle<u32>,
}

/// The sweep, with its state in the component that calls this.
#[hook]
pub fn use_sweep() -> Sweep {
    Sweep {
        held: use_mut_ref(Held::default),
        phase: use_state_eq(|| Phase::None),
        problem: use_state_eq(String::new),
        writing: use_state_eq(|| false),
        version: use_state_eq(|| 0_u32),
    }
}

/// What was found of a quantity, by its place among all.
#[hook]
pub fn use_found(sweep: &Sweep, quantity: usize) -> Rc<Option<Found>> {
    let held = Rc::clone(&sweep.held);
    use_memo((*sweep.version, quantity, sweep.is_running()), move |(_, quantity, _)| {
        let held = held.borrow();
        held.tally.as_ref().map(|tally| Found::of(tally, &QUANTITIES[*quantity]))
    })
}

impl Sweep {
    pub fn is_running(&self) -> bool {
        matches!(*self.phase, Phase::Running { .. })
    }

    /// Whether there is something to wait for.
    pub fn is_busy(&self) -> bool {
        *self.writing || self.is_running()
    }

    /// What is wrong with what was asked for.
    pub fn problem(&self) -> String {
        (*self.problem).clone()
    }

    /// Runs that are made, of how many.
    pub fn progress(&self) -> (u32, u32) {
        let held = self.held.borrow();
        held.tally.as_ref().map_or((0, 0), |tally| (tally.done(), tally.plan.runs()))
    }

    /// Starts on what was typed; `wanted` is the review to write of it.
    pub fn start(&self, request: &Request, typed: &Typed, wanted: Option<Form>) {
        let plan = match Plan::typed(request, typed) {
            Ok(plan) => plan,
            Err(why) => return self.problem.set(why),
        };
        self.problem.set(String::new());
        let run = {
            let plan = plan.clone();
            move |number| plan.run(number)
        };
        let pool = Pool::start(plan.runs(), run, self.listener(request.clone()));
        self.phase.set(Phase::Running { workers: pool.workers() });
        self.version.set(0);
        let mut held = self.held.borrow_mut();
        held.tally = Some(Tally::new(plan));
        held.pool = Some(pool);
        held.wanted = wanted;
    }

    /// Hears how it goes on.
    fn listener(&self, request: Request) -> impl Fn(Heard) + 'static {
        let (sweep, begun, count) = (self.clone(), dom::now_ms(), Cell::new(0_u32));
        move |heard| match heard {
            Heard::Outcomes(found) => {
                if let Some(tally) = &mut sweep.held.borrow_mut().tally {
                    for (number, outcome) in found {
                        tally.tell(number, outcome);
                    }
                }
                count.set(count.get() + 1);
                sweep.version.set(count.get());
            }
            Heard::Finished => {
                sweep.phase.set(Phase::Finished { ms: dom::now_ms() - begun });
                let wanted = sweep.held.borrow_mut().wanted.take();
                if let Some(form) = wanted {
                    sweep.write(&request, form);
                }
            }
            Heard::Failed(why) => sweep.phase.set(Phase::Failed(why)),
        }
    }

    /// Ends the workers; what they told stays.
    pub fn cancel(&self) {
        self.held.borrow_mut().pool = None;
        self.phase.set(Phase::Cancelled);
    }

    /// Writes the review: of what is there, or of the sweep, which comes first then.
    pub fn review(&self, request: &Request, typed: &Typed, form: Form) {
        match *self.phase {
            Phase::Finished { .. } | Phase::Cancelled => self.write(request, form),
            _ => self.start(request, typed, Some(form)),
        }
    }

    fn write(&self, request: &Request, form: Form) {
        let Some(dossier) = dossier(&self.held.borrow(), request) else { return };
        let stem = stem(&Route { request: request.clone(), ..Route::default() });
        let (done, said) = (self.writing.setter(), self.problem.setter());
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
        self.writing.set(true);
        self.held.borrow_mut().writer = Some(writer);
    }

    /// What the status line says. While it runs, the bar says how far.
    pub fn told(&self) -> String {
        let (done, runs) = self.progress();
        let of = t!(
            "{done} of {all}",
            done = format::grouped(done.into()),
            all = format::grouped(runs.into())
        );
        match &*self.phase {
            _ if *self.writing => t!("Writing the review…").to_owned(),
            Phase::None => {
                t!("Runs are made in this page, as many at once as there are cores.").to_owned()
            }
            Phase::Running { workers } => t!("{of} runs, {workers} at once", of, workers),
            Phase::Cancelled => t!("Cancelled after {of} runs; what is there stays.", of),
            Phase::Finished { ms } => {
                t!(
                    "{runs} runs in {seconds} s",
                    runs = format::grouped(runs.into()),
                    seconds = format_args!("{:.1}", ms / 1e3)
                )
            }
            Phase::Failed(why) => t!("Stopped after {of} runs. {why}", of, why),
        }
    }

    /// Where the panel is closed: what is under way behind it.
    pub fn told_briefly(&self) -> Option<String> {
        let (done, runs) = self.progress();
        let of = || {
            t!(
                "{done} of {all}",
                done = format::grouped(done.into()),
                all = format::grouped(runs.into())
            )
        };
        match *self.phase {
            Phase::Running { .. } => Some(t!("Sweep: {of} runs", of = of())),
            _ => None,
        }
    }
}

/// What a review is made of; of a sweep that was cancelled, the seeds from the first on
/// that every case has met.
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
    let cases = tally.plan.cases.iter().enumerate();
    Some(Dossier {
        cases: cases
            .map(|(place, case)| (case.values.clone(), tally.plan.one(place, request.seed)))
            .collect(),
        seeds: first..first + count as u64,
        outcomes,
        page: shareable(""),
    })
}

//! Has runs simulated and hands them to the page: by a worker, so that the
//! page never stands still, or, where no worker can be made, by itself in
//! slices between frames. Which of both it is changes no run. The one that
//! the page opens on comes with it, and is made here behind the first view.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use gloo_render::{AnimationFrame, request_animation_frame};
use sim_core::base::SimTime;
use sim_core::record::Run;
use sim_core::scenario::run_from_wire;
use yew::prelude::*;

use crate::dom;
use crate::engine::{Outcome, Request};
use crate::ensemble::Ensemble;
use crate::message::{Answer, Ask};
use crate::opening::{DIFFERS, Opening};
use crate::rest;
use crate::series::{Series, Step};
use crate::shared::Shared;
use crate::state::{Action, Scene};
use crate::thread::{News, Thread};
use crate::ui::Ui;
use crate::words::say;

/// Time simulated between two frames; half of a frame at 60 Hz.
const SLICE_MS: f64 = 8.0;
/// Between two reports of progress.
const REPORT_MS: f64 = 100.0;

/// Runs `request` whenever `turn` changes.
#[hook]
pub fn use_runner(ui: &Ui, request: &Request, turn: u32) {
    let ui = ui.clone();
    let simulator = use_memo((), move |()| Simulator::new(&ui));
    let request = request.clone();
    use_effect_with(turn, move |turn| {
        if *turn > 0 {
            simulator.ask(*turn, &request);
        }
    });
}

/// Whoever simulates, and the question under way.
struct Simulator(Rc<RefCell<Inner>>);

struct Inner {
    ui: Ui,
    /// What to tell the page as soon as nobody holds this any more: it may ask back at once.
    said: Vec<Action>,
    who: Who,
    turn: u32,
    /// What is there of it.
    cast: Ensemble<Shared<Scene>>,
    /// The run that came with the page: before anything was asked, or while it is on screen and
    /// nobody has made it here yet.
    opening: Option<Opening>,
}

#[expect(clippy::large_enum_variant, reason = "a page has one")]
enum Who {
    /// There was nothing to simulate.
    Nobody,
    /// The worker, as soon as it is there.
    Soon(Thread),
    Worker(Thread),
    /// This thread, between frames.
    Here(Option<Slices>),
}

/// Runs under way on this thread.
struct Slices {
    series: Option<Series>,
    reported: f64,
    frame: Option<AnimationFrame>,
}

impl Simulator {
    fn new(ui: &Ui) -> Self {
        Self(Rc::new_cyclic(|inner| {
            let opening = Opening::of_page();
            let who = if opening.is_some() { Who::Nobody } else { Inner::somebody(inner) };
            let (said, cast) = (Vec::new(), Ensemble::default());
            RefCell::new(Inner { ui: ui.clone(), said, who, turn: 0, cast, opening })
        }))
    }

    fn ask(&self, turn: u32, request: &Request) {
        Inner::act(&Rc::downgrade(&self.0), |inner, weak| {
            inner.turn = turn;
            if inner.opening.is_some() {
                // Nobody has made here what is on screen, so it does not count as there.
                inner.cast = Ensemble::default();
            }
            inner.cast.ask(request.runs());
            inner.open(weak);
        });
    }
}

impl Inner {
    fn act(weak: &Weak<RefCell<Self>>, act: impl FnOnce(&mut Self, &Weak<RefCell<Self>>)) {
        let Some(inner) = weak.upgrade() else {
            return;
        };
        let (ui, said) = {
            let mut this = inner.borrow_mut();
            act(&mut this, weak);
            (this.ui.clone(), std::mem::take(&mut this.said))
        };
        for action in said {
            ui.send(action);
        }
    }

    fn worker(inner: &Weak<RefCell<Self>>) -> Option<Thread> {
        let inner = Weak::clone(inner);
        Thread::start(move |news| Self::act(&inner, |this, weak| this.hear(news, weak)))
    }

    fn somebody(inner: &Weak<RefCell<Self>>) -> Who {
        Self::worker(inner).map_or(Who::Here(None), Who::Soon)
    }

    /// Answers the present question with the run that came with the page, if that is what is
    /// asked for first; else has it simulated.
    fn open(&mut self, weak: &Weak<RefCell<Self>>) {
        let opening = self.opening.take();
        let asked = self.cast.missing();
        let is_first = matches!(self.who, Who::Nobody) && asked == [Request::default()];
        let run = opening.as_ref().filter(|_| is_first).and_then(Opening::run);
        let Some(run) = run else {
            return self.begin(weak);
        };
        self.opening = opening;
        self.arrived(run);
        let weak = Weak::clone(weak);
        rest::when_there(move || {
            Self::act(&weak, |this, weak| {
                // Whoever wants another run by now looks at that one.
                if this.opening.is_some() && matches!(this.who, Who::Nobody) {
                    // Asks the same again as soon as it is there.
                    this.who = Self::somebody(weak);
                }
            });
        });
    }

    /// Starts on what is missing of the present question, or leaves it to whoever is about
    /// to be there.
    fn begin(&mut self, weak: &Weak<RefCell<Self>>) {
        // What came with the page is made once more.
        let opened = self.opening.as_ref().map(|_| vec![Request::default()]);
        let missing = opened.unwrap_or_else(|| self.cast.missing());
        if missing.is_empty() {
            return self.show();
        }
        if matches!(self.who, Who::Nobody) {
            self.who = Self::somebody(weak);
        }
        match &mut self.who {
            Who::Nobody | Who::Soon(_) => {}
            Who::Worker(thread) => thread.ask(self.turn, &Ask::Runs(missing)),
            Who::Here(slices) => {
                *slices = None;
                match Series::start(missing) {
                    Ok(series) => {
                        let reported = dom::now_ms();
                        *slices = Some(Slices { series: Some(series), reported, frame: None });
                        self.slice(weak);
                    }
                    Err(why) => self.said.push(Action::Failed(why)),
                }
            }
        }
    }

    fn hear(&mut self, news: News, weak: &Weak<RefCell<Self>>) {
        match news {
            News::Answer(_, Answer::Ready) => {
                let who = std::mem::replace(&mut self.who, Who::Here(None));
                if let Who::Soon(thread) | Who::Worker(thread) = who {
                    self.who = Who::Worker(thread);
                    if self.turn > 0 {
                        self.begin(weak);
                    }
                }
            }
            News::Answer(turn, answer) if turn == self.turn => match answer {
                // Not asked for here.
                Answer::Ready | Answer::Outcomes(_) | Answer::Done | Answer::Review { .. } => {}
                // It is on screen.
                Answer::Progress { .. } if self.opening.is_some() => {}
                Answer::Progress { now, horizon } => self.progress(now, horizon),
                Answer::Failed(why) => {
                    self.turn = 0;
                    self.said.push(Action::Failed(why));
                }
                Answer::Run(bytes) => self.made(&bytes),
            },
            // Of a question that was given up.
            News::Answer(..) => {}
            News::Gone(why) => {
                let was_there = matches!(self.who, Who::Worker(_));
                // What ended it ends the next one too, at once or by the same question.
                self.who = if was_there {
                    Self::worker(weak).map_or(Who::Here(None), Who::Soon)
                } else {
                    Who::Here(None)
                };
                if was_there {
                    // Unless it said so itself.
                    if std::mem::take(&mut self.turn) > 0 {
                        self.said.push(Action::Failed(why));
                    }
                } else if self.turn > 0 {
                    self.begin(weak);
                }
            }
        }
    }

    fn made(&mut self, bytes: &[u8]) {
        if let Some(opening) = self.opening.take() {
            if opening.is_proved_by(bytes) {
                return;
            }
            self.cast = Ensemble::default();
            self.cast.ask(vec![Request::default()]);
            self.said.push(Action::Notice(say(DIFFERS).to_owned()));
        }
        match run_from_wire(bytes) {
            Ok(run) => self.arrived(run),
            Err(error) => self.said.push(Action::Failed(error.to_string())),
        }
    }

    fn progress(&mut self, now: u64, horizon: u64) {
        self.said.push(Action::Progress { now: SimTime(now), horizon: SimTime(horizon) });
    }

    /// Takes a run in, and shows all when none is missing.
    fn arrived(&mut self, run: Run) {
        self.cast.arrived(Shared::new(Scene::new(Outcome::of(run))));
        if self.cast.missing().is_empty() {
            self.show();
        }
    }

    fn show(&mut self) {
        let mut scenes = self.cast.all();
        if let Some(first) = scenes.pop() {
            self.said.push(Action::Compared(scenes));
            self.said.push(Action::Finished(first));
        }
    }

    fn slice(&mut self, weak: &Weak<RefCell<Self>>) {
        let Who::Here(Some(slices)) = &mut self.who else {
            return;
        };
        let Some(series) = slices.series.take() else {
            return;
        };
        let start = dom::now_ms();
        let (step, rest) = match series.advance(|| dom::now_ms() - start >= SLICE_MS) {
            Ok(both) => both,
            Err(why) => return self.said.push(Action::Failed(why)),
        };
        if let Some((now, horizon)) = rest.as_ref().map(Series::progress) {
            let again = Weak::clone(weak);
            slices.frame = Some(request_animation_frame(move |_| {
                Self::act(&again, Self::slice);
            }));
            if start - slices.reported > REPORT_MS {
                slices.reported = start;
                self.progress(now, horizon);
            }
        }
        if let Who::Here(Some(slices)) = &mut self.who {
            slices.series = rest;
        }
        if let Step::Run(run) | Step::Last(run) = step {
            self.arrived(run);
        }
    }
}

//! Workers that make many runs: as many as the machine has cores, each
//! given a few runs at a time. Where there can be none the page makes them
//! itself, in slices between frames. Who makes them changes no outcome.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use gloo_timers::callback::Timeout;
use sim_core::experiment::Outcome;

use super::batch::Batch;
use super::review::{Dossier, documents};
use crate::dom;
use crate::engine::Request;
use crate::message::{Answer, Ask};
use crate::thread::{News, Thread};

/// Workers at most; each has a memory of its own.
const WORKERS_MAX: usize = 8;
/// Between two reports: a plot is drawn for each.
const REPORT_MS: u32 = 150;
/// Time simulated between two frames, where the page does it itself.
const SLICE_MS: f64 = 12.0;
/// Runs given at once: enough that a worker seldom waits for more.
const GIVEN_MAX: u32 = 32;

/// What is heard of runs under way.
pub enum Heard {
    /// What became of some, by their numbers.
    Outcomes(Vec<(u32, Outcome)>),
    /// All are made.
    Finished,
    /// It cannot go on; why.
    Failed(String),
}

/// Runs under way; dropping it ends them.
pub struct Pool {
    inner: Rc<RefCell<Inner>>,
}

struct Inner {
    threads: Vec<Thread>,
    /// What this thread makes, where there are no others, and when it goes on.
    here: Option<(Batch, Option<Timeout>)>,
    /// Runs that each of them has still to make.
    given: Vec<u32>,
    next: u32,
    runs: u32,
    run: Box<dyn Fn(u32) -> Request>,
    found: Vec<(u32, Outcome)>,
    tell: Rc<dyn Fn(Heard)>,
    report: Option<Timeout>,
}

impl Pool {
    /// Starts on so many runs.
    pub fn start(
        runs: u32,
        run: impl Fn(u32) -> Request + 'static,
        tell: impl Fn(Heard) + 'static,
    ) -> Self {
        let cores = dom::window().navigator().hardware_concurrency() as usize;
        let wanted = cores.clamp(1, WORKERS_MAX).min(runs as usize);
        let inner = Rc::new_cyclic(|inner: &Weak<RefCell<Inner>>| {
            let thread = |index| {
                let inner = Weak::clone(inner);
                Thread::start(move |news| {
                    if let Some(inner) = inner.upgrade() {
                        Inner::hear(&inner, index, news);
                    }
                })
            };
            let threads: Vec<Thread> = (0..wanted).map_while(thread).collect();
            RefCell::new(Inner {
                given: vec![0; threads.len()],
                threads,
                here: None,
                next: 0,
                runs,
                run: Box::new(run),
                found: Vec::new(),
                tell: Rc::new(tell),
                report: None,
            })
        });
        if inner.borrow().threads.is_empty() {
            Inner::begin_here(&inner);
        }
        Self { inner }
    }

    /// How many runs are made at once.
    pub fn workers(&self) -> usize {
        self.inner.borrow().given.len()
    }
}

impl Inner {
    /// Does without workers.
    fn begin_here(this: &Rc<RefCell<Self>>) {
        let mut inner = this.borrow_mut();
        inner.threads.clear();
        inner.given = vec![0];
        inner.here = Some((Batch::new(Vec::new()), None));
        inner.give(0);
        inner.go_on(this);
    }

    /// The next slice, after the page had its turn.
    fn go_on(&mut self, this: &Rc<RefCell<Self>>) {
        let again = Rc::downgrade(this);
        if let Some((_, next)) = &mut self.here {
            *next = Some(Timeout::new(0, move || {
                if let Some(this) = again.upgrade() {
                    Self::slice(&this);
                }
            }));
        }
    }

    fn slice(this: &Rc<RefCell<Self>>) {
        let (made, is_over) = {
            let mut inner = this.borrow_mut();
            let Some((batch, _)) = &mut inner.here else { return };
            let end = dom::now_ms() + SLICE_MS;
            (batch.advance(|| dom::now_ms() >= end), batch.is_over())
        };
        match made {
            Err(why) => return Self::hear(this, 0, News::Answer(1, Answer::Failed(why))),
            Ok(found) if !found.is_empty() => {
                Self::hear(this, 0, News::Answer(1, Answer::Outcomes(found)));
            }
            Ok(_) => {}
        }
        if is_over {
            Self::hear(this, 0, News::Answer(1, Answer::Done));
        }
        this.borrow_mut().go_on(this);
    }

    fn hear(this: &Rc<RefCell<Self>>, index: usize, news: News) {
        let mut inner = this.borrow_mut();
        match news {
            News::Answer(_, Answer::Ready | Answer::Done) => inner.give(index),
            News::Answer(_, Answer::Outcomes(found)) => {
                inner.given[index] = inner.given[index].saturating_sub(found.len() as u32);
                inner.found.extend(found);
            }
            // None of them could start.
            News::Gone(_) if inner.next == 0 => {
                drop(inner);
                return Self::begin_here(this);
            }
            News::Answer(_, Answer::Failed(why)) | News::Gone(why) => {
                let tell = Rc::clone(&inner.tell);
                let found = std::mem::take(&mut inner.found);
                inner.threads.clear();
                inner.here = None;
                inner.report = None;
                drop(inner);
                tell(Heard::Outcomes(found));
                tell(Heard::Failed(why));
                return;
            }
            News::Answer(..) => {}
        }
        let is_over = inner.next >= inner.runs && inner.given.iter().all(|left| *left == 0);
        if is_over {
            inner.report = None;
            drop(inner);
            Self::report(this);
        } else if inner.report.is_none() && !inner.found.is_empty() {
            let again = Rc::downgrade(this);
            inner.report = Some(Timeout::new(REPORT_MS, move || {
                if let Some(this) = again.upgrade() {
                    this.borrow_mut().report = None;
                    Self::report(&this);
                }
            }));
        }
    }

    /// Gives a worker its next runs: fewer towards the end, so that none waits long for another.
    fn give(&mut self, index: usize) {
        let left = self.runs - self.next;
        let share = left / (2 * self.given.len() as u32).max(1);
        let count = share.clamp(1, GIVEN_MAX).min(left);
        let runs: Vec<_> =
            (self.next..self.next + count).map(|number| (number, (self.run)(number))).collect();
        self.next += count;
        self.given[index] = count;
        if runs.is_empty() {
            return;
        }
        if let Some((batch, _)) = &mut self.here {
            *batch = Batch::new(runs);
        } else if let Some(thread) = self.threads.get(index) {
            thread.ask(1, &Ask::Outcomes(runs));
        }
    }

    fn report(this: &Rc<RefCell<Self>>) {
        let (tell, found, is_over) = {
            let mut inner = this.borrow_mut();
            let is_over = inner.next >= inner.runs && inner.given.iter().all(|left| *left == 0);
            if is_over {
                inner.threads.clear();
                inner.here = None;
            }
            (Rc::clone(&inner.tell), std::mem::take(&mut inner.found), is_over)
        };
        if !found.is_empty() {
            tell(Heard::Outcomes(found));
        }
        if is_over {
            tell(Heard::Finished);
        }
    }
}

/// Has a worker write a review, and hands over its two forms; dropping what it hands back ends it.
/// Where there can be none the page writes it, and stands still meanwhile.
pub fn write_review(
    dossier: Dossier,
    tell: impl FnOnce(Result<(String, String), String>) + 'static,
) -> Rc<RefCell<Option<Thread>>> {
    let kept: Rc<RefCell<Option<Thread>>> = Rc::default();
    let tell = Rc::new(RefCell::new(Some(tell)));
    let here = {
        let (dossier, tell) = (dossier.clone(), Rc::clone(&tell));
        move || {
            let tell = tell.borrow_mut().take();
            if let Some(tell) = tell {
                tell(documents(&dossier));
            }
        }
    };
    let is_there = Rc::new(std::cell::Cell::new(false));
    let without = here.clone();
    let (weak, ask) = (Rc::downgrade(&kept), Ask::Review(Box::new(dossier)));
    let ask = Rc::new(ask);
    let thread = Thread::start(move |news| {
        let said = match news {
            News::Answer(_, Answer::Ready) => {
                is_there.set(true);
                if let Some(thread) = weak.upgrade()
                    && let Some(thread) = thread.borrow().as_ref()
                {
                    thread.ask(1, &ask);
                }
                return;
            }
            News::Answer(_, Answer::Review { html, markdown }) => Ok((html, markdown)),
            News::Gone(_) if !is_there.get() => return without(),
            News::Answer(_, Answer::Failed(why)) | News::Gone(why) => Err(why),
            News::Answer(..) => return,
        };
        let tell = tell.borrow_mut().take();
        if let Some(tell) = tell {
            tell(said);
        }
    });
    if thread.is_none() {
        // Not before the panel has said that it is written.
        Timeout::new(0, here).forget();
    }
    *kept.borrow_mut() = thread;
    kept
}

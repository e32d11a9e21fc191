//! Lessons: a step asks for a run and says where to look in it.

use crate::learn::{Answer, Course, Lessons, course_of_key, request, sight};
use crate::route::Route;
use crate::state::reduce::LANES;
use crate::state::{Phase, State};
use crate::timeline::viewport::Viewport;
use crate::words::t;

/// Id of the heading of a lesson's step.
const STEP: &str = "learn-step";

impl State {
    #[inline(never)]
    pub(super) fn learn(&mut self, what: Lessons) {
        match what {
            Lessons::Toggle => {
                self.learn.shown = !self.learn.shown;
                self.focus(if self.learn.shown { "learn-title" } else { "learn-button" });
            }
            Lessons::List => {
                self.learn.course = None;
                self.focus("learn-title");
            }
            Lessons::Open(id, step) => {
                if let Some(course) = Course::find(id, step) {
                    self.begin(course);
                    self.focus(STEP);
                }
            }
            Lessons::OpenFile(lesson) => {
                self.begin(Course::new(None, lesson, 0));
                self.focus(STEP);
            }
            Lessons::GoTo(step) => {
                if let Some(course) = &self.learn.course
                    && step < course.lesson.steps.len()
                {
                    // The button that led there may be none at the ends.
                    let is_end = step == 0 || step + 1 == course.lesson.steps.len();
                    self.begin(Course::new(course.id, course.lesson.clone(), step));
                    if is_end {
                        self.focus(STEP);
                    }
                }
            }
            Lessons::Answer(answer) => {
                let asked = self.learn.course.as_mut().filter(|it| it.answer == Answer::NotYet);
                if let Some(course) = asked {
                    course.answer = answer;
                    self.look_at_step();
                    self.focus("reveal");
                }
            }
            Lessons::Remembered(progress) => self.learn.progress = progress,
            Lessons::OfferTour => self.learn.offers_tour = true,
            Lessons::DeclineTour => {
                self.learn.offers_tour = false;
                self.focus(LANES);
            }
        }
        // Whoever found the lessons needs no offer any more.
        self.learn.offers_tour &= !self.learn.shown;
    }

    /// A digit: a step of the open lesson, or a lesson of the list.
    #[inline(never)]
    pub(super) fn tab(&mut self, number: usize) {
        match (&self.learn.course, self.learn.shown) {
            (Some(_), true) => self.learn(Lessons::GoTo(number - 1)),
            (None, true) => {
                if let Some(entry) = sim_core::lesson::ALL.get(number) {
                    self.learn(Lessons::Open(entry.id, 0));
                }
            }
            _ => {}
        }
    }

    fn begin(&mut self, course: Course) {
        let wanted = request(course.present());
        self.playing = false;
        if let Some(id) = course.id {
            let seen = self.learn.progress.entry(id.to_owned()).or_default();
            *seen = (*seen).max(course.step + 1);
        }
        self.learn.shown = true;
        self.learn.course = Some(course);
        if self.phase == Phase::Ready && wanted == self.request {
            self.look_at_step();
        } else {
            self.notice = None;
            self.request = wanted;
            self.pending = None;
            self.run_again();
        }
    }

    /// The lesson that a link names, if it names one.
    #[inline(never)]
    pub(super) fn open_course(&mut self, route: &Route) {
        let Some(key) = &route.lesson else {
            if self.learn.course.take().is_some() {
                self.learn.shown = false;
            }
            return;
        };
        let is_there = self.learn.course.as_ref().and_then(Course::key).as_ref() == Some(key);
        if is_there {
            return;
        }
        let Some(course) = course_of_key(key) else {
            let text = t!("This page has no lesson “{key}”; here is the run it is about.", key);
            self.notice = Some(text.into());
            return;
        };
        // Who moved on from the step sees what they saw.
        let as_told = route.at.is_none() && route.view.is_none();
        let awaits_run = as_told && request(course.present()) == route.request;
        self.learn.shown = true;
        self.learn.offers_tour = false;
        self.learn.course = Some(Course { awaits_run, ..course });
    }

    /// Looks where the step says, if its run was waited for.
    pub(super) fn arrive_at_step(&mut self) {
        if self.learn.course.as_ref().is_some_and(|course| course.awaits_run) {
            self.look_at_step();
        }
    }

    fn look_at_step(&mut self) {
        let (Some(course), Some(scene)) = (&mut self.learn.course, self.scene.clone()) else {
            return;
        };
        course.awaits_run = false;
        let asks = course.present().question.is_some() && course.answer == Answer::NotYet;
        let sight = sight(&course.look(), &scene.outcome);
        self.playing = false;
        if let Some(lane) = sight.lane {
            self.select_lane(lane);
        }
        if let Some(moment) = sight.cursor {
            match moment.record {
                Some(record) => self.seek_record(record),
                None => self.seek(moment.at.0),
            }
        }
        if let Some(view) = sight.view {
            // Who is asked what comes does not see it.
            let until = if asks { view.end().min(self.cursor.at) } else { view.end() };
            self.view = Viewport::between(view.start, until, self.end());
        }
    }

    /// The step's own moment, where a link that was made at it says only when: several records
    /// may share an instant.
    pub(super) fn recall_step(&mut self) {
        let (Some(course), Some(scene)) = (&self.learn.course, &self.scene) else {
            return;
        };
        let moment = sight(&course.look(), &scene.outcome).cursor;
        if let Some(moment) = moment.filter(|moment| moment.at.0 == self.cursor.at)
            && let Some(record) = moment.record
        {
            self.cursor.happened = record + 1;
        }
    }
}

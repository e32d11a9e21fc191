//! Runs: asked for, arrived, failed, and what a link said of them.

use crate::engine::{self, BRANCHES_MAX, OTHERS_MAX, Request};
use crate::event_filter::Wanted;
use crate::forks;
use crate::route::Route;
use crate::shared::Shared;
use crate::state::LANES;
use crate::state::history::{History, Kind};
use crate::state::{Change, Cursor, LinkCheck, Notice, Phase, Scene, State};
use crate::timeline::rows::Arrangement;
use crate::timeline::viewport::Viewport;
use crate::words::t;
use sim_core::base::SimTime;
use sim_core::record::MODEL_VERSION;
use sim_core::scenario::MINIMAL;
use sim_core::share::{Other, ScenarioRef};

impl State {
    pub(super) fn open(&mut self, route: Route) {
        self.rescued = None;
        self.edited = false;
        self.comes_back = false;
        self.links += 1;
        self.notice = route.note.clone().map(Notice::from);
        self.embed = route.embed;
        self.open_course(&route);
        if self.phase == Phase::Ready && route.request == self.request {
            let before = self.look();
            self.check_link(&route);
            self.place(&route);
            self.arrive_at_step();
            self.remember(Kind::Opened, before);
            return;
        }
        self.request = route.request.clone();
        self.pending = Some(route);
        self.run_again();
    }

    /// Opens what was on screen before. Notes are about the run and no look at it: those made since
    /// stay, as long as it is the same run.
    pub(super) fn come_back(&mut self, mut route: Route) {
        if self.phase == Phase::Ready && route.request == self.request {
            route.notes.clone_from(&self.notes);
        }
        self.open(route);
        self.comes_back = self.pending.is_some();
    }

    /// A bad link: say so, and keep what is on screen; if nothing is, show the default example.
    pub(super) fn refuse(&mut self, message: &str) {
        let instead = if self.scene.is_some() {
            self.links += 1;
            t!("The run that was here stays.")
        } else {
            self.open(Route::default());
            t!("Here is the example that the page opens on.")
        };
        let message = message.trim_end_matches('.');
        let stop = if message.ends_with('?') { "" } else { "." };
        let problem = format!("{message}{stop}");
        // What is wrong stands on lines of its own where it is more than one thing.
        let text = if message.contains('\n') {
            t!("{problem}\n{instead}", problem, instead)
        } else {
            t!("{problem} {instead}", problem, instead)
        };
        self.notice = Some(text.into());
    }

    #[inline(never)]
    pub(super) fn choose(&mut self, change: Change) {
        self.rescued = None;
        let request = match change {
            // What was chosen stays chosen; overrides belong to the scenario they were made for.
            Change::Scenario(scenario) => self.about(ScenarioRef::ById(scenario)),
            Change::Begin => self.about(ScenarioRef::Inline(MINIMAL.to_owned())),
            // Who edits it looks at one story, whatever becomes of it.
            Change::Text(scenario) => {
                let was = self.edited;
                self.edited = true;
                let request = Request { scenario, sets: Vec::new(), ..self.request.clone() };
                if request == self.request {
                    self.edited = was;
                }
                request
            }
            // Without one of its own there is nothing to name the first run by.
            Change::Policy(None) => {
                let others = self.others_but(|other| matches!(other, Other::Policy(_)));
                Request { policy: None, others, ..self.request.clone() }
            }
            Change::Policy(Some(policy)) => {
                let own = Other::Policy(policy.clone());
                let others = self.others_but(|other| *other == own);
                Request { policy: Some(policy), others, ..self.request.clone() }
            }
            Change::Kernel(kernel) => {
                let own = kernel.clone().map(Other::Kernel);
                let others = self.others_but(|other| {
                    matches!(other, Other::Policy(_)) || Some(other) == own.as_ref()
                });
                Request { kernel, policy: None, others, ..self.request.clone() }
            }
            Change::Beside(other) => self.beside(other),
            Change::Without(index) => {
                let mut request = self.request.clone();
                if index < request.others.len() {
                    request.others.remove(index);
                }
                request
            }
            Change::Look(place) => self.looking_at(place),
            // Forks are named by what is done and when, and that holds for another seed, too.
            Change::Seed(seed) => Request { seed, ..self.request.clone() },
            Change::Check(id) => {
                let has = |known: &str| self.request.checks.iter().any(|it| it == known);
                let wanted = engine::checkers().into_iter().map(|it| it.id);
                let checks = wanted.filter(|&known| has(known) != (known == id));
                let checks: Vec<String> = checks.map(str::to_owned).collect();
                let others = self.others_but(
                    |other| matches!(other, Other::Check(id) if checks == [id.as_str()]),
                );
                Request { others, checks, ..self.request.clone() }
            }
            Change::Fork(branch) => {
                let mut branches = self.request.branches.clone();
                let is_new = !branches.contains(&branch) && branch.parent <= branches.len();
                if is_new && branches.len() < BRANCHES_MAX {
                    branches.push(branch);
                }
                Request { branches, ..self.request.clone() }
            }
            Change::Unfork(branch) => Request {
                branches: forks::without(&self.request.branches, branch),
                ..self.request.clone()
            },
            Change::Branch(branch) => Request {
                branches: forks::off(&self.request.branches, branch),
                ..self.request.forked(branch)
            },
        };
        if request != self.request {
            self.request = request;
            self.pending = None;
            self.notice = None;
            self.run_again();
        }
    }

    /// The request for another scenario.
    fn about(&self, scenario: ScenarioRef) -> Request {
        let (sets, forks, branches) = (Vec::new(), Vec::new(), Vec::new());
        Request { scenario, sets, forks, branches, ..self.request.clone() }
    }

    /// What is compared with, but for some.
    fn others_but(&self, gone: impl Fn(&Other) -> bool) -> Vec<Other> {
        self.request.others.iter().filter(|other| !gone(other)).cloned().collect()
    }

    /// The request with one more run to compare with.
    pub(super) fn beside(&self, other: Other) -> Request {
        let mut request = self.request.clone();
        let own = self.scene.as_ref().map(|scene| &scene.outcome.run.id);
        let is_own = match &other {
            Other::Policy(id) => {
                request.policy = request.policy.or(own.map(|own| own.policy.clone()));
                request.policy.as_ref() == Some(id)
            }
            Other::Kernel(id) => own.is_some_and(|own| own.kernel == *id),
            Other::Check(id) => request.checks == [id.as_str()],
        };
        if !is_own && !request.others.contains(&other) && request.others.len() < OTHERS_MAX {
            request.others.push(other);
            // As in links.
            request.others.sort_by_key(|other| !matches!(other, Other::Policy(_)));
        }
        request
    }

    /// The request that has one of the others first, and what was first in its place. Others of
    /// another kind are that one with their choice, as they always are the first with it.
    fn looking_at(&mut self, place: usize) -> Request {
        let mut request = self.request.clone();
        let (Some(other), Some(scene)) = (self.request.others.get(place), &self.scene) else {
            return request;
        };
        let own = &scene.outcome.run.id;
        let instead = match other {
            Other::Policy(_) => Some(Other::Policy(own.policy.clone())),
            Other::Kernel(_) => Some(Other::Kernel(own.kernel.clone())),
            // There is none for several, or none; and it is the same run.
            Other::Check(_) => match &self.request.checks[..] {
                [one] => Some(Other::Check(one.clone())),
                _ => None,
            },
        };
        request.others.remove(place);
        if let Some(instead) = instead {
            request.others.insert(place, instead);
        }
        let first = self.request.with(other);
        self.focus(LANES);
        Request { policy: first.policy, kernel: first.kernel, checks: first.checks, ..request }
    }

    pub(in crate::state) fn run_again(&mut self) {
        self.turn += 1;
        self.playing = false;
        self.link_check = LinkCheck::None;
        self.promised = None;
        self.phase = Phase::Running { now: SimTime::ZERO, horizon: SimTime(1) };
    }

    pub(super) fn finished(&mut self, scene: Shared<Scene>) {
        let edited = std::mem::take(&mut self.edited) && self.scene.is_some();
        let other_story = !edited
            && self
                .scene
                .as_ref()
                .is_none_or(|old| old.outcome.run.id.scenario != scene.outcome.run.id.scenario);
        let same_run = self
            .scene
            .as_ref()
            .is_some_and(|old| old.outcome.run.digest == scene.outcome.run.digest);
        let (end, opening) = (scene.outcome.run.end.0, scene.opening());
        self.phase = Phase::Ready;
        self.shown = self.request.clone();
        self.lane = self.lane.min(scene.outcome.lanes.len().saturating_sub(1));
        self.scene = Some(scene);
        self.laid = self.recording.is_some().then(|| self.lay()).flatten();
        self.trail.clear();
        if other_story {
            self.lane = 0;
        }
        // Forks come and go beside a run that stays the same, and can be undone.
        if !same_run {
            self.history = History::default();
            // What they were about is not there any more.
            self.filter = Wanted { topic: self.filter.topic, ..Wanted::default() };
            self.matched = None;
            self.selection = None;
        }
        if other_story {
            self.notes.clear();
        }
        // Another seed or policy of one story is compared at one zoom.
        self.view = if other_story {
            opening
        } else {
            Viewport::between(self.view.start, self.view.end(), end)
        };
        let keeps_notes = std::mem::take(&mut self.comes_back) && same_run;
        match self.pending.take() {
            Some(mut route) => {
                if keeps_notes {
                    route.notes.clone_from(&self.notes);
                }
                self.check_link(&route);
                self.place(&route);
                self.playing = route.at.is_none() && !self.calm;
            }
            None if other_story => {
                self.place(&Route::default());
                self.playing = !self.calm;
            }
            // Where the cursor stands in the same run, it stays.
            None if same_run => {}
            None => self.seek(self.cursor.at),
        }
        if std::mem::take(&mut self.opens_recording)
            && let Some(kill) = self.laid.as_ref().and_then(|laid| laid.kill)
        {
            self.playing = false;
            self.seek(kill);
        }
        self.arrive_at_step();
    }

    pub(super) fn failed(&mut self, message: String) {
        let link = self.pending.take();
        let of_link = link.is_some();
        // Of a link that brings its own scenario nothing is lost: what cannot be run can be read.
        let text = match &self.request.scenario {
            ScenarioRef::Inline(text) if of_link && !self.embed => Some(text.clone()),
            _ => None,
        };
        let older =
            link.clone().filter(|link| link.model.is_some_and(|model| model < MODEL_VERSION));
        let message = if link.is_some_and(|link| link.newer) {
            t!("{message} A newer version of this page made the link: reload to get that.", message)
        } else {
            message
        };
        let without = |request: &Request| Request { branches: Vec::new(), ..request.clone() };
        if self.scene.is_some()
            && self.request.branches != self.shown.branches
            && without(&self.request) == without(&self.shown)
        {
            self.take_fork_back(&message);
        } else if of_link && self.scene.is_some() {
            self.request = self.shown.clone();
            self.phase = Phase::Ready;
            self.refuse(&message);
            self.rescue(text);
        } else if self.scene.is_none() && self.request != Request::default() {
            self.refuse(&message);
            self.rescue(text);
        } else {
            self.phase = Phase::Failed(message);
        }
        if let Some(notice) = &mut self.notice {
            notice.older = older;
        }
    }

    /// Opens the text of a link's scenario, which cannot be run, in the editor.
    fn rescue(&mut self, text: Option<String>) {
        if text.is_none() {
            return;
        }
        self.rescued = text;
        self.editing = true;
        if let Some(notice) = &mut self.notice {
            notice.text.push_str(t!(
                " The link's scenario is in the editor, with what is wrong at its place."
            ));
        }
    }

    /// A fork that cannot be made leaves the run as it is.
    fn take_fork_back(&mut self, message: &str) {
        self.request = self.shown.clone();
        self.phase = Phase::Ready;
        self.history.forget_forks(&self.request.branches);
        let text = t!("That cannot be done, so the run stays as it is. {message}", message);
        self.notice = Some(text.into());
    }

    #[inline(never)]
    pub(super) fn check_link(&mut self, route: &Route) {
        if self.scene.is_none() {
            return;
        }
        let here = self.digests();
        let model = MODEL_VERSION;
        self.link_check = match (&route.digest, route.model) {
            (None, _) => LinkCheck::None,
            (Some(digest), _) if *digest == here => LinkCheck::Reproduced,
            (Some(_), Some(other)) if other != model => LinkCheck::Differs {
                how: t!(
                    "the link was made with model {other}, this page has model {model}{parting}",
                    other,
                    model,
                    parting = self.parting(route)
                ),
                equal_until: self.equal_until(route),
                older: (other < model).then(|| Box::new(route.clone())),
            },
            (Some(digest), _) => LinkCheck::Differs {
                how: t!(
                    "the link's run has digest {digest}, this one {here}{parting}",
                    digest = crate::format::short_digest(digest),
                    here = crate::format::short_digest(&here),
                    parting = self.parting(route)
                ),
                equal_until: self.equal_until(route),
                older: None,
            },
        };
        if let LinkCheck::Differs { .. } = self.link_check {
            self.promised = route.digest.clone().map(|digest| (digest, route.model));
        }
    }

    /// From about where on a run is another than the link's, where that can be told.
    fn parting(&self, route: &Route) -> String {
        let mut pairs = route.marks.iter().zip(self.scenes());
        let other = pairs.find(|(marks, scene)| **marks != scene.outcome.run.marks);
        let text = other.and_then(|(marks, scene)| {
            sim_core::share::parting_text(marks, &scene.outcome.run.marks)
        });
        text.map_or_else(String::new, |text| format!("; {text}"))
    }

    /// The last record up to which the run that is looked at is known to be the link's.
    fn equal_until(&self, route: &Route) -> Option<u64> {
        let here = &self.scene.as_ref()?.outcome.run.marks;
        let linked = route.marks.first().filter(|linked| *linked != here)?;
        sim_core::share::equal_until(linked, here)
    }

    /// Moves cursor and lane to where a link points.
    pub(super) fn place(&mut self, route: &Route) {
        let Some(scene) = self.scene.clone() else {
            return;
        };
        let focus = route.focus.as_deref();
        let lane = scene.outcome.lanes.iter().position(|lane| Some(lane.title.as_str()) == focus);
        self.arrangement = Arrangement::of_link(&route.lanes, &scene.outcome.lanes);
        match lane {
            // Whoever folded groups may have put this one away, too.
            Some(lane) if route.lanes.folded.is_some() => self.lane = lane,
            Some(lane) => self.select_lane(lane),
            None => {}
        }
        let run = &scene.outcome.run;
        self.filter =
            route.filter.as_ref().map_or_else(Wanted::default, |text| Wanted::read(text, run));
        self.notes.clone_from(&route.notes);
        self.select(route.range);
        let at = route.at.unwrap_or_else(|| scene.opening().start);
        // As it was seen, wherever the cursor is.
        if let Some((from, to)) = route.view {
            self.view = Viewport::between(from, to, self.end());
            self.move_to(at);
        } else {
            self.view = scene.opening();
            self.seek(at);
        }
        match (route.at, route.nth) {
            (Some(at), Some(nth)) if at == self.cursor.at => {
                self.cursor = Cursor::at_nth(at, nth, &scene);
            }
            _ => self.recall_step(),
        }
    }
}

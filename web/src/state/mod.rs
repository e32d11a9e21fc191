//! All that the page knows, and how it changes: one state, one reducer.
//!
//! Pure: no browser, no clock. Components read parts of the state and
//! send actions; effects (running, address, attributes) follow the state.

mod action;
mod history;
mod reduce;
mod scene;
mod stage;
#[cfg(test)]
mod tests;

use sim_core::base::SimTime;
use sim_core::share::{Lanes, Other, ScenarioRef};

pub use action::{Action, Change, Theme};
pub use history::History;
pub use reduce::LANES;
pub use scene::Scene;
pub use stage::{StageArrow, StageLane};

use crate::engine::Request;
use crate::event_filter::Wanted;
use crate::keys::Keys;
use crate::learn::{Course, Learn};
use crate::playback::Speed;
use crate::route::{Note, Route};
use crate::shared::Shared;
use crate::sweep::rewind::Rewind;
use crate::timeline::layout::Layout;
use crate::timeline::palette::{Rgb, Shade};
use crate::timeline::rows::{Arrangement, Rows};
use crate::timeline::viewport::Viewport;
use crate::transfer::overlay::{Overlay, overlay};
use crate::transfer::{Capture, Received};
use crate::words::t;

/// What the page is doing.
#[derive(Clone, PartialEq, Debug)]
pub enum Phase {
    /// Nothing has been asked for yet.
    Loading,
    /// Simulating; the last instant and the horizon tell how far.
    Running { now: SimTime, horizon: SimTime },
    /// The run asked for is on screen.
    Ready,
    /// It could not be run.
    Failed(String),
}

/// A moment of the run. Records of one instant are told apart by number.
#[derive(Copy, Clone, PartialEq, Eq, Debug, Default)]
pub struct Cursor {
    /// When.
    pub at: u64,
    /// Records that have happened.
    pub happened: usize,
}

impl Cursor {
    /// At an instant, with all that happens at it.
    pub fn after_all(at: u64) -> Self {
        Self { at, happened: usize::MAX }
    }

    /// How many records of its instant have happened, if others still have to.
    fn nth(self, scene: &Scene) -> Option<u64> {
        let trace = &scene.outcome.run.trace;
        let before = self.at.checked_sub(1).map_or(0, |at| trace.count_until(SimTime(at)));
        let is_within = (before..trace.count_until(SimTime(self.at))).contains(&self.happened);
        is_within.then(|| (self.happened - before) as u64)
    }

    /// At an instant when as many of its records have happened.
    fn at_nth(at: u64, nth: u64, scene: &Scene) -> Self {
        let trace = &scene.outcome.run.trace;
        let before = at.checked_sub(1).map_or(0, |at| trace.count_until(SimTime(at)));
        let all = trace.count_until(SimTime(at));
        let happened = usize::try_from(nth).ok().and_then(|nth| before.checked_add(nth));
        Self { at, happened: happened.map_or(all, |happened| happened.min(all)) }
    }
}

/// What the recomputed run says of the link that asked for it.
#[derive(Clone, PartialEq, Debug)]
pub enum LinkCheck {
    /// The link carried no digest.
    None,
    /// It is the same run, to the bit.
    Reproduced,
    /// It is not.
    Differs {
        /// In words.
        how: String,
        /// The number of the last record up to which it is known to be.
        equal_until: Option<u64>,
        /// The link, if an older model made it.
        older: Option<Box<Route>>,
    },
}

/// Something to tell that is not about the run on screen.
#[derive(Clone, PartialEq, Debug)]
pub struct Notice {
    pub text: String,
    /// A link of an older model that cannot be run here.
    pub older: Option<Route>,
}

impl From<String> for Notice {
    fn from(text: String) -> Self {
        Self { text, older: None }
    }
}

/// A step from an effect to its cause.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Hop {
    /// Where it started: lane and moment.
    pub(crate) lane: usize,
    pub(crate) cursor: Cursor,
    /// The arrow that was followed, if it was one and no wait.
    pub(crate) arrow: Option<usize>,
}

/// A dialog that is open.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Dialog {
    Help,
    Fork,
    Share,
    Palette,
    Import,
    Export,
    Story,
}

/// Where the focus of the keyboard is to go; counted, so that it goes there again.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Call {
    /// Id of the element.
    pub to: String,
    pub turn: u32,
}

/// The state.
#[derive(Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "switches that know nothing of each other")]
pub struct State {
    /// What is shown, or about to be.
    pub request: Request,
    /// Counts requests, so that asking again for the same runs again.
    pub turn: u32,
    pub phase: Phase,
    /// A plain message about a bad link, until dismissed.
    pub notice: Option<Notice>,
    /// Counts links that were opened, and those that could not be.
    pub links: u32,
    /// The last finished run.
    pub scene: Option<Shared<Scene>>,
    /// Those it is compared with, in the order of the request, and those
    /// forked off it, in the order of the branches.
    pub others: Vec<Shared<Scene>>,
    pub link_check: LinkCheck,
    /// Digest and model of a link that was not reproduced: they stay in the
    /// address, so that reloading does not hide the difference.
    pub promised: Option<(String, Option<u32>)>,
    /// The link that asked for the run, until it is there.
    pub(crate) pending: Option<Route>,
    /// What is on screen was asked for so.
    pub(crate) shown: Request,
    pub cursor: Cursor,
    /// Index of the selected lane.
    pub lane: usize,
    /// What following causes led through.
    pub(crate) trail: Vec<Hop>,
    /// What the user made of the rows.
    pub arrangement: Arrangement,
    pub view: Viewport,
    /// What events are filtered by, besides a text.
    pub filter: Wanted,
    /// When and in which lane the events are that a filter lets through, by time.
    pub matched: Option<Shared<Vec<(u64, usize)>>>,
    pub notes: Vec<Note>,
    pub history: History,
    /// How keys act.
    pub keys: Keys,
    /// Selected range, in ns.
    pub selection: Option<(u64, u64)>,
    pub playing: bool,
    /// What the last command led to, for the status region.
    pub said: String,
    /// Whether who is in the table hears that from the cell that takes the focus.
    pub said_by_cell: bool,
    /// Why the last step led nowhere; empty if it did.
    pub hint: &'static str,
    /// Seconds since playing stepped last, where it steps and does not run.
    pub(crate) since_step: f64,
    /// Whether the user prefers no motion: then nothing starts by itself.
    pub calm: bool,
    pub speed: Speed,
    /// Whether playing stops where a cycle of waits closes.
    pub stops: bool,
    /// Whether the wait-for graph is drawn beside the chain.
    pub graph: bool,
    pub theme: Theme,
    /// Ground and ink of forced colors, which go before any theme.
    pub forced: Option<(Rgb, Rgb)>,
    /// Whether the user prefers more contrast: drawings then do with ground and ink.
    pub contrast: bool,
    /// Whether the system is dark.
    pub system_shade: Shade,
    pub dialog: Option<Dialog>,
    /// Who opens something goes on there, and who closes it where it was opened.
    pub call: Call,
    pub learn: Learn,
    /// What was made of the files that were brought last.
    pub received: Option<Shared<Received>>,
    /// The recording that the run replays.
    pub recording: Option<Shared<Received>>,
    /// That recording, laid over the run on screen.
    pub laid: Option<Shared<Overlay>>,
    /// Whether the page is being printed: paper is white.
    pub printing: bool,
    /// Whether the page is part of another one: the timeline alone.
    pub embed: bool,
    /// Whether the editor is open.
    pub editing: bool,
    /// The text of a link's scenario that could not be run, for the editor.
    pub rescued: Option<String>,
    /// The last run that was rewound.
    pub rewound: Option<Shared<Rewind>>,
    /// Whether the sweep is open.
    pub sweeping: bool,
    /// Whether the run asked for is an edit of the one on screen.
    pub(crate) edited: bool,
    /// Whether the run asked for was on screen before.
    pub(crate) comes_back: bool,
    /// Whether the run asked for is the first one of a recording: it opens at the kill.
    pub(crate) opens_recording: bool,
}

impl Default for State {
    /// Before anything was run.
    fn default() -> Self {
        Self {
            request: Request::default(),
            turn: 0,
            phase: Phase::Loading,
            notice: None,
            links: 0,
            scene: None,
            others: Vec::new(),
            link_check: LinkCheck::None,
            promised: None,
            pending: None,
            shown: Request::default(),
            cursor: Cursor::default(),
            lane: 0,
            trail: Vec::new(),
            arrangement: Arrangement::default(),
            view: Viewport::whole(1),
            filter: Wanted::default(),
            matched: None,
            notes: Vec::new(),
            history: History::default(),
            keys: Keys::default(),
            selection: None,
            playing: false,
            said: String::new(),
            said_by_cell: false,
            hint: "",
            since_step: 0.0,
            calm: false,
            speed: Speed::Auto,
            stops: true,
            graph: true,
            theme: Theme::System,
            forced: None,
            contrast: false,
            system_shade: Shade::Light,
            dialog: None,
            call: Call::default(),
            learn: Learn::default(),
            received: None,
            recording: None,
            laid: None,
            printing: false,
            embed: false,
            editing: false,
            rescued: None,
            rewound: None,
            sweeping: false,
            edited: false,
            comes_back: false,
            opens_recording: false,
        }
    }
}

impl State {
    /// Whether the page is light or dark now.
    pub fn shade(&self) -> Shade {
        if self.printing {
            return Shade::Light;
        }
        if let Some((ground, ink)) = self.forced {
            return Shade::Forced { ground, ink };
        }
        let shade = match self.theme {
            Theme::System => self.system_shade,
            Theme::Light => Shade::Light,
            Theme::Dark => Shade::Dark,
        };
        if self.contrast {
            return Shade::Forced { ground: shade.ground(), ink: shade.ink() };
        }
        shade
    }

    /// The curve of the run on screen, if it was rewound.
    pub fn curve(&self) -> Option<&Shared<Rewind>> {
        self.rewound.as_ref().filter(|it| it.request == self.request.alone())
    }

    /// The focus goes to the element with this id.
    pub(crate) fn focus(&mut self, id: impl Into<String>) {
        self.call = Call { to: id.into(), turn: self.call.turn + 1 };
    }

    /// Where the run on screen ends.
    pub fn end(&self) -> u64 {
        self.scene.as_ref().map_or(0, |scene| scene.outcome.run.end.0)
    }

    /// The runs on screen, the one that is looked at first.
    pub fn scenes(&self) -> impl Iterator<Item = &Shared<Scene>> {
        self.scene.iter().chain(&self.others)
    }

    /// The runs of the branches, in their order.
    pub fn branch_scenes(&self) -> &[Shared<Scene>] {
        self.others.get(self.request.others.len()..).unwrap_or_default()
    }

    /// What they are called, by what is different in them.
    pub fn names(&self) -> Vec<String> {
        let Some(first) = &self.scene else {
            return Vec::new();
        };
        let request = &self.request;
        let has = |kind| request.others.iter().any(|other| other.kind() == kind);
        // A kernel brings a policy of its own.
        let of_kernel = |scene: &Scene| {
            let id = &scene.outcome.run.id;
            t!("kernel {kernel} ({policy})", kernel = id.kernel, policy = id.policy)
        };
        let mut of_first =
            if has("kernel") { of_kernel(first) } else { first.outcome.run.id.policy.clone() };
        if has("check") && request.checks.is_empty() {
            of_first.push_str(t!(", no check"));
        } else if has("check") {
            of_first = t!(
                "{policy}, check {checks}",
                policy = of_first,
                checks = request.checks.join(", ")
            );
        }
        let others = request.others.iter().zip(&self.others).map(|(other, scene)| match other {
            Other::Policy(id) => id.clone(),
            Other::Kernel(_) => of_kernel(scene),
            Other::Check(id) => t!("check {id}", id),
        });
        let forks = (1..=self.branch_scenes().len()).map(|number| t!("fork {number}", number));
        [of_first].into_iter().chain(others).chain(forks).collect()
    }

    /// Their digests, with commas.
    pub fn digests(&self) -> String {
        let digests = self.scenes().map(|scene| scene.outcome.run.digest.to_string());
        digests.collect::<Vec<_>>().join(",")
    }

    /// Their verdicts, with commas.
    pub fn verdicts(&self) -> String {
        let verdicts = self.scenes().map(|scene| scene.outcome.report.verdict.id());
        verdicts.collect::<Vec<_>>().join(",")
    }

    /// The rows that show, top to bottom.
    pub fn rows(&self) -> Rows {
        self.scene.as_ref().map_or_else(Rows::default, |scene| {
            let outcome = &scene.outcome;
            let layout = Layout::for_width(f64::INFINITY);
            Rows::new(&outcome.lanes, &outcome.run.cast, &self.arrangement, layout)
        })
    }

    /// The arrows that were followed.
    pub fn followed(&self) -> Vec<usize> {
        self.trail.iter().filter_map(|hop| hop.arrow).collect()
    }

    /// The link to what is on screen.
    pub fn route(&self) -> Route {
        if let Some(pending) = &self.pending {
            return pending.clone();
        }
        let ready = self.scene.as_ref().filter(|_| self.phase == Phase::Ready);
        let (digest, model) = match &self.promised {
            Some((digest, model)) => (Some(digest.clone()), *model),
            None => (ready.map(|_| self.digests()), ready.map(|_| sim_core::record::MODEL_VERSION)),
        };
        Route {
            request: self.request.clone(),
            digest,
            model,
            at: (self.cursor.at > 0).then_some(self.cursor.at),
            nth: ready.filter(|_| self.cursor.at > 0).and_then(|scene| self.cursor.nth(scene)),
            focus: ready
                .filter(|_| self.lane > 0)
                .and_then(|scene| Some(scene.outcome.lanes.get(self.lane)?.title.clone())),
            view: ready.filter(|scene| self.view != scene.opening()).map(|_| self.view.rounded()),
            range: ready.and(self.selection).filter(|(from, to)| from < to),
            filter: ready.and_then(|scene| self.filter.text(&scene.outcome.run)),
            lanes: ready
                .map_or_else(Lanes::default, |scene| self.arrangement.told(&scene.outcome.lanes)),
            notes: self.notes.clone(),
            marks: match ready {
                Some(_) if self.promised.is_none() => {
                    self.scenes().map(|scene| scene.outcome.run.marks.clone()).collect()
                }
                _ => Vec::new(),
            },
            lesson: self.learn.course.as_ref().and_then(Course::key),
            embed: self.embed,
            newer: false,
            note: None,
        }
    }

    /// The recording, while what replays it is on screen.
    pub fn replayed(&self) -> Option<&Shared<Received>> {
        self.recording.as_ref().filter(|recording| match (&***recording, &self.request.scenario) {
            (Received::Capture(capture), ScenarioRef::Inline(text)) => capture.toml == *text,
            _ => false,
        })
    }

    /// The recording over the run on screen, if the run replays one.
    #[inline(never)]
    fn lay(&self) -> Option<Shared<Overlay>> {
        let scene = self.scene.as_ref()?;
        match &**self.replayed()? {
            Received::Capture(Capture { story, .. }) => {
                Some(Shared::new(overlay(story, &scene.outcome.run)))
            }
            _ => None,
        }
    }

    /// `data-state` of the root element.
    pub fn phase_id(&self) -> &'static str {
        match self.phase {
            Phase::Loading => "loading",
            Phase::Running { .. } => "running",
            Phase::Ready => "ready",
            Phase::Failed(_) => "error",
        }
    }

    /// `data-link-check` of the root element.
    pub fn link_check_id(&self) -> &'static str {
        match self.link_check {
            LinkCheck::None => "none",
            LinkCheck::Reproduced => "reproduced",
            LinkCheck::Differs { .. } => "differs",
        }
    }
}

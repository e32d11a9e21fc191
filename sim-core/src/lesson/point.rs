//! Points of a run by what happens there: `give-up`, `back-off 3`,
//! `kill of editor + 20ms`, `blocked of oom_reaper`, `1132ms`, `end`.

use std::fmt;

use crate::analysis::{Incident, Lane, LaneState, Mark, MarkKind};
use crate::base::SimTime;
use crate::scenario::suggestion;
use crate::scenario::units;

/// A point of a run.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Point {
    base: Base,
    /// From 1.
    nth: usize,
    /// Of which lane.
    lane: Option<String>,
    /// So many ns later, or earlier.
    offset: Offset,
    text: String,
}

#[derive(Clone, Eq, PartialEq, Debug)]
enum Base {
    Start,
    End,
    Time(u64),
    Incident(&'static str),
    Mark(MarkKind),
    State(&'static str),
}

#[derive(Copy, Clone, Eq, PartialEq, Debug)]
enum Offset {
    None,
    Later(u64),
    Earlier(u64),
}

const INCIDENTS: [&str; 8] = [
    "back-off",
    "refusal",
    "give-up",
    "extra-victim",
    "cycle",
    "splat",
    "stale-access",
    "waived-invariant",
];
const MARKS: [(&str, MarkKind); 8] = [
    ("kill", MarkKind::Kill),
    ("wake-reaper", MarkKind::WakeReaper),
    ("attempt", MarkKind::AttemptStart),
    ("skipped-attempt", MarkKind::AttemptSkipped),
    ("reaped", MarkKind::Reaped),
    ("skip-set", MarkKind::SkipSet),
    ("exit", MarkKind::Exit),
    ("ready", MarkKind::Ready),
];
/// States in which a span of a lane begins; they need `of LANE`.
const STATES: [&str; 13] = [
    "running",
    "runnable",
    "direct-reclaim",
    "asleep",
    "blocked",
    "reaping",
    "tearing-down",
    "killed",
    "job",
    "callback",
    "callback-blocked",
    "held",
    "contended",
];

/// The name of a state in points and claims.
pub(super) fn state_name(state: LaneState) -> &'static str {
    match state {
        LaneState::Running => "running",
        LaneState::Runnable => "runnable",
        LaneState::Reclaiming => "direct-reclaim",
        LaneState::Sleeping => "asleep",
        LaneState::Blocked => "blocked",
        LaneState::Reaping(_) => "reaping",
        LaneState::BackOff(_) => "back-off",
        LaneState::Exiting => "tearing-down",
        LaneState::Killed => "killed",
        LaneState::Job => "job",
        LaneState::Callback => "callback",
        LaneState::CallbackBlocked => "callback-blocked",
        LaneState::Held => "held",
        LaneState::Contended => "contended",
    }
}

/// What points are found in.
#[derive(Copy, Clone, Debug)]
pub struct Stage<'r> {
    /// Rows of the run.
    pub lanes: &'r [Lane],
    /// Its incidents.
    pub incidents: &'r [Incident],
    /// Its end.
    pub end: SimTime,
}

/// Where a point is.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Moment {
    /// When.
    pub at: SimTime,
    /// Index of the record that is the last to have happened; `None`: all of that instant.
    pub record: Option<usize>,
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Point {
    /// Reads `NAME [N] [of LANE] [± TIME]`, or `TIME`.
    ///
    /// # Errors
    /// What is wrong and what would be right.
    pub fn parse(text: &str) -> Result<Self, (String, String)> {
        let text = text.trim();
        let point =
            |base, nth, lane, offset| Self { base, nth, lane, offset, text: text.to_owned() };
        if let Ok(time) = units::parse_time(text) {
            return Ok(point(Base::Time(time.0), 1, None, Offset::None));
        }
        let (name, offset) = match (text.split_once(" + "), text.split_once(" - ")) {
            (Some((name, time)), _) => (name, Offset::Later(time_of(time)?)),
            (None, Some((name, time))) => (name, Offset::Earlier(time_of(time)?)),
            (None, None) => (text, Offset::None),
        };
        let (name, lane) = match name.split_once(" of ") {
            Some((name, lane)) => (name, Some(lane.trim().to_owned())),
            None => (name, None),
        };
        let (name, nth) = match name.trim().split_once(' ') {
            Some((name, nth)) => (name, nth_of(nth)?),
            None => (name.trim(), 1),
        };
        let known = |names: &[&'static str]| names.iter().copied().find(|known| *known == name);
        let mark = MARKS.iter().find(|(known, _)| *known == name);
        let base = match (name, mark) {
            ("start", _) => Base::Start,
            ("end", _) => Base::End,
            (_, Some((_, kind))) => Base::Mark(*kind),
            _ => match (known(&INCIDENTS), known(&STATES)) {
                (Some(kind), _) => Base::Incident(kind),
                (None, Some(state)) => Base::State(state),
                (None, None) => return Err(unknown(name)),
            },
        };
        match (&base, &lane) {
            (Base::State(state), None) => {
                let text = format!("`{state}` is a state, and of no lane");
                Err((text, format!("write `{state} of LANE`, such as `{state} of oom_reaper`")))
            }
            (Base::Incident(kind), Some(_)) => {
                Err((format!("`{kind}` takes no `of`"), format!("write `{kind}` or `{kind} 2`")))
            }
            _ => Ok(point(base, nth, lane, offset)),
        }
    }

    /// Where it is in a run; `None` if that never happens there.
    pub fn find(&self, stage: &Stage<'_>) -> Option<Moment> {
        let place = self.nth.checked_sub(1)?;
        let lanes = || {
            let is_asked =
                |lane: &&Lane| self.lane.as_ref().is_none_or(|title| *title == lane.title);
            stage.lanes.iter().filter(is_asked)
        };
        let moment = |at, record| Moment { at, record: Some(record) };
        let found = match &self.base {
            Base::Start => Moment { at: SimTime::ZERO, record: None },
            Base::End => Moment { at: stage.end, record: None },
            Base::Time(ns) => Moment { at: SimTime(*ns), record: None },
            Base::Incident(kind) => {
                let mut incidents = stage.incidents.iter().filter(|it| it.kind == *kind);
                incidents.nth(place).map(|it| moment(it.at, it.record))?
            }
            Base::Mark(kind) => {
                let marks = lanes().flat_map(|lane| &lane.marks).filter(|mark| mark.kind == *kind);
                let mut marks: Vec<&Mark> = marks.collect();
                marks.sort_by_key(|mark| (mark.at, mark.record));
                marks.dedup_by_key(|mark| mark.record);
                marks.get(place).map(|mark| moment(mark.at, mark.record))?
            }
            Base::State(name) => {
                let mut spans = lanes().flat_map(|lane| &lane.spans);
                let found = spans.by_ref().filter(|span| state_name(span.state) == *name);
                found.skip(place).map(|span| moment(span.start, span.record)).next()?
            }
        };
        let at = match self.offset {
            Offset::None => return Some(found),
            Offset::Later(ns) => found.at.0.saturating_add(ns),
            Offset::Earlier(ns) => found.at.0.saturating_sub(ns),
        };
        Some(Moment { at: SimTime(at.min(stage.end.0)), record: None })
    }
}

/// How often something happens: incidents and marks of a name.
pub(super) fn count(name: &str, stage: &Stage<'_>) -> Option<u64> {
    if INCIDENTS.contains(&name) {
        let incidents = stage.incidents.iter().filter(|incident| incident.kind == name);
        return u64::try_from(incidents.count()).ok();
    }
    let (_, kind) = MARKS.iter().find(|(known, _)| *known == name)?;
    let marks = stage.lanes.iter().flat_map(|lane| &lane.marks);
    let mut records: Vec<usize> =
        marks.filter(|mark| mark.kind == *kind).map(|mark| mark.record).collect();
    records.sort_unstable();
    records.dedup();
    u64::try_from(records.len()).ok()
}

pub(super) fn unknown(name: &str) -> (String, String) {
    let names: Vec<&str> = ["start", "end"]
        .into_iter()
        .chain(INCIDENTS)
        .chain(MARKS.iter().map(|(name, _)| *name))
        .chain(STATES)
        .collect();
    (format!("nothing that happens is called `{name}`"), suggestion(name, &names))
}

fn time_of(text: &str) -> Result<u64, (String, String)> {
    let wrong = |error| (format!("`{}` is no time", text.trim()), format!("{error}"));
    units::parse_time(text).map(|time| time.0).map_err(wrong)
}

fn nth_of(text: &str) -> Result<usize, (String, String)> {
    let nth = text.trim().parse().ok().filter(|nth| *nth > 0);
    nth.ok_or_else(|| {
        let text = format!("`{}` is no number of an event", text.trim());
        (text, "write `back-off 3` for the third, `kill of hog` for that of a lane".to_owned())
    })
}

//! Where two runs of one seed part: the first decision that differs.
//!
//! Two policies differ in many records before anything comes of it: a
//! driver registers another way, a callback is asked and has nothing
//! against it. A *decision* is a record that changes what becomes of
//! memory or of a task: a kill, an attempt and its end, a VMA unmapped by
//! the reaper, a refusal, a wait of the reaper, SKIP. Decisions are compared
//! one by one, and in time to a jiffy; only where all are alike is it the
//! first record of any kind. What a record tells is compared, not the number
//! of its call stack: stacks are numbered as they are met.

use crate::analysis::{event_text, span_text, time_text};
use crate::base::{Digest, Nanos, NotifierId, RangeId, SimTime, TaskId};
use crate::record::{Event, Reason, Record, Run, SkipBy, TaskKind};

/// The first difference.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Divergence {
    /// Index in the first run.
    pub record: usize,
    /// Index in the second.
    pub other: usize,
    /// What the first run has there; `None`: it is over.
    pub first: Option<Record>,
    /// What the second has.
    pub second: Option<Record>,
    /// Whether it is a decision; else all decisions are alike.
    pub decides: bool,
}

impl Divergence {
    /// When: as soon as one of them has something there that the other has not.
    pub fn time(&self) -> Option<SimTime> {
        [self.first, self.second].into_iter().flatten().map(|record| record.at).min()
    }
}

/// What is said of two runs that don't part: they are one, or differ in what no text tells
/// (how stacks are numbered, say).
pub fn sameness_text(first: Digest, second: Digest) -> &'static str {
    if first == second { "never; the runs are the same" } else { "never; the runs tell the same" }
}

/// Where two runs part; `None` if their records tell the same.
pub fn divergence(first: &Run, second: &Run) -> Option<Divergence> {
    let any = first_record(first, second)?;
    // What came before is alike, decisions too.
    let from = any.record;
    let (mut of_first, mut of_second) = (decisions(first, from), decisions(second, from));
    loop {
        let (one, other) = (of_first.next(), of_second.next());
        let (one_at, other_at) = match (&one, &other) {
            (None, None) => return Some(any),
            (Some(one), Some(other)) if are_alike(first, one, other) => continue,
            _ => (one.as_ref().map(|one| one.index), other.as_ref().map(|other| other.index)),
        };
        return Some(Divergence {
            record: one_at.unwrap_or(first.trace.len()),
            other: other_at.unwrap_or(second.trace.len()),
            first: one.map(|one| one.record),
            second: other.map(|other| other.record),
            decides: true,
        });
    }
}

fn first_record(first: &Run, second: &Run) -> Option<Divergence> {
    let (mut of_first, mut of_second) = (first.trace.iter(), second.trace.iter());
    let mut record = 0;
    loop {
        match (of_first.next(), of_second.next()) {
            (None, None) => return None,
            (Some(one), Some(two)) if tell_alike((first, &one), (second, &two)) => record += 1,
            (one, two) => {
                let (first, second) = (one, two);
                return Some(Divergence { record, other: record, first, second, decides: false });
            }
        }
    }
}

/// Whether two records tell the same.
fn tell_alike((first, one): (&Run, &Record), (second, two): (&Run, &Record)) -> bool {
    match (one.event, two.event) {
        (
            Event::Blocked { on, why, stack },
            Event::Blocked { on: on_2, why: why_2, stack: stack_2 },
        ) => {
            (one.at, one.task, on, why) == (two.at, two.task, on_2, why_2)
                && first.cast.functions(stack) == second.cast.functions(stack_2)
        }
        _ => one == two,
    }
}

/// A record that decides something.
struct Decision {
    index: usize,
    record: Record,
    what: What,
}

fn are_alike(run: &Run, one: &Decision, other: &Decision) -> bool {
    let (a, b) = (one.record.at, other.record.at);
    let apart = a.saturating_sub(b).max(b.saturating_sub(a));
    one.what == other.what && apart <= run.cast.jiffy
}

/// What is decided, without the numbers that may well differ.
#[derive(Copy, Clone, Eq, PartialEq)]
enum What {
    Kill(TaskId),
    Told(TaskId),
    Begins(TaskId),
    Skips(TaskId),
    Ends(TaskId, bool),
    GivesUp(TaskId),
    Skip(u32, SkipBy),
    LeavesAlone(u32),
    Unmaps(RangeId),
    Refused(NotifierId, RangeId),
    HandsOver(RangeId),
    Waits(u8),
    TearsDown(u32),
    Stale(RangeId),
    LosesEnd(NotifierId, RangeId),
    Panics,
}

fn decisions(run: &Run, from: usize) -> impl Iterator<Item = Decision> {
    let reaps = |task: TaskId| {
        let info = run.cast.tasks.get(task).filter(|info| info.kind == TaskKind::Kthread);
        info.is_some_and(|info| info.comm == "oom_reaper")
    };
    let of_record = move |index: usize| {
        let record = run.trace.get(index)?;
        let what = match record.event {
            Event::MarkVictim { victim, .. } => What::Kill(victim),
            Event::WakeReaper { victim } => What::Told(victim),
            Event::StartTaskReaping { victim } => What::Begins(victim),
            Event::SkipTaskReaping { victim } => What::Skips(victim),
            Event::FinishTaskReaping { victim, ok } => What::Ends(victim, ok),
            Event::UnableToReap { victim } => What::GivesUp(victim),
            Event::OomSkipSet { mm, by } => What::Skip(mm.0, by),
            Event::BackedOff { mm, .. } => What::LeavesAlone(mm.0),
            Event::Zap { range, pages, .. } if pages > 0 && reaps(record.task) => {
                What::Unmaps(range)
            }
            Event::MnReturn { notifier, range, refused: true }
            | Event::CoreRefused { notifier, range }
            | Event::DeadlinePassed { notifier, range } => What::Refused(notifier, range),
            Event::HandedOff { range, .. } => What::HandsOver(range),
            Event::Blocked { why, .. } if reaps(record.task) => {
                let reason = Reason::from_number(why);
                if reason == Some(Reason::ReaperIdle) {
                    return None;
                }
                What::Waits(why)
            }
            Event::ExitMmap { mm } => What::TearsDown(mm.0),
            Event::StaleAccess { range, .. } => What::Stale(range),
            Event::MnLostEnd { notifier, range } => What::LosesEnd(notifier, range),
            Event::Panic { .. } => What::Panics,
            _ => return None,
        };
        Some(Decision { index, record, what })
    };
    (from..run.trace.len()).filter_map(of_record)
}

/// The divergence in words: when, and what each decides there.
pub fn divergence_text(first: &Run, second: &Run, at: &Divergence) -> String {
    let when = at.time();
    let tell = |run: &Run, index: usize, record: Option<Record>| match record {
        Some(record) => {
            let late = record.at.saturating_sub(when.unwrap_or(record.at));
            // Less than a jiffy is no more than what asking took.
            let late = match late {
                _ if late > run.cast.jiffy => format!(" at {}", time_text(record.at)),
                _ if at.decides || late == Nanos::ZERO => String::new(),
                _ => format!(", {} later", span_text(late)),
            };
            format!("{}{}{late}", event_text(run, &record), manner(run, index, &record))
        }
        None if at.decides => "nothing more is decided".to_owned(),
        None => "it is over".to_owned(),
    };
    let only = if at.decides { "" } else { "only in what decides nothing, first at " };
    if let Some(text) = only_later(first, second, at) {
        return format!("{only}{text}");
    }
    let mut here = tell(first, at.record, at.first);
    let mut there = tell(second, at.other, at.second);
    if here == there {
        here.push_str(&place(first, at.first));
        there.push_str(&place(second, at.second));
    }
    let when = time_text(when.unwrap_or(first.end.min(second.end)));
    format!("{only}{when}: here {here}; there {there}")
}

/// What is said where both do the same, but not at one time.
fn only_later(first: &Run, second: &Run, at: &Divergence) -> Option<String> {
    let (one, two) = (at.first?, at.second?);
    let tell = |run: &Run, index, record: Record| {
        let text = format!("{}{}", event_text(run, &record), manner(run, index, &record));
        (text, place(run, Some(record)))
    };
    let told = tell(first, at.record, one);
    if one.at == two.at || told != tell(second, at.other, two) {
        return None;
    }
    let (when, later) = (one.at.min(two.at), one.at.max(two.at));
    let late = span_text(later.saturating_sub(when));
    let who = if one.at == when { "here; there" } else { "there; here" };
    let (when, what) = (time_text(when), told.0);
    Some(format!("{when}: {what} {who} {late} later. Only the time differs"))
}

/// Where in the kernel somebody stopped to wait.
fn place(run: &Run, record: Option<Record>) -> String {
    match record.map(|record| record.event) {
        Some(Event::Blocked { stack, .. }) => {
            let functions = run.cast.functions(stack);
            format!(" in {}", run.cast.function_names(&functions, &[]).join(" < "))
        }
        _ => String::new(),
    }
}

/// In what the decision was made: a callback that may, or must not, sleep.
fn manner(run: &Run, index: usize, record: &Record) -> String {
    let is_in_call = matches!(record.event, Event::Blocked { .. } | Event::MnReturn { .. });
    let Some(call) = is_in_call.then(|| call_around(run, index, record.task)).flatten() else {
        return String::new();
    };
    match (record.event, call.event) {
        (Event::MnReturn { .. }, Event::MnCall { blockable: false, .. }) => {
            ", because it must not sleep there".to_owned()
        }
        (Event::Blocked { .. }, Event::MnCall { blockable, .. }) => {
            let told = event_text(run, &call);
            let asked = told.split_once(" calls ").map_or("", |(_, whom)| whom);
            let asked = asked.split(" (").next().unwrap_or_default();
            let may = if blockable { "where it may sleep" } else { "where it must not sleep" };
            format!(" in the callback of {asked}, {may}")
        }
        _ => String::new(),
    }
}

/// The call of a notifier that a task was in before a record.
fn call_around(run: &Run, index: usize, task: TaskId) -> Option<Record> {
    let mut returned = 0_u32;
    for index in (0..index).rev() {
        let record = run.trace.get(index).filter(|record| record.task == task);
        match record.map(|record| record.event) {
            Some(Event::MnReturn { .. }) => returned += 1,
            Some(Event::MnCall { .. }) if returned == 0 => return record,
            Some(Event::MnCall { .. }) => returned -= 1,
            Some(Event::StartTaskReaping { .. } | Event::Spawned {}) => return None,
            _ => {}
        }
    }
    None
}

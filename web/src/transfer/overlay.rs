//! A recording laid over the run of its scenario: which of its key
//! events happen there, too, and by how much they are apart. Pure.

use sim_core::export::{dmesg, ftrace};
use sim_core::import::{KeyEvent, MemorySeen, Story, parse_dmesg, parse_ftrace, story};
use sim_core::record::Run;

use crate::words::{t, tn};

/// A key event of the recording, on the run's clock.
#[derive(Clone, PartialEq, Debug)]
pub struct Recorded {
    /// When, in ns; the first kills of both are laid on each other.
    pub at: u64,
    /// What, in the words of tracepoints and log.
    pub kind: &'static str,
    pub victim: String,
    /// How much later the run has it, in ns; `None`: it doesn't.
    pub later: Option<i64>,
}

/// Points of a process's memory that are drawn: those of a recording may be a hundred thousand.
const POINTS_MAX: usize = 400;
/// Processes whose memory is drawn: those that had most.
const PROCESSES_MAX: usize = 4;

/// Anonymous memory of a recorded process, on the run's clock.
#[derive(Clone, PartialEq, Debug)]
pub struct Memory {
    pub name: String,
    /// When, in ns, and how many bytes.
    pub points: Vec<(u64, u64)>,
    /// The most it had, in bytes.
    pub most: u64,
}

/// The recording beside the run.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Overlay {
    /// By size.
    pub memory: Vec<Memory>,
    /// By time.
    pub events: Vec<Recorded>,
    /// Key events of the run that the recording hasn't.
    pub only_here: usize,
    /// The first kill, on the run's clock.
    pub kill: Option<u64>,
}

impl Overlay {
    /// What was recorded nearest to `at`, within `reach` ns.
    #[inline(never)]
    pub fn near(&self, at: u64, reach: u64) -> Option<&Recorded> {
        let near = self.events.iter().filter(|event| event.at.abs_diff(at) <= reach);
        near.min_by_key(|event| event.at.abs_diff(at))
    }

    /// In a sentence.
    pub fn told(&self) -> String {
        let matched = self.events.iter().filter(|event| event.later.is_some()).count();
        let (all, only_here) = (self.events.len(), self.only_here);
        let farthest =
            self.events.iter().filter_map(|event| event.later).map(i64::unsigned_abs).max();
        let apart = farthest.map_or_else(String::new, |ns| {
            t!(", at most {time} apart", time = crate::format::duration(ns))
        });
        let more = match only_here {
            0 => String::new(),
            count => tn!(
                count,
                "; the run has 1 that the recording hasn't",
                "; the run has {count} that the recording hasn't",
                count
            ),
        };
        t!(
            "{matched} of {all} key events of the recording happen in this run{apart}{more}.",
            matched,
            all,
            apart,
            more
        )
    }
}

/// Lays a recording over a run. Of the run counts what a recording of this kind could show: beside a log
/// alone, its log.
pub fn overlay(recording: &Story, run: &Run) -> Overlay {
    let is_log = recording.events.iter().all(|event| event.kind.is_logged());
    let trace = if is_log { String::new() } else { ftrace(run) };
    let trace = parse_ftrace(&trace).map_or_else(|_| Vec::new(), |trace| trace.lines);
    let told = story(&trace, &parse_dmesg(&dmesg(run)).lines, 0);
    lay(recording, &told, run.end.0)
}

fn lay(recording: &Story, told: &Story, end: u64) -> Overlay {
    let shift_us = zero_us(recording, told).map_or(0, |(ours, its)| its.saturating_sub(ours));
    let mut left: Vec<Option<&KeyEvent>> = told.events.iter().map(Some).collect();
    let mut events = Vec::new();
    for event in &recording.events {
        let at_us = event.at_us.saturating_add(shift_us);
        // The first of its kind that is left: order is kept within a kind.
        let twin = left.iter_mut().find(|it| it.is_some_and(|it| are_twins(it, event)));
        let twin = twin.and_then(Option::take);
        events.push(Recorded {
            at: ns(at_us).min(end),
            kind: event.kind.text(),
            victim: event.victim.clone(),
            later: twin.map(|it| it.at_us.saturating_sub(at_us).saturating_mul(1000)),
        });
    }
    events.sort_by_key(|event| event.at);
    let kill = told.first_kill_us().map(|at_us| ns(at_us).min(end));
    let memory = memory(recording, shift_us, end);
    Overlay { memory, events, only_here: left.iter().flatten().count(), kill }
}

/// The same moment in the recording and in the run: the first kills, or, of a log from which the kill is
/// cut off, what it begins with.
fn zero_us(recording: &Story, told: &Story) -> Option<(i64, i64)> {
    if let (Some(ours), Some(its)) = (recording.first_kill_us(), told.first_kill_us()) {
        return Some((ours, its));
    }
    let first = recording.events.first()?;
    let twin = told.events.iter().find(|event| are_twins(event, first))?;
    Some((first.at_us, twin.at_us))
}

/// Whether two events say the same of the same one.
fn are_twins(one: &KeyEvent, other: &KeyEvent) -> bool {
    let are_kills = one.kind.is_kill() && other.kind.is_kill();
    (one.kind == other.kind || are_kills) && one.victim == other.victim
}

fn memory(recording: &Story, shift_us: i64, end: u64) -> Vec<Memory> {
    let draw = |seen: &MemorySeen| {
        let every = seen.samples.len().div_ceil(POINTS_MAX).max(1);
        let points = seen.samples.iter().enumerate().filter(|(at, _)| at % every == 0);
        let point = |(_, &(at_us, bytes)): (usize, &(i64, i64))| {
            (ns(at_us.saturating_add(shift_us)), u64::try_from(bytes).unwrap_or(0))
        };
        let points: Vec<(u64, u64)> = points.map(point).filter(|(at, _)| *at <= end).collect();
        let most = points.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0);
        Memory { name: seen.name.clone(), points, most }
    };
    let mut memory: Vec<Memory> = recording.memory.iter().map(draw).collect();
    memory.retain(|memory| memory.points.len() > 1);
    memory.sort_by_key(|memory| std::cmp::Reverse(memory.most));
    memory.truncate(PROCESSES_MAX);
    memory
}

impl Recorded {
    /// In words: what was recorded, and what of it is in the run.
    pub fn told(&self) -> String {
        let apart = match self.later {
            None => t!("does not happen in the run").to_owned(),
            Some(0) => t!("at the same time in the run").to_owned(),
            Some(later) => {
                let by = crate::format::duration(later.unsigned_abs());
                if later > 0 {
                    t!("{by} later in the run", by)
                } else {
                    t!("{by} earlier in the run", by)
                }
            }
        };
        t!("{kind} of {victim}: {apart}", kind = self.kind, victim = self.victim, apart)
    }
}

fn ns(us: i64) -> u64 {
    u64::try_from(us.max(0)).unwrap_or(0).saturating_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Job, Request};
    use crate::transfer::files::{Dropped, receive};
    use crate::transfer::{Capture, Received};
    use sim_core::share::ScenarioRef;

    fn recording() -> Capture {
        let file = |name: &str, bytes: &[u8]| Dropped { name: name.into(), bytes: bytes.to_vec() };
        let trace = include_bytes!("../../../traces/recordings/6.1/S6-3/trace.txt.gz");
        let log = include_bytes!("../../../traces/recordings/6.1/S6-3/dmesg.txt");
        match receive(vec![file("trace.txt.gz", trace), file("dmesg.txt", log)]) {
            Received::Capture(capture) => capture,
            _ => panic!("a recording"),
        }
    }

    fn run(toml: &str, policy: Option<&str>) -> Run {
        let scenario = ScenarioRef::Inline(toml.to_owned());
        let policy = policy.map(str::to_owned);
        let mut job = Job::start(&Request { scenario, policy, ..Request::default() }).unwrap();
        while job.advance(100_000) {}
        job.into_run()
    }

    #[test]
    fn recording_and_its_replay_have_the_same_key_events() {
        let capture = recording();
        let laid = overlay(&capture.story, &run(&capture.toml, None));
        assert!(laid.events.len() > 20, "{}", laid.told());
        assert!(laid.events.iter().all(|event| event.later.is_some()), "{}", laid.told());
        let memory: Vec<&str> = laid.memory.iter().map(|memory| memory.name.as_str()).collect();
        assert!(memory.contains(&"hog"), "{memory:?}");
        let hog = laid.memory.iter().find(|memory| memory.name == "hog").unwrap();
        assert!(hog.most > 90 << 20 && hog.points.len() <= POINTS_MAX, "{}", hog.most);
        let apart = laid.events.iter().filter_map(|event| event.later).map(i64::unsigned_abs).max();
        assert!(apart.unwrap() < 100_000_000, "{}", laid.told());
    }

    #[test]
    fn a_log_alone_is_laid_by_its_kill() {
        let log = include_bytes!("../../../traces/recordings/6.1/S6-3/dmesg.txt");
        let file = Dropped { name: "dmesg.txt".into(), bytes: log.to_vec() };
        let Received::Capture(capture) = receive(vec![file]) else { panic!("a recording") };
        let laid = overlay(&capture.story, &run(&capture.toml, None));
        let kinds: Vec<&str> = laid.events.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, ["Killed process", "unable to reap", "Killed process"]);
        assert_eq!((laid.kill, laid.events[0].later), (Some(laid.events[0].at), Some(0)));
        assert!(laid.events.iter().all(|event| event.later.is_some()), "{}", laid.told());
        assert_eq!(laid.only_here, 0, "{}", laid.told());
    }

    #[test]
    fn another_policy_leaves_events_unmatched() {
        let capture = recording();
        let laid = overlay(&capture.story, &run(&capture.toml, Some("ignore")));
        assert!(laid.events.iter().any(|event| event.later.is_none()), "{}", laid.told());
        let first = laid.events.iter().find(|event| event.kind == "mark_victim").unwrap();
        assert_eq!(first.later, Some(0), "kills are laid on each other");
    }
}

//! Key events in order: those of a trace as it has them, and between them those that the log tells. Both may be out of
//! order, and neither's length makes it slower to find a place. Leaves out what the events mean (`teller.rs`).

use std::collections::{BTreeMap, BTreeSet};

use super::story::{KeyEvent, KeyKind};

/// Clocks of trace and log are matched to about this much.
const CLOCK_SLACK_US: i64 = 20;

/// See the module.
pub(super) struct Timeline {
    traced: Vec<KeyEvent>,
    /// The latest time up to each of those.
    latest: Vec<i64>,
    /// By victim.
    ends: BTreeMap<String, Ends>,
    /// What the log tells, and before which event of the trace that belongs.
    logged: Vec<(usize, KeyEvent)>,
    /// Times and victims of the same.
    told: BTreeSet<(i64, String)>,
}

/// Where the attempts on a victim end.
#[derive(Default)]
struct Ends {
    /// Of each `finish_task_reaping` its place, and the latest time of one up to there.
    finished: Vec<(i64, usize)>,
    /// The same with skips, and the earliest time of one from there on.
    ended: Vec<(i64, usize)>,
}

impl Timeline {
    /// Of the trace alone.
    pub(super) fn new(traced: Vec<KeyEvent>) -> Self {
        let mut latest = Vec::with_capacity(traced.len());
        let mut ends: BTreeMap<String, Ends> = BTreeMap::new();
        for (at, event) in traced.iter().enumerate() {
            latest.push(latest.last().map_or(event.at_us, |&last: &i64| last.max(event.at_us)));
            let is_finish = event.kind == KeyKind::FinishReaping;
            if !is_finish && event.kind != KeyKind::SkipReaping {
                continue;
            }
            let of_victim = ends.entry(event.victim.clone()).or_default();
            of_victim.ended.push((event.at_us, at));
            if is_finish {
                let last = of_victim.finished.last().map_or(event.at_us, |(last, _)| *last);
                of_victim.finished.push((last.max(event.at_us), at));
            }
        }
        for of_victim in ends.values_mut() {
            let mut earliest = i64::MAX;
            for (at_us, _) in of_victim.ended.iter_mut().rev() {
                earliest = earliest.min(*at_us);
                *at_us = earliest;
            }
        }
        Self { traced, latest, ends, logged: Vec::new(), told: BTreeSet::new() }
    }

    /// Where an event of this time belongs: before those that are later.
    fn place(&self, at_us: i64) -> usize {
        self.latest.partition_point(|latest| *latest <= at_us)
    }

    fn tell(&mut self, place: usize, at_us: i64, kind: KeyKind, victim: &str) {
        self.told.insert((at_us, victim.to_owned()));
        self.logged.push((place, KeyEvent { at_us, kind, victim: victim.to_owned() }));
    }

    /// A kill, unless the log told more of that very line.
    pub(super) fn killed(&mut self, at_us: i64, victim: &str) {
        if !self.told.contains(&(at_us, victim.to_owned())) {
            self.tell(self.place(at_us), at_us, KeyKind::Killed, victim);
        }
    }

    /// "reaped" is printed inside an attempt: before the `finish` that follows it, however the two clocks
    /// were matched.
    pub(super) fn reaped(&mut self, at_us: i64, victim: &str) {
        let finish = self.ends.get(victim).and_then(|ends| {
            let is_before = |(latest, _): &(i64, usize)| *latest + CLOCK_SLACK_US < at_us;
            ends.finished.get(ends.finished.partition_point(is_before))
        });
        let place = finish.map_or_else(|| self.place(at_us), |(_, place)| *place);
        self.tell(place, at_us, KeyKind::Reaped, victim);
    }

    /// "unable to reap" comes after the victim's last attempt.
    pub(super) fn unable(&mut self, at_us: i64, victim: &str) {
        let last = self.ends.get(victim).and_then(|ends| {
            let is_before = |(earliest, _): &(i64, usize)| *earliest <= at_us + CLOCK_SLACK_US;
            ends.ended.partition_point(is_before).checked_sub(1).and_then(|at| ends.ended.get(at))
        });
        let place = self.place(at_us).max(last.map_or(0, |(_, last)| last + 1));
        self.tell(place, at_us, KeyKind::UnableToReap, victim);
    }

    /// All of them.
    pub(super) fn events(mut self) -> Vec<KeyEvent> {
        self.logged.sort_by_key(|(place, event)| (*place, event.at_us));
        let mut events = Vec::with_capacity(self.traced.len() + self.logged.len());
        let mut logged = self.logged.into_iter().peekable();
        for (at, event) in self.traced.into_iter().enumerate() {
            while let Some((_, told)) = logged.next_if(|(place, _)| *place <= at) {
                events.push(told);
            }
            events.push(event);
        }
        events.extend(logged.map(|(_, told)| told));
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(timeline: Timeline) -> Vec<(i64, &'static str)> {
        let events = timeline.events();
        events.iter().map(|event| (event.at_us, event.kind.text())).collect()
    }

    fn traced(events: &[(i64, KeyKind)]) -> Timeline {
        let event = |&(at_us, kind)| KeyEvent { at_us, kind, victim: "a".to_owned() };
        Timeline::new(events.iter().map(event).collect())
    }

    #[test]
    fn log_stands_between_what_the_trace_has_at_its_time() {
        use KeyKind::{FinishReaping, MarkVictim, SkipReaping, StartReaping};
        let mut both = traced(&[
            (100, MarkVictim),
            (200, StartReaping),
            (300, FinishReaping),
            (250, SkipReaping),
            (400, StartReaping),
            (500, FinishReaping),
        ]);
        // Its clock is a little ahead.
        both.unable(490, "a");
        both.reaped(315, "a");
        both.killed(150, "b");
        both.killed(150, "b");
        both.killed(150, "c");
        assert_eq!(
            told(both),
            [
                (100, "mark_victim"),
                (150, "Killed process"),
                (150, "Killed process"),
                (200, "start_task_reaping"),
                (315, "reaped"),
                (300, "finish_task_reaping"),
                (250, "skip_task_reaping"),
                (400, "start_task_reaping"),
                (500, "finish_task_reaping"),
                (490, "unable to reap"),
            ]
        );
        let mut alone = Timeline::new(Vec::new());
        alone.reaped(9, "a");
        alone.unable(7, "a");
        alone.killed(9, "a");
        assert_eq!(told(alone), [(7, "unable to reap"), (9, "reaped")]);
    }
}

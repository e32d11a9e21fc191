//! Events in the order in which readers want them: by time, and at one
//! instant ends before beginnings, the outer slice before the inner one,
//! and an arrow after the slices that it joins.

use std::collections::BTreeMap;

use super::tracks::Track;
use crate::base::{Nanos, SimTime, sort};
use crate::export::json::{micros, string};

/// Order of events at one instant.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub(super) enum Order {
    /// Names of tracks, before everything.
    Name,
    /// The end of an instant's slice.
    PointEnd,
    /// The end of a state.
    SliceEnd,
    /// The end of something asynchronous.
    AsyncEnd,
    /// The beginning of a state.
    SliceBegin,
    /// The beginning of an instant's slice, inside the state.
    PointBegin,
    /// The beginning of something asynchronous.
    AsyncBegin,
    /// A mark.
    Instant,
    /// A step of an arrow.
    Flow,
    /// A counter.
    Counter,
}

/// What an arrow does at one of its points.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum Step {
    Start,
    Through,
    Finish,
}

/// Collects events.
pub(super) struct Writer {
    end: SimTime,
    events: Vec<(SimTime, Order, String)>,
    /// What happens at one instant on one track.
    points: BTreeMap<(SimTime, Track), Vec<String>>,
    ids: u64,
}

impl Writer {
    pub(super) fn new(end: SimTime) -> Self {
        Self { end, events: Vec::new(), points: BTreeMap::new(), ids: 0 }
    }

    /// A number that no other arrow or asynchronous event has.
    pub(super) fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    /// An event; `rest` are its other fields, each after a comma.
    pub(super) fn event(
        &mut self,
        at: SimTime,
        order: Order,
        phase: char,
        track: Track,
        rest: &str,
    ) {
        let Track { pid, tid } = track;
        let text = format!(
            "{{\"ph\":\"{phase}\",\"ts\":{},\"pid\":{pid},\"tid\":{tid}{rest}}}",
            micros(at)
        );
        self.events.push((at, order, text));
    }

    /// A state of a track; states of one track don't overlap.
    pub(super) fn slice(
        &mut self,
        track: Track,
        start: SimTime,
        end: SimTime,
        category: &str,
        name: &str,
    ) {
        let rest = format!(",\"cat\":\"{category}\",\"name\":{}", string(name));
        self.event(start, Order::SliceBegin, 'B', track, &rest);
        self.event(end, Order::SliceEnd, 'E', track, &rest);
    }

    /// Something that lasts beside the states; for ever if it has no end.
    pub(super) fn lasting(
        &mut self,
        track: Track,
        start: SimTime,
        end: Option<SimTime>,
        category: &str,
        name: &str,
    ) {
        let id = self.id();
        let rest = format!(",\"cat\":\"{category}\",\"id\":\"{id:#x}\",\"name\":{}", string(name));
        let end = end.unwrap_or(self.end).max(start.saturating_add(Nanos(1)));
        self.event(start, Order::AsyncBegin, 'b', track, &rest);
        self.event(end, Order::AsyncEnd, 'e', track, &rest);
    }

    /// A step of an arrow, with a slice for it to hold on to.
    pub(super) fn step(
        &mut self,
        at: SimTime,
        track: Track,
        what: &str,
        (category, id): (&str, u64),
        step: Step,
    ) {
        let names = self.points.entry((at, track)).or_default();
        if !names.iter().any(|name| name == what) {
            names.push(what.to_owned());
        }
        let (phase, bind) = match step {
            Step::Start => ('s', ""),
            Step::Through => ('t', ",\"bp\":\"e\""),
            Step::Finish => ('f', ",\"bp\":\"e\""),
        };
        let rest =
            format!(",\"cat\":\"{category}\",\"id\":{id},\"name\":{}{bind}", string(category));
        self.event(at, Order::Flow, phase, track, &rest);
    }

    /// All events, one per line.
    pub(super) fn finish(mut self) -> String {
        for ((at, track), names) in std::mem::take(&mut self.points) {
            let rest = format!(",\"cat\":\"instant\",\"name\":{}", string(&names.join(", ")));
            self.event(at, Order::PointBegin, 'B', track, &rest);
            self.event(at.saturating_add(Nanos(1)), Order::PointEnd, 'E', track, &rest);
        }
        let is_name = |order: &Order| *order == Order::Name;
        // Stable: steps of arrows at one instant stay in the order of the records.
        sort::by_key(&mut self.events, |(at, order, _)| (!is_name(order), *at, *order));
        let lines: Vec<&str> = self.events.iter().map(|(.., text)| text.as_str()).collect();
        lines.join(",\n")
    }
}

//! A row under construction: spans without gaps, marks by time.

use crate::analysis::types::{Lane, LaneOf, LaneState, Mark, MarkKind, Span};
use crate::base::SimTime;

/// Whether a state that continues begins a new span.
#[derive(Copy, Clone, Eq, PartialEq)]
pub(super) enum Merge {
    /// It does not.
    Same,
    /// It does: another job, another holder.
    Never,
}

/// The spans so far, and the state since the last of them.
#[derive(Default)]
pub(super) struct Row {
    spans: Vec<Span>,
    open: Option<Open>,
    marks: Vec<Mark>,
}

#[derive(Copy, Clone)]
struct Open {
    start: SimTime,
    state: LaneState,
    record: usize,
}

impl Row {
    /// The state from `at` on.
    pub(super) fn set(&mut self, at: SimTime, state: LaneState, record: usize) {
        self.set_with(at, state, record, Merge::Same);
    }

    /// As [`set`](Self::set), saying whether to go on with a span of the same state.
    pub(super) fn set_with(&mut self, at: SimTime, state: LaneState, record: usize, merge: Merge) {
        if merge == Merge::Same && self.open.is_some_and(|open| open.state == state) {
            return;
        }
        self.close(at);
        // A detour that took no time is none: go on with the span before it.
        if merge == Merge::Same
            && let Some(last) = self.spans.pop_if(|last| last.end == at && last.state == state)
        {
            self.open = Some(Open { start: last.start, state, record: last.record });
            return;
        }
        self.open = Some(Open { start: at, state, record });
    }

    /// Nothing more to show from `at` on.
    pub(super) fn end(&mut self, at: SimTime) {
        self.close(at);
        self.open = None;
    }

    pub(super) fn mark(&mut self, at: SimTime, kind: MarkKind, record: usize) {
        self.marks.push(Mark { at, kind, record });
    }

    /// The longest span, one that lasts until `end` among them.
    pub(super) fn longest_ns(&self, end: SimTime) -> u64 {
        let open = self.open.map(|open| end.saturating_sub(open.start));
        let closed = self.spans.iter().map(|span| span.end.saturating_sub(span.start));
        closed.chain(open).map(|time| time.0).max().unwrap_or(0)
    }

    /// Whether it shows any state but this one.
    pub(super) fn was_ever_other_than(&self, state: LaneState) -> bool {
        let open = self.open.map(|open| open.state);
        self.spans.iter().map(|span| span.state).chain(open).any(|other| other != state)
    }

    fn close(&mut self, at: SimTime) {
        if let Some(open) = self.open.take()
            && open.start < at
        {
            self.spans.push(Span {
                start: open.start,
                end: at,
                state: open.state,
                record: open.record,
            });
        }
    }

    pub(super) fn into_lane(
        mut self,
        of: LaneOf,
        title: String,
        subtitle: String,
        end: SimTime,
    ) -> Lane {
        self.close(end);
        Lane { of, title, subtitle, spans: self.spans, marks: self.marks }
    }
}

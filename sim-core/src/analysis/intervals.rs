//! Stretches of a run that begin and end at records: which of them are
//! open at a given record?
//!
//! One list per lock, device or task, so they are short; each knows
//! where a search backwards may stop.

/// The end of an interval that never ended.
pub(super) const OPEN: usize = usize::MAX;

/// Something that lasted from one record to another.
#[derive(Clone, Debug)]
pub(super) struct Interval<T> {
    /// Index of the record that began it.
    pub(super) from: usize,
    /// Index of the record that ended it, or [`OPEN`].
    pub(super) to: usize,
    /// Position of the earliest interval that was open when this began.
    earliest_open: usize,
    pub(super) what: T,
}

/// Intervals by their beginning.
#[derive(Clone, Debug)]
pub(super) struct Intervals<T> {
    pub(super) items: Vec<Interval<T>>,
    earliest_open: usize,
}

impl<T> Default for Intervals<T> {
    fn default() -> Self {
        Self { items: Vec::new(), earliest_open: 0 }
    }
}

impl<T> Intervals<T> {
    /// Begins one at a record no earlier than any before.
    pub(super) fn open(&mut self, from: usize, what: T) {
        while self.items.get(self.earliest_open).is_some_and(|item| item.to != OPEN) {
            self.earliest_open += 1;
        }
        self.items.push(Interval { from, to: OPEN, earliest_open: self.earliest_open, what });
    }

    /// Ends the youngest open one that `matches`, if there is one.
    pub(super) fn close(&mut self, to: usize, matches: impl Fn(&T) -> bool) {
        let first = self.earliest_open.min(self.items.len());
        let found = self.items[first..]
            .iter_mut()
            .rev()
            .find(|item| item.to == OPEN && matches(&item.what));
        if let Some(item) = found {
            item.to = to;
        }
    }

    /// The youngest one that is open, to change what it holds.
    pub(super) fn youngest_open(&mut self) -> Option<&mut T> {
        let first = self.earliest_open.min(self.items.len());
        self.items[first..].iter_mut().rev().find(|item| item.to == OPEN).map(|item| &mut item.what)
    }

    /// Those open after the first `seen` records, the eldest first.
    pub(super) fn open_after(&self, seen: usize) -> impl DoubleEndedIterator<Item = &Interval<T>> {
        let count = self.items.partition_point(|item| item.from < seen);
        let first = match count.checked_sub(1) {
            Some(last) => self.items[last].earliest_open.min(last),
            None => 0,
        };
        self.items[first..count].iter().filter(move |item| item.to >= seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_after_finds_an_old_one_among_many() {
        let mut intervals = Intervals::default();
        intervals.open(0, "old");
        for from in (1..100).step_by(2) {
            intervals.open(from, "short");
            intervals.close(from + 1, |what| *what == "short");
        }
        intervals.close(100, |what| *what == "old");
        intervals.open(101, "late");
        let open_after =
            |seen| intervals.open_after(seen).map(|item| item.what).collect::<Vec<_>>();
        assert_eq!(open_after(0), [""; 0]);
        assert_eq!(open_after(1), ["old"]);
        assert_eq!(open_after(50), ["old", "short"]);
        assert_eq!(open_after(51), ["old"]);
        assert_eq!(open_after(101), [""; 0]);
        assert_eq!(open_after(102), ["late"]);
    }
}

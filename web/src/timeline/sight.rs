//! Rows as they are seen: scrolled, with pinned lanes staying on top. Pure.
//!
//! Pinned rows come first of all, so what stays is a beginning of the rows; more of them than half
//! the height has room for scroll with the others.

use super::rows::{Group, Row, RowKind, Rows};

/// Of the height, what may stay on top.
const STAYING_PART: f64 = 0.5;

/// Rows in a window of some height, scrolled down by `top`, in CSS pixels.
#[derive(Copy, Clone)]
pub struct Sight<'a> {
    pub rows: &'a Rows,
    pub top: f64,
    pub height: f64,
    /// How many of the first rows stay.
    stays: usize,
}

/// A row in the window.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Seen {
    pub kind: RowKind,
    /// From the window's top; above it for a row that is scrolled half out.
    pub top: f64,
    pub height: f64,
    /// Whether it stays where it is.
    pub stays: bool,
}

impl<'a> Sight<'a> {
    pub fn new(rows: &'a Rows, top: f64, height: f64) -> Self {
        Self { rows, top, height, stays: staying(rows, height) }
    }

    /// How high what stays is: there others are out of sight.
    pub fn covered(&self) -> f64 {
        self.rows.iter().take(self.stays).map(|row| row.height).sum()
    }

    /// The rows that are in sight: those that scroll, then those that stay over them.
    pub fn seen(&self) -> impl Iterator<Item = Seen> + '_ {
        let covered = self.covered();
        let first = self.rows.visible(self.top + covered, self.height - covered);
        let scrolled = first
            .iter()
            .map(|row| self.place(row, false))
            .filter(move |row| row.top + row.height > covered && row.top < self.height);
        // Those that stay are among them only while nothing is scrolled.
        let scrolled = scrolled.filter(|row| !self.is_staying(row.kind));
        scrolled.chain(self.rows.iter().take(self.stays).map(|row| self.place(row, true)))
    }

    /// Where a lane is in the window, if it is not covered; it may be scrolled out below or above.
    pub fn of_lane(&self, lane: usize) -> Option<Seen> {
        let row = self.rows.of_lane(lane)?;
        let seen = self.place(row, self.is_staying(row.kind));
        (seen.stays || seen.top + seen.height / 2.0 >= self.covered() || self.stays == 0)
            .then_some(seen)
    }

    /// The lane at `y` of the window, if there is one.
    pub fn lane_at(&self, y: f64) -> Option<usize> {
        let y = if y < self.covered() { y } else { y + self.top };
        self.rows.lane_at(y)
    }

    fn is_staying(&self, kind: RowKind) -> bool {
        self.rows.iter().take(self.stays).any(|row| row.kind == kind)
    }

    fn place(&self, row: &Row, stays: bool) -> Seen {
        let top = if stays { row.top } else { row.top - self.top };
        Seen { kind: row.kind, top, height: row.height, stays }
    }
}

/// How many rows stay on top in a window of this height: the pinned ones and their heading.
pub fn staying(rows: &Rows, height: f64) -> usize {
    let pinned = match rows.iter().next().map(|row| row.kind) {
        Some(RowKind::Heading { group: Group::Pinned, collapsed: true, .. }) => 1,
        Some(RowKind::Heading { group: Group::Pinned, lanes, .. }) => 1 + lanes,
        _ => 0,
    };
    let fits = |row: &&Row| row.top + row.height <= height * STAYING_PART;
    rows.iter().take(pinned).take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use sim_core::analysis::{Lane, LaneOf};
    use sim_core::base::TaskId;
    use sim_core::record::Cast;

    use super::*;
    use crate::timeline::layout::Layout;
    use crate::timeline::rows::{Arrangement, HEADING_PX};

    const PITCH: f64 = 32.0;

    /// Twenty tasks, of which the last ones are pinned.
    fn rows(pinned: u32) -> Rows {
        let of = |task| LaneOf::Task(TaskId(task));
        let lane = |task| Lane {
            of: of(task),
            title: String::new(),
            subtitle: String::new(),
            spans: Vec::new(),
            marks: Vec::new(),
        };
        let lanes: Vec<Lane> = (0..20).map(lane).collect();
        let mut arrangement = Arrangement::default();
        for task in 20 - pinned..20 {
            arrangement.toggle_pin(of(task));
        }
        Rows::new(&lanes, &Cast::default(), &arrangement, Layout::for_width(1_000.0))
    }

    fn lanes(sight: &Sight<'_>) -> Vec<(usize, f64)> {
        let seen = sight.seen().filter_map(|row| match row.kind {
            RowKind::Lane(lane) => Some((lane, row.top)),
            RowKind::Heading { .. } => None,
        });
        seen.collect()
    }

    #[test]
    fn pinned_rows_stay_and_the_others_scroll_under_them() {
        let rows = rows(2);
        let sight = Sight::new(&rows, 0.0, 300.0);
        let covered = HEADING_PX + 2.0 * PITCH;
        assert_eq!(sight.covered(), covered);
        let first = covered + HEADING_PX;
        assert_eq!(lanes(&sight)[..2], [(0, first), (1, first + PITCH)]);
        let sight = Sight { top: 100.0, ..sight };
        let seen = lanes(&sight);
        assert!(seen.contains(&(18, HEADING_PX)) && seen.contains(&(19, HEADING_PX + PITCH)));
        assert_eq!(seen[0], (2, first + 2.0 * PITCH - 100.0), "half under them");
        assert!(seen.iter().filter(|(lane, _)| *lane >= 18).count() == 2, "each once: {seen:?}");
        assert_eq!(sight.lane_at(HEADING_PX + 1.0), Some(18));
        assert_eq!(sight.lane_at(covered + 1.0), Some(2));
        assert_eq!(sight.of_lane(0), None, "no arrow ends behind them");
        assert!(sight.of_lane(19).is_some_and(|row| row.stays));
    }

    #[test]
    fn no_more_stay_than_half_the_height() {
        assert_eq!(staying(&rows(0), 300.0), 0);
        assert_eq!(staying(&rows(1), 300.0), 2, "with the heading");
        assert_eq!(staying(&rows(10), 300.0), 4);
        assert_eq!(staying(&rows(10), 0.0), 0);
    }

    #[test]
    fn without_pins_rows_are_where_they_were_scrolled() {
        let rows = rows(0);
        let sight = Sight::new(&rows, 200.0, 300.0);
        assert_eq!(sight.covered(), 0.0);
        assert_eq!(sight.lane_at(10.0), rows.lane_at(210.0));
        assert!(sight.of_lane(0).is_some_and(|row| row.top < 0.0));
        assert_eq!(lanes(&sight).len(), 10);
    }
}

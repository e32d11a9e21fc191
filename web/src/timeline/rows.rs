//! Which lanes show, in which order, in which groups: what the user has
//! pinned, hidden, moved and collapsed, and where that puts each row.

use sim_core::analysis::{Lane, LaneOf};
use sim_core::base::sort;
use sim_core::record::{Cast, TaskKind};

use super::layout::Layout;

use crate::words::t;

mod told;

/// Height of a group's heading, in style.css too.
pub const HEADING_PX: f64 = 26.0;

/// Lanes that stand together.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub enum Group {
    /// Whatever the user wants on top.
    Pinned,
    Reaper,
    /// Next to the reaper, with whom they have most to do.
    Devices,
    Tasks,
    Kthreads,
    Locks,
    Cpus,
}

impl Group {
    pub const ALL: [Self; 7] = [
        Self::Pinned,
        Self::Reaper,
        Self::Devices,
        Self::Tasks,
        Self::Kthreads,
        Self::Locks,
        Self::Cpus,
    ];

    /// What a lane belongs to by its nature.
    pub fn of(lane: LaneOf, cast: &Cast) -> Self {
        match lane {
            LaneOf::Reaper(_) => Self::Reaper,
            LaneOf::Task(task) => match cast.tasks.get(task).map(|info| info.kind) {
                Some(TaskKind::Kthread) => Self::Kthreads,
                _ => Self::Tasks,
            },
            LaneOf::Device(_) => Self::Devices,
            LaneOf::Lock(_) => Self::Locks,
            LaneOf::Cpu(_) => Self::Cpus,
        }
    }

    /// Its name in a link.
    pub fn id(self) -> &'static str {
        match self {
            Self::Pinned => "pinned",
            Self::Reaper => "reaper",
            Self::Devices => "devices",
            Self::Tasks => "tasks",
            Self::Kthreads => "kthreads",
            Self::Locks => "locks",
            Self::Cpus => "cpus",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Pinned => t!("Pinned"),
            Self::Reaper => t!("Reaper"),
            Self::Tasks => t!("Tasks"),
            Self::Kthreads => t!("Kernel threads"),
            Self::Devices => t!("Devices"),
            Self::Locks => t!("Locks"),
            Self::Cpus => t!("CPUs"),
        }
    }
}

/// What the user made of the rows. Lanes are named by what they show,
/// so it outlasts another policy or seed.
#[derive(Clone, PartialEq, Debug)]
pub struct Arrangement {
    pinned: Vec<LaneOf>,
    hidden: Vec<LaneOf>,
    collapsed: Vec<Group>,
    /// Lanes that moving them put first in their group, in this order; others follow in theirs.
    order: Vec<LaneOf>,
}

impl Default for Arrangement {
    /// As the simulator orders them; CPUs folded away.
    fn default() -> Self {
        Self {
            pinned: Vec::new(),
            hidden: Vec::new(),
            collapsed: vec![Group::Cpus],
            order: Vec::new(),
        }
    }
}

fn toggle<T: PartialEq>(list: &mut Vec<T>, item: T) {
    match list.iter().position(|other| *other == item) {
        Some(index) => drop(list.remove(index)),
        None => list.push(item),
    }
}

impl Arrangement {
    pub fn is_pinned(&self, lane: LaneOf) -> bool {
        self.pinned.contains(&lane)
    }

    /// Puts a lane on top, or back where it belongs.
    pub fn toggle_pin(&mut self, lane: LaneOf) {
        toggle(&mut self.pinned, lane);
    }

    pub fn hide(&mut self, lane: LaneOf) {
        if !self.hidden.contains(&lane) {
            self.hidden.push(lane);
        }
    }

    pub fn toggle_group(&mut self, group: Group) {
        toggle(&mut self.collapsed, group);
    }

    /// Shows what was hidden; what is pinned, moved and folded stays.
    pub fn show_hidden(&mut self) {
        self.hidden.clear();
    }

    /// Shows every lane again, in its own place.
    pub fn reset(&mut self) {
        *self = Self { collapsed: Vec::new(), ..Self::default() };
    }

    /// Makes sure that a lane shows.
    pub fn reveal(&mut self, lane: LaneOf, cast: &Cast) {
        self.hidden.retain(|other| *other != lane);
        let group = self.group(lane, cast);
        self.collapsed.retain(|other| *other != group);
    }

    /// Moves a lane past its neighbor in its group.
    pub fn shift(&mut self, lanes: &[Lane], lane: LaneOf, cast: &Cast, toward: Toward) {
        let group = self.group(lane, cast);
        let mut order = self.ordered(lanes, cast);
        let members: Vec<usize> = (0..order.len())
            .filter(|at| {
                let of = lanes[order[*at]].of;
                self.group(of, cast) == group && !self.hidden.contains(&of)
            })
            .collect();
        let Some(place) = members.iter().position(|at| lanes[order[*at]].of == lane) else {
            return;
        };
        let other = match toward {
            Toward::Top => place.checked_sub(1),
            Toward::Bottom => Some(place + 1).filter(|next| *next < members.len()),
        };
        if let Some(other) = other {
            order.swap(members[place], members[other]);
            self.order = self.moved(&order, lanes, cast);
        }
    }

    /// Of lanes in this order, those that are to be named: the rest of each group is in its own order.
    fn moved(&self, order: &[usize], lanes: &[Lane], cast: &Cast) -> Vec<LaneOf> {
        let group = |index: &usize| self.group(lanes[*index].of, cast);
        let named = order.chunk_by(|one, other| group(one) == group(other)).flat_map(|members| {
            let rest = members.windows(2).rposition(|pair| pair[0] > pair[1]);
            &members[..rest.map_or(0, |last| last + 1)]
        });
        named.map(|index| lanes[*index].of).collect()
    }

    fn group(&self, lane: LaneOf, cast: &Cast) -> Group {
        if self.is_pinned(lane) { Group::Pinned } else { Group::of(lane, cast) }
    }

    /// Indices of all lanes, group by group.
    fn ordered(&self, lanes: &[Lane], cast: &Cast) -> Vec<usize> {
        let place =
            |lane: LaneOf| self.order.iter().position(|other| *other == lane).unwrap_or(usize::MAX);
        let mut indices: Vec<usize> = (0..lanes.len()).collect();
        sort::by_key(&mut indices, |index| {
            let of = lanes[*index].of;
            (self.group(of, cast), place(of), *index)
        });
        indices
    }
}

/// A direction among rows.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Toward {
    Top,
    Bottom,
}

/// One row of the timeline.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct Row {
    pub kind: RowKind,
    /// From the top of the first row, in CSS pixels.
    pub top: f64,
    pub height: f64,
}

#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum RowKind {
    /// A group's name, with how many lanes it has.
    Heading { group: Group, lanes: usize, collapsed: bool },
    /// A lane, by index.
    Lane(usize),
}

/// All rows, top to bottom.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Rows {
    list: Vec<Row>,
    folded: Vec<(Group, Vec<usize>)>,
    /// Lanes that the user hid.
    pub hidden: usize,
}

impl Rows {
    pub fn new(lanes: &[Lane], cast: &Cast, arrangement: &Arrangement, layout: Layout) -> Self {
        let mut rows = Self::default();
        let order = arrangement.ordered(lanes, cast);
        for group in Group::ALL {
            let all = order.iter().copied();
            let (hidden, shown): (Vec<usize>, Vec<usize>) = all
                .filter(|index| arrangement.group(lanes[*index].of, cast) == group)
                .partition(|index| arrangement.hidden.contains(&lanes[*index].of));
            rows.hidden += hidden.len();
            let collapsed = arrangement.collapsed.contains(&group);
            // One lane needs no name above its own.
            if shown.len() > 1 || (collapsed || group == Group::Pinned) && !shown.is_empty() {
                let kind = RowKind::Heading { group, lanes: shown.len(), collapsed };
                rows.push(kind, HEADING_PX);
            }
            if collapsed {
                rows.folded.push((group, shown));
                continue;
            }
            for index in shown {
                rows.push(RowKind::Lane(index), layout.pitch);
            }
        }
        rows
    }

    /// Only reaper, devices and tasks, without headings: enough to
    /// compare by.
    pub fn brief(lanes: &[Lane], cast: &Cast, layout: Layout) -> Self {
        let mut rows = Self::default();
        for index in Arrangement::default().ordered(lanes, cast) {
            if Group::of(lanes[index].of, cast) <= Group::Tasks {
                rows.push(RowKind::Lane(index), layout.pitch);
            }
        }
        rows
    }

    fn push(&mut self, kind: RowKind, height: f64) {
        self.list.push(Row { kind, top: self.height(), height });
    }

    /// The lanes of a group that is folded.
    pub fn folded(&self, group: Group) -> &[usize] {
        let found = self.folded.iter().find(|(other, _)| *other == group);
        found.map_or(&[], |(_, lanes)| lanes)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Row> {
        self.list.iter()
    }

    /// Height of all rows together.
    pub fn height(&self) -> f64 {
        self.list.last().map_or(0.0, |row| row.top + row.height)
    }

    /// Rows that show when scrolled down by `top` in a window of `height`.
    pub fn visible(&self, top: f64, height: f64) -> &[Row] {
        let first = self.list.partition_point(|row| row.top + row.height <= top);
        let last = self.list.partition_point(|row| row.top < top + height);
        self.list.get(first..last).unwrap_or_default()
    }

    /// The lane at `y`, if there is one.
    pub fn lane_at(&self, y: f64) -> Option<usize> {
        let after = self.list.partition_point(|row| row.top <= y);
        let row = self.list.get(after.checked_sub(1)?)?;
        match row.kind {
            RowKind::Lane(lane) if y < row.top + row.height => Some(lane),
            _ => None,
        }
    }

    /// The row of a lane, if it shows.
    pub fn of_lane(&self, lane: usize) -> Option<&Row> {
        self.list.iter().find(|row| row.kind == RowKind::Lane(lane))
    }

    /// Lanes that show, top to bottom.
    pub fn lanes(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        self.list.iter().filter_map(|row| match row.kind {
            RowKind::Lane(lane) => Some(lane),
            RowKind::Heading { .. } => None,
        })
    }

    /// The lane above or below one; from a lane that doesn't show, the outermost.
    pub fn neighbor(&self, lane: usize, toward: Toward) -> Option<usize> {
        let shown: Vec<usize> = self.lanes().collect();
        let place = shown.iter().position(|other| *other == lane);
        let next = match (place, toward) {
            (Some(place), Toward::Top) => place.checked_sub(1)?,
            (Some(place), Toward::Bottom) => place + 1,
            (None, Toward::Top) => shown.len().checked_sub(1)?,
            (None, Toward::Bottom) => 0,
        };
        shown.get(next).copied()
    }
}

#[cfg(test)]
mod tests {
    use sim_core::base::{CpuId, DeviceId, TaskId};
    use sim_core::share::Lanes;

    use super::*;

    fn lane(of: LaneOf) -> Lane {
        let (title, subtitle) = (format!("{of:?}"), String::new());
        Lane { of, title, subtitle, spans: Vec::new(), marks: Vec::new() }
    }

    const REAPER: LaneOf = LaneOf::Reaper(TaskId(0));
    const HOG: LaneOf = LaneOf::Task(TaskId(1));
    const OTHER: LaneOf = LaneOf::Task(TaskId(2));
    const GPU: LaneOf = LaneOf::Device(DeviceId(0));

    fn lanes() -> Vec<Lane> {
        let cpus = (0..2).map(|cpu| LaneOf::Cpu(CpuId(cpu)));
        [REAPER, HOG, OTHER, GPU].into_iter().chain(cpus).map(lane).collect()
    }

    fn rows(arrangement: &Arrangement) -> Rows {
        Rows::new(&lanes(), &Cast::default(), arrangement, Layout::for_width(1_000.0))
    }

    fn shown(arrangement: &Arrangement) -> Vec<usize> {
        rows(arrangement).lanes().collect()
    }

    #[test]
    fn groups_of_several_have_headings_and_cpus_are_folded() {
        let rows = rows(&Arrangement::default());
        let headings: Vec<_> = rows
            .iter()
            .filter_map(|row| match row.kind {
                RowKind::Heading { group, lanes, collapsed } => Some((group, lanes, collapsed)),
                RowKind::Lane(_) => None,
            })
            .collect();
        assert_eq!(headings, [(Group::Tasks, 2, false), (Group::Cpus, 2, true)]);
        assert_eq!(rows.lanes().collect::<Vec<_>>(), [0, 3, 1, 2]);
        assert_eq!(rows.lane_at(0.0), Some(0));
        assert_eq!(rows.lane_at(65.0), None, "the heading of the tasks");
        assert_eq!(rows.lane_at(64.0 + HEADING_PX), Some(1));
        assert_eq!(rows.lane_at(9_999.0), None);
    }

    #[test]
    fn visible_rows_are_those_in_the_window() {
        let rows = rows(&Arrangement::default());
        assert_eq!(rows.visible(0.0, 10.0).len(), 1);
        assert_eq!(rows.visible(0.0, 9_999.0).len(), 6);
        assert_eq!(rows.visible(9_999.0, 10.0).len(), 0);
        assert_eq!(rows.visible(31.0, 2.0).len(), 2);
    }

    #[test]
    fn pinned_lanes_come_first_and_go_back() {
        let mut arrangement = Arrangement::default();
        arrangement.toggle_pin(GPU);
        assert_eq!(shown(&arrangement), [3, 0, 1, 2]);
        arrangement.toggle_pin(GPU);
        assert_eq!(shown(&arrangement), [0, 3, 1, 2]);
    }

    #[test]
    fn hidden_lanes_are_counted_and_revealed() {
        let mut arrangement = Arrangement::default();
        arrangement.hide(OTHER);
        arrangement.toggle_group(Group::Cpus);
        assert_eq!(shown(&arrangement), [0, 3, 1, 4, 5]);
        assert_eq!(rows(&arrangement).hidden, 1);
        arrangement.reveal(OTHER, &Cast::default());
        assert_eq!(shown(&arrangement), [0, 3, 1, 2, 4, 5]);
    }

    #[test]
    fn showing_what_is_hidden_leaves_the_rest_as_it_was() {
        let mut arrangement = Arrangement::default();
        arrangement.toggle_pin(GPU);
        arrangement.shift(&lanes(), OTHER, &Cast::default(), Toward::Top);
        let before = arrangement.clone();
        arrangement.hide(HOG);
        assert_eq!(shown(&arrangement), [3, 0, 2]);
        arrangement.show_hidden();
        assert_eq!(arrangement, before);
        assert_eq!(shown(&arrangement), [3, 0, 2, 1], "pinned, moved, and CPUs folded");
    }

    #[test]
    fn moving_stays_in_the_group() {
        let mut arrangement = Arrangement::default();
        let shift = |arrangement: &mut Arrangement, toward| {
            arrangement.shift(&lanes(), OTHER, &Cast::default(), toward);
        };
        shift(&mut arrangement, Toward::Top);
        assert_eq!(shown(&arrangement), [0, 3, 2, 1]);
        shift(&mut arrangement, Toward::Top);
        assert_eq!(shown(&arrangement), [0, 3, 2, 1]);
        shift(&mut arrangement, Toward::Bottom);
        assert_eq!(shown(&arrangement), [0, 3, 1, 2]);
        assert_eq!(arrangement, Arrangement::default(), "what is back in its place was not moved");
        arrangement.reset();
        assert_eq!(shown(&arrangement).len(), 6);
    }

    #[test]
    fn rows_come_back_from_what_a_link_says_of_them() {
        let lanes = lanes();
        let mut arrangement = Arrangement::default();
        assert_eq!(arrangement.told(&lanes), Lanes::default());
        arrangement.toggle_pin(GPU);
        arrangement.shift(&lanes, OTHER, &Cast::default(), Toward::Top);
        arrangement.hide(HOG);
        arrangement.toggle_group(Group::Tasks);
        let told = arrangement.told(&lanes);
        assert_eq!(told.order, [format!("{OTHER:?}")], "no more than is needed");
        assert_eq!(told.folded, Some(vec!["tasks".to_owned(), "cpus".to_owned()]));
        let again = Arrangement::of_link(&told, &lanes);
        assert_eq!((rows(&again), again.told(&lanes)), (rows(&arrangement), told));
        arrangement.reset();
        let told = arrangement.told(&lanes);
        assert_eq!(told, Lanes { folded: Some(Vec::new()), ..Lanes::default() });
        assert_eq!(Arrangement::of_link(&told, &lanes), arrangement);
        let strange = Lanes { pinned: vec!["nobody".into()], ..Lanes::default() };
        assert_eq!(Arrangement::of_link(&strange, &lanes), Arrangement::default());
    }

    #[test]
    fn brief_rows_leave_out_what_one_does_not_compare_by() {
        let layout = Layout::for_width(1_000.0);
        let rows = Rows::brief(&lanes(), &Cast::default(), layout);
        assert_eq!(rows.lanes().collect::<Vec<_>>(), [0, 3, 1, 2]);
        assert_eq!(rows.height(), 4.0 * layout.pitch);
    }

    #[test]
    fn neighbors_skip_headings() {
        let rows = rows(&Arrangement::default());
        assert_eq!(rows.neighbor(3, Toward::Bottom), Some(1));
        assert_eq!(rows.neighbor(0, Toward::Top), None);
        assert_eq!(rows.neighbor(5, Toward::Top), Some(2), "from a lane that is folded away");
    }
}

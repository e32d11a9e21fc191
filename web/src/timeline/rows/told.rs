//! The rows as a link says them, by the names of lanes and groups. A name that no lane of the run has
//! is passed over.

use sim_core::analysis::{Lane, LaneOf};
use sim_core::share::Lanes;

use super::{Arrangement, Group};

impl Arrangement {
    /// What a link says of these rows; nothing of what is as the page opens.
    pub fn told(&self, lanes: &[Lane]) -> Lanes {
        let names = |list: &[LaneOf]| -> Vec<String> {
            let title = |of: &LaneOf| Some(lanes.iter().find(|lane| lane.of == *of)?.title.clone());
            list.iter().filter_map(title).collect()
        };
        let folds = |of: &Self| -> Vec<String> {
            let folded = Group::ALL.into_iter().filter(|group| of.collapsed.contains(group));
            folded.map(|group| group.id().to_owned()).collect()
        };
        Lanes {
            pinned: names(&self.pinned),
            hidden: names(&self.hidden),
            folded: Some(folds(self)).filter(|now| *now != folds(&Self::default())),
            order: names(&self.order),
        }
    }

    /// The rows that a link tells.
    pub fn of_link(told: &Lanes, lanes: &[Lane]) -> Self {
        let find = |names: &[String]| -> Vec<LaneOf> {
            let of = |name: &String| Some(lanes.iter().find(|lane| lane.title == *name)?.of);
            names.iter().filter_map(of).collect()
        };
        let collapsed = match &told.folded {
            Some(names) => {
                let is_told = |group: &Group| names.iter().any(|name| name == group.id());
                Group::ALL.into_iter().filter(is_told).collect()
            }
            None => Self::default().collapsed,
        };
        Self {
            pinned: find(&told.pinned),
            hidden: find(&told.hidden),
            collapsed,
            order: find(&told.order),
        }
    }
}

//! What the timeline draws besides a lane's own spans: locks, arrows,
//! and summaries for zooming out. Made once per run.

use sim_core::analysis::{Arrow, ArrowKind, Lane, LaneOf, LaneState, Party, Span};
use sim_core::base::{IdVec, TaskId};
use sim_core::record::Cast;

use crate::timeline::raster::{Peaks, peaks};

/// What belongs to one lane.
pub struct StageLane {
    pub peaks: Peaks,
    /// What its task has to do with locks.
    pub locks: Vec<Span>,
    pub lock_peaks: Peaks,
    /// Every state that it is ever in, each once.
    pub states: Vec<LaneState>,
    /// Arrows that begin or end here, by index.
    pub arrows: Vec<usize>,
}

/// An arrow between two lanes, by index.
#[derive(Copy, Clone, PartialEq, Debug)]
pub struct StageArrow {
    pub at: u64,
    /// Its record.
    pub record: usize,
    pub kind: ArrowKind,
    pub from: usize,
    pub to: usize,
}

/// Prepares lanes for the timeline.
pub(super) fn stage(
    lanes: &[Lane],
    cast: &Cast,
    touches: &mut IdVec<TaskId, Vec<Span>>,
    arrows: &[Arrow],
) -> (Vec<StageLane>, Vec<StageArrow>) {
    let places = Places::of(lanes, cast);
    let mut staged: Vec<StageLane> = lanes
        .iter()
        .map(|lane| {
            let locks = match lane.of {
                LaneOf::Reaper(task) | LaneOf::Task(task) => {
                    touches.get_mut(task).map(std::mem::take).unwrap_or_default()
                }
                _ => Vec::new(),
            };
            StageLane {
                peaks: peaks(&lane.spans),
                lock_peaks: peaks(&locks),
                states: states_of(&lane.spans, &locks),
                locks,
                arrows: Vec::new(),
            }
        })
        .collect();
    let mut drawn = Vec::new();
    for arrow in arrows {
        let (Some(from), Some(to)) = (places.lane(arrow.from), places.lane(arrow.to)) else {
            continue;
        };
        // A driver's callback and its device's process share a lane.
        if from == to {
            continue;
        }
        for lane in [from, to] {
            staged[lane].arrows.push(drawn.len());
        }
        let Arrow { at, record, kind, .. } = *arrow;
        drawn.push(StageArrow { at: at.0, record, kind, from, to });
    }
    (staged, drawn)
}

fn states_of(lane: &[Span], locks: &[Span]) -> Vec<LaneState> {
    let mut states: Vec<LaneState> = Vec::new();
    for span in lane.iter().chain(locks) {
        if !states.contains(&span.state) {
            states.push(span.state);
        }
    }
    states
}

/// Lanes of parties, by id.
struct Places {
    tasks: Vec<Option<usize>>,
    devices: Vec<Option<usize>>,
}

impl Places {
    fn of(lanes: &[Lane], cast: &Cast) -> Self {
        let mut places =
            Self { tasks: vec![None; cast.tasks.len()], devices: vec![None; cast.devices.len()] };
        for (index, lane) in lanes.iter().enumerate() {
            match lane.of {
                LaneOf::Reaper(task) | LaneOf::Task(task) => {
                    places.tasks[task.index()] = Some(index);
                }
                LaneOf::Device(device) => {
                    places.devices[device.index()] = Some(index);
                    let info = cast.devices.get(device);
                    let workers = info.into_iter().flat_map(|info| [info.task, info.worker]);
                    for task in workers.flatten() {
                        places.tasks[task.index()].get_or_insert(index);
                    }
                }
                LaneOf::Lock(_) | LaneOf::Cpu(_) => {}
            }
        }
        places
    }

    fn lane(&self, party: Party) -> Option<usize> {
        match party {
            Party::Task(task) => self.tasks.get(task.index()).copied().flatten(),
            Party::Device(device) => self.devices.get(device.index()).copied().flatten(),
        }
    }
}

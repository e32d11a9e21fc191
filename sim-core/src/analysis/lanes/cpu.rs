//! A row per CPU: in which state the task was that had it.
//!
//! Whose turn it was says the record of the span: it is always one of
//! that task. Idle CPUs leave a gap.

use super::span::{Merge, Row};
use super::{is_reaper, reaper_state, task_state};
use crate::analysis::replay::{Doing, Now};
use crate::analysis::types::{Lane, LaneOf};
use crate::base::{CpuId, SimTime, TaskId};
use crate::record::{Cast, Record, Run};

/// The lanes of a run's CPUs, in order.
pub fn cpu_lanes(run: &Run) -> Vec<Lane> {
    let mut pass = Pass::new(&run.cast);
    for (number, record) in run.trace.iter().enumerate() {
        pass.feed(number, &record);
    }
    pass.finish(run.end)
}

struct Pass {
    now: Now,
    reaper: Option<TaskId>,
    cpus: Vec<Cpu>,
}

#[derive(Default)]
struct Cpu {
    row: Row,
    occupant: Option<TaskId>,
}

impl Pass {
    fn new(cast: &Cast) -> Self {
        let reaper = cast.tasks.iter().find(|(_, info)| is_reaper(info));
        let count = usize::try_from(cast.cpus).unwrap_or(1);
        Self {
            now: Now::new(cast),
            reaper: reaper.map(|(id, _)| id),
            cpus: (0..count).map(|_| Cpu::default()).collect(),
        }
    }

    fn feed(&mut self, number: usize, record: &Record) {
        let task = record.task;
        let before = self.cpu_of(task);
        self.now.apply(record);
        let after = self.cpu_of(task);
        if before != after
            && let Some(cpu) = before.and_then(|cpu| self.cpus.get_mut(cpu.index()))
        {
            cpu.leave(task, record.at);
        }
        let Some(now) = self.now.task(task) else {
            return;
        };
        let state = if Some(task) == self.reaper {
            reaper_state(now, self.now.reaper)
        } else {
            task_state(now)
        };
        let cpu = after.and_then(|cpu| self.cpus.get_mut(cpu.index()));
        if let (Some(cpu), Some(state)) = (cpu, state) {
            let same = cpu.occupant.replace(task) == Some(task);
            let merge = if same { Merge::Same } else { Merge::Never };
            cpu.row.set_with(record.at, state, number, merge);
        }
    }

    fn cpu_of(&self, task: TaskId) -> Option<CpuId> {
        match self.now.task(task)?.doing {
            Doing::Running(cpu) => cpu,
            _ => None,
        }
    }

    fn finish(self, end: SimTime) -> Vec<Lane> {
        let lane = |(index, cpu): (usize, Cpu)| {
            let of = LaneOf::Cpu(CpuId::from_index(index));
            cpu.row.into_lane(of, format!("CPU {index}"), String::new(), end)
        };
        self.cpus.into_iter().enumerate().map(lane).collect()
    }
}

impl Cpu {
    fn leave(&mut self, task: TaskId, at: SimTime) {
        if self.occupant == Some(task) {
            self.occupant = None;
            self.row.end(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::story::{HOG, OTHER, Story};
    use crate::analysis::types::LaneState;
    use crate::engine::Stop;
    use crate::record::{Event, Reason};

    #[test]
    fn a_cpu_shows_its_occupants_one_after_the_other() {
        let mut story = Story::unborn();
        let cpu = CpuId(0);
        story.add(HOG, Event::Spawned {}).add(OTHER, Event::Spawned {});
        story.add(HOG, Event::Ran { cpu });
        story.at(2).add(HOG, Event::Preempted {}).add(OTHER, Event::Ran { cpu });
        story.at(5).sleeps(OTHER, Reason::Pause);
        story.at(7).add(HOG, Event::Ran { cpu }).add(HOG, Event::MemstallEnter {});
        let run = story.ends(9, Stop::Horizon);
        let lane = &cpu_lanes(&run)[0];
        let told: Vec<_> = lane
            .spans
            .iter()
            .map(|span| {
                let who = run.trace.get(span.record).map(|record| record.task);
                (who, span.start.0 / 1_000_000, span.end.0 / 1_000_000, span.state)
            })
            .collect();
        assert_eq!(
            told,
            [
                (Some(HOG), 0, 2, LaneState::Running),
                (Some(OTHER), 2, 5, LaneState::Running),
                (Some(HOG), 7, 9, LaneState::Reclaiming),
            ]
        );
    }
}

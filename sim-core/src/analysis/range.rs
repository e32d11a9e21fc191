//! What happened in a part of a run: sums over its records and lanes.

use super::index::Index;
use super::types::{Lane, LaneOf, LaneState, RangeSums};
use crate::base::{SimTime, TaskId, sort};
use crate::record::{Event, Reason, Run};

/// What happened from `from` on and before `to`.
pub fn range_sums(run: &Run, index: &Index, from: SimTime, to: SimTime) -> RangeSums {
    let mut sums = RangeSums::default();
    let first = run.trace.count_until(SimTime(from.0.saturating_sub(1)));
    let first = if from.0 == 0 { 0 } else { first };
    let records = run.trace.iter_from(first).take_while(|(_, record)| record.at < to);
    for (_, record) in records {
        let is_reaper = Some(record.task) == index.reaper();
        match record.event {
            Event::MarkVictim { .. } => sums.kills += 1,
            Event::MnCall { .. } => sums.callbacks += 1,
            Event::MnReturn { refused: true, .. } | Event::CoreRefused { .. } => sums.refusals += 1,
            Event::StartTaskReaping { .. }
            | Event::SkipTaskReaping { .. }
            | Event::BackedOff { .. } => sums.attempts += 1,
            Event::Zap { pages, .. }
                if is_reaper || run.cast.hand_off_workers.contains(&record.task) =>
            {
                sums.reaped_pages += u64::from(pages);
            }
            Event::Blocked { why, .. } if is_reaper => {
                let reason = Reason::from_number(why);
                let backs_off = matches!(reason, Some(Reason::BackOff | Reason::SkipSleep));
                sums.backoffs += u64::from(backs_off);
            }
            _ => {}
        }
    }
    sums
}

/// How long each task had a CPU between two instants, the longest first.
pub fn cpu_times(run: &Run, lanes: &[Lane], from: SimTime, to: SimTime) -> Vec<(TaskId, u64)> {
    let mut times: Vec<(TaskId, u64)> = Vec::new();
    for lane in lanes.iter().filter(|lane| matches!(lane.of, LaneOf::Cpu(_))) {
        for (span, ns) in within(lane, from, to) {
            let Some(task) = run.trace.get(span).map(|record| record.task) else {
                continue;
            };
            match times.iter_mut().find(|(other, _)| *other == task) {
                Some((_, sum)) => *sum += ns,
                None => times.push((task, ns)),
            }
        }
    }
    sort::by_key(&mut times, |(task, ns)| (std::cmp::Reverse(*ns), *task));
    times
}

/// How long a lane was in each state between two instants, the longest
/// first; attempts and back-offs of all numbers together.
pub fn state_times(lane: &Lane, from: SimTime, to: SimTime) -> Vec<(LaneState, u64)> {
    let mut times: Vec<(LaneState, u64)> = Vec::new();
    let first = lane.spans.partition_point(|span| span.end <= from);
    for span in lane.spans[first..].iter().take_while(|span| span.start < to) {
        let ns = span.end.min(to).saturating_sub(span.start.max(from)).0;
        let state = match span.state {
            LaneState::Reaping(_) => LaneState::Reaping(0),
            LaneState::BackOff(_) => LaneState::BackOff(0),
            other => other,
        };
        match times.iter_mut().find(|(other, _)| *other == state) {
            Some((_, sum)) => *sum += ns,
            None => times.push((state, ns)),
        }
    }
    sort::by_key(&mut times, |(_, ns)| std::cmp::Reverse(*ns));
    times
}

/// The records of a lane's spans, and how long each lasted between two instants.
fn within(lane: &Lane, from: SimTime, to: SimTime) -> impl Iterator<Item = (usize, u64)> + '_ {
    let first = lane.spans.partition_point(|span| span.end <= from);
    let spans = lane.spans[first..].iter().take_while(move |span| span.start < to);
    spans.map(move |span| (span.record, span.end.min(to).saturating_sub(span.start.max(from)).0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::lanes::{cpu_lanes, lanes};
    use crate::analysis::story::{HOG, OTHER, REAPER, Story};
    use crate::base::CpuId;
    use crate::engine::Stop;

    #[test]
    fn sums_count_what_is_inside() {
        let mut story = Story::new();
        story.at(10).kills(OTHER, HOG);
        story.at(40).wakes(REAPER).attempt_is_refused();
        let run = story.ends(90, Stop::Horizon);
        let index = Index::new(&run);
        let ms = |ms: u64| SimTime(ms * 1_000_000);
        let all = range_sums(&run, &index, ms(0), ms(90));
        assert_eq!((all.kills, all.attempts, all.refusals, all.backoffs), (1, 1, 1, 1));
        assert_eq!(range_sums(&run, &index, ms(41), ms(90)), RangeSums::default());
        assert_eq!(range_sums(&run, &index, ms(10), ms(40)).kills, 1);
    }

    #[test]
    fn times_are_cut_at_the_edges() {
        let mut story = Story::unborn();
        let cpu = CpuId(0);
        story.add(HOG, Event::Spawned {}).add(OTHER, Event::Spawned {});
        story.add(HOG, Event::Ran { cpu });
        story.at(20).add(HOG, Event::Preempted {}).add(OTHER, Event::Ran { cpu });
        story.at(50).sleeps(OTHER, Reason::Pause);
        let run = story.ends(90, Stop::Horizon);
        let (from, to) = (SimTime(10_000_000), SimTime(60_000_000));
        let times = cpu_times(&run, &cpu_lanes(&run), from, to);
        assert_eq!(times, [(OTHER, 30_000_000), (HOG, 10_000_000)]);
        let lanes = lanes(&run);
        let other = lanes.iter().find(|lane| lane.of == LaneOf::Task(OTHER)).expect("there");
        let told = state_times(other, from, to);
        assert_eq!(
            told,
            [
                (LaneState::Running, 30_000_000),
                (LaneState::Runnable, 10_000_000),
                (LaneState::Sleeping, 10_000_000),
            ]
        );
    }
}

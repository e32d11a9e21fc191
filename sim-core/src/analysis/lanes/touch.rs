//! Locks in the rows of tasks: when each task held a lock, held it while
//! others waited, or waited itself.
//!
//! As Tracy draws locks: the same lock shows in every row that touches
//! it. A task may hold several; at any instant the gravest shows: a wait
//! before a hold that others wait for, before a quiet hold. Which lock it
//! is says the record of the span: the task's own taking of it, or the
//! beginning of its wait.

use crate::analysis::index::{Index, lock_waited_for};
use crate::analysis::intervals::OPEN;
use crate::analysis::types::{LaneState, Span};
use crate::base::{IdVec, LockId, SimTime, TaskId, sort};

/// A stretch before it is laid beside the others of its task.
#[derive(Copy, Clone)]
struct Piece {
    start: SimTime,
    end: SimTime,
    state: LaneState,
    record: usize,
}

/// What every task had to do with locks, by task, as spans that are
/// [`Held`](LaneState::Held), [`Contended`](LaneState::Contended) or
/// [`Blocked`](LaneState::Blocked): sorted, not overlapping.
pub fn lock_touches(index: &Index) -> IdVec<TaskId, Vec<Span>> {
    let mut pieces: Vec<Vec<Piece>> = index.tasks.iter().map(|_| Vec::new()).collect();
    let waits = waits_by_lock(index, &mut pieces);
    for (lock, waited) in waits.iter().enumerate() {
        holds(index, LockId::from_index(lock), waited, &mut pieces);
    }
    let mut touches = IdVec::new();
    for pieces in pieces {
        touches.push(flattened(pieces));
    }
    touches
}

/// Adds every wait for a lock to its task's pieces; when anybody waited,
/// by lock: sorted, not overlapping.
fn waits_by_lock(index: &Index, pieces: &mut [Vec<Piece>]) -> Vec<Vec<(SimTime, SimTime)>> {
    let mut waits = vec![Vec::new(); index.locks.len()];
    for (track, pieces) in index.tasks.iter().zip(pieces) {
        for (position, step) in track.steps.iter().enumerate() {
            let Some(lock) = lock_waited_for(step.doing) else {
                continue;
            };
            let next = track.steps.get(position + 1).map_or(OPEN, |next| next.record);
            let (start, end) = (index.time(step.record), index.time(next));
            let state = LaneState::Blocked;
            pieces.push(Piece { start, end, state, record: step.record });
            if let Some(waits) = waits.get_mut(lock.index()) {
                waits.push((start, end));
            }
        }
    }
    waits.into_iter().map(merged).collect()
}

fn merged(mut stretches: Vec<(SimTime, SimTime)>) -> Vec<(SimTime, SimTime)> {
    sort::natural(&mut stretches);
    let mut merged: Vec<(SimTime, SimTime)> = Vec::new();
    for (start, end) in stretches {
        match merged.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => merged.push((start, end)),
        }
    }
    merged
}

/// Adds every hold of `lock`, parted where others began or ceased to wait.
fn holds(index: &Index, lock: LockId, waited: &[(SimTime, SimTime)], pieces: &mut [Vec<Piece>]) {
    let Some(holdings) = index.locks.get(lock.index()) else {
        return;
    };
    for holding in &holdings.items {
        let Some(pieces) = pieces.get_mut(holding.what.task.index()) else {
            continue;
        };
        let (mut from, to) = (index.time(holding.from), index.time(holding.to));
        let mut push = |start: SimTime, end: SimTime, state| {
            if start < end {
                pieces.push(Piece { start, end, state, record: holding.from });
            }
        };
        let first = waited.partition_point(|wait| wait.1 <= from);
        for &(start, end) in waited[first..].iter().take_while(|wait| wait.0 < to) {
            push(from, start.max(from), LaneState::Held);
            from = end.min(to);
            push(start.max(index.time(holding.from)), from, LaneState::Contended);
        }
        push(from, to, LaneState::Held);
    }
}

fn gravity(state: LaneState) -> u8 {
    match state {
        LaneState::Blocked => 2,
        LaneState::Contended => 1,
        _ => 0,
    }
}

/// At every instant the gravest piece; of equals the latest.
fn flattened(mut pieces: Vec<Piece>) -> Vec<Span> {
    sort::by_key(&mut pieces, |piece| (piece.start, piece.record));
    let mut spans: Vec<Span> = Vec::new();
    let mut open: Vec<Piece> = Vec::new();
    let mut edge = SimTime::ZERO;
    for next in pieces.iter().map(Some).chain([None]) {
        let limit = next.map_or(SimTime(u64::MAX), |piece| piece.start);
        while edge < limit && !open.is_empty() {
            let until = open.iter().map(|piece| piece.end).min().unwrap_or(limit).min(limit);
            let top = open.iter().max_by_key(|piece| (gravity(piece.state), piece.record));
            if let Some(top) = top {
                extend(&mut spans, top, edge, until);
            }
            edge = until;
            open.retain(|piece| piece.end > edge);
        }
        if let Some(piece) = next.filter(|piece| piece.start < piece.end) {
            edge = limit;
            open.push(*piece);
        }
    }
    spans
}

fn extend(spans: &mut Vec<Span>, piece: &Piece, start: SimTime, end: SimTime) {
    let Piece { state, record, .. } = *piece;
    match spans.last_mut() {
        Some(last) if last.end == start && (last.state, last.record) == (state, record) => {
            last.end = end;
        }
        _ if start < end => spans.push(Span { start, end, state, record }),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::analysis::lanes::tests::any_run;
    use crate::analysis::story::{GPU_LOCK, HOG, HOG_LOCK, OTHER, Story};
    use crate::engine::{Stop, WaitOn};
    use crate::record::{Event, Reason};

    #[test]
    fn a_hold_is_contended_while_somebody_waits() {
        let mut story = Story::new();
        story.at(10).takes(HOG, HOG_LOCK);
        story.at(14).blocks(OTHER, WaitOn::Lock(HOG_LOCK), Reason::MmapLock);
        story.at(20).add(HOG, Event::Released { lock: HOG_LOCK }).takes(OTHER, HOG_LOCK);
        story.wakes(OTHER);
        story.at(26).takes(OTHER, GPU_LOCK);
        story.at(28).add(OTHER, Event::Released { lock: GPU_LOCK });
        let touches = lock_touches(&Index::new(&story.ends(30, Stop::Idle)));
        let told = |task: TaskId| {
            let spans = touches.get(task).into_iter().flatten();
            let ms = |at: SimTime| at.0 / 1_000_000;
            spans.map(|span| (ms(span.start), ms(span.end), span.state)).collect::<Vec<_>>()
        };
        assert_eq!(told(HOG), [(10, 14, LaneState::Held), (14, 20, LaneState::Contended)]);
        assert_eq!(
            told(OTHER),
            [
                (14, 20, LaneState::Blocked),
                (20, 26, LaneState::Held),
                (26, 28, LaneState::Held),
                (28, 30, LaneState::Held),
            ]
        );
    }

    proptest! {
        #[test]
        fn any_records_give_sorted_stretches(run in any_run()) {
            let touches = lock_touches(&Index::new(&run));
            for (_, spans) in touches.iter() {
                prop_assert!(spans.iter().all(|span| span.start < span.end && span.end <= run.end));
                prop_assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start));
            }
        }
    }
}

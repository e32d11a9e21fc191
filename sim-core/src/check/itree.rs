//! I11: the interval tree of an mm (mm/mmu_notifier.c, `mn_itree_invalidate()`).
//!
//! A range that starts says how many registered intervals overlap it; that
//! many must be called before the list is, or before the range ends,
//! unless one of them refuses.

use super::{device_name, mm_name, slot};
use crate::base::{MmId, NotifierId, TaskId};
use crate::record::{Breach, Cast, Event, Invariant, ItreeOp, MnEvent, Record};

/// `invalidate_seq` of an mm that never had a subscription.
const FIRST_SEQ: u32 = 2;

/// The interval tree of an mm.
#[derive(Clone, Copy)]
pub(super) struct Tree {
    pub(super) active: u16,
    pub(super) seq: u32,
    /// Inserts that wait for the tree to thaw.
    deferred: u32,
    pub(super) last: Option<Record>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { active: 0, seq: FIRST_SEQ, deferred: 0, last: None }
    }
}

/// A range that somebody invalidates.
struct Walk {
    mm: MmId,
    start: Record,
    overlapping: u8,
    called: u8,
    refused: bool,
    /// The list refused behind it: with the leak of kernel-spec 4.5 it never ends.
    leaks: bool,
}

/// The trees of all mms.
#[derive(Default)]
pub(super) struct Itrees {
    trees: Vec<Tree>,
    /// Ranges that have started and not ended, the innermost of each task last. Those that
    /// kernels with the leak of kernel-spec 4.5 never end stay.
    walks: Vec<Walk>,
}

impl Itrees {
    pub(super) fn of(&mut self, mm: MmId) -> Tree {
        *slot(&mut self.trees, mm.index())
    }

    /// Nobody walks the tree of an mm that is gone.
    pub(super) fn mm_gone(&mut self, mm: MmId) {
        self.walks.retain(|walk| walk.mm != mm);
    }

    fn walk(&self, task: TaskId, mm: MmId) -> Option<usize> {
        self.walks.iter().rposition(|walk| walk.start.task == task && walk.mm == mm)
    }

    /// A notifier is called, or refused for.
    pub(super) fn called(&mut self, record: &Record, cast: &Cast) -> Result<(), Breach> {
        let (id, refused, releases) = match record.event {
            Event::MnCall { notifier, event, .. } => (notifier, false, event == MnEvent::Release),
            Event::CoreRefused { notifier, .. } => (notifier, true, false),
            _ => return Ok(()),
        };
        let Some(info) = cast.notifiers.get(id) else { return Ok(()) };
        let walk = self.walk(record.task, info.mm);
        if !info.interval {
            if let Some(walk) = walk.filter(|_| refused) {
                self.walks[walk].leaks = true;
            }
            // The list's turn comes after the tree; at the end of the mm the two have nothing to do with each other.
            let walk = walk.filter(|_| !releases).map(|at| &self.walks[at]);
            return walk.map_or(Ok(()), |walk| walk.is_complete(cast));
        }
        if let Some(walk) = walk.map(|at| &mut self.walks[at]) {
            walk.called = walk.called.saturating_add(1);
            walk.refused |= refused;
        }
        let tree = self.of(info.mm);
        if tree.seq % 2 == 1 {
            return Ok(());
        }
        let who = device_name(cast, id);
        let text = format!("{who} is told of an invalidation while seq is even, {}", tree.seq);
        let breach = Breach::new(Invariant::TreeFrozenWhileOdd, text);
        Err(tree.last.into_iter().fold(breach, Breach::after))
    }

    /// An interval refused, and those after it are not called; or one of the list did.
    pub(super) fn refused(&mut self, task: TaskId, notifier: NotifierId, cast: &Cast) {
        let Some(info) = cast.notifiers.get(notifier) else { return };
        if let Some(at) = self.walk(task, info.mm) {
            let walk = &mut self.walks[at];
            *if info.interval { &mut walk.refused } else { &mut walk.leaks } = true;
        }
    }

    /// How many ranges of an mm never end because the list refused behind them.
    pub(super) fn leaked(&self, mm: MmId) -> usize {
        self.walks.iter().filter(|walk| walk.mm == mm && walk.leaks).count()
    }

    pub(super) fn changed(&mut self, record: &Record, cast: &Cast) -> Result<(), Breach> {
        let Event::MnItree { mm, op, active, seq, overlapping } = record.event else {
            return Ok(());
        };
        let tree = slot(&mut self.trees, mm.index());
        let before = *tree;
        *tree = Tree { active, seq, last: Some(*record), ..before };
        let was_odd = before.seq % 2 == 1;
        let opened = active == 0 && was_odd;
        let as_before = (active, seq) == (before.active, before.seq);
        let sound = match op {
            ItreeOp::Start => {
                active == before.active.saturating_add(1)
                    && seq == if overlapping > 0 { before.seq | 1 } else { before.seq }
            }
            ItreeOp::End => {
                if opened {
                    tree.deferred = 0;
                }
                before.active > 0
                    && (active == before.active - 1 || before.active == u16::MAX)
                    && seq == before.seq + u32::from(opened)
            }
            ItreeOp::Insert => {
                let raced = before.active > 0;
                !was_odd
                    && active == before.active
                    && seq == if raced { before.seq | 1 } else { before.seq }
            }
            ItreeOp::DeferInsert => {
                tree.deferred += 1;
                was_odd && as_before
            }
            ItreeOp::DeferRemove => was_odd && as_before,
            // What was only going to be inserted can be taken back at any time.
            ItreeOp::Remove if was_odd => {
                tree.deferred = before.deferred.saturating_sub(1);
                before.deferred > 0 && as_before
            }
            ItreeOp::Remove => as_before,
        };
        if !sound || (seq % 2 == 1 && active == 0) {
            let text = format!(
                "{op:?} in the interval tree of {}: active {} → {active}, seq {} → {seq}, {overlapping} overlap",
                mm_name(cast, mm),
                before.active,
                before.seq
            );
            let breach = Breach::new(Invariant::TreeFrozenWhileOdd, text);
            return Err(before.last.into_iter().fold(breach, Breach::after));
        }
        match op {
            ItreeOp::Start => {
                let (start, called, refused, leaks) = (*record, 0, false, false);
                self.walks.push(Walk { mm, start, overlapping, called, refused, leaks });
                Ok(())
            }
            ItreeOp::End => {
                let ended = self.walk(record.task, mm).map(|at| self.walks.remove(at));
                ended.map_or(Ok(()), |walk| walk.is_complete(cast))
            }
            _ => Ok(()),
        }
    }
}

impl Walk {
    /// Whether everybody who overlaps was called.
    fn is_complete(&self, cast: &Cast) -> Result<(), Breach> {
        let Self { mm, start, overlapping, called, refused, .. } = *self;
        if refused || called == overlapping {
            return Ok(());
        }
        let mm = mm_name(cast, mm);
        let text =
            format!("of the intervals of {mm} {overlapping} overlap, and {called} were called");
        Err(Breach::new(Invariant::TreeFrozenWhileOdd, text).after(start))
    }
}

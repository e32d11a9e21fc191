//! `wait-for`: the oracle that no kernel has: it sees who waits for whom, whatever for.
//!
//! Summary: reports deadlocks as they close, with or without locks, while the rest of the machine runs on; and every path on which the reaper waits, directly or through others, for an allocation that may sleep.
//! Mechanism: keeps who waits for whom while the run goes on, record by record: blocking, waking, taking, letting go and allocating; looks again at whatever a record could have closed.
//! Models: nothing that exists: it sees fences, completions and work as well as locks, and needs no annotation.
//! Doesn't model: waits for the disk or the clock, which end by themselves; a trylock, which waits for nobody; the rounds of a cgroup's own reclaim, of which no record tells: who charges allocates from its cgroup's OOM on.
//! See: kernel-spec 4.8, 5.5 and 8.3; the rule is Michal Hocko's, August 2019.
//!
//! The verdict and the incidents of kind `cycle` rest on the same graph whatever
//! is checked: the analysis feeds it the records of a finished run. Selected, it
//! watches the run itself, kept records or not, and also reports what the
//! reaper depended on.
//! A set is found at the first record after which it was closed: somebody
//! began to wait or to allocate, exited, or was killed. Where a page from
//! elsewhere would have opened it again it is told only if none came for
//! [`QUIET`]; the time is that of the record all the same.

pub(crate) mod closed;
pub(crate) mod cycles;
mod depends;
mod live;
pub(crate) mod needs;
pub(crate) mod replay;
pub(crate) mod scene;

use closed::Closed;
use depends::Depends;
use live::{Changes, Live, Present};
use needs::{QUIET, is_allocating, is_retry, repeats_fault};
use replay::{Doing, Now, TaskNow, is_own_wish};
use scene::{Known, Scene as _};

use crate::base::{SimTime, sort};
use crate::record::{Cast, ClosedSet, Event, Record, WaitFor};

/// The graph, and what was found in it so far.
pub(crate) struct Oracle {
    live: Live,
    depends: Depends,
    /// Closed, and not opened yet.
    open: Vec<Open>,
    told: Vec<ClosedSet>,
    /// When a page was last got or freed, or a lock other than `oom_lock` let go.
    progress: SimTime,
}

/// A set that is closed now.
struct Open {
    set: ClosedSet,
    at: SimTime,
    /// A page from elsewhere would open it.
    needs_page: bool,
    /// By its tasks: what it has to do to be out of it.
    by: Vec<Opens>,
}

/// What opens a set that a task is in.
#[derive(Copy, Clone)]
enum Opens {
    /// Its wait ends.
    Wait,
    /// Its request for a page does, in which it waits again and again.
    Request,
    /// Nothing of its own: it begins the same wait anew.
    Never,
}

impl Oracle {
    /// Before the first record.
    pub(crate) fn new(cast: &Cast) -> Self {
        Self {
            live: Live::new(Known::of(cast)),
            depends: Depends::default(),
            open: Vec::new(),
            told: Vec::new(),
            progress: SimTime::ZERO,
        }
    }

    /// Sees a record, when its task did `before` and does now what `now` says.
    pub(crate) fn see(
        &mut self,
        number: usize,
        record: &Record,
        (before, now): (Option<&TaskNow>, &Now),
        cast: &Cast,
    ) {
        let changes = self.live.apply(number, record, (before, now), cast);
        let has_risen = match record.event {
            Event::ZoneFree { zone, free } => self.live.has_risen(zone, free),
            _ => false,
        };
        if has_risen || is_progress(&record.event, self.live.known) {
            self.progress = record.at;
        }
        self.close_opened(number, record, changes);
        let present = Present { live: &self.live, now, cast };
        self.depends.see(number, record.task, changes.doing, &present);
        let doing = present.doing(record.task);
        let waits = doing.reason().is_some_and(|why| !is_own_wish(why) && !is_retry(why));
        let anybody = changes.killed
            || changes.done
            || changes.lost_end
            || changes.doing && doing == Doing::Exited;
        let closed = if anybody {
            Closed::at(&present)
        } else if changes.doing && waits || changes.stall_begun {
            let closed = Closed::around(&present, record.task);
            if !closed.contains(record.task) {
                return;
            }
            closed
        } else {
            return;
        };
        let forsaken = closed.forsaken().map(|task| vec![task]);
        let sets: Vec<_> = closed.knots().into_iter().chain(forsaken).collect();
        for tasks in sets {
            if self.open.iter().any(|open| open.set.tasks == tasks) {
                continue;
            }
            let cycles = closed.cycles(&tasks);
            let cycles: Vec<_> =
                cycles.iter().map(|cycle| closed.edges_around(&present, cycle)).collect();
            let needs_page = cycles.iter().flatten().any(|edge| edge.kind.is_allocation());
            let by = tasks.iter().map(|&task| match () {
                () if is_allocating(&present, task) => Opens::Request,
                () if repeats_fault(&present, task) => Opens::Never,
                () => Opens::Wait,
            });
            let by = by.collect();
            let set = ClosedSet { record: number, until: None, tasks, cycles };
            self.open.push(Open { set, at: record.at, needs_page, by });
        }
    }

    /// Ends the sets that a record opened: one of their tasks went on, or, where a
    /// page would help, a kill or the end of one may bring it.
    fn close_opened(&mut self, number: usize, record: &Record, changes: Changes) {
        if !(changes.doing || changes.stall_ended || changes.killed || changes.done) {
            return;
        }
        let opens = |open: &Open| {
            let place = open.set.tasks.iter().position(|&task| task == record.task);
            let goes_on = place.is_some_and(|place| match open.by.get(place) {
                Some(Opens::Request) => changes.stall_ended,
                Some(Opens::Never) => false,
                _ => changes.doing,
            });
            goes_on || open.needs_page && (changes.killed || changes.done)
        };
        for mut open in self.open.extract_if(.., |open| opens(open)) {
            let lasted = record.at.saturating_sub(open.at);
            if !open.needs_page || lasted >= QUIET {
                open.set.until = Some(number);
                self.told.push(open.set);
            }
        }
    }

    /// What was found in a run that ended at `end`.
    pub(crate) fn finish(&mut self, end: SimTime) -> WaitFor {
        let is_quiet = end.saturating_sub(self.progress) >= QUIET;
        for open in self.open.drain(..) {
            if !open.needs_page || is_quiet || end.saturating_sub(open.at) >= QUIET {
                self.told.push(open.set);
            }
        }
        let mut closed = std::mem::take(&mut self.told);
        sort::by_key(&mut closed, |set| set.record);
        WaitFor { closed, dependencies: self.depends.finish() }
    }
}

/// Whether somebody got or gave a page, or let go of a lock other than `oom_lock`.
pub(crate) fn is_progress(event: &Event, known: Known) -> bool {
    match *event {
        Event::Fault { pages, .. }
        | Event::Zap { pages, .. }
        | Event::SwapOut { pages, .. }
        | Event::Unpinned { pages, .. } => pages > 0,
        Event::DirectReclaimEnd { reclaimed } | Event::KswapdBalanced { reclaimed, .. } => {
            reclaimed > 0
        }
        Event::AllocDone { ok } => ok,
        Event::Released { lock } => Some(lock) != known.oom_lock,
        _ => false,
    }
}

/// The checker that watches a run.
#[derive(Default)]
pub(super) struct Watcher {
    /// What every task does, and the graph; none before the first record.
    state: Option<(Now, Oracle)>,
}

impl Watcher {
    pub(super) fn see(&mut self, record: &Record, number: u64, cast: &Cast) {
        let state = &mut self.state;
        let (now, oracle) = state.get_or_insert_with(|| (Now::new(cast), Oracle::new(cast)));
        now.grow(cast);
        let before = now.task(record.task).cloned();
        now.apply(record);
        let number = usize::try_from(number).unwrap_or(usize::MAX);
        oracle.see(number, record, (before.as_ref(), now), cast);
    }

    pub(super) fn finish(&mut self, end: SimTime) -> WaitFor {
        self.state.as_mut().map(|(_, oracle)| oracle.finish(end)).unwrap_or_default()
    }
}

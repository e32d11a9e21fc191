//! Collects what happens: digest always, trace if kept; and shows each
//! record to whoever watches the run.

use super::cast::Cast;
use super::event::Event;
use super::invariant::{Breach, Broken, Findings, Monitor};
use super::lock_debug::{Annotation, Checker, LockReports, Noted};
use super::oom_dump::OomDump;
use super::trace::{Packed, Record, Trace};
use crate::base::{Digest, RollingDigest, SimTime, StackId, TaskId};
use crate::engine::{EngineEvent, Observer, Stop};

/// Whether records are kept after they were hashed.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Keep {
    /// All of them.
    Records,
    /// None: only the digest and the count.
    DigestOnly,
}

/// Waived findings kept, at most: more of them say nothing new.
const WAIVED_MAX: usize = 256;

/// Reports of the OOM killer kept, at most: a cgroup in which nobody can be killed asks again and again.
const DUMPS_MAX: usize = 256;

/// The first record count at which a [mark](super::Run::marks) is taken.
pub const MARKS_FROM: u64 = 64;
/// Bits of a mark.
const MARK_BITS: u32 = 18;

/// The observer of a run.
pub struct Recorder {
    keep: Keep,
    digest: RollingDigest,
    count: u64,
    marks: Vec<u32>,
    monitor: Option<Box<dyn Monitor>>,
    checker: Option<Box<dyn Checker>>,
    /// What the monitor found.
    pub findings: Findings,
    /// The records kept so far.
    pub trace: Trace,
    /// Who the records speak of.
    pub cast: Cast,
}

impl Recorder {
    /// An empty record of a run on `cast`.
    pub fn new(keep: Keep, cast: Cast) -> Self {
        Self {
            keep,
            digest: RollingDigest::new(),
            count: 0,
            marks: Vec::new(),
            monitor: None,
            checker: None,
            findings: Findings::default(),
            trace: Trace::default(),
            cast,
        }
    }

    /// From now on `monitor` sees each record.
    pub fn watch(&mut self, monitor: Box<dyn Monitor>) {
        self.monitor = Some(monitor);
    }

    /// From now on `checker` sees each record, and is told more.
    pub fn check(&mut self, checker: Box<dyn Checker>) {
        self.checker = Some(checker);
    }

    /// Tells the checker, if there is one, what `task` is about to do; whether the
    /// lockdep of a machine that has one is on.
    pub fn note(
        &mut self,
        at: SimTime,
        task: TaskId,
        stack: StackId,
        annotation: Annotation,
    ) -> bool {
        self.checker.as_mut().is_some_and(|checker| {
            checker.note(Noted { at, task, stack, record: self.count }, annotation, &self.cast);
            checker.debug_locks()
        })
    }

    /// What the checker found in a run that ended then.
    pub fn take_lock_reports(&mut self, end: SimTime) -> LockReports {
        self.checker.as_mut().map(|checker| checker.finish(end)).unwrap_or_default()
    }

    /// Whether a report of the OOM killer is kept: only with a trace, and only so many.
    pub fn takes_dumps(&self) -> bool {
        self.keep == Keep::Records && self.cast.dumps.len() < DUMPS_MAX
    }

    /// Keeps a report that belongs to the next record.
    pub fn dump(&mut self, dump: OomDump) {
        self.cast.dumps.push(OomDump { record: self.count, ..dump });
    }

    /// `task` did, or suffered, `event` at `at`.
    pub fn record(&mut self, at: SimTime, task: TaskId, event: Event) {
        let record = Record { at, task, event };
        let packed = Packed::new(&record);
        self.digest.feed_record(packed.at, packed.head, packed.tail);
        self.count += 1;
        if self.count.is_power_of_two() && self.count >= MARKS_FROM {
            self.mark();
        }
        if self.keep == Keep::Records {
            self.trace.push(packed);
        }
        if let Some(checker) = &mut self.checker {
            checker.see(&record, self.count - 1, &self.cast);
        }
        if let Some(monitor) = &mut self.monitor
            && let Err(breach) = monitor.see(&record, &self.cast)
        {
            self.breached(at, task, breach.after(record));
        }
    }

    /// An invariant did not hold, as was seen at `at` while `task` ran: the
    /// run ends there, unless that was to be expected.
    #[cold]
    pub fn breached(&mut self, at: SimTime, task: TaskId, breach: Breach) {
        let waived = self.monitor.as_ref().is_some_and(|monitor| monitor.waives(&breach));
        let Breach { invariant, text, evidence, strict, .. } = breach;
        let record = self.count.saturating_sub(1);
        let broken = Broken { invariant, at, task, record, text, evidence };
        if waived && !strict {
            self.findings.waived_count += 1;
            if self.findings.waived.len() < WAIVED_MAX {
                self.findings.waived.push(broken);
            }
        } else {
            self.findings.broken.get_or_insert(broken);
        }
    }

    #[cold]
    fn mark(&mut self) {
        let bits = self.digest.finish().0 & ((1 << MARK_BITS) - 1);
        self.marks.push(u32::try_from(bits).expect("invariant: masked"));
    }

    /// The records, which nothing will follow.
    pub fn take_trace(&mut self) -> Trace {
        self.trace.finish();
        std::mem::take(&mut self.trace)
    }

    /// Marks taken so far.
    pub fn take_marks(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.marks)
    }

    /// Records so far, kept or not.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The digest of all records so far.
    pub fn digest(&self) -> Digest {
        self.digest.finish()
    }
}

impl Observer for Recorder {
    #[inline]
    fn stop(&self) -> Option<Stop> {
        self.findings.broken.as_ref().map(|_| Stop::Broken)
    }

    fn engine_event(&mut self, at: SimTime, task: TaskId, event: EngineEvent) {
        let event = match event {
            EngineEvent::Spawned => Event::Spawned {},
            EngineEvent::Exited => Event::Exited {},
            EngineEvent::Ran(cpu) => Event::Ran { cpu },
            EngineEvent::Preempted => Event::Preempted {},
            EngineEvent::Blocked(on, why, stack) => Event::Blocked { on, why: why.0, stack },
            EngineEvent::Woken(by, how) => Event::Woken { by, how },
            EngineEvent::Acquired(lock, hold) => Event::Acquired { lock, hold },
            EngineEvent::Released(lock) => Event::Released { lock },
        };
        self.record(at, task, event);
    }
}

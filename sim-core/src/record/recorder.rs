//! Collects what happens: digest always, trace if kept.

use super::cast::Cast;
use super::event::Event;
use super::trace::{Packed, Record, Trace};
use crate::base::{Digest, RollingDigest, SimTime, TaskId};
use crate::engine::{EngineEvent, Observer};

/// Whether records are kept after they were hashed.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Keep {
    /// All of them.
    Records,
    /// None: only the digest and the count.
    DigestOnly,
}

/// The observer of a run.
pub struct Recorder {
    keep: Keep,
    digest: RollingDigest,
    count: u64,
    /// The records kept so far.
    pub trace: Trace,
    /// Who the records speak of.
    pub cast: Cast,
}

impl Recorder {
    /// An empty record of a run on `cast`.
    pub fn new(keep: Keep, cast: Cast) -> Self {
        Self { keep, digest: RollingDigest::new(), count: 0, trace: Trace::default(), cast }
    }

    /// `task` did, or suffered, `event` at `at`.
    pub fn record(&mut self, at: SimTime, task: TaskId, event: Event) {
        let packed = Packed::new(&Record { at, task, event });
        self.digest.feed_record(packed.at, packed.head, packed.tail);
        self.count += 1;
        if self.keep == Keep::Records {
            self.trace.push(packed);
        }
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

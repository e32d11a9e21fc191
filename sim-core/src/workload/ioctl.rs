//! `ioctl`: a section inside the kernel, and what only happens there:
//! locks, waits, sleeps.
//!
//! The operations of a section go on although SIGKILL is pending; the
//! signal is seen when the section returns to user mode. A killable wait
//! that SIGKILL cuts short is an error like any other in kernel code: the
//! section ends, and lets go of its locks in reverse order on the way
//! out. The reader of scenario files sees to it that a section that runs
//! to its end holds nothing.

use super::{Draws, Flow, Operation, Program, run_in_kernel};
use crate::base::{CompletionId, LockId, Nanos};
use crate::engine::{Hold, Signals, Waited};
use crate::kernel::completion::{complete, complete_all, wait_for_completion};
use crate::kernel::plugin::Boxed;
use crate::kernel::{Cx, msleep, msleep_killable, semop_down, semop_up};
use crate::record::{Func, Reason};

/// See the file's documentation.
pub struct Ioctl {
    /// The section.
    pub program: Program,
}

impl Operation for Ioctl {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let _in = cx.enter(Func::DeviceIoctl);
            run_in_kernel(cx, &self.program).await;
            while let Some(lock) = cx.with(|state| state.tasks[cx.task()].section_locks.pop()) {
                cx.unlock(lock);
            }
            Flow::Next
        })
    }
}

/// A lock that a section takes.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum SectionLock {
    /// One of the scenario's.
    Named(LockId),
    /// The `mmap_lock` of the process.
    Mmap,
}

impl SectionLock {
    fn find(self, cx: &Cx) -> Option<(LockId, Reason, Func, Func)> {
        match self {
            Self::Named(lock) => Some((lock, Reason::NamedLock, Func::DownRead, Func::MutexLock)),
            Self::Mmap => {
                let mm = cx.mm()?;
                let lock = cx.with(|state| state.mms[mm].mmap_lock);
                Some((lock, Reason::MmapLock, Func::DownRead, Func::DownWrite))
            }
        }
    }
}

/// Takes a lock.
pub struct Lock {
    /// Which.
    pub lock: SectionLock,
    /// For reading or writing.
    pub hold: Hold,
    /// Whether SIGKILL ends the wait.
    pub signals: Signals,
}

impl Operation for Lock {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let Some((lock, why, read, write)) = self.lock.find(cx) else { return Flow::Unwind };
            let _in = cx.enter(if self.hold == Hold::Shared { read } else { write });
            if self.signals == Signals::Ignored {
                cx.lock(lock, self.hold, why).await;
            } else if cx.lock_killable(lock, self.hold, why).await != Waited::Granted {
                return Flow::Unwind;
            }
            cx.with(|state| state.tasks[cx.task()].section_locks.push(lock));
            Flow::Next
        })
    }
}

/// Takes a lock if that needs no wait, and lets it go after a program.
pub struct Trylock {
    /// Which.
    pub lock: SectionLock,
    /// For reading or writing.
    pub hold: Hold,
    /// What is done with it.
    pub program: Program,
}

impl Operation for Trylock {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let Some((lock, ..)) = self.lock.find(cx) else { return Flow::Unwind };
            if !cx.try_lock(lock, self.hold) {
                return Flow::Next;
            }
            cx.with(|state| state.tasks[cx.task()].section_locks.push(lock));
            let flow = run_in_kernel(cx, &self.program).await;
            if flow == Flow::Next {
                release(cx, lock);
            }
            flow
        })
    }
}

/// Lets go of a lock.
pub struct Unlock {
    /// Which.
    pub lock: SectionLock,
}

impl Operation for Unlock {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            if let Some((lock, ..)) = self.lock.find(cx) {
                release(cx, lock);
            }
            Flow::Next
        })
    }
}

/// Lets go of a lock, if the section holds it.
fn release(cx: &Cx, lock: LockId) {
    let held = cx.with(|state| {
        let locks = &mut state.tasks[cx.task()].section_locks;
        let at = locks.iter().rposition(|&held| held == lock);
        at.map(|at| locks.remove(at))
    });
    match held {
        Some(lock) => cx.unlock(lock),
        None => cx.bad_unlock(lock),
    }
}

/// Sleeps until SIGKILL is pending.
pub struct AwaitSigkill;

impl Operation for AwaitSigkill {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let forever = cx.with(|state| state.forever);
            cx.wait(forever, Reason::Sigkill, Signals::Killable).await;
            Flow::Next
        })
    }
}

/// `msleep()`, or a sleep that SIGKILL ends.
pub struct Sleep {
    /// How long.
    pub time: Draws,
    /// Whether SIGKILL ends it.
    pub signals: Signals,
}

impl Operation for Sleep {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let time = self.time.next();
            if self.signals == Signals::Ignored {
                msleep(cx, time, Reason::Sleep).await;
            } else if msleep_killable(cx, time, Reason::Sleep).await == Waited::Killed {
                return Flow::Unwind;
            }
            Flow::Next
        })
    }
}

/// Waits for an event.
pub struct Wait {
    /// Which.
    pub event: CompletionId,
    /// Whether SIGKILL ends the wait.
    pub signals: Signals,
    /// How long at most.
    pub timeout: Option<Nanos>,
    /// Whether it is a semaphore, which the process gives back when it exits (`SEM_UNDO`).
    pub undo: bool,
}

impl Operation for Wait {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            let waited = if self.undo {
                semop_down(cx, self.event, self.timeout).await
            } else {
                wait_for_completion(cx, self.event, self.signals, self.timeout).await
            };
            match waited {
                Waited::Killed => Flow::Unwind,
                Waited::Granted | Waited::TimedOut => Flow::Next,
            }
        })
    }
}

/// Signals an event.
pub struct Signal {
    /// Which.
    pub event: CompletionId,
    /// Whether to all, now and later.
    pub all: bool,
    /// Whether that gives a semaphore back (`SEM_UNDO`).
    pub undo: bool,
}

impl Operation for Signal {
    fn run<'a>(&'a self, cx: &'a Cx) -> Boxed<'a, Flow> {
        Box::pin(async move {
            if self.undo {
                semop_up(cx, self.event);
            } else if self.all {
                complete_all(cx, self.event);
            } else {
                complete(cx, self.event);
            }
            Flow::Next
        })
    }
}

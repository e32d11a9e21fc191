//! Programs: lists of operations, one per line.

use std::fmt::{self, Write as _};

use super::values::{alloc, distribution, string};
use super::{pages_text, rate_text};
use crate::base::Nanos;
use crate::kernel::mm::{Access, Backing};
use crate::kernel::psi::PsiState;
use crate::scenario::checked::{Hold, LockRef, Op, Region, Scenario, Scope, Task};
use crate::scenario::units::{format_size, format_time};

/// Longest `length` of a registration that a file may give; what is
/// longer has the rest as `extend`.
const LENGTH_MAX: u64 = 1 << 40;

/// What the indices of a task's operations stand for.
pub(super) struct Names<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) task: &'a Task,
    /// How many regions are its parent's.
    pub(super) inherited: usize,
}

impl Names<'_> {
    /// Writes `program = [ … ]`.
    pub(super) fn program(&self, out: &mut String, ops: &[Op]) {
        // Writing to a String cannot fail.
        let _: fmt::Result = self.list(out, "program", ops, 0).and_then(|()| writeln!(out));
    }

    fn list(&self, out: &mut String, key: &str, ops: &[Op], depth: usize) -> fmt::Result {
        if ops.is_empty() {
            return write!(out, "{key} = []");
        }
        writeln!(out, "{key} = [")?;
        for op in ops {
            write!(out, "{:1$}{{ ", "", depth * 2 + 2)?;
            self.op(out, op, depth + 1)?;
            writeln!(out, " }},")?;
        }
        write!(out, "{:1$}]", "", depth * 2)
    }

    fn task(&self, index: usize) -> String {
        string(self.scenario.tasks.get(index).map_or("", |task| &task.name))
    }

    fn device(&self, index: usize) -> String {
        string(self.scenario.devices.get(index).map_or("", |device| &device.name))
    }

    fn event(&self, index: usize) -> String {
        string(self.scenario.events.get(index).map_or("", String::as_str))
    }

    fn futex(&self, index: usize) -> String {
        string(self.scenario.futexes.get(index).map_or("", String::as_str))
    }

    fn lock(&self, index: usize) -> String {
        string(self.scenario.locks.get(index).map_or("", |lock| &lock.name))
    }

    fn region(&self, index: usize) -> String {
        string(self.task.regions.get(index).map_or("", |region| &region.name))
    }

    fn mmap(&self, out: &mut String, index: usize) -> fmt::Result {
        let Some(Region { name, pages, at, backing, thp }) =
            self.task.regions.get(index).filter(|_| index >= self.inherited)
        else {
            return Ok(());
        };
        write!(out, "mmap = {}, size = {}, at = {at:#x}", string(name), pages_text(*pages))?;
        let kind = match backing {
            Backing::Anonymous => None,
            Backing::PrivateFile => Some("private-file"),
            Backing::SharedFile => Some("shared-file"),
            Backing::Shmem => Some("shmem"),
            Backing::Hugetlb => Some("hugetlb"),
            Backing::Pfnmap => Some("pfnmap"),
        };
        if let Some(kind) = kind {
            write!(out, ", kind = \"{kind}\"")?;
        }
        if *thp { write!(out, ", thp = true") } else { Ok(()) }
    }

    fn touch(
        &self,
        out: &mut String,
        regions: &[usize],
        access: Access,
        rate: Option<u64>,
    ) -> fmt::Result {
        let key = if access == Access::Read { "read" } else { "touch" };
        let names: Vec<String> = regions.iter().map(|index| self.region(*index)).collect();
        write!(out, "{key} = [{}]", names.join(", "))?;
        rate.map_or(Ok(()), |rate| write!(out, ", rate = {}", rate_text(rate)))
    }

    fn lock_op(&self, out: &mut String, lock: LockRef, mode: &str) -> fmt::Result {
        match lock {
            LockRef::Mmap => write!(out, "mmap_lock = {mode}"),
            LockRef::Named(lock) => write!(out, "lock = {}, mode = {mode}", self.lock(lock)),
        }
    }

    /// Work for a device, or for a ring of one.
    fn submit(&self, out: &mut String, device: usize, region: usize, every: Nanos) -> fmt::Result {
        let info = self.scenario.devices.get(device);
        let owner = info.and_then(|info| info.ring_of);
        let (name, region) = (self.device(owner.unwrap_or(device)), self.region(region));
        write!(out, "submit = {name}, region = {region}, every = \"{}\"", format_time(every))?;
        match info.filter(|_| owner.is_some()) {
            Some(ring) => {
                let own = ring.name.rsplit('/').next().unwrap_or_default();
                write!(out, ", ring = {}", string(own))
            }
            None => Ok(()),
        }
    }

    /// One operation, without its braces.
    fn op(&self, out: &mut String, op: &Op, depth: usize) -> fmt::Result {
        match op {
            Op::Mmap { region } => self.mmap(out, *region),
            Op::Munmap { region } => write!(out, "munmap = {}", self.region(*region)),
            Op::Madvise { region } => write!(out, "madvise = {}", self.region(*region)),
            Op::Touch { regions, access, rate } => self.touch(out, regions, *access, *rate),
            Op::Mlock { region, pages } => {
                write!(out, "mlock = {}, size = {}", self.region(*region), pages_text(*pages))
            }
            Op::Munlock { region } => write!(out, "munlock = {}", self.region(*region)),
            Op::Register { device, region, offset, length } => {
                write!(
                    out,
                    "register = {}, region = {}",
                    self.device(*device),
                    self.region(*region)
                )?;
                span(out, *offset, *length)
            }
            Op::Unregister { device } => write!(out, "unregister = {}", self.device(*device)),
            Op::Submit { device, region, every, count } => {
                self.submit(out, *device, *region, *every)?;
                count.map_or(Ok(()), |count| write!(out, ", count = {count}"))
            }
            Op::Fork { child } => write!(out, "fork = {}", self.task(*child)),
            Op::Thread { thread } => {
                let name = self.task.threads.get(*thread).map_or("", |thread| &thread.name);
                write!(out, "thread = {}", string(name))
            }
            Op::Alloc { request, count, hold } => {
                let request = alloc(*request);
                write!(out, "{request}, count = {count}, hold = {hold}")
            }
            Op::Free => write!(out, "free = true"),
            Op::Memalloc { scope, program } => {
                write!(out, "memalloc = {}, ", scope_word(*scope))?;
                self.list(out, "program", program, depth)
            }
            Op::Ioctl { program } => self.list(out, "ioctl", program, depth),
            Op::Lock { lock, hold, killable } => {
                self.lock_op(out, *lock, mode(*hold))?;
                write!(out, ", killable = {killable}")
            }
            Op::Trylock { lock, hold, program } => {
                // The file has no word for the mmap_lock here, and no reader makes it.
                let lock = match lock {
                    LockRef::Named(lock) => self.lock(*lock),
                    LockRef::Mmap => string(""),
                };
                write!(out, "trylock = {lock}, mode = {}, ", mode(*hold))?;
                self.list(out, "program", program, depth)
            }
            Op::Unlock { lock } => match lock {
                LockRef::Mmap => write!(out, "mmap_unlock = true"),
                LockRef::Named(lock) => write!(out, "unlock = {}", self.lock(*lock)),
            },
            Op::AwaitSigkill => write!(out, "await_sigkill = true"),
            Op::Sleep { time, killable } => {
                write!(out, "sleep = {}, signals = {}", distribution(time), signals(*killable))
            }
            Op::Wait { event, killable, timeout, undo } => {
                write!(out, "wait = {}, signals = {}", self.event(*event), signals(*killable))?;
                if let Some(timeout) = timeout {
                    write!(out, ", timeout = \"{}\"", format_time(*timeout))?;
                }
                out.write_str(if *undo { ", undo = true" } else { "" })
            }
            Op::FutexLock { futex, list } => {
                write!(out, "futex_lock = {}, list = {}", self.futex(*futex), self.region(*list))
            }
            Op::FutexUnlock { futex } => write!(out, "futex_unlock = {}", self.futex(*futex)),
            Op::Signal { event, undo: true, .. } => {
                write!(out, "signal = {}, undo = true", self.event(*event))
            }
            Op::Signal { event, all, .. } => {
                write!(out, "signal = {}, all = {all}", self.event(*event))
            }
            Op::Compute { time } => write!(out, "compute = {}", distribution(time)),
            Op::Repeat { count, program } => {
                let count = count.map_or("\"forever\"".to_owned(), |count| count.to_string());
                write!(out, "repeat = {count}, ")?;
                self.list(out, "program", program, depth)
            }
            Op::OomScoreAdj { value } => write!(out, "oom_score_adj = {value}"),
            Op::Kill { task } => write!(out, "kill = {}", self.task(*task)),
            Op::ProcessMrelease { task } => write!(out, "process_mrelease = {}", self.task(*task)),
            Op::Pause { time } => write!(out, "pause = {}", distribution(time)),
            Op::PsiPoll { state, threshold, window } => {
                let [threshold, window] = [threshold, window].map(|time| format_time(*time));
                write!(out, "psi_poll = {}, ", psi_word(*state))?;
                write!(out, "threshold = \"{threshold}\", window = \"{window}\"")
            }
            Op::Stuck { time } => write!(out, "stuck = \"{}\"", format_time(*time)),
            Op::Ready => write!(out, "ready = true"),
            Op::Idle => write!(out, "idle = true"),
            Op::CoreDump => write!(out, "core_dump = true"),
            Op::Exit => write!(out, "exit = true"),
        }
    }
}

/// What of a region a registration covers.
fn span(out: &mut String, offset: u64, length: u64) -> fmt::Result {
    let given = length.min(LENGTH_MAX);
    write!(out, ", offset = \"{}\", length = \"{}\"", format_size(offset), format_size(given))?;
    match length - given {
        0 => Ok(()),
        rest => write!(out, ", extend = \"{}\"", format_size(rest)),
    }
}

fn scope_word(scope: Scope) -> &'static str {
    match scope {
        Scope::Noio => "\"noio\"",
        Scope::Nofs => "\"nofs\"",
        Scope::Memalloc => "\"memalloc\"",
    }
}

fn psi_word(state: PsiState) -> &'static str {
    match state {
        PsiState::MemSome => "\"some\"",
        PsiState::MemFull => "\"full\"",
    }
}

fn mode(hold: Hold) -> &'static str {
    match hold {
        Hold::Shared => "\"read\"",
        Hold::Exclusive => "\"write\"",
    }
}

fn signals(killable: bool) -> &'static str {
    if killable { "\"killable\"" } else { "\"uninterruptible\"" }
}

//! What each operation of a program says: its fields become an [`Op`].

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::checked::{Access, Backing, Hold, LockRef, Op, Scope};
use super::driver::OWN;
use super::error::Report;
use super::fields::Fields;
use super::program::Reader;
use super::spec::{OPS_MAX, Value};
use super::units::{PAGE_SIZE, format_size};
use crate::kernel::psi::PsiState;

impl Reader<'_> {
    /// Reads one operation.
    pub(super) fn step(
        &mut self,
        report: &mut Report<'_>,
        name: &'static str,
        fields: &Fields<'_>,
    ) -> Option<Op> {
        Some(match name {
            "munmap" => {
                let region = self.region(report, fields, name)?;
                self.mapped.remove(&region);
                Op::Munmap { region }
            }
            "madvise" => Op::Madvise { region: self.region(report, fields, name)? },
            "touch" | "write" => self.touch(report, fields, name, Access::Write)?,
            "read" => self.touch(report, fields, name, Access::Read)?,
            "mlock" => {
                let region = self.region(report, fields, name)?;
                let size = self.names.regions.get(region)?.pages * PAGE_SIZE;
                let size = match fields.get("size") {
                    Some(_) => fields.share(report, "size", size)?,
                    None => size,
                };
                Op::Mlock { region, pages: size / PAGE_SIZE }
            }
            "munlock" => Op::Munlock { region: self.region(report, fields, name)? },
            "fork" => self.fork(report, fields)?,
            "thread" => self.start_thread(report, fields)?,
            "alloc" => Op::Alloc {
                request: fields.request(report)?,
                count: optional(report, fields, "count", Fields::number)?.unwrap_or(1),
                hold: optional(report, fields, "hold", Fields::boolean)?.unwrap_or(false),
            },
            "free" => fields.flag(report, name).map(|()| Op::Free)?,
            "memalloc" => {
                let scope = match fields.choice(report, name) {
                    Some("noio") => Scope::Noio,
                    Some("nofs") => Scope::Nofs,
                    _ => Scope::Memalloc,
                };
                let program = self.program(report, fields.get("program")?);
                Op::Memalloc { scope, program }
            }
            "ioctl" => Op::Ioctl { program: self.section(report, fields.get(name)?) },
            "lock" | "trylock" | "unlock" | "mmap_lock" | "mmap_unlock" => {
                self.locking(report, name, fields)?
            }
            "await_sigkill" => fields.flag(report, name).map(|()| Op::AwaitSigkill)?,
            "sleep" => Op::Sleep {
                time: fields.distribution(report, name)?,
                killable: optional(report, fields, "signals", Fields::choice)? == Some("killable"),
            },
            "wait" => self.wait(report, fields)?,
            "signal" => self.signal(report, fields)?,
            "futex_lock" | "futex_unlock" => self.futex(report, name, fields)?,
            "compute" => Op::Compute { time: fields.distribution(report, name)? },
            "repeat" => {
                let value = fields.get(name)?;
                let count = match value.get_ref() {
                    DeValue::Integer(_) => fields.number(report, name).map(Some),
                    _ => fields.choice(report, name).map(|_| None),
                };
                let program = self.repeated(report, fields.get("program")?);
                Op::Repeat { count: count?, program }
            }
            "register" => self.register(report, fields)?,
            "unregister" => Op::Unregister { device: self.device(report, fields, name)? },
            "submit" => {
                let device = self.device(report, fields, name);
                let region = self.region(report, fields, "region");
                self.uses.submits.extend(device.map(|device| (device, fields.span_of(name))));
                let of_file = &self.file.mapped_on_fault;
                if device.and_then(|device| of_file.get(device)) == Some(&false) {
                    // Whoever submits has the memory mapped.
                    self.faults(report, &fields.span_of(name));
                }
                let ring = match device {
                    Some(device) => optional(report, fields, "ring", |fields, report, key| {
                        self.ring(report, fields, key, device)
                    })?,
                    None => None,
                };
                let device = ring.or(device);
                let every = fields.time(report, "every");
                let count = optional(report, fields, "count", Fields::number)?;
                Op::Submit { device: device?, region: region?, every: every?, count }
            }
            "oom_score_adj" => Op::OomScoreAdj { value: fields.number(report, name)? },
            "kill" => Op::Kill { task: self.task(report, fields, name)? },
            "process_mrelease" => Op::ProcessMrelease { task: self.task(report, fields, name)? },
            "pause" => Op::Pause { time: fields.distribution(report, name)? },
            "psi_poll" => psi_poll(report, name, fields)?,
            "stuck" => Op::Stuck { time: fields.time(report, name)? },
            "ready" => fields.flag(report, name).map(|()| Op::Ready)?,
            "idle" => fields.flag(report, name).map(|()| Op::Idle)?,
            "core_dump" => fields.flag(report, name).map(|()| Op::CoreDump)?,
            "exit" => fields.flag(report, name).map(|()| Op::Exit)?,
            _ => unreachable!("invariant: every operation is read here"),
        })
    }

    /// A region's `mmap`: what it says was read with the task's regions.
    pub(super) fn mmap(&mut self, table: &DeTable<'_>) -> Option<Op> {
        let name = table.get("mmap").and_then(|value| value.get_ref().as_str())?;
        let own = self.names.regions.iter().skip(self.names.inherited);
        let region = self.names.inherited + own.clone().position(|region| region.name == name)?;
        self.mapped.insert(region);
        Some(Op::Mmap { region })
    }

    fn touch(
        &mut self,
        report: &mut Report<'_>,
        fields: &Fields<'_>,
        name: &str,
        access: Access,
    ) -> Option<Op> {
        let main = fields.get(name)?;
        let mut regions = Vec::new();
        if let DeValue::Array(_) = main.get_ref() {
            let items = report.array(main, OPS_MAX);
            if items.is_empty() {
                report.add(&main.span(), "no region", "expected at least one");
            }
            for item in items {
                regions.push(self.region_named(report, item)?);
            }
        } else {
            regions.push(self.region_named(report, main)?);
        }
        self.faults(report, &main.span());
        let rate = optional(report, fields, "rate", Fields::rate)?;
        Some(Op::Touch { regions, access, rate })
    }

    /// What faults pages in can't hold `mmap_lock` for writing.
    fn faults(&self, report: &mut Report<'_>, span: &Range<usize>) {
        let writes = |(lock, hold, _): &(LockRef, Hold, Range<usize>)| {
            *lock == LockRef::Mmap && *hold == Hold::Exclusive
        };
        if self.held.iter().flatten().any(writes) {
            let expected = "expected `mmap_unlock` before: the fault would wait for this section";
            report.add(span, "fault under mmap_lock", expected);
        }
    }

    fn register(&mut self, report: &mut Report<'_>, fields: &Fields<'_>) -> Option<Op> {
        let device = self.device(report, fields, "register");
        self.uses.registers.extend(device);
        let region = self.region(report, fields, "region");
        let (device, region) = (device?, region?);
        let size = self.names.regions.get(region)?.pages * PAGE_SIZE;
        let offset = optional(report, fields, "offset", Fields::size)?.unwrap_or(0);
        if offset >= size {
            let expected = format!("expected less than {}, the region's size", format_size(size));
            report.add(&fields.span_of("offset"), "beyond the region", expected);
            return None;
        }
        let length = optional(report, fields, "length", Fields::size)?;
        let extend = optional(report, fields, "extend", Fields::size)?;
        let length = length.unwrap_or(size - offset) + extend.unwrap_or(0);
        Some(Op::Register { device, region, offset, length })
    }

    fn fork(&mut self, report: &mut Report<'_>, fields: &Fields<'_>) -> Option<Op> {
        let child = self.task(report, fields, "fork")?;
        let span = fields.span_of("fork");
        if self.file.parents.get(child).copied().flatten() != Some(self.names.task) {
            let parent = self.file.tasks.get(self.names.task)?;
            let expected = format!("expected a task with parent = \"{parent}\"");
            report.add(&span, "not its child", expected);
            return None;
        }
        if !self.forked.insert(child) {
            report.add(&span, "forked twice", "expected each child once");
            return None;
        }
        Some(Op::Fork { child })
    }

    fn start_thread(&mut self, report: &mut Report<'_>, fields: &Fields<'_>) -> Option<Op> {
        let known: Vec<&str> = self.names.threads.iter().map(String::as_str).collect();
        let thread = fields.index(report, "thread", "thread", &known)?;
        if !self.started.insert(thread) {
            report.add(&fields.span_of("thread"), "started twice", "expected each thread once");
            return None;
        }
        Some(Op::Thread { thread })
    }

    fn locking(&mut self, report: &mut Report<'_>, name: &str, fields: &Fields<'_>) -> Option<Op> {
        let lock = match name {
            "mmap_lock" => LockRef::Mmap,
            "mmap_unlock" => fields.flag(report, name).map(|()| LockRef::Mmap)?,
            _ => {
                let locks: Vec<&str> = self.file.locks.iter().map(String::as_str).collect();
                let own = fields.get(name).and_then(|value| value.get_ref().as_str()) == Some(OWN);
                if own && !locks.contains(&OWN) {
                    let expected = "expected a [[lock]] by its name: a task can take a driver's \
                                    own lock if the device says `lock` = that name";
                    report.add(&fields.span_of(name), "a driver's own lock", expected);
                    return None;
                }
                LockRef::Named(fields.index(report, name, "lock", &locks)?)
            }
        };
        let span = fields.span_of(name);
        let taken = self.held.as_mut()?;
        let at = taken.iter().position(|(other, ..)| *other == lock);
        if let "unlock" | "mmap_unlock" = name {
            let Some(at) = at else {
                report.add(&span, "not held", "expected a lock that this section took before");
                return None;
            };
            taken.remove(at);
            return Some(Op::Unlock { lock });
        }
        if at.is_some() {
            let expected = "expected to let go of it before: the task would wait for itself";
            report.add(&span, "held already", expected);
            return None;
        }
        let mode = if lock == LockRef::Mmap { "mmap_lock" } else { "mode" };
        let reads = optional(report, fields, mode, Fields::choice)? == Some("read");
        if let LockRef::Named(index) = lock
            && reads
            && !self.file.lock_kinds.get(index).is_some_and(|kind| kind.has_readers())
        {
            let expected = "expected no mode, or a lock of kind = \"rwsem\" or \"rwlock\"";
            report.add(&fields.span_of("mode"), "mutex held for reading", expected);
        }
        let hold = if reads { Hold::Shared } else { Hold::Exclusive };
        self.held.get_or_insert_default().push((lock, hold, span));
        if name == "trylock" {
            let before = self.held.clone();
            let value = fields.get("program")?;
            let program = self.program(report, value);
            let locks = |held: &Option<Vec<(LockRef, Hold, Range<usize>)>>| {
                held.iter().flatten().map(|(lock, ..)| *lock).collect::<Vec<_>>()
            };
            if locks(&self.held) != locks(&before) {
                let expected = "expected the same locks held at the end as at the start";
                report.add(&value.span(), "locks of a `trylock`", expected);
            }
            self.held = before;
            self.held.get_or_insert_default().pop();
            return Some(Op::Trylock { lock, hold, program });
        }
        let killable = optional(report, fields, "killable", Fields::boolean)?;
        Some(Op::Lock { lock, hold, killable: killable.unwrap_or(false) })
    }

    fn wait(&self, report: &mut Report<'_>, fields: &Fields<'_>) -> Option<Op> {
        let events: Vec<&str> = self.file.events.iter().map(String::as_str).collect();
        let event = fields.index(report, "wait", "event", &events);
        let signals = optional(report, fields, "signals", Fields::choice)?;
        // Outside the kernel it is a read of a pipe, say.
        let killable = signals.map_or(self.held.is_none(), |word| word == "killable");
        let timeout = optional(report, fields, "timeout", Fields::time)?;
        let undo = optional(report, fields, "undo", Fields::boolean)?.unwrap_or(false);
        if undo && !killable {
            let expected = "expected no `undo`: SIGKILL always ends semop()";
            report.add(&fields.span_of("undo"), "a wait that cannot be killed", expected);
        }
        Some(Op::Wait { event: event?, killable, timeout, undo })
    }

    fn signal(&self, report: &mut Report<'_>, fields: &Fields<'_>) -> Option<Op> {
        let event = fields.get("signal").and_then(|value| report.name(value))?;
        let event = self.file.events.iter().position(|known| known == event)?;
        let all = optional(report, fields, "all", Fields::boolean)?.unwrap_or(false);
        let undo = optional(report, fields, "undo", Fields::boolean)?.unwrap_or(false);
        if undo && all {
            let expected = "expected no `undo`: a semaphore goes to one";
            report.add(&fields.span_of("undo"), "a signal to all", expected);
        }
        Some(Op::Signal { event, all, undo })
    }

    fn futex(&self, report: &mut Report<'_>, name: &str, fields: &Fields<'_>) -> Option<Op> {
        let known: Vec<&str> = self.file.futexes.iter().map(String::as_str).collect();
        if name == "futex_unlock" {
            return Some(Op::FutexUnlock { futex: fields.index(report, name, "futex", &known)? });
        }
        let name = fields.get(name).and_then(|value| report.name(value))?;
        let futex = known.iter().position(|known| *known == name)?;
        let list = self.region(report, fields, "list")?;
        if self.names.regions.get(list)?.backing != Backing::Anonymous {
            let expected = "expected anonymous memory: the list is the thread's own";
            report.add(&fields.span_of("list"), "a list in shared memory", expected);
        }
        Some(Op::FutexLock { futex, list })
    }

    fn task(&self, report: &mut Report<'_>, fields: &Fields<'_>, key: &str) -> Option<usize> {
        let known: Vec<&str> = self.file.tasks.iter().map(String::as_str).collect();
        fields.index(report, key, "task", &known)
    }

    fn device(&self, report: &mut Report<'_>, fields: &Fields<'_>, key: &str) -> Option<usize> {
        let known: Vec<&str> = self.file.devices.iter().map(String::as_str).collect();
        fields.index(report, key, "device", &known)
    }

    /// A ring of a device; rings come behind all devices.
    fn ring(
        &self,
        report: &mut Report<'_>,
        fields: &Fields<'_>,
        key: &str,
        device: usize,
    ) -> Option<usize> {
        let rings = &self.file.rings;
        let known: Vec<&str> = rings.get(device)?.iter().map(String::as_str).collect();
        let index = fields.index(report, key, "ring", &known)?;
        let before: usize = rings[..device].iter().map(Vec::len).sum();
        Some(self.file.devices.len() + before + index)
    }

    fn region(&self, report: &mut Report<'_>, fields: &Fields<'_>, key: &str) -> Option<usize> {
        self.region_named(report, fields.get(key)?)
    }

    fn region_named(&self, report: &mut Report<'_>, value: &Value<'_>) -> Option<usize> {
        let known: Vec<&str> = self.names.regions.iter().map(|r| r.name.as_str()).collect();
        // A region of its own hides its parent's of the same name.
        let name = report.string(value)?.to_owned();
        let last = known.iter().rposition(|known| *known == name && !name.is_empty());
        let index = match last {
            Some(index) => index,
            None => report.index(value, "region", &known)?,
        };
        if !self.mapped.contains(&index) {
            report.add(&value.span(), "not mapped here", "expected its `mmap` before this");
            return None;
        }
        Some(index)
    }
}

fn psi_poll(report: &mut Report<'_>, name: &str, fields: &Fields<'_>) -> Option<Op> {
    let state = match fields.choice(report, name)? {
        "full" => PsiState::MemFull,
        _ => PsiState::MemSome,
    };
    let (threshold, window) = (fields.time(report, "threshold"), fields.time(report, "window"));
    let (threshold, window) = (threshold?, window?);
    if threshold > window {
        let expected = "expected no more than the window";
        report.add(&fields.span_of("threshold"), "threshold beyond its window", expected);
        return None;
    }
    Some(Op::PsiPoll { state, threshold, window })
}

/// A field that may be absent: `None` if what it says doesn't fit.
#[expect(clippy::option_option, reason = "absent is one thing, unfit another")]
fn optional<'t, T>(
    report: &mut Report<'_>,
    fields: &Fields<'t>,
    key: &str,
    read: impl FnOnce(&Fields<'t>, &mut Report<'_>, &str) -> Option<T>,
) -> Option<Option<T>> {
    match fields.get(key) {
        Some(_) => read(fields, report, key).map(Some),
        None => Some(None),
    }
}

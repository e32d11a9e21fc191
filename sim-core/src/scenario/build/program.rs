//! Checked steps of programs become operations.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::super::checked::{ForkMm, LockRef, Op, Region, Scenario, Scope, Task, Thread};
use super::super::units::PAGE_SIZE;
use super::{NamedLocks, leader, mm_of};
use crate::base::{CompletionId, DeviceId, Distribution, Seeds};
use crate::engine::{Share, Signals};
use crate::kernel::filemap::File;
use crate::kernel::mm::{Backing, Vma};
use crate::kernel::{CloneMm, Kernel};
use crate::record::RangeInfo;
use crate::workload::{self, Draws, MapCall, Mode, Operation, Program, SectionLock};

/// Turns the programs of one task into operations.
pub(super) struct Programs<'a> {
    kernel: &'a Kernel,
    scenario: &'a Scenario,
    task: &'a Task,
    index: usize,
    named: &'a NamedLocks,
    seeds: &'a Seeds,
    /// Made already: name, thread id, share of the CPUs, program.
    threads: Vec<(String, u32, Share, Program)>,
    /// The thread whose program is made.
    name: String,
    /// Events that each thread signals, by the thread's name.
    signals: BTreeMap<String, Vec<CompletionId>>,
    mode: Mode,
    /// Streams so far, by thread and purpose: each operation has its own.
    streams: BTreeMap<(String, &'static str), u32>,
}

impl<'a> Programs<'a> {
    pub(super) fn new(
        kernel: &'a Kernel,
        scenario: &'a Scenario,
        index: usize,
        named: &'a NamedLocks,
        seeds: &'a Seeds,
    ) -> Self {
        Self {
            kernel,
            scenario,
            task: &scenario.tasks[index],
            index,
            named,
            seeds,
            threads: Vec::new(),
            name: String::new(),
            signals: BTreeMap::new(),
            mode: Mode::User,
            streams: BTreeMap::new(),
        }
    }

    /// Makes the program of a further thread.
    pub(super) fn thread(&mut self, thread: &Thread, pid: u32, share: Share) {
        self.name = format!("{}/{}", self.task.name, thread.name);
        let program = self.operations(&thread.program);
        self.threads.push((self.name.clone(), pid, share, program));
    }

    /// The program of the first thread, which may start the others.
    pub(super) fn first(mut self) -> Program {
        self.name.clone_from(&self.task.name);
        let task = self.task;
        self.operations(&task.program)
    }

    fn operations(&mut self, steps: &[Op]) -> Program {
        steps.iter().map(|step| self.operation(step)).collect()
    }

    fn kernel_operations(&mut self, steps: &[Op]) -> Program {
        let mode = std::mem::replace(&mut self.mode, Mode::Kernel);
        let program = self.operations(steps);
        self.mode = mode;
        program
    }

    fn region(&self, index: usize) -> &'a Region {
        &self.task.regions[index]
    }

    fn operation(&mut self, step: &Op) -> Box<dyn Operation> {
        match step {
            Op::Mmap { region } => Box::new(workload::Mmap { vma: self.vma(*region) }),
            Op::Munmap { region } => self.on_region(MapCall::Munmap, *region),
            Op::Madvise { region } => self.on_region(MapCall::Dontneed, *region),
            Op::Munlock { region } => self.on_region(MapCall::Munlock, *region),
            Op::Mlock { region, pages } => {
                let at = self.region(*region).at;
                Box::new(workload::OnRange {
                    call: MapCall::Mlock,
                    start: at,
                    end: at + pages * PAGE_SIZE,
                })
            }
            Op::Touch { regions, access, rate } => {
                let regions = regions.iter().map(|&index| self.region(index));
                let regions = regions.map(|region| (region.at, region.pages)).collect();
                let (access, rate, mode) = (*access, *rate, self.mode);
                Box::new(workload::Touch { regions, access, rate, mode })
            }
            Op::Register { device, region, offset, length } => {
                let start = self.region(*region).at + offset;
                let device = DeviceId::from_index(*device);
                Box::new(workload::Register { device, start, end: start + length })
            }
            Op::Unregister { device } => {
                Box::new(workload::Unregister { device: DeviceId::from_index(*device) })
            }
            Op::Submit { device, region, every, count } => Box::new(workload::Submit {
                device: DeviceId::from_index(*device),
                address: self.region(*region).at,
                every: *every,
                count: *count,
                mode: self.mode,
            }),
            Op::FutexLock { futex, list } => Box::new(workload::FutexLock {
                futex: self.named.futexes[*futex],
                list: self.region(*list).at,
            }),
            Op::FutexUnlock { futex } => {
                Box::new(workload::FutexUnlock { futex: self.named.futexes[*futex] })
            }
            Op::PsiPoll { state, threshold, window } => Box::new(workload::PsiPoll {
                state: *state,
                threshold: *threshold,
                window: *window,
                trigger: Cell::new(None),
            }),
            Op::Stuck { time } => Box::new(workload::Stuck { time: *time }),
            Op::Ready => Box::new(workload::Ready),
            Op::Idle => Box::new(workload::Idle),
            Op::CoreDump => Box::new(workload::CoreDump),
            Op::Exit => Box::new(workload::Exit),
            Op::Pause { time } => Box::new(workload::Pause { time: self.draws("pause", *time) }),
            Op::Compute { time } => {
                Box::new(workload::Compute { time: self.draws("compute", *time), mode: self.mode })
            }
            Op::Repeat { count, program } => {
                let (program, mode) = (self.operations(program), self.mode);
                Box::new(workload::Repeat { count: *count, program, mode })
            }
            Op::Fork { .. }
            | Op::Thread { .. }
            | Op::OomScoreAdj { .. }
            | Op::ProcessMrelease { .. }
            | Op::Kill { .. } => self.on_processes(step),
            Op::Alloc { .. } | Op::Free | Op::Memalloc { .. } => self.on_memory(step),
            Op::Ioctl { .. }
            | Op::Lock { .. }
            | Op::Trylock { .. }
            | Op::Unlock { .. }
            | Op::AwaitSigkill
            | Op::Sleep { .. }
            | Op::Wait { .. }
            | Op::Signal { .. } => self.in_kernel(step),
        }
    }

    fn on_processes(&mut self, step: &Op) -> Box<dyn Operation> {
        match *step {
            Op::Fork { child } => {
                let mm = match self.scenario.tasks[child].fork.map(|fork| fork.mm) {
                    Some(ForkMm::Shared) => CloneMm::Shared,
                    Some(ForkMm::Vfork) => CloneMm::Vfork,
                    _ => CloneMm::Copy(mm_of(self.scenario, child)),
                };
                Box::new(workload::Fork { child: leader(self.scenario, child), mm })
            }
            Op::Thread { thread } => {
                let (name, pid, share, program) = &self.threads[thread];
                let (name, program) = (name.clone(), Rc::clone(program));
                let comm = self.task.threads[thread].comm.clone();
                let signals = self.signals.get(&name).cloned().unwrap_or_default();
                let (pid, share) = (*pid, *share);
                Box::new(workload::Thread { name, comm, pid, share, program, signals })
            }
            Op::OomScoreAdj { value } => Box::new(workload::OomScoreAdj { value }),
            Op::ProcessMrelease { task } => {
                Box::new(workload::Mrelease { leader: leader(self.scenario, task) })
            }
            Op::Kill { task } => Box::new(workload::Kill { leader: leader(self.scenario, task) }),
            _ => unreachable!("invariant: the caller picks these"),
        }
    }

    fn on_memory(&mut self, step: &Op) -> Box<dyn Operation> {
        match step {
            &Op::Alloc { request, count, hold } => {
                Box::new(workload::Alloc { request, count, hold })
            }
            Op::Free => Box::new(workload::Free),
            Op::Memalloc { scope, program } => {
                let scope = match scope {
                    Scope::Noio => workload::Scope::Noio,
                    Scope::Nofs => workload::Scope::Nofs,
                    Scope::Memalloc => workload::Scope::Memalloc,
                };
                let (program, mode) = (self.operations(program), self.mode);
                Box::new(workload::Memalloc { scope, program, mode })
            }
            _ => unreachable!("invariant: the caller picks these"),
        }
    }

    fn in_kernel(&mut self, step: &Op) -> Box<dyn Operation> {
        match step {
            Op::Ioctl { program } => {
                Box::new(workload::Ioctl { program: self.kernel_operations(program) })
            }
            Op::Lock { lock, hold, killable } => Box::new(workload::Lock {
                lock: self.lock(*lock),
                hold: *hold,
                signals: signals(*killable),
            }),
            Op::Trylock { lock, hold, program } => Box::new(workload::Trylock {
                lock: self.lock(*lock),
                hold: *hold,
                program: self.operations(program),
            }),
            Op::Unlock { lock } => Box::new(workload::Unlock { lock: self.lock(*lock) }),
            Op::AwaitSigkill => Box::new(workload::AwaitSigkill),
            Op::Sleep { time, killable } => Box::new(workload::Sleep {
                time: self.draws("sleep", *time),
                signals: signals(*killable),
            }),
            Op::Wait { event, killable, timeout, undo } => {
                let event = CompletionId::from_index(*event);
                if *undo {
                    // At the latest when it exits.
                    self.signals(event);
                }
                let signals = signals(*killable);
                Box::new(workload::Wait { event, signals, timeout: *timeout, undo: *undo })
            }
            Op::Signal { event, all, undo } => {
                let event = CompletionId::from_index(*event);
                self.signals(event);
                Box::new(workload::Signal { event, all: *all, undo: *undo })
            }
            _ => unreachable!("invariant: the caller picks these"),
        }
    }

    /// The program at hand signals an event.
    fn signals(&mut self, event: CompletionId) {
        self.signals.entry(self.name.clone()).or_default().push(event);
        // The first thread may do so by starting the one that does.
        let leader = leader(self.scenario, self.index);
        workload::add_signaler(self.kernel, event, leader);
    }

    /// A region's VMA, without pages.
    fn vma(&self, index: usize) -> Vma {
        let region = self.region(index);
        let (mm, start, end) = (mm_of(self.scenario, self.index), region.at, region.end());
        let anonymous = region.backing == Backing::Anonymous;
        let name = region.name.clone();
        let id = self.kernel.engine.observe(|_, recorder| {
            recorder.cast.ranges.push(RangeInfo { mm, start, end, name, anonymous })
        });
        let mut vma = Vma::new(id, start, end, region.backing);
        vma.thp = region.thp;
        if let Backing::PrivateFile | Backing::SharedFile | Backing::Shmem = region.backing {
            vma.vm_file = Some(self.kernel.with(|state| state.files.push(File::default())));
        }
        vma
    }

    fn on_region(&self, call: MapCall, index: usize) -> Box<dyn Operation> {
        let region = self.region(index);
        Box::new(workload::OnRange { call, start: region.at, end: region.end() })
    }

    fn lock(&self, lock: LockRef) -> SectionLock {
        match lock {
            LockRef::Named(index) => SectionLock::Named(self.named.declared[index]),
            LockRef::Mmap => SectionLock::Mmap,
        }
    }

    /// Draws from a stream that no other operation has.
    fn draws(&mut self, purpose: &'static str, time: Distribution) -> Draws {
        let count = self.streams.entry((self.name.clone(), purpose)).or_insert(0);
        let entity = match *count {
            0 => self.name.clone(),
            count => format!("{}#{count}", self.name),
        };
        *count += 1;
        Draws::new(time, self.seeds.stream(purpose, &entity))
    }
}

fn signals(killable: bool) -> Signals {
    if killable { Signals::Killable } else { Signals::Ignored }
}

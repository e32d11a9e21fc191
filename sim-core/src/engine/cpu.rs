//! CPUs, shared fairly in time slices.
//!
//! A process asks for CPU time with [`Engine::cpu`]. If more want to run
//! than there are CPUs, the one that has had least (`vruntime`) goes
//! first; at a tick the running one yields when its slice is used up,
//! and a process that wakes may preempt one that has had clearly more.
//! This is the outline of the kernel's CFS (kernel/sched/fair.c,
//! Linux 6.1: check_preempt_tick, wakeup_preempt_entity, place_entity)
//! with one queue for all CPUs; left out: weights, groups, balancing.
//! No tick is simulated while nobody waits for a CPU.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::core::{Action, Core, Engine, EngineEvent, Observer, State};
use super::event_list::{Class, EventKey};
use crate::base::{CpuId, IdVec, Nanos, SimTime, TaskId};

/// How many CPUs there are, and how they are shared.
#[derive(Copy, Clone, Debug)]
pub struct Cpus {
    /// Number of CPUs, at least 1.
    pub count: u32,
    /// Time between two ticks.
    pub tick: Nanos,
    /// Time in which every runnable process should run once.
    pub latency: Nanos,
    /// Shortest slice.
    pub min_granularity: Nanos,
    /// How much more a running process must have had to be preempted by one that wakes.
    pub wakeup_granularity: Nanos,
    /// Cost of a switch, charged to the process that gets the CPU.
    pub switch_cost: Nanos,
}

/// A process's side of the scheduler.
#[derive(Default)]
pub(super) struct Burst {
    /// CPU time it still has to consume before it is resumed.
    left: Nanos,
    /// CPU time it has had, in the scheduler's virtual nanoseconds.
    vruntime: u64,
    cpu: Option<CpuId>,
    /// Up to when `vruntime` is accounted.
    accounted: SimTime,
    /// When it got the CPU or its slice began anew.
    slice_start: SimTime,
    /// Its pending resume, and when that is due.
    resume: Option<(EventKey, SimTime)>,
}

pub(super) struct Scheduler {
    cpus: Cpus,
    running: IdVec<CpuId, Option<TaskId>>,
    /// Whether a tick is pending, and whether the running process must yield.
    ticking: IdVec<CpuId, bool>,
    need_resched: IdVec<CpuId, bool>,
    /// Runnable processes, the next one last: (vruntime, sequence, task), descending.
    queue: Vec<(u64, u64, TaskId)>,
    sequence: u64,
    min_vruntime: u64,
}

impl Scheduler {
    pub(super) fn new(cpus: Cpus) -> Self {
        let mut running = IdVec::new();
        let mut flags = IdVec::new();
        for _ in 0..cpus.count.max(1) {
            running.push(None);
            flags.push(false);
        }
        Self {
            cpus,
            running,
            need_resched: flags.clone(),
            ticking: flags,
            queue: Vec::new(),
            sequence: 0,
            min_vruntime: 0,
        }
    }

    fn enqueue(&mut self, vruntime: u64, task: TaskId) {
        let key = (vruntime, self.sequence, task);
        self.sequence += 1;
        let at = self.queue.partition_point(|entry| *entry > key);
        self.queue.insert(at, key);
    }
}

impl<O: Observer> Core<O> {
    /// A process wants to go on. Without a CPU it is resumed by an
    /// event of `class`; else it is placed, and may preempt.
    pub(super) fn make_runnable(&mut self, task: TaskId, class: Class) {
        if !self.processes[task].on_cpu {
            self.resume_at(task, self.now(), class);
            self.processes[task].state = State::Running;
            return;
        }
        // Whoever runs has moved on since it was last accounted.
        for index in 0..self.scheduler.running.len() {
            if let Some(running) = self.scheduler.running[CpuId::from_index(index)] {
                self.account(running);
            }
        }
        let credit = self.scheduler.cpus.latency.0 / 2;
        let floor = self.scheduler.min_vruntime.saturating_sub(credit);
        let burst = &mut self.processes[task].burst;
        burst.vruntime = burst.vruntime.max(floor);
        let vruntime = burst.vruntime;
        if let Some(cpu) = self.idle_cpu() {
            self.dispatch(cpu, task);
            return;
        }
        let (cpu, most) = self.busiest();
        self.scheduler.enqueue(vruntime, task);
        if most > vruntime + self.scheduler.cpus.wakeup_granularity.0 {
            self.reschedule(cpu);
        } else {
            self.arm_ticks();
        }
    }

    /// The running process consumes `span` before it is resumed.
    fn start_burst(&mut self, span: Nanos) {
        let task = self.current();
        self.processes[task].burst.left = span;
        if let Some(cpu) = self.processes[task].burst.cpu
            && self.scheduler.need_resched[cpu]
        {
            self.yield_cpu(cpu, task);
            self.pick_next(cpu);
            return;
        }
        self.resume_at(task, self.now() + span, Class::Step);
    }

    /// The process parks or ends: somebody else gets its CPU.
    pub(super) fn leave_cpu(&mut self, task: TaskId) {
        if let Some(cpu) = self.processes[task].burst.cpu {
            self.account(task);
            self.processes[task].burst.cpu = None;
            self.scheduler.running[cpu] = None;
            self.scheduler.need_resched[cpu] = false;
            self.pick_next(cpu);
        }
    }

    /// The periodic look at whether the running process had its share.
    pub(super) fn tick(&mut self, cpu: CpuId) {
        self.scheduler.ticking[cpu] = false;
        let (Some(task), Some(&(next, ..))) =
            (self.scheduler.running[cpu], self.scheduler.queue.last())
        else {
            return;
        };
        self.account(task);
        let cpus = &self.scheduler.cpus;
        let sharing = self.scheduler.queue.len() as u64 / u64::from(cpus.count) + 1;
        let slice = (cpus.latency.0 / sharing).max(cpus.min_granularity.0);
        let burst = &self.processes[task].burst;
        let used = (self.events.now() - burst.slice_start).0;
        let ahead = burst.vruntime.saturating_sub(next);
        if used > slice || (used >= cpus.min_granularity.0 && ahead > slice) {
            self.reschedule(cpu);
        }
        self.arm_ticks();
    }

    /// Lets the process with the least `vruntime` have the CPU, unless
    /// the running one is that process.
    fn reschedule(&mut self, cpu: CpuId) {
        let task = self.scheduler.running[cpu].expect("invariant: only a busy CPU reschedules");
        if self.current == Some(task) {
            // It is in the middle of a step, which takes no time; it yields after it.
            self.scheduler.need_resched[cpu] = true;
            return;
        }
        self.account(task);
        let vruntime = self.processes[task].burst.vruntime;
        let now = self.events.now();
        if self.scheduler.queue.last().is_none_or(|&(next, ..)| vruntime <= next) {
            self.processes[task].burst.slice_start = now;
            return;
        }
        let burst = &mut self.processes[task].burst;
        let (key, due) = burst.resume.take().expect("invariant: the running have a resume");
        burst.left = due - now;
        self.events.cancel(key);
        self.yield_cpu(cpu, task);
        self.pick_next(cpu);
    }

    fn yield_cpu(&mut self, cpu: CpuId, task: TaskId) {
        self.account(task);
        let process = &mut self.processes[task];
        process.state = State::Runnable;
        process.burst.cpu = None;
        let vruntime = process.burst.vruntime;
        self.scheduler.running[cpu] = None;
        self.scheduler.need_resched[cpu] = false;
        self.emit(task, EngineEvent::Preempted);
        self.scheduler.enqueue(vruntime, task);
    }

    fn pick_next(&mut self, cpu: CpuId) {
        if let Some((_, _, task)) = self.scheduler.queue.pop() {
            self.dispatch(cpu, task);
        }
        self.arm_ticks();
    }

    fn dispatch(&mut self, cpu: CpuId, task: TaskId) {
        let now = self.events.now();
        self.scheduler.running[cpu] = Some(task);
        let process = &mut self.processes[task];
        process.state = State::Running;
        process.burst.cpu = Some(cpu);
        process.burst.accounted = now;
        process.burst.slice_start = now;
        let due = now + self.scheduler.cpus.switch_cost + process.burst.left;
        self.emit(task, EngineEvent::Ran(cpu));
        self.resume_at(task, due, Class::Step);
    }

    fn resume_at(&mut self, task: TaskId, at: SimTime, class: Class) {
        let key = self.events.schedule(at, class, Action::Resume(task));
        self.processes[task].burst.resume = Some((key, at));
    }

    /// The process is about to be polled: its burst is over.
    pub(super) fn burst_done(&mut self, task: TaskId) {
        let burst = &mut self.processes[task].burst;
        burst.resume = None;
        burst.left = Nanos(0);
    }

    fn account(&mut self, task: TaskId) {
        let now = self.events.now();
        let burst = &mut self.processes[task].burst;
        burst.vruntime += (now - burst.accounted).0;
        burst.accounted = now;
        let mut least = burst.vruntime;
        if let Some(&(next, ..)) = self.scheduler.queue.last() {
            least = least.min(next);
        }
        self.scheduler.min_vruntime = self.scheduler.min_vruntime.max(least);
    }

    fn idle_cpu(&self) -> Option<CpuId> {
        self.scheduler.running.iter().find(|(_, task)| task.is_none()).map(|(cpu, _)| cpu)
    }

    /// The CPU whose process has had most, and how much.
    fn busiest(&self) -> (CpuId, u64) {
        let mut busiest = (CpuId(0), 0);
        for (cpu, task) in self.scheduler.running.iter() {
            let task = task.expect("invariant: no CPU is idle");
            let had = self.processes[task].burst.vruntime;
            if had > busiest.1 {
                busiest = (cpu, had);
            }
        }
        busiest
    }

    fn arm_ticks(&mut self) {
        if self.scheduler.queue.is_empty() {
            return;
        }
        let tick = self.scheduler.cpus.tick.0;
        let at = SimTime((self.events.now().0 / tick + 1) * tick);
        for index in 0..self.scheduler.running.len() {
            let cpu = CpuId::from_index(index);
            if self.scheduler.running[cpu].is_some() && !self.scheduler.ticking[cpu] {
                self.scheduler.ticking[cpu] = true;
                self.events.schedule(at, Class::Timer, Action::Tick(cpu));
            }
        }
    }
}

impl<O: Observer> Engine<O> {
    /// Consumes `span` of CPU time; takes longer if the CPU is shared. Even
    /// no time at all goes through the event list, so that a loop that
    /// costs nothing is seen by [`Limits`](super::Limits).
    /// A process without a CPU (a device) just takes that long.
    pub fn cpu(&self, span: Nanos) -> Consume<'_, O> {
        Consume { engine: self, span, polled: false }
    }
}

/// The await of [`Engine::cpu`].
pub struct Consume<'e, O> {
    engine: &'e Engine<O>,
    span: Nanos,
    polled: bool,
}

impl<O: Observer> Future for Consume<'_, O> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.polled {
            return Poll::Ready(());
        }
        self.polled = true;
        self.engine.core.borrow_mut().start_burst(self.span);
        Poll::Pending
    }
}

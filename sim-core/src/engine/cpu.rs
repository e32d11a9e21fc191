//! CPUs, shared in time slices by weight, or held by priority.
//!
//! A process asks for CPU time with [`Engine::cpu`]. If more want to run
//! than there are CPUs, those with a real-time priority go first, the
//! highest in front, each until it waits (SCHED_FIFO). Of the others the
//! one that has had least for its weight (`vruntime`) goes first; at a
//! tick the running one yields when its slice is used up, and a process
//! that wakes may preempt one that has had clearly more. This is the
//! outline of the kernel's CFS (kernel/sched/fair.c, Linux 6.1:
//! check_preempt_tick, wakeup_preempt_entity, place_entity) with one
//! queue for all CPUs; left out: groups, balancing, and the throttling
//! that leaves 5 % to others beside a real-time process that never waits.
//! No tick is simulated while nobody waits for a CPU.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::action::Action;
use super::core::{Core, Engine, EngineEvent, Observer, State};
use super::event_list::{Class, EventKey};
use super::interfere::Shift;
use super::run_queue::{Rank, RunQueue, Share};
use crate::base::{CpuId, IdVec, Nanos, SimTime, TaskId};

/// How many CPUs there are, and how they are shared.
#[derive(Copy, Clone, Debug)]
pub struct Cpus {
    /// Number of CPUs, at least 1.
    pub count: u32,
    /// Time between two ticks.
    pub tick: Nanos,
    /// How long before time zero the last tick was.
    pub since_tick: Nanos,
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
    share: Share,
    /// CPU time it still has to consume before it is resumed.
    left: Nanos,
    /// CPU time charged that its next burst pays for.
    owed: Nanos,
    /// Its place in line among those of its rank.
    turn: u64,
    /// CPU time it has had, in the scheduler's virtual nanoseconds.
    vruntime: u64,
    cpu: Option<CpuId>,
    /// How often preemption is off (`preempt_count`): it yields no CPU until it is on, or it parks.
    preempt_off: u32,
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
    queue: RunQueue,
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
            queue: RunQueue::default(),
            min_vruntime: 0,
        }
    }
}

impl Scheduler {
    /// How many CPUs there are.
    pub(super) fn count(&self) -> usize {
        self.running.len()
    }
}

impl Burst {
    fn rank(&self) -> Rank {
        Rank::new(self.share, self.vruntime)
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
        let burst = &mut self.bursts[task];
        burst.vruntime = burst.vruntime.max(floor);
        burst.turn = self.scheduler.queue.last_turn();
        match self.idle_cpu() {
            Some(cpu) => self.dispatch(cpu, task),
            None => self.line_up(task),
        }
    }

    /// Puts a process in line, and lets it have a CPU at once if it
    /// deserves one so much more than who has it.
    fn line_up(&mut self, task: TaskId) {
        let (cpu, most) = self.busiest();
        let burst = &self.bursts[task];
        let preempts = match (burst.rank(), most) {
            (Rank::Fair(mine), Rank::Fair(most)) => {
                let granularity = self.scheduler.cpus.wakeup_granularity.0;
                most > mine + burst.share.virtual_time(granularity)
            }
            (mine, most) => mine < most,
        };
        self.scheduler.queue.push(burst.rank(), burst.turn, burst.share, task);
        if preempts {
            self.reschedule(cpu);
        } else {
            self.arm_ticks();
        }
    }

    /// The running process consumes `span` before it is resumed.
    fn start_burst(&mut self, span: Nanos) {
        let task = self.current();
        let burst = &mut self.bursts[task];
        let span = span + std::mem::take(&mut burst.owed);
        burst.left = span;
        if let Some(cpu) = self.bursts[task].cpu
            && self.scheduler.need_resched[cpu]
            && self.bursts[task].preempt_off == 0
        {
            self.scheduler.need_resched[cpu] = false;
            if !self.goes_on(task) {
                self.yield_cpu(cpu, task);
                self.pick_next(cpu);
                return;
            }
        }
        self.resume_at(task, self.now() + span, Class::Step);
    }

    /// The process parks or ends: somebody else gets its CPU.
    pub(super) fn leave_cpu(&mut self, task: TaskId) {
        if !self.processes[task].on_cpu {
            return;
        }
        if let Some(cpu) = self.bursts[task].cpu {
            self.account(task);
            self.bursts[task].cpu = None;
            self.scheduler.running[cpu] = None;
            self.scheduler.need_resched[cpu] = false;
            self.pick_next(cpu);
        }
    }

    /// The periodic look at whether the running process had its share.
    pub(super) fn tick(&mut self, cpu: CpuId) {
        self.scheduler.ticking[cpu] = false;
        let (Some(task), Some(next)) = (self.scheduler.running[cpu], self.scheduler.queue.next())
        else {
            return;
        };
        self.account(task);
        let cpus = &self.scheduler.cpus;
        let burst = &self.bursts[task];
        match (burst.rank(), next) {
            (Rank::Fair(mine), Rank::Fair(next)) => {
                // sched_slice(): its weight's part of the latency, among those of this CPU.
                let weight = burst.share.weight();
                let sharing = self.scheduler.queue.weight() / u64::from(cpus.count) + weight;
                let slice = cpus.latency.0 * weight / sharing.max(1);
                let slice = slice.max(cpus.min_granularity.0);
                let used = (self.events.now() - burst.slice_start).0;
                let ahead = mine.saturating_sub(next);
                if used > slice || (used >= cpus.min_granularity.0 && ahead > slice) {
                    self.reschedule(cpu);
                }
            }
            (mine, next) if next < mine => self.reschedule(cpu),
            _ => {}
        }
        self.arm_ticks();
    }

    /// Lets the process with the least rank have the CPU, unless
    /// the running one is that process.
    fn reschedule(&mut self, cpu: CpuId) {
        let task = self.scheduler.running[cpu].expect("invariant: only a busy CPU reschedules");
        if self.current == Some(task) || self.bursts[task].preempt_off > 0 {
            // It is in the middle of a step, which takes no time, or must not be interrupted; it
            // yields after that.
            self.scheduler.need_resched[cpu] = true;
            return;
        }
        if self.goes_on(task) {
            return;
        }
        let now = self.events.now();
        let burst = &mut self.bursts[task];
        let (key, due) = burst.resume.take().expect("invariant: the running have a resume");
        burst.left = due - now;
        self.events.cancel(key);
        self.yield_cpu(cpu, task);
        self.pick_next(cpu);
    }

    /// Whether nobody in line goes before the one who has a CPU (`pick_next_task()` finds the same
    /// one again): it keeps it, and its slice begins anew.
    fn goes_on(&mut self, task: TaskId) -> bool {
        self.account(task);
        let rank = self.bursts[task].rank();
        let goes_on = self.scheduler.queue.next().is_none_or(|next| rank <= next);
        if goes_on {
            self.bursts[task].slice_start = self.events.now();
        }
        goes_on
    }

    fn yield_cpu(&mut self, cpu: CpuId, task: TaskId) {
        self.account(task);
        self.processes[task].state = State::Runnable;
        let burst = &mut self.bursts[task];
        burst.cpu = None;
        self.scheduler.running[cpu] = None;
        self.scheduler.need_resched[cpu] = false;
        // Of equal priority, who was interrupted goes on first.
        if let Share::Fair(_) = burst.share {
            burst.turn = self.scheduler.queue.last_turn();
        }
        self.scheduler.queue.push(burst.rank(), burst.turn, burst.share, task);
        self.emit(task, EngineEvent::Preempted);
    }

    fn pick_next(&mut self, cpu: CpuId) {
        if let Some(task) = self.scheduler.queue.pop() {
            self.scheduler.queue.left(self.bursts[task].share);
            self.dispatch(cpu, task);
        }
        self.arm_ticks();
    }

    fn dispatch(&mut self, cpu: CpuId, task: TaskId) {
        let now = self.events.now();
        self.scheduler.running[cpu] = Some(task);
        self.processes[task].state = State::Running;
        let burst = &mut self.bursts[task];
        burst.cpu = Some(cpu);
        burst.accounted = now;
        burst.slice_start = now;
        let due = now + self.scheduler.cpus.switch_cost + burst.left;
        self.emit(task, EngineEvent::Ran(cpu));
        self.resume_at(task, due, Class::Step);
    }

    /// Who has a CPU.
    pub(super) fn runs_on(&self, cpu: u32) -> Option<TaskId> {
        let index = usize::try_from(cpu).ok().filter(|index| *index < self.scheduler.count())?;
        self.scheduler.running[CpuId::from_index(index)]
    }

    /// Moves the end of what a process computes, or of a device's work;
    /// false if it is in the middle of a step.
    pub(super) fn shift_burst(&mut self, task: TaskId, shift: Shift) -> bool {
        let now = self.now();
        let burst = &mut self.bursts[task];
        match burst.resume {
            Some((key, due)) => {
                self.events.cancel(key);
                self.resume_at(task, shift.from(due, now), Class::Step);
            }
            // In line for a CPU.
            None if self.processes[task].state == State::Runnable => match shift {
                Shift::Now => burst.left = Nanos(0),
                Shift::Later(by) => burst.left += by,
            },
            None => return false,
        }
        true
    }

    fn resume_at(&mut self, task: TaskId, at: SimTime, class: Class) {
        let key = self.schedule(at, class, Action::Resume(task));
        self.bursts[task].resume = Some((key, at));
    }

    /// The process is about to be polled: its burst is over.
    pub(super) fn burst_done(&mut self, task: TaskId) {
        let burst = &mut self.bursts[task];
        burst.resume = None;
        burst.left = Nanos(0);
    }

    fn account(&mut self, task: TaskId) {
        let now = self.events.now();
        let burst = &mut self.bursts[task];
        burst.vruntime += burst.share.virtual_time((now - burst.accounted).0);
        burst.accounted = now;
        let Rank::Fair(mut least) = burst.rank() else { return };
        if let Some(Rank::Fair(next)) = self.scheduler.queue.next() {
            least = least.min(next);
        }
        self.scheduler.min_vruntime = self.scheduler.min_vruntime.max(least);
    }

    fn idle_cpu(&self) -> Option<CpuId> {
        self.scheduler.running.iter().find(|(_, task)| task.is_none()).map(|(cpu, _)| cpu)
    }

    /// The CPU whose process has the last rank, and that rank.
    fn busiest(&self) -> (CpuId, Rank) {
        let mut busiest = (CpuId(0), Rank::Fifo(0));
        for (cpu, task) in self.scheduler.running.iter() {
            let task = task.expect("invariant: no CPU is idle");
            let rank = self.bursts[task].rank();
            if rank > busiest.1 {
                busiest = (cpu, rank);
            }
        }
        busiest
    }

    fn arm_ticks(&mut self) {
        if self.scheduler.queue.is_empty() {
            return;
        }
        let Cpus { tick, since_tick, .. } = self.scheduler.cpus;
        let since_tick = since_tick.0 % tick.0;
        let at = SimTime(((self.events.now().0 + since_tick) / tick.0 + 1) * tick.0 - since_tick);
        for index in 0..self.scheduler.running.len() {
            let cpu = CpuId::from_index(index);
            if self.scheduler.running[cpu].is_some() && !self.scheduler.ticking[cpu] {
                self.scheduler.ticking[cpu] = true;
                self.schedule(at, Class::Timer, Action::Tick(cpu));
            }
        }
    }
}

impl<O: Observer> Engine<O> {
    /// Sets a process's claim on the CPUs.
    pub fn set_share(&self, task: TaskId, share: Share) {
        let core = &mut *self.core.borrow_mut();
        let queued = core.scheduler.queue.remove(task);
        if queued {
            core.scheduler.queue.left(core.bursts[task].share);
        } else if core.bursts[task].cpu.is_some() {
            core.account(task);
        }
        core.bursts[task].share = share;
        if queued {
            core.line_up(task);
        }
    }

    /// Charges the running process with CPU time that its next call of
    /// [`cpu`](Self::cpu) pays for: for work too small to be events.
    pub fn charge(&self, span: Nanos) {
        let core = &mut *self.core.borrow_mut();
        let task = core.current();
        core.bursts[task].owed += span;
    }

    /// Consumes `span` of CPU time; takes longer if the CPU is shared. Even
    /// no time at all goes through the event list, so that a loop that
    /// costs nothing is seen by [`Limits`](super::Limits).
    /// A process without a CPU (a device) just takes that long.
    pub fn cpu(&self, span: Nanos) -> Consume<'_, O> {
        Consume { engine: self, span, polled: false }
    }

    /// Lets nobody have the running process's CPU before it parks, or
    /// [`preempt_enable`](Self::preempt_enable) was called as often.
    pub fn preempt_disable(&self) {
        let core = &mut *self.core.borrow_mut();
        let task = core.current();
        core.bursts[task].preempt_off += 1;
    }

    /// Takes back one [`preempt_disable`](Self::preempt_disable).
    pub fn preempt_enable(&self) {
        let core = &mut *self.core.borrow_mut();
        let task = core.current();
        let off = &mut core.bursts[task].preempt_off;
        *off = off.checked_sub(1).expect("invariant: preemption was off");
    }

    /// The CPU that the running process has; none for a device.
    pub fn current_cpu(&self) -> Option<CpuId> {
        let core = self.core.borrow();
        core.bursts[core.current()].cpu
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

//! The state of every task after each record: what the analyses that
//! walk through a run share with the checker that watches it.
//!
//! It follows the engine's records (who runs, who waits on what) and
//! the few kernel records that say what a task is in the middle of. It
//! tolerates any order of records, whoever they name: a trace is data.

use crate::base::{CpuId, StackId, TaskId};
use crate::engine::WaitOn;
use crate::record::{Cast, Event, Gfp, Reason, Record, SkipBy, TaskKind};

/// What a task is doing, as the engine sees it.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(crate) enum Doing {
    /// Not created yet.
    Unborn,
    /// Wants a CPU.
    Runnable,
    /// Has a CPU, or is hardware and needs none.
    Running(Option<CpuId>),
    /// Waits; `why` is a [`Reason`] number.
    Blocked { on: WaitOn, why: u8, stack: StackId },
    /// Gone.
    Exited,
}

impl Doing {
    /// Why it waits, if it does and the number has a meaning.
    pub(crate) fn reason(self) -> Option<Reason> {
        match self {
            Self::Blocked { why, .. } => Reason::from_number(why),
            _ => None,
        }
    }

    pub(crate) fn is_alive(self) -> bool {
        !matches!(self, Self::Unborn | Self::Exited)
    }
}

/// Whether somebody who waits for this does so by its own wish: nobody
/// and nothing keeps it from what it wants.
pub(crate) fn is_own_wish(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Start
            | Reason::Pause
            | Reason::Pace
            | Reason::Forever
            | Reason::ReaperIdle
            | Reason::DeviceIdle
            | Reason::Reply
            | Reason::Sigkill
            | Reason::Injection
            | Reason::KswapdIdle
            | Reason::KswapdNap
            | Reason::DiskIdle
            | Reason::HandOffWork
            | Reason::Frozen
            | Reason::PsiTrigger
            | Reason::PsiPoll
    )
}

/// One task after a record.
#[derive(Clone, Debug)]
pub(crate) struct TaskNow {
    pub(crate) doing: Doing,
    /// SIGKILL was sent to its process.
    pub(crate) is_killed: bool,
    /// Inside `exit_mmap()`.
    pub(crate) is_exiting: bool,
    /// In the slow path of an allocation; the flags of its last direct
    /// reclaim, none before the first.
    pub(crate) stall: Option<Gfp>,
    /// Between the marks of PSI.
    pub(crate) is_memstalled: bool,
    /// Requests whose slow path it is in: reclaim can lead into another one.
    requests: u8,
    /// The flags of the last of them.
    asked: Gfp,
    kind: TaskKind,
    leader: TaskId,
}

/// The reaper's place in its loop.
#[derive(Copy, Clone, Default, Debug)]
pub(crate) struct ReaperNow {
    /// Number of the attempt under way or last made, from 1; 0 before the
    /// first on a victim.
    pub(crate) attempt: u8,
    pub(crate) victim: Option<TaskId>,
    /// Between the start and the finish of an attempt.
    pub(crate) is_reaping: bool,
}

/// The whole cast after a record.
pub(crate) struct Now {
    pub(crate) tasks: Vec<TaskNow>,
    pub(crate) reaper: ReaperNow,
}

impl Now {
    /// Before the first record.
    pub(crate) fn new(cast: &Cast) -> Self {
        let tasks = cast.tasks.iter().map(|(_, info)| TaskNow {
            doing: Doing::Unborn,
            is_killed: false,
            is_exiting: false,
            stall: None,
            is_memstalled: false,
            requests: 0,
            asked: Gfp(0),
            kind: info.kind,
            leader: info.leader,
        });
        Self { tasks: tasks.collect(), reaper: ReaperNow::default() }
    }

    /// Tasks that the cast has got since.
    pub(crate) fn grow(&mut self, cast: &Cast) {
        if self.tasks.len() < cast.tasks.len() {
            let known = self.tasks.len();
            self.tasks.extend(Self::new(cast).tasks.drain(known..));
        }
    }

    /// The task, if the cast knows it.
    pub(crate) fn task(&self, task: TaskId) -> Option<&TaskNow> {
        self.tasks.get(task.index())
    }

    /// Lets one record happen.
    pub(crate) fn apply(&mut self, record: &Record) {
        self.apply_to_reaper(&record.event);
        match record.event {
            Event::SignalGenerate { target } => self.kill(target),
            Event::MarkVictim { victim, .. } => {
                let leader = self.task(victim).map_or(victim, |task| task.leader);
                self.kill(leader);
            }
            _ => {}
        }
        if let Some(task) = self.tasks.get_mut(record.task.index()) {
            task.apply(&record.event);
        }
    }

    fn kill(&mut self, leader: TaskId) {
        for task in &mut self.tasks {
            if task.leader == leader && task.kind == TaskKind::User {
                task.is_killed = true;
            }
        }
    }

    fn apply_to_reaper(&mut self, event: &Event) {
        let reaper = &mut self.reaper;
        match *event {
            Event::StartTaskReaping { victim } | Event::SkipTaskReaping { victim } => {
                let before = if reaper.victim == Some(victim) { reaper.attempt } else { 0 };
                reaper.victim = Some(victim);
                reaper.attempt = before.saturating_add(1);
                reaper.is_reaping = matches!(event, Event::StartTaskReaping { .. });
            }
            Event::FinishTaskReaping { .. } => reaper.is_reaping = false,
            Event::OomSkipSet { by: SkipBy::Reaper | SkipBy::GiveUp, .. }
            | Event::UnableToReap { .. } => *reaper = ReaperNow::default(),
            Event::Blocked { why, .. } => match Reason::from_number(why) {
                Some(Reason::ReaperIdle) => *reaper = ReaperNow::default(),
                // Policies that skip a victim sleep without an attempt.
                Some(Reason::BackOff | Reason::SkipSleep) => {
                    reaper.attempt = reaper.attempt.max(1);
                }
                _ => {}
            },
            _ => {}
        }
    }
}

impl TaskNow {
    /// It is in no slow path any more.
    fn served(&mut self) {
        self.stall = None;
        self.requests = 0;
        self.asked = Gfp(0);
    }

    fn apply(&mut self, event: &Event) {
        if self.doing == Doing::Exited {
            return;
        }
        match *event {
            Event::Spawned {} | Event::Woken { .. } => {
                self.doing = if matches!(self.kind, TaskKind::User | TaskKind::Kthread) {
                    Doing::Runnable
                } else {
                    Doing::Running(None)
                }
            }
            Event::Ran { cpu } => self.doing = Doing::Running(Some(cpu)),
            Event::Preempted {} => self.doing = Doing::Runnable,
            Event::Blocked { on, why, stack } => {
                self.doing = Doing::Blocked { on, why, stack };
                match self.doing.reason() {
                    Some(reason) if is_own_wish(reason) => self.served(),
                    // It is held up before its first reclaim.
                    Some(Reason::PfMemalloc | Reason::MemcgOom) => {
                        self.stall.get_or_insert(self.asked);
                    }
                    _ => {}
                }
            }
            Event::Exited {} => {
                self.doing = Doing::Exited;
                self.is_exiting = false;
                self.is_memstalled = false;
                self.served();
            }
            Event::AllocBegin { gfp, .. } => {
                self.requests = self.requests.saturating_add(1);
                self.asked = Gfp(gfp);
            }
            Event::AllocDone { .. } => {
                self.requests = self.requests.saturating_sub(1);
                // A request made while it reclaimed for another one is not the one that counts.
                if self.requests == 0 {
                    self.served();
                }
            }
            Event::DirectReclaimBegin { gfp, .. } => self.stall = Some(Gfp(gfp)),
            Event::MemcgOom { gfp, .. } => {
                self.stall.get_or_insert(Gfp(gfp));
            }
            Event::OomTrylockFail { .. } => {
                self.stall.get_or_insert(self.asked);
            }
            // The request was served or given up: whatever comes next is no
            // longer part of it.
            Event::Fault { .. }
            | Event::SignalDeliver {}
            | Event::ProcessExit { .. }
            | Event::JobSubmitted { .. }
            | Event::Ready {} => self.served(),
            Event::AllocFailed { .. } if self.requests < 2 => self.stall = None,
            Event::ExitMmap { .. } => {
                self.is_exiting = true;
                self.served();
            }
            Event::ExitMmapDone { .. } => self.is_exiting = false,
            Event::MemstallEnter {} => self.is_memstalled = true,
            Event::MemstallLeave {} => self.is_memstalled = false,
            _ => {}
        }
    }
}

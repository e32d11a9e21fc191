//! The story of an OOM incident, as trace and log tell it together:
//! plain data in which a recording and a run can be laid side by side.
//!
//! Tasks go by their names (`comm`), because pids differ from boot to
//! boot. Times are in µs on the clock of the trace.

/// A kind of key event, in the words of tracepoints and log.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub enum KeyKind {
    /// `mark_victim`: chosen and killed.
    MarkVictim,
    /// `wake_reaper`: queued for the reaper.
    WakeReaper,
    /// `start_task_reaping`: an attempt begins.
    StartReaping,
    /// `finish_task_reaping`: an attempt ends, successful or not.
    FinishReaping,
    /// `skip_task_reaping`: no `mmap_lock`, or nothing left to do.
    SkipReaping,
    /// The log line `Killed process …`, of a victim that no trace marks: where one does the two are one.
    Killed,
    /// The log line `oom_reaper: reaped process …`.
    Reaped,
    /// The log line `oom_reaper: unable to reap …`.
    UnableToReap,
}

impl KeyKind {
    /// As a column of a table shows it.
    pub fn text(self) -> &'static str {
        match self {
            Self::MarkVictim => "mark_victim",
            Self::WakeReaper => "wake_reaper",
            Self::StartReaping => "start_task_reaping",
            Self::FinishReaping => "finish_task_reaping",
            Self::SkipReaping => "skip_task_reaping",
            Self::Killed => "Killed process",
            Self::Reaped => "reaped",
            Self::UnableToReap => "unable to reap",
        }
    }

    /// Whether trace or log say with it that somebody is killed.
    pub fn is_kill(self) -> bool {
        matches!(self, Self::MarkVictim | Self::Killed)
    }

    /// Whether the log says it; all others are the trace's.
    pub fn is_logged(self) -> bool {
        matches!(self, Self::Killed | Self::Reaped | Self::UnableToReap)
    }
}

/// One key event.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct KeyEvent {
    /// When.
    pub at_us: i64,
    /// What.
    pub kind: KeyKind,
    /// To which victim, by name.
    pub victim: String,
}

/// One attempt of the reaper on a victim.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Attempt {
    /// `start_task_reaping`, or the skip.
    pub start_us: i64,
    /// `finish_task_reaping`; `None` for a skip or if it never came.
    pub finish_us: Option<i64>,
    /// Whether it ended before it began (`skip_task_reaping`).
    pub skipped: bool,
    /// Notifiers called during it.
    pub calls: u32,
    /// Those of them that refused.
    pub refusals: u32,
    /// Anonymous memory of the victim after the last change seen in it, in bytes.
    pub anon_after: Option<i64>,
}

/// What befell a victim.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct VictimStory {
    /// Its name.
    pub name: String,
    /// `mark_victim`.
    pub killed_us: i64,
    /// Anonymous memory then, in bytes; older kernels do not print it.
    pub anon_at_kill: Option<i64>,
    /// `wake_reaper`.
    pub wake_us: Option<i64>,
    /// Attempts in order.
    pub attempts: Vec<Attempt>,
    /// The log's "reaped process".
    pub reaped_us: Option<i64>,
    /// What that line says is left, in bytes.
    pub anon_reaped: Option<i64>,
    /// The most anonymous memory that the counter showed during an attempt, in bytes.
    pub anon_most: Option<i64>,
    /// The log's "unable to reap".
    pub unable_us: Option<i64>,
}

impl VictimStory {
    /// Anonymous memory that went away between the kill and the end of
    /// the last attempt, in bytes.
    ///
    /// What is printed at the kill lags: each thread keeps up to 64 pages
    /// to itself before it adds them to the counter
    /// (`TASK_RSS_EVENTS_THRESH`, mm/memory.c, Linux 6.1). A killed process
    /// gains no page, so a larger reading later on is the better one.
    pub fn anon_drop(&self) -> Option<i64> {
        let before = self.anon_at_kill?.max(self.anon_most.unwrap_or(0));
        let after = self.anon_reaped.or_else(|| {
            let seen = self.attempts.iter().rev().find_map(|attempt| attempt.anon_after);
            // No change seen in any attempt: nothing went away.
            seen.or_else(|| (!self.attempts.is_empty()).then_some(before))
        })?;
        Some(before - after)
    }
}

/// A process that the trace names.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Process {
    /// Its name.
    pub name: String,
    /// When it began, if the trace says.
    pub started_us: Option<i64>,
    /// When `exit_mmap()` was entered.
    pub exit_mmap_us: Option<i64>,
    /// When it returned.
    pub exit_mmap_done_us: Option<i64>,
    /// `sched_process_exit` of each of its threads.
    pub exits_us: Vec<i64>,
}

/// Where the counters of an mm's interval notifiers were seen.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum CountersAt {
    /// An interval notifier was registered.
    Registered,
    /// The callback of one was called.
    IntervalCall,
    /// A callback of the mm's list was called.
    ListCall,
    /// An interval notifier is to be removed.
    Removed,
}

impl CountersAt {
    /// As a column of a table shows it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::IntervalCall => "interval call",
            Self::ListCall => "list call",
            Self::Removed => "removed",
        }
    }
}

/// The counters of an mm's interval notifiers (`struct
/// mmu_notifier_subscriptions`, mm/mmu_notifier.c).
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub struct Counters {
    /// Where they were seen.
    pub at: CountersAt,
    /// `active_invalidate_ranges`.
    pub active: i64,
    /// `invalidate_seq`.
    pub seq: i64,
}

/// A task that waits in `mmu_interval_notifier_remove()` for good.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Hang {
    /// Its name.
    pub process: String,
    /// Since when.
    pub since_us: i64,
}

/// Anonymous memory of a process over time.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct MemorySeen {
    /// Its name.
    pub name: String,
    /// When, and how many bytes.
    pub samples: Vec<(i64, i64)>,
}

/// An OOM incident.
#[derive(Clone, Eq, PartialEq, Debug, Default)]
pub struct Story {
    /// Key events in order.
    pub events: Vec<KeyEvent>,
    /// Victims that the trace marks, in the order of their kills.
    pub victims: Vec<VictimStory>,
    /// Processes in the order in which the trace first tells of one of the times above.
    pub processes: Vec<Process>,
    /// Lines of the log that tell of a refused callback.
    pub refusals_logged: u32,
    /// The counters of interval notifiers, if the trace shows any, in order.
    pub counters: Vec<Counters>,
    /// Memory of processes, if the trace shows it.
    pub memory: Vec<MemorySeen>,
    /// Who was still waiting for them when the trace ended.
    pub hangs: Vec<Hang>,
}

impl Story {
    /// The first kill: by the trace, or else by the log.
    pub fn first_kill_us(&self) -> Option<i64> {
        let logged = || self.events.iter().find(|event| event.kind.is_kill());
        self.victims
            .first()
            .map(|victim| victim.killed_us)
            .or_else(|| logged().map(|event| event.at_us))
    }

    /// A process by name.
    pub fn process(&self, name: &str) -> Option<&Process> {
        self.processes.iter().find(|process| process.name == name)
    }
}

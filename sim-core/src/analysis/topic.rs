//! What an event is about, in the few words by which one filters.

use crate::record::Event;

/// What an event is about.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Debug)]
pub enum Topic {
    /// Who is chosen and killed, and who would have been.
    Killing,
    /// Attempts of the reaper, or of others in its stead.
    Reaping,
    /// Calls into drivers and their answers.
    Notifiers,
    /// Jobs, fences and the pages that devices hold.
    Devices,
    /// Locks taken and left.
    Locks,
    /// Who stops to wait and who is woken.
    Waits,
    /// Who has a CPU.
    Cpus,
    /// Allocations that do not get their page at once.
    Reclaim,
    /// Pages coming and going.
    Memory,
    /// Tasks and their programs.
    Tasks,
}

impl Topic {
    /// All of them, as a list shows them.
    pub const ALL: [Self; 10] = [
        Self::Killing,
        Self::Reaping,
        Self::Notifiers,
        Self::Devices,
        Self::Locks,
        Self::Waits,
        Self::Cpus,
        Self::Reclaim,
        Self::Memory,
        Self::Tasks,
    ];

    /// Its name in a list.
    pub fn name(self) -> &'static str {
        match self {
            Self::Killing => "kills",
            Self::Reaping => "reaper",
            Self::Notifiers => "notifiers",
            Self::Devices => "devices",
            Self::Locks => "locks",
            Self::Waits => "waits and wake-ups",
            Self::Cpus => "CPUs",
            Self::Reclaim => "reclaim",
            Self::Memory => "memory",
            Self::Tasks => "tasks",
        }
    }

    /// Its id, as links carry it.
    pub fn id(self) -> &'static str {
        match self {
            Self::Killing => "killing",
            Self::Reaping => "reaping",
            Self::Notifiers => "notifiers",
            Self::Devices => "devices",
            Self::Locks => "locks",
            Self::Waits => "waits",
            Self::Cpus => "cpus",
            Self::Reclaim => "reclaim",
            Self::Memory => "memory",
            Self::Tasks => "tasks",
        }
    }

    /// What an event is about.
    pub fn of(event: &Event) -> Self {
        match event {
            Event::OomTrylockFail { .. }
            | Event::OutOfMemory { .. }
            | Event::OomKillProcess { .. }
            | Event::SignalGenerate { .. }
            | Event::SignalDeliver { .. }
            | Event::MarkVictim { .. }
            | Event::KilledProcess { .. }
            | Event::MemcgOom { .. }
            | Event::OomScoreAdjUpdate { .. }
            | Event::OomMmSet { .. }
            | Event::OomMmPinned { .. }
            | Event::OomGroupKill { .. }
            | Event::KillOrSacrifice { .. }
            | Event::PagefaultRetry { .. }
            | Event::SysrqIgnored { .. }
            | Event::Panic { .. } => Self::Killing,
            Event::WakeReaper { .. }
            | Event::StartTaskReaping { .. }
            | Event::SkipTaskReaping { .. }
            | Event::FinishTaskReaping { .. }
            | Event::Reaped { .. }
            | Event::UnableToReap { .. }
            | Event::OomSkipSet { .. }
            | Event::HandedOff { .. }
            | Event::BackedOff { .. }
            | Event::ProcessMrelease { .. } => Self::Reaping,
            Event::MnCall { .. }
            | Event::MnReturn { .. }
            | Event::MnItree { .. }
            | Event::NotifierRegistered { .. }
            | Event::NotifierUnregistered { .. }
            | Event::MnEnd { .. }
            | Event::MnLostEnd { .. }
            | Event::MnRead { .. }
            | Event::DeadlinePassed { .. }
            | Event::SleptNonblocking { .. }
            | Event::SecondaryTlbFlush { .. }
            | Event::MnFinishCall { .. }
            | Event::MnFinishReturn { .. }
            | Event::CoreRefused { .. } => Self::Notifiers,
            Event::JobSubmitted { .. }
            | Event::FenceSignaled { .. }
            | Event::StillPinned { .. }
            | Event::StaleAccess { .. }
            | Event::Unpinned { .. }
            | Event::TlbSyncTimedOut { .. }
            | Event::JobTimedOut { .. } => Self::Devices,
            Event::Acquired { .. } | Event::Released { .. } | Event::BadUnlock { .. } => {
                Self::Locks
            }
            Event::Blocked { .. } | Event::Woken { .. } | Event::EventSignaled { .. } => {
                Self::Waits
            }
            Event::Ran { .. } | Event::Preempted { .. } => Self::Cpus,
            Event::DirectReclaimBegin { .. }
            | Event::DirectReclaimEnd { .. }
            | Event::ReclaimRetryZone { .. }
            | Event::MemstallEnter { .. }
            | Event::MemstallLeave { .. }
            | Event::AllocFailed { .. }
            | Event::WakeupKswapd { .. }
            | Event::KswapdWake { .. }
            | Event::KswapdSleep { .. }
            | Event::KswapdBalanced { .. }
            | Event::Throttled { .. }
            | Event::CompactRetry { .. }
            | Event::CompactionBegin { .. }
            | Event::CompactionEnd { .. }
            | Event::AllocBegin { .. }
            | Event::AllocDone { .. }
            | Event::AllocServed { .. }
            | Event::ReserveTaken { .. } => Self::Reclaim,
            Event::ZoneFree { .. }
            | Event::Fault { .. }
            | Event::Zap { .. }
            | Event::PageCache { .. }
            | Event::SwapOut { .. }
            | Event::SwapIn { .. }
            | Event::KernelPages { .. }
            | Event::MemcgUsage { .. }
            | Event::MemcgLimit { .. }
            | Event::Mapped { .. }
            | Event::Unmapped { .. }
            | Event::Locked { .. }
            | Event::ExitMmap { .. }
            | Event::ExitMmapDone { .. } => Self::Memory,
            Event::Spawned { .. }
            | Event::Exited { .. }
            | Event::ProcessExit { .. }
            | Event::CoreDump { .. }
            | Event::Ready { .. }
            | Event::Injection { .. }
            | Event::Forked { .. } => Self::Tasks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{LockId, TaskId};

    #[test]
    fn events_have_the_topic_one_would_look_under() {
        assert_eq!(Topic::of(&Event::Released { lock: LockId(0) }), Topic::Locks);
        assert_eq!(Topic::of(&Event::WakeReaper { victim: TaskId(0) }), Topic::Reaping);
        assert_eq!(Topic::of(&Event::SignalDeliver {}), Topic::Killing);
    }

    #[test]
    fn topics_are_told_apart_by_name() {
        let mut names = Topic::ALL.map(Topic::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Topic::ALL.len());
    }
}

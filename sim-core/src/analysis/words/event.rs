//! Every event of a trace as a name and a sentence.
//!
//! Names are those ftrace prints where the kernel has a tracepoint, and
//! begin with `sim:` where it has none. Sentences stand in one file per
//! concern.

mod engine;
mod kill;
mod life;
mod memory;
mod notifier;
mod reaper;
mod reclaim;
#[cfg(test)]
mod tests;

use super::task_name;
use crate::record::{Event, Record, Run};

/// The event's name in a list of events.
pub fn event_name(event: &Event) -> &'static str {
    match event {
        Event::Spawned {} => "sim:spawn",
        Event::Exited {} => "sim:end",
        Event::Ran { .. } => "sim:run",
        Event::Preempted {} => "sim:preempt",
        Event::Blocked { .. } => "sim:block",
        Event::Woken { .. } => "sim:unblock",
        Event::Acquired { .. } => "sim:lock",
        Event::Released { .. } => "sim:unlock",
        Event::ZoneFree { .. } => "sim:zone_free",
        Event::Fault { .. } => "sim:fault",
        Event::Zap { .. } => "sim:zap",
        Event::DirectReclaimBegin { .. } => "mm_vmscan_direct_reclaim_begin",
        Event::DirectReclaimEnd { .. } => "mm_vmscan_direct_reclaim_end",
        Event::ReclaimRetryZone { .. } => "reclaim_retry_zone",
        Event::OomTrylockFail { .. } => "sim:oom_trylock_fail",
        Event::OutOfMemory { .. } => "sim:out_of_memory",
        Event::OomKillProcess { .. } => "sim:oom_kill_process",
        Event::SignalGenerate { .. } => "signal_generate",
        Event::SignalDeliver {} => "signal_deliver",
        Event::MarkVictim { .. } => "mark_victim",
        Event::KilledProcess { .. } => "sim:killed_process",
        Event::WakeReaper { .. } => "wake_reaper",
        Event::StartTaskReaping { .. } => "start_task_reaping",
        Event::SkipTaskReaping { .. } => "skip_task_reaping",
        Event::FinishTaskReaping { .. } => "finish_task_reaping",
        Event::Reaped { .. } => "sim:reaped",
        Event::UnableToReap { .. } => "sim:unable_to_reap",
        Event::OomSkipSet { .. } => "sim:oom_skip_set",
        Event::MnCall { .. } => "sim:mn_call",
        Event::MnReturn { refused: false, .. } => "sim:mn_return",
        Event::MnReturn { refused: true, .. } => "sim:mn_refuse",
        Event::MnItree { .. } => "sim:mn_itree",
        Event::ExitMmap { .. } => "exit_mmap",
        Event::ExitMmapDone { .. } => "sim:exit_mmap_done",
        Event::ProcessExit { .. } => "sched_process_exit",
        Event::JobSubmitted { .. } => "sim:job_submit",
        Event::FenceSignaled { .. } => "sim:fence_signal",
        Event::MemstallEnter {} => "sim:memstall_enter",
        Event::MemstallLeave {} => "sim:memstall_leave",
        Event::Ready {} => "sim:ready",
        Event::NotifierRegistered { .. } => "sim:mn_register",
        Event::StillPinned { .. } => "sim:still_pinned",
        Event::Panic { .. } => "sim:panic",
        Event::AllocFailed { .. } => "sim:alloc_failed",
        Event::WakeupKswapd { .. } => "mm_vmscan_wakeup_kswapd",
        Event::KswapdWake { .. } => "mm_vmscan_kswapd_wake",
        Event::KswapdSleep {} => "mm_vmscan_kswapd_sleep",
        Event::KswapdBalanced { .. } => "sim:kswapd",
        Event::Throttled { .. } => "mm_vmscan_throttled",
        Event::CompactRetry { .. } => "compact_retry",
        Event::CompactionBegin { .. } => "mm_compaction_begin",
        Event::CompactionEnd { .. } => "mm_compaction_end",
        Event::PageCache { .. } => "sim:page_cache",
        Event::SwapOut { .. } => "sim:swap_out",
        Event::SwapIn { .. } => "sim:swap_in",
        Event::KernelPages { .. } => "sim:kernel_pages",
        Event::MnEnd { .. } => "sim:mn_end",
        Event::SecondaryTlbFlush { .. } => "sim:secondary_tlb",
        Event::MnFinishCall { .. } => "sim:mn_finish",
        Event::MnFinishReturn { .. } => "sim:mn_finish_return",
        Event::CoreRefused { .. } => "sim:core_refused",
        Event::MnLostEnd { .. } => "sim:mn_lost_end",
        Event::MnRead { .. } => "sim:mn_read",
        Event::NotifierUnregistered { .. } => "sim:mn_unregister",
        Event::StaleAccess { .. } => "sim:stale_device_access",
        Event::Unpinned { .. } => "sim:unpin",
        Event::HandedOff { .. } => "sim:mn_hand_off",
        Event::DeadlinePassed { .. } => "sim:mn_deadline",
        Event::BackedOff { .. } => "sim:oom_back_off",
        Event::MemcgOom { .. } => "sim:memcg_oom",
        Event::MemcgUsage { .. } => "sim:memcg_usage",
        Event::MemcgLimit { .. } => "sim:memcg_limit",
        Event::OomScoreAdjUpdate { .. } => "oom_score_adj_update",
        Event::ProcessMrelease { .. } => "sim:process_mrelease",
        Event::Injection { .. } => "sim:inject",
        Event::Forked { .. } => "sched_process_fork",
        Event::Mapped { .. } => "sim:mmap",
        Event::Unmapped { .. } => "sim:munmap",
        Event::Locked { locked: true, .. } => "sim:mlock",
        Event::Locked { locked: false, .. } => "sim:munlock",
        Event::EventSignaled { .. } => "sim:event_signal",
        Event::BadUnlock { .. } => "sim:bad_unlock",
        Event::CoreDump {} => "sim:do_coredump",
        Event::AllocBegin { .. } => "sim:alloc_begin",
        Event::AllocDone { .. } => "sim:alloc_done",
        Event::AllocServed { .. } => "sim:alloc_served",
        Event::OomMmSet { .. } => "sim:oom_mm",
        Event::JobTimedOut { .. } => "sim:job_timeout",
        Event::TlbSyncTimedOut { .. } => "sim:tlb_sync_timeout",
        Event::ReserveTaken { .. } => "sim:reserve",
        Event::SleptNonblocking { .. } => "sim:slept_nonblocking",
        Event::OomMmPinned { .. } => "sim:oom_mm_pinned",
        Event::PagefaultRetry {} => "sim:pagefault_retry",
        Event::SysrqIgnored {} => "sim:sysrq_ignored",
        Event::OomGroupKill { .. } => "sim:oom_group_kill",
        Event::KillOrSacrifice { .. } => "sim:oom_sacrifice",
    }
}

/// What happened, as a sentence without its full stop.
pub fn event_text(run: &Run, record: &Record) -> String {
    sentence(run, record).unwrap_or_else(|| {
        format!("{}: {}", task_name(&run.cast, record.task), record.event.name())
    })
}

/// The sentence of an event; a test sees to it that every kind has one.
fn sentence(run: &Run, record: &Record) -> Option<String> {
    let cast = &run.cast;
    let who = task_name(cast, record.task);
    engine::text(cast, &who, &record.event)
        .or_else(|| memory::text(cast, &who, &record.event))
        .or_else(|| reclaim::text(cast, &who, &record.event))
        .or_else(|| kill::text(cast, &who, &record.event))
        .or_else(|| reaper::text(cast, &who, &record.event))
        .or_else(|| notifier::text(cast, &who, &record.event))
        .or_else(|| life::text(cast, &who, &record.event))
}

//! The OOM killer in words.

use crate::analysis::words::{
    cgroup_name, maybe_task_name, mm_name, process_name, size_text, task_name,
};
use crate::base::ReportId;
use crate::record::{Cast, Event, Gfp, OomResult, OomScope};

pub(super) fn text(cast: &Cast, who: &str, event: &Event) -> Option<String> {
    Some(match *event {
        Event::OomTrylockFail { owner } => format!(
            "{who} leaves the killing to {}, who holds oom_lock",
            maybe_task_name(cast, owner)
        ),
        Event::OutOfMemory { result, victim } => {
            let victim = maybe_task_name(cast, victim);
            match result {
                OomResult::Killed => format!("{who} had {victim} killed"),
                OomResult::Aborted => format!("{who} kills nobody: {victim} is still dying"),
                OomResult::NoFs => format!("{who} kills nobody: its request lacks __GFP_FS"),
                OomResult::SelfDying => format!("{who} is dying itself, and may use reserves"),
                OomResult::NoVictim => format!("{who} finds nobody to kill"),
                OomResult::Disabled => {
                    format!("{who} kills nobody: the machine is being suspended")
                }
                OomResult::NotifierFreed => {
                    format!("{who} kills nobody: a balloon gave pages back")
                }
                OomResult::PanicOnOom => format!("{who} panics, as vm.panic_on_oom asks"),
                OomResult::Gone => format!("{who} chose {victim}, which was gone by then"),
            }
        }
        Event::OomKillProcess { victim, scope, .. } => {
            let victim = process_name(cast, victim);
            match scope {
                OomScope::Global => format!("{who} reports out of memory and chooses {victim}"),
                OomScope::AllocatingTask => {
                    format!("{who} reports out of memory and chooses {victim}, which asks")
                }
                OomScope::Memcg => {
                    format!("{who} reports that its cgroup is out of memory and chooses {victim}")
                }
                OomScope::Sysrq => format!("sysrq-f chooses {victim}"),
                OomScope::Group => format!("{victim} goes with the rest of its group"),
            }
        }
        Event::KillOrSacrifice { chosen, score } => {
            format!("{} or a child of it is to die (score {score})", process_name(cast, chosen))
        }
        Event::SysrqIgnored {} => "sysrq-f finds nobody to kill".to_owned(),
        Event::OomGroupKill { cgroup } => {
            format!("all of {} is to be killed (memory.oom.group)", cgroup_name(cast, cgroup))
        }
        Event::OomMmPinned { victim, init } => format!(
            "the memory of {} can't be reaped: {} uses it too",
            process_name(cast, victim),
            process_name(cast, init)
        ),
        Event::OomMmSet { leader, mm } => format!(
            "the memory of {} is what {} is waited for with from now on",
            mm_name(cast, mm),
            process_name(cast, leader)
        ),
        Event::MemcgOom { cgroup, gfp, .. } => {
            format!("{who} finds {} at its limit ({})", cgroup_name(cast, cgroup), Gfp(gfp).text())
        }
        Event::Panic { text } => format!("the kernel panics: {}", text.text()),
        Event::SignalGenerate { target } => {
            format!("{who} sends SIGKILL to {}", process_name(cast, target))
        }
        Event::SignalDeliver {} => format!("{who} sees its SIGKILL"),
        Event::MarkVictim { victim, report } => format!(
            "{} is marked as a victim{}",
            task_name(cast, victim),
            report_text(cast, report)
        ),
        Event::KilledProcess { victim, report } => {
            format!("{} was killed{}", process_name(cast, victim), report_text(cast, report))
        }
        _ => return None,
    })
}

/// ` with 128 MiB`.
fn report_text(cast: &Cast, report: ReportId) -> String {
    match cast.reports.get(report) {
        Some(report) => {
            let pages = report.anon + report.file + report.shmem;
            format!(" with {} present", size_text(pages))
        }
        None => String::new(),
    }
}

//! What is known when the OOM killer prints its report.
//!
//! Mirrors mm/oom_kill.c: `dump_header()`, `dump_tasks()`, `dump_task()`,
//! and what lib/show_mem.c: `show_mem()` asks for, Linux 4.6 to 7.1. Takes no
//! time: what printing costs is charged where the kernel prints.

use super::{OomControl, candidates, is_global_init};
use crate::base::{StackId, TaskId};
use crate::kernel::cx::Cx;
use crate::kernel::state::State;
use crate::kernel::switches::Switches;
use crate::kernel::zone::{Pages, Use, ZoneType};
use crate::record::{LimitDump, OomDump, TaskDump, ZoneDump};

/// `dump_header()`, to be called before what it belongs to is recorded.
pub(super) fn dump_header(cx: &Cx, oc: &OomControl) {
    let engine = &cx.kernel().engine;
    if !engine.observe(|_, recorder| recorder.takes_dumps()) {
        return;
    }
    let dump = cx.with(|state| {
        let swap = state.swap.as_ref().map_or((0, 0), |swap| (swap.pages, swap.used));
        let limit = oc.memcg.map(|memcg| {
            let cgroup = &state.cgroups[memcg];
            LimitDump { usage: cgroup.usage, limit: cgroup.limit }
        });
        OomDump {
            record: 0,
            stack: StackId(0),
            zones: if limit.is_none() { show_free_areas(state) } else { Vec::new() },
            swap_total: swap.0,
            swap_free: swap.0 - swap.1,
            limit,
            tasks: dump_tasks(state, cx.kernel().switches, oc),
        }
    });
    engine.observe_stack(cx.task(), |_, stack, recorder| recorder.dump(OomDump { stack, ..dump }));
}

/// `show_free_areas()`.
fn show_free_areas(state: &State) -> Vec<ZoneDump> {
    let mut mapped = Pages::default();
    for (_, file) in state.files.iter().filter(|(_, file)| file.cached > 0) {
        mapped.add(file.pages);
    }
    let (files, segments) = (state.mlocked_of(false), state.mlocked_of(true));
    let dumps = state.zones.iter().map(|(id, zone)| {
        let [mapped, files, segments] = [mapped, files, segments].map(|pages| pages.0[id.index()]);
        let file = zone.pages(Use::Clean) + zone.pages(Use::Dirty) + zone.pages(Use::Writeback);
        let file = file.saturating_sub(files);
        let active_file = mapped.saturating_sub(files).min(file);
        ZoneDump {
            zone: id,
            index: match zone.kind {
                ZoneType::Dma => 0,
                ZoneType::Dma32 => 1,
                ZoneType::Normal => 2,
            },
            free: zone.free(),
            min: zone.min,
            low: zone.low,
            high: zone.high,
            reserve: zone.lowmem_reserve[ZoneType::Normal as usize],
            reserve_dma32: zone.lowmem_reserve[ZoneType::Dma32 as usize],
            highatomic: zone.highatomic,
            managed: zone.managed(),
            anon: zone.pages(Use::Anon) + zone.pages(Use::Shmem) - segments,
            active_file,
            inactive_file: file - active_file,
            unevictable: zone.pages(Use::Unevictable) + files + segments,
            dirty: zone.pages(Use::Dirty),
            writeback: zone.pages(Use::Writeback),
            shmem: zone.pages(Use::Shmem),
            pagetables: zone.pages(Use::PageTable),
        }
    });
    dumps.collect()
}

/// `dump_tasks()`: all eligible processes, of the cgroup if it is about one.
fn dump_tasks(state: &State, switches: &Switches, oc: &OomControl) -> Vec<TaskDump> {
    candidates(state, switches, oc)
        .into_iter()
        .filter_map(|leader| dump_task(state, leader))
        .collect()
}

/// `dump_task()`: none of init, and of who has lost its memory already.
fn dump_task(state: &State, leader: TaskId) -> Option<TaskDump> {
    let group = state.group_of(leader).filter(|group| !is_global_init(group))?;
    let (task, mm) = state.find_task_mm(group)?;
    let mm = &state.mms[mm];
    let (ptes, pmds) = mm.ptes_and_pmds();
    Some(TaskDump {
        task,
        uid: group.uid,
        total_vm: mm.total_vm(),
        anon: mm.anon_pages(),
        file: mm.file_pages(),
        shmem: mm.shmem_pages(),
        ptes,
        pmds,
        pgtables_bytes: mm.pgtable_pages() << 12,
        swap: mm.swap_entries(),
        oom_score_adj: group.oom_score_adj,
    })
}

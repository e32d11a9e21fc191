//! The report before a kill (mm/oom_kill.c `dump_header()`, mm/page_alloc.c
//! `show_free_areas()`, mm/memcontrol.c `mem_cgroup_print_oom_meminfo()`,
//! Linux 6.1; the table of tasks as each version has it), with the numbers that
//! a run has.
//!
//! The model keeps anonymous pages in one list: it is printed as the inactive one. Left
//! out, because a run has no number for it: slab and mapped pages of the
//! machine, kernel stacks, present pages, free blocks by order, `failcnt`,
//! a cgroup's statistics; the second list of sums, per node.

use std::fmt::{self, Write as _};

use super::frames::{self, Top};
use super::{Log, tainted};
use crate::base::{SimTime, TaskId};
use crate::export::lines::{comm, kb, pid};
use crate::export::state::{State, cgroup_path};
use crate::record::{DebugLayout, LimitDump, OomDump, TaskDump, TaskTable, ZoneDump};

/// `MAX_NR_ZONES`: DMA, DMA32, Normal, Movable, Device.
const MAX_NR_ZONES: u8 = 5;
/// Place of zone DMA32 among them.
const DMA32: u8 = 1;

/// `PAGE_COUNTER_MAX`, which is how a limit that is not set is printed.
const NO_LIMIT_KB: u64 = 9_007_199_254_740_988;

impl Log {
    /// `dump_header()` behind its first line. `chosen`: who is to die, if that is known.
    pub(super) fn write_dump(
        &mut self,
        state: &State<'_>,
        (at, task): (SimTime, TaskId),
        dump: &OomDump,
        chosen: Option<TaskId>,
    ) -> fmt::Result {
        let wording = &state.cast.wording;
        if !wording.logs_constraint {
            self.stamp(at)?;
            writeln!(self.out, "{} cpuset=/ mems_allowed=0", comm(state, task))?;
        }
        self.write_stack(state, (at, task), dump)?;
        match &dump.limit {
            Some(limit) => self.write_limit(state, (at, task), limit, chosen)?,
            None => self.write_mem_info(state, at, dump)?,
        }
        self.write_tasks(state, at, &dump.tasks)
    }

    /// `dump_stack()`.
    fn write_stack(
        &mut self,
        state: &State<'_>,
        (at, task): (SimTime, TaskId),
        dump: &OomDump,
    ) -> fmt::Result {
        let wording = &state.cast.wording;
        let uid = if wording.debug_layout >= DebugLayout::WithIds { "UID: 0 " } else { "" };
        self.stamp(at)?;
        writeln!(
            self.out,
            "CPU: {} {uid}PID: {} Comm: {:.20} {} {} #1",
            state.cpu(task),
            pid(state, task),
            comm(state, task),
            tainted(self.warned),
            wording.release,
        )?;
        let top: &[&str] = if wording.debug_layout >= DebugLayout::Marked {
            &["dump_stack_lvl", "dump_header"]
        } else {
            &["dump_stack", "dump_header"]
        };
        let top = top.iter().map(|&name| name.to_owned());
        let functions: Vec<_> =
            top.chain(frames::stack(state, dump.stack, None, Top::Callee)).collect();
        self.write_call_trace(state, at, &functions)
    }

    /// `mem_cgroup_print_oom_context()` and `mem_cgroup_print_oom_meminfo()`.
    fn write_limit(
        &mut self,
        state: &State<'_>,
        (at, task): (SimTime, TaskId),
        limit: &LimitDump,
        chosen: Option<TaskId>,
    ) -> fmt::Result {
        let memcg = state.memcg_oom(task).map(|memcg| cgroup_path(state, memcg));
        // Later ones have it in the line `oom-kill:`.
        if let Some(memcg) = memcg.filter(|_| !state.cast.wording.logs_constraint) {
            self.stamp(at)?;
            match chosen.map(|chosen| state.cgroup_of(chosen)) {
                Some(of) => {
                    writeln!(self.out, "Task in {of} killed as a result of limit of {memcg}")?;
                }
                None => writeln!(self.out, "Memory limit reached of cgroup {memcg}")?,
            }
        }
        self.stamp(at)?;
        let most = limit.limit.map_or(NO_LIMIT_KB, kb);
        writeln!(self.out, "memory: usage {}kB, limit {most}kB", kb(limit.usage))
    }

    /// `show_mem()`.
    fn write_mem_info(&mut self, state: &State<'_>, at: SimTime, dump: &OomDump) -> fmt::Result {
        let sum = |of: fn(&ZoneDump) -> u64| dump.zones.iter().map(of).sum::<u64>();
        let lines = [
            "Mem-Info:".to_owned(),
            format!("active_anon:0 inactive_anon:{} isolated_anon:0", sum(|zone| zone.anon)),
            format!(
                " active_file:{} inactive_file:{} isolated_file:0",
                sum(|zone| zone.active_file),
                sum(|zone| zone.inactive_file)
            ),
            format!(
                " unevictable:{} dirty:{} writeback:{}",
                sum(|zone| zone.unevictable),
                sum(|zone| zone.dirty),
                sum(|zone| zone.writeback)
            ),
            format!(" shmem:{} pagetables:{}", sum(|zone| zone.shmem), sum(|zone| zone.pagetables)),
            format!(" free:{} free_pcp:0 free_cma:0", sum(|zone| zone.free)),
        ];
        for line in lines {
            self.stamp(at)?;
            writeln!(self.out, "{line}")?;
        }
        for zone in &dump.zones {
            self.write_zone(state, at, zone)?;
        }
        for (name, pages) in [("Free", dump.swap_free), ("Total", dump.swap_total)] {
            self.stamp(at)?;
            writeln!(self.out, "{:<10} = {}kB", format!("{name} swap"), kb(pages))?;
        }
        Ok(())
    }

    fn write_zone(&mut self, state: &State<'_>, at: SimTime, zone: &ZoneDump) -> fmt::Result {
        let name = state.cast.zones.get(zone.zone).map_or("?", |info| info.name.as_str());
        self.stamp(at)?;
        writeln!(
            self.out,
            "Node 0 {name} free:{}kB min:{}kB low:{}kB high:{}kB reserved_highatomic:{}KB \
             active_anon:0kB inactive_anon:{}kB active_file:{}kB inactive_file:{}kB \
             unevictable:{}kB writepending:{}kB managed:{}kB free_pcp:0kB",
            kb(zone.free),
            kb(zone.min),
            kb(zone.low),
            kb(zone.high),
            kb(zone.highatomic),
            kb(zone.anon),
            kb(zone.active_file),
            kb(zone.inactive_file),
            kb(zone.unevictable),
            kb(zone.dirty + zone.writeback),
            kb(zone.managed),
        )?;
        self.stamp(at)?;
        self.out.push_str("lowmem_reserve[]:");
        for other in 0..MAX_NR_ZONES {
            let reserve = if other == DMA32 { zone.reserve_dma32 } else { zone.reserve };
            write!(self.out, " {}", if other > zone.index { reserve } else { 0 })?;
        }
        self.out.push('\n');
        Ok(())
    }

    /// `dump_tasks()`.
    fn write_tasks(&mut self, state: &State<'_>, at: SimTime, tasks: &[TaskDump]) -> fmt::Result {
        let table = state.cast.wording.task_table;
        if table >= TaskTable::Padded {
            self.stamp(at)?;
            self.out.push_str("Tasks state (memory values in pages):\n");
        }
        self.stamp(at)?;
        self.out.push_str(match table {
            TaskTable::Counts => {
                "[ pid ]   uid  tgid total_vm      rss nr_ptes nr_pmds swapents oom_score_adj name\n"
            }
            TaskTable::Bytes => {
                "[ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
            }
            TaskTable::Padded => {
                "[  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
            }
            TaskTable::ByKind => {
                "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes \
                 swapents oom_score_adj name\n"
            }
        });
        for row in tasks {
            self.write_task(state, at, table, row)?;
        }
        Ok(())
    }

    fn write_task(
        &mut self,
        state: &State<'_>,
        at: SimTime,
        table: TaskTable,
        row: &TaskDump,
    ) -> fmt::Result {
        let leader = state.cast.tasks.get(row.task).map_or(row.task, |info| info.leader);
        let (own, tgid) = (pid(state, row.task), pid(state, leader));
        self.stamp(at)?;
        match table {
            TaskTable::Counts | TaskTable::Bytes => write!(self.out, "[{own:5}]")?,
            TaskTable::Padded | TaskTable::ByKind => write!(self.out, "[{own:7}]")?,
        }
        let rss = row.anon + row.file + row.shmem;
        write!(self.out, " {:5} {tgid:5} {:8} {rss:8} ", row.uid, row.total_vm)?;
        match table {
            TaskTable::Counts => write!(self.out, "{:7} {:7}", row.ptes, row.pmds)?,
            TaskTable::Bytes | TaskTable::Padded => write!(self.out, "{:8}", row.pgtables_bytes)?,
            TaskTable::ByKind => write!(
                self.out,
                "{:8} {:8} {:9} {:8}",
                row.anon, row.file, row.shmem, row.pgtables_bytes
            )?,
        }
        let name = comm(state, row.task);
        writeln!(self.out, " {:8}         {:5} {name}", row.swap, row.oom_score_adj)
    }
}

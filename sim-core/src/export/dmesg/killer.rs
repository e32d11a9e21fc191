//! Lines of the OOM killer (mm/oom_kill.c; kernel-spec 2.2 and 2.5).

use std::fmt::{self, Write as _};

use super::Log;
use crate::base::{ReportId, TaskId};
use crate::export::gfp;
use crate::export::lines::{comm, kb, pid};
use crate::export::state::{State, cgroup_path};
use crate::record::{
    Event, Func, Gfp, Injected, KilledLine, OomResult, OomScope, PanicText, Record,
};

/// `order` of a record that stands for sysrq-f's -1.
const ORDER_SYSRQ: u8 = u8::MAX;

impl Log {
    pub(super) fn write_killer(&mut self, state: &State<'_>, record: &Record) -> fmt::Result {
        if matches!(
            record.event,
            Event::OomKillProcess { .. } | Event::OomGroupKill { .. } | Event::OutOfMemory { .. }
        ) {
            self.write_exiting(state, record)?;
        }
        match record.event {
            Event::OomKillProcess { victim, gfp, order, scope, report } => {
                let tasks = self.dump.iter().flat_map(|dump| &dump.tasks);
                let leader = |task| state.cast.tasks.get(task).map(|info| info.leader);
                let shown = tasks.rev().find(|shown| leader(shown.task) == leader(victim));
                self.chosen = Some((victim, shown.map_or(0, |shown| shown.uid)));
                // The rest of a group is killed in the same words, with no report of its own.
                self.is_dumped = false;
                if scope != OomScope::Group {
                    self.scope = scope;
                    self.is_dumped = report;
                    if self.is_dumped {
                        return self.write_invoked(state, record, (Gfp(gfp), order), Some(victim));
                    }
                }
                Ok(())
            }
            Event::KillOrSacrifice { chosen, score } => {
                let (pid, comm) = (pid(state, chosen), comm(state, chosen));
                self.write_message(record)?;
                writeln!(self.out, "Kill process {pid} ({comm}) score {score} or sacrifice child")
            }
            Event::KilledProcess { victim, report } => {
                self.write_killed(state, record, victim, report)
            }
            Event::OomMmPinned { victim, init } => {
                self.stamp(record.at)?;
                writeln!(
                    self.out,
                    "oom killer {} ({}) has mm pinned by {} ({})",
                    pid(state, victim),
                    comm(state, victim),
                    pid(state, init),
                    comm(state, init),
                )
            }
            Event::Injection { what: Injected::SysrqF, .. } => {
                self.stamp(record.at)?;
                let old = if state.cast.wording.sysrq_in_old_words { "SysRq : " } else { "" };
                writeln!(self.out, "sysrq: {old}Manual OOM execution")
            }
            Event::SysrqIgnored {} => {
                let blames_killer = state.cast.wording.sysrq_blames_killer;
                let why = if blames_killer {
                    " because killer is disabled"
                } else {
                    ". No task eligible"
                };
                self.stamp(record.at)?;
                writeln!(self.out, "sysrq: OOM request ignored{why}")
            }
            Event::OomGroupKill { cgroup } => {
                let path = cgroup_path(state, cgroup);
                self.stamp(record.at)?;
                writeln!(
                    self.out,
                    "Tasks in {path} are going to be killed due to memory.oom.group set"
                )
            }
            Event::OutOfMemory { result: OomResult::NoVictim, .. }
                if state.cast.wording.logs_no_killable =>
            {
                self.write_asked(state, record)?;
                self.stamp(record.at)?;
                self.out.push_str("Out of memory and no killable processes...\n");
                Ok(())
            }
            Event::OutOfMemory { result: OomResult::PanicOnOom, .. } => {
                self.write_asked(state, record)
            }
            Event::Panic { text } => {
                if text == PanicText::NoKillable {
                    self.write_asked(state, record)?;
                }
                self.stamp(record.at)?;
                writeln!(self.out, "Kernel panic - not syncing: {}", text.text())
            }
            _ => Ok(()),
        }
    }

    /// `%s: ` of the kill under way.
    fn write_message(&mut self, record: &Record) -> fmt::Result {
        self.stamp(record.at)?;
        self.out.push_str(match self.scope {
            OomScope::Memcg => "Memory cgroup out of memory: ",
            OomScope::AllocatingTask => "Out of memory (oom_kill_allocating_task): ",
            OomScope::Global | OomScope::Sysrq | OomScope::Group => "Out of memory: ",
        });
        Ok(())
    }

    /// The report before a panic.
    fn write_asked(&mut self, state: &State<'_>, record: &Record) -> fmt::Result {
        let called_from = self.dump.as_ref().map(|dump| state.cast.functions(dump.stack));
        let by_sysrq = called_from.is_some_and(|stack| stack.contains(&Func::SysrqOomKill));
        let request = state.request(record.task);
        let asked =
            if by_sysrq { (Gfp::KERNEL, ORDER_SYSRQ) } else { (request.gfp, request.order) };
        self.write_invoked(state, record, asked, None)
    }

    /// The report before a kill, or where nobody can be `chosen`.
    fn write_invoked(
        &mut self,
        state: &State<'_>,
        record: &Record,
        (gfp, order): (Gfp, u8),
        chosen: Option<TaskId>,
    ) -> fmt::Result {
        // folio_alloc() adds __GFP_COMP, so that a cgroup does not see it.
        let mut wording = state.cast.wording;
        wording.anon_is_compound &= !state.request(record.task).is_charge;
        self.stamp(record.at)?;
        write!(
            self.out,
            "{} invoked oom-killer: gfp_mask={:#x}({}), order=",
            comm(state, record.task),
            gfp::bits(gfp, &wording),
            gfp::name(gfp, &wording),
        )?;
        match order {
            ORDER_SYSRQ => self.out.push_str("-1"),
            order => write!(self.out, "{order}")?,
        }
        writeln!(self.out, ", oom_score_adj={}", state.oom_score_adj(record.task))?;
        match self.dump.take() {
            Some(dump) => self.write_dump(state, (record.at, record.task), &dump, chosen),
            None => Ok(()),
        }
    }

    fn write_killed(
        &mut self,
        state: &State<'_>,
        record: &Record,
        victim: TaskId,
        report: ReportId,
    ) -> fmt::Result {
        let wording = &state.cast.wording;
        let report = state.cast.reports.get(report).cloned().unwrap_or_default();
        let (pid, comm) = (pid(state, victim), comm(state, victim));
        self.write_constraint(state, record)?;
        self.chosen = None;
        match wording.killed_line {
            KilledLine::Plain => self.stamp(record.at)?,
            _ => self.write_message(record)?,
        }
        write!(
            self.out,
            "Killed process {pid} ({comm}) total-vm:{}kB, anon-rss:{}kB, file-rss:{}kB, \
             shmem-rss:{}kB",
            kb(report.total_vm),
            kb(report.anon),
            kb(report.file),
            kb(report.shmem),
        )?;
        let unit = match wording.killed_line {
            KilledLine::Plain | KilledLine::Prefixed => {
                self.out.push('\n');
                return Ok(());
            }
            KilledLine::PgtablesInBytes => 1,
            KilledLine::PgtablesInKb => 1024,
        };
        writeln!(
            self.out,
            ", UID:{} pgtables:{}kB oom_score_adj:{}",
            report.uid,
            report.pgtables_bytes / unit,
            report.oom_score_adj
        )
    }

    /// `__oom_kill_process()` of who lost its mm while the report was printed.
    fn write_exiting(&mut self, state: &State<'_>, record: &Record) -> fmt::Result {
        self.write_constraint(state, record)?;
        let Some((chosen, _)) = self.chosen.take() else { return Ok(()) };
        if !state.cast.wording.logs_exiting_victim {
            return Ok(());
        }
        let (pid, comm) = (pid(state, chosen), comm(state, chosen));
        self.write_message(record)?;
        writeln!(self.out, "OOM victim {pid} ({comm}) is already exiting. Skip killing the task")
    }

    /// `dump_oom_summary()`, the end of a report: of the task that was chosen, whichever thread of
    /// it is killed. There are no cpusets.
    fn write_constraint(&mut self, state: &State<'_>, record: &Record) -> fmt::Result {
        let is_dumped = std::mem::take(&mut self.is_dumped);
        let Some((chosen, uid)) = self.chosen.filter(|_| is_dumped) else { return Ok(()) };
        if !state.cast.wording.logs_constraint {
            return Ok(());
        }
        let (pid, comm) = (pid(state, chosen), comm(state, chosen));
        let leader = state.cast.tasks.get(chosen).map_or(chosen, |info| info.leader);
        let task_memcg = state.cgroup_of(leader);
        let memcg = state.memcg_oom(record.task).filter(|_| self.scope == OomScope::Memcg);
        self.stamp(record.at)?;
        let (constraint, scope) = match memcg {
            Some(cgroup) => {
                ("CONSTRAINT_MEMCG", format!("oom_memcg={}", cgroup_path(state, cgroup)))
            }
            None => ("CONSTRAINT_NONE", "global_oom".to_owned()),
        };
        writeln!(
            self.out,
            "oom-kill:constraint={constraint},nodemask=(null),cpuset=/,mems_allowed=0,{scope},\
             task_memcg={task_memcg},task={comm},pid={pid},uid={uid}",
        )
    }
}

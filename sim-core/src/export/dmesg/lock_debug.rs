//! Reports of lock debugging: `print_circular_bug()`, `print_deadlock_bug()`,
//! `print_unlock_imbalance_bug()` and `debug_show_all_locks()`
//! (kernel/locking/lockdep.c), `__might_resched()`, `schedule_debug()`
//! (kernel/sched/core.c), Linux 6.1, as recorded on 6.1.192.
//!
//! Addresses are made up (`names`), and functions have no offsets: a run
//! has neither.

mod names;

use std::fmt::{self, Write as _};

use self::names::{TEXT_BASE, acquired_at, address, lock_name, site, stack, trace};
use super::frames::{self, Top};
use super::{Log, tainted};
use crate::base::{SimTime, TaskId};
use crate::engine::Hold;
use crate::export::lines::{comm, pid};
use crate::export::state::{State, Wait};
use crate::record::{
    AllLocks, By, ClassInfo, DebugLayout, Event, HeldLock, HeldLocks, Link, LockReport,
    LockReports, Place, Reason, Record, SleepSite, Splat,
};

const RULE: &str = "------------------------------------------------------";
const WIDE: &str = "======================================================";

/// What is needed to print one report.
struct Printer<'a, 'b> {
    log: &'a mut Log,
    state: &'a State<'b>,
    classes: &'a [ClassInfo],
    at: SimTime,
    task: TaskId,
}

impl Printer<'_, '_> {
    fn line(&mut self, text: &str) -> fmt::Result {
        self.log.stamp(self.at)?;
        writeln!(self.log.out, "{text}")
    }

    fn layout(&self) -> DebugLayout {
        self.state.cast.wording.debug_layout
    }

    fn class(&self, class: usize) -> &str {
        self.classes.get(class).map_or("?", |class| class.name.as_str())
    }

    fn who(&self) -> String {
        format!("{}/{}", comm(self.state, self.task), pid(self.state, self.task))
    }

    /// `print_lock_name()`.
    fn named(&self, class: usize) -> String {
        let layout = self.layout();
        self.classes.get(class).map_or_else(String::new, |class| lock_name(class, layout))
    }

    /// `print_lock()`.
    fn lock(&self, held: &HeldLock) -> String {
        let address = address(held.what, self.classes, held.class);
        let at = acquired_at(self.state, held);
        format!("{address:016x} {}, at: {at}", self.named(held.class))
    }

    fn header(&mut self, rule: &str, title: &str, ends: &str) -> fmt::Result {
        let taint = tainted(self.log.warned);
        let ident = format!("{} #1 {taint}", self.state.cast.wording.release);
        for line in ["", rule, title, &ident, ends] {
            self.line(line)?;
        }
        Ok(())
    }

    fn wanted_and_held(&mut self, acquiring: &HeldLock, holding: &HeldLock) -> fmt::Result {
        let wants = format!("{} is trying to acquire lock:", self.who());
        let (wanted, held) = (self.lock(acquiring), self.lock(holding));
        for line in [&wants, &wanted, "", "but task is already holding lock:", &held] {
            self.line(line)?;
        }
        Ok(())
    }

    /// `print_circular_bug()`.
    fn circular(
        &mut self,
        acquiring: &HeldLock,
        holding: &HeldLock,
        chain: &[Link],
    ) -> fmt::Result {
        self.header(WIDE, "WARNING: possible circular locking dependency detected", RULE)?;
        self.wanted_and_held(acquiring, holding)?;
        let lines = [
            "",
            "which lock already depends on the new lock.",
            "",
            "",
            "the existing dependency chain (in reverse order) is:",
        ];
        for line in lines {
            self.line(line)?;
        }
        for (number, link) in chain.iter().enumerate().rev() {
            let name = self.named(link.class);
            self.line("")?;
            self.line(&format!("-> #{number} {name}:"))?;
            let own: &[&str] = match link.held.place.by {
                _ if number > 0 => &[],
                By::LockSync => &["__lock_acquire"],
                _ => &["__lock_acquire", "lock_acquire"],
            };
            for function in own {
                self.line(&format!("       {function}"))?;
            }
            for function in trace(self.state, self.classes, &link.held) {
                self.line(&format!("       {function}"))?;
            }
        }
        for line in ["", "other info that might help us debug this:", ""] {
            self.line(line)?;
        }
        let [source, target] = [acquiring, holding].map(|held| held.class);
        let parent = chain.len().checked_sub(2).and_then(|at| chain.get(at));
        let parent = parent.map_or(source, |link| link.class);
        let names = [source, parent, target].map(|class| self.class(class).to_owned());
        let [source_name, parent_name, target_name] = &names;
        if parent != source {
            self.line("Chain exists of:")?;
            self.line(&format!("  {source_name} --> {parent_name} --> {target_name}"))?;
            self.line("")?;
        }
        let other = " ".repeat(31);
        let lines = [
            " Possible unsafe locking scenario:".to_owned(),
            String::new(),
            "       CPU0                    CPU1".to_owned(),
            "       ----                    ----".to_owned(),
            format!("  {}({target_name});", self.taking_word(holding)),
            format!("{other}lock({parent_name});"),
            format!("{other}lock({target_name});"),
            format!("  {}({source_name});", self.taking_word(acquiring)),
            String::new(),
            " *** DEADLOCK ***".to_owned(),
            String::new(),
        ];
        for line in &lines {
            self.line(line)?;
        }
        Ok(())
    }

    /// How `print_circular_lock_scenario()` has it taken; it tells readers only since 6.4.
    fn taking_word(&self, held: &HeldLock) -> &'static str {
        match held.place.by {
            By::LockSync => "sync",
            _ if self.layout() >= DebugLayout::WithIds && held.hold == Hold::Shared => "rlock",
            _ => "lock",
        }
    }

    /// `print_deadlock_bug()`.
    fn recursive(&mut self, acquiring: &HeldLock, holding: &HeldLock) -> fmt::Result {
        let (wide, rule) = (&WIDE[..44], &RULE[..44]);
        self.header(wide, "WARNING: possible recursive locking detected", rule)?;
        self.wanted_and_held(acquiring, holding)?;
        let held = format!("  lock({});", self.class(holding.class));
        let wanted = format!("  lock({});", self.class(acquiring.class));
        let lines = [
            "",
            "other info that might help us debug this:",
            " Possible unsafe locking scenario:",
            "",
            "       CPU0",
            "       ----",
            &held,
            &wanted,
            "",
            " *** DEADLOCK ***",
            "",
            " May be due to missing lock nesting notation",
            "",
        ];
        for line in lines {
            self.line(line)?;
        }
        Ok(())
    }

    /// `print_lock_invalid_wait_context()`.
    fn wait_context(&mut self, report: &LockReport, acquiring: &HeldLock) -> fmt::Result {
        self.header(&WIDE[..29], "[ BUG: Invalid wait context ]", &RULE[..29])?;
        // That of a task: LD_WAIT_MAX, with one kind of spinlocks or with two.
        let of_task = if self.layout() == DebugLayout::RawNesting { "5:5" } else { "4:4" };
        let (wants, wanted) = (format!("{} is trying to lock:", self.who()), self.lock(acquiring));
        let context = format!("context-{{{of_task}}}");
        for line in [&*wants, &wanted, "other info that might help us debug this:", &context] {
            self.line(line)?;
        }
        self.held_locks(&report.held)?;
        self.line("stack backtrace:")?;
        let frames = trace(self.state, self.classes, acquiring);
        self.dump_stack(&["__lock_acquire", "lock_acquire"], &frames)
    }

    /// `print_unlock_imbalance_bug()`.
    fn bad_unlock(&mut self, place: &Place, class: usize) -> fmt::Result {
        let rule = &WIDE[..37];
        self.header(rule, "WARNING: bad unlock balance detected!", &RULE[..37])?;
        let (who, class) = (self.who(), self.class(class));
        let releases = format!("{who} is trying to release lock ({class}) at:");
        // print_ip_sym()
        let caller = stack(self.state, place, Top::Itself).into_iter().next();
        let caller = caller.unwrap_or_else(|| format!("{TEXT_BASE:#x}"));
        let caller = format!("[<{TEXT_BASE:016x}>] {caller}");
        for line in [&*releases, &caller, "but there are no more locks to release!"] {
            self.line(line)?;
        }
        for line in ["", "other info that might help us debug this:"] {
            self.line(line)?;
        }
        Ok(())
    }

    /// `lockdep_print_held_locks()`; `shown`: whether what it holds can be relied on,
    /// which it can't of a task that runs, or could, unless it is the one that prints.
    fn held(&mut self, task: TaskId, held: &[HeldLock], shown: bool) -> fmt::Result {
        let who = format!("{}/{}", comm(self.state, task), pid(self.state, task));
        match held.len() {
            0 => return self.line(&format!("no locks held by {who}.")),
            count => {
                let s = if count == 1 { "" } else { "s" };
                self.line(&format!("{count} lock{s} held by {who}:"))?;
            }
        }
        for (number, held) in held.iter().enumerate().filter(|_| shown) {
            let text = format!(" #{number}: {}", self.lock(held));
            self.line(&text)?;
        }
        Ok(())
    }

    fn held_locks(&mut self, held: &HeldLocks) -> fmt::Result {
        match held {
            HeldLocks::Unknown => Ok(()),
            HeldLocks::TurnedOff => self.line("INFO: lockdep is turned off."),
            HeldLocks::Known(held) => self.held(self.task, held, true),
        }
    }

    /// `dump_stack()`.
    fn dump_stack(&mut self, inner: &[&str], frames: &[String]) -> fmt::Result {
        let (pid, comm) = (pid(self.state, self.task), comm(self.state, self.task));
        let cpu = self.state.cpu(self.task);
        let (taint, release) = (tainted(self.log.warned), self.state.cast.wording.release);
        let names_user = self.layout() >= DebugLayout::WithIds;
        let uid = if names_user { " UID: 0" } else { "" };
        self.line(&format!("CPU: {cpu}{uid} PID: {pid} Comm: {comm:.20} {taint} {release} #1 "))?;
        if names_user && self.log.warned {
            self.line("Tainted: [W]=WARN")?;
        }
        let own: &[&str] = match self.layout() {
            DebugLayout::NoWaitTypes | DebugLayout::WaitTypes => &["dump_stack"],
            DebugLayout::Marked | DebugLayout::WithIds | DebugLayout::RawNesting => {
                &["dump_stack_lvl", "dump_stack"]
            }
        };
        let inner = own.iter().chain(inner).map(|&name| name.to_owned());
        let functions: Vec<_> = inner.chain(frames.iter().cloned()).collect();
        self.log.write_call_trace(self.state, self.at, &functions)
    }

    fn report(&mut self, report: &LockReport, next: Option<&Record>) -> fmt::Result {
        match &report.splat {
            Splat::Circular { acquiring, holding, chain } => {
                self.circular(acquiring, holding, chain)?;
                self.lockdep_end(
                    report,
                    &["print_circular_bug", "check_noncircular"],
                    Some(acquiring),
                )
            }
            Splat::Recursive { acquiring, holding } => {
                self.recursive(acquiring, holding)?;
                self.lockdep_end(report, &["print_deadlock_bug"], Some(acquiring))
            }
            Splat::WaitContext { acquiring, .. } => self.wait_context(report, acquiring),
            Splat::BadUnlock { class, .. } => {
                self.bad_unlock(&report.place, *class)?;
                self.lockdep_end(report, &["print_unlock_imbalance_bug"], None)
            }
            Splat::MightSleep { site: at, non_block, preempt } => {
                let (pid, comm) = (pid(self.state, self.task), comm(self.state, self.task));
                let atomic = u8::from(*preempt > 0);
                self.line(&format!(
                    "BUG: sleeping function called from invalid context at {}",
                    site(*at, self.layout())
                ))?;
                self.line(&format!(
                    "in_atomic(): {atomic}, irqs_disabled(): 0, non_block: {non_block}, \
                     pid: {pid}, name: {comm}"
                ))?;
                if self.layout() >= DebugLayout::Marked {
                    self.line(&format!("preempt_count: {preempt:x}, expected: 0"))?;
                }
                self.held_locks(&report.held)?;
                let mut inner = match self.layout() {
                    DebugLayout::NoWaitTypes | DebugLayout::WaitTypes => {
                        vec!["___might_sleep", "__might_sleep"]
                    }
                    DebugLayout::Marked | DebugLayout::WithIds | DebugLayout::RawNesting => {
                        vec!["__might_resched", "__might_sleep"]
                    }
                };
                inner.extend(match at {
                    SleepSite::Mutex => &["__mutex_lock", "mutex_lock_nested"][..],
                    SleepSite::DownRead => &["down_read"],
                    SleepSite::DownWrite => &["down_write"],
                    SleepSite::CopyToUser => &["__might_fault", "_copy_to_user"],
                    _ => &[],
                });
                let top = match at {
                    SleepSite::NotifierStart | SleepSite::NotifierEnd => Top::Callee,
                    _ => Top::Itself,
                };
                let frames = stack(self.state, &report.place, top);
                self.dump_stack(&inner, &frames)?;
                self.log.warned = true;
                Ok(())
            }
            Splat::NonBlockSchedule { non_block } => {
                let text = format!("{}/{non_block}", self.who());
                self.line(&format!("BUG: scheduling in a non-blocking section: {text}"))?;
                self.scheduled(report, next)
            }
            Splat::AtomicSchedule { preempt } => {
                // schedule() has disabled preemption once more.
                let text = format!("{}/0x{:08x}", self.who(), preempt + 1);
                self.line(&format!("BUG: scheduling while atomic: {text}"))?;
                self.held_locks(&report.held)?;
                self.scheduled(report, next)
            }
        }
    }

    /// `next` is the record that it sleeps.
    fn scheduled(&mut self, report: &LockReport, next: Option<&Record>) -> fmt::Result {
        let frames = match next.map(|record| record.event) {
            Some(Event::Blocked { on, why, stack }) => {
                let wait = Wait { on, why: Reason::from_number(why), stack };
                frames::waiting(self.state, wait, report.place.notifier, self.log.debugs_locks)
            }
            _ => stack(self.state, &report.place, Top::Itself),
        };
        self.dump_stack(&[], &frames)?;
        self.log.warned = true;
        Ok(())
    }

    fn lockdep_end(
        &mut self,
        report: &LockReport,
        by: &[&str],
        acquiring: Option<&HeldLock>,
    ) -> fmt::Result {
        self.held_locks(&report.held)?;
        self.line("")?;
        self.line("stack backtrace:")?;
        let (outer, frames): (&[&str], _) = match acquiring {
            Some(held) => {
                (&["__lock_acquire", "lock_acquire"], trace(self.state, self.classes, held))
            }
            None => (&["lock_release"], stack(self.state, &report.place, Top::Itself)),
        };
        let inner = [by, outer].concat();
        self.dump_stack(&inner, &frames)
    }
}

impl Log {
    /// A checker's report.
    pub(super) fn write_lock_report(
        &mut self,
        state: &State<'_>,
        classes: &[ClassInfo],
        report: &LockReport,
        next: Option<&Record>,
    ) -> fmt::Result {
        let (at, task) = (report.at, report.task);
        Printer { log: self, state, classes, at, task }.report(report, next)
    }

    /// What follows the reports of hung tasks.
    pub(super) fn write_locks_at_look(
        &mut self,
        state: &State<'_>,
        found: &LockReports,
        at: SimTime,
    ) -> fmt::Result {
        if !found.shows_lockdep {
            return Ok(());
        }
        // Between two records nothing changes: a look shows what the last one before it did.
        let looks = found.at_looks.iter().rev();
        let mut looks = looks.filter(|all| all.at <= at);
        let is_off = found.turned_off_at.is_some_and(|off| off <= at);
        let held = looks.next().filter(|_| !is_off).and_then(|all| all.held.clone());
        self.write_all_locks(state, &found.classes, &AllLocks { at, record: 0, held })
    }

    /// `debug_show_all_locks()`.
    pub(super) fn write_all_locks(
        &mut self,
        state: &State<'_>,
        classes: &[ClassInfo],
        all: &AllLocks,
    ) -> fmt::Result {
        let mut printer = Printer { log: self, state, classes, at: all.at, task: TaskId(0) };
        let Some(held) = &all.held else {
            return printer.line("INFO: lockdep is turned off.");
        };
        printer.line("")?;
        printer.line("Showing all locks held in the system:")?;
        for (task, held) in held {
            let sleeps = printer.state.wait(*task).is_some();
            printer.held(*task, held, sleeps)?;
        }
        printer.line("")?;
        printer.line("=============================================")?;
        printer.line("")
    }
}

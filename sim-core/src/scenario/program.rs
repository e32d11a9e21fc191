//! Programs: lists of operations, each an inline table such as
//! `{ touch = ["heap"], rate = "60MiB/s" }`, some with lists inside.
//!
//! Here is what holds for all operations: which one a table is, where it
//! may stand, how deep and long lists may be. What each one says is read
//! in [`step`](super::step), where names become indices. What nobody can
//! know from the text (whether an event comes before its waiter is
//! killed, say) is left to the simulation.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::checked::{Hold, LockKind, LockRef, Op, Region};
use super::error::{Report, is_near};
use super::fields::Fields;
use super::spec::{DEPTH_MAX, IOCTL_OPS, OPS, OPS_MAX, TASK_OPS_MAX, Table, Value};
use super::units::format_time;
use crate::base::Nanos;

/// The names of the file that a program may use.
#[derive(Clone, Debug, Default)]
pub(super) struct FileNames {
    pub(super) tasks: Vec<String>,
    pub(super) drivers: Vec<String>,
    pub(super) devices: Vec<String>,
    /// Of each device, the names of its further rings.
    pub(super) rings: Vec<Vec<String>>,
    pub(super) cgroups: Vec<String>,
    pub(super) locks: Vec<String>,
    pub(super) lock_kinds: Vec<LockKind>,
    pub(super) events: Vec<String>,
    pub(super) futexes: Vec<String>,
    /// For each task, who forks it.
    pub(super) parents: Vec<Option<usize>>,
    /// Of each device, whether its memory is mapped when it faults.
    pub(super) mapped_on_fault: Vec<bool>,
    /// The end of the run, if the file says it or leaves it out.
    pub(super) horizon: Option<Nanos>,
}

impl FileNames {
    /// Complains of a time behind the end of the run.
    pub(super) fn in_time(&self, report: &mut Report<'_>, at: Option<Nanos>, span: &Range<usize>) {
        if let (Some(at), Some(horizon)) = (at, self.horizon)
            && at > horizon
        {
            let expected = format!("expected at most the `horizon`, {}", format_time(horizon));
            report.add(span, "after the end of the run", expected);
        }
    }
}

/// The names of a task that its programs may use.
pub(super) struct TaskNames<'a> {
    pub(super) task: usize,
    pub(super) regions: &'a [Region],
    /// How many of the regions are its parent's.
    pub(super) inherited: usize,
    pub(super) threads: &'a [String],
}

/// Devices that the programs of a task name.
#[derive(Default)]
pub(super) struct Uses {
    pub(super) registers: BTreeSet<usize>,
    /// To whom they submit, and where that stands.
    pub(super) submits: Vec<(usize, Range<usize>)>,
}

/// Which program of a task it is.
#[derive(Copy, Clone, Eq, PartialEq)]
pub(super) enum Place {
    /// That of the first thread, which maps regions and starts threads.
    First,
    /// That of another thread.
    Other,
}

/// What is known of a thread where an operation stands.
pub(super) struct Reader<'a> {
    pub(super) file: &'a FileNames,
    pub(super) names: &'a TaskNames<'a>,
    pub(super) place: Place,
    /// Regions that are mapped.
    pub(super) mapped: BTreeSet<usize>,
    /// Threads and children started so far, by this task.
    pub(super) started: BTreeSet<usize>,
    pub(super) forked: BTreeSet<usize>,
    /// Locks that the `ioctl` section holds, in order; none: not in one.
    pub(super) held: Option<Vec<(LockRef, Hold, Range<usize>)>>,
    /// The devices that it uses.
    pub(super) uses: Uses,
    /// Lists around the operation that are run more than once.
    repeats: usize,
    depth: usize,
    /// Operations of the task so far.
    count: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a FileNames, names: &'a TaskNames<'a>) -> Self {
        Self {
            file,
            names,
            place: Place::First,
            mapped: (0..names.inherited).collect(),
            started: BTreeSet::new(),
            forked: BTreeSet::new(),
            held: None,
            uses: Uses::default(),
            repeats: 0,
            depth: 0,
            count: 0,
        }
    }

    /// Reads the program of another thread of the same task.
    pub(super) fn thread(&mut self, report: &mut Report<'_>, value: &Value<'_>) -> Vec<Op> {
        self.place = Place::Other;
        // When another thread gets to run is not known here.
        self.mapped = (0..self.names.regions.len()).collect();
        self.program(report, value)
    }

    /// Reads a list of operations. Those that make no sense are left out,
    /// each with a complaint.
    pub(super) fn program(&mut self, report: &mut Report<'_>, value: &Value<'_>) -> Vec<Op> {
        if self.depth == DEPTH_MAX {
            let expected = format!("expected at most {DEPTH_MAX} lists inside one another");
            report.add(&value.span(), "too deep", expected);
            return Vec::new();
        }
        self.depth += 1;
        let mut ops = Vec::new();
        for item in report.array(value, OPS_MAX) {
            self.count += 1;
            if self.count == TASK_OPS_MAX + 1 {
                let expected = format!("expected at most {TASK_OPS_MAX} in a task");
                report.add(&item.span(), "too many operations", expected);
            }
            if self.count > TASK_OPS_MAX {
                break;
            }
            ops.extend(self.item(report, item));
        }
        self.depth -= 1;
        ops
    }

    fn item(&mut self, report: &mut Report<'_>, item: &Value<'_>) -> Option<Op> {
        let (spec, table) = named_table(report, item, OPS, "operation")?;
        let main = spec.fields.first().and_then(|field| table.get(field.name))?.span();
        self.check_place(report, spec.name, &main)?;
        if spec.name == "mmap" {
            // Read before, with all regions of the task.
            return self.mmap(table);
        }
        let fields = Fields::new(report, table, item.span(), spec);
        self.step(report, spec.name, &fields)
    }

    /// Whether the operation may stand here.
    fn check_place(
        &self,
        report: &mut Report<'_>,
        name: &'static str,
        main: &Range<usize>,
    ) -> Option<()> {
        let once = ["thread", "fork"].contains(&name);
        if self.place == Place::Other && (once || name == "mmap") {
            let problem = format!("`{name}` in a thread");
            report.add(main, problem, "expected in the task's own program only");
            return None;
        }
        if once && self.repeats > 0 {
            let expected = "expected outside: each starts once";
            report.add(main, format!("`{name}` in `repeat`"), expected);
            return None;
        }
        if self.held.is_some() && !IOCTL_OPS.contains(&name) {
            let expected =
                format!("expected what code of the kernel does: {}", IOCTL_OPS.join(", "));
            report.add(main, format!("`{name}` inside `ioctl`"), expected);
            return None;
        }
        let locks = ["lock", "trylock", "unlock", "mmap_lock", "mmap_unlock"];
        if self.held.is_none() && locks.contains(&name) {
            let problem = format!("`{name}` outside `ioctl`");
            let expected = "expected inside { ioctl = [...] }: locks are the kernel's";
            report.add(main, problem, expected);
            return None;
        }
        Some(())
    }

    /// The nested list of a `repeat`: it is run from its own end too.
    pub(super) fn repeated(&mut self, report: &mut Report<'_>, value: &Value<'_>) -> Vec<Op> {
        let before = self.held.clone();
        self.repeats += 1;
        let ops = self.program(report, value);
        self.repeats -= 1;
        let locks = |held: &Option<Vec<(LockRef, Hold, Range<usize>)>>| {
            let held = held.iter().flatten();
            held.map(|(lock, hold, _)| (*lock, *hold)).collect::<Vec<_>>()
        };
        if locks(&before) != locks(&self.held) {
            let expected = "expected the same locks held at the end as at the start";
            report.add(&value.span(), "locks of a `repeat`", expected);
            self.held = before;
        }
        ops
    }

    /// An `ioctl` section: what it takes it lets go.
    pub(super) fn section(&mut self, report: &mut Report<'_>, value: &Value<'_>) -> Vec<Op> {
        self.held = Some(Vec::new());
        let ops = self.program(report, value);
        for (lock, _, span) in self.held.take().into_iter().flatten() {
            let expected = match lock {
                LockRef::Mmap => "expected { mmap_unlock = true } before the section ends",
                LockRef::Named(_) => "expected an `unlock` of it before the section ends",
            };
            report.add(&span, "never let go", expected);
        }
        ops
    }
}

/// Which of the tables of `known` an item of a list is: the one whose name
/// is among its keys. `what` they are is for people.
pub(super) fn named_table<'t>(
    report: &mut Report<'_>,
    item: &'t Value<'t>,
    known: &'static [Table],
    what: &str,
) -> Option<(&'static Table, &'t DeTable<'t>)> {
    let DeValue::Table(table) = item.get_ref() else {
        let example = if what == "step" { "{ work = \"50us\" }" } else { "{ pause = \"60ms\" }" };
        let expected = format!("expected a table such as {example}");
        report.add(&item.span(), format!("no {what}"), expected);
        return None;
    };
    let mut found = known.iter().filter(|op| table.contains_key(op.name));
    match (found.next(), found.next()) {
        (Some(op), None) => return Some((op, table)),
        (Some(_), Some(_)) => {
            report.add(&item.span(), format!("two {what}s in one"), "expected a table for each");
        }
        (None, _) => {
            let names = known.iter().map(|op| op.name);
            // A key that is nearly one of the names is the one meant; else the first in the text.
            let is_near = |key: &&Spanned<Cow<'_, str>>| is_near(key.get_ref(), names.clone());
            let near = table.keys().filter(is_near).min_by_key(|key| key.span().start);
            match near.or_else(|| table.keys().min_by_key(|key| key.span().start)) {
                Some(key) => {
                    let name: &str = key.get_ref();
                    report.add_unknown(&key.span(), &format!("unknown {what}"), name, names);
                }
                None => report.add_unknown(&item.span(), &format!("no {what}"), "", names),
            }
        }
    }
    None
}

/// Calls `f` with every operation's table of a list and of those inside
/// it, in order, without a complaint about anything.
pub(super) fn visit<'t>(
    value: &'t Value<'t>,
    depth: usize,
    f: &mut impl FnMut(&'t DeTable<'t>, Range<usize>),
) {
    let DeValue::Array(items) = value.get_ref() else { return };
    if depth == DEPTH_MAX {
        return;
    }
    for item in items.iter().take(OPS_MAX) {
        let DeValue::Table(table) = item.get_ref() else { continue };
        f(table, item.span());
        for inner in ["program", "ioctl"].iter().filter_map(|key| table.get(*key)) {
            visit(inner, depth + 1, f);
        }
    }
}

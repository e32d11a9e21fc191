//! `[[task]]`: processes, their start conditions, families and threads.
//!
//! Programs are read in [`program`](super::program), places of VMAs are
//! found in [`layout`](super::layout). A child that shares or copies its
//! parent's memory may name its parent's regions, so parents are read
//! before their children, wherever they stand in the file.

use std::collections::BTreeMap;

use crate::base::sort;
use toml::de::DeValue;

use super::check::names;
use super::checked::{Backing, Fork, ForkMm, Op, Region, Start, Task, Thread, Vma};
use super::error::Report;
use super::fields::Fields;
use super::layout::{self, Preset};
use super::program::{self, FileNames, Reader, TaskNames, Uses};
use super::spec::{COMM_SIZE_MAX, OPS, START, Value};
use super::units::PAGE_SIZE;

/// What is known of a task before its programs are read.
#[derive(Default)]
struct Draft {
    fork: Option<Fork>,
    own: Vec<layout::Wanted>,
    /// Its parent's regions and its own.
    regions: Vec<Region>,
    inherited: usize,
    vmas: Vec<Vma>,
}

/// Reads all tasks.
pub(super) fn tasks(
    report: &mut Report<'_>,
    items: &[Fields<'_>],
    file: &mut FileNames,
) -> Vec<Task> {
    let forks: Vec<Option<Fork>> = items.iter().map(|item| fork(report, item, file)).collect();
    file.parents = forks.iter().map(|fork| fork.map(|fork| fork.parent)).collect();
    let mut drafts: Vec<Draft> = Vec::new();
    for (item, fork) in items.iter().zip(forks) {
        let own = item.get("program").map_or(Vec::new(), |value| wanted(report, value));
        drafts.push(Draft { fork, own, ..Draft::default() });
    }
    let order = parents_first(report, items, file);
    for index in order {
        lay_out(report, items, &mut drafts, index);
    }
    let mut tasks = Vec::new();
    let mut uses = Vec::new();
    for (index, (item, draft)) in items.iter().zip(drafts).enumerate() {
        let (task, of_task) = task(report, item, draft, file, index);
        tasks.push(task);
        uses.push(of_task);
    }
    check_submits(report, &tasks, &uses, file);
    check_pids(report, &tasks, items);
    check_starts(report, &tasks, items);
    check_forks(report, &tasks, items);
    check_threads(report, &tasks, items);
    tasks
}

/// `parent`, `share_mm` and `vfork`.
fn fork(report: &mut Report<'_>, fields: &Fields<'_>, file: &FileNames) -> Option<Fork> {
    let shares = fields.boolean(report, "share_mm");
    let vfork = fields.boolean(report, "vfork").unwrap_or(false);
    let Some(_) = fields.get("parent") else {
        for key in ["share_mm", "vfork"] {
            if fields.get(key).is_some() {
                let expected = "expected a `parent` that forks it";
                report.add(&fields.span_of(key), format!("`{key}` without parent"), expected);
            }
        }
        return None;
    };
    for (key, instead) in [
        ("start", "expected no start condition: it starts when its parent forks it"),
        ("preset", "expected no preset: it has what its parent has mapped"),
    ] {
        if fields.get(key).is_some() {
            report.add(&fields.span_of(key), format!("`{key}` of a child"), instead);
        }
    }
    if vfork && shares == Some(false) {
        let expected = "expected `share_mm` left out: vfork implies it";
        report.add(&fields.span_of("share_mm"), "vfork without sharing", expected);
    }
    let tasks: Vec<&str> = file.tasks.iter().map(String::as_str).collect();
    let parent = fields.index(report, "parent", "task", &tasks)?;
    let mm = match (vfork, shares) {
        (true, _) => ForkMm::Vfork,
        (false, Some(true)) => ForkMm::Shared,
        (false, _) => ForkMm::Copy,
    };
    Some(Fork { parent, mm })
}

/// The regions that a program maps, in order, as they are asked for.
fn wanted(report: &mut Report<'_>, value: &Value<'_>) -> Vec<layout::Wanted> {
    let spec = OPS.iter().find(|op| op.name == "mmap").expect("invariant: there is mmap");
    let mut regions: Vec<layout::Wanted> = Vec::new();
    let mut items = Vec::new();
    program::visit(value, 0, &mut |table, span| {
        if table.contains_key("mmap")
            && OPS.iter().filter(|op| table.contains_key(op.name)).count() == 1
        {
            items.push((table, span));
        }
    });
    for (table, span) in items {
        let fields = Fields::new(report, table, span, spec);
        let span = fields.span_of("mmap");
        let name = fields.get("mmap").and_then(|v| report.name(v)).unwrap_or_default().to_owned();
        if !name.is_empty() && regions.iter().any(|region| region.name == name) {
            report.add(&span, "second region", "expected a name that no other region has");
        }
        let pages = fields.size(report, "size").unwrap_or(PAGE_SIZE) / PAGE_SIZE;
        let at = fields.number::<u64>(report, "at");
        if at.is_some_and(|at| !at.is_multiple_of(PAGE_SIZE)) {
            report.add(&fields.span_of("at"), "not page-aligned", "expected a multiple of 0x1000");
        }
        let backing = match fields.choice(report, "kind") {
            Some("private-file") => Backing::PrivateFile,
            Some("shared-file") => Backing::SharedFile,
            Some("shmem") => Backing::Shmem,
            Some("hugetlb") => Backing::Hugetlb,
            Some("pfnmap") => Backing::Pfnmap,
            _ => Backing::Anonymous,
        };
        let thp = fields.boolean(report, "thp").unwrap_or(false);
        if thp && backing != Backing::Anonymous {
            let expected = "expected kind = \"anon\": only that comes in huge pages here";
            report.add(&fields.span_of("thp"), "huge pages of a file", expected);
        }
        regions.push(layout::Wanted { name, pages, at, backing, thp, span });
    }
    regions
}

/// All tasks, each after its parent.
fn parents_first(
    report: &mut Report<'_>,
    items: &[Fields<'_>],
    file: &mut FileNames,
) -> Vec<usize> {
    for index in 0..items.len() {
        let parent = |index: &usize| file.parents.get(*index).copied().flatten();
        let chain = std::iter::successors(parent(&index), parent);
        // A chain longer than there are tasks has come back to itself.
        if chain.take(items.len() + 1).any(|ancestor| ancestor == index) {
            let expected =
                "expected a `parent` that it is no ancestor of: these tasks fork each other";
            report.add(&items[index].span_of("parent"), "its own ancestor", expected);
            file.parents[index] = None;
        }
    }
    let depth = |index: usize| {
        let parent = |index: &usize| file.parents.get(*index).copied().flatten();
        std::iter::successors(parent(&index), parent).take(items.len()).count()
    };
    let mut order: Vec<usize> = (0..items.len()).collect();
    sort::by_key(&mut order, |&index| depth(index));
    order
}

/// Finds places for the task's regions and small VMAs. All of a family
/// keep out of each other's way, for they may meet in one address space.
fn lay_out(report: &mut Report<'_>, items: &[Fields<'_>], drafts: &mut [Draft], index: usize) {
    let parent_of = |index: usize| drafts[index].fork.map(|fork| fork.parent);
    let root = |index: usize| {
        let chain = std::iter::successors(Some(index), |&index| parent_of(index));
        chain.take(drafts.len() + 1).last().unwrap_or(index)
    };
    let family = root(index);
    let preset = items[family].choice(report, "preset");
    let preset = if preset == Some("none") { Preset::None } else { Preset::StaticElf };
    let mut taken = Vec::new();
    for (other, draft) in drafts.iter().enumerate() {
        if root(other) == family {
            taken.extend(draft.vmas.iter().map(|vma| (vma.start, vma.end)));
            taken.extend(draft.regions.iter().map(|region| (region.at, region.end())));
        }
    }
    let inherited = match parent_of(index) {
        Some(parent) if parent != index => drafts[parent].regions.clone(),
        _ => Vec::new(),
    };
    let draft = &mut drafts[index];
    let own = layout::place(report, std::mem::take(&mut draft.own), preset, &taken);
    if draft.fork.is_none() {
        draft.vmas = layout::vmas(preset, &own);
    }
    draft.inherited = inherited.len();
    draft.regions = inherited.into_iter().chain(own).collect();
}

/// Reads what is left of one task.
fn task(
    report: &mut Report<'_>,
    fields: &Fields<'_>,
    draft: Draft,
    file: &FileNames,
    index: usize,
) -> (Task, Uses) {
    let thread_items = fields.tables(report, "thread");
    let threads = names(report, &thread_items);
    let names = TaskNames {
        task: index,
        regions: &draft.regions,
        inherited: draft.inherited,
        threads: &threads,
    };
    let mut reader = Reader::new(file, &names);
    let program = fields.get("program").map_or(Vec::new(), |value| reader.program(report, value));
    let mut threads_read = Vec::new();
    for (fields, name) in thread_items.iter().zip(&threads) {
        let program = fields.get("program").map_or(Vec::new(), |v| reader.thread(report, v));
        threads_read.push(Thread {
            name: name.clone(),
            comm: comm(report, fields),
            nice: fields.number(report, "nice"),
            rt_priority: fields.number(report, "rt_priority"),
            program,
        });
    }
    let uses = std::mem::take(&mut reader.uses);
    let name = file.tasks.get(index).cloned().unwrap_or_default();
    let cgroups: Vec<&str> = file.cgroups.iter().map(String::as_str).collect();
    // Names are ASCII, so characters are bytes.
    let first_bytes = |text: &str| text.chars().take(COMM_SIZE_MAX).collect();
    let task = Task {
        comm: comm(report, fields).unwrap_or_else(|| first_bytes(&name)),
        pid: fields.number(report, "pid"),
        uid: fields.number(report, "uid").unwrap_or(0),
        oom_score_adj: fields.number(report, "oom_score_adj"),
        nice: fields.number(report, "nice"),
        rt_priority: fields.number(report, "rt_priority"),
        root: fields.boolean(report, "root").unwrap_or(false),
        oom_task_origin: fields.boolean(report, "oom_task_origin").unwrap_or(false),
        cgroup: fields
            .get("cgroup")
            .and_then(|_| fields.index(report, "cgroup", "control group", &cgroups)),
        fork: draft.fork,
        start: start(report, fields, file).unwrap_or_default(),
        vmas: draft.vmas,
        regions: draft.regions,
        program,
        threads: threads_read,
        name,
    };
    (task, uses)
}

fn comm(report: &mut Report<'_>, fields: &Fields<'_>) -> Option<String> {
    let text = report.line(fields.get("comm")?, COMM_SIZE_MAX)?.to_owned();
    if text.is_empty() || text.len() > COMM_SIZE_MAX || text.contains('\n') {
        let expected = format!("expected 1 to {COMM_SIZE_MAX} bytes on one line");
        report.add(&fields.span_of("comm"), "unfit comm", expected);
        return None;
    }
    Some(text)
}

fn start(report: &mut Report<'_>, fields: &Fields<'_>, file: &FileNames) -> Option<Start> {
    let value = fields.get("start")?;
    if !matches!(value.get_ref(), DeValue::Table(_)) {
        let delay = fields.time(report, "start")?;
        file.in_time(report, Some(delay), &fields.span_of("start"));
        return Some(Start { after: None, delay });
    }
    let fields = Fields::open(report, value, &START)?;
    let delay = match fields.get("delay") {
        Some(_) => fields.time(report, "delay")?,
        None => crate::base::Nanos::ZERO,
    };
    file.in_time(report, Some(delay), &fields.span_of("delay"));
    let tasks: Vec<&str> = file.tasks.iter().map(String::as_str).collect();
    let after = match fields.get("after") {
        Some(_) => Some(fields.index(report, "after", "task", &tasks)?),
        None => None,
    };
    Some(Start { after, delay })
}

/// No pid is given twice.
fn check_pids(report: &mut Report<'_>, tasks: &[Task], items: &[Fields<'_>]) {
    let mut seen = BTreeMap::new();
    for (task, fields) in tasks.iter().zip(items) {
        if let Some(pid) = task.pid
            && let Some(other) = seen.insert(pid, &task.name)
        {
            let expected = format!("expected another, or none: {other} has it already");
            report.add(&fields.span_of("pid"), "second pid", expected);
        }
    }
}

/// Whether any of a task's programs comes to an operation like this.
fn does(task: &Task, wanted: impl Fn(&Op) -> bool) -> bool {
    let mut programs =
        std::iter::once(&task.program).chain(task.threads.iter().map(|thread| &thread.program));
    programs.any(|program| comes_to(program, &wanted))
}

fn comes_to(program: &[Op], wanted: &impl Fn(&Op) -> bool) -> bool {
    let reached = program.iter().position(Op::never_ends).map_or(program, |end| &program[..=end]);
    reached.iter().any(|op| {
        wanted(op)
            || match op {
                Op::Memalloc { program, .. }
                | Op::Ioctl { program }
                | Op::Trylock { program, .. }
                | Op::Repeat { program, .. } => comes_to(program, wanted),
                _ => false,
            }
    })
}

/// Who submits to a device has registered with it, or somebody of the same family has.
fn check_submits(report: &mut Report<'_>, tasks: &[Task], uses: &[Uses], file: &FileNames) {
    let root = |task: usize| {
        let parent = |task: &usize| tasks.get(*task)?.fork.map(|fork| fork.parent);
        std::iter::successors(Some(task), parent).take(tasks.len()).last()
    };
    for (task, used) in uses.iter().enumerate() {
        for (device, span) in &used.submits {
            let mut family = (0..tasks.len()).filter(|&other| root(other) == root(task));
            if !family.any(|other| uses[other].registers.contains(device)) {
                let name = file.devices.get(*device).map_or("", String::as_str);
                let expected = format!("expected {{ register = \"{name}\", region = … }} before");
                report.add(span, "a device that it is not registered with", expected);
            }
        }
    }
}

/// Whoever is waited for must say that it is ready, and must not wait
/// for its waiter.
fn check_starts(report: &mut Report<'_>, tasks: &[Task], items: &[Fields<'_>]) {
    for (task, fields) in tasks.iter().zip(items) {
        let Some(after) = task.start.after.and_then(|index| tasks.get(index)) else {
            continue;
        };
        if !does(after, |op| matches!(op, Op::Ready)) {
            let says = after.program.iter().any(|op| matches!(op, Op::Ready));
            let place = if says { " before something that never ends" } else { "" };
            let expected = format!("{} never says {{ ready = true }}{place}", after.name);
            report.add(&fields.span_of("start"), "waits forever", expected);
        }
        // A chain longer than there are tasks has come back to itself. A
        // child can't start before its parent has.
        let next = |index: &usize| {
            let task = tasks.get(*index)?;
            task.start.after.or(task.fork.map(|fork| fork.parent))
        };
        if std::iter::successors(task.start.after, next).nth(tasks.len()).is_some() {
            let expected = "expected one of them without `after`: these tasks wait for each other";
            report.add(&fields.span_of("start"), "waits forever", expected);
        }
    }
}

/// Every child is forked by its parent.
fn check_forks(report: &mut Report<'_>, tasks: &[Task], items: &[Fields<'_>]) {
    for (index, task) in tasks.iter().enumerate() {
        let Some(parent) = task.fork.and_then(|fork| tasks.get(fork.parent)) else {
            continue;
        };
        if !does(parent, |op| matches!(op, Op::Fork { child } if *child == index)) {
            let expected =
                format!("expected {{ fork = \"{}\" }} in {}'s program", task.name, parent.name);
            report.add(&items[index].span_of("parent"), "never forked", expected);
        }
    }
}

/// Every thread is started by its task.
fn check_threads(report: &mut Report<'_>, tasks: &[Task], items: &[Fields<'_>]) {
    for (task, fields) in tasks.iter().zip(items) {
        let threads = fields.get("thread").and_then(|value| value.get_ref().as_array());
        for (index, (thread, item)) in
            task.threads.iter().zip(threads.into_iter().flatten()).enumerate()
        {
            if !does(task, |op| matches!(op, Op::Thread { thread } if *thread == index)) {
                let expected = format!(
                    "expected {{ thread = \"{}\" }} in {}'s program",
                    thread.name, task.name
                );
                report.add(&item.span(), "never started", expected);
            }
        }
    }
}

//! The scenario of a capture as TOML, its notes as comments.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use super::oom_facts::PAGES_MAX;
use super::to_scenario::{Made, Mirror, PRESET_PAGES, TaskMade};
use crate::base::{Nanos, sort};
use crate::scenario::units::{PAGE_SIZE, format_rate, format_size, format_time};

/// Most characters of a title, and bytes of a comm and of a name.
const TITLE_MAX: usize = 120;
const COMM_MAX: usize = 15;
const NAME_MAX: usize = 32;
/// Most blocks that a program takes at once.
const BLOCKS_MAX: u64 = 1 << 20;
/// Largest pid that a scenario takes.
const PID_MAX: u32 = 4_194_303;
/// Longest delay that a scenario takes.
const DELAY_MAX_US: u64 = 3_600_000_000;

/// Pages that are filled within the first minute, with room to spare, and
/// about twice what a page takes under default costs, in µs.
const PAGES_A_MINUTE: u64 = 1 << 20;
/// See `PAGES_A_MINUTE`.
const FILL_US: u64 = 5;

/// Writes it.
pub(super) fn write_scenario(made: &Made) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _: fmt::Result = write(&mut out, made);
    out
}

fn write(out: &mut String, made: &Made) -> fmt::Result {
    writeln!(out, "# Imported from {}.", one_line(&made.files.join(", ")))?;
    for note in &made.notes {
        writeln!(out, "# {}: {}", note.kind.text(), one_line(&note.text))?;
    }
    let title = format!("Imported: {} killed", made.victims.join(", "));
    let title: String = title.chars().take(TITLE_MAX).collect();
    writeln!(out, "schema = 1\ntitle = {}", string(&title))?;
    writeln!(out, "kernel = {}", string(made.machine.kernel))?;
    // Kernels whose reaper asks notifiers are told not to.
    if made.passes_over {
        writeln!(out, "policy = \"skip-any\"")?;
    }
    let lasts = u64::try_from(made.lasts_us).unwrap_or(0);
    // A minute fills some gigabytes; more takes longer.
    let pages = made.tasks.iter().fold(0_u64, |sum, task| sum.saturating_add(task.pages));
    let to_fill = pages.saturating_sub(PAGES_A_MINUTE).saturating_mul(FILL_US);
    let horizon = lasts.saturating_mul(2).saturating_add(60_000_000).saturating_add(to_fill);
    let horizon = horizon.min(DELAY_MAX_US);
    writeln!(out, "horizon = {}", time(horizon))?;
    machine(out, made)?;
    for (number, limit) in made.limits.iter().enumerate() {
        let name = string(&group_name(Some(number), false));
        writeln!(out, "\n[[cgroup]]\nname = {name}\nlimit = {}", size(*limit))?;
    }
    let together = made.tasks.iter().filter(|task| task.together).map(|task| task.group);
    for group in together.collect::<BTreeSet<_>>() {
        let name = string(&group_name(group, true));
        writeln!(out, "\n[[cgroup]]\nname = {name}\noom_group = true")?;
        if group.is_some() {
            writeln!(out, "parent = {}", string(&group_name(group, false)))?;
        }
    }
    let names = names(&made.tasks);
    // Those under whom memory runs out come last.
    let mut order: Vec<usize> = (0..made.tasks.len()).collect();
    sort::by_key(&mut order, |&index| made.tasks[index].presses);
    for &index in &order {
        device(out, &made.tasks[index], &names[index])?;
    }
    let mut before: Option<&str> = None;
    let mut pids = BTreeSet::new();
    for &index in &order {
        let task = &made.tasks[index];
        let is_new = |pid: &u32| (1..=PID_MAX).contains(pid) && pids.insert(*pid);
        let pid = task.pid.filter(is_new);
        let children = made.tasks.iter().zip(&names);
        let children = children.filter(|(child, _)| child.parent == Some(index));
        let family = Family {
            name: &names[index],
            parent: task
                .parent
                .and_then(|parent| Some((made.tasks.get(parent)?, names.get(parent)?))),
            children: children.map(|(_, name)| name.as_str()).collect(),
        };
        write_task(out, task, &family, pid, before)?;
        // A child starts when its parent says so.
        if !task.presses && task.parent.is_none() {
            before = Some(&names[index]);
        }
    }
    Ok(())
}

fn machine(out: &mut String, made: &Made) -> fmt::Result {
    let machine = &made.machine;
    writeln!(out, "\n[machine]")?;
    if let Some(release) = &machine.release {
        writeln!(out, "# Linux {}", one_line(release))?;
    }
    writeln!(out, "cpus = {}\nhz = {}\ntimer_wheel = true", machine.cpus, machine.hz)?;
    if machine.swap > 0 {
        writeln!(out, "# Swap of {} was there; what it held is not told.", size(machine.swap))?;
    }
    for zone in &machine.zones {
        writeln!(out, "[[machine.zone]]\nname = {}", string(&zone.name))?;
        writeln!(out, "managed = {}\nfree = {}", zone.managed, zone.free)?;
        writeln!(out, "min = {}\nlow = {}\nhigh = {}", zone.min, zone.low, zone.high)?;
        writeln!(out, "reserve = {}", zone.reserve)?;
    }
    Ok(())
}

fn device(out: &mut String, task: &TaskMade, name: &str) -> fmt::Result {
    let Some(mirror) = task.stays.mirror else { return Ok(()) };
    let (driver, api) = match mirror {
        Mirror::Everything => ("always-refuse", "hlist"),
        Mirror::List(_) => ("gpu-fence", "hlist"),
        Mirror::Interval(_) => ("gpu-fence", "interval"),
    };
    writeln!(out, "\n# Refuses the reaper for {}.", one_line(&task.comm))?;
    writeln!(out, "[[device]]\nname = {}\ndriver = \"{driver}\"", string(&device_name(name)))?;
    writeln!(out, "api = \"{api}\"")
}

fn device_name(task: &str) -> String {
    let kept: String = task.chars().take(NAME_MAX - 7).collect();
    format!("driver-{kept}")
}

/// Of a control group at its limit; of the part of it that dies together.
fn group_name(number: Option<usize>, together: bool) -> String {
    let name = if together { "together" } else { "group" };
    match number {
        None => name.to_owned(),
        Some(0) if !together => name.to_owned(),
        Some(number) => format!("{name}-{}", number + 1),
    }
}

/// A task's name and those of its relatives.
struct Family<'a> {
    name: &'a str,
    parent: Option<(&'a TaskMade, &'a String)>,
    children: Vec<&'a str>,
}

fn write_task(
    out: &mut String,
    task: &TaskMade,
    family: &Family<'_>,
    pid: Option<u32>,
    before: Option<&str>,
) -> fmt::Result {
    let name = family.name;
    writeln!(out, "\n[[task]]\nname = {}\ncomm = {}", string(name), string(&comm(task, name)))?;
    if let Some(pid) = pid {
        writeln!(out, "pid = {pid}")?;
    }
    if task.uid > 0 && task.uid < u32::MAX {
        writeln!(out, "uid = {}", task.uid)?;
    }
    writeln!(out, "oom_score_adj = {}", task.adj)?;
    if task.together || task.group.is_some() {
        writeln!(out, "cgroup = {}", string(&group_name(task.group, task.together)))?;
    }
    // A child has the small VMAs of its parent.
    let has_preset = family.parent.map_or(task.has_preset(), |(parent, _)| parent.has_preset());
    if let Some((_, parent)) = family.parent {
        writeln!(out, "parent = {}", string(parent))?;
    } else {
        if let Some(before) = before {
            let delay = u64::try_from(task.delay_us).unwrap_or(0).saturating_add(1_000);
            writeln!(out, "start = {{ after = {}, delay = {} }}", string(before), time(delay))?;
        } else if task.delay_us > 0 {
            let delay = u64::try_from(task.delay_us).unwrap_or(0);
            writeln!(out, "start = {{ delay = {} }}", time(delay))?;
        }
        if !has_preset {
            writeln!(out, "preset = \"none\"")?;
        }
    }
    let preset = if has_preset { PRESET_PAGES } else { 0 };
    // What it wants beyond what it has is the kernel's, if it is blocks; they, not what comes before, are
    // what memory is to run out under.
    let own = if task.order > 0 { task.pages - task.pages / 8 } else { task.want };
    let pages = own.saturating_sub(preset).clamp(1, PAGES_MAX);
    writeln!(out, "program = [")?;
    // Before it has memory of its own: a child would have that, too.
    for child in &family.children {
        writeln!(out, "  {{ fork = {} }},", string(child))?;
    }
    let mut touched = vec!["memory"];
    match task.stays.mirror {
        // What is refused lies in a VMA of its own: that is the unit of back-off.
        Some(Mirror::List(kept) | Mirror::Interval(kept)) if kept < pages => {
            writeln!(out, "  {{ mmap = \"memory\", size = {} }},", size(kept))?;
            writeln!(out, "  {{ mmap = \"rest\", size = {} }},", size(pages - kept))?;
            touched.push("rest");
        }
        _ => writeln!(out, "  {{ mmap = \"memory\", size = {} }},", size(pages))?,
    }
    if task.stays.mirror.is_some() {
        let device = string(&device_name(name));
        writeln!(out, "  {{ register = {device}, region = \"memory\" }},")?;
    }
    let thread = task.stays.holds_us.or(task.stays.stuck_us).is_some();
    let start = "  { thread = \"stays\" },\n  { pause = \"1ms\" },";
    // Nobody faults while another thread holds mmap_lock for writing: who still grows
    // has it taken after the kill.
    let holds_before = task.stays.holds_us.is_some() && !task.presses;
    if thread && !holds_before {
        writeln!(out, "{start}")?;
    }
    let regions: Vec<String> = touched.iter().map(|name| string(name)).collect();
    write!(out, "  {{ touch = [{}]", regions.join(", "))?;
    if let Some(rate) = task.rate {
        write!(out, ", rate = \"{}\"", format_rate(rate.saturating_mul(PAGE_SIZE)))?;
    }
    writeln!(out, " }},")?;
    if task.order > 0 {
        let (order, blocks) = (task.order, task.want.saturating_sub(own) >> task.order);
        let count = blocks.clamp(1, BLOCKS_MAX);
        writeln!(
            out,
            "  {{ alloc = \"GFP_KERNEL\", order = {order}, count = {count}, hold = true }},"
        )?;
    }
    if thread && holds_before {
        writeln!(out, "{start}")?;
    }
    writeln!(out, "  {{ ready = true }},\n  {{ idle = true }},\n]")?;
    if thread {
        writeln!(out, "[[task.thread]]\nname = \"stays\"")?;
        let stuck = u64::try_from(task.stays.stuck_us.unwrap_or(0)).unwrap_or(0);
        match task.stays.holds_us {
            Some(holds) => {
                let holds = u64::try_from(holds).unwrap_or(0);
                let (lock, wait) = ("{ mmap_lock = \"write\" }", "{ await_sigkill = true }");
                let (first, second) = if holds_before { (lock, wait) } else { (wait, lock) };
                // It holds the lock for as long as it takes to get what it asks for.
                let keeps = match task.stays.asks {
                    Some(pages) => {
                        let count = pages.clamp(1, BLOCKS_MAX);
                        format!(
                            "{{ alloc = \"GFP_KERNEL|__GFP_NOFAIL\", count = {count}, hold = true }}"
                        )
                    }
                    None => format!("{{ sleep = {} }}", time(holds)),
                };
                writeln!(
                    out,
                    "program = [{{ ioctl = [{first}, {second}, {keeps}, \
                     {{ mmap_unlock = true }}, {{ sleep = {} }}] }}]",
                    time(stuck.saturating_sub(holds))
                )?;
            }
            None => writeln!(out, "program = [{{ stuck = {} }}]", time(stuck))?,
        }
    }
    Ok(())
}

/// Names that a scenario takes, each once.
fn names(tasks: &[TaskMade]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut names = Vec::new();
    for task in tasks {
        let fit = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
        let plain: String = task.comm.chars().map(fit).take(NAME_MAX - 6).collect();
        let plain = if plain.is_empty() { "task".to_owned() } else { plain };
        let numbered = (2..).map(|number| format!("{plain}-{number}"));
        let mut wanted = std::iter::once(plain.clone()).chain(numbered);
        let name = wanted.find(|name| !taken.contains(name)).unwrap_or(plain);
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

/// What `comm` can be: printable, at most 15 bytes.
fn comm(task: &TaskMade, name: &str) -> String {
    let mut comm = String::new();
    for c in task.comm.chars().filter(|c| !c.is_control()) {
        if comm.len() + c.len_utf8() > COMM_MAX {
            break;
        }
        comm.push(c);
    }
    if comm.is_empty() { name.chars().take(COMM_MAX).collect() } else { comm }
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn string(text: &str) -> String {
    format!("\"{}\"", one_line(text).replace('\\', "\\\\").replace('"', "\\\""))
}

fn size(pages: u64) -> String {
    format!("\"{}\"", format_size(pages.saturating_mul(PAGE_SIZE)))
}

fn time(us: u64) -> String {
    format!("\"{}\"", format_time(Nanos(us.min(DELAY_MAX_US) * 1_000)))
}

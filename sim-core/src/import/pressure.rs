//! Under whom memory runs out in an imported scenario, and how far they grow.

use std::collections::BTreeMap;

use super::capture::Capture;
use super::killed::Killed;
use super::memory_seen::is_anon;
use super::oom_facts::PAGES_MAX;
use super::to_scenario::{Made, NoteKind, TaskMade, UNKNOWN_PAGES, find, plain_task};

/// Nobody is killed for a block larger than `PAGE_ALLOC_COSTLY_ORDER` (mm/oom_kill.c), so that is damage.
const ORDER_MAX: u8 = 3;

/// Longest pause between kills that is kept, in µs.
const PAUSE_MAX_US: i64 = 5_000_000;
/// Shortest pause between those that press by themselves in an order that is known, in µs.
const PAUSE_MIN_US: i64 = 50_000;

/// Under whom memory runs out, and how far they grow.
pub(super) fn make_pressure(made: &mut Made, capture: &Capture<'_>, victims: &[Killed]) {
    let at_first = victims.iter().filter(|victim| !victim.is_later);
    let all = at_first.map(|victim| had(made, victim)).fold(0, u64::saturating_add);
    let smallest = victims.iter().map(|victim| had(made, victim)).min();
    let mut freed = 0_u64;
    // Who dies with its group needs no pressure of its own.
    for (index, victim) in victims.iter().enumerate().filter(|(_, victim)| !victim.together) {
        // What came free of those before is in use again, or nobody would have to die.
        let freed_before = freed;
        freed = freed.saturating_add(victim.freed(had(made, victim)));
        let first_size = victims.first().and_then(|victim| victim.anon).unwrap_or(UNKNOWN_PAGES);
        let report = victim.report.and_then(|at| capture.facts.reports.get(at));
        let by_hand = report.is_some_and(|report| report.by_hand);
        if by_hand {
            let text = format!(
                "{} was killed because somebody asked for it (SysRq f), not for want of memory: here it runs out",
                victim.comm
            );
            made.note(NoteKind::Assumed, text);
        }
        let is_last = index + 1 == victims.len();
        let (comm, pid) = victim.invoker.clone().filter(|_| !by_hand).unwrap_or_else(|| {
            // Whoever else it was would have had somebody else killed.
            if victim.asks_itself(is_last) {
                let name = &victim.comm;
                let text = format!(
                    "{name} itself asked for memory: the capture names nobody, and nobody else died when {name} was given up"
                );
                made.note(NoteKind::Assumed, text);
                return (name.clone(), victim.pid);
            }
            let text = "an allocator under which memory ran out: the capture doesn't name it";
            made.note(NoteKind::Assumed, text);
            ("allocator".to_owned(), None)
        });
        let at = find(&made.tasks, &comm, pid).unwrap_or_else(|| {
            let text = format!("{comm} had half of what the first victim had: no size is told");
            made.note(NoteKind::Assumed, text);
            let report = victim.report.and_then(|at| capture.facts.reports.get(at));
            let adj = report.map_or(0, |report| report.invoker_adj);
            let task = plain_task(&comm, pid, adj, first_size / 2);
            made.tasks.push(TaskMade { is_told: false, ..task });
            made.tasks.len() - 1
        });
        let is_killed =
            victims.iter().any(|other| other.comm == comm && (other.pid == pid || pid.is_none()));
        let task = &mut made.tasks[at];
        task.presses = true;
        if victim.is_later {
            let report = victim.report.and_then(|at| capture.facts.reports.get(at));
            let limit = report.and_then(|report| report.limit).unwrap_or(all);
            task.want = task.pages.max(limit).saturating_mul(2).saturating_add(4096);
            continue;
        }
        if is_killed {
            // More than there will ever be for it.
            task.want = task.want.max(task.pages.saturating_add(all).saturating_add(4096));
            continue;
        }
        // What it had when the last one died for it, and a little more.
        let row = report.and_then(|report| report.row(task.pid?));
        let slack = (victim.anon.unwrap_or(UNKNOWN_PAGES) / 4).max(64);
        // The others do not grow here, so all that came free is its own to take; it may have had less
        // where pages stayed pinned.
        let had = task.pages.saturating_add(freed_before);
        let had = row.map_or(had, |row| row.rss.max(had));
        task.want = task.want.max(had.saturating_add(slack));
        // What it had is made up, so nobody is to be chosen for it.
        if !task.is_told && task.adj > -1000 && smallest.is_some_and(|pages| task.want >= pages) {
            task.adj = -1000;
            let text =
                format!("{comm} can't be killed: it survived, and how much it had is not told");
            made.note(NoteKind::Assumed, text);
        }
    }
    make_limits(made, capture, victims);
    make_orders(made, capture, victims);
    let are_apart = victims.iter().any(|victim| victim.has_own_group);
    let mut grew = BTreeMap::new();
    for task in &mut made.tasks {
        if task.presses {
            let seen =
                *grew.entry(task.comm.clone()).or_insert_with_key(|comm| growth(capture, comm));
            // Half a second to fill it, but no slower than the recordings' 60 MiB/s, unless others do so
            // one after the other.
            let least = if are_apart { 256 } else { 15_360 };
            task.rate = Some(seen.unwrap_or((task.pages * 2).max(least)));
        }
    }
}

/// Who asked for a block of pages presses with such blocks. The limit of a control group counts pages,
/// whatever block they are of.
fn make_orders(made: &mut Made, capture: &Capture<'_>, victims: &[Killed]) {
    for victim in victims {
        let report = victim.report.and_then(|at| capture.facts.reports.get(at));
        let Some(report) = report.filter(|report| report.order > 0) else { continue };
        let (who, order) = (&report.invoker, report.order);
        let task = find(&made.tasks, who, report.invoker_pid);
        match task.filter(|at| made.tasks[*at].presses) {
            Some(at) if report.memcg.is_none() && order <= ORDER_MAX => {
                made.tasks[at].order = order;
                let text = format!(
                    "what {who} wants beyond what it has are blocks of order {order} for the kernel"
                );
                made.note(NoteKind::Assumed, text);
            }
            _ => {
                let text = format!("{who} asked for order {order}: it takes single pages");
                made.note(NoteKind::Ignored, text);
            }
        }
    }
}

/// What a victim had, or has in the scenario if that is not told.
fn had(made: &Made, victim: &Killed) -> u64 {
    let task = find(&made.tasks, &victim.comm, victim.pid).and_then(|at| made.tasks.get(at));
    victim.anon.or(task.map(|task| task.pages)).unwrap_or(0)
}

/// Control groups at their limits, and who is in which.
fn make_limits(made: &mut Made, capture: &Capture<'_>, victims: &[Killed]) {
    let reports = &capture.facts.reports;
    let of = |victim: &Killed| victim.report.and_then(|at| reports.get(at));
    let mut groups: Vec<&str> = Vec::new();
    for victim in victims {
        if let Some(group) = of(victim).and_then(|report| report.memcg.as_deref())
            && !groups.contains(&group)
        {
            groups.push(group);
        }
    }
    let is_limited = |victim: &Killed| of(victim).is_some_and(|report| report.memcg.is_some());
    made.all_in_groups = victims.iter().all(|victim| is_limited(victim) || victim.has_own_group);
    // Who is in no table is where the others are.
    if let ([_], true) = (groups.as_slice(), made.all_in_groups) {
        for task in &mut made.tasks {
            task.group = Some(0);
        }
    }
    for (number, group) in groups.into_iter().enumerate() {
        let mut said = None;
        for victim in victims {
            let Some(report) = of(victim).filter(|report| report.memcg.as_deref() == Some(group))
            else {
                continue;
            };
            said = said.or(report.limit);
            for task in &mut made.tasks {
                let is_named = |comm: &str, pid: Option<u32>| {
                    if pid.is_some() { task.pid == pid } else { task.comm == comm }
                };
                if task.group.is_none()
                    && (task.pid.is_some_and(|pid| report.row(pid).is_some())
                        || is_named(&victim.comm, victim.pid)
                        || victim.invoker.as_ref().is_some_and(|(comm, pid)| is_named(comm, *pid)))
                {
                    task.group = Some(number);
                }
            }
        }
        if let Some(limit) = said.filter(|_| made.all_in_groups) {
            // Whoever's size is made up had no more than the others left.
            let others =
                made.tasks.iter().filter(|task| task.group == Some(number) && task.is_told);
            let others = others.map(|task| task.pages).fold(0, u64::saturating_add);
            let is_made_up = |task: &&mut TaskMade| task.group == Some(number) && !task.is_told;
            for task in made.tasks.iter_mut().filter(is_made_up) {
                task.pages = task.pages.min(limit.saturating_sub(others).max(1));
            }
        }
        let members = made.tasks.iter().filter(|task| task.group == Some(number) && !task.is_later);
        let used = members.map(|task| task.pages).fold(0, u64::saturating_add);
        let text = match group {
            "" => "a control group was at its limit: the capture doesn't name it".to_owned(),
            group => format!("the control group {group} was at its limit"),
        };
        made.note(NoteKind::Inferred, text);
        if said.is_some_and(|limit| limit > used) {
            let text = "memory of the control group that is no task's counts as the allocator's";
            made.note(NoteKind::Assumed, text);
        }
        // A limit that was set below what they had long had let them get that far.
        made.limits.push(said.unwrap_or(used).max(used).clamp(1, PAGES_MAX));
    }
    for victim in victims.iter().filter(|victim| victim.has_own_group) {
        let Some(at) = find(&made.tasks, &victim.comm, victim.pid) else { continue };
        made.tasks[at].group = Some(made.limits.len());
        made.limits.push(made.tasks[at].pages.clamp(1, PAGES_MAX));
        let text = format!(
            "{} was at the limit of a control group of its own: a victim was killed while another could still be reaped",
            victim.comm
        );
        made.note(NoteKind::Assumed, text);
    }
    in_order_of_their_kills(made, victims);
}

/// Groups reach their limits one after the other, as they did, and so does one that does so again.
fn in_order_of_their_kills(made: &mut Made, victims: &[Killed]) {
    // Who asked for itself began when it did.
    let is_own = |victim: &Killed| victim.traced_us.is_some() && victim.asked_for_itself();
    let are_own = victims.iter().all(is_own);
    let is_alone = made.limits.len() < 2 && !are_own;
    let (mut last, mut delay_us) = (None, 0_i64);
    for victim in victims.iter().filter(|victim| !victim.together) {
        let at_us = victim.logged_us.or(victim.traced_us);
        let (Some(at_us), Some((comm, pid))) = (at_us, &victim.invoker) else {
            continue;
        };
        let pause = at_us.saturating_sub(last.unwrap_or(at_us)).max(0);
        last = Some(at_us);
        if is_alone && !victim.is_later {
            continue;
        }
        // A lock that one sleeps with may have let the others kill at once; in their order, though.
        let pause_min = if victim.has_own_group || are_own { PAUSE_MIN_US } else { 0 };
        delay_us = delay_us.saturating_add(pause.clamp(pause_min, PAUSE_MAX_US));
        if let Some(task) = find(&made.tasks, comm, *pid)
            && made.tasks[task].delay_us == 0
        {
            made.tasks[task].delay_us = delay_us;
        }
        if pause > PAUSE_MAX_US {
            let text = format!(
                "pauses of more than {0} s between kills: here each lasts {0} s",
                PAUSE_MAX_US / 1_000_000
            );
            made.note(NoteKind::Ignored, text);
        }
    }
    made.lasts_us = made.lasts_us.saturating_add(delay_us);
}

/// Pages a second by which a task's counter grew, if the trace shows it.
fn growth(capture: &Capture<'_>, comm: &str) -> Option<u64> {
    let mut samples = capture
        .trace
        .iter()
        .filter(|line| line.comm == comm && is_anon(line) && line.number("curr") == Some(1));
    let first = samples.next()?;
    let last = samples.next_back()?;
    let pages = last.number("size")?.checked_sub(first.number("size")?)? / 4096;
    let us = last.time_us - first.time_us;
    let rate = pages.checked_mul(1_000_000)?.checked_div(us)?;
    u64::try_from(rate).ok().filter(|rate| (256..1 << 24).contains(rate))
}

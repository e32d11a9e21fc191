//! What the oracle found, in words.

use crate::analysis::index::{Index, lock_waited_for};
use crate::analysis::replay::Doing;
use crate::analysis::types::{ClosedSet, Dependency, EdgeKind, WaitEdge};
use crate::analysis::words::{event_title, list_text, lock_name, mm_name, task_name, time_text};
use crate::base::TaskId;
use crate::engine::WaitOn;
use crate::record::Reason;

/// What an edge goes through after the first `seen` records: `lock of
/// gpu0`, `a page`, `a fence`.
pub fn edge_text(index: &Index, edge: &WaitEdge, seen: usize) -> String {
    let doing = index.doing(edge.from, seen);
    let cast = &index.cast;
    match edge.kind {
        EdgeKind::Lock | EdgeKind::OomLock => {
            lock_waited_for(doing).map_or_else(|| "a lock".to_owned(), |lock| lock_name(cast, lock))
        }
        EdgeKind::Fence => "a fence".to_owned(),
        EdgeKind::Worker => match doing.reason() {
            Some(Reason::PageRequest) => "a page fault to be served".to_owned(),
            Some(Reason::FlushWork) => "work to be done".to_owned(),
            _ => "the signal of a fence".to_owned(),
        },
        EdgeKind::Invalidation => match cast.tasks.get(edge.to).and_then(|info| info.mm) {
            Some(mm) => format!("an invalidation of {}", mm_name(cast, mm)),
            None => "an invalidation".to_owned(),
        },
        EdgeKind::Srcu => "a notifier to be left".to_owned(),
        EdgeKind::Event => match doing {
            Doing::Blocked { on: WaitOn::Queue(queue), .. } => event_title(cast, queue),
            _ => "an event".to_owned(),
        },
        EdgeKind::Child => "its child".to_owned(),
        EdgeKind::CoreDump if doing.reason() == Some(Reason::CoreDumpStart) => {
            "a thread to stop for the core dump".to_owned()
        }
        EdgeKind::CoreDump => "the core dump".to_owned(),
        EdgeKind::Kswapd => "kswapd to free some of the reserves".to_owned(),
        EdgeKind::Reap => "a page, by the reaper".to_owned(),
        EdgeKind::ReapQueue => "a page, by the reaper, with another victim in its queue".to_owned(),
        EdgeKind::Exit => "a page, by its exit".to_owned(),
        EdgeKind::Cpu => "a CPU".to_owned(),
    }
}

/// The dependency as a sentence: whether direct, on what, and through whom.
pub fn dependency_text(index: &Index, dependency: &Dependency) -> String {
    let seen = dependency.record + 1;
    let cast = &index.cast;
    let who = task_name(cast, dependency.on);
    let asks = match dependency.gfp {
        Some(gfp) if gfp.0 != 0 => format!("{who}, which asks for a page with {}", gfp.text()),
        Some(_) => format!("{who}, which asks for a page"),
        None => format!("{who}, which waits for the victim to exit"),
    };
    let dies = index.is_killed(dependency.on, seen);
    let dies = if dies { " (and is to die itself, so it may use the reserves)" } else { "" };
    let how = if dependency.is_direct() { "directly" } else { "indirectly" };
    let hops = dependency
        .path
        .iter()
        .map(|edge| format!(" → {} ({})", task_name(cast, edge.to), edge_text(index, edge, seen)));
    let from = dependency.path.first().map_or_else(String::new, |edge| task_name(cast, edge.from));
    format!("the reaper depends {how} on {asks}{dies}: {from}{}", hops.collect::<String>())
}

/// The cycle of a set that is told where there are several: one that `from` is in, and that
/// begins with it, before one that it is not in, and a short one before a long one.
pub(in crate::analysis) fn main_cycle(
    set: &ClosedSet,
    from: Option<TaskId>,
) -> Option<Vec<WaitEdge>> {
    let place = |cycle: &[WaitEdge]| cycle.iter().position(|edge| Some(edge.from) == from);
    let cycle = set.cycles.iter().min_by_key(|cycle| (place(cycle).is_none(), cycle.len()))?;
    let (before, after) = cycle.split_at(place(cycle).unwrap_or(0));
    Some([after, before].concat())
}

/// That what a task waits for will not happen.
pub(in crate::analysis) fn nobody_text(doing: Doing) -> &'static str {
    if lock_waited_for(doing).is_some() {
        return "nobody is left to let go of it";
    }
    match doing.reason() {
        Some(Reason::IntervalRead) => "nobody will end it",
        Some(Reason::NotifierEnd | Reason::DeviceFault | Reason::RangeActive) => {
            "nobody will end them"
        }
        Some(Reason::NamedEvent) => "nobody is left to signal it",
        _ => "nobody will do that",
    }
}

/// A closed set in words without a full stop: since when, who, through
/// what, and whether something opened it.
pub fn closed_text(index: &Index, set: &ClosedSet) -> String {
    let seen = set.record + 1;
    let cast = &index.cast;
    let since = time_text(index.time(set.record));
    let until = match set.until {
        Some(record) => format!("until {}", time_text(index.time(record))),
        None => "for ever".to_owned(),
    };
    // From the reaper or, where it is not in it, from who asks for a page.
    let asks = |task: &&TaskId| index.stall(**task, seen).is_some();
    let reaper = index.reaper.filter(|reaper| set.tasks.contains(reaper));
    let from = reaper.or(set.tasks.iter().find(asks).copied());
    let Some(cycle) = main_cycle(set, from) else {
        let told = set.tasks.iter().map(|&task| {
            let doing = index.doing(task, seen);
            let who = task_name(cast, task);
            if let Some(lock) = lock_waited_for(doing) {
                let holders = index.holders(lock, seen);
                let by = holders.first().map(|holder| task_name(cast, holder.what.task));
                let by =
                    by.map_or_else(String::new, |by| format!(", which {by} held when it exited"));
                return format!("{who} waits for {}{by}", lock_name(cast, lock));
            }
            let what = doing.reason().map_or("something", Reason::text);
            format!("{who} waits for {what}")
        });
        let told: Vec<_> = told.collect();
        let why = set.tasks.first().map(|&task| index.doing(task, seen));
        let nobody = nobody_text(why.unwrap_or(Doing::Exited));
        return format!("since {since} and {until} {}: {nobody}", list_text(&told));
    };
    let from = cycle.first().map_or_else(String::new, |edge| task_name(cast, edge.from));
    let hops = cycle
        .iter()
        .map(|edge| format!(" → {} ({})", task_name(cast, edge.to), edge_text(index, edge, seen)));
    format!(
        "since {since} and {until} they wait for each other: {from}{}",
        hops.collect::<String>()
    )
}

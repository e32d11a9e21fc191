//! The reports of checkers, as incidents in plain words.
//!
//! The chain of lockdep's is not who waits for whom, but which class of
//! locks was taken under which: that is what it found.

use super::incidents::incident;
use super::index::Index;
use super::types::{Incident, WaitLink};
use super::words::{device_name, task_name};
use crate::record::{Func, HeldLock, Link, LockReport, Place, SleepSite, Splat};

/// One incident per report.
pub(super) fn splats(index: &Index, found: &mut Vec<Incident>) {
    for report in &index.lock_reports.reports {
        let record = usize::try_from(report.record).unwrap_or(usize::MAX);
        // It has no record of its own: it is shown with the one before.
        let record = record.saturating_sub(1).min(index.times.len().saturating_sub(1));
        let mut splat = incident(index, record, "splat", report.task, text(index, report));
        splat.at = report.at;
        if let Splat::Circular { chain, .. } = &report.splat {
            splat.chain = chain_links(index, report, chain);
        }
        found.push(splat);
    }
}

fn class(index: &Index, held: &HeldLock) -> String {
    let class = index.lock_reports.classes.get(held.class);
    class.map_or_else(|| "?".to_owned(), |class| class.name.clone())
}

fn place(index: &Index, place: &Place) -> String {
    let functions = index.cast.functions(place.stack);
    let locks = |func: &&Func| matches!(func, Func::MutexLock | Func::DownRead | Func::DownWrite);
    let top = functions.iter().find(|func| !locks(func)).map_or("?", |func| func.text());
    match place.notifier.and_then(|id| index.cast.notifiers.get(id)) {
        Some(notifier) => format!("{top} of {}", device_name(&index.cast, notifier.device)),
        None => top.to_owned(),
    }
}

/// The place with its preposition; nothing for what lockdep knew before anything ran.
fn known_place(index: &Index, at: &Place) -> String {
    let is_known = at.notifier.is_some() || !index.cast.functions(at.stack).is_empty();
    if is_known { format!(", in {}", place(index, at)) } else { ", since boot".to_owned() }
}

fn text(index: &Index, report: &LockReport) -> String {
    let title = report.splat.title();
    let task = task_name(&index.cast, report.task);
    let here = place(index, &report.place);
    match &report.splat {
        Splat::Circular { acquiring, holding, chain } => {
            let names: Vec<_> = chain.iter().map(|link| class(index, &link.held)).collect();
            format!(
                "{title}: {task} wants {} while it holds {}, in {here}; order so far: {}",
                class(index, acquiring),
                class(index, holding),
                names.join(" → ")
            )
        }
        Splat::Recursive { acquiring, .. } => {
            format!("{title}: {task} wants {} twice, in {here}", class(index, acquiring))
        }
        Splat::WaitContext { acquiring, holding } => format!(
            "{title}: {task} wants {}, for which it may have to sleep, under {}, in {here}",
            class(index, acquiring),
            class(index, holding)
        ),
        Splat::BadUnlock { class, .. } => {
            let info = index.lock_reports.classes.get(*class);
            let name = info.map_or("?", |class| &class.name);
            format!("{title}: {task} lets go of {name}, which it does not hold")
        }
        Splat::MightSleep { site, .. } => {
            format!("{title}: {} in {here}, by {task}", site_text(*site))
        }
        Splat::NonBlockSchedule { .. } | Splat::AtomicSchedule { .. } => {
            format!("{title}: {task} in {here}")
        }
    }
}

fn site_text(site: SleepSite) -> &'static str {
    match site {
        SleepSite::Mutex => "mutex_lock",
        SleepSite::DownRead => "down_read",
        SleepSite::DownWrite => "down_write",
        SleepSite::Alloc | SleepSite::Kmalloc => "might_alloc",
        SleepSite::Completion => "wait_for_completion",
        SleepSite::FenceWait => "dma_fence_wait",
        SleepSite::NotifierStart => "mmu_notifier_invalidate_range_start",
        SleepSite::NotifierEnd => "mmu_notifier_invalidate_range_end",
        SleepSite::IntervalRemove => "mmu_interval_notifier_remove",
        SleepSite::CopyToUser => "copy_to_user",
    }
}

fn chain_links(index: &Index, report: &LockReport, chain: &[Link]) -> Vec<WaitLink> {
    let names: Vec<_> = chain.iter().map(|link| class(index, &link.held)).collect();
    let befores = std::iter::once(names.last()).chain(names.iter().map(Some));
    let links = chain.iter().zip(&names).zip(befores).enumerate();
    let link =
        |(at, ((link, name), before)): (usize, ((&Link, &String), Option<&String>))| WaitLink {
            task: report.task,
            since: report.at,
            waits_on: name.clone(),
            kind: "lock-class",
            holder: None,
            text: format!(
                "{name} is taken while {} is held{}",
                before.map_or("?", String::as_str),
                known_place(index, &link.held.place)
            ),
            stack: index.cast.functions(link.held.place.stack),
            inside: link.held.place.notifier.into_iter().collect(),
            parent: at.checked_sub(1),
        };
    links.map(link).collect()
}

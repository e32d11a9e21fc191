//! Whether, and through whom, the reaper waited for an allocation.
//!
//! The rule of kernel-spec 4.8: the reaper must reach nobody who is
//! inside an allocation that may sleep, with whatever flags, or who waits
//! for the victim to exit. Waits for `oom_lock` (up to 4.18) don't count:
//! who holds it does not ask for pages meanwhile. The shortest path is
//! told, and each path once.

use std::collections::{BTreeMap, VecDeque};

use crate::analysis::graph::{Moment, Needs};
use crate::analysis::index::Index;
use crate::analysis::types::{Dependency, EdgeKind, WaitEdge};
use crate::base::TaskId;
use crate::record::Gfp;

pub(super) fn dependencies(index: &Index) -> Vec<Dependency> {
    let mut found: Vec<Dependency> = Vec::new();
    let Some(reaper) = index.reaper else { return found };
    let steps = index.tasks.get(reaper.index()).map_or(&[][..], |track| &track.steps);
    let nexts = steps.iter().skip(1).map(|step| step.record);
    for (step, next) in steps.iter().zip(nexts.chain([index.times.len()])) {
        if step.doing.reason().is_none() {
            continue;
        }
        if let Some(dependency) = first_within(index, reaper, step.record, next) {
            let is_same = |known: &&mut Dependency| {
                let hops = |path: &[WaitEdge]| {
                    path.iter().map(|edge| (edge.from, edge.to, edge.kind)).collect::<Vec<_>>()
                };
                hops(&known.path) == hops(&dependency.path)
            };
            match found.iter_mut().find(is_same) {
                Some(known) => known.times += 1,
                None => found.push(dependency),
            }
        }
    }
    found
}

/// The first dependency while the reaper is parked, from one record to another.
fn first_within(index: &Index, reaper: TaskId, from: usize, to: usize) -> Option<Dependency> {
    let mut reached: Option<Reach> = None;
    for record in from..to {
        // What somebody else does changes nothing for whom the reaper waits.
        let concerns =
            |reach: &Reach| index.actors.get(record).is_some_and(|&who| reach.contains(who));
        if !reached.as_ref().is_none_or(concerns) {
            continue;
        }
        let moment = Moment::new(index, record + 1);
        let reach = reach(moment, reaper);
        if let Some((on, why)) = reach.nearest {
            let path = reach.path_to(moment, on);
            let gfp = match why {
                Forbidden::Allocation(gfp) => Some(gfp),
                Forbidden::Exit => None,
            };
            return Some(Dependency { record, path, on, gfp, times: 1 });
        }
        if reach.came_from.is_empty() {
            return None;
        }
        reached = Some(reach);
    }
    None
}

/// Whom the reaper waits for, the nearest first.
struct Reach {
    reaper: TaskId,
    /// By who is waited for: by whom, through what, whether any of several would do.
    came_from: BTreeMap<TaskId, (TaskId, EdgeKind, bool)>,
    nearest: Option<(TaskId, Forbidden)>,
}

fn reach(moment: Moment<'_>, reaper: TaskId) -> Reach {
    let mut reach = Reach { reaper, came_from: BTreeMap::new(), nearest: None };
    let mut open = VecDeque::from([reaper]);
    while let Some(task) = open.pop_front() {
        let Some(needs) = moment.needs(task) else { continue };
        let any = matches!(&needs, Needs::Any(list) if list.len() > 1);
        for need in needs.list() {
            let is_new = need.to != reaper && !reach.came_from.contains_key(&need.to);
            if !is_new || need.kind == EdgeKind::OomLock {
                continue;
            }
            reach.came_from.insert(need.to, (task, need.kind, any));
            if let Some(why) = forbidden(moment, need.to) {
                reach.nearest = Some((need.to, why));
                return reach;
            }
            open.push_back(need.to);
        }
    }
    reach
}

/// What the reaper must not wait for.
#[derive(Copy, Clone)]
enum Forbidden {
    /// Somebody inside an allocation with these flags.
    Allocation(Gfp),
    /// Somebody who waits for the victim to exit.
    Exit,
}

/// Why the reaper must not wait for `task`, if it must not.
fn forbidden(moment: Moment<'_>, task: TaskId) -> Option<Forbidden> {
    let Moment { index, seen } = moment;
    if let Some(stall) = index.stall(task, seen) {
        return Some(Forbidden::Allocation(stall.what));
    }
    let victim = index.pending_victim(seen)?;
    let needs = moment.needs(task)?;
    let waits_for_exit = needs.list().iter().any(|need| {
        let leader = index.cast.tasks.get(need.to).map(|info| info.leader);
        need.kind == EdgeKind::Child && leader == Some(victim.leader)
    });
    waits_for_exit.then_some(Forbidden::Exit)
}

impl Reach {
    fn contains(&self, task: TaskId) -> bool {
        task == self.reaper || self.came_from.contains_key(&task)
    }

    fn path_to(&self, moment: Moment<'_>, task: TaskId) -> Vec<WaitEdge> {
        let mut path = Vec::new();
        let mut to = task;
        while let Some(&(from, kind, any)) = self.came_from.get(&to) {
            let since = moment.index.waits_since(from, moment.seen).unwrap_or(0);
            path.push(WaitEdge { from, to, kind, since, any });
            to = from;
        }
        path.reverse();
        path
    }
}

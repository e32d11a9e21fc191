//! Whether, and through whom, the reaper waited for an allocation.
//!
//! The rule of kernel-spec 4.8: the reaper must reach nobody who is
//! inside an allocation that may sleep, with whatever flags, or who waits
//! for the victim to exit. Waits for `oom_lock` (up to 4.18) don't count:
//! who holds it does not ask for pages meanwhile. The shortest path is
//! told, and each path once. While the reaper is parked only what those
//! whom it waits for do can bring one about.

use std::collections::{BTreeMap, VecDeque};

use super::needs::{Needs, needs};
use super::scene::Scene;
use crate::base::TaskId;
use crate::record::{Dependency, EdgeKind, Gfp, WaitEdge};

/// What was found, and what is watched for more.
#[derive(Default)]
pub(super) struct Depends {
    found: Vec<Dependency>,
    /// Whom the reaper waits for now, if what they do matters.
    watched: Option<Reach>,
}

impl Depends {
    /// Sees the moment after a record of `task`.
    pub(super) fn see(
        &mut self,
        record: usize,
        task: TaskId,
        does_other: bool,
        scene: &impl Scene,
    ) {
        let Some(reaper) = scene.reaper() else { return };
        if task == reaper && does_other {
            self.watched = None;
            if scene.doing(reaper).reason().is_none() {
                return;
            }
        } else if !self.watched.as_ref().is_some_and(|reach| reach.contains(task)) {
            // What somebody else does changes nothing for whom the reaper waits.
            return;
        }
        let reach = Reach::of(scene, reaper);
        self.watched = None;
        if let Some((on, why)) = reach.nearest {
            let path = reach.path_to(scene, on);
            let gfp = match why {
                Forbidden::Allocation(gfp) => Some(gfp),
                Forbidden::Exit => None,
            };
            self.tell(Dependency { record, path, on, gfp, times: 1 });
        } else if !reach.came_from.is_empty() {
            self.watched = Some(reach);
        }
    }

    fn tell(&mut self, dependency: Dependency) {
        let is_same = |known: &&mut Dependency| {
            let hops = |path: &[WaitEdge]| {
                path.iter().map(|edge| (edge.from, edge.to, edge.kind)).collect::<Vec<_>>()
            };
            hops(&known.path) == hops(&dependency.path)
        };
        match self.found.iter_mut().find(is_same) {
            Some(known) => known.times += 1,
            None => self.found.push(dependency),
        }
    }

    pub(super) fn finish(&mut self) -> Vec<Dependency> {
        std::mem::take(&mut self.found)
    }
}

/// Whom the reaper waits for, the nearest first.
struct Reach {
    reaper: TaskId,
    /// By who is waited for: by whom, through what, whether any of several would do.
    came_from: BTreeMap<TaskId, (TaskId, EdgeKind, bool)>,
    nearest: Option<(TaskId, Forbidden)>,
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
fn forbidden(scene: &impl Scene, task: TaskId) -> Option<Forbidden> {
    if let Some(gfp) = scene.stall(task) {
        return Some(Forbidden::Allocation(gfp));
    }
    let victim = scene.pending_victim()?;
    let needs = needs(scene, task)?;
    let waits_for_exit = needs.list().iter().any(|need| {
        let leader = scene.cast().tasks.get(need.to).map(|info| info.leader);
        need.kind == EdgeKind::Child && leader == Some(victim)
    });
    waits_for_exit.then_some(Forbidden::Exit)
}

impl Reach {
    fn of(scene: &impl Scene, reaper: TaskId) -> Self {
        let mut reach = Self { reaper, came_from: BTreeMap::new(), nearest: None };
        let mut open = VecDeque::from([reaper]);
        while let Some(task) = open.pop_front() {
            let Some(needs) = needs(scene, task) else { continue };
            let any = matches!(&needs, Needs::Any(list) if list.len() > 1);
            for need in needs.list() {
                let is_new = need.to != reaper && !reach.came_from.contains_key(&need.to);
                if !is_new || need.kind == EdgeKind::OomLock {
                    continue;
                }
                reach.came_from.insert(need.to, (task, need.kind, any));
                if let Some(why) = forbidden(scene, need.to) {
                    reach.nearest = Some((need.to, why));
                    return reach;
                }
                open.push_back(need.to);
            }
        }
        reach
    }

    fn contains(&self, task: TaskId) -> bool {
        task == self.reaper || self.came_from.contains_key(&task)
    }

    fn path_to(&self, scene: &impl Scene, task: TaskId) -> Vec<WaitEdge> {
        let mut path = Vec::new();
        let mut to = task;
        while let Some(&(from, kind, any)) = self.came_from.get(&to) {
            let since = scene.waits_since(from).unwrap_or(0);
            path.push(WaitEdge { from, to, kind, since, any });
            to = from;
        }
        path.reverse();
        path
    }
}

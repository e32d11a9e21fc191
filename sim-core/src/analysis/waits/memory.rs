//! A task that wants a page and does not get one, in words.

use super::Walk;
use crate::analysis::replay::Doing;
use crate::analysis::victims::VictimFacts;
use crate::analysis::words::{lock_name, process_name, size_text};
use crate::base::{LockId, TaskId};
use crate::record::{Gfp, Reason};

impl Walk<'_> {
    /// The allocator retries; only memory that somebody gives back helps.
    pub(super) fn explain_allocator(&mut self, task: TaskId) {
        let Some(stall) = self.index.stall(task, self.seen) else {
            return;
        };
        let (since, gfp) = (stall.from, stall.what);
        let pending = self.index.pending_victim(self.seen).cloned();
        let mut text = format!(
            "{} asks for a page and retries in direct reclaim since {}",
            self.name(task),
            crate::analysis::words::time_text(self.index.time(since))
        );
        let convoy = self.oom_lock_holder(task);
        if let Some((lock, holder)) = convoy {
            let lock = lock_name(&self.index.cast, lock);
            let who = self.name(holder);
            text = format!("{text}, and sleeps a jiffy because {who} holds {lock}");
        }
        match &pending {
            Some(victim) => text.push_str(&self.pending_text(task, victim)),
            None if gfp != Gfp(0) && !gfp.has(Gfp::FS) => text.push_str(
                "; its request may not enter a filesystem (no __GFP_FS), so it can have nobody \
                 killed",
            ),
            None => text.push_str("; no victim is pending"),
        }
        text.push('.');
        let keeper = pending.as_ref().and_then(|victim| self.keeper(task, victim));
        let holder = convoy.map(|(_, holder)| holder).or(keeper);
        let holder = holder.or(if pending.is_some() { self.index.reaper } else { None });
        let since = self.index.time(since);
        self.push(task, "a free page".to_owned(), "memory", holder, text);
        if let Some(link) = self.links.last_mut() {
            link.since = since;
        }
        if let Some((_, holder)) = convoy {
            self.follow(holder);
        }
        if let Some(keeper) = keeper {
            self.follow(keeper);
        }
        if let (Some(_), Some(reaper)) = (pending, self.index.reaper) {
            self.follow(reaper);
        }
    }

    fn pending_text(&self, task: TaskId, victim: &VictimFacts) -> String {
        let who = process_name(&self.index.cast, victim.leader);
        let ago = self.ago(victim.killed);
        let pages = victim.mm.map_or(0, |mm| self.index.present(mm, self.at));
        let has = if pages > 0 {
            format!("still has {}", size_text(pages))
        } else {
            "has no page left, but is not done with".to_owned()
        };
        if self.is_in_process(task, victim.leader) {
            format!("; it was killed itself {ago} and {has}")
        } else {
            format!("; {who} was killed {ago} and {has}")
        }
    }

    fn is_in_process(&self, task: TaskId, leader: TaskId) -> bool {
        let info = self.index.cast.tasks.get(task);
        info.is_some_and(|info| info.leader == leader)
    }

    /// Who held `oom_lock` from a task that sleeps a jiffy for it, if
    /// that one still has it.
    fn oom_lock_holder(&self, task: TaskId) -> Option<(LockId, TaskId)> {
        if self.index.doing(task, self.seen).reason() != Some(Reason::OomLockJiffy) {
            return None;
        }
        let mut locks = self.index.cast.locks.iter();
        let (lock, _) = locks.find(|(_, info)| info.name == "oom_lock")?;
        let holders = self.index.holders(lock, self.seen);
        let holder = holders.first()?.what.task;
        (holder != task).then_some((lock, holder))
    }

    /// The thread of a victim that keeps its memory: one that is stuck
    /// rather than one that is on its way out.
    fn keeper(&self, task: TaskId, victim: &VictimFacts) -> Option<TaskId> {
        let threads = self.index.cast.tasks.iter().filter(|(id, info)| {
            info.leader == victim.leader
                && *id != task
                && self.index.doing(*id, self.seen).is_alive()
        });
        let ids: Vec<_> = threads.map(|(id, _)| id).collect();
        let is_parked = |id: &&TaskId| {
            let doing = self.index.doing(**id, self.seen);
            matches!(doing, Doing::Blocked { .. })
                && !doing.reason().is_some_and(crate::analysis::replay::is_own_wish)
        };
        ids.iter().find(is_parked).or(ids.first()).copied()
    }
}

//! How much page cache may be dirty, and who has to wait because of it.
//!
//! Mirrors mm/page-writeback.c: `global_dirtyable_memory()`,
//! `domain_dirty_limits()`, `wb_over_bg_thresh()`,
//! `balance_dirty_pages_ratelimited()`, `balance_dirty_pages()`,
//! `wb_position_ratio()`, `wb_min_pause()`, Linux 6.1. A writer may dirty
//! pages as fast as it likes up to half way between the two limits;
//! beyond, it pauses so that it becomes as fast as the disk, and at the
//! hard limit it stops. A cgroup's pages have limits of their own, made of
//! the memory it can have. The rate is that of the disk, not an estimate
//! of it, and not shared out among writers: their number shows in how
//! close they come to the limit. Left out: `strictlimit`, limits in
//! bytes, the bonus of real-time tasks, `dirty_exceeded`.

use super::cx::Cx;
use super::fs_writeback::wb_wakeup;
use super::lruvec::Memcg;
use super::memcontrol::mem_cgroup_headroom;
use super::state::State;
use super::timer::schedule_timeout;
use super::zone::{Use, ZoneType};
use crate::engine::Signals;
use crate::record::{Func, Reason};

/// `DIRTY_POLL_THRESH`: 128 KiB.
const DIRTY_POLL_THRESH: u64 = 32;
/// `RATELIMIT_CALC_SHIFT`.
const RATELIMIT_CALC_SHIFT: u32 = 10;

/// What a task has dirtied (`struct task_struct`).
#[derive(Copy, Clone, Debug)]
pub struct TaskDirty {
    /// `nr_dirtied`: pages since it last paused.
    nr_dirtied: u64,
    /// `nr_dirtied_pause`: after how many the limits are looked at.
    nr_dirtied_pause: u64,
    /// `dirty_paused_when`: a jiffy; none: it never was throttled.
    paused_when: Option<u64>,
}

impl Default for TaskDirty {
    fn default() -> Self {
        Self { nr_dirtied: 0, nr_dirtied_pause: DIRTY_POLL_THRESH, paused_when: None }
    }
}

/// What becomes of a pause.
#[derive(Copy, Clone, Debug)]
enum Pause {
    /// Too short to sleep for: it is added to the next one.
    Later(TaskDirty),
    /// So long, counted from then on.
    Now { jiffies: u64, from: u64 },
}

impl TaskDirty {
    /// What is left of a pause of `period` jiffies after the last one.
    fn pause(self, now: u64, period: u64, (min, max): (u64, u64), hz: u64) -> Pause {
        let mut task = self;
        let since = task.paused_when.unwrap_or(now);
        // Negative where the last pause was cut short.
        let slept = now.cast_signed() - since.cast_signed();
        let left = period.cast_signed().saturating_sub(slept);
        if left >= min.cast_signed() {
            let left = left.unsigned_abs();
            // What is too long for one pause is forgiven, up to as much again.
            let from = now + left.saturating_sub(max).min(max);
            return Pause::Now { jiffies: left.min(max), from };
        }
        if left < -hz.cast_signed() {
            (task.paused_when, task.nr_dirtied) = (Some(now), 0);
        } else if period > 0 {
            (task.paused_when, task.nr_dirtied) = (Some(since + period), 0);
        } else if task.nr_dirtied_pause <= task.nr_dirtied {
            task.nr_dirtied_pause += task.nr_dirtied;
        }
        Pause::Later(task)
    }
}

/// `struct dirty_throttle_control`: memory that may be dirty in part.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
struct Domain {
    avail: u64,
    /// Pages dirty or being written.
    dirty: u64,
    thresh: u64,
    bg_thresh: u64,
}

impl Domain {
    /// `domain_dirty_limits()`.
    fn new(state: &State, avail: u64, dirty: u64) -> Self {
        let part = |percent: u64| avail * percent / 100;
        let thresh = part(state.sysctl.dirty_ratio);
        let mut bg_thresh = part(state.sysctl.dirty_background_ratio);
        if bg_thresh >= thresh {
            bg_thresh = thresh / 2;
        }
        Self { avail, dirty, thresh, bg_thresh }
    }

    /// That of the whole machine.
    fn global(state: &State) -> Self {
        let (dirty, avail) = (sum(state, Use::Dirty), global_dirtyable_memory(state));
        Self::new(state, avail, dirty + sum(state, Use::Writeback))
    }

    /// That of a cgroup (`mem_cgroup_wb_stats()`, `mdtc_calc_avail()`).
    fn of_memcg(state: &State, global: &Self, memcg: Memcg) -> Option<Self> {
        let id = memcg?;
        let dirty = state.dirty(memcg).count() + state.under_writeback(memcg).count();
        let filepages = state.clean(memcg).count() + dirty;
        let global_clean = global.avail.saturating_sub(global.dirty);
        let other_clean = global_clean.saturating_sub(filepages - dirty);
        let avail = filepages + mem_cgroup_headroom(state, id).min(other_clean);
        Some(Self::new(state, avail, dirty))
    }

    /// `dirty_freerun_ceiling()`.
    fn freerun(&self) -> u64 {
        u64::midpoint(self.thresh, self.bg_thresh)
    }

    /// `dirty_poll_interval()`.
    fn poll_interval(&self) -> u64 {
        match self.thresh.checked_sub(self.dirty) {
            Some(left @ 1..) => 1 << (left.ilog2() >> 1),
            _ => 1,
        }
    }

    /// `pos_ratio_polynom()`: which part of the rate a task may have, in
    /// 1024ths, from twice the rate down to nothing at the limit.
    fn pos_ratio(&self) -> u64 {
        let limit = i128::from(self.thresh);
        let setpoint = i128::midpoint(i128::from(self.freerun()), limit);
        if i128::from(self.dirty) >= limit {
            return 0;
        }
        let one = 1_i128 << RATELIMIT_CALC_SHIFT;
        let x = (setpoint - i128::from(self.dirty)) * one / ((limit - setpoint) | 1);
        let cubed = (((x * x) >> RATELIMIT_CALC_SHIFT) * x) >> RATELIMIT_CALC_SHIFT;
        u64::try_from((cubed + one).clamp(0, 2 * one)).unwrap_or(0)
    }
}

fn sum(state: &State, of: Use) -> u64 {
    state.zones.iter().map(|(_, zone)| zone.pages(of)).sum()
}

/// `global_dirtyable_memory()`: what is free beyond the reserves, and page cache.
fn global_dirtyable_memory(state: &State) -> u64 {
    // calculate_totalreserve_pages()
    let reserve = state
        .zones
        .iter()
        .map(|(_, z)| (z.lowmem_reserve[ZoneType::Normal as usize] + z.high).min(z.managed()));
    let free = sum(state, Use::Free).saturating_sub(reserve.sum());
    free + sum(state, Use::Clean) + sum(state, Use::Dirty) + sum(state, Use::Writeback) + 1
}

/// `wb_over_bg_thresh()`: whether the flusher has to work, whoever waits for it.
pub(super) fn wb_over_bg_thresh(state: &State) -> bool {
    let global = Domain::global(state);
    if sum(state, Use::Dirty) > global.bg_thresh {
        return true;
    }
    state.cgroups.iter().any(|(id, _)| {
        let dirty = state.dirty(Some(id)).count();
        dirty > 0
            && Domain::of_memcg(state, &global, Some(id)).is_some_and(|own| dirty > own.bg_thresh)
    })
}

/// `balance_dirty_pages_ratelimited()`: the task made `pages` pages dirty.
pub(super) async fn balance_dirty_pages_ratelimited(cx: &Cx, pages: u64) {
    let due = cx.with(|state| {
        let task = &mut state.tasks[cx.task()].dirty;
        task.nr_dirtied += pages;
        task.nr_dirtied >= task.nr_dirtied_pause
    });
    if pages > 0 && due {
        balance_dirty_pages(cx).await;
    }
}

/// `balance_dirty_pages()`.
async fn balance_dirty_pages(cx: &Cx) {
    let _in = cx.enter(Func::BalanceDirtyPages);
    let clock = &cx.kernel().clock;
    let (hz, jiffies) = (u64::from(clock.hz), || cx.now().0 / clock.tick().0);
    loop {
        let now = jiffies();
        let (global, own, starts) = cx.with(|state| {
            let global = Domain::global(state);
            let memcg = state.group_of(cx.task()).and_then(|group| group.cgroup);
            let own = Domain::of_memcg(state, &global, memcg);
            let idle = !state.writeback.flusher.is_running();
            (global, own, idle && wb_over_bg_thresh(state))
        });
        if starts {
            wb_wakeup(cx);
        }
        let domains = || [Some(global), own].into_iter().flatten();
        if domains().all(|domain| domain.dirty <= domain.freerun()) {
            let interval = domains().map(|domain| domain.poll_interval()).min().unwrap_or(1);
            set(
                cx,
                TaskDirty { nr_dirtied: 0, nr_dirtied_pause: interval, paused_when: Some(now) },
            );
            return;
        }
        if cx.with(|state| !state.writeback.flusher.is_running()) {
            wb_wakeup(cx);
        }
        // The task's rate, in pages per second.
        let rate = cx.with(|state| state.disk.pages_per_second).max(1);
        let pos_ratio = domains().map(|domain| domain.pos_ratio()).min().unwrap_or(0);
        let task_rate = rate.saturating_mul(pos_ratio) >> RATELIMIT_CALC_SHIFT;
        let max_pause = max_pause(hz, rate, global.dirty);
        let (min_pause, nr_dirtied_pause) = wb_min_pause(hz, rate, task_rate, max_pause);
        let task = cx.with(|state| state.tasks[cx.task()].dirty);
        let period = hz.saturating_mul(task.nr_dirtied).checked_div(task_rate);
        let pauses = period.map(|period| task.pause(now, period, (min_pause, max_pause), hz));
        let (pause, from) = match pauses.unwrap_or(Pause::Now { jiffies: max_pause, from: now }) {
            Pause::Later(task) => return set(cx, task),
            Pause::Now { jiffies, from } => (jiffies, from),
        };
        schedule_timeout(cx, pause, Reason::BalanceDirtyPages, Signals::Killable).await;
        // Not when it woke up: time that it overslept counts for the next pause.
        let paused_when = Some(from + pause);
        set(cx, TaskDirty { nr_dirtied: 0, nr_dirtied_pause, paused_when });
        if task_rate > 0 || cx.fatal_signal_pending() {
            return;
        }
    }
}

fn set(cx: &Cx, dirty: TaskDirty) {
    cx.with(|state| state.tasks[cx.task()].dirty = dirty);
}

/// `wb_max_pause()`, in jiffies: the disk may not run dry meanwhile.
fn max_pause(hz: u64, rate: u64, dirty: u64) -> u64 {
    let pause = dirty / (1 + rate / (1 + hz / 8).next_power_of_two());
    (pause + 1).min((hz / 5).max(1))
}

/// `wb_min_pause()`: the shortest pause worth it, and pages until the next one.
fn wb_min_pause(hz: u64, rate: u64, task_rate: u64, max_pause: u64) -> (u64, u64) {
    let per_pause = |rate: u64, pause: u64| rate.saturating_mul(pause) / hz.next_power_of_two();
    // hi == lo: the rate is the disk's own.
    let mut pause = (hz / 100).max(1).min(1 + max_pause / 2);
    let mut pages = per_pause(rate, pause);
    if pages < DIRTY_POLL_THRESH {
        pause = max_pause;
        pages = per_pause(rate, pause);
        if pages > DIRTY_POLL_THRESH {
            (pages, pause) = (DIRTY_POLL_THRESH, hz * DIRTY_POLL_THRESH / rate);
        }
    }
    if hz.saturating_mul(pages) / (task_rate + 1) > max_pause {
        (pause, pages) = (max_pause, per_pause(task_rate, max_pause));
    }
    (if pages >= DIRTY_POLL_THRESH { 1 + pause / 2 } else { pause }, pages.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(dirty: u64) -> Domain {
        Domain { avail: 10_000, dirty, thresh: 2_000, bg_thresh: 1_000 }
    }

    #[test]
    fn rate_falls_from_twice_the_disks_to_nothing_at_the_limit() {
        assert_eq!(domain(0).freerun(), 1_500);
        assert_eq!(domain(1_500).pos_ratio(), 2_033);
        assert_eq!(domain(1_750).pos_ratio(), 1024);
        assert!(domain(1_900).pos_ratio() < 1024);
        assert_eq!(domain(2_000).pos_ratio(), 0);
    }

    #[test]
    fn pause_counts_from_the_end_of_the_last_one_as_it_was_meant() {
        let task = TaskDirty { nr_dirtied: 64, nr_dirtied_pause: 32, paused_when: Some(100) };
        let after = |now, period| match task.pause(now, period, (3, 50), 250) {
            Pause::Now { jiffies, from } => (jiffies, from),
            Pause::Later(task) => (task.nr_dirtied, task.paused_when.expect("it paused once")),
        };
        // Woken ten jiffies late, or early.
        assert_eq!((after(110, 30), after(90, 30)), ((20, 110), (40, 90)));
        assert_eq!(after(110, 12), (0, 112), "too short: added to the next one");
        assert_eq!(after(100, 70), (50, 120), "too long: 20 are forgiven");
        assert_eq!(after(400, 12), (0, 400), "it did other things meanwhile");
    }

    #[test]
    fn limits_are_looked_at_more_often_the_closer_they_are() {
        assert_eq!(domain(0).poll_interval(), 32);
        assert_eq!(domain(1_996).poll_interval(), 2);
        assert_eq!(domain(3_000).poll_interval(), 1);
    }
}

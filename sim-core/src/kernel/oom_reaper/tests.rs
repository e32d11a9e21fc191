//! Queueing, attempts, and the eras of the reaper and of `exit_mmap()`.

mod exit;
mod old;

use super::{backs_off_from, queue_oom_reaper};
use crate::base::{DeviceId, MmId, Nanos, NotifierId, TaskId, ZoneId};
use crate::engine::{Hold, Signals};
use crate::kernel::exit::do_exit;
use crate::kernel::fork::AnonShare;
use crate::kernel::memory::{FaultError, fault_in};
use crate::kernel::mm::Backing::{Anonymous, Hugetlb, Pfnmap, PrivateFile, SharedFile, Shmem};
use crate::kernel::mm::{Access, Shared};
use crate::kernel::mmu_notifier::{register, unregister};
use crate::kernel::plugin::{Api, Approach, Ops};
use crate::kernel::testing::{Log, Machine, Probe};
use crate::kernel::zone::Use;
use crate::record::{Event, MnEvent, Reason, SkipBy};

/// Queues victims at time zero, in this order.
fn queue(bench: &Machine, victims: &[TaskId]) {
    let victims = victims.to_vec();
    for &victim in &victims {
        bench.mark(victim);
    }
    bench.task("killer", None, |cx| async move {
        for victim in victims {
            queue_oom_reaper(&cx, victim);
        }
    });
}

/// One victim that stays, with these VMAs.
fn one(profile: &str, vmas: &[(crate::kernel::mm::Backing, u64)]) -> (Machine, MmId, TaskId) {
    let bench = Machine::with_devices(profile, Approach::NonBlocking, &[]);
    let mm = bench.mm(vmas);
    let victim = bench.sitter("victim", mm);
    (bench, mm, victim)
}

fn skip_by(log: &Log) -> Vec<SkipBy> {
    let set = log.records().filter_map(|record| match record.event {
        Event::OomSkipSet { by, .. } => Some(by),
        _ => None,
    });
    set.collect()
}

#[test]
fn last_victim_queued_is_the_first_reaped() {
    let bench = Machine::with_devices("4.19", Approach::NonBlocking, &[]);
    let victims = [100, 200, 300].map(|pages| {
        let mm = bench.mm(&[(Anonymous, pages)]);
        bench.sitter("victim", mm)
    });
    queue(&bench, &victims);
    let log = bench.into_log();
    let reaped: Vec<_> = log
        .records()
        .filter_map(|record| match record.event {
            Event::StartTaskReaping { victim } => Some(victim),
            _ => None,
        })
        .collect();
    assert_eq!(reaped, [victims[2], victims[1], victims[0]]);
    assert_eq!(
        log.when(|event| matches!(event, Event::OomSkipSet { .. })).last().expect("3").0,
        3_300
    );
}

/// The timers of one bucket of the wheel expire last in, first out, and the list turns that round again.
#[test]
fn victims_killed_at_once_are_told_of_in_reverse_and_reaped_in_their_order() {
    let bench = Machine::with_timer_wheel("6.1");
    let victims = [100, 200, 300].map(|pages| {
        let mm = bench.mm(&[(Anonymous, pages)]);
        bench.sitter("victim", mm)
    });
    queue(&bench, &victims);
    let log = bench.into_log();
    let told = log.records().filter_map(|record| match record.event {
        Event::WakeReaper { victim } => Some((record.at.0 / 1_000_000, victim)),
        _ => None,
    });
    // 500 jiffies, and the rest of 8 that one bucket is for.
    let reverse = [2, 1, 0].map(|at| (2_016, victims[at]));
    assert_eq!(told.collect::<Vec<_>>(), reverse);
    let reaped = log.records().filter_map(|record| match record.event {
        Event::StartTaskReaping { victim } => Some(victim),
        _ => None,
    });
    assert_eq!(reaped.collect::<Vec<_>>(), victims);
}

#[test]
fn mm_is_queued_once_where_it_has_the_bit_and_a_task_once_where_not() {
    for (profile, wakes) in [("5.3", 1), ("4.19", 2)] {
        let (bench, mm, victim) = one(profile, &[(Anonymous, 100)]);
        let sibling = bench.sitter("sibling", mm);
        queue(&bench, &[victim, sibling, sibling]);
        let log = bench.into_log();
        assert_eq!(
            log.count(|event| matches!(event, Event::WakeReaper { .. })),
            wakes,
            "{profile}"
        );
    }
}

/// Up to 4.19 a task is known to be queued by being the first or having one behind it.
#[test]
fn last_of_the_list_is_queued_again_up_to_4_19() {
    for (profile, reaped) in [("5.3", vec![1, 0]), ("4.19", vec![0, 1, 0])] {
        let bench = Machine::with_devices(profile, Approach::NonBlocking, &[]);
        let victims = [100, 200].map(|pages| {
            let mm = bench.mm(&[(Anonymous, pages)]);
            bench.sitter("victim", mm)
        });
        let [first, second] = victims;
        queue(&bench, &[first, second, first]);
        let log = bench.into_log();
        let turned_to = log.records().filter_map(|record| match record.event {
            Event::StartTaskReaping { victim } | Event::SkipTaskReaping { victim } => {
                victims.iter().position(|&one| one == victim)
            }
            _ => None,
        });
        assert_eq!(turned_to.collect::<Vec<_>>(), reaped, "{profile}");
    }
}

/// A delay, which those kernels do not have by themselves, lets two timers be about one task: it
/// must not come to stand behind itself.
#[test]
fn second_timer_of_a_task_finds_it_queued_up_to_4_19() {
    let (bench, mm, victim) = one("4.19", &[(Anonymous, 100)]);
    bench.mark(victim);
    bench.task("timers", None, move |cx| async move {
        super::wake_oom_reaper(&cx, victim, mm);
        super::wake_oom_reaper(&cx, victim, mm);
    });
    let log = bench.into_log();
    assert_eq!(log.count(|event| matches!(event, Event::WakeReaper { .. })), 1);
    assert_eq!(skip_by(&log), [SkipBy::Reaper]);
}

#[test]
fn skip_at_the_end_of_the_delay_silences_the_reaper() {
    let (bench, mm, victim) = one("6.1", &[(Anonymous, 100)]);
    queue(&bench, &[victim]);
    bench.task("other", None, move |cx| async move {
        cx.sleep(Nanos::from_ms(1999), Reason::Pause, Signals::Ignored).await;
        super::set_oom_skip(&cx, mm, SkipBy::Exit);
    });
    let log = bench.into_log();
    assert_eq!(log.count(|event| matches!(event, Event::WakeReaper { .. })), 0);
    assert_eq!(log.zapped_pages(), 0);
}

#[test]
fn walk_goes_up_and_in_7_1_down_and_leaves_what_is_not_the_victims_own() {
    let vmas = [
        (Anonymous, 100),
        (SharedFile, 10),
        (Shmem, 10),
        (Hugetlb, 10),
        (Pfnmap, 10),
        (PrivateFile, 64),
        (Anonymous, 200),
    ];
    let mut up = vec!["vma1", "vma6", "vma7"];
    for profile in ["4.6", "4.19", "6.12", "7.1"] {
        let (bench, _, victim) = one(profile, &vmas);
        queue(&bench, &[victim]);
        if profile == "7.1" {
            up.reverse();
        }
        assert_eq!(bench.into_log().zapped(), up, "{profile}");
    }
}

#[test]
fn locked_memory_is_reaped_since_5_18() {
    for (profile, pages) in [("5.12", 100), ("6.1", 300)] {
        let (bench, mm, victim) = one(profile, &[(Anonymous, 100), (Anonymous, 200)]);
        bench.kernel.with(|state| {
            state.mms[mm].vmas[1].locked = true;
            state.zones[ZoneId(0)].transfer(Use::Anon, Use::Unevictable, 200);
        });
        queue(&bench, &[victim]);
        let log = bench.into_log();
        assert_eq!(log.zapped_pages(), pages, "{profile}");
        assert_eq!(skip_by(&log), [SkipBy::Reaper]);
    }
}

/// Pages that the victim shares since a fork, and has for itself by now: by how many they were unmapped, and
/// what came before the first was free.
fn shared_since_a_fork(pages: u64, free: Option<u64>) -> (Vec<u32>, usize, usize) {
    let tlb =
        Probe { ops: Ops { start: false, secondary_tlb: true, ..Ops::START }, ..Probe::WILLING };
    let devices = [(tlb, Api::Hlist)];
    let bench = Machine::with_devices("4.19", Approach::NonBlocking, &devices);
    let mm = bench.mm(&[(Anonymous, pages)]);
    bench.kernel.with(|state| {
        let anon = std::mem::take(&mut state.mms[mm].vmas[0].anon);
        let share = state.shares.push(AnonShare::new(anon, mm));
        state.shares[share].map(0, pages);
        state.mms[mm].vmas[0].shares.push(Shared { share, from: 0, to: pages });
        let zone = &mut state.zones[ZoneId(0)];
        if let Some(free) = free {
            let rest = zone.pages(Use::Free) - free;
            zone.transfer(Use::Free, Use::Kernel, rest);
        }
    });
    let victim = bench.task("victim", Some(mm), move |cx| async move {
        register(&cx, DeviceId(0), mm, 1 << 30, 2 << 30).await;
        cx.sleep(Nanos::from_secs(50), Reason::Stuck, Signals::Ignored).await;
    });
    bench.mark(victim);
    bench.task("killer", None, move |cx| async move {
        cx.sleep(Nanos::from_ms(1), Reason::Pause, Signals::Ignored).await;
        queue_oom_reaper(&cx, victim);
    });
    let log = bench.into_log();
    let unmapped = log.records().filter_map(|record| match record.event {
        Event::Zap { pages: pages @ 1.., .. } => Some(pages),
        _ => None,
    });
    let unmapped: Vec<_> = unmapped.collect();
    let before = log.records().take_while(|r| !matches!(r.event, Event::Zap { freed: 1.., .. }));
    let before: Vec<_> = before.collect();
    let count = |is: fn(&Event) -> bool| before.iter().filter(|r| is(&r.event)).count();
    let flushes = count(|event| matches!(event, Event::SecondaryTlbFlush { .. }));
    (unmapped, count(|event| matches!(event, Event::Zap { .. })), flushes)
}

#[test]
fn pages_shared_since_a_fork_come_back_with_the_gather_like_others() {
    let (unmapped, before, flushes) = shared_since_a_fork(600, None);
    assert_eq!((unmapped.iter().sum::<u32>(), before, flushes), (600, unmapped.len(), 1));
    assert_eq!(shared_since_a_fork(40, Some(0)), (vec![8; 5], 1, 1), "without memory for batches");
}

#[test]
fn reader_of_what_was_reaped_gets_no_zero_page() {
    for (profile, read) in [("4.6", Ok(1)), ("6.1", Err(FaultError::Sigbus))] {
        let (mut bench, mm, victim) = one(profile, &[(Anonymous, 10)]);
        queue(&bench, &[victim]);
        let reader = bench.task("reader", Some(mm), move |cx| async move {
            cx.sleep(Nanos::from_secs(3), Reason::Pause, Signals::Ignored).await;
            let range = cx.with(|state| state.mms[mm].vmas[0].id);
            assert_eq!(fault_in(&cx, mm, range, 0, 1, Access::Read).await, read, "{profile}");
        });
        bench.run_through(reader);
    }
}

/// A run in which `mmap_lock` is held for writing.
fn locked_out(profile: &str) -> Log {
    let (bench, mm, victim) = one(profile, &[(Anonymous, 100)]);
    bench.task("writer", None, move |cx| async move {
        let mmap_lock = cx.with(|state| state.mms[mm].mmap_lock);
        cx.lock(mmap_lock, Hold::Exclusive, Reason::MmapLock).await;
        cx.sleep(Nanos::from_secs(50), Reason::Stuck, Signals::Ignored).await;
        cx.unlock(mmap_lock);
    });
    queue(&bench, &[victim]);
    bench.into_log()
}

#[test]
fn ten_skips_a_tenth_of_a_second_apart_end_in_giving_up() {
    let log = locked_out("4.19");
    let skips = log.when(|event| matches!(event, Event::SkipTaskReaping { .. }));
    let times: Vec<_> = skips.into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, (0..10).map(|attempt| attempt * 100_000).collect::<Vec<_>>());
    let gave_up = log.when(|event| matches!(event, Event::UnableToReap { .. }));
    assert_eq!(gave_up, [(1_000_000, "oom_reaper".to_owned())]);
    assert_eq!(skip_by(&log), [SkipBy::GiveUp]);
}

#[test]
fn oom_lock_is_held_while_reaping_from_4_9_to_4_18() {
    for (profile, held) in [("4.6", false), ("4.9", true), ("4.16", true), ("4.19", false)] {
        let (bench, _, victim) = one(profile, &[(Anonymous, 2000)]);
        queue(&bench, &[victim]);
        let taken = std::rc::Rc::new(std::cell::Cell::new(None));
        let found = std::rc::Rc::clone(&taken);
        bench.task("allocator", None, move |cx| async move {
            cx.sleep(Nanos::from_us(500), Reason::Pause, Signals::Ignored).await;
            let oom_lock = cx.with(|state| state.oom_lock);
            found.set(Some(cx.try_lock(oom_lock, Hold::Exclusive)));
        });
        bench.into_log();
        assert_eq!(taken.get(), Some(!held), "{profile}");
    }
}

#[test]
fn attempt_that_fails_lets_go_of_oom_lock_before_its_pause() {
    let log = locked_out("4.9");
    let held = log.when(|event| matches!(event, Event::Acquired { lock, .. } if lock.0 == 0));
    let let_go = log.when(|event| matches!(event, Event::Released { lock } if lock.0 == 0));
    assert_eq!((held.len(), &held), (10, &let_go), "no time in between");
}

/// Who only pins pages is on no list, and who was there counts if nobody is.
#[test]
fn skip_any_names_a_notifier_that_is_on_the_list_before_one_that_was() {
    let pinned =
        Probe { ops: Ops { start: false, page_refs: true, ..Ops::START }, ..Probe::WILLING };
    let devices =
        [(pinned, Api::Hlist), (Probe::WILLING, Api::Hlist), (Probe::WILLING, Api::Hlist)];
    for (gone, named) in [(vec![], 1), (vec![1], 2), (vec![1, 2], 1)] {
        let bench = Machine::with_devices("4.14", Approach::SkipAny, &devices);
        let mm = bench.mm(&[(Anonymous, 10)]);
        bench.task("task", Some(mm), move |cx| async move {
            for device in 0..3 {
                register(&cx, DeviceId(device), mm, 1 << 30, (1 << 30) + 4096).await;
            }
            for &notifier in &gone {
                unregister(&cx, NotifierId(notifier)).await;
            }
            let found = backs_off_from(&cx, Approach::SkipAny, mm);
            assert_eq!(found, Some(NotifierId(named)), "{gone:?}");
        });
        bench.into_log();
    }
}

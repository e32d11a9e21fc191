//! I13 to I16 and I18: pages, requests and locks.

use sim_core::base::{CgroupId, ZoneId};
use sim_core::engine::{Hold, WaitOn, Waited};
use sim_core::kernel::plugin::Approach;
use sim_core::record::{Event, Gfp, Invariant, Reason};

use crate::stage::*;

/// A request that the free lists don't serve at once.
fn asks(gfp: Gfp, memalloc: bool) -> Event {
    Event::AllocBegin { order: 0, gfp: gfp.0, memalloc }
}

#[test]
fn i13_there_are_no_more_pages_than_there_are() {
    let free = |free| Event::ZoneFree { zone: ZoneId(0), free };
    Stage::new()
        .add(HOG, free(1000))
        .is_sound()
        .add(HOG, free(1001))
        .breaks(Invariant::PagesConserved);
}

#[test]
fn i14_who_must_not_sleep_does_not() {
    for gfp in [Gfp::NOWAIT, Gfp::ATOMIC] {
        let mut stage = Stage::new();
        stage.add(HOG, asks(gfp, false)).is_sound();
        stage.blocks(HOG, WaitOn::Time, Reason::ReclaimThrottle);
        stage.breaks(Invariant::NoSleepWhereForbidden);
    }
    let mut done = Stage::new();
    done.add(HOG, asks(Gfp::NOWAIT, false));
    done.add(HOG, Event::AllocDone { ok: false }).blocks(HOG, WaitOn::Time, Reason::Pause);
    done.is_sound();
    let reclaim = Event::DirectReclaimBegin { order: 0, gfp: Gfp::KERNEL.0 };
    let may_sleep = asks(Gfp::KERNEL, false);
    // Who reclaims may sleep, but not in a request of its own: PF_MEMALLOC.
    let mut reclaims = Stage::new();
    reclaims.add(HOG, may_sleep).add(HOG, reclaim);
    reclaims.blocks(HOG, WaitOn::Time, Reason::ReclaimThrottle).is_sound();
    reclaims.wakes(HOG, Waited::TimedOut).add(HOG, may_sleep).is_sound();
    reclaims.blocks(HOG, WaitOn::Time, Reason::ReclaimThrottle);
    reclaims.breaks(Invariant::NoSleepWhereForbidden);
    Stage::new().add(HOG, reclaim).add(HOG, reclaim).breaks(Invariant::NoSleepWhereForbidden);
    // A driver gave itself PF_MEMALLOC, which goes before the flags.
    let mut scope = Stage::new();
    scope.add(HOG, asks(Gfp::KERNEL, true)).blocks(HOG, WaitOn::Time, Reason::Yield).is_sound();
    scope.wakes(HOG, Waited::TimedOut).is_sound();
    scope.blocks(HOG, WaitOn::Time, Reason::ReclaimThrottle);
    scope.breaks(Invariant::NoSleepWhereForbidden);
    for (gfp, memalloc) in [(Gfp::KERNEL, true), (Gfp::NOWAIT, false)] {
        let mut stage = Stage::new();
        stage.add(HOG, asks(gfp, memalloc)).add(HOG, reclaim);
        stage.breaks(Invariant::NoSleepWhereForbidden);
    }
}

#[test]
fn i15_the_loser_sleeps_one_jiffy() {
    let story = |ms| {
        let mut stage = Stage::new();
        stage.add(HOG, asks(Gfp::KERNEL, false));
        stage.add(HOG, Event::OomTrylockFail { owner: Some(OTHER) });
        stage.blocks(HOG, WaitOn::Time, Reason::OomLockJiffy);
        stage.at(ms).wakes(HOG, Waited::TimedOut);
        stage
    };
    story(4).is_sound();
    story(5).breaks(Invariant::LoserSleepsOneJiffy);
    story(3).breaks(Invariant::LoserSleepsOneJiffy);
    let mut other = Stage::new();
    other.add(HOG, Event::OomTrylockFail { owner: None });
    other.blocks(HOG, WaitOn::Time, Reason::ReclaimThrottle);
    other.breaks(Invariant::LoserSleepsOneJiffy);
    let mut blocks = Stage::new();
    blocks.add(HOG, asks(Gfp::KERNEL, false));
    blocks.blocks(HOG, WaitOn::Lock(OOM_LOCK), Reason::OomLock);
    blocks.breaks(Invariant::LoserSleepsOneJiffy);
    // Nor at the end of a page fault; a cgroup's killer does, each time.
    let waits = |stage: &mut Stage| {
        stage.blocks(HOG, WaitOn::Lock(OOM_LOCK), Reason::OomLock);
    };
    let mut fault = Stage::new();
    waits(&mut fault);
    fault.breaks(Invariant::LoserSleepsOneJiffy);
    // Of those who exit only 4.16's victims do.
    for (kernel, may) in [("4.14", false), ("4.16", true), ("6.1", false)] {
        let mut exits = Stage::with(kernel, Approach::NonBlocking, &FENCE);
        exits.add(HOG, Event::ExitMmap { mm: HOG_MM });
        waits(&mut exits);
        if may {
            exits.is_sound();
        } else {
            exits.breaks(Invariant::LoserSleepsOneJiffy);
        }
        let mut gone = Stage::with(kernel, Approach::NonBlocking, &FENCE);
        gone.add(HOG, Event::ExitMmap { mm: HOG_MM }).add(HOG, Event::ExitMmapDone { mm: HOG_MM });
        waits(&mut gone);
        gone.breaks(Invariant::LoserSleepsOneJiffy);
    }
    let mut memcg = Stage::new();
    memcg.add(HOG, Event::MemcgOom { cgroup: CgroupId(1), gfp: Gfp::KERNEL.0, order: 0 });
    waits(&mut memcg);
    memcg.wakes(HOG, Waited::Granted);
    memcg.add(HOG, Event::Acquired { lock: OOM_LOCK, hold: Hold::Exclusive });
    memcg.add(HOG, Event::Released { lock: OOM_LOCK }).is_sound();
    waits(&mut memcg);
    memcg.breaks(Invariant::LoserSleepsOneJiffy);
}

#[test]
fn i16_nofs_kills_nobody() {
    Stage::new().chooses(OTHER, HOG, Gfp::NOFS).breaks(Invariant::NoKillWithoutFs);
    let nofail = Gfp::NOFS.with(Gfp::NOFAIL);
    Stage::with("4.9", Approach::Silent, &FENCE).chooses(OTHER, HOG, nofail).is_sound();
    Stage::with("4.14", Approach::SkipAny, &FENCE)
        .chooses(OTHER, HOG, nofail)
        .breaks(Invariant::NoKillWithoutFs);
}

#[test]
fn i18_a_trylock_waits_its_turn() {
    let take = |hold| Event::Acquired { lock: MMAP_LOCK, hold };
    let (shared, exclusive) = (take(Hold::Shared), take(Hold::Exclusive));
    Stage::new().add(HOG, exclusive).add(OTHER, shared).breaks(Invariant::TrylockIsFair);
    Stage::new().add(HOG, shared).add(OTHER, exclusive).breaks(Invariant::TrylockIsFair);
    let mut queue = Stage::new();
    queue.add(HOG, shared).blocks(OTHER, WaitOn::Lock(MMAP_LOCK), Reason::MmapLock).is_sound();
    queue.add(REAPER, shared).breaks(Invariant::TrylockIsFair);
    let mut in_turn = Stage::new();
    in_turn.add(HOG, shared).blocks(OTHER, WaitOn::Lock(MMAP_LOCK), Reason::MmapLock);
    in_turn.add(HOG, Event::Released { lock: MMAP_LOCK }).add(OTHER, exclusive);
    in_turn.wakes(OTHER, Waited::Granted).add(OTHER, Event::Released { lock: MMAP_LOCK });
    in_turn.add(HOG, shared).is_sound();
}

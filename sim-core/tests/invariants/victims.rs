//! I1, I2, I3 and I17: who dies, once, and when it is over.

use sim_core::base::CgroupId;
use sim_core::kernel::plugin::Approach;
use sim_core::record::{Event, Gfp, Invariant, OomResult, OomScope};

use crate::stage::*;

#[test]
fn i1_flags_are_set_once() {
    let mut twice = Stage::new();
    twice.skips(REAPER).is_sound().at(1).skips(HOG).breaks(Invariant::FlagsAreMonotone);
    let mut oom_mm = Stage::new();
    let set = Event::OomMmSet { leader: HOG, mm: HOG_MM };
    oom_mm.add(OTHER, set).is_sound().add(OTHER, set).breaks(Invariant::FlagsAreMonotone);
}

#[test]
fn i2_one_victim_is_pending() {
    let mut stage = Stage::new();
    stage.kills(OTHER, HOG).is_sound().at(5).kills(HOG, OTHER);
    stage.breaks(Invariant::OnePendingVictim);
    let mut old = Stage::with("4.6", Approach::Silent, &FENCE);
    old.kills(OTHER, HOG).kills(HOG, OTHER).is_waived(Invariant::OnePendingVictim);
    Stage::new().kills(OTHER, HOG).skips(REAPER).kills(HOG, OTHER).is_sound();
}

#[test]
fn i2_allocating_task_may_die_beside_a_victim() {
    let mut allocating = Stage::declared("6.1", Approach::NonBlocking, &FENCE, true);
    allocating.kills(OTHER, HOG).is_sound().chooses_itself(OTHER);
    allocating.is_waived(Invariant::OnePendingVictim);
    // Who scans waits all the same.
    let mut scans = Stage::declared("6.1", Approach::NonBlocking, &FENCE, true);
    scans.kills(OTHER, HOG).chooses(OTHER, OTHER, Gfp::KERNEL);
    scans.breaks(Invariant::OnePendingVictim);
}

#[test]
fn i2_scopes_and_sysrq_are_their_own() {
    let in_scope =
        |scope, order| Event::OomKillProcess { victim: OTHER, gfp: 0, order, scope, report: true };
    Stage::new().kills(OTHER, HOG).add(HOG, in_scope(OomScope::Sysrq, 255)).is_sound();
    Stage::new().kills(OTHER, HOG).add(HOG, in_scope(OomScope::Group, 0)).is_sound();
    let limit = |cgroup| Event::MemcgOom { cgroup: CgroupId(cgroup), gfp: 0, order: 0 };
    let mut memcg = Stage::new();
    memcg.add(OTHER, limit(0));
    let kill = Event::OomKillProcess {
        victim: HOG,
        gfp: 0,
        order: 0,
        scope: OomScope::Memcg,
        report: true,
    };
    memcg.add(OTHER, kill).add(OTHER, Event::SignalGenerate { target: HOG }).marks(OTHER, HOG);
    // Cgroup 2 lies beside; HOG is in cgroup 1, below cgroup 0.
    memcg.add(HOG, limit(2)).add(HOG, in_scope(OomScope::Memcg, 0)).is_sound();
    memcg.add(HOG, limit(1)).add(HOG, in_scope(OomScope::Memcg, 0));
    memcg.breaks(Invariant::OnePendingVictim);
}

#[test]
fn i2_a_cgroup_waits_for_victims_below_it_whoever_killed_them() {
    let limit = Event::MemcgOom { cgroup: CgroupId(0), gfp: 0, order: 0 };
    let kill = Event::OomKillProcess {
        victim: OTHER,
        gfp: 0,
        order: 0,
        scope: OomScope::Memcg,
        report: true,
    };
    let mut global = Stage::new();
    global.kills(OTHER, HOG).is_sound().add(OTHER, limit).add(OTHER, kill);
    global.breaks(Invariant::OnePendingVictim);
    let mut left = Stage::new();
    // One thread had left before.
    left.add(HELPER, Event::Exited {}).kills(OTHER, HOG).add(HOG, Event::Exited {});
    left.add(OTHER, limit).add(OTHER, kill).is_sound();
}

#[test]
fn i3_skip_is_the_end() {
    let mut reaped = Stage::new();
    reaped.woken().skips(HOG).is_sound().starts().breaks(Invariant::SkipEndsReaping);
    // What is under way when exit_mmap() sets it may go on; exit_mmap() waits for that.
    let zap = Event::Zap { range: HEAP, pages: 1, freed: 1 };
    let mut under_way = Stage::new();
    under_way.woken().starts().skips(HOG).add(REAPER, zap).is_sound();
    under_way.fails().add(REAPER, zap).breaks(Invariant::SkipEndsReaping);
    // What reclaim takes for a request of a callback's is not reaped.
    let reclaim = Event::DirectReclaimBegin { order: 0, gfp: Gfp::KERNEL.0 };
    let mut callback = Stage::with("4.14", Approach::Blocking, &ALLOCATES);
    callback.skips(HOG).add(REAPER, reclaim).add(REAPER, zap);
    callback.is_waived(Invariant::ReaperTakesNothing);
    let mut gone = Stage::new();
    gone.woken().starts().skips(HOG).is_sound().add(HOG, Event::ExitMmapDone { mm: HOG_MM });
    gone.breaks(Invariant::SkipEndsReaping);
    let mut chosen = Stage::new();
    chosen.skips(HOG).chooses(OTHER, HOG, Gfp::KERNEL).breaks(Invariant::SkipEndsReaping);
    let mut marked = Stage::new();
    marked.skips(HOG).marks(HOG, HOG).breaks(Invariant::SkipEndsReaping);
    // Others may be chosen: nobody waits for it any longer.
    let aborted = Event::OutOfMemory { result: OomResult::Aborted, victim: Some(HOG) };
    Stage::new().woken().add(OTHER, aborted).is_sound();
    Stage::new().woken().skips(HOG).add(OTHER, aborted).breaks(Invariant::SkipEndsReaping);
    let mut handed = Stage::with("6.1", Approach::HandOff, &FENCE);
    handed.woken().skips(HOG).starts().breaks(Invariant::SkipEndsReaping);
    let allocating = || Stage::declared("6.1", Approach::NonBlocking, &FENCE, true);
    let mut itself = allocating();
    itself.skips(HOG).chooses_itself(HOG).is_waived(Invariant::SkipEndsReaping);
    let mut scans = allocating();
    scans.skips(HOG).chooses(OTHER, HOG, Gfp::KERNEL).breaks(Invariant::SkipEndsReaping);
    let mut waits = allocating();
    waits.woken().skips(HOG).add(OTHER, aborted).breaks(Invariant::SkipEndsReaping);
}

#[test]
fn i17_sigkill_comes_first() {
    let mut stage = Stage::new();
    stage.chooses(OTHER, HOG, Gfp::KERNEL).marks(OTHER, HOG);
    stage.breaks(Invariant::SigkillBeforeReserves);
    // Who is dying already marks itself.
    Stage::new().marks(HOG, HOG).is_sound();
}

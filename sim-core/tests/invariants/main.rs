//! Each invariant of kernel-spec 8.1 is broken by hand-made records and is
//! seen; where it is waived it does not end the run. That runs keep them
//! is what every other test shows, since every run is watched.

mod allocs;
mod notifiers;
mod reaper;
mod stage;
mod victims;

use sim_core::base::{CpuId, SimTime, StackId};
use sim_core::engine::{EngineEvent, Observer as _, WaitOn};
use sim_core::record::{Invariant, Reason};
use stage::*;

/// A monitor is told by the engine too, not only by the kernel.
#[test]
fn engine_events_are_watched() {
    let mut stage = Stage::new();
    stage.at(7);
    let wait =
        EngineEvent::Blocked(WaitOn::Time, sim_core::engine::Why(Reason::Pause as u8), StackId(0));
    stage.recorder.engine_event(SimTime(7 * MS), REAPER, EngineEvent::Ran(CpuId(0)));
    stage.recorder.engine_event(SimTime(7 * MS), REAPER, wait);
    stage.breaks(Invariant::ReaperNeverBlocks);
}

#[test]
fn every_invariant_is_numbered_told_and_broken_here() {
    let here = [
        include_str!("allocs.rs"),
        include_str!("notifiers.rs"),
        include_str!("reaper.rs"),
        include_str!("victims.rs"),
    ];
    assert_eq!(Invariant::ALL.len(), 20);
    for (number, invariant) in (1..).zip(Invariant::ALL) {
        assert_eq!(invariant.id(), format!("I{number}"));
        let alike = Invariant::ALL.iter().filter(|other| other.text() == invariant.text());
        assert_eq!(alike.count(), 1, "{invariant:?}");
        assert!(invariant.text().split(' ').count() > 5, "{invariant:?}: {}", invariant.text());
        // That runs repeat takes two of them, which other tests compare.
        let name = format!("Invariant::{invariant:?}");
        let is_broken = here.iter().any(|file| file.contains(&name));
        assert!(is_broken || *invariant == Invariant::RunsRepeat, "{invariant:?}");
    }
}

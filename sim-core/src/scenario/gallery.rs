//! The scenarios that come with the program, embedded from `traces/`.
//!
//! An id is the stem of its file's name and, once published, never
//! changes: links carry it. The texts are parsed when they are asked
//! for, not here.

/// Which shelf of the gallery a scenario stands on.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub enum Group {
    /// Made up, to begin with.
    Example,
    /// A failure mode of kernel-spec 8.2.
    FailureMode,
    /// A deadlock of the catalogue in kernel-spec 5.5.
    Deadlock,
    /// A statement of the discussion of 2019 (kernel-spec 11), in its order.
    Discussion,
    /// One situation for all eras of notifier policy (kernel-spec 4.9).
    Era,
    /// Met by somebody on a real machine.
    RealBug,
    /// Has a log that is known to the microsecond.
    Golden,
    /// Replays a recording of a real kernel.
    Recording,
    /// Replays a recording of a kernel with lock debugging.
    LockDebugging,
}

impl Group {
    /// Whether its scenarios argue for something, and so have a control:
    /// a row of `tests/gallery/` without their cause.
    pub const fn argues(self) -> bool {
        matches!(
            self,
            Self::FailureMode | Self::Deadlock | Self::Discussion | Self::Era | Self::RealBug
        )
    }

    /// The group's name in lists and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Example => "examples",
            Self::FailureMode => "failure modes",
            Self::Deadlock => "deadlocks",
            Self::Discussion => "the discussion",
            Self::Era => "eras",
            Self::RealBug => "real bugs",
            Self::Golden => "golden",
            Self::Recording => "recordings",
            Self::LockDebugging => "lock debugging",
        }
    }
}

/// A scenario of the gallery.
#[derive(Copy, Clone, Debug)]
pub struct Entry {
    /// Its id, wire format.
    pub id: &'static str,
    /// The `title` in its text.
    pub title: &'static str,
    /// Where it is listed.
    pub group: Group,
    /// The scenario file.
    pub text: &'static str,
}

impl Entry {
    /// The `about` in its text, as one line: what to look at.
    pub fn about(&self) -> String {
        let about = self.text.split_once("\nabout = \"\"\"").map_or("", |(_, rest)| rest);
        let about = about.split_once("\"\"\"").map_or("", |(about, _)| about);
        about.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Declares entries whose text is in `traces/` under their id.
macro_rules! entries {
    ($($group:ident $id:literal $title:literal)+) => {
        &[$(Entry {
            id: $id,
            title: $title,
            group: Group::$group,
            text: include_str!(concat!("../../../traces/", $id, ".toml")),
        }),+]
    };
}

/// All scenarios, in the order in which lists show them; the first is
/// the page's opening example.
pub const ALL: &[Entry] = entries! {
    Example "gpu-fence-overlap" "A GPU mirrors part of the victim"
    FailureMode "f1-needless-second-victim" "A refusal costs an innocent process its life"
    FailureMode "f2-lost-teardown" "The teardown that silently does not happen"
    FailureMode "f3-stale-device-mapping" "A GPU writes to pages that belong to others by now"
    FailureMode "f4-reaper-blocked" "The reaper sleeps in a driver and never comes back"
    FailureMode "f5-indirect-dependency" "Four steps from the reaper to an allocation"
    FailureMode "f6-priority-inversion" "Ten milliseconds of CPU that nobody gives"
    FailureMode "f7-oom-lock-convoy" "A convoy behind a lock whose holder sleeps"
    FailureMode "f8-mmap-lock-starvation" "Ten attempts, and not one of them starts"
    FailureMode "f9-head-of-line" "One slow victim, and two that wait behind it"
    FailureMode "f10-reaped-but-pinned" "Everything is reaped and nothing is free"
    FailureMode "f11-nofs-livelock" "Out of memory, and nobody may say so"
    FailureMode "f12-always-refuse" "A driver that protects what it does not even map"
    FailureMode "f13-lost-end" "An invalidation that never ends"
    FailureMode "f13-odp-faults-for-ever" "A page fault of the hardware that is never served"
    FailureMode "f14-interval-leak" "Invalidations that are counted and never uncounted"
    FailureMode "f15-false-confidence" "A check that looks the other way"
    FailureMode "f16-collateral" "The reaper takes memory that somebody still needs"
    FailureMode "f17-reserve-exhaustion" "A victim that eats the reserves it was given to die with"
    FailureMode "f18-last-user" "One thread in a driver keeps 112 MiB"
    FailureMode "f19-panic" "The kernel panics beside 112 MiB that it gave up on"
    Deadlock "d1-self" "A task waits for a mutex that it holds"
    Deadlock "d2-direct" "The reaper waits for a lock, its owner for the reaper"
    Deadlock "d3-fence" "A fence whose signal needs memory"
    Deadlock "d4-nofs" "GFP_NOFS is equally bad"
    Deadlock "d5-exit" "A victim that waits for the one who wants its memory"
    Deadlock "d6-global-lock" "One process waits for the jobs of another"
    Deadlock "d7-mmap-lock" "The victim's own allocation keeps the reaper out"
    Deadlock "d8-dma-resv" "Reclaim needs the lock of whoever reclaims"
    Deadlock "mutex-held-across-allocations" "A driver's mutex held across allocations"
    Discussion "seed-1-nowait" "GFP_NOWAIT never waits"
    Discussion "seed-2-nofs-still-waits" "GFP_NOFS reclaims, compacts and waits all the same"
    Discussion "seed-3-nofs-equally-bad" "Indirectly, and with GFP_NOFS: equally bad"
    Discussion "seed-4-production-says-nothing" "Production hangs without a word"
    Discussion "seed-5-found-cold" "A deadlock that is found without happening"
    Discussion "seed-6-no-interest" "Drivers look at the range and have no interest"
    Discussion "seed-7-unconditional" "Backing off unconditionally"
    Discussion "seed-8-range-test-in-core" "The range test moves to the core"
    Discussion "seed-9-gpus-must-sleep" "GPUs must be able to sleep, and sometimes need not"
    Discussion "seed-10-within-fs-reclaim" "Within the existing limitation of fs_reclaim"
    Era "eras-side-by-side" "One victim, every era's answer"
    Era "eras-fence-needs-allocation" "One victim, and a fence that needs memory"
    RealBug "gntdev-waits-for-i915" "gntdev waits for i915 in a notifier, and i915 for the notifier"
    RealBug "radeon-kmalloc-under-notifier-lock" "radeon allocates under the lock of its notifier"
    RealBug "nouveau-refuses-every-range" "nouveau refuses every range, and leaks an interval each time"
    RealBug "xdna-fence-without-timeout" "A wait without a limit for firmware that hangs"
    RealBug "recovery-worker-allocates" "The worker that recovers a GPU waits for the GPU"
    Golden "g1-clean-exit" "The victim exits by itself before the reaper's turn"
    Golden "g2-stuck-no-notifier" "A stuck victim without notifiers is reaped after two seconds"
    Golden "g3-stuck-no-delay" "A stuck victim without notifiers, on a kernel that reaps at once"
    Golden "g4-overlap-refused" "A GPU keeps its half gibibyte, the rest is reaped at the first attempt"
    Golden "g5-silent-back-off" "The reaper sleeps a second and has done nothing"
    Golden "g6-flagged-notifier" "A notifier that promises not to block does not stop the reaper"
    Golden "g6-unflagged-notifier" "One notifier that may block is enough to stop the reaper"
    Golden "g7-ignore" "The reaper tells nobody, and a device writes to freed pages"
    Golden "g8-interval-miss" "A subscription that overlaps nothing the reaper takes is not called"
    Golden "g9-block-always-deadlock" "A reaper that may block waits for an allocation that waits for the reaper"
    Golden "g10-writer-queued" "A writer in line for mmap_lock keeps the reaper out"
    Golden "g11-pins" "The reaper unmaps a gibibyte and frees nothing"
    Golden "g12-lifo" "Three victims of one group are reaped last come, first served"
    Golden "g13-nofs-only" "Nobody who may call the killer asks for memory"
    Golden "g14-always-refuse" "A driver that always refuses protects what it does not even mirror"
    Golden "g15-zero-candidates" "Nobody may be killed"
    Golden "g16-one-at-a-time" "Nobody else is killed while a victim is pending"
    Recording "capture-6-1-s1" "One process takes all memory, dies and is gone"
    Recording "capture-6-1-s2" "Two grow, the larger dies, the other goes on"
    Recording "capture-6-1-s2-smp" "Two grow on two CPUs, the larger dies"
    Recording "capture-6-1-s2stuck" "A stuck victim without notifiers is reaped at once"
    Recording "capture-6-1-s3" "A notifier that always refuses: nothing is freed"
    Recording "capture-6-1-s3-smp" "A notifier that always refuses, on two CPUs"
    Recording "capture-6-1-s3exit" "A notifier that always refuses harms nobody who can exit"
    Recording "capture-6-1-s4part" "Four mirrored megabytes protect a VMA of 92"
    Recording "capture-6-1-s5part" "The same four megabytes through the interval API"
    Recording "capture-6-1-s6" "An interval over all of the victim: only crumbs are freed"
    Recording "capture-6-1-s6-smp" "An interval over all of the victim, on two CPUs"
    Recording "capture-6-1-s7" "An interval whose callback never needs to sleep"
    Recording "capture-6-1-s8w500" "A lock held for half a second delays only the exit"
    Recording "capture-6-1-s8w5000" "A lock held for five seconds: ten attempts skipped"
    Recording "capture-6-1-s12" "Locked memory is reaped too"
    Recording "capture-6-1-l1both" "The interval leak: a refusal that is never taken back"
    Recording "capture-6-1-l2itv" "The same interval without the list: a clean exit"
    LockDebugging "lockdep-6-1-l1" "A notifier's lock held over an allocation"
    LockDebugging "lockdep-6-1-l2" "The same with GFP_NOFS"
    LockDebugging "lockdep-6-1-l3" "The same with GFP_NOIO"
    LockDebugging "lockdep-6-1-l4nowait" "The same with GFP_NOWAIT"
    LockDebugging "lockdep-6-1-l4atomic" "The same with GFP_ATOMIC"
    LockDebugging "lockdep-6-1-l5" "A callback that only tries the lock: nothing to report"
    LockDebugging "lockdep-6-1-l6" "A notifier's lock held over an allocation, interval API"
    LockDebugging "lockdep-6-1-l7" "A lock behind the notifier's lock, held over an allocation"
    LockDebugging "lockdep-6-1-l8" "A callback waits for a worker that allocates: nobody sees it"
    LockDebugging "lockdep-6-1-n1mutex" "A mutex in a callback that must not sleep"
    LockDebugging "lockdep-6-1-n2mutex" "The same mutex in an interval callback: nobody sees it"
    LockDebugging "lockdep-6-1-h1" "The reaper blocks on a driver's mutex behind an allocation"
};

/// [`ALL`], for who would rather call.
pub fn gallery() -> &'static [Entry] {
    ALL
}

/// The scenario with that id.
pub fn find(id: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Nanos;
    use crate::scenario::checked::{Op, Scenario, Task};

    type Ranges = Vec<(u64, u64)>;

    fn parsed(id: &str) -> Scenario {
        let entry = find(id).expect("in the gallery");
        crate::scenario::parse(entry.id, entry.text, &[]).expect("every scenario parses")
    }

    /// First byte and end of every VMA of a task once its program has
    /// mapped its regions, and those of the regions alone.
    fn ranges(task: &Task) -> (Ranges, Ranges) {
        let regions: Vec<(u64, u64)> =
            task.regions.iter().map(|region| (region.at, region.end())).collect();
        let mut all: Vec<(u64, u64)> = task.vmas.iter().map(|v| (v.start, v.end)).collect();
        all.extend(&regions);
        all.sort_unstable();
        (all, regions)
    }

    /// Lists head each group once.
    #[test]
    fn groups_stand_together() {
        let mut groups: Vec<Group> = gallery().iter().map(|entry| entry.group).collect();
        groups.dedup();
        let mut sorted = groups.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(groups, sorted);
    }

    #[test]
    fn every_entry_parses_and_has_its_title() {
        for entry in gallery() {
            let scenario = parsed(entry.id);
            assert_eq!(scenario.title, entry.title);
            let about: Vec<_> = scenario.about.split_whitespace().collect();
            assert_eq!(about.join(" "), entry.about());
            assert!(!about.is_empty(), "{}", entry.id);
            assert_eq!(gallery().iter().filter(|e| e.id == entry.id).count(), 1);
        }
        assert!(find("no-such").is_none());
    }

    /// One machine for all recordings, but for the time since boot. Those
    /// with two CPUs, and those of a boot of their own (`l…`), have other
    /// numbers of pages, and cost the same.
    #[test]
    fn all_recordings_share_one_machine() {
        let machine = |entry: &Entry| {
            let start = entry.text.find("[machine]").expect("has a machine");
            let end = entry.text.find("high = 654").expect("ends with DMA32");
            let lines = entry.text[start..end].lines();
            lines.filter(|line| !line.starts_with("uptime = ")).collect::<Vec<_>>().join("\n")
        };
        let recordings = || gallery().iter().filter(|entry| entry.group == Group::Recording);
        let one_cpu = machine(find("capture-6-1-s6").expect("in the gallery"));
        let two_cpus = machine(find("capture-6-1-s6-smp").expect("in the gallery"));
        let other_boot = machine(find("capture-6-1-l2itv").expect("in the gallery"));
        for entry in recordings() {
            let same = if entry.id.ends_with("-smp") {
                &two_cpus
            } else if entry.id.starts_with("capture-6-1-l") {
                &other_boot
            } else {
                &one_cpu
            };
            assert_eq!(machine(entry), *same, "{}", entry.id);
        }
        let costs = |machine: &str| {
            let start = machine.find("[machine.cost]").expect("has costs");
            machine[start..machine.find("[[machine.zone]]").expect("has zones")].to_owned()
        };
        assert_eq!(costs(&one_cpu), costs(&two_cpus));
        assert_eq!(costs(&one_cpu), costs(&other_boot));
    }

    /// The block that traces/README.md offers for reuse is the one in use.
    #[test]
    fn readme_has_the_machine_of_the_recordings() {
        let settings = |text: &str| -> Vec<String> {
            let start = text.find("[machine]\n").expect("has a machine");
            let end = text[start..].find("high = 654").expect("ends with DMA32") + start;
            let lines = text[start..end].lines();
            let lines = lines.map(|line| line.split('#').next().unwrap_or_default().trim());
            lines
                .filter(|line| !line.is_empty() && !line.starts_with("uptime = "))
                .map(str::to_owned)
                .collect()
        };
        let readme = include_str!("../../../traces/README.md");
        let scenario = find("capture-6-1-s6").expect("in the gallery").text;
        assert_eq!(settings(readme), settings(scenario));
    }

    /// VMAs that the reaper walks, and those that overlap what is
    /// registered, as `mn_start` lines of the recordings count them.
    #[test]
    fn vmas_and_overlaps_are_as_recorded() {
        for (id, vmas, overlaps) in [
            ("capture-6-1-s2stuck", 14, None),
            ("capture-6-1-s3", 14, Some(2)),
            ("capture-6-1-s3-smp", 14, Some(2)),
            ("capture-6-1-s4part", 16, Some(1)),
            ("capture-6-1-s5part", 16, Some(1)),
            ("capture-6-1-s6", 14, Some(2)),
            ("capture-6-1-s6-smp", 14, Some(2)),
            ("capture-6-1-s7", 14, Some(2)),
            ("capture-6-1-l1both", 14, Some(2)),
            ("capture-6-1-l2itv", 14, Some(2)),
        ] {
            let scenario = parsed(id);
            let hog = &scenario.tasks[1];
            let (all, regions) = ranges(hog);
            assert_eq!(all.len(), vmas, "{id}");
            let registered = hog.program.iter().find_map(|op| match op {
                Op::Register { region, offset, length, .. } => {
                    let start = regions[*region].0 + offset;
                    Some((start, start + length))
                }
                _ => None,
            });
            let count = registered
                .map(|(start, end)| all.iter().filter(|(s, e)| *s < end && start < *e).count());
            assert_eq!(count, overlaps, "{id}");
        }
        let (all, _) = ranges(&parsed("capture-6-1-s6").tasks[1]);
        // The recording's own lines, low to high.
        for range in [
            (0x7f19_de51_7000, 0x7f19_de51_8000),
            (0x7f19_de51_8000, 0x7f19_de52_8000),
            (0x7f19_de52_8000, 0x7f19_de80_0000),
            (0x7f19_de80_0000, 0x7f19_e440_0000),
            (0x7f19_e440_0000, 0x7f19_e512_8000),
        ] {
            assert!(all.contains(&range), "{range:x?}");
        }
    }

    /// Memory runs out when what the tasks have taken leaves both zones
    /// at their limits; presser has touched 17,104 pages by then (its
    /// rate at the instant kswapd was woken, and what was left to take);
    /// within 50 pages, which lie on the per-CPU lists of a real kernel. Page tables are
    /// as the recording's report counts them.
    #[test]
    fn memory_runs_out_when_it_did() {
        for (id, expected, tables) in
            [("capture-6-1-s6", 17_104, 122), ("capture-6-1-s4part", 16_069, 126)]
        {
            let scenario = parsed(id);
            let limits: u64 = scenario.machine.zones.iter().map(|z| z.min + z.lowmem_reserve).sum();
            let free: u64 = scenario.machine.zones.iter().map(|z| z.free).sum();
            let small = |task: &Task| -> u64 {
                task.vmas.iter().filter(|v| v.anonymous).map(|v| v.present).sum()
            };
            let touched = |task: &Task| -> u64 {
                ranges(task).1.iter().map(|(start, end)| (end - start) / 4096).sum()
            };
            let [bystander, hog, presser] = &scenario.tasks[..] else { panic!("three tasks") };
            let taken = small(bystander) + small(hog) + small(presser) + tables;
            let left = free - limits - taken - touched(bystander) - touched(hog);
            assert!(left.abs_diff(expected) <= 50, "{id}: {left}");
        }
    }

    #[test]
    fn recorded_delays_add_up() {
        let scenario = parsed("capture-6-1-s6");
        let fault = scenario.machine.costs["page_fault"];
        let [bystander, hog, presser] = &scenario.tasks[..] else { panic!("three tasks") };
        let ready = bystander.start.delay + fault * (18 * 256);
        assert!(ready.0.abs_diff(124_860_000) < 100_000, "{ready:?}");
        let ready = ready + hog.start.delay + fault * (92 * 256) + Nanos::from_ms(60);
        assert!(ready.0.abs_diff(828_277_000) < 1_000_000, "{ready:?}");
        let alive = ready + presser.start.delay;
        assert!(alive.0.abs_diff(837_808_000) < 1_000_000, "{alive:?}");
    }
}

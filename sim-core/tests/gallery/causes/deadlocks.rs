//! D1 to D8 of kernel-spec 5.5.

use sim_core::analysis::types::Said;
use sim_core::record::{Event, Gfp, Reason};

use super::super::rows::stack_at_end;
use super::{Missing, Mode, Seen, missing};

const SHRINKER_TRIES: &str = "device.gpu0.shrinker=[{ lock = \"dma_resv\", how = \"trylock\" }, { unlock = \"dma_resv\" }]; \
     task.app.program.1={ touch = \"heap\" }; task.app.program.2={ pause = \"1us\" }";

pub(super) const MODES: &[Mode] = &[
    Mode {
        id: "d1-self",
        sign: |seen| {
            let stack = stack_at_end(&seen.run, "app");
            let both = ["try_to_free_pages", "driver callback"];
            missing(&[
                (seen.is_closed(&["app"]), "a task that waits for itself"),
                (both.iter().all(|func| stack.contains(func)), "reclaim and the callback above it"),
            ])
        },
        shown: &["kernel=4.19"],
        gone: &[
            "task.app.program.3={ ioctl = [{ lock = \"mn_lock\" }, { alloc = \"GFP_NOWAIT\", count = 8000, hold = true }, { unlock = \"mn_lock\" }] }",
            "task.app.program.3={ ioctl = [{ alloc = \"GFP_KERNEL\", count = 8000, hold = true }, { lock = \"mn_lock\" }, { unlock = \"mn_lock\" }] }",
            "task.app.program.1={ pause = \"1us\" }",
        ],
    },
    Mode {
        id: "d2-direct",
        sign: |seen| missing(&[(seen.is_closed(&["oom_reaper", "presser"]), "a circle of two")]),
        shown: &["policy=interval; device.hmm0.driver=sleeps-anyway"],
        gone: &[
            "policy=interval",
            "policy=core-refuse",
            "task.presser.program.0={ ioctl = [{ lock = \"mirror_lock\" }, { unlock = \"mirror_lock\" }, { alloc = \"GFP_KERNEL\", count = 30000, hold = true }] }",
            "task.presser.oom_score_adj=1000",
        ],
    },
    Mode {
        id: "d3-fence",
        sign: |seen| {
            let around = ["oom_reaper", "gpu0", "gpu0/worker"];
            missing(&[(seen.is_closed(&around), "a circle through a fence and its worker")])
        },
        shown: &["device.gpu0.worker.alloc=GFP_NOFS"],
        gone: &[
            "device.gpu0.worker.alloc=GFP_ATOMIC",
            "device.gpu0.worker.alloc=GFP_NOWAIT",
            "device.gpu0.worker={ time = \"1ms\" }",
            "policy=interval",
        ],
    },
    Mode {
        id: "d4-nofs",
        sign: d4,
        shown: &[
            "task.writer.program.0={ ioctl = [{ lock = \"mirror_lock\" }, { ready = true }, { alloc = \"GFP_NOIO\", count = 25000, hold = true }, { unlock = \"mirror_lock\" }] }",
        ],
        gone: &[
            "policy=interval",
            // Then it is D2.
            "task.writer.program.0={ ioctl = [{ lock = \"mirror_lock\" }, { ready = true }, { alloc = \"GFP_KERNEL\", count = 25000, hold = true }, { unlock = \"mirror_lock\" }] }",
            "task.writer.program.0={ ioctl = [{ lock = \"mirror_lock\" }, { ready = true }, { alloc = \"GFP_ATOMIC\", count = 25000, hold = true }, { unlock = \"mirror_lock\" }] }",
        ],
    },
    Mode {
        id: "d5-exit",
        sign: d5,
        shown: &["kernel=6.1"],
        gone: &[
            "task.hog.program.5={ ioctl = [{ lock = \"inode_lock\", killable = true }, { unlock = \"inode_lock\" }] }",
            "task.presser.program.0={ ioctl = [{ alloc = \"GFP_KERNEL\", count = 28000, hold = true }] }",
            "device.gpu0.driver=spin",
        ],
    },
    Mode {
        id: "d6-global-lock",
        sign: d6,
        shown: &["device.gpu0.driver=amdgpu-5.6"],
        gone: &[
            "device.gpu0.fence=10ms",
            // The mutex is not for who exits.
            "device.gpu0.driver=i915-5.15",
            // The stranger waits for nothing.
            "task.compute.program.4={ pause = \"1us\" }",
        ],
    },
    Mode {
        id: "d7-mmap-lock",
        sign: d7,
        shown: &["kernel=6.1"],
        gone: &[
            "task.hog.thread.mapper.program=[{ idle = true }]",
            "task.hog.thread.pinner.program=[{ ioctl = [{ alloc = \"GFP_KERNEL|__GFP_NOFAIL\", count = 30000, hold = true }, { mmap_lock = \"read\" }, { mmap_unlock = true }] }]",
        ],
    },
    Mode {
        id: "d8-dma-resv",
        sign: |seen| {
            let stack = stack_at_end(&seen.run, "submitter");
            let ways = ["do_shrink_slab", "driver callback"];
            missing(&[
                (seen.is_closed(&["submitter"]), "a task that waits for itself"),
                (ways.iter().any(|func| stack.contains(func)), "shrinker or callback above it"),
            ])
        },
        // One of the two ways into the lock is enough.
        shown: &[
            "device.gpu0.shrinker=[{ lock = \"dma_resv\", how = \"trylock\" }, { unlock = \"dma_resv\" }]",
            "task.app.program.1={ touch = \"heap\" }",
        ],
        gone: &[
            SHRINKER_TRIES,
            "task.submitter.program.0={ ioctl = [{ alloc = \"GFP_KERNEL\", count = 9000, hold = true }, { lock = \"dma_resv\" }, { unlock = \"dma_resv\" }] }",
        ],
    },
];

/// As D2, and the allocation could not even have had anybody killed.
fn d4(seen: &Seen) -> Missing {
    let writer = seen.task("writer");
    let asked = seen.records().filter_map(|record| match record.event {
        Event::DirectReclaimBegin { gfp, .. } if record.task == writer => Some(Gfp(gfp)),
        _ => None,
    });
    let kills = |event: &Event| matches!(event, Event::OomKillProcess { gfp, .. } if !Gfp(*gfp).has(Gfp::FS));
    let mut asked = asked.peekable();
    missing(&[
        (seen.is_closed(&["oom_reaper", "writer"]), "a circle of two"),
        (asked.peek().is_some() && asked.all(|gfp| !gfp.has(Gfp::FS)), "a request without FS"),
        (seen.count(kills) == 0, "that it kills nobody"),
    ])
}

/// The victim waits for who wants its memory, until giving up lets another one be killed.
fn d5(seen: &Seen) -> Missing {
    let hog = seen.task("hog");
    let victims = &seen.report.victims;
    let lock = |record: &sim_core::record::Record| {
        let named = Reason::NamedLock as u8;
        record.task == hog && matches!(record.event, Event::Blocked { why, .. } if why == named)
    };
    let waits = seen.records().find(lock).map(|record| record.at);
    let gone = seen.records().find(|r| r.task == hog && matches!(r.event, Event::Exited {}));
    let gave_up = victims.first().filter(|victim| victim.said == Some(Said::UnableToReap));
    let gave_up = gave_up.and_then(|victim| victim.skip);
    let second = victims.get(1).map(|victim| victim.killed);
    let gone = gone.map(|record| record.at);
    missing(&[
        (waits.is_some_and(|at| at < seen.first_kill()), "a victim that waits for a lock"),
        (gave_up.is_some() && gave_up < second, "a give-up, and another kill after it"),
        (second.is_some() && second < gone, "that only this lets the victim go"),
    ])
}

fn d6(seen: &Seen) -> Missing {
    let lock = seen.run.cast.locks.iter().find(|(_, info)| info.name == "lock of gpu0");
    let (hog, compute) = (seen.task("hog"), seen.task("compute"));
    let Some((lock, _)) = lock else { return Some("a lock of the device") };
    let mut holder = None;
    let mut behind = None;
    for record in seen.records() {
        match record.event {
            Event::Acquired { lock: this, .. } if this == lock => holder = Some(record.task),
            Event::Released { lock: this } if this == lock => holder = None,
            Event::Blocked { on: sim_core::engine::WaitOn::Lock(this), .. }
                if this == lock && record.task == hog =>
            {
                behind = Some((record.at, holder));
            }
            _ => {}
        }
    }
    let waits =
        |event: &Event| matches!(event, Event::Blocked { why, .. } if *why == Reason::Fence as u8);
    let of_compute = seen.records().filter(|record| record.task == compute);
    missing(&[
        (behind.is_some_and(|(at, _)| at >= seen.first_kill()), "an exit that waits for the lock"),
        (behind.is_some_and(|(_, by)| by == Some(compute)), "a stranger who holds it"),
        (of_compute.map(|record| record.event).any(|event| waits(&event)), "and waits for a fence"),
        (seen.report.victims.len() == 2, "a second victim"),
    ])
}

fn d7(seen: &Seen) -> Missing {
    let hog = seen.task("hog");
    let is_hog = |victim| seen.run.cast.tasks[victim].leader == hog;
    let skips =
        |event: &Event| matches!(event, Event::SkipTaskReaping { victim } if is_hog(*victim));
    let starts =
        |event: &Event| matches!(event, Event::StartTaskReaping { victim } if is_hog(*victim));
    let pinner = seen.task("hog/pinner");
    let killed = seen.first_kill();
    let asks = seen.records().filter(|record| record.task == pinner && record.at >= killed);
    let asks = asks.filter(|r| matches!(r.event, Event::DirectReclaimBegin { .. }));
    missing(&[
        (seen.count(skips) == 10 && seen.count(starts) == 0, "ten skips and no start"),
        (asks.count() > 0, "a victim that asks for memory"),
    ])
}

//! F1 to F19 of kernel-spec 8.2.

use sim_core::analysis::types::{EdgeKind, Said, Verdict};
use sim_core::base::Nanos;
use sim_core::engine::WaitOn;
use sim_core::record::{Event, Reason};

use super::{Missing, Mode, Seen, missing};

const NO_STUCK: &str = "task.hog.thread.stuck.program=[{ idle = true }]";
const NOT_REGISTERED_1: &str = "task.hog.program.1={ pause = \"1us\" }";
const NOT_REGISTERED_2: &str = "task.hog.program.2={ pause = \"1us\" }";

pub(super) const MODES: &[Mode] = &[
    Mode {
        id: "f1-needless-second-victim",
        sign: f1,
        shown: &["policy=interval", "policy=core-refuse", "kernel=6.1"],
        gone: &[
            "device.gpu0.driver=spin",
            "device.gpu0.refuse=when-busy; device.gpu0.fence=10ms",
            NO_STUCK,
            "task.hog.program.2={ pause = \"1us\" }; task.hog.program.5={ pause = \"1us\" }",
        ],
    },
    Mode {
        id: "f2-lost-teardown",
        sign: f2,
        shown: &["kernel=4.16"],
        gone: &["kernel=4.19", "kernel=4.16; device.gpu0.does_not_block=true", NOT_REGISTERED_2],
    },
    Mode {
        id: "f3-stale-device-mapping",
        sign: |seen| {
            missing(&[
                (seen.has_flag("stale-access"), "the flag"),
                (seen.count(|event| matches!(event, Event::StaleAccess { .. })) > 0, "an access"),
            ])
        },
        shown: &["kernel=4.6"],
        gone: &["device.gpu0.page_refs=true", "policy=nonblock", "device.gpu0.driver=pinned"],
    },
    Mode {
        id: "f4-reaper-blocked",
        sign: f4,
        shown: &[],
        gone: &[
            "device.gpu0.driver=trylock",
            "task.presser.program.0={ ioctl = [{ alloc = \"GFP_KERNEL\", count = 50000, hold = true }] }",
        ],
    },
    Mode {
        id: "f5-indirect-dependency",
        sign: f5,
        shown: &[],
        gone: &[
            "policy=interval",
            "device.gpu0.worker={ time = \"1ms\" }",
            "task.presser.program.0={ ioctl = [{ alloc = \"GFP_KERNEL\", count = 30000, hold = true }] }",
        ],
    },
    Mode {
        id: "f6-priority-inversion",
        sign: f6,
        shown: &[],
        gone: &["task.tuner.nice=-20", "machine.cpus=2"],
    },
    Mode {
        id: "f7-oom-lock-convoy",
        sign: f7,
        shown: &["kernel=4.16"],
        gone: &["kernel=4.19", NOT_REGISTERED_1],
    },
    Mode {
        id: "f8-mmap-lock-starvation",
        sign: f8,
        shown: &["kernel=4.14", "kernel=6.1"],
        gone: &[
            "task.hog.thread.mapper.program=[{ idle = true }]",
            "task.hog.thread.pinner.program=[{ idle = true }]",
        ],
    },
    Mode { id: "f9-head-of-line", sign: f9, shown: &[], gone: &["device.svm0.driver=spin"] },
    Mode {
        id: "f10-reaped-but-pinned",
        sign: f10,
        shown: &["kernel=6.1"],
        gone: &["device.rdma0.driver=spin", NOT_REGISTERED_1],
    },
    Mode {
        id: "f11-nofs-livelock",
        sign: |seen| {
            let reason = seen.count(|event| matches!(event, Event::DirectReclaimBegin { .. }));
            missing(&[
                (seen.report.verdict == Verdict::Livelock, "the verdict"),
                (seen.report.victims.is_empty(), "that nobody is killed"),
                (reason > 100, "retries"),
            ])
        },
        shown: &[
            "task.writer.program.0={ ioctl = [{ alloc = \"GFP_NOIO\", count = 40000, hold = true }] }",
        ],
        gone: &[
            "task.writer.program.0={ ioctl = [{ alloc = \"GFP_KERNEL\", count = 40000, hold = true }] }",
            "task.writer.program.0={ ioctl = [{ alloc = \"GFP_NOWAIT\", count = 40000, hold = true }] }",
        ],
    },
    Mode {
        id: "f12-always-refuse",
        sign: f12,
        shown: &["policy=interval"],
        gone: &["device.svm0.driver=gpu-fence", "policy=core-refuse", NOT_REGISTERED_2],
    },
    Mode {
        id: "f13-lost-end",
        sign: |seen| {
            missing(&[
                (seen.has_flag("lost-end"), "the flag"),
                (
                    seen.parked_at_end("solver/worker") == Some(Reason::RangeActive),
                    "a fault that is not served",
                ),
            ])
        },
        shown: &["kernel=5.3"],
        gone: &["kernel=5.12", "device.gpu0.driver=spin"],
    },
    Mode {
        id: "f13-odp-faults-for-ever",
        sign: |seen| {
            let again = |event: &Event| matches!(event, Event::Blocked { why, .. } if *why == Reason::RangeActive as u8);
            missing(&[
                (seen.has_flag("lost-end"), "the flag"),
                (seen.count(again) >= 5, "a fault that comes again and again"),
            ])
        },
        shown: &["kernel=5.6"],
        gone: &["kernel=5.12", "device.svm0.driver=spin"],
    },
    Mode {
        id: "f14-interval-leak",
        sign: f14,
        shown: &["kernel=5.6", "kernel=7.1"],
        gone: &["kernel=5.3", "device.svm0.driver=spin", "device.umem0.api=hlist"],
    },
    Mode {
        id: "f15-false-confidence",
        sign: |seen| {
            let is_quiet = seen.report.metrics.non_block_reports == 0;
            let is_quiet = is_quiet && !seen.log.contains("BUG: ");
            missing(&[
                (seen.has_flag("slept-nonblocking"), "the sleep"),
                (is_quiet, "silence of the check"),
            ])
        },
        shown: &["check=non-block"],
        gone: &[
            "check=non-block; device.gpu0.api=hlist",
            "check=non-block; device.gpu0.driver=gpu-fence",
        ],
    },
    Mode {
        id: "f16-collateral",
        sign: f16,
        shown: &["kernel=5.12"],
        gone: &[
            "kernel=6.1",
            "task.hog.thread.logger.program.1={ ioctl = [{ await_sigkill = true }] }",
        ],
    },
    Mode {
        id: "f17-reserve-exhaustion",
        sign: f17,
        shown: &["kernel=4.14", "kernel=6.1"],
        gone: &[
            "task.hog.thread.t1.program=[{ touch = \"heap\" }]; task.hog.thread.t2.program=[{ touch = \"heap\" }]",
            "task.hog.thread.t1.program=[{ ioctl = [{ alloc = \"GFP_KERNEL|__GFP_NOMEMALLOC\", count = 50000, hold = true }] }]; \
             task.hog.thread.t2.program=[{ touch = \"heap\" }]",
        ],
    },
    Mode {
        id: "f18-last-user",
        sign: f18,
        shown: &["kernel=5.3"],
        gone: &[NO_STUCK, "task.hog.thread.stuck.program=[{ stuck = \"100ms\" }]"],
    },
    Mode {
        id: "f19-panic",
        sign: |seen| {
            let said =
                seen.log.contains("Kernel panic - not syncing: System is deadlocked on memory");
            missing(&[(seen.report.verdict == Verdict::Panic, "the verdict"), (said, "the words")])
        },
        shown: &["policy=skip-any"],
        gone: &["task.editor.oom_score_adj=0", "device.gpu0.driver=spin", NO_STUCK],
    },
];

fn f1(seen: &Seen) -> Missing {
    let said = seen.report.victims.first().and_then(|victim| victim.said);
    missing(&[
        (said == Some(Said::UnableToReap), "a give-up"),
        (seen.log.contains("oom_reaper: unable to reap pid:101 (hog)"), "its words"),
        (seen.incidents("extra-victim") == 1, "a victim that need not have died"),
    ])
}

fn f2(seen: &Seen) -> Missing {
    let hog = seen.task("hog");
    let is_hog = |victim| seen.run.cast.tasks[victim].leader == hog;
    let started = |event: &Event| match *event {
        Event::StartTaskReaping { victim } | Event::FinishTaskReaping { victim, .. } => {
            is_hog(victim)
        }
        _ => false,
    };
    let told = seen.log.lines().any(|line| line.contains("oom_reaper:") && line.contains("(hog)"));
    let between = match seen.report.victims.as_slice() {
        [first, second, ..] => second.killed.saturating_sub(first.killed),
        _ => Nanos::ZERO,
    };
    let second = Nanos::from_secs(1)..Nanos::from_ms(1050);
    missing(&[
        (seen.count(started) == 0, "that no attempt starts"),
        (!told, "a log that says nothing"),
        (seen.report.victims[0].freed_by_reaper == 0, "that nothing is freed"),
        (second.contains(&between), "a second victim after a second"),
    ])
}

fn f4(seen: &Seen) -> Missing {
    let starts = seen.count(|event| matches!(event, Event::StartTaskReaping { .. }));
    let ends = seen.count(|event| matches!(event, Event::FinishTaskReaping { .. }));
    let victims = &seen.report.victims;
    let waits = victims.get(1).is_some_and(|victim| victim.attempts == 0 && victim.skip.is_none());
    missing(&[
        ((starts, ends) == (1, 0), "one start without an end"),
        (victims[0].skip.is_none(), "that SKIP is not set"),
        (waits, "a victim that queues"),
        (seen.log.contains("INFO: task oom_reaper:"), "the report of a hung reaper"),
    ])
}

fn f5(seen: &Seen) -> Missing {
    let kinds = [EdgeKind::Fence, EdgeKind::Worker, EdgeKind::Lock];
    let found = seen.report.wait_for.dependencies.iter().any(|dependency| {
        let path: Vec<_> = dependency.path.iter().map(|edge| edge.kind).collect();
        path == kinds && dependency.on == seen.task("presser") && dependency.gfp.is_some()
    });
    let around = ["oom_reaper", "gpu0", "gpu0/worker", "presser"];
    missing(&[
        (found, "a dependency through fence, worker and lock on an allocation"),
        (seen.is_closed(&around), "its circle"),
    ])
}

/// The holder could run whenever the driver fails to get its lock.
fn f6(seen: &Seen) -> Missing {
    let tuner = seen.task("tuner");
    let (mut wants_cpu, mut refused, mut starved) = (false, 0, 0);
    for record in seen.records() {
        match record.event {
            Event::Preempted {} | Event::Woken { .. } if record.task == tuner => wants_cpu = true,
            Event::Ran { .. } | Event::Blocked { .. } if record.task == tuner => wants_cpu = false,
            Event::MnReturn { refused: true, .. } => {
                refused += 1;
                starved += i32::from(wants_cpu);
            }
            _ => {}
        }
    }
    missing(&[
        (refused == 10, "ten refusals"),
        (starved == refused, "a holder that only wants a CPU"),
        (seen.report.metrics.gave_up == 1, "a give-up"),
    ])
}

fn f7(seen: &Seen) -> Missing {
    let lock = seen.run.cast.locks.iter().find(|(_, info)| info.name == "oom_lock");
    let lock = lock.expect("there is one").0;
    let reaper = seen.task("oom_reaper");
    let mut since = None;
    let mut held = Nanos::ZERO;
    for record in seen.records().filter(|record| record.task == reaper) {
        match record.event {
            Event::Acquired { lock: this, .. } if this == lock => since = Some(record.at),
            Event::Released { lock: this } if this == lock => {
                held = held.max(record.at.saturating_sub(since.take().expect("it was taken")));
            }
            _ => {}
        }
    }
    let mut losers: Vec<_> = seen
        .records()
        .filter(|record| {
            let jiffy = Reason::OomLockJiffy as u8;
            matches!(record.event, Event::Blocked { on: WaitOn::Time, why, .. } if why == jiffy)
        })
        .map(|record| record.task)
        .collect();
    losers.sort_unstable();
    let loops = losers.len();
    losers.dedup();
    missing(&[
        (held >= Nanos::from_secs(1), "a reaper that sleeps with oom_lock"),
        (losers.len() == 3 && loops > 300, "allocators in loops of a jiffy"),
    ])
}

fn f8(seen: &Seen) -> Missing {
    let hog = [seen.task("hog"), seen.task("hog/pinner"), seen.task("hog/mapper")];
    let skips =
        |event: &Event| matches!(event, Event::SkipTaskReaping { victim } if hog.contains(victim));
    let starts =
        |event: &Event| matches!(event, Event::StartTaskReaping { victim } if hog.contains(victim));
    missing(&[
        (seen.count(skips) == 10, "ten attempts that are skipped"),
        (seen.count(starts) == 0, "that none starts"),
    ])
}

/// The second and third wait for the first, and the third is served before the second.
fn f9(seen: &Seen) -> Missing {
    let starts = |name: &str| {
        let of_victim = |record: &sim_core::record::Record| {
            let Event::StartTaskReaping { victim } = record.event else { return false };
            let info = &seen.run.cast.tasks[victim];
            seen.run.cast.tasks[info.leader].name == name
        };
        let times: Vec<_> = seen.records().filter(of_victim).map(|record| record.at).collect();
        (times.first().copied(), times.last().copied())
    };
    let killed = |number: usize| seen.report.victims.get(number).map(|victim| victim.killed);
    let (first, second, third) = (starts("first"), starts("second"), starts("third"));
    missing(&[
        (killed(1) < first.1 && killed(2) < first.1, "that they were killed before"),
        (first.1 < third.0, "a third that waits for the first"),
        (third.0 < second.0, "the last one in served first"),
    ])
}

fn f10(seen: &Seen) -> Missing {
    let hog = &seen.report.victims[0];
    missing(&[
        (seen.log.contains("oom_reaper: reaped process 101 (hog), now anon-rss:0kB"), "its words"),
        (hog.reaped_pages > 28_672, "that all is unmapped"),
        (hog.freed_by_reaper < 300, "that next to nothing is freed"),
        (seen.report.victims.len() == 2, "a second victim"),
    ])
}

fn f12(seen: &Seen) -> Missing {
    let starts = seen.count(|event| matches!(event, Event::StartTaskReaping { .. }));
    let ends = seen.count(|event| matches!(event, Event::FinishTaskReaping { ok: false, .. }));
    missing(&[
        (starts >= 10 && ends == 10, "ten attempts that start and fail"),
        (seen.report.victims[0].freed_by_reaper == 0, "that nothing is freed"),
        (seen.report.metrics.refusals > 100, "refusals of what the device does not map"),
    ])
}

/// `active` has risen by one with every refusal.
fn f14(seen: &Seen) -> Missing {
    let most = seen.records().filter_map(|record| match record.event {
        Event::MnItree { active, .. } => Some(u64::from(active)),
        _ => None,
    });
    let most = most.max().unwrap_or_default();
    let refusals = seen.report.metrics.refusals;
    missing(&[
        (refusals == 140, "a refusal for every VMA and attempt"),
        (most >= refusals, "a count that rises with each"),
        (seen.parked_at_end("hog/stuck") == Some(Reason::NotifierEnd), "a remover that waits"),
        (seen.has_flag("lost-end"), "the flag"),
    ])
}

fn f16(seen: &Seen) -> Missing {
    let log = seen.run.cast.ranges.iter().find(|(_, info)| info.name == "log");
    let log = log.expect("there is one").0;
    let killed = seen.first_kill();
    let words = seen.records().filter(|record| record.at > killed);
    let words = words.filter(|r| matches!(r.event, Event::Fault { range, .. } if range == log));
    missing(&[
        (words.count() == 0, "last words that find no page"),
        (seen.parked_at_end("reader") == Some(Reason::Futex), "a waiter of the dead"),
    ])
}

fn f17(seen: &Seen) -> Missing {
    let zone = seen.run.cast.zones.ids().last().expect("there is one");
    let half = seen.run.cast.zones[zone].min / 2;
    let least = seen.records().filter_map(|record| match record.event {
        Event::ReserveTaken { zone: of, free } if of == zone => Some(u64::from(free)),
        _ => None,
    });
    let least = least.min();
    let killed = seen.first_kill();
    let in_vain = seen.records().filter(|record| record.at >= killed);
    let in_vain = in_vain.filter(|record| matches!(record.event, Event::AllocFailed { .. }));
    missing(&[
        (seen.has_flag("reserve-exhausted"), "the flag"),
        (least.is_some_and(|free| free <= half + 1), "reserves used down to half of min"),
        (in_vain.count() > 0, "requests that get NULL then"),
    ])
}

fn f18(seen: &Seen) -> Missing {
    let hog = seen.run.cast.tasks[seen.task("hog")].mm;
    let exit = seen.records().find(|record| match record.event {
        Event::ExitMmap { mm } => Some(mm) == hog,
        _ => false,
    });
    let reaped = seen.records().find(|record| matches!(record.event, Event::Reaped { .. }));
    let times = (reaped.map(|record| record.at), exit.map(|record| record.at));
    let hog_gave = &seen.report.victims[0];
    missing(&[
        (hog_gave.freed_by_reaper > 28_672, "a reaper that frees all"),
        (matches!(times, (Some(reaped), Some(exit)) if reaped < exit), "an exit that comes later"),
        (
            times.1.is_some_and(|at| at.saturating_sub(seen.first_kill()) > Nanos::from_secs(3)),
            "an exit that takes seconds",
        ),
    ])
}

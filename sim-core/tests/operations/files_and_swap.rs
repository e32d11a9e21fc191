//! Operations on files, shared memory and what lies in swap.

use std::collections::BTreeSet;

use sim_core::analysis::{Index, explain, report};
use sim_core::record::{Event, Gfp, MnEvent, Run};

use super::{exit_ms, faulted, free_at_end, free_at_start, run, run_whole, task, times};

/// The last page cache recorded, clean and dirty, over all zones.
fn page_cache(run: &Run) -> (u64, u64) {
    let mut zones = vec![(0, 0); run.cast.zones.len()];
    for record in run.trace.iter() {
        if let Event::PageCache { zone, clean, dirty } = record.event {
            zones[zone.index()] = (u64::from(clean), u64::from(dirty));
        }
    }
    zones.iter().fold((0, 0), |sum, zone| (sum.0 + zone.0, sum.1 + zone.1))
}

#[test]
fn file_is_read_once_and_its_pages_stay_in_the_cache() {
    let run = run("disk = { latency = '1ms', bandwidth = '400MiB/s' }\n[[task]]\nname = \
                   'a'\npreset = 'none'\nprogram = [{ mmap = 'f', size = '4MiB', kind = \
                   'shared-file' }, { read = 'f' }, { madvise = 'f' }, { signal = 'e' }, { read = \
                   'f' }]\n");
    // 32 reads of 128 KiB, each of 1 ms and 0.3125 ms.
    let read = times(&run, "a", |event| matches!(event, Event::EventSignaled { .. }))[0];
    assert!((42..45).contains(&read), "{read}");
    assert!(exit_ms(&run, "a") < read + 5, "no second reading");
    assert_eq!(faulted(&run, "f"), 2 * 1024);
    assert_eq!(page_cache(&run), (1024, 0));
    assert_eq!(free_at_start(&run) - free_at_end(&run), 1024);
}

#[test]
fn writing_to_a_shared_file_makes_dirty_cache_and_to_a_private_one_copies() {
    let program = |kind: &str| {
        format!(
            "[[task]]\nname = 'a'\npreset = 'none'\nprogram = [{{ mmap = 'f', size = '4MiB', kind \
             = '{kind}' }}, {{ read = 'f' }}, {{ write = 'f' }}, {{ write = 'f' }}]\n"
        )
    };
    assert_eq!(page_cache(&run(&program("shared-file"))), (0, 1024));
    let private = run(&program("private-file"));
    assert_eq!(page_cache(&private), (1024, 0));
    assert_eq!(free_at_start(&private) - free_at_end(&private), 1024, "copies go with it");
}

#[test]
fn shared_memory_outlives_who_maps_it() {
    let run =
        run("[[task]]\nname = 'p'\npreset = 'none'\nprogram = [{ mmap = 's', size = '4MiB', \
                   kind = 'shmem' }, { touch = 's' }, { fork = 'c' }, { pause = '1s' \
                   }]\n[[task]]\nname = 'c'\nparent = 'p'\nprogram = [{ touch = 's' }]\n");
    assert_eq!(free_at_start(&run) - free_at_end(&run), 1024, "one segment for both");
    assert_eq!(faulted(&run, "s"), 2 * 1024);
}

/// Pages of the pool and of devices cost the machine nothing and come back to nobody.
#[test]
fn huge_and_device_pages_are_not_the_zones() {
    for kind in ["hugetlb", "pfnmap"] {
        let run = run(&format!(
            "[[task]]\nname = 'a'\npreset = 'none'\nprogram = [{{ mmap = 'h', size = '4MiB', kind = \
             '{kind}' }}, {{ touch = 'h' }}]\n"
        ));
        assert_eq!(faulted(&run, "h"), 1024, "{kind}");
        assert_eq!(free_at_end(&run), free_at_start(&run), "{kind}");
    }
}

/// Mapped cache is unmapped before it is freed, and notifiers hear of it.
#[test]
fn reclaim_unmaps_files_before_anybody_is_killed() {
    let run = run("[[device]]\nname = 'd'\ndriver = 'gpu-fence'\n[[task]]\nname = 'a'\npreset = \
                   'none'\nprogram = [{ mmap = 'f', size = '30MiB', kind = 'shared-file' }, { \
                   register = 'd', region = 'f', offset = '25MiB', length = '1MiB' }, { read = 'f' }, { ready = true }, { idle = true \
                   }]\n[[task]]\nname = 'b'\nstart = { after = 'a' }\nprogram = [{ mmap = 'm', size \
                   = '40MiB' }, { touch = 'm' }, { idle = true }]\n");
    assert!(run.trace.iter().all(|record| !matches!(record.event, Event::MarkVictim { .. })));
    assert_eq!(faulted(&run, "m"), 10_240);
    // Of each page by its address; two who reclaim may be at one page.
    let told = cleared(&run);
    assert!((256..320).contains(&told), "{told}");
}

/// What a run without kills, or one with, unmaps of 'f', 30 of 64 MiB, when 'b' wants more than is left.
fn taken_of(kernel: &str, kind: &str, lock: &str, swap: &str) -> (Run, u64) {
    let run = run_whole(&format!(
        "schema = 1\ntitle = 't'\nkernel = '{kernel}'\nhorizon = '10s'\n[machine]\nram = \
         '64MiB'\n{swap}\n[[task]]\nname = 'a'\npreset = 'none'\noom_score_adj = \
         -1000\nprogram = [{{ mmap = 'f', size = '30MiB', kind = '{kind}' }}, {{ read = 'f' }}, \
         {lock} {{ ready = true }}, {{ idle = true }}]\n[[task]]\nname = 'b'\nstart = {{ after \
         = 'a' }}\nprogram = [{{ mmap = 'm', size = '40MiB' }}, {{ touch = 'm' }}, {{ idle = \
         true }}]\n"
    ));
    let zaps = run.trace.iter().filter_map(|record| match record.event {
        Event::Zap { range, pages, .. } if run.cast.ranges[range].name == "f" => Some(pages),
        _ => None,
    });
    let taken = zaps.map(u64::from).sum();
    (run, taken)
}

#[test]
fn locked_pages_of_files_and_segments_are_left_alone() {
    let swap = "swap = { size = '128MiB' }";
    for (kind, swap) in [("shared-file", ""), ("private-file", ""), ("shmem", swap)] {
        let (_, taken) = taken_of("6.1", kind, "", swap);
        assert!(taken > 1_000, "{kind}: {taken}");
        let (run, taken) = taken_of("6.1", kind, "{ mlock = 'f' },", swap);
        assert_eq!(taken, 0, "{kind}");
        assert_eq!(nobody_is_killed(&run), kind == "shmem", "{kind}");
        // The rest of what is locked in part is enough.
        let (run, _) = taken_of("6.1", kind, "{ mlock = 'f', size = '15MiB' },", swap);
        assert!(nobody_is_killed(&run), "{kind}");
    }
}

#[test]
fn nobody_counts_on_locked_pages_of_a_file() {
    for (lock, most) in [("", 7_680), ("{ mlock = 'f' },", 0)] {
        let (run, _) = taken_of("5.12", "shared-file", lock, "");
        let believed = run.trace.iter().filter_map(|record| match record.event {
            Event::ReclaimRetryZone { reclaimable, .. } => Some(reclaimable),
            _ => None,
        });
        let believed = believed.max();
        assert!(believed.is_none_or(|pages| pages <= most), "{believed:?} {lock}");
        assert_eq!(nobody_is_killed(&run), lock.is_empty());
    }
}

/// Blockable calls of notifiers for ranges that reclaim or a copy clears.
fn cleared(run: &Run) -> u64 {
    let calls = run.trace.iter().filter(|record| {
        matches!(record.event, Event::MnCall { event: MnEvent::Clear, blockable: true, .. })
    });
    u64::try_from(calls.count()).expect("few")
}

#[test]
fn process_mrelease_reaps_only_the_dying() {
    let run =
        run("[[task]]\nname = 'stuck'\npreset = 'none'\nprogram = [{ mmap = 'm', size = '8MiB' \
                   }, { touch = 'm' }, { ioctl = [{ await_sigkill = true }, { sleep = '5s' }] \
                   }]\n[[task]]\nname = 'reaper'\nstart = '1s'\nprogram = [{ process_mrelease = \
                   'stuck' }, { kill = 'stuck' }, { process_mrelease = 'stuck' }]\n");
    let zapped = times(&run, "reaper", |event| matches!(event, Event::Zap { pages: 1.., .. }));
    assert!(!zapped.is_empty() && zapped[0] == 1_000, "{zapped:?}");
    assert_eq!(
        times(&run, "reaper", |e| matches!(e, Event::ProcessMrelease { ok: true, .. })).len(),
        1
    );
}

/// What was written to in a private mapping of a file is as anonymous memory to a fork.
#[test]
fn forked_copies_of_a_file_are_shared_until_one_writes() {
    let run = run(
        "[[task]]\nname = 'p'\npreset = 'none'\nprogram = [{ mmap = 'f', size = '4MiB', \
                   kind = 'private-file' }, { write = 'f' }, { fork = 'c' }, { pause = '1s' }, { \
                   write = 'f' }, { read = 'f' }]\n[[task]]\nname = 'c'\nparent = 'p'\nprogram = [{ \
                   read = 'f' }, { write = 'f' }]\n",
    );
    let mut free = vec![None; run.cast.zones.len()];
    let mut least = u64::MAX;
    for record in run.trace.iter() {
        if let Event::ZoneFree { zone, free: now } = record.event {
            free[zone.index()] = Some(u64::from(now));
            least = least.min(free.iter().copied().sum::<Option<u64>>().unwrap_or(u64::MAX));
        }
    }
    let taken = free_at_start(&run) - least;
    // The file's, the parent's, the child's, two for the list of pages to free, and page tables:
    // for each of the two one per 2 MiB, and one of each higher level.
    assert_eq!(taken, 3 * 1024 + 2 + 2 * 4);
    assert_eq!(page_cache(&run), (1024, 0));
    assert_eq!(free_at_start(&run) - free_at_end(&run), 1024);
}

/// Swap of 128 MiB, as fast as memory is short.
const SWAP: &str = "[machine]\nram = '64MiB'\ncpus = 2\n[machine.swap]\nsize = \
                    '128MiB'\nlatency = '10us'\nbandwidth = '4GiB/s'\n";

fn swapped_out(run: &Run, name: &str) -> u64 {
    let out = run.trace.iter().filter_map(|record| match record.event {
        Event::SwapOut { range, pages } if run.cast.ranges[range].name == name => Some(pages),
        _ => None,
    });
    out.map(u64::from).sum()
}

fn swapped_in(run: &Run, by: &str) -> u64 {
    let task = task(run, by);
    let back = run.trace.iter().filter(|record| record.task == task).map(|r| match r.event {
        Event::SwapIn { pages, .. } => u64::from(pages),
        _ => 0,
    });
    back.sum()
}

fn nobody_is_killed(run: &Run) -> bool {
    run.trace.iter().all(|record| !matches!(record.event, Event::MarkVictim { .. }))
}

/// A slot is both processes'; each reads a page of its own from it.
#[test]
fn forked_while_in_swap_both_find_their_pages() {
    let run = run_whole(&format!(
        "{SWAP}[[task]]\nname = 'p'\npreset = 'none'\nprogram = [{{ mmap = 'm', size = '30MiB' }}, \
         {{ touch = 'm' }}, {{ ready = true }}, {{ pause = '2s' }}, {{ fork = 'c' }}, {{ pause = \
         '2s' }}, {{ read = 'm' }}]\n[[task]]\nname = 'c'\nparent = 'p'\nprogram = [{{ read = \
         'm' }}]\n[[task]]\nname = 'b'\nstart = {{ after = 'p' }}\nprogram = [{{ mmap = 'n', \
         size = '40MiB' }}, {{ touch = 'n' }}, {{ ready = true }}]\n"
    ));
    assert!(nobody_is_killed(&run));
    let out = swapped_out(&run, "m");
    assert!(out > 1_000, "{out}");
    assert_eq!(swapped_in(&run, "c"), out);
    assert_eq!(swapped_in(&run, "p"), out);
}

/// Pages shared since a fork are taken from all who map them.
#[test]
fn shared_pages_go_to_swap_from_parent_and_child_alike() {
    let run = run_whole(&format!(
        "{SWAP}[[task]]\nname = 'p'\npreset = 'none'\nprogram = [{{ mmap = 'm', size = '30MiB' }}, \
         {{ touch = 'm' }}, {{ fork = 'c' }}, {{ ready = true }}, {{ pause = '2s' }}, {{ read = \
         'm' }}]\n[[task]]\nname = 'c'\nparent = 'p'\nprogram = [{{ pause = '5s' }}, {{ read = \
         'm' }}]\n[[task]]\nname = 'b'\nstart = {{ after = 'p' }}\nprogram = [{{ mmap = 'n', \
         size = '30MiB' }}, {{ touch = 'n' }}, {{ pause = '1s' }}]\n"
    ));
    assert!(nobody_is_killed(&run));
    let out = swapped_out(&run, "m");
    assert!(out > 100 && out.is_multiple_of(2), "{out}");
    assert_eq!((swapped_in(&run, "p"), swapped_in(&run, "c")), (out / 2, out / 2));
}

/// Some 40 of 60 MiB are in swap when the other has more in memory than is left, and what has left
/// memory when the reaper comes went there, too.
#[test]
fn who_is_largest_with_what_is_in_swap_is_said_to_be() {
    let run = run_whole(
        "[machine]\nram = '64MiB'\n[machine.swap]\nsize = '40MiB'\n[[task]]\nname = 'idle'\n\
         program = [{ mmap = 'm', size = '60MiB' }, { touch = 'm' }, { thread = 't' }, { ready = \
         true }, { idle = true }]\n[[task.thread]]\nname = 't'\nprogram = [{ stuck = '4s' }]\n\
         [[task]]\nname = 'grows'\nstart = { after = 'idle' }\nprogram = [{ mmap = 'm', size = \
         '60MiB' }, { touch = 'm' }]\n",
    );
    let index = Index::new(&run);
    let told = explain(&run, &index, &report(&run)).join("\n");
    assert!(told.contains("idle (pid 100) was killed, the largest, which had "), "{told}");
    assert!(told.contains(" MiB in swap. "), "{told}");
    assert!(told.contains(" of idle's memory, all it may take; "), "{told}");
}

/// `try_to_unmap_one()` announces a page by its address: all of them on the list, in the tree those of the
/// 2 MiB that are mirrored.
#[test]
fn notifiers_hear_of_each_page_that_goes_to_swap() {
    for (api, mirrored) in [("hlist", None), ("interval", Some(512))] {
        let run = run_whole(&format!(
            "{SWAP}[[device]]\nname = 'd'\ndriver = 'gpu-fence'\napi = '{api}'\n[[task]]\nname = \
             'p'\npreset = 'none'\nprogram = [{{ mmap = 'm', size = '30MiB' }}, {{ register = 'd', \
             region = 'm', offset = '4MiB', length = '2MiB' }}, {{ touch = 'm' }}, {{ ready = true \
             }}, {{ pause = '2s' }}]\n[[task]]\nname = 'b'\npreset = 'none'\nstart = {{ after = 'p' \
             }}\nprogram = [{{ mmap = 'n', size = '50MiB' }}, {{ touch = 'n' }}, {{ ready = true }}]\n"
        ));
        let out = swapped_out(&run, "m");
        assert!(out > 6 * 256, "{out}");
        assert_eq!(cleared(&run), mirrored.unwrap_or(out), "{api}");
    }
}

/// So it does with pages that others map as well, of a segment from its end on: each of those mirrored is told once.
#[test]
fn notifiers_hear_of_each_shared_page_that_goes_to_swap() {
    for (kind, offset, fork) in
        [("shmem", 26, ""), ("shmem", 26, "{ fork = 'c' },"), ("anon", 4, "{ fork = 'c' },")]
    {
        let child =
            "[[task]]\nname = 'c'\nparent = 'p'\nprogram = [{ read = 'm' }, { pause = '5s' }]\n";
        let child = if fork.is_empty() { "" } else { child };
        let run = run_whole(&format!(
            "{SWAP}[[device]]\nname = 'd'\ndriver = 'gpu-fence'\napi = 'interval'\n[[task]]\nname = 'p'\n\
             preset = 'none'\nprogram = [{{ mmap = 'm', size = '30MiB', kind = '{kind}' }}, {{ register = 'd', \
             region = 'm', offset = '{offset}MiB', length = '2MiB' }}, {{ touch = 'm' }}, {fork} {{ pause = '100ms' \
             }}, {{ ready = true }}, {{ pause = '5s' }}]\n{child}[[task]]\nname = 'b'\npreset = 'none'\nstart = \
             {{ after = 'p' }}\nprogram = [{{ mmap = 'n', size = '50MiB' }}, {{ touch = 'n' }}]\n"
        ));
        assert!(nobody_is_killed(&run));
        assert_eq!(cleared(&run), 512, "{kind} {fork}");
    }
}

/// `wp_page_copy()` announces each page that a write after a fork replaces; what the child reads alone is copied by nobody.
#[test]
fn notifiers_hear_of_each_page_that_is_copied_after_a_fork() {
    let run = run(
        "[[device]]\nname = 'd'\ndriver = 'gpu-fence'\napi = 'interval'\n[[task]]\nname = 'p'\npreset \
         = 'none'\nprogram = [{ mmap = 'm', size = '8MiB' }, { touch = 'm' }, { register = 'd', \
         region = 'm', offset = '2MiB', length = '1MiB' }, { fork = 'c' }, { pause = '10ms' }, { touch = 'm' \
         }, { signal = 'done' }]\n[[task]]\nname = 'c'\nparent = 'p'\nprogram = [{ read = 'm' }, { wait = \
         'done' }]\n",
    );
    let calls = times(&run, "p", |event| {
        matches!(event, Event::MnCall { event: MnEvent::Clear, blockable: true, .. })
    });
    assert_eq!(calls.len(), 256, "{calls:?}");
}

/// A write to a page of a private file that is mapped replaces it (`wp_page_copy()`), and each such page is announced;
/// a page that is written first is a copy from the start (`do_cow_fault()`), of which nobody hears.
#[test]
fn notifiers_hear_of_each_page_of_a_private_file_that_a_write_replaces() {
    let program = |read: &str| {
        format!(
            "[[device]]\nname = 'd'\ndriver = 'gpu-fence'\napi = 'interval'\n[[task]]\nname = 'p'\npreset \
             = 'none'\nprogram = [{{ mmap = 'm', size = '1MiB', kind = 'private-file' }}, {read} {{ register = \
             'd', region = 'm', offset = '512KiB', length = '256KiB' }}, {{ write = 'm' }}]\n"
        )
    };
    for (read, heard) in [("{ read = 'm' },", 64), ("", 0)] {
        let run = run(&program(read));
        assert_eq!(cleared(&run), heard, "{read}");
    }
}

/// `__GFP_ZERO` is for new anonymous pages: copies and pages of shared memory are filled by who asked.
#[test]
fn what_is_copied_or_shared_is_not_asked_for_zeroed() {
    let touch = |kind: &str, size: &str| {
        format!(
            "[[task]]\nname = 'p'\npreset = 'none'\nprogram = [{{ mmap = 'm', size = '{size}', kind = \
             '{kind}' }}, {{ touch = 'm' }}"
        )
    };
    let copies = touch("anon", "36MiB")
        + ", { fork = 'c' }, { pause = '60s' }]\n[[task]]\nname = 'c'\nparent = 'p'\nprogram = [{ touch = 'm' }]\n";
    for (program, gfp) in [
        (touch("anon", "80MiB") + "]\n", Gfp::ZEROED_MOVABLE),
        (touch("shmem", "80MiB") + "]\n", Gfp::HIGHUSER_MOVABLE),
        (copies, Gfp::HIGHUSER_MOVABLE),
    ] {
        let run = run(&program);
        let asked: BTreeSet<_> = (run.trace.iter())
            .filter_map(|record| match record.event {
                Event::OomKillProcess { gfp, .. } => Some(gfp),
                _ => None,
            })
            .collect();
        assert_eq!(asked, BTreeSet::from([gfp.0]), "{program}");
    }
}

/// Waiting for what was in the page cache before is a stall, the first reading is none.
#[test]
fn reading_a_file_again_that_was_pushed_out_is_a_memory_stall() {
    let run = run(
        "[[task]]\nname = 'a'\npreset = 'none'\nprogram = [{ mmap = 'f', size = '8MiB', \
                   kind = 'shared-file' }, { read = 'f' }, { madvise = 'f' }, { ready = true }, { \
                   pause = '3s' }, { read = 'f' }]\n[[task]]\nname = 'b'\npreset = 'none'\nstart \
                   = { after = 'a' }\nprogram = [{ mmap = 'm', size = '55MiB' }, { touch = 'm' }]\n",
    );
    assert!(nobody_is_killed(&run));
    let stalls = times(&run, "a", |event| matches!(event, Event::MemstallEnter {}));
    assert!(!stalls.is_empty() && stalls[0] >= 3_000, "{stalls:?}");
}

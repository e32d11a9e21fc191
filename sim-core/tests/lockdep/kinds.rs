//! What lockdep makes of locks of other kinds than a mutex, of copies to user memory and of
//! workqueues, version by version; and of what it knows when nobody moves any more.

use super::examples::{HLIST, MN, after_a_callback, classes, lockdep, over};
use super::{Report, read, run};
use sim_core::export::dmesg;

/// `copy_to_user()` says that it may fault, whether or not the page is there; the allocation of the
/// fault that follows is not reached as a finding.
#[test]
fn copies_to_user_memory_want_mmap_lock() {
    let copies =
        "{ touch = 'a' }, { ioctl = [{ lock = 'L' }, { touch = 'a' }, { unlock = 'L' }] },";
    let cycle = Some(classes(&["&mm->mmap_lock", MN, "L"]));
    for kernel in ["5.4", "6.1", "7.1"] {
        let with_number = |name: &String| name.replace("&mm->mmap_sem", "&mm->mmap_lock");
        let found = lockdep(kernel, HLIST, copies);
        let found = found.map(|chain| chain.iter().map(with_number).collect::<Vec<_>>());
        assert_eq!(found, cycle, "{kernel}");
    }
    let log = dmesg(&run("t", &after_a_callback("6.1", HLIST, copies), &["lockdep"]));
    for line in [" (&mm->mmap_lock){++++}-{3:3}, at: __might_fault", "       _copy_to_user"] {
        assert!(log.contains(line), "{line}\n{log}");
    }
    let first = "{ touch = 'a' }, { ioctl = [{ touch = 'a' }, { lock = 'L' }, { unlock = 'L' }] },";
    assert_eq!(lockdep("6.1", HLIST, first), None);
    let atomic =
        "{ touch = 'a' }, { ioctl = [{ lock = 'S' }, { touch = 'a' }, { unlock = 'S' }] },";
    let text = after_a_callback("6.1", HLIST, atomic);
    let log = dmesg(&run("t", &text, &["lockdep", "non-block"]));
    assert!(log.contains("invalid context at lib/usercopy.c:36"), "{log}");
    let reports = read(&log);
    let wants = |report: &Report| matches!(report, Report::WaitContext { acquiring, .. } if acquiring == "&mm->mmap_lock");
    assert!(reports.len() == 2 && wants(&reports[1]), "{reports:?}");
}

/// What may sleep is wanted under a spinlock: lockdep says so since it knows wait types, and is off then.
#[test]
fn sleeping_locks_under_spinlocks_are_found_since_wait_types() {
    let under = |lock: &str| {
        format!(
            "{{ ioctl = [{{ lock = 'S' }}, {{ lock = '{lock}' }}, {{ unlock = '{lock}' }}, {{ unlock = 'S' }}] }},"
        )
    };
    let reports = |kernel: &str, then: &str| {
        read(&dmesg(&run("t", &after_a_callback(kernel, HLIST, then), &["lockdep"])))
    };
    for lock in ["L", "M"] {
        let then = format!("{}{}", under(lock), over("GFP_KERNEL"));
        for kernel in ["5.12", "6.1", "6.12", "7.1"] {
            let (task, acquiring, held) = ("task".to_owned(), lock.to_owned(), classes(&["S"]));
            let only = [Report::WaitContext { task, acquiring, held }];
            assert_eq!(reports(kernel, &then), only, "{kernel} {lock}");
        }
        let later = reports("5.6", &then);
        assert!(matches!(&later[..], [Report::Circular { .. }]), "{later:?}");
    }
    let tried = "{ ioctl = [{ lock = 'S' }, { trylock = 'L', program = [] }, { unlock = 'S' }] },";
    assert_eq!(reports("6.1", tried), []);
    let after = "{ ioctl = [{ lock = 'L' }, { lock = 'S' }, { unlock = 'S' }, { unlock = 'L' }] },";
    assert_eq!(reports("6.1", after), []);
    for (kernel, task, mutex) in [("6.1", "4:4", "3:3"), ("7.1", "5:5", "4:4")] {
        let log = dmesg(&run("t", &after_a_callback(kernel, HLIST, &under("L")), &["lockdep"]));
        for line in [
            "] =============================\n",
            "] [ BUG: Invalid wait context ]\n",
            &format!("] ffffffff82001080 (L){{+.+.}}-{{{mutex}}}, at: device_ioctl\n"),
            &format!("] context-{{{task}}}\n"),
            "] 1 lock held by task/100:\n",
            "] stack backtrace:\n",
        ] {
            assert!(log.contains(line), "{line}\n{log}");
        }
    }
}

/// Up to 5.9 a reader of an rwlock was a recursive one, whose orders nobody kept.
#[test]
fn readers_of_an_rwlock_close_cycles_since_5_10() {
    let device = "driver = 'spin'\nlock = 'W'\n[[lock]]\nname = 'W'\nkind = 'rwlock'";
    let reads = |mode: &str| {
        format!(
            "{{ ioctl = [{{ lock = 'S' }}, {{ lock = 'W'{mode} }}, {{ unlock = 'W' }}, {{ unlock = 'S' }}] }},
             {{ ioctl = [{{ lock = 'W', mode = 'read' }}, {{ lock = 'S' }}, {{ unlock = 'S' }}, {{ unlock = 'W' }}] }},"
        )
    };
    let found = |kernel: &str, mode: &str| lockdep(kernel, device, &reads(mode)).is_some();
    for (kernel, expected) in [("4.19", false), ("5.6", false), ("5.12", true), ("7.1", true)] {
        assert_eq!(found(kernel, ", mode = 'read'"), expected, "{kernel}");
        // A writer first: the reader who holds it afterwards still makes no edge.
        assert_eq!(found(kernel, ""), expected, "{kernel}");
    }
    // Writers' orders are kept, and a reader is held to them.
    let then = "{ ioctl = [{ lock = 'W' }, { lock = 'S' }, { unlock = 'S' }, { unlock = 'W' }] },
        { ioctl = [{ lock = 'S' }, { lock = 'W', mode = 'read' }, { unlock = 'W' }, { unlock = 'S' }] },";
    for kernel in ["5.6", "6.1"] {
        assert_eq!(lockdep(kernel, device, then), Some(classes(&["W", "S"])), "{kernel}");
    }
}

/// The classes of workqueues are strings of the source up to 5.0, and have said what they are since 4.15.
#[test]
fn workqueues_are_called_as_their_kernel_calls_them() {
    let device = "driver = 'mine'
lock = 'L'
[[driver]]
name = 'mine'
api = 'hlist'
start = [{ lock = 'own' }, { flush = true }, { unlock = 'own' }]
worker = { lock = 'own', signals = false }";
    for (kernel, queue, work) in [
        ("4.9", "\"mine\"", "(&mine->work)"),
        ("4.19", "(wq_completion)\"mine\"", "(work_completion)(&mine->work)"),
        ("5.3", "(wq_completion)mine", "(work_completion)(&mine->work)"),
        ("6.1", "(wq_completion)mine", "(work_completion)(&mine->work)"),
    ] {
        let found = lockdep(kernel, device, "{ madvise = 'a' },");
        assert_eq!(found, Some(classes(&["L", queue, work])), "{kernel}");
    }
}

/// Nobody moves any more when the detector looks: what lockdep knows then is what it knew last.
#[test]
fn locks_are_listed_when_the_run_has_come_to_a_halt() {
    let device = "driver = 'mine'
lock = 'L'
[[driver]]
name = 'mine'
api = 'hlist'
start = [{ lock = 'own' }, { flush = true, how = 'completion' }, { unlock = 'own' }]
worker = { lock = 'own', signals = false }";
    let text = after_a_callback("6.1", device, "{ madvise = 'a' },");
    let text = text.replace("horizon = '5s'", "horizon = '60s'");
    let text = text.replace("cpus = 1", "cpus = 1\nhung_task_timeout = '10s'");
    // The run ends there, or at its horizon, which somebody sleeps beyond.
    let sleeper = "\n[[task]]\nname = 'z'\npreset = 'none'\nprogram = [{ sleep = '100s' }]\n";
    for more in ["", sleeper] {
        let log = dmesg(&run("t", &format!("{text}{more}"), &["lockdep"]));
        let is_hung = log.contains("INFO: task task:100 blocked");
        assert!(is_hung && !log.contains("turned off"), "{log}");
        let (_, all) =
            log.split_once("Showing all locks held in the system:\n").expect("it is shown");
        for line in
            ["4 locks held by task/100:", "3 locks held by kworker", " (L){+.+.}-{3:3}, at: "]
        {
            assert!(all.contains(line), "{line}\n{log}");
        }
    }
}

/// mmap() over what is mapped unmaps that first; what stands between is the same function as in munmap().
#[test]
fn mapping_over_a_region_is_in_the_functions_of_mmap() {
    let again = "{ repeat = 2, program = [{ mmap = 'a', size = '1MiB' }, { touch = 'a' }, { register = 'dev', region = 'a' }] },";
    for (kernel, unmaps) in [
        ("5.4", &["unmap_vmas", "unmap_region", "__do_munmap", "mmap_region", "do_mmap"][..]),
        (
            "6.1",
            &["unmap_vmas", "unmap_region", "do_mas_align_munmap", "do_mas_munmap", "mmap_region"],
        ),
        ("6.12", &["unmap_vmas", "vms_clear_ptes", "mmap_region", "do_mmap", "vm_mmap_pgoff"]),
    ] {
        let text = after_a_callback(kernel, HLIST, &over("GFP_KERNEL"));
        let (before, rest) = text.split_once("  { mmap = 'a'").expect("it maps");
        let (_, rest) = rest.split_once("{ madvise = 'a' },").expect("its callback");
        let log = dmesg(&run("t", &format!("{before}{again}{rest}"), &["lockdep"]));
        let (_, taken) = log.split_once("-> #2 (L)").expect("a chain");
        let names = taken.lines().skip(1).filter_map(|line| Some(line.split_once("] ")?.1.trim()));
        let names: Vec<_> = names.skip_while(|name| *name != "unmap_vmas").take(5).collect();
        assert_eq!(names, unmaps, "{kernel}");
    }
}

//! Captures of many kills: the first are replayed and the rest counted; and pids that several processes had.

use std::fmt::Write as _;

use crate::{imported, run_of, victims};

const KILLS: usize = 10_000;

#[test]
fn many_kills_are_read_to_the_end() {
    let (mut log, mut trace) = (String::new(), String::new());
    for number in 0..KILLS {
        let (pid, at) = (number + 200, 2 * number + 100);
        let _ = writeln!(
            log,
            "[{at}.000000] Out of memory: Kill process {number} (p{number}) score 9 or sacrifice child\n\
             [{at}.000001] Killed process {pid} (t{number}) total-vm:90000kB, anon-rss:80000kB, file-rss:0kB\n\
             [{at}.100000] oom_reaper: reaped process {pid} (t{number}), now anon-rss:0kB, file-rss:0kB"
        );
        let _ = writeln!(
            trace,
            "a-7 [000] ..... {at}.000000: mark_victim: pid={pid}\n\
             oom_reaper-2 [000] ..... {at}.050000: start_task_reaping: pid={pid}\n\
             oom_reaper-2 [000] ..... {at}.060000: finish_task_reaping: pid={pid}\n\
             t{number}-{pid} [000] ..... {at}.070000: sched_process_exit: comm=t{number} pid={pid}"
        );
    }
    for text in [&log, &trace, &format!("{trace}{log}")] {
        let found = imported(text);
        assert_eq!(found.killed.len(), 64);
        let rest = format!("# ignored: {} later kills: the first 64 are replayed\n", KILLS - 64);
        assert!(found.toml.contains(&rest), "{}", found.toml);
        assert!(found.notes.len() < 500, "{} notes", found.notes.len());
    }
}

fn killed_twice(release: &str, sizes: [u32; 2]) -> String {
    let mut text = format!("[    0.000000] Linux version {release} (a@b) #1 SMP\n");
    for (at, size) in [(100, sizes[0]), (900, sizes[1])] {
        let _ = writeln!(
            text,
            "[  {at}.000000] hog invoked oom-killer: gfp_mask=0x14280ca, order=0, oom_score_adj=0\n\
             [  {at}.000000] CPU: 0 PID: 130 Comm: hog Not tainted {release} #1\n\
             [  {at}.000000] Killed process 130 (hog) total-vm:99000kB, anon-rss:{size}kB, file-rss:0kB\n\
             [  {at}.900000] oom_reaper: reaped process 130 (hog), now anon-rss:0kB, file-rss:0kB"
        );
    }
    text
}

/// What has a pid again is another process, unless it is the same kill again, or a kernel that chooses a victim
/// until it is gone.
#[test]
fn pid_that_is_killed_again_is_another_process() {
    let told = |text: &str| imported(text).killed;
    let twice = imported(&killed_twice("6.1.0", [90_000, 80_000]));
    assert_eq!(twice.killed, ["hog", "hog"]);
    let note =
        "# inferred: hog has the pid of one killed before: it starts when that one is dead\n";
    assert!(twice.toml.contains(note), "{}", twice.toml);
    assert_eq!(twice.toml.matches("pid = 130\n").count(), 1, "{}", twice.toml);
    let run = run_of(&twice);
    assert_eq!(run.victims.len(), 2, "{}", twice.toml);
    assert_eq!(victims(&run), [("hog".to_owned(), 2)], "{}", twice.toml);
    // A log that was put together from two of the same machine.
    assert_eq!(told(&killed_twice("6.1.0", [90_000, 90_000])), ["hog"]);
    assert_eq!(told(&killed_twice("4.6.0", [90_000, 80_000])), ["hog"]);
    // Searched for the kill alone.
    let line =
        "kernel: Killed process 130 (hog) total-vm:99000kB, anon-rss:90000kB, file-rss:0kB\n";
    assert_eq!(told(&format!("{line}{line}{}", line.replace("hog", "java"))), ["hog", "java"]);
    // Of the second only the choice is left.
    let searched = format!(
        "{}[ 950.000000] oom-kill:constraint=CONSTRAINT_NONE,task=hog,pid=130,uid=0\n",
        killed_twice("6.1.0", [90_000, 90_000])
    );
    assert_eq!(told(&searched), ["hog"]);
}

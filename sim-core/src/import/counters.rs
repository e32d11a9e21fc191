//! What lines of a trace tell of an mm's interval notifiers: the two
//! counters that decide whether one may be removed, and who waits in
//! vain for them.
//!
//! A run prints both whenever they change. The test module of the
//! recordings prints them at each of its callbacks, if asked to. Only
//! registration and removal of interval notifiers and calls of callbacks
//! are told: between two of these the counters are seen in a run alone.

use std::collections::BTreeMap;

use super::TraceLine;
use super::story::{Counters, CountersAt, Hang};

/// The function that waits for the counters.
const REMOVE: &str = "mmu_interval_notifier_remove";

/// Follows a trace, line by line.
#[derive(Default)]
pub(super) struct CounterTeller {
    /// `active` and `seq` by mm, as a run printed them last.
    now: BTreeMap<i64, (i64, i64)>,
    told: Vec<Counters>,
    /// Who is inside [`REMOVE`], by thread id.
    removing: BTreeMap<u32, Hang>,
}

impl CounterTeller {
    /// Takes note of a line.
    pub(super) fn line(&mut self, line: &TraceLine<'_>) {
        match line.plain_name() {
            "mn_itree" => self.changed(line),
            "mn_call" => {
                let mm = line.number("mm").unwrap_or(-1);
                if let Some(&(active, seq)) = self.now.get(&mm) {
                    let at = match line.field("api") {
                        Some("interval") => CountersAt::IntervalCall,
                        _ => CountersAt::ListCall,
                    };
                    self.told.push(Counters { at, active, seq });
                }
            }
            // A kprobe of the recordings, and where a run's task waits.
            "iv_remove" => self.enters(line),
            "block" if line.args.contains(REMOVE) => self.enters(line),
            "iv_remove_ret" | "unblock" => drop(self.removing.remove(&line.pid)),
            _ => self.module(line),
        }
    }

    /// All that was told, and who never came out of the removal.
    pub(super) fn finish(self) -> (Vec<Counters>, Vec<Hang>) {
        (self.told, self.removing.into_values().collect())
    }

    fn changed(&mut self, line: &TraceLine<'_>) {
        let numbers = (line.number("mm"), line.number("active"), line.number("seq"));
        let (Some(mm), Some(active), Some(seq)) = numbers else {
            return;
        };
        self.now.insert(mm, (active, seq));
        let at = match line.field("op") {
            Some("insert" | "defer-insert") => CountersAt::Registered,
            Some("remove" | "defer-remove") => CountersAt::Removed,
            _ => return,
        };
        self.told.push(Counters { at, active, seq });
    }

    /// A line of the recordings' test module. Its modes c and d are
    /// interval notifiers, a and b stand on the list.
    fn module(&mut self, line: &TraceLine<'_>) {
        let (Some(active), Some(seq)) = (line.number("active"), line.number("seq")) else {
            return;
        };
        let interval = matches!(line.field("mode"), Some("c" | "d"));
        let at = if line.args.starts_with("oomn_enter ") {
            if interval { CountersAt::IntervalCall } else { CountersAt::ListCall }
        } else if interval && line.args.starts_with("oomn_register ") {
            CountersAt::Registered
        } else if interval && line.args.starts_with("oomn_close enter ") {
            CountersAt::Removed
        } else {
            return;
        };
        self.told.push(Counters { at, active, seq });
    }

    fn enters(&mut self, line: &TraceLine<'_>) {
        let (process, since_us) = (line.comm.to_owned(), line.time_us);
        self.removing.insert(line.pid, Hang { process, since_us });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::parse_ftrace;

    fn told(text: &str) -> (Vec<(CountersAt, i64, i64)>, Vec<Hang>) {
        let mut teller = CounterTeller::default();
        for line in &parse_ftrace(text).expect("a trace").lines {
            teller.line(line);
        }
        let (told, hangs) = teller.finish();
        (told.iter().map(|at| (at.at, at.active, at.seq)).collect(), hangs)
    }

    #[test]
    fn module_and_run_tell_the_same() {
        let module = "\
 hog-6 [000] ..... 1.0: oomn_ioctl: oomn_register id=1 mode=d ret=0 sub_seq=1 active=0 seq=2
 hog-6 [000] ..... 1.1: oomn_ioctl: oomn_register id=2 mode=a ret=0 sub_seq=0 active=0 seq=2
 oom_reaper-2 [000] ..... 2.0: iv: oomn_enter id=1 kind=interval mode=d seqarg=3 active=1 seq=3
 oom_reaper-2 [000] ..... 2.1: iv: oomn_exit id=1 kind=interval mode=d blockable=0 ret=1
 oom_reaper-2 [000] ..... 2.2: cl: oomn_enter id=2 kind=classic mode=a active=1 seq=3
 hog-7 [000] ..... 3.0: x: oomn_close enter id=2 mode=a has_itree=1 active=1 seq=3
 hog-7 [000] ..... 3.1: x: oomn_close enter id=1 mode=d has_itree=1 active=1 seq=3
 hog-7 [000] ..... 3.2: iv_remove: (mmu_interval_notifier_remove+0x0/0x1d0)
";
        let run = "\
 hog-6 [000] ..... 1.0: sim:mn_itree: op=insert active=0 seq=2 mm=4 pid=6 comm=hog
 oom_reaper-2 [000] ..... 2.0: sim:mn_itree: op=start active=1 seq=3 mm=4 pid=6 comm=hog
 oom_reaper-2 [000] ..... 2.0: sim:mn_call: notifier=0 device=a api=interval mm=4 vma=a
 oom_reaper-2 [000] ..... 2.2: sim:mn_call: notifier=1 device=b api=hlist mm=4 vma=a
 hog-7 [000] ..... 3.1: sim:mn_itree: op=defer-remove active=1 seq=3 mm=4 pid=6 comm=hog
 hog-7 [000] ..... 3.2: sim:block: pid=7 on=queue stack=mmu_interval_notifier_remove<-do_exit
";
        let hang = Hang { process: "hog".to_owned(), since_us: 3_200_000 };
        let counters = vec![
            (CountersAt::Registered, 0, 2),
            (CountersAt::IntervalCall, 1, 3),
            (CountersAt::ListCall, 1, 3),
            (CountersAt::Removed, 1, 3),
        ];
        assert_eq!(told(module), (counters, vec![hang]));
        assert_eq!(told(run), told(module));
    }

    #[test]
    fn who_comes_out_does_not_hang() {
        let probes = " hog-7 [000] ..... 3.2: iv_remove: (mmu_interval_notifier_remove+0x0/0x1d0)
 hog-7 [000] ..... 3.3: iv_remove_ret: (a <- mmu_interval_notifier_remove)
";
        assert_eq!(told(probes), (Vec::new(), Vec::new()));
    }

    #[test]
    fn lists_alone_have_no_counters() {
        let call = " a-2 [000] ..... 2.2: sim:mn_call: notifier=1 device=b api=hlist mm=4 vma=a\n";
        assert_eq!(told(call), (Vec::new(), Vec::new()));
    }
}

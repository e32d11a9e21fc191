//! Who was killed in a capture, in order: by its log, by its trace, or by the table of a report that breaks off.
//! What became of them is `killed.rs`'s.

use std::collections::BTreeSet;

use super::capture::Capture;
use super::killed::{Killed, VICTIMS_MAX, pages};
use super::machine_seen::profile;
use super::oom_facts::{Kill, Row};
use super::sacrificed::may_sacrifice;
use super::teller::names;

/// The newest profile that may choose a victim again and again: nothing tells the killer that it gave what it could.
const CHOOSES_AGAIN: &str = "4.6";

impl Killed {
    fn of(comm: &str, pid: Option<u32>) -> Self {
        Self {
            comm: comm.to_owned(),
            pid,
            invoker: None,
            anon: None,
            adj: None,
            report: None,
            together: false,
            is_later: false,
            has_taken_pid: false,
            is_guess: false,
            logged_us: None,
            traced_us: None,
            has_own_group: false,
            gone_us: None,
            last_us: 0,
            reaping: super::killed::Reaping::default(),
        }
    }
}

/// Tells whether a kill that the log tells of is that of another process than those before.
struct Known<'a> {
    chooses_again: bool,
    pids: BTreeSet<u32>,
    names: BTreeSet<(u32, &'a str)>,
    sizes: BTreeSet<(u32, &'a str, Option<u64>)>,
}

impl<'a> Known<'a> {
    /// A log may be there twice, or in parts of it; what it tells of one kill is the same then, as far as it goes. A kernel
    /// that chooses again finds a victim of another size.
    fn has(&mut self, kill: &'a Kill) -> bool {
        let (pid, comm, anon) = (kill.pid, kill.comm.as_str(), kill.anon);
        let is_named = !self.names.insert((pid, comm));
        let is_sized =
            self.sizes.contains(&(pid, comm, None)) || !self.sizes.insert((pid, comm, anon));
        is_named && (self.chooses_again || anon.is_none() || is_sized)
    }
}

/// The first victims by the log, and how many more there are.
pub(super) fn from_log(capture: &Capture<'_>) -> (Vec<Killed>, usize) {
    let facts = &capture.facts;
    let release = facts.release.as_deref().and_then(profile);
    let mut known = Known {
        chooses_again: release.map_or_else(|| may_sacrifice(capture), |id| id == CHOOSES_AGAIN),
        pids: BTreeSet::new(),
        names: BTreeSet::new(),
        sizes: BTreeSet::new(),
    };
    let mut beyond = 0;
    let mut victims: Vec<Killed> = Vec::new();
    for kill in &facts.kills {
        if known.has(kill) {
            continue;
        }
        if victims.len() == VICTIMS_MAX {
            beyond += 1;
            continue;
        }
        let report = kill.report.and_then(|index| facts.reports.get(index));
        let row = report.and_then(|report| report.row(kill.pid));
        victims.push(Killed {
            invoker: report
                .filter(|report| !report.invoker.is_empty())
                .map(|report| (report.invoker.clone(), report.invoker_pid)),
            anon: kill.anon.or(row.map(|row| row.rss)),
            adj: kill.adj.or(row.map(|row| row.adj)),
            report: kill.report,
            together: kill.together,
            has_taken_pid: !known.pids.insert(kill.pid) && !known.chooses_again,
            logged_us: Some(kill.at_us),
            ..Killed::of(&kill.comm, Some(kill.pid))
        });
    }
    (victims, beyond)
}

/// Whom the last report's table would have killed, by `oom_badness()` (mm/oom_kill.c): the log breaks
/// off behind it.
pub(super) fn would_be_killed(capture: &Capture<'_>) -> Option<Killed> {
    let (at, report) = capture.facts.reports.iter().enumerate().next_back()?;
    let managed = report.zones.iter().map(|zone| zone.managed).fold(0, u64::saturating_add);
    let total = report.limit.unwrap_or(managed.saturating_add(report.swap));
    let score = |row: &Row| {
        let adj = i64::from(row.adj) * i64::try_from(total / 1000).unwrap_or(0);
        i64::try_from(row.points).unwrap_or(i64::MAX).saturating_add(adj)
    };
    let can_be = report.rows.iter().filter(|row| row.adj > -1000 && row.pid != 1);
    let row = can_be.max_by_key(|row| score(row))?;
    Some(Killed {
        invoker: Some((report.invoker.clone(), report.invoker_pid)),
        anon: Some(row.rss),
        adj: Some(row.adj),
        report: Some(at),
        is_guess: true,
        ..Killed::of(&row.name, Some(row.pid))
    })
}

/// The first victims by the trace, one per process, and how many more there are: behind the first, a mark
/// without a signal is taken to be that of another thread. The first may have been dying of
/// something else when it was marked.
pub(super) fn from_trace(capture: &Capture<'_>) -> (Vec<Killed>, usize) {
    let signals = capture.trace.iter().filter(|line| line.name == "signal_generate");
    let signalled: BTreeSet<i64> = signals.filter_map(|line| line.number("pid")).collect();
    let names = names(&capture.trace, &capture.log);
    let mut known = BTreeSet::new();
    let mut beyond = 0;
    let mut victims: Vec<Killed> = Vec::new();
    for mark in capture.trace.iter().filter(|line| line.plain_name() == "mark_victim") {
        let Some(number) = mark.number("pid") else { continue };
        let is_thread = !known.is_empty() && !signalled.is_empty() && !signalled.contains(&number);
        if is_thread || !known.insert(number) {
            continue;
        }
        if victims.len() == VICTIMS_MAX {
            beyond += 1;
            continue;
        }
        let pid = u32::try_from(number).ok();
        let comm = names.get(&number).map_or(format!("pid {number}"), |&comm| comm.to_owned());
        // A thread of its own asks for it.
        let asking = mark.tgid.filter(|tgid| Some(*tgid) == pid);
        let asking = match asking {
            Some(tgid) => (comm.clone(), Some(tgid)),
            None => (mark.comm.to_owned(), Some(mark.pid)),
        };
        let adj = mark.number("oom_score_adj").map(|adj| adj.clamp(-1000, 1000));
        victims.push(Killed {
            invoker: (mark.comm != "<...>").then_some(asking),
            anon: mark.anon_kb().and_then(|kb| pages(kb.checked_mul(1024)?)),
            adj: adj.and_then(|adj| i16::try_from(adj).ok()),
            traced_us: signalled.contains(&number).then_some(mark.time_us),
            ..Killed::of(&comm, pid)
        });
    }
    (victims, beyond)
}

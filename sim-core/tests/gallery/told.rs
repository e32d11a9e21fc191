//! The story of a run: short, and every number of it is the run's.

use std::collections::{BTreeMap, BTreeSet};

use sim_core::analysis::{Index, Report, explain, recovery_blame, size_text, span_text, time_text};
use sim_core::base::{Nanos, SimTime};
use sim_core::record::{Event, Run};
use sim_core::scenario::gallery::gallery;

use super::rows::{judged, run};

/// Title, verdict, end, digest and link stand around the story in `run --format summary`.
const AROUND: usize = 5;

/// Quantities of a run, in the words of the analysis, gathered from its records.
#[derive(Default)]
struct Data {
    words: BTreeSet<String>,
    counts: BTreeSet<u64>,
}

impl Data {
    fn of(run: &Run, index: &Index, report: &Report) -> Self {
        let mut data = Self::default();
        data.times(run);
        data.sizes(run);
        data.spans(run, index);
        data.counted(run, report);
        data
    }

    fn span(&mut self, from: SimTime, to: SimTime) {
        self.words.insert(span_text(to.saturating_sub(from)));
    }

    fn times(&mut self, run: &Run) {
        let mut times: Vec<_> = run.trace.iter().map(|record| record.at).collect();
        times.dedup();
        self.words.extend(times.into_iter().map(time_text));
        self.words.insert(time_text(run.end));
        self.words.insert(time_text(SimTime::ZERO));
    }

    fn sizes(&mut self, run: &Run) {
        let zones = || run.cast.zones.iter().map(|(_, zone)| zone);
        let managed: u64 = zones().map(|zone| zone.managed).sum();
        self.words.insert(size_text(managed));
        self.words.extend(zones().map(|zone| size_text(zone.min)));
        let mut present: BTreeMap<_, i64> = BTreeMap::new();
        let mut reaped: BTreeMap<_, (u64, u64)> = BTreeMap::new();
        let mut pinned: BTreeMap<_, u64> = BTreeMap::new();
        let mut free: BTreeMap<_, u64> = BTreeMap::new();
        for record in run.trace.iter() {
            let mm = |range| run.cast.ranges[range].mm;
            match record.event {
                Event::Fault { range, pages } | Event::SwapIn { range, pages } => {
                    *present.entry(mm(range)).or_default() += i64::from(pages);
                }
                Event::SwapOut { range, pages } => {
                    *present.entry(mm(range)).or_default() -= i64::from(pages);
                }
                Event::Zap { range, pages, freed } => {
                    *present.entry(mm(range)).or_default() -= i64::from(pages);
                    let of = reaped.entry((record.task, mm(range))).or_default();
                    of.0 += u64::from(pages);
                    of.1 += u64::from(freed);
                    self.words.extend([size_text(of.0), size_text(of.1)]);
                    self.words.insert(size_text(u64::from(pages)));
                }
                Event::StillPinned { range, pages } => {
                    let of = pinned.entry(mm(range)).or_default();
                    *of += u64::from(pages);
                    self.words.insert(size_text(*of));
                }
                Event::ZoneFree { zone, free: pages } => {
                    free.insert(zone, u64::from(pages));
                    self.words.insert(size_text(u64::from(pages)));
                    self.words.insert(size_text(free.values().sum()));
                }
                Event::MemcgUsage { pages, .. } | Event::MemcgLimit { pages, .. } => {
                    self.words.insert(size_text(u64::from(pages)));
                }
                _ => {}
            }
            let has = present.values().map(|&pages| pages.max(0).unsigned_abs());
            self.words.extend(has.clone().map(size_text));
            // What is neither free nor a process's.
            let rest = managed.saturating_sub(has.sum::<u64>() + free.values().sum::<u64>());
            self.words.insert(size_text(rest));
        }
    }

    /// Waits, requests, calls, what passed since a kill, and the shares of the critical path.
    fn spans(&mut self, run: &Run, index: &Index) {
        let mut blocked: BTreeMap<_, SimTime> = BTreeMap::new();
        let mut asked: BTreeMap<_, SimTime> = BTreeMap::new();
        let mut charges: BTreeMap<_, SimTime> = BTreeMap::new();
        let mut held_up: BTreeMap<_, Nanos> = BTreeMap::new();
        let mut killed: Vec<SimTime> = Vec::new();
        for record in run.trace.iter() {
            // A request ends with its page, with its failure, or with whatever its task does then.
            for &since in asked.get(&record.task).into_iter().chain(charges.get(&record.task)) {
                self.span(since, record.at);
            }
            if let Event::AllocDone { .. } | Event::AllocFailed { .. } | Event::Fault { .. } =
                record.event
            {
                asked.remove(&record.task);
                charges.remove(&record.task);
            }
            match record.event {
                Event::Blocked { .. } => drop(blocked.insert(record.task, record.at)),
                Event::Woken { .. } => {
                    if let Some(since) = blocked.remove(&record.task) {
                        self.span(since, record.at);
                        *held_up.entry(record.task).or_default() += record.at - since;
                    }
                }
                Event::AllocBegin { .. }
                | Event::DirectReclaimBegin { .. }
                | Event::MemstallEnter {} => {
                    asked.entry(record.task).or_insert(record.at);
                }
                Event::MemcgOom { .. } => drop(charges.insert(record.task, record.at)),
                Event::MnCall { .. } => drop(held_up.insert(record.task, Nanos::ZERO)),
                Event::MnReturn { .. } => {
                    let lasted = held_up.remove(&record.task).unwrap_or_default();
                    self.words.insert(span_text(lasted));
                }
                Event::MarkVictim { .. } => killed.push(record.at),
                _ => {}
            }
            let is_end = matches!(
                record.event,
                Event::WakeReaper { .. }
                    | Event::OomSkipSet { .. }
                    | Event::ProcessExit { .. }
                    | Event::Exited {}
                    | Event::Blocked { .. }
                    | Event::Woken { .. }
            );
            for &at in killed.iter().filter(|_| is_end) {
                self.words.insert(span_text(record.at - at));
            }
        }
        for (_, since) in blocked.iter().chain(&asked) {
            self.span(*since, run.end);
            // Of a wait that began before a kill, what came after.
            for &at in &killed {
                self.span(at, run.end);
            }
        }
        for (_, lasted) in held_up {
            self.words.insert(span_text(lasted));
        }
        self.words.insert(span_text(run.cast.hung_task_timeout));
        if let Some(blame) = recovery_blame(index) {
            self.words.extend(blame.causes.iter().map(|&(_, sum)| span_text(sum)));
            // The smaller ones may be told as one.
            for first in 0..blame.causes.len() {
                let rest: Nanos = blame.causes[first..].iter().map(|&(_, sum)| sum).sum();
                self.words.insert(span_text(rest));
            }
        }
    }

    fn counted(&mut self, run: &Run, report: &Report) {
        let metrics = &report.metrics;
        self.counts.extend([
            metrics.reap_attempts,
            metrics.backoffs,
            metrics.refusals,
            metrics.callbacks,
            metrics.hung_tasks,
            metrics.stale_accesses,
            u64::try_from(report.victims.len()).expect("few"),
            u64::try_from(report.victims.len()).expect("few").saturating_sub(2),
        ]);
        self.counts.extend(report.victims.iter().map(|victim| u64::from(victim.attempts)));
        self.counts.extend(run.cast.tasks.iter().map(|(_, info)| u64::from(info.pid)));
        // Refusals, skips, and the ranges that were not named one by one.
        let mut calls: BTreeMap<_, u64> = BTreeMap::new();
        for record in run.trace.iter() {
            let kind = match record.event {
                Event::MnReturn { refused: true, .. } => 0,
                Event::SkipTaskReaping { .. } => 1,
                Event::StaleAccess { .. } => 2,
                _ => continue,
            };
            *calls.entry((kind, record.task)).or_default() += 1;
        }
        self.counts.extend(calls.values().copied());
        let ranges = u64::try_from(run.cast.ranges.len()).expect("few");
        self.counts.extend(0..ranges.min(40));
    }

    /// Numbers of a sentence that are none of the run's.
    fn strange(&self, sentence: &str, names: &BTreeSet<String>) -> Vec<String> {
        const UNITS: [&str; 7] = ["ms", "s", "µs", "ns", "KiB", "MiB", "GiB"];
        let clean = |word: &str| -> String {
            let trimmed = word.trim_matches(|c: char| ",;:.()[]".contains(c));
            trimmed.trim_end_matches("'s").to_owned()
        };
        let words: Vec<String> = sentence.split_whitespace().map(clean).collect();
        let mut strange = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let is_number = word.starts_with(|c: char| c.is_ascii_digit())
                && word.chars().all(|c| c.is_ascii_digit() || c == '.');
            if !is_number || names.contains(word) {
                continue;
            }
            let unit = words.get(at + 1).map_or("", String::as_str);
            let is_known = if UNITS.contains(&unit) {
                self.words.contains(&format!("{word} {unit}"))
            } else {
                word.parse().is_ok_and(|count: u64| self.counts.contains(&count))
            };
            if !is_known {
                strange.push(format!("{word} {unit}"));
            }
        }
        strange
    }
}

#[test]
fn every_number_of_a_story_is_the_runs() {
    let mut wrong = Vec::new();
    let mut numbers = 0;
    for entry in gallery() {
        let (run, report) = (run(entry.id, ""), judged(entry.id, ""));
        let index = Index::new(&run);
        let story = explain(&run, &index, &report);
        assert!(story.len() + AROUND <= 15, "{}: {} lines", entry.id, story.len() + AROUND);
        let data = Data::of(&run, &index, &report);
        let names = run.cast.tasks.iter().map(|(_, info)| info.name.clone()).collect();
        for sentence in story {
            numbers += sentence.split_whitespace().filter(|w| w.parse::<f64>().is_ok()).count();
            let strange = data.strange(&sentence, &names);
            if !strange.is_empty() {
                wrong.push(format!("{}: {strange:?} in: {sentence}", entry.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{} sentences:\n{}", wrong.len(), wrong.join("\n"));
    assert!(numbers > 500, "{numbers}");
}

/// What a policy does not promise is waived and told, and is not told where it is kept.
#[test]
fn waived_invariant_is_an_incident_where_the_policy_waives_it() {
    let waived = |id: &str, with: &str| {
        let incidents = judged(id, with).incidents;
        let told = incidents.into_iter().filter(|incident| incident.kind == "waived-invariant");
        told.map(|incident| incident.text).collect::<Vec<_>>()
    };
    let blocks = waived("d2-direct", "");
    assert!(blocks.iter().any(|text| text.contains("I6")), "{blocks:?}");
    for policy in ["interval", "core-refuse"] {
        assert_eq!(waived("d2-direct", &format!("policy={policy}")), [""; 0], "{policy}");
    }
    let freed = waived("f3-stale-device-mapping", "");
    assert!(freed.iter().any(|text| text.contains("I9")), "{freed:?}");
    let kept = waived("f3-stale-device-mapping", "device.gpu0.page_refs=true");
    assert!(!kept.iter().any(|text| text.contains("I9")), "{kept:?}");
}

//! What a recording and a run tell of the machine, beside the story of its
//! victims: how much was reclaimed in vain, how the killer was called,
//! what it printed, and how much memory was free when.

use sim_core::import::{LogLine, TraceLine};

/// What a process was when it was marked, in kB.
#[derive(Clone, Eq, PartialEq, Debug)]
pub(crate) struct Mark {
    pub(crate) name: String,
    pub(crate) total_vm: i64,
    pub(crate) anon: i64,
    pub(crate) pgtables: i64,
    pub(crate) adj: i64,
}

/// What is told of the machine.
#[derive(Clone, Default, Debug)]
pub(crate) struct Machine {
    /// `mm_vmscan_direct_reclaim_begin`.
    pub(crate) reclaims: usize,
    /// `reclaim_retry_zone`.
    pub(crate) retries: usize,
    /// Calls of `out_of_memory()`.
    pub(crate) oom_calls: usize,
    /// `mm_vmscan_kswapd_wake` and `_sleep`.
    pub(crate) kswapd: (usize, usize),
    /// `mark_victim`, where it tells sizes.
    pub(crate) marks: Vec<Mark>,
    /// The lines `… invoked oom-killer: …` and `oom-kill:…`, without pids.
    pub(crate) lines: Vec<String>,
    /// Free memory of each zone, lowest first, in each report, in bytes.
    pub(crate) zones: Vec<Vec<i64>>,
    /// Page tables in each report, in bytes.
    pub(crate) tables: Vec<i64>,
    /// Free memory of all zones over time, in µs of the trace and bytes.
    pub(crate) free: Vec<(i64, i64)>,
    /// The averages of memory pressure at the end, `some` and `full` over 10, 60 and
    /// 300 s, in hundredths of a percent.
    pub(crate) averages: [i64; 6],
}

impl Machine {
    /// What trace and log tell; the rest is added by who knows more than they do.
    pub(crate) fn told(text: &str, trace: &[TraceLine<'_>], log: &[LogLine<'_>]) -> Self {
        let count = |name: &str| {
            trace.iter().filter(|line| line.name == name).count() + trimmed(text, name)
        };
        let marks = trace.iter().filter(|line| line.name == "mark_victim");
        let marks = marks.filter_map(|line| {
            Some(Mark {
                name: line.field("comm")?.to_owned(),
                total_vm: line.number("total-vm")?,
                anon: line.number("anon-rss")?,
                pgtables: line.number("pgtables")?,
                adj: line.number("oom_score_adj")?,
            })
        });
        let is_told = |text: &&str| {
            text.contains(" invoked oom-killer: ") || text.starts_with("oom-kill:constraint=")
        };
        let lines = log.iter().map(|line| line.text).filter(is_told);
        Self {
            reclaims: count("mm_vmscan_direct_reclaim_begin"),
            retries: count("reclaim_retry_zone"),
            oom_calls: count("out_of_memory_ret"),
            kswapd: (count("mm_vmscan_kswapd_wake"), count("mm_vmscan_kswapd_sleep")),
            marks: marks.collect(),
            lines: lines.map(without_pid).collect(),
            tables: log.iter().filter_map(|line| page_tables(line.text)).collect(),
            ..Self::default()
        }
    }

    /// The free memory of the report's zones, as `Mem-Info` has it.
    pub(crate) fn zones_of_reports(log: &[LogLine<'_>]) -> Vec<Vec<i64>> {
        let mut reports: Vec<Vec<i64>> = Vec::new();
        for line in log {
            if line.text.contains(" invoked oom-killer: ") {
                reports.push(Vec::new());
            }
            let free = line.text.strip_prefix("Node 0 ").and_then(|rest| rest.split_once(" free:"));
            if let (Some((zone, rest)), Some(report)) = (free, reports.last_mut())
                && !zone.contains(' ')
                && let Some((kb, _)) = rest.split_once("kB")
            {
                report.push(kb.parse::<i64>().expect("a number") * 1024);
            }
        }
        reports
    }

    /// How many of the recorded samples this one agrees with, whose time 0
    /// is `zero`: no further from each than times may be it had as much free memory, to 1.5 MiB.
    pub(crate) fn agreeing(&self, zero: i64, samples: &[(i64, i64)]) -> usize {
        const NEAR_BYTES: i64 = 3 << 19;
        let agrees = |&&(at, bytes): &&(i64, i64)| {
            let near = 12_000 + at.abs() / 20;
            let (from, to) = (zero + at - near, zero + at + near);
            let first = self.free.partition_point(|point| point.0 <= from).saturating_sub(1);
            let end = self.free.partition_point(|point| point.0 <= to);
            let near = self.free.get(first..end).unwrap_or_default();
            let least = near.iter().map(|point| point.1).min();
            let most = near.iter().map(|point| point.1).max();
            least.is_some_and(|least| least - NEAR_BYTES <= bytes)
                && most.is_some_and(|most| bytes <= most + NEAR_BYTES)
        };
        samples.iter().filter(agrees).count()
    }
}

/// What a line of `Mem-Info` says of the machine's page tables, in bytes.
fn page_tables(text: &str) -> Option<i64> {
    let (_, pages) = text.split_once(" pagetables:")?;
    Some(pages.parse::<i64>().ok()? * 4096)
}

/// How many events of this name are not in a trace any more, by its own comment.
fn trimmed(text: &str, name: &str) -> usize {
    let comment = text.lines().find(|line| line.starts_with("# trimmed: dropped "));
    let counts = comment.into_iter().flat_map(|line| line.split([',', ':', '(']));
    let mut counts = counts.filter_map(|part| {
        let words: Vec<&str> = part.trim().trim_start_matches("dropped ").split(' ').collect();
        words.first().zip(words.get(1)).filter(|(first, _)| **first == name).map(|(_, n)| *n)
    });
    counts.next().and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// A line without the pid that differs from boot to boot.
fn without_pid(line: &str) -> String {
    let parts: Vec<&str> = line.split(',').filter(|part| !part.starts_with("pid=")).collect();
    parts.join(",")
}

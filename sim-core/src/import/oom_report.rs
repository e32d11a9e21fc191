//! The reports that the OOM killer prints (mm/oom_kill.c: dump_header(),
//! oom_kill_process(); mm/page_alloc.c: show_free_areas(); memcg's
//! likewise), of Linux 4.6 to 7.1: who asked, zones with watermarks, the
//! table of tasks, who was killed. Kilobytes become pages of 4 KiB, and
//! so do the pages of machines that have larger ones.
//!
//! The table's columns are read from its own header, because each era
//! has others. Call traces and registers are passed over.

use std::collections::BTreeSet;

use super::constraint::Nodes;
use super::keys::{field, leading_number};
use super::log_lines::{Said, said};
use super::oom_facts::{Kill, OomReport, PAGES_MAX, Row, ZoneSeen};
use super::wrapped::{Open, PARTS_MAX, lacks};

/// Zones by name.
const ZONES: [&str; 6] = ["DMA", "DMA32", "Normal", "HighMem", "Movable", "Device"];

/// What a line with this in it was expected to be.
const EXPECTED: [(&str, &str); 2] = [
    (" invoked oom-killer:", "`comm invoked oom-killer: gfp_mask=…, order=…`"),
    ("Killed process", "`Killed process PID (comm) total-vm:…kB, anon-rss:…kB`"),
];

/// Columns of the table between the pid and the name, by how many there are: for rows whose header is cut off.
const COLUMNS: [&[&str]; 4] = [
    &["uid", "tgid", "total_vm", "rss", "pgtables_bytes", "swapents", "oom_score_adj"],
    &["uid", "tgid", "total_vm", "rss", "nr_ptes", "swapents", "oom_score_adj"],
    &["uid", "tgid", "total_vm", "rss", "nr_ptes", "nr_pmds", "swapents", "oom_score_adj"],
    &[
        "uid",
        "tgid",
        "total_vm",
        "rss",
        "rss_anon",
        "rss_file",
        "rss_shmem",
        "pgtables_bytes",
        "swapents",
        "oom_score_adj",
    ],
];

/// What follows the name of a control group all of which dies.
const DIES_TOGETHER: &str = " are going to be killed due to memory.oom.group set";

/// What a log says of kills and of the machine.
#[derive(Clone, Debug, Default)]
pub(super) struct LogFacts {
    pub(super) reports: Vec<OomReport>,
    pub(super) kills: Vec<Kill>,
    /// Pid and report of each kill.
    killed_in: BTreeSet<(u32, Option<usize>)>,
    /// `6.1.0-56-cloud-amd64`.
    pub(super) release: Option<String>,
    pub(super) cpus: Option<u32>,
    /// The highest CPU that a report names.
    pub(super) cpu_seen: Option<u32>,
    /// The line on which the kernel gave up instead of killing.
    pub(super) panicked: Option<(usize, usize)>,
    /// Lines that begin as expected and don't go on so: line, column, what was expected.
    pub(super) damaged: Vec<((usize, usize), &'static str)>,
    /// A line that may go on.
    open: Option<Open>,
    /// A choice (`oom-kill:…,task=…,pid=…`) whose kill did not follow yet.
    chosen: Option<Kill>,
    columns: Vec<String>,
}

impl LogFacts {
    /// Takes note of a line. `is_framed` tells whether it has a time of its own.
    pub(super) fn line(&mut self, place: (usize, usize), at_us: i64, text: &str, is_framed: bool) {
        if text.contains(" invoked oom-killer:") {
            self.finish();
        }
        if text.starts_with("Out of memory and no killable processes")
            || text.starts_with("Kernel panic - not syncing: ")
        {
            self.panicked.get_or_insert(place);
        }
        let before = self.had();
        let is_known = self.take(at_us, text);
        if is_known || lacks(text, is_known) {
            self.close();
            let text = text.to_owned();
            if lacks(&text, is_known) {
                self.open = Some(Open { place, at_us, text, parts: 1, is_known, before });
            }
        } else if let Some(open) = self.open.take_if(|open| !is_framed && open.parts < PARTS_MAX) {
            self.go_on(open, text);
        } else if text.contains("Killed process ") {
            self.close();
            self.damage(place, text);
        }
    }

    /// Notes what a line was expected to be, at the place where it begins to be that.
    fn damage(&mut self, (line, column): (usize, usize), text: &str) {
        let found =
            EXPECTED.iter().find_map(|(start, expected)| Some((text.find(start)?, *expected)));
        if let Some((at, expected)) = found {
            self.damaged.push(((line, column + text[..at].chars().count()), expected));
        }
    }

    /// The line that is open, with what may be the rest of it.
    fn go_on(&mut self, mut open: Open, rest: &str) {
        self.cut(open.before);
        open.text = format!("{} {rest}", open.text.trim_end());
        open.parts += 1;
        open.is_known = self.take(open.at_us, &open.text);
        if lacks(&open.text, open.is_known) {
            self.open = Some(open);
        }
    }

    /// Nothing more follows on the line that is open.
    pub(super) fn close(&mut self) {
        if let Some(open) = self.open.take().filter(|open| !open.is_known) {
            self.damage(open.place, &open.text);
        }
    }

    /// How much was read, to go back to.
    fn had(&self) -> (usize, usize, usize) {
        let zones = self.reports.last().map_or(0, |report| report.zones.len());
        (self.reports.len(), zones, self.kills.len())
    }

    fn cut(&mut self, (reports, zones, kills): (usize, usize, usize)) {
        self.reports.truncate(reports);
        if let Some(report) = self.reports.last_mut() {
            report.zones.truncate(zones);
        }
        for kill in self.kills.drain(kills.min(self.kills.len())..) {
            self.killed_in.remove(&(kill.pid, kill.report));
        }
    }

    fn take(&mut self, at_us: i64, text: &str) -> bool {
        self.header(text)
            || self.zone(text)
            || self.table(text)
            || self.killed(at_us, text)
            || self.machine(text)
            || self.memcg(at_us, text)
    }

    /// The last line was read: of a log that was cut off, or searched for `oom-kill`, who was chosen
    /// counts as killed.
    pub(super) fn finish(&mut self) {
        let chosen = self.chosen.take();
        self.kills.extend(chosen.filter(|kill| self.killed_in.insert((kill.pid, kill.report))));
    }

    /// Somebody was chosen. Who was before without a word of the kill was killed, too: the kernel does
    /// not change its mind.
    fn choose(&mut self, at_us: i64, pid: u32, comm: &str) {
        if self.chosen.as_ref().is_some_and(|before| before.pid != pid) {
            self.finish();
        }
        let report = self.reports.len().checked_sub(1);
        self.chosen = Some(Kill { report, ..Kill::of(at_us, pid, comm) });
    }

    /// `presser invoked oom-killer: gfp_mask=…, order=0, oom_score_adj=0`.
    fn header(&mut self, text: &str) -> bool {
        // Of the shortened reports in mails nothing else may be left of it.
        let bare = || Some((text.trim_end().strip_suffix(" invoked oom-killer")?, ""));
        let Some((comm, rest)) = text.split_once(" invoked oom-killer: ").or_else(bare) else {
            return false;
        };
        // Documents set it between backquotes.
        let comm = comm.rsplit('`').next().unwrap_or_default();
        let number = |key| field(rest, key).and_then(leading_number);
        let adj = number("oom_score_adj").and_then(|adj| i16::try_from(adj).ok());
        let mut nodes = Nodes::default();
        nodes.line(rest);
        // What stood before was no report: an allocation failed, or somebody wanted to see the memory.
        if !self.is_over() && self.reports.last().is_some_and(|last| last.invoker.is_empty()) {
            self.reports.pop();
        }
        self.reports.push(OomReport {
            nodes,
            invoker: comm.trim().to_owned(),
            invoker_adj: adj.unwrap_or(0).clamp(-1000, 1000),
            order: number("order").and_then(|order| u8::try_from(order).ok()).unwrap_or(0),
            by_hand: number("order") == Some(-1),
            ..OomReport::default()
        });
        self.columns.clear();
        true
    }

    /// Whether the last report, if there is one, has come to its kill.
    fn is_over(&self) -> bool {
        let last = self.reports.len().checked_sub(1);
        last.is_none() || self.kills.last().is_some_and(|kill| kill.report >= last)
    }

    /// The report that something belongs to with which none begins: of a log that was cut off above, one
    /// whose beginning is missing.
    fn report(&mut self) -> Option<&mut OomReport> {
        if self.is_over() {
            self.reports.push(OomReport::default());
        }
        self.reports.last_mut()
    }

    /// `Node 0 DMA32 free:1712kB … min:1744kB …`, and its reserve.
    fn zone(&mut self, text: &str) -> bool {
        if let Some(reserves) = text.strip_prefix("lowmem_reserve[]:") {
            let most =
                reserves.split_whitespace().filter_map(|word| word.parse::<u64>().ok()).max();
            let zone = self.reports.last_mut().and_then(|report| report.zones.last_mut());
            if let (Some(zone), Some(most)) = (zone, most) {
                zone.reserve = most.min(PAGES_MAX);
            }
            return true;
        }
        let (node, rest) = match text.strip_prefix("Node ") {
            Some(rest) => rest.split_once(' ').unwrap_or_default(),
            None => ("", text),
        };
        let Some((name, values)) = rest.split_once(' ') else { return false };
        if let Some(name) = name.strip_suffix(':') {
            let report = self.reports.last_mut().filter(|_| ZONES.contains(&name));
            return report.is_some_and(|report| report.blocks(values));
        }
        if !ZONES.contains(&name) {
            return false;
        }
        let pages = |key| kb_pages(field(values, key)?);
        let (Some(free), Some(min)) = (pages("free"), pages("min")) else { return false };
        let managed = pages("managed").or_else(|| pages("present")).unwrap_or(0);
        let low = pages("low").unwrap_or(min + min / 4).max(min);
        let high = pages("high").unwrap_or(min + min / 2).max(low);
        let name = name.to_owned();
        let node = node.parse().ok();
        let seen = ZoneSeen { name, node, free, min, low, high, managed, reserve: 0 };
        self.report().is_some_and(|report| {
            report.zones.push(seen);
            true
        })
    }

    /// The header of the table of tasks, and its rows.
    fn table(&mut self, text: &str) -> bool {
        let Some((inside, rest)) =
            text.trim_start().strip_prefix('[').and_then(|text| text.split_once(']'))
        else {
            return false;
        };
        if inside.trim() == "pid" {
            self.columns = rest.split_whitespace().map(str::to_owned).collect();
            return self.report().is_some();
        }
        let Ok(pid) = inside.trim().parse::<u32>() else { return false };
        if self.columns.is_empty() {
            self.columns_of(rest);
        }
        let Some(report) = self.reports.last_mut() else { return false };
        let Some(last) = self.columns.len().checked_sub(1) else { return false };
        let mut left = rest.trim_start();
        let mut values = Vec::new();
        for _ in 0..last {
            let Some((value, after)) = left.split_once(' ') else { return false };
            values.push(value);
            left = after.trim_start();
        }
        let number = |key: &str| {
            let at = self.columns.iter().position(|column| column == key)?;
            leading_number(values.get(at)?)
        };
        let pages = |key| number(key).and_then(|n| u64::try_from(n).ok()).map(|n| n.min(PAGES_MAX));
        let (Some(_), Some(rss)) = (pages("total_vm"), pages("rss")) else { return false };
        let adj = number("oom_score_adj").unwrap_or(0).clamp(-1000, 1000);
        let page_kb = report.page_kb.unwrap_or(4);
        let rss = rss.saturating_mul(page_kb) / 4;
        let others = ["swapents", "nr_ptes", "nr_pmds"].into_iter().filter_map(pages);
        let others = others.fold(0, u64::saturating_add).saturating_mul(page_kb) / 4;
        let tables = pages("pgtables_bytes").unwrap_or(0) / 4096;
        report.add(Row {
            // A process whose first thread is gone is listed by another one.
            pid: number("tgid").and_then(|tgid| u32::try_from(tgid).ok()).unwrap_or(pid),
            uid: number("uid").and_then(|uid| u32::try_from(uid).ok()).unwrap_or(0),
            rss: rss.min(PAGES_MAX),
            points: rss.saturating_add(others).saturating_add(tables),
            adj: i16::try_from(adj).unwrap_or(0),
            name: left.trim().to_owned(),
        });
        true
    }

    /// The columns of a table whose header is not there, from one of its rows.
    fn columns_of(&mut self, row: &str) {
        let is_begun = self.reports.last().is_some_and(|last| !last.invoker.is_empty());
        if is_begun && self.is_over() {
            return;
        }
        let numbers = row.split_whitespace().map_while(|word| word.parse::<i64>().ok());
        let numbers: Vec<i64> = numbers.collect();
        // The bytes of page tables are whole pages, their number is small.
        let is_bytes = numbers.get(4).is_some_and(|tables| *tables > 0 && tables % 4096 == 0);
        let mut kinds = COLUMNS.iter().skip(usize::from(!is_bytes));
        let Some(columns) = kinds.find(|columns| columns.len() == numbers.len()) else { return };
        if self.report().is_some() {
            self.columns = columns.iter().chain(&["name"]).map(|&name| name.to_owned()).collect();
        }
    }

    /// `Killed process …`. Of a log that was searched for `oom` that line may be missing, and who is
    /// reaped was killed.
    fn killed(&mut self, at_us: i64, text: &str) -> bool {
        let (pid, comm, is_reaped) = match said(text) {
            Some(Said::Killed { pid, comm }) => (pid, comm, false),
            Some(Said::Reaped { pid, comm, .. } | Said::Unable { pid, comm }) => (pid, comm, true),
            _ => return false,
        };
        let any_report = (pid, None)..=(pid, Some(usize::MAX));
        let is_known = self.killed_in.range(any_report).next().is_some();
        if is_reaped && is_known {
            return true;
        }
        if let Some((invoker_pid, invoker)) = triggered_by(text) {
            if is_known {
                return true;
            }
            let invoker = invoker.to_owned();
            let report =
                OomReport { invoker, invoker_pid: Some(invoker_pid), ..OomReport::default() };
            self.reports.push(report);
        }
        let size = field(text, "anon-rss").filter(|_| !is_reaped);
        let adj = field(text, "oom_score_adj").and_then(leading_number);
        self.chosen = None;
        self.of_a_group(text);
        let report = self.reports.len().checked_sub(1);
        // Its group's list names the first victim again. Without reports a pid may be another boot's.
        if self.killed_in.insert((pid, report)) || report.is_none() {
            self.kills.push(Kill {
                at_us,
                pid,
                comm: comm.to_owned(),
                anon: size.and_then(kb_pages),
                adj: adj.map(|adj| i16::try_from(adj.clamp(-1000, 1000)).unwrap_or(0)),
                report,
                together: self.reports.last().is_some_and(|last| last.dies_together.is_some()),
            });
        }
        // The table is over; lines of others in between did not end it.
        self.columns.clear();
        true
    }

    fn machine(&mut self, text: &str) -> bool {
        if let Some(rest) = text.strip_prefix("Linux version ") {
            self.release = rest.split_whitespace().next().map(str::to_owned);
        } else if let Some((_, rest)) = text.split_once("Brought up ")
            && let Some((_, cpus)) = rest.split_once(", ")
        {
            self.cpus = leading_number(cpus).and_then(|cpus| u32::try_from(cpus).ok());
        } else if let Some((_, rest)) = text
            .split_once("PID: ")
            .filter(|_| cpu_of(text).is_some())
            .or_else(|| text.split_once("Pid: ").filter(|(before, _)| before.is_empty()))
        {
            let release = rest
                .split_whitespace()
                .find(|word| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit()));
            if let Some(release) = release {
                self.release.get_or_insert_with(|| release.to_owned());
            }
            let cpu = cpu_of(text).and_then(leading_number);
            self.cpu_seen = self.cpu_seen.max(cpu.and_then(|cpu| u32::try_from(cpu).ok()));
            if let Some(report) = self.reports.last_mut() {
                let pid = leading_number(rest).and_then(|pid| u32::try_from(pid).ok());
                report.invoker_pid = report.invoker_pid.or(pid);
            }
        } else if let Some(total) = text.strip_prefix("Total swap = ") {
            if let (Some(report), Some(pages)) = (self.reports.last_mut(), kb_pages(total)) {
                report.swap = pages;
            }
        } else {
            return false;
        }
        true
    }

    /// A control group was at its limit, whose name may have been said before, or nowhere.
    fn of_a_group(&mut self, text: &str) {
        if !text.contains("emory cgroup out of memory: Kill") {
            return;
        }
        if self.reports.is_empty() {
            self.reports.push(OomReport::default());
        }
        if let Some(report) = self.reports.last_mut() {
            report.memcg.get_or_insert_default();
        }
    }

    /// Which control group is at its limit, and what that is.
    fn memcg(&mut self, at_us: i64, text: &str) -> bool {
        self.of_a_group(text);
        // Of a log that was searched for one word nothing else may be there.
        let number = self.reports.len().checked_sub(1);
        if number.is_none() {
            let is_choice = text.contains("ut of memory: Kill process ");
            let is_limit = text.contains(" killed as a result of limit of ")
                || text.starts_with("memory: usage ");
            let is_group = text.ends_with(DIES_TOGETHER) || is_limit;
            if !text.starts_with("oom-kill:") && !is_group && !is_choice {
                return false;
            }
            self.reports.push(OomReport::default());
            for kill in &mut self.kills {
                kill.report.get_or_insert(0);
            }
            self.killed_in = self.kills.iter().map(|kill| (kill.pid, kill.report)).collect();
        }
        let Some(report) = self.reports.last_mut() else { return false };
        if report.nodes.line(text) {
            return true;
        }
        if let Some((_, group)) = text.split_once(" killed as a result of limit of ") {
            // One vendor's kernel says `host` where no group is at its limit.
            report.memcg = Some(group.trim().to_owned()).filter(|group| group != "host");
        } else if let Some((_, rest)) = text.split_once("ut of memory: Kill process ") {
            // Up to 5.0 the kill has a line of its own after this.
            if let Some((pid, comm)) = chosen_to_die(rest) {
                self.choose(at_us, pid, comm);
            }
        } else if text.starts_with("oom-kill:") {
            if let Some(group) = field(text, "oom_memcg") {
                report.memcg = Some(group.to_owned());
            }
            let pid = field(text, "pid").and_then(|pid| pid.parse().ok());
            if let (Some(pid), Some(comm)) = (pid, chosen_comm(text)) {
                self.choose(at_us, pid, comm);
            }
        } else if let Some(group) =
            text.strip_suffix(DIES_TOGETHER).and_then(|text| text.strip_prefix("Tasks in "))
        {
            report.dies_together = Some(group.to_owned());
        } else if text.starts_with("memory: usage ") {
            report.limit = text
                .split(", ")
                .find_map(|part| part.trim().strip_prefix("limit "))
                .and_then(kb_pages)
                .filter(|pages| *pages < PAGES_MAX);
        } else {
            return false;
        }
        true
    }
}

/// `3 PID: 130 …` behind `CPU: `, which logcat takes for a tag and sets apart: `CPU     : `.
fn cpu_of(text: &str) -> Option<&str> {
    text.strip_prefix("CPU")?.trim_start().strip_prefix(": ")
}

/// `Triggered by PID 3297 ("ntpd"), OOM kill of …`, of bcc's and bpftrace's `oomkill`.
fn triggered_by(text: &str) -> Option<(u32, &str)> {
    let (_, rest) = text.split_once("Triggered by PID ")?;
    let (pid, rest) = rest.split_once(" (\"")?;
    Some((pid.parse().ok()?, rest.split_once("\"), OOM kill of PID ")?.0))
}

/// `1744kB` in pages.
pub(super) fn kb_pages(text: &str) -> Option<u64> {
    let kb = leading_number(text.trim())?;
    u64::try_from(kb).ok().map(|kb| (kb / 4).min(PAGES_MAX))
}

/// `task=COMM,pid=…`: a comm may hold anything.
fn chosen_comm(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(",task=")?;
    Some(rest.rsplit_once(",pid=")?.0)
}

/// `991 (build) score 504 or sacrifice child`, or no score.
fn chosen_to_die(text: &str) -> Option<(u32, &str)> {
    let (pid, rest) = text.split_once(" (")?;
    let end = rest.rfind(") score ").or_else(|| rest.rfind(')'))?;
    Some((pid.parse().ok()?, rest.get(..end)?))
}

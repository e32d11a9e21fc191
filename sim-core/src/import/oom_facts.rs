//! What the OOM killer's reports say, as plain data: zones, rows of the table of tasks, who was
//! killed. Reading the lines is `oom_report.rs`'s.

use std::collections::BTreeMap;

use super::constraint::Nodes;

/// Sizes beyond this many pages (1 TiB) are taken for damage.
pub(super) const PAGES_MAX: u64 = 1 << 28;

/// A zone as a report shows it, in pages.
#[derive(Clone, Debug, Default)]
pub(super) struct ZoneSeen {
    pub(super) name: String,
    /// Kernels without NUMA don't name it.
    pub(super) node: Option<u32>,
    pub(super) free: u64,
    pub(super) min: u64,
    pub(super) low: u64,
    pub(super) high: u64,
    pub(super) managed: u64,
    pub(super) reserve: u64,
}

/// A row of the table of tasks.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) pid: u32,
    pub(super) uid: u32,
    pub(super) rss: u64,
    /// Pages by which the killer would choose: what is swapped out and page tables, too.
    pub(super) points: u64,
    pub(super) adj: i16,
    pub(super) name: String,
}

/// A line `Killed process …`.
#[derive(Clone, Debug)]
pub(super) struct Kill {
    pub(super) at_us: i64,
    pub(super) pid: u32,
    pub(super) comm: String,
    pub(super) anon: Option<u64>,
    pub(super) adj: Option<i16>,
    /// The report it stands in.
    pub(super) report: Option<usize>,
    /// Whether it dies because its whole control group does.
    pub(super) together: bool,
}

/// One report.
#[derive(Clone, Debug, Default)]
pub(super) struct OomReport {
    /// `comm` of who invoked the killer.
    pub(super) invoker: String,
    pub(super) invoker_pid: Option<u32>,
    /// `oom_score_adj` of the same.
    pub(super) invoker_adj: i16,
    pub(super) order: u8,
    /// Whether somebody asked for it (SysRq f, drivers/tty/sysrq.c: `moom_callback()`, an order of -1).
    pub(super) by_hand: bool,
    pub(super) zones: Vec<ZoneSeen>,
    pub(super) rows: Vec<Row>,
    /// The first row of each pid.
    pub(super) by_pid: BTreeMap<u32, usize>,
    pub(super) swap: u64,
    /// The control group that is at its limit.
    pub(super) memcg: Option<String>,
    /// Its limit, in pages.
    pub(super) limit: Option<u64>,
    /// The control group that is killed as a whole (`memory.oom.group`).
    pub(super) dies_together: Option<String>,
    /// Kilobytes of a page, from the first list of free blocks.
    pub(super) page_kb: Option<u64>,
    pub(super) nodes: Nodes,
}

impl Kill {
    /// Of which no more is told.
    pub(super) fn of(at_us: i64, pid: u32, comm: &str) -> Self {
        let comm = comm.to_owned();
        Self { at_us, pid, comm, anon: None, adj: None, report: None, together: false }
    }
}

impl OomReport {
    /// Adds a row of the table.
    pub(super) fn add(&mut self, row: Row) {
        self.by_pid.entry(row.pid).or_insert(self.rows.len());
        self.rows.push(row);
    }

    /// A process's row.
    pub(super) fn row(&self, pid: u32) -> Option<&Row> {
        self.rows.get(*self.by_pid.get(&pid)?)
    }

    /// `13*4kB (UE) 12*8kB …`: the smallest block is a page. What was read in pages before is in
    /// pages of this size.
    pub(super) fn blocks(&mut self, values: &str) -> bool {
        let first = values.split_once('*').and_then(|(_, rest)| rest.split_once("kB"));
        let Some(kb) = first.and_then(|(kb, _)| kb.parse::<u64>().ok()) else { return false };
        if self.page_kb.is_none() && kb.is_power_of_two() && (4..=256).contains(&kb) {
            self.page_kb = Some(kb);
            for zone in &mut self.zones {
                zone.reserve = (zone.reserve * kb / 4).min(PAGES_MAX);
            }
        }
        true
    }
}

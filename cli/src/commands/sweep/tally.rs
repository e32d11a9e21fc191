//! What a finished sweep comes to, in a few lines: of each cell, how often
//! each verdict. Quantiles, pairs and plots are for `compare`, `review`
//! and whoever reads the rows.

use std::collections::BTreeMap;
use std::path::Path;

use sim_core::experiment::{Proportion, values_text};

use super::row::Row;
use super::table::{Columns, Value};
use crate::error::tell;

/// Most cells that are told; more fill a screen and more.
const CELLS_TOLD: usize = 20;

/// Counts the rows of a sweep, one after another.
pub(in crate::commands) struct Tally {
    verdict: usize,
    /// Where a row says which kernel and policy it is of.
    names: [usize; 2],
    /// Where, and of which path, it says the values.
    values: Vec<(usize, String)>,
    /// Verdicts of each cell, by its name.
    cells: Vec<(String, BTreeMap<String, u64>)>,
}

impl Tally {
    /// Of rows with these columns.
    pub(in crate::commands) fn new(columns: &Columns) -> Self {
        let varied = columns.position("seed") + 1..columns.position("model");
        Self {
            verdict: columns.position("verdict"),
            names: ["kernel", "policy"].map(|name| columns.position(name)),
            values: varied.map(|place| (place, columns.0[place].name.clone())).collect(),
            cells: Vec::new(),
        }
    }

    /// Counts one row more. Those of a cell come one after another.
    pub(in crate::commands) fn add(&mut self, row: &Row) {
        let text = |column: usize| match row.get(column) {
            Some(Value::Text(text)) => text.as_str(),
            _ => "",
        };
        let values = values_text(self.values.iter().map(|(at, path)| (path.as_str(), text(*at))));
        let name = format!("{} {} {values}", text(self.names[0]), text(self.names[1]));
        let name = name.trim_end();
        if self.cells.last().is_none_or(|(last, _)| last != name) {
            self.cells.push((name.to_owned(), BTreeMap::new()));
        }
        if let Some((_, verdicts)) = self.cells.last_mut() {
            *verdicts.entry(text(self.verdict).to_owned()).or_default() += 1;
        }
    }

    /// Says on stderr how many rows went to a file, and what they come to.
    pub(in crate::commands) fn tell(&self, out: &Path) {
        let counts = self.cells.iter().flat_map(|(_, verdicts)| verdicts.values());
        tell(&format!("{} runs in {}", counts.sum::<u64>(), out.display()));
        self.lines().iter().for_each(|line| tell(line));
    }

    /// The lines: a cell's name, and under it its verdicts, with intervals.
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, verdicts) in self.cells.iter().take(CELLS_TOLD) {
            lines.push(name.clone());
            let of = verdicts.values().sum();
            for (verdict, &count) in verdicts {
                lines.push(format!("  {verdict:<14}  {}", Proportion { count, of }.text()));
            }
        }
        let rest = self.cells.len().saturating_sub(CELLS_TOLD);
        if rest > 0 {
            lines.push(format!("and {rest} combinations more, which the rows tell"));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::super::row;
    use super::super::table::Column;
    use super::*;

    #[test]
    fn verdicts_are_counted_by_combination() {
        let columns = row::columns([Column::text("machine.cpus")].into_iter());
        let row = |cpus: &str, verdict: &str| {
            let mut row: Row = columns.0.iter().map(|_| Value::Null).collect();
            let texts = [
                ("kernel", "6.1"),
                ("policy", "nonblock"),
                ("machine.cpus", cpus),
                ("verdict", verdict),
            ];
            for (name, text) in texts {
                row[columns.position(name)] = Value::Text(text.to_owned());
            }
            row
        };
        let mut tally = Tally::new(&columns);
        for (cpus, verdict) in [("1", "panic"), ("1", "recovered"), ("1", "panic"), ("2", "panic")]
        {
            tally.add(&row(cpus, verdict));
        }
        assert_eq!(
            tally.lines(),
            [
                "6.1 nonblock machine.cpus=1",
                "  panic           2 of 3 (66.7 %, 95 % interval 20.8 to 93.9 %)",
                "  recovered       1 of 3 (33.3 %, 95 % interval 6.1 to 79.2 %)",
                "6.1 nonblock machine.cpus=2",
                "  panic           1 of 1 (100.0 %, 95 % interval 20.7 to 100.0 %)",
            ]
        );
        for cpus in 3..40 {
            tally.add(&row(&cpus.to_string(), "panic"));
        }
        assert_eq!(tally.lines().len(), 1 + 2 + 2 * (CELLS_TOLD - 1) + 1);
    }
}

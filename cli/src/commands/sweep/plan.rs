//! What a sweep consists of: which runs, in which order.
//!
//! A cell is one kernel, one choice of values and one policy. Cells come
//! in that order, the policy varying fastest; the runs of a cell in the
//! order of their seeds. A run's number is its place in the whole sweep,
//! so shards are stretches of numbers.

use std::ops::Range;
use std::sync::Arc;

use sim_core::base::{Digest, RollingDigest};
use sim_core::experiment::{Grid, combinations, refuse_twice, values_of};
use sim_core::record::{Keep, MODEL_VERSION};
use sim_core::scenario::{Simulation, TieOrder};

use super::row;
use super::table::{Column, Columns};
use crate::args::{ChoiceArgs, SweepArgs, VariantArgs};
use crate::choice::Choice;
use crate::error::Error;
use crate::link;

/// Most cells: each holds a scenario.
const CELLS_MAX: usize = 10_000;

/// The key under which a file says how many runs the whole sweep has.
pub(in crate::commands) const RUNS_KEY: &str = "reaperscope.runs";

/// One kernel, one choice of values, one policy.
pub(super) struct Cell {
    /// As the first seed's.
    pub(super) choice: Arc<Choice>,
    /// The value of each varied path.
    pub(super) values: Vec<String>,
}

/// All runs of a sweep, and which of them are this shard's.
pub(super) struct Plan {
    cells: Vec<Cell>,
    seeds: Range<u64>,
    /// Runs of all shards together.
    total: u64,
    shard: Range<u64>,
    columns: Columns,
}

impl Plan {
    /// What was typed; everything that could be refused is refused now.
    pub(super) fn of(args: &SweepArgs) -> Result<Self, Error> {
        let grid: Grid =
            args.sets.iter().map(|(path, values)| (path.clone(), values_of(values))).collect();
        refuse_twice(&args.policy, &args.kernel, &grid).map_err(Error::bad_input)?;
        let mut cells = Vec::new();
        for kernel in each(&args.kernel) {
            for values in combinations(&grid, CELLS_MAX + 1) {
                for policy in each(&args.policy) {
                    if cells.len() == CELLS_MAX {
                        let line = format!("more than {CELLS_MAX} kernels × values × policies");
                        return Err(Error::bad_input(line));
                    }
                    cells.push(cell(args, kernel.clone(), &values, policy)?);
                }
            }
        }
        let count = args.seeds.end - args.seeds.start;
        let total = u64::try_from(cells.len()).ok().and_then(|cells| cells.checked_mul(count));
        let total = total.ok_or_else(|| Error::bad_input("too many runs to count"))?;
        let shard = match args.shard {
            None => 0..total,
            Some(shard) => {
                part(total, shard.index, shard.count)..part(total, shard.index + 1, shard.count)
            }
        };
        let columns = row::columns(grid.iter().map(|(path, _)| Column::text(path)));
        Ok(Self { cells, seeds: args.seeds.clone(), total, shard, columns })
    }

    /// Number of the first run of this shard.
    pub(super) fn first(&self) -> u64 {
        self.shard.start
    }

    /// One past the number of its last run.
    pub(super) fn end(&self) -> u64 {
        self.shard.end
    }

    /// How many there are.
    pub(super) fn runs(&self) -> u64 {
        self.shard.end - self.shard.start
    }

    /// The cell and the seed of a run.
    pub(super) fn run(&self, number: u64) -> (&Cell, u64) {
        let seeds = self.seeds.end - self.seeds.start;
        let index = usize::try_from(number / seeds).expect("invariant: a run is of a cell");
        (&self.cells[index], self.seeds.start + number % seeds)
    }

    /// The link of a run.
    pub(super) fn link(&self, number: u64) -> String {
        let (cell, seed) = self.run(number);
        link::of(&Choice { seed, view: None, ..(*cell.choice).clone() }, None)
    }

    /// The columns of a row.
    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// What the result says of itself besides its rows: enough to make it
    /// again. The same for all shards.
    pub(super) fn about(&self) -> Vec<(String, String)> {
        let first = &self.cells[0].choice;
        let scenario = first.text.clone().unwrap_or_else(|| first.scenario.id.clone());
        [
            ("reaperscope.rows", "1".to_owned()),
            ("reaperscope.model", MODEL_VERSION.to_string()),
            ("reaperscope.scenario", scenario),
            (RUNS_KEY, self.total.to_string()),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .to_vec()
    }

    /// Differs if any run of it could.
    pub(super) fn fingerprint(&self) -> Digest {
        let mut digest = RollingDigest::default();
        feed(&mut digest, &format!("{:?} {:?} {:?}", self.about(), self.seeds, self.shard));
        for cell in &self.cells {
            let Choice { kernel, policy, ties, checks, sets, scenario, .. } = &*cell.choice;
            feed(
                &mut digest,
                &format!("{kernel:?} {policy:?} {ties:?} {checks:?} {sets:?} {scenario:?}"),
            );
        }
        digest.finish()
    }
}

/// The digest of a text.
pub(in crate::commands) fn digest_of_text(text: &str) -> Digest {
    let mut digest = RollingDigest::default();
    feed(&mut digest, text);
    digest.finish()
}

/// A text with its length.
fn feed(digest: &mut RollingDigest, text: &str) {
    digest.feed(&[u64::try_from(text.len()).unwrap_or(u64::MAX)]);
    let words = text.as_bytes().chunks(8).map(|bytes| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_le_bytes(word)
    });
    digest.feed(&words.collect::<Vec<_>>());
}

fn cell(
    args: &SweepArgs,
    kernel: Option<String>,
    values: &[(String, String)],
    policy: Option<String>,
) -> Result<Cell, Error> {
    let choice = Choice::of(&ChoiceArgs {
        scenario: args.scenario.clone(),
        seed: Some(args.seeds.start),
        variant: VariantArgs { kernel, policy, ties: args.ties, sets: values.to_vec() },
        checks: args.checks.clone(),
        forks: Vec::new(),
        reseeds: Vec::new(),
    })?;
    // Refuses a profile or a policy that there is not.
    Simulation::new(&choice.scenario, &choice.options(Keep::DigestOnly))
        .map_err(Error::bad_input)?;
    Ok(Cell {
        choice: Arc::new(choice),
        values: values.iter().map(|(_, value)| value.clone()).collect(),
    })
}

/// Where part `index` of `count` begins.
fn part(total: u64, index: u64, count: u64) -> u64 {
    let at = u128::from(total) * u128::from(index) / u128::from(count);
    u64::try_from(at).expect("invariant: a part is less than the whole")
}

/// Each of them, or once none.
fn each(chosen: &[String]) -> Vec<Option<String>> {
    if chosen.is_empty() { vec![None] } else { chosen.iter().cloned().map(Some).collect() }
}

/// How ties are named.
pub(super) fn ties_id(ties: TieOrder) -> &'static str {
    match ties {
        TieOrder::Fifo => "fifo",
        TieOrder::Seeded => "seeded",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_make_the_whole() {
        let cuts: Vec<u64> = (0..=7).map(|index| part(100, index, 7)).collect();
        assert_eq!((cuts[0], cuts[7]), (0, 100));
        assert!(cuts.windows(2).all(|cut| (14..=15).contains(&(cut[1] - cut[0]))));
    }
}

//! The comparison for scripts: one object. Times are in ns, sizes in
//! pages; `null` stands where a thing never happened.

use serde::Serialize;
use sim_core::analysis::{Said, Verdict};
use sim_core::experiment::{
    FREED, LONGEST_WAIT, Outcome, Paired, PairedShares, Proportion, Quantity, RECOVERY, Sample,
    ShareDifference, mean, shares_of_verdicts,
};
use sim_core::record::MODEL_VERSION;

use super::{Comparison, Row};
use crate::error::Error;

#[derive(Serialize)]
struct JsonComparison<'c> {
    scenario: &'c str,
    model: u32,
    seed: u64,
    seeds: Option<[u64; 2]>,
    rows: Vec<JsonRow<'c>>,
    links: &'c [String],
}

#[derive(Serialize)]
struct JsonRow<'c> {
    #[serde(flatten)]
    outcome: JsonOutcome<'c>,
    danger_text: Option<&'c str>,
    reports: Vec<JsonReport<'c>>,
    parts: Option<JsonParting<'c>>,
    over_seeds: Option<JsonSeeds>,
    /// Pairs of one seed with the first row; none for that row itself.
    against_first: Option<JsonPairs>,
}

#[derive(Serialize)]
struct JsonOutcome<'c> {
    kernel: &'c str,
    policy: &'c str,
    /// What was set for this row and not for all.
    #[serde(skip_serializing_if = "str::is_empty")]
    values: &'c str,
    digest: String,
    verdict: &'static str,
    flags: &'c [&'static str],
    victims: u64,
    reaped_pages: u64,
    freed_by_reaper_pages: u64,
    freed_pages: u64,
    attempts: u64,
    refusals: u64,
    log: Option<&'static str>,
    next_victim_after_ns: Option<u64>,
    oom_to_recovery_ns: Option<u64>,
    longest_wait: Option<JsonWait<'c>>,
    danger: &'static str,
    lockdep_warned: Option<bool>,
}

/// Who waited longest for a page.
#[derive(Serialize)]
struct JsonWait<'c> {
    task: &'c str,
    ns: u64,
}

#[derive(Serialize)]
struct JsonReport<'c> {
    t_ns: u64,
    text: &'c str,
}

#[derive(Serialize)]
struct JsonParting<'c> {
    record: usize,
    text: &'c str,
}

#[derive(Serialize)]
struct JsonSeeds {
    verdicts: Vec<JsonShare>,
    dangers: Vec<JsonShare>,
    oom_to_recovery_ns: JsonSample,
    longest_wait_ns: JsonSample,
    freed_by_reaper_pages: JsonSample,
}

#[derive(Serialize)]
struct JsonShare {
    id: &'static str,
    count: u64,
    of: u64,
    low: f64,
    high: f64,
}

/// Quantiles, each with the bounds of its 95 % interval.
#[derive(Serialize)]
struct JsonSample {
    count: usize,
    p5: Option<u64>,
    p5_bounds: [Option<u64>; 2],
    p50: Option<u64>,
    p50_bounds: [Option<u64>; 2],
    p95: Option<u64>,
    p95_bounds: [Option<u64>; 2],
}

#[derive(Serialize)]
struct JsonPairs {
    verdicts: Vec<JsonShareDifference>,
    oom_to_recovery_ns: JsonDifference,
    longest_wait_ns: JsonDifference,
    freed_by_reaper_pages: JsonDifference,
}

/// This row's share minus the first's.
#[derive(Serialize)]
struct JsonShareDifference {
    id: &'static str,
    difference: f64,
    low: f64,
    high: f64,
    both: u64,
    only_first: u64,
    only_this: u64,
    neither: u64,
}

/// This row's number minus the first's.
#[derive(Serialize)]
struct JsonDifference {
    median: Option<i64>,
    median_bounds: [Option<i64>; 2],
    mean: Option<i64>,
    mean_bounds: Option<[i64; 2]>,
    smaller: u64,
    equal: u64,
    larger: u64,
    unpaired: u64,
}

/// The object, with a line break at its end.
pub(crate) fn json(comparison: &Comparison) -> Result<String, Error> {
    let object = JsonComparison {
        scenario: &comparison.scenario,
        model: MODEL_VERSION,
        seed: comparison.seed,
        seeds: comparison.seeds.as_ref().map(|seeds| [seeds.start, seeds.end]),
        rows: comparison
            .rows
            .iter()
            .enumerate()
            .map(|(at, one)| row(one, comparison.rows.first().filter(|_| at > 0)))
            .collect(),
        links: &comparison.links,
    };
    let mut text = serde_json::to_string_pretty(&object)
        .map_err(|error| Error::Io { doing: "writing JSON".to_owned(), error: error.into() })?;
    text.push('\n');
    Ok(text)
}

fn row<'c>(row: &'c Row, first: Option<&Row>) -> JsonRow<'c> {
    let of = &row.outcome;
    JsonRow {
        outcome: JsonOutcome {
            kernel: &of.kernel,
            policy: &of.policy,
            values: &row.values,
            digest: of.digest.to_string(),
            verdict: of.verdict.id(),
            flags: &of.flags,
            victims: of.victims,
            reaped_pages: of.reaped_pages,
            freed_by_reaper_pages: of.freed_by_reaper,
            freed_pages: of.freed_pages,
            attempts: of.attempts,
            refusals: of.refusals,
            log: of.said.map(Said::text),
            next_victim_after_ns: of.next_victim_after,
            oom_to_recovery_ns: of.recovery,
            longest_wait: of.longest_wait.as_ref().map(|(task, ns)| JsonWait { task, ns: *ns }),
            danger: of.danger.id(),
            lockdep_warned: of.lockdep,
        },
        danger_text: row.danger.as_deref(),
        reports: row
            .said
            .iter()
            .map(|said| JsonReport { t_ns: said.at.0, text: &said.text })
            .collect(),
        parts: row.parts.as_ref().map(|(record, text)| JsonParting { record: *record, text }),
        over_seeds: (!row.seeds.is_empty()).then(|| seeds(&row.seeds)),
        against_first: first
            .filter(|first| !first.seeds.is_empty())
            .map(|first| pairs(&first.seeds, &row.seeds)),
    }
}

fn seeds(outcomes: &[Outcome]) -> JsonSeeds {
    JsonSeeds {
        verdicts: shares(outcomes, |outcome| outcome.verdict.id()),
        dangers: shares(outcomes, |outcome| outcome.danger.id()),
        oom_to_recovery_ns: sample(outcomes.iter().filter_map(RECOVERY.of)),
        longest_wait_ns: sample(outcomes.iter().filter_map(LONGEST_WAIT.of)),
        freed_by_reaper_pages: sample(outcomes.iter().map(|outcome| outcome.freed_by_reaper)),
    }
}

fn shares(outcomes: &[Outcome], id: impl Fn(&Outcome) -> &'static str) -> Vec<JsonShare> {
    let mut ids: Vec<_> = outcomes.iter().map(&id).collect();
    ids.sort_unstable();
    ids.dedup();
    let share = |one: &'static str| {
        let share = Proportion::of(outcomes, |outcome| id(outcome) == one);
        let interval = share.wilson();
        let (low, high) = (interval.low, interval.high);
        JsonShare { id: one, count: share.count, of: share.of, low, high }
    };
    ids.into_iter().map(share).collect()
}

fn sample(numbers: impl Iterator<Item = u64>) -> JsonSample {
    let sample = Sample::new(numbers);
    let quantile = |percent| {
        let (low, high) = sample.bounds(percent);
        (sample.percentile(percent), [low, high])
    };
    let [fifth, median, ninety_fifth] = [5, 50, 95].map(quantile);
    JsonSample {
        count: sample.len(),
        p5: fifth.0,
        p5_bounds: fifth.1,
        p50: median.0,
        p50_bounds: median.1,
        p95: ninety_fifth.0,
        p95_bounds: ninety_fifth.1,
    }
}

fn pairs(first: &[Outcome], these: &[Outcome]) -> JsonPairs {
    let share = |(verdict, shares): (Verdict, PairedShares)| {
        let ShareDifference { difference, low, high } = shares.difference()?;
        let PairedShares { both, only_first, only_second: only_this, neither } = shares;
        let id = verdict.id();
        Some(JsonShareDifference {
            id,
            difference,
            low,
            high,
            both,
            only_first,
            only_this,
            neither,
        })
    };
    let paired = |quantity: &Quantity| {
        let both = first.iter().zip(these);
        difference(&Paired::new(both.map(|(a, b)| ((quantity.of)(a), (quantity.of)(b)))))
    };
    JsonPairs {
        verdicts: shares_of_verdicts(first, these).into_iter().filter_map(share).collect(),
        oom_to_recovery_ns: paired(&RECOVERY),
        longest_wait_ns: paired(&LONGEST_WAIT),
        freed_by_reaper_pages: paired(&FREED),
    }
}

fn difference(paired: &Paired) -> JsonDifference {
    let (low, high) = paired.differences.bounds(50);
    let mean = mean(paired.differences.sorted());
    JsonDifference {
        median: paired.differences.percentile(50),
        median_bounds: [low, high],
        mean: mean.map(|mean| mean.mean),
        mean_bounds: mean.and_then(|mean| mean.bounds).map(|(low, high)| [low, high]),
        smaller: paired.smaller,
        equal: paired.equal,
        larger: paired.larger,
        unpaired: paired.unpaired,
    }
}

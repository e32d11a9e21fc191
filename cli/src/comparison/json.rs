//! The comparison for scripts: one object. Times are in ns, sizes in
//! pages; `null` stands where a thing never happened.

use serde::Serialize;
use sim_core::analysis::Said;
use sim_core::experiment::{Outcome, Proportion, Sample};
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
    parts: Option<JsonParting<'c>>,
    over_seeds: Option<JsonSeeds>,
}

#[derive(Serialize)]
struct JsonOutcome<'c> {
    kernel: &'c str,
    policy: &'c str,
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
    danger: &'static str,
    lockdep_warned: Option<bool>,
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

#[derive(Serialize)]
struct JsonSample {
    count: usize,
    p5: Option<u64>,
    p50: Option<u64>,
    p95: Option<u64>,
}

/// The object, with a line break at its end.
pub(crate) fn json(comparison: &Comparison) -> Result<String, Error> {
    let object = JsonComparison {
        scenario: &comparison.scenario,
        model: MODEL_VERSION,
        seed: comparison.seed,
        seeds: comparison.seeds.as_ref().map(|seeds| [seeds.start, seeds.end]),
        rows: comparison.rows.iter().map(row).collect(),
        links: &comparison.links,
    };
    let mut text = serde_json::to_string_pretty(&object)
        .map_err(|error| Error::Io { doing: "writing JSON".to_owned(), error: error.into() })?;
    text.push('\n');
    Ok(text)
}

fn row(row: &Row) -> JsonRow<'_> {
    let of = &row.outcome;
    JsonRow {
        outcome: JsonOutcome {
            kernel: &of.kernel,
            policy: &of.policy,
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
            danger: of.danger.id(),
            lockdep_warned: of.lockdep,
        },
        danger_text: row.danger.as_deref(),
        parts: row.parts.as_ref().map(|(record, text)| JsonParting { record: *record, text }),
        over_seeds: (!row.seeds.is_empty()).then(|| seeds(&row.seeds)),
    }
}

fn seeds(outcomes: &[Outcome]) -> JsonSeeds {
    JsonSeeds {
        verdicts: shares(outcomes, |outcome| outcome.verdict.id()),
        dangers: shares(outcomes, |outcome| outcome.danger.id()),
        oom_to_recovery_ns: sample(outcomes.iter().filter_map(|outcome| outcome.recovery)),
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
    let [p5, p50, p95] = [5, 50, 95].map(|percent| sample.percentile(percent));
    JsonSample { count: sample.len(), p5, p50, p95 }
}

//! Distributions over seeds, and differences in pairs of one seed. Nothing
//! stands without its interval.

use super::Case;
use crate::analysis::{Verdict, size_text, span_text};
use crate::base::Nanos;
use crate::experiment::{Outcome, Paired, PairedShares, Proportion, Sample, mean};
use crate::export::document::Block;

/// `31.2 % (27.4 to 35.3 %)`.
pub fn share_text(share: Proportion) -> String {
    let interval = share.wilson();
    let [share, low, high] = [share.share(), interval.low, interval.high].map(|p| 100.0 * p);
    let digits = if high < 1.0 { 3 } else { 1 };
    format!("{share:.digits$} % ({low:.digits$} to {high:.digits$} %)")
}

/// A thing that is told of every outcome.
pub struct Quantity {
    /// What it is.
    pub name: &'static str,
    /// `None`: it never came to that.
    pub of: fn(&Outcome) -> Option<u64>,
    /// In words.
    pub text: fn(u64) -> String,
    /// A mean in words, of so many hundredths.
    pub mean: fn(u64) -> String,
}

fn time(ns: u64) -> String {
    span_text(Nanos(ns))
}

/// Most means of counts lie between two numbers.
fn count_mean(hundredths: u64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

/// From the first kill on.
pub const RECOVERY: Quantity = Quantity {
    name: "time to recovery",
    of: |outcome| outcome.recovered_after(),
    text: time,
    mean: |hundredths| time(hundredths / 100),
};

/// The longest that one request waited for a page, before recovery or after.
pub const LONGEST_WAIT: Quantity = Quantity {
    name: "longest wait",
    of: |outcome| Some(outcome.longest_wait.as_ref().map_or(0, |wait| wait.1)),
    text: time,
    mean: |hundredths| time(hundredths / 100),
};

/// Who waited longest for a page and how long: `presser 1.89 s`.
pub fn longest_wait_text(outcome: &Outcome) -> String {
    let wait = outcome.longest_wait.as_ref();
    wait.map_or_else(|| "none".to_owned(), |(who, lasted)| format!("{who} {}", time(*lasted)))
}

/// What victims gave back because of the reaper.
pub const FREED: Quantity = Quantity {
    name: "freed by the reaper",
    of: |outcome| Some(outcome.freed_by_reaper),
    text: size_text,
    mean: |hundredths| size_text(hundredths / 100),
};

/// What distributions are shown of.
pub const QUANTITIES: [Quantity; 6] = [
    RECOVERY,
    LONGEST_WAIT,
    Quantity {
        name: "next victim after",
        of: |outcome| outcome.next_victim_after,
        text: time,
        mean: |hundredths| time(hundredths / 100),
    },
    FREED,
    Quantity {
        name: "attempts of the reaper",
        of: |outcome| Some(outcome.attempts),
        text: |number| number.to_string(),
        mean: count_mean,
    },
    Quantity {
        name: "victims",
        of: |outcome| Some(outcome.victims),
        text: |number| number.to_string(),
        mean: count_mean,
    },
];

/// How the runs that are shown went on from the first kill.
pub(super) fn shown(cases: &[(String, &Case)]) -> Block {
    let head =
        ["kernel, policy", "freed by the reaper", "next victim", "recovered", "longest wait"];
    let row = |(name, case): &(String, &Case)| {
        let outcome = &case.shown.outcome;
        let after =
            |ns: Option<u64>| ns.map_or_else(|| "never".to_owned(), |ns| format!("+{}", time(ns)));
        let if_killed = |text: String| if outcome.victims > 0 { text } else { "-".to_owned() };
        vec![
            name.clone(),
            if_killed(size_text(outcome.freed_by_reaper)),
            if_killed(after(outcome.next_victim_after)),
            if_killed(after(outcome.recovery)),
            longest_wait_text(outcome),
        ]
    };
    Block::Table(head.map(str::to_owned).to_vec(), cases.iter().map(row).collect())
}

/// The tables, where there are seeds.
pub(super) fn blocks(cases: &[(String, &Case)]) -> Vec<Block> {
    let [(against, first), others @ ..] = cases else { return Vec::new() };
    if first.outcomes.is_empty() {
        return Vec::new();
    }
    if cases.iter().all(|(_, case)| is_one_run(case)) {
        let count = first.outcomes.len();
        return vec![Block::Text(format!(
            "Nothing in this scenario is random: its {count} seeds make one and the same run under \
             each policy. The intervals above are those of {count} draws; here they say no more \
             than that run."
        ))];
    }
    let head = ["kernel, policy", "what", "seeds", "5 of 100", "median", "95 of 100"];
    let rows = cases.iter().flat_map(|(name, case)| {
        QUANTITIES.iter().filter_map(|quantity| {
            let sample = Sample::new(case.outcomes.iter().filter_map(quantity.of));
            let cell = |percent| quantile_text(&sample, percent, quantity.text);
            let of = format!("{} of {}", sample.len(), case.outcomes.len());
            let cells = match same_text(sample.sorted(), quantity.text) {
                Some(text) => [String::new(), format!("{text} in each"), String::new()],
                None => [cell(5)?, cell(50)?, cell(95)?],
            };
            let row = [name.clone(), quantity.name.to_owned(), of].into_iter().chain(cells);
            Some(row.collect::<Vec<_>>())
        })
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let is_open = rows.iter().flatten().any(|cell| cell.contains('?'));
    let mut blocks = vec![
        Block::Heading(3, "Distributions over seeds".to_owned()),
        Block::Table(head.map(str::to_owned).to_vec(), rows),
    ];
    if is_open {
        let text = "A question mark: too few seeds to bound it on that side.";
        blocks.push(Block::Text(text.to_owned()));
    }
    if !others.is_empty() {
        blocks.push(Block::Heading(3, format!("Pairs of one seed, against {against}")));
        blocks.push(pairs(first, others));
    }
    blocks
}

/// Whether several seeds made the same run.
pub(super) fn is_one_run(case: &Case) -> bool {
    let [first, others @ ..] = case.outcomes.as_slice() else { return false };
    !others.is_empty() && others.iter().all(|other| other.digest == first.digest)
}

/// The verdicts that one of two policies shows under some seed, and in which pairs. Of two verdicts the
/// other's difference is the same with its sign turned, so the worse one is told alone.
pub fn shares_of_verdicts(first: &[Outcome], second: &[Outcome]) -> Vec<(Verdict, PairedShares)> {
    let shares = |verdict| {
        let is = |outcome: &Outcome| outcome.verdict == verdict;
        PairedShares::of(first.iter().zip(second).map(|(a, b)| (is(a), is(b))))
    };
    let all = Verdict::ALL.into_iter().map(|verdict| (verdict, shares(verdict)));
    let is_shown = |(_, shares): &(Verdict, PairedShares)| {
        shares.both + shares.only_first + shares.only_second > 0
    };
    let mut shown: Vec<_> = all.filter(is_shown).collect();
    if let [_, _] = shown.as_slice() {
        shown.truncate(1);
    }
    shown
}

/// `-12.5 points (-20.1 to -4.0)`.
pub fn share_difference_text(shares: PairedShares) -> Option<String> {
    let found = shares.difference()?;
    let [difference, low, high] =
        [found.difference, found.low, found.high].map(|share| 100.0 * share);
    Some(format!("{difference:+.1} points ({low:+.1} to {high:+.1})"))
}

/// `1.2 s (1.1 to 1.3 s)`; a dash where there are too few to say.
pub fn quantile_text(
    sample: &Sample<u64>,
    percent: usize,
    text: fn(u64) -> String,
) -> Option<String> {
    let value = sample.percentile(percent)?;
    let (low, high) = sample.bounds(percent);
    let bound = |bound: Option<u64>| bound.map_or_else(|| "?".to_owned(), text);
    Some(format!("{} ({} to {})", text(value), bound(low), bound(high)))
}

fn pairs(first: &Case, others: &[(String, &Case)]) -> Block {
    let head = ["kernel, policy", "what", "difference", "smaller, equal, larger"];
    let mut rows = Vec::new();
    for (name, case) in others {
        for (verdict, shares) in shares_of_verdicts(&first.outcomes, &case.outcomes) {
            let Some(text) = share_difference_text(shares) else { continue };
            rows.push(vec![
                name.clone(),
                format!("share of {}", verdict.id()),
                text,
                format!(
                    "{}, {}, {}",
                    shares.only_first,
                    shares.both + shares.neither,
                    shares.only_second
                ),
            ]);
        }
        for quantity in &QUANTITIES {
            let both = first.outcomes.iter().zip(&case.outcomes);
            let paired = Paired::new(both.map(|(a, b)| ((quantity.of)(a), (quantity.of)(b))));
            let Some(text) = quantity.difference_text(&paired) else { continue };
            let counts = format!("{}, {}, {}", paired.smaller, paired.equal, paired.larger);
            let counts = match paired.unpaired {
                0 => counts,
                one => format!("{counts}; only one has it: {one}"),
            };
            rows.push(vec![name.clone(), quantity.name.to_owned(), text, counts]);
        }
    }
    Block::Table(head.map(str::to_owned).to_vec(), rows)
}

/// What all of several numbers read, if it is one and the same.
fn same_text<T: Copy>(sorted: &[T], text: impl Fn(T) -> String) -> Option<String> {
    let [first, .., last] = sorted else { return None };
    let (first, last) = (text(*first), text(*last));
    (first == last).then_some(first)
}

impl Quantity {
    /// `-1.2 s in the median pair (-1.3 to -1.1 s), -1.2 s on average (…)`, or `none in any pair`.
    pub fn difference_text(&self, paired: &Paired) -> Option<String> {
        let sorted = paired.differences.sorted();
        let median = paired.differences.percentile(50)?;
        let (low, high) = paired.differences.bounds(50);
        let signed = |number: i64| signed_text(number, self.text);
        if sorted.iter().all(|difference| *difference == 0) {
            return Some("none in any pair".to_owned());
        }
        if let Some(same) = same_text(sorted, signed) {
            return Some(format!("{same} in every pair"));
        }
        let bound = |bound: Option<i64>| bound.map_or_else(|| "?".to_owned(), signed);
        let said =
            format!("{} in the median pair ({} to {})", signed(median), bound(low), bound(high));
        let hundredths: Vec<i64> = sorted.iter().map(|number| number.saturating_mul(100)).collect();
        let mean = mean(&hundredths);
        let Some((mean, (low, high))) = mean.and_then(|mean| Some((mean.mean, mean.bounds?)))
        else {
            return Some(said);
        };
        let [mean, low, high] = [mean, low, high].map(|number| signed_text(number, self.mean));
        Some(format!("{said}, {mean} on average ({low} to {high})"))
    }
}

/// `-1.2 s`, `±0 ns`.
fn signed_text(number: i64, text: impl Fn(u64) -> String) -> String {
    let sign = match number {
        ..0 => "-",
        0 => "±",
        1.. => "+",
    };
    format!("{sign}{}", text(number.unsigned_abs()))
}

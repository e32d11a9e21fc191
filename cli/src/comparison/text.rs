//! The comparison for people: a table, where the runs part, and shares over seeds.

use std::fmt::{self, Write as _};

use sim_core::analysis::{Said, count_text, size_text, span_text, time_text};
use sim_core::base::Nanos;
use sim_core::experiment::{
    FREED, LONGEST_WAIT, Outcome, Paired, Proportion, Quantity, RECOVERY, Sample,
    longest_wait_text, quantile_text, sameness_text, share_difference_text, shares_of_verdicts,
};

use super::{Comparison, Row};
use crate::answers;

/// The whole text.
pub(crate) fn text(comparison: &Comparison) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _: fmt::Result = write(&mut text, comparison);
    text
}

fn write(out: &mut String, comparison: &Comparison) -> fmt::Result {
    let Comparison { title, scenario, seed, rows, .. } = comparison;
    let mut kernels: Vec<&str> = rows.iter().map(|row| row.outcome.kernel.as_str()).collect();
    kernels.dedup();
    writeln!(out, "{title}")?;
    writeln!(out, "{scenario}, kernel {}, seed {seed}", kernels.join(", "))?;
    writeln!(out)?;
    write_table(out, rows)?;
    write_answers(out, rows)?;
    write_reports(out, rows)?;
    write_partings(out, rows)?;
    if let Some(seeds) = &comparison.seeds {
        writeln!(out)?;
        writeln!(out, "Over seeds {}..{}:", seeds.start, seeds.end)?;
        for row in rows {
            write_seeds(out, row)?;
        }
        write_pairs(out, rows)?;
    }
    writeln!(out)?;
    for link in &comparison.links {
        writeln!(out, "link  {link}")?;
    }
    Ok(())
}

/// The policy, and the values that not all have; with the kernel where that is not one.
fn row_name(rows: &[Row], row: &Row) -> String {
    let is_other = |other: &Row| other.outcome.kernel != row.outcome.kernel;
    if rows.iter().any(is_other) { full_name(row) } else { named(&row.outcome.policy, row) }
}

fn full_name(row: &Row) -> String {
    named(&format!("{} {}", row.outcome.kernel, row.outcome.policy), row)
}

fn named(name: &str, row: &Row) -> String {
    format!("{name} {}", row.values).trim_end().to_owned()
}

fn write_table(out: &mut String, rows: &[Row]) -> fmt::Result {
    let head = [
        "policy",
        "verdict",
        "reaped",
        "freed",
        "attempts",
        "refusals",
        "log",
        "next victim",
        "recovered",
        "longest wait",
        "flags",
    ];
    let mut table = vec![head.map(str::to_owned)];
    table.extend(rows.iter().map(|row| cells(&row_name(rows, row), &row.outcome)));
    write_columns(out, &table)
}

/// Lines of cells, each column as wide as its widest.
fn write_columns<const N: usize>(out: &mut String, table: &[[String; N]]) -> fmt::Result {
    let mut widths = [0; N];
    for line in table {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for line in table {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}

fn cells(name: &str, outcome: &Outcome) -> [String; 11] {
    let after = |ns: Option<u64>| match ns {
        Some(ns) => format!("+{}", span_text(Nanos(ns))),
        None => "never".to_owned(),
    };
    let is_oom = outcome.victims > 0;
    let if_killed = |text: String| if is_oom { text } else { "-".to_owned() };
    [
        name.to_owned(),
        outcome.verdict.id().to_owned(),
        if_killed(size_text(outcome.reaped_pages)),
        if_killed(size_text(outcome.freed_by_reaper)),
        if_killed(outcome.attempts.to_string()),
        if_killed(outcome.refusals.to_string()),
        if_killed(outcome.said.map_or("none", Said::text).to_owned()),
        if_killed(after(outcome.next_victim_after)),
        if_killed(after(outcome.recovery)),
        longest_wait_text(outcome),
        // What lockdep says has a place of its own.
        outcome
            .flags
            .iter()
            .filter(|&&flag| flag != "lockdep")
            .copied()
            .collect::<Vec<_>>()
            .join(" "),
    ]
}

/// Three answers side by side, and what happened where it did.
fn write_answers(out: &mut String, rows: &[Row]) -> fmt::Result {
    writeln!(out)?;
    writeln!(out, "Can the reaper wait for an allocation, or anybody for ever?")?;
    let is_counted = rows.iter().any(|row| !row.seeds.is_empty());
    let last = if is_counted { "over the seeds" } else { "" };
    let head = ["policy", "in this run", "lockdep", last];
    let mut table = vec![head.map(str::to_owned)];
    table.extend(rows.iter().map(|row| {
        let often = answers::often(&row.seeds).unwrap_or_default();
        let (here, lockdep) = (answers::here(&row.outcome), answers::lockdep(&row.outcome));
        [row_name(rows, row), here.to_owned(), lockdep.to_owned(), often]
    }));
    write_columns(out, &table)?;
    for row in rows {
        if let Some(danger) = &row.danger {
            writeln!(out, "{}: {danger}.", row_name(rows, row))?;
        }
    }
    Ok(())
}

/// What the checkers said: each thing once, with a count.
fn write_reports(out: &mut String, rows: &[Row]) -> fmt::Result {
    if rows.iter().all(|row| row.said.is_empty()) {
        return Ok(());
    }
    writeln!(out)?;
    writeln!(out, "What the checkers said:")?;
    for row in rows {
        let mut told: Vec<&str> = Vec::new();
        for said in &row.said {
            if told.contains(&said.text.as_str()) {
                continue;
            }
            told.push(&said.text);
            let same = row.said.iter().filter(|other| other.text == said.text).count();
            let times = if same > 1 { format!(" ({same} times)") } else { String::new() };
            writeln!(
                out,
                "{}: {}, {}{times}.",
                row_name(rows, row),
                time_text(said.at),
                said.text
            )?;
        }
    }
    Ok(())
}

fn write_partings(out: &mut String, rows: &[Row]) -> fmt::Result {
    let [first, others @ ..] = rows else { return Ok(()) };
    if others.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    writeln!(out, "Where each first decides otherwise than {} (\"here\"):", row_name(rows, first))?;
    for row in others {
        let name = row_name(rows, row);
        match &row.parts {
            Some((_, text)) => writeln!(out, "{name}: {text}.")?,
            None => writeln!(
                out,
                "{name}: {}.",
                sameness_text(first.outcome.digest, row.outcome.digest)
            )?,
        }
    }
    Ok(())
}

fn write_seeds(out: &mut String, row: &Row) -> fmt::Result {
    let outcomes = &row.seeds;
    writeln!(out, "{}", full_name(row))?;
    let mut verdicts: Vec<_> = outcomes.iter().map(|outcome| outcome.verdict).collect();
    verdicts.sort_by_key(|verdict| verdict.id());
    verdicts.dedup();
    for verdict in verdicts {
        let share = Proportion::of(outcomes, |outcome| outcome.verdict == verdict);
        writeln!(out, "  {:<14}  {}", verdict.id(), share.text())?;
    }
    let recoveries = Sample::new(outcomes.iter().filter_map(Outcome::recovered_after));
    let seeds = count_text(u64::try_from(recoveries.len()).unwrap_or(u64::MAX), "seed");
    for (name, percent) in [("recovers in", 50), ("  5 of 100", 5), ("  95 of 100", 95)] {
        if let Some(text) = quantile_text(&recoveries, percent, RECOVERY.text) {
            let what =
                if percent == 50 { format!(" in the median ({seeds})") } else { String::new() };
            writeln!(out, "  {name:<14}  {text}{what}")?;
        }
    }
    let waits = Sample::new(outcomes.iter().filter_map(LONGEST_WAIT.of));
    if let Some(text) = quantile_text(&waits, 50, LONGEST_WAIT.text) {
        writeln!(out, "  {:<14}  {text} in the median", LONGEST_WAIT.name)?;
    }
    Ok(())
}

/// The same seeds under each other policy and the first.
fn write_pairs(out: &mut String, rows: &[Row]) -> fmt::Result {
    let [first, others @ ..] = rows else { return Ok(()) };
    for row in others {
        let names = format!("{} against {}", row_name(rows, row), row_name(rows, first));
        for (verdict, shares) in shares_of_verdicts(&first.seeds, &row.seeds) {
            let Some(text) = share_difference_text(shares) else { continue };
            let (less, more) = (shares.only_first, shares.only_second);
            let only = format!("only the first in {less}, only the second in {more}");
            writeln!(out, "{names}, {}: {text}; {only}", verdict.id())?;
        }
        for quantity in [&RECOVERY, &LONGEST_WAIT, &FREED] {
            let pairs = first.seeds.iter().zip(&row.seeds);
            let paired = Paired::new(pairs.map(|(a, b)| ((quantity.of)(a), (quantity.of)(b))));
            write_pair(out, &names, quantity, &paired)?;
        }
    }
    writeln!(out, "Intervals are 95 %; the same seeds under every policy.")
}

fn write_pair(out: &mut String, names: &str, quantity: &Quantity, paired: &Paired) -> fmt::Result {
    let Some(text) = quantity.difference_text(paired) else { return Ok(()) };
    writeln!(
        out,
        "{names}, {}: {text}; smaller in {}, equal in {}, larger in {}{}",
        quantity.name,
        paired.smaller,
        paired.equal,
        paired.larger,
        if paired.unpaired > 0 {
            format!(", only one has it in {}", paired.unpaired)
        } else {
            String::new()
        }
    )
}

//! What happened in a run, for people: a story of fifteen lines at most.

use std::fmt::{self, Write as _};

use std::ops::Range;

use sim_core::analysis::{Index, Report, Verdict, count_text, explain, time_text};
use sim_core::experiment::{Outcome, Proportion, outcome};
use sim_core::record::Run;

use crate::answers;
use crate::choice::Choice;

/// Lines in all.
const LINES_MAX: usize = 15;
/// Of these, those around the story: title, verdict, end, digest, link.
const AROUND: usize = 5;

/// What checkers that were not asked for report of the same run with them on, in a sentence.
pub(crate) fn unasked(asked: &[String], debugged: &Run) -> Option<String> {
    let found = &debugged.lock_reports;
    let told = [("lockdep", found.lockdep_count), ("non-block", found.non_block_count)];
    // Annotations of fences turn lockdep on, and what it reports then it need not without them.
    let is_asked = |id: &str| {
        let by = |asked: &String| asked == id || id == "lockdep" && asked == "fence-annotations";
        asked.iter().any(by)
    };
    let told = told.into_iter().filter(|(id, count)| *count > 0 && !is_asked(id));
    let (ids, texts): (Vec<_>, Vec<_>) =
        told.map(|(id, count)| (id, format!("{id} makes {}", count_text(count, "report")))).unzip();
    let (ids, texts) = (ids.join(","), texts.join(" and "));
    (!ids.is_empty())
        .then(|| format!("A debug kernel would say more: with --check {ids}, {texts}."))
}

/// What else was asked than the run itself.
pub(crate) struct Counted {
    /// Whether lockdep would have warned.
    pub(crate) lockdep: bool,
    /// Seeds counted over.
    pub(crate) seeds: Range<u64>,
    /// What came of each.
    pub(crate) outcomes: Vec<Outcome>,
}

/// The summary; ends with the digest and the link.
pub(crate) fn of(
    choice: &Choice,
    run: &Run,
    index: &Index,
    (report, counted, unasked): (&Report, Option<&Counted>, Option<String>),
    link: &str,
) -> String {
    let answers = counted.map(|counted| three_answers(run, report, counted));
    let answers = answers.unwrap_or_default();
    let mut sentences = explain(run, index, report);
    // What does not fit goes on in the last line: nothing is left out.
    let rest = sentences.split_off(sentences.len().min(LINES_MAX - AROUND - answers.len()));
    if let Some(last) = sentences.last_mut() {
        for sentence in &rest {
            last.extend([" ", sentence]);
        }
    }
    let is_full = sentences.len() + answers.len() == LINES_MAX - AROUND;
    match (unasked, sentences.last_mut().filter(|_| is_full)) {
        (Some(unasked), Some(last)) => {
            last.push(' ');
            last.push_str(&unasked);
        }
        (unasked, _) => sentences.extend(unasked),
    }
    let mut text = String::new();
    let title = &choice.scenario.title;
    // Writing to a String cannot fail.
    let _: fmt::Result = write(&mut text, title, run, (&sentences, &answers), report, link);
    text
}

/// It happened in this run; lockdep would have warned; it happens in so many seeds.
fn three_answers(run: &Run, report: &Report, counted: &Counted) -> Vec<String> {
    let Counted { lockdep, seeds, outcomes } = counted;
    let asked = Outcome { lockdep: Some(*lockdep), ..outcome(run, report) };
    let often = answers::often(outcomes).unwrap_or_default();
    let deadlock = format!(
        "Can the reaper wait for an allocation, or anybody for ever? In this run: {}; lockdep {}; \
         over seeds {}..{}: {often}.",
        answers::here(&asked),
        if *lockdep { "would have warned" } else { "would have said nothing" },
        seeds.start,
        seeds.end
    );
    let shares = Verdict::ALL.into_iter().filter_map(|verdict| {
        let share = Proportion::of(outcomes, |outcome| outcome.verdict == verdict);
        (share.count > 0).then(|| format!("{} {}", verdict.id(), share.text()))
    });
    let verdicts = format!("Verdicts over these seeds: {}.", shares.collect::<Vec<_>>().join("; "));
    vec![deadlock, verdicts]
}

fn write(
    out: &mut String,
    title: &str,
    run: &Run,
    (sentences, answers): (&[String], &[String]),
    report: &Report,
    link: &str,
) -> fmt::Result {
    let id = &run.id;
    let about =
        format!("{}, kernel {}, policy {}, seed {}", id.scenario, id.kernel, id.policy, id.seed);
    writeln!(out, "{title} ({about})")?;
    for sentence in sentences {
        writeln!(out, "{sentence}")?;
    }
    let flags = if report.flags.is_empty() {
        String::new()
    } else {
        format!(" [{}]", report.flags.join(", "))
    };
    writeln!(out, "Verdict: {}{flags}. {}", report.verdict.id(), report.evidence)?;
    for answer in answers {
        writeln!(out, "{answer}")?;
    }
    let events = count_text(run.events, "event");
    writeln!(out, "ended      {}, {events}", time_text(run.end))?;
    writeln!(out, "digest     {}", run.digest)?;
    writeln!(out, "link       {link}")
}

//! What happened in a run, for people: a story of fifteen lines at most.

use std::fmt::{self, Write as _};

use sim_core::analysis::{Index, Report, count_text, explain, time_text};
use sim_core::record::Run;

/// Sentences told at most; the lines around them make fifteen.
const SENTENCES_MAX: usize = 10;

/// The summary; ends with the digest and the link.
pub(crate) fn of(title: &str, run: &Run, index: &Index, report: &Report, link: &str) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _: fmt::Result = write(&mut text, title, run, &tell(run, index, report), report, link);
    text
}

fn tell(run: &Run, index: &Index, report: &Report) -> Vec<String> {
    let mut sentences = explain(run, index, report);
    sentences.truncate(SENTENCES_MAX);
    sentences
}

fn write(
    out: &mut String,
    title: &str,
    run: &Run,
    sentences: &[String],
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
    let events = count_text(run.events, "event");
    writeln!(out, "ended      {}, {events}", time_text(run.end))?;
    writeln!(out, "digest     {}", run.digest)?;
    writeln!(out, "link       {link}")
}

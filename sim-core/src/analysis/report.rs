//! All findings about a run, put together.

use super::flags::flags;
use super::incidents::incidents;
use super::index::Index;
use super::metrics::{longest_wait, metrics};
use super::types::Report;
use super::verdict::judge;
use super::victims::victims;
use super::wait_for::wait_for;
use crate::record::Run;

/// Analyzes a run whose records were kept.
pub fn report(run: &Run) -> Report {
    report_from(&Index::new(run))
}

/// As [`report`], from an index that exists already.
pub fn report_from(index: &Index) -> Report {
    let wait_for = wait_for(index);
    let judgment = judge(index, &wait_for);
    Report {
        verdict: judgment.verdict,
        flags: flags(index),
        victims: victims(index),
        metrics: metrics(index),
        longest_wait: longest_wait(index),
        incidents: incidents(index, &wait_for),
        evidence: judgment.evidence,
        wait_for,
    }
}

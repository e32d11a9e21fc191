//! What must hold of everything that is made of a run: analyses agree with
//! the records and with each other, exports can be read again, and checkers
//! change nothing. That none of it panics is half of the matter.
//!
//! Left out: what only eyes can judge, such as the picture's looks.

use std::collections::BTreeSet;

use sim_core::analysis::types::Metrics;
use sim_core::analysis::{
    Index, Lane, LaneOf, Report, blame, causality, cause_text, cpu_lanes, explain, hung_reports,
    lanes, lock_touches, memory, range_sums, recovery_blame, report_from, segment_text, wait_chain,
    wait_graph,
};
use sim_core::base::{Nanos, SimTime};
use sim_core::check::checkers;
use sim_core::export;
use sim_core::export::svg::{Picture, Shown, svg};
use sim_core::import::{CaptureFile, import};
use sim_core::record::{Event, Keep, Run};
use sim_core::scenario::checked::Scenario;
use sim_core::scenario::{RunOptions, Simulation, parse, run_from_wire};

/// Instants at which a run is looked into.
const LOOKS: u64 = 9;
/// Lines that a story may have.
const STORY_MAX: usize = 15;

/// What is wrong with what is made of a run, or of its checked double.
pub(crate) fn complaint(scenario: &Scenario, options: &RunOptions, run: &Run) -> Option<String> {
    read(scenario, run).err().or_else(|| checked(scenario, options, run).err())
}

type Sound = Result<(), String>;

fn must(holds: bool, wrong: impl FnOnce() -> String) -> Sound {
    if holds { Ok(()) } else { Err(wrong()) }
}

fn read(scenario: &Scenario, run: &Run) -> Sound {
    let index = Index::new(run);
    let report = report_from(&index);
    story(run, &index, &report)?;
    rows(run, &index)?;
    instants(run, &index)?;
    blames(run, &index)?;
    exports(scenario, run, &report)
}

fn story(run: &Run, index: &Index, report: &Report) -> Sound {
    let told = explain(run, index, report);
    must(!told.is_empty() && told.len() <= STORY_MAX, || {
        format!("a story of {} lines", told.len())
    })?;
    must(told.iter().all(|line| !line.contains('\n')), || format!("lines in lines: {told:?}"))?;
    must(report.incidents.is_sorted_by_key(|incident| incident.at), || "incidents".to_owned())?;
    let placed = report.incidents.iter().all(|incident| incident.record < run.trace.len());
    must(placed, || "an incident without a record".to_owned())?;
    let sums = range_sums(run, index, SimTime::ZERO, SimTime(run.end.0 + 1));
    let whole = (report.metrics.reap_attempts, report.metrics.callbacks, report.metrics.refusals);
    must((sums.attempts, sums.callbacks, sums.refusals) == whole, || {
        format!("the sums of the whole are {sums:?}, the metrics {whole:?}")
    })?;
    let parts = [(0, run.end.0 / 3), (run.end.0 / 3, run.end.0 + 1)]
        .map(|(from, to)| range_sums(run, index, SimTime(from), SimTime(to)).reaped_pages);
    must(parts.iter().sum::<u64>() == sums.reaped_pages, || format!("{parts:?} of {sums:?}"))
}

/// Rows have their spans in order, inside the run, and their marks in order.
fn rows(run: &Run, index: &Index) -> Sound {
    let mut all = lanes(run);
    all.extend(cpu_lanes(run));
    for lane in &all {
        let follows = lane.spans.windows(2).all(|pair| pair[0].end <= pair[1].start);
        let inside = lane.spans.iter().all(|span| span.start <= span.end && span.end <= run.end);
        must(follows && inside, || format!("spans of {}: {:?}", lane.title, lane.spans))?;
        let marked = lane.marks.is_sorted_by_key(|mark| mark.at);
        must(marked, || format!("marks of {}: {:?}", lane.title, lane.marks))?;
        must(has_no_gap(lane), || format!("{} has a gap: {:?}", lane.title, lane.spans))?;
    }
    for (_, spans) in lock_touches(index).iter() {
        let follows = spans.windows(2).all(|pair| pair[0].start <= pair[1].start);
        must(follows, || format!("touches of locks: {spans:?}"))?;
    }
    for free in [SimTime::ZERO, run.end] {
        let known = memory(run);
        let total = run.cast.zones.iter().map(|(_, zone)| zone.managed).sum::<u64>();
        must(known.free_at(free) <= total, || "more is free than there is".to_owned())?;
    }
    Ok(())
}

fn has_no_gap(lane: &Lane) -> bool {
    !matches!(lane.of, LaneOf::Reaper(_) | LaneOf::Task(_))
        || lane.spans.windows(2).all(|pair| pair[0].end == pair[1].start)
}

/// Who waits for whom, at moments through the run.
fn instants(run: &Run, index: &Index) -> Sound {
    for look in 0..=LOOKS {
        let at = SimTime(run.end.0 / LOOKS * look);
        let seen = index.seen_at(at);
        let graph = wait_graph(index, seen);
        let named = graph.edges.iter().all(|edge| {
            edge.since < seen.max(1)
                && graph.tasks.contains(&edge.from)
                && graph.tasks.contains(&edge.to)
        });
        must(named, || format!("the graph at {at:?} has edges of nobody: {graph:?}"))?;
        let closes = graph.cycles.iter().all(|cycle| {
            let next = cycle.tasks.iter().skip(1).chain(cycle.tasks.first());
            cycle.tasks.iter().zip(next).all(|(&from, &to)| {
                graph.edges.iter().any(|edge| (edge.from, edge.to) == (from, to))
            })
        });
        must(closes, || format!("a cycle at {at:?} has no edges: {:?}", graph.cycles))?;
        for (task, _) in run.cast.tasks.iter() {
            for (place, link) in wait_chain(index, task, at).iter().enumerate() {
                let sound = link.since <= at && link.parent.is_none_or(|parent| parent < place);
                must(sound && !link.text.is_empty(), || format!("at {at:?}: {link:?}"))?;
            }
        }
        let _ = export::dot(index, at);
    }
    let relations = causality(run, run.trace.len() / 2);
    must(relations.len() == run.trace.len(), || "causality of other records".to_owned())?;
    let _ = hung_reports(run);
    Ok(())
}

/// Blame sums to the interval, whichever it is.
fn blames(run: &Run, index: &Index) -> Sound {
    let third = run.end.0 / 3;
    let intervals = [(0, run.end.0), (third, 2 * third), (2 * third, run.end.0)];
    let all = intervals.map(|(from, to)| blame(index, SimTime(from), SimTime(to)));
    for (of, (from, to)) in all.iter().zip(intervals) {
        let sum = of.causes.iter().fold(Nanos::ZERO, |sum, &(_, time)| sum + time);
        must(sum == Nanos(to - from), || format!("blame of {from}..{to} sums to {sum:?}"))?;
        let follows = of.segments.windows(2).all(|pair| pair[0].to == pair[1].from);
        must(follows, || format!("the path of {from}..{to} has a gap"))?;
        let said = of.segments.iter().all(|segment| !segment_text(index, segment).is_empty())
            && of.causes.iter().all(|&(cause, _)| !cause_text(index, cause).is_empty());
        must(said, || "a cause without words".to_owned())?;
    }
    let _ = recovery_blame(index);
    Ok(())
}

fn exports(scenario: &Scenario, run: &Run, report: &Report) -> Sound {
    let chrome: Result<serde_json::Value, _> = serde_json::from_str(&export::chrome(run, None));
    must(chrome.is_ok(), || format!("trace events: {chrome:?}"))?;
    let lines = export::csv(run).lines().count();
    must(lines == run.trace.len() + 1, || {
        format!("{lines} lines for {} records", run.trace.len())
    })?;
    let _ = export::pressure(run, run.end);
    let picture = svg(&Picture {
        title: &scenario.title,
        runs: &[Shown { run, report, parts: None, values: "" }],
        links: &[],
        window: None,
    });
    must(picture.ends_with("</svg>\n"), || "the picture has no end".to_owned())?;

    let wire = run.to_wire();
    let arrived = run_from_wire(&wire).map_err(|error| format!("the wire: {error}"))?;
    must(arrived.to_wire() == wire && arrived.digest == run.digest, || "the wire".to_owned())?;

    let text = export::ftrace(run);
    let log = export::dmesg(run);
    let files = [("trace", &text), ("dmesg", &log)]
        .map(|(name, text)| CaptureFile { name, text: text.as_str() });
    if let Ok(imported) = import(&files) {
        // A thread of a victim that asks for memory is marked too, by its own number.
        let marked = run.trace.iter().filter_map(|record| match record.event {
            Event::MarkVictim { victim, .. } => Some(victim),
            _ => None,
        });
        let (told, marked) = (imported.story.victims.len(), marked.collect::<BTreeSet<_>>().len());
        must(told == marked, || format!("{told} victims imported of {marked}"))?;
        let again = parse("imported", &imported.toml, &[]);
        must(again.is_ok(), || format!("imported: {again:?}"))?;
    } else {
        must(report.victims.is_empty(), || "kills that can't be imported".to_owned())?;
    }
    Ok(())
}

/// With every checker on, and with some that the seed picks, the run is the same to the bit,
/// and so is what is said of it but for what the checkers report.
fn checked(scenario: &Scenario, options: &RunOptions, run: &Run) -> Sound {
    let told = |run: &Run| {
        let Report { verdict, evidence, flags, metrics, .. } = report_from(&Index::new(run));
        let metrics = Metrics { lockdep_reports: 0, non_block_reports: 0, ..metrics };
        let flags: Vec<_> = flags.into_iter().filter(|&flag| flag != "lockdep").collect();
        format!("{verdict:?}, {evidence} {flags:?} {metrics:?}")
    };
    let plain = told(run);
    let all = u64::MAX;
    for picked in [all, options.seed, options.seed >> 1] {
        let ids = checkers::ALL.iter().enumerate().filter(|(bit, _)| picked >> bit & 1 == 1);
        let checks: Vec<_> = ids.map(|(_, checker)| checker.id.to_owned()).collect();
        let options = RunOptions { checks: checks.clone(), keep: Keep::Records, ..options.clone() };
        let double = Simulation::new(scenario, &options)?.run();
        let same = |run: &Run| (run.digest, run.end, run.events, run.stop);
        must(same(&double) == same(run), || format!("{checks:?} change the run"))?;
        let checked = told(&double);
        must(checked == plain, || {
            format!("{checks:?} change what is said:\n{checked}\nis\n{plain}")
        })?;
        let _ = (export::dmesg(&double), export::lockdep(&double));
    }
    Ok(())
}

//! What was asked of one instant or interval of a run: wait chains with call stacks, and the
//! critical path with what it is to be blamed on. As text, and as parts of the JSON object.
//!
//! What they are is `sim-core`'s `analysis`; the page shows the same.

use std::fmt::{self, Write as _};

use serde::Serialize;
use sim_core::analysis::{
    Blame, Index, WaitLink, blame, cause_text, count_text, recovery_blame, segment_text, span_text,
    task_name, time_text, wait_chain,
};
use sim_core::base::{Nanos, SimTime, TaskId};

use crate::args::{RunArgs, Stretch};
use crate::error::Error;

/// What was asked, computed.
pub(crate) struct Waits {
    /// The instant, and a chain per task.
    chains: Option<Chains>,
    /// Whether the tasks were named.
    is_named: bool,
    /// The interval's critical path.
    blame: Option<Path>,
}

enum Path {
    /// Nobody was killed, so none leads to recovery.
    NobodyKilled,
    Of(Blame),
}

/// Bad input if the run has no such instant or task.
pub(crate) fn of(index: &Index, args: &RunArgs) -> Result<Waits, Error> {
    let is_asked = args.at.is_some() || !args.tasks.is_empty();
    let chains = is_asked.then(|| chains(index, args)).transpose()?;
    let blame = match args.blame {
        None => None,
        Some(Stretch::Recovery) => Some(recovery_blame(index).map_or(Path::NobodyKilled, Path::Of)),
        Some(Stretch::Between(from, to)) => {
            Some(Path::Of(blame(index, from, within(index, "--blame", to)?)))
        }
    };
    Ok(Waits { chains, is_named: !args.tasks.is_empty(), blame })
}

/// The instant, if the run has it.
pub(crate) fn within(index: &Index, option: &str, at: SimTime) -> Result<SimTime, Error> {
    let end = index.end();
    (at <= end).then_some(at).ok_or_else(|| {
        let ended = format!("the run ends at {}", time_text(end));
        Error::bad_input(format!("{option} is later than that: {ended}"))
    })
}

type Chains = (SimTime, Vec<(TaskId, Vec<WaitLink>)>);

fn chains(index: &Index, args: &RunArgs) -> Result<Chains, Error> {
    let at = within(index, "--at", args.at.unwrap_or_else(|| index.end()))?;
    let chain = |task| (task, wait_chain(index, task, at));
    let all = index.cast().tasks.iter();
    if args.tasks.is_empty() {
        let waits = |links: &[WaitLink]| links.first().is_some_and(|link| link.kind != "none");
        let chains = all.map(|(task, _)| chain(task)).filter(|(_, links)| waits(links));
        return Ok((at, chains.collect()));
    }
    let of_name = |name: &String| {
        let found = index.cast().tasks.iter().find(|(_, info)| info.name == *name);
        found.map(|(task, _)| chain(task)).ok_or_else(|| {
            let names = index.cast().tasks.iter().map(|(_, info)| info.name.as_str());
            let names = names.collect::<Vec<_>>().join(", ");
            Error::bad_input(format!("--task: there is no `{name}`: expected one of {names}"))
        })
    };
    let chains: Result<Vec<_>, Error> = args.tasks.iter().map(of_name).collect();
    Ok((at, chains?))
}

impl Waits {
    /// For people; empty if nothing was asked.
    pub(crate) fn text(&self, index: &Index) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _: fmt::Result = self.write(index, &mut text);
        text
    }

    fn write(&self, index: &Index, out: &mut String) -> fmt::Result {
        if let Some((at, chains)) = &self.chains {
            writeln!(out, "\nWho waits for whom at {}:", time_text(*at))?;
            if chains.is_empty() {
                writeln!(out, "nobody waits for anybody")?;
            }
            // Who stands in a chain above has been told.
            let mut told: Vec<TaskId> = Vec::new();
            for (task, links) in chains {
                if self.is_named || !told.contains(task) {
                    write_chain(index, *at, links, out)?;
                    told.extend(links.iter().map(|link| link.task));
                }
            }
        }
        match &self.blame {
            None => Ok(()),
            Some(Path::NobodyKilled) => {
                writeln!(out, "\nNobody was killed: there is no way to recovery.")
            }
            Some(Path::Of(blame)) => write_blame(index, blame, out),
        }
    }
}

fn write_chain(index: &Index, at: SimTime, links: &[WaitLink], out: &mut String) -> fmt::Result {
    let mut depths: Vec<usize> = Vec::new();
    for link in links {
        let depth = link.parent.and_then(|parent| depths.get(parent)).map_or(0, |depth| depth + 1);
        depths.push(depth);
        let (indent, lasted) = ("  ".repeat(depth), span_text(at.saturating_sub(link.since)));
        let who = task_name(index.cast(), link.task);
        writeln!(out, "{indent}{who} [{}, {lasted}]: {}", link.kind, link.text)?;
        if !link.stack.is_empty() {
            let stack = link.functions(index.cast()).join(" < ");
            writeln!(out, "{indent}    in {stack}")?;
        }
    }
    Ok(())
}

fn write_blame(index: &Index, blame: &Blame, out: &mut String) -> fmt::Result {
    let (Some(first), Some(last)) = (blame.segments.first(), blame.segments.last()) else {
        return writeln!(out, "\nThe interval is empty.");
    };
    let whole: Nanos = blame.causes.iter().map(|&(_, sum)| sum).sum();
    let (from, to) = (time_text(first.from), time_text(last.to));
    writeln!(out, "\nWhat {} from {from} to {to} went to:", span_text(whole))?;
    for &(cause, sum) in &blame.causes {
        writeln!(out, "{:>10}  {}", span_text(sum), cause_text(index, cause))?;
    }
    let count = u64::try_from(blame.segments.len()).unwrap_or(u64::MAX);
    writeln!(out, "\nThe critical path, {}:", count_text(count, "segment"))?;
    for segment in &blame.segments {
        let lasted = span_text(segment.to.saturating_sub(segment.from));
        let (from, text) = (time_text(segment.from), segment_text(index, segment));
        writeln!(out, "{from:>16}  {lasted:>10}  {text}")?;
    }
    Ok(())
}

/// Parts of the JSON object of a run, which it has if they were asked for.
#[derive(Serialize)]
pub(crate) struct JsonWaits {
    #[serde(skip_serializing_if = "Option::is_none")]
    waits: Option<JsonInstant>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blame: Option<JsonPath>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum JsonPath {
    /// `null`.
    NobodyKilled,
    Of(JsonBlame),
}

#[derive(Serialize)]
struct JsonInstant {
    at_ns: u64,
    chains: Vec<JsonChain>,
}

#[derive(Serialize)]
struct JsonChain {
    task: String,
    links: Vec<JsonLink>,
}

#[derive(Serialize)]
struct JsonLink {
    task: String,
    waits_on: String,
    kind: &'static str,
    since_ns: u64,
    duration_ns: u64,
    holder: Option<String>,
    /// Which link of the chain led here, from 0.
    parent: Option<usize>,
    text: String,
    /// Innermost first.
    stack: Vec<String>,
}

#[derive(Serialize)]
struct JsonBlame {
    from_ns: u64,
    to_ns: u64,
    causes: Vec<JsonCause>,
    path: Vec<JsonSegment>,
}

#[derive(Serialize)]
struct JsonCause {
    cause: String,
    ns: u64,
}

#[derive(Serialize)]
struct JsonSegment {
    from_ns: u64,
    to_ns: u64,
    task: String,
    cause: String,
}

/// As parts of the JSON object.
pub(crate) fn json(index: &Index, waits: &Waits) -> JsonWaits {
    let name = |task| task_name(index.cast(), task);
    let instant = |(at, chains): &Chains| JsonInstant {
        at_ns: at.0,
        chains: chains
            .iter()
            .map(|(task, links)| JsonChain {
                task: name(*task),
                links: links.iter().map(|link| json_link(index, *at, link)).collect(),
            })
            .collect(),
    };
    let blame = |blame: &Blame| JsonBlame {
        from_ns: blame.segments.first().map_or(0, |segment| segment.from.0),
        to_ns: blame.segments.last().map_or(0, |segment| segment.to.0),
        causes: blame
            .causes
            .iter()
            .map(|&(cause, sum)| JsonCause { cause: cause_text(index, cause), ns: sum.0 })
            .collect(),
        path: blame
            .segments
            .iter()
            .map(|segment| JsonSegment {
                from_ns: segment.from.0,
                to_ns: segment.to.0,
                task: name(segment.task),
                cause: cause_text(index, segment.cause),
            })
            .collect(),
    };
    JsonWaits {
        waits: waits.chains.as_ref().map(instant),
        blame: waits.blame.as_ref().map(|path| match path {
            Path::NobodyKilled => JsonPath::NobodyKilled,
            Path::Of(found) => JsonPath::Of(blame(found)),
        }),
    }
}

fn json_link(index: &Index, at: SimTime, link: &WaitLink) -> JsonLink {
    let name = |task| task_name(index.cast(), task);
    JsonLink {
        task: name(link.task),
        waits_on: link.waits_on.clone(),
        kind: link.kind,
        since_ns: link.since.0,
        duration_ns: at.saturating_sub(link.since).0,
        holder: link.holder.map(name),
        parent: link.parent,
        text: link.text.clone(),
        stack: link.functions(index.cast()),
    }
}

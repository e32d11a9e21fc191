//! `run`: runs a scenario and tells what happened.

use sim_core::analysis::{
    Index, closed_text, dependency_text, report, report_from, time_text, wait_for,
};
use sim_core::experiment::Outcome;
use sim_core::export;
use sim_core::export::svg::{Picture, Shown, svg};
use sim_core::record::{Keep, Run};

use crate::args::{RunArgs, RunFormat};
use crate::cases::{over_seeds, with_lockdep};
use crate::choice::Choice;
use crate::error::{Error, tell};
use crate::png::png;
use crate::simulate::simulate;
use crate::summary::Counted;
use crate::{json, link, output, progress, summary, waits};

/// Runs.
pub(crate) fn run(args: &RunArgs) -> Result<(), Error> {
    if args.seeds.is_some() && !matches!(args.format, RunFormat::Summary) {
        return Err(Error::bad_input("--seeds counts for the summary: expected --format summary"));
    }
    let tells_waits = matches!(args.format, RunFormat::Summary | RunFormat::Json);
    if args.at.is_some() && !tells_waits && !matches!(args.format, RunFormat::Dot) {
        let expected = "expected --format summary, json or dot";
        return Err(Error::bad_input(format!("--at is an instant to tell or draw: {expected}")));
    }
    if (args.blame.is_some() || !args.tasks.is_empty()) && !tells_waits {
        let expected = "expected --format summary or json";
        return Err(Error::bad_input(format!("--task and --blame are told in words: {expected}")));
    }
    if args.view.is_some() && !matches!(args.format, RunFormat::Svg | RunFormat::Png) {
        return Err(Error::bad_input("--view is a part to draw: expected --format svg or png"));
    }
    let mut choice = Choice::of(&args.choice)?;
    choice.view = args.view.or(choice.view);
    if matches!(args.format, RunFormat::Lockdep) {
        choice = with_lockdep(&choice);
    }
    let run = simulate(&choice, Keep::Records)?;
    let text = match args.format {
        RunFormat::Summary => {
            let link = link::of(&choice, Some(&run));
            let index = Index::new(&run);
            let counted = args.seeds.as_ref().map(|seeds| count(&choice, seeds)).transpose()?;
            let unasked = if counted.is_some() { None } else { unasked(&choice)? };
            let told = (&report_from(&index), counted.as_ref(), unasked);
            let waits = waits::of(&index, args)?.text(&index);
            summary::of(&choice, &run, &index, told, &link) + &waits
        }
        RunFormat::Dot => {
            let index = Index::new(&run);
            let at = waits::within(&index, "--at", args.at.unwrap_or(run.end))?;
            export::dot(&index, at)
        }
        RunFormat::Json => {
            let index = Index::new(&run);
            let waits = waits::json(&index, &waits::of(&index, args)?);
            let link = link::whole(&choice, &run);
            let object = json::of(&run, &report_from(&index), link, waits);
            let mut text = serde_json::to_string_pretty(&object).map_err(|error| Error::Io {
                doing: "writing JSON".to_owned(),
                error: error.into(),
            })?;
            text.push('\n');
            text
        }
        RunFormat::Ftrace => export::ftrace(&run),
        RunFormat::TraceDat => {
            return output::write(&export::trace_dat(&run), args.out.as_deref());
        }
        RunFormat::Dmesg => {
            tell_wait_for(&run);
            export::dmesg(&run)
        }
        RunFormat::Chrome => export::chrome(&run, link::whole(&choice, &run).as_deref()),
        RunFormat::Csv => export::csv(&run),
        RunFormat::Svg => picture(&choice, &run),
        RunFormat::Png => {
            return output::write(&png(&picture(&choice, &run))?, args.out.as_deref());
        }
        RunFormat::Lockdep => {
            let reports = export::lockdep(&run);
            tell_wait_for(&run);
            if run.lock_reports.reports.is_empty() {
                tell(&format!(
                    "note: no report in {}; checked by {}",
                    run.id.scenario,
                    choice.checks.join(", ")
                ));
            }
            reports
        }
    };
    output::write(&text, args.out.as_deref())
}

/// What `wait-for` found. No kernel has it, so it stands beside the kernel's text, not in it.
fn tell_wait_for(run: &Run) {
    if !run.lock_reports.checks.contains(&"wait-for") {
        return;
    }
    let index = Index::new(run);
    let found = wait_for(&index);
    for dependency in &found.dependencies {
        let at = time_text(index.time_of(dependency.record));
        tell(&format!("wait-for: at {at} {}", dependency_text(&index, dependency)));
    }
    for set in &found.closed {
        tell(&format!("wait-for: {}", closed_text(&index, set)));
    }
}

/// What a debug kernel would have said of the run, if it was not asked.
fn unasked(choice: &Choice) -> Result<Option<String>, Error> {
    let mut debugged = choice.clone();
    for id in ["lockdep", "non-block"].map(ToOwned::to_owned) {
        if !debugged.checks.contains(&id) {
            debugged.checks.push(id);
        }
    }
    if debugged.checks.len() == choice.checks.len() {
        return Ok(None);
    }
    let run = simulate(&debugged, Keep::DigestOnly)?;
    Ok(summary::unasked(&choice.checks, &run))
}

/// The timeline: all of it, or what is to be seen of it.
fn picture(choice: &Choice, run: &Run) -> String {
    let runs = [Shown { run, report: &report(run), parts: None, values: "" }];
    let links = [link::of(choice, Some(run))];
    svg(&Picture {
        title: &choice.scenario.title,
        runs: &runs,
        links: &links,
        window: choice.window(),
    })
}

/// What lockdep says of the run, and what comes of the seeds.
fn count(choice: &Choice, seeds: &std::ops::Range<u64>) -> Result<Counted, Error> {
    let run = simulate(&with_lockdep(choice), Keep::DigestOnly)?;
    let lockdep = run.lock_reports.lockdep_count > 0;
    let bar = progress::bar(seeds.end.saturating_sub(seeds.start), 0);
    let outcomes: Vec<Outcome> = over_seeds(choice, seeds, &bar)?;
    bar.finish_and_clear();
    Ok(Counted { lockdep, seeds: seeds.clone(), outcomes })
}

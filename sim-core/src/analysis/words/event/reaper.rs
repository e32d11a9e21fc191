//! The reaper and the end of an address space, in words.

use crate::analysis::words::{mm_name, notifier_name, process_name, range_text, size_text};
use crate::record::{Cast, Event, SkipBy};

pub(super) fn text(cast: &Cast, who: &str, event: &Event) -> Option<String> {
    Some(match *event {
        Event::WakeReaper { victim } => {
            format!("the reaper is woken for {}", process_name(cast, victim))
        }
        Event::StartTaskReaping { victim } => {
            format!("{who} starts to reap {}", process_name(cast, victim))
        }
        Event::SkipTaskReaping { victim } => {
            format!("{who} skips {}", process_name(cast, victim))
        }
        Event::FinishTaskReaping { victim, ok } => {
            let result = if ok { "all of it" } else { "not all of it" };
            let victim = process_name(cast, victim);
            format!("{who} ends an attempt on {victim}, reaped {result}")
        }
        Event::Reaped { victim, report } => {
            let left = cast.reports.get(report).map_or(0, |report| report.anon + report.file);
            let victim = process_name(cast, victim);
            format!("{who} reaped {victim}, which keeps {}", size_text(left))
        }
        Event::UnableToReap { victim } => {
            format!("{who} gives up on {}", process_name(cast, victim))
        }
        Event::OomSkipSet { mm, by } => {
            let by = match by {
                SkipBy::Reaper => "it was reaped",
                SkipBy::GiveUp => "the reaper gave up",
                SkipBy::Exit => "it exits",
                SkipBy::SharedWithInit => "init uses it too",
            };
            format!("the killer need not wait for {} any more: {by}", mm_name(cast, mm))
        }
        Event::ExitMmap { mm } => format!("{who} tears down the memory of {}", mm_name(cast, mm)),
        Event::ExitMmapDone { mm } => {
            format!("{who} has torn down the memory of {}", mm_name(cast, mm))
        }
        Event::ProcessMrelease { target, ok } => {
            let result = if ok { "reaped it" } else { "could not reap it" };
            let target = process_name(cast, target);
            format!("{who} asked for the memory of {target} (process_mrelease) and {result}")
        }
        Event::BackedOff { mm, notifier } => format!(
            "{who} leaves all memory of {} alone, because {} might block",
            mm_name(cast, mm),
            notifier_name(cast, notifier)
        ),
        Event::HandedOff { mm, range } => format!(
            "{who} hands {} to the worker of {}",
            range_text(cast, range),
            mm_name(cast, mm)
        ),
        _ => return None,
    })
}

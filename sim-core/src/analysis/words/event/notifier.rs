//! Notifiers and devices in words.

use crate::analysis::words::{
    count_text, device_name, mm_name, notifier_name, range_name, range_text,
};
use crate::record::{Cast, Event, ItreeOp, ItreeRead, MnEvent};

pub(super) fn text(cast: &Cast, who: &str, event: &Event) -> Option<String> {
    Some(match *event {
        Event::MnCall { notifier, range, blockable, event, .. } => {
            let manner = if blockable { "may sleep" } else { "must not sleep" };
            let why = match event {
                MnEvent::Unmap => "unmap",
                MnEvent::Clear => "clear",
                MnEvent::Release => "release",
                MnEvent::ProtectionPage => "write-protect",
            };
            format!(
                "{who} calls {} for {} ({why}, {manner})",
                notifier_name(cast, notifier),
                range_text(cast, range)
            )
        }
        Event::MnReturn { notifier, range, refused } => {
            let device = notifier_name(cast, notifier);
            let verb = if refused { "refuses" } else { "gives up" };
            format!("{device} {verb} {}", range_text(cast, range))
        }
        Event::MnItree { mm, op, active, seq, .. } => {
            let (what, mm) = (step_text(op), mm_name(cast, mm));
            format!("{what} in the interval tree of {mm} ({active} active, seq {seq})")
        }
        Event::NotifierRegistered { notifier, range } => {
            format!("{} watches {}", notifier_name(cast, notifier), range_text(cast, range))
        }
        Event::JobSubmitted { device, fence } => {
            format!("{who} submits job {} to {}", fence.0, device_name(cast, device))
        }
        Event::FenceSignaled { fence } => format!("{who} signals fence {}", fence.0),
        Event::NotifierUnregistered { notifier } => {
            format!("{} watches nothing any more", notifier_name(cast, notifier))
        }
        Event::MnEnd { notifier, range } => format!(
            "{who} tells {} that {} was invalidated",
            notifier_name(cast, notifier),
            range_text(cast, range)
        ),
        Event::SecondaryTlbFlush { notifier, range } => format!(
            "{} forgets the addresses of {}",
            notifier_name(cast, notifier),
            range_text(cast, range)
        ),
        Event::MnFinishCall { notifier, range } => format!(
            "{who} calls the second pass of {} for {}",
            notifier_name(cast, notifier),
            range_text(cast, range)
        ),
        Event::MnFinishReturn { notifier, range } => format!(
            "{} has finished with {}",
            notifier_name(cast, notifier),
            range_text(cast, range)
        ),
        Event::CoreRefused { notifier, range } => format!(
            "{who} leaves {} alone: {} mirrors some of it",
            range_text(cast, range),
            notifier_name(cast, notifier)
        ),
        Event::MnLostEnd { notifier, range } => format!(
            "{} is never told that the invalidation of {} is over",
            notifier_name(cast, notifier),
            range_text(cast, range)
        ),
        Event::MnRead { notifier, op, seq } => {
            let device = notifier_name(cast, notifier);
            match op {
                ItreeRead::Begin => format!("{device} begins to read its range (seq {seq})"),
                ItreeRead::Waited => {
                    format!("{device} may read its range: the invalidation is over (seq {seq})")
                }
                ItreeRead::Retry => format!("{device} has to read its range again (seq {seq})"),
                ItreeRead::Valid => format!("{device} maps what it read (seq {seq})"),
            }
        }
        Event::StaleAccess { device, range, pages } => format!(
            "{} uses {} of {} that were freed",
            device_name(cast, device),
            count_text(pages.into(), "page"),
            range_name(cast, range)
        ),
        Event::DeadlinePassed { notifier, range } => format!(
            "{} ran out of time for {}",
            notifier_name(cast, notifier),
            range_text(cast, range)
        ),
        Event::SleptNonblocking { notifier } => {
            format!("{} sleeps although it must not", notifier_name(cast, notifier))
        }
        Event::TlbSyncTimedOut { notifier } => {
            format!("{who} gives up waiting for {} to flush its TLB", notifier_name(cast, notifier))
        }
        Event::JobTimedOut { fence } => format!("{who} resets job {}: it took too long", fence.0),
        _ => return None,
    })
}

/// What was done to an interval tree.
fn step_text(op: ItreeOp) -> &'static str {
    match op {
        ItreeOp::Start => "an invalidation begins",
        ItreeOp::End => "an invalidation ends",
        ItreeOp::Insert => "a subscription enters",
        ItreeOp::DeferInsert => "a subscription waits to enter",
        ItreeOp::Remove => "a subscription leaves",
        ItreeOp::DeferRemove => "a subscription waits to leave",
    }
}

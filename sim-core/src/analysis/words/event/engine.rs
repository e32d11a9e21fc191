//! CPUs, waits and locks in words.

use crate::analysis::words::{event_title, lock_name, task_name};
use crate::engine::{Hold, WaitOn, Waited};
use crate::record::{Cast, Event, Reason};

pub(super) fn text(cast: &Cast, who: &str, event: &Event) -> Option<String> {
    Some(match *event {
        Event::Spawned {} => format!("{who} starts"),
        Event::Exited {} => format!("{who} is gone"),
        Event::Ran { cpu } => format!("{who} gets CPU {}", cpu.0),
        Event::Preempted {} => format!("{who} loses its CPU"),
        Event::Blocked { on: WaitOn::Lock(lock), .. } => {
            format!("{who} waits for {}", lock_name(cast, lock))
        }
        Event::Blocked { on: WaitOn::Queue(queue), why, .. }
            if Reason::from_number(why) == Some(Reason::NamedEvent) =>
        {
            format!("{who} waits for {}", event_title(cast, queue))
        }
        Event::Blocked { why, .. } => {
            let reason = Reason::from_number(why).map_or("something", Reason::text);
            format!("{who} waits for {reason}")
        }
        Event::Woken { by, how } => match (how, by) {
            (Waited::TimedOut, _) => format!("{who} wakes, its time is over"),
            (Waited::Killed, _) => format!("{who} wakes, because it was killed"),
            (Waited::Granted, Some(by)) => format!("{} wakes {who}", task_name(cast, by)),
            (Waited::Granted, None) => format!("{who} wakes"),
        },
        Event::Acquired { lock, hold } => {
            let mode = match hold {
                Hold::Shared => " for reading",
                Hold::Exclusive => "",
            };
            format!("{who} takes {}{mode}", lock_name(cast, lock))
        }
        Event::BadUnlock { lock } => {
            format!("{who} lets go of {}, which it does not hold", lock_name(cast, lock))
        }
        Event::Released { lock } => format!("{who} lets go of {}", lock_name(cast, lock)),
        _ => return None,
    })
}

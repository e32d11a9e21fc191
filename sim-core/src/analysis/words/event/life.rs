//! What programs do, and what is done to them from outside, in words.

use crate::analysis::words::{event_title, mm_name, process_name, range_name, task_name};
use crate::base::QueueId;
use crate::record::{Cast, Event, Injected};

pub(super) fn text(cast: &Cast, who: &str, event: &Event) -> Option<String> {
    Some(match *event {
        Event::ProcessExit { .. } => format!("{who} exits"),
        Event::CoreDump {} => format!("{who} has crashed and writes the core of its process"),
        Event::Ready {} => format!("{who} is ready"),
        Event::Forked { child, mm } => format!(
            "{who} forks {}, which uses the memory of {}",
            task_name(cast, child),
            mm_name(cast, mm)
        ),
        Event::Mapped { range } => format!("{who} maps {}", range_name(cast, range)),
        Event::Unmapped { range } => format!("{who} unmaps {}", range_name(cast, range)),
        Event::Locked { range, locked: true } => {
            format!("{who} locks {} into memory", range_name(cast, range))
        }
        Event::Locked { range, locked: false } => {
            format!("{who} no longer locks {} into memory", range_name(cast, range))
        }
        Event::EventSignaled { event } => {
            format!("{who} signals {}", event_title(cast, QueueId(event)))
        }
        Event::OomScoreAdjUpdate { target, adj_plus_1000 } => format!(
            "the oom_score_adj of {} is {} now",
            process_name(cast, target),
            i32::from(adj_plus_1000) - 1000
        ),
        Event::Injection { what, target } => {
            let target = target.map(|target| process_name(cast, target));
            let to = target.as_ref().map_or_else(String::new, |target| format!(" on {target}"));
            let whom = target.unwrap_or_default();
            match what {
                Injected::Kill => format!("from outside: SIGKILL{to}"),
                Injected::SysrqF => "from outside: sysrq-f".to_owned(),
                Injected::Limit => "from outside: another memory limit".to_owned(),
                Injected::Suspend => "from outside: the machine is suspended".to_owned(),
                Injected::Freeze => format!("from outside: {whom} is frozen"),
                Injected::Thaw => format!("from outside: {whom} is thawed"),
                Injected::Policy => "from outside: another notifier policy".to_owned(),
                Injected::OomScoreAdj => format!("from outside: another oom_score_adj{to}"),
                Injected::End => format!("from outside: what {whom} does or waits for ends now"),
                Injected::Delay => {
                    format!("from outside: what {whom} does or waits for ends later")
                }
            }
        }
        _ => return None,
    })
}

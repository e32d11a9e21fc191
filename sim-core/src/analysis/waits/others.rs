//! Tasks that wait for an event of the scenario, for callers inside
//! notifiers, or for kswapd, in words.

use super::Walk;
use crate::analysis::replay::Doing;
use crate::analysis::words::{event_title, list_text, time_text};
use crate::base::TaskId;
use crate::engine::WaitOn;
use crate::record::{EdgeKind, Reason};

impl Walk<'_> {
    /// Anybody whose program signals the event would do.
    pub(super) fn explain_named_event(&mut self, task: TaskId) {
        let cast = &self.index.cast;
        let queue = match self.index.doing(task, self.seen) {
            Doing::Blocked { on: WaitOn::Queue(queue), .. } => Some(queue),
            _ => None,
        };
        let title = queue
            .map_or_else(|| Reason::NamedEvent.text().to_owned(), |queue| event_title(cast, queue));
        let event = cast.named_events.iter().find(|event| Some(event.queue) == queue);
        let signalers = event.map(|event| event.signalers.clone()).unwrap_or_default();
        let names: Vec<_> = signalers.iter().map(|&other| self.name(other)).collect();
        let who = match names.len() {
            0 => "nobody signals".to_owned(),
            1 => format!("{} signals", list_text(&names)),
            _ => format!("{} signal", list_text(&names)),
        };
        let left = self.left_text(task);
        let text = format!("{} waits for {title}, which {who} ({left}).", self.name(task));
        self.push(task, title, EdgeKind::Event.id(), signalers.first().copied(), text);
        for signaler in signalers {
            self.follow(signaler);
        }
    }

    /// `synchronize_srcu()`: everybody who is inside a notifier must leave it.
    pub(super) fn explain_srcu(&mut self, task: TaskId) {
        let callers = self.needed(task);
        let names: Vec<_> = callers.iter().map(|&other| self.name(other)).collect();
        let left = self.left_text(task);
        let text = if names.is_empty() {
            format!("{} waits for {} ({left}).", self.name(task), Reason::Srcu.text())
        } else {
            let names = list_text(&names);
            format!("{} waits until {names} left the notifiers ({left}).", self.name(task))
        };
        let waits_on = Reason::Srcu.text().to_owned();
        self.push(task, waits_on, EdgeKind::Srcu.id(), callers.first().copied(), text);
        for caller in callers {
            self.follow(caller);
        }
    }

    /// `throttle_direct_reclaim()`: half of the reserves are gone.
    pub(super) fn explain_throttled(&mut self, task: TaskId) {
        let since = match self.index.stall(task, self.seen) {
            Some(stall) => format!(" since {}", time_text(self.index.time(stall.from))),
            None => String::new(),
        };
        let text = format!(
            "{} asks for a page{since} and is held back until kswapd has freed some of the \
             reserves ({}).",
            self.name(task),
            self.left_text(task)
        );
        let waits_on = Reason::PfMemalloc.text().to_owned();
        self.push(task, waits_on, EdgeKind::Kswapd.id(), self.index.kswapd, text);
        if let Some(kswapd) = self.index.kswapd {
            self.follow(kswapd);
        }
    }
}

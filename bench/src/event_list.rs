//! The simulator's event list by itself, without processes.

use sim_core::base::time::{Nanos, SimTime};
use sim_core::engine::event_list::{Class, EventList, Ties};

use crate::hold::Increments;

pub(crate) fn start(increments: Increments, pending: u32) -> impl FnMut(u64) -> u64 {
    let mut list = EventList::new(Ties::Fifo);
    for payload in 0..pending {
        list.schedule(SimTime(increments.next()), Class::Step, payload);
    }
    move |events| {
        for _ in 0..events {
            let (now, class, payload) = list.pop().expect("never empty");
            list.schedule(now + Nanos(increments.next()), class, payload);
        }
        list.now().0
    }
}

//! The yardstick: a plain loop over the standard library's heap.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::hold::Increments;

pub(crate) fn start(increments: Increments, pending: u32) -> impl FnMut(u64) -> u64 {
    let mut heap = BinaryHeap::new();
    let mut sequence = 0_u64;
    for payload in 0..pending {
        heap.push(Reverse((increments.next(), sequence, payload)));
        sequence += 1;
    }
    let mut now = 0;
    move |events| {
        for _ in 0..events {
            let Reverse((time, _, payload)) = heap.pop().expect("never empty");
            now = time;
            heap.push(Reverse((now + increments.next(), sequence, payload)));
            sequence += 1;
        }
        now
    }
}

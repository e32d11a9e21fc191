//! The event list against the obvious model: a sorted map from (time,
//! class, sequence number) to payload.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const CLASSES: [Class; CLASS_COUNT] = [Class::HandOff, Class::Wakeup, Class::Timer, Class::Step];

fn seeded(seed: u64) -> Ties {
    Ties::Seeded(Stream::new(seed, "ties", "test"))
}

/// One call on the list.
#[derive(Clone, Debug)]
enum Call {
    /// Schedules after a delay in nanoseconds.
    Schedule(u64, Class),
    /// Schedules this many, a number of nanoseconds apart.
    Burst(u64, u64),
    /// Cancels the n-th key ever handed out, modulo their number.
    Cancel(usize),
    Pop,
    /// Pops up to a delay from now.
    PopUntil(u64),
}

fn arbitrary_call() -> impl Strategy<Value = Call> {
    // Short delays collide; long ones reach every level of the wheel.
    let delay = prop_oneof![
        3 => 0..4_u64,
        3 => 0..5_000_u64,
        2 => (0..60_u32, any::<u64>()).prop_map(|(bits, noise)| noise & ((1 << bits) - 1)),
    ];
    let class = prop::sample::select(&CLASSES[..]);
    prop_oneof![
        5 => (delay.clone(), class).prop_map(|(delay, class)| Call::Schedule(delay, class)),
        1 => (0..60_u64, 0..70_u64).prop_map(|(count, gap)| Call::Burst(count, gap)),
        4 => any::<usize>().prop_map(Call::Cancel),
        9 => Just(Call::Pop),
        1 => delay.prop_map(Call::PopUntil),
    ]
}

/// The model: what is pending under which (time, class, sequence).
#[derive(Default)]
struct Model {
    pending: BTreeMap<(SimTime, Class, usize), usize>,
    // What each key ever handed out stands for; its payload is its index.
    keys: Vec<(EventKey, (SimTime, Class, usize))>,
}

impl Model {
    fn schedule(&mut self, list: &mut EventList<usize>, delay: u64, class: Class) {
        let sequence = self.keys.len();
        let at = SimTime(list.now().0.saturating_add(delay));
        self.keys.push((list.schedule(at, class, sequence), (at, class, sequence)));
        self.pending.insert((at, class, sequence), sequence);
    }

    /// Every other one late, to wake the order of insertion up.
    fn schedule_burst(&mut self, list: &mut EventList<usize>, count: u64, gap: u64) {
        for n in 0..count {
            self.schedule(list, (n ^ 1) * gap, Class::Step);
        }
    }

    fn cancel(&mut self, list: &mut EventList<usize>, choice: usize) {
        if !self.keys.is_empty() {
            let (key, place) = self.keys[choice % self.keys.len()];
            assert_eq!(list.cancel(key), self.pending.remove(&place));
        }
    }

    fn check_sizes(&self, list: &mut EventList<usize>) {
        assert_eq!(list.len(), self.pending.len());
        assert_eq!(list.is_empty(), self.pending.is_empty());
        let earliest = self.pending.first_key_value().map(|((time, _, _), _)| *time);
        assert_eq!(list.peek_time(), earliest);
    }
}

proptest! {
    #[test]
    fn fifo_list_agrees_with_model(calls in prop::collection::vec(arbitrary_call(), 0..400)) {
        let (mut list, mut model) = (EventList::new(Ties::Fifo), Model::default());
        for call in calls {
            let limit = match call {
                Call::Schedule(delay, class) => {
                    model.schedule(&mut list, delay, class);
                    continue;
                }
                Call::Burst(count, gap) => {
                    model.schedule_burst(&mut list, count, gap);
                    continue;
                }
                Call::Cancel(choice) => {
                    model.cancel(&mut list, choice);
                    continue;
                }
                Call::Pop => SimTime::MAX,
                Call::PopUntil(delay) => SimTime(list.now().0.saturating_add(delay)),
            };
            let first = model.pending.first_entry().filter(|entry| entry.key().0 <= limit);
            let expected = first.map(|entry| {
                let ((time, class, _), payload) = entry.remove_entry();
                (time, class, payload)
            });
            let before = list.now();
            prop_assert_eq!(list.pop_until(limit), expected);
            prop_assert_eq!(list.now(), expected.map_or(before, |(time, _, _)| time));
            model.check_sizes(&mut list);
        }
        while let Some(((time, class, _), payload)) = model.pending.pop_first() {
            prop_assert_eq!(list.pop(), Some((time, class, payload)));
        }
        prop_assert_eq!(list.pop(), None);
    }

    /// Seeded order differs from FIFO within one (time, class) only.
    #[test]
    fn seeded_list_agrees_with_model(
        calls in prop::collection::vec(arbitrary_call(), 0..400),
        seed: u64,
    ) {
        let (mut list, mut model) = (EventList::new(seeded(seed)), Model::default());
        for call in calls {
            match call {
                Call::Schedule(delay, class) => model.schedule(&mut list, delay, class),
                Call::Burst(count, gap) => model.schedule_burst(&mut list, count, gap),
                Call::Cancel(choice) => model.cancel(&mut list, choice),
                Call::Pop | Call::PopUntil(_) => {
                    let popped = list.pop();
                    let first = model.pending.first_key_value();
                    let expected = first.map(|((time, class, _), _)| (*time, *class));
                    prop_assert_eq!(popped.map(|(time, class, _)| (time, class)), expected);
                    if let Some((time, class, payload)) = popped {
                        prop_assert!(model.pending.remove(&(time, class, payload)).is_some());
                    }
                }
            }
            model.check_sizes(&mut list);
        }
    }
}

/// Payloads in the order in which 20 simultaneous events come out.
fn order_of_simultaneous(ties: Ties) -> Vec<u32> {
    let mut list = EventList::new(ties);
    for payload in 0..20 {
        list.schedule(SimTime(1_000), Class::Step, payload);
    }
    std::iter::from_fn(|| list.pop()).map(|(_, _, payload)| payload).collect()
}

#[test]
fn simultaneous_events_are_fifo() {
    assert_eq!(order_of_simultaneous(Ties::Fifo), (0..20).collect::<Vec<_>>());
}

#[test]
fn seeded_ties_permute_the_same_way_for_the_same_seed() {
    let mut order = order_of_simultaneous(seeded(1));
    assert_eq!(order, order_of_simultaneous(seeded(1)));
    assert_ne!(order, order_of_simultaneous(seeded(2)));
    order.sort_unstable();
    assert_eq!(order, order_of_simultaneous(Ties::Fifo));
}

#[test]
fn seeded_ties_draw_nothing_without_a_tie() {
    let mut list = EventList::new(seeded(1));
    for instant in 0..5 {
        for class in CLASSES {
            list.schedule(SimTime(instant), class, ());
        }
    }
    while list.pop().is_some() {}
    let Ties::Seeded(mut stream) = list.ties else { panic!("seeded") };
    assert_eq!(stream.next_u64(), Stream::new(1, "ties", "test").next_u64());
}

#[test]
fn classes_order_one_instant() {
    let mut list = EventList::new(Ties::Fifo);
    for class in CLASSES.into_iter().rev() {
        list.schedule(SimTime(70), class, class);
    }
    assert_eq!(list.pop(), Some((SimTime(70), Class::HandOff, Class::HandOff)));
    // Scheduled for this instant, it still runs before the other classes.
    list.schedule(SimTime(70), Class::HandOff, Class::HandOff);
    let rest: Vec<_> = std::iter::from_fn(|| list.pop()).map(|(_, class, _)| class).collect();
    assert_eq!(rest, CLASSES);
}

#[test]
fn canceled_key_stays_dead_when_its_place_is_used_again() {
    let mut list = EventList::new(Ties::Fifo);
    let key = list.schedule(SimTime(5), Class::Timer, 'a');
    assert_eq!(list.cancel(key), Some('a'));
    assert_eq!(list.cancel(key), None);
    let again = list.schedule(SimTime(5), Class::Timer, 'b');
    assert_ne!(key, again);
    assert_eq!(list.cancel(key), None);
    assert_eq!(list.pop(), Some((SimTime(5), Class::Timer, 'b')));
    assert_eq!(list.cancel(again), None);
}

#[test]
fn end_of_time_is_reachable() {
    let mut list = EventList::new(Ties::Fifo);
    for payload in 0..3 {
        list.schedule(SimTime::MAX, Class::Timer, payload);
    }
    assert_eq!(list.peek_time(), Some(SimTime::MAX));
    assert_eq!(list.pop_until(SimTime(u64::MAX - 1)), None);
    for payload in 0..3 {
        assert_eq!(list.pop(), Some((SimTime::MAX, Class::Timer, payload)));
    }
}

#[test]
fn steady_state_allocates_no_nodes() {
    let mut list = EventList::new(Ties::Fifo);
    for payload in 0..100_u64 {
        list.schedule(SimTime(payload * payload), Class::Step, payload);
    }
    for _ in 0..10_000 {
        let (now, class, payload) = list.pop().expect("never empty");
        list.schedule(SimTime(now.0 + payload % 7 * 1_000), class, payload);
    }
    assert_eq!(list.slab.capacity(), 100);
}

#[test]
#[should_panic(expected = "no event in the past")]
fn past_event_panics() {
    let mut list = EventList::new(Ties::Fifo);
    list.schedule(SimTime(2), Class::Step, ());
    list.pop();
    list.schedule(SimTime(1), Class::Step, ());
}

/// Timeouts that are set and canceled, as most are, must not pile up.
#[test]
fn canceled_events_take_no_lasting_room() {
    let mut list = EventList::new(Ties::Fifo);
    for n in 0..100_000 {
        list.schedule(SimTime(list.now().0 + 10), Class::Step, n);
        let timeout = list.schedule(SimTime(list.now().0 + 10_000_000_000), Class::Timer, n);
        // Enough others that the wheel is in use.
        if n > 40 {
            assert_eq!(list.cancel(timeout), Some(n));
        }
        assert_eq!(list.pop().map(|(_, _, payload)| payload), Some(n));
    }
    assert_eq!(list.len(), 41);
    assert!(list.slab.capacity() < 200, "{}", list.slab.capacity());
}

/// A front filled by one sparse slot, then a burst before its last event.
#[test]
fn long_front_is_handed_back() {
    let mut list = EventList::new(Ties::Fifo);
    list.schedule(SimTime(1_000_000), Class::Step, 1_000_000);
    for n in (0..1_000).rev() {
        list.schedule(SimTime(n / 2), Class::Step, n / 2);
        assert!(list.front.len() <= FRONT_LENGTH_MAX);
    }
    let times: Vec<u64> = std::iter::from_fn(|| list.pop()).map(|(_, _, time)| time).collect();
    assert!(times.is_sorted());
    assert_eq!(times.len(), 1_001);
}

//! Event lists on the calls that real runs make: schedule, cancel and
//! pop in their recorded order, at their recorded times.
//!
//! The hold model (crate `bench`) has no cancellation and few ties; runs
//! of the model have both: a wait that ends early cancels its time-out, a
//! process that is preempted its resume. Every list replays the same log
//! and must pop the same events. Needs the feature `op-log`.

#![cfg_attr(
    not(target_arch = "wasm32"),
    expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a benchmark divides")
)]

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use std::cmp::Reverse;
    use std::collections::{BTreeMap, BinaryHeap, HashMap};
    use std::fmt::Write as _;
    use std::time::Instant;

    use dary_heap::QuaternaryHeap;
    use sim_core::base::SimTime;
    use sim_core::engine::op_log::Op;
    use sim_core::engine::{Class, EventKey, EventList, Ties};
    use sim_core::scenario::{RunOptions, Simulation, gallery, parse};

    const ROUNDS: usize = 15;

    /// A call, its event named by the order of scheduling.
    #[derive(Copy, Clone)]
    enum Call {
        Schedule { at: u64, class: Class },
        Cancel { event: u32 },
        Pop,
    }

    /// Replays the calls and returns a hash of what came out.
    type Replay = fn(&[Call], u32) -> u64;

    const LISTS: [(&str, Replay); 4] = [
        ("BinaryHeap", binary_heap),
        ("dary-heap-4", quaternary_heap),
        ("BTreeMap", tree),
        ("reaperscope", own),
    ];

    /// Two hundred tasks with pauses, time-outs and eight CPUs.
    fn crowd() -> String {
        let mut text = "schema = 1\ntitle = \"crowd\"\nkernel = \"6.1\"\nhorizon = \"2s\"\n\
             [machine]\nram = \"1GiB\"\ncpus = 8\n"
            .to_owned();
        for task in 0..200 {
            let _ = write!(
                text,
                "[[task]]\nname = \"t{task}\"\nprogram = [{{ mmap = \"a\", size = \"8MiB\" }}, \
                 {{ touch = \"a\", rate = \"{}MiB/s\" }}, {{ idle = true }}]\n",
                1 + task % 9
            );
        }
        text
    }

    pub(crate) fn main() {
        let mut texts: Vec<(&str, String)> = ["gpu-fence-overlap", "capture-6-1-s6"]
            .map(|id| (id, gallery::find(id).expect("a scenario of the gallery").text.to_owned()))
            .into();
        texts.push(("crowd", crowd()));
        for (id, text) in texts {
            measure(id, &text);
        }
    }

    #[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
    fn measure(id: &str, text: &str) {
        let (calls, events) = recorded(text);
        let pops = calls.iter().filter(|call| matches!(call, Call::Pop)).count();
        let canceled = calls.iter().filter(|call| matches!(call, Call::Cancel { .. })).count();
        let share = 100.0 * canceled as f64 / f64::from(events);
        println!("{id}: {pops} pops, {share:.1} % of {events} events canceled");
        let mut rounds = vec![Vec::new(); LISTS.len()];
        for _ in 0..ROUNDS {
            let mut results = Vec::new();
            for ((_, replay), times) in LISTS.iter().zip(&mut rounds) {
                let start = Instant::now();
                results.push(replay(&calls, events));
                times.push(start.elapsed().as_secs_f64() * 1e9 / pops as f64);
            }
            assert!(results.iter().all(|result| *result == results[0]), "all pop the same");
        }
        for ((name, _), times) in LISTS.iter().zip(&rounds) {
            let ratios = rounds[0].iter().zip(times).map(|(base, own)| base / own);
            let (own, ratio) = (median(times.iter().copied()), median(ratios));
            println!("bench mix/{id}/{name} {own:.1} ns/pop ({ratio:.2} x BinaryHeap)");
        }
    }

    fn median(values: impl Iterator<Item = f64>) -> f64 {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }

    /// The calls of a run, and how many events they schedule.
    fn recorded(text: &str) -> (Vec<Call>, u32) {
        let scenario = parse("mix", text, &[]).unwrap_or_else(|errors| panic!("{errors:?}"));
        let mut simulation = Simulation::new(&scenario, &RunOptions::default()).expect("it starts");
        while simulation.advance(u64::MAX) {}
        let mut names: HashMap<EventKey, u32> = HashMap::new();
        let mut events = 0;
        let calls = simulation.event_list_ops().into_iter().map(|op| match op {
            Op::Schedule { at, class, key } => {
                names.insert(key, events);
                events += 1;
                Call::Schedule { at: at.0, class }
            }
            Op::Cancel { key } => Call::Cancel { event: names[&key] },
            Op::Pop => Call::Pop,
        });
        let calls = calls.collect();
        (calls, events)
    }

    /// Order in which events come out: time, class, order of scheduling.
    type Key = (u64, u8, u32);

    fn mix_in(hash: u64, event: u32) -> u64 {
        (hash.rotate_left(5) ^ u64::from(event)).wrapping_mul(0x517c_c1b7_2722_0a95)
    }

    /// A heap that skips canceled events when they come out.
    fn with_tombstones<H>(
        calls: &[Call],
        events: u32,
        mut heap: H,
        push: impl Fn(&mut H, Reverse<Key>),
        pop: impl Fn(&mut H) -> Option<Reverse<Key>>,
    ) -> u64 {
        let mut canceled = vec![false; events as usize];
        let (mut hash, mut next) = (0, 0);
        for call in calls {
            match *call {
                Call::Schedule { at, class } => {
                    push(&mut heap, Reverse((at, class as u8, next)));
                    next += 1;
                }
                Call::Cancel { event } => canceled[event as usize] = true,
                Call::Pop => loop {
                    let Reverse((.., event)) = pop(&mut heap).expect("as recorded");
                    if !canceled[event as usize] {
                        hash = mix_in(hash, event);
                        break;
                    }
                },
            }
        }
        hash
    }

    fn binary_heap(calls: &[Call], events: u32) -> u64 {
        with_tombstones(calls, events, BinaryHeap::new(), BinaryHeap::push, BinaryHeap::pop)
    }

    fn quaternary_heap(calls: &[Call], events: u32) -> u64 {
        let heap = QuaternaryHeap::new();
        with_tombstones(calls, events, heap, QuaternaryHeap::push, QuaternaryHeap::pop)
    }

    fn tree(calls: &[Call], events: u32) -> u64 {
        let mut map = BTreeMap::new();
        let mut keys: Vec<(u64, u8)> = Vec::with_capacity(events as usize);
        let mut hash = 0;
        for call in calls {
            match *call {
                Call::Schedule { at, class } => {
                    let event = u32::try_from(keys.len()).expect("few enough");
                    keys.push((at, class as u8));
                    map.insert((at, class as u8, event), ());
                }
                Call::Cancel { event } => {
                    let (at, class) = keys[event as usize];
                    map.remove(&(at, class, event));
                }
                Call::Pop => {
                    let ((.., event), ()) = map.pop_first().expect("as recorded");
                    hash = mix_in(hash, event);
                }
            }
        }
        hash
    }

    fn own(calls: &[Call], events: u32) -> u64 {
        let mut list = EventList::new(Ties::Fifo);
        let mut keys = Vec::with_capacity(events as usize);
        let (mut hash, mut next) = (0, 0_u32);
        for call in calls {
            match *call {
                Call::Schedule { at, class } => {
                    keys.push(list.schedule(SimTime(at), class, next));
                    next += 1;
                }
                Call::Cancel { event } => {
                    list.cancel(keys[event as usize]);
                }
                Call::Pop => {
                    let (.., event) = list.pop().expect("as recorded");
                    hash = mix_in(hash, event);
                }
            }
        }
        hash
    }
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    native::main();
}

#[cfg(target_arch = "wasm32")]
fn main() {}

//! The engine's promises, on processes made for each.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::base::{LockId, Nanos, SimTime, Stream, TaskId};

/// Everything the engine said, as text.
#[derive(Default)]
struct Log(Vec<(u64, u32, EngineEvent)>);

impl Observer for Log {
    fn engine_event(&mut self, at: SimTime, task: TaskId, event: EngineEvent) {
        self.0.push((at.0, task.0, event));
    }
}

/// Notes that a test's processes make: (time, what).
type Notes = Rc<RefCell<Vec<(u64, &'static str)>>>;

struct Bench {
    engine: Rc<Engine<Log>>,
    notes: Notes,
}

const WHY: Why = Why(0);

fn cpus(count: u32) -> Cpus {
    Cpus {
        count,
        tick: Nanos::from_ms(4),
        since_tick: Nanos(0),
        latency: Nanos::from_ms(6),
        min_granularity: Nanos::from_us(750),
        wakeup_granularity: Nanos::from_ms(1),
        switch_cost: Nanos(0),
    }
}

impl Bench {
    fn new(count: u32, ties: Ties) -> Self {
        let engine = Rc::new(Engine::new(cpus(count), ties, Log::default()));
        Self { engine, notes: Notes::default() }
    }

    fn process<F>(&self, needs: Needs, body: impl FnOnce(Rc<Engine<Log>>, Noter) -> F) -> TaskId
    where
        F: Future<Output = ()> + 'static,
    {
        let noter = Noter { engine: Rc::clone(&self.engine), notes: Rc::clone(&self.notes) };
        self.engine.spawn(needs, |_| body(Rc::clone(&self.engine), noter))
    }

    fn run(&self) -> (Stop, Vec<(u64, &'static str)>) {
        let mut executor = Executor::new(Rc::clone(&self.engine), Limits::default());
        let Progress::Stopped(stop) = executor.run(u64::MAX) else { panic!("a run ends") };
        (stop, self.notes.borrow().clone())
    }
}

struct Noter {
    engine: Rc<Engine<Log>>,
    notes: Notes,
}

impl Noter {
    fn note(&self, what: &'static str) {
        self.notes.borrow_mut().push((self.engine.now().0, what));
    }
}

fn ms(n: u64) -> Nanos {
    Nanos::from_ms(n)
}

#[test]
fn lock_is_handed_over_in_order_of_arrival() {
    let bench = Bench::new(1, Ties::Fifo);
    let lock = bench.engine.new_lock();
    for (delay, name) in [(0, "first"), (1, "second"), (2, "third")] {
        bench.process(Needs::Nothing, |engine, noter| async move {
            engine.sleep(ms(delay), WHY, Signals::Ignored).await;
            engine.lock(lock, Hold::Exclusive, WHY, Signals::Ignored).await;
            noter.note(name);
            engine.sleep(ms(10), WHY, Signals::Ignored).await;
            engine.unlock(lock);
            // Barging in does not work: the lock was handed over already.
            assert!(name == "third" || !engine.try_lock(lock, Hold::Exclusive));
        });
    }
    let (stop, notes) = bench.run();
    assert_eq!(stop, Stop::Idle);
    assert_eq!(notes, [(0, "first"), (10_000_000, "second"), (20_000_000, "third")]);
}

#[test]
fn lock_with_a_time_out_is_given_up_then_and_not_granted_later() {
    let bench = Bench::new(1, Ties::Fifo);
    let lock = bench.engine.new_lock();
    hold(&bench, lock, 0, Hold::Shared);
    bench.process(Needs::Cpu, |engine, noter| async move {
        engine.sleep(ms(1), WHY, Signals::Ignored).await;
        let taken = engine.lock_within(lock, Hold::Exclusive, WHY, Signals::Ignored, Some(ms(9)));
        noter.note(if taken.await == Waited::TimedOut { "gave up" } else { "got it" });
        let again = engine.lock_within(lock, Hold::Exclusive, WHY, Signals::Ignored, Some(ms(95)));
        noter.note(if again.await == Waited::Granted { "got it" } else { "gave up" });
        engine.unlock(lock);
    });
    // A reader behind the writer has its turn as soon as the writer gives up.
    bench.process(Needs::Nothing, |engine, noter| async move {
        engine.sleep(ms(2), WHY, Signals::Ignored).await;
        engine.lock(lock, Hold::Shared, WHY, Signals::Ignored).await;
        noter.note("reader");
        engine.unlock(lock);
    });
    let (stop, notes) = bench.run();
    assert_eq!(stop, Stop::Idle);
    let at = |n: u64| n * 1_000_000;
    assert_eq!(notes, [(at(10), "reader"), (at(10), "gave up"), (at(100), "got it")]);
}

/// What a reader's trylock finds at 5 ms, given what others do before.
fn read_trylock_finds(others: impl Fn(&Bench, LockId)) -> bool {
    let bench = Bench::new(1, Ties::Fifo);
    let lock = bench.engine.new_lock();
    others(&bench, lock);
    let found = Rc::new(RefCell::new(None));
    let result = Rc::clone(&found);
    bench.process(Needs::Nothing, |engine, _| async move {
        engine.sleep(ms(5), WHY, Signals::Ignored).await;
        *result.borrow_mut() = Some(engine.try_lock(lock, Hold::Shared));
    });
    bench.run();
    found.take().expect("the process ran")
}

fn hold(bench: &Bench, lock: LockId, at: u64, how: Hold) {
    bench.process(Needs::Nothing, |engine, _| async move {
        engine.sleep(ms(at), WHY, Signals::Ignored).await;
        engine.lock(lock, how, WHY, Signals::Ignored).await;
        engine.sleep(ms(100), WHY, Signals::Ignored).await;
        engine.unlock(lock);
    });
}

#[test]
fn read_trylock_passes_readers_but_neither_writers_nor_waiters() {
    assert!(read_trylock_finds(|_, _| {}));
    assert!(read_trylock_finds(|bench, lock| hold(bench, lock, 0, Hold::Shared)));
    assert!(!read_trylock_finds(|bench, lock| hold(bench, lock, 0, Hold::Exclusive)));
    assert!(!read_trylock_finds(|bench, lock| {
        hold(bench, lock, 0, Hold::Shared);
        hold(bench, lock, 1, Hold::Exclusive);
    }));
}

#[test]
fn kill_ends_killable_waits_and_no_others() {
    let bench = Bench::new(1, Ties::Fifo);
    let queue = bench.engine.new_queue();
    let wait = |signals, name: &'static str| {
        bench.process(Needs::Nothing, move |engine, noter| async move {
            let waited = engine.wait(queue, WHY, signals, Some(ms(50))).await;
            noter.note(if waited == Waited::Killed { name } else { "timed out" });
            let waited = engine.sleep(ms(7), WHY, signals).await;
            noter.note(if waited == Waited::Killed { "killed again" } else { "slept" });
        })
    };
    let killable = wait(Signals::Killable, "killed");
    let stubborn = wait(Signals::Ignored, "killed");
    bench.process(Needs::Nothing, |engine, _| async move {
        engine.sleep(ms(10), WHY, Signals::Ignored).await;
        engine.kill(killable);
        engine.kill(stubborn);
    });
    let (_, notes) = bench.run();
    let expected = [
        (10_000_000, "killed"),
        (10_000_000, "killed again"),
        (50_000_000, "timed out"),
        (57_000_000, "slept"),
    ];
    assert_eq!(notes, expected);
}

#[test]
fn completion_lets_all_pass_and_stays() {
    let bench = Bench::new(1, Ties::Fifo);
    let done = bench.engine.new_queue();
    for (delay, name) in [(0, "waits"), (1, "waits too"), (9, "comes late")] {
        bench.process(Needs::Nothing, move |engine, noter| async move {
            engine.sleep(ms(delay), WHY, Signals::Ignored).await;
            engine.wait_for_completion(done, WHY, Signals::Ignored).await;
            noter.note(name);
        });
    }
    bench.process(Needs::Nothing, |engine, _| async move {
        engine.sleep(ms(5), WHY, Signals::Ignored).await;
        assert!(!engine.is_complete(done));
        engine.complete_all(done);
    });
    let expected = [(5_000_000, "waits"), (5_000_000, "waits too"), (9_000_000, "comes late")];
    assert_eq!(bench.run().1, expected);
}

#[test]
fn killed_waiter_leaves_the_lock_to_those_behind_it() {
    let bench = Bench::new(1, Ties::Fifo);
    let lock = bench.engine.new_lock();
    hold(&bench, lock, 0, Hold::Shared);
    let writer = bench.process(Needs::Nothing, |engine, _| async move {
        engine.sleep(ms(1), WHY, Signals::Ignored).await;
        let waited = engine.lock(lock, Hold::Exclusive, WHY, Signals::Killable).await;
        assert_eq!(waited, Waited::Killed);
    });
    bench.process(Needs::Nothing, |engine, noter| async move {
        engine.sleep(ms(2), WHY, Signals::Ignored).await;
        engine.lock(lock, Hold::Shared, WHY, Signals::Ignored).await;
        noter.note("reader in");
        engine.unlock(lock);
    });
    bench.process(Needs::Nothing, |engine, _| async move {
        engine.sleep(ms(3), WHY, Signals::Ignored).await;
        engine.kill(writer);
    });
    assert_eq!(bench.run().1, [(3_000_000, "reader in")]);
}

#[test]
fn two_processes_share_a_cpu_fairly_and_two_cpus_not_at_all() {
    let finish = |count| {
        let bench = Bench::new(count, Ties::Fifo);
        for name in ["a", "b"] {
            bench.process(Needs::Cpu, move |engine, noter| async move {
                engine.cpu(ms(100)).await;
                noter.note(name);
            });
        }
        bench.run().1
    };
    assert_eq!(finish(2), [(100_000_000, "a"), (100_000_000, "b")]);
    let [(first, _), (last, _)] = finish(1)[..] else { panic!("both finish") };
    assert_eq!(last, 200_000_000, "no CPU time is lost or gained");
    assert!(first >= 180_000_000, "the first one was not served before the other: {first}");
}

#[test]
fn what_is_charged_is_paid_with_the_next_burst() {
    let bench = Bench::new(1, Ties::Fifo);
    bench.process(Needs::Cpu, |engine, noter| async move {
        engine.charge(ms(3));
        engine.charge(ms(4));
        engine.sleep(ms(10), WHY, Signals::Ignored).await;
        noter.note("slept");
        engine.cpu(ms(1)).await;
        noter.note("worked");
        engine.cpu(ms(1)).await;
        noter.note("once");
    });
    let at = |ms: u64| ms * 1_000_000;
    assert_eq!(bench.run().1, [(at(10), "slept"), (at(18), "worked"), (at(19), "once")]);
}

#[test]
fn cpu_time_follows_weights() {
    let bench = Bench::new(1, Ties::Fifo);
    for (name, weight) in [("heavy", 3 * Share::WEIGHT), ("light", Share::WEIGHT)] {
        let task = bench.process(Needs::Cpu, move |engine, noter| async move {
            engine.cpu(ms(300)).await;
            noter.note(name);
        });
        bench.engine.set_share(task, Share::Fair(weight));
    }
    let (_, notes) = bench.run();
    let [(heavy, "heavy"), (light, "light")] = notes[..] else { panic!("{notes:?}") };
    // The light one has had a third of that time when the heavy one is done.
    assert!((390_000_000..=410_000_000).contains(&heavy), "{heavy}");
    assert_eq!(light, 600_000_000);
}

#[test]
fn real_time_process_is_not_interrupted_by_others_and_interrupts_them() {
    let bench = Bench::new(1, Ties::Fifo);
    bench.process(Needs::Cpu, |engine, noter| async move {
        engine.cpu(ms(10)).await;
        noter.note("fair");
    });
    for (name, priority, after) in [("low", 1, 2), ("high", 50, 5), ("low too", 1, 3)] {
        let task = bench.process(Needs::Cpu, move |engine, noter| async move {
            engine.sleep(ms(after), WHY, Signals::Ignored).await;
            engine.cpu(ms(20)).await;
            noter.note(name);
        });
        bench.engine.set_share(task, Share::Fifo(priority));
    }
    let at = |ms: u64| ms * 1_000_000;
    assert_eq!(
        bench.run().1,
        [(at(25), "high"), (at(42), "low"), (at(62), "low too"), (at(70), "fair")]
    );
}

#[test]
fn sleeper_preempts_a_busy_process() {
    let bench = Bench::new(1, Ties::Fifo);
    bench.process(Needs::Cpu, |engine, _| async move {
        engine.cpu(ms(100)).await;
    });
    bench.process(Needs::Cpu, |engine, noter| async move {
        engine.sleep(ms(50), WHY, Signals::Ignored).await;
        noter.note("woken");
    });
    let (_, notes) = bench.run();
    assert!(notes[0].0 <= 54_000_000, "woken at {}", notes[0].0);
}

/// A tick falls into its time without preemption, and it is still the one that has had least.
#[test]
fn who_would_be_picked_again_is_not_switched_to() {
    let bench = Bench::new(1, Ties::Fifo);
    for _ in 0..3 {
        bench.process(Needs::Cpu, |engine, _| async move { engine.cpu(ms(50)).await });
    }
    let task = bench.process(Needs::Cpu, |engine, _| async move {
        engine.sleep(ms(22), WHY, Signals::Ignored).await;
        engine.preempt_disable();
        engine.cpu(Nanos::from_us(2_500)).await;
        engine.preempt_enable();
        engine.cpu(Nanos::from_us(100)).await;
    });
    bench.run();
    let got_a_cpu = bench.engine.observe(|_, log| {
        let events = log.0.iter().filter(|(_, who, _)| *who == task.0);
        events.filter(|(.., event)| matches!(event, EngineEvent::Ran(_))).count()
    });
    assert_eq!(got_a_cpu, 2, "to go to sleep, and after that");
}

/// Of two CPUs one has nobody but a process that is held up, the other one that waits for the disk.
#[test]
fn who_waits_for_io_counts_as_not_idle() {
    let mut pressure = Pressure::new(2, SimTime(0));
    let held_up = Load { stalled: true, ..Load::default() };
    pressure.shift(SimTime(0), Load::default(), held_up);
    pressure.shift(SimTime(0), Load::default(), Load { waits_for_io: true, ..Load::default() });
    pressure.advance(SimTime(100));
    assert_eq!(pressure.totals(), (50, 50));
    // One that has a CPU gets something done besides.
    pressure.shift(
        SimTime(100),
        Load::default(),
        Load { wants_cpu: true, runs: true, ..Load::default() },
    );
    pressure.advance(SimTime(200));
    assert_eq!(pressure.totals(), (100, 100));
    pressure.shift(SimTime(200), held_up, Load::default());
    pressure.advance(SimTime(300));
    assert_eq!(pressure.totals(), (100, 100));
}

#[test]
fn loop_without_waiting_is_stopped_with_its_name() {
    let bench = Bench::new(1, Ties::Fifo);
    let queue = bench.engine.new_queue();
    let spinner = bench.process(Needs::Nothing, |engine, _| async move {
        loop {
            engine.wait(queue, WHY, Signals::Ignored, Some(Nanos(0))).await;
        }
    });
    assert_eq!(bench.run().0, Stop::NoProgress(spinner));
}

#[test]
fn run_stops_at_its_horizon_and_at_its_event_limit() {
    let limits = [
        (Limits { horizon: SimTime(35_000_000), ..Limits::default() }, Stop::Horizon, 3, 35),
        (Limits { events: 6, ..Limits::default() }, Stop::EventLimit, 5, 50),
    ];
    for (limits, expected, steps, end_ms) in limits {
        let bench = Bench::new(1, Ties::Fifo);
        bench.process(Needs::Nothing, |engine, noter| async move {
            loop {
                engine.sleep(ms(10), WHY, Signals::Ignored).await;
                noter.note("step");
            }
        });
        let mut executor = Executor::new(Rc::clone(&bench.engine), limits);
        assert_eq!(executor.run(u64::MAX), Progress::Stopped(expected));
        assert_eq!(bench.notes.borrow().len(), steps);
        assert_eq!(bench.engine.now(), SimTime(end_ms * 1_000_000));
    }
}

/// A busy little world: processes that sleep, lock, compute and signal as
/// a stream tells them.
fn random_world(seed: u64, ties: Ties, slice: u64) -> Vec<(u64, u32, EngineEvent)> {
    let bench = Bench::new(2, ties);
    let locks: Vec<_> = (0..3).map(|_| bench.engine.new_lock()).collect();
    let queue = bench.engine.new_queue();
    for index in 0..6 {
        let needs = if index % 2 == 0 { Needs::Cpu } else { Needs::Nothing };
        let locks = locks.clone();
        let mut stream = Stream::new(seed, "world", &format!("process {index}"));
        bench.process(needs, |engine, _| async move {
            for _ in 0..40 {
                let span = Nanos(stream.below(5) * 500_000);
                let lock = locks[usize::try_from(stream.below(3)).expect("small")];
                let how = if stream.below(2) == 0 { Hold::Shared } else { Hold::Exclusive };
                match stream.below(4) {
                    0 => drop(engine.sleep(span, WHY, Signals::Ignored).await),
                    1 => engine.cpu(span).await,
                    2 => {
                        engine.lock(lock, how, WHY, Signals::Ignored).await;
                        engine.cpu(span).await;
                        engine.unlock(lock);
                    }
                    _ => {
                        engine.wake_all(queue);
                        engine.wait(queue, WHY, Signals::Ignored, Some(span)).await;
                    }
                }
            }
        });
    }
    let mut executor = Executor::new(Rc::clone(&bench.engine), Limits::default());
    while executor.run(slice) == Progress::More {}
    bench.engine.observe(|_, log| std::mem::take(&mut log.0))
}

proptest::proptest! {
    #[test]
    fn same_seed_same_events_whatever_the_slices(seed in 0u64..1000, slice in 1u64..50) {
        let whole = random_world(seed, Ties::Fifo, u64::MAX);
        let sliced = random_world(seed, Ties::Fifo, slice);
        proptest::prop_assert_eq!(&whole, &sliced);
        proptest::prop_assert!(whole.is_sorted_by_key(|event| event.0));
        let exited = whole.iter().filter(|event| event.2 == EngineEvent::Exited).count();
        proptest::prop_assert_eq!(exited, 6, "everybody gets done");
    }

    #[test]
    fn seeded_ties_are_a_function_of_the_seed(seed in 0u64..1000) {
        let ties = || Ties::Seeded(Stream::new(seed, "ties", "test"));
        proptest::prop_assert_eq!(random_world(seed, ties(), 7), random_world(seed, ties(), u64::MAX));
    }
}

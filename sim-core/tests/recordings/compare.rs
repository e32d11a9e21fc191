//! Lays two stories side by side, row by row, and says which rows are
//! further apart than a row of its kind may be.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use sim_core::import::{Process, Story, VictimStory};

use super::machine::Machine;

/// Memory pressure over a whole recording or run, in µs.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(crate) struct Psi {
    pub(crate) some_us: i64,
    pub(crate) full_us: i64,
}

/// What a recording or a run tells.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) story: Story,
    pub(crate) psi: Psi,
    pub(crate) machine: Machine,
    /// Whether its clock can be relied on: that of a recording whose
    /// guest shared a busy host cannot.
    pub(crate) timed: bool,
}

/// How far a run may be from the recording.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Rule {
    /// Not at all.
    Equal,
    /// By so many µs.
    WithinUs(i64),
    /// By 12 ms and 5 % of the recorded time.
    Time,
    /// By 2 % or 128 KiB, whichever is more.
    Memory,
    /// One is at most twice the other.
    Factor2,
    /// By 3 % or 2, whichever is more: rounds of a loop.
    Rounds,
    /// By 30 %, or 0.1 %: an average, sampled every two seconds of a clock that the run has not.
    Average,
    /// Both lie in `(low, high]`, wherever the other lies.
    Range(i64, i64),
}

/// What a row says of one story.
#[derive(Clone, Eq, PartialEq, Debug)]
enum Value {
    Text(String),
    Count(i64),
    Us(i64),
    Bytes(i64),
}

/// The facts that a story is compared by, in order.
#[derive(Default)]
struct Facts {
    rows: Vec<(String, Value, Rule)>,
    /// Whether times are facts.
    timed: bool,
}

impl Facts {
    fn add(&mut self, what: impl Into<String>, value: Value, rule: Rule) {
        self.rows.push((what.into(), value, rule));
    }

    fn time(&mut self, what: impl Into<String>, at: Option<i64>, from: i64) {
        if let Some(at) = at
            && self.timed
        {
            self.add(what, Value::Us(at - from), Rule::Time);
        }
    }

    fn count(&mut self, what: impl Into<String>, count: usize) {
        let count = i64::try_from(count).expect("few of anything");
        self.add(what, Value::Count(count), Rule::Equal);
    }
}

/// What the recording has, beyond what all have: the rest are no facts.
struct Shown {
    /// Times.
    timed: bool,
    /// Counters of interval notifiers.
    counters: bool,
    /// Events of reclaim.
    reclaim: bool,
    /// Samples of free memory, by time since the first kill.
    samples: Vec<(i64, i64)>,
}

impl Shown {
    fn by(recording: &Told) -> Self {
        let zero = recording.story.first_kill_us().unwrap_or(0);
        let samples = recording.machine.free.iter();
        Self {
            timed: recording.timed,
            counters: !recording.story.counters.is_empty(),
            reclaim: recording.machine.reclaims > 0,
            samples: samples.map(|&(at, bytes)| (at - zero, bytes)).collect(),
        }
    }
}

/// Every fact of a story. Times count from the first kill.
fn facts(told: &Told, shown: &Shown) -> Facts {
    let (timed, counters) = (shown.timed, shown.counters);
    let story = &told.story;
    let mut facts = Facts { timed, ..Facts::default() };
    for (index, event) in story.events.iter().enumerate() {
        let text = format!("{} {}", event.kind.text(), event.victim);
        facts.add(format!("event {:2}", index + 1), Value::Text(text), Rule::Equal);
    }
    let kill = story.first_kill_us().unwrap_or(0);
    let mut seen: BTreeMap<&str, u32> = BTreeMap::new();
    for victim in &story.victims {
        let nth = seen.entry(&victim.name).or_default();
        *nth += 1;
        let name = match *nth {
            1 => victim.name.clone(),
            nth => format!("{} (kill {nth})", victim.name),
        };
        victim_facts(&mut facts, &name, victim, kill);
    }
    let logged = Value::Count(i64::from(story.refusals_logged));
    facts.add("refusals in the log", logged, Rule::Equal);
    for process in &story.processes {
        process_facts(&mut facts, process, kill);
    }
    if timed {
        for (what, us) in [("some", told.psi.some_us), ("full", told.psi.full_us)] {
            facts.add(format!("memory pressure, {what}"), Value::Us(us), Rule::Factor2);
        }
    }
    if counters {
        for (index, counters) in story.counters.iter().enumerate() {
            let (at, active, seq) = (counters.at.text(), counters.active, counters.seq);
            let text = Value::Text(format!("{at} active={active} seq={seq}"));
            facts.add(format!("counters {:3}", index + 1), text, Rule::Equal);
        }
    }
    machine_facts(&mut facts, &told.machine, kill, shown);
    facts.count("hangs", story.hangs.len());
    for hang in &story.hangs {
        facts.time(format!("{}: hangs", hang.process), Some(hang.since_us), kill);
    }
    facts
}

/// What is told of the machine. How often a loop goes round, and how much is free
/// when, depends on time.
fn machine_facts(facts: &mut Facts, machine: &Machine, kill: i64, shown: &Shown) {
    for (index, line) in machine.lines.iter().enumerate() {
        // With two CPUs it is chance who finds no page first.
        let line = line.find("invoked").filter(|_| !facts.timed).map_or(&**line, |at| &line[at..]);
        facts.add(format!("line {:2}", index + 1), Value::Text(line.to_owned()), Rule::Equal);
    }
    for (index, mark) in machine.marks.iter().enumerate() {
        let what = format!("mark {} of {}", index + 1, mark.name);
        facts.add(format!("{what}: oom_score_adj"), Value::Count(mark.adj), Rule::Equal);
    }
    if !facts.timed {
        return;
    }
    for (index, mark) in machine.marks.iter().enumerate() {
        let what = format!("mark {} of {}", index + 1, mark.name);
        let sizes =
            [("total-vm", mark.total_vm), ("pgtables", mark.pgtables), ("anon-rss", mark.anon)];
        for (of, kb) in sizes {
            facts.add(format!("{what}: {of}"), Value::Bytes(kb * 1024), Rule::Memory);
        }
    }
    for (index, zones) in machine.zones.iter().enumerate() {
        for (zone, free) in zones.iter().enumerate() {
            let what = format!("report {}: free in zone {zone}", index + 1);
            facts.add(what, Value::Bytes(*free), Rule::Memory);
        }
    }
    for (index, tables) in machine.tables.iter().enumerate() {
        let what = format!("report {}: page tables", index + 1);
        facts.add(what, Value::Bytes(*tables), Rule::Memory);
    }
    let count = |count: usize| Value::Count(i64::try_from(count).expect("not that many"));
    if shown.reclaim {
        facts.add("direct reclaims", count(machine.reclaims), Rule::Rounds);
        facts.add("tests whether to retry", count(machine.retries), Rule::Rounds);
        facts.add("calls of out_of_memory", count(machine.oom_calls), Rule::Rounds);
        facts.add("wakes of kswapd", count(machine.kswapd.0), Rule::Equal);
        facts.add("sleeps of kswapd", count(machine.kswapd.1), Rule::Equal);
    }
    let agreeing = machine.agreeing(kill, &shown.samples);
    facts.add("samples of free memory", count(agreeing), Rule::Equal);
    for (index, average) in machine.averages.iter().enumerate() {
        let (what, over) = (["some", "full"][index / 3], [10, 60, 300][index % 3]);
        let what = format!("memory pressure, {what} avg{over} at the end");
        facts.add(what, Value::Count(*average), Rule::Average);
    }
}

fn victim_facts(facts: &mut Facts, name: &str, victim: &VictimStory, kill: i64) {
    if victim.killed_us != kill {
        facts.time(format!("{name}: mark_victim"), Some(victim.killed_us), kill);
    }
    if let Some(wake) = victim.wake_us {
        let delay = Value::Us(wake - victim.killed_us);
        facts.add(format!("{name}: kill to wake_reaper"), delay, Rule::Range(2_000_000, 2_036_000));
    }
    let woken = if victim.wake_us.is_some() { "woken for" } else { "never woken for" };
    facts.add(format!("{name}: reaper"), Value::Text(woken.to_owned()), Rule::Equal);
    facts.count(format!("{name}: attempts"), victim.attempts.len());
    let mut before: Option<i64> = None;
    for (index, attempt) in victim.attempts.iter().enumerate() {
        let what = format!("{name}: attempt {:2}", index + 1);
        for (of, count) in [("calls", attempt.calls), ("refusals", attempt.refusals)] {
            let count = Value::Count(i64::from(count));
            facts.add(format!("{what} {of}"), count, Rule::Equal);
        }
        match before {
            Some(before) if facts.timed => facts.add(
                format!("{what} start to start"),
                Value::Us(attempt.start_us - before),
                Rule::WithinUs(4_000),
            ),
            Some(_) => {}
            None => facts.time(format!("{what} start"), Some(attempt.start_us), kill),
        }
        before = Some(attempt.start_us);
        let lasted = attempt.finish_us.map(|finish| finish - attempt.start_us);
        facts.time(format!("{what} lasted"), lasted, 0);
    }
    facts.time(format!("{name}: reaped"), victim.reaped_us, kill);
    facts.time(format!("{name}: unable to reap"), victim.unable_us, kill);
    if let Some(drop) = victim.anon_drop() {
        facts.add(format!("{name}: anon-rss drop"), Value::Bytes(drop), Rule::Memory);
    }
}

fn process_facts(facts: &mut Facts, process: &Process, kill: i64) {
    // The orchestrator of a recording is no part of the incident.
    let Some(started) = process.started_us else {
        return;
    };
    let name = &process.name;
    facts.time(format!("{name}: started before the kill"), Some(kill), started);
    facts.time(format!("{name}: exit_mmap"), process.exit_mmap_us, kill);
    facts.time(format!("{name}: exit_mmap done"), process.exit_mmap_done_us, kill);
    facts.count(format!("{name}: address spaces gone"), process.exit_mmap_done_us.iter().count());
    facts.count(format!("{name}: threads that exit"), process.exits_us.len());
    for (index, exit) in process.exits_us.iter().enumerate() {
        facts.time(format!("{name}: exit of thread {}", index + 1), Some(*exit), kill);
    }
}

/// A row of the comparison.
struct Row {
    what: String,
    recorded: Option<Value>,
    run: Option<Value>,
    rule: Rule,
}

impl Row {
    fn holds(&self) -> bool {
        let (Some(recorded), Some(run)) = (&self.recorded, &self.run) else {
            return false;
        };
        let (a, b) = match (recorded, run) {
            (Value::Us(a), Value::Us(b))
            | (Value::Bytes(a), Value::Bytes(b))
            | (Value::Count(a), Value::Count(b)) => (*a, *b),
            _ => return recorded == run,
        };
        match self.rule {
            Rule::Equal => a == b,
            Rule::WithinUs(us) => (a - b).abs() <= us,
            Rule::Time => (a - b).abs() <= 12_000 + a.abs() / 20,
            Rule::Memory => (a - b).abs() <= (a.abs() / 50).max(128 * 1024),
            Rule::Rounds => (a - b).abs() <= (a.abs() * 3 / 100).max(2),
            Rule::Average => (a - b).abs() <= (a.abs() * 3 / 10).max(10),
            Rule::Factor2 => a <= 2 * b && b <= 2 * a,
            Rule::Range(low, high) => [a, b].iter().all(|value| low < *value && *value <= high),
        }
    }
}

/// A recording and a run, side by side.
pub(crate) struct Comparison {
    rows: Vec<Row>,
}

/// Compares what a run tells with what a recording does. Counters that
/// the recording does not show are no facts, nor are times if its clock
/// cannot be relied on.
pub(crate) fn compare(recording: &Told, run: &Told) -> Comparison {
    let shown = Shown::by(recording);
    let facts = |told| facts(told, &shown).rows;
    let mut of_run: Vec<Option<(String, Value, Rule)>> = facts(run).into_iter().map(Some).collect();
    let mut rows: Vec<Row> = Vec::new();
    for (what, recorded, rule) in facts(recording) {
        let same = |slot: &&mut Option<_>| matches!(slot, Some((other, _, _)) if *other == what);
        let run = of_run.iter_mut().find(same).and_then(Option::take);
        let run = run.map(|(_, value, _)| value);
        rows.push(Row { what, recorded: Some(recorded), run, rule });
    }
    for (what, value, rule) in of_run.into_iter().flatten() {
        rows.push(Row { what, recorded: None, run: Some(value), rule });
    }
    Comparison { rows }
}

impl Comparison {
    /// What is further apart than it may be.
    pub(crate) fn failures(&self) -> Vec<&str> {
        let failed = self.rows.iter().filter(|row| !row.holds());
        failed.map(|row| row.what.as_str()).collect()
    }

    /// How far apart a time is: the run's less the recording's.
    pub(crate) fn apart_us(&self, what: &str) -> Option<i64> {
        let row = self.rows.iter().find(|row| row.what == what)?;
        match (&row.recorded, &row.run) {
            (Some(Value::Us(recorded)), Some(Value::Us(run))) => Some(run - recorded),
            _ => None,
        }
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.pad(text),
            Self::Count(count) => f.pad(&count.to_string()),
            Self::Us(us) => {
                let sign = if *us < 0 { "-" } else { "" };
                let us = us.unsigned_abs();
                f.pad(&format!("{sign}{}.{:03} ms", us / 1000, us % 1000))
            }
            Self::Bytes(bytes) => f.pad(&format!("{} kB", bytes / 1024)),
        }
    }
}

/// The table: rows that fail are marked.
impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {:<34}{:>30}{:>30}  difference", "", "recording", "run")?;
        for row in &self.rows {
            let mark = if row.holds() { ' ' } else { '!' };
            write!(f, "{mark} {:<34}", row.what)?;
            for value in [&row.recorded, &row.run] {
                match value {
                    Some(value) => write!(f, "{value:>30}")?,
                    None => write!(f, "{:>30}", "-")?,
                }
            }
            match (&row.recorded, &row.run) {
                (Some(Value::Us(a)), Some(Value::Us(b))) => write!(f, "  {}", Value::Us(b - a))?,
                (Some(Value::Bytes(a)), Some(Value::Bytes(b))) => {
                    write!(f, "  {}", Value::Bytes(b - a))?;
                }
                _ => {}
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

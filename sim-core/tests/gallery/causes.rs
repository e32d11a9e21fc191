//! Each failure mode and deadlock, shown and not shown.
//!
//! A mode is told by its signature (kernel-spec 8.2, 5.5): what one sees of
//! it in records, log and report, and no other mode's. It is there in
//! the scenario as it is, and gone as soon as one of its causes is taken away.

mod deadlocks;
mod failures;

use sim_core::analysis::types::Report;
use sim_core::base::{SimTime, TaskId};
use sim_core::export::dmesg;
use sim_core::record::{Event, Reason, Record, Run};
use sim_core::scenario::gallery::gallery;

use super::rows::{judged, run};

/// A mode: its scenario, how it is told, and with what it is there or gone.
struct Mode {
    id: &'static str,
    /// What is not as it should be; nothing: the mode is there.
    sign: fn(&Seen) -> Missing,
    /// Besides the scenario as it is; as in `Row::with`.
    shown: &'static [&'static str],
    /// A cause is taken away.
    gone: &'static [&'static str],
}

/// The first part of a signature that is not there.
type Missing = Option<&'static str>;

/// A run, to be looked at.
struct Seen {
    run: Run,
    report: Report,
    log: String,
}

impl Seen {
    fn of(id: &str, with: &str) -> Self {
        let run = run(id, with);
        let log = dmesg(&run);
        Self { report: judged(id, with), run, log }
    }

    fn task(&self, name: &str) -> TaskId {
        self.run.cast.tasks.iter().find(|(_, info)| info.name == name).expect("such a task").0
    }

    fn records(&self) -> impl Iterator<Item = Record> + '_ {
        self.run.trace.iter()
    }

    fn count(&self, is_it: impl Fn(&Event) -> bool) -> usize {
        self.records().filter(|record| is_it(&record.event)).count()
    }

    fn has_flag(&self, flag: &str) -> bool {
        self.report.flags.contains(&flag)
    }

    fn incidents(&self, kind: &str) -> usize {
        self.report.incidents.iter().filter(|incident| incident.kind == kind).count()
    }

    /// What a task is parked for when the run is over.
    fn parked_at_end(&self, name: &str) -> Option<Reason> {
        let task = self.task(name);
        let mut parked = None;
        for record in self.records().filter(|record| record.task == task) {
            match record.event {
                Event::Blocked { why, .. } => parked = Reason::from_number(why),
                Event::Woken { .. } | Event::Exited {} => parked = None,
                _ => {}
            }
        }
        parked
    }

    fn first_kill(&self) -> SimTime {
        self.report.victims.first().map_or(self.run.end, |victim| victim.killed)
    }

    /// Whether there is a cycle of these, in this order, that nothing opens.
    fn is_closed(&self, names: &[&str]) -> bool {
        let name = |task: TaskId| self.run.cast.tasks[task].name.as_str();
        let sets = self.report.wait_for.closed.iter().filter(|set| set.until.is_none());
        sets.flat_map(|set| &set.cycles).any(|cycle| {
            let tasks: Vec<_> = cycle.iter().map(|edge| name(edge.from)).collect();
            let mut around = (0..tasks.len()).map(|by| [&tasks[by..], &tasks[..by]].concat());
            around.any(|tasks| tasks == names)
        })
    }
}

/// The first of these that does not hold.
fn missing(parts: &[(bool, &'static str)]) -> Missing {
    parts.iter().find(|part| !part.0).map(|part| part.1)
}

fn modes() -> impl Iterator<Item = &'static Mode> {
    failures::MODES.iter().chain(deadlocks::MODES)
}

#[test]
fn modes_are_shown_and_gone_without_their_causes() {
    let mut wrong = Vec::new();
    for mode in modes() {
        for with in [""].iter().chain(mode.shown) {
            if let Some(part) = (mode.sign)(&Seen::of(mode.id, with)) {
                wrong.push(format!("{} {with}: not shown, for want of: {part}", mode.id));
            }
        }
        for with in mode.gone {
            if (mode.sign)(&Seen::of(mode.id, with)).is_none() {
                wrong.push(format!("{} {with}: still shown", mode.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_mode_of_the_specification_has_a_signature_and_a_control() {
    let mut told: Vec<&str> = modes().map(|mode| mode.id).collect();
    let is_mode = |id: &str| {
        let number = id[1..].split('-').next().unwrap_or_default();
        matches!(&id[..1], "f" | "d") && number.parse::<u8>().is_ok()
    };
    let mut there: Vec<&str> = gallery().iter().map(|it| it.id).filter(|id| is_mode(id)).collect();
    told.sort_unstable();
    there.sort_unstable();
    assert_eq!(told, there);
    for number in (1..=19).map(|n| format!("f{n}-")).chain((1..=8).map(|n| format!("d{n}-"))) {
        let mut of_number = modes().filter(|mode| mode.id.starts_with(&number));
        assert!(of_number.next().is_some_and(|mode| !mode.gone.is_empty()), "{number}");
    }
}

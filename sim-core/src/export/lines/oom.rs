//! The events of include/trace/events/oom.h that tell of victims.

use super::{comm, kb, pid};
use crate::base::TaskId;
use crate::export::state::State;
use crate::export::tracepoint::{Field, Show::Plain, Traced, Tracepoint, Type, number};
use crate::record::{Event, Record, VictimReport};

const PID: &[Field] = &[Field(Type::Int, "pid", Plain)];

/// Declares a tracepoint that tells a pid alone.
const fn of_pid(name: &'static str) -> Tracepoint {
    Tracepoint { system: "oom", name, fields: PID, print: "pid=%d" }
}

/// Before Linux 6.8, and before it was ported back.
static MARK_VICTIM_PID: Tracepoint = of_pid("mark_victim");
static WAKE_REAPER: Tracepoint = of_pid("wake_reaper");
static START_TASK_REAPING: Tracepoint = of_pid("start_task_reaping");
static SKIP_TASK_REAPING: Tracepoint = of_pid("skip_task_reaping");
static FINISH_TASK_REAPING: Tracepoint = of_pid("finish_task_reaping");

/// The mixed `=` and `:` are the kernel's.
static MARK_VICTIM: Tracepoint = Tracepoint {
    system: "oom",
    name: "mark_victim",
    fields: &[
        Field(Type::Int, "pid", Plain),
        Field(Type::Text, "comm", Plain),
        Field(Type::ULong, "total_vm", Plain),
        Field(Type::ULong, "anon_rss", Plain),
        Field(Type::ULong, "file_rss", Plain),
        Field(Type::ULong, "shmem_rss", Plain),
        Field(Type::Uid, "uid", Plain),
        Field(Type::ULong, "pgtables", Plain),
        Field(Type::Short, "oom_score_adj", Plain),
    ],
    print: "pid=%d comm=%s total-vm=%lukB anon-rss=%lukB file-rss:%lukB shmem-rss:%lukB uid=%u \
            pgtables=%lukB oom_score_adj=%hd",
};

static OOM_SCORE_ADJ_UPDATE: Tracepoint = Tracepoint {
    system: "oom",
    name: "oom_score_adj_update",
    fields: &[
        Field(Type::Pid, "pid", Plain),
        Field(Type::Comm, "comm", Plain),
        Field(Type::Short, "oom_score_adj", Plain),
    ],
    print: "pid=%d comm=%s oom_score_adj=%hd",
};

pub(super) fn tracepoint<'a>(state: &State<'a>, record: &Record) -> Option<Traced<'a>> {
    let wording = &state.cast.wording;
    let (point, victim) = match record.event {
        Event::MarkVictim { victim, report } => match state.cast.reports.get(report) {
            Some(report) if wording.mark_victim_sizes => {
                return Some(mark_victim(state, victim, report));
            }
            _ => (&MARK_VICTIM_PID, victim),
        },
        Event::WakeReaper { victim } => (&WAKE_REAPER, victim),
        Event::StartTaskReaping { victim } => (&START_TASK_REAPING, victim),
        Event::SkipTaskReaping { victim } => (&SKIP_TASK_REAPING, victim),
        Event::FinishTaskReaping { victim, .. } => (&FINISH_TASK_REAPING, victim),
        Event::OomScoreAdjUpdate { target, adj_plus_1000 } => {
            let adj = i32::from(adj_plus_1000) - 1000;
            let values = [number(pid(state, target)), comm(state, target).into(), number(adj)];
            return Some(Traced::new(&OOM_SCORE_ADJ_UPDATE, values));
        }
        _ => return None,
    };
    Some(Traced::since(wording.traces_reaper, point, [number(pid(state, victim))]))
}

fn mark_victim<'a>(state: &State<'a>, victim: TaskId, report: &VictimReport) -> Traced<'a> {
    let values = [
        number(pid(state, victim)),
        comm(state, victim).into(),
        number(kb(report.total_vm)),
        number(kb(report.anon)),
        number(kb(report.file)),
        number(kb(report.shmem)),
        number(report.uid),
        number(report.pgtables_bytes / 1024),
        number(report.oom_score_adj),
    ];
    Traced::since(state.cast.wording.traces_reaper, &MARK_VICTIM, values)
}

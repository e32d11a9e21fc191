//! Signals, forks, exits and fences.

use super::{PRIO, comm, pid};
use crate::base::DeviceId;
use crate::export::state::State;
use crate::export::tracepoint::{
    Field,
    Show::{Either, Hidden, Plain},
    Traced, Tracepoint, Type, number,
};
use crate::record::{Event, Record};

/// Codes of signals from the kernel and from `kill(2)` (include/uapi/asm-generic/siginfo.h).
const SI_KERNEL: i64 = 128;
const SI_USER: i64 = 0;
const SIGKILL: i64 = 9;
/// How sending went (include/trace/events/signal.h).
const TRACE_SIGNAL_DELIVERED: i64 = 0;
const TRACE_SIGNAL_IGNORED: i64 = 1;
const TRACE_SIGNAL_ALREADY_PENDING: i64 = 2;

static SIGNAL_GENERATE: Tracepoint = Tracepoint {
    system: "signal",
    name: "signal_generate",
    fields: &[
        Field(Type::Int, "sig", Plain),
        Field(Type::Int, "errno", Plain),
        Field(Type::Int, "code", Plain),
        Field(Type::Comm, "comm", Plain),
        Field(Type::Pid, "pid", Plain),
        Field(Type::Int, "group", Plain),
        Field(Type::Int, "result", Plain),
    ],
    print: "sig=%d errno=%d code=%d comm=%s pid=%d grp=%d res=%d",
};

static SIGNAL_DELIVER: Tracepoint = Tracepoint {
    system: "signal",
    name: "signal_deliver",
    fields: &[
        Field(Type::Int, "sig", Plain),
        Field(Type::Int, "errno", Plain),
        Field(Type::Int, "code", Plain),
        Field(Type::ULong, "sa_handler", Plain),
        Field(Type::ULong, "sa_flags", Plain),
    ],
    print: "sig=%d errno=%d code=%d sa_handler=%lx sa_flags=%lx",
};

static SCHED_PROCESS_FORK: Tracepoint = Tracepoint {
    system: "sched",
    name: "sched_process_fork",
    fields: &[
        Field(Type::Comm, "parent_comm", Plain),
        Field(Type::Pid, "parent_pid", Plain),
        Field(Type::Comm, "child_comm", Plain),
        Field(Type::Pid, "child_pid", Plain),
    ],
    print: "comm=%s pid=%d child_comm=%s child_pid=%d",
};

static SCHED_PROCESS_EXIT: Tracepoint = Tracepoint {
    system: "sched",
    name: "sched_process_exit",
    fields: &[
        Field(Type::Comm, "comm", Plain),
        Field(Type::Pid, "pid", Plain),
        Field(Type::Int, "prio", Plain),
    ],
    print: "comm=%s pid=%d prio=%d",
};

/// Since Linux 6.16.
static SCHED_PROCESS_EXIT_OF_GROUP: Tracepoint = Tracepoint {
    system: "sched",
    name: "sched_process_exit",
    fields: &[
        Field(Type::Comm, "comm", Plain),
        Field(Type::Pid, "pid", Plain),
        Field(Type::Int, "prio", Plain),
        Field(Type::Bool, "group_dead", Either("true", "false")),
    ],
    print: "comm=%s pid=%d prio=%d group_dead=%s",
};

static EXIT_MMAP: Tracepoint = Tracepoint {
    system: "mmap",
    name: "exit_mmap",
    fields: &[
        Field(Type::Pointer("mm_struct"), "mm", Hidden),
        Field(Type::Pointer("maple_tree"), "mt", Plain),
    ],
    print: "mt_mod %p, DESTROY",
};

/// Declares a tracepoint of the class `dma_fence`.
const fn of_fence(name: &'static str) -> Tracepoint {
    Tracepoint {
        system: "dma_fence",
        name,
        fields: &[
            Field(Type::Text, "driver", Plain),
            Field(Type::Text, "timeline", Plain),
            Field(Type::UInt, "context", Plain),
            Field(Type::UInt, "seqno", Plain),
        ],
        print: "driver=%s timeline=%s context=%u seqno=%u",
    }
}

static DMA_FENCE_EMIT: Tracepoint = of_fence("dma_fence_emit");
static DMA_FENCE_SIGNALED: Tracepoint = of_fence("dma_fence_signaled");

pub(super) fn tracepoint<'a>(state: &State<'a>, record: &Record) -> Option<Traced<'a>> {
    let me = || (comm(state, record.task).into(), number(pid(state, record.task)));
    Some(match record.event {
        Event::SignalGenerate { target } => {
            let code = if state.is_oom_kill(record) { SI_KERNEL } else { SI_USER };
            let target = state.signalled(record.task, target);
            let (comm, pid) = (comm(state, target).into(), number(pid(state, target)));
            let result = match (state.is_killed_again(), state.cast.wording.drops_signals_of_dying)
            {
                (false, _) => TRACE_SIGNAL_DELIVERED,
                (true, true) => TRACE_SIGNAL_IGNORED,
                (true, false) => TRACE_SIGNAL_ALREADY_PENDING,
            };
            let [group, result] = [number(1), number(result)];
            let values = [number(SIGKILL), number(0), number(code), comm, pid, group, result];
            Traced::new(&SIGNAL_GENERATE, values)
        }
        Event::SignalDeliver {} => Traced::new(&SIGNAL_DELIVER, [SIGKILL, 0, 0, 0, 0].map(number)),
        Event::Forked { child, .. } => {
            let (comm_, pid_) = me();
            let values = [comm_, pid_, comm(state, child).into(), number(pid(state, child))];
            Traced::new(&SCHED_PROCESS_FORK, values)
        }
        Event::ProcessExit { group_dead } => {
            let ((comm, pid), prio) = (me(), number(PRIO));
            if state.cast.wording.traces_exit_first {
                let values = [comm, pid, prio, number(group_dead)];
                Traced::new(&SCHED_PROCESS_EXIT_OF_GROUP, values)
            } else {
                Traced::new(&SCHED_PROCESS_EXIT, [comm, pid, prio])
            }
        }
        Event::ExitMmapDone { mm } if state.cast.wording.traces_exit_mmap => {
            // Two addresses, hashed to 32 bits as %p prints them.
            let hash = |number: u32| number.wrapping_mul(0x9e37_79b1);
            let tree = hash(mm.0.wrapping_add(1));
            Traced::new(&EXIT_MMAP, [hash(tree), tree].map(number))
        }
        Event::JobSubmitted { device, fence } => {
            fence_event(&DMA_FENCE_EMIT, state, device, fence.0)
        }
        Event::FenceSignaled { fence } => {
            let device = state.cast.devices.iter().find(|(_, info)| info.task == Some(record.task));
            let device = device.map_or(DeviceId(u32::MAX), |(id, _)| id);
            fence_event(&DMA_FENCE_SIGNALED, state, device, fence.0)
        }
        _ => return None,
    })
}

fn fence_event<'a>(
    point: &'static Tracepoint,
    state: &State<'a>,
    device: DeviceId,
    seqno: u32,
) -> Traced<'a> {
    let info = state.cast.devices.get(device);
    let (driver, timeline) =
        info.map_or(("", ""), |info| (info.driver.as_str(), info.name.as_str()));
    let context = if info.is_some() { device.0 } else { 0 };
    Traced::new(point, [driver.into(), timeline.into(), number(context), number(seqno)])
}

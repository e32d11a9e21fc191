//! A run as trace-cmd's binary file, version 6 (trace-cmd.dat.v6(5)), for
//! `trace-cmd report` and KernelShark: the same rows as the ftrace text,
//! their times in ns.
//!
//! Formats are written of the tracepoints that the run has, so the file
//! needs no kernel to be read. Addresses of functions and formats of
//! `trace_printk()` there are none. Events of one instant on different
//! CPUs have no order in it: a ring buffer knows only its own.

mod pages;

use std::collections::BTreeMap;

use super::rows::{Row, rows};
use super::tracepoint::Traced;
use crate::record::{MODEL_VERSION, Run, TaskKind};
use pages::PAGE;
pub(super) use pages::Pages;

/// What the tracer says of its pages (`events/header_page`, `events/header_event`).
const HEADER_PAGE: &str = "\
\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;
\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;
\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;
\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;
";
const HEADER_EVENT: &str = "\
# compressed entry header
\ttype_len    :    5 bits
\ttime_delta  :   27 bits
\tarray       :   32 bits

\tpadding     : type == 29
\ttime_extend : type == 30
\ttime_stamp : type == 31
\tdata max type_len  == 28
";

/// The first number of a tracepoint; below are the tracer's own events.
const FIRST_ID: u16 = 300;
/// `TRACE_FLAG_SOFTIRQ`.
const IN_SOFTIRQ: u8 = 0x10;
/// `TRACECMD_OPTION_UNAME`.
const UNAME: u16 = 5;

/// Format files by system and name, and the number of each.
type Formats = BTreeMap<(&'static str, String), (u16, String)>;

/// The run as a trace.dat. Without events if no records were kept.
pub fn trace_dat(run: &Run) -> Vec<u8> {
    let mut formats = Formats::new();
    let mut cpus: Vec<Pages> = Vec::new();
    cpus.resize_with(run.cast.cpus as usize, Pages::default);
    rows(run, &mut |row: Row<'_>| {
        let flags = if row.in_softirq { IN_SOFTIRQ } else { 0 };
        let id = number(&mut formats, &row.event, run);
        let (_, pid) = row.task(run);
        // A row is on a CPU that there is.
        if let Some(pages) = cpus.get_mut(row.cpu as usize) {
            pages.add(row.at.0, &row.event.pack((id, flags, pid)));
        }
    });
    let mut file = header(run, &formats);
    count(&mut file, cpus.len());
    options(&mut file, run);
    file.extend(b"flyrecord\0");
    let mut offset = (file.len() + 16 * cpus.len()).next_multiple_of(PAGE);
    let cpus: Vec<Vec<u8>> = cpus.into_iter().map(Pages::finish).collect();
    for pages in &cpus {
        file.extend((offset as u64).to_le_bytes());
        file.extend((pages.len() as u64).to_le_bytes());
        offset += pages.len();
    }
    file.resize(file.len().next_multiple_of(PAGE), 0);
    file.extend(cpus.into_iter().flatten());
    file
}

/// The number of an event's tracepoint, which is the first to use it's to give.
fn number(formats: &mut Formats, event: &Traced<'_>, run: &Run) -> u16 {
    let next = u16::try_from(formats.len()).unwrap_or(0) + FIRST_ID;
    let key = (event.system(), event.name_in_system().into_owned());
    let made = || (next, event.format_file(next, &run.cast.wording));
    formats.entry(key).or_insert_with(made).0
}

/// All up to the number of CPUs.
fn header(run: &Run, formats: &Formats) -> Vec<u8> {
    let mut file = b"\x17\x08\x44tracing6\0".to_vec();
    // Little-endian, longs of 8 bytes.
    file.extend([0, 8]);
    count(&mut file, PAGE);
    for (name, text) in [("header_page\0", HEADER_PAGE), ("header_event\0", HEADER_EVENT)] {
        file.extend(name.bytes());
        sized(&mut file, text);
    }
    // The tracer's own events: none was recorded.
    file.extend(0_u32.to_le_bytes());
    let mut systems: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for ((system, _), (_, format)) in formats {
        systems.entry(system).or_default().push(format);
    }
    count(&mut file, systems.len());
    for (system, formats) in systems {
        file.extend(system.bytes().chain([0]));
        count(&mut file, formats.len());
        for format in formats {
            sized(&mut file, format);
        }
    }
    // kallsyms and printk_formats.
    file.extend([0; 8]);
    let threads = run.cast.tasks.iter().map(|(_, info)| info);
    let threads = threads.filter(|info| matches!(info.kind, TaskKind::User | TaskKind::Kthread));
    let mut comms = String::new();
    for info in threads {
        comms.push_str(&info.pid.to_string());
        comms.extend([" ", info.comm.as_str(), "\n"]);
    }
    sized(&mut file, &comms);
    file
}

/// Where the trace comes from, which `trace-cmd report --uname` tells.
fn options(file: &mut Vec<u8>, run: &Run) {
    let (release, id) = (run.cast.wording.release, &run.id);
    let uname = format!(
        "Linux {release}, simulated by Reaperscope: scenario {}, policy {}, seed {}, model {MODEL_VERSION}\0",
        id.scenario, id.policy, id.seed
    );
    file.extend(b"options  \0");
    file.extend(UNAME.to_le_bytes());
    count(file, uname.len());
    file.extend(uname.bytes());
    file.extend(0_u16.to_le_bytes());
}

/// A count of 32 bits.
fn count(file: &mut Vec<u8>, count: usize) {
    file.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

/// A text behind its length.
fn sized(file: &mut Vec<u8>, text: &str) {
    file.extend((text.len() as u64).to_le_bytes());
    file.extend(text.bytes());
}

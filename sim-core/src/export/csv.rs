//! The records of a run as CSV (RFC 4180), one line per record.
//!
//! | column | what |
//! |---|---|
//! | `record` | number of the record, from 0 |
//! | `time_ns` | when, in ns since the run's start |
//! | `cpu` | the CPU on which the task last ran; empty for timers and devices |
//! | `task` | to or by whom: name in the scenario |
//! | `pid` | its thread id; 0 for timers and devices |
//! | `event` | name, as in the trace: the kernel's tracepoint, or `sim:…` |
//! | `fields` | what the trace prints after the name; empty for events that it leaves out |
//! | `text` | what happened, in words |

use std::fmt::Write as _;

use super::lines::tracepoint;
use super::sim_lines::write_sim;
use super::state::State;
use crate::analysis::{event_name, event_text};
use crate::record::Run;

/// The first line.
const HEADER: &str = "record,time_ns,cpu,task,pid,event,fields,text\r\n";

/// The run as CSV.
pub fn csv(run: &Run) -> String {
    let mut out = HEADER.to_owned();
    let mut state = State::new(&run.cast);
    let mut body = String::new();
    for (number, record) in run.trace.iter().enumerate() {
        state.follow(&record);
        body.clear();
        // Writing to a String cannot fail.
        let traced = match tracepoint(&state, &record) {
            Some(traced) => traced.write(&mut body, &run.cast.wording).is_ok(),
            None => write_sim(&mut body, &state, &record).unwrap_or(false),
        };
        let (event, fields) = match body.split_once(": ") {
            Some(parts) if traced => parts,
            _ => (event_name(&record.event), ""),
        };
        let info = run.cast.tasks.get(record.task);
        let cpu = if state.is_thread(record.task) {
            state.cpu(record.task).to_string()
        } else {
            String::new()
        };
        let _: std::fmt::Result = write!(
            out,
            "{number},{},{cpu},{},{},{event},",
            record.at.0,
            field(info.map_or("?", |info| &info.name)),
            info.map_or(0, |info| info.pid),
        );
        out.push_str(&field(fields));
        out.push(',');
        out.push_str(&field(&event_text(run, &record)));
        out.push_str("\r\n");
    }
    out
}

/// A field, in quotes if it needs them.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::tests::by_hand;

    #[test]
    fn every_record_is_a_line_with_all_columns() {
        let run = by_hand::run("6.1");
        let text = csv(&run);
        assert!(text.starts_with(HEADER));
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), run.trace.len() + 1);
        for line in &lines {
            // Commas outside quotes.
            let mut quoted = false;
            let commas = line.chars().filter(|c| {
                quoted ^= *c == '"';
                *c == ',' && !quoted
            });
            assert_eq!(commas.count(), 7, "{line}");
        }
        let mark = lines.iter().find(|line| line.contains(",mark_victim,")).expect("a kill");
        assert!(mark.contains(",4000600,0,presser,132,mark_victim,pid=130 comm=hog "), "{mark}");
        assert!(lines.iter().any(|line| line.contains(",sim:mn_return,")));
    }

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(field("a \"b\", c"), "\"a \"\"b\"\", c\"");
        assert_eq!(field("plain"), "plain");
    }
}

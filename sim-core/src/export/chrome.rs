//! A run in Chrome's trace event format, which Perfetto and speedscope
//! open ("Trace Event Format", Duffy and others, 2016).
//!
//! States are slices (`B`, `E`) on the track of their task, device or
//! lock, one deep, and an instant of its own is a slice of 1 ns inside
//! one: so slices nest wherever they are read. `X` events are not used:
//! a reader that rounds start and duration apart lets neighbours overlap.
//! What overlaps by nature is asynchronous (`b`, `e`): waits, callbacks,
//! jobs. Arrows are flows (`s`, `t`, `f`): kill, wake-up, call with its
//! answer. Counters (`C`) are memory and its pressure.
//!
//! Processes and threads have the pids of the run. Devices, locks,
//! timers and memory are processes beyond `PID_MAX_LIMIT`.

mod arrows;
mod counters;
mod tracks;
mod waits;
mod writer;

#[cfg(test)]
mod tests;

use super::json::string;
use crate::analysis::{Lane, lanes};
use crate::record::{MODEL_VERSION, Run};
use tracks::Tracks;
use writer::{Order, Writer};

/// The run as Chrome's JSON, events in the order of time. With `link` in it, who
/// gets the file can have the run made again.
pub fn chrome(run: &Run, link: Option<&str>) -> String {
    let tracks = Tracks::new(&run.cast);
    let mut writer = Writer::new(run.end);
    tracks.write_names(&mut writer);
    for lane in &lanes(run) {
        write_lane(&mut writer, &tracks, lane);
    }
    arrows::write(&mut writer, &tracks, run);
    waits::write(&mut writer, &tracks, run);
    counters::write(&mut writer, &tracks, run);
    let id = &run.id;
    let link = link.map_or_else(String::new, |link| format!(",\"link\":{}", string(link)));
    format!(
        "{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"scenario\":{},\"kernel\":{},\"policy\":{},\
         \"seed\":\"{}\",\"model\":\"{MODEL_VERSION}\",\"digest\":\"{}\"{link}}},\n\"traceEvents\":[\n{}\n]}}\n",
        string(&id.scenario),
        string(&id.kernel),
        string(&id.policy),
        id.seed,
        run.digest,
        writer.finish()
    )
}

fn write_lane(writer: &mut Writer, tracks: &Tracks<'_>, lane: &Lane) {
    let track = tracks.of_lane(lane.of);
    for span in &lane.spans {
        let name = span.state.name();
        writer.slice(track, span.start, span.end, "state", &name);
    }
    for mark in &lane.marks {
        let name = super::mark_name(mark.kind);
        writer.event(
            mark.at,
            Order::Instant,
            'i',
            track,
            &format!(",\"s\":\"t\",\"cat\":\"mark\",\"name\":{}", string(name)),
        );
    }
}

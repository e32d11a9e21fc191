//! The recordings in `traces/recordings/`, built into the test so that
//! it also runs where there are no files.

use std::io::Read as _;

use sim_core::import::{Story, TraceLine, clock_offset, parse_dmesg, parse_ftrace, story};

use super::compare::{Psi, Told};
use super::machine::Machine;

/// A recording: text of trace and log, and samples of its pressure.
pub(crate) struct Recording {
    /// Its directory's name: the scenario of the recorder, and which
    /// repetition. The first had two CPUs and the host's clock, the
    /// third one CPU and a clock that counts instructions.
    pub(crate) id: &'static str,
    trace_gz: &'static [u8],
    /// Kernel log.
    pub(crate) dmesg: &'static str,
    samples: &'static str,
    run: &'static str,
    state_gz: &'static [u8],
}

macro_rules! recordings {
    ($($id:literal)*) => {
        /// All of them.
        pub(crate) const ALL: &[Recording] = &[$(Recording {
            id: $id,
            trace_gz: include_bytes!(concat!("../../../traces/recordings/6.1/", $id, "/trace.txt.gz")),
            dmesg: include_str!(concat!("../../../traces/recordings/6.1/", $id, "/dmesg.txt")),
            samples: include_str!(concat!("../../../traces/recordings/6.1/", $id, "/samples.csv")),
            run: include_str!(concat!("../../../traces/recordings/6.1/", $id, "/run.txt")),
            state_gz: include_bytes!(concat!("../../../traces/recordings/6.1/", $id, "/state.txt.gz")),
        }),*];
    };
}
recordings!(
    "S1-3" "S2-1" "S2-3" "S2stuck-3" "S3-1" "S3-3" "S3exit-3" "S4part-3" "S5part-3" "S6-1" "S6-3"
    "S7-3" "S8w500-3" "S8w5000-3" "S12-3" "L1both-3" "L2itv-3"
);

impl Recording {
    /// By its directory's name.
    pub(crate) fn find(id: &str) -> &'static Self {
        ALL.iter().find(|recording| recording.id == id).expect("a recording of that name")
    }

    /// The id of the scenario that replays it.
    pub(crate) fn scenario(&self) -> String {
        let (name, _) = self.id.split_once('-').expect("a name and a repetition");
        let two_cpus = if self.is_timed() { "" } else { "-smp" };
        format!("capture-6-1-{}{two_cpus}", name.to_lowercase())
    }

    /// Whether its clock counts instructions.
    pub(crate) fn is_timed(&self) -> bool {
        self.id.ends_with("-3")
    }

    /// Its trace.
    pub(crate) fn trace(&self) -> String {
        unpacked(self.trace_gz)
    }

    /// The machine before and after.
    pub(crate) fn state(&self) -> String {
        unpacked(self.state_gz)
    }

    /// The recorder's list of tasks.
    pub(crate) fn run(&self) -> &'static str {
        self.run
    }

    /// What it tells.
    pub(crate) fn story(&self) -> Story {
        let text = self.trace();
        let trace = parse_ftrace(&text).expect("a trace");
        let log = parse_dmesg(self.dmesg);
        story(&trace.lines, &log.lines, self.clock_offset())
    }

    /// Trace time less log time, in µs.
    pub(crate) fn clock_offset(&self) -> i64 {
        let text = self.trace();
        let trace = parse_ftrace(&text).expect("a trace");
        let log = parse_dmesg(self.dmesg);
        clock_offset(&trace.lines, &log.lines).expect("a victim in trace and log")
    }

    /// Columns of the samples, by name.
    fn samples<const N: usize>(&self, columns: [&str; N]) -> Vec<[&'static str; N]> {
        let mut lines = self.samples.lines();
        let names: Vec<&str> = lines.next().expect("column names").split(',').collect();
        let places = columns.map(|name| {
            names.iter().position(|other| *other == name).expect("a column of that name")
        });
        let rows = lines.map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            places.map(|place| fields[place])
        });
        rows.collect()
    }

    /// Memory pressure from the first to the last sample.
    pub(crate) fn psi(&self) -> Psi {
        let samples = self.samples(["psi_some_us", "psi_full_us"]);
        let at = |row: &[&str; 2]| row.map(|number| number.parse::<i64>().expect("a number"));
        let first = at(samples.first().expect("a sample"));
        let last = at(samples.last().expect("a sample"));
        Psi { some_us: last[0] - first[0], full_us: last[1] - first[1] }
    }

    /// How often the averages of memory pressure were updated between the first kill and when they
    /// were read: every `PSI_FREQ`, 501 jiffies, of the clock of the trace (kernel/sched/psi.c).
    pub(crate) fn updates(&self) -> usize {
        const PERIOD_US: i64 = 501 * 4_000;
        let text = self.trace();
        let trace = parse_ftrace(&text).expect("a trace").lines;
        // The recorder's last word; it reads them next.
        let last = trace.iter().rfind(|line| line.name == "tracing_mark_write");
        let read = last.expect("the recorder speaks").time_us;
        let kill = self.story().first_kill_us().expect("a kill");
        usize::try_from(read / PERIOD_US - kill / PERIOD_US).expect("read after the kill")
    }

    /// `/proc/pressure/memory` then: averages in hundredths of a percent.
    fn averages(&self) -> [i64; 6] {
        let state = self.state();
        let (_, after) = state.split_once(" pressure_memory.after.txt\n").expect("the section");
        let numbers = after.lines().take(2).flat_map(|line| line.split(' ').skip(1).take(3));
        let numbers: Vec<i64> = numbers
            .map(|word| word.split_once('=').expect("a value").1.replace('.', ""))
            .map(|digits| digits.parse().expect("a number"))
            .collect();
        numbers.try_into().expect("two lines of three")
    }

    /// `MemFree` over time, on the clock of the trace.
    fn free(&self, trace: &[TraceLine<'_>]) -> Vec<(i64, i64)> {
        let begin = trace.iter().find(|line| line.args.starts_with("oomrun: begin "));
        let t0 = self.run.split_once("(t0 = monotonic ").expect("its start").1;
        let t0 = micros(t0.split_once(')').expect("a number").0);
        let offset = begin.expect("the recorder begins").time_us - t0;
        let samples = self.samples(["t_mono", "memfree_kb"]).into_iter();
        let kb = |text: &str| text.parse::<i64>().expect("a number") * 1024;
        samples.map(|[at, free]| (micros(at) + offset, kb(free))).collect()
    }

    /// All of it, to compare.
    pub(crate) fn told(&self) -> Told {
        let text = self.trace();
        let trace = parse_ftrace(&text).expect("a trace").lines;
        let log = parse_dmesg(self.dmesg).lines;
        let machine = Machine {
            zones: Machine::zones_of_reports(&log),
            free: self.free(&trace),
            averages: self.averages(),
            ..Machine::told(&text, &trace, &log)
        };
        Told { story: self.story(), psi: self.psi(), machine, timed: self.is_timed() }
    }
}

fn unpacked(packed: &[u8]) -> String {
    let mut text = String::new();
    let mut decoder = flate2::read::GzDecoder::new(packed);
    decoder.read_to_string(&mut text).expect("an intact recording");
    text
}

/// Seconds with a fraction, in µs.
fn micros(seconds: &str) -> i64 {
    let (whole, fraction) = seconds.split_once('.').expect("a fraction");
    let number = |text: &str| text.parse::<i64>().expect("a number");
    number(whole) * 1_000_000 + number(&format!("{fraction:0<6}")[..6])
}

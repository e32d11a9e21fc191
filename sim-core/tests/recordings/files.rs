//! The recordings in `traces/recordings/`, built into the test so that
//! it also runs where there are no files.

use std::io::Read as _;

use sim_core::import::{Story, clock_offset, parse_dmesg, parse_ftrace, story};

use super::compare::{Psi, Told};

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
}

macro_rules! recordings {
    ($($id:literal)*) => {
        /// All of them.
        pub(crate) const ALL: &[Recording] = &[$(Recording {
            id: $id,
            trace_gz: include_bytes!(concat!("../../../traces/recordings/6.1/", $id, "/trace.txt.gz")),
            dmesg: include_str!(concat!("../../../traces/recordings/6.1/", $id, "/dmesg.txt")),
            samples: include_str!(concat!("../../../traces/recordings/6.1/", $id, "/samples.csv")),
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
        let mut text = String::new();
        flate2::read::GzDecoder::new(self.trace_gz)
            .read_to_string(&mut text)
            .expect("an intact recording");
        text
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

    /// Memory pressure from the first to the last sample.
    pub(crate) fn psi(&self) -> Psi {
        let mut lines = self.samples.lines();
        let names: Vec<&str> = lines.next().expect("column names").split(',').collect();
        let column = |name| names.iter().position(|n| *n == name).expect("a column of that name");
        let (some, full) = (column("psi_some_us"), column("psi_full_us"));
        let mut samples = lines.map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            let number = |index: usize| fields[index].parse::<i64>().expect("a number");
            Psi { some_us: number(some), full_us: number(full) }
        });
        let first = samples.next().expect("a sample");
        let last = samples.next_back().unwrap_or(first);
        Psi { some_us: last.some_us - first.some_us, full_us: last.full_us - first.full_us }
    }

    /// All of it, to compare.
    pub(crate) fn told(&self) -> Told {
        Told { story: self.story(), psi: self.psi(), timed: self.is_timed() }
    }
}

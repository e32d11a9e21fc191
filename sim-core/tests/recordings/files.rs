//! The recordings in `traces/recordings/`, built into the test so that
//! it also runs where there are no files.

use std::io::Read as _;

use sim_core::import::{Story, clock_offset, parse_dmesg, parse_ftrace, story};

/// A recording: text of trace and log.
pub(crate) struct Recording {
    /// Its directory's name.
    pub(crate) id: &'static str,
    trace_gz: &'static [u8],
    /// Kernel log.
    pub(crate) dmesg: &'static str,
}

macro_rules! recordings {
    ($($id:literal)*) => {
        /// All of them.
        pub(crate) const ALL: &[Recording] = &[$(Recording {
            id: $id,
            trace_gz: include_bytes!(concat!("../../../traces/recordings/6.1/", $id, "/trace.txt.gz")),
            dmesg: include_str!(concat!("../../../traces/recordings/6.1/", $id, "/dmesg.txt")),
        }),*];
    };
}
recordings!("S2stuck-3" "S3-3" "S4part-3" "S5part-3" "S6-3");

impl Recording {
    /// By its directory's name.
    pub(crate) fn find(id: &str) -> &'static Self {
        ALL.iter().find(|recording| recording.id == id).expect("a recording of that name")
    }

    /// The id of the scenario that replays it.
    pub(crate) fn scenario(&self) -> String {
        let name = self.id.split('-').next().expect("a name");
        format!("capture-6-1-{}", name.to_lowercase())
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
        let offset = clock_offset(&trace.lines, &log.lines).expect("a victim in trace and log");
        story(&trace.lines, &log.lines, offset)
    }
}

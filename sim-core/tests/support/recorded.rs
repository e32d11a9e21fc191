//! Text of the recordings in `traces/recordings/`, built into the test.

use std::io::Read as _;

/// A recording.
pub(crate) struct Recorded {
    /// Its directory's name.
    pub(crate) id: &'static str,
    trace_gz: &'static [u8],
    /// Kernel log.
    pub(crate) dmesg: &'static str,
}

macro_rules! recordings {
    ($($id:literal)*) => {
        /// All of them.
        pub(crate) const ALL: &[Recorded] = &[$(Recorded {
            id: $id,
            trace_gz: include_bytes!(concat!("../../../traces/recordings/6.1/", $id, "/trace.txt.gz")),
            dmesg: include_str!(concat!("../../../traces/recordings/6.1/", $id, "/dmesg.txt")),
        }),*];
    };
}
recordings!(
    "S1-3" "S2-1" "S2-3" "S2stuck-3" "S3-1" "S3-3" "S3exit-3" "S4part-3" "S5part-3" "S6-1" "S6-3"
    "S7-3" "S8w500-3" "S8w5000-3" "S12-3" "L1both-3" "L2itv-3"
);

impl Recorded {
    /// Its trace.
    pub(crate) fn trace(&self) -> String {
        let mut text = String::new();
        flate2::read::GzDecoder::new(self.trace_gz)
            .read_to_string(&mut text)
            .expect("an intact recording");
        text
    }
}

//! Pages of the tracer's ring buffer (kernel/trace/ring_buffer.c, Linux
//! 6.1): each begins with the time of its first event and how much of it
//! is used; an event begins with its length and the time since the one
//! before, in 27 bits.

/// Bytes of a page.
pub(super) const PAGE: usize = 4096;
/// Bytes of its header: time, commit.
const HEADER: usize = 16;
/// Words of the longest event whose length fits into its first word.
const WORDS_MAX: usize = 28;
/// `RINGBUF_TYPE_TIME_EXTEND`.
const TIME_EXTEND: u32 = 30;
/// Bits of a time since the event before.
const DELTA_BITS: u32 = 27;

/// The pages of a CPU.
#[derive(Default)]
pub(in crate::export) struct Pages {
    bytes: Vec<u8>,
    /// Of the last event, in ns.
    last: u64,
    /// Where the page that is being filled begins, if there is one.
    page: Option<usize>,
}

impl Pages {
    /// Adds an event, no earlier than the one before, and shorter than a page.
    pub(in crate::export) fn add(&mut self, at: u64, event: &[u8]) {
        let length = event.len().next_multiple_of(4);
        let delta = at.saturating_sub(self.last);
        let is_far = delta >> DELTA_BITS > 0;
        // Its first word, its length if that does not fit into it, the time if it does not.
        let words = 1 + usize::from(length / 4 > WORDS_MAX) + if is_far { 2 } else { 0 };
        let room = self.page.map_or(0, |page| page + PAGE - self.bytes.len());
        let delta = if words * 4 + length > room {
            self.begin(at);
            0
        } else if is_far {
            self.word(TIME_EXTEND | low(delta) << 5);
            self.word(u32::try_from(delta >> DELTA_BITS).unwrap_or(u32::MAX));
            0
        } else {
            low(delta)
        };
        self.last = at;
        if length / 4 > WORDS_MAX {
            self.word(delta << 5);
            self.word(u32::try_from(length + 4).unwrap_or(0));
        } else {
            self.word(u32::try_from(length / 4).unwrap_or(0) | delta << 5);
        }
        self.bytes.extend(event);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    /// The pages.
    pub(in crate::export) fn finish(mut self) -> Vec<u8> {
        self.end();
        self.bytes
    }

    /// Begins a page.
    fn begin(&mut self, at: u64) {
        self.end();
        self.page = Some(self.bytes.len());
        self.bytes.extend(at.to_le_bytes());
        // The commit is written when it is known.
        self.bytes.extend([0; 8]);
    }

    /// Ends the page that is being filled.
    fn end(&mut self) {
        let Some(page) = self.page.take() else { return };
        let commit = (self.bytes.len() - page - HEADER) as u64;
        if let Some(place) = self.bytes.get_mut(page + 8..page + HEADER) {
            place.copy_from_slice(&commit.to_le_bytes());
        }
        self.bytes.resize(page + PAGE, 0);
    }

    fn word(&mut self, word: u32) {
        self.bytes.extend(word.to_le_bytes());
    }
}

/// The part of a time that fits.
fn low(delta: u64) -> u32 {
    u32::try_from(delta & ((1 << DELTA_BITS) - 1)).unwrap_or(0)
}

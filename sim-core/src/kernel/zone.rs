//! Zones, their watermarks, and who may take their last pages.
//!
//! Mirrors mm/page_alloc.c: `__zone_watermark_ok()`, Linux 6.1, for
//! order 0. Left out: per-CPU lists, the highatomic reserve, fragmentation.

/// At most this many zones on a machine.
pub const ZONES: usize = 4;

/// A zone; sizes in pages.
#[derive(Clone, Debug)]
pub struct Zone {
    /// Pages that the allocator manages.
    pub managed: u64,
    /// Pages on the free list.
    pub free: u64,
    /// Watermarks.
    pub min: u64,
    /// See `min`.
    pub low: u64,
    /// See `min`.
    pub high: u64,
    /// Kept from requests that a higher zone could serve.
    pub lowmem_reserve: u64,
    /// Clean page-cache pages, reclaimable.
    pub page_cache: u64,
}

/// How deep a request may dig.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub enum Mark {
    /// The fast path: leave `low` pages.
    Low,
    /// The slow path: leave `min`.
    Min,
    /// The last try before the OOM killer: leave `high`.
    High,
    /// `ALLOC_OOM`, rights of a victim: leave half of `min`.
    Oom,
}

impl Zone {
    /// Pages that a request with these rights may take, were `available` free.
    pub fn headroom(&self, mark: Mark, available: u64) -> u64 {
        let keep = match mark {
            Mark::Low => self.low,
            Mark::Min => self.min,
            Mark::High => self.high,
            // __zone_watermark_ok(): min -= min / 2.
            Mark::Oom => self.min - self.min / 2,
        };
        available.saturating_sub(keep + self.lowmem_reserve)
    }
}

/// Pages taken, by zone.
#[derive(Copy, Clone, Default, Eq, PartialEq, Debug)]
pub struct Pages(pub [u64; ZONES]);

impl Pages {
    /// How many in all.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Adds what `other` holds.
    pub fn add(&mut self, other: Self) {
        for (mine, more) in self.0.iter_mut().zip(other.0) {
            *mine += more;
        }
    }

    /// Takes up to `count` pages out, from the highest zone first:
    /// those were allocated first, and are unmapped first.
    #[must_use]
    pub fn take(&mut self, count: u64) -> Self {
        let mut left = count;
        let mut taken = Self::default();
        for (mine, out) in self.0.iter_mut().zip(taken.0.iter_mut()).rev() {
            *out = left.min(*mine);
            *mine -= *out;
            left -= *out;
        }
        taken
    }
}

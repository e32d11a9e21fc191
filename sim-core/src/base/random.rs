//! Named random streams: one ChaCha8 generator per (seed, purpose,
//! entity name).
//!
//! A stream depends on its three names alone. A new draw or a new entity
//! therefore shifts no other stream, and two policies compared under one
//! seed meet the same workload. Shapes of numbers are in [`super::dist`].
//!
//! [`Seeds::reseed`] parts a run from itself at an instant: from then on
//! its streams, or some of them, give other numbers.

use std::cell::RefCell;
use std::rc::Rc;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng as _, SeedableRng as _};
use xxhash_rust::xxh3::xxh3_128;

/// An endless sequence of random bits, fixed by its names.
///
/// About 300 bytes, and costs some 80 ns to make: keep one per entity
/// and purpose instead of making one per draw.
#[derive(Clone, Debug)]
pub struct Stream {
    generator: ChaCha8Rng,
    /// What is to be heard of, and how much of it was.
    reseeds: Option<(Rc<RefCell<Vec<Reseeding>>>, usize)>,
}

/// Where the streams of one run come from.
#[derive(Clone, Debug)]
pub struct Seeds {
    seed: u64,
    reseeds: Rc<RefCell<Vec<Reseeding>>>,
}

/// What a stream needs to know of a re-seeding.
#[derive(Copy, Clone, Debug)]
struct Reseeding {
    salt: u64,
    share: u8,
}

impl Seeds {
    /// Of the experiment `seed`.
    pub fn new(seed: u64) -> Self {
        Self { seed, reseeds: Rc::default() }
    }

    /// As [`Stream::new`]; the stream hears of re-seedings.
    pub fn stream(&self, purpose: &str, entity: &str) -> Stream {
        let stream = Stream::new(self.seed, purpose, entity);
        Stream { reseeds: Some((Rc::clone(&self.reseeds), 0)), ..stream }
    }

    /// From now on streams give other numbers, which depend on what they
    /// were and on `salt`. Each stream takes part with a chance of
    /// (`share` + 1) / 256, decided by what it is and `salt`: 255 means all.
    pub fn reseed(&self, salt: u64, share: u8) {
        self.reseeds.borrow_mut().push(Reseeding { salt, share });
    }
}

impl Stream {
    /// The stream of one entity for one purpose in the experiment `seed`.
    ///
    /// The 256-bit ChaCha key is two XXH3-128 hashes, low half first, each
    /// in little-endian bytes. Both are over: one byte (0 for the low half,
    /// 1 for the high half), the seed, and the two names, each after its
    /// length; numbers are little-endian and take 8 bytes. The lengths keep
    /// ("ab", "c") apart from ("a", "bc").
    pub fn new(seed: u64, purpose: &str, entity: &str) -> Self {
        let mut message = vec![0];
        message.extend_from_slice(&seed.to_le_bytes());
        for name in [purpose, entity] {
            message.extend_from_slice(&(name.len() as u64).to_le_bytes());
            message.extend_from_slice(name.as_bytes());
        }
        let mut key = [0; 32];
        key[..16].copy_from_slice(&xxh3_128(&message).to_le_bytes());
        message[0] = 1;
        key[16..].copy_from_slice(&xxh3_128(&message).to_le_bytes());
        Self { generator: ChaCha8Rng::from_seed(key), reseeds: None }
    }

    /// The next 64 random bits.
    #[inline]
    pub fn next_u64(&mut self) -> u64 {
        if let Some((all, heard)) = &self.reseeds
            && all.borrow().len() > *heard
        {
            self.hear();
        }
        self.generator.next_u64()
    }

    /// Takes up the re-seedings since the last draw. The new key is two
    /// hashes, as of a new stream, over: the half's byte, the salt, the old key.
    #[cold]
    fn hear(&mut self) {
        let Some((all, heard)) = &mut self.reseeds else { return };
        for Reseeding { salt, share } in all.borrow().iter().skip(*heard) {
            let old = self.generator.get_seed();
            let mut message = vec![0];
            message.extend_from_slice(&salt.to_le_bytes());
            message.extend_from_slice(&old);
            let low = xxh3_128(&message).to_le_bytes();
            message[0] = 1;
            let high = xxh3_128(&message).to_le_bytes();
            message[0] = 2;
            if xxh3_128(&message).to_le_bytes()[0] <= *share {
                let mut key = [0; 32];
                key[..16].copy_from_slice(&low);
                key[16..].copy_from_slice(&high);
                self.generator = ChaCha8Rng::from_seed(key);
            }
        }
        *heard = all.borrow().len();
    }

    /// A number from 0 to `n - 1`, each exactly as likely as any other.
    ///
    /// Takes one draw, or, with a chance of less than `n` in 2^64, more
    /// (Lemire, "Fast random integer generation in an interval", 2019).
    /// Panics when `n` is zero.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "splits a product into its halves")]
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "invariant: a draw has at least one outcome");
        let mut product = u128::from(self.next_u64()) * u128::from(n);
        if (product as u64) < n {
            // 2^64 mod n low halves would favor some outcomes: draw again.
            let favored = n.wrapping_neg() % n;
            while (product as u64) < favored {
                product = u128::from(self.next_u64()) * u128::from(n);
            }
        }
        (product >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    /// Pins the key derivation and the generator: a change here changes
    /// every digest ever published.
    #[test]
    fn golden_vector_is_stable() {
        let mut stream = Stream::new(42, "latency", "gpu0");
        let bits: Vec<String> = (0..4).map(|_| format!("{:016x}", stream.next_u64())).collect();
        expect!["f5aaa7e06090105e 20d022da6e8877c4 a1ff658d36deb685 17af99ccb3f44b25"]
            .assert_eq(&bits.join(" "));
        let rolls: Vec<u64> = (0..12).map(|_| stream.below(6)).collect();
        expect!["[1, 4, 4, 3, 0, 4, 0, 5, 0, 3, 4, 3]"].assert_eq(&format!("{rolls:?}"));
    }

    #[test]
    fn every_name_counts() {
        let first = |seed, purpose, entity| Stream::new(seed, purpose, entity).next_u64();
        let base = first(1, "ab", "c");
        assert_eq!(base, first(1, "ab", "c"));
        for other in [first(2, "ab", "c"), first(1, "a", "bc"), first(1, "ab", "d")] {
            assert_ne!(base, other);
        }
    }

    #[test]
    fn reseeding_parts_streams_from_then_on() {
        let draws = |reseeds: &[(usize, u64, u8)]| {
            let seeds = Seeds::new(42);
            let mut streams: Vec<_> =
                (0..64).map(|entity| seeds.stream("test", &format!("{entity}"))).collect();
            let mut all = Vec::new();
            for round in 0..4 {
                for (_, salt, share) in reseeds.iter().filter(|(at, ..)| *at == round) {
                    seeds.reseed(*salt, *share);
                }
                all.push(streams.iter_mut().map(Stream::next_u64).collect::<Vec<_>>());
            }
            all
        };
        let plain = draws(&[]);
        let mut alone = Stream::new(42, "test", "5");
        assert!(plain.iter().all(|round| round[5] == alone.next_u64()));
        let parted = draws(&[(2, 7, 255)]);
        assert_eq!(parted[..2], plain[..2]);
        assert!((0..64).all(|at| parted[2][at] != plain[2][at]));
        assert_eq!(parted, draws(&[(2, 7, 255)]));
        assert_ne!(parted[2], draws(&[(2, 8, 255)])[2]);
        let some = draws(&[(2, 7, 127)]);
        let changed = (0..64).filter(|&at| some[2][at] != plain[2][at]);
        assert!((20..44).contains(&changed.clone().count()));
        assert!(changed.into_iter().all(|at| some[2][at] == parted[2][at]));
        // Who drew in between and who did not both hear of each.
        assert_ne!(draws(&[(1, 7, 255), (2, 7, 255)])[2], parted[2]);
    }

    #[test]
    fn below_covers_its_range_evenly() {
        let mut stream = Stream::new(7, "test", "die");
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            counts[usize::try_from(stream.below(6)).expect("small")] += 1;
        }
        // Standard deviation is 91.
        assert!(counts.iter().all(|count| count.abs_diff(10_000) < 400), "{counts:?}");
        assert_eq!(stream.below(1), 0);
        // Half of all draws are rejected at this bound.
        let bound = (1 << 63) + 1;
        assert!((0..100).all(|_| stream.below(bound) < bound));
    }
}

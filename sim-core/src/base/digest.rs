//! The digest of a run: a rolling 128-bit hash of everything recorded.
//!
//! XXH3-128, unseeded, over little-endian bytes: fixed by its
//! specification and equal on every target. It tells runs apart; it does
//! not protect against somebody who makes up a collision.

use std::fmt;
use std::str::FromStr;

use xxhash_rust::xxh3::Xxh3Default;

/// Bytes gathered before the hash sees them. A record is 24 bytes, for
/// which one call of the hash would cost more than the hashing.
const BUFFER_SIZE: usize = 1024;
/// Bytes of one word.
const WORD_SIZE: usize = 8;

/// Fingerprint of a run. Prints as, and parses from, 32 lower-case
/// hexadecimal digits.
#[derive(Copy, Clone, Eq, PartialEq, Ord, PartialOrd, Hash, Debug)]
pub struct Digest(pub u128);

/// Why a text is no [`Digest`].
#[derive(Clone, Eq, PartialEq, Debug, thiserror::Error)]
pub enum DigestError {
    /// The text has the wrong length, here in bytes.
    #[error("a digest has 32 digits, this has {0}: copy the whole of it")]
    Length(usize),
    /// A character is no lower-case hexadecimal digit; `position` counts
    /// characters from 0.
    #[error("a digest is made of 0-9 and a-f, {character:?} at position {position} is neither")]
    Character {
        /// The character that doesn't belong.
        character: char,
        /// Where it is, counted from 0.
        position: usize,
    },
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let mut value = 0;
        for (position, character) in text.chars().enumerate() {
            let digit = character.to_digit(16).filter(|_| !character.is_ascii_uppercase());
            let Some(digit) = digit else {
                return Err(DigestError::Character { character, position });
            };
            value = value << 4 | u128::from(digit);
        }
        if text.len() == 32 { Ok(Self(value)) } else { Err(DigestError::Length(text.len())) }
    }
}

/// Hash of a growing sequence of 64-bit words.
///
/// How words are grouped into calls does not matter, only their order.
#[derive(Clone)]
pub struct RollingDigest {
    hash: Xxh3Default,
    buffer: [u8; BUFFER_SIZE],
    // Invariant: a multiple of WORD_SIZE, at most BUFFER_SIZE.
    filled: usize,
}

impl RollingDigest {
    /// The digest of nothing yet.
    pub const fn new() -> Self {
        Self { hash: Xxh3Default::new(), buffer: [0; BUFFER_SIZE], filled: 0 }
    }

    /// Appends words.
    #[inline]
    pub fn feed(&mut self, words: &[u64]) {
        for word in words {
            if self.filled == BUFFER_SIZE {
                self.flush();
            }
            let place = &mut self.buffer[self.filled..self.filled + WORD_SIZE];
            place.copy_from_slice(&word.to_le_bytes());
            self.filled += WORD_SIZE;
        }
    }

    /// Appends three words, as `feed(&[a, b, c])` does, faster.
    #[inline]
    pub fn feed_record(&mut self, a: u64, b: u64, c: u64) {
        const RECORD_SIZE: usize = 3 * WORD_SIZE;
        if self.filled > BUFFER_SIZE - RECORD_SIZE {
            self.flush();
        }
        let place = &mut self.buffer[self.filled..self.filled + RECORD_SIZE];
        place[..8].copy_from_slice(&a.to_le_bytes());
        place[8..16].copy_from_slice(&b.to_le_bytes());
        place[16..].copy_from_slice(&c.to_le_bytes());
        self.filled += RECORD_SIZE;
    }

    /// The digest of everything fed so far; more may follow.
    pub fn finish(&self) -> Digest {
        let mut hash = self.hash.clone();
        hash.update(&self.buffer[..self.filled]);
        Digest(hash.digest128())
    }

    #[inline(never)]
    fn flush(&mut self) {
        self.hash.update(&self.buffer[..self.filled]);
        self.filled = 0;
    }
}

impl Default for RollingDigest {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RollingDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RollingDigest({})", self.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use xxhash_rust::xxh3::xxh3_128;

    #[test]
    fn golden_digest_is_stable() {
        // The empty hash is in the XXH3 specification's own test vectors.
        assert_eq!(RollingDigest::new().finish().to_string(), "99aa06d3014798d86001c324468d497f");
        let mut rolling = RollingDigest::new();
        for n in 0..1_000 {
            rolling.feed_record(n, n << 40 | 3, !n);
        }
        expect!["3311fa65843e66b9780d12e447b83b2d"].assert_eq(&rolling.finish().to_string());
    }

    #[test]
    fn grouping_changes_nothing() {
        for count in [0, 1, 42, 43, 127, 128, 129, 1_000_u64] {
            let words: Vec<u64> = (0..count * 3).map(|n| n.wrapping_mul(n) ^ n << 50).collect();
            let (mut one, mut three) = (RollingDigest::new(), RollingDigest::default());
            one.feed(&words);
            for w in words.chunks(3) {
                three.feed_record(w[0], w[1], w[2]);
                let _ = three.finish();
            }
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            assert_eq!(one.finish(), three.finish());
            assert_eq!(one.finish(), Digest(xxh3_128(&bytes)));
        }
    }

    #[test]
    fn text_round_trips_and_errors_say_where() {
        let digest = Digest(0xab << 8);
        assert_eq!(digest.to_string().parse(), Ok(digest));
        assert_eq!("abc".parse::<Digest>(), Err(DigestError::Length(3)));
        let upper = digest.to_string().replace('b', "B").parse::<Digest>();
        assert_eq!(upper, Err(DigestError::Character { character: 'B', position: 29 }));
        assert_eq!(
            "+".parse::<Digest>(),
            Err(DigestError::Character { character: '+', position: 0 })
        );
        assert_eq!("0".repeat(33).parse::<Digest>(), Err(DigestError::Length(33)));
    }
}

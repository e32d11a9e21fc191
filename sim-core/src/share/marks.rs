//! Marks of a run in a link, three characters each, and what they tell:
//! the digest says that two runs differ, marks say from about where.

use super::v1;
use crate::record::MARKS_FROM;

/// Most marks of a run: one of more than 2^40 records.
const MARKS_MAX: usize = 36;
const SIX_BITS: u32 = 0x3f;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn encode(marks: &[u32]) -> String {
    let letter = |bits: u32| char::from(ALPHABET[(bits & SIX_BITS) as usize]);
    marks.iter().flat_map(|mark| [letter(mark >> 12), letter(mark >> 6), letter(*mark)]).collect()
}

pub(super) fn decode(text: &str) -> Option<Vec<u32>> {
    let bytes = text.as_bytes();
    if !bytes.len().is_multiple_of(3) || bytes.len() / 3 > MARKS_MAX {
        return None;
    }
    let bits = |byte: &u8| {
        let place = ALPHABET.iter().position(|letter| letter == byte)?;
        u32::try_from(place).ok()
    };
    let mark =
        |letters: &[u8]| letters.iter().try_fold(0, |mark, byte| Some(mark << 6 | bits(byte)?));
    bytes.chunks(3).map(mark).collect()
}

/// Where a run parts from the one whose marks a link carries, in words:
/// `equal up to record 4096, differs before record 8192`.
///
/// A mark has 18 bits, so one in 262,144 that should differ doesn't.
pub fn parting_text(linked: &[u32], here: &[u32]) -> Option<String> {
    if linked.is_empty() {
        return None;
    }
    let count = |place: usize| MARKS_FROM << place;
    let alike = alike(linked, here);
    let equal = equal_until(linked, here).map(|last| format!("equal up to record {last}"));
    let differs = if alike < linked.len().min(here.len()) {
        format!("differs before record {}", count(alike))
    } else {
        "differs after it".to_owned()
    };
    Some(equal.map_or_else(|| differs.clone(), |equal| format!("{equal}, {differs}")))
}

/// The number of the last record up to which both runs are known to be the same, if one is.
pub fn equal_until(linked: &[u32], here: &[u32]) -> Option<u64> {
    alike(linked, here).checked_sub(1).map(|last| MARKS_FROM << last)
}

fn alike(linked: &[u32], here: &[u32]) -> usize {
    linked.iter().zip(here).take_while(|(one, other)| one == other).count()
}

/// Lists of several runs, with commas; of how many, if that is known.
pub(super) fn decode_list(
    text: &str,
    runs: Option<usize>,
) -> Result<Vec<Vec<u32>>, super::LinkError> {
    let wrong = || v1::damaged("marks", "a part of it is missing: copy the whole link");
    // One more than there may be tells that there are too many.
    let most = runs.unwrap_or(v1::RUNS_MAX).saturating_add(1);
    let lists: Option<Vec<_>> = text.split(',').take(most).map(decode).collect();
    lists.filter(|lists| runs.is_none_or(|runs| lists.len() == runs)).ok_or_else(wrong)
}

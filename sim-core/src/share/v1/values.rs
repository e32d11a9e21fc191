//! What stands behind the keys of version 1: times, names, numbers, lists, packed text and percent
//! encoding, read and written.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use miniz_oxide::inflate::TINFLStatus;

use super::{
    DEFLATE_LEVEL, LANE_SIZE_MAX, LANES_MAX, LIST_MAX, NAME_SIZE_MAX, NO_GROUP, NOTE_SIZE_MAX,
    PACKED_DEFLATE,
};
use crate::base::{Digest, Nanos};
use crate::scenario::{Fork, TEXT_SIZE_MAX, suggestion, units};
use crate::share::{LinkError, Note, Other};

pub(super) fn switched_on(key: &'static str, text: &str) -> Result<(), LinkError> {
    if text == "1" { Ok(()) } else { Err(damaged(key, "it is 1 or not there")) }
}

pub(super) fn part(key: &'static str, text: &str) -> Result<(Nanos, Nanos), LinkError> {
    match parse_stretch(key, text)? {
        (from, Some(to)) if from < to => Ok((from, to)),
        _ => Err(damaged(key, "expected two times, such as 1.5ms..20ms")),
    }
}

/// `1.5ms`, or `1.5ms..20ms`.
pub(super) fn stretch(from: Nanos, to: Option<Nanos>) -> String {
    let end = to.map_or_else(String::new, |to| format!("..{}", units::format_ms(to)));
    format!("{}{end}", units::format_ms(from))
}

pub(super) fn parse_stretch(
    key: &'static str,
    text: &str,
) -> Result<(Nanos, Option<Nanos>), LinkError> {
    let time = |text: &str| units::parse_time(text).map_err(|error| damaged(key, error));
    match text.split_once("..") {
        Some((from, to)) => Ok((time(from)?, Some(time(to)?))),
        None => Ok((time(text)?, None)),
    }
}

pub(super) fn parse_fork(text: &str) -> Result<Fork, LinkError> {
    text.parse().map_err(|error| damaged("fork", error))
}

pub(super) fn note(value: &str) -> Result<Note, LinkError> {
    let (when, text) =
        value.split_once(',').ok_or_else(|| damaged("note", "a note has the form 12.5ms,text"))?;
    if text.len() > NOTE_SIZE_MAX || text.chars().any(char::is_control) {
        return Err(damaged("note", format!("a note has at most {NOTE_SIZE_MAX} bytes")));
    }
    let (at, until) = parse_stretch("note", when)?;
    Ok(Note { at, until, text: text.to_owned() })
}

pub(in crate::share) fn damaged(key: &'static str, reason: impl std::fmt::Display) -> LinkError {
    LinkError::Value { key, text: String::new(), reason: format!("{reason}") }
}

pub(super) fn name(key: &'static str, text: String) -> Result<String, LinkError> {
    name_of(key, text, NAME_SIZE_MAX)
}

pub(super) fn name_of(key: &'static str, text: String, most: usize) -> Result<String, LinkError> {
    if text.is_empty() || text.len() > most || text.chars().any(char::is_control) {
        return Err(damaged(key, format!("a name has 1 to {most} bytes")));
    }
    Ok(text)
}

pub(super) fn number(key: &'static str, text: &str, most: u64) -> Result<u64, LinkError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && *number <= most);
    number.ok_or_else(|| damaged(key, format!("expected a whole number from 0 to {most}")))
}

pub(super) fn known(key: &'static str, text: &str, names: &[&str]) -> Result<String, LinkError> {
    if names.contains(&text) {
        return Ok(text.to_owned());
    }
    let shown: String = text.chars().take(NAME_SIZE_MAX).collect();
    Err(damaged(key, format!("unknown `{shown}`: {}", suggestion(&shown, names))))
}

pub(super) fn list(
    key: &'static str,
    text: &str,
    names: &[&str],
) -> Result<Vec<String>, LinkError> {
    if text.split(',').count() > LIST_MAX {
        return Err(damaged(key, format!("there are more than {LIST_MAX}")));
    }
    text.split(',').map(|item| known(key, item, names)).collect()
}

pub(super) fn others(key: &'static str, text: &str) -> Result<Vec<Other>, LinkError> {
    if text.split(',').count() > LIST_MAX {
        return Err(damaged(key, format!("there are more than {LIST_MAX}")));
    }
    text.split(',').map(|item| Other::parse(item).map_err(|error| damaged(key, error))).collect()
}

pub(super) fn lanes(key: &'static str, text: &str) -> Result<Vec<String>, LinkError> {
    if text.split(',').count() > LANES_MAX {
        return Err(damaged(key, format!("there are more than {LANES_MAX}")));
    }
    text.split(',').map(|item| name_of(key, item.to_owned(), LANE_SIZE_MAX)).collect()
}

pub(super) fn groups(key: &'static str, text: &str) -> Result<Vec<String>, LinkError> {
    if text == NO_GROUP { Ok(Vec::new()) } else { lanes(key, text) }
}

pub(super) fn digests(text: &str, count: Option<usize>) -> Result<Vec<Digest>, LinkError> {
    if let Some(count) = count.filter(|count| text.split(',').count() != *count) {
        return Err(damaged("digest", format!("expected {count}, one for each run")));
    }
    let digest = |item: &str| item.parse().map_err(|error| damaged("digest", error));
    text.split(',').map(digest).collect()
}

pub(super) fn pack(scenario: &str) -> String {
    let mut bytes = vec![PACKED_DEFLATE];
    bytes.extend(miniz_oxide::deflate::compress_to_vec(scenario.as_bytes(), DEFLATE_LEVEL));
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn unpack(packed: &str) -> Result<String, LinkError> {
    let cut = || damaged("z", "the scenario in it was cut off or changed: copy the whole link");
    let bytes = URL_SAFE_NO_PAD.decode(packed).map_err(|_| cut())?;
    let (packing, stream) = bytes.split_first().ok_or_else(cut)?;
    if *packing != PACKED_DEFLATE {
        return Err(damaged("z", "packed in a way that this program doesn't know: update it"));
    }
    let text = miniz_oxide::inflate::decompress_to_vec_with_limit(stream, TEXT_SIZE_MAX);
    let text = text.map_err(|error| match error.status {
        TINFLStatus::HasMoreOutput => {
            damaged("z", format!("the scenario in it has more than {TEXT_SIZE_MAX} bytes"))
        }
        _ => cut(),
    })?;
    String::from_utf8(text).map_err(|_| cut())
}

/// Appends text with all bytes but RFC 3986's unreserved ones and the
/// comma, which lists need, as `%XX`; those in `also` stay as they are.
pub(super) fn percent_encode(out: &mut String, text: &str, also: &[u8]) {
    for byte in text.bytes() {
        let stays = b"-._~,".contains(&byte) || also.contains(&byte);
        if byte.is_ascii_alphanumeric() || stays {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// The text behind `%XX`; `None` when that is damaged or no UTF-8.
pub(super) fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let value = digit()? * 16 + digit()?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

//! What Android's `logcat` puts before a line of the kernel's (`-b kernel`), in the formats `threadtime`, with
//! its modifiers `year`, `zone`, `uid`, `epoch` and `monotonic`, `time` and `brief`. A tag `kernel` goes; any
//! other is a word of the kernel's before a colon, which logcat takes for one, and stays.

use super::frame::{Framed, When, time_of_day};
use super::keys::seconds_us;

/// `11-22 10:00:00.500     0     0 W tag     : text`, `11-22 10:00:00.500 W/kernel(    0): text`.
pub(super) fn logcat(line: &str) -> Option<Framed<'_>> {
    if let Some(text) = brief(line) {
        return Some(Framed { time: When::Unknown, text });
    }
    let (date, rest) = line.split_once(' ')?;
    let is_date = date.contains('-') && date.bytes().all(|b| b == b'-' || b.is_ascii_digit());
    // An epoch and a time since boot stand alone.
    let time = match time_of_day(rest.split(' ').next()?) {
        Some(time) if is_date => time,
        _ => seconds_us(date)?,
    };
    if let Some(text) = rest.split_once(' ').and_then(|(_, rest)| brief(rest)) {
        return Some(Framed { time: When::At(time), text });
    }
    // A zone, a user, the process and its thread.
    let level = rest.match_indices(' ').map(|(at, _)| at + 1).take(40).find(|at| {
        let after = rest.get(*at..).unwrap_or_default();
        after.split(' ').next().is_some_and(is_level)
    })?;
    let threads = rest.get(..level)?.split_whitespace().rev().take(2);
    if threads.filter(|word| word.parse::<u32>().is_ok()).count() < 2 {
        return None;
    }
    let text = rest.get(level + 1..)?.trim_start();
    let text = text
        .strip_prefix("kernel")
        .map(str::trim_start)
        .filter(|text| text.starts_with(':'))
        .unwrap_or(text);
    Some(Framed { time: When::At(time), text: text.strip_prefix(": ").unwrap_or(text) })
}

/// `W/kernel  (    0): text`.
fn brief(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once('/').filter(|(level, _)| is_level(level))?;
    let (sender, text) = rest.split_once("): ")?;
    let (tag, pid) = sender.split_once('(')?;
    pid.trim_start().parse::<u32>().ok()?;
    (!tag.trim_end().contains(' ')).then_some(text)
}

fn is_level(word: &str) -> bool {
    matches!(word, "V" | "D" | "I" | "W" | "E" | "F" | "S")
}

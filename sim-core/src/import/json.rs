//! Logs whose records are JSON: `journalctl -o json` and its relatives, `dmesg --json`, container logs,
//! what log stores give out. Each record becomes a line as a file would have it; records that say that
//! somebody other than the kernel speaks become empty lines, so that lines keep their numbers.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::frame::{When, framed};
use super::keys::seconds_us;

/// Where records have their text: journald, dmesg, Docker, log stores.
const TEXTS: [&str; 7] = ["MESSAGE", "msg", "message", "log", "textPayload", "line", "Message"];
/// Microseconds since boot, as journald has them: of the kernel, then of its receipt.
const SINCE_BOOT: [&str; 3] =
    ["_SOURCE_BOOTTIME_TIMESTAMP", "_SOURCE_MONOTONIC_TIMESTAMP", "__MONOTONIC_TIMESTAMP"];
/// A date, in some store's words.
const DATES: [&str; 5] = ["__REALTIME_TIMESTAMP", "time", "timestamp", "@timestamp", "ts"];
/// Values inside each other, which a log store may put around a record.
const DEPTH_MAX: usize = 8;

/// The text with a line for each record, if that is what it is made of.
pub(super) fn without_json(text: &str) -> Cow<'_, str> {
    let first = text.trim_start();
    if !first.starts_with(['{', '[']) && !text.contains("{\"") && !text.contains("\",") {
        return Cow::Borrowed(text);
    }
    let by_line = of_lines(text).or_else(|| of_document(text));
    match by_line.or_else(|| of_strings(text)) {
        Some(lines) => Cow::Owned(lines),
        None => Cow::Borrowed(text),
    }
}

/// One object a line; a line that is none, as the last of a log that was cut, stays as it is.
fn of_lines(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() / 2);
    let mut found = false;
    for line in text.lines() {
        // RFC 7464 (json-seq) has a separator before each, server-sent events a word, a list its
        // mark, and collectors the date.
        let (before, bare) = line.split_at(line.find('{').unwrap_or(0));
        if let Ok(record) = serde_json::from_str::<Map<String, Value>>(bare) {
            let start = out.len();
            found |= record_line(&mut out, &record);
            let date = format!("{} kernel: ", before.trim());
            let is_known = |text: &str| framed(text).time != When::Unknown;
            if is_known(&date)
                && out.get(start..).is_some_and(|said| !said.is_empty() && !is_known(said))
            {
                out.insert_str(start, &date);
            }
        } else {
            out.push_str(line);
        }
        out.push('\n');
    }
    found.then_some(out)
}

/// Strings, one a line, with the commas of a list or without: what a tool makes of a program's output.
fn of_strings(text: &str) -> Option<String> {
    let mut found = false;
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let bare = line.trim();
        let said = serde_json::from_str::<String>(bare.strip_suffix(',').unwrap_or(bare));
        found |= said.is_ok();
        out.push_str(said.as_deref().unwrap_or(line));
        out.push('\n');
    }
    found.then_some(out)
}

/// One value, or several, over as many lines as it takes.
fn of_document(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut found = false;
    for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        let Ok(value) = value else { break };
        found |= walk(&mut out, &value, DEPTH_MAX);
    }
    found.then_some(out)
}

fn walk(out: &mut String, value: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match value {
        Value::Array(values) => {
            // Not lazily: every one has lines.
            values.iter().fold(false, |found, value| walk(out, value, depth) | found)
        }
        Value::Object(record) if text_of(record).is_some() => {
            let found = record_line(out, record);
            out.push('\n');
            found
        }
        Value::Object(record) => {
            record.values().fold(false, |found, value| walk(out, value, depth) | found)
        }
        _ => false,
    }
}

/// Writes what a record says, and tells whether there was something.
pub(super) fn record_line(out: &mut String, record: &Map<String, Value>) -> bool {
    let of = |key: &str| record.get(key).and_then(Value::as_str);
    let name = of("SYSLOG_IDENTIFIER").or_else(|| of("syslog_identifier"));
    let is_kernel = match (of("_TRANSPORT"), name) {
        (None, None) => true,
        (transport, name) => transport == Some("kernel") || name == Some("kernel"),
    };
    let Some(said) = text_of(record).filter(|_| is_kernel) else { return false };
    let said = said.trim_end_matches(['\n', '\r']);
    // Lines of a message are the log's.
    let said = said.replace(['\n', '\r'], " ");
    if framed(&said).time == When::Unknown {
        write_time(out, record);
    }
    out.push_str(&said);
    true
}

/// Text, or its bytes if they are no UTF-8 (`systemd.journal-fields(7)`).
fn text_of(record: &Map<String, Value>) -> Option<Cow<'_, str>> {
    TEXTS.iter().find_map(|key| match record.get(*key)? {
        Value::String(text) => Some(Cow::Borrowed(text.as_str())),
        Value::Array(bytes) => {
            let byte = |value: &Value| u8::try_from(value.as_u64()?).ok();
            let bytes: Option<Vec<u8>> = bytes.iter().map(byte).collect();
            Some(Cow::Owned(String::from_utf8_lossy(&bytes?).into_owned()))
        }
        _ => None,
    })
}

/// In a form that `frame` takes off again.
fn write_time(out: &mut String, record: &Map<String, Value>) {
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
    if let Some(us) = SINCE_BOOT.iter().find_map(|key| number(record.get(*key)?)) {
        write_us(out, us);
        return;
    }
    let Some(date) = DATES.iter().find_map(|key| record.get(*key)) else { return };
    let text = match date {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return,
    };
    // `dmesg --json` has seconds; stores have those since 1970, or thousandths, millionths, or nanoseconds.
    let whole = text.parse::<u64>().ok().map(|number| match number {
        100_000_000_000_000_000.. => number / 1_000,
        100_000_000_000_000.. => number,
        100_000_000_000.. => number * 1_000,
        _ => number * 1_000_000,
    });
    let us = whole.or_else(|| u64::try_from(seconds_us(&text)?).ok());
    if let Some(us) = us {
        write_us(out, us);
    } else if !text.is_empty() {
        let _ = write!(out, "{text} kernel: ");
    }
}

fn write_us(out: &mut String, us: u64) {
    let _ = write!(out, "[{:5}.{:06}] ", us / 1_000_000, us % 1_000_000);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_lines() {
        for (text, expected) in [
            // journalctl -o json; another program, and a line that is cut.
            (
                "{\"MESSAGE\":\"a\",\"_TRANSPORT\":\"kernel\",\"_SOURCE_MONOTONIC_TIMESTAMP\":\"15984412\"}\n\
                 {\"MESSAGE\":\"b\",\"_TRANSPORT\":\"journal\",\"SYSLOG_IDENTIFIER\":\"systemd\"}\n\
                 {\"MESSAGE\":[72,255],\"SYSLOG_IDENTIFIER\":\"kernel\",\"__REALTIME_TIMESTAMP\":\"1700000000000001\"}\n\
                 {\"MESS",
                "[   15.984412] a\n\n[1700000000.000001] H\u{fffd}\n{\"MESS\n",
            ),
            // -o json-seq, -o json-sse.
            ("\u{1e}{\"MESSAGE\":\"a\"}\n", "a\n"),
            ("data: {\"MESSAGE\":\"a\"}\n\ndata: {\"MESSAGE\":\"b\"}\n", "a\n\nb\n"),
            // dmesg --json.
            (
                "{\n \"dmesg\": [\n {\n \"pri\": 5,\n \"time\": 12.345678,\n \"msg\": \"a\"\n },{\n \"msg\": \"b\"\n }\n ]\n}",
                "[   12.345678] a\nb\n",
            ),
            // -o json-pretty.
            ("{\n\t\"MESSAGE\" : \"a\"\n}\n{\n\t\"MESSAGE\" : \"b\"\n}\n", "a\nb\n"),
            // A container's log, whose lines are those of a log.
            (
                "{\"log\":\"[    1.000000] a\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-22T10:00:00Z\"}",
                "[    1.000000] a\n",
            ),
            // Stores.
            ("{\"time\":1771838183512000001,\"message\":\"a\"}\n", "[1771838183.512000] a\n"),
            (
                "[{\"timestamp\":1771838183512,\"message\":\"a\"},{\"@timestamp\":\"2026-11-22T10:00:00Z\",\"message\":\"b\"}]",
                "[1771838183.512000] a\n2026-11-22T10:00:00Z kernel: b\n",
            ),
            // A collector's, LAVA's, Ansible's.
            (
                "2026-11-22T10:00:00+01:00\tkernel.box\t{\"message\":\"a\"}\n",
                "2026-11-22T10:00:00+01:00\tkernel.box kernel: a\n",
            ),
            ("- {\"dt\": \"2026\", \"msg\": \"[    1.000000] a\"}\n", "[    1.000000] a\n"),
            (
                "ok: [box] =>\n  \"lines\": [\n    \"a \\\"b\\\"\",\n    \"c\"\n",
                "ok: [box] =>\n  \"lines\": [\na \"b\"\nc\n",
            ),
            // None of it.
            ("[   15.984412] a\n", "[   15.984412] a\n"),
            ("{\"a\": 1}\n", "{\"a\": 1}\n"),
            ("[[[[[[[[[[[[{\"msg\":\"a\"}]]]]]]]]]]]]", "[[[[[[[[[[[[{\"msg\":\"a\"}]]]]]]]]]]]]"),
        ] {
            assert_eq!(without_json(text), expected, "{text}");
        }
    }
}

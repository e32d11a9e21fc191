//! Logs whose records are fields, one a line: `journalctl -o export` and `-o verbose`. Each record becomes a
//! line as a file would have it, where the record ends, so that nothing moves far from its place.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::json::record_line;

/// Bytes of the longest name of a field (`systemd.journal-fields(7)`).
const KEY_SIZE_MAX: usize = 64;

/// The text with a line for each record, if that is what it is made of.
pub(super) fn without_fields(text: &str) -> Cow<'_, str> {
    let has = |key: &str| {
        text.lines().any(|line| field(line.trim_start()).is_some_and(|(it, _)| it == key))
    };
    // Other logs may well have a word and an equals sign.
    if !text.contains("MESSAGE=")
        || !has("MESSAGE")
        || !(has("_TRANSPORT") || has("SYSLOG_IDENTIFIER"))
    {
        return Cow::Borrowed(text);
    }
    // A text all of whose lines were set apart has an empty line behind each of them that ends nothing.
    let spaced = !text.lines().zip(text.lines().skip(1)).any(|(a, b)| !is_empty(a) && !is_empty(b));
    let mut out = String::with_capacity(text.len() / 2);
    let mut record = Record::default();
    let mut after_text = false;
    for line in text.lines() {
        let sets_apart = spaced && after_text && is_empty(line);
        after_text = !is_empty(line);
        if !sets_apart && !record.takes(line) {
            record.end(&mut out);
        }
        out.push('\n');
    }
    record.end(&mut out);
    Cow::Owned(out)
}

/// What was read of a record.
#[derive(Default)]
struct Record {
    fields: Map<String, Value>,
    /// The last of them, and whether its value is of the export's binary form and still to come.
    last: Option<(String, bool)>,
}

impl Record {
    /// Adds a line of it; not those between records, which are empty or begin with a date.
    fn takes(&mut self, line: &str) -> bool {
        let line = line.trim_end();
        let bare = line.trim_start();
        if let Some((key, value)) = field(bare) {
            self.set(key, value.to_owned(), false);
        } else if is_key(line) {
            // Of several lines, or not of text: 64 bits of length follow, and then the value.
            self.set(line, String::new(), true);
        } else if let Some((key, is_binary)) = self.last.clone()
            && (is_binary || bare.len() < line.len())
            && !bare.is_empty()
        {
            if let Some(Value::String(value)) = self.fields.get_mut(&key) {
                let length_end = bare.rfind('\0').map_or(0, |at| at + 1);
                let from = if value.is_empty() { length_end } else { 0 };
                if !value.is_empty() {
                    value.push(' ');
                }
                value.push_str(bare.get(from..).unwrap_or_default());
            }
        } else {
            return false;
        }
        true
    }

    fn set(&mut self, key: &str, value: String, is_binary: bool) {
        self.fields.insert(key.to_owned(), Value::String(value));
        self.last = Some((key.to_owned(), is_binary));
    }

    fn end(&mut self, out: &mut String) {
        record_line(out, &std::mem::take(self).fields);
    }
}

fn is_empty(line: &str) -> bool {
    line.trim().is_empty()
}

/// `KEY=value`, as journald names fields: capitals, digits and low lines.
fn field(line: &str) -> Option<(&str, &str)> {
    line.split_once('=').filter(|(key, _)| is_key(key))
}

fn is_key(text: &str) -> bool {
    let is_of_keys = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (3..=KEY_SIZE_MAX).contains(&text.len()) && text.bytes().all(is_of_keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_become_lines_where_they_end() {
        for (text, expected) in [
            // -o export; another program, and a message of two lines.
            (
                "_TRANSPORT=kernel\n_SOURCE_MONOTONIC_TIMESTAMP=15984412\nMESSAGE=a=b\n\n\
                 SYSLOG_IDENTIFIER=systemd\n_TRANSPORT=journal\nMESSAGE=c\n\n\
                 _TRANSPORT=kernel\nMESSAGE\n\u{3}\0\0\0\0\0\0\0d\ne\nPRIORITY=4\n",
                "\n\n\n[   15.984412] a=b\n\n\n\n\n\n\n\n\n\nd e",
            ),
            // -o verbose.
            (
                "Sun 2024-02-04 00:40:00.000001 CET [s=1;i=2]\n    _TRANSPORT=kernel\n    MESSAGE=a\n            b\n\
                 Sun 2024-02-04 00:40:00.000002 CET [s=1;i=3]\n    SYSLOG_IDENTIFIER=kernel\n    MESSAGE=c\n",
                "\n\n\n\na b\n\n\nc",
            ),
            // None of it.
            ("MESSAGE=a\n", "MESSAGE=a\n"),
            (
                "[    1.000000] MESSAGE=a _TRANSPORT=kernel\n",
                "[    1.000000] MESSAGE=a _TRANSPORT=kernel\n",
            ),
        ] {
            assert_eq!(without_fields(text), expected, "{text}");
        }
    }
}

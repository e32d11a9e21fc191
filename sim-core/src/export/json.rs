//! The little of JSON that exporters write: strings, and times in µs.

use std::fmt::Write as _;

use crate::base::SimTime;

/// Appends a string with its quotes.
pub(super) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _: std::fmt::Result = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A string with its quotes.
pub(super) fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_string(&mut out, text);
    out
}

/// An instant in µs, to the nanosecond: `1132096.500`.
pub(super) fn micros(at: SimTime) -> String {
    format!("{}.{:03}", at.0 / 1_000, at.0 % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_json() {
        let text = "a \"b\" \\ c\n\u{1}é";
        assert_eq!(string(text), "\"a \\\"b\\\" \\\\ c\\n\\u0001é\"");
        assert_eq!(serde_json::from_str::<String>(&string(text)).expect("JSON"), text);
        assert_eq!(micros(SimTime(1_132_096_500)), "1132096.500");
    }
}

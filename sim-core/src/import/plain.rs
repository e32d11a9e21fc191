//! A text without what was done to it on its way here: the colors that `dmesg` gives a terminal, the
//! quoted-printable form (RFC 2045, 6.7) in which mail stores it, JSON or journald's fields around each line, the edge at
//! which a terminal folded it. Character sets are `charset.rs`'s.

use std::borrow::Cow;

use super::journal_fields::without_fields;
use super::json::without_json;
use super::wrapped::unfolded;

/// The text as it was printed.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    let bare = and_then(without_json(text), without_fields);
    // JSON has colors as escapes.
    let bare = and_then(bare, without_colors);
    let bare = and_then(bare, decoded);
    let bare = and_then(bare, with_blanks);
    and_then(bare, unfolded)
}

fn and_then(text: Cow<'_, str>, further: fn(&str) -> Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => further(text),
        Cow::Owned(text) => Cow::Owned(further(&text).into_owned()),
    }
}

/// With blanks where a web page has some that don't break.
fn with_blanks(text: &str) -> Cow<'_, str> {
    if !text.contains('\u{a0}') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('\u{a0}', " "))
}

/// Without `ESC [ … m`.
fn without_colors(text: &str) -> Cow<'_, str> {
    if !text.contains('\x1b') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split("\x1b[");
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != ';');
        match end.and_then(|end| part.get(end..)?.strip_prefix('m')) {
            Some(rest) => plain.push_str(rest),
            None => plain.push_str(part),
        }
    }
    Cow::Owned(plain)
}

/// Lines that end in `=` go on, and `=3D` is an equals sign. A log has neither, so a text that has
/// both is taken to be quoted-printable. Only ASCII is decoded.
fn decoded(text: &str) -> Cow<'_, str> {
    let goes_on = text.contains("=\n") || text.contains("=\r\n");
    if !goes_on || !text.contains("=3D") {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split('=');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let line_end = part.strip_prefix("\r\n").or_else(|| part.strip_prefix('\n'));
        let byte = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (line_end, byte, part.get(2..)) {
            (Some(rest), ..) => plain.push_str(rest),
            (None, Some(byte), Some(rest)) if byte.is_ascii() && byte != b'\n' => {
                plain.push(char::from(byte));
                plain.push_str(rest);
            }
            _ => {
                plain.push('=');
                plain.push_str(part);
            }
        }
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mail_and_terminals_add_is_taken_off() {
        for (text, expected) in [
            ("\x1b[33ma\x1b[0m b\n", "a b\n"),
            ("gfp_mask=3D0xd0, or=\nder=3D0\n", "gfp_mask=0xd0, order=0\n"),
            ("gfp_mask=3D0xd0, or=\r\nder=3D0\r\n", "gfp_mask=0xd0, order=0\r\n"),
            ("a=3Db=\nc=C3=A9d=\n", "a=bc=C3=A9d"),
            // A log of its own is left alone.
            ("gfp_mask=0x3D, order=0\n", "gfp_mask=0x3D, order=0\n"),
            ("a=\nb=2\n", "a=\nb=2\n"),
            ("pid=3D\n", "pid=3D\n"),
            ("=\n=3D=", "=="),
        ] {
            assert_eq!(plain(text), expected, "{text:?}");
        }
    }
}

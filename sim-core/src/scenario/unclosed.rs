//! A bracket that is never closed, of all mistakes in TOML the one that a parser tells worst: it goes
//! on inside the list, and complains about every line from there on.
//!
//! Leaves out everything else; that is the parser's.

use std::ops::Range;

/// What is missing.
pub(super) const EXPECTED: &str =
    "never closed: expected its `]` or `}` before the next table or key";

/// Where the bracket is that is open where a parser complains at `place`, if what stands there can
/// only come after its end: a table's header, or a key in a list.
pub(super) fn bracket(text: &str, place: usize) -> Option<Range<usize>> {
    let before = text.get(..place)?;
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let rest = text.get(line..)?.lines().next()?.trim();
    let (open, kind) = *open_brackets(text.get(..line)?).last()?;
    let is_header = rest.starts_with('[') && rest.ends_with(']') && !rest.contains(',');
    let key = rest.split_once('=').map_or("", |(key, _)| key.trim());
    let is_word = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let is_key = kind == '[' && !key.is_empty() && key.chars().all(is_word);
    (is_header || is_key).then_some(open..open + 1)
}

/// The brackets that a text leaves open, but for those in strings and comments.
pub(super) fn open_brackets(text: &str) -> Vec<(usize, char)> {
    let mut open = Vec::new();
    let mut at = 0;
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        match c {
            '[' | '{' => open.push((at, c)),
            ']' | '}' => _ = open.pop(),
            _ => {}
        }
        at += match c {
            '#' => text[at..].find('\n').unwrap_or(text.len() - at),
            '"' | '\'' => string_length(&text[at..], c),
            _ => c.len_utf8(),
        };
    }
    open
}

/// How long the string is that a text begins with, both quotes with it; all of the text if it has no end.
fn string_length(text: &str, quote: char) -> usize {
    let triple = String::from_iter([quote; 3]);
    let end = if text.starts_with(&triple) { triple } else { quote.to_string() };
    let mut at = end.len();
    while let Some(c) = text.get(at..).and_then(|rest| rest.chars().next()) {
        if text[at..].starts_with(&end) {
            return at + end.len();
        }
        // What a backslash stands before ends nothing.
        let skips = c == '\\' && quote == '"';
        let next = text[at + c.len_utf8()..].chars().next().filter(|_| skips);
        at += c.len_utf8() + next.map_or(0, char::len_utf8);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Line of the bracket that is blamed, when the complaint is about the last line.
    fn blamed(text: &str) -> Option<usize> {
        let place = text.rfind('\n').map_or(0, |end| end + 1);
        bracket(text, place).map(|open| text[..=open.start].lines().count())
    }

    #[test]
    fn bracket_is_found_from_the_next_header_or_key() {
        assert_eq!(blamed("a = 1\nb = [{ c = 1 }\n[[task]]"), Some(2));
        assert_eq!(blamed("a = [\n  { c = 1 },\nname = 'hog'"), Some(1));
        assert_eq!(blamed("a = { c = 1\n[task]"), Some(1));
    }

    #[test]
    fn other_mistakes_are_the_parsers() {
        for text in
            ["a = [\n  { c = 1 } { d = 2 },", "a = [1]\n[[task", "a = { c = 1,\n d = ", "[a]\n[b]"]
        {
            assert_eq!(blamed(text), None, "{text}");
        }
    }

    #[test]
    fn brackets_in_strings_and_comments_are_none() {
        for text in ["a = '[' # [", r#"a = "\"[""#, "a = \"\"\"[\n\"[\"\"\"", "a = '''[\n''' # {"] {
            assert_eq!(open_brackets(text), [], "{text}");
        }
        assert_eq!(open_brackets("a = 'ü' [ # ]"), [(9, '[')]);
    }
}

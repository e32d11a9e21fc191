//! Complaints about a scenario file, each with its place, the offending
//! text and what was expected instead.
//!
//! Complaints are gathered, not thrown: one reading of a file names
//! everything that is wrong with it, up to [`DIAGNOSTICS_MAX`].

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use crate::base::sort;

/// More complaints than this help nobody.
const DIAGNOSTICS_MAX: usize = 50;
/// Characters of offending text that a complaint shows.
const TEXT_MAX: usize = 60;
/// Stands for the file where a complaint is about an override.
const SET: &str = "--set";
/// Longest word that near names are looked for; the search is quadratic.
const WORD_MAX: usize = 64;

/// One complaint about a scenario.
#[derive(Clone, Eq, PartialEq, Debug, thiserror::Error)]
pub struct Diagnostic {
    /// The file's name, or `--set` for an override.
    pub file: String,
    /// Line, counted from 1; for an override, which of them.
    pub line: u32,
    /// Column, counted from 1 in characters.
    pub column: u32,
    /// The offending text, at most one line and 60 characters; may be empty.
    pub text: String,
    /// What is wrong, in a few words.
    pub problem: String,
    /// What was expected, or names that were perhaps meant; may be empty.
    pub expected: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.told())
    }
}

impl Diagnostic {
    /// What is wrong and what was expected, without the place.
    pub fn told(&self) -> String {
        let text = if self.text.is_empty() { String::new() } else { format!(" `{}`", self.text) };
        let colon = if self.expected.is_empty() { "" } else { ": " };
        format!("{}{text}{colon}{}", self.problem, self.expected)
    }

    /// Whether it is about an override and not the file.
    pub fn is_of_set(&self) -> bool {
        self.file == SET
    }
}

/// The text of a file and, behind it, that of the overrides: every byte
/// range of it has a place that a person can find.
pub(super) struct Source {
    file: String,
    text: String,
    file_size: usize,
    sets: Vec<Range<usize>>,
}

impl Source {
    pub(super) fn new(file: &str, text: &str, sets: &[(String, String)]) -> Self {
        let mut all = text.to_owned();
        let mut ranges = Vec::new();
        for (path, value) in sets {
            all.push('\n');
            let start = all.len();
            all.push_str(path);
            all.push('=');
            all.push_str(value);
            ranges.push(start..all.len());
        }
        Self { file: file.to_owned(), text: all, file_size: text.len(), sets: ranges }
    }

    /// The file's text, without overrides.
    pub(super) fn file_text(&self) -> &str {
        self.slice(0..self.file_size)
    }

    /// The byte ranges of `path=value` of each override.
    pub(super) fn sets(&self) -> &[Range<usize>] {
        &self.sets
    }

    /// Whether a byte range lies in an override.
    pub(super) fn is_set(&self, span: &Range<usize>) -> bool {
        span.start > self.file_size
    }

    /// The text of a byte range, empty where there is none.
    pub(super) fn slice(&self, span: Range<usize>) -> &str {
        self.text.get(span).unwrap_or_default()
    }

    fn diagnostic(&self, span: &Range<usize>, problem: String, expected: String) -> Diagnostic {
        let set = self.sets.iter().position(|set| set.start <= span.start && span.start <= set.end);
        let (file, base, skipped) = match set {
            Some(index) => (SET, self.sets[index].start, index),
            None => (self.file.as_str(), 0, 0),
        };
        let before = self.slice(base..span.start.clamp(base, self.text.len()));
        let lines = before.matches('\n').count() + skipped;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
        let line = self.slice(span.clone()).lines().next().unwrap_or_default();
        let mut text: String = line.chars().take(TEXT_MAX).collect();
        if text.len() < line.len() {
            text.push('…');
        }
        Diagnostic {
            file: file.to_owned(),
            line: u32::try_from(lines + 1).unwrap_or(u32::MAX),
            column: u32::try_from(column + 1).unwrap_or(u32::MAX),
            text,
            problem,
            expected,
        }
    }
}

/// Gathers complaints about one [`Source`].
pub(super) struct Report<'s> {
    pub(super) source: &'s Source,
    diagnostics: Vec<Diagnostic>,
}

impl<'s> Report<'s> {
    pub(super) fn new(source: &'s Source) -> Self {
        Self { source, diagnostics: Vec::new() }
    }

    /// Adds a complaint about a byte range.
    pub(super) fn add(
        &mut self,
        span: &Range<usize>,
        problem: impl Into<String>,
        expected: impl Into<String>,
    ) {
        if self.diagnostics.len() < DIAGNOSTICS_MAX {
            let diagnostic = self.source.diagnostic(span, problem.into(), expected.into());
            self.diagnostics.push(diagnostic);
        }
    }

    /// Adds a complaint about a name that isn't among `known`.
    pub(super) fn add_unknown<'n>(
        &mut self,
        span: &Range<usize>,
        problem: &str,
        name: &str,
        known: impl IntoIterator<Item = &'n str>,
    ) {
        let expected = suggestion(name, &known.into_iter().collect::<Vec<_>>());
        self.add(span, problem, expected);
    }

    /// Adds a complaint about a field that isn't there: `example` is a value that it could have,
    /// `doc` what it means.
    pub(super) fn add_missing(
        &mut self,
        table: &Range<usize>,
        key: &str,
        example: &str,
        doc: &str,
    ) {
        let inside = if table.is_empty() { "" } else { " in" };
        let first = doc.trim().split(['.', ':', ';']).next().unwrap_or_default();
        let mut letters = first.chars();
        let first: String =
            letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect();
        let expected = format!("expected such as {key} = {example} ({first})");
        self.add(table, format!("missing `{key}`{inside}"), expected);
    }

    /// Whether nothing was wrong so far.
    pub(super) fn is_clean(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// All complaints, by place; those about overrides last.
    pub(super) fn finish(mut self) -> Vec<Diagnostic> {
        sort::by(&mut self.diagnostics, |a, b| {
            let place = |d: &Diagnostic| (d.file == "--set", d.line, d.column);
            place(a).cmp(&place(b))
        });
        self.diagnostics.dedup();
        self.diagnostics
    }
}

/// "did you mean …", or all names when none is near.
pub(crate) fn suggestion(name: &str, known: &[&str]) -> String {
    let mut seen = BTreeSet::new();
    let known: Vec<&str> = known.iter().copied().filter(|name| seen.insert(*name)).collect();
    let known = known.as_slice();
    let near = nearest(name, known);
    if !near.is_empty() {
        return format!("did you mean {}?", near.join(" or "));
    }
    match known {
        [] => "there is none here".to_owned(),
        [one] => format!("expected {one}"),
        [names @ .., last] if known.len() <= 16 => {
            format!("expected one of {} and {last}", names.join(", "))
        }
        names => format!("expected one of {}, …", names[..16].join(", ")),
    }
}

/// Whether a word looks like one of the names.
pub(super) fn is_near<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> bool {
    !nearest(name, &known.collect::<Vec<_>>()).is_empty()
}

/// At most three of the names, those fewest edits away; none when all
/// are more than a third of the word's length (at least 2 edits) away.
pub(super) fn nearest<'n>(name: &str, known: &[&'n str]) -> Vec<&'n str> {
    let length = name.chars().count();
    if length == 0 || length > WORD_MAX {
        return Vec::new();
    }
    let limit = (length / 3).clamp(2, 4).min(length - 1);
    let mut near: Vec<(usize, &str)> = known
        .iter()
        .filter(|other| other.chars().count() <= WORD_MAX)
        .map(|other| (edits(name, other), *other))
        .filter(|(count, _)| *count <= limit)
        .collect();
    sort::natural(&mut near);
    near.dedup();
    let best = near.first().map_or(0, |(count, _)| *count);
    near.into_iter().take(3).filter(|(count, _)| *count <= best + 1).map(|(_, n)| n).collect()
}

/// Insertions, deletions, replacements and swaps of neighbors between
/// two words, without regard to case and to `_` or `-`.
fn edits(a: &str, b: &str) -> usize {
    let letters = |word: &str| -> Vec<char> {
        let plain = |c: char| {
            if c == '_' { '-' } else { c.to_ascii_lowercase() }
        };
        word.chars().map(plain).collect()
    };
    let (a, b) = (letters(a), letters(b));
    let mut older = vec![0; b.len() + 1];
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                least = least.min(older[j - 1] + 1);
            }
            row.push(least);
        }
        older = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_names_are_few_and_near() {
        let known = ["gpu-fence", "kvm", "spin", "trylock", "zap_page", "page_fault"];
        assert_eq!(nearest("gpu_fense", &known), ["gpu-fence"]);
        assert_eq!(nearest("zpa_page", &known), ["zap_page"]);
        assert_eq!(nearest("kmv", &known), ["kvm"]);
        assert!(nearest("something", &known).is_empty());
        assert!(nearest("", &known).is_empty());
        assert!(nearest(&"x".repeat(10_000), &known).is_empty());
        assert_eq!(suggestion("q", &["one", "two", "three"]), "expected one of one, two and three");
    }

    #[test]
    fn places_count_characters_and_name_overrides() {
        let sets = [("a.b".to_owned(), "1".to_owned()), ("c".to_owned(), "2".to_owned())];
        let source = Source::new("x.toml", "ä = 1\nüü = 2", &sets);
        let mut report = Report::new(&source);
        let start = source.file_text().find('2').expect("there");
        report.add(&(start..start + 1), "bad", "good");
        report.add(&(source.sets()[1].start + 2..source.sets()[1].end), "bad", "");
        report.add(&(9999..10_000), "bad", "");
        let lines: Vec<String> = report.finish().iter().map(ToString::to_string).collect();
        assert_eq!(lines[0], "x.toml:2:6: bad `2`: good");
        assert_eq!(lines.last().map(String::as_str), Some("--set:2:3: bad `2`"));
    }
}

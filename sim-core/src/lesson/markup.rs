//! The Markdown of lessons, a small part of CommonMark: paragraphs,
//! lists with `-`, fenced code, `*emphasis*`, `**strong**`, `` `code` ``
//! and `[links](https://…)`. A backslash takes a sign's meaning away.
//! HTML is text like any other.

use super::Complaint;

/// A block of text.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum Block {
    /// Running text.
    Paragraph(Vec<Inline>),
    /// Items of a list.
    List(Vec<Vec<Inline>>),
    /// Text as it stands.
    Code(String),
}

/// A run of text inside a block.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum Inline {
    /// As it is.
    Text(String),
    /// `*so*`
    Emphasis(String),
    /// `**so**`
    Strong(String),
    /// `` `so` ``
    Code(String),
    /// `[text](to)`
    Link {
        /// What is read.
        text: String,
        /// `https://…`, or the `#/v1/run?…` of a run.
        to: String,
    },
}

impl Inline {
    /// What is read.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text)
            | Self::Emphasis(text)
            | Self::Strong(text)
            | Self::Code(text)
            | Self::Link { text, .. } => text,
        }
    }
}

/// Reads blocks; `line` is the number of the first line.
pub(super) fn blocks(lines: &[&str], line: usize, wrong: &mut Vec<Complaint>) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut at = 0;
    while let Some(first) = lines.get(at) {
        let number = line + at;
        if first.trim().is_empty() {
            at += 1;
        } else if first.starts_with("```") {
            let end = lines[at + 1..].iter().position(|line| line.starts_with("```"));
            let Some(length) = end else {
                wrong.push(complaint(number, "a fence is not closed", "end it with ```"));
                break;
            };
            blocks.push(Block::Code(lines[at + 1..=at + length].join("\n")));
            at += length + 2;
        } else {
            let end = lines[at..].iter().position(|line| line.trim().is_empty());
            let part = &lines[at..end.map_or(lines.len(), |end| at + end)];
            at += part.len();
            blocks.push(if first.starts_with("- ") {
                Block::List(items(part, number, wrong))
            } else {
                Block::Paragraph(inlines(&part.join(" "), number, wrong))
            });
        }
    }
    blocks
}

fn items(lines: &[&str], line: usize, wrong: &mut Vec<Complaint>) -> Vec<Vec<Inline>> {
    let mut items: Vec<(usize, String)> = Vec::new();
    for (place, text) in lines.iter().enumerate() {
        match (text.strip_prefix("- "), items.last_mut()) {
            (Some(text), _) => items.push((line + place, text.to_owned())),
            (None, Some((_, item))) => {
                item.push(' ');
                item.push_str(text.trim());
            }
            (None, None) => {}
        }
    }
    items.into_iter().map(|(line, text)| inlines(&text, line, wrong)).collect()
}

/// Reads a run of text.
pub(super) fn inlines(text: &str, line: usize, wrong: &mut Vec<Complaint>) -> Vec<Inline> {
    let mut found = Vec::new();
    let mut plain = String::new();
    let mut rest = text.trim();
    while let Some(sign) = rest.chars().next() {
        let after = &rest[sign.len_utf8()..];
        let marked = match sign {
            '\\' => {
                let letter = after.chars().next().unwrap_or('\\');
                plain.push(letter);
                rest = after.strip_prefix(letter).unwrap_or(after);
                continue;
            }
            '`' => enclosed(after, "`").map(|(text, rest)| (Inline::Code(text), rest)),
            '*' => match after.strip_prefix('*') {
                Some(after) => {
                    enclosed(after, "**").map(|(text, rest)| (Inline::Strong(text), rest))
                }
                None => enclosed(after, "*").map(|(text, rest)| (Inline::Emphasis(text), rest)),
            },
            '[' => link(after),
            _ => {
                plain.push(sign);
                rest = after;
                continue;
            }
        };
        let Some((inline, left)) = marked else {
            let text = format!("`{sign}` begins something that does not end");
            wrong.push(complaint(line, &text, &format!("end it, or write \\{sign} for the sign")));
            return Vec::new();
        };
        if let Inline::Link { to, .. } = &inline
            && !["https://", "#/v"].iter().any(|start| to.starts_with(start))
        {
            let text = format!("a link leads to `{to}`");
            wrong.push(complaint(line, &text, "write an address with https://, or #/v1/run?…"));
        }
        push_text(&mut found, &mut plain);
        found.push(inline);
        rest = left;
    }
    push_text(&mut found, &mut plain);
    found
}

fn push_text(found: &mut Vec<Inline>, plain: &mut String) {
    if !plain.is_empty() {
        found.push(Inline::Text(std::mem::take(plain)));
    }
}

/// The text up to `end`, and what stands behind it.
fn enclosed<'t>(text: &'t str, end: &str) -> Option<(String, &'t str)> {
    let (inside, rest) = text.split_once(end)?;
    (!inside.is_empty()).then(|| (inside.to_owned(), rest))
}

fn link(text: &str) -> Option<(Inline, &str)> {
    let (text, rest) = text.split_once("](")?;
    let (to, rest) = rest.split_once(')')?;
    Some((Inline::Link { text: text.to_owned(), to: to.to_owned() }, rest))
}

pub(super) fn complaint(line: usize, text: &str, remedy: &str) -> Complaint {
    Complaint { line, text: text.to_owned(), remedy: remedy.to_owned() }
}

/// All that is read in a block.
pub(super) fn block_text(block: &Block) -> String {
    let run = |inlines: &[Inline]| inlines.iter().map(Inline::text).collect::<String>();
    match block {
        Block::Paragraph(inlines) => run(inlines),
        Block::List(items) => items.iter().map(|item| run(item)).collect::<Vec<_>>().join("\n"),
        Block::Code(text) => text.clone(),
    }
}

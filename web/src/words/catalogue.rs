//! A catalogue: a `.po` file of gettext, read into sentences by their English.
//!
//! Read are `msgid`, `msgid_plural`, `msgstr` and the rule for plurals; what is marked fuzzy or
//! obsolete, or stands under a context, is left out, and so is what names other placeholders than
//! the English does.

use std::collections::BTreeMap;

use super::{placeholders, plural};

/// Sentences of one language.
pub(super) struct Catalogue {
    /// By their English: of plurals, that of the singular.
    said: BTreeMap<String, Vec<&'static str>>,
    /// `Plural-Forms`.
    rule: String,
}

/// One entry as it is written.
#[derive(Default, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) id: String,
    /// The English plural; empty where there is none.
    pub(super) plural: String,
    pub(super) texts: Vec<String>,
    /// Not to be used: fuzzy, or under a context.
    pub(super) is_aside: bool,
}

impl Entry {
    /// Whether each text can stand for the English: it names what both forms name, and no other.
    pub(super) fn is_sound(&self) -> bool {
        let (one, mut known) = (placeholders(&self.id), placeholders(&self.id));
        let many = if self.plural.is_empty() { one.clone() } else { placeholders(&self.plural) };
        known.extend(&many);
        let needed = |name: &&&str| many.contains(*name);
        self.texts.iter().all(|text| {
            let there = placeholders(text);
            !text.is_empty()
                && there.iter().all(|name| known.contains(name))
                && one.iter().filter(needed).all(|name| there.contains(name))
        })
    }
}

impl Catalogue {
    pub(super) fn read(text: &str) -> Self {
        let mut catalogue = Self { said: BTreeMap::new(), rule: String::new() };
        for entry in entries(text) {
            if entry.id.is_empty() {
                let header = entry.texts.concat();
                let rule = header.lines().find_map(|line| line.strip_prefix("Plural-Forms:"));
                rule.unwrap_or_default().clone_into(&mut catalogue.rule);
            } else if !entry.is_aside && !entry.texts.is_empty() && entry.is_sound() {
                // As long as the page lives.
                let texts = entry.texts.into_iter().map(|text| &*text.leak()).collect();
                catalogue.said.insert(entry.id, texts);
            }
        }
        catalogue
    }

    pub(super) fn say(&self, key: &str) -> Option<&'static str> {
        self.said.get(key)?.first().copied()
    }

    /// The form for this many.
    pub(super) fn count(&self, count: u64, one: &str) -> Option<&'static str> {
        self.said.get(one)?.get(plural::form(&self.rule, count)).copied()
    }
}

/// Which text of an entry lines go on with.
#[derive(Copy, Clone)]
enum Part {
    None,
    Id,
    Plural,
    Text,
}

/// All entries, the header (whose id is empty) among them. What is no line of the format is passed over.
pub(super) fn entries(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let (mut entry, mut part, mut is_aside) = (Entry::default(), Part::None, false);
    for line in text.lines().map(str::trim) {
        if line.starts_with("#,") && line.contains("fuzzy") || line.starts_with("msgctxt") {
            is_aside = true;
        }
        let (word, quoted) = line.split_once('"').unwrap_or((line, ""));
        part = match word.trim() {
            "msgid" => {
                entries.push(std::mem::take(&mut entry));
                entry.is_aside = std::mem::take(&mut is_aside);
                Part::Id
            }
            "msgid_plural" => Part::Plural,
            "" if !quoted.is_empty() => part,
            word if word.starts_with("msgstr") => {
                entry.texts.push(String::new());
                Part::Text
            }
            _ => Part::None,
        };
        let text = unescaped(quoted.strip_suffix('"').unwrap_or(quoted));
        match part {
            Part::None => {}
            Part::Id => entry.id += &text,
            Part::Plural => entry.plural += &text,
            Part::Text => {
                if let Some(last) = entry.texts.last_mut() {
                    *last += &text;
                }
            }
        }
    }
    entries.push(entry);
    // Before the first entry there was none.
    entries.retain(|entry| !entry.texts.is_empty());
    entries
}

fn unescaped(text: &str) -> String {
    let mut letters = text.chars();
    let mut plain = String::new();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => match letters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some(other) => other,
                None => '\\',
            },
            letter => letter,
        });
    }
    plain
}

//! What the page says, in the reader's language.
//!
//! The English sentence stands where it is used and is the key: `t!("Next incident")`,
//! `t!("event {at} of {count}", at = …, count = …)`, `tn!(n, "1 report", "{n} reports", n = n)`.
//! Catalogues are gettext's (`web/po/`). What a catalogue lacks, or says with other placeholders than
//! the English, is said in English. The language is chosen once, before the page is drawn.
//!
//! Left out: names (events, policies, kernel words, keys of the TOML), units, and the sentences that
//! `sim-core` forms; those are the command line's as well, and English.

mod catalogue;
mod plural;
mod pseudo;

use std::cell::Cell;
use std::fmt::Display;

use catalogue::Catalogue;
use pseudo::Pseudo;

use crate::rest;

/// Languages beside English: the tag of each (BCP 47), and its catalogue.
const CATALOGUES: &[(&str, &str)] = &[
    // ("de", include_str!("../po/de.po")),
];

/// English, accented and lengthened, for tests and developers: `?lang=en-XA`.
pub const PSEUDO: &str = "en-XA";

/// A language other than English.
#[derive(Copy, Clone)]
enum Spoken {
    Catalogue(&'static Catalogue),
    Pseudo(&'static Pseudo),
}

thread_local! {
    static SPOKEN: Cell<Option<Spoken>> = const { Cell::new(None) };
}

/// A sentence with its values: `t!("Lane: {name}", name = title)`, or `t!("Lane: {name}", name)`. Without values it is a `&'static str`.
macro_rules! t {
    ($key:literal) => {
        $crate::words::say($key)
    };
    ($key:literal, $($name:ident $(= $value:expr)?),+ $(,)?) => {
        $crate::words::filled!($key, $crate::words::sentence($key), $($name $(= $value)?),+)
    };
}

/// One of two sentences, by a number; languages with more forms than two have them.
macro_rules! tn {
    ($count:expr, $one:literal, $many:literal, $($name:ident $(= $value:expr)?),+ $(,)?) => {
        $crate::words::filled!($many, $crate::words::counted($count as u64, $one, $many), $($name $(= $value)?),+)
    };
}

/// A sentence of a table, which `say` translates where it is used.
macro_rules! mark {
    ($key:literal) => {
        $key
    };
}

/// The values in their places. The dead `format_args!` has the compiler compare names.
macro_rules! filled {
    ($key:literal, $sentence:expr, $($name:ident $(= $value:expr)?),+) => {
        match ($sentence, $(&$crate::words::value!($name $($value)?),)+) {
            (sentence, $($name,)+) => {
                if false {
                    let _ = ::core::format_args!($key, $($name = $name),+);
                }
                $crate::words::fill(sentence, &[$((stringify!($name), $name as &dyn ::core::fmt::Display)),+])
            }
        }
    };
}

/// A placeholder's value, which its name is where none is given.
macro_rules! value {
    ($name:ident) => {
        $name
    };
    ($name:ident $value:expr) => {
        $value
    };
}

pub(crate) use {filled, mark, t, tn, value};

/// The sentence in the reader's language. Called from hundreds of places, so it has one of its own.
#[inline(never)]
pub fn say(key: &'static str) -> &'static str {
    SPOKEN.get().map_or(key, |spoken| said(spoken, key))
}

#[inline(never)]
fn said(spoken: Spoken, key: &'static str) -> &'static str {
    match spoken {
        Spoken::Catalogue(catalogue) => catalogue.say(key).unwrap_or(key),
        Spoken::Pseudo(pseudo) => pseudo.say(key),
    }
}

/// What is put beside what the page says and is not the page's: set apart where values are.
pub fn aside(text: impl Display) -> String {
    fill(Sentence("{text}", is_pseudo()), &[("text", &text)])
}

/// A sentence that waits for its values, and whether each is set apart.
#[derive(Copy, Clone)]
pub struct Sentence(&'static str, bool);

/// For `t!`.
pub fn sentence(key: &'static str) -> Sentence {
    Sentence(say(key), is_pseudo())
}

/// For `tn!`.
pub fn counted(count: u64, one: &'static str, many: &'static str) -> Sentence {
    let english = if count == 1 { one } else { many };
    let text = match SPOKEN.get() {
        Some(Spoken::Catalogue(catalogue)) => catalogue.count(count, one).unwrap_or(english),
        _ => say(english),
    };
    Sentence(text, is_pseudo())
}

fn is_pseudo() -> bool {
    matches!(SPOKEN.get(), Some(Spoken::Pseudo(_)))
}

/// Puts the values where the sentence names them. Set apart, each stands between U+2068 and U+2069,
/// so that a test can tell what was put in from what was said.
pub fn fill(sentence: Sentence, values: &[(&str, &dyn Display)]) -> String {
    use std::fmt::Write as _;
    let Sentence(mut rest, apart) = sentence;
    let mut text = String::with_capacity(rest.len() + 16);
    while let Some((before, name, after)) = placeholder(rest) {
        text.push_str(before);
        if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
            // Writing into a string does not fail.
            let _ = if apart {
                write!(text, "\u{2068}{value}\u{2069}")
            } else {
                write!(text, "{value}")
            };
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The first placeholder: what stands before it, its name, what stands behind it.
fn placeholder(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// The names of all placeholders, sorted.
fn placeholders(mut text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    while let Some((_, name, after)) = placeholder(text) {
        names.push(name);
        text = after;
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether there is anything to choose from; else nothing of the choice is in the first view.
pub fn has_choice(query: &str) -> bool {
    !CATALOGUES.is_empty() || query.contains("lang=")
}

/// The language for this address and reader: what the query asks for (`?lang=de`), else the first
/// of the reader's that there is; `None` is English.
#[inline(never)]
pub fn chosen(query: &str, preferred: &[String]) -> Option<&'static str> {
    let asked = query.trim_start_matches('?').split('&').find_map(|it| it.strip_prefix("lang="));
    let tags = asked.into_iter().chain(preferred.iter().map(String::as_str));
    for tag in tags {
        if asked.is_some() && tag.eq_ignore_ascii_case(PSEUDO) {
            return Some(PSEUDO);
        }
        if let Some((known, _)) = CATALOGUES.iter().find(|(known, _)| covers(known, tag)) {
            return Some(known);
        }
        if covers("en", tag) {
            return None;
        }
    }
    None
}

/// Whether who reads `tag` reads `known`: `de` is read by `de-AT`.
fn covers(known: &str, tag: &str) -> bool {
    let (known, tag) = (known.to_ascii_lowercase(), tag.to_ascii_lowercase());
    tag.strip_prefix(&known).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// From now on the page speaks this language.
#[inline(never)]
pub fn speak(tag: &'static str) {
    rest::have();
    let catalogue = CATALOGUES.iter().find(|(known, _)| *known == tag);
    SPOKEN.set(match catalogue {
        // Once per page, and as long as it lives.
        Some((_, text)) => Some(Spoken::Catalogue(Box::leak(Box::new(Catalogue::read(text))))),
        None if tag == PSEUDO => Some(Spoken::Pseudo(Box::leak(Box::default()))),
        None => None,
    });
}

#[cfg(test)]
mod tests;

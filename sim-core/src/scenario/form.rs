//! A scenario's text as a form: every field that the description
//! ([`spec`](super::spec)) has for the tables there are, with its meaning,
//! its bounds and what the text says; and changes of single values in the
//! text, which leave everything else as it was typed ([`edit`]).
//!
//! Fields have paths: `machine.ram`, `task.0.program.2.size`; items of
//! lists go by place. Whether a value is sound is the reader's business.

mod distribution;
mod edit;
#[cfg(test)]
mod tests;
mod walk;

use std::ops::Range;

use toml::de::{DeTable, DeValue};

pub use distribution::{Parts, SHAPE_TIMES, parts};
pub use edit::{Toward, add, remove, set, shift};

use self::walk::{Spot, Walk, is_opened};
use super::fields::quoted;
use super::presets;
use super::spec::{DRIVER, FILE};

/// A table of the file, or an operation or step in a list.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Section {
    /// Its path; empty for the file itself.
    pub path: String,
    /// What it is, with its name: `task hog`.
    pub title: String,
    /// What it means.
    pub doc: &'static str,
    /// How deep it is nested; 0 for the file itself.
    pub depth: usize,
    /// Whether it is an item of a list, and can be taken out.
    pub item: bool,
    /// Byte range in the text, of the header or of the whole.
    pub span: Range<usize>,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Lists and tables in it that can get more.
    pub lists: Vec<List>,
}

/// A list, or a table that is absent.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct List {
    /// Its path.
    pub path: String,
    /// Its field's name.
    pub name: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// What can be added: a name, and the text of it.
    pub choices: Vec<(&'static str, String)>,
}

/// A field of a section.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Field {
    /// Where it is, or would be.
    pub path: String,
    /// Its name.
    pub name: &'static str,
    /// What it means, with unit and default.
    pub doc: &'static str,
    /// Whether it must be there.
    pub needed: bool,
    /// What may be typed.
    pub input: Input,
    /// A literal that it may have.
    pub sample: String,
    /// What the text says, without quotes; `None`: nothing.
    pub value: Option<String>,
    /// Byte range of that in the text.
    pub span: Option<Range<usize>>,
}

/// What may be typed into a field.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum Input {
    /// Text, of so many characters.
    Text(usize),
    /// Text, mostly one of these.
    Named(Vec<String>),
    /// One of these.
    OneOf(Vec<&'static str>),
    /// A whole number in a range.
    Integer(i64, i64),
    /// One of these whole numbers.
    IntegerOf(&'static [i64]),
    /// True or false.
    Boolean,
    /// A number and a unit; which, with the bounds in words.
    Quantity(&'static [&'static str], String),
    /// A time or a distribution of times.
    Distribution,
    /// What has no field of its own: as TOML.
    Toml,
}

/// The text as a form, as far as it is TOML: a field whose bracket is left open ([`unclosed`]) is not in
/// it. `None` where too much of the text is no TOML.
pub fn form(text: &str) -> Option<Vec<Section>> {
    let readable = edit::readable(text).ok()?;
    let document = edit::parse(&readable);
    let mut walk = Walk::new(text, document.get_ref());
    let spot = Spot { path: String::new(), depth: 0, item: false, span: 0..0 };
    walk.table(document.get_ref(), &FILE, "scenario".to_owned(), spot);
    Some(walk.sections)
}

/// Where the first bracket is that is left open: its byte.
pub fn unclosed(text: &str) -> Option<usize> {
    edit::open_bracket(text)
}

/// The sections of a driver that comes with the program, if its steps are
/// described; paths begin with `driver`.
pub fn preset(id: &str) -> Vec<Section> {
    let Ok(document) = DeTable::parse(presets::TEXT) else { return Vec::new() };
    let drivers = document.get_ref().get("driver").map(toml::Spanned::get_ref);
    let Some(DeValue::Array(items)) = drivers else { return Vec::new() };
    let tables = items.iter().filter_map(|item| match item.get_ref() {
        DeValue::Table(table) => Some((table, item.span())),
        _ => None,
    });
    let is = |table: &DeTable<'_>| {
        table.get("name").is_some_and(|name| name.get_ref().as_str() == Some(id))
    };
    let mut walk = Walk::nameless(presets::TEXT);
    if let Some((table, span)) = tables.into_iter().find(|(table, _)| is(table)) {
        let spot = Spot { path: "driver".to_owned(), depth: 0, item: false, span };
        walk.table(table, &DRIVER, format!("driver {id}"), spot);
    }
    walk.sections
}

/// The text with overrides of a link or command line written into it.
/// Fails, in words, on one that leads nowhere.
pub fn overridden(text: &str, sets: &[(String, String)]) -> Result<String, String> {
    sets.iter().try_fold(text.to_owned(), |text, (path, value)| {
        let literal = if DeValue::parse(value).is_ok() { value.clone() } else { quoted(value) };
        set(&text, path, &literal)
    })
}

/// The literal of what was typed into a field. What is no number or no TOML is a wrong text: the
/// file can still be read, and says so at its place.
pub fn literal(input: &Input, typed: &str) -> String {
    let is_bare = match input {
        Input::Toml | Input::Integer(..) | Input::IntegerOf(_) | Input::Boolean => true,
        Input::Distribution => is_opened(typed),
        _ => false,
    };
    if is_bare && DeValue::parse(typed).is_ok() { typed.to_owned() } else { quoted(typed) }
}

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

use std::ops::Range;

use toml::de::{DeTable, DeValue};

pub use distribution::{Parts, SHAPE_TIMES, parts};
pub use edit::{Toward, add, remove, set, shift};

use super::fields::{quoted, sample};
use super::presets;
use super::spec::{
    COST_MAX, DRIVER, FILE, Field as Described, Kind, Needed, OPS, STEPS, Table, Value,
};
use super::units::{format_size, format_time};
use crate::kernel::costs::COSTS;
use crate::record::GFP_NAMES;

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

const TIMES: &[&str] = &["ns", "us", "ms", "s", "min", "h"];
const SIZES: &[&str] = &["KiB", "MiB", "GiB", "TiB"];
const RATES: &[&str] = &["KiB/s", "MiB/s", "GiB/s"];
const SHARES: &[&str] = &["%", "MiB", "GiB"];

/// The text as a form, as far as it is TOML: a field whose bracket is left open ([`unclosed`]) is not in
/// it. `None` where too much of the text is no TOML.
pub fn form(text: &str) -> Option<Vec<Section>> {
    let readable = edit::readable(text).ok()?;
    let document = edit::parse(&readable);
    let mut walk = Walk { text, names: names(document.get_ref()), sections: Vec::new() };
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
    let mut walk = Walk { text: presets::TEXT, names: Vec::new(), sections: Vec::new() };
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

/// Whether a list or a table begins here.
fn is_opened(typed: &str) -> bool {
    typed.trim_start().starts_with(['[', '{'])
}

/// Where a section is.
struct Spot {
    path: String,
    depth: usize,
    item: bool,
    span: Range<usize>,
}

struct Walk<'t> {
    text: &'t str,
    /// What fields may refer to, each with the list that it is in.
    names: Vec<(&'static str, String)>,
    sections: Vec<Section>,
}

impl Walk<'_> {
    fn table(&mut self, table: &DeTable<'_>, spec: &'static Table, title: String, spot: Spot) {
        let mut section = Section {
            path: spot.path.clone(),
            title,
            doc: spec.doc.trim(),
            depth: spot.depth,
            item: spot.item,
            span: spot.span,
            fields: Vec::new(),
            lists: Vec::new(),
        };
        for field in spec.fields {
            let path = joined(&spot.path, field.name);
            let value = table.get(field.name);
            if let Some(list) = self.list_of(field, &path, value) {
                section.lists.push(list);
            }
            if is_simple(&field.kind, value) {
                section.fields.push(self.field(field, path, value));
            }
        }
        self.sections.push(section);
        for field in spec.fields {
            if let Some(value) = table.get(field.name) {
                self.below(field, value, &joined(&spot.path, field.name), spot.depth + 1);
            }
        }
    }

    /// The sections within a field.
    fn below(&mut self, field: &'static Described, value: &Value<'_>, path: &str, depth: usize) {
        let span = value.span();
        let spot = |path: String, item, span| Spot { path, depth, item, span };
        match (&field.kind, value.get_ref()) {
            (Kind::Costs, DeValue::Table(table)) => self.costs(table, path, depth, span),
            (kind, DeValue::Table(table)) => {
                if let Some(spec) = table_of(kind) {
                    self.table(
                        table,
                        spec,
                        field.name.to_owned(),
                        spot(path.to_owned(), false, span),
                    );
                }
            }
            (Kind::Tables(spec, _), DeValue::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    let DeValue::Table(table) = item.get_ref() else { continue };
                    let name = table.get("name").or_else(|| table.get("at"));
                    let name = name.and_then(|name| name.get_ref().as_str()).unwrap_or_default();
                    let title = format!("{} {name}", field.name);
                    let spot = spot(format!("{path}.{index}"), true, item.span());
                    self.table(table, spec, title.trim().to_owned(), spot);
                }
            }
            (kind @ (Kind::Program | Kind::KernelProgram | Kind::Steps), DeValue::Array(items)) => {
                let specs = if matches!(kind, Kind::Steps) { STEPS } else { OPS };
                for (index, item) in items.iter().enumerate() {
                    let DeValue::Table(table) = item.get_ref() else { continue };
                    let is = |spec: &&'static Table| {
                        spec.fields.first().is_some_and(|first| table.contains_key(first.name))
                    };
                    let Some(spec) = specs.iter().find(is) else { continue };
                    let title = format!("{} {}: {}", field.name, index + 1, spec.name);
                    let spot = spot(format!("{path}.{index}"), true, item.span());
                    self.table(table, spec, title, spot);
                }
            }
            _ => {}
        }
    }

    fn costs(&mut self, table: &DeTable<'_>, path: &str, depth: usize, span: Range<usize>) {
        let field = |&(name, default, doc): &(&'static str, u64, &'static str)| {
            let value = table.get(name);
            let most = format!(
                "at most {}; by default {}",
                format_time(COST_MAX),
                format_time(crate::base::Nanos(default))
            );
            Field {
                path: joined(path, name),
                name,
                doc: doc.trim(),
                needed: false,
                input: Input::Quantity(TIMES, most),
                sample: quoted(&format_time(crate::base::Nanos(default))),
                value: value.map(|value| shown(self.text, value)),
                span: value.map(toml::Spanned::span),
            }
        };
        let fields = COSTS.iter().map(field).collect();
        self.sections.push(Section {
            path: path.to_owned(),
            title: "cost".to_owned(),
            doc: "Costs that differ from the defaults.",
            depth,
            item: false,
            span,
            fields,
            lists: Vec::new(),
        });
    }

    fn field(&self, field: &'static Described, path: String, value: Option<&Value<'_>>) -> Field {
        // What is written in another way than the field takes is shown as it is.
        let input = match value.map(toml::Spanned::get_ref) {
            Some(DeValue::Array(_) | DeValue::Table(_))
                if !matches!(field.kind, Kind::Distribution(_)) =>
            {
                Input::Toml
            }
            // A list or table whose end is still to be typed.
            Some(DeValue::String(typed)) if is_opened(typed) => match self.input(&field.kind) {
                input @ (Input::Text(_) | Input::Distribution) => input,
                _ => Input::Toml,
            },
            _ => self.input(&field.kind),
        };
        Field {
            path,
            name: field.name,
            doc: field.doc.trim(),
            needed: field.needed == Needed::Must,
            sample: sample(field.name, &field.kind),
            value: value.map(|value| shown(self.text, value)),
            input,
            span: value.map(toml::Spanned::span),
        }
    }

    fn input(&self, kind: &Kind) -> Input {
        match kind {
            Kind::Text(most) => Input::Text(*most),
            Kind::Name => Input::Text(32),
            Kind::Ref | Kind::Refs(_) => {
                Input::Named(self.names.iter().map(|(_, name)| name.clone()).collect())
            }
            Kind::OneOf(known) => Input::OneOf(known.to_vec()),
            Kind::Registered(known) => Input::OneOf(known()),
            Kind::Integer(least, most) => Input::Integer(*least, *most),
            Kind::IntegerOf(known) => Input::IntegerOf(known),
            Kind::Boolean | Kind::True => Input::Boolean,
            Kind::Time(least, most) => {
                Input::Quantity(TIMES, format!("{} to {}", format_time(*least), format_time(*most)))
            }
            Kind::Size(least, most) => {
                Input::Quantity(SIZES, format!("{} to {}", format_size(*least), format_size(*most)))
            }
            Kind::Share => Input::Quantity(SHARES, "a percentage or a size".to_owned()),
            Kind::Rate => Input::Quantity(RATES, "a size per second".to_owned()),
            Kind::Distribution(_) => Input::Distribution,
            Kind::Gfp => {
                Input::Named(GFP_NAMES.iter().map(|(_, name)| (*name).to_owned()).collect())
            }
            Kind::Either(one, other) => match (self.input(one), self.input(other)) {
                (Input::OneOf(words), Input::Named(names)) => {
                    let words = words.into_iter().map(str::to_owned);
                    Input::Named(words.chain(names).collect())
                }
                (Input::Quantity(units, bounds), Input::OneOf(words)) => {
                    Input::Quantity(units, format!("{bounds}, or {}", words.join(", ")))
                }
                (Input::Toml, other) => other,
                (one, _) => one,
            },
            Kind::Costs
            | Kind::Table(_)
            | Kind::Tables(..)
            | Kind::Program
            | Kind::KernelProgram
            | Kind::Steps => Input::Toml,
        }
    }

    /// What more a field can get.
    fn list_of(
        &self,
        field: &'static Described,
        path: &str,
        value: Option<&Value<'_>>,
    ) -> Option<List> {
        let one = |spec: &'static Table| vec![(spec.name, self.template(spec))];
        let each = |specs: &'static [Table]| specs.iter().flat_map(one).collect();
        let choices = match &field.kind {
            Kind::Tables(spec, _) => one(spec),
            Kind::Program | Kind::KernelProgram => each(OPS),
            Kind::Steps => each(STEPS),
            Kind::Table(spec) if value.is_none() => one(spec),
            Kind::Costs if value.is_none() => vec![("cost", "{}".to_owned())],
            _ => return None,
        };
        Some(List { path: path.to_owned(), name: field.name, doc: field.doc.trim(), choices })
    }

    /// An inline table with the fields that must be there, to be filled in; what refers to
    /// something refers to the first that there is.
    fn template(&self, spec: &'static Table) -> String {
        let is_step = STEPS.iter().any(|step| std::ptr::eq(step, spec));
        let needed = spec.fields.iter().filter(|field| field.needed == Needed::Must);
        let field = |field: &Described| {
            let known = match (&field.kind, field.name) {
                (Kind::Ref, "lock" | "unlock") if is_step => Some("own"),
                (Kind::Ref | Kind::Refs(_), name) => self.first_of(list_meant(name)),
                _ => None,
            };
            let value = known.map_or_else(|| sample(field.name, &field.kind), quoted);
            format!("{} = {value}", field.name)
        };
        let fields: Vec<String> = needed.map(field).collect();
        if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join(", ")) }
    }

    /// The first name in a list of the file.
    fn first_of(&self, list: &str) -> Option<&str> {
        self.names.iter().find(|(of, _)| *of == list).map(|(_, name)| name.as_str())
    }
}

/// In which list what a field refers to has its name.
fn list_meant(field: &str) -> &'static str {
    match field {
        "munmap" | "madvise" | "touch" | "read" | "write" | "mlock" | "munlock" | "region" => MMAP,
        "register" | "unregister" | "submit" => "device",
        "lock" | "trylock" | "unlock" => "lock",
        "kill" | "process_mrelease" | "task" => "task",
        _ => "",
    }
}

/// The operation that names a region.
const MMAP: &str = "mmap";

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Whether a field is one input, and no section or list of its own.
fn is_simple(kind: &Kind, value: Option<&Value<'_>>) -> bool {
    let is_table = matches!(value.map(toml::Spanned::get_ref), Some(DeValue::Table(_)));
    match kind {
        Kind::Costs
        | Kind::Table(_)
        | Kind::Tables(..)
        | Kind::Program
        | Kind::KernelProgram
        | Kind::Steps => false,
        Kind::Either(..) => !(is_table && table_of(kind).is_some()),
        _ => true,
    }
}

fn table_of(kind: &Kind) -> Option<&'static Table> {
    match kind {
        Kind::Table(table) => Some(*table),
        Kind::Either(one, other) => table_of(one).or_else(|| table_of(other)),
        _ => None,
    }
}

/// A value as a form shows it.
fn shown(text: &str, value: &Value<'_>) -> String {
    match value.get_ref() {
        DeValue::String(text) => text.to_string(),
        _ => text.get(value.span()).unwrap_or_default().to_owned(),
    }
}

/// The names that items of the file have.
fn names(document: &DeTable<'_>) -> Vec<(&'static str, String)> {
    let mut names = Vec::new();
    let lists = FILE.fields.iter().filter_map(|field| {
        let DeValue::Array(items) = document.get(field.name)?.get_ref() else { return None };
        Some((field.name, items))
    });
    for (list, item) in lists.flat_map(|(list, items)| items.iter().map(move |item| (list, item))) {
        let DeValue::Table(item) = item.get_ref() else { continue };
        let mut take = |list, table: &DeTable<'_>, key: &str| {
            let name = table.get(key).and_then(|name| name.get_ref().as_str());
            names.extend(name.map(|name| (list, name.to_owned())));
        };
        take(list, item, "name");
        let Some(DeValue::Array(ops)) = item.get("program").map(toml::Spanned::get_ref) else {
            continue;
        };
        for op in ops {
            if let DeValue::Table(op) = op.get_ref() {
                take(MMAP, op, MMAP);
            }
        }
    }
    names
}

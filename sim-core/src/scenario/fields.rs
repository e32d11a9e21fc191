//! Opening tables of a scenario file and reading their fields, by the
//! descriptions in [`spec`](super::spec).
//!
//! A getter takes a field's name and finds type and bounds in the
//! table's description; asking for a type that the description doesn't
//! have is a bug of the reader and panics. A field that is absent comes
//! back as `None`, and so does one that doesn't fit, with a complaint:
//! readers go on with a default and find every other mistake too.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::error::Report;
use super::spec::{Field, Kind, Needed, Table, Value};
use crate::base::{Distribution, Nanos};
use crate::kernel::Request;
use crate::record::Gfp;

/// Blocks up to `KMALLOC_MAX_CACHE_SIZE` are the slab allocator's (include/linux/slab.h: two pages).
const KMALLOC_ORDER_MAX: u8 = 1;

/// A table of the file whose fields are all known and which has those
/// that it must have.
pub(super) struct Fields<'t> {
    table: &'t DeTable<'t>,
    spec: &'static Table,
    /// Where the table is, to point at.
    pub(super) span: Range<usize>,
}

impl<'t> Fields<'t> {
    /// Takes a table and complains about each field that it shouldn't
    /// have, and each that it should.
    pub(super) fn new(
        report: &mut Report<'_>,
        table: &'t DeTable<'t>,
        span: Range<usize>,
        spec: &'static Table,
    ) -> Self {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if spec.field(name).is_none() {
                report.add_unknown(&key.span(), "unknown field", name, spec.names());
            }
        }
        for field in spec.fields {
            if field.needed == Needed::Must && !table.contains_key(field.name) {
                let example = sample(field.name, &field.kind);
                report.add_missing(&span, field.name, &example, field.doc);
            }
        }
        Self { table, spec, span }
    }

    /// Takes a value that is a table.
    pub(super) fn open(
        report: &mut Report<'_>,
        value: &'t Value<'t>,
        spec: &'static Table,
    ) -> Option<Self> {
        let DeValue::Table(table) = value.get_ref() else {
            report.add(&value.span(), "wrong type", "expected a table, in { braces }");
            return None;
        };
        Some(Self::new(report, table, value.span(), spec))
    }

    /// The value of a field.
    pub(super) fn get(&self, key: &str) -> Option<&'t Value<'t>> {
        self.table.get(key)
    }

    /// Where a field is, or else its table.
    pub(super) fn span_of(&self, key: &str) -> Range<usize> {
        self.get(key).map_or(self.span.clone(), toml::Spanned::span)
    }

    /// What the description says of a field; of alternatives, the one
    /// that `wanted` accepts.
    fn kind(&self, key: &str, wanted: impl Fn(&Kind) -> bool) -> &'static Kind {
        let field: Option<&'static Field> = self.spec.field(key);
        match &field.expect("invariant: readers ask for fields that the table has").kind {
            Kind::Either(one, other) => {
                if wanted(one) {
                    one
                } else {
                    other
                }
            }
            kind => kind,
        }
    }

    /// Text, of which the description bounds the length.
    pub(super) fn line<'s: 't>(&self, report: &mut Report<'s>, key: &str) -> Option<&'t str> {
        let Kind::Text(length_max) = self.kind(key, |kind| matches!(kind, Kind::Text(..))) else {
            mismatch(key)
        };
        report.line(self.get(key)?, *length_max)
    }

    /// One of a set of words.
    pub(super) fn choice(&self, report: &mut Report<'_>, key: &str) -> Option<&'static str> {
        let what = match key {
            "kernel" => "kernel profile",
            "like" => "driver",
            "name" => self.spec.name,
            key => key,
        };
        let value = self.get(key);
        match self.kind(key, |kind| matches!(kind, Kind::OneOf(_))) {
            Kind::OneOf(words) => report.choice(value?, what, words),
            Kind::Registered(words) => report.choice(value?, what, &words()),
            _ => mismatch(key),
        }
    }

    /// A whole number.
    pub(super) fn integer(&self, report: &mut Report<'_>, key: &str) -> Option<i64> {
        match *self.kind(key, |kind| matches!(kind, Kind::Integer(..))) {
            Kind::Integer(least, most) => report.integer(self.get(key)?, least..=most),
            Kind::IntegerOf(numbers) => report.integer_of(self.get(key)?, numbers),
            _ => mismatch(key),
        }
    }

    /// A whole number of a type that holds the description's range.
    pub(super) fn number<T: TryFrom<i64>>(&self, report: &mut Report<'_>, key: &str) -> Option<T> {
        let number = T::try_from(self.integer(report, key)?).ok();
        Some(number.unwrap_or_else(|| mismatch(key)))
    }

    /// True or false.
    pub(super) fn boolean(&self, report: &mut Report<'_>, key: &str) -> Option<bool> {
        let Kind::Boolean = self.kind(key, |kind| matches!(kind, Kind::Boolean)) else {
            mismatch(key)
        };
        report.boolean(self.get(key)?)
    }

    /// True, if it is there.
    pub(super) fn flag(&self, report: &mut Report<'_>, key: &str) -> Option<()> {
        let Kind::True = self.kind(key, |kind| matches!(kind, Kind::True)) else { mismatch(key) };
        report.flag(self.get(key)?)
    }

    /// A time.
    pub(super) fn time(&self, report: &mut Report<'_>, key: &str) -> Option<Nanos> {
        let Kind::Time(least, most) = self.kind(key, |kind| matches!(kind, Kind::Time(..))) else {
            mismatch(key)
        };
        report.time(self.get(key)?, *least..=*most)
    }

    /// A size, in bytes.
    pub(super) fn size(&self, report: &mut Report<'_>, key: &str) -> Option<u64> {
        let Kind::Size(least, most) = self.kind(key, |kind| matches!(kind, Kind::Size(..))) else {
            mismatch(key)
        };
        report.size(self.get(key)?, *least..=*most)
    }

    /// A part of `whole`, as a percentage or a size, in bytes.
    pub(super) fn share(&self, report: &mut Report<'_>, key: &str, whole: u64) -> Option<u64> {
        let Kind::Share = self.kind(key, |kind| matches!(kind, Kind::Share)) else { mismatch(key) };
        report.share(self.get(key)?, whole)
    }

    /// A rate, in pages per second.
    pub(super) fn rate(&self, report: &mut Report<'_>, key: &str) -> Option<u64> {
        let Kind::Rate = self.kind(key, |kind| matches!(kind, Kind::Rate)) else { mismatch(key) };
        report.rate(self.get(key)?)
    }

    /// A distribution of times.
    pub(super) fn distribution(&self, report: &mut Report<'_>, key: &str) -> Option<Distribution> {
        let Kind::Distribution(longest) =
            self.kind(key, |kind| matches!(kind, Kind::Distribution(..)))
        else {
            mismatch(key)
        };
        report.distribution(self.get(key)?, *longest)
    }

    /// GFP flags.
    pub(super) fn gfp(&self, report: &mut Report<'_>, key: &str) -> Option<Gfp> {
        let Kind::Gfp = self.kind(key, |kind| matches!(kind, Kind::Gfp)) else { mismatch(key) };
        report.gfp(self.get(key)?)
    }

    /// What an `alloc` asks for.
    pub(super) fn request(&self, report: &mut Report<'_>) -> Option<Request> {
        let gfp = self.gfp(report, "alloc");
        let order = self.get("order").map_or(Some(0), |_| self.number(report, "order"));
        let slab = self.get("slab").map_or(Some(false), |_| self.boolean(report, "slab"));
        let request = Request { gfp: gfp?, order: order?, slab: slab? };
        if request.slab && request.order > KMALLOC_ORDER_MAX {
            report.add(
                &self.span_of("order"),
                format!("the slab allocator has no blocks of order {}", request.order),
                "kmalloc() asks the page allocator for more than 2 pages: expected `order = 0` or \
                 `order = 1` beside `slab = true`",
            );
            return None;
        }
        Some(request)
    }

    /// A table within the table.
    pub(super) fn table(&self, report: &mut Report<'_>, key: &str) -> Option<Fields<'t>> {
        let Kind::Table(spec) = self.kind(key, |kind| matches!(kind, Kind::Table(..))) else {
            mismatch(key)
        };
        Fields::open(report, self.get(key)?, spec)
    }

    /// The items of a list of tables.
    pub(super) fn tables(&self, report: &mut Report<'_>, key: &str) -> Vec<Fields<'t>> {
        let Kind::Tables(spec, count_max) = self.kind(key, |kind| matches!(kind, Kind::Tables(..)))
        else {
            mismatch(key)
        };
        let items = self.get(key).map_or(&[][..], |value| report.array(value, *count_max));
        items.iter().filter_map(|item| Fields::open(report, item, spec)).collect()
    }

    /// The names that a field lists, or the one that it is.
    pub(super) fn refs(&self, report: &mut Report<'_>, key: &str) -> &'t [Value<'t>] {
        let Kind::Refs(count_max) = self.kind(key, |kind| matches!(kind, Kind::Refs(_))) else {
            mismatch(key)
        };
        match self.get(key) {
            None => &[],
            Some(value) if matches!(value.get_ref(), DeValue::Array(_)) => {
                let items = report.array(value, *count_max);
                if items.is_empty() {
                    report.add(&value.span(), "empty list", "expected at least one name");
                }
                items
            }
            Some(value) => std::slice::from_ref(value),
        }
    }

    /// The index of the name that a field refers to, among those there are.
    pub(super) fn index(
        &self,
        report: &mut Report<'_>,
        key: &str,
        what: &str,
        known: &[&str],
    ) -> Option<usize> {
        let Kind::Ref = self.kind(key, |kind| matches!(kind, Kind::Ref)) else { mismatch(key) };
        report.index(self.get(key)?, what, known)
    }
}

/// A value that a field may have, for people to change.
pub(super) fn sample(name: &str, kind: &Kind) -> String {
    match kind {
        Kind::Text(_) | Kind::Name => quoted(&format!("new-{name}")),
        Kind::Ref | Kind::Refs(_) => quoted("which"),
        Kind::OneOf(known) => quoted(known.first().copied().unwrap_or_default()),
        Kind::Registered(known) => quoted(known().first().copied().unwrap_or_default()),
        Kind::Integer(least, _) => (*least).max(1).to_string(),
        Kind::IntegerOf(known) => known.first().map(i64::to_string).unwrap_or_default(),
        Kind::Boolean | Kind::True => "true".to_owned(),
        Kind::Time(..) | Kind::Distribution(_) => quoted("1ms"),
        Kind::Size(..) => quoted("64MiB"),
        Kind::Share => quoted("3%"),
        Kind::Rate => quoted("64MiB/s"),
        Kind::Gfp => quoted("GFP_KERNEL"),
        Kind::Either(one, _) => sample(name, one),
        Kind::Costs | Kind::Table(_) => "{}".to_owned(),
        Kind::Tables(..) | Kind::Program | Kind::KernelProgram | Kind::Steps => "[]".to_owned(),
    }
}

/// A basic string of TOML.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            letter if letter.is_control() => {}
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// The reader and the description of a field disagree.
fn mismatch(key: &str) -> ! {
    panic!("invariant: `{key}` is read as what the description says it is")
}

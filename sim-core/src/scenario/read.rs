//! Reading single values of a scenario file: text, numbers, sizes,
//! times, distributions and lists, each with its bounds.
//!
//! A value that doesn't fit is complained about here and comes back as
//! `None`, so that readers of tables go on with a default and every
//! other mistake is found too.

use std::ops::RangeInclusive;

use toml::de::DeValue;

use super::error::Report;
use super::spec::{Fields, Value};
use super::units::{self, PAGE_SIZE, UnitError};
use crate::base::{Distribution, Nanos, Shape};

/// Shapes of a distribution, each with its fields.
const SHAPES: &[(&str, &[&str])] = &[
    ("constant", &[]),
    ("uniform", &["lo", "hi"]),
    ("exponential", &["mean"]),
    ("lognormal", &["median", "p99"]),
];

impl<'s> Report<'s> {
    /// A string. In an override any value's text is one.
    pub(super) fn string<'t>(&mut self, value: &'t Value<'t>) -> Option<&'t str>
    where
        's: 't,
    {
        let source = self.source;
        match value.get_ref() {
            DeValue::String(text) => Some(text),
            _ if source.is_set(&value.span()) => Some(source.slice(value.span())),
            _ => {
                self.add(&value.span(), "wrong type", "expected text in double quotes");
                None
            }
        }
    }

    /// A string of which the characters are counted.
    pub(super) fn line<'t>(&mut self, value: &'t Value<'t>, length_max: usize) -> Option<&'t str>
    where
        's: 't,
    {
        let text = self.string(value)?;
        if text.chars().count() > length_max || text.chars().any(|c| c.is_control() && c != '\n') {
            let expected = format!("expected at most {length_max} printable characters");
            self.add(&value.span(), "unfit text", expected);
            return None;
        }
        Some(text)
    }

    /// A name of something in the file: 1 to 32 of `a-z A-Z 0-9 - _`.
    pub(super) fn name<'t>(&mut self, value: &'t Value<'t>) -> Option<&'t str>
    where
        's: 't,
    {
        let text = self.string(value)?;
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if text.is_empty() || text.len() > 32 || !text.bytes().all(fits) {
            self.add(
                &value.span(),
                "unfit name",
                "expected 1 to 32 letters, digits, hyphens or underscores",
            );
            return None;
        }
        Some(text)
    }

    /// One of the strings in `known`.
    pub(super) fn choice(
        &mut self,
        value: &Value<'_>,
        what: &str,
        known: &[&'static str],
    ) -> Option<&'static str> {
        let text = self.string(value)?;
        let found = known.iter().find(|name| **name == text);
        if found.is_none() {
            let text = text.to_owned();
            let problem = format!("unknown {what}");
            self.add_unknown(&value.span(), &problem, &text, known.iter().copied());
        }
        found.copied()
    }

    /// A whole number in a range.
    pub(super) fn integer(&mut self, value: &Value<'_>, range: RangeInclusive<i64>) -> Option<i64> {
        let expected = format!("expected a whole number from {} to {}", range.start(), range.end());
        let DeValue::Integer(number) = value.get_ref() else {
            self.add(&value.span(), "wrong type", expected);
            return None;
        };
        let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.add(&value.span(), "out of range", expected);
        }
        number
    }

    /// A whole number that isn't negative.
    pub(super) fn count(&mut self, value: &Value<'_>, range: RangeInclusive<u64>) -> Option<u64> {
        let signed = |bound: &u64| i64::try_from(*bound).unwrap_or(i64::MAX);
        let number = self.integer(value, signed(range.start())..=signed(range.end()))?;
        u64::try_from(number).ok()
    }

    /// True or false.
    pub(super) fn boolean(&mut self, value: &Value<'_>) -> Option<bool> {
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            self.add(&value.span(), "wrong type", "expected true or false");
        }
        truth
    }

    /// `true`, the only value of a field that stands for itself.
    pub(super) fn flag(&mut self, value: &Value<'_>) -> Option<()> {
        if value.get_ref().as_bool() == Some(true) {
            return Some(());
        }
        self.add(&value.span(), "wrong value", "expected true");
        None
    }

    fn unit<T>(
        &mut self,
        value: &Value<'_>,
        what: &str,
        read: fn(&str) -> Result<T, UnitError>,
    ) -> Option<T> {
        // A bare number has no unit: the reader's words say what is missing.
        let span = value.span();
        let text = match value.get_ref() {
            DeValue::String(text) => text,
            _ => self.source.slice(span.clone()),
        };
        match read(text) {
            Ok(quantity) => Some(quantity),
            Err(error) => {
                let expected = error.to_string();
                self.add(&span, format!("not a {what}"), expected);
                None
            }
        }
    }

    /// A time up to `longest`.
    pub(super) fn time(&mut self, value: &Value<'_>, longest: Nanos) -> Option<Nanos> {
        let time = self.unit(value, "time", units::parse_time)?;
        if time > longest {
            let expected = format!("expected at most {}", units::format_time(longest));
            self.add(&value.span(), "too long", expected);
            return None;
        }
        Some(time)
    }

    /// A size in whole pages, given in bytes.
    pub(super) fn size(&mut self, value: &Value<'_>, range: RangeInclusive<u64>) -> Option<u64> {
        let size = self.unit(value, "size", units::parse_size)?;
        if !size.is_multiple_of(PAGE_SIZE) {
            self.add(&value.span(), "not whole pages", "expected a multiple of 4KiB");
            return None;
        }
        if !range.contains(&size) {
            let (least, most) = (*range.start(), *range.end());
            let (least, most) = (units::format_size(least), units::format_size(most));
            self.add(&value.span(), "out of range", format!("expected {least} to {most}"));
            return None;
        }
        Some(size)
    }

    /// A rate, in whole pages per second.
    pub(super) fn rate(&mut self, value: &Value<'_>) -> Option<u64> {
        let rate = self.unit(value, "rate", units::parse_rate)?;
        if rate < PAGE_SIZE || !rate.is_multiple_of(PAGE_SIZE) {
            self.add(&value.span(), "not whole pages", "expected a multiple of 4KiB/s");
            return None;
        }
        Some(rate / PAGE_SIZE)
    }

    /// A distribution: a time, or a table with a shape and perhaps a `cap`.
    pub(super) fn distribution(
        &mut self,
        value: &Value<'_>,
        longest: Nanos,
    ) -> Option<Distribution> {
        let DeValue::Table(table) = value.get_ref() else {
            return self.time(value, longest).map(|t| Distribution::new(Shape::Constant(t)));
        };
        let mut known: Vec<&str> = SHAPES.iter().map(|(name, _)| *name).collect();
        known.push("cap");
        let fields = Fields::new(self, table, value.span(), &known);
        let mut shapes = SHAPES.iter().filter(|(name, _)| table.contains_key(*name));
        let (Some((name, params)), None) = (shapes.next(), shapes.next()) else {
            self.add(
                &value.span(),
                "not a distribution",
                "expected a time, or one of constant, uniform, exponential and lognormal, \
                 such as { lognormal = { median = \"4ms\", p99 = \"60ms\" } }",
            );
            return None;
        };
        let inner = fields.get(name)?;
        let shape = if params.is_empty() {
            Shape::Constant(self.time(inner, longest)?)
        } else {
            let inner = Fields::from_value(self, inner, params)?;
            let mut times = [Nanos::ZERO; 2];
            for (time, param) in times.iter_mut().zip(*params) {
                *time = inner.require(self, param).and_then(|v| self.time(v, longest))?;
            }
            match *name {
                "uniform" => Shape::Uniform { lo: times[0], hi: times[1] },
                "exponential" => Shape::Exponential { mean: times[0] },
                _ => Shape::LogNormal { median: times[0], p99: times[1] },
            }
        };
        let cap = match fields.get("cap") {
            Some(cap) => Some(self.time(cap, longest)?),
            None => None,
        };
        let distribution = Distribution { shape, cap };
        if let Err(error) = distribution.validate() {
            self.add(&value.span(), "not a distribution", error.to_string());
            return None;
        }
        Some(distribution)
    }

    /// An array, of at most `count_max` items.
    pub(super) fn array<'t>(&mut self, value: &'t Value<'t>, count_max: usize) -> &'t [Value<'t>] {
        let DeValue::Array(items) = value.get_ref() else {
            self.add(&value.span(), "wrong type", "expected a list");
            return &[];
        };
        if items.len() > count_max {
            let span = items[count_max].span();
            self.add(&span, "too many", format!("expected at most {count_max}"));
            return &items[..count_max];
        }
        items
    }
}

//! Reading single values of a scenario file: text, numbers, sizes,
//! times, distributions and lists, each with its bounds.
//!
//! A value that doesn't fit is complained about here and comes back as
//! `None`, so that readers of tables go on with a default and every
//! other mistake is found too.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};

use toml::de::DeValue;

use super::error::Report;
use super::fields::Fields;
use super::spec::{COST_MAX, EXPONENTIAL, LOGNORMAL, UNIFORM, Value};
use super::units::{self, PAGE_SIZE, UnitError};
use crate::base::{Distribution, Nanos, Shape};
use crate::kernel::costs::COSTS;
use crate::record::{GFP_ALIASES, GFP_NAMES, Gfp};

/// Fields of a distribution: its shapes, of which it has one, and the cap.
pub(super) const SHAPES: [&str; 4] = ["constant", "uniform", "exponential", "lognormal"];
pub(super) const CAP: &str = "cap";

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
            self.add(&value.span(), "wrong type", expected + self.unquoted(value));
            return None;
        };
        let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.add(&value.span(), "out of range", expected);
        }
        number
    }

    /// One of some whole numbers.
    pub(super) fn integer_of(&mut self, value: &Value<'_>, known: &[i64]) -> Option<i64> {
        let number = self.integer(value, i64::MIN..=i64::MAX)?;
        if known.contains(&number) {
            return Some(number);
        }
        let known: Vec<String> = known.iter().map(i64::to_string).collect();
        let expected = match known.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => String::new(),
        };
        self.add(&value.span(), "wrong value", format!("expected {expected}"));
        None
    }

    /// What to add where a value stands in quotes and should not.
    fn unquoted(&self, value: &Value<'_>) -> &'static str {
        let is_text = matches!(value.get_ref(), DeValue::String(_));
        if is_text && !self.source.is_set(&value.span()) { ", without quotes" } else { "" }
    }

    /// True or false.
    pub(super) fn boolean(&mut self, value: &Value<'_>) -> Option<bool> {
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            let expected = format!("expected true or false{}", self.unquoted(value));
            self.add(&value.span(), "wrong type", expected);
        }
        truth
    }

    /// `true`, the only value of a field that stands for itself.
    pub(super) fn flag(&mut self, value: &Value<'_>) -> Option<()> {
        if value.get_ref().as_bool() == Some(true) {
            return Some(());
        }
        self.add(&value.span(), "wrong value", "expected true, or no such field");
        None
    }

    fn unit<T>(
        &mut self,
        value: &Value<'_>,
        what: &str,
        read: impl Fn(&str) -> Result<T, UnitError>,
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

    /// A time in a range.
    pub(super) fn time(
        &mut self,
        value: &Value<'_>,
        range: RangeInclusive<Nanos>,
    ) -> Option<Nanos> {
        let time = self.unit(value, "time", units::parse_time)?;
        if time > *range.end() {
            let expected = format!("expected at most {}", units::format_time(*range.end()));
            self.add(&value.span(), "too long", expected);
            return None;
        }
        if time < *range.start() {
            let expected = format!("expected at least {}", units::format_time(*range.start()));
            self.add(&value.span(), "too short", expected);
            return None;
        }
        Some(time)
    }

    /// A size in whole pages, given in bytes.
    pub(super) fn size(&mut self, value: &Value<'_>, range: RangeInclusive<u64>) -> Option<u64> {
        let size = self.pages(value, "size", units::parse_size, units::format_size)?;
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
        let rate = self.pages(value, "rate", units::parse_rate, units::format_rate)?;
        if rate == 0 {
            self.add(&value.span(), "too slow", "expected at least 4KiB/s");
            return None;
        }
        Some(rate / PAGE_SIZE)
    }

    /// Bytes, or bytes per second, that are whole pages.
    fn pages(
        &mut self,
        value: &Value<'_>,
        what: &str,
        read: fn(&str) -> Result<u64, UnitError>,
        format: fn(u64) -> String,
    ) -> Option<u64> {
        // What is finer than a byte is no whole page either.
        let exact = |text: &str| match read(text) {
            Ok(bytes) => Ok((bytes, true)),
            Err(UnitError::TooFine { above, .. }) => Ok((above, false)),
            Err(error) => Err(error),
        };
        let (bytes, is_exact) = self.unit(value, what, exact)?;
        if is_exact && bytes.is_multiple_of(PAGE_SIZE) {
            return Some(bytes);
        }
        let below = bytes - bytes % PAGE_SIZE;
        let next = bytes.checked_next_multiple_of(PAGE_SIZE).unwrap_or(below);
        let (page, next) = (format(PAGE_SIZE), format(next));
        let expected = format!("expected a multiple of {page}, such as {next:?}");
        self.add(&value.span(), "not whole pages", expected);
        None
    }

    /// A distribution: a time, or a table with a shape and perhaps a `cap`.
    pub(super) fn distribution(
        &mut self,
        value: &Value<'_>,
        longest: Nanos,
    ) -> Option<Distribution> {
        let DeValue::Table(table) = value.get_ref() else {
            let time = self.time(value, Nanos::ZERO..=longest)?;
            return Some(Distribution::new(Shape::Constant(time)));
        };
        let known = SHAPES.iter().chain([&CAP]).copied();
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !known.clone().any(|known| known == name) {
                self.add_unknown(&key.span(), "unknown field", name, known.clone());
            }
        }
        let mut shapes = SHAPES.iter().filter_map(|name| Some((*name, table.get(*name)?)));
        let (Some((name, inner)), None) = (shapes.next(), shapes.next()) else {
            self.add(
                &value.span(),
                "not a distribution",
                "expected a time, or one of constant, uniform, exponential and lognormal, \
                 such as { lognormal = { median = \"4ms\", p99 = \"60ms\" } }",
            );
            return None;
        };
        let shape = self.shape(name, inner, longest)?;
        let cap = match table.get(CAP) {
            Some(cap) => Some(self.time(cap, Nanos::ZERO..=longest)?),
            None => None,
        };
        let distribution = Distribution { shape, cap };
        if let Err(error) = distribution.validate() {
            self.add(&value.span(), "not a distribution", error.to_string());
            return None;
        }
        Some(distribution)
    }

    fn shape(&mut self, name: &str, inner: &Value<'_>, longest: Nanos) -> Option<Shape> {
        Some(match name {
            "uniform" => {
                let fields = Fields::open(self, inner, &UNIFORM)?;
                Shape::Uniform { lo: fields.time(self, "lo")?, hi: fields.time(self, "hi")? }
            }
            "exponential" => {
                let fields = Fields::open(self, inner, &EXPONENTIAL)?;
                Shape::Exponential { mean: fields.time(self, "mean")? }
            }
            "lognormal" => {
                let fields = Fields::open(self, inner, &LOGNORMAL)?;
                let (median, p99) = (fields.time(self, "median")?, fields.time(self, "p99")?);
                Shape::LogNormal { median, p99 }
            }
            _ => Shape::Constant(self.time(inner, Nanos::ZERO..=longest)?),
        })
    }

    /// GFP flags, joined by `|`.
    pub(super) fn gfp(&mut self, value: &Value<'_>) -> Option<Gfp> {
        let text = self.string(value)?.to_owned();
        let mut gfp = Gfp(0);
        let names = || GFP_NAMES.iter().chain(&GFP_ALIASES);
        let mut at = 0;
        for part in text.split('|') {
            let word = part.trim();
            let Some((flags, _)) = names().find(|(_, name)| *name == word) else {
                let span =
                    within(&value.span(), &text, at + part.len() - part.trim_start().len(), word);
                self.add_unknown(&span, "unknown GFP flag", word, names().map(|(_, name)| *name));
                return None;
            };
            at += part.len() + 1;
            gfp = gfp.with(*flags);
        }
        Some(gfp)
    }

    /// A table of costs, by name.
    pub(super) fn costs(&mut self, value: &Value<'_>) -> BTreeMap<String, Nanos> {
        let mut costs = BTreeMap::new();
        let DeValue::Table(table) = value.get_ref() else {
            self.add(&value.span(), "wrong type", "expected a table of name = time");
            return costs;
        };
        for (key, value) in table {
            let name: &str = key.get_ref();
            if COSTS.iter().any(|(known, ..)| *known == name) {
                if let Some(time) = self.time(value, Nanos::ZERO..=COST_MAX) {
                    costs.insert(name.to_owned(), time);
                }
            } else {
                self.add_unknown(&key.span(), "unknown cost", name, COSTS.iter().map(|c| c.0));
            }
        }
        costs
    }

    /// A part of `whole`, as a percentage or a size, in bytes.
    pub(super) fn share(&mut self, value: &Value<'_>, whole: u64) -> Option<u64> {
        let Some(percent) = value.get_ref().as_str().and_then(|text| text.strip_suffix('%')) else {
            return self.size(value, 0..=whole);
        };
        let digits = percent.trim();
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let percent = digits.parse::<u64>().ok().filter(|percent| is_number && *percent <= 100);
        if percent.is_none() {
            self.add(&value.span(), "not a share", "expected 0% to 100%, or a size");
        }
        percent.map(|percent| units::mul_div(whole, percent, 100))
    }

    /// The index of a name among those there are.
    pub(super) fn index(&mut self, value: &Value<'_>, what: &str, known: &[&str]) -> Option<usize> {
        let name = self.string(value)?.to_owned();
        let found = known.iter().position(|known| *known == name && !name.is_empty());
        if found.is_none() {
            let problem = format!("unknown {what}");
            if known.is_empty()
                && let Some(remedy) = declaration(what)
            {
                self.add(&value.span(), problem, format!("there is none here: {remedy}"));
                return None;
            }
            // What has no fit name is complained about where it is.
            let known = known.iter().copied().filter(|known| !known.is_empty());
            self.add_unknown(&value.span(), &problem, &name, known);
        }
        found
    }

    /// An array, of at most `count_max` items.
    pub(super) fn array<'t>(&mut self, value: &'t Value<'t>, count_max: usize) -> &'t [Value<'t>] {
        let DeValue::Array(items) = value.get_ref() else {
            self.add(&value.span(), "wrong type", "expected a list, in [brackets]");
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

/// How something of a kind comes into a file that has none.
fn declaration(what: &str) -> Option<&'static str> {
    Some(match what {
        "device" => "expected a [[device]] with that name",
        "lock" => "expected a [[lock]] with that name",
        "control group" => "expected a [[cgroup]] with that name",
        "thread" => "expected a [[task.thread]] with that name below the task",
        "region" => "expected a { mmap = …, size = … } of that name in the task's program before",
        "event" => "expected a { signal = … } of that name in some program",
        _ => return None,
    })
}

/// Where a word of a string is, in which nothing is escaped; else where the string is.
fn within(string: &Range<usize>, text: &str, at: usize, word: &str) -> Range<usize> {
    let quotes = string.len().saturating_sub(text.len());
    if quotes != 2 || word.is_empty() {
        return string.clone();
    }
    let start = string.start + 1 + at;
    start..start + word.len()
}

//! Distributions as a form shows them: a shape, and the times that it has.
//! Whether the times are sound is the reader's business.

use toml::de::DeValue;

use super::super::read::{CAP, SHAPES};
use crate::scenario::fields::quoted;

/// A distribution in parts: its shape, the times that it has, and the cap.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Parts {
    /// `constant`, `uniform`, `exponential` or `lognormal`.
    pub shape: &'static str,
    /// Names and times.
    pub times: Vec<(&'static str, String)>,
}

/// The shapes of distributions, and the times that each has.
pub const SHAPE_TIMES: [(&str, &[&str]); 4] = [
    ("constant", &["constant"]),
    ("uniform", &["lo", "hi"]),
    ("exponential", &["mean"]),
    ("lognormal", &["median", "p99"]),
];

/// The parts of a distribution as typed; `None` if it has another form.
pub fn parts(typed: &str) -> Option<Parts> {
    if !typed.trim_start().starts_with('{') {
        return Some(Parts {
            shape: "constant",
            times: vec![("constant", typed.trim().to_owned())],
        });
    }
    let value = DeValue::parse(typed).ok()?;
    let DeValue::Table(table) = value.get_ref() else { return None };
    let (shape, names) = SHAPE_TIMES.into_iter().find(|(shape, _)| table.contains_key(*shape))?;
    debug_assert!(SHAPES.contains(&shape));
    let inner = table.get(shape)?;
    let mut times = Vec::new();
    for &name in names {
        let time = match inner.get_ref() {
            DeValue::Table(inner) => inner.get(name).and_then(|time| time.get_ref().as_str()),
            other => other.as_str(),
        };
        times.push((name, time.unwrap_or_default().to_owned()));
    }
    let cap = table.get(CAP).and_then(|cap| cap.get_ref().as_str());
    times.extend(cap.map(|cap| (CAP, cap.to_owned())));
    Some(Parts { shape, times })
}

impl Parts {
    /// As TOML, or, of a constant without a cap, as the time alone.
    pub fn typed(&self) -> String {
        let cap = self.times.iter().find(|(name, time)| *name == CAP && !time.is_empty());
        let times: Vec<_> = self.times.iter().filter(|(name, _)| *name != CAP).collect();
        let inner = match times.as_slice() {
            [("constant", time)] if cap.is_none() => return time.clone(),
            [("constant", time)] => quoted(time),
            times => {
                let times: Vec<String> =
                    times.iter().map(|(name, time)| format!("{name} = {}", quoted(time))).collect();
                format!("{{ {} }}", times.join(", "))
            }
        };
        let cap = cap.map(|(_, time)| format!(", {CAP} = {}", quoted(time))).unwrap_or_default();
        format!("{{ {} = {inner}{cap} }}", self.shape)
    }

    /// Another shape, with the times that are known and `1ms` for others.
    #[must_use]
    pub fn shaped(&self, shape: &str) -> Self {
        let found = SHAPE_TIMES.into_iter().find(|(known, _)| *known == shape);
        let (shape, names) = found.unwrap_or(SHAPE_TIMES[0]);
        let first = self.times.first().map_or("1ms", |(_, time)| time.as_str());
        let known = |name: &str| self.times.iter().find(|(other, _)| *other == name);
        let mut times: Vec<_> = names
            .iter()
            .map(|name| (*name, known(name).map_or(first, |(_, time)| time).to_owned()))
            .collect();
        times.extend(known(CAP).cloned());
        Self { shape, times }
    }
}

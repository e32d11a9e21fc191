//! Single values of the command line, from text; errors say what was expected.

use std::ops::Range;

use sim_core::base::{Nanos, SimTime};
use sim_core::scenario::Fork;

use super::{SEED_MAX, Shard};

/// The interval whose critical path is told.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Stretch {
    /// From the first kill until everybody was served.
    Recovery,
    /// From the first instant to the second.
    Between(SimTime, SimTime),
}

pub(super) fn stretch(text: &str) -> Result<Stretch, String> {
    if text == "recovery" {
        return Ok(Stretch::Recovery);
    }
    let (from, to) = view(text)?;
    Ok(Stretch::Between(SimTime(from.0), SimTime(to.0)))
}

pub(super) fn seed_range(text: &str) -> Result<Range<u64>, String> {
    let expected = "expected A..B with A below B, such as 0..256";
    let (from, to) = text.split_once("..").ok_or(expected)?;
    let number = |text: &str| text.trim().parse::<u64>().map_err(|_| expected);
    let (from, to) = (number(from)?, number(to)?);
    if from >= to {
        return Err(expected.to_owned());
    }
    if to > SEED_MAX + 1 {
        return Err(format!("seeds end at {SEED_MAX}"));
    }
    Ok(from..to)
}

pub(super) fn seconds(text: &str) -> Result<u64, String> {
    let number = text.strip_suffix('s').unwrap_or(text).parse().ok();
    number.ok_or_else(|| "expected whole seconds, such as 60s".to_owned())
}

pub(super) fn instant(text: &str) -> Result<SimTime, String> {
    let since_start =
        sim_core::scenario::units::parse_time(text).map_err(|error| error.to_string())?;
    Ok(SimTime(since_start.0))
}

pub(super) fn view(text: &str) -> Result<(Nanos, Nanos), String> {
    let expected = "expected FROM..TO with FROM before TO, such as 3s..4.5s";
    let (from, to) = text.split_once("..").ok_or(expected)?;
    let (from, to) = (instant(from.trim())?, instant(to.trim())?);
    let is_one = from < to;
    is_one.then_some((Nanos(from.0), Nanos(to.0))).ok_or_else(|| expected.to_owned())
}

pub(super) fn reseed(text: &str) -> Result<Fork, String> {
    let expected = "expected TIME:NUMBER, such as 1132.096ms:7";
    let (at, number) = text.split_once(':').ok_or(expected)?;
    format!("{at}:reseed={number}").parse()
}

pub(super) fn shard(text: &str) -> Result<Shard, String> {
    let parts = text.split_once('/');
    let numbers = parts.and_then(|(index, count)| {
        Some(Shard { index: index.trim().parse().ok()?, count: count.trim().parse().ok()? })
    });
    let valid = numbers.filter(|shard| shard.index < shard.count);
    valid.ok_or_else(|| "expected I/N with I from 0 to N-1, such as 0/4".to_owned())
}

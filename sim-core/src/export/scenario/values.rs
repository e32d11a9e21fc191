//! Single values of a scenario file: strings, distributions, GFP flags.

use crate::base::{Distribution, Shape};
use crate::kernel::Request;
use crate::record::{GFP_NAMES, Gfp};
use crate::scenario::units::format_time;

/// A basic string.
pub(super) fn string(text: &str) -> String {
    format!("\"{}\"", escaped(text).replace('\n', "\\n"))
}

/// A text of several lines; the reader drops blanks at both ends.
pub(super) fn text_block(text: &str) -> String {
    format!("\"\"\"\n{}\n\"\"\"", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// A distribution of times.
pub(super) fn distribution(distribution: &Distribution) -> String {
    let time = |time| format!("\"{}\"", format_time(time));
    let shape = match distribution.shape {
        Shape::Constant(constant) => {
            if distribution.cap.is_none() {
                return time(constant);
            }
            format!("constant = {}", time(constant))
        }
        Shape::Uniform { lo, hi } => {
            format!("uniform = {{ lo = {}, hi = {} }}", time(lo), time(hi))
        }
        Shape::Exponential { mean } => format!("exponential = {{ mean = {} }}", time(mean)),
        Shape::LogNormal { median, p99 } => {
            format!("lognormal = {{ median = {}, p99 = {} }}", time(median), time(p99))
        }
    };
    match distribution.cap {
        Some(cap) => format!("{{ {shape}, cap = {} }}", time(cap)),
        None => format!("{{ {shape} }}"),
    }
}

/// What an `alloc` asks for.
pub(super) fn alloc(Request { gfp: flags, order, slab }: Request) -> String {
    let slab = if slab { ", slab = true" } else { "" };
    format!("alloc = {}, order = {order}{slab}", gfp(flags))
}

/// GFP flags, joined by `|`.
pub(super) fn gfp(gfp: Gfp) -> String {
    let mut left = gfp;
    let mut names = Vec::new();
    for (flags, name) in GFP_NAMES {
        if left.0 != 0 && left.has(flags) {
            left = left.without(flags);
            names.push(name);
        }
    }
    string(&names.join("|"))
}

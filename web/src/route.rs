//! The link: what the fragment of the address says, and how it is written.
//!
//! The form is `#/v1/run?scenario=…&seed=…&…`; defaults are left out.

use crate::engine::{Request, SEED_MAX};

/// Longest fragment that is read.
const LENGTH_MAX: usize = 8_192;

/// What a link says.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Route {
    /// What to run.
    pub request: Request,
    /// What came out where the link was made.
    pub digest: Option<String>,
    /// The model's version there.
    pub model: Option<u32>,
    /// Where the cursor stands, in ns.
    pub at: Option<u64>,
    /// The selected lane's title.
    pub focus: Option<String>,
}

/// Reads a fragment, with or without `#`.
pub fn parse(fragment: &str) -> Result<Route, String> {
    let text = fragment.strip_prefix('#').unwrap_or(fragment);
    if text.len() > LENGTH_MAX {
        return Err(format!("The link is longer than {LENGTH_MAX} characters."));
    }
    let mut route = Route::default();
    if text.is_empty() || text == "/" {
        return Ok(route);
    }
    let query = match text.strip_prefix("/v1/run") {
        Some("") => "",
        Some(rest) => rest.strip_prefix('?').ok_or("The link is damaged after “/v1/run”.")?,
        None => return Err("The link is of a form that this version does not know.".into()),
    };
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = decoded(value).ok_or_else(|| format!("“{key}” in the link is damaged."))?;
        match key {
            "scenario" => route.request.scenario = value,
            "seed" => route.request.seed = seed(&value)?,
            "kernel" => route.request.kernel = Some(value),
            "policy" => route.request.policy = Some(value),
            "digest" => route.digest = Some(value),
            "model" => route.model = value.parse().ok(),
            "t" => route.at = Some(time(&value)?),
            "focus" => route.focus = Some(value),
            _ => return Err(format!("The link has a part “{key}” that this version does not know.")),
        }
    }
    Ok(route)
}

/// A seed as typed: decimal digits, or words that are hashed to one.
pub fn seed(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let seed: u64 = text
        .parse()
        .map_err(|_| format!("“{text}” is no seed: it takes a whole number from 0 to {SEED_MAX}."))?;
    if seed > SEED_MAX {
        return Err(format!("{seed} is no seed: the largest is {SEED_MAX}."));
    }
    Ok(seed)
}

fn time(text: &str) -> Result<u64, String> {
    let bad = || format!("“{text}” in the link is no time: it takes the form 1132.096ms.");
    let number = text.strip_suffix("ms").ok_or_else(bad)?;
    let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
    if rest.len() > 6 || !rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(bad());
    }
    let whole: u64 = whole.parse().map_err(|_| bad())?;
    let rest: u64 = format!("{rest:0<6}").parse().map_err(|_| bad())?;
    whole.checked_mul(1_000_000).and_then(|ns| ns.checked_add(rest)).ok_or_else(bad)
}

/// Writes a fragment, with `#`.
pub fn fragment(route: &Route) -> String {
    let mut pairs: Vec<(&str, String)> = vec![
        ("scenario", encoded(&route.request.scenario)),
        ("seed", route.request.seed.to_string()),
    ];
    let mut push = |key, value: Option<String>| pairs.extend(value.map(|value| (key, value)));
    push("kernel", route.request.kernel.as_deref().map(encoded));
    push("policy", route.request.policy.as_deref().map(encoded));
    push("model", route.model.map(|model| model.to_string()));
    push("digest", route.digest.clone());
    push("t", route.at.map(time_text));
    push("focus", route.focus.as_deref().map(encoded));
    let query: Vec<String> = pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("#/v1/run?{}", query.join("&"))
}

fn time_text(ns: u64) -> String {
    let text = format!("{}.{:06}", ns / 1_000_000, ns % 1_000_000);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text}ms")
}

fn encoded(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~,/:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            b'+' => b' ',
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_round_trip() {
        let route = Route {
            request: Request { scenario: "g1-plain".into(), seed: 7, kernel: Some("5.3".into()), policy: None },
            digest: Some("ab".repeat(16)),
            model: Some(1),
            at: Some(1_132_096_000),
            focus: Some("mmap_lock of hog".into()),
        };
        let text = fragment(&route);
        assert!(text.contains("t=1132.096ms"), "{text}");
        assert_eq!(parse(&text), Ok(route));
    }

    #[test]
    fn empty_link_is_the_default() {
        assert_eq!(parse(""), Ok(Route::default()));
        assert_eq!(parse("#/v1/run"), Ok(Route::default()));
    }

    #[test]
    fn bad_links_say_what_is_wrong() {
        let long = "a".repeat(LENGTH_MAX + 1);
        let cases = [
            ("#/v9/run?seed=1", "does not know"),
            ("#/v1/run?seed=x", "no seed"),
            ("#/v1/run?seed=9007199254740993", "largest"),
            ("#/v1/run?t=5", "no time"),
            ("#/v1/run?t=99999999999999999999ms", "no time"),
            ("#/v1/run?scenario=%zz", "damaged"),
            ("#/v1/run?scenario=%F", "damaged"),
            ("#/v1/run?color=red", "“color”"),
            (long.as_str(), "longer"),
        ];
        for (link, expected) in cases {
            let problem = parse(link).unwrap_err();
            assert!(problem.contains(expected), "{link}: {problem}");
        }
    }
}

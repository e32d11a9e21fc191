//! Takes apart the documentation that opens a plug-in's file: a title,
//! then one line per heading (`Summary:`, `Mechanism:` …).

use std::collections::BTreeMap;

/// What a plug-in says of itself.
#[derive(Clone, Eq, PartialEq, Debug)]
pub(crate) struct Doc {
    /// The first line, without the id before it.
    pub(crate) title: String,
    /// By heading, in lower case with `_` between words.
    pub(crate) parts: BTreeMap<String, String>,
}

/// Reads the `//!` lines at the start of a source.
pub(crate) fn read(source: &str) -> Doc {
    let mut lines = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let first = lines.next().unwrap_or_default();
    let title = match first.split_once("`: ") {
        Some((_, title)) if first.starts_with('`') => title,
        _ => first,
    };
    let mut parts = BTreeMap::<String, String>::new();
    let mut heading = None;
    for line in lines {
        match line.split_once(": ") {
            Some((name, text)) if is_heading(name) => {
                let name = name.to_lowercase().replace(' ', "_").replace('\'', "");
                heading = Some(name.clone());
                parts.insert(name, text.to_owned());
            }
            _ => {
                let part = heading.as_ref().and_then(|name| parts.get_mut(name));
                if let Some(part) = part.filter(|_| !line.is_empty()) {
                    part.push(' ');
                    part.push_str(line);
                }
            }
        }
    }
    Doc { title: title.trim_end_matches('.').to_owned(), parts }
}

fn is_heading(name: &str) -> bool {
    ["Summary", "Mechanism", "Models", "Doesn't model", "See"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_become_parts() {
        let doc = read(
            "//! `a-b`: does c.\n//!\n//! Summary: x: y\n//! z\n//! Doesn't model: q.\n\nuse d;\n//! See: e",
        );
        assert_eq!(doc.title, "does c");
        let parts: Vec<_> = doc.parts.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(parts, [("doesnt_model", "q."), ("summary", "x: y z")]);
        assert_eq!(read("").title, "");
    }
}

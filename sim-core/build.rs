//! Finds the lessons: each Markdown file in `docs/lessons/` is one, so that who writes another needs
//! no Rust. What is in them is checked by the tests, not here.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

/// What is read first, in this order; others follow by their name.
const FIRST: [&str; 11] = [
    "tour",
    "reaper-basics",
    "mmap-lock",
    "unconditional",
    "blockable-flag",
    "range-check",
    "range-notifier",
    "indirect-dependency",
    "nofs",
    "lockdep",
    "production",
];

#[expect(clippy::disallowed_methods, reason = "cargo tells a build script by its environment")]
fn main() {
    let folder =
        Path::new(&env::var("CARGO_MANIFEST_DIR").expect("by cargo")).join("../docs/lessons");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={}", folder.display());
    let folder = folder.canonicalize().expect("the lessons are beside the program");
    let mut ids: Vec<String> = fs::read_dir(&folder)
        .expect("a folder")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .map(|path| id_of(&path))
        .collect();
    ids.sort_by_key(|id| {
        let place = FIRST.iter().position(|first| first == id);
        (place.unwrap_or(FIRST.len()), id.clone())
    });
    let mut entries = String::from("&[\n");
    for id in ids {
        let file = folder.join(format!("{id}.md")).display().to_string();
        let _ = writeln!(entries, "Entry {{ id: {id:?}, text: include_str!({file:?}) }},");
    }
    entries.push_str("]\n");
    let to = Path::new(&env::var("OUT_DIR").expect("by cargo")).join("lessons.rs");
    fs::write(to, entries).expect("cargo's folder takes files");
}

/// The name of a lesson's file, which links carry.
fn id_of(path: &Path) -> String {
    let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    assert!(
        !id.is_empty() && id.chars().all(is_plain),
        "{}: links carry a lesson's name: small letters, digits and hyphens, as in `mmap-lock.md`",
        path.display()
    );
    id.to_owned()
}

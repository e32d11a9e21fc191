//! The layers of `sim-core`, held by reading its sources: a file uses
//! lower layers only, and some layers keep out of some things for good.

#![cfg(not(target_arch = "wasm32"))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Lowest first; those in one row do not know each other.
const LAYERS: &[&[&str]] = &[
    &["base"],
    &["engine"],
    &["record"],
    &["kernel"],
    &["driver", "policy", "check"],
    &["workload"],
    &["scenario"],
    &["import"],
    &["analysis"],
    &["export"],
    &["experiment"],
    &["share"],
    &["lesson"],
];

fn rank(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&layer))
}

fn sources() -> Vec<(String, PathBuf, String)> {
    fn visit(dir: &Path, files: &mut Vec<PathBuf>) {
        let mut entries: Vec<_> = fs::read_dir(dir)
            .expect("readable")
            .map(|entry| entry.expect("entry").path())
            .collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                visit(&path, files);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    visit(&root, &mut files);
    let named = files.into_iter().map(|path| {
        let inside = path.strip_prefix(&root).expect("below src");
        let first = inside.components().next().expect("a name").as_os_str();
        let layer = first.to_string_lossy().trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&path).expect("UTF-8");
        (layer, path, text)
    });
    named.collect()
}

/// The layers that a line of code names after `crate::`.
fn uses(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("crate::").map(|(at, _)| {
        let rest = &line[at + "crate::".len()..];
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn files_use_lower_layers_only() {
    let mut wrong = Vec::new();
    for (layer, path, text) in sources().into_iter().filter(|(layer, ..)| layer != "lib") {
        let own = rank(&layer);
        let Some(own) = own else {
            wrong.push(format!("{}: `{layer}` is no layer", path.display()));
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            for used in uses(line).filter(|&used| used != layer) {
                if rank(used).is_some_and(|used| used >= own) {
                    wrong.push(format!("{}:{}: {layer} uses {used}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn layers_keep_out_of_what_is_not_theirs() {
    let banned: &[(&str, &[&str])] = &[
        ("engine", &["mmap", "oom", "kernel::", "linux"]),
        ("kernel", &["serde"]),
        ("analysis", &["crate::kernel", "crate::scenario::", "crate::policy", "crate::driver"]),
    ];
    // `cpu.rs` names the kernel file whose outline it follows.
    let quoted = |line: &str| line.trim_start().starts_with("//");
    let mut wrong = Vec::new();
    for (layer, path, text) in sources() {
        let tests = path.to_string_lossy().contains("tests");
        let words = banned.iter().filter(|(of, _)| *of == layer).flat_map(|(_, words)| *words);
        for word in words.filter(|_| !tests) {
            for (number, line) in text.lines().enumerate().filter(|(_, line)| !quoted(line)) {
                if line.to_lowercase().contains(word) {
                    wrong.push(format!("{}:{}: {layer} says {word}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_wire_formats_derive_serde() {
    let allowed = |path: &Path| {
        let path = path.to_string_lossy().replace('\\', "/");
        ["/scenario/schema", "/share/v", "/share/saved.rs"].iter().any(|it| path.contains(it))
    };
    // Whole words: who only reads with a deserializer derives nothing.
    let derives = |text: &str| {
        let mut words = text.split(|c: char| !c.is_alphanumeric());
        words.any(|word| word == "Deserialize" || word == "Serialize")
    };
    let wrong: Vec<_> = sources()
        .into_iter()
        .filter(|(_, path, text)| derives(text) && !allowed(path))
        .map(|(_, path, _)| path)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|(_, _, text)| !text.starts_with("//!"))
        .map(|(_, path, _)| path)
        .collect();
    assert!(silent.is_empty(), "{silent:?}");
}

#[test]
fn simulator_depends_on_nothing_that_varies() {
    let cargo = env!("CARGO");
    let tree = Command::new(cargo)
        .args(["tree", "--offline", "-p", "sim-core", "-e", "normal", "--prefix", "none"])
        .output()
        .expect("cargo runs");
    let tree = String::from_utf8_lossy(&tree.stdout).into_owned();
    assert!(tree.contains("rand_chacha"), "cargo tree printed nothing to read: {tree}");
    for banned in ["web-sys", "js-sys", "getrandom", "tokio", "rayon", "web v", "reaperscope v"] {
        assert!(!tree.contains(banned), "sim-core depends on {banned}:\n{tree}");
    }
}

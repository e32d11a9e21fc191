//! Has the program take in the built page again when that changed (see `commands/serve.rs`).
//!
//! Where there is none yet, nothing is watched: cargo would build the program anew each time. What
//! builds the first one touches this file.

use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if Path::new("../dist").is_dir() {
        println!("cargo::rerun-if-changed=../dist");
    }
}

//! Weight of the page: bytes, raw and compressed, of all files that the first view loads.
//!
//! A file belongs to the first view when index.html names it, or when a style sheet or script
//! that belongs to it does. What the page loads on demand later (the rest of the program) is listed
//! apart and not counted.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::step::{Failure, Step};
use crate::{models, process};

/// What the first view may weigh, compressed: design goal for a first visit.
const GZIP_BYTES_MAX: u64 = 350 * 1024;

/// A file of the built page.
pub(crate) struct Asset {
    /// Path inside dist/, with `/` between folders.
    pub(crate) name: String,
    pub(crate) content: Vec<u8>,
}

impl Asset {
    /// Whether it is a file of the page itself: not the page as one file, nor one of an older model.
    pub(crate) fn is_of_page(&self) -> bool {
        !["single/", models::FOLDER].iter().any(|folder| self.name.starts_with(folder))
    }

    fn gzip_bytes(&self) -> u64 {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&self.content).expect("invariant: memory takes every byte");
        encoder.finish().expect("invariant: memory takes every byte").len() as u64
    }

    /// Scripts, style sheets and the page itself name other files; the rest is opaque. The script
    /// that keeps files for later visits names all of them, and fetches them behind the first view.
    fn can_name_others(&self) -> bool {
        self.name != crate::offline::SCRIPT
            && [".html", ".css", ".js", ".mjs"].iter().any(|end| self.name.ends_with(end))
    }
}

/// Prints the weight of dist/ and how far that is above the goal, if it is.
pub(crate) fn report() -> Result<(), Failure> {
    Step {
        name: "Weigh the page",
        cost: "",
        remedy: "`cargo xtask dist` builds the page; `twiggy top` and `cargo bloat` show what in \
                 it is large",
    }
    .run(|| {
        let folder = process::root().join("dist");
        let assets = assets_in(&folder).map_err(|error| format!("no page in dist/: {error}"))?;
        let first = first_view(&assets);
        println!("  {:>10} {:>10}  first view loads", "raw", "gzip -9");
        let (mut raw_total, mut gzip_total) = (0, 0);
        for asset in assets.iter().filter(|asset| first.contains(asset.name.as_str())) {
            let (raw, gzip) = (asset.content.len() as u64, asset.gzip_bytes());
            println!("  {raw:>10} {gzip:>10}  {}", asset.name);
            raw_total += raw;
            gzip_total += gzip;
        }
        println!("  {raw_total:>10} {gzip_total:>10}  in all; the goal is {GZIP_BYTES_MAX}");
        let later = |asset: &&Asset| asset.is_of_page() && !first.contains(asset.name.as_str());
        for asset in assets.iter().filter(later) {
            let (raw, gzip) = (asset.content.len(), asset.gzip_bytes());
            println!("  {raw:>10} {gzip:>10}  {} (on demand)", asset.name);
        }
        if gzip_total > GZIP_BYTES_MAX {
            println!("  over the goal by {} bytes", gzip_total - GZIP_BYTES_MAX);
        }
        Ok(())
    })
}

/// All files in a folder and its subfolders, by name.
pub(crate) fn assets_in(folder: &Path) -> std::io::Result<Vec<Asset>> {
    let mut assets = Vec::new();
    let mut folders: Vec<PathBuf> = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(folder).unwrap_or(&path);
            let name = inside.to_string_lossy().replace('\\', "/");
            assets.push(Asset { name, content: fs::read(&path)? });
        }
    }
    assets.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(assets)
}

/// Names of the files that the first view loads.
fn first_view(assets: &[Asset]) -> BTreeSet<&str> {
    let mut loaded = BTreeSet::new();
    let mut to_read = vec!["index.html"];
    while let Some(name) = to_read.pop() {
        let Some(asset) = assets.iter().find(|asset| asset.name == name) else {
            continue;
        };
        if !loaded.insert(asset.name.as_str()) || !asset.can_name_others() {
            continue;
        }
        let text = String::from_utf8_lossy(&asset.content);
        let named = assets.iter().filter(|other| text.contains(&other.name));
        to_read.extend(named.map(|other| other.name.as_str()));
    }
    loaded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(name: &str, content: &str) -> Asset {
        Asset { name: name.to_owned(), content: content.as_bytes().to_vec() }
    }

    #[test]
    fn first_view_follows_names_through_text_files_only() {
        let assets = [
            asset(
                "index.html",
                "<script data-offline=offline.js src=./boot.js data-wasm=./web.wasm><link href=a.css>",
            ),
            asset("a.css", "src: url(fonts/text.woff2)"),
            asset("boot.js", "import './snippets/clip.js'"),
            asset("fonts/text.woff2", ""),
            asset("lesson.json", "{}"),
            asset("offline.js", "keeps lesson.json and worker.js"),
            asset("snippets/clip.js", ""),
            asset("web.wasm", "names worker.js"),
            asset("worker.js", ""),
        ];
        let names: Vec<&str> = first_view(&assets).into_iter().collect();
        let expected = [
            "a.css",
            "boot.js",
            "fonts/text.woff2",
            "index.html",
            "offline.js",
            "snippets/clip.js",
            "web.wasm",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn gzip_shrinks_repetition() {
        assert!(asset("a", &"reap ".repeat(1000)).gzip_bytes() < 100);
    }
}

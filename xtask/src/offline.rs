//! The page without a network: has `offline.js` keep every file of dist/, whatever they are called.
//!
//! Leaves out when the kept files are used; the script decides that.

use std::fs;
use std::path::Path;

use crate::weight::assets_in;

/// The worker that keeps the files; its first line is written here.
pub(crate) const SCRIPT: &str = "offline.js";
/// What stands there until then.
const NOTHING: &str = "{ version: \"\", files: [] }";

/// Writes the names of all files into the worker, and its own name into the page.
pub(crate) fn prepare(dist: &Path) -> Result<(), String> {
    let failed = |error: std::io::Error| error.to_string();
    let assets = assets_in(dist).map_err(failed)?;
    let mut hash = Fnv::default();
    let mut files = vec!["\"./\"".to_owned()];
    for asset in assets.iter().filter(|asset| asset.name != SCRIPT && asset.is_of_page()) {
        hash.add(asset.name.as_bytes());
        hash.add(&asset.content);
        if asset.name != "index.html" {
            files.push(format!("{:?}", asset.name));
        }
    }
    let filled = format!("{{ version: \"{:016x}\", files: [{}] }}", hash.0, files.join(", "));
    let script = dist.join(SCRIPT);
    let text = fs::read_to_string(&script).map_err(failed)?;
    fs::write(&script, replaced(&text, NOTHING, &filled)?).map_err(failed)?;
    let page = dist.join("index.html");
    let text = fs::read_to_string(&page).map_err(failed)?;
    let named = format!("data-offline=\"./{SCRIPT}\" data-worker=");
    fs::write(&page, replaced(&text, "data-worker=", &named)?).map_err(failed)
}

/// The text with one thing replaced, which must be there.
pub(crate) fn replaced(text: &str, old: &str, new: &str) -> Result<String, String> {
    if text.contains(old) {
        Ok(text.replacen(old, new, 1))
    } else {
        Err(format!("`{old}` is not where the build looks for it"))
    }
}

/// What tells contents of a file apart, for its name.
pub(crate) fn version(content: &[u8]) -> String {
    let mut hash = Fnv::default();
    hash.add(content);
    format!("{:016x}", hash.0)
}

/// FNV-1a: tells versions apart, and guards against nothing.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_kept_and_the_version_follows_their_contents() {
        let folder = std::env::temp_dir().join(format!("xtask-offline-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let prepared = |style: &str| {
            let write = |name: &str, text: &str| {
                fs::write(folder.join(name), text).expect("writable");
            };
            write("index.html", "<script data-worker=\"./worker.js\">");
            write("a.css", style);
            write(SCRIPT, &format!("const x = {NOTHING};"));
            for other in ["single", "model/8"] {
                fs::create_dir_all(folder.join(other)).expect("a folder");
                write(&format!("{other}/a.html"), "");
            }
            prepare(&folder).expect("it is all there");
            fs::read_to_string(folder.join(SCRIPT)).expect("readable")
        };
        let (one, other) = (prepared("a{}"), prepared("b{}"));
        assert!(one.contains("[\"./\", \"a.css\"]"), "{one}");
        assert_ne!(one, other);
        let page = fs::read_to_string(folder.join("index.html")).expect("readable");
        assert!(page.contains("data-offline=\"./offline.js\" data-worker"), "{page}");
        assert!(prepare(&folder).is_err(), "twice is a mistake");
        fs::remove_dir_all(folder).expect("removable");
    }
}

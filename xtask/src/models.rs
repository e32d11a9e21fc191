//! Pages of older models below the page: `model/N/` is the page as built at the git tag `model-N`, so
//! that a link of that model is replayed by the engine that made it.
//!
//! They are kept in a folder outside of dist/, `N/` beside `N.commit`, built anew only where the tag is
//! of another commit, and taken away with their tag. An `N/` without that file was put there by hand and
//! stays. Leaves out when somebody is led there: the page decides that
//! (web/src/panels/older.rs).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::offline::replaced;
use crate::process::{self, output, run};
use crate::weight::assets_in;

/// Where they are in dist/.
pub(crate) const FOLDER: &str = "model/";
/// Where the page says which there are: their addresses from there, with spaces.
const NONE_KEPT: &str = "<meta name=\"models\" content=\"\"";
/// What says which model a source has.
const VERSION_FILE: &str = "sim-core/src/record/run.rs";

/// Builds the page of every tag `model-N` of an older model, as far as `models` does not have it.
pub(crate) fn fill(models: &Path) -> Result<(), String> {
    fill_of(&process::root(), models, |source| {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["xtask", "dist"]).current_dir(source);
        // Else it could be built over what is built here.
        run(cargo.env("CARGO_TARGET_DIR", source.join("target")))?;
        Ok(source.join("dist"))
    })
}

fn fill_of(
    repository: &Path,
    models: &Path,
    build: impl Fn(&Path) -> Result<PathBuf, String>,
) -> Result<(), String> {
    fs::create_dir_all(models).map_err(failed)?;
    let here = version_of(repository)?;
    let mut older = tags(repository)?;
    older.retain(|(model, _)| *model < here);
    if older.is_empty() {
        println!("  no tag model-N of an older model (a clone may lack tags)");
    }
    take_away(models, |model| older.iter().any(|(tagged, _)| *tagged == model))?;
    for (model, commit) in older {
        let (page, mark) = (models.join(model.to_string()), models.join(format!("{model}.commit")));
        let is_current = |built: String| built == commit;
        if page.is_dir() && fs::read_to_string(&mark).map_or(true, is_current) {
            continue;
        }
        println!("  model {model}: built from its tag");
        let source = repository.join(format!("target/xtask/model-{model}"));
        let told = source.to_string_lossy();
        // What an interrupted build left.
        let _ = output(&mut git(repository, &["worktree", "remove", "--force", &told]));
        run(&mut git(repository, &["worktree", "add", "--quiet", "--detach", &told, &commit]))?;
        let made = (|| {
            let found = version_of(&source)?;
            if found != model {
                return Err(format!("the tag model-{model} is of a source with model {found}"));
            }
            // The page comes last and whole, so that none that was interrupted counts.
            let new = models.join(format!("{model}.new"));
            copy(&build(&source)?, &new)?;
            let _ = fs::remove_dir_all(&page);
            fs::write(&mark, &commit).map_err(failed)?;
            fs::rename(&new, &page).map_err(failed)
        })();
        let removed = run(&mut git(repository, &["worktree", "remove", "--force", &told]));
        made.and(removed)?;
    }
    Ok(())
}

/// Removes what was built from a tag that is no longer there.
fn take_away(models: &Path, is_tagged: impl Fn(u32) -> bool) -> Result<(), String> {
    for entry in fs::read_dir(models).map_err(failed)? {
        let mark = entry.map_err(failed)?.path();
        let name = mark.file_name().and_then(|name| name.to_str());
        let model = name.and_then(|name| number(name.strip_suffix(".commit")?));
        if let Some(model) = model.filter(|model| !is_tagged(*model)) {
            let _ = fs::remove_dir_all(models.join(model.to_string()));
            fs::remove_file(&mark).map_err(failed)?;
        }
    }
    Ok(())
}

/// Puts the pages of `models` into dist/, and into the page which there are.
pub(crate) fn take_in(dist: &Path, models: &Path) -> Result<(), String> {
    let mut kept = Vec::new();
    for entry in fs::read_dir(models).map_err(|error| format!("{}: {error}", models.display()))? {
        let page = entry.map_err(failed)?.path();
        let name = page.file_name().and_then(|name| name.to_str());
        let Some(model) = name.and_then(number).filter(|_| page.is_dir()) else { continue };
        if !page.join("index.html").is_file() {
            return Err(format!("{}: expected a built page, with its index.html", page.display()));
        }
        copy(&page, &dist.join(FOLDER).join(model.to_string()))?;
        kept.push(model);
    }
    kept.sort_unstable();
    name_kept(&dist.join("index.html"), FOLDER, &kept)?;
    for model in &kept {
        let page = dist.join(FOLDER).join(model.to_string()).join("index.html");
        // Up to model 8 a page does not ask for others.
        if fs::read_to_string(&page).map_err(failed)?.contains(NONE_KEPT) {
            name_kept(&page, "../", &kept)?;
        }
    }
    Ok(())
}

/// Has a page say where these are, from where it is.
fn name_kept(page: &Path, base: &str, kept: &[u32]) -> Result<(), String> {
    let text = fs::read_to_string(page).map_err(failed)?;
    let addresses: Vec<String> = kept.iter().map(|model| format!("{base}{model}/")).collect();
    let named = NONE_KEPT.replace("\"\"", &format!("{:?}", addresses.join(" ")));
    fs::write(page, replaced(&text, NONE_KEPT, &named)?).map_err(failed)
}

/// Copies what a host needs of a built page, in place of what was there.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let _ = fs::remove_dir_all(to);
    for asset in assets_in(from).map_err(failed)?.iter().filter(|asset| asset.is_of_page()) {
        let file = to.join(&asset.name);
        fs::create_dir_all(file.parent().unwrap_or(to)).map_err(failed)?;
        fs::write(file, &asset.content).map_err(failed)?;
    }
    Ok(())
}

/// Models and commits of the tags `model-N`.
fn tags(repository: &Path) -> Result<Vec<(u32, String)>, String> {
    let format = "--format=%(refname:strip=2) %(objectname) %(*objectname)";
    let listed = output(&mut git(repository, &["for-each-ref", format, "refs/tags/model-*"]))
        .ok_or("git does not list the tags here")?;
    let tag = |line: &str| {
        let mut words = line.split_whitespace();
        let model = number(words.next()?.strip_prefix("model-")?)?;
        // Of a tag with a message the second name is the commit's.
        Some((model, words.next_back()?.to_owned()))
    };
    Ok(listed.lines().filter_map(tag).collect())
}

/// A model's number as it is written in one way alone: 8, and neither 08 nor +8.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number: &u32| number.to_string() == text)
}

/// Which model a source has.
fn version_of(source: &Path) -> Result<u32, String> {
    let text = fs::read_to_string(source.join(VERSION_FILE)).map_err(failed)?;
    let found = text.split_once("MODEL_VERSION: u32 = ").and_then(|(_, rest)| rest.split_once(';'));
    found
        .and_then(|(digits, _)| number(digits))
        .ok_or_else(|| format!("{VERSION_FILE} does not say `MODEL_VERSION: u32 = N;`"))
}

fn git(repository: &Path, words: &[&str]) -> Command {
    let mut git = Command::new("git");
    git.args(words).current_dir(repository);
    // A hook says which repository is meant, whatever the folder.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR"] {
        git.env_remove(name);
    }
    git
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err() hands over")]
fn failed(error: std::io::Error) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of a test's own, gone afterwards.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&folder);
            Self(folder)
        }

        fn write(&self, name: &str, text: &str) {
            let file = self.0.join(name);
            fs::create_dir_all(file.parent().expect("inside")).expect("a folder");
            fs::write(file, text).expect("writable");
        }

        fn read(&self, name: &str) -> Option<String> {
            fs::read_to_string(self.0.join(name)).ok()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const HEAD: &str = "<meta name=\"models\" content=\"\" />";

    #[test]
    fn older_pages_come_below_the_page_and_it_says_which() {
        let all = Folder::new("models");
        all.write("dist/index.html", HEAD);
        for file in ["8/index.html", "8/a.css", "8/single/x.html", "8/model/7/a"] {
            all.write(&format!("models/{file}"), file);
        }
        all.write("models/10/index.html", HEAD);
        for other in ["models/8.commit", "models/notes/index.html", "models/08/index.html"] {
            all.write(other, "");
        }
        take_in(&all.0.join("dist"), &all.0.join("models")).expect("it is all there");
        let page = all.read("dist/index.html").expect("the page");
        assert_eq!(page, "<meta name=\"models\" content=\"model/8/ model/10/\" />");
        let sister = "<meta name=\"models\" content=\"../8/ ../10/\" />";
        assert_eq!(all.read("dist/model/10/index.html").as_deref(), Some(sister));
        assert_eq!(all.read("dist/model/8/a.css").as_deref(), Some("8/a.css"));
        assert_eq!(all.read("dist/model/8/index.html").as_deref(), Some("8/index.html"));
        for gone in ["8/single/x.html", "8/model/7/a", "8.commit", "notes/index.html"] {
            assert_eq!(all.read(&format!("dist/model/{gone}")), None, "{gone}");
        }
        all.write("models/9/web.js", "no page");
        all.write("dist/index.html", HEAD);
        let told = take_in(&all.0.join("dist"), &all.0.join("models")).expect_err("no page");
        assert!(told.contains("index.html"), "{told}");
    }

    /// As somebody without settings of their own.
    fn do_git(all: &Folder, words: &[&str]) {
        let mut git = git(&all.0, &["-c", "user.name=a", "-c", "user.email=a@example.org"]);
        run(git.args(["-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"]).args(words))
            .expect("git does it");
    }

    /// A repository with a commit of each of these models.
    fn repository(all: &Folder, models: &[u32]) {
        let git = |words: &[&str]| do_git(all, words);
        fs::create_dir_all(&all.0).expect("a folder");
        git(&["init", "--quiet"]);
        for model in models {
            all.write(VERSION_FILE, &format!("pub const MODEL_VERSION: u32 = {model};"));
            git(&["add", "."]);
            git(&["commit", "--quiet", "-m", "x"]);
            git(&["tag", "-m", "x", &format!("model-{model}")]);
        }
        git(&["tag", "model-next"]);
    }

    #[test]
    fn every_older_tag_is_built_once() {
        let all = Folder::new("tags");
        repository(&all, &[7, 8, 9]);
        let models = all.0.join("target/models");
        let seen = std::cell::RefCell::new(Vec::new());
        let build = |source: &Path| {
            seen.borrow_mut().push(version_of(source).expect("it says so"));
            fs::create_dir_all(source.join("dist")).map_err(failed)?;
            fs::copy(source.join(VERSION_FILE), source.join("dist/index.html")).map_err(failed)?;
            Ok(source.join("dist"))
        };
        fill_of(&all.0, &models, build).expect("they build");
        fill_of(&all.0, &models, build).expect("they are there");
        assert_eq!(seen.take(), [7, 8]);
        assert!(all.read("target/models/8/index.html").expect("a page").contains("= 8;"));
        assert!(!all.0.join("target/xtask/model-8").exists());
        all.write("target/models/7.commit", "of another");
        fill_of(&all.0, &models, build).expect("it builds");
        assert_eq!(seen.take(), [7]);
        // By hand, and half copied.
        fs::remove_file(models.join("7.commit")).expect("a mark");
        fs::remove_dir_all(models.join("8")).expect("a page");
        all.write("target/models/8.new/index.html", "half");
        fill_of(&all.0, &models, build).expect("it builds");
        assert_eq!(seen.take(), [8]);
        do_git(&all, &["tag", "--delete", "model-7", "model-8"]);
        fill_of(&all.0, &models, build).expect("nothing to build");
        assert!(models.join("7").is_dir(), "put there by hand");
        assert!(!models.join("8").exists() && !models.join("8.commit").exists());
    }

    #[test]
    fn tag_of_another_model_is_refused() {
        let all = Folder::new("wrong-tag");
        repository(&all, &[8, 9]);
        do_git(&all, &["tag", "model-5"]);
        let told = fill_of(&all.0, &all.0.join("models"), |source| Ok(source.to_path_buf()));
        let told = told.expect_err("it has model 9");
        assert!(told.contains("model-5") && told.contains("model 9"), "{told}");
    }
}

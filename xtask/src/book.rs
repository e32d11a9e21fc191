//! The book: `docs/src` and the lessons of `docs/lessons`, as mdBook wants them.
//!
//! A lesson is written for the page, which does what its directives say. In the book it is to be
//! read: questions with their answers folded up, claims listed, and a link that opens the step in
//! the page. Leaves out what the pages say, and whether it is true: `cli/tests/book.rs` sees to that.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use crate::process::{self, command, run};
use crate::setup;
use crate::step::{Failure, Step};

/// What lies elsewhere in the sources and beside the pages in the book: from, to.
const BROUGHT: [(&str, &str); 2] = [
    ("../../sim-core/src/driver/presets.toml", "presets.toml"),
    ("../sweep_dask.py", "sweep_dask.py"),
];

/// The book, into target/book.
pub(crate) fn book() -> Result<(), Failure> {
    let folder = setup::mdbook()?;
    let remedy = "read what mdbook says about docs/src";
    Step { name: "Build the book into target/book", cost: "", remedy }.run(|| {
        let staged = stage().map_err(|error| error.to_string())?;
        let out = process::root().join("target/book");
        run(command(folder.join("mdbook")).arg("build").arg(staged).arg("--dest-dir").arg(out))
    })
}

/// Puts the sources together in a folder below target/.
fn stage() -> io::Result<std::path::PathBuf> {
    let docs = process::root().join("docs");
    let staged = process::root().join("target/xtask/book");
    if staged.exists() {
        fs::remove_dir_all(&staged)?;
    }
    let src = staged.join("src");
    fs::create_dir_all(src.join("lessons"))?;
    fs::copy(docs.join("book.toml"), staged.join("book.toml"))?;
    for page in markdown(&docs.join("src"))? {
        let text = fs::read_to_string(docs.join("src").join(&page))?;
        fs::write(src.join(&page), as_in_the_book(&text))?;
    }
    for lesson in markdown(&docs.join("lessons"))? {
        let text = fs::read_to_string(docs.join("lessons").join(&lesson))?;
        let page = lesson_page(lesson.trim_end_matches(".md"), &text);
        fs::write(src.join("lessons").join(&lesson), page)?;
    }
    for (from, to) in BROUGHT {
        fs::copy(docs.join("src").join(from), src.join(to))?;
    }
    Ok(staged)
}

/// Names of the Markdown files of a folder.
fn markdown(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if path.extension().is_some_and(|extension| extension == "md") {
            names.extend(name);
        }
    }
    names.sort();
    Ok(names)
}

/// A page whose links lead to where things lie in the book.
fn as_in_the_book(text: &str) -> String {
    let mut text = text.replace("](../lessons/", "](lessons/");
    for (from, to) in BROUGHT {
        text = text.replace(&format!("]({from})"), &format!("]({to})"));
    }
    text
}

/// What runs in a step, as keys of a link.
#[derive(Clone, Default)]
struct Setting(Vec<(String, String)>);

impl Setting {
    fn set(&mut self, key: &str, value: &str) {
        self.0.retain(|(other, _)| other != key);
        self.0.push((key.to_owned(), value.to_owned()));
    }

    /// The link that opens step `number` of lesson `id` in the page, which lies above the book.
    fn link(&self, id: &str, number: usize) -> String {
        let mut link = "../../#/v1/run?".to_owned();
        for key in ["scenario", "seed", "kernel", "policy", "check"] {
            if let Some((_, value)) = self.0.iter().find(|(other, _)| other == key) {
                let _ = write!(link, "{key}={}&", value.replace(' ', ""));
            }
        }
        let _ = write!(link, "lesson={id}.{number}");
        link
    }
}

/// What stands at the end of a step.
#[derive(Default)]
struct Open {
    is_revealing: bool,
    claims: Vec<String>,
}

impl Open {
    fn close(&mut self, out: &mut String) {
        if std::mem::take(&mut self.is_revealing) {
            out.push_str("\n</details>\n\n");
        }
        let claims = std::mem::take(&mut self.claims);
        if claims.is_empty() {
            return;
        }
        let _ = writeln!(out, "<details><summary>What a test checks of this</summary>\n");
        for claim in claims {
            let _ = writeln!(out, "- `{claim}`");
        }
        out.push_str("\n</details>\n\n");
    }
}

/// A lesson as a page to read.
fn lesson_page(id: &str, text: &str) -> String {
    let mut out = String::new();
    let mut open = Open::default();
    let (mut common, mut setting) = (Setting::default(), Setting::default());
    let mut steps = 0;
    // A step's directives stand behind its heading: the link comes with the first text.
    let mut is_due = false;
    for line in text.lines() {
        if line.starts_with("## ") {
            open.close(&mut out);
            if steps == 0 {
                common = setting.clone();
            }
            setting = common.clone();
            steps += 1;
            is_due = true;
            let _ = writeln!(out, "{line}");
            continue;
        }
        let directive = line.strip_prefix('@').and_then(|line| line.split_once(':'));
        let Some((key, value)) = directive else {
            if is_due && !line.is_empty() {
                is_due = false;
                let _ =
                    writeln!(out, "[Open this step in the page]({})\n", setting.link(id, steps));
            }
            let _ = writeln!(out, "{line}");
            continue;
        };
        let value = value.trim();
        match key {
            "summary" => _ = writeln!(out, "*{value}*"),
            "question" => _ = writeln!(out, "**{value}**\n"),
            "choice" | "right" => _ = writeln!(out, "- {value}"),
            "reveal" => {
                open.is_revealing = true;
                out.push_str("\n<details><summary>The answer</summary>\n\n");
                if let Some(right) = right_before(text, steps) {
                    let _ = writeln!(out, "**{right}.**\n");
                }
            }
            "claim" => open.claims.push(value.to_owned()),
            "scenario" | "seed" | "kernel" | "policy" | "check" => setting.set(key, value),
            _ => {}
        }
    }
    open.close(&mut out);
    out
}

/// The right choice of a step.
fn right_before(text: &str, step: usize) -> Option<&str> {
    let step = text.split("\n## ").nth(step)?;
    step.lines().find_map(|line| line.strip_prefix("@right:")).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LESSON: &str = "# T\n@summary: S.\n@scenario: a\n@policy: x, y\n\n## One\n@cursor: kill\n\nText.\n\n\
                          @claim: victims == 2\n\n## Two\n@scenario: b\n@seed: 7\n\nMore.\n\n@question: Q?\n\
                          @choice: no\n@right: yes\n@reveal:\n@cursor: end\n\nBecause.\n\n@claim: a < b\n";

    #[test]
    fn lesson_is_a_page_to_read() {
        let page = lesson_page("t", LESSON);
        let expected = "# T\n*S.*\n\n## One\n\n[Open this step in the page]\
                        (../../#/v1/run?scenario=a&policy=x,y&lesson=t.1)\n\nText.\n\n\n\
                        <details><summary>What a test checks of this</summary>\n\n- `victims == 2`\n\n\
                        </details>\n\n## Two\n\n[Open this step in the page]\
                        (../../#/v1/run?scenario=b&seed=7&policy=x,y&lesson=t.2)\n\nMore.\n\n**Q?**\n\n\
                        - no\n- yes\n\n<details><summary>The answer</summary>\n\n**yes.**\n\n\nBecause.\n\n\n\
                        </details>\n\n<details><summary>What a test checks of this</summary>\n\n- `a < b`\n\n\
                        </details>\n\n";
        assert_eq!(page, expected);
    }

    #[test]
    fn nothing_of_a_lesson_is_a_directive_in_the_book() {
        let lessons = process::root().join("docs/lessons");
        for name in markdown(&lessons).expect("lessons") {
            let text = fs::read_to_string(lessons.join(&name)).expect("text");
            let page = lesson_page("x", &text);
            assert!(!page.lines().any(|line| line.starts_with('@')), "{name}");
            assert_eq!(page.matches("<details>").count(), page.matches("</details>").count());
            assert_eq!(page.matches("lesson=x.").count(), text.matches("\n## ").count(), "{name}");
            assert_eq!(page.matches("The answer").count(), text.matches("\n@reveal").count());
        }
    }

    #[test]
    fn links_lead_to_where_things_lie_in_the_book() {
        let page = "[a](../lessons/tour.md) [b](../../sim-core/src/driver/presets.toml)";
        assert_eq!(as_in_the_book(page), "[a](lessons/tour.md) [b](presets.toml)");
    }
}

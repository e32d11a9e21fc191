//! The book in `docs/`: its commands are run, and print what it says.
//!
//! A fenced block `console` holds commands (`$ reaperscope …`) with what they print, stdout before
//! stderr. Those of other programs, and `python` with the `text` behind it that it prints, are run by
//! `consumers/book.test.mjs`. A line `…` stands for any lines, `…` inside a line for any text. Before a block,
//! `<!-- file: NAME -->` saves it for the commands that follow, and `<!-- exit: N -->` names the
//! exit code of its commands. With `UPDATE_EXPECT=1` outputs without `…` are rewritten.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What blocks may be of, besides `console` and `python`: nothing that could be run.
const NOT_COMMANDS: [&str; 4] = ["toml", "markdown", "html", "text"];
/// Commands and programs in the book that are not ours; `consumers/book.test.mjs` runs as many.
const OTHERS: usize = 4;

/// The pages in the order of the summary.
fn pages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src");
    let summary = fs::read_to_string(folder.join("SUMMARY.md")).expect("a summary");
    let names = summary.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    names.map(|name| folder.join(name)).collect()
}

/// Words of a command line, with single quotes.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let (mut is_quoted, mut is_begun) = (false, false);
    for c in line.chars() {
        match c {
            '\'' => (is_quoted, is_begun) = (!is_quoted, true),
            ' ' if !is_quoted => {
                if is_begun {
                    words.push(String::new());
                }
                is_begun = false;
            }
            c => {
                words.last_mut().expect("one").push(c);
                is_begun = true;
            }
        }
    }
    words
}

fn printed(line: &str, folder: &Path, exit: i32) -> String {
    let words = words(line);
    assert_eq!(words.first().map(String::as_str), Some("reaperscope"), "{line}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_reaperscope"));
    command.args(&words[1..]).current_dir(folder).stdin(Stdio::null());
    let output = command.output().expect("the program starts");
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8(text).expect("text").replace("\r\n", "\n");
    assert_eq!(output.status.code(), Some(exit), "{line}\n{text}");
    text
}

/// Whether a line is as expected, `…` standing for any text.
fn is_like(line: &str, expected: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut rest) = line.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    if !expected.contains('…') {
        return rest.is_empty();
    }
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

fn are_like(lines: &[&str], expected: &[&str]) -> bool {
    match expected {
        [] => lines.is_empty(),
        ["…", rest @ ..] => (0..=lines.len()).any(|skip| are_like(&lines[skip..], rest)),
        [first, rest @ ..] => match lines {
            [line, lines @ ..] => is_like(line, first) && are_like(lines, rest),
            [] => false,
        },
    }
}

/// What a command printed that is not what the page says.
struct Wrong {
    told: String,
    /// The page leaves parts out with `…`, so that nothing can write it anew.
    is_elided: bool,
}

/// One page: what it would be if its outputs were right, and what is wrong.
fn checked(path: &Path, folder: &Path) -> (String, Vec<Wrong>) {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut out, mut wrong) = (Vec::new(), Vec::new());
    let (mut file, mut exit) = (None, 0);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        out.push(line.to_owned());
        let note = |name: &str| line.strip_prefix(name)?.strip_suffix(" -->");
        if let Some(name) = note("<!-- file: ") {
            file = Some(name);
        } else if let Some(code) = note("<!-- exit: ") {
            exit = code.parse().expect("a number");
        } else if line.starts_with("```") && line.len() > 3 {
            let mut block: Vec<&str> = Vec::new();
            while let Some(line) = lines.next_if(|line| !line.starts_with("```")) {
                block.push(line);
            }
            if line == "```console" {
                for part in block.split_inclusive_commands() {
                    let (command, expected) = part.split_first().expect("a command");
                    let command = command.strip_prefix("$ ").expect("begins with a command");
                    if !command.starts_with("reaperscope ") {
                        out.extend(part.iter().map(|line| (*line).to_owned()));
                        continue;
                    }
                    let found = printed(command, folder, exit);
                    let found: Vec<&str> = found.lines().collect();
                    out.push(format!("$ {command}"));
                    let is_right = are_like(&found, expected);
                    let is_elided = expected.iter().any(|line| line.contains('…'));
                    if !is_right {
                        let told = format!("{}: {command}\n{}", path.display(), found.join("\n"));
                        wrong.push(Wrong { told, is_elided });
                    }
                    let kept = if is_right || is_elided { expected } else { &found[..] };
                    out.extend(kept.iter().map(|line| (*line).to_owned()));
                }
                exit = 0;
            } else {
                if let Some(name) = file.take() {
                    fs::write(folder.join(name), block.join("\n") + "\n").expect("writable");
                }
                out.extend(block.iter().map(|line| (*line).to_owned()));
            }
            out.extend(lines.next().map(str::to_owned));
        }
    }
    (out.join("\n") + "\n", wrong)
}

/// Lines of a block, a part per command.
trait Commands<'a> {
    fn split_inclusive_commands(&self) -> Vec<Vec<&'a str>>;
}

impl<'a> Commands<'a> for Vec<&'a str> {
    fn split_inclusive_commands(&self) -> Vec<Vec<&'a str>> {
        let mut parts: Vec<Vec<&str>> = Vec::new();
        for line in self {
            match parts.last_mut() {
                Some(part) if !line.starts_with("$ ") => part.push(line),
                _ => parts.push(vec![line]),
            }
        }
        parts
    }
}

#[test]
fn commands_print_what_the_book_says() {
    let is_update = option_env_at_run_time("UPDATE_EXPECT");
    let mut all = Vec::new();
    for path in pages() {
        let name = path.file_stem().expect("a name");
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("book").join(name);
        fs::create_dir_all(&folder).expect("writable");
        let (text, wrong) = checked(&path, &folder);
        if is_update {
            fs::write(&path, text).expect("writable");
        }
        let left = wrong.into_iter().filter(|wrong| wrong.is_elided || !is_update);
        all.extend(left.map(|wrong| wrong.told));
    }
    let told = all.join("\n\n");
    assert!(all.is_empty(), "UPDATE_EXPECT=1 rewrites these, but for those with “…”:\n\n{told}");
}

#[test]
fn every_block_is_run_or_nothing_to_run() {
    let mut others = 0;
    for path in pages() {
        let text = fs::read_to_string(&path).expect("a page");
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let Some(kind) = line.strip_prefix("```") else { continue };
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            let is_others =
                |line: &&&str| line.starts_with("$ ") && !line.starts_with("$ reaperscope ");
            others += match kind {
                "console" => block.iter().filter(is_others).count(),
                "python" => 1,
                kind => {
                    assert!(
                        NOT_COMMANDS.contains(&kind),
                        "{}: a block of {kind:?}",
                        path.display()
                    );
                    assert!(!block.iter().any(|line| line.starts_with("$ ")), "{}", path.display());
                    0
                }
            };
        }
    }
    assert_eq!(others, OTHERS);
}

/// What a page's links lead to, without those that leave the project.
fn targets(text: &str) -> Vec<&str> {
    let mut targets = Vec::new();
    let mut is_code = false;
    for line in text.lines() {
        is_code ^= line.starts_with("```");
        if !is_code {
            targets.extend(line.split("](").skip(1).filter_map(|rest| rest.split(')').next()));
        }
    }
    targets.retain(|target| !target.contains("://") && !target.starts_with("#/v1/"));
    targets
}

/// A heading as mdBook makes an anchor of it.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().replace(' ', "-")
}

#[test]
fn links_of_the_book_lead_somewhere() {
    let mut checked = 0;
    for path in pages() {
        let text = fs::read_to_string(&path).expect("a page");
        for target in targets(&text) {
            let (file, section) = target.split_once('#').unwrap_or((target, ""));
            let there = match file {
                "" => path.clone(),
                file => path.parent().expect("a folder").join(file),
            };
            assert!(there.exists(), "{}: {target}", path.display());
            if !section.is_empty() {
                let text = fs::read_to_string(&there).expect("text");
                let mut headings = text.lines().filter(|line| line.starts_with('#'));
                assert!(
                    headings.any(|line| anchor(line) == section),
                    "{}: {target}",
                    path.display()
                );
            }
            checked += 1;
        }
    }
    assert!(checked > 10, "{checked}");
}

#[test]
fn every_page_and_every_lesson_is_in_the_book() {
    let real = |path: &Path| path.canonicalize().expect("it is there");
    let listed: Vec<PathBuf> = pages().iter().map(|path| real(path)).collect();
    for folder in ["../docs/src", "../docs/lessons"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("a file").path();
            let is_page = path.extension().is_some_and(|extension| extension == "md");
            if is_page && !path.ends_with("SUMMARY.md") {
                assert!(listed.contains(&real(&path)), "{}: not in the summary", path.display());
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "as expect-test asks")]
fn option_env_at_run_time(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

#[test]
fn elisions_stand_for_what_they_should() {
    assert!(is_like("a 12 b", "a … b") && is_like("a", "a") && is_like("ab", "…"));
    assert!(!is_like("a 12 c", "a … b") && !is_like("ab", "a") && !is_like("b", "a…"));
    assert!(are_like(&["a", "b", "c"], &["…", "c"]) && are_like(&["a"], &["a", "…"]));
    assert!(!are_like(&["a", "b"], &["…", "a"]) && !are_like(&["a"], &[]));
    assert_eq!(words("a  'b c' d"), ["a", "b c", "d"]);
}

//! What the sources say to readers: it is in the template for translators, and nothing of it is said
//! past them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::words::placeholders;

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/po/page.pot");

const HEAD: &str = r#"# What Reaperscope's page says, for translators. A test writes it from the sources:
# UPDATE_EXPECT=1 cargo test -p web words
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: nplurals=INTEGER; plural=EXPRESSION;\n"
"#;

/// Before which a literal is a sentence that translators get.
const MACROS: [&str; 2] = ["t!(", "mark!("];

/// Before which two words are no sentence of the page: for the style sheet, the compiler, the document.
const NO_SENTENCES: [&str; 12] = [
    "class=",
    "classes!(",
    "rel=",
    "expect(",
    "reason =",
    "then_some(",
    "write_str(",
    "matches(",
    "inside(&it,",
    "inside(target,",
    "query_selector(",
    "set_font(&format!(",
];

/// Names: of keys, of the page, of the TOML's keys.
const NAMES: [&str; 5] = [
    "Home End",
    "Ctrl Shift P",
    "Ctrl Shift Z",
    "Reaperscope",
    "machine.cpus = 1, 2\\nmachine.ram = 512MiB, 1GiB",
];

/// Their sentences are formed in the worker, which speaks English, or stand in documents beside
/// those of `sim-core`.
const ASIDE: [&str; 5] =
    ["engine/job.rs", "series.rs", "sweep/batch.rs", "sweep/review.rs", "worker.rs"];

/// Before which even one word is one.
const SAID: [&str; 6] =
    ["title=", "aria-label=", "placeholder=", "label=", "alt=", "aria-roledescription="];

struct Literal<'a> {
    at: usize,
    end: usize,
    raw: &'a str,
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("sources can be read").flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") && name != "tests.rs" {
            found.push(path);
        }
    }
}

/// Every source of the page but tests, by its path from the repository's root, without the tests inside.
fn all() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    sources(&root.join("src"), &mut found);
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a source can be read");
        let code = text.split("#[cfg(test)]\n").next().unwrap_or_default().to_owned();
        let name = path.strip_prefix(root).expect("below the root").display().to_string();
        (format!("web/{name}"), code)
    };
    // The macros' own file shows how they are used.
    found.into_iter().map(read).filter(|(name, _)| !name.starts_with("web/src/words")).collect()
}

/// Whether this code ends with a call of one of the macros.
fn is_given(before: &str) -> bool {
    let own = |rest: &str| !rest.ends_with(|it: char| it.is_alphanumeric() || it == '_');
    MACROS.iter().any(|call| before.strip_suffix(call).is_some_and(own))
}

/// String literals outside comments. The page has no raw ones.
fn literals(code: &str) -> Vec<Literal<'_>> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let rest = &code.as_bytes()[at..];
        let next = |sign: u8| rest.iter().position(|it| *it == sign);
        match rest {
            [b'/', b'/', ..] => at += next(b'\n').unwrap_or(rest.len()),
            // A character: a quote, or an escape; else a lifetime.
            [b'\'', b'"', b'\'', ..] | [b'\'', b'\\', ..] => at += 3,
            [b'"', ..] => {
                let mut end = at + 1;
                while bytes.get(end).is_some_and(|it| *it != b'"') {
                    end += if bytes[end] == b'\\' { 2 } else { 1 };
                }
                found.push(Literal { at, end: end + 1, raw: &code[at + 1..end.min(code.len())] });
                at = end + 1;
            }
            _ => at += 1,
        }
    }
    found
}

/// A literal's text as a catalogue writes it: only the line that goes on below differs.
fn key(raw: &str) -> String {
    let mut lines = raw.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + line.trim_start())
}

/// Whether a literal is one of the two of a `tn!`.
fn is_counted(code: &str, all: &[Literal<'_>], index: usize) -> Option<usize> {
    [index.checked_sub(1), Some(index)].into_iter().flatten().find(|first| {
        let (from, to) = (first.checked_sub(1).map_or(0, |it| all[it].end), all[*first].at);
        code[from..to].contains("tn!(")
    })
}

/// Sentences with the files they stand in: (singular, plural).
fn sentences() -> BTreeMap<(String, String), Vec<String>> {
    let mut found: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (name, code) in all() {
        let literals = literals(&code);
        for (index, literal) in literals.iter().enumerate() {
            let before = code[..literal.at].trim_end();
            let entry = if is_counted(&code, &literals, index) == Some(index) {
                (key(literal.raw), key(literals[index + 1].raw))
            } else if is_given(before) {
                (key(literal.raw), String::new())
            } else {
                continue;
            };
            assert!(!entry.0.contains("\\u"), "write the letter itself: {}", entry.0);
            let files = found.entry(entry).or_default();
            if files.last() != Some(&name) {
                files.push(name.clone());
            }
        }
    }
    found
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how whoever changed a sentence asks for the template"
)]
fn the_template_has_every_sentence() {
    let sentences = sentences();
    let mut template = HEAD.to_owned();
    for ((one, many), files) in &sentences {
        let _ = writeln!(template, "\n#: {}", files.join(" "));
        let names = |text| placeholders(text).into_iter();
        let is_known = |name: &str| many.is_empty() || names(many).any(|known| known == name);
        assert!(names(one).all(is_known), "{one}: the plural has not all that it names");
        if one.contains('{') || many.contains('{') {
            template += "#, python-brace-format\n";
        }
        let _ = writeln!(template, "msgid \"{one}\"");
        let _ = match many.as_str() {
            "" => writeln!(template, "msgstr \"\""),
            many => writeln!(template, "msgid_plural \"{many}\"\nmsgstr[0] \"\"\nmsgstr[1] \"\""),
        };
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(TEMPLATE, &template).expect("the template can be written");
    }
    let kept = std::fs::read_to_string(TEMPLATE).unwrap_or_default();
    assert!(kept == template, "UPDATE_EXPECT=1 cargo test -p web words writes {TEMPLATE} anew");
    // One English sentence is one entry, or a catalogue could not be read.
    let ids: Vec<_> = sentences.keys().map(|(one, _)| one).collect();
    for pair in ids.windows(2) {
        assert!(pair[0] != pair[1], "with a plural and without: {}", pair[0]);
    }
}

/// Two words of two letters or more, one after the other.
fn is_prose(raw: &str) -> bool {
    let plain = raw.split('{').map(|it| it.split_once('}').map_or(it, |(_, rest)| rest));
    let text = key(&plain.collect::<Vec<_>>().join("{}"));
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_word = |word: &str| {
        let word = word.trim_matches(|it: char| it.is_ascii_punctuation() && it != '-');
        word.len() > 1 && word.bytes().all(|it| it.is_ascii_alphabetic())
    };
    words.windows(2).any(|pair| is_word(pair[0]) && is_word(pair[1]))
}

#[test]
fn nothing_is_said_past_the_translators() {
    let mut past = Vec::new();
    for (name, code) in all() {
        if ASIDE.iter().any(|it| name.ends_with(&format!("src/{it}"))) {
            continue;
        }
        let literals = literals(&code);
        for (index, literal) in literals.iter().enumerate() {
            let before = code[..literal.at].trim_end();
            let ends = |with: &[&str]| {
                with.iter().any(|it| before.ends_with(it) || before.ends_with(&format!("{it}{{")))
            };
            let is_given = is_given(before) || is_counted(&code, &literals, index).is_some();
            let has_word =
                literal.raw.as_bytes().windows(2).any(|it| it.iter().all(u8::is_ascii_alphabetic));
            // In `html!`, not what an `if` comes to.
            let opened = before.strip_suffix('{').map(str::trim_end).unwrap_or_default();
            let is_text = opened.ends_with(['>', '}', '{'])
                && !before.ends_with("=> {")
                && code[literal.end..].trim_start().starts_with('}');
            let is_said = ends(&SAID) || is_text;
            let is_code = NAMES.contains(&literal.raw)
                || literal.raw.contains(['<', '=']) && literal.raw.contains("\\\"");
            if !is_given
                && !is_code
                && !ends(&NO_SENTENCES)
                && (is_prose(literal.raw) || has_word && is_said)
            {
                let line = code[..literal.at].lines().count();
                past.push(format!("{name}:{line}: {}", literal.raw));
            }
        }
    }
    assert!(
        past.is_empty(),
        "{} sentences that no translator gets (t!, tn!, mark!):\n{}",
        past.len(),
        past.join("\n")
    );
}

//! Files to what they are: by their content, whatever they are called.
//! Pure; sizes are bounded, also unpacked.

use std::io::{ErrorKind, Read as _};

use flate2::bufread::MultiGzDecoder;
use sim_core::import::{CaptureFile, NoText, Note, cut_off, import_noted, text_of_bytes};
use sim_core::scenario::{TEXT_SIZE_MAX, parse};
use sim_core::share::saved_link;

use super::{Capture, Received};
use crate::learn::{self, has_extension};
use crate::route;
use crate::words::t;

/// Bytes of the largest file, and of all together, unpacked.
pub const FILE_SIZE_MAX: usize = 32 << 20;
/// Files at once.
pub const FILES_MAX: usize = 16;

/// A file as it was dropped.
pub struct Dropped {
    pub name: String,
    pub bytes: Vec<u8>,
}

/// Makes what can be made of files.
pub fn receive(files: Vec<Dropped>) -> Received {
    let (mut texts, mut notes) = (Vec::new(), Vec::new());
    let mut total = 0;
    for file in files {
        match text_of(file, &mut notes) {
            Ok((name, text)) => {
                total += text.len();
                texts.push((name, text));
            }
            Err(message) => return Received::Nothing(message),
        }
    }
    if total > FILE_SIZE_MAX {
        return Received::Nothing(too_large(t!("the files together")));
    }
    let found = match texts.as_slice() {
        [] => Err(t!("No file came with that.").to_owned()),
        [(name, text)] if learn::is_lesson(name, text) => {
            learn::read(name, text).map(Received::Lesson)
        }
        [(name, text)] if is_scenario(name, text) => scenario(name, text),
        texts => saved_run(texts).unwrap_or_else(|| capture(texts, notes)),
    };
    found.unwrap_or_else(Received::Nothing)
}

fn too_large(what: &str) -> String {
    t!(
        "{what}: more than {most} MiB. Cut the recording to the minutes around the kill, or use the command line: reaperscope import.",
        what,
        most = FILE_SIZE_MAX >> 20
    )
}

fn text_of(file: Dropped, notes: &mut Vec<Note>) -> Result<(String, String), String> {
    let Dropped { name, bytes } = file;
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        let (bytes, note) = gunzip(&name, &bytes)?;
        notes.extend(note);
        bytes
    } else {
        bytes
    };
    if bytes.len() > FILE_SIZE_MAX {
        return Err(too_large(&name));
    }
    match text_of_bytes(&bytes) {
        Ok(text) => Ok((name, text)),
        Err(why @ NoText::TraceDat) => Err(format!("{name} {why}")),
        Err(NoText::Unknown) => Err(t!(
            "{name} is no text. What is read is text: ftrace (trace, trace-cmd report, perf script), dmesg, a scenario, a lesson; gzip is unpacked.",
            name
        )),
    }
}

/// Unpacks a gzip file, of one member or several, as tools leave it that append to a packed log, as
/// far as it goes, which is noted; no further than it takes to see that it is too large.
fn gunzip(name: &str, bytes: &[u8]) -> Result<(Vec<u8>, Option<Note>), String> {
    let mut plain = Vec::new();
    let limit = FILE_SIZE_MAX as u64 + 1;
    let read = MultiGzDecoder::new(bytes).take(limit).read_to_end(&mut plain);
    let Err(error) = read else { return Ok((plain, None)) };
    let is_cut = error.kind() == ErrorKind::UnexpectedEof;
    let note = is_cut.then(|| cut_off(name, &mut plain)).flatten();
    let wrong = || t!("{name}: the packed file is cut off or damaged", name);
    note.map(|note| (plain, Some(note))).ok_or_else(wrong)
}

fn is_scenario(name: &str, text: &str) -> bool {
    let has_schema = text.lines().take(200).any(|line| line.trim_start().starts_with("schema"));
    has_extension(name, "toml") || has_schema && text.contains("[[task]]")
}

fn scenario(name: &str, text: &str) -> Result<Received, String> {
    if text.len() > TEXT_SIZE_MAX {
        let most = TEXT_SIZE_MAX >> 10;
        return Err(t!("{name}: a scenario has at most {most} KiB.", name, most));
    }
    // A complaint names the file by the scenario's id, which is its stem.
    match parse(name.strip_suffix(".toml").unwrap_or(name), text, &[]) {
        Ok(_) => Ok(Received::Scenario(text.to_owned())),
        Err(wrong) => {
            let lines: Vec<String> = wrong.iter().map(ToString::to_string).collect();
            Err(lines.join("\n"))
        }
    }
}

/// A run that was saved as JSON: it is made again.
fn saved_run(texts: &[(String, String)]) -> Option<Result<Received, String>> {
    let [(name, text)] = texts else { return None };
    let route = route::parse(&saved_link(text)?);
    Some(route.map(Received::Run).map_err(|wrong| format!("{name}: {wrong}")))
}

fn capture(texts: &[(String, String)], notes: Vec<Note>) -> Result<Received, String> {
    let files: Vec<CaptureFile<'_>> =
        texts.iter().map(|(name, text)| CaptureFile { name, text }).collect();
    let made = import_noted(&files, notes).map_err(|error| error.to_string())?;
    let names: Vec<&str> = texts.iter().map(|(name, _)| name.as_str()).collect();
    Ok(Received::Capture(Capture {
        name: names.join(", "),
        toml: made.toml,
        notes: made.notes,
        story: made.story,
        killed: made.killed,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: &[u8]) -> Dropped {
        Dropped { name: name.to_owned(), bytes: bytes.to_vec() }
    }

    fn refused(files: Vec<Dropped>) -> String {
        match receive(files) {
            Received::Nothing(why) => why,
            _ => panic!("something was made of it"),
        }
    }

    #[test]
    fn files_are_told_apart_by_what_is_in_them() {
        let text = include_bytes!("../../../traces/gpu-fence-overlap.toml");
        assert!(matches!(receive(vec![file("x.txt", text)]), Received::Scenario(_)));
        let text = include_bytes!("../../../docs/lessons/nofs.md");
        assert!(matches!(receive(vec![file("nofs.md", text)]), Received::Lesson(_)));
        let trace = include_bytes!("../../../traces/recordings/6.1/S6-3/trace.txt.gz");
        let log = include_bytes!("../../../traces/recordings/6.1/S6-3/dmesg.txt");
        let Received::Capture(capture) = receive(vec![file("t.gz", trace), file("d", log)]) else {
            panic!("a recording");
        };
        assert_eq!(capture.name, "t.gz, d");
        assert_eq!(capture.story.victims.len(), 2);
        let Received::Capture(alone) = receive(vec![file("d", log)]) else { panic!("a log") };
        assert_eq!((&alone.killed, alone.killed.len()), (&capture.killed, 2));
        assert!(!capture.notes.is_empty());
    }

    #[test]
    fn saved_runs_are_opened_by_their_link() {
        let saved = |link: &str| {
            let text = format!(r#"{{"otherData":{{"link":"{link}"}},"traceEvents":[]}}"#);
            vec![file("trace.json", text.as_bytes())]
        };
        let Received::Run(route) = receive(saved("#/v1/run?scenario=d3-fence&seed=7")) else {
            panic!("a run")
        };
        assert_eq!(route.request.seed, 7);
        let told = refused(saved("#/v1/run?scenario=d3-fence&seed=x"));
        assert!(told.starts_with("trace.json: "), "{told}");
        // A newer page's or an older one's without a link is no log either.
        assert!(refused(vec![file("a.json", br#"{"otherData":{}}"#)]).contains("a.json:1"));
    }

    #[test]
    fn logs_come_in_other_character_sets_and_as_json() {
        let log = "[  9.5] a invoked oom-killer: order=0\n[  9.6] Out of memory: Killed process 7 (a) total-vm:1kB, anon-rss:90000kB\n";
        let wide: Vec<u8> = "\u{feff}"
            .encode_utf16()
            .chain(log.encode_utf16())
            .flat_map(u16::to_le_bytes)
            .collect();
        let json = br#"{"MESSAGE":"Out of memory: Killed process 7 (a) total-vm:1kB, anon-rss:90000kB","_TRANSPORT":"kernel"}"#;
        for bytes in [log.as_bytes(), &wide, json] {
            let Received::Capture(capture) = receive(vec![file("log", bytes)]) else {
                panic!("a log")
            };
            assert_eq!(capture.killed, ["a"]);
        }
    }

    #[test]
    fn what_is_none_of_it_is_refused_in_words() {
        assert!(refused(vec![]).contains("No file"));
        assert!(refused(vec![file("a.png", b"\x89PNG\0\0")]).contains("is no text"));
        let binary = b"\x17\x08\x44tracing6\0";
        assert!(refused(vec![file("trace.dat", binary)]).contains("trace-cmd report"));
        assert!(refused(vec![file("a.txt", b"hello\n")]).contains("a.txt:1"));
        let told = refused(vec![file("a.toml", b"schema = 1\nmachin = 2\n")]);
        assert!(told.contains("\na.toml:2:1: unknown field `machin`"), "{told}");
        assert!(refused(vec![file("a.md", b"# T\n@x: y\n")]).contains("line 2"));
        for cut in
            [&b"\x1f\x8b"[..], b"\x1f\x8b\x08\x08aaaaaaaaa", b"\x1f\x8b\x08\x04aaaaaa\xff\xff"]
        {
            assert!(refused(vec![file("a.gz", cut)]).contains("cut off"), "{cut:?}");
        }
        let big = vec![b'x'; FILE_SIZE_MAX + 1];
        assert!(refused(vec![file("a.txt", &big)]).contains("32 MiB"));
    }

    fn packed(plain: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let reader = flate2::read::GzEncoder::new(plain, flate2::Compression::default());
        reader.take(u64::MAX).read_to_end(&mut bytes).expect("memory");
        bytes
    }

    #[test]
    fn packed_files_may_have_several_members() {
        let first = packed(b"[  9.5] a invoked oom-killer: order=0\n");
        let kill = b"[  9.6] Out of memory: Killed process 7 (a) total-vm:1kB, anon-rss:90000kB\n";
        let bytes = [first, packed(kill)].concat();
        let Received::Capture(capture) = receive(vec![file("a.gz", &bytes)]) else {
            panic!("a log")
        };
        assert_eq!(capture.killed, ["a"]);
        // Checksums count: what was damaged on its way is no recording.
        let mut damaged = bytes.clone();
        let last = damaged.len() - 5;
        damaged[last] ^= 1;
        assert!(refused(vec![file("a.gz", &damaged)]).contains("cut off or damaged"));
        // One that is cut off tells what came before.
        let cut = vec![file("a.gz", &bytes[..bytes.len() - 7])];
        let Received::Capture(capture) = receive(cut) else { panic!("a log") };
        assert_eq!(capture.killed, ["a"]);
        let told = |text: &str| text.contains("a.gz: the packed file is cut off there");
        assert!(told(&capture.toml) && capture.notes.iter().any(|note| told(&note.text)));
    }

    #[test]
    fn bombs_are_not_unpacked() {
        let bytes = packed(&vec![b' '; FILE_SIZE_MAX * 2]);
        assert!(refused(vec![file("a.gz", &bytes)]).contains("32 MiB"));
    }
}

//! `import`: a capture of a real kernel becomes a scenario, and its run
//! is laid beside what the capture tells.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Take};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use sim_core::analysis::report;
use sim_core::export::{dmesg, ftrace};
use sim_core::import::{
    CaptureFile, Imported, Note, Story, cut_off, import_noted, parse_dmesg, parse_ftrace, story,
    text_of_bytes,
};
use sim_core::record::Keep;

use crate::args::ImportArgs;
use crate::choice::Choice;
use crate::error::{Error, tell};
use crate::output;
use crate::simulate::simulate;

/// Longest file that is read, in bytes, unpacked.
const FILE_SIZE_MAX: u64 = 256 << 20;
/// Victims that are named, after which they are counted.
const VICTIMS_SHOWN: usize = 64;
/// How gzip's files begin.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Prints the scenario; notes and the comparison go to stderr.
pub(crate) fn run(args: &ImportArgs) -> Result<(), Error> {
    let mut paths = Vec::new();
    for path in &args.captures {
        if path.is_dir() { paths.extend(inside(path)?) } else { paths.push(path.clone()) }
    }
    let (mut texts, mut notes) = (Vec::new(), Vec::new());
    for path in &paths {
        texts.push((path.display().to_string(), text_of(path, &mut notes)?));
    }
    let files: Vec<CaptureFile<'_>> =
        texts.iter().map(|(name, text)| CaptureFile { name, text }).collect();
    let imported =
        import_noted(&files, notes).map_err(|error| Error::bad_input(error.to_string()))?;
    output::write(&imported.toml, args.out.as_deref())?;
    for note in &imported.notes {
        tell(&format!("{}: {}", note.kind.text(), note.text));
    }
    let file = args
        .out
        .as_ref()
        .map_or("the imported scenario".to_owned(), |path| path.display().to_string());
    let choice = Choice::imported(&file, imported.toml.clone())?;
    let run = simulate(&choice, Keep::Records)?;
    let (trace, log) = (ftrace(&run), dmesg(&run));
    let told = parse_ftrace(&trace).map_or_else(
        |_| Story::default(),
        |trace| story(&trace.lines, &parse_dmesg(&log).lines, 0),
    );
    tell(&compared(&imported, &victims(&told), report(&run).victims.len()));
    Ok(())
}

/// Traces and logs in a directory, as recorders name them.
fn inside(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |error| Error::Io { doing: format!("reading {}", directory.display()), error };
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let is_text = |name: String| name.starts_with("trace") || name.starts_with("dmesg");
        if path.is_file() && name.is_some_and(is_text) {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        let line = format!("{}: no trace* or dmesg* in it", directory.display());
        return Err(Error::bad_input(line));
    }
    Ok(paths)
}

/// A file's text, unpacked as far as it goes; what is missing then is noted.
fn text_of(path: &Path, notes: &mut Vec<Note>) -> Result<String, Error> {
    let failed = |error| Error::Io { doing: format!("reading {}", path.display()), error };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let mut bytes = Vec::new();
    let limit = FILE_SIZE_MAX + 1;
    let is_packed = file.fill_buf().map_err(failed)?.starts_with(&GZIP);
    let read = if is_packed {
        let mut unpacked: Take<_> = MultiGzDecoder::new(file).take(limit);
        unpacked.read_to_end(&mut bytes)
    } else {
        file.take(limit).read_to_end(&mut bytes)
    };
    if let Err(error) = read {
        let is_cut = is_packed && error.kind() == ErrorKind::UnexpectedEof;
        let note = is_cut.then(|| cut_off(&path.display().to_string(), &mut bytes)).flatten();
        notes.push(note.ok_or_else(|| failed(error))?);
    }
    if bytes.len() as u64 > FILE_SIZE_MAX {
        let most = FILE_SIZE_MAX >> 20;
        let line = format!("{}: expected at most {most} MiB", path.display());
        return Err(Error::bad_input(line));
    }
    text_of_bytes(&bytes).map_err(|why| Error::bad_input(format!("{}: it {why}", path.display())))
}

/// Victims in order, each with its attempts; marks of threads are one kill.
fn victims(story: &Story) -> Vec<(String, usize)> {
    let mut victims: Vec<(String, usize)> = Vec::new();
    let mut known = BTreeMap::new();
    for victim in &story.victims {
        let at = *known.entry(&victim.name).or_insert(victims.len());
        match victims.get_mut(at) {
            Some((_, attempts)) => *attempts += victim.attempts.len(),
            None => victims.push((victim.name.clone(), victim.attempts.len())),
        }
    }
    victims
}

/// A sentence on capture and run, which kills so many.
fn compared(imported: &Imported, run: &[(String, usize)], kills: usize) -> String {
    let words = |victims: &[(String, usize)]| {
        let shown = victims.iter().take(VICTIMS_SHOWN);
        let mut words: Vec<String> =
            shown.map(|(name, attempts)| format!("{name} ({attempts})")).collect();
        let more = victims.len().saturating_sub(VICTIMS_SHOWN);
        words.extend((more > 0).then(|| format!("{more} more")));
        if words.is_empty() { "nobody".to_owned() } else { words.join(", ") }
    };
    let (run_words, capture) = (words(run), victims(&imported.story));
    if !capture.is_empty() && capture == run {
        return format!(
            "capture and run kill the same, with as many attempts of the reaper: {run_words}"
        );
    }
    if !capture.is_empty() {
        return format!(
            "differs: the capture kills {}, the run kills {run_words}",
            words(&capture)
        );
    }
    // A log counts no attempts.
    let mut named: Vec<&str> = Vec::new();
    for name in &imported.killed {
        if !named.contains(&name.as_str()) {
            named.push(name);
        }
    }
    let logged = imported.killed.len();
    if !named.iter().copied().eq(run.iter().map(|(name, _)| name.as_str())) {
        format!("differs: the log kills {}, the run kills {run_words}", named.join(", "))
    } else if logged != kills {
        let victims = named.join(", ");
        format!(
            "differs: of {victims} the log kills {logged}, the run {kills}; attempts in the run: {run_words}"
        )
    } else {
        format!("log and run kill the same; attempts of the reaper in the run: {run_words}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namesakes_are_counted() {
        let imported = Imported {
            toml: String::new(),
            notes: Vec::new(),
            story: Story::default(),
            killed: vec!["a".to_owned(), "a".to_owned()],
        };
        let said = |kills: usize| compared(&imported, &[("a".to_owned(), kills)], kills);
        assert!(said(2).starts_with("log and run kill the same; "), "{}", said(2));
        assert!(said(1).starts_with("differs: of a the log kills 2, the run 1; "), "{}", said(1));
    }
}

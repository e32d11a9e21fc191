//! What a search has found so far, kept in a file: one line of JSON per
//! block of seeds and per batch of the guided search, after a line that
//! says which search it is.
//!
//! It is only ever appended to; a torn last line is cut off. The guided
//! search is told its results again when it goes on, so that it is the
//! search it would have been without the break.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// A line.
#[derive(Clone, Serialize, Deserialize, Debug)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Line {
    /// Seeds from here on: how many, and those that show it.
    Seeds { from: u64, count: u64, shown: Vec<u64> },
    /// A batch of the guided search: how close each trial came, and when (ns); and the first
    /// that shows it.
    Batch { results: Vec<([u64; 3], u64)>, found: Option<usize> },
}

/// An open journal, or none.
pub(super) struct Journal(Option<(PathBuf, File)>);

impl Journal {
    /// Opens it; what it holds.
    pub(super) fn open(path: Option<&Path>, search: &str) -> Result<(Self, Vec<Line>), Error> {
        let Some(path) = path else { return Ok((Self(None), Vec::new())) };
        let failed = |error| Error::Io { doing: format!("opening {}", path.display()), error };
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = file.map_err(failed)?;
        file.try_lock().map_err(|_| {
            Error::bad_input(format!("{}: another search is writing it", path.display()))
        })?;
        let heading = format!("reaperscope explore {search}\n");
        let (mut lines, mut size) = (Vec::new(), 0_u64);
        let mut reader = BufReader::new(&file);
        let mut line = String::new();
        // What is not text is as torn as what is not JSON.
        while reader.read_line(&mut line).is_ok_and(|length| length > 0) {
            if size == 0 {
                if line != heading {
                    let why = "of another search: name another file, or remove it";
                    return Err(Error::bad_input(format!("{}: {why}", path.display())));
                }
            } else {
                match serde_json::from_str(line.trim_end()) {
                    Ok(read) if line.ends_with('\n') => lines.push(read),
                    _ => break,
                }
            }
            size += u64::try_from(line.len()).unwrap_or(u64::MAX);
            line.clear();
        }
        let is_other = size == 0 && file.metadata().map_err(failed)?.len() > 0;
        if is_other {
            return Err(Error::bad_input(format!("{}: not a search's file", path.display())));
        }
        file.set_len(size).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        if size == 0 {
            file.write_all(heading.as_bytes()).map_err(failed)?;
        }
        Ok((Self(Some((path.to_owned(), file))), lines))
    }

    /// Appends a line.
    pub(super) fn keep(&mut self, line: &Line) -> Result<(), Error> {
        let Some((path, file)) = &mut self.0 else { return Ok(()) };
        let text = serde_json::to_string(line).expect("invariant: plain data") + "\n";
        file.write_all(text.as_bytes())
            .map_err(|error| Error::Io { doing: format!("writing {}", path.display()), error })
    }
}

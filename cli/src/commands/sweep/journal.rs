//! The rows of a sweep under way: one JSON array per line, after a line
//! that says which sweep it is of.
//!
//! It is only ever appended to, and lies beside the result as
//! `FILE.part`. Whatever ends the program leaves whole lines and at most
//! one torn one, which is cut off when the sweep is resumed.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, BufWriter, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::plan::Plan;
use super::row::Row;
use super::table::{Columns, with_suffix};
use crate::error::Error;

/// What becomes of a journal that an interrupted sweep left.
#[derive(Copy, Clone, Eq, PartialEq)]
pub(super) enum Begun {
    /// It is continued.
    Continued,
    /// It is left alone, and who asked is told.
    Refused,
}

/// An open journal.
pub(super) struct Journal {
    path: PathBuf,
    file: BufWriter<File>,
    first: u64,
    rows: u64,
    columns: Columns,
}

impl Journal {
    /// Begins a journal, or opens the one that is there when it may be
    /// continued.
    pub(super) fn open(out: &Path, plan: &Plan, begun: Begun) -> Result<Self, Error> {
        let path = with_suffix(out, ".part");
        let failed = |error| Error::Io { doing: format!("opening {}", path.display()), error };
        let heading = format!("reaperscope sweep {}\n", plan.fingerprint());
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        // Let go when the file is closed, however the program ends.
        file.try_lock().map_err(|_| {
            let line = format!("{}: another sweep is writing it", path.display());
            Error::bad_input(line)
        })?;
        let (rows, size) = whole(&file, &heading, plan.columns()).map_err(failed)?;
        let is_empty = file.metadata().map_err(failed)?.len() == 0;
        if !is_empty {
            let refuse = |why: &str| Err(Error::bad_input(format!("{}: {why}", path.display())));
            if size == 0 {
                return refuse("of another sweep, which was interrupted: remove it to begin anew");
            }
            if begun == Begun::Refused {
                return refuse(
                    "of this sweep, which was interrupted: go on with --resume, or remove it",
                );
            }
        }
        file.set_len(size).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        if size == 0 {
            file.write_all(heading.as_bytes()).map_err(failed)?;
        }
        let file = BufWriter::new(file);
        Ok(Self { path, file, first: plan.first(), rows, columns: plan.columns().clone() })
    }

    /// How many rows it holds.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// Number of the run whose row comes next.
    pub(super) fn next(&self) -> u64 {
        self.first + self.rows
    }

    /// Appends a row.
    pub(super) fn keep(&mut self, row: &Row) -> Result<(), Error> {
        assert!(self.columns.take(row), "invariant: a row has its columns");
        let line = serde_json::to_string(row).expect("invariant: a row is plain data") + "\n";
        self.rows += 1;
        self.file.write_all(line.as_bytes()).map_err(|error| self.failed("writing", error))
    }

    /// Hands what was appended to the system.
    pub(super) fn flush(&mut self) -> Result<(), Error> {
        self.file.flush().map_err(|error| self.failed("writing", error))
    }

    /// Its rows, from the first.
    pub(super) fn read(&self) -> Result<impl Iterator<Item = Result<Row, Error>>, Error> {
        let file = File::open(&self.path).map_err(|error| self.failed("reading", error))?;
        let lines = BufReader::new(file).lines().skip(1);
        Ok(lines.map(|line| {
            let line = line.map_err(|error| self.failed("reading", error))?;
            serde_json::from_str(&line).map_err(|error| self.failed("reading", error.into()))
        }))
    }

    /// Removes it: the result is there.
    pub(super) fn remove(self) -> Result<(), Error> {
        fs::remove_file(&self.path).map_err(|error| self.failed("removing", error))
    }

    fn failed(&self, doing: &str, error: std::io::Error) -> Error {
        Error::Io { doing: format!("{doing} {}", self.path.display()), error }
    }
}

/// How many whole rows a journal with this heading holds, and the bytes
/// up to the end of the last; 0 bytes of another one's.
fn whole(file: &File, heading: &str, columns: &Columns) -> std::io::Result<(u64, u64)> {
    let mut lines = BufReader::new(file);
    let (mut rows, mut size) = (0, 0);
    let mut line = Vec::new();
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        let is_whole = if size == 0 {
            line == heading.as_bytes()
        } else {
            line.ends_with(b"\n")
                && serde_json::from_slice(&line).is_ok_and(|row: Row| columns.take(&row))
        };
        if !is_whole {
            return Ok((rows, size));
        }
        rows += u64::from(size > 0);
        size += u64::try_from(line.len()).unwrap_or(u64::MAX);
    }
}

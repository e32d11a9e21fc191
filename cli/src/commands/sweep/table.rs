//! Tables of rows: what a column is, and the files that hold them.
//!
//! A file is written beside its name and then renamed, so that nobody
//! finds half of one.

mod csv;
mod parquet;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::row::Row;
use crate::error::Error;

/// A value of a row. Numbers are below 2^63.
#[derive(Clone, Eq, PartialEq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Value {
    /// It never happened.
    Null,
    Number(u64),
    Text(String),
}

/// A column.
#[derive(Clone, Eq, PartialEq, Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) is_text: bool,
    /// Whether values may be missing.
    pub(crate) is_optional: bool,
}

impl Column {
    pub(crate) fn text(name: &str) -> Self {
        Self { name: name.to_owned(), is_text: true, is_optional: false }
    }

    pub(crate) fn number(name: &str) -> Self {
        Self { name: name.to_owned(), is_text: false, is_optional: false }
    }

    pub(crate) fn optional(self) -> Self {
        Self { is_optional: true, ..self }
    }

    /// Whether a value may stand in it.
    fn takes(&self, value: &Value) -> bool {
        match value {
            Value::Null => self.is_optional,
            Value::Number(_) => !self.is_text,
            Value::Text(_) => self.is_text,
        }
    }
}

/// The columns of a table, in order.
#[derive(Clone, Eq, PartialEq, Debug)]
pub(crate) struct Columns(pub(crate) Vec<Column>);

impl Columns {
    /// Whether a row has a value for each.
    pub(crate) fn take(&self, row: &Row) -> bool {
        let pairs = self.0.iter().zip(row);
        row.len() == self.0.len() && pairs.into_iter().all(|(column, value)| column.takes(value))
    }

    /// Where the column with this name is; past the end if nowhere.
    pub(crate) fn position(&self, name: &str) -> usize {
        self.0.iter().position(|column| column.name == name).unwrap_or(self.0.len())
    }
}

/// A kind of file.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(crate) enum Format {
    Parquet,
    Csv,
}

impl Format {
    /// What the ending of a file's name says.
    pub(crate) fn of(path: &Path) -> Result<Self, Error> {
        match path.extension().and_then(OsStr::to_str) {
            Some("parquet") => Ok(Self::Parquet),
            Some("csv") => Ok(Self::Csv),
            _ => {
                let expected = "expected a name that ends in .parquet or .csv";
                Err(Error::bad_input(format!("--out {}: {expected}", path.display())))
            }
        }
    }
}

/// Writes a whole table.
pub(crate) fn write(
    out: &Path,
    format: Format,
    columns: &Columns,
    about: &[(String, String)],
    rows: impl Iterator<Item = Result<Row, Error>>,
) -> Result<(), Error> {
    let failed = |error| Error::Io { doing: format!("writing {}", out.display()), error };
    let beside = with_suffix(out, ".tmp");
    let file = File::create(&beside).map_err(failed)?;
    match format {
        Format::Parquet => parquet::write(&file, columns, about, rows, &failed)?,
        Format::Csv => {
            let mut file = BufWriter::new(&file);
            csv::write(&mut file, columns, rows, &failed)?;
        }
    }
    file.sync_data().map_err(failed)?;
    fs::rename(&beside, out).map_err(failed)
}

/// A Parquet file's columns, what it says of itself, and its rows.
pub(crate) use self::parquet::read as read_parquet;

/// `x.csv.tmp` of `x.csv`.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// An error of a library that reads or writes.
fn other(error: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::other(error)
}

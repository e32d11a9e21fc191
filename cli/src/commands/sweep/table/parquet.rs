//! Parquet: a row group per [`GROUP_ROWS`] rows, dictionaries and Snappy.
//! Where a group ends depends on the number of rows before it and on
//! nothing else, so equal tables are equal files.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::record::Field;
use parquet::schema::types::Type;

use super::super::row::Row;
use super::{Column, Columns, Value, other};
use crate::error::Error;

/// Rows of a row group: some megabytes while it is put together.
const GROUP_ROWS: usize = 1 << 16;

/// Writes a table.
pub(super) fn write(
    file: &File,
    columns: &Columns,
    about: &[(String, String)],
    mut rows: impl Iterator<Item = Result<Row, Error>>,
    failed: &impl Fn(io::Error) -> Error,
) -> Result<(), Error> {
    let damaged = |error| failed(other(error));
    let about = about.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("reaperscope ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_key_value_metadata(Some(about.collect()))
        .build();
    let schema = Arc::new(schema(columns).map_err(damaged)?);
    let mut writer =
        SerializedFileWriter::new(file, schema, Arc::new(properties)).map_err(damaged)?;
    loop {
        let group: Vec<Row> = rows.by_ref().take(GROUP_ROWS).collect::<Result<_, _>>()?;
        if group.is_empty() {
            writer.close().map_err(damaged)?;
            return Ok(());
        }
        write_group(&mut writer, columns, &group).map_err(damaged)?;
    }
}

fn schema(columns: &Columns) -> Result<Type, ParquetError> {
    let field = |column: &Column| {
        let (physical, logical) = if column.is_text {
            (Physical::BYTE_ARRAY, Some(LogicalType::String))
        } else {
            (Physical::INT64, None)
        };
        let repetition =
            if column.is_optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let builder = Type::primitive_type_builder(&column.name, physical);
        Ok(Arc::new(builder.with_logical_type(logical).with_repetition(repetition).build()?))
    };
    let fields = columns.0.iter().map(field).collect::<Result<_, ParquetError>>()?;
    Type::group_type_builder("sweep").with_fields(fields).build()
}

fn write_group<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    columns: &Columns,
    rows: &[Row],
) -> Result<(), ParquetError> {
    let mut group = writer.next_row_group()?;
    for (index, column) in columns.0.iter().enumerate() {
        let values = || rows.iter().filter_map(|row| row.get(index));
        let present: Vec<i16> = values().map(|value| i16::from(*value != Value::Null)).collect();
        let levels = column.is_optional.then_some(present.as_slice());
        let Some(mut writer) = group.next_column()? else {
            return Err(ParquetError::General("fewer columns than declared".to_owned()));
        };
        if column.is_text {
            let texts = values().filter_map(|value| match value {
                Value::Text(text) => Some(ByteArray::from(text.as_str())),
                _ => None,
            });
            let texts: Vec<_> = texts.collect();
            writer.typed::<ByteArrayType>().write_batch(&texts, levels, None)?;
        } else {
            let numbers = values().filter_map(|value| match value {
                Value::Number(number) => Some(i64::try_from(*number).unwrap_or(i64::MAX)),
                _ => None,
            });
            let numbers: Vec<_> = numbers.collect();
            writer.typed::<Int64Type>().write_batch(&numbers, levels, None)?;
        }
        writer.close()?;
    }
    group.close()?;
    Ok(())
}

/// A table that [`write`](fn@write) wrote: its columns, what it says of itself, its rows.
pub(crate) struct Table {
    pub(crate) columns: Columns,
    pub(crate) about: Vec<(String, String)>,
    reader: SerializedFileReader<File>,
    path: String,
}

/// Opens a table.
pub(crate) fn read(path: &Path) -> Result<Table, Error> {
    let name = path.display().to_string();
    let failed = |error| Error::Io { doing: format!("reading {name}"), error };
    let file = File::open(path).map_err(failed)?;
    let reader = SerializedFileReader::new(file).map_err(|error| failed(other(error)))?;
    let metadata = reader.metadata().file_metadata();
    let about = metadata.key_value_metadata().into_iter().flatten();
    let about = about.map(|pair| (pair.key.clone(), pair.value.clone().unwrap_or_default()));
    let about = about.collect();
    let mut columns = Vec::new();
    for column in metadata.schema_descr().columns() {
        let is_text = match column.physical_type() {
            Physical::BYTE_ARRAY => true,
            Physical::INT64 => false,
            _ => return Err(not_ours(&name)),
        };
        let is_optional = column.self_type().is_optional();
        columns.push(Column { name: column.name().to_owned(), is_text, is_optional });
    }
    Ok(Table { columns: Columns(columns), about, reader, path: name })
}

impl Table {
    /// Number of the first run, or `None` of none.
    pub(crate) fn first_run(&self) -> Result<Option<u64>, Error> {
        let first = self.rows()?.next().transpose()?;
        match first.as_deref() {
            None => Ok(None),
            Some([Value::Number(run), ..]) => Ok(Some(*run)),
            Some(_) => Err(not_ours(&self.path)),
        }
    }

    /// How many rows there are.
    pub(crate) fn row_count(&self) -> u64 {
        u64::try_from(self.reader.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    /// The rows, in order.
    pub(crate) fn rows(&self) -> Result<impl Iterator<Item = Result<Row, Error>>, Error> {
        let failed = |error: ParquetError| Error::Io {
            doing: format!("reading {}", self.path),
            error: other(error),
        };
        let rows = self.reader.get_row_iter(None).map_err(failed)?;
        Ok(rows.map(move |row| {
            let row = row.map_err(failed)?;
            row.get_column_iter()
                .map(|(_, field)| value(field).ok_or_else(|| not_ours(&self.path)))
                .collect()
        }))
    }
}

fn value(field: &Field) -> Option<Value> {
    match field {
        Field::Null => Some(Value::Null),
        Field::Long(number) => u64::try_from(*number).ok().map(Value::Number),
        Field::Str(text) => Some(Value::Text(text.clone())),
        _ => None,
    }
}

fn not_ours(path: &str) -> Error {
    Error::bad_input(format!("{path}: not a table that `reaperscope sweep` wrote"))
}

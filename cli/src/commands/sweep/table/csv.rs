//! CSV as RFC 4180 has it, with `\n` between lines: a header, then the
//! rows; nothing between two commas where a thing never happened.

use std::io::{self, Write};

use super::super::row::Row;
use super::{Columns, Value};
use crate::error::Error;

/// Writes a table.
pub(super) fn write(
    out: &mut impl Write,
    columns: &Columns,
    rows: impl Iterator<Item = Result<Row, Error>>,
    failed: &impl Fn(io::Error) -> Error,
) -> Result<(), Error> {
    let names: Row = columns.0.iter().map(|column| Value::Text(column.name.clone())).collect();
    out.write_all(line(&names).as_bytes()).map_err(failed)?;
    for row in rows {
        out.write_all(line(&row?).as_bytes()).map_err(failed)?;
    }
    out.flush().map_err(failed)
}

fn line(row: &Row) -> String {
    let fields: Vec<String> = row
        .iter()
        .map(|value| match value {
            Value::Null => String::new(),
            Value::Number(number) => number.to_string(),
            Value::Text(text) if text.contains(['"', ',', '\n', '\r']) => {
                format!("\"{}\"", text.replace('"', "\"\""))
            }
            Value::Text(text) => text.clone(),
        })
        .collect();
    fields.join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_quotes_gets_them() {
        let row = vec![
            Value::Number(7),
            Value::Null,
            Value::Text("a,b".to_owned()),
            Value::Text("say \"x\"".to_owned()),
        ];
        assert_eq!(line(&row), "7,,\"a,b\",\"say \"\"x\"\"\"\n");
    }
}

//! `merge`: the files of a sweep's shards, put together. What comes out
//! is what the whole sweep would have written, byte for byte.

use super::sweep::table::{self, Format};
use super::sweep::tally::Tally;
use crate::args::MergeArgs;
use crate::error::Error;

/// Merges.
pub(crate) fn run(args: &MergeArgs) -> Result<(), Error> {
    let format = Format::of(&args.out)?;
    let mut shards = Vec::new();
    for path in &args.files {
        let shard = table::read_parquet(path)?;
        if let Some(first) = shard.first_run()? {
            shards.push((first, path, shard));
        }
    }
    shards.sort_by_key(|(first, ..)| *first);
    let Some((_, first_path, first)) = shards.first() else {
        return Err(Error::bad_input("no rows to merge"));
    };
    for (_, path, shard) in &shards {
        if shard.columns != first.columns || shard.about != first.about {
            let (path, other) = (path.display(), first_path.display());
            return Err(Error::bad_input(format!("{path}: of another sweep than {other}")));
        }
    }
    let mut next = 0;
    let mut rows = Vec::new();
    for (first, path, shard) in &shards {
        if next != *first {
            let line = format!("{}: begins with run {first}", path.display());
            let expected = format!("expected {next}: a shard is missing or given twice");
            return Err(Error::bad_input(format!("{line}, {expected}")));
        }
        next = first + shard.row_count();
        rows.push(shard.rows()?);
    }
    let mut tally = Tally::new(&first.columns);
    let rows = rows.into_iter().flatten().inspect(|row| {
        if let Ok(row) = row {
            tally.add(row);
        }
    });
    table::write(&args.out, format, &first.columns, &first.about, rows)?;
    tally.tell(&args.out);
    Ok(())
}

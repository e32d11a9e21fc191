//! `merge`: the files of a sweep's shards, put together. What comes out
//! is what the whole sweep would have written, byte for byte.

use super::sweep::RUNS_KEY;
use super::sweep::table::{self, Format};
use super::sweep::tally::Tally;
use crate::args::MergeArgs;
use crate::error::{Error, tell};

/// Merges.
pub(crate) fn run(args: &MergeArgs) -> Result<(), Error> {
    let format = Format::of(&args.out)?;
    let mut shards = Vec::new();
    for path in &args.files {
        if path.extension().is_some_and(|end| end == "csv") {
            let line = format!("{}: expected shards in Parquet: CSV doesn't say", path.display());
            let remedy = "of which sweep it is; merge can write CSV";
            return Err(Error::bad_input(format!("{line} {remedy}")));
        }
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
    all_there(&first.about, next)?;
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

/// Refuses if the sweep has more runs than these. Older files don't say how many it has.
fn all_there(about: &[(String, String)], found: u64) -> Result<(), Error> {
    let told = about.iter().find(|(key, _)| key == RUNS_KEY);
    let Some(runs) = told.and_then(|(_, runs)| runs.parse::<u64>().ok()) else {
        tell(
            "these files don't say how many runs the sweep has: whether the last shards are there is not known",
        );
        return Ok(());
    };
    if found == runs {
        return Ok(());
    }
    let line = format!("the sweep has {runs} runs, these files {found}");
    let missing = format!("missing is the shard with run {found}");
    let remedy = "its command makes it, and shards can be queried without a merge";
    Err(Error::bad_input(format!("{line}: {missing}; {remedy}")))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::sweep::table::{Column, Columns, Value};
    use super::*;

    #[expect(clippy::disallowed_methods, reason = "files need a place; it decides nothing")]
    fn place(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("reaperscope-merge-{}-{name}", std::process::id()))
    }

    /// A shard with these runs, of a sweep with so many; files did not say that once.
    fn shard(name: &str, runs: std::ops::Range<u64>, all: Option<u64>) -> PathBuf {
        let path = place(name);
        let columns = Columns(vec![Column::number("run"), Column::text("verdict")]);
        let about: Vec<_> =
            all.map(|all| (RUNS_KEY.to_owned(), all.to_string())).into_iter().collect();
        let rows = runs.map(|run| Ok(vec![Value::Number(run), Value::Text("panic".to_owned())]));
        table::write(&path, Format::Parquet, &columns, &about, rows).expect("writable");
        path
    }

    #[test]
    fn last_shard_is_missed_where_files_say_how_many_runs_there_are() {
        let merged = |all: Option<u64>| {
            let files = vec![shard("a.parquet", 0..3, all), shard("b.parquet", 3..5, all)];
            let out = place("merged.csv");
            let result = run(&MergeArgs { files: files.clone(), out: out.clone() });
            for file in files.iter().chain(&[out]) {
                let _ = std::fs::remove_file(file);
            }
            result.map_err(|error| match error {
                Error::BadInput(lines) => lines.join("\n"),
                other => format!("{other:?}"),
            })
        };
        assert_eq!(merged(Some(5)), Ok(()));
        assert_eq!(merged(None), Ok(()), "as those of before");
        let told = merged(Some(7)).expect_err("two are missing");
        assert!(told.contains("has 7 runs, these files 5"), "{told}");
    }
}

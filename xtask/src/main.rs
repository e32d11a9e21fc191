//! `cargo xtask`: all set-up and every chore, so that a fresh clone needs Rust and nothing else.
//!
//! This file reads the command line and dispatches. It leaves out what a chore does: set-up is in
//! `setup`, the page in `page`, tests in `suites`, figures in `bench` and `weight`.
#![expect(
    clippy::disallowed_methods,
    reason = "chores run on the developer's machine: they read its environment and its clock"
)]

mod bench;
mod book;
mod browser;
mod chores;
mod counts;
mod models;
mod offline;
mod page;
mod parts;
mod process;
mod python;
mod setup;
mod single;
mod split;
mod step;
mod styles;
mod suites;
mod weight;

use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask COMMAND [OPTIONS]

Commands:
  serve   build the page and serve it on this machine, rebuilding it after every edit
            --port N    port to listen on (8080)
            --open      open it in the default browser
  test    run every test: native, WebAssembly under node, the page in a browser,
          and other programs reading what reaperscope writes
  dist    build the page into dist/, ready for any static host and any sub-path
            --single-file   say where the page as one file is; it opens from a disk
            --models DIR    put pages of older models below it: DIR/N, built from the git tags
                            model-N as far as DIR lacks them, becomes model/N
  book    build the book of docs/ into target/book
  bench   measure: simulator natively and in WebAssembly, weight of the page
            --page      the page in a browser instead, beside speedscope
  screenshots
          pictures of the page at three sizes and in both themes, to look at
  lint    formatting, clippy natively and for WebAssembly, docstrings, dependency rules
  golden  check the recorded outputs
            --update    rewrite them from what the code does now
  search  run scenarios drawn from seeds until one breaks the model
            --runs N    how many (100000)
            --from N    the first seed (0)

Options:
  -h, --help  print this

Tools that are missing are installed once, at the versions the project needs; what is there
already is left alone.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match Chore::from_arguments(&arguments) {
        Ok(chore) => chore.run(),
        Err(message) => {
            eprintln!("{message}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
enum Chore {
    Help,
    Serve(page::ServeOptions),
    Test,
    Dist(page::DistOptions),
    Book,
    Bench { page: bool },
    Screenshots,
    Lint,
    Golden(chores::Golden),
    Search(chores::Search),
}

impl Chore {
    fn from_arguments(arguments: &[String]) -> Result<Self, String> {
        let mut words = arguments.iter().map(String::as_str);
        let Some(command) = words.next() else {
            return Ok(Self::Help);
        };
        let rest: Vec<&str> = words.flat_map(option_and_value).collect();
        if rest.iter().any(|word| matches!(*word, "-h" | "--help")) {
            return Ok(Self::Help);
        }
        let plain = |chore: Self| match rest.first() {
            None => Ok(chore),
            Some(word) => Err(format!("`{command}` does not take `{word}`")),
        };
        match command {
            "-h" | "--help" | "help" => Ok(Self::Help),
            "serve" => page::ServeOptions::from_words(&rest).map(Self::Serve),
            "test" => plain(Self::Test),
            "dist" => page::DistOptions::from_words(&rest).map(Self::Dist),
            "bench" => match rest.as_slice() {
                ["--page"] => Ok(Self::Bench { page: true }),
                _ => plain(Self::Bench { page: false }),
            },
            "screenshots" => plain(Self::Screenshots),
            "book" => plain(Self::Book),
            "lint" => plain(Self::Lint),
            "golden" => match rest.as_slice() {
                [] => Ok(Self::Golden(chores::Golden::Check)),
                ["--update"] => Ok(Self::Golden(chores::Golden::Update)),
                [word, ..] => Err(format!("`golden` does not take `{word}`")),
            },
            "search" => chores::Search::from_words(&rest).map(Self::Search),
            other => Err(format!("there is no command `{other}`")),
        }
    }

    fn run(self) -> ExitCode {
        let outcome = match self {
            Self::Help => {
                print!("{HELP}");
                Ok(())
            }
            // The tests report their own failures and end on the line that counts them.
            Self::Test => return suites::test(),
            Self::Serve(options) => page::serve(&options),
            Self::Dist(options) => page::dist(&options),
            Self::Bench { page: false } => bench::bench(),
            Self::Bench { page: true } => bench::page(),
            Self::Screenshots => page::screenshots(),
            Self::Book => book::book(),
            Self::Lint => chores::lint(),
            Self::Golden(mode) => chores::golden(mode),
            Self::Search(seeds) => chores::search(seeds),
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("\n{failure}");
                ExitCode::FAILURE
            }
        }
    }
}

/// `--port=81` as `--port 81`.
fn option_and_value(word: &str) -> impl Iterator<Item = &str> {
    let parted = word.split_once('=').filter(|(name, _)| name.starts_with("--"));
    let (first, second) = parted.map_or((word, None), |(name, value)| (name, Some(value)));
    std::iter::once(first).chain(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chore(line: &str) -> Result<Chore, String> {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Chore::from_arguments(&arguments)
    }

    #[test]
    fn every_command_is_in_the_help() {
        for command in ["serve", "test", "dist", "book", "bench", "lint", "golden", "search"] {
            assert!(HELP.contains(&format!("\n  {command} ")), "{command}");
            assert!(chore(command).is_ok(), "{command}");
            assert_eq!(chore(&format!("{command} --help")), Ok(Chore::Help));
        }
    }

    #[test]
    fn options_are_read() {
        for line in ["serve --port 9000 --open", "serve --open --port=9000"] {
            let Ok(Chore::Serve(options)) = chore(line) else { panic!("{line}") };
            assert_eq!((options.port, options.open), (9000, true));
        }
        assert_eq!(chore("golden --update"), Ok(Chore::Golden(chores::Golden::Update)));
        let seeds = chores::Search { from: 7, runs: 1_000_000 };
        assert_eq!(chore("search --runs 1000000 --from 7"), Ok(Chore::Search(seeds)));
        assert_eq!(chore("bench --page"), Ok(Chore::Bench { page: true }));
        let all =
            page::DistOptions { single_file: true, models: std::path::absolute("older").ok() };
        assert_eq!(chore("dist --models older --single-file"), Ok(Chore::Dist(all)));
        let equals = page::DistOptions {
            models: std::path::absolute("a=b").ok(),
            ..page::DistOptions::default()
        };
        assert_eq!(chore("dist --models=a=b"), Ok(Chore::Dist(equals)));
        assert_eq!(chore("dist"), Ok(Chore::Dist(page::DistOptions::default())));
        assert_eq!(chore(""), Ok(Chore::Help));
    }

    #[test]
    fn unknown_words_are_named() {
        for (line, word) in [
            ("tset", "tset"),
            ("test --fast", "--fast"),
            ("serve --port x", "x"),
            ("dist --models", "--models"),
        ] {
            let message = chore(line).expect_err(line);
            assert!(message.contains(word), "{message}");
        }
    }
}

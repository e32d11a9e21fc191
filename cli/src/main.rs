//! The Reaperscope simulator on the command line.
//!
//! Results go to stdout, everything else to stderr; a reader that closes
//! stdout early is no error. What can go wrong, and with which exit
//! code, is in `error.rs`; each command is one file in `commands/`.
#![forbid(unsafe_code)]

mod answers;
mod args;
mod cases;
mod choice;
mod commands;
mod comparison;
mod doc;
mod error;
mod guard;
mod json;
mod link;
mod output;
mod png;
mod progress;
mod simulate;
mod stop;
mod summary;
mod waits;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    guard::install();
    let cli = args::Cli::parse();
    match commands::run(&cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

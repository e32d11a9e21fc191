//! One file per command.

mod compare;
mod link;
mod list;
mod run;
mod schema;
mod verify;

use crate::args::Command;
use crate::error::Error;

/// Does what was asked.
pub(crate) fn run(command: &Command) -> Result<(), Error> {
    match command {
        Command::Compare(args) => compare::run(args),
        Command::List(args) => list::run(args),
        Command::Run(args) => run::run(args),
        Command::Link(args) => link::run(args),
        Command::Schema => schema::run(),
        Command::Verify(args) => verify::run(args),
    }
}

//! One file per command.

mod compare;
mod explore;
mod export;
mod import;
mod lesson;
mod link;
mod list;
mod merge;
mod review;
mod rewind;
mod run;
mod schema;
mod serve;
mod shrink;
mod sweep;
pub(crate) mod trial;
mod verify;

use crate::args::Command;
use crate::error::Error;

/// Does what was asked.
pub(crate) fn run(command: &Command) -> Result<(), Error> {
    match command {
        Command::Compare(args) => compare::run(args),
        Command::List(args) => list::run(args),
        Command::Run(args) => run::run(args),
        Command::Export(args) => export::run(args),
        Command::Import(args) => import::run(args),
        Command::Link(args) => link::run(args),
        Command::Schema => schema::run(),
        Command::Lesson { lessons } => lesson::run(lessons),
        Command::Explore(args) => explore::run(args),
        Command::Review(args) => review::run(args),
        Command::Rewind(args) => rewind::run(args),
        Command::Serve(args) => serve::run(args),
        Command::Shrink(args) => shrink::run(args),
        Command::Sweep(args) => sweep::run(args),
        Command::Merge(args) => merge::run(args),
        Command::Verify(args) => verify::run(args),
    }
}

/// Threads for runs that share nothing.
fn pool(jobs: Option<u16>) -> Result<rayon::ThreadPool, Error> {
    let mut builder = rayon::ThreadPoolBuilder::new();
    if let Some(jobs) = jobs {
        builder = builder.num_threads(usize::from(jobs));
    }
    let pool = builder.build();
    pool.map_err(|error| Error::bad_input(format!("cannot start so many runs: {error}")))
}

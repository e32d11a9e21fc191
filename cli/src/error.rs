//! Everything that ends a command early, and its exit code.

use std::io;
use std::process::ExitCode;

/// An invariant broke (see `guard.rs`).
pub(crate) const EXIT_BROKEN: u8 = 70;
/// Stopped by Ctrl-C or a signal, as shells have it (128 + SIGINT).
pub(crate) const EXIT_INTERRUPTED: u8 = 130;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Error {
    /// What was typed, or a file that it names, is wrong: one line each.
    BadInput(Vec<String>),
    /// `verify` found a difference, which it has printed.
    Mismatch,
    /// `explore` found no run that shows what it looked for; it has said so.
    NoneFound,
    /// Somebody asked it to stop; what is done is kept.
    Interrupted(String),
    /// The model broke a promise of its own; the link reproduces it.
    Broken {
        /// Which.
        message: String,
        /// Of the run.
        link: String,
    },
    /// A file or stream failed.
    Io {
        /// What was being done.
        doing: String,
        /// How it failed.
        error: io::Error,
    },
}

impl Error {
    /// Bad input, in one line.
    pub(crate) fn bad_input(line: impl Into<String>) -> Self {
        Self::BadInput(vec![line.into()])
    }

    /// Tells people on stderr and the shell by the exit code.
    pub(crate) fn report(&self) -> ExitCode {
        match self {
            Self::BadInput(lines) => {
                for line in lines {
                    tell(&format!("error: {line}"));
                }
                ExitCode::from(2)
            }
            Self::Mismatch => ExitCode::from(1),
            Self::NoneFound => ExitCode::from(3),
            Self::Interrupted(how) => {
                tell(how);
                ExitCode::from(EXIT_INTERRUPTED)
            }
            Self::Broken { message, link } => {
                tell(&broken_text(message, link));
                ExitCode::from(EXIT_BROKEN)
            }
            // Who reads us has seen enough.
            Self::Io { error, .. } if error.kind() == io::ErrorKind::BrokenPipe => {
                ExitCode::SUCCESS
            }
            Self::Io { doing, error } => {
                tell(&format!("error: {doing}: {error}"));
                ExitCode::from(2)
            }
        }
    }
}

/// How a broken invariant is told.
pub(crate) fn broken_text(message: &str, link: &str) -> String {
    format!("the simulator broke an invariant: {message}\nthis link reproduces it: {link}")
}

/// A line on stderr; that nobody reads it is no reason to fail.
pub(crate) fn tell(line: &str) {
    use io::Write as _;
    let _: io::Result<()> = writeln!(io::stderr(), "{line}");
}

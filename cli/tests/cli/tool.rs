//! Starts the program and collects what it says.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What a call of the program gave.
pub(crate) struct Said {
    /// Exit code.
    pub(crate) code: Option<i32>,
    /// What it printed.
    pub(crate) out: String,
    /// What it complained about.
    pub(crate) err: String,
}

/// The program with arguments.
pub(crate) fn command(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_reaperscope"));
    command.args(args).stdin(Stdio::null());
    command
}

/// Calls the program.
pub(crate) fn call(args: &[&str]) -> Said {
    let output = command(args).output().expect("the program starts");
    Said {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// What a successful call prints.
pub(crate) fn printed(args: &[&str]) -> String {
    let said = call(args);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{args:?}");
    said.out
}

/// A file of the test's own, which may not exist yet.
pub(crate) fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// A file of the test's own with this content; its path as text.
pub(crate) fn file(name: &str, content: impl AsRef<[u8]>) -> String {
    let path = scratch(name);
    std::fs::write(&path, content).expect("the target directory is writable");
    path.into_os_string().into_string().expect("a readable path")
}

//! Running other programs: where they are, what version they have, what they print.
//!
//! Leaves out why they run; a failure is handed back as text for the step to report.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Root of the workspace.
pub(crate) fn root() -> PathBuf {
    // Set by `cargo run`, so that a moved clone needs no rebuild.
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(xtask) => PathBuf::from(xtask).parent().map(Path::to_path_buf).unwrap_or_default(),
        None => PathBuf::from("."),
    }
}

/// A command that runs in the root of the workspace.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// The cargo that runs us, with these arguments.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(arguments);
    cargo
}

/// Runs a command whose output the user sees as it comes.
pub(crate) fn run(command: &mut Command) -> Result<(), String> {
    let shown = shown(command);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{shown}` ended with {status}")),
        Err(error) => Err(format!("`{shown}` did not start: {error}")),
    }
}

/// Standard output of a command that succeeds.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What a watched command left behind.
pub(crate) struct Watched {
    pub(crate) success: bool,
    /// Everything it printed, both streams in the order they were written.
    pub(crate) text: String,
}

/// Runs a command, gives each line to `on_line` as it comes and keeps them all in `log`.
pub(crate) fn watch(
    command: &mut Command,
    log: &Path,
    mut on_line: impl FnMut(&str),
) -> Result<Watched, String> {
    let shown = shown(command);
    let failed = |error: std::io::Error| format!("`{shown}` did not start: {error}");
    if let Some(parent) = log.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut log = File::create(log).map_err(failed)?;
    let (reader, writer) = std::io::pipe().map_err(failed)?;
    command.stdin(Stdio::null()).stdout(writer.try_clone().map_err(failed)?).stderr(writer);
    let mut child = command.spawn().map_err(failed)?;
    // The command holds our ends of the pipe; while it does, reading never ends.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let mut text = String::new();
    let mut lines = BufReader::new(reader);
    let mut bytes = Vec::new();
    while lines.read_until(b'\n', &mut bytes).map_err(failed)? > 0 {
        log.write_all(&bytes).map_err(failed)?;
        let line = String::from_utf8_lossy(&bytes);
        on_line(line.trim_end());
        text.push_str(&line);
        bytes.clear();
    }
    let status = child.wait().map_err(failed)?;
    Ok(Watched { success: status.success(), text })
}

/// Full path of a program in one of `extra` or on PATH.
pub(crate) fn find(program: &str, extra: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    let on_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    extra.iter().chain(&on_path).map(|folder| folder.join(&file)).find(|path| path.is_file())
}

/// PATH with these folders in front.
pub(crate) fn path_with(folders: &[PathBuf]) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().cloned().chain(std::env::split_paths(&path));
    std::env::join_paths(all).unwrap_or(path)
}

/// Where cargo puts the programs it installs.
pub(crate) fn cargo_home() -> PathBuf {
    let home = || std::env::home_dir().unwrap_or_default().join(".cargo");
    std::env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from)
}

/// Whether a hosted runner, and not a person, waits for the outcome.
pub(crate) fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
}

/// Whether system packages can be installed without asking anybody.
pub(crate) fn can_apt_get() -> bool {
    let root = output(Command::new("id").arg("-u")).as_deref() == Some("0");
    root && find("apt-get", &[]).is_some()
}

/// Installs system packages.
pub(crate) fn apt_get(packages: &[&str]) -> Result<(), String> {
    run(command("apt-get").args(["update", "-qq"]))?;
    run(command("apt-get")
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive"))
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_stem().unwrap_or(program.as_os_str()).to_string_lossy();
    command.get_args().fold(name.into_owned(), |mut line, argument| {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
        line
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watched_command_hands_over_every_line_of_both_streams() {
        let log = std::env::temp_dir().join(format!("xtask-watch-{}.log", std::process::id()));
        let mut lines = Vec::new();
        let mut shell = Command::new("sh");
        shell.args(["-c", "echo one; echo two >&2; printf three; exit 3"]);
        let watched = watch(&mut shell, &log, |line| lines.push(line.to_owned())).expect("starts");
        assert_eq!(lines, ["one", "two", "three"]);
        assert!(!watched.success);
        assert_eq!(watched.text, "one\ntwo\nthree");
        assert_eq!(fs::read_to_string(&log).expect("log"), watched.text);
        fs::remove_file(log).expect("log is removable");
    }

    #[test]
    fn missing_program_is_a_message() {
        let message = run(&mut Command::new("no-such-program-anywhere")).expect_err("missing");
        assert!(message.contains("no-such-program-anywhere` did not start"), "{message}");
        assert_eq!(find("no-such-program-anywhere", &[]), None);
    }
}

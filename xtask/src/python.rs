//! Python packages that tests hand our output to, in an environment of their own below target/.
//!
//! Leaves alone the system's Python and what is installed there.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::process::{self, apt_get, can_apt_get, find, output, run};
use crate::step::{Failure, Step};

/// The Python that has the packages of consumers/requirements.txt.
pub(crate) fn packages() -> Result<PathBuf, Failure> {
    let wanted = process::root().join("consumers/requirements.txt");
    let list = fs::read(&wanted).unwrap_or_default();
    let folder = process::root().join("target/xtask/python");
    let python = folder.join("bin/python");
    let stamp = folder.join("installed-from");
    Step {
        name: "Install Python packages of consumers/",
        cost: "a minute",
        remedy: "install Python 3 with its venv module, and read what pip says",
    }
    .run_unless(
        || fs::read(&stamp).is_ok_and(|installed| installed == list),
        || {
            if !has_venv() {
                if !can_apt_get() {
                    return Err("python3 with venv and ensurepip is not on PATH".to_owned());
                }
                apt_get(&["python3", "python3-venv"])?;
            }
            run(process::command("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
            let mut pip = Command::new(&python);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
            run(pip.arg("--requirement").arg(&wanted))?;
            fs::write(&stamp, &list).map_err(|error| error.to_string())
        },
    )?;
    Ok(python)
}

fn has_venv() -> bool {
    find("python3", &[]).is_some()
        && output(Command::new("python3").args(["-c", "import venv, ensurepip"])).is_some()
}

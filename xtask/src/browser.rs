//! Browsers that tests drive: found, or installed where the system has them as packages.
//!
//! What starts counts, not what is there: on Ubuntu the packages of these names only point to
//! snaps. How they are driven is written in `e2e`.

use std::path::PathBuf;
use std::process::Command;

use crate::process::{apt_get, can_apt_get, find, output};
use crate::step::{Failure, Step};

/// A browser, and the names it goes by.
pub(crate) struct Browser {
    name: &'static str,
    /// The variable that says where it is.
    variable: &'static str,
    programs: &'static [&'static str],
    /// The system's package.
    package: &'static str,
    /// What it calls itself before its version.
    signature: &'static str,
}

/// Chromium, or Chrome.
pub(crate) const CHROMIUM: Browser = Browser {
    name: "Chromium",
    variable: "CHROMIUM",
    programs: &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
    package: "chromium",
    signature: "Chrom",
};

/// Firefox.
pub(crate) const FIREFOX: Browser = Browser {
    name: "Firefox",
    variable: "FIREFOX",
    programs: &["firefox-esr", "firefox"],
    package: "firefox-esr",
    signature: "Firefox",
};

impl Browser {
    /// Finds or installs it. Hands on its path.
    pub(crate) fn set_up(&self) -> Result<PathBuf, Failure> {
        let Self { name, variable, package, .. } = self;
        Step {
            name: &format!("Install {name}"),
            cost: "a minute",
            remedy: &format!("install {name}, or set {variable} to its path, and run this again"),
        }
        .run_unless(
            || self.find().is_some(),
            || if can_apt_get() { apt_get(&[package]) } else { Err(format!("no {name} on PATH")) },
        )?;
        self.find().ok_or_else(|| Failure {
            step: format!("Start {name}"),
            cause: "the system's package has no browser that starts".to_owned(),
            remedy: format!("set {variable} to the path of a {name}"),
        })
    }

    /// One that tells its version.
    fn find(&self) -> Option<PathBuf> {
        let chosen = std::env::var_os(self.variable).map(PathBuf::from);
        let found = self.programs.iter().filter_map(|program| find(program, &[]));
        chosen.into_iter().chain(found).find(|path| {
            output(Command::new(path).arg("--version"))
                .is_some_and(|text| text.contains(self.signature) && text.contains('.'))
        })
    }
}

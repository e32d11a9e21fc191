//! Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends
//! the program at once. And limits of time, which end in order, too.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::error::{EXIT_INTERRUPTED, Error};

static STOP: AtomicBool = AtomicBool::new(false);

/// From now on signals are noted.
pub(crate) fn catch_signals() -> Result<(), Error> {
    let caught = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(i32::from(EXIT_INTERRUPTED));
        }
    });
    caught.map_err(|error| Error::Io {
        doing: "waiting for signals".to_owned(),
        error: std::io::Error::other(error),
    })
}

/// Has everything under way stop.
pub(crate) fn stop() {
    STOP.store(true, Ordering::Relaxed);
}

/// Whether somebody asked for an end.
pub(crate) fn is_stopped() -> bool {
    STOP.load(Ordering::Relaxed)
}

/// When whoever waits has waited long enough; without one, never.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Limit(Option<Instant>);

#[expect(clippy::disallowed_methods, reason = "a limit for people: no run sees it")]
impl Limit {
    /// So many seconds from now.
    pub(crate) fn of(seconds: Option<u64>) -> Self {
        Self(seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds)))
    }

    pub(crate) fn is_past(self) -> bool {
        self.0.is_some_and(|end| Instant::now() >= end)
    }
}

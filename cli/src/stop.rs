//! Ctrl-C and SIGTERM: the first asks for an orderly end, the second ends
//! the program at once.

use std::sync::atomic::{AtomicBool, Ordering};

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

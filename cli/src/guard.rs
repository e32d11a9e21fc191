//! The boundary at which broken invariants of the model are caught.
//!
//! Release builds abort on panic, so nothing can be unwound: the panic
//! hook itself prints the message and the link of the run under way and
//! ends the process with the exit code that scripts know.

use std::cell::RefCell;
use std::panic::PanicHookInfo;
use std::process::exit;
use std::rc::Rc;

use crate::error::{EXIT_BROKEN, broken_text, tell};

thread_local! {
    /// What makes the link of the run under way on this thread.
    static RUNNING: RefCell<Option<Rc<dyn Fn() -> String>>> = const { RefCell::new(None) };
}

/// Installs the hook.
pub(crate) fn install() {
    std::panic::set_hook(Box::new(|info| {
        // Not `borrow`: whoever panics may be changing it.
        let link = RUNNING.with(|link| link.try_borrow().ok().and_then(|link| link.clone()));
        let message = message(info);
        match link {
            Some(link) => tell(&broken_text(&message, &link())),
            None => tell(&format!("the program broke an invariant: {message}")),
        }
        exit(i32::from(EXIT_BROKEN));
    }));
}

fn message(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let said = text.unwrap_or("no message");
    match info.location() {
        Some(place) => format!("{said} ({}:{})", place.file(), place.line()),
        None => said.to_owned(),
    }
}

/// Says which run is under way, until dropped.
pub(crate) struct Running;

impl Running {
    pub(crate) fn begin(link: String) -> Self {
        Self::begin_with(move || link.clone())
    }

    /// As [`begin`](Self::begin), for those who run so often that making
    /// links nobody reads would take time.
    pub(crate) fn begin_with(link: impl Fn() -> String + 'static) -> Self {
        set(Some(Rc::new(link)));
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        set(None);
    }
}

fn set(link: Option<Rc<dyn Fn() -> String>>) {
    RUNNING.with(|running| *running.borrow_mut() = link);
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Not a test of its own: what the one below runs in a process that
    /// may end.
    #[test]
    #[ignore = "ends the process"]
    fn breaks_an_invariant() {
        install();
        let _running = Running::begin("#/v1/run?scenario=x".to_owned());
        panic!("invariant: pages are conserved");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the test starts itself again")]
    fn broken_invariant_ends_with_70_and_the_link() {
        let me = std::env::current_exe().expect("the test's own path");
        let name = "guard::tests::breaks_an_invariant";
        let output = Command::new(me)
            .args(["--ignored", "--exact", "--nocapture", name])
            .output()
            .expect("the test starts");
        assert_eq!(output.status.code(), Some(70));
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("invariant: pages are conserved"), "{told}");
        assert!(told.contains("reproduces it: #/v1/run?scenario=x"), "{told}");
    }
}

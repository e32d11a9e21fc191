//! One step of a chore: says what it does and how long it takes, is skipped when it is done
//! already, and when it fails names itself and the remedy.
//!
//! Leaves out what steps there are: each chore lists its own.

use std::fmt;
use std::time::Instant;

/// A failed step: what was tried, what went wrong, what to do about it.
#[derive(Eq, PartialEq, Debug)]
pub(crate) struct Failure {
    pub(crate) step: String,
    pub(crate) cause: String,
    pub(crate) remedy: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Failed: {}\n  cause:  {}", self.step, indented(&self.cause))?;
        write!(out, "\n  remedy: {}", indented(&self.remedy))
    }
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n          ")
}

/// A step before it runs.
pub(crate) struct Step<'a> {
    /// What it does, as an imperative: "Install Trunk 0.21.14".
    pub(crate) name: &'a str,
    /// About how long it takes: "ten minutes". Empty for a moment.
    pub(crate) cost: &'a str,
    /// What to do when it fails.
    pub(crate) remedy: &'a str,
}

impl Step<'_> {
    /// Does `action`, unless `done` says that nothing is left to do.
    pub(crate) fn run_unless(
        &self,
        done: impl FnOnce() -> bool,
        action: impl FnOnce() -> Result<(), String>,
    ) -> Result<(), Failure> {
        if done() {
            println!("· {}: already there", self.name);
            return Ok(());
        }
        self.run(action)
    }

    /// Does `action` and hands on what it made.
    pub(crate) fn run<T>(&self, action: impl FnOnce() -> Result<T, String>) -> Result<T, Failure> {
        if self.cost.is_empty() {
            println!("▸ {}", self.name);
        } else {
            println!("▸ {} (about {})", self.name, self.cost);
        }
        let start = Instant::now();
        let outcome = action();
        let seconds = start.elapsed().as_secs();
        if seconds >= 5 && outcome.is_ok() {
            println!("  done in {}", duration(seconds));
        }
        outcome.map_err(|cause| Failure {
            step: self.name.to_owned(),
            cause,
            remedy: self.remedy.to_owned(),
        })
    }
}

/// Seconds as a person would say them.
pub(crate) fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        _ => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: Step<'_> = Step { name: "Fetch the moon", cost: "", remedy: "buy a ladder" };

    #[test]
    fn failing_step_names_itself_and_the_remedy() {
        let failure = STEP.run(|| Err::<(), _>("too far\naway".to_owned())).expect_err("fails");
        assert_eq!(
            failure.to_string(),
            "Failed: Fetch the moon\n  cause:  too far\n          away\n  remedy: buy a ladder"
        );
    }

    #[test]
    fn finished_step_is_skipped() {
        assert_eq!(STEP.run_unless(|| true, || Err("ran".to_owned())), Ok(()));
        let failure =
            STEP.run_unless(|| false, || Err("ran".to_owned())).expect_err("not finished");
        assert_eq!(failure.cause, "ran");
    }

    #[test]
    fn durations_read_naturally() {
        assert_eq!([duration(0), duration(59), duration(61)], ["0 s", "59 s", "1 min 01 s"]);
    }
}

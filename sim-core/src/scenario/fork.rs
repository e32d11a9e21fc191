//! Forks: choices that part a run from itself. A forked run is made anew
//! from 0 and is the run without it, to the bit, up to where the choice
//! is made.
//!
//! A fork is written `TIME[/RECORD]:CHOICE`, such as
//! `1132.096ms:policy=block-always` or `1132.096ms/812:end=gpu0`. It
//! happens before the first event that is not earlier than the time and
//! that so many records precede. Names stand for choices and never
//! numbers of them, so that a fork means the same in every version.

use std::fmt;
use std::str::FromStr;

use super::units::{format_ms, format_time, parse_time};
use crate::base::{Nanos, SimTime};
use crate::policy;

/// Bytes of the longest name of a task.
const NAME_SIZE_MAX: usize = 64;
/// What follows the time, for complaints.
const CHOICES: &str = "policy=ID, kill=TASK, end=TASK, delay=TASK+TIME, reseed=NUMBER, reseed=NUMBER/SHARE, ties=NUMBER or \
     preempt=CPU+TIME";

/// Where a run is parted from itself, and by what.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Fork {
    /// Not before this instant,
    pub at: SimTime,
    /// nor before there were so many records.
    pub record: u64,
    /// What happens there.
    pub choice: ForkChoice,
}

/// What a fork changes.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum ForkChoice {
    /// Another notifier policy.
    Policy(String),
    /// SIGKILL to a process.
    Kill(String),
    /// What a task or device does or waits for ends now.
    End(String),
    /// It ends so much later.
    Delay(String, Nanos),
    /// Random numbers that are drawn later are others.
    Reseed {
        /// Which others.
        salt: u64,
        /// Each stream takes part with a chance of (`share` + 1) / 256; 255 means all.
        share: u8,
    },
    /// Simultaneous events come in an order that is drawn, from now on.
    Ties {
        /// Which order.
        salt: u64,
    },
    /// What runs on a CPU goes on so much later: something from outside has it meanwhile.
    Preempt {
        /// Which, from 0.
        cpu: u32,
        /// For how long.
        by: Nanos,
    },
}

impl Fork {
    /// Other random numbers from an instant on.
    pub fn reseed(at: SimTime, salt: u64, share: u8) -> Self {
        Self { at, record: 0, choice: ForkChoice::Reseed { salt, share } }
    }

    /// Whether it can always be made, also where it changes nothing.
    pub fn is_of_chance(&self) -> bool {
        use ForkChoice::{Preempt, Reseed, Ties};
        matches!(self.choice, Reseed { .. } | Ties { .. } | Preempt { .. })
    }

    /// The policy that it brings.
    pub fn policy(&self) -> Option<&str> {
        match &self.choice {
            ForkChoice::Policy(id) => Some(id),
            _ => None,
        }
    }

    /// Whether it moves the end of a wait.
    pub fn shifts(&self) -> bool {
        matches!(self.choice, ForkChoice::End(_) | ForkChoice::Delay(..))
    }
}

impl ForkChoice {
    /// In words, as an order.
    pub fn text(&self) -> String {
        match self {
            Self::Policy(id) => format!("policy {id}"),
            Self::Kill(task) => format!("kill {task}"),
            Self::End(task) => format!("end what {task} waits for"),
            Self::Delay(task, by) => format!("delay what {task} waits for by {}", format_time(*by)),
            Self::Reseed { salt, share: u8::MAX } => format!("other chances ({salt})"),
            Self::Reseed { salt, .. } => format!("some other chances ({salt})"),
            Self::Ties { salt } => format!("another order of simultaneous events ({salt})"),
            Self::Preempt { cpu, by } => {
                format!("preempt what runs on CPU {cpu} for {}", format_time(*by))
            }
        }
    }
}

impl fmt::Display for ForkChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(id) => write!(f, "policy={id}"),
            Self::Kill(task) => write!(f, "kill={task}"),
            Self::End(task) => write!(f, "end={task}"),
            Self::Delay(task, by) => write!(f, "delay={task}+{}", format_time(*by)),
            Self::Reseed { salt, share: u8::MAX } => write!(f, "reseed={salt}"),
            Self::Reseed { salt, share } => write!(f, "reseed={salt}/{share}"),
            Self::Ties { salt } => write!(f, "ties={salt}"),
            Self::Preempt { cpu, by } => write!(f, "preempt={cpu}+{}", format_time(*by)),
        }
    }
}

impl fmt::Display for Fork {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_ms(Nanos(self.at.0)))?;
        if self.record > 0 {
            write!(f, "/{}", self.record)?;
        }
        write!(f, ":{}", self.choice)
    }
}

impl FromStr for Fork {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form =
            || format!("expected TIME:CHOICE, such as 1132.096ms:policy=block-always ({CHOICES})");
        let (place, choice) = text.trim().split_once(':').ok_or_else(form)?;
        let (time, record) = match place.split_once('/') {
            Some((time, record)) => (time, number(record, "the count of records behind the /")?),
            None => (place, 0),
        };
        let at = parse_time(time).map_err(|error| error.to_string())?;
        Ok(Self { at: SimTime(at.0), record, choice: choice.parse()? })
    }
}

impl FromStr for ForkChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("`{text}` is no choice: expected {CHOICES}");
        let (kind, what) = text.split_once('=').ok_or_else(expected)?;
        Ok(match kind {
            "policy" => Self::Policy(known_policy(what)?),
            "kill" => Self::Kill(name(what)?),
            "end" => Self::End(name(what)?),
            "delay" => {
                let (task, by) =
                    what.rsplit_once('+').ok_or("expected delay=TASK+TIME, such as gpu0+50ms")?;
                Self::Delay(name(task)?, parse_time(by).map_err(|error| error.to_string())?)
            }
            "reseed" => {
                let (salt, share) = what.split_once('/').unwrap_or((what, "255"));
                let share = share.parse().map_err(|_| "expected a share from 0 to 255")?;
                Self::Reseed { salt: number(salt, "reseed")?, share }
            }
            "ties" => Self::Ties { salt: number(what, "ties")? },
            "preempt" => {
                let form = "expected preempt=CPU+TIME, such as preempt=0+2ms";
                let (cpu, by) = what.split_once('+').ok_or(form)?;
                let cpu = cpu.parse().map_err(|_| form)?;
                Self::Preempt { cpu, by: parse_time(by).map_err(|error| error.to_string())? }
            }
            _ => return Err(expected()),
        })
    }
}

fn number(text: &str, what: &str) -> Result<u64, String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or_else(|| format!("expected a whole number for {what}"))
}

fn name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > NAME_SIZE_MAX || text.chars().any(char::is_control) {
        return Err(format!("expected a task's name, 1 to {NAME_SIZE_MAX} bytes, all printable"));
    }
    Ok(text.to_owned())
}

fn known_policy(id: &str) -> Result<String, String> {
    match policy::find(id) {
        Some(policy) => Ok(policy.id().to_owned()),
        None => Err(super::run::unknown("notifier policy", id, &super::names::policies())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forks_are_spelled_as_they_are_read() {
        for text in [
            "1132.096ms:policy=block-always",
            "0ms:reseed=7",
            "0.000001ms/1:reseed=18446744073709551615/31",
            "4314.4ms/812:kill=hog",
            "5ms:end=gpu0/worker",
            "5ms:delay=gpu0+50ms",
            "0ms:ties=7",
            "5ms:preempt=1+1.5ms",
        ] {
            let fork: Fork = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(fork.to_string(), text);
        }
        let fork: Fork = "1.5s:kill=a+b".parse().expect("other units are read, too");
        assert_eq!(fork.to_string(), "1500ms:kill=a+b");
    }

    #[test]
    fn what_is_no_fork_is_explained() {
        for (text, expected) in [
            ("", "expected TIME:CHOICE"),
            ("5:kill=hog", "a number and a unit"),
            ("5ms/x:kill=hog", "a whole number for the count of records"),
            ("5ms:kill", "`kill` is no choice"),
            ("5ms:kil=hog", "`kil=hog` is no choice"),
            ("5ms:policy=block", "no notifier policy `block`"),
            ("5ms:delay=gpu0", "expected delay=TASK+TIME"),
            ("5ms:delay=gpu0+5", "a number and a unit"),
            ("5ms:reseed=1/256", "from 0 to 255"),
            ("5ms:ties=x", "a whole number for ties"),
            ("5ms:preempt=1", "expected preempt=CPU+TIME"),
            ("5ms:preempt=x+1ms", "expected preempt=CPU+TIME"),
            ("5ms:kill=", "1 to 64 bytes"),
        ] {
            let error = text.parse::<Fork>().expect_err(text);
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(text in "\\PC{0,40}") {
            let _ = text.parse::<Fork>();
        }
    }
}

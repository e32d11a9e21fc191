//! What a run beside the first one has other than that, as a link says it:
//! `kernel:4.9`. Leaves out forks, which part a run at an instant.

use std::fmt;

use super::Link;
use crate::scenario::names::{CHECKERS, POLICIES, PROFILES};
use crate::scenario::suggestion;

/// The one choice in which a run differs from the first.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum Other {
    /// Another notifier policy.
    Policy(String),
    /// Another kernel profile, with its own policy if none was chosen for all.
    Kernel(String),
    /// This checker and no other: the run is the same, and what is reported may not be.
    Check(String),
}

impl Other {
    /// What is chosen otherwise: `policy`, `kernel` or `check`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Policy(_) => "policy",
            Self::Kernel(_) => "kernel",
            Self::Check(_) => "check",
        }
    }

    /// What is chosen instead.
    pub fn id(&self) -> &str {
        match self {
            Self::Policy(id) | Self::Kernel(id) | Self::Check(id) => id,
        }
    }

    /// The policy, if it is one.
    pub fn policy(&self) -> Option<&str> {
        match self {
            Self::Policy(id) => Some(id),
            Self::Kernel(_) | Self::Check(_) => None,
        }
    }

    /// The kernel, if it is one.
    pub fn kernel(&self) -> Option<&str> {
        match self {
            Self::Kernel(id) => Some(id),
            Self::Policy(_) | Self::Check(_) => None,
        }
    }

    /// Reads `kernel:4.9`; fails, in words, on what there is not.
    pub fn parse(text: &str) -> Result<Self, String> {
        type Make = fn(String) -> Other;
        let (kind, id) = text.split_once(':').unwrap_or((text, ""));
        let (make, known): (Make, &[&str]) = match kind {
            "policy" => (Self::Policy, &POLICIES),
            "kernel" => (Self::Kernel, &PROFILES),
            "check" => (Self::Check, &CHECKERS),
            _ => return Err("expected policy:, kernel: or check: and an id".to_owned()),
        };
        if known.contains(&id) {
            return Ok(make(id.to_owned()));
        }
        let shown: String = id.chars().take(64).collect();
        Err(format!("unknown {kind} `{shown}`: {}", suggestion(&shown, known)))
    }

    /// The first run's link with this instead.
    #[must_use]
    pub fn of(&self, first: &Link) -> Link {
        let mut link = first.clone();
        let id = self.id().to_owned();
        match self {
            Self::Policy(_) => link.policies = vec![id],
            Self::Kernel(_) => link.kernel = Some(id),
            Self::Check(_) => link.checks = vec![id],
        }
        link
    }
}

impl fmt::Display for Other {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind(), self.id())
    }
}

//! An outcome as a line of text, for another thread of the same program:
//! the page has many runs made by workers, which share no memory with it.
//! Leaves out files, which have a form that lasts (`sweep` of the command
//! line).

use std::str::{FromStr, Split};

use super::{Danger, Outcome};
use crate::analysis::{FLAGS, Said, Verdict};

/// Between fields; no name holds one.
const BETWEEN: char = '\t';
/// A thing that never happened.
const NEVER: &str = "-";

/// Why a line is no outcome.
#[derive(Clone, Eq, PartialEq, Debug, thiserror::Error)]
pub enum LineError {
    /// It ends too early.
    #[error("the line ends before its {0}")]
    Short(&'static str),
    /// A field holds something else.
    #[error("{1:?} is no {0}")]
    Unknown(&'static str, String),
}

impl Outcome {
    /// The line, without its end.
    pub fn to_line(&self) -> String {
        let optional = |number: Option<u64>| number.map_or(NEVER.to_owned(), |it| it.to_string());
        let said = match self.said {
            None => NEVER,
            Some(Said::Reaped) => "reaped",
            Some(Said::UnableToReap) => "unable",
        };
        let lockdep = match self.lockdep {
            None => NEVER,
            Some(true) => "warned",
            Some(false) => "silent",
        };
        let fields = [
            self.kernel.clone(),
            self.policy.clone(),
            self.seed.to_string(),
            self.digest.to_string(),
            self.verdict.id().to_owned(),
            self.flags.join(","),
            self.victims.to_string(),
            self.reaped_pages.to_string(),
            self.freed_by_reaper.to_string(),
            self.freed_pages.to_string(),
            self.attempts.to_string(),
            self.refusals.to_string(),
            said.to_owned(),
            optional(self.next_victim_after),
            optional(self.recovery),
            optional(self.longest_wait.as_ref().map(|wait| wait.1)),
            self.longest_wait.as_ref().map_or_else(String::new, |wait| wait.0.clone()),
            self.danger.id().to_owned(),
            lockdep.to_owned(),
        ];
        fields.join("\t")
    }

    /// The outcome that a line tells.
    pub fn from_line(line: &str) -> Result<Self, LineError> {
        let mut fields = line.split(BETWEEN);
        let fields = &mut fields;
        Ok(Self {
            kernel: field(fields, "kernel")?.to_owned(),
            policy: field(fields, "policy")?.to_owned(),
            seed: parsed(fields, "seed")?,
            digest: parsed(fields, "digest")?,
            verdict: named(fields, "verdict", &Verdict::ALL, Verdict::id)?,
            flags: flags(field(fields, "flags")?)?,
            victims: parsed(fields, "count of victims")?,
            reaped_pages: parsed(fields, "count of pages")?,
            freed_by_reaper: parsed(fields, "count of pages")?,
            freed_pages: parsed(fields, "count of pages")?,
            attempts: parsed(fields, "count of attempts")?,
            refusals: parsed(fields, "count of refusals")?,
            said: match field(fields, "word of the log")? {
                NEVER => None,
                "reaped" => Some(Said::Reaped),
                "unable" => Some(Said::UnableToReap),
                other => return Err(LineError::Unknown("word of the log", other.to_owned())),
            },
            next_victim_after: optional(fields, "time")?,
            recovery: optional(fields, "time")?,
            longest_wait: {
                let lasted = optional(fields, "time")?;
                let who = field(fields, "name of who waited")?;
                lasted.map(|lasted| (who.to_owned(), lasted))
            },
            danger: named(fields, "danger", &Danger::ALL, Danger::id)?,
            lockdep: match field(fields, "word of lockdep")? {
                NEVER => None,
                "warned" => Some(true),
                "silent" => Some(false),
                other => return Err(LineError::Unknown("word of lockdep", other.to_owned())),
            },
        })
    }
}

fn field<'a>(fields: &mut Split<'a, char>, what: &'static str) -> Result<&'a str, LineError> {
    fields.next().ok_or(LineError::Short(what))
}

fn parsed<T: FromStr>(fields: &mut Split<'_, char>, what: &'static str) -> Result<T, LineError> {
    let text = field(fields, what)?;
    text.parse().map_err(|_| LineError::Unknown(what, text.to_owned()))
}

fn optional(fields: &mut Split<'_, char>, what: &'static str) -> Result<Option<u64>, LineError> {
    match field(fields, what)? {
        NEVER => Ok(None),
        text => {
            let number = text.parse().map_err(|_| LineError::Unknown(what, text.to_owned()))?;
            Ok(Some(number))
        }
    }
}

fn named<T: Copy>(
    fields: &mut Split<'_, char>,
    what: &'static str,
    all: &[T],
    id: fn(T) -> &'static str,
) -> Result<T, LineError> {
    let text = field(fields, what)?;
    let found = all.iter().copied().find(|one| id(*one) == text);
    found.ok_or_else(|| LineError::Unknown(what, text.to_owned()))
}

fn flags(text: &str) -> Result<Vec<&'static str>, LineError> {
    let words = text.split(',').filter(|word| !word.is_empty());
    let known = |word: &str| {
        let found = FLAGS.into_iter().find(|flag| *flag == word);
        found.ok_or_else(|| LineError::Unknown("flag", word.to_owned()))
    };
    words.map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome() -> Outcome {
        Outcome {
            kernel: "6.1".to_owned(),
            policy: "nonblock".to_owned(),
            seed: (1 << 53) - 1,
            digest: "0123456789abcdef0123456789abcdef".parse().expect("it is one"),
            verdict: Verdict::ExtraVictims,
            flags: vec!["lockdep", "hung-task"],
            victims: 2,
            reaped_pages: 3,
            freed_by_reaper: 4,
            freed_pages: u64::MAX,
            attempts: 6,
            refusals: 7,
            said: Some(Said::UnableToReap),
            next_victim_after: None,
            recovery: Some(8),
            longest_wait: Some(("presser/2".to_owned(), 9)),
            danger: Danger::Closed,
            lockdep: Some(false),
        }
    }

    #[test]
    fn lines_are_read_back() {
        let one = outcome();
        let other = Outcome {
            flags: Vec::new(),
            said: None,
            next_victim_after: Some(1),
            recovery: None,
            longest_wait: None,
            lockdep: None,
            ..outcome()
        };
        for outcome in [one, other] {
            assert_eq!(Outcome::from_line(&outcome.to_line()), Ok(outcome));
        }
    }

    #[test]
    fn a_line_that_is_none_says_where() {
        let line = outcome().to_line();
        let short: Vec<&str> = line.split(BETWEEN).take(4).collect();
        let error = Outcome::from_line(&short.join("\t"));
        assert_eq!(error, Err(LineError::Short("verdict")));
        let wrong = line.replace("hung-task", "hang");
        let error = Outcome::from_line(&wrong);
        assert_eq!(error, Err(LineError::Unknown("flag", "hang".to_owned())));
    }
}

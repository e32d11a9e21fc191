//! A link of version 1 taken apart: its keys, each once or repeated, and what is wrong with them.
//! What a value means is in [`values`](super::values).

use super::values::{damaged, name, note, number, parse_fork, unpack};
use super::{
    BRANCH_MARK, BRANCHES_MAX, FORKS_MAX, KEYS, KEYS_OF_RUN, NOTES_MAX, SETS_MAX, WRONG_MAX,
};
use crate::scenario::Fork;
use crate::share::{Branch, LinkError, Note, ScenarioRef};

/// What has to be read of a link; without all else it opens.
#[derive(Copy, Clone, Eq, PartialEq)]
pub(in crate::share) enum Demand {
    /// All that says what runs.
    Run,
    /// The scenario: a newer version wrote it, and may have more to say.
    Scenario,
}

/// What stands behind keys that may come more than once.
#[derive(Default)]
pub(super) struct Repeated {
    /// Whether a fork could not be read: those behind it count it.
    lacks_fork: bool,
    pub(super) sets: Vec<(String, String)>,
    pub(super) forks: Vec<Fork>,
    pub(super) branches: Vec<Branch>,
    pub(super) notes: Vec<Note>,
}

impl Repeated {
    /// Takes a value in, if its key is one of these.
    pub(super) fn take(&mut self, key: &'static str, value: &str) -> Result<bool, LinkError> {
        let room = |full: bool, most: usize| {
            let told = || damaged(key, format!("there are more than {most}"));
            if full { Err(told()) } else { Ok(()) }
        };
        match key {
            "set" => {
                let Some((path, value)) = value.split_once('=') else {
                    return Err(damaged(key, "an override has the form path=value"));
                };
                room(self.sets.len() == SETS_MAX, SETS_MAX)?;
                self.sets.push((path.to_owned(), value.to_owned()));
            }
            "fork" if self.lacks_fork => {
                return Err(damaged(key, "one before it could not be read"));
            }
            "fork" => {
                let taken = self.take_fork(key, value);
                self.lacks_fork = taken.is_err();
                taken?;
            }
            "note" => {
                room(self.notes.len() == NOTES_MAX, NOTES_MAX)?;
                self.notes.push(note(value)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn take_fork(&mut self, key: &'static str, value: &str) -> Result<(), LinkError> {
        match value.split_once(BRANCH_MARK) {
            Some(_) if self.branches.len() == BRANCHES_MAX => {
                Err(damaged(key, format!("there are more than {BRANCHES_MAX}")))
            }
            Some((parent, fork)) => {
                let parent = number(key, parent, self.branches.len() as u64)?;
                let parent = usize::try_from(parent).unwrap_or(0);
                self.branches.push(Branch { parent, fork: parse_fork(fork)? });
                Ok(())
            }
            None if self.forks.len() == FORKS_MAX => {
                Err(damaged(key, format!("there are more than {FORKS_MAX}")))
            }
            None => {
                self.forks.push(parse_fork(value)?);
                Ok(())
            }
        }
    }
}

/// What was read of a link's parts, and what is wrong with them.
pub(super) struct Parts {
    demand: Demand,
    pub(super) values: [Option<String>; KEYS.len()],
    pub(super) wrong: Vec<LinkError>,
    /// How many errors there are beside those.
    pub(super) more: usize,
    /// Whether `scenario` or `z` is there and cannot be read.
    lacks_scenario: bool,
    /// Whether something is wrong that the link cannot do without.
    pub(super) fails: bool,
}

impl Parts {
    pub(super) fn new(demand: Demand) -> Self {
        Self {
            demand,
            values: Default::default(),
            wrong: Vec::new(),
            more: 0,
            lacks_scenario: false,
            fails: false,
        }
    }

    pub(super) fn tell(&mut self, error: impl FnOnce() -> LinkError) {
        if self.wrong.len() < WRONG_MAX {
            self.wrong.push(error());
        } else {
            self.more += 1;
        }
    }

    /// The value; or what is wrong with the part, which stands there as `text`, is kept.
    pub(super) fn weigh<T>(
        &mut self,
        key: &str,
        text: &str,
        read: Result<T, LinkError>,
    ) -> Option<T> {
        let of_run = KEYS[..KEYS_OF_RUN].contains(&key);
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.fails |= of_run && self.demand == Demand::Run;
                self.lacks_scenario |= KEYS[..2].contains(&key);
                self.tell(|| error.of(text));
                None
            }
        }
    }

    fn take(&mut self, key: &str) -> Option<String> {
        let index = KEYS.iter().position(|known| *known == key)?;
        self.values[index].take()
    }

    /// The value of a part, if it is there and the link can do without what is wrong with it.
    pub(super) fn read<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'static str, &str) -> Result<T, LinkError>,
    ) -> Option<T> {
        let text = self.take(key)?;
        self.weigh(key, &text, read(key, &text))
    }

    /// Where the scenario is; that is always on demand.
    pub(super) fn scenario(&mut self) -> Option<ScenarioRef> {
        let there = match (self.take("scenario"), self.take("z")) {
            (Some(id), None) => {
                let read = name("scenario", id.clone()).map(ScenarioRef::ById);
                return self.weigh("scenario", &id, read);
            }
            (None, Some(packed)) => {
                let read = unpack(&packed).map(ScenarioRef::Inline);
                return self.weigh("z", &packed, read);
            }
            // It is, and cannot be read.
            (None, None) if self.lacks_scenario => return None,
            (None, None) => "neither",
            (Some(_), Some(_)) => "both",
        };
        self.tell(|| LinkError::Scenario(there));
        None
    }
}

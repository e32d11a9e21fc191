//! Links: a whole run, or a comparison of policies, in the fragment of
//! an address, such as
//! `#/v1/run?scenario=gpu-fence-overlap&seed=42&policy=nonblock,interval`.
//!
//! Each version of the form has a module of its own that never changes
//! once links of it are in the world; older versions are brought up to
//! date one step at a time. A link says what to run: running it, and
//! comparing digests, is left to the reader.

mod marks;
mod other;
mod saved;
mod v1;

pub use marks::{equal_until, parting_text};
pub use other::Other;
pub use saved::saved_link;

use self::v1::Demand;
use crate::base::{Digest, Nanos};
use crate::scenario::{Fork, TEXT_SIZE_MAX};

/// Bytes of the longest link that is read: whatever text of a scenario is read fits in,
/// also one that packing makes no smaller.
pub const LINK_SIZE_MAX: usize = 2 * TEXT_SIZE_MAX;
/// Characters that a link to a run of the gallery, with its view, is to fit in.
pub const LINK_SIZE_GOAL: usize = 200;
/// The largest seed: what JavaScript's numbers hold exactly.
pub const SEED_MAX: u64 = (1 << 53) - 1;

/// The seed of a link that names none, as of a run that is told none.
pub const SEED_DEFAULT: u64 = 1;
/// The version that [`encode`] writes.
const VERSION: u32 = 1;
/// Letters of a damaged value that are shown.
const SHOWN_MAX: usize = 40;
/// Damaged parts that are told; there may be as many as fit into a link.
const PROBLEMS_MAX: usize = 12;
/// Digits of a newer version that are told.
const VERSION_DIGITS_MAX: usize = 20;

/// What a link says.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Link {
    /// The scenario.
    pub scenario: ScenarioRef,
    /// 0 to [`SEED_MAX`].
    pub seed: u64,
    /// Kernel profile; `None`: the scenario's.
    pub kernel: Option<String>,
    /// Policies to compare; empty: the scenario's or the profile's own.
    pub policies: Vec<String>,
    /// What else the first run is compared with.
    pub compared: Vec<Other>,
    /// Checkers to run.
    pub checks: Vec<String>,
    /// Overrides `(path, value)`, in order.
    pub sets: Vec<(String, String)>,
    /// Forks that every run has.
    pub forks: Vec<Fork>,
    /// Forks that are runs beside the first one, at most 15.
    pub branches: Vec<Branch>,
    /// Version of the model that the digests are from.
    pub model: Option<u32>,
    /// Digests that were seen: none, or one per run ([`Link::runs`]).
    pub digests: Vec<Digest>,
    /// Marks of these runs ([`Run::marks`](crate::record::Run::marks)), in
    /// their order: tell where a run that came out otherwise parts. May be empty.
    pub marks: Vec<Vec<u32>>,
    /// Instant to show, since the run's start.
    pub t: Option<Nanos>,
    /// How many records of that instant have happened; all of them, if it says nothing.
    pub nth: Option<u64>,
    /// Name of the lane to show.
    pub focus: Option<String>,
    /// The part of the run to show: from, to.
    pub view: Option<(Nanos, Nanos)>,
    /// The selected part of the run: from, to.
    pub range: Option<(Nanos, Nanos)>,
    /// What events are filtered by, in the page's words: `kind:reaping,task:hog`.
    pub filter: Option<String>,
    /// How the lanes stand.
    pub lanes: Lanes,
    /// What the sender wrote beside the run.
    pub notes: Vec<Note>,
    /// The lesson to show beside it and its step from 1: `mmap-lock.3`.
    pub lesson: Option<String>,
    /// Whether to show the timeline alone, as part of another page.
    pub embed: bool,
}

/// A run that was forked off another one.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Branch {
    /// Off which: 0 is the first run, others are branches, numbered from 1.
    /// Smaller than its own number.
    pub parent: usize,
    /// Where, and by what.
    pub fork: Fork,
}

impl Link {
    /// The forks of a branch's run, its ancestors' first; 0 is the first run.
    pub fn path(&self, branch: usize) -> Vec<Fork> {
        let mut path = Vec::new();
        let mut at = branch;
        while let Some(branch) = at.checked_sub(1).and_then(|index| self.branches.get(index)) {
            path.push(branch.fork.clone());
            // Smaller, in whatever was read or checked; else it ends here.
            at = if branch.parent < at { branch.parent } else { 0 };
        }
        path.extend(self.forks.iter().rev().cloned());
        path.reverse();
        path
    }

    /// The runs that it is about, each alone, with the digest that was seen: policies, what else
    /// is compared, and what was forked off the first run, in this order.
    pub fn runs(&self) -> Vec<Self> {
        let alone = Self {
            policies: self.policies.first().cloned().into_iter().collect(),
            compared: Vec::new(),
            branches: Vec::new(),
            digests: Vec::new(),
            marks: Vec::new(),
            ..self.clone()
        };
        let policies = self.policies.iter().skip(1).cloned().map(Other::Policy);
        let others: Vec<Other> = policies.chain(self.compared.iter().cloned()).collect();
        let others = others.iter().map(|other| other.of(&alone));
        let branches = (1..=self.branches.len())
            .map(|branch| Self { forks: self.path(branch), ..alone.clone() });
        let mut runs: Vec<Self> =
            [alone.clone()].into_iter().chain(others).chain(branches).collect();
        for (place, run) in runs.iter_mut().enumerate() {
            run.digests.extend(self.digests.get(place));
            run.marks.extend(self.marks.get(place).cloned());
        }
        runs
    }

    /// How many runs it is about.
    pub fn run_count(&self) -> usize {
        self.policies.len().max(1) + self.compared.len() + self.branches.len()
    }
}

/// How the lanes of the timeline stand, by their names. What isn't told is as the page opens; a name
/// that no lane of the run has says nothing.
#[derive(Clone, Default, Eq, PartialEq, Debug)]
pub struct Lanes {
    /// Those on top.
    pub pinned: Vec<String>,
    /// Those that don't show.
    pub hidden: Vec<String>,
    /// Groups of which only the name shows, in the page's words: `tasks`, `cpus`; `None`: those that
    /// open so.
    pub folded: Option<Vec<String>>,
    /// Those that come first in their group, in their order; the others follow in theirs.
    pub order: Vec<String>,
}

/// A note on a moment or on a stretch of a run.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Note {
    /// When, or from when.
    pub at: Nanos,
    /// Until when, if it is about a stretch.
    pub until: Option<Nanos>,
    /// At most 200 bytes, no control characters.
    pub text: String,
}

/// Where a link's scenario is.
#[derive(Clone, Eq, PartialEq, Debug)]
pub enum ScenarioRef {
    /// In the gallery, under this id.
    ById(String),
    /// In the link: the text of a scenario file, at most [`TEXT_SIZE_MAX`].
    Inline(String),
}

impl Link {
    /// A link to a scenario of the gallery with nothing else set.
    pub fn to(id: &str) -> Self {
        Self {
            scenario: ScenarioRef::ById(id.to_owned()),
            seed: SEED_DEFAULT,
            kernel: None,
            policies: Vec::new(),
            compared: Vec::new(),
            checks: Vec::new(),
            sets: Vec::new(),
            forks: Vec::new(),
            branches: Vec::new(),
            model: None,
            digests: Vec::new(),
            marks: Vec::new(),
            t: None,
            nth: None,
            focus: None,
            view: None,
            range: None,
            notes: Vec::new(),
            filter: None,
            lanes: Lanes::default(),
            lesson: None,
            embed: false,
        }
    }

    /// The same with marks, unless it is short only without: they help only when
    /// something went wrong. One that is long anyway takes them along.
    #[must_use]
    pub fn with_marks(self, marks: Vec<Vec<u32>>) -> Self {
        let marked = Self { marks, ..self.clone() };
        let length = encode(&marked).len();
        let is_long = encode(&self).len() > LINK_SIZE_GOAL && length <= LINK_SIZE_MAX;
        if is_long || length <= LINK_SIZE_GOAL { marked } else { self }
    }
}

/// Why a text is no link. The messages are for whoever was sent it.
#[derive(Clone, Eq, PartialEq, Debug, thiserror::Error)]
pub enum LinkError {
    /// The text is longer than [`LINK_SIZE_MAX`]; its size in bytes.
    #[error(
        "this link has {0} bytes, more than the {LINK_SIZE_MAX} that are read: send the scenario as a file"
    )]
    TooLong(usize),
    /// There is no fragment of the known form.
    #[error("this is no link to a run: one has #/v1/run?… in it")]
    Form,
    /// A newer program made it; the digits of the version, 20 at most.
    #[error("this link has version {0}, newer than this program ({VERSION}): reload or update")]
    Newer(String),
    /// A key that this version doesn't have.
    #[error("this link has an unknown part `{key}`: {hint}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Keys that were perhaps meant.
        hint: String,
    },
    /// A key that may stand only once stands twice.
    #[error("this link has two parts `{0}`")]
    Twice(&'static str),
    /// So many more parts than are told apart are damaged or unknown; the last of all errors.
    #[error("{0} more parts of this link are damaged or unknown")]
    More(usize),
    /// Neither or both of `scenario` and `z`.
    #[error("this link needs either `scenario` or `z`, and has {0}")]
    Scenario(&'static str),
    /// A value makes no sense.
    #[error("the part `{key}={text}` of this link is damaged: {reason}")]
    Value {
        /// Its key.
        key: &'static str,
        /// What stands there, or how it begins.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl LinkError {
    /// The part that it is about, if it is about one.
    pub fn part(&self) -> Option<&str> {
        match self {
            Self::UnknownKey { key, .. } => Some(key),
            Self::Twice(key) | Self::Value { key, .. } => Some(key),
            Self::TooLong(_) | Self::Form | Self::Newer(_) | Self::More(_) | Self::Scenario(_) => {
                None
            }
        }
    }

    /// The same of a value that stands in the link like this.
    fn of(mut self, value: &str) -> Self {
        if let Self::Value { text, .. } = &mut self {
            let plain = |letter: char| if letter.is_control() { '\u{fffd}' } else { letter };
            text.extend(value.chars().take(SHOWN_MAX).map(plain));
            text.extend(value.chars().nth(SHOWN_MAX).map(|_| '…'));
        }
        self
    }
}

/// What is wrong with a link, a line for each of its parts; of very many only the first.
pub fn problems(errors: &[LinkError]) -> Vec<String> {
    let mut lines: Vec<String> =
        errors.iter().take(PROBLEMS_MAX).map(LinkError::to_string).collect();
    let count = |error: &LinkError| if let LinkError::More(more) = error { *more } else { 1 };
    match errors.iter().skip(PROBLEMS_MAX).map(count).sum() {
        0 => {}
        1 => lines.push("another part is damaged or unknown".to_owned()),
        more => lines.push(format!("{more} more parts are damaged or unknown")),
    }
    lines
}

/// Writes a link as a fragment, `#` included.
pub fn encode(link: &Link) -> String {
    v1::encode(link)
}

/// Reads a link: a fragment, with or without `#`, or a whole address.
///
/// # Errors
/// All that is wrong with it, in words for people. No text panics or takes
/// more than a few times [`LINK_SIZE_MAX`] of memory.
pub fn decode(text: &str) -> Result<Link, Vec<LinkError>> {
    let (link, ignored) = read(text)?;
    if ignored.is_empty() { Ok(link) } else { Err(ignored) }
}

/// Reads a link as far as it can be: with what says what runs, and what is
/// wrong with all else, which is then as if it was not there. A link of a
/// newer version is read as one of this version, as long as that tells its
/// scenario; that it is newer is then the first thing that is wrong with it.
///
/// # Errors
/// Why it does not say what to run, with all else that is wrong with it.
pub fn read(text: &str) -> Result<(Link, Vec<LinkError>), Vec<LinkError>> {
    let (version, query) = parts(text).map_err(|error| vec![error])?;
    match version.parse::<u32>() {
        Ok(0) => Err(vec![LinkError::Form]),
        Ok(VERSION) => {
            let query = query.ok_or_else(|| vec![LinkError::Form])?;
            match v1::decode(query, Demand::Run) {
                (Some(link), ignored) => Ok((link, ignored)),
                (None, wrong) => Err(wrong),
            }
        }
        _ => {
            let newer = LinkError::Newer(version.chars().take(VERSION_DIGITS_MAX).collect());
            match query.map(|query| v1::decode(query, Demand::Scenario)) {
                Some((Some(link), ignored)) => {
                    Ok((link, [newer].into_iter().chain(ignored).collect()))
                }
                _ => Err(vec![newer]),
            }
        }
    }
}

/// The digits of a link's version, and what stands behind `run?`, if that is there.
fn parts(text: &str) -> Result<(&str, Option<&str>), LinkError> {
    if text.len() > LINK_SIZE_MAX {
        return Err(LinkError::TooLong(text.len()));
    }
    let text = text.trim();
    let fragment = text.split_once('#').map_or(text, |(_, fragment)| fragment);
    let path = fragment.strip_prefix('/').ok_or(LinkError::Form)?;
    let (version, rest) = path.split_once('/').unwrap_or((path, ""));
    let digits = version.strip_prefix('v').ok_or(LinkError::Form)?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(LinkError::Form);
    }
    Ok((digits, rest.strip_prefix("run?")))
}

#[cfg(test)]
mod tests;

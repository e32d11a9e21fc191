//! What is to be run: a scenario found by id, path or link, and what was
//! chosen for it. Options that were typed win over those of a link.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use sim_core::base::{Nanos, SimTime};
use sim_core::record::Keep;
use sim_core::scenario::checked::Scenario;
use sim_core::scenario::gallery::{find, gallery};
use sim_core::scenario::{self, Diagnostic, Fork, RunOptions, TieOrder};
use sim_core::share::{Link, Other, ScenarioRef};

use crate::args::ChoiceArgs;
use crate::error::Error;
use crate::link;

/// Longest scenario file that is read, in bytes. The checker has a limit
/// of its own; this one keeps a wrong path from filling memory.
const FILE_SIZE_MAX: u64 = 4 << 20;
/// Seed of a run whose seed nobody gave.
const SEED_DEFAULT: u64 = 1;

/// A scenario and what was chosen for a run of it.
#[derive(Clone, Debug)]
pub(crate) struct Choice {
    /// Checked, overrides applied.
    pub(crate) scenario: Scenario,
    /// Its text, if it is not in the gallery.
    pub(crate) text: Option<String>,
    /// Seed.
    pub(crate) seed: u64,
    /// Kernel profile, if chosen.
    pub(crate) kernel: Option<String>,
    /// Notifier policy, if chosen.
    pub(crate) policy: Option<String>,
    /// Checkers.
    pub(crate) checks: Vec<String>,
    /// Order of simultaneous events.
    pub(crate) ties: TieOrder,
    /// Where the run is parted from the seed's own.
    pub(crate) forks: Vec<Fork>,
    /// Overrides.
    pub(crate) sets: Vec<(String, String)>,
    /// The part of the run to draw, from when to when.
    pub(crate) view: Option<(Nanos, Nanos)>,
}

/// Where a scenario's text comes from.
struct Source {
    /// As complaints call it.
    file: String,
    /// Gallery id or file stem.
    id: String,
    text: String,
    in_gallery: bool,
}

impl Choice {
    /// What was typed.
    pub(crate) fn of(args: &ChoiceArgs) -> Result<Self, Error> {
        let ties = TieOrder::from(args.variant.ties);
        if link::is_link(&args.scenario) {
            let linked = link::read(&args.scenario)?;
            let kernels: Vec<&str> = linked.compared.iter().filter_map(Other::kernel).collect();
            if !kernels.is_empty() && args.variant.kernel.is_none() {
                return Err(Error::bad_input(format!(
                    "the link compares {} with kernel {}: choose one with --kernel, or see all of them with \
                     `compare`",
                    linked
                        .kernel
                        .as_ref()
                        .map_or("the scenario's kernel".to_owned(), |own| format!("kernel {own}")),
                    kernels.join(", ")
                )));
            }
            let policy = match (&args.variant.policy, linked.policies.as_slice()) {
                (Some(policy), _) => Some(policy.clone()),
                (None, []) => None,
                (None, [one]) => Some(one.clone()),
                (None, several) => {
                    return Err(Error::bad_input(format!(
                        "the link compares {} policies: choose one with --policy {}",
                        several.len(),
                        several.join(", or --policy ")
                    )));
                }
            };
            let mut choice = Self::linked(&linked, policy, &args.variant.sets)?;
            choice.seed = args.seed.unwrap_or(choice.seed);
            choice.kernel = args.variant.kernel.clone().or(choice.kernel);
            choice.ties = ties;
            choice.forks.extend(asked_forks(args));
            if !args.checks.is_empty() {
                choice.checks.clone_from(&args.checks);
            }
            return Ok(choice);
        }
        let source = match gallery_source(&args.scenario) {
            Some(source) => source,
            None => file_source(&args.scenario)?,
        };
        let scenario = parse(&source, &args.variant.sets)?;
        Ok(Self {
            scenario,
            text: (!source.in_gallery).then_some(source.text),
            seed: args.seed.unwrap_or(SEED_DEFAULT),
            kernel: args.variant.kernel.clone(),
            policy: args.variant.policy.clone(),
            checks: args.checks.clone(),
            ties,
            forks: asked_forks(args).collect(),
            sets: args.variant.sets.clone(),
            view: None,
        })
    }

    /// A scenario that was made of a capture, as it is.
    pub(crate) fn imported(file: &str, text: String) -> Result<Self, Error> {
        let id =
            Path::new(file).file_stem().map_or("imported".into(), std::ffi::OsStr::to_string_lossy);
        let source = Source { file: file.to_owned(), id: id.into_owned(), text, in_gallery: false };
        Ok(Self {
            scenario: parse(&source, &[])?,
            text: Some(source.text),
            seed: SEED_DEFAULT,
            kernel: None,
            policy: None,
            checks: Vec::new(),
            ties: TieOrder::Fifo,
            forks: Vec::new(),
            sets: Vec::new(),
            view: None,
        })
    }

    /// What a link says, under one of its policies.
    pub(crate) fn linked(
        link: &Link,
        policy: Option<String>,
        sets: &[(String, String)],
    ) -> Result<Self, Error> {
        let source = match &link.scenario {
            ScenarioRef::Inline(text) => Source {
                file: "the link's scenario".to_owned(),
                id: "linked".to_owned(),
                text: text.clone(),
                in_gallery: false,
            },
            ScenarioRef::ById(id) => gallery_source(id).ok_or_else(|| {
                Error::bad_input(format!("the link's scenario `{id}` is not in this gallery"))
            })?,
        };
        let sets: Vec<_> = link.sets.iter().chain(sets).cloned().collect();
        let scenario = parse(&source, &sets)?;
        Ok(Self {
            scenario,
            text: (!source.in_gallery).then_some(source.text),
            seed: link.seed,
            kernel: link.kernel.clone(),
            policy,
            checks: link.checks.clone(),
            ties: TieOrder::Fifo,
            forks: link.forks.clone(),
            sets,
            view: link.view,
        })
    }

    /// The part to draw, as a picture takes it.
    pub(crate) fn window(&self) -> Option<(SimTime, SimTime)> {
        self.view.map(|(from, to)| (SimTime::ZERO + from, SimTime::ZERO + to))
    }

    /// As the simulation takes it.
    pub(crate) fn options(&self, keep: Keep) -> RunOptions {
        RunOptions {
            seed: self.seed,
            kernel: self.kernel.clone(),
            policy: self.policy.clone(),
            ties: self.ties,
            keep,
            forks: self.forks.clone(),
            watch: true,
            checks: self.checks.clone(),
        }
    }
}

/// Those that were typed, in either way.
fn asked_forks(args: &ChoiceArgs) -> impl Iterator<Item = Fork> {
    args.forks.iter().chain(&args.reseeds).cloned()
}

fn gallery_source(id: &str) -> Option<Source> {
    let entry = find(id)?;
    Some(Source {
        file: format!("{id}.toml"),
        id: id.to_owned(),
        text: entry.text.to_owned(),
        in_gallery: true,
    })
}

fn file_source(name: &str) -> Result<Source, Error> {
    let path = Path::new(name);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::bad_input(format!(
                "`{name}` is neither a scenario of the gallery nor a file: `reaperscope list` \
                 names the scenarios{}",
                similar(name)
            )));
        }
        Err(error) => {
            return Err(Error::Io { doing: format!("opening {name}"), error });
        }
    };
    let mut bytes = Vec::new();
    file.take(FILE_SIZE_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::Io { doing: format!("reading {name}"), error })?;
    if bytes.len() as u64 > FILE_SIZE_MAX {
        return Err(Error::bad_input(format!("{name}: longer than {FILE_SIZE_MAX} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(error.as_bytes().get(..valid).unwrap_or_default());
        let line = 1 + before.matches('\n').count();
        let column = 1 + before.rsplit('\n').next().unwrap_or_default().chars().count();
        let byte = error.as_bytes().get(valid).copied().unwrap_or_default();
        Error::bad_input(format!(
            "{name}:{line}:{column}: not UTF-8 text (byte {byte:#04x}); save it as UTF-8, with \
             `iconv -f latin1 -t utf-8` for instance"
        ))
    })?;
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    Ok(Source {
        file: name.to_owned(),
        id: stem.unwrap_or("scenario").to_owned(),
        text,
        in_gallery: false,
    })
}

/// The ids that share the longest beginning with a name.
fn similar(name: &str) -> String {
    let shared = |id: &str| id.chars().zip(name.chars()).take_while(|(a, b)| a == b).count();
    let most = gallery().iter().map(|entry| shared(entry.id)).max().unwrap_or(0);
    let near = gallery().iter().filter(|entry| shared(entry.id) == most && most >= 3);
    let ids: Vec<_> = near.take(3).map(|entry| entry.id).collect();
    if ids.is_empty() {
        return String::new();
    }
    format!("; did you mean {}?", ids.join(" or "))
}

fn parse(source: &Source, sets: &[(String, String)]) -> Result<Scenario, Error> {
    scenario::parse_file(&source.file, &source.id, &source.text, sets).map_err(|complaints| {
        Error::BadInput(complaints.iter().map(Diagnostic::to_string).collect())
    })
}

//! `[[driver]]`: a driver that a file describes, either as like another
//! one but for some fields, or by the steps of its callbacks.
//!
//! The drivers that come with the program besides the archetypes are such
//! tables, too ([`presets`](super::presets)).

mod steps;

use std::sync::Arc;

use self::steps::plan;
pub(super) use self::steps::{ENDS_SPIN, shrinker};
use super::checked::Behaviour;
use super::device::Traits;
use super::error::Report;
use super::fields::Fields;
use super::program::FileNames;
use super::spec::Value;
use super::{names, presets};

/// What steps call the device's own lock.
pub(super) const OWN: &str = "own";
/// Fields that say what its callbacks do.
const BEHAVIOUR: [&str; 10] = [
    "lock_kind",
    "range_test",
    "lucky",
    "faults",
    "start",
    "finish",
    "end",
    "release",
    "register",
    "map",
];

/// A driver that devices can name.
#[derive(Clone, Debug)]
pub(super) struct DriverSpec {
    pub(super) name: String,
    pub(super) title: String,
    pub(super) about: String,
    pub(super) source: String,
    pub(super) version: String,
    /// What of it nobody has read.
    pub(super) unverified: String,
    /// The kernel module that it is in.
    pub(super) module: String,
    pub(super) behaviour: Behaviour,
    /// What its devices are like unless they say otherwise.
    pub(super) traits: Traits,
}

impl DriverSpec {
    /// An archetype.
    fn archetype(id: &'static str) -> Self {
        let text = String::new;
        Self {
            name: id.to_owned(),
            title: text(),
            about: text(),
            source: text(),
            version: text(),
            unverified: text(),
            module: in_c(id),
            behaviour: Behaviour::Archetype(id),
            traits: Traits::default(),
        }
    }
}

/// A name as C code would have it.
fn in_c(name: &str) -> String {
    name.replace(['-', '.'], "_")
}

/// The driver that a device names: one of its file, or one that there is anyway.
pub(super) fn find(
    report: &mut Report<'_>,
    value: &Value<'_>,
    file: &FileNames,
    own: &[DriverSpec],
) -> Option<DriverSpec> {
    let is = |name: &String| value.get_ref().as_str() == Some(name);
    if file.drivers.iter().any(is) && !own.iter().any(|spec| is(&spec.name)) {
        // What is wrong with it was said there.
        return None;
    }
    let mut known: Vec<&str> = own.iter().map(|spec| spec.name.as_str()).collect();
    known.extend(names::drivers());
    let index = report.index(value, "driver", &known)?;
    own.get(index).cloned().or_else(|| built_in(known[index]))
}

/// The driver of this id that comes with the program.
fn built_in(id: &str) -> Option<DriverSpec> {
    archetype(id).or_else(|| presets::all().iter().find(|preset| preset.name == id).cloned())
}

fn archetype(id: &str) -> Option<DriverSpec> {
    let id = names::archetypes().into_iter().find(|known| *known == id)?;
    Some(DriverSpec::archetype(id))
}

/// Reads the drivers of a file; `names` are theirs.
pub(super) fn drivers(
    report: &mut Report<'_>,
    items: &[Fields<'_>],
    names: &[String],
    file: &FileNames,
) -> Vec<DriverSpec> {
    let mut drivers = Vec::new();
    for (fields, name) in items.iter().zip(names) {
        if names::drivers().contains(&name.as_str()) {
            let expected = "expected a name that no driver of the program has";
            report.add(&fields.span_of("name"), "taken", expected);
        }
        let base = fields.choice(report, "like").and_then(built_in);
        drivers.extend(driver(report, fields, name, file, base));
    }
    drivers
}

/// Reads the drivers that come with the program, which are like archetypes only.
pub(super) fn read_presets(report: &mut Report<'_>, items: &[Fields<'_>]) -> Vec<DriverSpec> {
    let file = FileNames::default();
    let mut drivers = Vec::new();
    for fields in items {
        // Theirs may hold a version's dot.
        let name = fields.get("name").and_then(|value| value.get_ref().as_str()).unwrap_or("");
        // Asking which others there are would lead back here.
        let like = fields.get("like").and_then(|value| value.get_ref().as_str());
        let base = like.and_then(archetype);
        if like.is_some() && base.is_none() {
            report.add(&fields.span_of("like"), "no archetype", "");
        }
        drivers.extend(driver(report, fields, name, &file, base));
    }
    drivers
}

fn driver(
    report: &mut Report<'_>,
    fields: &Fields<'_>,
    name: &str,
    file: &FileNames,
    base: Option<DriverSpec>,
) -> Option<DriverSpec> {
    let traits = Traits::read(report, fields, file);
    let (behaviour, traits) = if fields.get("like").is_some() {
        check_like(report, fields);
        let base = base?;
        (base.behaviour, traits.or(&base.traits))
    } else {
        let plan = plan(report, fields, file, &traits);
        // What its steps do when asked, the plan says.
        (Behaviour::Steps(Arc::new(plan)), Traits { refuse: None, ..traits })
    };
    let text = |report: &mut Report<'_>, key: &str| {
        fields.line(report, key).unwrap_or_default().trim().to_owned()
    };
    Some(DriverSpec {
        name: name.to_owned(),
        title: text(report, "title"),
        about: text(report, "about"),
        source: text(report, "source"),
        version: text(report, "version"),
        unverified: text(report, "unverified"),
        module: fields.line(report, "module").map_or_else(|| in_c(name), str::to_owned),
        behaviour,
        traits,
    })
}

/// What a driver that is like another may not say.
fn check_like(report: &mut Report<'_>, fields: &Fields<'_>) {
    for key in BEHAVIOUR.into_iter().filter(|key| fields.get(key).is_some()) {
        let expected = "expected no `like`, and steps that say all";
        report.add(&fields.span_of(key), format!("`{key}` beside `like`"), expected);
    }
    let words = [("api", ["hlist", "interval"]), ("refuse", ["overlap", "when-busy"])];
    for (key, words) in words {
        let word = fields.get(key).and_then(|value| value.get_ref().as_str());
        if word.is_some_and(|word| !words.contains(&word)) {
            let expected = format!("expected {} beside `like`", words.join(" or "));
            report.add(&fields.span_of(key), "wrong value", expected);
        }
    }
}

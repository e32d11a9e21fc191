//! Real drivers, by name: the tables of `driver/presets.toml`, in the
//! words in which a scenario describes a driver of its own.

use std::sync::LazyLock;

use toml::de::DeTable;

use super::checked::Behaviour;
use super::driver::{self, DriverSpec};
use super::error::{Diagnostic, Report, Source};
use super::fields::Fields;
use super::spec::PRESETS;

pub(super) const TEXT: &str = include_str!("../driver/presets.toml");

static ALL: LazyLock<Vec<DriverSpec>> =
    LazyLock::new(|| read(TEXT).expect("invariant: the program's own file is good"));

/// All of them, in the order of the file.
pub(super) fn all() -> &'static [DriverSpec] {
    &ALL
}

fn read(text: &str) -> Result<Vec<DriverSpec>, Vec<Diagnostic>> {
    let source = Source::new("presets.toml", text, &[]);
    let mut report = Report::new(&source);
    let (document, errors) = DeTable::parse_recoverable(source.file_text());
    for error in errors {
        report.add(&error.span().unwrap_or(0..0), "not TOML", error.message());
    }
    let fields = Fields::new(&mut report, document.get_ref(), 0..0, &PRESETS);
    let items = fields.tables(&mut report, "driver");
    let drivers = driver::read_presets(&mut report, &items);
    if report.is_clean() { Ok(drivers) } else { Err(report.finish()) }
}

/// What people are told of a real driver.
#[derive(Copy, Clone, Debug)]
pub struct Preset {
    /// What devices call it.
    pub id: &'static str,
    /// One line.
    pub title: &'static str,
    /// What it does and what of that is left out.
    pub about: &'static str,
    /// File and function it was read in.
    pub source: &'static str,
    /// The kernel's version.
    pub version: &'static str,
    /// What of it nobody has read in the source; empty: nothing.
    pub unverified: &'static str,
    /// The archetype that it is like; `None`: it is described by steps.
    pub archetype: Option<&'static str>,
}

/// The real drivers that devices can name.
pub fn presets() -> impl Iterator<Item = Preset> {
    all().iter().map(|spec| Preset {
        id: &spec.name,
        title: &spec.title,
        about: &spec.about,
        source: &spec.source,
        version: &spec.version,
        unverified: &spec.unverified,
        archetype: match spec.behaviour {
            Behaviour::Archetype(id) => Some(id),
            Behaviour::Steps(_) => None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_good_and_says_where_it_was_read() {
        let presets = read(TEXT).unwrap_or_else(|errors| panic!("{errors:#?}"));
        for preset in presets {
            let id = &preset.name;
            assert!(
                id.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b)),
                "{id}"
            );
            assert!(!preset.title.is_empty() && !preset.about.is_empty(), "{id}");
            assert!(!preset.version.is_empty(), "{id}");
            assert!(preset.source.contains(".c"), "{id}");
        }
    }
}

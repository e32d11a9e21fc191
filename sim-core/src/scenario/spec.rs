//! What a scenario file may say: every table, field and operation, with
//! its type, its range and its meaning, in one place.
//!
//! The reader opens tables and reads values through these descriptions
//! ([`fields`](super::fields)), and the published JSON Schema is printed
//! from them ([`schema`](super::schema)), so neither can know a field or
//! a bound that the other does not. What values mean together is checked
//! by the readers of the parts.

mod ops;
mod steps;
mod tables;

use toml::Spanned;
use toml::de::DeValue;

use crate::base::Nanos;

pub(super) use ops::{IOCTL_OPS, OPS};
pub(super) use steps::{DRIVER, PRESETS, STEPS};
pub(super) use tables::{EXPONENTIAL, FILE, LOGNORMAL, START, UNIFORM};

/// A value and its byte range.
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

/// A table of the file.
pub(super) struct Table {
    /// What it is called in the schema.
    pub(super) name: &'static str,
    /// What it is, for people.
    pub(super) doc: &'static str,
    /// Its fields; of an operation, the first one names it.
    pub(super) fields: &'static [Field],
}

/// A field of a table.
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) needed: Needed,
    pub(super) kind: Kind,
    /// What it means, with unit and default, for people.
    pub(super) doc: &'static str,
}

/// Whether a field may be left out.
#[derive(Copy, Clone, Eq, PartialEq)]
pub(super) enum Needed {
    Must,
    May,
}

/// What a value may be.
pub(super) enum Kind {
    /// Text of at most so many characters.
    Text(usize),
    /// The name that the table's item gets.
    Name,
    /// The name of something else in the file.
    Ref,
    /// One such name, or a list of at most so many.
    Refs(usize),
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// One of the ids that this version can run.
    Registered(fn() -> Vec<&'static str>),
    /// A whole number from the first to the last.
    Integer(i64, i64),
    /// One of these whole numbers.
    IntegerOf(&'static [i64]),
    /// True or false.
    Boolean,
    /// `true`: a field that stands for itself.
    True,
    /// A time, not shorter than the first nor longer than the second.
    Time(Nanos, Nanos),
    /// A size in whole pages, in bytes, from the first to the last.
    Size(u64, u64),
    /// A size in whole pages, or a percentage of something.
    Share,
    /// Bytes per second, in whole pages.
    Rate,
    /// A time no longer than this, or a distribution of such times.
    Distribution(Nanos),
    /// GFP flags, joined by `|`.
    Gfp,
    /// A table of costs, by name.
    Costs,
    /// A table.
    Table(&'static Table),
    /// A list of at most so many tables.
    Tables(&'static Table, usize),
    /// A list of operations.
    Program,
    /// A list of operations inside the kernel.
    KernelProgram,
    /// A list of steps of a driver.
    Steps,
    /// The one or the other.
    Either(&'static Self, &'static Self),
}

/// Declares tables: `must` or `may`, the field's name, its kind, and the
/// documentation of everything.
macro_rules! declare {
    ($( $(#[doc = $doc:literal])+ $const:ident = $name:literal {
        $( $(#[doc = $fdoc:literal])+ $needed:ident $field:ident: $kind:expr, )*
    } )*) => { $(
        $(#[doc = $doc])+
        pub(in crate::scenario) const $const: Table = Table {
            name: $name,
            doc: concat!($($doc),+),
            fields: &[$( Field {
                name: stringify!($field),
                needed: needed!($needed),
                kind: $kind,
                doc: concat!($($fdoc),+),
            } ),*],
        };
    )* };
}

macro_rules! needed {
    (must) => {
        Needed::Must
    };
    (may) => {
        Needed::May
    };
}

use {declare, needed};

impl Table {
    /// The names of all fields.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.fields.iter().map(|field| field.name)
    }

    /// The field with that name.
    pub(super) fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// Most tasks, devices, control groups, locks and injections of a file.
pub(super) const TASKS_MAX: usize = 500;
pub(super) const DEVICES_MAX: usize = 64;
/// Most further rings of a device.
pub(super) const RINGS_MAX: usize = 8;
pub(super) const DRIVERS_MAX: usize = 64;
pub(super) const CGROUPS_MAX: usize = 64;
pub(super) const LOCKS_MAX: usize = 64;
pub(super) const INJECTIONS_MAX: usize = 200;
/// Most threads of a task besides its first.
pub(super) const THREADS_MAX: usize = 64;
/// Most operations of one list, and regions that one operation names.
pub(super) const OPS_MAX: usize = 200;
/// Most drivers that come with the program.
pub(super) const PRESETS_MAX: usize = 100;
/// Most lists of operations inside one another.
pub(super) const DEPTH_MAX: usize = 5;
/// Most operations of a task with all its threads.
pub(super) const TASK_OPS_MAX: usize = 2_000;
/// Characters of `title` and `about`.
pub(super) const TITLE_MAX: usize = 120;
pub(super) const ABOUT_MAX: usize = 4_000;
/// Bytes of `comm` without the final zero: `TASK_COMM_LEN` - 1.
pub(super) const COMM_SIZE_MAX: usize = 15;
/// Longest `horizon`, and longest single delay.
pub(super) const HORIZON_MAX: Nanos = Nanos::from_secs(3_600);
pub(super) const DELAY_MAX: Nanos = Nanos::from_secs(3_600);
/// Longest `uptime` (a year).
pub(super) const UPTIME_MAX: Nanos = Nanos::from_secs(31_536_000);
/// Longest cost.
pub(super) const COST_MAX: Nanos = Nanos::from_secs(60);
/// Least and most RAM, in bytes: below, zones and watermarks make no
/// sense; above, runs only get longer.
pub(super) const RAM: (u64, u64) = (32 << 20, 1 << 40);
/// Most pages of a zone: 16 TiB.
pub(super) const ZONE_PAGES_MAX: i64 = 1 << 32;
/// Most bytes of one region; anything longer only wastes addresses.
pub(super) const REGION_MAX: u64 = 1 << 40;
/// Addresses a process may use: 47 bits, the first 64 KiB left alone
/// (`mmap_min_addr`).
pub(super) const ADDRESS_MIN: u64 = 0x1_0000;
pub(super) const ADDRESS_MAX: u64 = 0x7fff_ffff_f000;

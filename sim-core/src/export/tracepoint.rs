//! What a tracepoint is: its fields, and how the kernel prints them. One
//! declaration serves the line of text, the `format` file and the bytes in
//! the ring buffer.
//!
//! Fields and words are those of Linux 6.1; only flags of requests are
//! numbered as the kernel of the run numbers them. What it has no
//! tracepoint for is an event of the system `sim`.

mod format;

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use super::gfp;
use crate::record::Wording;

/// A declared tracepoint.
pub(super) struct Tracepoint {
    /// Such as `vmscan`.
    pub(super) system: &'static str,
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
    /// As `printf` takes it: a conversion for each field that is shown, in their order.
    pub(super) print: &'static str,
}

/// Type in C, name, and what is printed of it.
pub(super) struct Field(pub(super) Type, pub(super) &'static str, pub(super) Show);

/// Types in C.
#[derive(Copy, Clone, Eq, PartialEq)]
pub(super) enum Type {
    Bool,
    Short,
    Int,
    UInt,
    Pid,
    Uid,
    Long,
    ULong,
    /// To what.
    Pointer(&'static str),
    /// `char[TASK_COMM_LEN]`.
    Comm,
    /// Of any length, behind the fields.
    Text,
}

/// What is printed of a field.
pub(super) enum Show {
    /// Nothing.
    Hidden,
    /// Its value.
    Plain,
    /// The name of its value.
    Symbols(&'static [(i64, &'static str)]),
    /// The names of its bits.
    Flags(&'static [(u32, &'static str)]),
    /// The names of flags of a request, as the kernel of the run numbers them.
    Gfp,
    /// The letter of a task's state (`TASK_REPORT`, include/linux/sched.h).
    TaskState,
    /// One of two words: if it is set, if it is not.
    Either(&'static str, &'static str),
}

/// Letters of states of tasks (include/trace/events/sched.h).
const TASK_STATES: [(u32, &str); 8] = [
    (0x01, "S"),
    (0x02, "D"),
    (0x04, "T"),
    (0x08, "t"),
    (0x10, "X"),
    (0x20, "Z"),
    (0x40, "P"),
    (0x80, "I"),
];

/// The number of a state's letter.
pub(super) fn task_state(letter: char) -> u32 {
    TASK_STATES.iter().find(|(_, name)| name.starts_with(letter)).map_or(0, |(state, _)| *state)
}

/// The value of a field.
#[derive(Clone)]
pub(super) enum Value<'a> {
    Number(i64),
    Text(Cow<'a, str>),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

/// A number of any type; those beyond what a field holds become its largest.
pub(super) fn number<'a>(number: impl TryInto<i64>) -> Value<'a> {
    Value::Number(number.try_into().unwrap_or(i64::MAX))
}

/// An event as a tracer records it, but for who, where and when.
pub(super) struct Traced<'a> {
    point: &'static Tracepoint,
    name: Cow<'static, str>,
    /// Whether the kernel of the run has this tracepoint.
    is_kernels: bool,
    values: Vec<Value<'a>>,
}

/// An event that no kernel has, put in words.
static SIM: Tracepoint = Tracepoint {
    system: "sim",
    name: "",
    fields: &[Field(Type::Text, "text", Show::Plain)],
    print: "%s",
};

impl<'a> Traced<'a> {
    /// An event of a tracepoint that every kernel has.
    pub(super) fn new<const N: usize>(point: &'static Tracepoint, values: [Value<'a>; N]) -> Self {
        Self::since(true, point, values)
    }

    /// An event of a tracepoint that only some kernels have, and whether this one does.
    pub(super) fn since<const N: usize>(
        is_kernels: bool,
        point: &'static Tracepoint,
        values: [Value<'a>; N],
    ) -> Self {
        debug_assert_eq!(point.fields.len(), N, "{}", point.name);
        Self { point, name: Cow::Borrowed(point.name), is_kernels, values: values.into() }
    }

    /// An event of the simulator's own: `sim:name: text`.
    pub(super) fn sim(line: &str) -> Self {
        let line = line.strip_prefix("sim:").unwrap_or(line);
        let (name, text) = line.split_once(": ").unwrap_or((line, ""));
        let values = vec![Value::Text(Cow::Owned(text.to_owned()))];
        Self { point: &SIM, name: Cow::Owned(name.to_owned()), is_kernels: false, values }
    }

    /// Writes `name: args`.
    pub(super) fn write(&self, out: &mut String, wording: &Wording) -> fmt::Result {
        let namespace = if self.is_kernels { "" } else { "sim:" };
        write!(out, "{namespace}{}: ", self.name)?;
        let mut rest = self.point.print;
        for (Field(_, _, show), value) in self.point.fields.iter().zip(&self.values) {
            if matches!(show, Show::Hidden) {
                continue;
            }
            let (before, at) = rest.split_once('%').unwrap_or((rest, ""));
            out.push_str(before);
            let end = at.find(|c: char| "dusxp".contains(c)).map_or(at.len(), |end| end + 1);
            let (conversion, after) = at.split_at(end);
            rest = after;
            match value {
                Value::Text(text) => out.push_str(text),
                Value::Number(number) => write_number(out, *number, show, conversion, wording)?,
            }
            if matches!(show, Show::TaskState) {
                // That it was preempted is not told.
                rest = rest.strip_prefix("%s").unwrap_or(rest);
            }
        }
        out.push_str(rest);
        Ok(())
    }
}

fn write_number(
    out: &mut String,
    number: i64,
    show: &Show,
    conversion: &str,
    wording: &Wording,
) -> fmt::Result {
    let bits = u32::try_from(number).unwrap_or(0);
    match show {
        Show::Hidden => Ok(()),
        Show::Symbols(names) => {
            let name = names.iter().find(|(value, _)| *value == number).map_or("", |(_, it)| it);
            let width = if conversion == "-8s" { 8 } else { 0 };
            write!(out, "{name:<width$}")
        }
        Show::Flags(names) => write_flags(out, bits, names.iter().copied()),
        Show::Gfp => write_flags(out, bits, gfp::names(wording)),
        Show::TaskState if bits == 0 => out.write_str("R"),
        Show::TaskState => write_flags(out, bits, TASK_STATES.into_iter()),
        Show::Either(yes, no) => out.write_str(if number == 0 { no } else { yes }),
        Show::Plain => match conversion {
            "03d" => write!(out, "{number:03}"),
            "lx" => write!(out, "{number:x}"),
            // Hashed, and as wide as a pointer.
            "p" => write!(out, "{number:016x}"),
            _ => write!(out, "{number}"),
        },
    }
}

/// `__print_flags()`: the first that fit, and what is left as a number.
pub(super) fn write_flags<'n>(
    out: &mut String,
    mut bits: u32,
    names: impl Iterator<Item = (u32, &'n str)>,
) -> fmt::Result {
    let mut bar = "";
    for (mask, name) in names {
        if bits & mask == mask {
            bits &= !mask;
            write!(out, "{bar}{name}")?;
            bar = "|";
        }
    }
    if bits == 0 { Ok(()) } else { write!(out, "{bar}{bits:#x}") }
}

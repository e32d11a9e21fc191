//! A tracepoint as the tracer stores it: the `format` file that tells how
//! to read an event (kernel/trace/trace_events.c:f_show()), and the event's
//! bytes, little-endian, with longs of 64 bits.
//!
//! Conditions and flags are printed as numbers, not as the macros that
//! they come from.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use super::{Field, Show, TASK_STATES, Traced, Type, Value};
use crate::export::gfp;
use crate::record::Wording;

/// Bytes of the fields that every event has.
const COMMON: usize = 8;
/// Bytes of a string, at most: two have room on a page. The rest of it is left out.
const TEXT_MAX: usize = 1900;
/// `TASK_COMM_LEN`.
const COMM: usize = 16;

/// The fields that every event has.
const COMMON_FIELDS: &str = "\
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

";

impl Type {
    fn size(self) -> usize {
        match self {
            Self::Bool => 1,
            Self::Short => 2,
            Self::Int | Self::UInt | Self::Pid | Self::Uid | Self::Text => 4,
            Self::Long | Self::ULong | Self::Pointer(_) => 8,
            Self::Comm => COMM,
        }
    }

    fn align(self) -> usize {
        if self == Self::Comm { 1 } else { self.size() }
    }

    fn is_signed(self) -> bool {
        matches!(self, Self::Short | Self::Int | Self::Pid | Self::Long)
    }

    /// `int name`, as C declares it.
    fn declared(self, name: &str) -> String {
        let c = match self {
            Self::Bool => "bool",
            Self::Short => "short",
            Self::Int => "int",
            Self::UInt => "unsigned int",
            Self::Pid => "pid_t",
            Self::Uid => "uid_t",
            Self::Long => "long",
            Self::ULong => "unsigned long",
            Self::Pointer(to) => return format!("struct {to} * {name}"),
            Self::Comm => return format!("char {name}[{COMM}]"),
            Self::Text => "__data_loc char[]",
        };
        format!("{c} {name}")
    }
}

/// Where each field begins, and at last where the fields end.
fn offsets(fields: &[Field]) -> impl Iterator<Item = usize> {
    let mut end = COMMON;
    let starts: Vec<usize> = fields
        .iter()
        .map(|Field(kind, ..)| {
            let start = end.next_multiple_of(kind.align());
            end = start + kind.size();
            start
        })
        .collect();
    starts.into_iter().chain([end])
}

impl Traced<'_> {
    /// The system it is filed under.
    pub(in crate::export) fn system(&self) -> &'static str {
        if self.is_kernels { self.point.system } else { "sim" }
    }

    /// Its name there, which tells of every event of the simulator that it is one: reports leave
    /// systems out.
    pub(in crate::export) fn name_in_system(&self) -> Cow<'static, str> {
        if self.is_kernels { self.name.clone() } else { format!("sim_{}", self.name).into() }
    }

    /// The file `events/SYSTEM/NAME/format`.
    pub(in crate::export) fn format_file(&self, id: u16, wording: &Wording) -> String {
        let mut out =
            format!("name: {}\nID: {id}\nformat:\n{COMMON_FIELDS}", self.name_in_system());
        // Writing to a String cannot fail.
        let _: fmt::Result = self.write_fields(&mut out, wording);
        out
    }

    fn write_fields(&self, out: &mut String, wording: &Wording) -> fmt::Result {
        let fields = self.point.fields;
        for (Field(kind, name, _), offset) in fields.iter().zip(offsets(fields)) {
            let (declared, size) = (kind.declared(name), kind.size());
            let signed = u8::from(kind.is_signed());
            writeln!(out, "\tfield:{declared};\toffset:{offset};\tsize:{size};\tsigned:{signed};")?;
        }
        write!(out, "\nprint fmt: \"{}\"", self.point.print)?;
        for Field(kind, name, show) in fields {
            write_argument(out, *kind, name, show, wording)?;
        }
        out.push('\n');
        Ok(())
    }

    /// The event's bytes, without the header of the ring buffer.
    pub(in crate::export) fn pack(&self, (id, flags, pid): (u16, u8, u32)) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend(id.to_le_bytes());
        bytes.extend([flags, 0]);
        bytes.extend(pid.to_le_bytes());
        let fields = self.point.fields;
        let end = offsets(fields).last().unwrap_or(COMMON);
        let mut behind: Vec<u8> = Vec::new();
        for ((Field(kind, ..), value), offset) in
            fields.iter().zip(&self.values).zip(offsets(fields))
        {
            bytes.resize(offset, 0);
            match value {
                Value::Number(number) => {
                    bytes.extend(number.to_le_bytes().into_iter().take(kind.size()));
                }
                Value::Text(text) if *kind == Type::Comm => {
                    bytes.extend(text.bytes().take(COMM - 1));
                    bytes.resize(offset + COMM, 0);
                }
                Value::Text(text) => {
                    let text = cut(text);
                    let location = (text.len() + 1) << 16 | (end + behind.len());
                    bytes.extend(u32::try_from(location).unwrap_or(0).to_le_bytes());
                    behind.extend(text.bytes().chain([0]));
                }
            }
        }
        bytes.extend(behind);
        bytes
    }
}

/// What there is room for of a text.
fn cut(text: &str) -> &str {
    (0..=TEXT_MAX).rev().find_map(|end| text.get(..end.min(text.len()))).unwrap_or_default()
}

/// `, REC->name`, or what stands around it.
fn write_argument(
    out: &mut String,
    kind: Type,
    name: &str,
    show: &Show,
    wording: &Wording,
) -> fmt::Result {
    match show {
        Show::Hidden => Ok(()),
        Show::Plain if kind == Type::Text => write!(out, ", __get_str({name})"),
        Show::Plain => write!(out, ", REC->{name}"),
        Show::Symbols(names) => {
            write!(out, ", __print_symbolic(REC->{name}")?;
            names.iter().try_for_each(|(value, text)| write!(out, ", {{{value}, \"{text}\"}}"))?;
            out.write_str(")")
        }
        Show::Flags(names) => write_flags(out, &format!("REC->{name}"), names, "none"),
        Show::Gfp => {
            let names: Vec<_> = gfp::names(wording).collect();
            write_flags(out, &format!("REC->{name}"), &names, "none")
        }
        Show::TaskState => {
            write_flags(out, &format!("REC->{name} & 0xff"), &TASK_STATES, "R")?;
            write!(out, ", REC->{name} & 0x100 ? \"+\" : \"\"")
        }
        Show::Either(yes, no) => write!(out, ", REC->{name} ? \"{yes}\" : \"{no}\""),
    }
}

fn write_flags(out: &mut String, bits: &str, names: &[(u32, &str)], none: &str) -> fmt::Result {
    write!(out, ", ({bits}) ? __print_flags({bits}, \"|\"")?;
    names.iter().try_for_each(|(mask, text)| write!(out, ", {{{mask:#x}, \"{text}\"}}"))?;
    write!(out, ") : \"{none}\"")
}

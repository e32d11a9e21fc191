//! The JSON Schema of scenario files, printed from the description that
//! the reader itself goes by ([`spec`](super::spec)).
//!
//! It knows types, ranges and names of fields. What values mean together
//! (that a name is somebody's, that zones hold their pages) only the
//! reader knows: what the schema refuses the reader refuses too, not the
//! other way round.

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use super::checked::COSTS;
use super::spec::{
    EXPONENTIAL, FILE, Field, IOCTL_OPS, Kind, LOGNORMAL, Needed, OPS, OPS_MAX, STEPS, Table,
    UNIFORM,
};
use super::units::format_time;
use crate::base::Nanos;

/// A JSON value, its objects in the order they are written.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub enum Json {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Number(i64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    #[serde(serialize_with = "in_order")]
    Object(Vec<(String, Json)>),
}

fn in_order<S: Serializer>(fields: &[(String, Json)], to: S) -> Result<S::Ok, S::Error> {
    let mut map = to.serialize_map(Some(fields.len()))?;
    for (name, value) in fields {
        map.serialize_entry(name, value)?;
    }
    map.end()
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Json {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// The schema of `schema = 1` files.
pub fn schema() -> Json {
    let mut defs = Defs::default();
    defs.table(&FILE, "");
    for op in OPS {
        defs.table(op, "op-");
    }
    for step in STEPS {
        defs.table(step, "step-");
    }
    for shape in [&UNIFORM, &EXPONENTIAL, &LOGNORMAL] {
        defs.table(shape, "");
    }
    let kernel_ops = OPS.iter().filter(|op| IOCTL_OPS.contains(&op.name));
    let mut all = vec![
        ("name".to_owned(), pattern("^[A-Za-z0-9_-]{1,32}$")),
        ("time".to_owned(), quantity("h|min|s|ms|us|µs|ns", "")),
        ("size".to_owned(), quantity("TiB|GiB|MiB|KiB|B", "")),
        ("rate".to_owned(), quantity("TiB|GiB|MiB|KiB|B", "/s")),
        ("share".to_owned(), any_of(vec![pattern("^\\s*[0-9]{1,3}\\s*%$"), reference("size")])),
        ("distribution".to_owned(), distribution()),
        ("program".to_owned(), program("op", OPS.iter())),
        ("kernel-program".to_owned(), program("op", kernel_ops)),
        ("steps".to_owned(), program("step", STEPS.iter())),
    ];
    all.append(&mut defs.0);
    object([
        ("$schema", "https://json-schema.org/draft/2020-12/schema".into()),
        ("title", "Reaperscope scenario, schema 1".into()),
        ("$ref", "#/$defs/scenario".into()),
        ("$defs", Json::Object(all)),
    ])
}

/// Definitions so far, each table's once.
#[derive(Default)]
struct Defs(Vec<(String, Json)>);

impl Defs {
    fn table(&mut self, table: &Table, prefix: &str) {
        let name = format!("{prefix}{}", table.name);
        if self.0.iter().any(|(known, _)| *known == name) {
            return;
        }
        // In place before its fields, which may lead back to it.
        let at = self.0.len();
        self.0.push((name, Json::Bool(true)));
        let property = |field: &Field| {
            let described = object([("description", field.doc.trim().into())]);
            (field.name.to_owned(), merged(described, kind(&field.kind)))
        };
        let properties = table.fields.iter().map(property).collect();
        let needed = table.fields.iter().filter(|field| field.needed == Needed::Must);
        let required = needed.map(|field| field.name.into()).collect();
        self.0[at].1 = object([
            ("description", table.doc.trim().into()),
            ("type", "object".into()),
            ("properties", Json::Object(properties)),
            ("required", Json::List(required)),
            ("additionalProperties", Json::Bool(false)),
        ]);
        for field in table.fields {
            self.tables_of(&field.kind);
        }
    }

    fn tables_of(&mut self, kind: &Kind) {
        match kind {
            Kind::Table(table) | Kind::Tables(table, _) => self.table(table, ""),
            Kind::Either(one, other) => {
                self.tables_of(one);
                self.tables_of(other);
            }
            _ => {}
        }
    }
}

/// What the description says of a value.
fn kind(kind: &Kind) -> Json {
    let words = |words: &[&str]| {
        object([("enum", Json::List(words.iter().map(|&word| word.into()).collect()))])
    };
    match kind {
        Kind::Text(most) => object([("type", "string".into()), ("maxLength", (*most).into())]),
        Kind::Name | Kind::Ref => reference("name"),
        Kind::Refs(most) => any_of(vec![
            reference("name"),
            object([
                ("type", "array".into()),
                ("items", reference("name")),
                ("minItems", 1_i64.into()),
                ("maxItems", (*most).into()),
            ]),
        ]),
        Kind::OneOf(known) => words(known),
        Kind::Registered(known) => words(&known()),
        Kind::Integer(least, most) => object([
            ("type", "integer".into()),
            ("minimum", (*least).into()),
            ("maximum", (*most).into()),
        ]),
        Kind::IntegerOf(known) => {
            object([("enum", Json::List(known.iter().map(|&number| number.into()).collect()))])
        }
        Kind::Boolean => object([("type", "boolean".into())]),
        Kind::True => object([("const", Json::Bool(true))]),
        Kind::Time(..) => reference("time"),
        Kind::Size(..) => reference("size"),
        Kind::Share => reference("share"),
        Kind::Rate => reference("rate"),
        Kind::Distribution(_) => reference("distribution"),
        Kind::Gfp => object([("type", "string".into())]),
        Kind::Costs => {
            let cost = |&(name, default, doc): &(&str, u64, &str)| {
                let doc = doc.trim();
                // Some follow another cost and say how.
                let doc = match doc.strip_suffix('.') {
                    Some(said) if !said.contains("by default") => {
                        format!("{said}; by default {}.", format_time(Nanos(default)))
                    }
                    _ => doc.to_owned(),
                };
                let described = object([("description", Json::Text(doc))]);
                (name.to_owned(), merged(described, reference("time")))
            };
            object([
                ("type", "object".into()),
                ("properties", Json::Object(COSTS.iter().map(cost).collect())),
                ("additionalProperties", Json::Bool(false)),
            ])
        }
        Kind::Table(table) => reference(table.name),
        Kind::Tables(table, most) => object([
            ("type", "array".into()),
            ("items", reference(table.name)),
            ("maxItems", (*most).into()),
        ]),
        Kind::Program => reference("program"),
        Kind::KernelProgram => reference("kernel-program"),
        Kind::Steps => reference("steps"),
        Kind::Either(one, other) => any_of(vec![self::kind(one), self::kind(other)]),
    }
}

fn program<'t>(what: &str, ops: impl Iterator<Item = &'t Table>) -> Json {
    let ops = ops.map(|op| reference(&format!("{what}-{}", op.name))).collect();
    object([("type", "array".into()), ("items", any_of(ops)), ("maxItems", OPS_MAX.into())])
}

/// A time, or a table with one shape and perhaps a cap.
fn distribution() -> Json {
    let shapes = [("constant", "time"), ("uniform", "uniform")];
    let shapes =
        shapes.into_iter().chain([("exponential", "exponential"), ("lognormal", "lognormal")]);
    let tables = shapes.map(|(name, of)| {
        object([
            ("type", "object".into()),
            ("properties", object([(name, reference(of)), ("cap", reference("time"))])),
            ("required", Json::List(vec![name.into()])),
            ("additionalProperties", Json::Bool(false)),
        ])
    });
    any_of(std::iter::once(reference("time")).chain(tables).collect())
}

fn object<const N: usize>(fields: [(&str, Json); N]) -> Json {
    Json::Object(fields.map(|(name, value)| (name.to_owned(), value)).into())
}

fn merged(one: Json, other: Json) -> Json {
    match (one, other) {
        (Json::Object(mut fields), Json::Object(more)) => {
            fields.extend(more);
            Json::Object(fields)
        }
        (_, other) => other,
    }
}

fn any_of(kinds: Vec<Json>) -> Json {
    object([("anyOf", Json::List(kinds))])
}

fn reference(name: &str) -> Json {
    object([("$ref", format!("#/$defs/{name}").as_str().into())])
}

fn pattern(pattern: &str) -> Json {
    object([("type", "string".into()), ("pattern", pattern.into())])
}

/// A decimal number with one of these units.
fn quantity(units: &str, after: &str) -> Json {
    pattern(&format!("^\\s*[0-9]+(\\.[0-9]+)?\\s*({units})\\s*{after}\\s*$"))
}

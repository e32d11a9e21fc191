//! Every field of the published schema, filled in wrongly: the reader says where, what, and what
//! to write instead.
//!
//! The schema is walked, so a new field is tested without a word here. Mistakes in what values
//! mean together are not the schema's; `scenario/check/tests.rs` has those.
#![cfg(not(target_arch = "wasm32"))]

use std::collections::BTreeSet;
use std::fmt::Write as _;

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use sim_core::scenario::{Diagnostic, parse, schema};

/// What is put in place of a value, as TOML. Where the schema takes it, it is left out.
const WRONG: [&str; 24] = [
    "true",
    "false",
    "-1",
    "0",
    "12345678901234",
    "-9223372036854775808",
    "1.5",
    "nan",
    "1979-05-27",
    "''",
    "'!'",
    "'no such thing'",
    "'12'",
    "'12 parsecs'",
    "'-5ms'",
    "'5MB'",
    "'60MiB'",
    "'101%'",
    "'99999999999999TiB'",
    "[]",
    "[1]",
    "['!']",
    "{}",
    "{ such = 'thing' }",
];

/// The file around a place: what stands before it and behind it.
#[derive(Clone)]
struct Place {
    before: String,
    after: String,
}

impl Place {
    fn inside(&self, before: &str, after: &str) -> Self {
        Self { before: format!("{}{before}", self.before), after: format!("{after}{}", self.after) }
    }

    fn complaints(&self, value: &str) -> Vec<Diagnostic> {
        let text = format!("{}{value}{}", self.before, self.after);
        parse("broken", &text, &[]).err().unwrap_or_default()
    }

    /// Where the place is: line and column.
    fn at(&self) -> (u32, u32) {
        let line = self.before.matches('\n').count() + 1;
        let column = self.before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (u32::try_from(line).expect("small"), u32::try_from(column).expect("small"))
    }
}

/// Goes through the schema and keeps what is wrong with the complaints.
struct Walk {
    defs: Value,
    seen: BTreeSet<String>,
    fields: usize,
    tries: usize,
    failures: String,
}

impl Walk {
    fn resolve<'v>(&'v self, schema: &'v Value) -> &'v Value {
        let mut schema = schema;
        while let Some(name) = reference(schema) {
            schema = &self.defs[name];
        }
        schema
    }

    /// Some value that fits.
    fn sample(&self, schema: &Value) -> String {
        let schema = self.resolve(schema);
        if let Some(first) = schema["enum"].get(0) {
            return first.to_string();
        }
        if let Some(first) = schema["anyOf"].get(0) {
            return self.sample(first);
        }
        match schema["type"].as_str() {
            Some("integer") => schema["minimum"].to_string(),
            Some("boolean") => "true".to_owned(),
            Some("array") if schema.get("minItems").is_some() => {
                format!("[{}]", self.sample(&schema["items"]))
            }
            Some("array") => "[]".to_owned(),
            Some("object") => {
                let fields = required(schema)
                    .map(|name| format!("{name} = {}", self.sample(&schema["properties"][name])));
                format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
            }
            Some("string") => {
                let Some(pattern) = schema["pattern"].as_str() else {
                    let is_text = schema.get("maxLength").is_some();
                    return if is_text { "'x'" } else { "'GFP_KERNEL'" }.to_owned();
                };
                let fits = ["x", "1ms", "1MiB", "1MiB/s", "5%"];
                let fits = fits.iter().find(|text| self.validator(schema).is_valid(&json!(text)));
                format!("'{}'", fits.unwrap_or_else(|| panic!("nothing fits {pattern}")))
            }
            _ => schema["const"].to_string(),
        }
    }

    fn validator(&self, schema: &Value) -> Validator {
        let mut whole = schema.as_object().cloned().unwrap_or_else(Map::new);
        whole.insert("$defs".to_owned(), self.defs.clone());
        jsonschema::validator_for(&Value::Object(whole)).expect("a schema")
    }

    /// A table's fields; `place` is where its braces stand.
    fn table(&mut self, name: &str, place: &Place) {
        if !self.seen.insert(name.to_owned()) {
            return;
        }
        let schema = self.defs[name].clone();
        self.fields_of(name, &schema, place);
    }

    fn fields_of(&mut self, name: &str, schema: &Value, place: &Place) {
        let properties = schema["properties"].as_object().expect("an object").clone();
        for (field, kind) in &properties {
            self.fields += 1;
            let mut before = "{ ".to_owned();
            for other in required(schema).filter(|other| other != field) {
                let sample = self.sample(&properties[other]);
                write!(before, "{other} = {sample}, ").expect("strings take text");
            }
            let field_place = place.inside(&format!("{before}{field} = "), " }");
            self.value(&format!("{name}.{field}"), kind, &field_place);
            self.misspelled(name, field, &place.inside(&before, " = 1 }"));
            // Some lists of steps take some steps only; `start` takes all.
            if reference(kind) != Some("steps") || field == "start" {
                self.below(kind, &field_place);
            }
        }
        for field in required(schema) {
            let others = required(schema).filter(|other| *other != field);
            let others =
                others.map(|other| format!("{other} = {}", self.sample(&properties[other])));
            let text = format!("{{ {} }}", others.collect::<Vec<_>>().join(", "));
            // An operation is known by the field that it is named after.
            if name.ends_with(&format!("-{field}")) {
                continue;
            }
            let complaints = place.complaints(&text);
            let is_told = |told: &&Diagnostic| format!("{told}").contains(field);
            self.check(&format!("{name} without {field}"), place, &complaints, is_told);
        }
    }

    /// Follows a value into the tables that it may be.
    fn below(&mut self, kind: &Value, place: &Place) {
        if let Some(name) = reference(kind) {
            let name = name.to_owned();
            if self.defs[&name]["properties"].is_object() {
                return self.table(&name, place);
            }
            if self.seen.insert(name.clone()) {
                let kind = self.defs[&name].clone();
                self.below(&kind, place);
                self.seen.remove(&name);
            }
            return;
        }
        for kind in kind["anyOf"].as_array().cloned().unwrap_or_default() {
            self.below(&kind, place);
        }
        if kind["properties"].is_object() {
            let fields: Vec<&String> =
                kind["properties"].as_object().expect("one").keys().collect();
            let name = format!("{fields:?}");
            if self.seen.insert(name.clone()) {
                self.fields_of(&name, kind, place);
            }
        }
        if kind.get("items").is_some() {
            // Operations need somebody to work on.
            let is_program = kind["items"]["anyOf"][0]["$ref"] == "#/$defs/op-mmap";
            let before = if is_program { "[{ mmap = 'x', size = '2MiB' }, " } else { "[" };
            self.below(&kind["items"], &place.inside(before, "]"));
        }
    }

    /// Wrong values of one field.
    fn value(&mut self, what: &str, kind: &Value, place: &Place) {
        let validator = self.validator(kind);
        let mut wrong: Vec<String> = WRONG.iter().map(ToString::to_string).collect();
        let resolved = self.resolve(kind);
        for (bound, step) in [("minimum", -1), ("maximum", 1)] {
            wrong.extend(resolved[bound].as_i64().map(|value| (value + step).to_string()));
        }
        if let Some(most) = resolved["maxLength"].as_u64() {
            let length = usize::try_from(most).expect("small") + 1;
            wrong.push(format!("'{}'", "x".repeat(length)));
        }
        if let Some(most) = resolved["maxItems"].as_u64() {
            let item = self.sample(&resolved["items"]);
            let count = usize::try_from(most).expect("small") + 1;
            wrong.push(format!("[{}]", vec![item; count].join(",")));
        }
        for text in wrong {
            let value: toml::Table = format!("v = {text}").parse().expect("TOML");
            let is_fit =
                serde_json::to_value(&value).is_ok_and(|value| validator.is_valid(&value["v"]));
            let complaints = place.complaints(&text);
            if is_fit {
                continue;
            }
            let (line, column) = place.at();
            let behind = u32::try_from(text.chars().count()).expect("small");
            let is_here = |told: &&Diagnostic| {
                told.line == line && (column..=column + behind).contains(&told.column)
            };
            let short: String = text.chars().take(30).collect();
            self.check(&format!("{what} = {short}"), place, &complaints, is_here);
        }
    }

    /// A name with two letters in each other's place.
    fn misspelled(&mut self, name: &str, field: &str, place: &Place) {
        let mut letters: Vec<char> = field.chars().collect();
        let last = letters.len() - 1;
        letters.swap(last, last - 1);
        let wrong: String = letters.into_iter().collect();
        if wrong == *field || self.defs[name]["properties"].get(&wrong).is_some() {
            return;
        }
        let complaints = place.complaints(&wrong);
        let (line, column) = place.at();
        let is_here = |told: &&Diagnostic| (told.line, told.column) == (line, column);
        self.check(&format!("{name}.{wrong}"), place, &complaints, |told| {
            is_here(told) && told.expected.contains(field)
        });
    }

    fn check(
        &mut self,
        what: &str,
        place: &Place,
        complaints: &[Diagnostic],
        is_it: impl Fn(&&Diagnostic) -> bool,
    ) {
        self.tries += 1;
        let (line, column) = place.at();
        let all: Vec<String> = complaints.iter().take(3).map(ToString::to_string).collect();
        let why = match complaints.iter().find(is_it) {
            None if complaints.is_empty() => "taken without a word",
            None => "not told at its place",
            Some(told) if told.expected.is_empty() => "told without a remedy",
            Some(_) => return,
        };
        writeln!(self.failures, "{what} ({line}:{column}): {why}\n  {}", all.join("\n  "))
            .expect("strings take text");
    }
}

fn reference(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/")
}

fn required(schema: &Value) -> impl Iterator<Item = &str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[test]
fn every_field_filled_in_wrongly_is_told_with_its_place_and_a_remedy() {
    let whole = serde_json::to_value(schema()).expect("plain data");
    let defs = whole["$defs"].clone();
    let mut walk =
        Walk { defs, seen: BTreeSet::new(), fields: 0, tries: 0, failures: String::new() };
    // The file itself has no braces: its fields stand on lines of their own.
    let head = [
        ("schema", "1"),
        ("title", "'t'"),
        ("kernel", "'6.1'"),
        ("machine", "{ ram = '64MiB' }"),
        ("lock", "[{ name = 'x', kind = 'rwsem' }]"),
        ("device", "[{ name = 'x', driver = 'gpu-fence' }]"),
        ("cgroup", "[{ name = 'x' }]"),
        ("task", "[{ name = 'x' }]"),
    ];
    let scenario = walk.defs["scenario"].clone();
    let properties = scenario["properties"].as_object().expect("an object");
    // Drivers before devices: a step is looked at where it may stand.
    let drivers_first = |(field, _): &(&String, &Value)| *field != "driver";
    let mut properties: Vec<(&String, &Value)> = properties.iter().collect();
    properties.sort_by_key(drivers_first);
    for (field, kind) in properties {
        let mut before = String::new();
        for (other, value) in head.iter().filter(|(other, _)| other != field) {
            writeln!(before, "{other} = {value}").expect("strings take text");
        }
        let place = Place { before: format!("{before}{field} = "), after: "\n".to_owned() };
        walk.value(field, kind, &place);
        walk.misspelled("scenario", field, &Place { before, after: " = 1\n".to_owned() });
        walk.below(kind, &place);
    }
    assert!(walk.failures.is_empty(), "{}", walk.failures);
    let tables = walk.defs.as_object().expect("an object").values();
    let tables = tables.filter(|table| table["properties"].is_object());
    let all: usize = tables.map(|table| table["properties"].as_object().expect("one").len()).sum();
    let of_the_file = scenario["properties"].as_object().expect("one").len();
    // Those of tables, of the shapes of a distribution, and costs, which are a table in a table.
    assert!(walk.fields >= all - of_the_file, "{} of {all} fields", walk.fields);
    assert!(walk.tries > 10 * walk.fields, "{} tries of {} fields", walk.tries, walk.fields);
}

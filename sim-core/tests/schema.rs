//! The published schema is the code's, and both agree with the files.
#![cfg(not(target_arch = "wasm32"))]

use expect_test::expect_file;
use jsonschema::Validator;
use serde_json::Value;
use sim_core::scenario::gallery::gallery;
use sim_core::scenario::{parse, schema};

fn validator() -> Validator {
    let schema = serde_json::to_value(schema()).expect("plain data");
    jsonschema::validator_for(&schema).expect("a schema")
}

/// A file as JSON, as editors hand it to a validator.
fn json(text: &str) -> Value {
    let table: toml::Table = text.parse().expect("TOML");
    serde_json::to_value(table).expect("no dates")
}

#[test]
fn committed_schema_is_the_one_of_the_code() {
    let text = serde_json::to_string_pretty(&schema()).expect("plain data") + "\n";
    expect_file!["../../traces/schema-1.json"].assert_eq(&text);
}

#[test]
fn every_gallery_file_fits_the_schema() {
    let validator = validator();
    for entry in gallery() {
        let wrong: Vec<_> =
            validator.iter_errors(&json(entry.text)).map(|e| e.to_string()).collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", entry.id);
    }
}

/// One mistake each, and that the schema sees it.
#[test]
fn what_the_schema_refuses_the_reader_refuses_too() {
    let sound = "schema = 1\ntitle = 't'\nkernel = '6.1'\n[machine]\nram = '64MiB'\n[[device]]\nname \
                 = 'd'\ndriver = 'spin'\n[[task]]\nname = 'a'\nnice = 3\nprogram = [{ mmap = 'r', \
                 size = '1MiB' }, { touch = ['r'] }, { alloc = 'GFP_NOFS', count = 2 }]\n";
    let validator = validator();
    assert!(validator.is_valid(&json(sound)) && parse("x", sound, &[]).is_ok());
    for (from, to) in [
        ("schema = 1", "schema = 2"),
        ("'6.1'", "'6.0'"),
        ("title = 't'", "title = 1"),
        ("title = 't'", "titel = 't'"),
        ("'64MiB'", "'64MB'"),
        ("'64MiB'", "64"),
        ("'spin'", "'sp in'"),
        ("nice = 3", "nice = 20"),
        ("nice = 3", "nice = '3'"),
        ("name = 'a'", "name = 'a b'"),
        ("mmap = 'r'", "mnap = 'r'"),
        ("size = '1MiB'", "sise = '1MiB'"),
        (", size = '1MiB'", ""),
        ("['r']", "[]"),
        ("count = 2", "count = -1"),
    ] {
        let broken = sound.replacen(from, to, 1);
        assert_ne!(broken, sound, "{from}");
        assert!(!validator.is_valid(&json(&broken)), "the schema takes {to}");
        assert!(parse("x", &broken, &[]).is_err(), "the reader takes {to}");
    }
}

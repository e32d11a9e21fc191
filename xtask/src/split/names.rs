//! Short names for what the program imports: wasm-bindgen's carry a hash each, which no
//! compression shortens, once in the program and once in its script.

use std::collections::BTreeMap;

use wasm_encoder::ImportSection;
use wasm_encoder::reencode::Reencode as _;
use wasmparser::{Parser, Payload};

use super::program::Program;
use super::{Result, RoundtripReencoder, text};

/// Names of imports and what they become, for those that the script gives in so many words.
pub(super) fn shortened(program: &Program<'_>, script: &str) -> Result<BTreeMap<String, String>> {
    let mut names = BTreeMap::new();
    for payload in Parser::new(0).parse_all(program.bytes) {
        let Payload::ImportSection(section) = payload.map_err(text)? else {
            continue;
        };
        for import in section.into_imports() {
            let name = import.map_err(text)?.name;
            if script.matches(&given(name)).count() == 1 {
                names.insert(name.to_owned(), format!("${:x}", names.len()));
            }
        }
    }
    Ok(names)
}

/// How the script gives an import.
fn given(name: &str) -> String {
    format!(" {name}: ")
}

/// The script with the short names.
pub(super) fn script(script: &str, names: &BTreeMap<String, String>) -> String {
    let replace = |script: String, (name, short): (&String, &String)| {
        script.replacen(&given(name), &given(short), 1)
    };
    names.iter().fold(script.to_owned(), replace)
}

/// The imports with the short names.
pub(super) fn imports(
    program: &Program<'_>,
    names: &BTreeMap<String, String>,
) -> Result<ImportSection> {
    let mut imports = ImportSection::new();
    for payload in Parser::new(0).parse_all(program.bytes) {
        let Payload::ImportSection(section) = payload.map_err(text)? else {
            continue;
        };
        for import in section.into_imports() {
            let import = import.map_err(text)?;
            let ty = RoundtripReencoder.entity_type(import.ty).map_err(text)?;
            let name = names.get(import.name).map_or(import.name, String::as_str);
            imports.import(import.module, name, ty);
        }
    }
    Ok(imports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_gives_what_it_gave_by_a_short_name() {
        let names = [("__wbg_a_01".to_owned(), "$0".to_owned())].into();
        let text = "{ __wbg_a_01: function() { return __wbg_a_01x; }, __wbg_a_012: 1 }";
        let short = "{ $0: function() { return __wbg_a_01x; }, __wbg_a_012: 1 }";
        assert_eq!(script(text, &names), short);
    }
}

//! Writes the rest: its functions, which take what they need of the first part as imports and put
//! themselves into the shared table.

use std::collections::BTreeMap;

use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{
    CodeSection, ConstExpr, ElementSection, Elements, EntityType, FunctionSection, ImportSection,
    Module, SectionId,
};

use super::data::Data;
use super::program::Program;
use super::{Layout, Result, RoundtripReencoder, SHARED, text};

/// Module that the rest imports from: the first part.
const FIRST: &str = "first";
/// Numbers functions anew, all else stays.
struct Renumbered(BTreeMap<u32, u32>);

impl Reencode for Renumbered {
    type Error = std::convert::Infallible;

    fn function_index(
        &mut self,
        function: u32,
    ) -> std::result::Result<u32, Error<std::convert::Infallible>> {
        Ok(self.0[&function])
    }
}

pub(super) fn rest(
    program: &Program<'_>,
    layout: &Layout<'_>,
    is_first: impl Fn(&u32) -> bool,
) -> Result<Vec<u8>> {
    let mut same = RoundtripReencoder;
    let own = program.imported as u32..program.functions.len() as u32;
    let own: Vec<u32> = own.filter(|function| !is_first(function)).collect();
    let numbers = layout.taken.iter().chain(&own).zip(0..);
    let mut renumbered = Renumbered(numbers.map(|(old, new)| (*old, new)).collect());

    let mut imports = ImportSection::new();
    for (index, function) in layout.taken.iter().enumerate() {
        let ty = EntityType::Function(program.functions[*function as usize]);
        imports.import(FIRST, &format!("f{index}"), ty);
    }
    for (index, table) in program.tables.iter().enumerate() {
        let ty = same.table_type(*table).map_err(text)?;
        imports.import(FIRST, &format!("t{index}"), ty);
    }
    imports.import(FIRST, SHARED, layout.table());
    let memory = program.memory.ok_or("the module has no memory")?;
    imports.import(FIRST, "m", same.memory_type(memory).map_err(text)?);
    for (index, global) in program.globals.iter().enumerate() {
        imports.import(FIRST, &format!("g{index}"), same.global_type(*global).map_err(text)?);
    }
    let mut functions = FunctionSection::new();
    let mut code = CodeSection::new();
    for function in &own {
        functions.function(program.functions[*function as usize]);
        let body = program.body(*function).ok_or("a function has no code")?.clone();
        renumbered.parse_function_body(&mut code, body).map_err(text)?;
    }
    let mut elements = ElementSection::new();
    let slots: Vec<u32> = layout.stubs.iter().map(|stub| renumbered.0[stub]).collect();
    let start = ConstExpr::i32_const(layout.taken.len() as i32);
    elements.active(
        Some(program.tables.len() as u32),
        &start,
        Elements::Functions(slots.as_slice().into()),
    );
    let mut module = Module::new();
    module.section(&program.raw(SectionId::Type as u8).ok_or("the module has no types")?);
    module.section(&imports).section(&functions).section(&elements).section(&code);
    module.section(&Data::section(&layout.data.rest));
    Ok(module.finish())
}

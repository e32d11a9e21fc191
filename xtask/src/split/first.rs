//! Writes the first part: the program with a stub for each function of the rest, which has the rest
//! loaded before it jumps there.

use wasm_encoder::reencode::Reencode as _;
use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, ElementSection, Elements, ExportKind, ExportSection,
    Function, FunctionSection, HeapType, SectionId, TableSection,
};
use wasmparser::{Parser, Payload};

use super::data::Data;
use super::program::{Program, contents, place};
use super::{Layout, Result, RoundtripReencoder, SHARED, names, text};

pub(super) fn first(
    program: &Program<'_>,
    layout: &Layout<'_>,
    is_first: impl Fn(&u32) -> bool,
) -> Result<Vec<u8>> {
    let mut same = RoundtripReencoder;
    let shared = program.tables.len() as u32;
    let ensure = program.functions.len() as u32;
    let is_plain = |ty: &wasmparser::FuncType| ty.params().is_empty() && ty.results().is_empty();
    let plain = program.types.iter().position(is_plain);
    let plain = plain.ok_or("no function takes and gives nothing")? as u32;

    let mut functions = FunctionSection::new();
    for ty in &program.functions[program.imported..] {
        functions.function(*ty);
    }
    functions.function(plain);
    let mut tables = TableSection::new();
    for table in &program.tables {
        tables.table(same.table_type(*table).map_err(text)?);
    }
    tables.table(layout.table());
    let mut exports = ExportSection::new();
    let mut elements = ElementSection::new();
    for payload in Parser::new(0).parse_all(program.bytes) {
        match payload.map_err(text)? {
            Payload::ExportSection(section) => {
                same.parse_export_section(&mut exports, section).map_err(text)?;
            }
            Payload::ElementSection(section) => {
                same.parse_element_section(&mut elements, section).map_err(text)?;
            }
            _ => {}
        }
    }
    exports.export(SHARED, ExportKind::Table, shared);
    exports.export("m", ExportKind::Memory, 0);
    for table in 0..shared {
        exports.export(&format!("t{table}"), ExportKind::Table, table);
    }
    for global in 0..program.globals.len() as u32 {
        exports.export(&format!("g{global}"), ExportKind::Global, global);
    }
    let start = ConstExpr::i32_const(0);
    elements.active(Some(shared), &start, Elements::Functions(layout.taken.into()));

    let mut code = CodeSection::new();
    for function in program.imported as u32..ensure {
        let body = program.body(function).ok_or("a function has no code")?;
        if is_first(&function) {
            code.raw(&program.bytes[place(body.range())?]);
            continue;
        }
        let mut stub = Function::new([]);
        let mut sink = stub.instructions();
        match layout.stubs.binary_search(&function) {
            Ok(index) => {
                sink.call(ensure);
                for param in 0..program.params(function) {
                    sink.local_get(param as u32);
                }
                sink.i32_const((layout.taken.len() + index) as i32);
                sink.call_indirect(shared, program.functions[function as usize]);
            }
            // Only the rest calls it.
            Err(_) => {
                sink.unreachable();
            }
        }
        sink.end();
        code.function(&stub);
    }
    // Has the rest loaded if its first slot is empty.
    let mut body = Function::new([]);
    let mut sink = body.instructions();
    sink.i32_const(layout.taken.len() as i32).table_get(shared).ref_is_null();
    sink.if_(wasm_encoder::BlockType::Empty);
    // It takes what the program exports, and nothing to have the rest loaded.
    sink.ref_null(HeapType::EXTERN).call(layout.load).end().end();
    code.function(&body);

    let count = DataCountSection { count: layout.data.first.len() as u32 };
    let replaced = [
        (SectionId::Import as u8, contents(&names::imports(program, layout.names)?)),
        (SectionId::DataCount as u8, contents(&count)),
        (SectionId::Data as u8, contents(&Data::section(&layout.data.first))),
        (SectionId::Function as u8, contents(&functions)),
        (SectionId::Table as u8, contents(&tables)),
        (SectionId::Export as u8, contents(&exports)),
        (SectionId::Element as u8, contents(&elements)),
        (SectionId::Code as u8, contents(&code)),
    ];
    Ok(program.with(&replaced.into()))
}

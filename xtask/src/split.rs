//! Parts the page's WebAssembly in two: what the first view runs, and the rest, which the browser
//! loads when something needs it.
//!
//! Both are one program with one memory: the first part keeps a stub for each function of the
//! rest that it may call, and a stub has the rest loaded (`rest.js`) before it jumps there through
//! a table that both share. Which functions the first view runs is measured (`profile`), not
//! declared: code that nobody runs at first is out of the way without anybody thinking of it.
//! Data goes with the code that can come to it (`data`).
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a module counts its functions in 32 bits"
)]

mod data;
mod names;
mod places;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use data::Data;
pub(crate) use places::Places;
use wasm_encoder::reencode::{Error, Reencode, RoundtripReencoder};
use wasm_encoder::{
    CodeSection, ConstExpr, DataCountSection, ElementSection, Elements, EntityType, ExportKind,
    ExportSection, Function, FunctionSection, HeapType, ImportSection, MemorySection, Module,
    RawSection, RefType, SectionId, TableSection, TableType,
};
use wasmparser::{ElementItems, FunctionBody, Operator, Parser, Payload, TypeRef};

/// What the page imports to have the rest loaded, before wasm-bindgen adds to the name.
const LOAD: &str = "__wbg_restOfProgram_";
/// Name of the table that both parts share, as the first exports it.
const SHARED: &str = "rest";
/// Module that the rest imports from: the first part.
const FIRST: &str = "first";
/// Bytes of a page of memory.
const PAGE: u64 = 1 << 16;

/// Bytes of a function that stays with the first part whether it runs or not: what would stand
/// in for it is no shorter.
const SMALL: usize = 24;

/// The two parts.
pub(crate) struct Parts {
    pub(crate) first: Vec<u8>,
    pub(crate) rest: Vec<u8>,
    /// The script that gives the first part its imports, by the names it has for them.
    pub(crate) script: String,
    /// Functions that the rest takes from the first through the shared table.
    pub(crate) shared: usize,
    /// Bytes of data that come with the rest.
    pub(crate) data: usize,
    /// Functions that the program imports; its own are numbered after them.
    pub(crate) imported: usize,
}

/// A module, as far as splitting it asks.
struct Program<'a> {
    bytes: &'a [u8],
    sections: Vec<(u8, Range<usize>)>,
    types: Vec<wasmparser::FuncType>,
    /// Type of every function, imported ones first.
    functions: Vec<u32>,
    imported: usize,
    /// Import that loads the rest.
    load: Option<u32>,
    tables: Vec<wasmparser::TableType>,
    memory: Option<wasmparser::MemoryType>,
    globals: Vec<wasmparser::GlobalType>,
    /// Functions that tables, exports and the start name.
    named: BTreeSet<u32>,
    bodies: Vec<FunctionBody<'a>>,
}

type Result<T> = std::result::Result<T, String>;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Where something is in a module that is in memory.
fn place(range: Range<u64>) -> Result<Range<usize>> {
    Ok(usize::try_from(range.start).map_err(text)?..usize::try_from(range.end).map_err(text)?)
}

impl<'a> Program<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut this = Self {
            bytes,
            sections: Vec::new(),
            types: Vec::new(),
            functions: Vec::new(),
            imported: 0,
            load: None,
            tables: Vec::new(),
            memory: None,
            globals: Vec::new(),
            named: BTreeSet::new(),
            bodies: Vec::new(),
        };
        for payload in Parser::new(0).parse_all(bytes) {
            let payload = payload.map_err(text)?;
            if let Some((id, range)) = payload.as_section() {
                this.sections.push((id, place(range)?));
            }
            this.take(payload)?;
        }
        Ok(this)
    }

    fn take(&mut self, payload: Payload<'a>) -> Result<()> {
        match payload {
            Payload::TypeSection(section) => {
                for ty in section.into_iter_err_on_gc_types() {
                    self.types.push(ty.map_err(text)?);
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(text)?;
                    let TypeRef::Func(ty) = import.ty else {
                        return Err(format!("`{}` is imported and no function", import.name));
                    };
                    if import.name.starts_with(LOAD) {
                        self.load = Some(self.functions.len() as u32);
                    }
                    self.functions.push(ty);
                }
                self.imported = self.functions.len();
            }
            Payload::FunctionSection(section) => {
                for ty in section {
                    self.functions.push(ty.map_err(text)?);
                }
            }
            Payload::TableSection(section) => {
                for table in section {
                    self.tables.push(table.map_err(text)?.ty);
                }
            }
            Payload::MemorySection(section) => {
                for memory in section {
                    self.memory = Some(memory.map_err(text)?);
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    self.globals.push(global.map_err(text)?.ty);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let export = export.map_err(text)?;
                    if export.kind == wasmparser::ExternalKind::Func {
                        self.named.insert(export.index);
                    }
                }
            }
            Payload::StartSection { func, .. } => {
                self.named.insert(func);
            }
            Payload::ElementSection(section) => {
                for element in section {
                    let ElementItems::Functions(items) = element.map_err(text)?.items else {
                        return Err("a table is filled by expressions".to_owned());
                    };
                    for item in items {
                        self.named.insert(item.map_err(text)?);
                    }
                }
            }
            Payload::CodeSectionEntry(body) => self.bodies.push(body),
            _ => {}
        }
        Ok(())
    }

    fn body(&self, function: u32) -> Option<&FunctionBody<'a>> {
        self.bodies.get((function as usize).checked_sub(self.imported)?)
    }

    /// Functions that the code of one names.
    fn callees(&self, function: u32) -> Result<BTreeSet<u32>> {
        let mut callees = BTreeSet::new();
        let Some(body) = self.body(function) else {
            return Ok(callees);
        };
        for operator in body.get_operators_reader().map_err(text)? {
            match operator.map_err(text)? {
                Operator::Call { function_index }
                | Operator::ReturnCall { function_index }
                | Operator::RefFunc { function_index } => {
                    callees.insert(function_index);
                }
                _ => {}
            }
        }
        Ok(callees)
    }

    fn raw(&self, id: u8) -> Option<RawSection<'_>> {
        let (_, range) = self.sections.iter().find(|(it, _)| *it == id)?;
        Some(RawSection { id, data: &self.bytes[range.clone()] })
    }

    /// The module with some sections replaced; nobody needs the names of functions.
    fn with(&self, replaced: &BTreeMap<u8, Vec<u8>>) -> Vec<u8> {
        let mut module = Module::new();
        for (id, range) in &self.sections {
            let custom = *id == SectionId::Custom as u8;
            match replaced.get(id) {
                Some(data) => module.section(&RawSection { id: *id, data }),
                None if custom || *id == SectionId::Code as u8 => continue,
                None => module.section(&RawSection { id: *id, data: &self.bytes[range.clone()] }),
            };
        }
        module.finish()
    }

    fn params(&self, function: u32) -> usize {
        self.types[self.functions[function as usize] as usize].params().len()
    }
}

/// A section as the module holds it, without its id and length.
fn contents(section: &impl wasm_encoder::Encode) -> Vec<u8> {
    let mut all = Vec::new();
    section.encode(&mut all);
    // The length that `encode` writes in front, seven bits at a time.
    let length = all.iter().position(|byte| byte & 0x80 == 0).map_or(0, |last| last + 1);
    all.split_off(length)
}

/// The module, writing a 1 for every function that runs into a page of memory that is its own:
/// behind all that the program starts with, before all that it asks for later.
pub(crate) fn instrumented(bytes: &[u8]) -> Result<(Vec<u8>, u64, usize)> {
    let program = Program::read(bytes)?;
    let mut memory = program.memory.ok_or("the module has no memory")?;
    let at = memory.initial * PAGE;
    memory.initial += (program.bodies.len() as u64).div_ceil(PAGE);
    let mut memories = MemorySection::new();
    memories.memory(RoundtripReencoder.memory_type(memory).map_err(text)?);
    let mut code = CodeSection::new();
    for (index, body) in program.bodies.iter().enumerate() {
        let mut function =
            RoundtripReencoder.new_function_with_parsed_locals(body).map_err(text)?;
        let address = i32::try_from(at + index as u64).map_err(text)?;
        function.instructions().i32_const(address).i32_const(1).i32_store8(wasm_encoder::MemArg {
            offset: 0,
            align: 0,
            target: wasm_encoder::MemArgTarget::Memory(0),
            ordering: None,
        });
        let start = body.get_operators_reader().map_err(text)?.original_position();
        function.raw(bytes[place(start..body.range().end)?].iter().copied());
        code.function(&function);
    }
    let replaced =
        [(SectionId::Memory as u8, contents(&memories)), (SectionId::Code as u8, contents(&code))];
    Ok((program.with(&replaced.into()), at, program.bodies.len()))
}

/// Functions of the first part: what ran, imports, and small ones that need nothing of the rest.
fn first_functions(program: &Program<'_>, ran: &[bool]) -> Result<Vec<bool>> {
    let imports = std::iter::repeat_n(&true, program.imported);
    let mut first: Vec<bool> = imports.chain(ran).copied().collect();
    for function in program.imported..first.len() {
        let size = program.bodies[function - program.imported].range();
        if !first[function] && (size.end - size.start) as usize <= SMALL {
            let callees = program.callees(function as u32)?;
            first[function] = callees.iter().all(|callee| first[*callee as usize]);
        }
    }
    Ok(first)
}

/// The module without what tools left in it for each other.
pub(crate) fn lean(bytes: &[u8]) -> Result<Vec<u8>> {
    let program = Program::read(bytes)?;
    let code = program.raw(SectionId::Code as u8).ok_or("the module has no code")?.data.to_vec();
    Ok(program.with(&[(SectionId::Code as u8, code)].into()))
}

/// What the build knows of the program besides its code.
pub(crate) struct Known<'a> {
    /// Of each function of its own, whether the first view runs it.
    pub(crate) ran: &'a [bool],
    /// Where its data is.
    pub(crate) places: &'a Places,
    /// What is only read when the rest is there.
    pub(crate) texts: &'a [Vec<u8>],
    /// What wasm-bindgen made with it.
    pub(crate) script: &'a str,
}

/// Parts a module.
pub(crate) fn split(bytes: &[u8], known: &Known<'_>) -> Result<Parts> {
    let Known { ran, places, texts, script } = known;
    let program = Program::read(bytes)?;
    let load = program.load.ok_or("the module has nothing that loads the rest")?;
    let count = program.functions.len() as u32;
    let is_there = first_functions(&program, ran)?;
    let is_first = |function: &u32| is_there[*function as usize];
    // What the parts need of each other.
    let mut stubs: BTreeSet<u32> = program.named.iter().copied().filter(|f| !is_first(f)).collect();
    let mut taken = BTreeSet::new();
    for function in program.imported as u32..count {
        let callees = program.callees(function)?;
        if is_first(&function) {
            stubs.extend(callees.into_iter().filter(|callee| !is_first(callee)));
        } else {
            taken.extend(callees.into_iter().filter(is_first));
        }
    }
    let taken: Vec<u32> = taken.into_iter().collect();
    let stubs: Vec<u32> = stubs.into_iter().collect();
    let (mut addresses, mut of_rest) = (BTreeSet::new(), BTreeSet::new());
    for function in program.imported as u32..count {
        let numbers = if is_first(&function) { &mut addresses } else { &mut of_rest };
        numbers.extend(data::numbers(&program, function)?);
    }
    // An address that stands nowhere as it was linked was made into something else: it can be anybody's.
    addresses.extend(places.lost(|it| !addresses.contains(it) && !of_rest.contains(it)));
    let data = Data::of(&program, places, texts, &addresses)?;
    let names = names::shortened(&program, script)?;
    let layout = Layout { load, taken: &taken, stubs: &stubs, data: &data, names: &names };
    Ok(Parts {
        first: first(&program, &layout, is_first)?,
        rest: rest(&program, &layout, is_first)?,
        script: names::script(script, &names),
        shared: taken.len(),
        data: data.rest.iter().map(|(_, bytes)| bytes.len()).sum(),
        imported: program.imported,
    })
}

/// The shared table: first what the rest takes, then what the first has stubs for.
struct Layout<'a> {
    load: u32,
    taken: &'a [u32],
    stubs: &'a [u32],
    data: &'a Data,
    names: &'a BTreeMap<String, String>,
}

fn first(
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
    let slots = (layout.taken.len() + layout.stubs.len()) as u64;
    tables.table(TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: slots,
        maximum: Some(slots),
        shared: false,
    });
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

fn rest(
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
    let slots = (layout.taken.len() + layout.stubs.len()) as u64;
    let shared = TableType {
        element_type: RefType::FUNCREF,
        table64: false,
        minimum: slots,
        maximum: Some(slots),
        shared: false,
    };
    imports.import(FIRST, SHARED, shared);
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

//! The module that is split: read once, as far as splitting it asks, and written with some sections
//! replaced. Leaves out what its data means (`places`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use wasm_encoder::{Module, RawSection, SectionId};
use wasmparser::{DataKind, ElementItems, FunctionBody, Operator, Parser, Payload, TypeRef};

use super::{Result, text};

/// What the page imports to have the rest loaded, before wasm-bindgen adds to the name.
const LOAD: &str = "__wbg_restOfProgram_";

/// A module, as far as splitting it asks.
pub(super) struct Program<'a> {
    pub(super) bytes: &'a [u8],
    sections: Vec<(u8, Range<usize>)>,
    pub(super) types: Vec<wasmparser::FuncType>,
    /// Type of every function, imported ones first.
    pub(super) functions: Vec<u32>,
    pub(super) imported: usize,
    /// Import that loads the rest.
    pub(super) load: Option<u32>,
    pub(super) tables: Vec<wasmparser::TableType>,
    pub(super) memory: Option<wasmparser::MemoryType>,
    pub(super) globals: Vec<wasmparser::GlobalType>,
    /// Functions that tables, exports and the start name.
    pub(super) named: BTreeSet<u32>,
    pub(super) bodies: Vec<FunctionBody<'a>>,
}

/// Where something is in a module that is in memory.
pub(super) fn place(range: Range<u64>) -> Result<Range<usize>> {
    Ok(usize::try_from(range.start).map_err(text)?..usize::try_from(range.end).map_err(text)?)
}

impl<'a> Program<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
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

    /// Code of a function; imported ones have none.
    pub(super) fn body(&self, function: u32) -> Option<&FunctionBody<'a>> {
        self.bodies.get((function as usize).checked_sub(self.imported)?)
    }

    /// Functions that the code of one names.
    pub(super) fn callees(&self, function: u32) -> Result<BTreeSet<u32>> {
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

    /// A section as it stands in the module.
    pub(super) fn raw(&self, id: u8) -> Option<RawSection<'_>> {
        let (_, range) = self.sections.iter().find(|(it, _)| *it == id)?;
        Some(RawSection { id, data: &self.bytes[range.clone()] })
    }

    /// The module with some sections replaced; nobody needs the names of functions.
    pub(super) fn with(&self, replaced: &BTreeMap<u8, Vec<u8>>) -> Vec<u8> {
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

    /// How many parameters a function takes.
    pub(super) fn params(&self, function: u32) -> usize {
        self.types[self.functions[function as usize] as usize].params().len()
    }
}

/// A section as the module holds it, without its id and length.
pub(super) fn contents(section: &impl wasm_encoder::Encode) -> Vec<u8> {
    let mut all = Vec::new();
    section.encode(&mut all);
    // The length that `encode` writes in front, seven bits at a time.
    let length = all.iter().position(|byte| byte & 0x80 == 0).map_or(0, |last| last + 1);
    all.split_off(length)
}

/// Where in memory data goes that is there from the start.
pub(super) fn address(data: &wasmparser::Data<'_>) -> Result<i32> {
    let DataKind::Active { memory_index: 0, offset_expr } = &data.kind else {
        return Err("the module has data that does not go to its memory at once".to_owned());
    };
    let mut operators = offset_expr.get_operators_reader();
    let Operator::I32Const { value } = operators.read().map_err(text)? else {
        return Err("where data goes is computed".to_owned());
    };
    Ok(value)
}

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
mod first;
mod names;
mod places;
mod profile;
mod program;
mod rest;

use std::collections::{BTreeMap, BTreeSet};

use data::Data;
pub(crate) use places::Places;
pub(crate) use profile::{instrumented, lean};
use program::Program;
use wasm_encoder::reencode::RoundtripReencoder;
use wasm_encoder::{RefType, TableType};

/// Name of the table that both parts share, as the first exports it.
const SHARED: &str = "rest";
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

type Result<T> = std::result::Result<T, String>;

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
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
        numbers.extend(data::numbers(&program, places, function)?);
    }
    // An address that stands nowhere as it was linked was made into something else: it can be anybody's.
    addresses.extend(places.lost(|it| !addresses.contains(it) && !of_rest.contains(it)));
    let data = Data::of(&program, places, texts, &addresses)?;
    let names = names::shortened(&program, script)?;
    let layout = Layout { load, taken: &taken, stubs: &stubs, data: &data, names: &names };
    Ok(Parts {
        first: first::first(&program, &layout, is_first)?,
        rest: rest::rest(&program, &layout, is_first)?,
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

impl Layout<'_> {
    /// What the table is, to who makes it and to who takes it.
    fn table(&self) -> TableType {
        let slots = (self.taken.len() + self.stubs.len()) as u64;
        TableType {
            element_type: RefType::FUNCREF,
            table64: false,
            minimum: slots,
            maximum: Some(slots),
            shared: false,
        }
    }
}

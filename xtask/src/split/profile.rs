//! What a build makes of the module besides its parts: one that tells which functions run, to
//! measure what the first view needs, and one that is only rid of what it doesn't.

use wasm_encoder::reencode::Reencode as _;
use wasm_encoder::{CodeSection, MemorySection, SectionId};

use super::program::{Program, contents, place};
use super::{Result, RoundtripReencoder, text};

/// Bytes of a page of memory.
const PAGE: u64 = 1 << 16;

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

/// The module without what tools left in it for each other.
pub(crate) fn lean(bytes: &[u8]) -> Result<Vec<u8>> {
    let program = Program::read(bytes)?;
    let code = program.raw(SectionId::Code as u8).ok_or("the module has no code")?.data.to_vec();
    Ok(program.with(&[(SectionId::Code as u8, code)].into()))
}

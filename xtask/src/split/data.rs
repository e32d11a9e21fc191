//! Data of the two parts: texts that only the rest reads come with the rest.
//!
//! What a function reads of memory cannot be told from its code, so nothing is moved by guess: the
//! texts of scenarios and lessons are, which the page reads through one door (`web/src/texts.rs`)
//! that has the rest loaded. They are found by what they say. One that code of the first part names
//! by its address stays with it.

use std::collections::BTreeSet;

use wasm_encoder::{ConstExpr, DataSection};
use wasmparser::{DataKind, Operator, Parser, Payload};

use super::{Program, Result, text};

/// Bytes and where in memory they go.
type Segment = (i32, Vec<u8>);

/// Data of a module, part by part.
pub(super) struct Data {
    pub(super) first: Vec<Segment>,
    pub(super) rest: Vec<Segment>,
}

impl Data {
    /// `named` are the constants in the code of the first part.
    pub(super) fn of(
        program: &Program<'_>,
        texts: &[Vec<u8>],
        named: &BTreeSet<i32>,
    ) -> Result<Self> {
        let mut this = Self { first: Vec::new(), rest: Vec::new() };
        for (at, bytes) in segments(program)? {
            this.part(at, &bytes, texts, named)?;
        }
        Ok(this)
    }

    fn part(
        &mut self,
        at: i32,
        bytes: &[u8],
        texts: &[Vec<u8>],
        named: &BTreeSet<i32>,
    ) -> Result<()> {
        let is_named = |from: usize, length: usize| -> Result<bool> {
            let from = at + i32::try_from(from).map_err(text)?;
            let to = from + i32::try_from(length).map_err(text)?;
            Ok(named.range(from..to).next().is_some())
        };
        let mut found: Vec<(usize, usize)> =
            texts.iter().filter_map(|text| Some((find(bytes, text)?, text.len()))).collect();
        found.sort_unstable();
        let mut from = 0;
        let put = |to: &mut Vec<Segment>, range: std::ops::Range<usize>| -> Result<()> {
            if !range.is_empty() {
                let offset = i32::try_from(range.start).map_err(text)?;
                to.push((at + offset, bytes[range].to_vec()));
            }
            Ok(())
        };
        for (start, length) in found {
            // One that is the end of another was moved with it.
            if start >= from && !is_named(start, length)? {
                put(&mut self.first, from..start)?;
                put(&mut self.rest, start..start + length)?;
                from = start + length;
            }
        }
        put(&mut self.first, from..bytes.len())
    }

    pub(super) fn section(segments: &[Segment]) -> DataSection {
        let mut section = DataSection::new();
        for (at, bytes) in segments {
            section.active(0, &ConstExpr::i32_const(*at), bytes.iter().copied());
        }
        section
    }
}

fn segments(program: &Program<'_>) -> Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for payload in Parser::new(0).parse_all(program.bytes) {
        let Payload::DataSection(section) = payload.map_err(text)? else {
            continue;
        };
        for data in section {
            let data = data.map_err(text)?;
            let DataKind::Active { memory_index: 0, offset_expr } = data.kind else {
                return Err("the module has data that does not go to its memory at once".to_owned());
            };
            let mut operators = offset_expr.get_operators_reader();
            let Operator::I32Const { value } = operators.read().map_err(text)? else {
                return Err("where data goes is computed".to_owned());
            };
            segments.push((value, data.data.to_vec()));
        }
    }
    Ok(segments)
}

/// Numbers in the code of a function that can be addresses.
pub(super) fn constants(program: &Program<'_>, function: u32) -> Result<BTreeSet<i32>> {
    let mut constants = BTreeSet::new();
    let Some(body) = program.body(function) else {
        return Ok(constants);
    };
    for operator in body.get_operators_reader().map_err(text)? {
        if let Operator::I32Const { value } = operator.map_err(text)? {
            constants.insert(value);
        }
    }
    Ok(constants)
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    let first = *text.first()?;
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == first);
    starts.map(|(start, _)| start).find(|start| bytes[*start..].starts_with(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_go_to_the_rest_and_everything_else_stays_where_it_is() {
        let mut data = Data { first: Vec::new(), rest: Vec::new() };
        let texts = [b"second".to_vec(), b"first".to_vec(), b"cond".to_vec(), b"none".to_vec()];
        data.part(1000, b"a first, a second; end", &texts, &BTreeSet::new()).expect("it fits");
        let first = [(1000, b"a ".to_vec()), (1007, b", a ".to_vec()), (1017, b"; end".to_vec())];
        assert_eq!(data.first, first);
        assert_eq!(data.rest, [(1002, b"first".to_vec()), (1011, b"second".to_vec())]);
    }

    #[test]
    fn a_text_that_the_first_part_names_stays_with_it() {
        let mut data = Data { first: Vec::new(), rest: Vec::new() };
        let texts = [b"second".to_vec(), b"first".to_vec()];
        data.part(1000, b"a first, a second", &texts, &[1012].into()).expect("it fits");
        assert_eq!(data.rest, [(1002, b"first".to_vec())]);
    }
}

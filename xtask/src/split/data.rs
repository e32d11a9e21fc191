//! Data of the two parts: what only the rest can come to comes with the rest.
//!
//! Read-only data is many things that point to each other, and code names some of them (`places`).
//! What no code of the first part names, and nothing points to that it names, it cannot read. Only
//! the texts of scenarios, lessons and catalogues are held apart although their lists point to them: the
//! page reads them behind a door (`web/src/texts.rs`, `words.rs`) that has the rest loaded. Leaves out data that
//! is written to, which stays with the first part.

use std::collections::BTreeSet;
use std::ops::Range;

use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{CodeSection, ConstExpr, DataSection};
use wasmparser::{Operator, Parser, Payload};

use super::places::Places;
use super::program::{Program, address};
use super::{Result, text};

/// Bytes and where in memory they go.
type Segment = (i32, Vec<u8>);

/// Bytes that are not worth a segment of their own.
const SHORT: usize = 8;
/// Zeros between two segments that compress to less than what a segment of its own begins with.
const GAP_BYTES_MAX: i32 = 256;

/// Data of a module, part by part.
pub(super) struct Data {
    pub(super) first: Vec<Segment>,
    pub(super) rest: Vec<Segment>,
}

impl Data {
    /// `named` are the numbers in the code of the first part that can be addresses.
    pub(super) fn of(
        program: &Program<'_>,
        places: &Places,
        texts: &[Vec<u8>],
        named: &BTreeSet<i32>,
    ) -> Result<Self> {
        let segments = segments(program)?;
        if !is_same(&segments, places) {
            return Err("the program that was linked is not the one that was built".to_owned());
        }
        let moved = moved(places, &reached(places, texts, named))?;
        let mut this = Self { first: Vec::new(), rest: Vec::new() };
        for (at, bytes) in segments {
            this.part(at, &bytes, &moved)?;
        }
        this.first = joined(this.first)?;
        Ok(this)
    }

    /// Puts a segment where it belongs, piece by piece.
    fn part(&mut self, at: i32, bytes: &[u8], moved: &[Range<i32>]) -> Result<()> {
        let length = i32::try_from(bytes.len()).map_err(text)?;
        let mut put = |is_moved: bool, range: Range<i32>| -> Result<()> {
            let inside = usize::try_from(range.start).map_err(text)?
                ..usize::try_from(range.end).map_err(text)?;
            if !inside.is_empty() {
                let to = if is_moved { &mut self.rest } else { &mut self.first };
                to.push((at + range.start, bytes[inside].to_vec()));
            }
            Ok(())
        };
        let mut from = 0;
        for range in moved.iter().filter(|range| range.start < at + length && range.end > at) {
            let start = (range.start - at).max(0);
            let end = (range.end - at).min(length);
            put(false, from..start)?;
            put(true, start..end)?;
            from = end;
        }
        put(false, from..length)
    }

    pub(super) fn section(segments: &[Segment]) -> DataSection {
        let mut section = DataSection::new();
        for (at, bytes) in segments {
            section.active(0, &ConstExpr::i32_const(*at), bytes.iter().copied());
        }
        section
    }
}

/// Whether the read-only data is, byte by byte, what was linked.
fn is_same(segments: &[Segment], places: &Places) -> bool {
    places.memory.iter().all(|(start, bytes)| {
        let mut image = vec![0; bytes.len()];
        for (at, segment) in segments {
            for (index, byte) in segment.iter().enumerate() {
                let inside = i32::try_from(index).ok().and_then(|it| (at + it).checked_sub(*start));
                let place = inside.and_then(|it| image.get_mut(usize::try_from(it).ok()?));
                if let Some(place) = place {
                    *place = *byte;
                }
            }
        }
        image == *bytes
    })
}

/// What the first part can come to, thing by thing.
fn reached(places: &Places, texts: &[Vec<u8>], named: &BTreeSet<i32>) -> Vec<bool> {
    let texts: BTreeSet<&[u8]> = texts.iter().map(Vec::as_slice).collect();
    let mut reached = vec![false; places.things.len()];
    let by_code = named.iter().flat_map(|address| {
        let meant = places.named.get(address).into_iter().flatten().copied();
        meant.chain(places.holding(*address))
    });
    let mut next: Vec<usize> = by_code.collect();
    for thing in &next {
        reached[*thing] = true;
    }
    next.extend(&places.roots);
    for thing in &places.roots {
        reached[*thing] = true;
    }
    while let Some(thing) = next.pop() {
        for other in &places.points[thing] {
            if !reached[*other] && !texts.contains(places.bytes(*other)) {
                reached[*other] = true;
                next.push(*other);
            }
        }
    }
    reached
}

/// Whose a byte is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Whose {
    /// Nobody's, between two things.
    Nobodys,
    Rests,
    Firsts,
}

/// Ranges of memory that go to the rest, in order: bytes of things, none of which is `reached`.
fn moved(places: &Places, reached: &[bool]) -> Result<Vec<Range<i32>>> {
    let mut ranges = Vec::new();
    for (start, bytes) in &places.memory {
        let mut whose = vec![Whose::Nobodys; bytes.len()];
        for (thing, reached) in places.things.iter().zip(reached) {
            let mine = if *reached { Whose::Firsts } else { Whose::Rests };
            for at in thing.clone() {
                let inside = at.checked_sub(*start).and_then(|it| usize::try_from(it).ok());
                if let Some(place) = inside.and_then(|it| whose.get_mut(it))
                    && *place < mine
                {
                    *place = mine;
                }
            }
        }
        let mut from = 0;
        for run in whose.chunk_by(|a, b| a == b) {
            if run[0] == Whose::Rests && run.len() >= SHORT {
                let at = start + i32::try_from(from).map_err(text)?;
                ranges.push(at..at + i32::try_from(run.len()).map_err(text)?);
            }
            from += run.len();
        }
    }
    Ok(ranges)
}

/// The same with fewer segments: the memory between them is zero until the rest comes.
fn joined(segments: Vec<Segment>) -> Result<Vec<Segment>> {
    let mut all: Vec<Segment> = Vec::new();
    for (at, bytes) in segments {
        if let Some((start, last)) = all.last_mut() {
            let gap = at - *start - i32::try_from(last.len()).map_err(text)?;
            if (0..=GAP_BYTES_MAX).contains(&gap) {
                last.extend(std::iter::repeat_n(0, usize::try_from(gap).map_err(text)?));
                last.extend(bytes);
                continue;
            }
        }
        all.push((at, bytes));
    }
    Ok(all)
}

fn segments(program: &Program<'_>) -> Result<Vec<Segment>> {
    let mut segments = Vec::new();
    for payload in Parser::new(0).parse_all(program.bytes) {
        let Payload::DataSection(section) = payload.map_err(text)? else {
            continue;
        };
        for data in section {
            let data = data.map_err(text)?;
            segments.push((address(&data)?, data.data.to_vec()));
        }
    }
    Ok(segments)
}

/// Numbers in the code of a function that can be addresses, or be added to one: not those that the
/// code had before it was linked, when nobody knew any address.
pub(super) fn numbers(
    program: &Program<'_>,
    places: &Places,
    function: u32,
) -> Result<BTreeSet<i32>> {
    let is_plain =
        |value: &i32| places.plain.narrow.contains(value) && !places.named.contains_key(value);
    let mut offsets = Offsets(BTreeSet::new());
    let Some(body) = program.body(function) else {
        return Ok(offsets.0);
    };
    let mut code = CodeSection::new();
    offsets.parse_function_body(&mut code, body.clone()).map_err(text)?;
    for operator in body.get_operators_reader().map_err(text)? {
        match operator.map_err(text)? {
            Operator::I32Const { value } if !is_plain(&value) => {
                offsets.0.insert(value);
            }
            Operator::I64Const { value } if !places.plain.wide.contains(&value) => {
                offsets.0.extend(within(value));
            }
            _ => {}
        }
    }
    Ok(offsets.0)
}

/// Numbers of 32 bits that a wider one can be made of: two stores beside each other, say of where a
/// text is and of how long it is, become one.
fn within(wide: i64) -> impl Iterator<Item = i32> {
    (0..=32).step_by(8).map(move |shift| (wide >> shift) as i32)
}

/// What loads and stores add to an address.
struct Offsets(BTreeSet<i32>);

impl Reencode for Offsets {
    type Error = std::convert::Infallible;

    fn mem_arg(
        &mut self,
        arg: wasmparser::MemArg,
    ) -> std::result::Result<wasm_encoder::MemArg, Error<Self::Error>> {
        self.0.extend(i32::try_from(arg.offset));
        wasm_encoder::reencode::utils::mem_arg(self, arg)
    }
}

#[cfg(test)]
mod tests {
    use super::super::places::Plain;
    use super::*;

    /// Memory from 1000 on: a list that points to two texts, the texts, and a word by itself.
    fn places() -> Places {
        Places {
            things: vec![1000..1008, 1008..1020, 1022..1032, 1032..1040],
            points: vec![vec![1, 2], vec![], vec![], vec![]],
            named: [(1000, vec![0]), (990, vec![3])].into(),
            plain: Plain::default(),
            roots: Vec::new(),
            memory: vec![(1000, b"pointersa first text..the secondby itself".to_vec())],
        }
    }

    fn parted(texts: &[Vec<u8>], named: &[i32]) -> Data {
        let places = places();
        let moved = moved(&places, &reached(&places, texts, &named.iter().copied().collect()));
        let mut data = Data { first: Vec::new(), rest: Vec::new() };
        let (at, bytes) = &places.memory[0];
        data.part(*at, bytes, &moved.expect("it fits")).expect("it fits");
        data
    }

    #[test]
    fn what_code_names_and_what_that_points_to_stays_with_it() {
        let data = parted(&[], &[1000]);
        assert_eq!(
            data.first,
            [(1000, b"pointersa first text..the second".to_vec()), (1040, b"f".to_vec())]
        );
        assert_eq!(data.rest, [(1032, b"by itsel".to_vec())]);
    }

    #[test]
    fn an_address_is_found_in_a_wider_number() {
        let where_and_length = (0x0012_3456_i64 << 32) | 7;
        assert!(within(where_and_length).any(|it| it == 0x0012_3456));
        assert!(within((3 << 32) | 0x0406).any(|it| it == 0x0406));
        assert!(within(-1).all(|it| it == -1));
    }

    #[test]
    fn a_text_goes_to_the_rest_unless_code_names_it_itself() {
        let texts = [b"the second".to_vec()];
        assert_eq!(parted(&texts, &[1000, 990]).rest, [(1022, b"the second".to_vec())]);
        assert!(parted(&texts, &[1000, 990, 1025]).rest.is_empty());
    }

    #[test]
    fn an_address_outside_of_what_it_is_about_keeps_that() {
        let data = parted(&[], &[990]);
        assert_eq!(data.first, [(1020, b"..".to_vec()), (1032, b"by itself".to_vec())]);
    }

    #[test]
    fn segments_close_to_each_other_become_one() {
        let far = 1010 + GAP_BYTES_MAX;
        let segments = vec![(1000, vec![1]), (1003, vec![2; 6]), (far, vec![3])];
        let expected = [(1000, vec![1, 0, 0, 2, 2, 2, 2, 2, 2]), (far, vec![3])];
        assert_eq!(joined(segments).expect("it fits"), expected);
    }
}

//! Where in memory the program's read-only data is, and who names it: read from what the linker
//! left in the module that it made (`web/build.rs`).
//!
//! Later steps of the build (wasm-bindgen, wasm-opt) rewrite code and move no data, so places stay
//! true. What they make of code is looked at anew; here stands only what an address in code means,
//! since it can lie outside of what it is about: of a table that begins with its fifth entry, the
//! code may name where its first would be. Leaves out what is done with that (`data`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use wasmparser::{
    BinaryReader, DefinedDataSymbol, FunctionBody, KnownCustom, Linking, Operator, Parser, Payload,
    RelocSectionReader, RelocationType, SymbolInfo,
};

use super::program::address;
use super::{Result, text};

/// Name of the segments that nobody writes to.
const READ_ONLY: &str = ".rodata";

/// What the linker says of data.
#[derive(Default)]
pub(crate) struct Places {
    /// Things in read-only memory, by their start; several can share bytes.
    pub(super) things: Vec<Range<i32>>,
    /// For each, the things that it points to.
    pub(super) points: Vec<Vec<usize>>,
    /// Numbers in code that are addresses, with what each is an address of.
    pub(super) named: BTreeMap<i32, Vec<usize>>,
    /// Numbers in code that are none, whatever may lie there: 0x110000 is what no character is.
    pub(super) plain: Plain,
    /// Things that memory which is written to points to.
    pub(super) roots: Vec<usize>,
    /// The read-only memory, by address.
    pub(super) memory: Vec<(i32, Vec<u8>)>,
}

/// Numbers in code as it was linked that the linker did not put there.
#[derive(Default)]
pub(super) struct Plain {
    pub(super) narrow: BTreeSet<i32>,
    pub(super) wide: BTreeSet<i64>,
}

impl Plain {
    /// `at` are the places of addresses, counted from where the code begins.
    fn read(bodies: &[FunctionBody<'_>], start: u64, at: &BTreeSet<u64>) -> Result<Self> {
        let mut this = Self::default();
        for body in bodies {
            for operator in body.get_operators_reader().map_err(text)?.into_iter_with_offsets() {
                match operator.map_err(text)? {
                    // The number stands behind the operator's byte.
                    (Operator::I32Const { value }, place) if !at.contains(&(place + 1 - start)) => {
                        this.narrow.insert(value);
                    }
                    (Operator::I64Const { value }, _) => {
                        this.wide.insert(value);
                    }
                    _ => {}
                }
            }
        }
        Ok(this)
    }
}

struct Segment {
    at: i32,
    /// Where its bytes begin, counted from the start of the section.
    inside: usize,
    bytes: Vec<u8>,
    read_only: bool,
}

/// A place of the linked module that names data.
struct Name {
    offset: usize,
    symbol: usize,
    addend: i32,
}

impl Places {
    /// Reads the module as it was linked.
    pub(crate) fn read(linked: &[u8]) -> Result<Self> {
        let mut segments = Vec::new();
        let mut symbols = Vec::new();
        let (mut in_code, mut in_data) = (Vec::new(), Vec::new());
        let (mut bodies, mut start_of_code) = (Vec::new(), 0);
        for payload in Parser::new(0).parse_all(linked) {
            match payload.map_err(text)? {
                Payload::CodeSectionStart { unchecked_range, .. } => {
                    start_of_code = unchecked_range.start;
                }
                Payload::CodeSectionEntry(body) => bodies.push(body),
                Payload::DataSection(section) => {
                    let start = section.range().start;
                    for data in section {
                        segments.push(segment(&data.map_err(text)?, start)?);
                    }
                }
                Payload::CustomSection(section) => match section.as_known() {
                    KnownCustom::Linking(linking) => {
                        for part in linking.subsections() {
                            match part.map_err(text)? {
                                Linking::SymbolTable(table) => {
                                    for symbol in table {
                                        symbols.push(data_symbol(&symbol.map_err(text)?));
                                    }
                                }
                                Linking::SegmentInfo(infos) => {
                                    for (info, segment) in infos.into_iter().zip(&mut segments) {
                                        let name = info.map_err(text)?.name;
                                        segment.read_only = name.starts_with(READ_ONLY);
                                    }
                                }
                                _ => {}
                            }
                        }
                    }
                    KnownCustom::Reloc(_) => {
                        let names = names(section.data_reader())?;
                        match section.name() {
                            "reloc.CODE" => in_code = names,
                            "reloc.DATA" => in_data = names,
                            _ => {}
                        }
                    }
                    _ => {}
                },
                _ => {}
            }
        }
        if in_code.is_empty() {
            return Err("the linker left nothing on where data is".to_owned());
        }
        let addresses = in_code.iter().map(|name| name.offset as u64).collect();
        let plain = Plain::read(&bodies, start_of_code, &addresses)?;
        Ok(Self { plain, ..Self::of(segments, &symbols, &in_code, &in_data)? })
    }

    fn of(
        segments: Vec<Segment>,
        symbols: &[Option<DefinedDataSymbol>],
        in_code: &[Name],
        in_data: &[Name],
    ) -> Result<Self> {
        let mut this = Self::default();
        // The start of every symbol, and its number among the read-only things.
        let mut starts = BTreeMap::new();
        let mut order: Vec<(Range<i32>, usize)> = Vec::new();
        for (index, symbol) in symbols.iter().enumerate() {
            let Some(symbol) = symbol else {
                continue;
            };
            let segment = segments.get(symbol.index as usize);
            let segment = segment.ok_or("a symbol is in no segment")?;
            let start = segment.at + i32::try_from(symbol.offset).map_err(text)?;
            starts.insert(index, start);
            if segment.read_only {
                let size = i32::try_from(symbol.size).map_err(text)?;
                order.push((start..start + size, index));
            }
        }
        order.sort_by_key(|(range, index)| (range.start, range.end, *index));
        let numbers: BTreeMap<usize, usize> =
            order.iter().enumerate().map(|(number, (_, index))| (*index, number)).collect();
        this.things = order.into_iter().map(|(range, _)| range).collect();
        this.points = vec![Vec::new(); this.things.len()];
        for name in in_code {
            let start = starts.get(&name.symbol).ok_or("code names data that is nowhere")?;
            if let Some(thing) = numbers.get(&name.symbol) {
                this.named.entry(start.wrapping_add(name.addend)).or_default().push(*thing);
            }
        }
        for name in in_data {
            let Some(thing) = numbers.get(&name.symbol) else {
                continue;
            };
            let holder = segments.iter().find_map(|segment| {
                let inside = name.offset.checked_sub(segment.inside)?;
                (inside < segment.bytes.len()).then_some((segment, inside))
            });
            let (segment, inside) = holder.ok_or("a pointer is in no segment")?;
            let at = segment.at + i32::try_from(inside).map_err(text)?;
            let holders: Vec<usize> = this.holding(at).collect();
            if holders.is_empty() {
                this.roots.push(*thing);
            }
            for holder in holders {
                this.points[holder].push(*thing);
            }
        }
        let read_only = segments.into_iter().filter(|segment| segment.read_only);
        this.memory = read_only.map(|segment| (segment.at, segment.bytes)).collect();
        Ok(this)
    }

    /// The things that an address lies in.
    pub(super) fn holding(&self, at: i32) -> impl Iterator<Item = usize> + '_ {
        let end = self.things.partition_point(|thing| thing.start <= at);
        // Those that share bytes begin close to each other, if not at the same place.
        let near = self.things[..end].iter().enumerate().rev().take(8);
        near.filter(move |(_, thing)| thing.contains(&at)).map(|(number, _)| number)
    }

    /// Addresses in the code as it was linked that `is_lost` says are in it no more.
    pub(super) fn lost(&self, is_lost: impl Fn(&i32) -> bool) -> Vec<i32> {
        self.named.keys().copied().filter(is_lost).collect()
    }

    /// Bytes of a thing.
    pub(super) fn bytes(&self, thing: usize) -> &[u8] {
        let range = &self.things[thing];
        let found = self.memory.iter().find_map(|(at, bytes)| {
            let start = usize::try_from(range.start.checked_sub(*at)?).ok()?;
            bytes.get(start..start + range.len())
        });
        found.unwrap_or_default()
    }
}

fn segment(data: &wasmparser::Data<'_>, section: u64) -> Result<Segment> {
    let start = data.range.end - data.data.len() as u64 - section;
    let inside = usize::try_from(start).map_err(text)?;
    Ok(Segment { at: address(data)?, inside, bytes: data.data.to_vec(), read_only: false })
}

fn data_symbol(symbol: &SymbolInfo<'_>) -> Option<DefinedDataSymbol> {
    match symbol {
        SymbolInfo::Data { symbol, .. } => *symbol,
        _ => None,
    }
}

/// Where a section names data; names of other things are left out.
fn names(reader: BinaryReader<'_>) -> Result<Vec<Name>> {
    let mut names = Vec::new();
    for entry in RelocSectionReader::new(reader).map_err(text)?.entries() {
        let entry = entry.map_err(text)?;
        match entry.ty {
            RelocationType::MemoryAddrLeb
            | RelocationType::MemoryAddrSleb
            | RelocationType::MemoryAddrI32 => names.push(Name {
                offset: entry.offset as usize,
                symbol: entry.index as usize,
                addend: i32::try_from(entry.addend).map_err(text)?,
            }),
            RelocationType::FunctionIndexLeb
            | RelocationType::TableIndexSleb
            | RelocationType::TableIndexI32
            | RelocationType::TypeIndexLeb
            | RelocationType::GlobalIndexLeb
            | RelocationType::TableNumberLeb => {}
            other => return Err(format!("the linker names something by {other:?}")),
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols(places: [(u32, u32); 4]) -> Vec<Option<DefinedDataSymbol>> {
        let symbol = |(offset, size)| Some(DefinedDataSymbol { index: 0, offset, size });
        // One that is no data comes first.
        std::iter::once(None).chain(places.map(symbol)).collect()
    }

    #[test]
    fn what_the_linker_did_not_put_into_code_is_no_address() {
        // No locals; i32.const 5, i32.const 6, i64.const 7, each dropped.
        let code = [0, 0x41, 5, 0x1a, 0x41, 6, 0x1a, 0x42, 7, 0x1a, 0x0b];
        let bodies = [FunctionBody::new(BinaryReader::new(&code, 100))];
        let plain = Plain::read(&bodies, 90, &[12].into()).expect("it is code");
        assert_eq!((plain.narrow, plain.wide), ([6].into(), [7].into()));
    }

    #[test]
    fn an_address_before_a_table_names_the_table() {
        let bytes = b"one, two, [ptr] table".to_vec();
        let segment = Segment { at: 1000, inside: 8, bytes, read_only: true };
        let symbols = symbols([(0, 3), (5, 3), (10, 5), (16, 5)]);
        let in_code = [Name { offset: 0, symbol: 4, addend: -13 }];
        let in_data = [Name { offset: 8 + 11, symbol: 2, addend: 0 }];
        let places = Places::of(vec![segment], &symbols, &in_code, &in_data).expect("it fits");
        assert_eq!(places.things, [1000..1003, 1005..1008, 1010..1015, 1016..1021]);
        // Where the first text is, but the table is meant.
        assert_eq!(places.named[&1003], [3]);
        assert_eq!(places.lost(|it| *it != 1000), [1003]);
        assert_eq!(places.points, [vec![], vec![], vec![1], vec![]]);
        assert_eq!(places.bytes(3), b"table");
        assert_eq!(places.holding(1016).collect::<Vec<_>>(), [3]);
        assert_eq!(places.holding(1009).count(), 0);
    }
}

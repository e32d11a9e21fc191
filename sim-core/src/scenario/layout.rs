//! Where a process's regions and small VMAs lie.
//!
//! The preset `static-elf` is an ordinary statically linked program as
//! the recordings in `traces/` show it: 13 VMAs that the reaper walks,
//! besides the regions its program maps. Addresses and sizes are those
//! of one recording (`capture-6-1-s6`); address-space randomization, the
//! VMAs that a reaper never visits (vvar) and growth of heap and stack
//! are left out.

use std::ops::Range;

use super::checked::{Backing, Region, Vma};
use super::error::Report;
use super::spec::{ADDRESS_MAX, ADDRESS_MIN};
use super::units::PAGE_SIZE;
use crate::base::sort;

/// What a process has besides its regions.
#[derive(Copy, Clone, Eq, PartialEq)]
pub(super) enum Preset {
    /// Nothing.
    None,
    /// The VMAs of a static program.
    StaticElf,
}

/// End of the last region when the program doesn't say where they are.
const REGIONS_END: u64 = 0x7f19_e440_0000;
/// Regions are aligned to the size of a huge page, as mmap does for
/// those large enough.
const REGION_ALIGN: u64 = 2 << 20;
/// Between two regions, so that the kernel couldn't merge them.
const GAP: u64 = 2 << 20;
/// Where regions may lie beside the VMAs of a static program: between
/// its heap and its stack.
const STATIC_ELF_REGIONS: (u64, u64) = (0x1_0000_0000, 0x7ff0_0000_0000);

/// Address space reserved but never used, below and above the regions:
/// what their allocator keeps for alignment.
const RESERVED_BELOW: u64 = 0x2d_8000;
const RESERVED_ABOVE: u64 = 0xd2_8000;
/// A thread's stack and the guard page below it.
const THREAD_STACK: u64 = 0x1_0000;

/// VMAs at fixed addresses below the regions: name, start, end, present
/// pages, whether anonymous. The recordings' log lines count 159
/// anonymous and 160 file pages in all; the stack has what is missing
/// to that sum (it is 33 in memory: per-thread counters lag behind).
const LOW: [(&str, u64, u64, u64, bool); 7] = [
    ("elf-header", 0x40_0000, 0x40_1000, 1, false),
    ("text", 0x40_1000, 0x49_1000, 127, false),
    ("rodata", 0x49_1000, 0x4b_c000, 31, false),
    ("relro", 0x4b_c000, 0x4c_0000, 2, true),
    ("data", 0x4c_0000, 0x4c_3000, 3, true),
    ("bss", 0x4c_3000, 0x51_e000, 91, true),
    ("[heap]", 0x1000_f000, 0x1003_1000, 34, true),
];
/// The same above the regions.
const HIGH: [(&str, u64, u64, u64, bool); 2] = [
    ("[stack]", 0x7ffe_2fc0_b000, 0x7ffe_2fc2_c000, 28, true),
    ("[vdso]", 0x7ffe_2fc4_0000, 0x7ffe_2fc4_2000, 1, false),
];

/// A region as its `mmap` asks for it.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) pages: u64,
    /// Where it shall be, if anywhere in particular.
    pub(super) at: Option<u64>,
    pub(super) backing: Backing,
    pub(super) thp: bool,
    /// Its name in the file, to point at.
    pub(super) span: Range<usize>,
}

/// Gives every region an address, and complains when they can't all have
/// one. Those without `at` follow the one before, 2 MiB apart; the first
/// ones end below the first that has an address, or below what is
/// `taken`, or at a fixed place.
pub(super) fn place(
    report: &mut Report<'_>,
    wanted: Vec<Wanted>,
    preset: Preset,
    taken: &[(u64, u64)],
) -> Vec<Region> {
    let (least, most) = match preset {
        Preset::None => (ADDRESS_MIN, ADDRESS_MAX),
        Preset::StaticElf => STATIC_ELF_REGIONS,
    };
    let above = taken.iter().map(|(start, _)| *start).filter(|start| *start >= least);
    let below_taken = above.min().map(|start| start.saturating_sub(GAP));
    let fixed = wanted.iter().position(|region| region.at.is_some());
    let first_fixed = wanted.iter().find_map(|region| region.at);
    let mut end = first_fixed.or(below_taken).unwrap_or(REGIONS_END);
    let leading = fixed.unwrap_or(wanted.len());
    let mut places = vec![0; wanted.len()];
    for (index, region) in wanted[..leading].iter().enumerate().rev() {
        let gap = if index + 1 < leading || fixed.is_some() { GAP } else { 0 };
        let start = end.saturating_sub(region.pages * PAGE_SIZE + gap);
        end = start - start % REGION_ALIGN;
        places[index] = end;
    }
    let mut below = 0_u64;
    for (index, region) in wanted.iter().enumerate() {
        if index >= leading {
            let next = below.saturating_add(GAP).next_multiple_of(REGION_ALIGN);
            places[index] = region.at.unwrap_or(next);
        }
        below = places[index].saturating_add(region.pages * PAGE_SIZE);
    }
    let mut spans: Vec<(u64, u64)> = taken.to_vec();
    let mut regions = Vec::new();
    for (region, at) in wanted.into_iter().zip(places) {
        let Wanted { name, pages, backing, thp, span, .. } = region;
        let end = at.saturating_add(pages * PAGE_SIZE);
        if at < least || end > most {
            let expected = format!("expected it between {least:#x} and {most:#x}");
            report.add(&span, "no room for region", expected);
        } else if spans.iter().any(|(s, e)| at < *e && *s < end) {
            report.add(&span, "overlapping region", "expected addresses of its own");
        }
        spans.push((at, end));
        // What has no room is never run; it only must not overflow.
        regions.push(Region { name, pages, at: at.min(ADDRESS_MAX), backing, thp });
    }
    regions
}

/// The VMAs of a process besides its regions, by address.
pub(super) fn vmas(preset: Preset, regions: &[Region]) -> Vec<Vma> {
    if preset == Preset::None {
        return Vec::new();
    }
    let mut extents: Vec<(u64, u64)> =
        regions.iter().map(|region| (region.at, region.end())).collect();
    sort::natural(&mut extents);
    let bottom = extents.first().map_or(REGIONS_END, |(start, _)| *start);
    let top = extents.last().map_or(REGIONS_END, |(_, end)| *end);
    let mut vmas: Vec<Vma> = LOW.into_iter().map(fixed_vma).collect();
    let stack_end = bottom.saturating_sub(RESERVED_BELOW);
    let stack = stack_end.saturating_sub(THREAD_STACK);
    let guard = stack.saturating_sub(PAGE_SIZE);
    vmas.push(fixed_vma(("guard", guard, stack, 0, true)));
    vmas.push(fixed_vma(("thread-stack", stack, stack_end, 1, true)));
    vmas.push(fixed_vma(("reserved", stack_end, bottom, 0, true)));
    for pair in extents.windows(2) {
        if pair[0].1 < pair[1].0 {
            vmas.push(fixed_vma(("reserved", pair[0].1, pair[1].0, 0, true)));
        }
    }
    vmas.push(fixed_vma(("reserved", top, top.saturating_add(RESERVED_ABOVE), 0, true)));
    vmas.extend(HIGH.into_iter().map(fixed_vma));
    vmas
}

fn fixed_vma((name, start, end, present, anonymous): (&str, u64, u64, u64, bool)) -> Vma {
    Vma { name: name.to_owned(), start, end, anonymous, present }
}

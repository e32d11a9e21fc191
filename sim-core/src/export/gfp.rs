//! GFP flags as `%#x(%pGg)` prints them, per numbering
//! (include/linux/gfp.h, from the masks that logs of each era show).

use super::tracepoint::write_flags;
use crate::record::{GFP_NAMES, Gfp, GfpNumbers, Wording};

/// The name: the longest compound that fits, then single flags.
pub(super) fn name(gfp: Gfp, wording: &Wording) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _: std::fmt::Result = write_flags(&mut out, bits(gfp, wording), names(wording));
    out
}

/// What bits are called, compound names first. A name that has no bit has none in this numbering.
pub(super) fn names(wording: &Wording) -> impl Iterator<Item = (u32, &'static str)> {
    let is_ordered = is_ordered(wording);
    let by_era = move |new: u32, old: u32| if is_ordered { new } else { old };
    let compound = by_era(0x4_0000, 0x4000);
    let named = GFP_NAMES.into_iter().flat_map(move |(flag, name)| {
        let bits = bits(flag, wording);
        match flag {
            Gfp::HIGHUSER_MOVABLE => [(0, ""), (bits & !compound, name)],
            Gfp::ZERO => [(compound, "__GFP_COMP"), (bits, name)],
            _ => [(0, ""), (bits, name)],
        }
    });
    let hardwall = by_era(0x10_0000, 0x2_0000);
    let user = [(0x2, "__GFP_HIGHMEM"), (0x8, "__GFP_MOVABLE"), (hardwall, "__GFP_HARDWALL")];
    named.chain(user).filter(|(mask, _)| *mask != 0)
}

/// Whether flags are numbered as from Linux 5.1 on.
fn is_ordered(wording: &Wording) -> bool {
    matches!(wording.gfp_numbers, GfpNumbers::Ordered | GfpNumbers::WithoutAtomic)
}

/// The number.
pub(super) fn bits(gfp: Gfp, wording: &Wording) -> u32 {
    use GfpNumbers::{Middle, Old, Ordered, Packed, WithoutAtomic};
    let numbers = wording.gfp_numbers;
    let ordered = is_ordered(wording);
    let (direct, kswapd) = match numbers {
        Old => (0x40_0000, 0x200_0000),
        Middle => (0x40_0000, 0x100_0000),
        Packed => (0x20_0000, 0x40_0000),
        Ordered | WithoutAtomic => (0x400, 0x800),
    };
    let harder = match numbers {
        WithoutAtomic => 0,
        Ordered => 0x200,
        Old | Middle | Packed => 0x8_0000,
    };
    // HIGHMEM, MOVABLE, HARDWALL: what a page for user space adds, and COMP if it does.
    let (user, compound) = if ordered { (0x10_000a, 0x4_0000) } else { (0x2_000a, 0x4000) };
    let user = if wording.anon_is_compound { user | compound } else { user };
    let by_era = |new: u32, old: u32| if ordered { new } else { old };
    // A huge page comes in one piece.
    let is_huge = gfp.has(Gfp::TRANSHUGE_LIGHT);
    let user = if is_huge { user | compound } else { user };
    [
        (Gfp::DMA, 0x01),
        (Gfp::DMA32, 0x04),
        (Gfp::IO, 0x40),
        (Gfp::FS, 0x80),
        (Gfp::HIGH, 0x20),
        (Gfp::HARDER, harder),
        (Gfp::DIRECT_RECLAIM, direct),
        (Gfp::KSWAPD_RECLAIM, kswapd),
        (Gfp::USER, user),
        (Gfp::NOWARN, by_era(0x2000, 0x200)),
        (Gfp::RETRY_MAYFAIL, by_era(0x4000, 0x400)),
        (Gfp::NOFAIL, by_era(0x8000, 0x800)),
        (Gfp::NORETRY, by_era(0x1_0000, 0x1000)),
        (Gfp::MEMALLOC, by_era(0x2_0000, 0x2000)),
        (Gfp::NOMEMALLOC, by_era(0x8_0000, 0x1_0000)),
        (Gfp::THISNODE, by_era(0x20_0000, 0x4_0000)),
        (Gfp::ZERO, by_era(0x100, 0x8000)),
        (Gfp::ACCOUNT, by_era(0x40_0000, 0x10_0000)),
    ]
    .into_iter()
    .filter(|(flag, _)| gfp.has(*flag))
    .fold(0, |bits, (_, bit)| bits | bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_those_of_real_logs() {
        let masks = |gfp_numbers, anon_is_compound| {
            let wording = Wording { gfp_numbers, anon_is_compound, ..Wording::default() };
            [Gfp::KERNEL, Gfp::ATOMIC, Gfp::ZEROED_MOVABLE].map(|gfp| bits(gfp, &wording))
        };
        assert_eq!(masks(GfpNumbers::Old, false), [0x240_00c0, 0x208_0020, 0x242_80ca]);
        assert_eq!(masks(GfpNumbers::Middle, false), [0x140_00c0, 0x108_0020, 0x142_80ca]);
        assert_eq!(masks(GfpNumbers::Packed, false), [0x60_00c0, 0x48_0020, 0x62_80ca]);
        assert_eq!(masks(GfpNumbers::Ordered, false), [0xcc0, 0xa20, 0x10_0dca]);
        assert_eq!(masks(GfpNumbers::Ordered, true), [0xcc0, 0xa20, 0x14_0dca]);
        assert_eq!(masks(GfpNumbers::WithoutAtomic, true), [0xcc0, 0x820, 0x14_0dca]);
    }

    #[test]
    fn huge_pages_are_asked_for_as_logs_have_it() {
        let wording = Wording { gfp_numbers: GfpNumbers::Ordered, ..Wording::default() };
        let gfp = Gfp::TRANSHUGE.with(Gfp::NORETRY).with(Gfp::THISNODE);
        let text = "GFP_TRANSHUGE|__GFP_NORETRY|__GFP_THISNODE";
        assert_eq!((bits(gfp, &wording), name(gfp, &wording).as_str()), (0x3d_24ca, text));
    }

    #[test]
    fn older_kernels_ask_for_single_pages_and_copies_are_not_zeroed() {
        for (anon_is_compound, compound, mask) in [(false, "", 0), (true, "|__GFP_COMP", 0x4_0000)]
        {
            let wording = Wording { anon_is_compound, ..Wording::default() };
            for (gfp, zeroed, bit) in
                [(Gfp::HIGHUSER_MOVABLE, "", 0), (Gfp::ZEROED_MOVABLE, "|__GFP_ZERO", 0x100)]
            {
                let text = format!("GFP_HIGHUSER_MOVABLE{compound}{zeroed}");
                assert_eq!(name(gfp, &wording), text);
                assert_eq!(bits(gfp, &wording), 0x10_0cca | mask | bit);
            }
        }
    }
}

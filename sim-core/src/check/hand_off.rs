//! I3 and I8 under the policy `hand-off`: its worker unmaps what a start that must not
//! sleep had refused, and may be at it after SKIP. Both are waived there, and told once
//! for each range.

use std::collections::BTreeMap;

use super::victims::Victims;
use crate::base::RangeId;
use crate::record::{Breach, Cast, Invariant};

/// What was told of a range.
#[derive(Copy, Clone, Default)]
struct Told {
    refused: bool,
    after_skip: bool,
}

/// Ranges that were handed over.
#[derive(Default)]
pub(super) struct HandedOver {
    ranges: BTreeMap<RangeId, Told>,
}

impl HandedOver {
    pub(super) fn handed(&mut self, range: RangeId) {
        self.ranges.entry(range).or_default();
    }

    /// The worker unmaps pages of a range.
    pub(super) fn zapped(
        &mut self,
        range: RangeId,
        victims: &Victims,
        cast: &Cast,
    ) -> Result<(), Breach> {
        let Some(told) = self.ranges.get_mut(&range) else { return Ok(()) };
        let Some(info) = cast.ranges.get(range) else { return Ok(()) };
        if !std::mem::replace(&mut told.refused, true) {
            let text = format!("{} was refused, and is unmapped by the worker", info.name);
            return Err(Breach::new(Invariant::RefusedVmaIsWhole, text));
        }
        match victims.skip_of(info.mm) {
            Some(skip) if !std::mem::replace(&mut told.after_skip, true) => {
                let text = format!("{} is reaped although its mm has SKIP", info.name);
                Err(Breach::new(Invariant::SkipEndsReaping, text).after(skip))
            }
            _ => Ok(()),
        }
    }
}

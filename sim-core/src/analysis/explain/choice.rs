//! Why the first victim was chosen: what it had, in memory and in swap, and what it was favoured by.
//!
//! Left out: page tables, which the killer counts too; what was unmapped while in swap counts on.

use std::collections::BTreeMap;

use super::Tale;
use crate::analysis::types::Victim;
use crate::analysis::victims::VictimFacts;
use crate::analysis::words::{list_text, size_text};
use crate::base::MmId;
use crate::record::{Event, TaskKind};

impl Tale<'_> {
    /// Why this one.
    pub(super) fn choice(&self, facts: &VictimFacts, victim: &Victim) -> String {
        let cast = &self.index.cast;
        let present = |mm| self.index.present(mm, victim.killed);
        let swapped = self.swapped(facts.killed);
        let of_mm = |mm| present(mm) + swapped.get(&mm).copied().unwrap_or(0);
        let own = facts.mm.map_or(0, of_mm);
        let adj = cast.tasks.get(victim.task).map_or(0, |info| info.oom_score_adj);
        let mut larger: Vec<_> = cast
            .tasks
            .iter()
            .filter(|(id, info)| {
                info.kind == TaskKind::User
                    && info.leader == *id
                    && *id != victim.task
                    && info.mm.is_some_and(|mm| of_mm(mm) > own)
            })
            .map(|(_, info)| format!("{} ({})", info.name, info.oom_score_adj))
            .collect();
        larger.truncate(2);
        let in_memory = facts.mm.map_or(0, present);
        let had = match own - in_memory {
            0 => size_text(own),
            swapped => format!("{}, and {} in swap", size_text(in_memory), size_text(swapped)),
        };
        if larger.is_empty() {
            format!(", the largest, which had {had}")
        } else {
            format!(
                " for its {had} and its oom_score_adj of {adj}, before larger ones: {}",
                list_text(&larger)
            )
        }
    }

    /// Pages of an address space in swap before a record.
    pub(super) fn swapped_of(&self, mm: MmId, before: usize) -> u64 {
        self.swapped(before).get(&mm).copied().unwrap_or(0)
    }

    /// The same of all.
    fn swapped(&self, before: usize) -> BTreeMap<MmId, u64> {
        let mut swapped: BTreeMap<MmId, u64> = BTreeMap::new();
        let mm = |range| self.index.cast.ranges.get(range).map(|info| info.mm);
        for record in self.run.trace.iter().take(before) {
            match record.event {
                Event::SwapOut { range, pages } => {
                    let Some(mm) = mm(range) else { continue };
                    *swapped.entry(mm).or_default() += u64::from(pages);
                }
                Event::SwapIn { range, pages } => {
                    let Some(of_mm) = mm(range).and_then(|mm| swapped.get_mut(&mm)) else {
                        continue;
                    };
                    *of_mm = of_mm.saturating_sub(u64::from(pages));
                }
                _ => {}
            }
        }
        swapped
    }
}

//! The first sentence of a story: where memory was when it came to the worst.

use super::Tale;
use crate::analysis::words::{cgroup_name, list_text, mm_name, size_text, time_text};
use crate::base::{CgroupId, MmId, SimTime, sort};
use crate::record::{Event, Record};

impl Tale<'_> {
    /// Who had how much when it came to the worst.
    pub(super) fn memory(&self) -> String {
        if let Some((at, cgroup)) = self.limit_hit() {
            return self.memory_of_cgroup(at, cgroup);
        }
        let memory = &self.index.memory;
        let lowest = memory.free.iter().min_by_key(|point| point.1).map_or(SimTime::ZERO, |p| p.0);
        let at = self.first().map_or(lowest, |(_, victim)| victim.killed);
        let by_zone = self.free_by_zone(at);
        let free: u64 = by_zone.iter().sum();
        if self.index.victims.is_empty() && free > memory.managed / 2 {
            return format!(
                "Memory was not short: at {}, when the least was free, that was {} of the {}.",
                time_text(at),
                size_text(free),
                size_text(memory.managed)
            );
        }
        let mut shares: Vec<(u64, MmId)> =
            self.index.cast.mms.ids().map(|mm| (self.index.present(mm, at), mm)).collect();
        shares.retain(|share| share.0 > 0);
        sort::by_key(&mut shares, |&(pages, mm)| (std::cmp::Reverse(pages), mm));
        let names = shares.iter().take(3).map(|&(pages, mm)| {
            format!("{} ({})", mm_name(&self.index.cast, mm), size_text(pages))
        });
        let mut names: Vec<_> = names.collect();
        let taken: u64 = shares.iter().map(|share| share.0).sum();
        let others: u64 = shares.iter().skip(3).map(|share| share.0).sum();
        let rest = memory.managed.saturating_sub(taken + free);
        let mut told = taken - others;
        if others > 0 && told * 2 <= memory.managed {
            told = taken;
            names.push(format!("{} more ({})", shares.len() - 3, size_text(others)));
        }
        if rest > taken {
            told += rest;
            names.push(format!("files and the kernel ({})", size_text(rest)));
        }
        let much = if told * 2 > memory.managed { "had taken most" } else { "had some" };
        format!(
            "At {} {} {much} of the {}; free were {}.",
            time_text(at),
            list_text(&names),
            size_text(memory.managed),
            self.zones_text(by_zone)
        )
    }

    /// Records until an instant; of that of the first kill, those before it: whoever may
    /// have the reserves takes them right behind it.
    fn records_until(&self, at: SimTime) -> impl Iterator<Item = Record> {
        let killed = self.first().map_or(usize::MAX, |(facts, _)| facts.killed);
        self.run.trace.iter().take(killed).take_while(move |record| record.at <= at)
    }

    /// What was free in each zone.
    fn free_by_zone(&self, at: SimTime) -> Vec<u64> {
        let mut free = vec![0; self.index.cast.zones.len()];
        for record in self.records_until(at) {
            if let Event::ZoneFree { zone, free: pages } = record.event
                && let Some(slot) = free.get_mut(zone.index())
            {
                *slot = u64::from(pages);
            }
        }
        free
    }

    /// What is free in each zone, highest first, and why nobody gets it: of a
    /// lower zone, `lowmem_reserve` keeps more than its watermarks.
    fn zones_text(&self, free: Vec<u64>) -> String {
        let zones = &self.index.cast.zones;
        let highest = zones.ids().last();
        let texts = zones.iter().zip(free).map(|((id, zone), pages)| {
            let why = if pages > zone.high && Some(id) != highest {
                "kept for requests that need low addresses".to_owned()
            } else {
                format!("where min is {}", size_text(zone.min))
            };
            format!("{} in {}, {why}", size_text(pages), zone.name)
        });
        let mut texts: Vec<_> = texts.collect();
        texts.reverse();
        texts.join(", and ")
    }

    /// The cgroup for whose sake the first victim was killed.
    fn limit_hit(&self) -> Option<(SimTime, CgroupId)> {
        let (facts, victim) = self.first()?;
        let cgroup = facts.scope?;
        Some((victim.killed, cgroup))
    }

    fn memory_of_cgroup(&self, at: SimTime, cgroup: CgroupId) -> String {
        let (mut limit, mut usage) = (None, None);
        for record in self.records_until(at) {
            match record.event {
                Event::MemcgLimit { cgroup: of, pages } if of == cgroup => {
                    limit = Some(pages).filter(|&pages| pages != u32::MAX);
                }
                Event::MemcgUsage { cgroup: of, pages } if of == cgroup => usage = Some(pages),
                _ => {}
            }
        }
        let size = |pages: u32| size_text(u64::from(pages));
        let used = usage.map_or_else(String::new, |pages| format!(" used {}", size(pages)));
        let limit = limit.map_or_else(String::new, |pages| format!(" of its {}", size(pages)));
        let free = size_text(self.free_by_zone(at).iter().sum());
        format!(
            "At {} {}{used}{limit}; of the machine's memory {free} were free.",
            time_text(at),
            cgroup_name(&self.index.cast, cgroup)
        )
    }
}

//! Pages that come and go, in words.

use crate::analysis::words::{cgroup_name, count_text, range_name, size_text, zone_name};
use crate::record::{Cast, Event, Gfp};

pub(super) fn text(cast: &Cast, who: &str, event: &Event) -> Option<String> {
    Some(match *event {
        Event::ZoneFree { zone, free } => {
            format!("{} has {} free", zone_name(cast, zone), count_text(free.into(), "page"))
        }
        Event::Fault { range, pages } => format!(
            "{} of {} become present",
            count_text(pages.into(), "page"),
            range_name(cast, range)
        ),
        Event::Zap { range, pages, freed } => format!(
            "{who} unmaps {} of {}, {freed} of them are free now",
            count_text(pages.into(), "page"),
            range_name(cast, range)
        ),
        Event::StillPinned { range, pages } => format!(
            "{} of {} stay allocated: a device holds them",
            count_text(pages.into(), "page"),
            range_name(cast, range)
        ),
        Event::Unpinned { range, pages } => format!(
            "{} of {} are free now: no device holds them any more",
            count_text(pages.into(), "page"),
            range_name(cast, range)
        ),
        Event::SwapOut { range, pages } => format!(
            "{} of {} go to swap",
            count_text(pages.into(), "page"),
            range_name(cast, range)
        ),
        Event::SwapIn { range, pages } => format!(
            "{} of {} come back from swap",
            count_text(pages.into(), "page"),
            range_name(cast, range)
        ),
        Event::PageCache { zone, clean, dirty } => format!(
            "{} has {clean} clean and {dirty} dirty pages in its page cache",
            zone_name(cast, zone)
        ),
        Event::KernelPages { held, gfp, .. } => format!(
            "{who} holds {} for the kernel (last asked with {})",
            count_text(held.into(), "page"),
            Gfp(gfp).text()
        ),
        Event::ReserveTaken { zone, free } => {
            format!("{who} takes a page of the reserves: {} has {free} free", zone_name(cast, zone))
        }
        Event::MemcgUsage { cgroup, pages } => {
            format!("{} uses {}", cgroup_name(cast, cgroup), size_text(pages.into()))
        }
        Event::MemcgLimit { cgroup, pages: u32::MAX } => {
            format!("{} has no limit any more", cgroup_name(cast, cgroup))
        }
        Event::MemcgLimit { cgroup, pages } => {
            format!("the limit of {} is {}", cgroup_name(cast, cgroup), size_text(pages.into()))
        }
        _ => return None,
    })
}

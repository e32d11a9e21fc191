//! Pages that come and go.

use std::fmt::{self, Write as _};

use super::{Written, write_mm, write_range};
use crate::base::RangeId;
use crate::export::gfp;
use crate::export::lines::pid;
use crate::export::state::{State, cgroup_path};
use crate::record::{Event, Gfp, Record};

pub(super) fn write(out: &mut String, state: &State<'_>, record: &Record) -> Written {
    match record.event {
        Event::Zap { range, pages, freed } => {
            write_pages(out, state, "zap", range, pages)?;
            write!(out, " freed={freed}")?;
        }
        Event::StillPinned { range, pages } => {
            write_pages(out, state, "still_pinned", range, pages)?;
        }
        Event::Unpinned { range, pages } => write_pages(out, state, "unpin", range, pages)?,
        Event::SwapOut { range, pages } => write_pages(out, state, "swap_out", range, pages)?,
        Event::SwapIn { range, pages } => write_pages(out, state, "swap_in", range, pages)?,
        Event::Mapped { range } => {
            out.push_str("sim:mmap: ");
            write_range(out, state, range)?;
        }
        Event::Unmapped { range } => {
            out.push_str("sim:munmap: ");
            write_range(out, state, range)?;
        }
        Event::Locked { range, locked } => {
            out.push_str(if locked { "sim:mlock: " } else { "sim:munlock: " });
            write_range(out, state, range)?;
        }
        Event::KernelPages { held, order, gfp } => {
            let gfp = gfp::name(Gfp(gfp), &state.cast.wording);
            let me = pid(state, record.task);
            write!(out, "sim:kernel_pages: pid={me} held={held} order={order} gfp={gfp}")?;
        }
        Event::KswapdBalanced { reclaimed, failures } => {
            write!(out, "sim:kswapd: nid=0 nr_reclaimed={reclaimed} failures={failures}")?;
        }
        Event::ReserveTaken { zone, free } => {
            let zone = state.cast.zones.get(zone).map_or("", |info| info.name.as_str());
            write!(out, "sim:reserve: pid={} zone={zone} free={free}", pid(state, record.task))?;
        }
        Event::MemcgLimit { cgroup, pages } => {
            let name = cgroup_path(state, cgroup);
            write!(out, "sim:memcg_limit: ")?;
            match pages {
                u32::MAX => write!(out, "pages=max cgroup={name}")?,
                pages => write!(out, "pages={pages} cgroup={name}")?,
            }
        }
        Event::ExitMmap { mm } => {
            out.push_str("sim:exit_mmap: ");
            write_mm(out, state, mm)?;
        }
        Event::ExitMmapDone { mm } => {
            out.push_str("sim:exit_mmap_done: ");
            write_mm(out, state, mm)?;
        }
        Event::AllocFailed { order, gfp } => {
            let (me, gfp) = (pid(state, record.task), gfp::name(Gfp(gfp), &state.cast.wording));
            write!(out, "sim:alloc_failed: pid={me} order={order} gfp={gfp}")?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn write_pages(
    out: &mut String,
    state: &State<'_>,
    name: &str,
    range: RangeId,
    pages: u32,
) -> fmt::Result {
    write!(out, "sim:{name}: ")?;
    write_range(out, state, range)?;
    write!(out, " pages={pages}")
}

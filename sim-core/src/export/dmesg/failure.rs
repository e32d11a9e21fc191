//! Lines about requests and callbacks that failed.

use std::fmt::{self, Write as _};

use super::Log;
use crate::base::{NotifierId, SimTime};
use crate::export::gfp;
use crate::export::lines::comm;
use crate::export::state::State;
use crate::record::{Gfp, Record};

impl Log {
    /// `warn_alloc()`.
    pub(super) fn write_alloc_failed(
        &mut self,
        state: &State<'_>,
        record: &Record,
        order: u8,
        gfp: u32,
    ) -> fmt::Result {
        let gfp = Gfp(gfp);
        if gfp.has(Gfp::NOWARN) || !self.failures.allows(record.at) {
            return Ok(());
        }
        let wording = &state.cast.wording;
        self.stamp(record.at)?;
        writeln!(
            self.out,
            "{}: page allocation failure: order:{order}, mode:{:#x}({}), \
             nodemask=(null),cpuset=/,mems_allowed=0",
            comm(state, record.task),
            gfp::bits(gfp, wording),
            gfp::name(gfp, wording),
        )
    }

    /// `pagefault_out_of_memory()`, where it kills nobody.
    pub(super) fn write_pagefault_retry(&mut self, at: SimTime) -> fmt::Result {
        if !self.pagefaults.allows(at) {
            return Ok(());
        }
        self.stamp(at)?;
        self.out.push_str("Huh VM_FAULT_OOM leaked out to the #PF handler. Retrying PF\n");
        Ok(())
    }

    /// Only notifiers on the list are logged.
    pub(super) fn write_refusal(
        &mut self,
        state: &State<'_>,
        record: &Record,
        notifier: NotifierId,
    ) -> fmt::Result {
        let info = state.cast.notifiers.get(notifier).filter(|info| !info.interval);
        let Some(info) = info.filter(|_| state.cast.wording.logs_refusals) else {
            return Ok(());
        };
        let manner = if state.blockable(record.task, notifier) { "" } else { "non-" };
        let device = state.cast.devices.get(info.device);
        let (driver, name) =
            device.map_or(("driver", "?"), |info| (info.driver.as_str(), info.name.as_str()));
        self.stamp(record.at)?;
        // `%pS`: the callback, its offset and size in the module's text. The
        // size is the recorded test driver's; a run has no code.
        writeln!(
            self.out,
            "{}_invalidate_range_start+0x0/0x310 [{name}] callback failed with -11 in \
             {manner}blockable context.",
            driver.replace('-', "_"),
        )
    }
}

//! Lines about requests and callbacks that failed.

use std::fmt::{self, Write as _};

use super::{Log, tainted};
use crate::base::{NotifierId, SimTime};
use crate::export::gfp;
use crate::export::lines::{comm, pid};
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

    /// A refusal: only notifiers on the list are logged, and any that could have slept are warned of.
    pub(super) fn write_refusal(
        &mut self,
        state: &State<'_>,
        record: &Record,
        notifier: NotifierId,
    ) -> fmt::Result {
        let wording = &state.cast.wording;
        let blockable = state.blockable(record.task, notifier);
        let info = state.cast.notifiers.get(notifier).filter(|info| !info.interval);
        if let Some(info) = info.filter(|_| wording.logs_refusals) {
            let manner = if blockable { "" } else { "non-" };
            // -EINTR of a lock that was to be taken killably, or -EAGAIN.
            let error = if blockable && state.is_killed(record.task) { 4 } else { 11 };
            let device = state.cast.devices.get(info.device);
            let module = device.map_or("driver", |info| info.module.as_str());
            self.stamp(record.at)?;
            // `%pS`: the callback, its offset and size in the module's text. The
            // size is the recorded test driver's; a run has no code.
            writeln!(
                self.out,
                "{module}_invalidate_range_start+0x0/0x310 [{module}] callback failed with -{error} \
                 in {manner}blockable context.",
            )?;
        }
        if blockable && wording.warns_of_refusals {
            self.write_warning(state, record)?;
        }
        Ok(())
    }

    /// `WARN_ON(mmu_notifier_range_blockable())`: the caller goes on, and what it invalidates is
    /// lost on the driver. Line, offset and registers are left out.
    fn write_warning(&mut self, state: &State<'_>, record: &Record) -> fmt::Result {
        let (cpu, pid) = (state.cpu(record.task), pid(state, record.task));
        let (taint, release) = (tainted(self.warned), state.cast.wording.release);
        self.warned = true;
        for line in [
            "------------[ cut here ]------------".to_owned(),
            format!(
                "WARNING: CPU: {cpu} PID: {pid} at mm/mmu_notifier.c \
                 __mmu_notifier_invalidate_range_start"
            ),
            format!(
                "CPU: {cpu} PID: {pid} Comm: {} {taint} {release} #1",
                comm(state, record.task)
            ),
            "---[ end trace 0000000000000000 ]---".to_owned(),
        ] {
            self.stamp(record.at)?;
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }
}

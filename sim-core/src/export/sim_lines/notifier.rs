//! The notifier core, and what drivers do with it.

use std::fmt::{self, Write as _};

use super::{Written, write_mm, write_range, write_registration};
use crate::base::{NotifierId, RangeId};
use crate::export::lines::pid;
use crate::export::state::State;
use crate::record::{Event, ItreeOp, ItreeRead, MnEvent, Record};

pub(super) fn write(out: &mut String, state: &State<'_>, record: &Record) -> Written {
    match record.event {
        Event::MnCall { notifier, range, blockable, event, .. } => {
            out.push_str("sim:mn_call: ");
            write_registration(out, state, notifier)?;
            write_range(out, state, range)?;
            let event = match event {
                MnEvent::Unmap => "unmap",
                MnEvent::Clear => "clear",
                MnEvent::Release => "release",
                MnEvent::ProtectionPage => "protection-page",
            };
            write!(out, " blockable={} event={event}", u8::from(blockable))?;
        }
        Event::MnReturn { notifier, range, refused } => {
            out.push_str("sim:mn_return: ");
            write_registration(out, state, notifier)?;
            write_range(out, state, range)?;
            write!(out, " refused={}", u8::from(refused))?;
        }
        Event::NotifierRegistered { notifier, range } => {
            out.push_str("sim:mn_register: ");
            write_registration(out, state, notifier)?;
            write_range(out, state, range)?;
        }
        Event::NotifierUnregistered { notifier } => {
            out.push_str("sim:mn_unregister: ");
            write_registration(out, state, notifier)?;
            out.truncate(out.trim_end().len());
        }
        Event::MnEnd { notifier, range } => write_call(out, state, "mn_end", notifier, range)?,
        Event::MnLostEnd { notifier, range } => {
            write_call(out, state, "mn_lost_end", notifier, range)?;
        }
        Event::SecondaryTlbFlush { notifier, range } => {
            write_call(out, state, "secondary_tlb", notifier, range)?;
        }
        Event::MnFinishCall { notifier, range } => {
            write_call(out, state, "mn_finish", notifier, range)?;
        }
        Event::MnFinishReturn { notifier, range } => {
            write_call(out, state, "mn_finish_return", notifier, range)?;
        }
        Event::CoreRefused { notifier, range } => {
            write_call(out, state, "core_refused", notifier, range)?;
        }
        Event::DeadlinePassed { notifier, range } => {
            write_call(out, state, "mn_deadline", notifier, range)?;
        }
        Event::HandedOff { range, .. } => {
            out.push_str("sim:mn_hand_off: ");
            write_range(out, state, range)?;
        }
        Event::MnRead { notifier, op, seq } => {
            let op = match op {
                ItreeRead::Begin => "begin",
                ItreeRead::Waited => "waited",
                ItreeRead::Retry => "retry",
                ItreeRead::Valid => "valid",
            };
            out.push_str("sim:mn_read: ");
            write_registration(out, state, notifier)?;
            write!(out, "op={op} seq={seq}")?;
        }
        Event::SleptNonblocking { notifier } => {
            out.push_str("sim:slept_nonblocking: ");
            write_registration(out, state, notifier)?;
            write!(out, "pid={}", pid(state, record.task))?;
        }
        Event::StaleAccess { device, range, pages } => {
            let device = state.cast.devices.get(device).map_or("?", |info| info.name.as_str());
            write!(out, "sim:stale_device_access: device={device} ")?;
            write_range(out, state, range)?;
            write!(out, " pages={pages}")?;
        }
        Event::TlbSyncTimedOut { notifier } => {
            out.push_str("sim:tlb_sync_timeout: ");
            write_registration(out, state, notifier)?;
        }
        Event::JobTimedOut { fence } => {
            let mut devices = state.cast.devices.iter();
            let device = devices.find(|(_, info)| info.task == Some(record.task));
            let device = device.map_or("?", |(_, info)| info.name.as_str());
            write!(out, "sim:job_timeout: device={device} seqno={}", fence.0)?;
        }
        Event::MnItree { mm, op, active, seq, overlapping } => {
            let op = op_name(op);
            write!(
                out,
                "sim:mn_itree: op={op} active={active} seq={seq} overlapping={overlapping} "
            )?;
            write_mm(out, state, mm)?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn write_call(
    out: &mut String,
    state: &State<'_>,
    name: &str,
    notifier: NotifierId,
    range: RangeId,
) -> fmt::Result {
    write!(out, "sim:{name}: ")?;
    write_registration(out, state, notifier)?;
    write_range(out, state, range)
}

fn op_name(op: ItreeOp) -> &'static str {
    match op {
        ItreeOp::Start => "start",
        ItreeOp::End => "end",
        ItreeOp::Insert => "insert",
        ItreeOp::DeferInsert => "defer-insert",
        ItreeOp::Remove => "remove",
        ItreeOp::DeferRemove => "defer-remove",
    }
}

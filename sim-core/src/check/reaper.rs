//! I3 to I8 and I20: how the reaper works (mm/oom_kill.c,
//! `oom_reap_task()`, `oom_reap_task_mm()`, `__oom_reap_task_mm()`).

use std::collections::BTreeMap;

use super::told::Told;
use super::victims::Victims;
use super::{Declared, mm_name, mm_of, name, range_name};
use crate::base::{DeviceId, LockId, MmId, RangeId, SimTime, TaskId};
use crate::kernel::plugin::Approach;
use crate::kernel::switches::Switches;
use crate::record::{Breach, Cast, Event, Gfp, Invariant, Reason, Record};

/// The victim it works on.
struct Work {
    victim: TaskId,
    attempts: u32,
    /// When the last attempt ended, and its record.
    ended: Option<(SimTime, Record)>,
}

/// What the reaper does.
pub(super) struct Reaper {
    switches: &'static Switches,
    /// Whether somebody from outside makes pauses shorter or longer.
    shifts_waits: bool,
    /// Whether its kernel or a policy has it take `oom_lock`.
    takes_oom_lock: bool,
    /// Whether a callback may have it allocate.
    callback_allocates: bool,
    /// By device, whether it may have to wait in a callback.
    may_wait: Vec<bool>,
    pub(super) id: Option<TaskId>,
    oom_lock: Option<LockId>,
    /// Who was queued, by the mm (or, in old kernels, by task).
    queued: BTreeMap<MmId, Record>,
    woken: Vec<TaskId>,
    work: Option<Work>,
    /// The attempt under way: its start, and whether "reaped" was said.
    attempt: Option<(TaskId, Record, bool)>,
    /// The mm that must get SKIP, and what shows that the reaper had it.
    owes: Option<(MmId, Record)>,
    /// The notifier calls it is in.
    calls: Vec<Record>,
    /// VMAs refused in this attempt.
    refused: Vec<RangeId>,
    pub(super) told: Told,
}

impl Reaper {
    pub(super) fn new(declared: &Declared<'_>, told: Told) -> Self {
        let switches = declared.switches;
        let skips = |approach| matches!(approach, Approach::SkipAny | Approach::SkipFlag);
        let skips = declared.policies.iter().any(|policy| skips(policy.approach()));
        Self {
            switches,
            shifts_waits: declared.shifts_waits,
            takes_oom_lock: switches.reaper_holds_oom_lock || skips,
            callback_allocates: declared.callback_allocates,
            may_wait: declared.reaper_may_wait.to_vec(),
            id: None,
            oom_lock: None,
            queued: BTreeMap::new(),
            woken: Vec::new(),
            work: None,
            attempt: None,
            owes: None,
            calls: Vec::new(),
            refused: Vec::new(),
            told,
        }
    }

    pub(super) fn found(&mut self, id: TaskId, oom_lock: Option<LockId>) {
        self.id = Some(id);
        self.oom_lock = oom_lock;
    }

    /// Somebody queued a victim.
    pub(super) fn woken(
        &mut self,
        record: &Record,
        victim: TaskId,
        cast: &Cast,
    ) -> Result<(), Breach> {
        self.woken.push(victim);
        let Some(mm) = mm_of(cast, victim) else { return Ok(()) };
        match self.queued.insert(mm, *record) {
            None => Ok(()),
            Some(first) => {
                let text = format!("the mm of {} is queued again", mm_name(cast, mm));
                let expected = !self.switches.queues_mm_once;
                Err(Breach::new(Invariant::TenAttempts, text).unless(expected).after(first))
            }
        }
    }

    /// It backs off from a whole mm and calls that done.
    pub(super) fn backed_off(&mut self, record: &Record, mm: MmId, victims: &Victims) {
        if !victims.is_skipped(mm) {
            self.owes = Some((mm, *record));
        }
    }

    /// It leaves the mm to a worker, which sets SKIP when it is done, or
    /// whose clock does.
    pub(super) fn handed_off(&mut self, mm: MmId) {
        self.skip_set(mm);
    }

    pub(super) fn skip_set(&mut self, mm: MmId) {
        if self.owes.is_some_and(|(owed, _)| owed == mm) {
            self.owes = None;
        }
    }

    /// It turns to a victim, or tries again.
    fn tries(
        &mut self,
        record: &Record,
        victim: TaskId,
        victims: &Victims,
        cast: &Cast,
    ) -> Result<(), Breach> {
        if !self.woken.contains(&victim) {
            let text = format!("the reaper works on {}, which nobody queued", name(cast, victim));
            return Err(Breach::new(Invariant::ReaperRecordsInOrder, text));
        }
        if let Some((_, start, _)) = self.attempt {
            let text = format!("an attempt on {} begins within another", name(cast, victim));
            return Err(Breach::new(Invariant::ReaperRecordsInOrder, text).after(start));
        }
        let mm = mm_of(cast, victim);
        match &mut self.work {
            Some(work) if work.victim == victim => {
                work.attempts += 1;
                let attempts = work.attempts;
                // Kernels that queue tasks, not mms, may queue one again while it is worked on.
                let queued = self.woken.iter().filter(|&&woken| woken == victim).count();
                let rounds = if self.switches.queues_mm_once { 1 } else { queued };
                let early =
                    work.ended.filter(|&(ended, _)| record.at - ended < cast.oom_reap_pause);
                let early = early.filter(|_| rounds == 1);
                if attempts as usize > usize::from(cast.max_oom_reap_retries) * rounds {
                    let text = format!("attempt {attempts} on {}", name(cast, victim));
                    return Err(Breach::new(Invariant::TenAttempts, text).unless(false));
                }
                if let Some((ended, last)) = early {
                    let gap = (record.at - ended).0;
                    let text = format!(
                        "attempt {attempts} on {} begins {gap} ns after the one before",
                        name(cast, victim)
                    );
                    let expected = self.shifts_waits;
                    return Err(Breach::new(Invariant::TenAttempts, text)
                        .unless(expected)
                        .after(last));
                }
            }
            _ => {
                let paid = self.pays(cast);
                self.work = Some(Work { victim, attempts: 1, ended: None });
                self.owes = mm.filter(|&mm| !victims.is_skipped(mm)).map(|mm| (mm, *record));
                return paid;
            }
        }
        Ok(())
    }

    /// It turns to something else: what it had must have SKIP.
    fn pays(&mut self, cast: &Cast) -> Result<(), Breach> {
        self.work = None;
        let Some((mm, had)) = self.owes.take() else {
            return Ok(());
        };
        let text = format!("the reaper leaves the mm of {} without SKIP", mm_name(cast, mm));
        Err(Breach::new(Invariant::ReaperSetsSkip, text).after(had))
    }

    pub(super) fn begun(
        &mut self,
        record: &Record,
        victim: TaskId,
        victims: &Victims,
        cast: &Cast,
    ) -> Result<(), Breach> {
        let tried = self.tries(record, victim, victims, cast);
        self.attempt = Some((victim, *record, false));
        self.refused.clear();
        self.told.begins();
        tried
    }

    pub(super) fn skipped(
        &mut self,
        record: &Record,
        victim: TaskId,
        victims: &Victims,
        cast: &Cast,
    ) -> Result<(), Breach> {
        let tried = self.tries(record, victim, victims, cast);
        self.ends(record);
        tried
    }

    fn ends(&mut self, record: &Record) {
        if let Some(work) = &mut self.work {
            work.ended = Some((record.at, *record));
        }
    }

    pub(super) fn reaped(&mut self, victim: TaskId, cast: &Cast) -> Result<(), Breach> {
        match &mut self.attempt {
            Some((tried, _, said)) if *tried == victim && !*said => {
                *said = true;
                Ok(())
            }
            _ => {
                let text = format!("{} is reaped outside of an attempt", name(cast, victim));
                Err(Breach::new(Invariant::ReaperRecordsInOrder, text))
            }
        }
    }

    pub(super) fn finished(
        &mut self,
        record: &Record,
        victim: TaskId,
        ok: bool,
        cast: &Cast,
    ) -> Result<(), Breach> {
        let attempt = self.attempt.take();
        self.ends(record);
        let order = Invariant::ReaperRecordsInOrder;
        match attempt {
            Some((tried, start, said)) if tried == victim && said != ok => {
                let (done, said) =
                    (if ok { "succeeds" } else { "fails" }, if said { "" } else { "not " });
                let text = format!(
                    "an attempt on {} {done} and is {said}called reaped",
                    name(cast, victim)
                );
                Err(Breach::new(order, text).after(start))
            }
            Some((tried, ..)) if tried == victim => Ok(()),
            _ => {
                let text = format!("an attempt on {} ends that never began", name(cast, victim));
                Err(Breach::new(order, text))
            }
        }
    }

    pub(super) fn called(&mut self, record: &Record) {
        self.calls.push(*record);
    }

    pub(super) fn returned(&mut self, range: RangeId, refused: bool) {
        let call = self.calls.pop().map(|call| call.event);
        // Of a call that may sleep for as long as it likes nobody asks the answer.
        let is_ignored =
            matches!(call, Some(Event::MnCall { blockable: true, limited: false, .. }));
        match call {
            _ if refused && !is_ignored => self.refused(range),
            Some(Event::MnCall { notifier, .. }) => self.told.tells(notifier, range),
            _ => {}
        }
    }

    /// A notifier refused a VMA, or the core in its stead.
    pub(super) fn refused(&mut self, range: RangeId) {
        if !self.refused.contains(&range) {
            self.refused.push(range);
        }
    }

    /// The mm of the attempt under way.
    fn works_on(&self, cast: &Cast) -> Option<MmId> {
        mm_of(cast, self.attempt?.0)
    }

    /// `exit_mmap()` is over: it has waited for the reaper.
    pub(super) fn mm_gone(&self, mm: MmId, cast: &Cast) -> Result<(), Breach> {
        match self.attempt {
            Some((_, start, _)) if self.works_on(cast) == Some(mm) => {
                let text = format!("the mm of {} is gone while it is reaped", mm_name(cast, mm));
                Err(Breach::new(Invariant::SkipEndsReaping, text).unless(false).after(start))
            }
            _ => Ok(()),
        }
    }

    /// It unmaps. After SKIP (I3) an attempt may go on that was under way when `exit_mmap()` set it,
    /// as in kernel-spec 3.7; none begins.
    pub(super) fn zapped(
        &self,
        range: RangeId,
        pages: u32,
        victims: &Victims,
        cast: &Cast,
    ) -> Result<(), Breach> {
        let mm = cast.ranges.get(range).map(|info| info.mm);
        if let Some(skip) =
            mm.filter(|_| mm != self.works_on(cast)).and_then(|mm| victims.skip_of(mm))
        {
            let text =
                format!("{} is reaped outside of an attempt, after SKIP", range_name(cast, range));
            return Err(Breach::new(Invariant::SkipEndsReaping, text).unless(false).after(skip));
        }
        if self.attempt.is_none() {
            return Ok(());
        }
        // What an earlier gather frees was unmapped before.
        let unmaps = pages > 0;
        let because = if self.refused.contains(&range) {
            "which was refused".to_owned()
        } else if let Some(device) = self.told.is_missing(range, cast).filter(|_| unmaps) {
            format!("of which {device} was not told")
        } else {
            return Ok(());
        };
        let text = format!("the reaper unmaps {}, {because}", range_name(cast, range));
        Err(Breach::new(Invariant::RefusedVmaIsWhole, text).unless(false))
    }

    pub(super) fn blocked(
        &mut self,
        record: &Record,
        why: u8,
        victims: &Victims,
        cast: &Cast,
    ) -> Result<(), Breach> {
        let why = Reason::from_number(why);
        // Between two victims it may be frozen.
        let frozen = why == Some(Reason::Frozen) && self.switches.reaper_is_freezable;
        if (why == Some(Reason::ReaperIdle) || frozen)
            && let Some((mm, _)) = self.owes
            && !victims.is_skipped(mm)
        {
            self.pays(cast)?;
        }
        let waits = || why.map_or("something", Reason::text);
        let between = matches!(why, Some(Reason::BackOff | Reason::ReaperIdle));
        if let Some((victim, start, _)) = self.attempt.filter(|_| between || frozen) {
            let text = format!("an attempt on {} does not end", name(cast, victim));
            return Err(Breach::new(Invariant::ReaperRecordsInOrder, text).after(start));
        }
        if let Some(&call) = self.calls.last() {
            let text = format!("the reaper waits in a notifier for {}", waits());
            // A callback that allocates can lead into those of others.
            let expected = self.calls.iter().any(|call| self.may_wait_in(call, cast));
            return Err(Breach::new(Invariant::ReaperNeverBlocks, text)
                .unless(expected)
                .after(call));
        }
        // Who may hold oom_lock may wait for it, and the second of `skip-*` is slept with it held.
        let with_oom_lock =
            matches!(why, Some(Reason::SkipSleep | Reason::OomLock)) && self.takes_oom_lock;
        if between || frozen || with_oom_lock {
            return Ok(());
        }
        let text = format!("at {} ns the reaper waits for {}", record.at.0, waits());
        Err(Breach::new(Invariant::ReaperNeverBlocks, text))
    }

    /// Whether its device may have it wait in this call.
    fn may_wait_in(&self, call: &Record, cast: &Cast) -> bool {
        let Event::MnCall { notifier, .. } = call.event else { return false };
        let device: Option<DeviceId> = cast.notifiers.get(notifier).map(|info| info.device);
        device.is_some_and(|device| self.may_wait.get(device.index()) == Some(&true))
    }

    pub(super) fn acquired(&self, lock: LockId) -> Result<(), Breach> {
        if self.oom_lock != Some(lock) {
            return Ok(());
        }
        let text = "the reaper takes oom_lock".to_owned();
        // Who allocates may come to kill.
        let expected = self.takes_oom_lock || self.callback_allocates;
        Err(Breach::new(Invariant::ReaperTakesNothing, text).unless(expected))
    }

    pub(super) fn allocates(&self, gfp: u32) -> Result<(), Breach> {
        if !Gfp(gfp).has(Gfp::DIRECT_RECLAIM) {
            return Ok(());
        }
        let text = format!("the reaper allocates with {}, which may sleep", Gfp(gfp).text());
        Err(Breach::new(Invariant::ReaperTakesNothing, text).unless(self.callback_allocates))
    }
}

//! A driver described in a scenario: goes through the steps of its plan.
//!
//! Each step keeps to the rules of the call it is in: one that would have
//! to wait refuses instead where waiting is not allowed, unless the driver
//! never asks. After a refusal the locks taken so far are let go. A call
//! that succeeds has let go of the range. Left out: steps that depend on
//! each other's outcome.

use std::sync::Arc;

use super::plan::{Alloc, Calls, EndStep, LockName, OwnStep, Plan, Step, Take, WhenAsked};
use crate::base::{DeviceId, Distribution, LockId, Nanos, SimTime};
use crate::engine::{Hold, Signals, Waited};
use crate::kernel::alloc_and_free;
use crate::kernel::device::{flush, queue_all, unpin_all, wait_for_idle};
use crate::kernel::plugin::{
    Blockable, Boxed, Call, Driver, FaultWait, Finish, Ops, Refuse, Refused, Shrinker, head_of,
};
use crate::kernel::switches::Switches;
use crate::kernel::{Cx, might_sleep, msleep};
use crate::record::{Gfp, LockKind, Reason, SleepSite};

/// A driver that does what a plan says.
#[derive(Debug)]
pub struct Described {
    id: String,
    plan: Arc<Plan>,
}

impl Described {
    /// A driver of this name.
    pub fn new(id: &str, plan: Arc<Plan>) -> Self {
        Self { id: id.to_owned(), plan }
    }
}

impl Driver for Described {
    fn id(&self) -> &str {
        &self.id
    }

    fn doc(&self) -> &'static str {
        head_of!("described.rs")
    }

    fn ops(&self) -> Ops {
        Ops {
            start: self.plan.calls == Calls::Start,
            end: !self.plan.end.is_empty(),
            secondary_tlb: matches!(self.plan.calls, Calls::SecondaryTlb(_)),
            does_not_block: self.plan.calls != Calls::Start,
            two_pass: !self.plan.finish.is_empty(),
            page_refs: self.plan.calls == Calls::Nothing,
            release: !self.plan.release.is_empty(),
        }
    }

    fn lock_kind(&self, _switches: &Switches) -> LockKind {
        self.plan.own_lock_kind()
    }

    fn sleeps_anyway(&self) -> bool {
        self.plan.refuse == WhenAsked::Never
    }

    fn fault_wait(&self) -> FaultWait {
        self.plan.faults
    }

    fn invalidate<'a>(&'a self, call: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(async move {
            let Some(mut pass) = Pass::begin(&self.plan, call)? else { return Ok(()) };
            pass.run(&self.plan.start).await?;
            pass.run(&self.plan.finish).await?;
            pass.done().await;
            Ok(())
        })
    }

    fn invalidate_start<'a>(
        &'a self,
        call: Call<'a>,
    ) -> Boxed<'a, Result<Option<Finish>, Refused>> {
        Box::pin(async move {
            let Some(mut pass) = Pass::begin(&self.plan, call)? else { return Ok(None) };
            if pass.must_wait_in(&self.plan.finish) {
                return Err(Refused);
            }
            pass.run(&self.plan.start).await?;
            pass.set_seq();
            Ok(Some(Finish(u64::from(pass.lucky))))
        })
    }

    fn invalidate_finish<'a>(&'a self, call: Call<'a>, finish: Finish) -> Boxed<'a, ()> {
        Box::pin(async move {
            // It has agreed: whatever it waits for now, it can't refuse any longer.
            let call = Call { blockable: Blockable::Yes, ..call };
            let mut pass = Pass::new(&self.plan, call, finish.0 != 0);
            let agreed = pass.run(&self.plan.finish).await;
            debug_assert!(agreed.is_ok(), "invariant: what may sleep in its second pass succeeds");
            pass.done().await;
        })
    }

    fn invalidate_end<'a>(&'a self, call: Call<'a>) -> Boxed<'a, ()> {
        Box::pin(async move {
            if concerns(&self.plan, &call) {
                end(&self.plan.end, &call).await;
            }
        })
    }

    fn invalidate_secondary_tlbs<'a>(&'a self, call: Call<'a>) -> Boxed<'a, ()> {
        Box::pin(async move {
            if let Calls::SecondaryTlb(time) = self.plan.calls {
                call.poll_tlb_flush(call.draw(time)).await;
            }
            call.unmap();
        })
    }

    fn release<'a>(&'a self, cx: &'a Cx, device: DeviceId) -> Boxed<'a, ()> {
        Box::pin(enter(cx, device, &self.plan.release))
    }

    fn registered<'a>(&'a self, cx: &'a Cx, device: DeviceId) -> Boxed<'a, ()> {
        Box::pin(enter(cx, device, &self.plan.register))
    }

    fn mapping<'a>(&'a self, cx: &'a Cx, device: DeviceId) -> Boxed<'a, ()> {
        Box::pin(enter(cx, device, &self.plan.map))
    }
}

/// Whether the driver does anything about a range.
fn concerns(plan: &Plan, call: &Call<'_>) -> bool {
    (call.overlaps || !plan.range_test) && call.acts()
}

/// A call on its way through the steps.
#[expect(clippy::struct_excessive_bools, reason = "independent facts of one call")]
struct Pass<'p, 'a> {
    plan: &'p Plan,
    /// As the driver takes it: one that never asks may always sleep.
    call: Call<'a>,
    /// Whether the caller said that it must not.
    forbidden: bool,
    lucky: bool,
    slept: bool,
    counted: bool,
    marked: bool,
    held: Vec<LockId>,
}

impl<'p, 'a> Pass<'p, 'a> {
    /// What is said before anything is done: `None`: success.
    fn begin(plan: &'p Plan, call: Call<'a>) -> Result<Option<Self>, Refused> {
        if !call.acts() {
            return Ok(None);
        }
        if plan.refuse == WhenAsked::Always && call.blockable == Blockable::No {
            return Err(Refused);
        }
        if !concerns(plan, &call) {
            call.set_seq();
            return Ok(None);
        }
        if plan.refuse == WhenAsked::WhenMapped && !call.maps_any() {
            call.set_seq();
            return Ok(None);
        }
        let lucky = call.draw_luck(plan.lucky);
        let refuses = match (call.setup(|setup| setup.refuse), plan.refuse) {
            (Some(refuse), _) => call.refuses(refuse),
            (None, WhenAsked::Overlap | WhenAsked::WhenMapped) => call.refuses(Refuse::Overlap),
            (None, WhenAsked::WhenBusy) => call.refuses(Refuse::WhenBusy),
            (None, WhenAsked::Always | WhenAsked::IfNeeded | WhenAsked::Never) => false,
        };
        if refuses && !lucky {
            return Err(Refused);
        }
        Ok(Some(Self::new(plan, call, lucky)))
    }

    fn new(plan: &'p Plan, told: Call<'a>, lucky: bool) -> Self {
        let forbidden = told.blockable == Blockable::No;
        let blockable = match plan.refuse {
            WhenAsked::Never => Blockable::Yes,
            _ => told.blockable,
        };
        let call = Call { blockable, ..told };
        let (slept, counted, marked) = (false, false, false);
        Self { plan, call, forbidden, lucky, slept, counted, marked, held: Vec::new() }
    }

    /// Goes through steps; on a failure all that was done is undone.
    async fn run(&mut self, steps: &[Step]) -> Result<(), Refused> {
        for step in steps {
            if let Err(refused) = self.step(step).await {
                for lock in self.held.drain(..).rev() {
                    self.call.cx.unlock(lock);
                }
                if self.counted {
                    self.call.end_invalidation();
                }
                return Err(refused);
            }
        }
        Ok(())
    }

    /// The callback succeeds: the device does not use the range any longer.
    async fn done(mut self) {
        self.set_seq();
        self.call.unmap();
        for lock in self.held.drain(..) {
            self.call.hold_until_end(lock);
        }
        let sleep = self.call.setup(|setup| setup.sleep);
        if self.call.overlaps && self.call.blockable == Blockable::Yes && sleep > Nanos::ZERO {
            self.would_sleep();
            let slept = self.call.sleep(sleep, Reason::CallbackSleep).await;
            debug_assert!(slept.is_ok(), "invariant: only calls that must not sleep refuse");
        }
    }

    async fn step(&mut self, step: &Step) -> Result<(), Refused> {
        let call = self.call;
        if !matches!(step, Step::Lock { .. }) {
            // Under the first locks, which guard what it is compared with.
            self.set_seq();
        }
        let bookkeeping =
            matches!(step, Step::Lock { .. } | Step::Unlock(_) | Step::Begin | Step::End);
        if !call.overlaps && !bookkeeping {
            return Ok(());
        }
        match *step {
            Step::Lock { lock, hold, take } => self.lock(lock, hold, take).await,
            Step::Unlock(lock) => {
                let lock = call.lock_named(lock.index());
                self.held.retain(|&held| held != lock);
                call.cx.unlock(lock);
                Ok(())
            }
            Step::Work(time) => {
                call.cx.cpu(call.draw(time)).await;
                Ok(())
            }
            Step::Hardware(time) => {
                let time = self.wait_of(time);
                call.wait_for_hardware(time, Reason::CallbackWork).await
            }
            Step::Sleep(time) => {
                let time = self.wait_of(time);
                call.sleep(time, Reason::CallbackSleep).await
            }
            Step::Fences { unless_exiting } => {
                if self.lucky || (unless_exiting && call.is_exiting()) {
                    return Ok(());
                }
                if call.has_jobs() {
                    self.would_sleep();
                }
                call.wait_for_fences().await
            }
            Step::Flush(awaits) => {
                if self.lucky {
                    return Ok(());
                }
                self.would_sleep();
                call.flush_worker(awaits).await
            }
            Step::Queue => {
                call.queue_work();
                Ok(())
            }
            Step::Alloc(Alloc { request, count }) => {
                if request.gfp.has(Gfp::DIRECT_RECLAIM) {
                    if !call.blockable.may_sleep() {
                        return Err(Refused);
                    }
                    self.would_sleep();
                }
                alloc_and_free(call.cx, request, count).await;
                Ok(())
            }
            Step::Fails(percent) if call.draw_luck(percent) => Err(Refused),
            Step::Fails(_) => Ok(()),
            Step::Unpin => {
                call.unpin();
                Ok(())
            }
            Step::Begin => {
                self.counted = true;
                call.begin_invalidation();
                Ok(())
            }
            Step::End => {
                self.counted = false;
                call.end_invalidation();
                Ok(())
            }
        }
    }

    async fn lock(&mut self, lock: LockName, hold: Hold, take: Take) -> Result<(), Refused> {
        let call = self.call;
        let lock = call.lock_named(lock.index());
        if take != Take::Try && call.is_held(lock) && !call.cx.spins(lock) {
            self.would_sleep();
        }
        match take {
            Take::Try if call.cx.try_lock(lock, hold) => {}
            Take::Try => return Err(Refused),
            Take::Killable if call.blockable == Blockable::Yes => {
                let waited = call.cx.lock_killable(lock, hold, Reason::DriverLock).await;
                if waited != Waited::Granted {
                    return Err(Refused);
                }
            }
            Take::Wait | Take::Killable => call.lock(lock, hold).await?,
        }
        self.held.push(lock);
        Ok(())
    }

    /// `mmu_interval_set_seq()`, once.
    fn set_seq(&mut self) {
        if !std::mem::replace(&mut self.marked, true) {
            self.call.set_seq();
        }
    }

    /// How long a wait is that begins now.
    fn wait_of(&mut self, time: Distribution) -> Nanos {
        // Drawn in any case: the sequence of draws must not depend on luck.
        let time = self.call.draw(time);
        let time = if self.lucky { Nanos::ZERO } else { time };
        if time > Nanos::ZERO {
            self.would_sleep();
        }
        time
    }

    /// Says, once, that it sleeps where it was told not to.
    fn would_sleep(&mut self) {
        let breaks = self.forbidden && self.plan.refuse == WhenAsked::Never;
        if breaks && !std::mem::replace(&mut self.slept, true) {
            self.call.slept();
        }
    }

    /// Whether a later pass, which can't refuse, would have to wait.
    fn must_wait_in(&self, steps: &[Step]) -> bool {
        let waits = |step: &Step| match step {
            Step::Fences { .. } => self.call.has_jobs(),
            Step::Hardware(_) | Step::Sleep(_) | Step::Flush(_) => true,
            _ => false,
        };
        !self.call.blockable.may_sleep() && !self.lucky && steps.iter().any(waits)
    }
}

/// The end of a range.
async fn end(steps: &[EndStep], call: &Call<'_>) {
    let mut taken = Vec::new();
    for step in steps {
        match *step {
            EndStep::Lock(lock, hold) => {
                let lock = call.lock_named(lock.index());
                call.cx.lock(lock, hold, Reason::DriverLock).await;
                taken.push(lock);
            }
            EndStep::Unlock(lock) => {
                let lock = call.lock_named(lock.index());
                match taken.iter().position(|&other| other == lock) {
                    Some(own) => call.cx.unlock(taken.remove(own)),
                    None => call.unlock_at_end(lock),
                }
            }
            EndStep::Work(time) => call.cx.cpu(call.draw(time)).await,
            EndStep::Sleep(time) => msleep(call.cx, call.draw(time), Reason::CallbackSleep).await,
            EndStep::End => call.end_invalidation(),
        }
    }
}

/// A driver's shrinker: the steps that reclaim sends it through.
#[derive(Debug)]
pub struct Shrink(pub Vec<OwnStep>);

impl Shrinker for Shrink {
    fn scan_objects<'a>(&'a self, cx: &'a Cx, device: DeviceId) -> Boxed<'a, ()> {
        Box::pin(enter(cx, device, &self.0))
    }
}

/// Code of the driver that a process enters by itself: it may sleep.
async fn enter(cx: &Cx, device: DeviceId, steps: &[OwnStep]) {
    let named = |name| cx.with(|state| state.devices[device].lock_named(LockName::index(name)));
    let draw = |time| cx.with(|state| state.devices[device].draw_time(time));
    let mut kept = Vec::new();
    for step in steps {
        match *step {
            OwnStep::Lock(lock, hold) => {
                cx.lock(named(lock), hold, Reason::DriverLock).await;
                kept.push(named(lock));
            }
            OwnStep::Trylock(lock, hold) => {
                if !cx.try_lock(named(lock), hold) {
                    kept.into_iter().rev().for_each(|lock| cx.unlock(lock));
                    return;
                }
                kept.push(named(lock));
            }
            OwnStep::Unlock(lock) => {
                kept.retain(|&other| other != named(lock));
                cx.unlock(named(lock));
            }
            OwnStep::Work(time) => cx.cpu(draw(time)).await,
            OwnStep::Alloc(Alloc { request, count }) => {
                alloc_and_free(cx, request, count).await;
            }
            OwnStep::Hardware(time) => {
                might_sleep(cx, SleepSite::Completion);
                cx.sleep(draw(time), Reason::CallbackWork, Signals::Ignored).await;
            }
            OwnStep::Sleep(time) => msleep(cx, draw(time), Reason::CallbackSleep).await,
            OwnStep::Fences => wait_for_idle(cx, device).await,
            OwnStep::Flush(awaits) => {
                flush(cx, device, None, awaits, SimTime::MAX).await;
            }
            OwnStep::Queue => queue_all(cx, device),
            OwnStep::Unpin => unpin_all(cx, device),
        }
    }
}

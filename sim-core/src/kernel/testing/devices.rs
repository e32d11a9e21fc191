//! Drivers that do as they are told, the policy of these tests, and the
//! devices of a machine that has such drivers.

use crate::base::{DeviceId, Distribution, IdVec, LockId, Nanos, Seeds, Shape, SimTime};
use crate::engine::{Engine, Signals};
use crate::kernel::cx::Cx;
use crate::kernel::device::Device;
use crate::kernel::plugin::{
    ActsOn, Api, Approach, Blockable, Boxed, Call, DeviceSetup, Driver, DriverRef, Finish, Ops,
    Policy, Refused,
};
use crate::record::{Cast, DeviceInfo, LockInfo, Reason, Recorder};

/// A driver whose callbacks take `start` and `finish` when they may
/// sleep, and refuse when they must not if `refuses`, or in any case if `fails`.
#[derive(Copy, Clone)]
pub(in crate::kernel) struct Probe {
    pub ops: Ops,
    pub refuses: bool,
    pub fails: bool,
    pub start: Nanos,
    pub finish: Nanos,
}

impl Probe {
    pub(in crate::kernel) const WILLING: Self = Self {
        ops: Ops::START,
        refuses: false,
        fails: false,
        start: Nanos::ZERO,
        finish: Nanos::ZERO,
    };
    pub(in crate::kernel) const REFUSING: Self = Self { refuses: true, ..Self::WILLING };

    async fn sleep(cx: &Cx, span: Nanos) {
        if span.0 > 0 {
            cx.sleep(span, Reason::CallbackSleep, Signals::Ignored).await;
        }
    }
}

impl Driver for Probe {
    fn id(&self) -> &'static str {
        "probe"
    }

    fn doc(&self) -> &'static str {
        ""
    }

    fn ops(&self) -> Ops {
        self.ops
    }

    fn invalidate<'a>(&'a self, call: Call<'a>) -> Boxed<'a, Result<(), Refused>> {
        Box::pin(async move {
            if self.fails || (self.refuses && call.blockable != Blockable::Yes) {
                return Err(Refused);
            }
            call.set_seq();
            Self::sleep(call.cx, self.start + self.finish).await;
            Ok(())
        })
    }

    fn invalidate_start<'a>(
        &'a self,
        call: Call<'a>,
    ) -> Boxed<'a, Result<Option<Finish>, Refused>> {
        Box::pin(async move {
            if self.refuses && call.blockable != Blockable::Yes {
                return Err(Refused);
            }
            Self::sleep(call.cx, self.start).await;
            Ok(Some(Finish(call.cx.now().0 + self.finish.0)))
        })
    }

    fn invalidate_finish<'a>(&'a self, call: Call<'a>, finish: Finish) -> Boxed<'a, ()> {
        Box::pin(async move {
            Self::sleep(call.cx, SimTime(finish.0).saturating_sub(call.cx.now())).await;
        })
    }
}

/// A policy for tests; devices register as they ask.
pub(super) struct Meets(pub(super) Approach);

impl Policy for Meets {
    fn id(&self) -> &'static str {
        "meets"
    }

    fn doc(&self) -> &'static str {
        ""
    }

    fn api(&self, asked: Api) -> Api {
        asked
    }

    fn approach(&self) -> Approach {
        self.0
    }
}

/// The drivers of these devices, which the cast gets.
pub(super) fn drivers(probes: &[(Probe, Api)], cast: &mut Cast) -> IdVec<DeviceId, DriverRef> {
    let mut drivers = IdVec::new();
    for &(probe, _) in probes {
        let driver: &'static Probe = Box::leak(Box::new(probe));
        drivers.push(DriverRef::Archetype(driver));
        let (name, driver) = ("probe".to_owned(), driver.id().to_owned());
        let (task, worker, faulter) = (None, None, None);
        let (timeout, signaled) = (None, None);
        cast.devices.push(DeviceInfo {
            name,
            module: driver.clone(),
            driver,
            task,
            locks: Vec::new(),
            tries: Vec::new(),
            refuses_for: Vec::new(),
            lucky: 0,
            fails: 0,
            worker,
            faulter,
            timeout,
            signaled,
        });
    }
    drivers
}

/// The devices, each with a lock of its own.
pub(super) fn devices(
    engine: &Engine<Recorder>,
    probes: &[(Probe, Api)],
) -> IdVec<DeviceId, Device> {
    let mut devices = IdVec::new();
    for &(probe, api) in probes {
        let setup = DeviceSetup {
            name: "probe".to_owned(),
            api,
            fence: Distribution::new(Shape::Constant(Nanos::ZERO)),
            sleep: Nanos::ZERO,
            refuse: None,
            lock: named_lock(engine, LockInfo::mutex("lock")),
            declared_locks: Vec::new(),
            work: None,
            page_refs: false,
            does_not_block: probe.ops.does_not_block,
            vcpus: 0,
            timeout: None,
            gfp: None,
            worker: None,
            acts_on: ActsOn::Any,
            shrinker: None,
            ring_of: None,
            maps_on_fault: false,
            maps_at_register: false,
        };
        devices.push(Device::new(&Seeds::new(1), setup, || engine.new_queue()));
    }
    devices
}

/// A lock that the cast knows.
pub(super) fn named_lock(engine: &Engine<Recorder>, info: LockInfo) -> LockId {
    let lock = engine.new_lock();
    engine.observe(|_, recorder| recorder.cast.locks.push(info));
    lock
}

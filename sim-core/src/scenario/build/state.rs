//! The kernel's state at time zero, as the scenario's machine, cgroups
//! and devices say. Nothing runs yet.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::checked::{
    Cgroup as AskedCgroup, Device as AskedDevice, Disk, LockName, Mapped, Refuse as AskedRefuse,
    Scenario,
};
use super::{Choice, NamedLocks, asked_api, driver_of, leader, new_lock};
use crate::base::{
    CgroupId, CompletionId, DeviceId, Distribution, IdVec, LockId, Seeds, SimTime, ZoneId,
};
use crate::driver::described::Shrink;
use crate::engine::Engine;
use crate::kernel::State;
use crate::kernel::completion::Completion;
use crate::kernel::device::Device;
use crate::kernel::freezer::Freezer;
use crate::kernel::mm::Mm;
use crate::kernel::mmu_notifier::Srcu;
use crate::kernel::plugin::{DeviceSetup, Refuse, Shrinker, Worker};
use crate::kernel::ratelimit::RateLimit;
use crate::kernel::reclaim_throttle::ReclaimWait;
use crate::kernel::rmap::Lru;
use crate::kernel::state::{BlockDevice, Cgroup, Kswapd, MemcgStock, Swap, Sysctl};
use crate::kernel::switches::Switches;
use crate::kernel::writeback::Writeback;
use crate::kernel::zone::{Marks, Pages, Use, Zone, ZoneType, setup_per_zone_lowmem_reserve};
use crate::record::{LockInfo, MmInfo, NamedEventInfo, Recorder};

/// The state of the whole kernel.
pub(super) fn state(
    scenario: &Scenario,
    engine: &Engine<Recorder>,
    named: &NamedLocks,
    choice: &Choice<'_>,
) -> State {
    let machine = &scenario.machine;
    let mut zones = IdVec::<ZoneId, _>::new();
    let (mut balloon, mut dirty) = (Pages::default(), Pages::default());
    for (index, zone) in machine.zones_on(choice.switches).iter().enumerate() {
        balloon.0[index] = zone.balloon;
        let marks = Marks {
            min: zone.min,
            low: zone.low,
            high: zone.high,
            lowmem_reserve: zone.lowmem_reserve,
        };
        let mut made = Zone::new(zone.managed, zone.free, zone.page_cache, marks);
        made.kind = match zone.name.as_str() {
            "DMA" => ZoneType::Dma,
            "DMA32" => ZoneType::Dma32,
            _ => ZoneType::Normal,
        };
        made.transfer(Use::Reserved, Use::Dirty, zone.dirty);
        dirty.0[index] = zone.dirty;
        zones.push(made);
    }
    setup_per_zone_lowmem_reserve(&mut zones);
    let mut devices = IdVec::new();
    for (device, &lock) in scenario.devices.iter().zip(&named.devices) {
        let setup = device_setup(device, lock, named, choice.switches);
        devices.push(Device::new(&choice.seeds, setup, || engine.new_queue()));
    }
    let mut mms = IdVec::new();
    let class = choice.switches.debug_layout.mmap_lock();
    for (index, task) in scenario.tasks.iter().enumerate() {
        let owner = leader(scenario, index);
        let mmap_lock = new_lock(engine, LockInfo::mmap_lock(&task.name, class));
        mms.push(Mm::new(owner, mmap_lock, engine.new_queue()));
        engine.observe(|_, recorder| recorder.cast.mms.push(MmInfo { owner, mmap_lock }));
    }
    let swap = machine.swap.as_ref();
    State {
        zones,
        tasks: IdVec::new(),
        groups: IdVec::new(),
        tasklist: Vec::new(),
        mms,
        devices,
        notifiers: IdVec::new(),
        srcu: Srcu::new(engine.new_queue()),
        oom_lock: named.oom_lock,
        oom_victims: 0,
        oom_victims_wait: engine.new_queue(),
        oom_killer_disabled: false,
        storage_suspended: false,
        freezer: Freezer::new(engine.new_queue()),
        balloon,
        oom_rs: RateLimit::default(),
        pfoom_rs: RateLimit::default(),
        oom_reaper_th: None,
        oom_reaper_list: None,
        oom_reaper_timers: BTreeMap::new(),
        lru: Lru::new(engine.new_queue()),
        psi: None,
        writeback: Writeback::with_dirty(dirty),
        oom_reaper_wait: engine.new_queue(),
        kswapd: Kswapd {
            task: None,
            wait: engine.new_queue(),
            failures: 0,
            congested: false,
            asked: None,
            pfmemalloc_wait: engine.new_queue(),
            reclaim_wait: ReclaimWait::new(|| engine.new_queue()),
        },
        swap: swap.map(|swap| Swap {
            pages: swap.pages,
            used: 0,
            device: block_device(&swap.disk, "swap", &choice.seeds),
        }),
        disk: block_device(&machine.disk, "disk", &choice.seeds),
        cgroups: cgroups(scenario, engine),
        memcg_stock: (0..machine.cpus).map(|_| MemcgStock::default()).collect(),
        files: IdVec::new(),
        mlocks_files: false,
        shares: IdVec::new(),
        sysctl: Sysctl {
            panic_on_oom: machine.panic_on_oom,
            oom_kill_allocating_task: machine.oom_kill_allocating_task,
            dirty_background_ratio: machine.dirty_background_ratio,
            dirty_ratio: machine.dirty_ratio,
            dirty_writeback_interval: machine.dirty_writeback_interval,
            dirty_expire_interval: machine.dirty_expire_interval,
        },
        iotlb_flush_timeout: machine.iotlb_flush_timeout,
        policy: choice.policy,
        completions: completions(scenario, engine),
        forever: engine.new_queue(),
    }
}

fn block_device(disk: &Disk, name: &str, seeds: &Seeds) -> BlockDevice {
    BlockDevice {
        latency: disk.latency,
        pages_per_second: disk.bandwidth,
        stream: seeds.stream("latency", name),
        busy_until: SimTime::ZERO,
    }
}

fn cgroups(scenario: &Scenario, engine: &Engine<Recorder>) -> IdVec<CgroupId, Cgroup> {
    let group = |group: &AskedCgroup| Cgroup {
        name: group.name.clone(),
        parent: group.parent.map(CgroupId::from_index),
        limit: group.limit,
        high: group.high,
        usage: 0,
        min: group.min,
        low: group.low,
        emin: 0,
        elow: 0,
        clean: Pages::default(),
        congested: false,
        oom_group: group.oom_group,
        oom_waitq: engine.new_queue(),
        under_oom: 0,
        oom_locked: false,
    };
    scenario.cgroups.iter().map(group).collect()
}

fn completions(scenario: &Scenario, engine: &Engine<Recorder>) -> IdVec<CompletionId, Completion> {
    let completion = |name: &String| {
        let wait = engine.new_queue();
        // Who signals it is known when the programs are made.
        let info = NamedEventInfo { name: name.clone(), queue: wait, signalers: Vec::new() };
        engine.observe(|_, recorder| recorder.cast.named_events.push(info));
        Completion { wait, done: Some(0) }
    };
    scenario.events.iter().map(completion).collect()
}

fn device_setup(
    device: &AskedDevice,
    lock: LockId,
    named: &NamedLocks,
    switches: &Switches,
) -> DeviceSetup {
    let driver = driver_of(device);
    let ops = driver.ops();
    let named_lock = |name| match name {
        LockName::Own => lock,
        LockName::Declared(index) => named.declared[index],
    };
    DeviceSetup {
        name: device.name.clone(),
        api: asked_api(device, switches),
        fence: device.fence.unwrap_or(Distribution::new(driver.job_time())),
        sleep: device.sleep,
        refuse: refuse(device),
        lock,
        declared_locks: named.declared.clone(),
        work: device.work,
        page_refs: device.page_refs.unwrap_or(ops.page_refs),
        does_not_block: device.does_not_block.unwrap_or(ops.does_not_block),
        vcpus: device.vcpus,
        timeout: device.timeout,
        gfp: device.gfp,
        worker: device.worker.as_ref().map(|worker| Worker {
            locks: worker.locks.iter().map(|&name| named_lock(name)).collect(),
            fences: worker.fences.iter().map(|of| of.map(DeviceId::from_index)).collect(),
            alloc: worker.alloc,
            time: worker.time,
            signals: worker.signals,
            unpins: worker.unpins,
        }),
        acts_on: device.acts_on,
        shrinker: device.shrinker.clone().map(|steps| Arc::new(Shrink(steps)) as Arc<dyn Shrinker>),
        ring_of: device.ring_of.map(DeviceId::from_index),
        maps_at_register: device.mapped == Mapped::AtRegister,
        maps_on_fault: device.mapped == Mapped::OnFault && device.ring_of.is_none(),
    }
}

/// When a device refuses, if the scenario says so.
pub(super) fn refuse(device: &AskedDevice) -> Option<Refuse> {
    device.refuse.map(|refuse| match refuse {
        AskedRefuse::Overlap => Refuse::Overlap,
        AskedRefuse::WhenBusy => Refuse::WhenBusy,
    })
}

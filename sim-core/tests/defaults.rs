//! The table of defaults (kernel-spec 9.1), row by row: each parameter has the
//! specification's value, and a scenario or `--set` that gives another one has it
//! take effect. What is a constant of the kernel's is not here: runs show it
//! (`era_table.rs`, `golden.rs`, `reaping/settings.rs` for those of the reaper, the kernel's own tests).
#![cfg(not(target_arch = "wasm32"))]

use sim_core::base::{Distribution, Nanos, Shape};
use sim_core::kernel::Costs;
use sim_core::kernel::costs::COSTS;
use sim_core::record::Keep;
use sim_core::scenario::checked::Scenario;
use sim_core::scenario::{RunOptions, Simulation, gallery, parse};

const US: u64 = 1_000;
const MS: u64 = 1_000_000;

/// What the specification calls a cost and how it gives it, its name here, the
/// least and the most it may be in ns, and a scenario in which it matters.
#[rustfmt::skip]
const TABLE: &[(&str, &str, u64, u64, &str)] = &[
    ("zap, 4 KiB pages: 2.0 M pages/s", "zap_page", 500, 500, "g2-stuck-no-notifier"),
    ("… 0.5 M pages/s below min", "zap_page_tight", 2 * US, 2 * US, "g2-stuck-no-notifier"),
    ("zap, THP: about 100 M base pages/s", "zap_page_thp", 10, 10, OTHERS),
    ("page fault: 2.3 us", "page_fault", 2_300, 2_300, "capture-6-1-s1"),
    ("direct reclaim, clean file page: 1 us", "reclaim_page", US, US, "d1-self"),
    ("… a batch of 32 in about 50 us with that", "reclaim_batch", 18 * US, 18 * US, "d1-self"),
    ("direct reclaim, dirty or anon: 100 us per batch", "reclaim_dirty_batch", 100 * US, 100 * US, "d1-self"),
    ("fruitless full scan: 1 to 10 ms", "reclaim_pass", MS, 10 * MS, "capture-6-1-s1"),
    ("… that of a cgroup alone", "memcg_reclaim_pass", MS / 4, 10 * MS, "f9-head-of-line"),
    ("… scaled with the lists", "scan_page", 1, 100, WRITING),
    ("kswapd batch: 32 pages in 40 us", "kswapd_batch", 40 * US, 40 * US, "d1-self"),
    ("compaction attempt: 0.5 to 5 ms", "compaction", MS / 2, 5 * MS, "seed-2-nofs-still-waits"),
    ("oom dump to console: 5 to 100 ms", "oom_report", 5 * MS, 100 * MS, "capture-6-1-s1"),
    ("select_bad_process: 1 us a process", "select_per_task", US, US, "capture-6-1-s1"),
    ("notifier call, no overlap, interval: 0.2 us", "notifier_interval", 200, 200, "capture-6-1-s7"),
    ("notifier call, no overlap, hlist: 1 us", "notifier_hlist", US, US, "capture-6-1-s3"),
    ("uncontended mutex or rwsem: 0.05 us", "lock_op", 50, 50, "capture-6-1-s1"),
    ("context switch: 2 us", "context_switch", 2 * US, 2 * US, "capture-6-1-s1"),
    ("signal delivery to exit start: 50 us", "signal", 50 * US, 50 * US, "capture-6-1-s1"),
    ("KVM kick: 10 us per vCPU", "kvm_kick", 10 * US, 10 * US, "g6-flagged-notifier"),
    ("IOTLB flush: 10 us", "iotlb_flush", 10 * US, 10 * US, OTHERS),
    ("RDMA UMR: 50 us per 4096 MTTs", "work_request", 50 * US, 50 * US, OTHERS),
    ("GPU queue eviction: 5 ms", "queue_eviction", 5 * MS, 5 * MS, OTHERS),
    // Of kernel-spec 5.2, the archetypes' own times.
    ("A1 spin: 2 to 50 us", "spin_work", 2 * US, 50 * US, "f14-interval-leak"),
    ("A3 trylock: 10 to 100 us", "trylock_work", 10 * US, 100 * US, "seed-1-nowait"),
];

/// Instead of a scenario of the gallery: one with everything that none there has.
const OTHERS: &str = "others";
const OTHERS_TEXT: &str = "
schema = 1
title = 't'
kernel = '6.1'
horizon = '5s'
[machine]
ram = '256MiB'
[[device]]
name = 'rdma'
driver = 'rdma-odp'
[[device]]
name = 'iommu'
driver = 'secondary-tlb'
[[device]]
name = 'kfd'
driver = 'sleeps-anyway'
[[task]]
name = 'p'
program = [
  { mmap = 'huge', size = '16MiB', thp = true },
  { mmap = 'a', size = '4MiB' },
  { register = 'rdma', region = 'a' }, { register = 'iommu', region = 'a' }, { register = 'kfd', region = 'a' },
  { touch = ['huge', 'a'] },
  { submit = 'rdma', region = 'a', every = '1ms', count = 1 },
  { submit = 'kfd', region = 'a', every = '1ms', count = 1 },
  { pause = '20ms' },
  { madvise = 'a' },
  { munmap = 'huge' },
  { exit = true },
]
";

/// And one in which reclaim looks at many pages in vain, because they are being written.
const WRITING: &str = "writing";
const WRITING_TEXT: &str = "
schema = 1
title = 't'
kernel = '6.1'
horizon = '5s'
[machine]
ram = '64MiB'
dirty = '20MiB'
disk = { bandwidth = '1MiB/s' }
[[task]]
name = 'p'
program = [{ mmap = 'a', size = '50MiB' }, { touch = 'a' }, { exit = true }]
";

fn scenario(id: &str, set: &[String]) -> Scenario {
    let text = match id {
        OTHERS => OTHERS_TEXT,
        WRITING => WRITING_TEXT,
        id => gallery::find(id).expect(id).text,
    };
    read(text, set)
}

/// A scenario with what `--set` changes, each `path=value`.
fn read(text: &str, set: &[String]) -> Scenario {
    let pair = |set: &String| {
        let (path, value) = set.split_once('=').expect("path=value");
        (path.to_owned(), value.to_owned())
    };
    let sets: Vec<_> = set.iter().map(pair).collect();
    parse("test", text, &sets).unwrap_or_else(|errors| panic!("{errors:#?}"))
}

fn digest(id: &str, set: &[String]) -> String {
    let options = RunOptions { keep: Keep::DigestOnly, ..RunOptions::default() };
    Simulation::new(&scenario(id, set), &options).expect("starts").run().digest.to_string()
}

#[test]
fn costs_have_the_specified_defaults_and_can_be_set() {
    for &(what, name, least, most, id) in TABLE {
        let found = COSTS.iter().find(|(cost, ..)| *cost == name);
        let default = found.unwrap_or_else(|| panic!("{what}: no cost {name}")).1;
        assert!((least..=most).contains(&default), "{what}: {name} is {default} ns");
        let set = [format!("machine.cost.{name}=313us")];
        assert_ne!(digest(id, &[]), digest(id, &set), "{what}: {name} makes no difference in {id}");
    }
}

/// Whatever costs something is a parameter: also what the table does not name.
#[test]
fn every_cost_can_be_given_in_a_file_and_by_set() {
    for (name, default, _) in COSTS {
        let other = default + 1_000;
        let text = OTHERS_TEXT.replace(
            "ram = '256MiB'",
            &format!("ram = '256MiB'\ncost = {{ {name} = '{other}ns' }}"),
        );
        let of_file = read(&text, &[]);
        let of_set = scenario(OTHERS, &[format!("machine.cost.{name}={other}ns")]);
        for scenario in [of_file, of_set] {
            assert_eq!(scenario.machine.costs.get(*name), Some(&Nanos(other)), "{name}");
            assert_eq!(
                format!("{:?}", Costs::with(&scenario.machine.costs))
                    .matches(&format!(" {name}: "))
                    .count(),
                1
            );
        }
    }
}

/// The rows of the machine: path of `--set`, another value, and how it reads.
#[test]
fn machine_has_the_specified_defaults_and_can_be_set() {
    let text = "schema = 1\ntitle = 't'\nkernel = '6.1'\n[[task]]\nname = 'p'\nprogram = [{ exit = true }]";
    let read = |set: &[&str]| {
        let set: Vec<String> = set.iter().map(|&set| set.to_owned()).collect();
        self::read(text, &set).machine
    };
    let machine = read(&[]);
    // 4 GiB less what describes its pages and the first MiB.
    let managed = |set: &[&str]| read(set).zones.iter().map(|zone| zone.managed).sum::<u64>();
    assert!((1_025_000..1_048_576).contains(&managed(&[])), "{}", managed(&[]));
    assert!((255_000..262_144).contains(&managed(&["machine.ram=1GiB"])));
    assert!(machine.swap.is_none());
    assert_eq!((machine.hz, read(&["machine.hz=1000"]).hz), (250, 1000));
    for hz in ["100", "300"] {
        assert_eq!(read(&[&format!("machine.hz={hz}")]).hz.to_string(), hz);
    }
    assert_eq!((machine.cpus, read(&["machine.cpus=2"]).cpus), (4, 2));
    assert!(!machine.timer_wheel && read(&["machine.timer_wheel=true"]).timer_wheel);
    assert_eq!(machine.hung_task_timeout, Nanos::from_secs(120));
    let timeout = read(&["machine.hung_task_timeout=10s"]).hung_task_timeout;
    assert_eq!(timeout, Nanos::from_secs(10));
    assert_eq!(machine.iotlb_flush_timeout, Nanos::from_secs(1));
    // watermark_scale_factor 10: a thousandth of the zone, or a quarter of min.
    let step = |set: &[&str]| {
        let machine = read(set);
        let zone = machine.zones.last().expect("a zone").clone();
        (zone.low - zone.min, zone.high - zone.low, zone.managed, zone.min)
    };
    let (low, high, of, min) = step(&[]);
    assert_eq!((low, high), ((min / 4).max(of / 1000), (min / 4).max(of / 1000)));
    let (wide, ..) = step(&["machine.watermark_scale_factor=100"]);
    assert_eq!(wide, (min / 4).max(of / 100));
    // I/O to an SSD: 50 to 200 us.
    let io = Distribution::new(Shape::Uniform { lo: Nanos(50 * US), hi: Nanos(200 * US) });
    assert_eq!(machine.disk.latency, io);
    let swap = read(&["machine.swap.size=64MiB"]).swap.expect("swap");
    assert_eq!((swap.pages, swap.disk.latency), (16_384, io));
    let swap = read(&["machine.swap.size=64MiB", "machine.swap.latency=1ms"]).swap.expect("swap");
    assert_eq!(swap.disk.latency, Distribution::new(Shape::Constant(Nanos(MS))));
}

/// Fences: a frame takes up to 16 ms, a compute kernel has a median of 200 ms; jobs
/// are given up after 10 s, and 60 s.
#[test]
fn fences_last_as_specified_and_can_be_set() {
    let device = |driver: &str, set: &[String]| {
        let text = format!(
            "schema = 1\ntitle = 't'\nkernel = '6.12'\n[[device]]\nname = 'gpu'\ndriver = '{driver}'\n\
             [[task]]\nname = 'p'\nprogram = [{{ exit = true }}]"
        );
        read(&text, set).devices.remove(0)
    };
    let frame = Shape::Uniform { lo: Nanos::ZERO, hi: Nanos::from_ms(16) };
    assert_eq!(sim_core::driver::find("gpu-fence").expect("an archetype").job_time(), frame);
    let frames = device("amdgpu-5.6", &[]);
    assert_eq!(frames.fence, Some(Distribution::new(frame)));
    assert_eq!(frames.timeout, Some(Nanos::from_secs(10)));
    let compute = device("amdgpu-compute-6.12", &[]);
    let fence = format!("{:?}", compute.fence.expect("a fence"));
    assert!(fence.contains("200000000") && fence.contains("60000000000"), "{fence}");
    assert_eq!(compute.timeout, Some(Nanos::from_secs(60)));
    let set = ["device.gpu.fence=3s".to_owned(), "device.gpu.timeout=1s".to_owned()];
    let given = device("amdgpu-5.6", &set);
    assert_eq!(given.fence, Some(Distribution::new(Shape::Constant(Nanos::from_secs(3)))));
    assert_eq!(given.timeout, Some(Nanos::from_secs(1)));
}

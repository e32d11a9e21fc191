//! What things cost on the modelled machine, in CPU time.
//!
//! Defaults are those of kernel-spec section 9.1; a scenario overrides
//! any of them by name. Left out: caches, NUMA, anything that would make
//! a cost depend on history.

use std::collections::BTreeMap;

use crate::base::Nanos;

macro_rules! costs {
    ($( $(#[doc = $doc:literal])+ $name:ident = $default:literal ),* $(,)?) => {
        /// CPU time (or, where it says so, waiting time) of modelled work.
        #[derive(Clone, Debug)]
        pub struct Costs { $( $(#[doc = $doc])+ pub $name: Nanos ),* }

        impl Default for Costs {
            fn default() -> Self {
                Self { $( $name: Nanos($default) ),* }
            }
        }

        /// Every cost: its name, its default in ns, what it is.
        pub const COSTS: &[(&str, u64, &str)] =
            &[$( (stringify!($name), $default, concat!($($doc),+)) ),*];

        impl Costs {
            /// The defaults, with `given` instead where it names a cost.
            /// Names that are none of [`COSTS`] are ignored: checking is the scenario's task.
            pub fn with(given: &BTreeMap<String, Nanos>) -> Self {
                let mut costs = Self::default();
                $( if let Some(&cost) = given.get(stringify!($name)) { costs.$name = cost; } )*
                // What was not given follows what was, as recorded on 6.1.192 where that shows it.
                let part = |name: &str, part: &mut Nanos, of: Nanos, percent: u64| {
                    if !given.contains_key(name) {
                        *part = Nanos(of.0 * percent / 100);
                    }
                };
                part("mlock_page", &mut costs.mlock_page, costs.page_fault, 34);
                part("free_page", &mut costs.free_page, costs.zap_page, 70);
                part("munlock_page", &mut costs.munlock_page, costs.zap_page, 52);
                part("kswapd_pass", &mut costs.kswapd_pass, costs.reclaim_pass, 75);
                part("memcg_reclaim_pass", &mut costs.memcg_reclaim_pass, costs.reclaim_pass, 25);
                costs
            }
        }
    };
}

costs! {
    /// A fault on an anonymous page, with the page at hand.
    page_fault = 2_300,
    /// Locking one present page into memory; by default 34 % of
    /// `page_fault` (recorded on 6.1.192: 9.2 of 26.9 us).
    mlock_page = 782,
    /// Unlocking one page, also when it is unmapped; by default 52 % of
    /// `zap_page` (recorded on 6.1.192: 5.5 of 10.5 us).
    munlock_page = 260,
    /// Unmapping one 4 KiB page and giving it back to the free list, in batches.
    zap_page = 500,
    /// The part of `zap_page` that goes into giving it back, which comes
    /// after the unmapping of up to 9,679 pages (recorded on 6.1.192: 7.4
    /// of 10.5 us); by default 70 % of it.
    free_page = 350,
    /// The same as `zap_page` while no memory is to be had for batches:
    /// the TLB is flushed every 8 pages. Never less than `zap_page`.
    zap_page_tight = 2_000,
    /// Unmapping 4 KiB of a huge page.
    zap_page_thp = 10,
    /// A fault on a page that is in swap or in no cache, besides the I/O.
    major_fault = 5_000,
    /// Copying one PTE at fork.
    fork_page = 20,
    /// One fruitless walk of direct reclaim over all priorities, besides the pages it looks at. Since 6.11 there
    /// are two before it gives up.
    reclaim_pass = 1_000_000,
    /// The same of a cgroup alone, whose reclaim asks few of the machine's shrinkers; by
    /// default a quarter of `reclaim_pass` (unverified: no recording has a cgroup at its limit).
    memcg_reclaim_pass = 250_000,
    /// Looking at one page in such a round and leaving it (unverified): a round takes 10 ms
    /// when all of 4 GiB is on the lists, of which it looks at each page twice.
    scan_page = 4,
    /// What the allocator does between two such rounds.
    reclaim_gap = 0,
    /// Reclaiming one clean page-cache page.
    reclaim_page = 1_000,
    /// Reclaiming a batch of up to 32 clean pages, besides the pages.
    reclaim_batch = 18_000,
    /// Reclaiming a batch of up to 32 dirty or anonymous pages, besides the I/O.
    reclaim_dirty_batch = 100_000,
    /// One batch of kswapd, up to 32 pages with what each costs.
    kswapd_batch = 40_000,
    /// One fruitless run of kswapd over all priorities; by default 75 % of
    /// `reclaim_pass` (recorded on 6.1.192: 0.59 of 0.80 ms).
    kswapd_pass = 750_000,
    /// Unmapping one page everywhere, for reclaim (rmap).
    rmap_page = 0,
    /// One attempt at compaction.
    compaction = 2_000_000,
    /// Charging one batch to a cgroup.
    memcg_charge = 0,
    /// Printing the OOM report.
    oom_report = 5_000_000,
    /// Looking at one process while choosing a victim.
    select_per_task = 1_000,
    /// Calling one notifier of an mm's list.
    notifier_hlist = 1_000,
    /// Searching an mm's interval tree for one range.
    notifier_interval = 200,
    /// Calling one overlapping interval notifier.
    notifier_overlap = 0,
    /// Taking or releasing a sleeping lock that nobody holds; paid with what is done next.
    lock_op = 50,
    /// What a callback does under its spinlock (`spin`).
    spin_work = 5_000,
    /// What a callback does under a mutex that it only trylocks (`trylock`).
    trylock_work = 20_000,
    /// A work request of an RDMA device for up to 4096 pages (not CPU time).
    work_request = 50_000,
    /// Making one vCPU leave the guest.
    kvm_kick = 10_000,
    /// Flushing an IOTLB.
    iotlb_flush = 10_000,
    /// Taking a user queue off a GPU (not CPU time).
    queue_eviction = 5_000_000,
    /// Printing one line, such as that of a refusal.
    printk = 0,
    /// The reaper's step from one VMA to the next.
    vma_walk = 0,
    /// Switching to another process.
    context_switch = 2_000,
    /// One round of a program's `repeat`, besides what is in it.
    program_round = 1_000,
    /// From seeing SIGKILL to the start of the exit.
    signal = 50_000,
    /// Waiting for all callers of notifiers to leave, at release or unregister (not CPU time).
    srcu_sync = 0,
}

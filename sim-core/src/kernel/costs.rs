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
                costs
            }
        }
    };
}

costs! {
    /// A fault on an anonymous page, with the page at hand.
    page_fault = 2_300,
    /// Unmapping one 4 KiB page.
    zap_page = 500,
    /// One fruitless round of direct reclaim over all priorities.
    reclaim_pass = 1_000_000,
    /// What the allocator does between two such rounds.
    reclaim_gap = 0,
    /// Reclaiming one clean page-cache page.
    reclaim_page = 1_000,
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
    /// Printing one line, such as that of a refusal.
    printk = 0,
    /// The reaper's step from one VMA to the next.
    vma_walk = 0,
    /// Switching to another process.
    context_switch = 2_000,
    /// From seeing SIGKILL to the start of the exit.
    signal = 50_000,
    /// Waiting for all callers of notifiers to leave, at release or unregister (not CPU time).
    srcu_sync = 0,
}

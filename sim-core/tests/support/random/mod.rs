//! A scenario drawn from a seed: a small machine on which a few processes
//! want more memory than there is, in every way that the language knows.
//!
//! Always the same text for the same seed. Runs are kept short: hundreds
//! of pages, a few seconds, one to four processes.

mod device;
mod program;

use std::fmt::Write as _;

use sim_core::base::Stream;
use sim_core::kernel::switches::PROFILES;
use sim_core::policy;

const GFPS: [&str; 13] = [
    "GFP_KERNEL",
    "GFP_NOFS",
    "GFP_NOIO",
    "GFP_NOWAIT",
    "GFP_ATOMIC",
    "GFP_KERNEL|__GFP_NORETRY",
    "GFP_KERNEL|__GFP_RETRY_MAYFAIL",
    "GFP_KERNEL|__GFP_NOFAIL",
    "GFP_NOFS|__GFP_NOFAIL",
    "GFP_KERNEL|__GFP_DMA",
    "GFP_KERNEL|__GFP_DMA32",
    "GFP_KERNEL|__GFP_THISNODE",
    "GFP_KERNEL|__GFP_NOMEMALLOC|__GFP_ACCOUNT",
];

struct Draw {
    stream: Stream,
    text: String,
    /// Devices with a second ring.
    ringed: Vec<usize>,
}

/// The scenario of a seed, as TOML.
pub(crate) fn random_scenario(seed: u64) -> String {
    let stream = Stream::new(seed, "scenario", "random");
    let mut draw = Draw { stream, text: String::new(), ringed: Vec::new() };
    draw.scenario();
    draw.text
}

/// What a task has, for its steps to name.
struct Has {
    regions: usize,
    devices: usize,
    locks: usize,
    tasks: usize,
    /// Events that somebody signals.
    events: usize,
}

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.stream.below(bound)
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        let bound = u64::try_from(of.len()).expect("short lists");
        of[usize::try_from(self.below(bound)).expect("within the list")]
    }

    fn say(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn scenario(&mut self) {
        let kernels: Vec<&str> = PROFILES.iter().map(|profile| profile.id).collect();
        let kernel = self.pick(&kernels);
        self.say("schema = 1");
        self.say("title = \"Drawn\"");
        writeln!(self.text, "kernel = \"{kernel}\"").expect("text");
        if self.chance(50) {
            let policies: Vec<&str> = policy::ALL.iter().map(|policy| policy.id()).collect();
            let policy = self.pick(&policies);
            writeln!(self.text, "policy = \"{policy}\"").expect("text");
        }
        let horizon = *self.pick(&[&200, &1000, &1200, &2500, &4000]);
        writeln!(self.text, "horizon = \"{horizon}ms\"").expect("text");
        let free = self.machine();
        let devices = usize::try_from(self.below(3)).expect("small");
        let locks = usize::try_from(self.below(3)).expect("small");
        for index in 0..devices {
            self.device(index, u64::try_from(locks).expect("small"));
        }
        for index in 0..locks {
            let kind = self.pick(&["mutex", "rwsem"]);
            writeln!(self.text, "[[lock]]\nname = \"l{index}\"\nkind = \"{kind}\"").expect("text");
        }
        let cgroups = usize::try_from(self.below(3)).expect("small");
        for index in 0..cgroups {
            self.cgroup(index, free);
        }
        let tasks = usize::try_from(self.between(1, 4)).expect("small");
        for index in 0..tasks {
            self.task(index, tasks, free, devices, locks, cgroups);
        }
        self.injections(tasks, cgroups, free, horizon);
    }

    /// The machine; pages that are free at the start.
    fn machine(&mut self) -> u64 {
        let free = self.between(200, 1500);
        let min = self.between(16, 60);
        self.say("[machine]");
        let (cpus, hz) = (self.between(1, 3), *self.pick(&[&100, &250, &300, &1000]));
        writeln!(self.text, "cpus = {cpus}\nhz = {hz}").expect("text");
        if self.chance(40) {
            let uptime = self.below(100_000);
            writeln!(self.text, "timer_wheel = true\nuptime = \"{uptime}ms\"").expect("text");
        }
        if self.chance(10) {
            let level = self.below(3);
            writeln!(self.text, "panic_on_oom = {level}").expect("text");
        }
        if self.chance(10) {
            self.say("oom_kill_allocating_task = true");
        }
        if self.chance(15) {
            // Half a zone at most, so that it fits above the high marks.
            let size = self.between(1, free / 4) * 4;
            writeln!(self.text, "balloon = \"{size}KiB\"").expect("text");
        }
        if self.chance(40) {
            let (low, high) = (self.below(30), self.below(60));
            writeln!(self.text, "dirty_background_ratio = {low}\ndirty_ratio = {high}")
                .expect("text");
        }
        if self.chance(30) {
            let (interval, expire) =
                (self.pick(&["0s", "7ms", "100ms"]), self.pick(&["0s", "20ms", "300ms"]));
            let lines = format!(
                "dirty_writeback_interval = \"{interval}\"\ndirty_expire_interval = \"{expire}\""
            );
            self.say(&lines);
        }
        if self.chance(20) {
            let rate = self.between(1, 40);
            writeln!(self.text, "[machine.disk]\nbandwidth = \"{rate}MiB/s\"").expect("text");
        }
        if self.chance(35) {
            let size = self.between(10, 400) * 4;
            writeln!(self.text, "[machine.swap]\nsize = \"{size}KiB\"").expect("text");
        }
        let (clean, dirty) = (self.below(2) * self.below(300), self.below(2) * self.below(200));
        let dma = self.chance(30);
        if dma {
            let reserve = self.below(60);
            let line = format!(
                "[[machine.zone]]\nname = \"DMA\"\nmanaged = 400\nfree = 300\nmin = 8\nreserve = {reserve}"
            );
            self.say(&line);
        }
        let managed = free + clean + dirty + 500;
        let line = format!(
            "[[machine.zone]]\nname = \"Normal\"\nmanaged = {managed}\nfree = {free}\nmin = {min}\npage_cache = {clean}\ndirty = {dirty}"
        );
        self.say(&line);
        if self.chance(50) {
            self.say("[machine.cost]");
            for cost in ["zap_page", "vma_walk", "printk", "srcu_sync", "rmap_page"] {
                if self.chance(40) {
                    let us = self.below(200);
                    writeln!(self.text, "{cost} = \"{us}us\"").expect("text");
                }
            }
        }
        free + clean + dirty + if dma { 300 } else { 0 }
    }

    fn cgroup(&mut self, index: usize, free: u64) {
        writeln!(self.text, "[[cgroup]]\nname = \"c{index}\"").expect("text");
        if index > 0 && self.chance(50) {
            let parent = self.below(u64::try_from(index).expect("small"));
            writeln!(self.text, "parent = \"c{parent}\"").expect("text");
        }
        if self.chance(60) {
            let limit = self.between(20, free) * 4;
            writeln!(self.text, "limit = \"{limit}KiB\"").expect("text");
        }
        if self.chance(15) {
            let high = self.between(20, free) * 4;
            writeln!(self.text, "high = \"{high}KiB\"").expect("text");
        }
        for key in ["min", "low"] {
            if self.chance(20) {
                let size = self.between(1, free) * 4;
                writeln!(self.text, "{key} = \"{size}KiB\"").expect("text");
            }
        }
        if self.chance(30) {
            self.say("oom_group = true");
        }
    }

    fn injections(&mut self, tasks: usize, cgroups: usize, free: u64, horizon: u64) {
        for _ in 0..self.below(3) {
            let task_count = u64::try_from(tasks).expect("small");
            let (at, task) = (self.below(1500).min(horizon), self.below(task_count));
            let what = match self.below(7) {
                0 => format!("kill = \"t{task}\""),
                1 => format!("oom_score_adj = {{ task = \"t{task}\", value = 500 }}"),
                2 if cgroups > 0 => {
                    let size = self.between(1, free) * 4;
                    format!("limit = {{ cgroup = \"c0\", size = \"{size}KiB\" }}")
                }
                4 => format!("freeze = \"t{task}\""),
                5 => format!("thaw = \"t{task}\""),
                3 => format!("suspend = \"{}\"", self.pick(&["1ms", "200ms", "2s"])),
                _ => {
                    let policies: Vec<&str> = policy::ALL.iter().map(|p| p.id()).collect();
                    format!("policy = \"{}\"", self.pick(&policies))
                }
            };
            writeln!(self.text, "[[inject]]\nat = \"{at}ms\"\n{what}").expect("text");
        }
    }
}

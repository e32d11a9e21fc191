//! A scenario drawn from a seed: a small machine on which a few processes
//! want more memory than there is, in every way that the language knows.
//!
//! Always the same text for the same seed. Runs are kept short: hundreds
//! of pages, a few seconds, one to four processes.

use std::fmt::Write as _;

use sim_core::base::Stream;
use sim_core::kernel::switches::PROFILES;
use sim_core::policy;
use sim_core::scenario::names;

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
        let horizon = self.pick(&["200ms", "1s", "1200ms", "2500ms", "4s"]);
        writeln!(self.text, "horizon = \"{horizon}\"").expect("text");
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
        self.injections(tasks, cgroups, free);
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

    fn device(&mut self, index: usize, locks: u64) {
        let known = names::drivers();
        // One in three is of the scenario's own.
        let own = self.chance(33);
        let driver = if own { format!("own{index}") } else { self.pick(&known).to_owned() };
        if own {
            self.driver(&driver, locks);
        }
        writeln!(self.text, "[[device]]\nname = \"d{index}\"\ndriver = \"{driver}\"")
            .expect("text");
        if !own && self.chance(60) {
            let api = self.pick(&["hlist", "interval"]);
            // What has an end must be on the list.
            if driver != "sgi-gru" {
                writeln!(self.text, "api = \"{api}\"").expect("text");
            }
        }
        if locks > 0 && self.chance(20) {
            let lock = self.below(locks);
            writeln!(self.text, "lock = \"l{lock}\"").expect("text");
        }
        if self.chance(70) {
            let fence = self.pick(&["1ms", "20ms", "300ms", "3s"]);
            writeln!(self.text, "fence = \"{fence}\"").expect("text");
        }
        if !own && self.chance(20) {
            self.say("mapped = \"on-fault\"");
        }
        if self.chance(25) {
            self.say("[[device.ring]]\nname = \"second\"\nfence = \"7ms\"");
            if self.chance(40) {
                let gfp = self.pick(&GFPS);
                writeln!(self.text, "worker = {{ alloc = \"{gfp}\", time = \"1ms\" }}")
                    .expect("text");
            }
            self.ringed.push(index);
        }
    }

    /// A driver that only this scenario has, and what its devices need.
    fn driver(&mut self, name: &str, locks: u64) {
        writeln!(self.text, "[[driver]]\nname = \"{name}\"").expect("text");
        let api = self.pick(&["", "hlist", "hlist", "interval", "secondary-tlb", "none"]);
        if !api.is_empty() {
            writeln!(self.text, "api = \"{api}\"").expect("text");
        }
        if self.chance(20) {
            self.say("acts_on = \"unmap\"");
        }
        if api == "none" {
            return;
        }
        if self.chance(30) {
            self.say("page_refs = true");
        }
        if api == "secondary-tlb" {
            self.say("start = [{ work = \"20us\" }]");
            return;
        }
        let refuse =
            self.pick(&["always", "overlap", "when-busy", "when-mapped", "if-needed", "never"]);
        writeln!(self.text, "refuse = \"{refuse}\"").expect("text");
        if self.chance(30) {
            self.say("lucky = 40");
        }
        if api == "hlist" && self.chance(30) {
            self.say("range_test = false");
        }
        let lock = if locks > 0 && self.chance(30) {
            format!("l{}", self.below(locks))
        } else {
            "own".to_owned()
        };
        let how = self.pick(&["wait", "killable", "trylock"]);
        let mut start = Vec::new();
        let has_lock = self.chance(70);
        if has_lock {
            start.push(format!("{{ lock = \"{lock}\", how = \"{how}\" }}"));
        }
        let keeps = api == "hlist" && has_lock && self.chance(25);
        let counts = api == "hlist" && self.chance(25);
        if counts {
            start.push("{ invalidation = \"begin\" }".to_owned());
            let faults = self.pick(&["killable", "uninterruptible", "retried", "timed"]);
            writeln!(self.text, "faults = \"{faults}\"").expect("text");
        }
        for _ in 0..self.between(0, 2) {
            start.push(self.driver_step());
        }
        if has_lock && !keeps {
            start.push(format!("{{ unlock = \"{lock}\" }}"));
        }
        writeln!(self.text, "start = [{}]", start.join(", ")).expect("text");
        let mut end = Vec::new();
        if counts {
            end.push("{ invalidation = \"end\" }".to_owned());
        }
        if keeps {
            end.push(format!("{{ unlock = \"{lock}\" }}"));
        }
        if !end.is_empty() {
            writeln!(self.text, "end = [{}]", end.join(", ")).expect("text");
        }
        if !keeps && self.chance(30) {
            let step = self.driver_step();
            writeln!(self.text, "finish = [{step}]").expect("text");
        }
        let gfp = self.pick(&GFPS);
        if self.chance(20) {
            let steps =
                format!("{{ lock = \"own\" }}, {{ alloc = \"{gfp}\" }}, {{ unlock = \"own\" }}");
            writeln!(self.text, "register = [{steps}]").expect("text");
        }
        if self.chance(20) {
            writeln!(self.text, "map = [{{ alloc = \"{gfp}\" }}]").expect("text");
        }
        let signals = self.chance(50);
        writeln!(self.text, "worker = {{ time = \"1ms\", signals = {signals} }}").expect("text");
    }

    fn driver_step(&mut self) -> String {
        let time = self.pick(&["0s", "30us", "5ms", "200ms"]);
        match self.below(7) {
            0 => format!("{{ work = \"{time}\" }}"),
            1 => format!("{{ hardware = \"{time}\" }}"),
            2 => format!("{{ sleep = \"{time}\" }}"),
            3 => "{ fences = true, unless = \"exiting\" }".to_owned(),
            4 => "{ flush = true }".to_owned(),
            5 => format!("{{ alloc = \"{}\", count = 3 }}", self.pick(&GFPS)),
            _ => "{ unpin = true }".to_owned(),
        }
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

    fn task(
        &mut self,
        index: usize,
        tasks: usize,
        free: u64,
        devices: usize,
        locks: usize,
        cgroups: usize,
    ) {
        writeln!(self.text, "[[task]]\nname = \"t{index}\"").expect("text");
        if self.chance(80) {
            self.say("preset = \"none\"");
        }
        if self.chance(25) {
            let adj = self.pick(&["-1000", "-300", "400", "1000"]);
            writeln!(self.text, "oom_score_adj = {adj}").expect("text");
        }
        if cgroups > 0 && self.chance(60) {
            let cgroup = self.below(u64::try_from(cgroups).expect("small"));
            writeln!(self.text, "cgroup = \"c{cgroup}\"").expect("text");
        }
        let start = self.below(40);
        writeln!(self.text, "start = \"{start}ms\"").expect("text");
        if self.chance(10) {
            self.say("root = true");
        }
        if self.chance(5) {
            self.say("oom_task_origin = true");
        }
        let threads = usize::try_from(self.below(3)).expect("small");
        let regions = usize::try_from(self.between(1, 3)).expect("small");
        let has = Has { regions, devices, locks, tasks, events: 2 };
        self.text.push_str("program = [\n");
        for region in 0..regions {
            let size = self.between(1, free * 3 / 4) * 4;
            let kind = if self.chance(70) {
                "anon"
            } else {
                self.pick(&["private-file", "shared-file", "shmem", "anon"])
            };
            writeln!(
                self.text,
                "  {{ mmap = \"r{region}\", size = \"{size}KiB\", kind = \"{kind}\" }},"
            )
            .expect("text");
        }
        for device in 0..devices {
            if self.chance(60) {
                let region = self.below(u64::try_from(regions).expect("small"));
                writeln!(self.text, "  {{ register = \"d{device}\", region = \"r{region}\" }},")
                    .expect("text");
            }
        }
        for thread in 0..threads {
            writeln!(self.text, "  {{ thread = \"h{thread}\" }},").expect("text");
        }
        for _ in 0..self.between(1, 5) {
            self.step(&has, 0);
        }
        if self.chance(60) {
            self.say("  { idle = true },");
        } else if self.chance(15) {
            self.say("  { core_dump = true },");
        }
        self.say("]");
        for thread in 0..threads {
            writeln!(self.text, "[[task.thread]]\nname = \"h{thread}\"\nprogram = [")
                .expect("text");
            for _ in 0..self.between(1, 3) {
                self.step(&has, 0);
            }
            if self.chance(50) {
                let stuck = self.pick(&["1ms", "150ms", "2s", "60s"]);
                writeln!(self.text, "  {{ stuck = \"{stuck}\" }},").expect("text");
            }
            self.say("]");
        }
    }

    fn has_ring(&self, device: u64) -> bool {
        self.ringed.iter().any(|&index| u64::try_from(index) == Ok(device))
    }

    fn region(&mut self, has: &Has) -> u64 {
        self.below(u64::try_from(has.regions).expect("small"))
    }

    /// A step of a program.
    fn step(&mut self, has: &Has, depth: u32) {
        let region = self.region(has);
        let line = match self.below(22) {
            0..=6 => format!("{{ touch = \"r{region}\" }}"),
            7 => {
                let rate = self.between(1, 200);
                format!("{{ touch = \"r{region}\", rate = \"{rate}MiB/s\" }}")
            }
            8 => format!("{{ read = \"r{region}\" }}"),
            9 => format!("{{ madvise = \"r{region}\" }}"),
            10 => format!("{{ mlock = \"r{region}\" }}"),
            11 => {
                let gfp = self.pick(&GFPS);
                let (order, count) = (self.below(4), self.between(1, 60));
                let hold = self.chance(50);
                format!("{{ alloc = \"{gfp}\", order = {order}, count = {count}, hold = {hold} }}")
            }
            12 => "{ free = true }".to_owned(),
            13 if has.devices > 0 => {
                let device = self.below(u64::try_from(has.devices).expect("small"));
                let (ms, count) = (self.between(1, 50), self.between(1, 5));
                let ring = if self.has_ring(device) && self.chance(50) {
                    ", ring = \"second\""
                } else {
                    ""
                };
                format!(
                    "{{ submit = \"d{device}\", region = \"r{region}\"{ring}, every = \"{ms}ms\", count = {count} }}"
                )
            }
            14 if has.devices > 0 => {
                let device = self.below(u64::try_from(has.devices).expect("small"));
                format!("{{ register = \"d{device}\", region = \"r{region}\" }}")
            }
            15 => format!(
                "{{ signal = \"e{}\" }}",
                self.below(u64::try_from(has.events).expect("small"))
            ),
            16 => {
                let task = self.below(u64::try_from(has.tasks).expect("small"));
                format!("{{ kill = \"t{task}\" }}")
            }
            17 => {
                let adj = self.pick(&["-1000", "0", "700"]);
                format!("{{ oom_score_adj = {adj} }}")
            }
            18 if depth == 0 => {
                let times = self.between(1, 4);
                writeln!(self.text, "  {{ repeat = {times}, program = [").expect("text");
                for _ in 0..self.between(1, 2) {
                    self.step(has, depth + 1);
                }
                "] }".to_owned()
            }
            19 | 20 => self.section(has),
            _ => {
                let ms = self.below(60);
                format!("{{ pause = \"{ms}ms\" }}")
            }
        };
        writeln!(self.text, "  {line},").expect("text");
    }

    /// A section inside the kernel that lets go of what it takes.
    fn section(&mut self, has: &Has) -> String {
        let mut steps = Vec::new();
        let gfp = self.pick(&GFPS);
        let (count, region) = (self.between(1, 80), self.region(has));
        let ms = self.pick(&["1ms", "40ms", "900ms"]);
        let work = match self.below(4) {
            0 => {
                format!("{{ alloc = \"{gfp}\", count = {count}, hold = true }}, {{ free = true }}")
            }
            1 => format!("{{ sleep = \"{ms}\" }}"),
            2 => format!("{{ alloc = \"{gfp}\", count = {count} }}"),
            _ => format!("{{ compute = \"{ms}\" }}"),
        };
        match self.below(4) {
            0 if has.locks > 0 => {
                let lock = self.below(u64::try_from(has.locks).expect("small"));
                steps.push(format!("{{ lock = \"l{lock}\" }}, {work}, {{ unlock = \"l{lock}\" }}"));
            }
            1 => {
                let mode = self.pick(&["read", "write"]);
                steps.push(format!(
                    "{{ mmap_lock = \"{mode}\" }}, {work}, {{ mmap_unlock = true }}"
                ));
            }
            2 => {
                let scope = self.pick(&["noio", "nofs", "memalloc"]);
                steps.push(format!("{{ memalloc = \"{scope}\", program = [{work}] }}"));
            }
            _ => steps.push(format!("{work}, {{ touch = \"r{region}\" }}")),
        }
        format!("{{ ioctl = [{}] }}", steps.join(", "))
    }

    fn injections(&mut self, tasks: usize, cgroups: usize, free: u64) {
        for _ in 0..self.below(3) {
            let (at, task) = (self.below(1500), self.below(u64::try_from(tasks).expect("small")));
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

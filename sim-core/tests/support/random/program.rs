//! Tasks of a drawn scenario and the steps of their programs.

use std::fmt::Write as _;

use super::{Draw, GFPS, Has};

impl Draw {
    pub(super) fn task(
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
        let line = match self.below(23) {
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
                // Who never registers with a device may not submit to it.
                format!(
                    "{{ register = \"d{device}\", region = \"r{region}\" }},\n  \
                     {{ submit = \"d{device}\", region = \"r{region}\"{ring}, every = \"{ms}ms\", count = {count} }}"
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
            21 => {
                let kind = self.pick(&["some", "full"]);
                let (threshold, window) = (self.between(1, 400), self.between(500, 900));
                format!(
                    "{{ psi_poll = \"{kind}\", threshold = \"{threshold}ms\", window = \"{window}ms\" }}"
                )
            }
            _ => {
                let ms = self.below(60);
                format!("{{ pause = \"{ms}ms\" }}")
            }
        };
        writeln!(self.text, "  {line},").expect("text");
    }

    /// A section inside the kernel that lets go of what it takes.
    pub(super) fn section(&mut self, has: &Has) -> String {
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
}

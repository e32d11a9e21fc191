//! Devices and drivers of a drawn scenario.

use std::fmt::Write as _;

use sim_core::scenario::names;

use super::{Draw, GFPS};

impl Draw {
    pub(super) fn device(&mut self, index: usize, locks: u64) {
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
        if self.chance(20) && !["none", "secondary-tlb"].contains(&api) {
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
}

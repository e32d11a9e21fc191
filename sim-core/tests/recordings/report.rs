//! The report before the first kill, of a recording and of the run that replays it: the same
//! lines for what a run knows, and the same numbers, nearly.

use sim_core::export::dmesg;
use sim_core::scenario::{RunOptions, Simulation, gallery, parse};

use super::files::Recording;

/// A log's lines from the first `invoked oom-killer` to the kill, without their times.
fn first_report(log: &str) -> Vec<String> {
    let lines = log.lines().filter_map(|line| Some(line.split_once("] ")?.1.to_owned()));
    let report = lines.skip_while(|line| !line.contains(" invoked oom-killer: "));
    report.take_while(|line| !line.starts_with("oom-kill:")).collect()
}

/// A line's numbers, by the word before each `:` or `=`.
fn numbers(line: &str) -> Vec<(String, i64)> {
    let line = line.replace("lowmem_reserve[]:", "");
    let words = line.split_whitespace().filter_map(|word| {
        let (name, value) = word.rsplit_once([':', '='])?;
        let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
        Some((name.to_owned(), digits.parse().ok()?))
    });
    words.collect()
}

/// How a row of the table is laid out: where its words end.
fn ends(line: &str) -> Vec<usize> {
    let ends = line.char_indices().zip(line.chars().skip(1).chain([' ']));
    ends.filter(|((_, one), next)| *one != ' ' && *next == ' ').map(|((at, _), _)| at).collect()
}

#[test]
fn first_report_shows_what_the_recorded_one_shows() {
    for id in ["S1-3", "S2-3", "S3-3", "S4part-3", "S6-3", "S12-3"] {
        let recording = Recording::find(id);
        let entry = gallery::find(&recording.scenario()).expect("a scenario of that name");
        let scenario = parse(entry.id, entry.text, &[]).expect("a scenario without faults");
        let run = Simulation::new(&scenario, &RunOptions::default()).expect("known ids").run();
        let (theirs, ours) = (first_report(recording.dmesg), first_report(&dmesg(&run)));
        let find = |lines: &[String], start: &str| {
            let line = lines.iter().find(|line| line.trim_start().starts_with(start));
            line.unwrap_or_else(|| panic!("{id}: no line {start}: {lines:#?}")).clone()
        };
        // Watermarks, sizes and reserves are the machine's; what is free is nearly that.
        for (zone, slack) in [("DMA ", 256), ("DMA32 ", 1024)] {
            let start = format!("Node 0 {zone}free:");
            let (theirs, ours) = (numbers(&find(&theirs, &start)), numbers(&find(&ours, &start)));
            for (name, own) in ours.iter().filter(|(name, _)| {
                ["free", "min", "low", "high", "managed", "reserved_highatomic"].contains(&&**name)
            }) {
                let real =
                    theirs.iter().find(|(known, _)| known == name).expect("the same field").1;
                let slack = if name == "free" { slack } else { 0 };
                assert!((real - own).abs() <= slack, "{id} {zone}{name}: {real} kB, run {own} kB");
            }
        }
        let reserves = |lines: &[String]| -> Vec<String> {
            let lines = lines.iter().filter(|line| line.starts_with("lowmem_reserve"));
            lines.cloned().collect()
        };
        assert_eq!(reserves(&theirs), reserves(&ours), "{id}");
        for line in
            ["Mem-Info:", "Total swap = 0kB", "Free swap  = 0kB", "Tasks state (", "[  pid  ]"]
        {
            assert_eq!(find(&theirs, line), find(&ours, line), "{id}");
        }
        let mut count = 0;
        for own in ours.iter().filter(|line| line.starts_with("[   ")) {
            let name = own.rsplit(' ').next().expect("a name");
            let real = theirs.iter().find(|line| line.starts_with("[   ") && line.ends_with(name));
            let real = real.unwrap_or_else(|| panic!("{id}: no row of {name}"));
            let last = ends(own).len() - 1;
            assert_eq!(ends(real)[..last], ends(own)[..last], "{id}\n{real}\n{own}");
            let column = |line: &str, at| -> i64 {
                let words = line.trim_start_matches('[').replace(']', " ");
                words
                    .split_whitespace()
                    .nth(at)
                    .and_then(|word| word.parse().ok())
                    .expect("a number")
            };
            for at in [1, 6, 7] {
                assert_eq!(column(real, at), column(own, at), "{id} {at}\n{real}\n{own}");
            }
            // Areas are rounded to 2 MiB and small VMAs are those of one boot everywhere; a process
            // counts its pages late.
            for (at, slack) in [(3, 544), (4, 128)] {
                let (real, own) = (column(real, at), column(own, at));
                let slack = slack + real / 50 * i64::from(at == 4);
                assert!((real - own).abs() <= slack, "{id} {name} {at}: {real}, run {own}");
            }
            count += 1;
        }
        assert!(count > 0, "{id}");
    }
}

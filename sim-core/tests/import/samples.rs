//! Samples: logs of every era from 4.6 on, as each tool hands them over, and traces of every tool.
//!
//! Their forms are those of the kernel's printk calls and of the tools' sources at those
//! versions; names and numbers are made up. One incident is in those of the first block: `builder` finds
//! memory exhausted and `browser` is killed. Those of the second are as users send them in: with what a
//! busy machine prints between the lines, on consoles that others write to, from containers.

use proptest::prelude::*;
use sim_core::import::{CaptureFile, import};
use sim_core::scenario::{RunOptions, Simulation, names, parse};

use crate::{imported, run_of, victims};

pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) text: &'static str,
    profile: &'static str,
    /// Whom its run kills, and how often the reaper tries.
    killed: &'static [(&'static str, usize)],
}

macro_rules! samples {
    ($($name:literal $profile:literal [$($who:literal $attempts:literal),+])*) => {
        /// All of them.
        pub(crate) const SAMPLES: &[Sample] = &[$(Sample {
            name: $name,
            text: include_str!(concat!("samples/", $name, ".txt")),
            profile: $profile,
            killed: &[$(($who, $attempts)),+],
        }),*];
    };
}

samples! {
    "dmesg-4.6" "4.6" ["browser" 1]
    "syslog-4.9" "4.9" ["browser" 1]
    "ftrace-4.9-console" "4.19" ["browser" 1]
    "dmesg-4.14" "4.14" ["browser" 10, "builder" 1]
    "dmesg-4.15" "4.14" ["browser" 1]
    "dmesg-4.17-memcg" "4.16" ["worker" 1]
    "console-4.19" "4.19" ["browser" 1]
    "dmesg-5.0-child" "4.19" ["tab" 1]
    "dmesg-5.3" "5.3" ["browser" 1]
    "journal-5.4-group" "5.4" ["php-fpm" 1, "php-fpm-2" 1, "nginx" 1]
    "rfc5424-5.10" "5.6" ["browser" 1]
    "kmsg-5.15" "5.12" ["browser" 1]
    "dmesg-6.1-sysrq" "6.1" ["browser" 1]
    "colour-6.6" "6.1" ["browser" 1]
    "dmesg-6.9-crlf" "6.1" ["browser" 1]
    "dmesg-6.12-mixed" "6.12" ["browser" 10, "builder" 0]
    "dmesg-7.1" "7.1" ["browser" 1]
    "perf-script" "6.1" ["browser" 1]
    "perf-script-no-cpu" "6.1" ["browser" 1]
    "trace-cmd-report" "6.1" ["browser" 1]
    "trace-cmd-report-ns" "6.1" ["browser" 1]

    "syslog-4.6-microseconds" "4.6" ["cc1plus" 1]
    "pi-4.9-short-precise" "4.9" ["chromium-browse" 1]
    "runc-init-4.14" "4.14" ["runc:[2:INIT]" 1]
    "serial-glued-4.19" "4.19" ["java" 1]
    "journal-export-5.4" "5.4" ["python3" 1]
    "journal-json-pretty-5.4" "5.4" ["python3" 1]
    "journal-verbose-5.4" "5.4" ["python3" 1]
    "kern-log-callbacks-5.15" "5.12" ["mariadbd" 1]
    "runc-init-v2-5.15" "5.12" ["runc:[2:INIT]" 1]
    "serial-interleaved-6.1" "6.1" ["stress-ng-vm" 1]
    "gpu-6.12-caller-apart" "6.12" ["blender" 1]
    "logcat-5.10" "5.6" ["com.big.game" 1]
    "restarted-5.15" "5.12" ["java" 2, "worker" 1]
}

#[test]
fn every_sample_kills_whom_it_says_and_its_run_does_too() {
    let mut wrong = Vec::new();
    for sample in SAMPLES {
        let found = imported(sample.text);
        let scenario = parse(sample.name, &found.toml, &[]).expect("fit");
        if scenario.kernel != sample.profile {
            wrong.push(format!("{}: kernel {}", sample.name, scenario.kernel));
        }
        let expected: Vec<(String, usize)> =
            sample.killed.iter().map(|(name, tries)| ((*name).to_owned(), *tries)).collect();
        let ran = run_of(&found);
        let run = victims(&ran);
        if run != expected || ran.victims.len() != found.killed.len() {
            wrong.push(format!("{}: {expected:?}, but {run:?}\n{}", sample.name, found.toml));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Up to 5.0 a child was killed in place of the process that was chosen.
#[test]
fn sacrificed_child_is_told() {
    let sample = SAMPLES.iter().find(|sample| sample.name == "dmesg-5.0-child").expect("there");
    let found = imported(sample.text);
    assert!(found.toml.contains("Imported: tab killed"), "{}", found.toml);
    let told = "# inferred: tab is a child of browser, and died in its place\n";
    assert!(found.toml.contains(told), "{}", found.toml);
}

/// What a service is started anew with comes when the one before is dead, and finds the limit as it was.
#[test]
fn restarted_service_reaches_its_own_limit_again() {
    let sample = SAMPLES.iter().find(|sample| sample.name == "restarted-5.15").expect("there");
    let found = imported(sample.text);
    assert_eq!(found.killed, ["java", "worker", "java"]);
    assert!(found.toml.contains("limit = \"256MiB\""), "{}", found.toml);
    let told = "# ignored: pauses of more than 5 s between kills: here each lasts 5 s\n";
    assert!(found.toml.contains(told), "{}", found.toml);
}

/// The counterfactual: the same workload under every policy that there is.
#[test]
fn every_sample_runs_under_every_policy() {
    let mut others = 0;
    for sample in SAMPLES {
        let found = imported(sample.text);
        let scenario = parse(sample.name, &found.toml, &[]).expect("fit");
        for policy in names::policies() {
            let options = RunOptions { policy: Some(policy.to_owned()), ..RunOptions::default() };
            let run = Simulation::new(&scenario, &options).expect("a policy").run();
            assert!(run.findings.broken.is_none(), "{} under {policy}", sample.name);
            let killed = run.cast.reports.len();
            assert!(killed > 0, "{} under {policy}: nobody is killed", sample.name);
            others += 1;
        }
    }
    assert_eq!(others, SAMPLES.len() * names::policies().len());
}

#[test]
fn other_line_ends_and_empty_lines_change_nothing() {
    for sample in SAMPLES {
        let text = sample.text.replace("\r\n", "\n");
        let expected = imported(&text).toml;
        assert_eq!(imported(&text.replace('\n', "\r\n")).toml, expected, "{}", sample.name);
        assert_eq!(imported(&text.replace('\n', " \n\n")).toml, expected, "{}", sample.name);
    }
}

/// Imports a text; if a scenario comes of it, it can be read.
fn holds(text: &str) -> Result<(), TestCaseError> {
    match import(&[CaptureFile { name: "damaged.txt", text }]) {
        Ok(found) => {
            let read = parse("damaged", &found.toml, &[]);
            prop_assert!(read.is_ok(), "{:#?}\n{}", read.err(), found.toml);
        }
        Err(error) => prop_assert!(error.line >= 1 && error.column >= 1),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1_200, ..ProptestConfig::default() })]

    /// Every sample, with lines lost, doubled, cut, run together and mixed with another's.
    #[test]
    fn damaged_samples_are_answered(
        which in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0_u8..8), 1..12),
    ) {
        let lines = |index: &prop::sample::Index| SAMPLES[index.index(SAMPLES.len())].text.lines();
        let mut text: Vec<String> = lines(&which).map(str::to_owned).collect();
        let others: Vec<&str> = lines(&other).collect();
        for (at, to, what) in damage {
            if text.is_empty() {
                break;
            }
            let at = at.index(text.len());
            let line = text[at].clone();
            let cut = (0..=to.index(line.len() + 1)).rev().find(|cut| line.is_char_boundary(*cut));
            let cut = cut.unwrap_or(0);
            match what {
                0 => drop(text.remove(at)),
                1 => text[at].truncate(cut),
                2 => text[at] = line[cut..].to_owned(),
                3 => text.insert(at, line),
                4 => text.insert(at, others[to.index(others.len())].to_owned()),
                5 => text[at] = line.replace(|c: char| c.is_ascii_digit(), "9"),
                6 => text[at].insert_str(cut, "\u{1b}[31mé\t"),
                _ => text.swap(at, to.index(others.len()).min(at)),
            }
        }
        holds(&text.join("\n"))?;
        holds(&text.concat())?;
    }
}

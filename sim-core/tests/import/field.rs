//! Logs and traces in the forms that public bug reports, mailing lists and manuals show them in.
//!
//! Each file has the form of one that was found (`field/README.md` says where), shortened, with hosts
//! and users left out; where the original is cut, lines are filled in after the same kernel's. Nobody
//! here wrote them with a reader in mind, which is their point.

use sim_core::scenario::parse;

use crate::{imported, run_of, victims};

struct Field {
    name: &'static str,
    text: &'static str,
    profile: &'static str,
    /// Whom it kills, in order, and so does its run.
    killed: &'static [&'static str],
    /// What the notes must say.
    notes: &'static [&'static str],
}

macro_rules! field {
    ($($name:literal $profile:literal [$($who:literal),+] [$($note:literal),*])*) => {
        const FIELD: &[Field] = &[$(Field {
            name: $name,
            text: include_str!(concat!("field/", $name, ".txt")),
            profile: $profile,
            killed: &[$($who),+],
            notes: &[$($note),*],
        }),*];
    };
}

field! {
    "k8s-3.10-thread" "4.6" ["java"] ["inferred: the control group /kubepods/pod95387fa4/6895a3e1 was at its limit"]
    "rhel7-uid" "4.6" ["tidb-server"] []
    "no-numa-6.1" "6.1" ["pacman"] ["ignored: zones HighMem"]
    "sparc-8k-pages" "5.12" ["stress-ng-oom-p"] ["inferred: pages of 8 KiB, which are modelled as 2 pages of 4 KiB"]
    "mail-oom-group-5.0" "4.19" ["a.out", "b.out"] ["inferred: /test1 is killed as a whole: memory.oom.group"]
    "monotonic-6.13" "6.12" ["qemu-system-x86"] []
    "hypervisor-4.19" "4.19" ["node"] ["inferred: the control group /kubepods/burstable/pod1 was at its limit"]
    "chain-5.3-parentheses" "5.3" ["python3", "(resolved)"] []
    "dates-chinese" "6.1" ["MATLAB", "MCR"] []
    "searched-4.9" "5.12" ["mempig"] []
    "searched-oom-kill" "6.1" ["gunicorn"] ["inferred: the control group /kubepods/burstable/pod3a7f1c9d was at its limit"]
    "node-policy" "5.6" ["main"] []
    "talos" "6.12" ["etcd"] ["inferred: the control group /system/etcd was at its limit"]
    "localized-journal" "6.1" ["sphinx-build"] []
    "syslog-levels-5.10" "6.1" ["main"] []
    "mail-wrapped-5.1" "4.19" ["php-cgi"] ["inferred: zones, watermarks and reserves, from the first report"]
    "trace-pipe-5.0" "5.12" ["allocate"] []
    "retries-4.8" "4.6" ["mem_eater"] []
    "comm-with-blank" "6.1" ["pid 14351"] []
}

#[test]
fn reports_of_the_field_kill_whom_they_say_and_their_runs_do_too() {
    let mut wrong = Vec::new();
    for field in FIELD {
        let found = imported(field.text);
        let scenario = match parse(field.name, &found.toml, &[]) {
            Ok(scenario) => scenario,
            Err(errors) => {
                wrong.push(format!("{}: {errors:#?}\n{}", field.name, found.toml));
                continue;
            }
        };
        if scenario.kernel != field.profile {
            wrong.push(format!("{}: kernel {}", field.name, scenario.kernel));
        }
        let notes: Vec<String> =
            found.notes.iter().map(|note| format!("{}: {}", note.kind.text(), note.text)).collect();
        for note in field.notes {
            if !notes.iter().any(|said| said == note) {
                wrong.push(format!("{}: not {note:?} but {notes:#?}", field.name));
            }
        }
        let run = victims(&run_of(&found));
        let run: Vec<&str> = run.iter().map(|(name, _)| name.as_str()).collect();
        if run != field.killed {
            wrong.push(format!("{}: {run:?}\n{}", field.name, found.toml));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Half of a report is what a ticket often has: it is answered, and a scenario of it can be read.
#[test]
fn every_beginning_and_every_end_of_a_report_is_answered() {
    for field in FIELD {
        let lines: Vec<&str> = field.text.lines().collect();
        for at in 0..=lines.len() {
            for part in [&lines[..at], &lines[at..]] {
                let file = sim_core::import::CaptureFile { name: "part", text: &part.join("\n") };
                if let Ok(found) = sim_core::import::import(&[file]) {
                    let read = parse("part", &found.toml, &[]);
                    assert!(read.is_ok(), "{} at {at}: {:#?}", field.name, read.err());
                }
            }
        }
    }
}

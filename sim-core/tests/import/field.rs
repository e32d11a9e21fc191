//! Logs and traces in the forms that public bug reports, mailing lists and manuals show them in.
//!
//! Each file has the form of one that was found (`field/README.md` says where), shortened, with hosts
//! and users left out; where the original is cut, lines are filled in after the same kernel's. Nobody
//! here wrote them with a reader in mind, which is their point.

use sim_core::import::KeyKind;
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
    "no-numa-6.1" "6.1" ["pacman"] []
    "sparc-8k-pages" "5.12" ["stress-ng-oom-p"] ["inferred: pages of 8 KiB, which are modelled as 2 pages of 4 KiB"]
    "mail-oom-group-5.0" "4.19" ["a.out", "b.out"] ["inferred: /test1 is killed as a whole: memory.oom.group"]
    "monotonic-6.13" "6.12" ["qemu-system-x86"] []
    "hypervisor-4.19" "4.19" ["node"] ["inferred: the control group /kubepods/burstable/pod1 was at its limit"]
    "chain-5.3-parentheses" "5.3" ["python3", "(resolved)"] []
    "dates-chinese" "6.1" ["MATLAB", "MCR"] []
    "searched-4.9" "5.12" ["mempig"] []
    "searched-oom-kill" "6.1" ["gunicorn"] ["inferred: the control group /kubepods/burstable/pod3a7f1c9d was at its limit"]
    "node-policy" "5.6" ["main"] ["assumed: node 1 is the whole machine, and all memory of the tasks is there: main's memory policy allows no other"]
    "talos" "6.12" ["etcd"] ["inferred: the control group /system/etcd was at its limit"]
    "localized-journal" "6.1" ["sphinx-build"] []
    "syslog-levels-5.10" "6.1" ["main"] []
    "mail-wrapped-5.1" "4.19" ["php-cgi"] ["inferred: zones, watermarks and reserves, from the first report"]
    "trace-pipe-5.0" "5.12" ["allocate"] []
    "retries-4.8" "4.6" ["mem_eater"] []
    "comm-with-blank" "6.1" ["pid 14351"] []
    "i386-highmem-4.9" "4.9" ["firefox.real"] ["inferred: kernel 4.9.0: profile 4.9", "assumed: zone HighMem is part of Normal"]
    "android-netconsole-5.10" "5.6" ["com.example.app"] ["assumed: zone Movable is part of Normal", "inferred: 5 tasks with their memory, from the table of the first report", "assumed: 8 CPUs: the highest that is named"]
    "movable-no-node-4.11" "4.9" ["balloon"] ["assumed: zone Movable is part of DMA32"]
    "movable-cpuset-5.8" "5.6" ["containerd", "docker", "node_exporter"] ["assumed: zone Movable is part of Normal"]
    "terminal-cut-4.7" "4.6" ["fork"] ["assumed: zone Movable is part of DMA32"]
    "rocky8-4.18-node3" "4.16" ["oom"] ["inferred: zones, watermarks and reserves, from the first report"]
    "aks-5.15-memcg" "5.12" ["bash"] ["inferred: the control group /kubepods.slice was at its limit"]
    "fedora-5.4-kubelet" "5.4" ["kubelet"] ["inferred: the control group /podruntime.slice was at its limit"]
    "efs-6.1-memcg-v2" "6.1" ["stunnel"] ["inferred: 3 tasks with their memory, from the table of the first report"]
    "istio-3.10-memcg" "4.6" ["envoy"] []
    "uek-5.4-slow-console" "5.4" ["app"] ["assumed: the reaper took app's memory at the first attempt: a log doesn't count attempts"]
    "zen-russian-5.12" "5.12" ["tail"] ["inferred: kernel 5.12.19-zen2: profile 5.12"]
    "mips64-16k-5.13" "5.12" ["cc1"] ["inferred: pages of 16 KiB, which are modelled as 4 pages of 4 KiB", "assumed: what systemd wants beyond what it has are blocks of order 2 for the kernel"]
    "terminal-columns-6.2" "6.1" ["plex"] ["inferred: kernel 6.2.0-39-generic: profile 6.1", "inferred: 2 tasks with their memory, from the table of the first report"]
    "aws-5.4-first-bracket" "5.4" ["java"] ["assumed: sudo had half of what the first victim had: no size is told"]
    "nrss-column-5.18" "5.12" ["a.out"] ["inferred: 3 tasks with their memory, from the table of the first report"]
    "logread-openwrt-4.14" "4.14" ["luci"] []
    "ubuntu-3.13-percpu" "4.6" ["php5-fpm"] ["assumed: 2 CPUs"]
    "describe-node-event" "6.1" ["bash"] []
    "human-dmesg-6.8" "6.1" ["hog"] ["inferred: kernel 6.8.0-45-generic: profile 6.1", "assumed: the reaper took hog's memory at the first attempt: a log doesn't count attempts"]
    "cpuset-mail-4.9" "4.9" ["cpuset01"] ["assumed: node 1 is the whole machine, and all memory of the tasks is there: cpuset01's cpuset or memory policy allows no other"]
    "cpuset-no-flags" "6.1" ["mem_on_node1"] ["assumed: node 0 is the whole machine, and all memory of the tasks is there: mem_on_node0's cpuset allows no other", "inferred: 2 tasks with their memory, from the table of the first report"]
    "cpuset-cut-6.3" "6.1" ["memkiller"] ["assumed: node 0 is the whole machine, and all memory of the tasks is there: whoever asked's cpuset allows no other"]
    "camera-order2" "4.19" ["zkgui_ui"] ["assumed: what VDecChn0 wants beyond what it has are blocks of order 2 for the kernel"]
    "vendor-cpu-4.1" "4.6" ["WebProcess"] ["inferred: kernel 4.1.10: profile 4.6", "assumed: zone HighMem is part of Normal"]
    "kill-only-syslog" "6.1" ["build"] []
    "kill-only-4.4" "4.6" ["trinity-c10"] []
    "document-table" "6.1" ["VLLM::Worker_TP"] ["assumed: node 0 is the whole machine, and all memory of the tasks is there: cc1's cpuset allows no other"]
    "pve-6.8" "6.1" ["kvm"] ["assumed: the reaper took kvm's memory at the first attempt: a log doesn't count attempts"]
    "rss-columns-6.12" "6.12" ["gunicorn"] ["inferred: 4 tasks with their memory, from the table of the first report"]
    "mail-wrapped-4.16" "4.16" ["anaconda"] ["inferred: 2 tasks with their memory, from the table of the first report"]
    "docker-4.4" "4.6" ["main"] ["inferred: the control group /docker/34186d9bd07706222bd427bb647ceed81e8e108eb653ff73c7137099fca1cab6 was at its limit"]
    "group-unnamed" "4.19" ["ruby"] ["inferred: a control group was at its limit: the capture doesn't name it"]
    "journal-json-6.11" "6.1" ["stress"] ["inferred: kernel 6.11.0-9-generic: profile 6.1", "inferred: 1 task with its memory, from the table of the first report"]
    "chosen-only-days" "4.19" ["java"] ["inferred: a control group was at its limit: the capture doesn't name it"]
    "debian-2.6" "4.6" ["mysqld"] ["inferred: kernel 2.6.32-5-amd64: profile 4.6"]
    "phone-3.0" "4.19" ["com.android.bro"] ["assumed: zone HighMem is part of Normal", "inferred: 7 tasks with their memory, from the table of the first report"]
    "limit-of-host" "4.19" ["test"] ["inferred: the control group /mm_test was at its limit"]
    "iso-dmesg-4.18" "6.1" ["perl"] ["assumed: pool had half of what the first victim had: no size is told"]
    "french-rss-columns" "6.1" ["photos"] ["inferred: 2 tasks with their memory, from the table of the first report"]
    "graphics-mail-5.8" "5.12" ["browser"] ["inferred: 3 tasks with their memory, from the table of the first report"]
    "executor-blank-lines-4.9" "4.19" ["oomApp"] ["inferred: the control group /mesos/8c3b was at its limit", "inferred: 3 tasks with their memory, from the table of the first report"]
    "threads-stall-4.9" "4.9" ["a.out"] []
    "pod-score-4.15" "4.14" ["stress"] ["inferred: the control group /kubepods/burstable/poda2 was at its limit", "inferred: 6 tasks with their memory, from the table of the first report"]
    "comment-tabs" "6.1" ["systemd-run"] ["assumed: the reaper took systemd-run's memory at the first attempt: a log doesn't count attempts"]
    "cut-above-4.14" "4.19" ["Web Content"] ["inferred: 4 tasks with their memory, from the table of the first report"]
    "logcat-4.19" "4.19" ["om.game.example"] ["inferred: zones, watermarks and reserves, from the first report", "inferred: 3 tasks with their memory, from the table of the first report"]
    "vendor-threads-4.14" "4.14" ["camera.app"] ["inferred: 2 tasks with their memory, from the table of the first report"]
    "ansible-list-5.14" "5.12" ["python3", "bash"] ["inferred: /system.slice/job\\x2drunner.service is killed as a whole: memory.oom.group"]
    "board-farm-6.12" "6.12" ["oom03"] ["inferred: 3 tasks with their memory, from the table of the first report"]
    "newest-first-5.15" "5.12" ["php-fpm8.1"] ["inferred: 3 tasks with their memory, from the table of the first report"]
    "terminal-folded-6.6" "6.1" ["rust-analyzer"] ["inferred: kernel 6.6.87.2-microsoft-standard-WSL2: profile 6.1", "inferred: 3 tasks with their memory, from the table of the first report"]
    "cut-before-kill-5.15" "5.12" ["ld"] ["assumed: ld was killed: the log breaks off before it says who, and that one has the highest score"]
    "limit-told-3.10" "4.6" ["java"] ["inferred: the control group /kubepods/pod1 was at its limit"]
    "numbered-lines-4.19" "4.19" ["test"] ["inferred: kernel 4.19.91-24.1.al7.x86_64: profile 4.19", "inferred: zones, watermarks and reserves, from the first report", "inferred: 2 tasks with their memory, from the table of the first report"]
    "thread-node-4.12" "4.9" ["oom02"] ["assumed: the reaper took oom02's memory at the first attempt: a log doesn't count attempts"]
    "ppc64-64k-4.18" "4.16" ["hyperkube"] ["inferred: pages of 64 KiB, which are modelled as 16 pages of 4 KiB"]
    "router-5.15-memcg-v2" "5.12" ["dp_service"] ["inferred: 2 tasks with their memory, from the table of the first report"]
    "arm64-6.8" "6.1" ["python3"] ["inferred: zones, watermarks and reserves, from the first report", "inferred: 2 tasks with their memory, from the table of the first report"]
    "zspages-7.1" "7.1" ["clang"] ["inferred: 3 tasks with their memory, from the table of the first report"]
    "console-6.14" "6.12" ["NetworkManager"] ["inferred: kernel 6.14.9-1.qubes.fc41.x86_64: profile 6.12", "inferred: 3 tasks with their memory, from the table of the first report"]
    "router-5.4-arm64" "5.4" ["v2ray"] ["assumed: the reaper took v2ray's memory at the first attempt: a log doesn't count attempts", "inferred: 3 tasks with their memory, from the table of the first report"]
    "router-4.14-free-below-min" "4.14" ["dnsmasq"] ["assumed: the reaper took dnsmasq's memory at the first attempt: a log doesn't count attempts"]
    "memcg-4kb-3.10" "4.6" ["memcg_process"] ["inferred: the control group /17 was at its limit"]
}

/// Somebody whose size is made up does not raise a limit that is told; and a chosen thread that has no row in
/// the table is the victim's own, no parent.
#[test]
fn limits_are_as_told_and_threads_are_nobodys_parents() {
    let found = imported(include_str!("field/limit-told-3.10.txt"));
    assert!(found.toml.contains("limit = \"5GiB\""), "{}", found.toml);
    let node = imported(include_str!("field/thread-node-4.12.txt"));
    for found in [found, node] {
        assert!(
            !found.notes.iter().any(|note| note.text.contains("in place of")),
            "{:#?}",
            found.notes
        );
    }
}

/// Each of those that were chosen died, also where the log was searched for the choice alone; and a
/// vendor's word for the whole machine is no control group.
#[test]
fn all_that_were_chosen_died_and_the_host_is_no_group() {
    let found = imported(include_str!("field/chosen-only-days.txt"));
    assert_eq!(found.killed, ["java"; 5]);
    let pids = found.toml.matches("\npid = ").count();
    assert_eq!(pids, 5, "{}", found.toml);
    let kills = found.story.events.iter().filter(|event| event.kind == KeyKind::Killed);
    assert_eq!(kills.count(), 5, "the choice is all that is told of a kill");
    let found = imported(include_str!("field/limit-of-host.txt"));
    assert_eq!(found.killed, ["test"; 2]);
    assert!(!found.toml.contains("control group host"), "{}", found.toml);
    assert_eq!(found.toml.matches("[[cgroup]]").count(), 1, "{}", found.toml);
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
        let ran = run_of(&found);
        if ran.victims.len() != found.killed.len() {
            wrong.push(format!(
                "{}: {} kills, but {}",
                field.name,
                found.killed.len(),
                ran.victims.len()
            ));
        }
        let run = victims(&ran);
        let run: Vec<&str> = run.iter().map(|(name, _)| name.as_str()).collect();
        if run != field.killed {
            wrong.push(format!("{}: {run:?}\n{}", field.name, found.toml));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A machine whose zones hold user memory alone has that memory all the same: the sizes are those of
/// the reports.
#[test]
fn zones_for_user_memory_count_to_the_highest_of_the_others() {
    for (name, pages) in [
        ("i386-highmem-4.9", (854_328 + 2_226_888) / 4),
        ("movable-no-node-4.11", (1_019_388 + 1_010_816) / 4),
        ("movable-cpuset-5.8", 130_023_424 / 4),
    ] {
        let field = FIELD.iter().find(|field| field.name == name).expect("there");
        let scenario = parse(name, &imported(field.text).toml, &[]).expect("fit");
        let highest = scenario.machine.zones.last().expect("one");
        assert_eq!(highest.managed, pages, "{name}");
    }
}

/// Two processes of one name are two.
#[test]
fn namesakes_are_killed_one_by_one() {
    let field = FIELD.iter().find(|field| field.name == "zen-russian-5.12").expect("there");
    let found = imported(field.text);
    assert_eq!(found.killed, ["tail", "tail"]);
    assert_eq!(found.toml.matches("comm = \"tail\"").count(), 2, "{}", found.toml);
}

#[test]
fn kernel_that_stops_has_killed_nobody() {
    let file = sim_core::import::CaptureFile {
        name: "console.txt",
        text: include_str!("field/crash-kernel-panic.txt"),
    };
    let error = sim_core::import::import(&[file]).expect_err("nobody is killed");
    let said = "console.txt:8:16: nobody is killed here: the kernel stops instead; expected ";
    assert!(error.to_string().starts_with(said), "{error}");
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

/// Who asked for a block is who memory runs out under, and for a block of that order.
#[test]
fn requests_keep_their_order() {
    for (name, asked) in [
        ("camera-order2", "VDecChn0 invoked oom-killer:"),
        ("mips64-16k-5.13", "systemd invoked oom-killer:"),
    ] {
        let field = FIELD.iter().find(|field| field.name == name).expect("there");
        let scenario = parse(name, &imported(field.text).toml, &[]).expect("fit");
        let options = sim_core::scenario::RunOptions::default();
        let run =
            sim_core::scenario::Simulation::new(&scenario, &options).expect("known ids").run();
        let log = sim_core::export::dmesg(&run);
        let line = log.lines().find(|line| line.contains(asked)).unwrap_or_else(|| panic!("{log}"));
        assert!(line.contains(" order=2,"), "{line}");
    }
}

/// Of a machine with several nodes, those that a request was bound to are what it ran out of.
#[test]
fn nodes_out_of_reach_are_left_out() {
    let zone = |node: u32, managed: u64| {
        format!(
            "Node {node} Normal free:9000kB min:9000kB low:11000kB high:13000kB present:{managed}kB managed:{managed}kB\n"
        )
    };
    let report = |head: &str, tail: &str| {
        let zones = zone(0, 4_000_000) + &zone(1, 400_000);
        format!(
            "a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), {head}order=0, oom_score_adj=0\n{zones}{tail}Out of memory: Killed process 7 (a) total-vm:9kB, anon-rss:200000kB\n"
        )
    };
    let line = |kind: &str, mask: &str, mems: &str| {
        format!(
            "oom-kill:constraint=CONSTRAINT_{kind},nodemask={mask},cpuset=/,mems_allowed={mems},global_oom,task_memcg=/,task=a,pid=7,uid=0\n"
        )
    };
    for (text, pages) in [
        (report("", &line("CPUSET", "(null)", "1")), 100_000),
        (report("", &line("MEMORY_POLICY", "0", "0-1")), 1_000_000),
        (report("", &line("NONE", "(null)", "0-1")), 1_100_000),
        (report("nodemask=1, ", ""), 100_000),
        (report("nodemask=0-1, ", ""), 1_100_000),
        // A node that the report does not show.
        (report("", &line("CPUSET", "(null)", "5")), 1_100_000),
    ] {
        let scenario = parse("nodes", &imported(&text).toml, &[]).expect("fit");
        assert_eq!(scenario.machine.zones.last().expect("one").managed, pages, "{text}");
    }
}

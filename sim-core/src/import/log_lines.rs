//! The log lines of the OOM killer and the reaper, by their meaning.
//! Everything else in a log is nobody's business here.

use super::keys::{field, leading_number};

/// What a log line says.
#[derive(Clone, Copy, Eq, PartialEq, Debug)]
pub(super) enum Said<'a> {
    /// `Killed process 130 (hog) …`; `Triggered by PID 9 ("a"), OOM kill of PID 130 ("hog"), …` of the tool
    /// `oomkill`; `System OOM encountered, victim process: hog, pid: 130`, Kubernetes's event.
    Killed { pid: u32, comm: &'a str },
    /// `oom_reaper: reaped process 130 (hog), now anon-rss:…`.
    Reaped { pid: u32, comm: &'a str, anon_kb: Option<i64> },
    /// `oom_reaper: unable to reap pid:130 (hog)`.
    Unable { pid: u32, comm: &'a str },
    /// `… callback failed with -11 in non-blockable context.`
    Refused,
}

/// The meaning of a line, if it has one for us.
pub(super) fn said(text: &str) -> Option<Said<'_>> {
    if let Some((_, rest)) = text.split_once("oom_reaper: reaped process ") {
        let (pid, comm, rest) = pid_and_comm(rest)?;
        let anon_kb = field(rest, "anon-rss").and_then(leading_number);
        Some(Said::Reaped { pid, comm, anon_kb })
    } else if let Some((_, rest)) = text.split_once("oom_reaper: unable to reap pid:") {
        let (pid, comm, _) = pid_and_comm(rest)?;
        Some(Said::Unable { pid, comm })
    } else if let Some((_, rest)) = text.split_once(", OOM kill of PID ") {
        let (pid, rest) = rest.split_once(" (\"")?;
        let (comm, _) = rest.split_once("\")")?;
        Some(Said::Killed { pid: pid.parse().ok()?, comm })
    } else if let Some((_, rest)) = text.split_once("System OOM encountered, victim process: ") {
        let (comm, pid) = rest.split_once(", pid: ")?;
        let pid = leading_number(pid).and_then(|pid| u32::try_from(pid).ok())?;
        Some(Said::Killed { pid, comm })
    } else if text.ends_with("blockable context.") {
        text.contains(" callback failed with ").then_some(Said::Refused)
    } else {
        // With `Out of memory: ` before it since 5.3, bare before.
        let (_, rest) = text.split_once("Killed process ")?;
        let (pid, comm, _) = pid_and_comm(rest)?;
        Some(Said::Killed { pid, comm })
    }
}

/// `130 (hog) …` or `130 (hog), …`; a comm may itself hold parentheses.
fn pid_and_comm(text: &str) -> Option<(u32, &str, &str)> {
    let (pid, rest) = text.split_once(" (")?;
    let end = [") total-vm:", "), now ", ") anon-rss:"].iter().find_map(|after| rest.find(after));
    let end = end.or_else(|| rest.rfind(')'))?;
    // 4.6 has a colon before the pid, where it reaped it; RHEL 6 has the user behind it.
    let pid = pid.split(',').next()?.trim().trim_start_matches(':').parse().ok()?;
    Some((pid, rest.get(..end)?, rest.get(end + 1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_eras_are_told_apart() {
        assert_eq!(
            said("Out of memory: Killed process 130 (hog) total-vm:112096kB, anon-rss:94844kB"),
            Some(Said::Killed { pid: 130, comm: "hog" })
        );
        assert_eq!(
            said("Killed process 7 (a (b) c) total-vm:1kB"),
            Some(Said::Killed { pid: 7, comm: "a (b) c" })
        );
        for line in [
            "Killed process 130, UID 27, (hog) total-vm:47388kB, anon-rss:3744kB, file-rss:80kB",
            "Killed process 130 (hog), UID 1000, total-vm:606096kB, anon-rss:68308kB",
            "Out of memory: Killed process 130 (hog).",
            "10:00:00 Triggered by PID 9 (\"a\"), OOM kill of PID 130 (\"hog\"), 3850642 pages, loadavg: 0.99 0.39",
            "3m  Warning  SystemOOM  node/w3  System OOM encountered, victim process: hog, pid: 130",
        ] {
            assert_eq!(said(line), Some(Said::Killed { pid: 130, comm: "hog" }), "{line}");
        }
        assert_eq!(
            said("Killed process 15925 ((resolved)) total-vm:168424kB, anon-rss:4064kB"),
            Some(Said::Killed { pid: 15_925, comm: "(resolved)" })
        );
        assert_eq!(
            said(
                "oom_reaper: reaped process 130 (hog), now anon-rss:8kB, file-rss:0kB, shmem-rss:0kB"
            ),
            Some(Said::Reaped { pid: 130, comm: "hog", anon_kb: Some(8) })
        );
        assert_eq!(
            said("oom_reaper: reaped process :130 (hog) anon-rss:8kB, file-rss:0kB, shmem-rss:0lB"),
            Some(Said::Reaped { pid: 130, comm: "hog", anon_kb: Some(8) })
        );
        assert_eq!(
            said("oom_reaper: unable to reap pid:130 (hog)"),
            Some(Said::Unable { pid: 130, comm: "hog" })
        );
        assert_eq!(
            said("f+0x0/0x310 [m] callback failed with -11 in non-blockable context."),
            Some(Said::Refused)
        );
        assert_eq!(said("oom_reaper: reaped process x (hog), now"), None);
        assert_eq!(said("Killed process 9"), None);
    }
}

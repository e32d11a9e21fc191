//! Why no scenario comes of a capture in which nobody is killed: what looks most like a kill, and where.

use super::capture::{Capture, CaptureFile, NotACapture};

/// Who else kills for want of memory, by the words of their lines. Theirs are other rules, and no reaper.
const OTHERS: [(&[&str], &str); 4] = [
    (&["lowmemorykiller: Kill"], "Android's low memory killer"),
    (&["earlyoom", "ending SIG"], "earlyoom"),
    (&["systemd-oomd", "Killed "], "systemd-oomd"),
    (&["[talos] Sending SIGKILL to cgroup"], "Talos's own OOM controller"),
];

pub(super) fn nobody_killed(capture: &Capture<'_>, files: &[CaptureFile<'_>]) -> NotACapture {
    if let Some(damaged) = capture.damaged.first() {
        return damaged.clone();
    }
    if let Some((line, column)) = capture.facts.panicked {
        let file = files.first().map_or("the capture", |file| file.name).to_owned();
        let text = "nobody is killed here: the kernel stops instead; expected a report that ends in \
                    `Killed process 130 (hog) total-vm:…kB, anon-rss:…kB`";
        return NotACapture { file, line, column, text: text.to_owned() };
    }
    let file = files.first().map_or("the capture", |file| file.name).to_owned();
    let (file, line) = capture.first.clone().unwrap_or((file, 1));
    let others = capture.log.iter().flat_map(|line| OTHERS.iter().map(move |other| (line, other)));
    let mut others =
        others.filter(|(line, (words, _))| words.iter().all(|word| line.text.contains(word)));
    if let Some((_, (_, who))) = others.next() {
        let text = format!(
            "nobody is killed by the kernel's OOM killer here: {who} came before it; expected a line such as \
             `Killed process 130 (hog) total-vm:…kB, anon-rss:…kB`"
        );
        return NotACapture { file, line, column: 1, text };
    }
    let text = if capture.trace.is_empty() && capture.log.is_empty() {
        "empty: expected ftrace text or a kernel log"
    } else {
        "nobody is killed here: expected an event such as `hog-130 [000] ..... 13.544552: \
         mark_victim: pid=130`, or a line such as `Killed process 130 (hog) total-vm:…kB, \
         anon-rss:…kB`"
    };
    NotACapture { file, line, column: 1, text: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::import;

    fn told(text: &str) -> String {
        let error = import(&[CaptureFile { name: "a.txt", text }]).map(drop);
        error.expect_err("nobody is killed").to_string()
    }

    #[test]
    fn killers_that_are_not_the_kernels_are_named() {
        for (text, who) in [
            ("[ 5986.892103] lowmemorykiller: Killing 'a' (24327), adj 0,", "Android's"),
            (
                "10-24 14:24:26.342   710   710 I lowmemorykiller: Kill 'a' (17933), uid 1",
                "Android's",
            ),
            (
                "May 1 10:00:00 box earlyoom[601]: sending SIGTERM to process 7 uid 0 \"a\"",
                "earlyoom",
            ),
            (
                "May 1 10:00:00 box systemd-oomd[8]: Killed /user.slice/a due to memory pressure for /user.slice",
                "systemd-oomd",
            ),
        ] {
            let told = told(text);
            assert!(told.starts_with("a.txt:1:1: nobody is killed by the kernel's"), "{told}");
            assert!(told.contains(&format!("here: {who}")), "{told}");
        }
        assert!(!told("the low memory killer\n").contains("Android"));
    }
}

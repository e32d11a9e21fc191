//! Lines of a report that a mailer or a terminal broke in two: which ones lack something, so that
//! the next line, if it means nothing by itself, may be the rest.

use std::borrow::Cow;

use super::frame::{When, framed};

/// Where a line began, and what was read of it.
#[derive(Clone, Debug)]
pub(super) struct Open {
    /// Line and column in the file.
    pub(super) place: (usize, usize),
    pub(super) at_us: i64,
    pub(super) text: String,
    /// How many lines it is made of.
    pub(super) parts: usize,
    /// Whether it meant something as far as it went.
    pub(super) is_known: bool,
    /// How much there was before it: reports, zones of the last one, kills.
    pub(super) before: (usize, usize, usize),
}

/// Most lines that one is made of.
pub(super) const PARTS_MAX: usize = 8;

/// Fewest lines of one length that are taken for folded at it.
const FOLDED_MIN: usize = 3;

/// Without the folds of a terminal, where a line with a time that is as long as the terminal is wide goes
/// on in the next, within a word. Lines keep their numbers: of those that were folded all but the first are empty.
pub(super) fn unfolded(text: &str) -> Cow<'_, str> {
    let width = |line: &str| line.chars().count();
    let edge = text.lines().map(width).max().unwrap_or(0);
    let folded = text.lines().filter(|line| width(line) == edge).count();
    if edge < 40 || folded < FOLDED_MIN {
        return Cow::Borrowed(text);
    }
    let has_time = |line: &str| framed(line).time != When::Unknown;
    let mut out = String::with_capacity(text.len());
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        let (mut last, mut parts) = (line, 1);
        while width(last) == edge && has_time(line) {
            let Some(rest) = lines.next_if(|next| !has_time(next)) else { break };
            out.push_str(rest);
            (last, parts) = (rest, parts + 1);
        }
        out.extend(std::iter::repeat_n('\n', parts));
    }
    Cow::Owned(out)
}

/// Whether more may follow. `is_known` tells whether the line means something as it is.
pub(super) fn lacks(text: &str, is_known: bool) -> bool {
    if text.contains(" invoked oom-killer:") {
        return !text.contains("oom_score_adj=");
    }
    if text.trim_end().ends_with("ut of memory: Killed") {
        return true;
    }
    if let Some((_, rest)) = text.split_once("Killed process") {
        let is_cut_in_sizes = rest.contains(") total-vm:") && !rest.contains("anon-rss:");
        return is_cut_in_sizes || !rest.contains(')') && rest.len() < 40;
    }
    if text.starts_with("CPU: ") && text.contains("PID: ") {
        let is_release =
            |word: &str| word.contains('.') && word.starts_with(|c: char| c.is_ascii_digit());
        return !text.split_whitespace().any(is_release);
    }
    if let Some((inside, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
        let inside = inside.trim();
        let is_row = !inside.is_empty() && inside.bytes().all(|byte| byte.is_ascii_digit());
        return is_row && !is_known || inside == "pid" && !rest.trim_end().ends_with("name");
    }
    let mut words = text.split(' ');
    let zone = match words.next() {
        Some("Node") => words.nth(1),
        first => first,
    };
    zone.is_some_and(|zone| zone.starts_with(char::is_uppercase))
        && words.next().is_some_and(|word| word.starts_with("free:"))
        && !text.contains(" managed:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_are_taken_out_where_lines_have_times() {
        let lines: Vec<String> =
            (0..4).map(|n| format!("[    {n}.000000] {}", "abc ".repeat(30))).collect();
        let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        let parts = |line: &str| [&line[..60], &line[60..120], &line[120..]].join("\n");
        let folded: Vec<String> = lines.iter().map(|line| parts(line)).collect();
        assert_eq!(unfolded(&folded.join("\n")), lines.join("\n\n\n") + "\n\n\n");
        // A terminal that cuts them off, and a log without times.
        let cut: Vec<&str> = lines.iter().map(|line| &line[..60]).collect();
        assert_eq!(unfolded(&cut.join("\n")).trim_end(), cut.join("\n"));
        let bare = folded.join("\n").replace('[', "");
        let bare = bare.replace(".000000]", "");
        assert_eq!(unfolded(&bare).trim_end(), bare);
    }

    #[test]
    fn what_is_whole_and_what_is_not() {
        for (text, is_known, expected) in [
            ("a invoked oom-killer:", false, true),
            ("a invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0", true, false),
            ("Out of memory: Killed process", false, true),
            ("Memory cgroup out of memory: Killed ", false, true),
            ("Killed process 7 (a) total-vm:1kB,", true, true),
            ("Killed process 7 (a).", true, false),
            ("CPU: 3 PID: 9 Comm: a", true, true),
            ("CPU: 3 PID: 9 Comm: a Not tainted 6.1.0 #1", true, false),
            ("CPU    0: hi:  186, btch:  31 usd:  26", false, false),
            ("[  pid  ]   uid  tgid", true, true),
            ("[  pid  ]   uid  tgid total_vm      rss oom_score_adj name", true, false),
            ("[    265]     0   265", false, true),
            ("[    265]     0   265 1 1 0 init", true, false),
            ("[<ffffffff811b3a22>] out_of_memory+0x422/0x560", false, false),
            ("Node 0 DMA32 free:4kB min:4kB low:4kB", true, true),
            ("Normal free:4kB", false, true),
            ("Normal free:4kB min:4kB managed:9kB", true, false),
            ("Node 0 active_anon:4kB", false, false),
            ("", false, false),
        ] {
            assert_eq!(lacks(text, is_known), expected, "{text}");
        }
    }
}

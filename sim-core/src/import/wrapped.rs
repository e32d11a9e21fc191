//! Lines of a report that a mailer or a terminal broke in two: which ones lack something, so that
//! the next line, if it means nothing by itself, may be the rest.

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

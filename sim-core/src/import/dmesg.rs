//! Reads the kernel log: `dmesg`, a serial console, a syslog file.
//!
//! Takes apart the time stamp and leaves the text alone. Lines without a
//! stamp (wrapped text, `dmesg -T` dates) are counted and skipped.

/// One line of the log.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct LogLine<'a> {
    /// When, in µs since boot.
    pub time_us: i64,
    /// What it says.
    pub text: &'a str,
}

/// A log that was read.
#[derive(Clone, Debug, Default)]
pub struct LogText<'a> {
    /// Lines in the order of the text.
    pub lines: Vec<LogLine<'a>>,
    /// Lines without a time stamp.
    pub unread: usize,
}

/// Reads a log. Any text is a log; at worst an empty one.
pub fn parse_dmesg(text: &str) -> LogText<'_> {
    let mut read = LogText::default();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        match parse_line(line) {
            Some(line) => read.lines.push(line),
            None => read.unread += 1,
        }
    }
    read
}

/// `[   15.984412] text`, with whatever a console or syslog put before
/// it (`<6>`, `host kernel: `) and a caller (`[  T130]`) after it.
fn parse_line(line: &str) -> Option<LogLine<'_>> {
    let start = line.find('[')?;
    let (stamp, rest) = line.get(start + 1..)?.split_once(']')?;
    let time_us = super::keys::seconds_us(stamp.trim())?;
    let text = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, text)) => text,
        None => rest,
    };
    Some(LogLine { time_us, text: text.strip_prefix(' ').unwrap_or(text).trim_end() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_of_all_sources_are_read() {
        let text = "[   15.984412] Out of memory: Killed process 130 (hog)\n\
                    <6>[    0.000001] a\n\
                    Nov 22 10:00:00 box kernel: [   16.000000] b [c]\n\
                    [   17.000000][  T130]  indented\n\
                    [Sun Nov 22 10:00:00 2026] date\n\
                    no stamp\n\n";
        let read = parse_dmesg(text);
        let lines: Vec<_> = read.lines.iter().map(|line| (line.time_us, line.text)).collect();
        assert_eq!(
            lines,
            [
                (15_984_412, "Out of memory: Killed process 130 (hog)"),
                (1, "a"),
                (16_000_000, "b [c]"),
                (17_000_000, " indented"),
            ]
        );
        assert_eq!(read.unread, 2);
    }
}

//! What stands before the text of a log line: nothing, a time since boot,
//! a date, or what syslog, journald and consoles add. Forms are those of
//! `dmesg`, `dmesg -T`, `dmesg -x`, `journalctl -k` (short, short-iso,
//! short-monotonic, short-precise), /var/log/kern.log, RFC 5424 and /dev/kmsg; of others that keep
//! the time since boot, whatever stands before it. Names of days and months are not read, so they
//! may be in any language.

use super::keys::seconds_us;

/// A log line in two parts.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) struct Framed<'a> {
    /// Since boot, or since midnight if there is only a date; in µs.
    pub(super) time_us: Option<i64>,
    /// What the kernel said.
    pub(super) text: &'a str,
}

/// Takes a log line apart.
pub(super) fn framed(line: &str) -> Framed<'_> {
    let line = line.trim_end();
    // What is left of a line of syslog without date and host.
    let line = line.strip_prefix("kernel: ").unwrap_or(line);
    if let Some(framed) = bracketed(line.trim_start()).or_else(|| kmsg(line)) {
        return framed;
    }
    // `<6>`, `kern  :warn  : `, `Nov 22 10:00:00 box kernel: `.
    for (at, mark, time_from) in [
        (line.find(" kernel: "), " kernel: ", true),
        (line.find(" kernel - - - "), " kernel - - - ", true),
        (line.find(": ["), ": ", false),
        (line.find('>'), ">", false),
    ] {
        let Some(at) = at else { continue };
        let (Some(before), Some(after)) = (line.get(..at), line.get(at + mark.len()..)) else {
            continue;
        };
        if mark == ">" && !(before.starts_with('<') && before.len() <= 4) {
            continue;
        }
        if let Some(framed) = bracketed(after.trim_start()) {
            return framed;
        }
        if time_from {
            return Framed { time_us: time_of_day(before), text: after };
        }
    }
    // Whatever a tool puts before it, a time since boot has six decimals.
    let stamps = line.match_indices('[').filter_map(|(at, _)| line.get(at..));
    let mut stamped = stamps.filter(|rest| {
        let inside = rest.get(1..).and_then(|rest| rest.split_once(']'));
        let decimals = inside.and_then(|(stamp, _)| stamp.split_once('.'));
        decimals.is_some_and(|(_, decimals)| decimals.len() == 6)
    });
    stamped.find_map(bracketed).unwrap_or(Framed { time_us: None, text: line })
}

/// `[   15.984412] text`, `[   15.984412][  T130] text`, `[So Nov 22 10:00:00 2026] text`.
fn bracketed(line: &str) -> Option<Framed<'_>> {
    let (stamp, rest) = line.strip_prefix('[')?.split_once(']')?;
    let time_us = seconds_us(stamp.trim()).or_else(|| time_of_day(stamp))?;
    let text = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, text)) => text,
        None => rest,
    };
    // `[…]: text` of Talos; `[…] host kernel: text`, `[…] kernel: text` of `journalctl -o short-monotonic`.
    let text = text.strip_prefix(':').unwrap_or(text);
    let text = text.strip_prefix(' ').unwrap_or(text);
    let text = match text.split_once("kernel: ") {
        Some((host, text)) if !host.trim_end().contains(' ') => text,
        _ => text,
    };
    Some(Framed { time_us: Some(time_us), text })
}

/// `6,8100,3120500000,-;text`: level, number, µs since boot, flags; other fields may follow.
fn kmsg(line: &str) -> Option<Framed<'_>> {
    let (prefix, text) = line.split_once(';')?;
    let mut numbers = prefix.split(',').map(|field| field.parse::<i64>().ok());
    let (_level, _number) = (numbers.next()??, numbers.next()??);
    Some(Framed { time_us: Some(numbers.next()??).filter(|us| *us >= 0), text })
}

/// The first `10:00:00` or `10:00:00.123456` of a date.
fn time_of_day(text: &str) -> Option<i64> {
    text.split([' ', 'T']).find_map(|word| {
        let mut parts = word.splitn(3, ':');
        let mut number = |most: i64| {
            let digits = parts.next().filter(|part| part.len() == 2)?;
            digits.parse::<i64>().ok().filter(|value| (0..most).contains(value))
        };
        let (hours, minutes) = (number(24)?, number(60)?);
        let rest = parts.next()?;
        // Seconds may be followed by a fraction and a time zone.
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let seconds = rest.get(..end)?;
        let us = if seconds.contains('.') {
            seconds_us(seconds)?
        } else {
            seconds.parse::<i64>().ok()?.checked_mul(1_000_000)?
        };
        (hours * 3600 + minutes * 60).checked_mul(1_000_000)?.checked_add(us)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_all_sources_are_taken_off() {
        let ten = 36_000_000_000;
        for (line, time_us, text) in [
            ("[   15.984412] a [b]", Some(15_984_412), "a [b]"),
            ("[   17.000000][  T130]  indented", Some(17_000_000), " indented"),
            ("<4>[    0.000001] a", Some(1), "a"),
            ("kern  :warn  : [   15.984412] a", Some(15_984_412), "a"),
            ("[So Nov 22 10:00:00 2026] a", Some(ten), "a"),
            ("Nov 22 10:00:00 box kernel: [   16.000000] a", Some(16_000_000), "a"),
            ("nov. 22 10:00:00 box kernel: Mem-Info:", Some(ten), "Mem-Info:"),
            ("2026-11-22T10:00:00.500000+0100 box kernel: a", Some(ten + 500_000), "a"),
            ("6,8100,3120500000,-;a; b", Some(3_120_500_000), "a; b"),
            ("4,1,77,c,caller=T9;a", Some(77), "a"),
            ("<4>1 2026-11-22T10:00:00.5+01:00 box kernel - - - a", Some(ten + 500_000), "a"),
            ("kernel: a [b]: c", None, "a [b]: c"),
            ("kernel: [   16.000000] a", Some(16_000_000), "a"),
            ("    [   16.000000] indented", Some(16_000_000), "indented"),
            ("[638074.104526] kernel: a: b", Some(638_074_104_526), "a: b"),
            ("[638074.104526] box kernel: a", Some(638_074_104_526), "a"),
            ("user: warning: [2026-11-22T10:00:00.5Z]: a", Some(ten + 500_000), "a"),
            ("[2026-11-22 10:00:00 UTC] kernel: a", Some(ten), "a"),
            (
                "2023-12-04T10:49:30.103Z In(05) vcpu-5 - Guest: <4>[  16.000001]  a",
                Some(16_000_001),
                " a",
            ),
            ("warning|kernel[-]|[  16.000000] a b", Some(16_000_000), "a b"),
            ("[  128]     0   128 hog", None, "[  128]     0   128 hog"),
            ("Mem-Info:", None, "Mem-Info:"),
            ("", None, ""),
        ] {
            assert_eq!(framed(line), Framed { time_us, text }, "{line}");
        }
    }
}

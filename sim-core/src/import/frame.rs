//! What stands before the text of a log line: nothing, a time since boot,
//! a date, or what syslog, journald and consoles add. Forms are those of
//! `dmesg`, `dmesg -T`, `-x`, `-d`, `-H` and `--time-format iso`, `journalctl -k` (short, short-iso,
//! short-monotonic, short-precise), /var/log/kern.log, RFC 5424, /dev/kmsg, netconsole and Android's `logcat`; of others
//! that keep the time since boot, whatever stands before it. Names of days and months are not read, so they
//! may be in any language.

use super::keys::{plausible, seconds_us};
use super::logcat::logcat;

/// When a line was printed, in µs.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) enum When {
    /// Since boot, or since midnight if there is only a date.
    At(i64),
    /// The same, of which the seconds are cut off (`dmesg -H`).
    Minute(i64),
    /// So long after the line before (`dmesg -H`).
    After(i64),
    /// The line doesn't say.
    Unknown,
}

/// A log line in two parts.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(super) struct Framed<'a> {
    pub(super) time: When,
    /// What the kernel said.
    pub(super) text: &'a str,
}

/// Takes a log line apart.
pub(super) fn framed(line: &str) -> Framed<'_> {
    let line = line.trim_end();
    // What is left of a line of syslog without date and host.
    let line = line.strip_prefix("kernel: ").unwrap_or(line);
    let line = without_priority(without_number(line));
    let own = bracketed(line.trim_start()).or_else(|| kmsg(line)).or_else(|| logcat(line));
    if let Some(framed) = own {
        // Some keep the kernel's own time behind theirs, and crash its priority.
        let text = without_priority(framed.text);
        let inner = if is_stamp(text, 0) { bracketed(text) } else { None };
        return inner.unwrap_or(Framed { text, ..framed });
    }
    if let Some(framed) = sender_with_pid(line).or_else(|| sender_with_data(line)) {
        return framed;
    }
    // `Nov 22 10:00:00 box kernel: `.
    for (at, mark, time_from) in [
        (line.find(" kernel: "), " kernel: ", true),
        (line.find(" kernel - - - "), " kernel - - - ", true),
        (line.find(": ["), ": ", false),
    ] {
        let Some(at) = at else { continue };
        let (Some(before), Some(after)) = (line.get(..at), line.get(at + mark.len()..)) else {
            continue;
        };
        if let Some(framed) = bracketed(after.trim_start()) {
            return framed;
        }
        if time_from {
            return Framed { time: time_before(before), text: after };
        }
    }
    // Whatever a tool puts before it, a time since boot has six decimals.
    let stamps = line.match_indices('[').filter(|(at, _)| is_stamp(line, *at));
    let mut stamped = stamps.filter_map(|(at, _)| bracketed(line.get(at..)?));
    stamped
        .next()
        .or_else(|| without_bracket(line))
        .or_else(|| dated(line))
        .or_else(|| last_column(line))
        .unwrap_or(Framed { time: When::Unknown, text: line })
}

/// Without the number that a pager, a manual or `grep -n` puts before a bracket: `565 [`, `565:[`.
fn without_number(line: &str) -> &str {
    let bare = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = bare.strip_prefix([' ', ':']).unwrap_or(bare);
    if bare.len() < line.len() && rest.starts_with('[') { rest } else { line }
}

/// Without `kern  :warn  : ` of `dmesg -x` and `<4>` of the kernel, in front of a time or of the text.
fn without_priority(line: &str) -> &str {
    let priority = line.strip_prefix('<').and_then(|line| line.split_once('>'));
    let is_number = |it: &str| it.len() <= 3 && it.parse::<u16>().is_ok();
    if let Some((_, rest)) = priority.filter(|(it, rest)| is_number(it) && !rest.starts_with("1 "))
    {
        return rest;
    }
    let mut parts = line.splitn(3, ':');
    let (Some(facility), Some(level), Some(rest)) = (parts.next(), parts.next(), parts.next())
    else {
        return line;
    };
    let is_level = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"]
        .contains(&level.trim_end());
    let is_facility = ["kern", "user", "daemon", "syslog"].contains(&facility.trim_end());
    if is_level && is_facility { rest.strip_prefix(' ').unwrap_or(rest) } else { line }
}

/// `Nov 22 10:00:00 box kernel[0]: text`.
fn sender_with_pid(line: &str) -> Option<Framed<'_>> {
    let (before, rest) = line.split_once(" kernel[")?;
    let (pid, text) = rest.split_once("]: ")?;
    pid.parse::<u32>().ok()?;
    Some(bracketed(text).unwrap_or(Framed { time: time_before(before), text }))
}

/// `<4>1 2026-11-22T10:00:00Z box kernel - - [timeQuality tzKnown="1"] text` (RFC 5424, 6.3).
fn sender_with_data(line: &str) -> Option<Framed<'_>> {
    let (before, rest) = line.split_once(" kernel - - [")?;
    let (_, text) = rest.split_once("] ")?;
    let text = text.trim_start_matches('\u{feff}');
    Some(bracketed(text).unwrap_or(Framed { time: time_before(before), text }))
}

/// `"11/22/2026, 10:00:00.123 AM",box,"text`: the last column of a table, whose end is off already.
fn last_column(line: &str) -> Option<Framed<'_>> {
    let (before, text) = line.rsplit_once(",\"")?;
    Some(Framed { time: When::At(time_of_day(before)?), text })
}

/// Of a date and a host, or of the seconds since 1970 that `journalctl -o short-unix` has for a date.
fn time_before(text: &str) -> When {
    let since_1970 = || text.split(' ').next().and_then(seconds_us);
    time_of_day(text).or_else(since_1970).map_or(When::Unknown, When::At)
}

/// Whether a time since boot begins at this bracket.
pub(super) fn is_stamp(line: &str, at: usize) -> bool {
    // The longest has 10 digits before the point; blanks may stand before them.
    let inside = line.as_bytes().get(at + 1..).unwrap_or_default();
    let inside = inside.get(..inside.len().min(24)).unwrap_or_default();
    let end = inside.iter().position(|byte| *byte == b']');
    let stamp = end.and_then(|end| std::str::from_utf8(inside.get(..end)?).ok());
    stamp.is_some_and(|stamp| {
        let decimals = stamp.split_once('.').map(|(_, decimals)| decimals.len());
        decimals == Some(6) && seconds_us(stamp.trim()).is_some()
    })
}

/// `   16.000000] text`: what was marked and copied began one character late.
fn without_bracket(line: &str) -> Option<Framed<'_>> {
    let (stamp, text) = line.trim_start().split_once("] ")?;
    let (_, decimals) = stamp.split_once('.')?;
    let time = seconds_us(stamp).filter(|_| decimals.len() == 6)?;
    Some(Framed { time: When::At(time), text })
}

/// `2026-11-22T10:00:00,500000+01:00 text`.
fn dated(line: &str) -> Option<Framed<'_>> {
    let (date, text) = line.split_once(' ')?;
    let (day, _) = date.split_once('T')?;
    let is_day = day.len() == 10 && day.split('-').count() == 3;
    let time = time_of_day(date).filter(|_| is_day)?;
    Some(Framed { time: When::At(time), text })
}

/// `[   15.984412] text`, `[   15.984412][  T130] text`, `[So Nov 22 10:00:00 2026] text`,
/// `[Nov22 10:00] text`, `[  +0.000004] text`, `[   15.984412 <    0.000004>] text`.
fn bracketed(line: &str) -> Option<Framed<'_>> {
    let (stamp, rest) = line.strip_prefix('[')?.split_once(']')?;
    let stamp = match stamp.split_once('<') {
        Some((stamp, _)) if !stamp.is_empty() => stamp,
        _ => stamp,
    };
    let since = |stamp: &str| {
        let without_time = stamp.strip_prefix('<').and_then(|stamp| stamp.strip_suffix('>'));
        let after = stamp.strip_prefix('+').or(without_time)?;
        Some(When::After(seconds_us(after.trim())?))
    };
    // Some vendors put the CPU before it: `[2-3219.1870]`.
    let on_cpu = |stamp: &str| {
        let (cpu, seconds) = stamp.split_once('-')?;
        let is_cpu = !cpu.is_empty() && cpu.bytes().all(|byte| byte.is_ascii_digit());
        seconds_us(seconds).filter(|_| is_cpu)
    };
    let time = seconds_us(stamp.trim()).or_else(|| on_cpu(stamp.trim()));
    let time = time.or_else(|| time_of_day(stamp)).map(When::At);
    let time = time.or_else(|| since(stamp.trim())).or_else(|| minute(stamp))?;
    let text = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((_, text)) => without_cpu(text),
        None => without_caller(rest.strip_prefix('.').unwrap_or(rest)),
    };
    // `[…]: text` of Talos; `[…] host kernel: text`, `[…] kernel: text` of `journalctl -o short-monotonic`.
    let text = text.strip_prefix(':').unwrap_or(text);
    let text = text.strip_prefix(' ').unwrap_or(text);
    let text = match text.split_once("kernel: ") {
        Some((host, text)) if !host.trim_end().contains(' ') => text,
        _ => text,
    };
    // A console's reader puts its date before the kernel's time.
    if is_stamp(text, 0) && seconds_us(stamp.trim()).is_none() {
        return bracketed(text);
    }
    Some(Framed { time, text })
}

/// Without ` [  T130]`, ` [    C1]`, which dmesg of util-linux sets apart from the time, and what makers of
/// telephones put there: ` [T130@C3]`, `  (5)[130:hog]`, `  [5:            hog:  130]`.
fn without_caller(rest: &str) -> &str {
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
    let bare = rest.trim_start();
    let cpu = bare.strip_prefix('(').and_then(|bare| bare.split_once(')'));
    let bare = cpu.filter(|(cpu, _)| is_number(cpu)).map_or(bare, |(_, bare)| bare);
    let parts = bare.strip_prefix('[').and_then(|bare| bare.split_once(']'));
    let is_caller = |caller: &str| {
        let number = caller.trim_start().strip_prefix(['T', 'C']);
        let number = number.map(|it| it.split_once("@C").map_or(it, |(thread, _)| thread));
        let named = caller.split_once(':').is_some_and(|(number, comm)| {
            is_number(number) && !comm.is_empty() && !comm.starts_with(|c: char| c.is_ascii_digit())
        });
        number.is_some_and(is_number) || named
    };
    parts.filter(|(caller, _)| is_caller(caller)).map_or(rest, |(_, text)| text)
}

/// Without `@3 `, which makers of telephones put behind a second time: `[   16.000000][10:00:00.5]@3 text`.
fn without_cpu(text: &str) -> &str {
    let cpu = text.strip_prefix('@').and_then(|rest| rest.split_once(' '));
    cpu.filter(|(cpu, _)| cpu.parse::<u32>().is_ok()).map_or(text, |(_, text)| text)
}

/// `Nov22 10:00`: month and day may be in any language.
fn minute(stamp: &str) -> Option<When> {
    let (day, time) = stamp.rsplit_once(' ')?;
    let (hours, minutes) = time.split_once(':')?;
    let number = |digits: &str| {
        let digits = Some(digits).filter(|digits| digits.len() == 2)?;
        digits.parse::<i64>().ok().filter(|number| (0..60).contains(number))
    };
    let is_day = day.ends_with(|c: char| c.is_ascii_digit());
    let minutes = number(hours)? * 60 + number(minutes)?;
    is_day.then_some(When::Minute(minutes * 60_000_000))
}

/// `6,8100,3120500000,-;text`: level, number, µs since boot, flags; other fields may follow. netconsole may
/// have the release before them.
fn kmsg(line: &str) -> Option<Framed<'_>> {
    let (prefix, text) = line.split_once(';')?;
    let release = prefix.split_once(',').filter(|(first, _)| first.contains('.'));
    let prefix = release.map_or(prefix, |(_, rest)| rest);
    let mut numbers = prefix.split(',').map(|field| field.parse::<i64>().ok());
    let (_level, _number) = (numbers.next()??, numbers.next()??);
    let us = numbers.next()??;
    Some(Framed { time: plausible(us).map_or(When::Unknown, When::At), text })
}

/// The first `10:00:00` or `10:00:00.123456` of a date.
pub(super) fn time_of_day(text: &str) -> Option<i64> {
    text.split([' ', 'T']).find_map(|word| {
        let mut parts = word.splitn(3, ':');
        let mut number = |most: i64| {
            let digits = parts.next().filter(|part| part.len() == 2)?;
            digits.parse::<i64>().ok().filter(|value| (0..most).contains(value))
        };
        let (hours, minutes) = (number(24)?, number(60)?);
        let rest = parts.next()?;
        // Seconds may be followed by a fraction and a time zone.
        let end = rest.find(|c: char| !c.is_ascii_digit() && !['.', ','].contains(&c));
        let seconds = rest.get(..end.unwrap_or(rest.len()))?.trim_end_matches(['.', ',']);
        let us = if let Some(at) = seconds.find(['.', ',']) {
            seconds_us(&format!("{}.{}", seconds.get(..at)?, seconds.get(at + 1..)?))?
        } else {
            seconds.parse::<i64>().ok()?.checked_mul(1_000_000)?
        };
        (us < 61_000_000).then_some((hours * 60 + minutes) * 60_000_000 + us)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_all_sources_are_taken_off() {
        let ten = 36_000_000_000;
        for (line, time, text) in [
            ("[   15.984412] a [b]", Some(15_984_412), "a [b]"),
            ("[   17.000000][  T130]  indented", Some(17_000_000), " indented"),
            ("[   17.000000] [  T130]  indented", Some(17_000_000), " indented"),
            ("[   17.000000] [    C1] a", Some(17_000_000), "a"),
            ("[   17.000000] [T130@C3] a", Some(17_000_000), "a"),
            ("<4>1 2026-11-22T10:00:00.5Z box kernel - - [a b=\"c\"] d", Some(ten + 500_000), "d"),
            ("\"11/22/2026, 10:00:00.5 AM\",box,\"a, b", Some(ten + 500_000), "a, b"),
            ("[   17.000000] [  128]     0   128 hog", Some(17_000_000), "[  128]     0   128 hog"),
            ("<4>[    0.000001] a", Some(1), "a"),
            ("[2-3219.1870] a", Some(3_219_187_000), "a"),
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
            ("[   15.984412 <    0.000004>] a", Some(15_984_412), "a"),
            ("[So Nov 22 10:00:00 2026 <    0.000004>] a", Some(ten), "a"),
            ("2026-11-22T10:00:00,500000+01:00 a b", Some(ten + 500_000), "a b"),
            ("2026-11-22T10:00:00.5Z [   16.000000] a", Some(16_000_000), "a"),
            ("[2026-11-22 10:00:00.5] [   16.000000] a", Some(16_000_000), "a"),
            ("11-22 10:00:00.500     0     0 W         : a: b", Some(ten + 500_000), "a: b"),
            (
                "11-22 10:00:00.500     0     0 I oom_reaper: a",
                Some(ten + 500_000),
                "oom_reaper: a",
            ),
            ("2026-11-22 10:00:00.500 +0100  root     0     0 I a", Some(ten + 500_000), "a"),
            ("W/kernel  (    0): a", None, "a"),
            ("11-22 10:00:00.500 W/kernel(    0): a", Some(ten + 500_000), "a"),
            ("1795338000.500     0     0 W kernel  : a", Some(1_795_338_000_500_000), "a"),
            ("11-22 10:00:00.500     0     0 W kernel  : [   16.000000] a", Some(16_000_000), "a"),
            ("[   16.000000] <4>a", Some(16_000_000), "a"),
            ("kern  :warn  : 2026-11-22T10:00:00,500000+01:00 a", Some(ten + 500_000), "a"),
            ("kern  :warn  : a: b", None, "a: b"),
            ("565 [So Nov 22 10:00:00 2026] a", Some(ten), "a"),
            ("Nov 22 10:00:00 box kernel[0]: a", Some(ten), "a"),
            ("Nov 22 10:00:00 box kernel[0]: [   16.000000] a", Some(16_000_000), "a"),
            ("6.1.0-7,4,8100,16000000,-,ncfrag=0/9;a", Some(16_000_000), "a"),
            ("[   16.000000][10:00:00.500000]@3 a", Some(16_000_000), "a"),
            ("<4>[   16.000000].(3)[130:hog]a", Some(16_000_000), "a"),
            ("I/O error (1): a", None, "I/O error (1): a"),
            ("[   16.000000]  (5)[130:hog]a", Some(16_000_000), "a"),
            ("[   16.000000]  [5:            hog:  130] a", Some(16_000_000), "a"),
            ("[   16.000000] [0000:01:00.0] a", Some(16_000_000), "[0000:01:00.0] a"),
            (" 1257.892709] sudo: a", Some(1_257_892_709), "sudo: a"),
            ("[  128]     0   128 hog", None, "[  128]     0   128 hog"),
            ("Mem-Info:", None, "Mem-Info:"),
            // Times that no clock shows.
            ("6,8100,9223372036854775807,-;a", None, "a"),
            ("[9223372036854.775807] a", None, "[9223372036854.775807] a"),
            ("10:00:9000000000 box kernel: a", None, "a"),
            ("", None, ""),
        ] {
            let time = time.map_or(When::Unknown, When::At);
            assert_eq!(framed(line), Framed { time, text }, "{line}");
        }
    }

    #[test]
    fn stamps_for_people_are_read() {
        let ten = When::Minute(36_000_000_000);
        for (line, time, text) in [
            ("[Nov28 10:00] a", ten, "a"),
            ("[十一月28 10:00] a", ten, "a"),
            ("[  +0.000004] a", When::After(4), "a"),
            ("[ +12.500000]  a", When::After(12_500_000), " a"),
            ("[<    0.000021>] a", When::After(21), "a"),
            ("[Nov 10:00] a", When::Unknown, "[Nov 10:00] a"),
            ("[drm:x 12:34] a", When::Unknown, "[drm:x 12:34] a"),
            ("[a1 10:61] a", When::Unknown, "[a1 10:61] a"),
        ] {
            assert_eq!(framed(line), Framed { time, text }, "{line}");
        }
    }
}

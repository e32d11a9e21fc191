//! Small readers that trace and log share: `key=value` pairs and clocks.
//! They look at ASCII only and turn down whatever does not fit.

/// The value after `key=` or `key:`; up to the next blank or comma.
///
/// The key must stand at the start or after a blank or comma, so that
/// `rss` is not found in `anon-rss`.
pub(super) fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.match_indices(key).find_map(|(at, _)| {
        let before = text.get(..at)?.chars().next_back();
        if !matches!(before, None | Some(' ' | ',')) {
            return None;
        }
        let rest = text.get(at + key.len()..)?;
        // `perf trace` has a blank behind the colon.
        let value = rest.strip_prefix(": ").or_else(|| rest.strip_prefix(['=', ':']))?;
        value.split([' ', ',']).next()
    })
}

/// The value after `comm=`: it may hold blanks, and ends where the next `key=` begins. `perf trace` has
/// `comm: "…"`.
pub(super) fn comm_field(args: &str) -> Option<&str> {
    if let Some((_, rest)) = args.split_once("comm: \"") {
        return rest.split('"').next().filter(|comm| !comm.is_empty());
    }
    let (before, rest) = args.split_once("comm=")?;
    if !matches!(before.chars().next_back(), None | Some(' ')) {
        return None;
    }
    let is_key = |at: &usize| {
        let word = rest.get(at + 1..).and_then(|after| after.split(' ').next());
        word.is_some_and(|word| word.contains(['=', ':']))
    };
    let end = rest.match_indices(' ').map(|(at, _)| at).find(is_key).unwrap_or(rest.len());
    rest.get(..end).map(str::trim_end).filter(|comm| !comm.is_empty())
}

/// The number a text begins with, whatever follows (`94844kB`).
pub(super) fn leading_number(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let value: i64 = digits.get(..end)?.parse().ok()?;
    Some(if negative { -value } else { value })
}

/// Times in µs from here on, some 1100 years, are damage. The nanoseconds since boot that a kernel or a run
/// can count are before that, and sums of a hundred such times never overflow.
pub(super) const US_END: i64 = 1 << 55;

/// A time in µs, unless it is damage. None of the kernel's clocks runs below 0.
pub(super) fn plausible(us: i64) -> Option<i64> {
    (0..US_END).contains(&us).then_some(us)
}

/// `13.544552` (any number of decimals) in µs, rounded.
pub(super) fn seconds_us(text: &str) -> Option<i64> {
    millionths(text).and_then(plausible)
}

/// The same of whatever unit, and however much.
pub(super) fn millionths(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.')?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !plain(whole) || !plain(fraction) {
        return None;
    }
    let mut us = 0i64;
    let mut bytes = fraction.bytes();
    for _ in 0..6 {
        us = us * 10 + i64::from(bytes.next().unwrap_or(b'0') - b'0');
    }
    if bytes.next().is_some_and(|digit| digit >= b'5') {
        us += 1;
    }
    whole.parse::<i64>().ok()?.checked_mul(1_000_000)?.checked_add(us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_needs_a_whole_key() {
        let text = "anon-rss:12kB, rss=7 pid=1,comm=a";
        assert_eq!(field(text, "rss"), Some("7"));
        assert_eq!(field(text, "anon-rss"), Some("12kB"));
        assert_eq!(field(text, "comm"), Some("a"));
        assert_eq!(field(text, "pi"), None);
        assert_eq!(field("", "pid"), None);
    }

    #[test]
    fn comm_ends_where_the_next_key_begins() {
        for (args, comm) in [
            ("sig=9 comm=Web Content pid=1301 grp=1", Some("Web Content")),
            ("pid=130 comm=a b total-vm=4kB file-rss:4kB", Some("a b")),
            ("comm=hog", Some("hog")),
            ("prev_comm=a prev_pid=7", None),
            ("comm= pid=7", None),
        ] {
            assert_eq!(comm_field(args), comm, "{args}");
        }
    }

    #[test]
    fn clocks_round_to_microseconds() {
        assert_eq!(seconds_us("13.544552"), Some(13_544_552));
        assert_eq!(seconds_us("0.5"), Some(500_000));
        assert_eq!(seconds_us("1.0000005"), Some(1_000_001));
        assert_eq!(seconds_us("1.9999999"), Some(2_000_000));
        assert_eq!(seconds_us("36028797018.963967"), Some(US_END - 1));
        for bad in
            ["", ".", "1.", ".1", "1.x", "-1.0", "36028797018.963968", "99999999999999999999.0"]
        {
            assert_eq!(seconds_us(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_drop_their_unit() {
        assert_eq!(leading_number("94844kB"), Some(94_844));
        assert_eq!(leading_number("-11"), Some(-11));
        assert_eq!(leading_number("kB"), None);
    }
}

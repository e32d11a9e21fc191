//! Reads ftrace text: `/sys/kernel/tracing/trace`, what `trace-cmd
//! report` and `perf script` print, with or without the latency format,
//! and this simulator's own export.
//!
//! Knows the frame of a line (task, pid, CPU, flags, time, event name)
//! and nothing of what an event means. Lines it cannot read are counted
//! and shown, never fatal: a recording of a busy machine holds lost-event
//! notes, banners of other tools and lines cut in half. Only a text in
//! which no line at all is an event is turned down.

use super::perf;

/// Bytes of the longest `comm` (`TASK_COMM_LEN` with its zero, include/linux/sched.h).
pub(super) const COMM_MAX: usize = 15;
/// How many unread lines are kept to show; all of them are counted.
const SHOWN_MAX: usize = 8;
/// What stands before the name of an event takes no more bytes than this.
const FRAME_MAX: usize = 512;

/// One event.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct TraceLine<'a> {
    /// Task that was current, `<...>` if the tracer had lost its name.
    pub comm: &'a str,
    /// Its thread id.
    pub pid: u32,
    /// Its process, where the trace tells both.
    pub tgid: Option<u32>,
    /// On which CPU.
    pub cpu: u32,
    /// When, in µs of the trace's own clock.
    pub time_us: i64,
    /// Event name, as the text has it.
    pub name: &'a str,
    /// The rest of the line.
    pub args: &'a str,
}

impl<'a> TraceLine<'a> {
    /// The name of this simulator's own event, if it is one: `sim:` in ftrace text, `sim_` in what
    /// `trace-cmd report` makes of a run, where systems have no place.
    pub fn own(&self) -> Option<&'a str> {
        self.name.strip_prefix("sim:").or_else(|| self.name.strip_prefix("sim_"))
    }

    /// The name without the mark of a run: kernels that have no tracepoint of a name still do what
    /// it stands for.
    pub fn plain_name(&self) -> &'a str {
        self.own().unwrap_or(self.name)
    }

    /// The value after `key=` (or the kernel's odd `key:`) in the arguments.
    pub fn field(&self, key: &str) -> Option<&'a str> {
        super::keys::field(self.args, key)
    }

    /// Kilobytes of anonymous memory of a victim (`mark_victim`, 6.9 on; earlier in stable kernels), as printed
    /// or by the field's own name (`trace-cmd report -R`).
    pub(super) fn anon_kb(&self) -> Option<i64> {
        self.number("anon-rss").or_else(|| self.number("anon_rss"))
    }

    /// [`field`](Self::field) as a number, also as `trace-cmd report -R` prints it (`0x82`); a unit
    /// after the digits is dropped.
    pub fn number(&self, key: &str) -> Option<i64> {
        let value = self.field(key)?;
        match value.strip_prefix("0x") {
            Some(hex) => i64::from_str_radix(hex, 16).ok(),
            None => super::keys::leading_number(value),
        }
    }
}

/// A trace that was read.
#[derive(Clone, Debug, Default)]
pub struct FtraceText<'a> {
    /// Events in the order of the text.
    pub lines: Vec<TraceLine<'a>>,
    /// Lines that are neither event nor comment.
    pub unread: usize,
    /// The first few of them, with their 1-based line numbers.
    pub unread_shown: Vec<(usize, &'a str)>,
    /// Events that the tracer itself says it lost.
    pub lost: u64,
}

/// Why a text is no trace.
#[derive(Clone, Eq, PartialEq, Debug, thiserror::Error)]
pub enum NotFtrace {
    /// It has no line that is not a comment.
    #[error(
        "the trace is empty: expected lines such as `hog-130 [000] ..... 13.544552: mark_victim: pid=130`"
    )]
    Empty,
    /// None of its lines is an event.
    #[error(
        "line {line}: `{text}` is no ftrace event, nor is any other line: expected `hog-130 [000] ..... 13.544552: mark_victim: pid=130`"
    )]
    NoEvent {
        /// The first line that might have been one, from 1.
        line: usize,
        /// Its text, cut to a readable length.
        text: String,
    },
}

/// Reads a trace.
pub fn parse_ftrace(text: &str) -> Result<FtraceText<'_>, NotFtrace> {
    let mut read = FtraceText::default();
    for (index, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        if let Some(event) = parse_line(line) {
            read.lines.push(event);
        } else if let Some(lost) = lost_events(trimmed) {
            read.lost = read.lost.saturating_add(lost);
        } else {
            read.unread += 1;
            if read.unread_shown.len() < SHOWN_MAX {
                read.unread_shown.push((index + 1, trimmed));
            }
        }
    }
    if read.lines.is_empty() {
        return Err(match read.unread_shown.first() {
            None => NotFtrace::Empty,
            Some((line, text)) => {
                NotFtrace::NoEvent { line: *line, text: text.chars().take(60).collect() }
            }
        });
    }
    Ok(read)
}

/// `CPU:0 [LOST 123 EVENTS]`, as the kernel notes a full ring buffer; `trace-cmd report` says
/// `CPU:0 [123 EVENTS DROPPED]`. Where they were not counted the number is missing: nought.
pub(super) fn lost_events(line: &str) -> Option<u64> {
    let (_, rest) = line.strip_prefix("CPU:")?.split_once('[')?;
    if matches!(rest, "LOST EVENTS]" | "EVENTS DROPPED]") {
        return Some(0);
    }
    let count = rest
        .strip_suffix(" EVENTS DROPPED]")
        .or_else(|| rest.strip_prefix("LOST ")?.strip_suffix(" EVENTS]"))?;
    count.trim().parse().ok()
}

/// `comm-pid [(tgid)] [cpu] [flags] time: name: args`.
pub(super) fn parse_line(line: &str) -> Option<TraceLine<'_>> {
    // A comm may hold blanks, dashes and brackets: try every bracket
    // until the text around one reads as a CPU.
    for (at, _) in in_frame(line, '[') {
        let (task, rest) = line.split_at(at);
        if let Some(event) = parse_around_cpu(task, rest.get(1..)?) {
            return Some(event);
        }
    }
    latency_format(line)
        .or_else(|| verbose_latency(line))
        .or_else(|| perf::script(line))
        .or_else(|| perf::trace(line))
}

/// Where a mark stands in what may be the frame of an event: whatever else a line holds, it is looked at once.
pub(super) fn in_frame(line: &str, mark: char) -> impl Iterator<Item = (usize, &str)> {
    line.match_indices(mark).take_while(|(at, _)| *at < FRAME_MAX)
}

/// `comm pid cpu flags preempt number [0000000000ceae88] 13544.552ms (+0.010ms): name: args`, the options
/// `latency-format` and `verbose` (kernel/trace/trace_output.c: `trace_print_lat_context()`). Between the
/// brackets is the trace's clock in µs.
fn verbose_latency(line: &str) -> Option<TraceLine<'_>> {
    let (mut head, rest) = line.split_once(" [")?;
    let (us, rest) = rest.split_once("] ")?;
    let time_us = super::keys::plausible(i64::from_str_radix(us, 16).ok()?)?;
    let (since_start, rest) = rest.split_once("ms (+")?;
    super::keys::seconds_us(since_start.trim())?;
    let (_, rest) = rest.split_once("ms): ")?;
    let (name, args) = named(rest)?;
    let mut word = || {
        let (before, word) = head.trim_end().rsplit_once(' ')?;
        head = before;
        Some(word)
    };
    let (_number, _preempt, _flags) = (word()?, word()?, word()?);
    let (cpu, pid) = (digits(word()?)?, digits(word()?)?);
    Some(TraceLine { comm: own_comm(head), pid, tgid: None, cpu, time_us, name, args })
}

/// `comm-pid CPUflags 15540548us : name: args`, the option `latency-format`; `trace-cmd report -l`
/// has seconds. The kernel cuts a comm off after eight letters here.
fn latency_format(line: &str) -> Option<TraceLine<'_>> {
    in_frame(line, ' ').find_map(|(at, _)| {
        let (task, rest) = line.split_at(at);
        let (word, rest) = rest.get(1..)?.split_once(' ')?;
        let end = word.find(|c: char| !c.is_ascii_digit()).filter(|end| *end > 0)?;
        let (cpu, flags) = word.split_at(end);
        let is_flag = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'#';
        if !(3..=6).contains(&flags.len()) || !flags.bytes().all(is_flag) {
            return None;
        }
        let Task { comm, pid, tgid } = comm_and_pid(task.trim())?;
        let (time, rest) = rest.trim_start().split_once(':')?;
        // A mark tells how long it was since the event before.
        let time = time.trim_end_matches([' ', '+', '!', '#', '*', '@', '$']);
        let since_start = || super::keys::plausible(time.strip_suffix("us")?.parse().ok()?);
        let time_us = super::keys::seconds_us(time).or_else(since_start)?;
        let (name, args) = named(rest)?;
        // The one whose name must be known whole.
        let comm = if comm == "oom_reap" { "oom_reaper" } else { comm };
        Some(TraceLine { comm, pid, tgid, cpu: digits(cpu)?, time_us, name, args })
    })
}

/// Whether a line is an event with a count where its time should be.
pub(super) fn is_counted(line: &str) -> bool {
    in_frame(line, ']').any(|(at, _)| {
        let Some(rest) = line.get(at + 1..).and_then(|rest| rest.strip_prefix(' ')) else {
            return false;
        };
        let mut words = rest.split_whitespace();
        let is_count = |word: &str| word.strip_suffix(':').and_then(digits_long).is_some();
        let count = words.by_ref().take(2).any(is_count);
        let is_frame = line.get(..at).is_some_and(|before| {
            let cpu = before.rsplit_once('[').map(|(task, cpu)| (task.trim(), digits(cpu)));
            cpu.is_some_and(|(task, cpu)| cpu.is_some() && comm_and_pid(task).is_some())
        });
        count && is_frame && words.next().is_some_and(|name| name.ends_with(':'))
    })
}

fn parse_around_cpu<'a>(task: &'a str, rest: &'a str) -> Option<TraceLine<'a>> {
    let (cpu, rest) = rest.split_once(']')?;
    let cpu = digits(cpu)?;
    let task = task.trim();
    let (task, group) = match task.rsplit_once('(') {
        // The `record-tgid` option puts the thread group in between.
        Some((before, tgid)) if is_tgid(tgid) => {
            (before.trim_end(), digits(tgid.trim_end_matches(')')))
        }
        _ => (task, None),
    };
    let is_bare = task.bytes().all(|byte| byte.is_ascii_digit() || byte == b'/');
    let Task { comm, pid, tgid } =
        if is_bare { perf::some_of_task(task) } else { comm_and_pid(task)? };
    let (time_us, rest) = perf::stamp(rest).or_else(|| {
        // The first word is the latency flags.
        perf::stamp(rest.trim_start().split_once(' ')?.1)
    })?;
    let (name, args) = named(rest)?;
    Some(TraceLine { comm, pid, tgid: group.or(tgid), cpu, time_us, name, args })
}

/// `name: args`.
fn named(rest: &str) -> Option<(&str, &str)> {
    let rest = rest.trim_start();
    let (name, args) = match rest.split_once(": ") {
        Some((name, args)) => (name, args),
        None => (rest.trim_end().strip_suffix(':')?, ""),
    };
    // `perf script` may count before it, and names the subsystem too: `1 oom:mark_victim`. `trace-cmd report
    // --ts-diff` has `(+12)` there.
    let name = match name.split_once(' ') {
        Some((count, name)) if digits_long(count.trim_matches(['(', '+', ')'])).is_some() => {
            name.trim_start()
        }
        _ => name,
    };
    let name = match name.rsplit_once(':') {
        Some((subsystem, name)) if subsystem != "sim" => name,
        _ => name,
    };
    let plain = !name.is_empty() && !name.contains(char::is_whitespace);
    plain.then_some((name, args.trim_end()))
}

/// Who was current.
pub(super) struct Task<'a> {
    pub(super) comm: &'a str,
    pub(super) pid: u32,
    pub(super) tgid: Option<u32>,
}

/// `comm-pid`; of `perf script`, `comm pid` or `comm pid/tid`.
pub(super) fn comm_and_pid(task: &str) -> Option<Task<'_>> {
    if let Some((comm, pid)) = task.rsplit_once('-')
        && let Some(pid) = digits(pid)
    {
        return Some(Task { comm: own_comm(comm), pid, tgid: None });
    }
    let (comm, ids) = task.rsplit_once(' ')?;
    let (group, thread) = match ids.split_once('/') {
        Some((group, thread)) => (digits(group), thread),
        None => (None, ids),
    };
    Some(Task { comm: own_comm(comm), pid: digits(thread)?, tgid: group })
}

/// What is the task's own of what stands before its pid. `trace-cmd report` of several files puts
/// the file before it, a kernel that dumps its trace at the end (`ftrace_dump_on_oops`) the time; a
/// comm has no more than 15 bytes. `perf script` calls who is gone `:130`.
pub(super) fn own_comm(text: &str) -> &str {
    let text = text.trim();
    if text.strip_prefix(':').is_some_and(|pid| digits(pid).is_some()) {
        return "<...>";
    }
    let ends = ["  ", ": ", "] "].iter().filter_map(|end| Some(text.rfind(end)? + end.len()));
    let own = ends.max().filter(|_| text.len() > COMM_MAX).and_then(|at| text.get(at..));
    own.unwrap_or(text)
}

fn is_tgid(text: &str) -> bool {
    text.strip_suffix(')')
        .is_some_and(|tgid| tgid.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '-'))
}

pub(super) fn digits(text: &str) -> Option<u32> {
    digits_long(text.trim()).and_then(|number| u32::try_from(number).ok())
}

pub(super) fn digits_long(text: &str) -> Option<u64> {
    let all = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> TraceLine<'_> {
        parse_line(line).expect("an event")
    }

    #[test]
    fn kernel_line_is_read() {
        let line = one(
            "             hog-130     [003] dN.2.    15.540548: mark_victim: pid=130 comm=hog file-rss:4kB uid=0",
        );
        assert_eq!((line.comm, line.pid, line.cpu), ("hog", 130, 3));
        assert_eq!((line.time_us, line.name), (15_540_548, "mark_victim"));
        assert_eq!(line.number("pid"), Some(130));
        assert_eq!(line.number("file-rss"), Some(4));
        assert_eq!(line.field("rss"), None);
        assert_eq!(line.field("comm"), Some("hog"));
    }

    #[test]
    fn shapes_of_other_tools_are_read() {
        let tgid = one("  kworker/0:1-events-12  (   12) [001] ....  5.000001: a: b=1");
        assert_eq!((tgid.comm, tgid.pid, tgid.tgid), ("kworker/0:1-events", 12, Some(12)));
        let no_flags = one(" <...>-9 [000] 77.123456789: sim:mn_call: start=0x10");
        assert_eq!((no_flags.time_us, no_flags.name), (77_123_457, "sim:mn_call"));
        let perf = one("   Web Content  2201/2203   8812.100001:    oom:mark_victim: pid=2201");
        assert_eq!((perf.comm, perf.pid, perf.cpu), ("Web Content", 2203, 0));
        assert_eq!((perf.name, perf.number("pid")), ("mark_victim", Some(2201)));
        assert_eq!(perf.tgid, Some(2201));
        assert_eq!(one("  :130   130 [001]  15.5: signal:signal_deliver: sig=9").comm, "<...>");
        assert_eq!(parse_line("box 12 1.5: a: b"), None);
        let bracketed = one("odd [0] name-7 [002] ..... 1.000000: x: y");
        assert_eq!((bracketed.comm, bracketed.cpu), ("odd [0] name", 2));
        assert_eq!(one("a-1 [000] ..... 1.000000: bare:").args, "");
    }

    #[test]
    fn what_stands_before_a_comm_is_no_part_of_it() {
        for (line, comm) in [
            ("  trace.dat:           hog-130   [000] d..1.  13.5: mark_victim: pid=130", "hog"),
            ("  vm.dat: kworker/u8:3-ev-130   [000] d..1.  13.5: x: y", "kworker/u8:3-ev"),
            ("[   13.600002]      hog-130       0d..1. 13544552us : mark_victim: pid=130", "hog"),
            (
                "[   13.600002] Web Co-7           0d..1. 13544552us : mark_victim: pid=130",
                "Web Co",
            ),
            ("         a  b: c-130   [000] d..1.  13.5: x: y", "a  b: c"),
        ] {
            assert_eq!(one(line).comm, comm, "{line}");
        }
        let raw = one("  hog-130   [000]    13.5: mark_victim:            pid=0x82 anon_rss=0x100");
        assert_eq!((raw.number("pid"), raw.anon_kb()), (Some(130), Some(256)));
    }

    #[test]
    fn latency_format_is_read() {
        for (line, comm, us) in [
            ("     hog-130       3dN.2. 15540548us : mark_victim: pid=130", "hog", 15_540_548),
            ("  web co-130      11d..2.    7us+: mark_victim: pid=130", "web co", 7),
            ("     hog-130     0d..2   15.540548: mark_victim: pid=130", "hog", 15_540_548),
        ] {
            let line = one(line);
            assert_eq!((line.comm, line.time_us, line.name), (comm, us, "mark_victim"));
            assert_eq!(line.number("pid"), Some(130));
        }
        assert_eq!(one("  a-1      11d..2.    7us : b: c").cpu, 11);
        // With `verbose`.
        let line = one(
            "          web co     130 3 1 00000000 00000012 [0000000000ed20f4] 544.552ms (+0.010ms): mark_victim: pid=130 comm=a",
        );
        assert_eq!((line.comm, line.pid, line.cpu), ("web co", 130, 3));
        assert_eq!(
            (line.time_us, line.name, line.args),
            (15_540_468, "mark_victim", "pid=130 comm=a")
        );
        assert_eq!(parse_line("a-1 3rd. 7 times: b: c"), None);
        let counted = one("   hog  2203 [001]  8812.100001:          1 oom:mark_victim: pid=2201");
        assert_eq!((counted.name, counted.number("pid")), ("mark_victim", Some(2201)));
    }

    #[test]
    fn counts_instead_of_times_are_seen() {
        assert!(is_counted(" hog-130 [003] dN.2. 81234567890123: mark_victim: pid=130"));
        assert!(is_counted(" hog-130 [003] 81: mark_victim: pid=130"));
        assert!(!is_counted(" hog-130 [003] dN.2. 8.5: mark_victim: pid=130"));
        assert!(!is_counted("[    1.000000] a [1] 2: b: c"));
    }

    #[test]
    fn unknown_lines_are_counted_not_fatal() {
        let text = "# tracer: nop\nCPU:0 [LOST 5 EVENTS]\nCPU:1 [7 EVENTS DROPPED]\nCPU:1 [EVENTS DROPPED]\nCPU:2 [LOST EVENTS]\nwhat is this\n a-1 [000] ..... 1.0: b: c\n";
        let read = parse_ftrace(text).expect("one event");
        assert_eq!((read.lines.len(), read.unread, read.lost), (1, 1, 12));
        assert_eq!(read.unread_shown, [(6, "what is this")]);
    }

    #[test]
    fn text_without_events_is_turned_down() {
        assert_eq!(parse_ftrace("# x\n\n").map(drop), Err(NotFtrace::Empty));
        let error = parse_ftrace("\nhello [000] world\n").map(drop).expect_err("no event");
        assert!(error.to_string().starts_with("line 2: `hello [000] world`"), "{error}");
    }

    #[test]
    fn broken_lines_do_not_panic() {
        for line in
            ["[", "]", "-[", "a-1 [", "a-1 [0]", "a-1 [0] :", "é-1 [0é] 1.0: é", "a- [0] 1.0:: "]
        {
            assert_eq!(parse_line(line), None, "{line}");
        }
        // Times that no clock shows; what is computed of them would overflow.
        for line in [
            "a 7 0 1 00000000 00000012 [-8000000000000000] 544.552ms (+0.010ms): mark_victim: pid=7",
            "a 7 0 1 00000000 00000012 [7fffffffffffffff] 544.552ms (+0.010ms): mark_victim: pid=7",
            "  a-7     0d..2. 9223372036854775807us : mark_victim: pid=7",
            "  a-7     0d..2. -9223372036854775808us : mark_victim: pid=7",
            "a-7 [000] ..... 9223372036854.775807: mark_victim: pid=7",
        ] {
            assert_eq!(parse_line(line), None, "{line}");
        }
    }
}

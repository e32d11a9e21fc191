//! Reads what lock debugging says in a kernel log: one reader for
//! recordings and for runs, which both print it as the kernel does.

/// A report, by what can be compared between a recording and a run.
#[derive(Clone, Eq, PartialEq, Debug)]
pub(crate) enum Report {
    /// A lock order that can deadlock.
    Circular {
        /// `comm` of who printed it.
        task: String,
        /// Class wanted, and what it was wanted for.
        acquiring: (String, At),
        /// Class held.
        holding: String,
        /// Classes from #0 on, with how each was taken.
        chain: Vec<(String, At)>,
        /// `Chain exists of`.
        exists: Vec<String>,
        /// Classes held, outermost first.
        held: Vec<String>,
    },
    /// A class taken under itself.
    Recursive {
        /// `comm` of who printed it.
        task: String,
        /// The class.
        class: String,
    },
    /// What may sleep, wanted under a spinlock.
    WaitContext {
        /// `comm` of who printed it.
        task: String,
        /// Class wanted.
        acquiring: String,
        /// Classes held, outermost first.
        held: Vec<String>,
    },
    /// Something that may sleep where it must not.
    Sleeping {
        /// `name:` of who did it.
        task: String,
        /// `non_block:`.
        non_block: u32,
        /// In which function it would sleep.
        at: At,
        /// Classes held, or that lockdep is off.
        held: Vec<String>,
    },
    /// A section that must not sleep gave up the CPU.
    Scheduling {
        /// `comm/pid/count`, without the pid.
        who: String,
    },
    /// The CPU was given up under a spinlock.
    Atomic {
        /// Classes held.
        held: Vec<String>,
    },
    /// A task was blocked for so many seconds.
    Hung {
        /// Its `comm`.
        task: String,
        /// How long.
        seconds: u32,
    },
    /// `INFO: lockdep is turned off.`, on its own.
    LockdepOff,
}

/// What kind of place a lock was taken in: recordings and runs have
/// different functions, and the same kinds.
#[derive(Copy, Clone, Eq, PartialEq, Debug)]
pub(crate) enum At {
    /// In an allocation.
    Alloc,
    /// In a notifier's callback.
    Callback,
    /// Around the calls of notifiers.
    Notifier,
    /// In a driver's ioctl.
    Ioctl,
    /// Somewhere else.
    Other,
}

impl At {
    /// By the functions of a stack, innermost first.
    fn of(stack: &[String]) -> Self {
        let has = |names: &[&str]| {
            stack.iter().any(|function| names.iter().any(|name| function.contains(name)))
        };
        if has(&["fs_reclaim_acquire", "__alloc_pages", "kmem_cache_alloc"]) {
            Self::Alloc
        } else if has(&["cl_start", "iv_invalidate", "_invalidate_range_start [", "_invalidate ["])
        {
            Self::Callback
        } else if has(&["__mmu_notifier_invalidate_range_start", "__oom_reap_task_mm"]) {
            Self::Notifier
        } else if has(&["ioctl"]) {
            Self::Ioctl
        } else {
            Self::Other
        }
    }
}

/// Lines of a log, without their times.
struct Lines<'a> {
    lines: Vec<&'a str>,
    next: usize,
}

impl<'a> Lines<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.next).copied()
    }

    fn next(&mut self) -> Option<&'a str> {
        let line = self.peek();
        self.next += 1;
        line
    }

    /// Up to the first line that fits.
    fn until(&mut self, fits: impl Fn(&str) -> bool) -> Option<&'a str> {
        while let Some(line) = self.next() {
            if fits(line) {
                return Some(line);
            }
        }
        None
    }

    /// `N locks held by …` and what follows.
    fn held(&mut self) -> Vec<String> {
        let mut held = Vec::new();
        if self.peek().is_some_and(|line| line.contains("lockdep is turned off")) {
            self.next();
            return vec!["lockdep is turned off".to_owned()];
        }
        if self.peek().is_some_and(|line| line.contains("held by")) {
            self.next();
            while let Some(line) = self.peek().filter(|line| line.starts_with(" #")) {
                held.push(class(line));
                self.next();
            }
        }
        held
    }

    /// The functions of a `Call Trace:`.
    fn call_trace(&mut self) -> Vec<String> {
        self.until(|line| line == " <TASK>");
        let mut stack = Vec::new();
        while let Some(line) = self.next().filter(|&line| line != " </TASK>") {
            if !line.trim_start().starts_with('?') {
                stack.push(line.trim().to_owned());
            }
        }
        stack
    }
}

/// The first name in parentheses.
fn class(line: &str) -> String {
    let inner = line.split_once('(').map_or("", |(_, rest)| rest);
    inner.split_once("){").map_or(inner, |(name, _)| name).to_owned()
}

/// The number before a word's end, `name: 7`.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    let rest = line.split_once(name).map_or("", |(_, rest)| rest.trim_start());
    rest.split([',', ' ']).next().unwrap_or_default()
}

/// Every report of lock debugging in a log, in order.
pub(crate) fn read(log: &str) -> Vec<Report> {
    let lines = log.lines().map(|line| line.split_once("] ").map_or(line, |(_, text)| text));
    let mut lines = Lines { lines: lines.collect(), next: 0 };
    let mut reports = Vec::new();
    while let Some(line) = lines.next() {
        if line.contains("possible circular locking dependency detected") {
            reports.push(circular(&mut lines));
        } else if line.contains("possible recursive locking detected") {
            let task = wants(&mut lines);
            reports.push(Report::Recursive { task, class: class(lines.next().unwrap_or("")) });
        } else if line == "[ BUG: Invalid wait context ]" {
            let line = lines.until(|line| line.ends_with("is trying to lock:"));
            let task = line.and_then(|line| line.split('/').next()).unwrap_or_default().to_owned();
            let acquiring = class(lines.next().unwrap_or_default());
            lines.until(|line| line.starts_with("context-{"));
            reports.push(Report::WaitContext { task, acquiring, held: lines.held() });
        } else if line.starts_with("BUG: sleeping function called") {
            let about = lines.next().unwrap_or_default();
            let task = field(about, "name:").to_owned();
            let non_block = field(about, "non_block:").parse().expect("a number");
            lines.next();
            let held = lines.held();
            let at = At::of(&lines.call_trace());
            reports.push(Report::Sleeping { task, non_block, at, held });
        } else if let Some(who) = line.strip_prefix("BUG: scheduling in a non-blocking section: ") {
            let mut parts = who.split('/');
            let (comm, count) = (parts.next().unwrap_or(""), parts.next_back().unwrap_or(""));
            reports.push(Report::Scheduling { who: format!("{comm}/{count}") });
        } else if line.starts_with("BUG: scheduling while atomic: ") {
            reports.push(Report::Atomic { held: lines.held() });
        } else if let Some(rest) = line.strip_prefix("INFO: task ") {
            let task = rest.split(':').next().unwrap_or_default().to_owned();
            let seconds = field(rest, "more than ").parse().expect("a number");
            reports.push(Report::Hung { task, seconds });
        } else if line == "INFO: lockdep is turned off." {
            reports.push(Report::LockdepOff);
        }
    }
    reports
}

fn wants(lines: &mut Lines<'_>) -> String {
    let line = lines.until(|line| line.ends_with("is trying to acquire lock:"));
    line.and_then(|line| line.split('/').next()).unwrap_or_default().to_owned()
}

fn circular(lines: &mut Lines<'_>) -> Report {
    let task = wants(lines);
    let acquiring = class(lines.next().unwrap_or_default());
    lines.until(|line| line == "but task is already holding lock:");
    let holding = class(lines.next().unwrap_or_default());
    let mut chain = Vec::new();
    lines.until(|line| line.starts_with("the existing dependency chain"));
    while let Some(line) = lines.until(|line| line.starts_with("-> #")) {
        let mut stack = Vec::new();
        while let Some(function) = lines.peek().filter(|line| line.starts_with("     ")) {
            stack.push(function.trim().to_owned());
            lines.next();
        }
        chain.push((class(line), At::of(&stack)));
        if line.starts_with("-> #0") {
            break;
        }
    }
    chain.reverse();
    let mut exists = Vec::new();
    let line = lines.until(|line| line == "Chain exists of:" || line.contains("Possible unsafe"));
    if line == Some("Chain exists of:") {
        let names = lines.next().unwrap_or_default().split("-->");
        exists = names.map(|name| name.trim().to_owned()).collect();
    }
    lines.until(|line| line == " *** DEADLOCK ***");
    lines.next();
    let held = lines.held();
    let at = chain.first().map_or(At::Other, |&(_, at)| at);
    Report::Circular { task, acquiring: (acquiring, at), holding, chain, exists, held }
}

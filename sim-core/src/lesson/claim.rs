//! Claims: what a step says is so, in a form that can be checked, such
//! as `metrics.backoffs == 10` or `with policy interval: verdict ==
//! recovered`. Numbers are exact; `about` takes them as rounded to the
//! last digit that is given.

use std::fmt;

use super::facts::Facts;
use super::point::{Point, count, unknown};
use super::{Look, Setting};
use crate::analysis::Verdict;
use crate::scenario::units::PAGE_SIZE;

/// Most seeds of a claim about a share.
const SEEDS_MAX: u64 = 256;

/// Letters of a text that a complaint quotes.
const SHOWN_MAX: usize = 200;

/// A claim.
#[derive(Clone, Eq, PartialEq, Debug)]
pub struct Claim {
    /// Its line, from 1.
    pub line: usize,
    /// As it was written.
    pub text: String,
    /// What runs other than what the step runs.
    pub(super) other: Vec<(String, String)>,
    /// Where the step looks when it makes the claim.
    pub(super) look: Look,
    subject: Subject,
    operator: Operator,
    value: String,
}

#[derive(Clone, Eq, PartialEq, Debug)]
enum Subject {
    /// `verdict`, `metrics.backoffs`, `victim.hog.attempts`, …
    Field(String),
    /// `time give-up`
    Time(Point),
    /// `span kill .. give-up`
    Between(Point, Point),
    /// `count back-off`
    Count(String),
    /// `state oom_reaper`
    State(String),
    /// `chain oom_reaper`
    Chain(String),
    /// `share deadlock over 0..64`
    Share(Verdict, u64, u64),
}

#[derive(Copy, Clone, Eq, PartialEq, Debug)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
    About,
    Contains,
    Lacks,
}

/// Longer signs first.
const OPERATORS: [(&str, Operator); 9] = [
    (" == ", Operator::Equal),
    (" != ", Operator::NotEqual),
    (" <= ", Operator::AtMost),
    (" >= ", Operator::AtLeast),
    (" < ", Operator::Less),
    (" > ", Operator::More),
    (" about ", Operator::About),
    (" contains ", Operator::Contains),
    (" lacks ", Operator::Lacks),
];

/// What a subject comes to.
enum Found {
    Number(u64, Unit),
    Text(String),
}

/// What a number counts.
#[derive(Copy, Clone, Eq, PartialEq)]
enum Unit {
    One,
    Nanosecond,
    Byte,
}

const TIMES: [(&str, u64); 4] = [("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)];
const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

const FIELDS: &str = "one of verdict, evidence, kernel, policy, events, end, victims, flags, reports, \
     scenario, metrics.NAME, victim.TASK.NAME, time POINT, span POINT .. POINT, count NAME, state LANE, \
     chain LANE, share VERDICT over A..B";

impl Claim {
    /// Reads a claim.
    ///
    /// # Errors
    /// What is wrong and what would be right.
    pub(super) fn parse(line: usize, text: &str, look: Look) -> Result<Self, (String, String)> {
        let (other, claim) = match text.strip_prefix("with ") {
            Some(rest) => {
                let (other, claim) = rest.split_once(": ").ok_or_else(|| {
                    let text = "`with` has no colon behind it".to_owned();
                    (text, "write `with policy interval: verdict == recovered`".to_owned())
                })?;
                (others(other)?, claim)
            }
            None => (Vec::new(), text),
        };
        let places = OPERATORS.iter().filter_map(|(sign, operator)| {
            claim.find(sign).map(|place| (place, sign.len(), *operator))
        });
        let (place, length, operator) =
            places.min_by_key(|(place, ..)| *place).ok_or_else(|| {
                let signs: Vec<&str> = OPERATORS.iter().map(|(sign, _)| sign.trim()).collect();
                let text = format!("`{claim}` compares nothing");
                (text, format!("put one of {} between two spaces", signs.join(" ")))
            })?;
        let value = claim[place + length..].trim().trim_matches('"').to_owned();
        if value.is_empty() {
            let remedy = "write what it is compared with".to_owned();
            return Err((format!("`{claim}` has no value"), remedy));
        }
        let subject = subject(claim[..place].trim())?;
        Ok(Self { line, text: text.to_owned(), other, look, subject, operator, value })
    }

    /// What has to run for it, given what the step runs.
    pub(super) fn setting(&self, step: &Setting) -> Setting {
        let mut setting = step.clone();
        for (key, value) in &self.other {
            let value = value.clone();
            match key.as_str() {
                "policy" if value == "own" => setting.policies.clear(),
                "policy" => setting.policies = vec![value],
                "kernel" => setting.kernel = Some(value),
                "seed" => setting.seed = value.parse().ok(),
                "check" => setting.checks = vec![value],
                "scenario" => setting.scenario = value,
                _ => {
                    let (path, value) = value.split_once('=').unwrap_or((&value, ""));
                    setting.sets.push((path.trim().to_owned(), value.trim().to_owned()));
                }
            }
        }
        setting
    }

    /// The seeds that it is about, if it is about several.
    pub(super) fn seeds(&self) -> Option<std::ops::Range<u64>> {
        match self.subject {
            Subject::Share(_, from, to) => Some(from..to),
            _ => None,
        }
    }

    /// How many of the verdicts are those that it counts.
    pub(super) fn check_share(&self, verdicts: &[Verdict]) -> Result<(), String> {
        let Subject::Share(verdict, ..) = &self.subject else {
            return Ok(());
        };
        let hits = verdicts.iter().filter(|it| *it == verdict).count();
        self.compare(&Found::Number(u64::try_from(hits).unwrap_or(u64::MAX), Unit::One))
    }

    /// Whether it is so; if not, what is.
    pub(super) fn check(&self, facts: &Facts, scenario: &str) -> Result<(), String> {
        let stage = facts.stage();
        let never = |point: &Point| format!("`{point}` never happens");
        let found = match &self.subject {
            Subject::Field(path) => field(path, facts, scenario)?,
            Subject::Time(point) => {
                let moment = point.find(&stage).ok_or_else(|| never(point))?;
                Found::Number(moment.at.0, Unit::Nanosecond)
            }
            Subject::Between(from, to) => {
                let from = from.find(&stage).ok_or_else(|| never(from))?;
                let to = to.find(&stage).ok_or_else(|| never(to))?;
                Found::Number(to.at.0.saturating_sub(from.at.0), Unit::Nanosecond)
            }
            Subject::Count(name) => {
                let count = count(name, &stage).ok_or_else(|| unknown(name).0)?;
                Found::Number(count, Unit::One)
            }
            Subject::State(lane) => {
                let cursor = self.look.cursor.as_ref().ok_or("the step has no cursor")?;
                let moment = cursor.find(&stage).ok_or_else(|| never(cursor))?;
                let nothing = || format!("there is no lane `{lane}`, or it does nothing then");
                Found::Text(facts.state(lane, moment.at).ok_or_else(nothing)?)
            }
            Subject::Chain(lane) => {
                let nobody = || format!("there is no task `{lane}`");
                let task = facts.task(lane).ok_or_else(nobody)?;
                Found::Text(facts.chain(task, &self.look).ok_or("the step has no such cursor")?)
            }
            Subject::Share(..) => return Ok(()),
        };
        self.compare(&found)
    }

    fn compare(&self, found: &Found) -> Result<(), String> {
        let holds = match found {
            Found::Text(text) => match self.operator {
                Operator::Equal => *text == self.value,
                Operator::NotEqual => *text != self.value,
                Operator::Contains => text.contains(&self.value),
                Operator::Lacks => !text.contains(&self.value),
                _ => return Err("a text is no number: use == != contains or lacks".to_owned()),
            },
            Found::Number(number, unit) => {
                let (value, scale, places) = quantity(&self.value, *unit).ok_or_else(|| {
                    format!("`{}` is not what {found} can be compared with", self.value)
                })?;
                let (number, value) = (u128::from(*number) * places, value * u128::from(scale));
                match self.operator {
                    Operator::Equal => number == value,
                    Operator::NotEqual => number != value,
                    Operator::Less => number < value,
                    Operator::AtMost => number <= value,
                    Operator::More => number > value,
                    Operator::AtLeast => number >= value,
                    // Within half of the last digit.
                    Operator::About => number.abs_diff(value) * 2 <= u128::from(scale),
                    Operator::Contains | Operator::Lacks => {
                        return Err("a number contains nothing: use == or about".to_owned());
                    }
                }
            }
        };
        if holds { Ok(()) } else { Err(format!("it is {found}")) }
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => {
                let cut: String = text.chars().take(SHOWN_MAX).collect();
                let more = if cut.len() < text.len() { " …" } else { "" };
                write!(f, "{cut:?}{more}")
            }
            Self::Number(number, Unit::One) => write!(f, "{number}"),
            Self::Number(number, Unit::Nanosecond) => {
                write!(f, "{}.{:06} ms", number / 1_000_000, number % 1_000_000)
            }
            Self::Number(number, Unit::Byte) => {
                let hundredths = ((number % (1 << 20)) * 100) >> 20;
                write!(f, "{number} bytes, {}.{hundredths:02} MiB", number >> 20)
            }
        }
    }
}

/// What stands behind `with`.
fn others(text: &str) -> Result<Vec<(String, String)>, (String, String)> {
    text.split(", ")
        .map(|part| {
            let (key, value) = part.trim().split_once(' ').unwrap_or((part, ""));
            let known = ["policy", "kernel", "seed", "check", "scenario", "set"].contains(&key);
            let number = key != "seed" || value.parse::<u64>().is_ok();
            if !known || !number || value.is_empty() || key == "set" && !value.contains('=') {
                let text = format!("`{part}` is nothing to run with");
                let remedy = "write policy ID (or own), kernel V, seed N, check ID, scenario ID or set path=value";
                return Err((text, remedy.to_owned()));
            }
            Ok((key.to_owned(), value.trim().to_owned()))
        })
        .collect()
}

fn subject(text: &str) -> Result<Subject, (String, String)> {
    let wrong = || (format!("`{text}` is nothing that can be asked"), format!("ask for {FIELDS}"));
    let Some((word, rest)) = text.split_once(' ') else {
        let known =
            ["verdict", "evidence", "kernel", "policy", "events", "end", "victims", "flags"];
        let more = ["reports", "scenario"];
        let is_path = text.starts_with("metrics.") || text.starts_with("victim.");
        return if is_path || known.contains(&text) || more.contains(&text) {
            Ok(Subject::Field(text.to_owned()))
        } else {
            Err(wrong())
        };
    };
    let rest = rest.trim();
    match word {
        "time" => Point::parse(rest).map(Subject::Time),
        "span" => {
            let (from, to) = rest.split_once("..").ok_or_else(wrong)?;
            Ok(Subject::Between(Point::parse(from)?, Point::parse(to)?))
        }
        "count" => Ok(Subject::Count(rest.to_owned())),
        "state" => Ok(Subject::State(rest.to_owned())),
        "chain" => Ok(Subject::Chain(rest.to_owned())),
        "share" => {
            let (verdict, seeds) = rest.split_once(" over ").ok_or_else(wrong)?;
            let verdict = Verdict::ALL.into_iter().find(|it| it.id() == verdict.trim());
            let (from, to) = seeds.split_once("..").ok_or_else(wrong)?;
            let range = (from.trim().parse().ok(), to.trim().parse().ok());
            let (Some(verdict), (Some(from), Some(to))) = (verdict, range) else {
                return Err(wrong());
            };
            if from >= to || to - from > SEEDS_MAX {
                let text = format!("`{seeds}` are no seeds");
                return Err((text, format!("write `0..64`; at most {SEEDS_MAX} of them")));
            }
            Ok(Subject::Share(verdict, from, to))
        }
        _ => Err(wrong()),
    }
}

fn field(path: &str, facts: &Facts, scenario: &str) -> Result<Found, String> {
    let Facts { run, report, .. } = facts;
    let one = |number: usize| Found::Number(u64::try_from(number).unwrap_or(u64::MAX), Unit::One);
    if let Some(name) = path.strip_prefix("metrics.") {
        return metric(name, facts);
    }
    if let Some(rest) = path.strip_prefix("victim.") {
        return victim(rest, facts);
    }
    Ok(match path {
        "verdict" => Found::Text(report.verdict.id().to_owned()),
        "evidence" => Found::Text(report.evidence.clone()),
        "kernel" => Found::Text(run.id.kernel.clone()),
        "policy" => Found::Text(run.id.policy.clone()),
        "events" => Found::Number(run.events, Unit::One),
        "end" => Found::Number(run.end.0, Unit::Nanosecond),
        "victims" => one(report.victims.len()),
        "flags" => Found::Text(report.flags.join(" ")),
        "reports" => {
            let reports = report.incidents.iter().filter(|incident| incident.kind == "splat");
            let texts: Vec<&str> = reports.map(|incident| incident.text.as_str()).collect();
            Found::Text(texts.join("\n"))
        }
        _ => Found::Text(scenario.to_owned()),
    })
}

fn metric(name: &str, facts: &Facts) -> Result<Found, String> {
    let it = &facts.report.metrics;
    let never = || format!("metrics.{name} is never reached");
    let (number, unit) = match name {
        "reap_attempts" => (it.reap_attempts, Unit::One),
        "backoffs" => (it.backoffs, Unit::One),
        "refusals" => (it.refusals, Unit::One),
        "gave_up" => (it.gave_up, Unit::One),
        "reaped_pages" => (it.reaped_pages * PAGE_SIZE, Unit::Byte),
        "callbacks" => (it.callbacks, Unit::One),
        "callback_blocked_ns" => (it.callback_blocked_ns, Unit::Nanosecond),
        "callback_blocked_max_ns" => (it.callback_blocked_max_ns, Unit::Nanosecond),
        "oom_to_recovery_ns" => (it.oom_to_recovery_ns.ok_or_else(never)?, Unit::Nanosecond),
        "alloc_stall_ns.count" => (it.alloc_stall.count, Unit::One),
        "alloc_stall_ns.max" => (it.alloc_stall.max.ok_or_else(never)?, Unit::Nanosecond),
        "psi_some_ns" => (it.psi_some_ns, Unit::Nanosecond),
        "psi_full_ns" => (it.psi_full_ns, Unit::Nanosecond),
        "stale_accesses" => (it.stale_accesses, Unit::One),
        "lockdep_reports" => (it.lockdep_reports, Unit::One),
        "non_block_reports" => (it.non_block_reports, Unit::One),
        "hung_tasks" => (it.hung_tasks, Unit::One),
        "events" => (it.events, Unit::One),
        _ => return Err(format!("there is no metrics.{name}: see `run --format json`")),
    };
    Ok(Found::Number(number, unit))
}

/// `TASK.NAME`; a task that was killed twice is meant the first time.
fn victim(path: &str, facts: &Facts) -> Result<Found, String> {
    let (task, name) = path.rsplit_once('.').unwrap_or((path, ""));
    let id = facts.task(task).ok_or_else(|| format!("there is no task `{task}`"))?;
    let victim = facts.report.victims.iter().find(|victim| victim.task == id);
    let victim = victim.ok_or_else(|| format!("{task} is not killed"))?;
    let pages = |pages: u64| Found::Number(pages * PAGE_SIZE, Unit::Byte);
    Ok(match name {
        "killed" => Found::Number(victim.killed.0, Unit::Nanosecond),
        "skip" => {
            let at = victim.skip.ok_or_else(|| format!("{task} is never skipped"))?;
            Found::Number(at.0, Unit::Nanosecond)
        }
        "attempts" => Found::Number(u64::from(victim.attempts), Unit::One),
        "freed" => pages(victim.freed_pages),
        "reaped" => pages(victim.reaped_pages),
        "freed-by-reaper" => pages(victim.freed_by_reaper),
        "said" => {
            Found::Text(victim.said.map_or("nothing", crate::analysis::Said::text).to_owned())
        }
        _ => {
            let names = "killed, skip, attempts, freed, reaped, freed-by-reaper and said";
            return Err(format!("a victim has {names}, and no `{name}`"));
        }
    })
}

/// `73.2MiB` as (732, bytes of a MiB, 10): value times scale, by places.
fn quantity(text: &str, unit: Unit) -> Option<(u128, u64, u128)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, name) = text.split_at_checked(end)?;
    let name = name.trim();
    let scale = match unit {
        Unit::One => name.is_empty().then_some(1)?,
        Unit::Nanosecond => TIMES.iter().find(|(known, _)| *known == name)?.1,
        Unit::Byte => SIZES.iter().find(|(known, _)| *known == name)?.1,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let places = 10_u128.checked_pow(u32::try_from(fraction.len()).ok().filter(|it| *it < 12)?)?;
    let digits: u64 = format!("{whole}{fraction}").parse().ok()?;
    Some((u128::from(digits), scale, places))
}

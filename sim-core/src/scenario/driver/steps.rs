//! The steps of a described driver: which may stand where, and that each
//! lock that is taken is let go.

use std::ops::Range;

use super::super::checked::{Api, LockKind, LockName};
use super::super::device::{Traits, lock_named};
use super::super::error::Report;
use super::super::fields::Fields;
use super::super::program::{FileNames, named_table};
use super::super::spec::{OPS_MAX, STEPS, Value};
use crate::base::{Distribution, Nanos, Shape};
use crate::driver::plan::{Alloc, Calls, EndStep, OwnStep, Plan, Step, Take, WhenAsked};
use crate::engine::Hold;
use crate::kernel::device::Awaits;
use crate::kernel::plugin::FaultWait;

/// Reads what a driver does, from a table without `like`.
pub(super) fn plan(
    report: &mut Report<'_>,
    fields: &Fields<'_>,
    file: &FileNames,
    traits: &Traits,
) -> Plan {
    let never_asks = fields.choice(report, "refuse") == Some("never");
    let mut reader = Reader { file, held: Vec::new(), counts: false, never_asks };
    let start = reader.list(report, fields, "start");
    let finish = reader.list(report, fields, "finish");
    if fields.get("finish").is_some() {
        reader.let_go(report, "expected an `unlock` of it before the steps end");
    }
    let counted = reader.counts;
    let end = reader.list(report, fields, "end");
    reader.let_go(report, "expected an `unlock` of it here or in `end`");
    if counted && reader.counts {
        let expected = "expected an `end` with { invalidation = \"end\" }";
        report.add(&fields.span_of("start"), "an invalidation without end", expected);
    }
    let release = reader.list(report, fields, "release");
    reader.let_go(report, "expected an `unlock` of it before the steps end");
    let register = reader.list(report, fields, "register");
    reader.let_go(report, "expected an `unlock` of it before the steps end");
    // It is called under the driver's lock.
    reader.held.push((LockName::Own, fields.span_of("map")));
    let map = reader.list(report, fields, "map");
    reader.held.retain(|(lock, _)| *lock != LockName::Own);
    reader.let_go(report, "expected an `unlock` of it before the steps end");
    let calls = calls(report, fields, traits, &start);
    let lock_kind = fields.choice(report, "lock_kind").and_then(LockKind::of_word);
    let plan = Plan {
        calls,
        lock_kind,
        range_test: fields.boolean(report, "range_test").unwrap_or(true),
        refuse: match fields.choice(report, "refuse") {
            Some("always") => WhenAsked::Always,
            Some("when-busy") => WhenAsked::WhenBusy,
            Some("when-mapped") => WhenAsked::WhenMapped,
            Some("if-needed") => WhenAsked::IfNeeded,
            Some("never") => WhenAsked::Never,
            _ => WhenAsked::Overlap,
        },
        lucky: fields.number(report, "lucky").unwrap_or(0),
        faults: match fields.choice(report, "faults") {
            Some("uninterruptible") => FaultWait::Uninterruptible,
            Some("retried") => FaultWait::Retries,
            Some("timed") => FaultWait::Timed,
            _ => FaultWait::Killable,
        },
        start: start.into_iter().map(|(step, _)| step).collect(),
        finish: finish.into_iter().map(|(step, _)| step).collect(),
        end: end.iter().filter_map(|(step, _)| end_step(step)).collect(),
        release: release.iter().filter_map(|(step, _)| own_step(step)).collect(),
        register: register.iter().filter_map(|(step, _)| own_step(step)).collect(),
        map: map.iter().filter_map(|(step, _)| own_step(step)).collect(),
    };
    check_api(report, fields, traits, &plan);
    if plan.reads_own_lock() && lock_kind.is_some_and(|kind| !kind.has_readers()) {
        let expected = "expected \"rwsem\" or \"rwlock\": a step reads under it";
        report.add(&fields.span_of("lock_kind"), "no lock for readers", expected);
    }
    plan
}

/// Reads what reclaim sends a driver through, if it has a shrinker.
pub(in crate::scenario) fn shrinker(
    report: &mut Report<'_>,
    fields: &Fields<'_>,
    file: &FileNames,
) -> Option<Vec<OwnStep>> {
    fields.get("shrinker")?;
    let mut reader = Reader { file, held: Vec::new(), counts: false, never_asks: false };
    let steps = reader.list(report, fields, "shrinker");
    reader.let_go(report, "expected an `unlock` of it before the steps end");
    Some(steps.iter().filter_map(|(step, _)| own_step(step)).collect())
}

/// Which operations it has, by its `api`; and that no others are described.
fn calls(
    report: &mut Report<'_>,
    fields: &Fields<'_>,
    traits: &Traits,
    start: &[(Step, Range<usize>)],
) -> Calls {
    let word = fields.get("api").and_then(|value| value.get_ref().as_str());
    let Some(api @ ("secondary-tlb" | "none")) = word else { return Calls::Start };
    let mut operations = vec!["finish", "end", "map"];
    if api == "none" {
        operations.extend(["start", "release"]);
        if traits.page_refs == Some(false) {
            let expected = "expected true: a driver that hears of nothing has to hold its pages";
            report.add(&fields.span_of("page_refs"), "wrong value", expected);
        }
    }
    for key in operations.into_iter().filter(|key| fields.get(key).is_some()) {
        let expected = format!("expected nothing: api = \"{api}\" has no such call");
        report.add(&fields.span_of(key), format!("`{key}` without a callback"), expected);
    }
    let manners = ["refuse", "lucky", "range_test", "faults", "acts_on", "mapped"];
    for key in manners.into_iter().filter(|key| fields.get(key).is_some()) {
        let expected = if key == "mapped" {
            format!("expected nothing: with api = \"{api}\" nothing takes away what a device maps")
        } else {
            format!("expected nothing: with api = \"{api}\" there is no range to answer for")
        };
        report.add(
            &fields.span_of(key),
            format!("`{key}` of a driver that is not asked"),
            expected,
        );
    }
    if api == "none" {
        return Calls::Nothing;
    }
    let mut time = Distribution::new(Shape::Constant(Nanos::ZERO));
    for (index, (step, span)) in start.iter().enumerate() {
        match step {
            Step::Work(poll) if index == 0 => time = *poll,
            _ => {
                let expected = "expected one `work`: it runs under page-table locks";
                report.add(span, "step of a TLB flush", expected);
            }
        }
    }
    Calls::SecondaryTlb(time)
}

/// What only one kind of notifier can have.
fn check_api(report: &mut Report<'_>, fields: &Fields<'_>, traits: &Traits, plan: &Plan) {
    if plan.calls == Calls::Start && !plan.end.is_empty() && traits.api != Some(Api::Hlist) {
        let expected = "expected api = \"hlist\": an interval hears of no end";
        report.add(&fields.span_of("end"), "an end without a list", expected);
    }
    if plan.calls == Calls::Start && !plan.release.is_empty() && traits.api != Some(Api::Hlist) {
        let expected = "expected api = \"hlist\" or \"secondary-tlb\": an interval hears of the mm's \
                        end as of any range";
        report.add(&fields.span_of("release"), "a release without a list", expected);
    }
    if traits.api == Some(Api::Interval) && !plan.range_test {
        let expected = "expected true: the core tests ranges for an interval";
        report.add(&fields.span_of("range_test"), "wrong value", expected);
    }
    let given = [
        ("work", traits.work.is_some()),
        ("gfp", traits.gfp.is_some()),
        ("vcpus", traits.vcpus.is_some()),
    ];
    for (key, _) in given.into_iter().filter(|(_, given)| *given) {
        let expected = "expected a step that says when, or `like`";
        report.add(&fields.span_of(key), format!("`{key}` of a driver with steps"), expected);
    }
}

/// What is known where a step stands.
struct Reader<'a> {
    file: &'a FileNames,
    /// Locks taken and not let go, and where.
    held: Vec<(LockName, Range<usize>)>,
    /// Whether an invalidation is in progress.
    counts: bool,
    /// Whether the driver sleeps where it must not, in its `end` too.
    never_asks: bool,
}

impl Reader<'_> {
    /// The steps of one callback.
    fn list(
        &mut self,
        report: &mut Report<'_>,
        fields: &Fields<'_>,
        key: &str,
    ) -> Vec<(Step, Range<usize>)> {
        let Some(value) = fields.get(key) else { return Vec::new() };
        let allowed: &[&str] = match key {
            "end" if self.never_asks => &["lock", "unlock", "work", "sleep", "invalidation"],
            "end" => &["lock", "unlock", "work", "invalidation"],
            "register" | "map" => &["lock", "unlock", "work", "alloc"],
            "shrinker" => &[
                "lock", "unlock", "work", "alloc", "hardware", "sleep", "fences", "flush", "unpin",
            ],
            "release" => &[
                "lock", "unlock", "work", "alloc", "hardware", "sleep", "fences", "flush", "queue",
                "unpin",
            ],
            "finish" => &[
                "lock",
                "unlock",
                "work",
                "alloc",
                "hardware",
                "sleep",
                "fences",
                "flush",
                "queue",
                "unpin",
                "invalidation",
            ],
            _ => &[],
        };
        let mut steps = Vec::new();
        for item in report.array(value, OPS_MAX) {
            let Some((spec, table)) = named_table(report, item, STEPS, "step") else { continue };
            if !allowed.is_empty() && !allowed.contains(&spec.name) {
                let problem = format!("`{}` in `{key}`", spec.name);
                let expected = format!("expected {}", allowed.join(", "));
                report.add(&item.span(), problem, expected);
                continue;
            }
            let fields = Fields::new(report, table, item.span(), spec);
            let step = self.step(report, spec.name, &fields, key);
            steps.extend(step.map(|step| (step, item.span())));
        }
        steps
    }

    fn step(
        &mut self,
        report: &mut Report<'_>,
        name: &str,
        fields: &Fields<'_>,
        place: &str,
    ) -> Option<Step> {
        Some(match name {
            "lock" => self.lock(report, fields, place)?,
            "unlock" => {
                let value = fields.get(name)?;
                let lock = lock_named(report, value, self.file)?;
                let at = self.held.iter().rposition(|(held, _)| *held == lock);
                let Some(at) = at.filter(|_| place != "map" || lock != LockName::Own) else {
                    let expected = "expected a lock that was taken before";
                    report.add(&value.span(), "not held", expected);
                    return None;
                };
                self.held.remove(at);
                Step::Unlock(lock)
            }
            "work" => Step::Work(fields.distribution(report, name)?),
            "hardware" => Step::Hardware(fields.distribution(report, name)?),
            "sleep" => Step::Sleep(fields.distribution(report, name)?),
            "fences" => {
                fields.flag(report, name)?;
                Step::Fences { unless_exiting: fields.choice(report, "unless").is_some() }
            }
            "flush" => {
                fields.flag(report, name)?;
                Step::Flush(match fields.choice(report, "how") {
                    Some("completion") => Awaits::Completion,
                    _ => Awaits::Workqueue,
                })
            }
            "queue" => fields.flag(report, name).map(|()| Step::Queue)?,
            "alloc" => Step::Alloc(Alloc {
                request: fields.request(report)?,
                count: fields.number(report, "count").unwrap_or(1),
            }),
            "fails" => Step::Fails(fields.number(report, name)?),
            "unpin" => fields.flag(report, name).map(|()| Step::Unpin)?,
            "invalidation" => self.invalidation(report, fields, place)?,
            _ => unreachable!("invariant: every step is read here"),
        })
    }

    fn lock(&mut self, report: &mut Report<'_>, fields: &Fields<'_>, place: &str) -> Option<Step> {
        let value: &Value<'_> = fields.get("lock")?;
        let lock = lock_named(report, value, self.file)?;
        if self.held.iter().any(|(held, _)| *held == lock) {
            let expected = match place {
                "map" => "expected nothing: `map` is run under the driver's own lock",
                _ => "expected to let go of it before: the callback would wait for itself",
            };
            report.add(&value.span(), "held already", expected);
            return None;
        }
        self.held.push((lock, value.span()));
        let hold = match fields.choice(report, "mode") {
            Some("read") => Hold::Shared,
            _ => Hold::Exclusive,
        };
        if let LockName::Declared(index) = lock
            && hold == Hold::Shared
            && !self.file.lock_kinds.get(index).is_some_and(|kind| kind.has_readers())
        {
            let expected = "expected no mode, or a lock of kind = \"rwsem\" or \"rwlock\"";
            report.add(&fields.span_of("mode"), "no lock for readers", expected);
        }
        let take = match fields.choice(report, "how") {
            Some("killable") => Take::Killable,
            Some("trylock") => Take::Try,
            _ => Take::Wait,
        };
        if take != Take::Wait && ["register", "map", "finish", "end"].contains(&place) {
            let expected = "expected `wait`: there is nobody who would be told";
            report.add(&fields.span_of("how"), "a lock that may fail", expected);
        }
        let spins = |index: usize| self.file.lock_kinds.get(index).is_some_and(|kind| kind.spins());
        if place == "end"
            && !self.never_asks
            && matches!(lock, LockName::Declared(index) if !spins(index))
        {
            report.add(&value.span(), "a lock that sleeps", ENDS_SPIN);
        }
        Some(Step::Lock { lock, hold, take })
    }

    fn invalidation(
        &mut self,
        report: &mut Report<'_>,
        fields: &Fields<'_>,
        place: &str,
    ) -> Option<Step> {
        let begins = fields.choice(report, "invalidation")? == "begin";
        if begins == self.counts || (begins && place == "end") {
            let expected = match place {
                "end" => "expected \"end\", of one that `start` began",
                _ if begins => "expected one at a time",
                _ => "expected an end after its \"begin\"",
            };
            report.add(&fields.span_of("invalidation"), "out of order", expected);
            return None;
        }
        self.counts = begins;
        Some(if begins { Step::Begin } else { Step::End })
    }

    /// Complains about every lock that is still held.
    fn let_go(&mut self, report: &mut Report<'_>, expected: &str) {
        for (_, span) in self.held.drain(..) {
            report.add(&span, "never let go", expected);
        }
    }
}

/// Which locks an `end` may take.
pub(in crate::scenario) const ENDS_SPIN: &str = "expected a lock of kind = \"spinlock\" or \"rwlock\": `end` is called by those who must not sleep, too";

/// A step that may stand in `end`.
fn end_step(step: &Step) -> Option<EndStep> {
    match *step {
        Step::Lock { lock, hold, .. } => Some(EndStep::Lock(lock, hold)),
        Step::Unlock(lock) => Some(EndStep::Unlock(lock)),
        Step::Work(time) => Some(EndStep::Work(time)),
        Step::Sleep(time) => Some(EndStep::Sleep(time)),
        Step::End => Some(EndStep::End),
        _ => None,
    }
}

/// A step that may stand in `release`, `register`, `map` and `shrinker`.
fn own_step(step: &Step) -> Option<OwnStep> {
    match *step {
        Step::Lock { lock, hold, take: Take::Try } => Some(OwnStep::Trylock(lock, hold)),
        Step::Lock { lock, hold, .. } => Some(OwnStep::Lock(lock, hold)),
        Step::Unlock(lock) => Some(OwnStep::Unlock(lock)),
        Step::Work(time) => Some(OwnStep::Work(time)),
        Step::Alloc(alloc) => Some(OwnStep::Alloc(alloc)),
        Step::Hardware(time) => Some(OwnStep::Hardware(time)),
        Step::Sleep(time) => Some(OwnStep::Sleep(time)),
        Step::Fences { .. } => Some(OwnStep::Fences),
        Step::Flush(awaits) => Some(OwnStep::Flush(awaits)),
        Step::Queue => Some(OwnStep::Queue),
        Step::Unpin => Some(OwnStep::Unpin),
        Step::Fails(_) | Step::Begin | Step::End => None,
    }
}

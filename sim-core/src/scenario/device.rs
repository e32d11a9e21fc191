//! `[[device]]`, and what a `[[driver]]` says of all its devices.
//!
//! Each of these fields may stand in either table: a device's own value
//! counts, else its driver's, else what the driver it is like says.

use super::checked::{
    ActsOn, Api, Behaviour, Device, LockKind, LockName, Mapped, OwnStep, Refuse, Worker,
};
use super::driver::{self, DriverSpec, ENDS_SPIN, OWN, shrinker};
use super::error::Report;
use super::fields::Fields;
use super::program::FileNames;
use super::spec::Value;
use crate::base::{Distribution, Nanos, Shape};
use crate::driver::plan::{Calls, Plan, WhenAsked};
use crate::kernel::plugin::Driver;
use crate::record::Gfp;

/// What a device may say, and a driver of its devices.
#[derive(Clone, Debug, Default)]
pub(super) struct Traits {
    pub(super) api: Option<Api>,
    pub(super) fence: Option<Distribution>,
    pub(super) sleep: Option<Nanos>,
    pub(super) refuse: Option<Refuse>,
    pub(super) work: Option<Distribution>,
    pub(super) page_refs: Option<bool>,
    pub(super) does_not_block: Option<bool>,
    pub(super) vcpus: Option<u32>,
    pub(super) timeout: Option<Nanos>,
    pub(super) gfp: Option<Gfp>,
    pub(super) acts_on: Option<ActsOn>,
    pub(super) worker: Option<Worker>,
    pub(super) shrinker: Option<Vec<OwnStep>>,
    pub(super) mapped: Option<Mapped>,
}

impl Traits {
    /// Reads what both tables have in common. Other words of `api` and
    /// `refuse` than these are a driver's alone.
    pub(super) fn read(report: &mut Report<'_>, fields: &Fields<'_>, file: &FileNames) -> Self {
        Self {
            api: match fields.choice(report, "api") {
                Some("hlist") => Some(Api::Hlist),
                Some("interval") => Some(Api::Interval),
                _ => None,
            },
            fence: fields.distribution(report, "fence"),
            sleep: fields.time(report, "sleep"),
            refuse: match fields.choice(report, "refuse") {
                Some("overlap") => Some(Refuse::Overlap),
                Some("when-busy") => Some(Refuse::WhenBusy),
                _ => None,
            },
            work: fields.distribution(report, "work"),
            page_refs: fields.boolean(report, "page_refs"),
            does_not_block: fields.boolean(report, "does_not_block"),
            vcpus: fields.number(report, "vcpus"),
            timeout: fields.time(report, "timeout"),
            gfp: fields.gfp(report, "gfp"),
            acts_on: fields.choice(report, "acts_on").map(|word| match word {
                "unmap" => ActsOn::Unmap,
                _ => ActsOn::Any,
            }),
            worker: fields.table(report, "worker").map(|inner| worker(report, &inner, file)),
            shrinker: shrinker(report, fields, file),
            mapped: fields.choice(report, "mapped").map(|word| match word {
                "on-fault" => Mapped::OnFault,
                "at-register" => Mapped::AtRegister,
                _ => Mapped::AtSubmit,
            }),
        }
    }

    /// These, and where they say nothing the others.
    pub(super) fn or(self, other: &Self) -> Self {
        Self {
            api: self.api.or(other.api),
            fence: self.fence.or(other.fence),
            sleep: self.sleep.or(other.sleep),
            refuse: self.refuse.or(other.refuse),
            work: self.work.or(other.work),
            page_refs: self.page_refs.or(other.page_refs),
            does_not_block: self.does_not_block.or(other.does_not_block),
            vcpus: self.vcpus.or(other.vcpus),
            timeout: self.timeout.or(other.timeout),
            gfp: self.gfp.or(other.gfp),
            acts_on: self.acts_on.or(other.acts_on),
            worker: self.worker.or_else(|| other.worker.clone()),
            shrinker: self.shrinker.or_else(|| other.shrinker.clone()),
            mapped: self.mapped.or(other.mapped),
        }
    }
}

fn worker(report: &mut Report<'_>, fields: &Fields<'_>, file: &FileNames) -> Worker {
    let mut locks = Vec::new();
    for value in fields.refs(report, "lock") {
        let Some(lock) = lock_named(report, value, file) else { continue };
        if locks.contains(&lock) {
            let expected = "expected each once: the worker would wait for itself";
            report.add(&value.span(), "taken twice", expected);
        } else {
            locks.push(lock);
        }
    }
    let order = fields.number(report, "order").unwrap_or(0);
    if fields.get("order").is_some() && fields.get("alloc").is_none() {
        let expected = "expected `alloc` with the allocation's flags, or no `order`";
        report.add(&fields.span_of("order"), "`order` without `alloc`", expected);
    }
    let signals = fields.boolean(report, "signals").unwrap_or(true);
    let known: Vec<&str> =
        file.devices.iter().map(String::as_str).chain(std::iter::once(OWN)).collect();
    let mut fences = Vec::new();
    for value in fields.refs(report, "fences") {
        let Some(index) = report.index(value, "device", &known) else { continue };
        let of = Some(index).filter(|&index| index < file.devices.len());
        if of.is_none() && signals {
            let expected = "expected another device, or `signals = false`: the worker would wait \
                            for itself";
            report.add(&value.span(), "fences that it signals", expected);
        }
        fences.push(of);
    }
    Worker {
        locks,
        fences,
        alloc: fields.gfp(report, "alloc").map(|gfp| (gfp, order)),
        time: fields.distribution(report, "time").unwrap_or(constant_zero()),
        signals,
        unpins: fields.boolean(report, "unpin").unwrap_or(false),
    }
}

/// The driver's own lock, or one that the scenario declares.
pub(super) fn lock_named(
    report: &mut Report<'_>,
    value: &Value<'_>,
    file: &FileNames,
) -> Option<LockName> {
    let known: Vec<&str> =
        file.locks.iter().map(String::as_str).chain(std::iter::once(OWN)).collect();
    let index = report.index(value, "lock", &known)?;
    Some(if index == file.locks.len() { LockName::Own } else { LockName::Declared(index) })
}

const fn constant_zero() -> Distribution {
    Distribution::new(Shape::Constant(Nanos::ZERO))
}

/// A device; `own` are the drivers of its file.
pub(super) fn device(
    report: &mut Report<'_>,
    fields: &Fields<'_>,
    name: &str,
    file: &FileNames,
    own: &[DriverSpec],
) -> Option<Device> {
    let locks: Vec<&str> = file.locks.iter().map(String::as_str).collect();
    let lock = fields.get("lock").and_then(|_| fields.index(report, "lock", "lock", &locks));
    let said = Traits::read(report, fields, file);
    let spec = driver::find(report, fields.get("driver")?, file, own)?;
    if let Behaviour::Steps(plan) = &spec.behaviour {
        check_steps(report, fields, &said, plan);
        let own = lock.map_or(plan.own_lock_kind(), |index| file.lock_kinds[index]);
        let own_spins = own.spins();
        if plan.takes_own_lock_at_end() && !own_spins && plan.refuse != WhenAsked::Never {
            let span = fields.span_of(if lock.is_some() { "lock" } else { "driver" });
            report.add(&span, "a lock that sleeps, taken in `end`", ENDS_SPIN);
        }
    }
    let kind = match &spec.behaviour {
        Behaviour::Steps(plan) => plan.own_lock_kind(),
        Behaviour::Archetype(id) => lock_kind_of(id),
    };
    if kind.spins() && lock.is_some_and(|index| !file.lock_kinds[index].spins()) {
        let expected = "expected a lock of kind = \"spinlock\" or \"rwlock\", as its driver's is";
        report.add(&fields.span_of("lock"), "a lock that sleeps", expected);
    }
    let traits = said.or(&spec.traits);
    if let Behaviour::Archetype(id) = spec.behaviour
        && lock.is_some()
        && traits.worker.is_none()
        && !crate::driver::find(id).is_some_and(Driver::takes_lock)
    {
        let found = format!("`lock` of a driver that takes none: {} is a {id}", spec.name);
        let expected = "expected no `lock`, or a driver whose steps (`start`) take it";
        report.add(&fields.span_of("lock"), found, expected);
    }
    check_callback(report, fields, &spec, &traits);
    let shrinks = traits.shrinker.iter().flatten().any(OwnStep::needs_worker);
    let gives = matches!(&spec.behaviour, Behaviour::Steps(plan) if plan.needs_worker());
    if (gives || shrinks) && traits.worker.is_none() {
        let expected = "expected a `worker`, whom the driver's step `flush` or `queue` gives work";
        report.add(&fields.span_of("driver"), "no worker", expected);
    }
    Some(Device {
        name: name.to_owned(),
        driver: spec.name,
        module: spec.module,
        behaviour: spec.behaviour,
        api: traits.api,
        lock,
        fence: traits.fence,
        sleep: traits.sleep.unwrap_or(Nanos::ZERO),
        refuse: traits.refuse,
        work: traits.work,
        page_refs: traits.page_refs,
        does_not_block: traits.does_not_block,
        vcpus: traits.vcpus.unwrap_or(1),
        timeout: traits.timeout,
        gfp: traits.gfp,
        acts_on: traits.acts_on.unwrap_or(ActsOn::Any),
        worker: traits.worker,
        shrinker: traits.shrinker,
        mapped: traits.mapped.unwrap_or(Mapped::AtSubmit),
        ring_of: None,
    })
}

/// What a device, or its driver, says of a callback that it does not have, or can't carry out.
fn check_callback(
    report: &mut Report<'_>,
    fields: &Fields<'_>,
    spec: &DriverSpec,
    traits: &Traits,
) {
    let (is_asked, lock) = match &spec.behaviour {
        Behaviour::Steps(plan) => (plan.calls == Calls::Start, None),
        Behaviour::Archetype(id) => {
            let driver = crate::driver::find(id);
            (driver.is_some_and(|driver| driver.ops().start), Some(lock_kind_of(id)))
        }
    };
    let given = [("acts_on", traits.acts_on.is_some()), ("gfp", traits.gfp.is_some())];
    for (key, _) in given.into_iter().filter(|(_, given)| *given && !is_asked) {
        let problem = format!("`{key}` of a driver that is not asked: {}", spec.name);
        let expected = "expected nothing, or a driver with a callback for ranges";
        report.add(&fields.span_of(own_or_driver(fields, key)), problem, expected);
    }
    if is_asked
        && lock.is_some_and(LockKind::spins)
        && traits.gfp.is_some_and(|gfp| gfp.has(Gfp::DIRECT_RECLAIM))
    {
        let problem = format!("an allocation that may sleep, under the spinlock of {}", spec.name);
        let expected = "expected GFP_ATOMIC or GFP_NOWAIT, or a driver with a mutex";
        report.add(&fields.span_of(own_or_driver(fields, "gfp")), problem, expected);
    }
}

/// Where a device says it; else its driver does.
fn own_or_driver(fields: &Fields<'_>, key: &'static str) -> &'static str {
    if fields.get(key).is_some() { key } else { "driver" }
}

/// What the lock of an archetype is, in the newest kernel.
fn lock_kind_of(id: &str) -> LockKind {
    let newest = crate::kernel::switches::PROFILES.last();
    let kind = |switches| crate::driver::find(id).map(|driver| driver.lock_kind(switches));
    newest.and_then(kind).unwrap_or(LockKind::Mutex)
}

/// The further rings of a device, which is the one of this index.
pub(super) fn rings(
    report: &mut Report<'_>,
    items: &[Fields<'_>],
    names: &[String],
    file: &FileNames,
    (index, device): (usize, &Device),
) -> Vec<Device> {
    let ring = |(fields, name): (&Fields<'_>, &String)| Device {
        name: format!("{}/{name}", device.name),
        fence: fields.distribution(report, "fence").or(device.fence),
        timeout: fields.time(report, "timeout").or(device.timeout),
        worker: fields
            .table(report, "worker")
            .map(|inner| worker(report, &inner, file))
            .or_else(|| device.worker.clone()),
        shrinker: None,
        ring_of: Some(index),
        ..device.clone()
    };
    items.iter().zip(names).map(ring).collect()
}

/// What a device may not say because its driver's steps say it.
fn check_steps(report: &mut Report<'_>, fields: &Fields<'_>, said: &Traits, plan: &Plan) {
    let given = [
        ("work", said.work.is_some()),
        ("gfp", said.gfp.is_some()),
        ("vcpus", said.vcpus.is_some()),
    ];
    for (key, _) in given.into_iter().filter(|(_, given)| *given) {
        let expected = "expected nothing: the steps of its driver say it";
        report.add(&fields.span_of(key), format!("`{key}` of a driver with steps"), expected);
    }
    if said.api == Some(Api::Interval) && !plan.end.is_empty() {
        let expected = "expected \"hlist\": an interval hears of no end, and its driver has one";
        report.add(&fields.span_of("api"), "no end", expected);
    }
}

//! What a driver's callback does, as two columns of boxes: in a call that
//! may sleep, and in one that must not. Of a driver described by steps,
//! from its steps; of an archetype, from a table that repeats what its
//! file's documentation says.

use sim_core::scenario::form::{Section, preset};
use sim_core::scenario::presets;

use crate::words::{mark, say, t};

/// What a box stands for.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Takes or lets go of a lock.
    Lock,
    /// Waits for others.
    Wait,
    /// Works, and waits for nobody.
    Work,
    /// Allocates memory.
    Alloc,
    /// Returns -EAGAIN, always or perhaps.
    Refuse,
    /// Sleeps although it must not.
    Wrong,
}

/// A box.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    pub kind: Kind,
    pub text: String,
}

/// Both columns.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sketch {
    pub may_sleep: Vec<Step>,
    pub must_not: Vec<Step>,
}

/// Says of a step which of a driver's calls it is in.
type InPhase = fn(String) -> String;

type Row = &'static [(Kind, &'static str)];

/// Archetypes: id, a call that may sleep, a call that must not.
const ARCHETYPES: [(&str, Row, Row); 10] = [
    (
        "secondary-tlb",
        &[(Kind::Work, mark!("flushes its TLB with the CPU's"))],
        &[(Kind::Work, mark!("flushes its TLB with the CPU's"))],
    ),
    (
        "spin",
        &[
            (Kind::Lock, mark!("takes its spinlock")),
            (Kind::Work, mark!("works")),
            (Kind::Lock, mark!("lets go of it")),
        ],
        &[
            (Kind::Lock, mark!("takes its spinlock")),
            (Kind::Work, mark!("works")),
            (Kind::Lock, mark!("lets go of it")),
        ],
    ),
    (
        "kvm",
        &[
            (Kind::Lock, mark!("takes mmu_lock, which spins")),
            (Kind::Work, mark!("counts the invalidation")),
            (Kind::Work, mark!("kicks the vCPUs out of the guest")),
            (Kind::Lock, mark!("lets go of it")),
            (Kind::Work, mark!("end: counts down under mmu_lock")),
        ],
        &[
            (Kind::Lock, mark!("takes mmu_lock, which spins")),
            (Kind::Work, mark!("counts the invalidation")),
            (Kind::Work, mark!("kicks the vCPUs out of the guest")),
            (Kind::Lock, mark!("lets go of it")),
            (Kind::Work, mark!("end: counts down under mmu_lock")),
        ],
    ),
    (
        "trylock",
        &[
            (Kind::Lock, mark!("takes its mutex")),
            (Kind::Work, mark!("works")),
            (Kind::Lock, mark!("lets go of it")),
        ],
        &[
            (Kind::Refuse, mark!("refuses if its mutex is taken")),
            (Kind::Work, mark!("works")),
            (Kind::Lock, mark!("lets go of it")),
        ],
    ),
    (
        "gpu-fence",
        &[
            (Kind::Lock, mark!("takes its mutex")),
            (Kind::Wait, mark!("waits for the fences of the range")),
            (Kind::Lock, mark!("lets go of it")),
        ],
        &[(Kind::Refuse, mark!("refuses every overlap"))],
    ),
    (
        "always-refuse",
        &[(Kind::Wait, mark!("sleeps as long as `sleep` says"))],
        &[(Kind::Refuse, mark!("refuses, whatever the range"))],
    ),
    (
        "sleeps-anyway",
        &[
            (Kind::Lock, mark!("takes its mutex")),
            (Kind::Wait, mark!("waits for jobs and hardware")),
            (Kind::Lock, mark!("lets go of it")),
        ],
        &[
            (Kind::Wrong, mark!("takes its mutex all the same")),
            (Kind::Wrong, mark!("waits for jobs and hardware")),
            (Kind::Lock, mark!("lets go of it")),
        ],
    ),
    (
        "pinned",
        &[(Kind::Work, mark!("is not asked: it holds the pages"))],
        &[(Kind::Work, mark!("is not asked: it holds the pages"))],
    ),
    (
        "held-across",
        &[(Kind::Lock, mark!("takes its semaphore")), (Kind::Lock, mark!("end: lets go of it"))],
        &[
            (Kind::Refuse, mark!("refuses if it is taken")),
            (Kind::Lock, mark!("end: lets go of it")),
        ],
    ),
    (
        "rdma-odp",
        &[
            (Kind::Lock, mark!("takes its umem mutex")),
            (Kind::Wait, mark!("waits for the hardware")),
            (Kind::Lock, mark!("lets go of it")),
        ],
        &[(Kind::Refuse, mark!("refuses every overlap"))],
    ),
];

/// The picture of the driver that a device names, or of one of the file's own.
pub fn sketch(sections: &[Section], driver: &str) -> Option<Sketch> {
    let own = sections.iter().find(|section| {
        section.path.starts_with("driver.") && value(section, "name") == Some(driver)
    });
    if let Some(own) = own {
        return of_driver(sections, own);
    }
    if let Some(found) = archetype(driver) {
        return Some(found);
    }
    let known = presets().find(|preset| preset.id == driver)?;
    if let Some(archetype_id) = known.archetype {
        return archetype(archetype_id);
    }
    let sections = preset(driver);
    of_driver(&sections, sections.first()?)
}

fn archetype(id: &str) -> Option<Sketch> {
    let (_, may, must_not) = ARCHETYPES.iter().find(|(known, ..)| *known == id)?;
    let steps = |row: Row| row.iter().map(|(kind, text)| step(*kind, say(text))).collect();
    Some(Sketch { may_sleep: steps(may), must_not: steps(must_not) })
}

fn step(kind: Kind, text: impl Into<String>) -> Step {
    Step { kind, text: text.into() }
}

/// What the text says of a field.
fn value<'s>(section: &'s Section, name: &str) -> Option<&'s str> {
    section.fields.iter().find(|field| field.name == name)?.value.as_deref()
}

/// A described driver.
fn of_driver(sections: &[Section], driver: &Section) -> Option<Sketch> {
    if let Some(like) = value(driver, "like") {
        return sketch(&[], like);
    }
    let list = |name: &str| {
        let prefix = format!("{}.{name}.", driver.path);
        sections.iter().filter(move |section| section.path.starts_with(&prefix)).collect::<Vec<_>>()
    };
    let refuse = value(driver, "refuse").unwrap_or("overlap");
    let spins = ["spinlock", "rwlock"].contains(&value(driver, "lock_kind").unwrap_or_default());
    let mut all = Sketch::default();
    let phases: [(&str, InPhase); 3] = [
        ("start", |text| text),
        ("finish", |text| t!("finish: {text}", text)),
        ("end", |text| t!("end: {text}", text)),
    ];
    for (name, in_phase) in phases {
        for section in list(name) {
            let (kind, text) = words(section)?;
            all.may_sleep.push(step(kind, in_phase(text.clone())));
            let is_own =
                section.fields.first().and_then(|field| field.value.as_deref()) == Some("own");
            all.must_not.push(if spins && kind == Kind::Lock && is_own {
                step(kind, in_phase(text))
            } else {
                quick((kind, text), section, in_phase, refuse)
            });
        }
    }
    match refuse {
        "always" => all.must_not = vec![step(Kind::Refuse, t!("refuses, whatever the range"))],
        "overlap" => all.must_not = vec![step(Kind::Refuse, t!("refuses every overlap"))],
        "when-busy" => {
            all.must_not.insert(0, step(Kind::Refuse, t!("refuses while a job is pending")));
        }
        "when-mapped" => {
            all.must_not =
                vec![step(Kind::Refuse, t!("refuses what the device maps, else does nothing"))];
        }
        _ => {}
    }
    for steps in [&mut all.may_sleep, &mut all.must_not] {
        if steps.is_empty() {
            steps.push(step(Kind::Work, t!("takes note, and succeeds")));
        }
    }
    Some(all)
}

/// A step in words.
fn words(section: &Section) -> Option<(Kind, String)> {
    let first = section.fields.first()?;
    let value_of = |name: &str| value(section, name);
    let what = first.value.as_deref().unwrap_or_default();
    Some(match first.name {
        "lock" => (Kind::Lock, t!("takes {what}", what = taken(section))),
        "unlock" => (Kind::Lock, t!("lets go of {what}", what = lock(what))),
        "work" => (Kind::Work, t!("works {what}", what)),
        "hardware" => (Kind::Wait, t!("waits for the hardware, {what}", what)),
        "sleep" => (Kind::Wait, t!("sleeps {what}", what)),
        "fences" => (Kind::Wait, t!("waits for the fences of the range").to_owned()),
        "flush" => {
            let how = value_of("how").map(|how| t!(" (by a {how})", how)).unwrap_or_default();
            (Kind::Wait, t!("waits for its worker{how}", how))
        }
        "queue" => (Kind::Work, t!("leaves the rest to its worker").to_owned()),
        "alloc" => (Kind::Alloc, t!("allocates with {what}", what)),
        "fails" => (Kind::Refuse, t!("fails in {what} of 100 calls", what)),
        "unpin" => (Kind::Work, t!("drops its references to pages").to_owned()),
        "invalidation" => (Kind::Work, t!("counts the invalidation: {what}", what)),
        other => (Kind::Work, other.to_owned()),
    })
}

/// The lock that a step takes, and how.
fn taken(section: &Section) -> String {
    let what = section.fields.first().and_then(|field| field.value.as_deref());
    let how = value(section, "how").map(|how| format!(" ({how})")).unwrap_or_default();
    format!("{}{how}", lock(what.unwrap_or_default()))
}

fn lock(name: &str) -> &str {
    if name == "own" { t!("its own lock") } else { name }
}

/// The same in a call that must not sleep.
fn quick((kind, text): (Kind, String), section: &Section, in_phase: InPhase, refuse: &str) -> Step {
    let takes = section.fields.first().is_some_and(|field| field.name == "lock");
    let waits = kind == Kind::Wait || takes;
    let text = in_phase(text);
    match (waits, refuse) {
        (true, "never") if kind == Kind::Wait => {
            step(Kind::Wrong, t!("{text}, all the same", text))
        }
        (true, _) if takes => {
            let tries = t!("tries {what}, or refuses if it is taken", what = taken(section));
            step(Kind::Refuse, in_phase(tries))
        }
        (true, _) => step(Kind::Refuse, t!("refuses if it would have to: {text}", text)),
        (false, _) => step(kind, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::scenario::form::form;
    use sim_core::scenario::names;

    #[test]
    fn every_driver_of_the_program_has_a_picture() {
        for id in names::drivers() {
            let sketch = sketch(&[], id).unwrap_or_else(|| panic!("{id}"));
            assert!(!sketch.must_not.is_empty(), "{id}");
        }
    }

    #[test]
    fn own_driver_is_drawn_from_its_steps() {
        let text = "schema = 1\ntitle = \"x\"\nkernel = \"6.1\"\n[[driver]]\nname = \"mine\"\n\
            refuse = \"if-needed\"\nstart = [ { lock = \"own\" }, { fences = true }, { unlock = \"own\" } ]\n";
        let sections = form(text).unwrap();
        let sketch = sketch(&sections, "mine").unwrap();
        let texts: Vec<&str> = sketch.must_not.iter().map(|step| step.text.as_str()).collect();
        assert_eq!(
            texts,
            [
                "tries its own lock, or refuses if it is taken",
                "refuses if it would have to: waits for the fences of the range",
                "lets go of its own lock",
            ]
        );
        assert_eq!(sketch.may_sleep[1].kind, Kind::Wait);
    }
}

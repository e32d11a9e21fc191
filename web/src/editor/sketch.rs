//! What a driver's callback does, as two columns of boxes: in a call that
//! may sleep, and in one that must not. Of a driver described by steps,
//! from its steps; of an archetype, from a table that repeats what its
//! file's documentation says.

use sim_core::scenario::form::{Section, preset};
use sim_core::scenario::presets;

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

type Row = &'static [(Kind, &'static str)];

/// Archetypes: id, a call that may sleep, a call that must not.
const ARCHETYPES: [(&str, Row, Row); 10] = [
    (
        "secondary-tlb",
        &[(Kind::Work, "flushes its TLB with the CPU's")],
        &[(Kind::Work, "flushes its TLB with the CPU's")],
    ),
    (
        "spin",
        &[(Kind::Lock, "takes its spinlock"), (Kind::Work, "works"), (Kind::Lock, "lets go of it")],
        &[(Kind::Lock, "takes its spinlock"), (Kind::Work, "works"), (Kind::Lock, "lets go of it")],
    ),
    (
        "kvm",
        &[
            (Kind::Lock, "takes mmu_lock, which spins"),
            (Kind::Work, "counts the invalidation"),
            (Kind::Work, "kicks the vCPUs out of the guest"),
            (Kind::Lock, "lets go of it"),
            (Kind::Work, "end: counts down under mmu_lock"),
        ],
        &[
            (Kind::Lock, "takes mmu_lock, which spins"),
            (Kind::Work, "counts the invalidation"),
            (Kind::Work, "kicks the vCPUs out of the guest"),
            (Kind::Lock, "lets go of it"),
            (Kind::Work, "end: counts down under mmu_lock"),
        ],
    ),
    (
        "trylock",
        &[(Kind::Lock, "takes its mutex"), (Kind::Work, "works"), (Kind::Lock, "lets go of it")],
        &[
            (Kind::Refuse, "refuses if its mutex is taken"),
            (Kind::Work, "works"),
            (Kind::Lock, "lets go of it"),
        ],
    ),
    (
        "gpu-fence",
        &[
            (Kind::Lock, "takes its mutex"),
            (Kind::Wait, "waits for the fences of the range"),
            (Kind::Lock, "lets go of it"),
        ],
        &[(Kind::Refuse, "refuses every overlap")],
    ),
    (
        "always-refuse",
        &[(Kind::Wait, "sleeps as long as `sleep` says")],
        &[(Kind::Refuse, "refuses, whatever the range")],
    ),
    (
        "sleeps-anyway",
        &[
            (Kind::Lock, "takes its mutex"),
            (Kind::Wait, "waits for jobs and hardware"),
            (Kind::Lock, "lets go of it"),
        ],
        &[
            (Kind::Wrong, "takes its mutex all the same"),
            (Kind::Wrong, "waits for jobs and hardware"),
            (Kind::Lock, "lets go of it"),
        ],
    ),
    (
        "pinned",
        &[(Kind::Work, "is not asked: it holds the pages")],
        &[(Kind::Work, "is not asked: it holds the pages")],
    ),
    (
        "held-across",
        &[(Kind::Lock, "takes its semaphore"), (Kind::Lock, "end: lets go of it")],
        &[(Kind::Refuse, "refuses if it is taken"), (Kind::Lock, "end: lets go of it")],
    ),
    (
        "rdma-odp",
        &[
            (Kind::Lock, "takes its umem mutex"),
            (Kind::Wait, "waits for the hardware"),
            (Kind::Lock, "lets go of it"),
        ],
        &[(Kind::Refuse, "refuses every overlap")],
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
    let steps = |row: Row| row.iter().map(|(kind, text)| step(*kind, *text)).collect();
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
    for (name, before) in [("start", ""), ("finish", "finish: "), ("end", "end: ")] {
        for section in list(name) {
            let (kind, text) = words(section)?;
            all.may_sleep.push(step(kind, format!("{before}{text}")));
            let text = format!("{before}{text}");
            let is_own =
                section.fields.first().and_then(|field| field.value.as_deref()) == Some("own");
            all.must_not.push(if spins && kind == Kind::Lock && is_own {
                step(kind, text)
            } else {
                quick(kind, &text, refuse)
            });
        }
    }
    match refuse {
        "always" => all.must_not = vec![step(Kind::Refuse, "refuses, whatever the range")],
        "overlap" => all.must_not = vec![step(Kind::Refuse, "refuses every overlap")],
        "when-busy" => {
            all.must_not.insert(0, step(Kind::Refuse, "refuses while a job is pending"));
        }
        "when-mapped" => {
            all.must_not =
                vec![step(Kind::Refuse, "refuses what the device maps, else does nothing")];
        }
        _ => {}
    }
    for steps in [&mut all.may_sleep, &mut all.must_not] {
        if steps.is_empty() {
            steps.push(step(Kind::Work, "takes note, and succeeds"));
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
        "lock" => {
            let how = value_of("how").map(|how| format!(" ({how})")).unwrap_or_default();
            (Kind::Lock, format!("takes {}{how}", lock(what)))
        }
        "unlock" => (Kind::Lock, format!("lets go of {}", lock(what))),
        "work" => (Kind::Work, format!("works {what}")),
        "hardware" => (Kind::Wait, format!("waits for the hardware, {what}")),
        "sleep" => (Kind::Wait, format!("sleeps {what}")),
        "fences" => (Kind::Wait, "waits for the fences of the range".to_owned()),
        "flush" => {
            let how = value_of("how").map(|how| format!(" (by a {how})")).unwrap_or_default();
            (Kind::Wait, format!("waits for its worker{how}"))
        }
        "queue" => (Kind::Work, "leaves the rest to its worker".to_owned()),
        "alloc" => (Kind::Alloc, format!("allocates with {what}")),
        "fails" => (Kind::Refuse, format!("fails in {what} of 100 calls")),
        "unpin" => (Kind::Work, "drops its references to pages".to_owned()),
        "invalidation" => (Kind::Work, format!("counts the invalidation: {what}")),
        other => (Kind::Work, other.to_owned()),
    })
}

fn lock(name: &str) -> &str {
    if name == "own" { "its own lock" } else { name }
}

/// The same in a call that must not sleep.
fn quick(kind: Kind, text: &str, refuse: &str) -> Step {
    let waits = kind == Kind::Wait || (kind == Kind::Lock && text.contains("takes "));
    match (waits, refuse) {
        (true, "never") if kind == Kind::Wait => step(Kind::Wrong, format!("{text}, all the same")),
        (true, _) if kind == Kind::Lock => step(
            Kind::Refuse,
            format!("{}, or refuses if it is taken", text.replace("takes", "tries")),
        ),
        (true, _) => step(Kind::Refuse, format!("refuses if it would have to: {text}")),
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

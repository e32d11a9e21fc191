//! Version 1 of the link: `run?key=value&…`. Frozen: links of this form
//! are in the world, so a change of what is here needs a new version
//! instead. Keys may be added, if a link without them means what it did: who
//! doesn't know one says so.
//!
//! Values are percent-encoded. `policy`, `check`, `compare`, `digest`, `pin`, `hide`, `fold` and `order`
//! are lists with commas, `set` and `fork` repeat. A scenario that isn't in the gallery
//! travels in `z`: base64url without padding of one byte, 1, and the
//! text of its file as a raw deflate stream. Whether the scenario parses
//! is not looked at.

mod parts;
mod values;

use super::{Branch, Lanes, Link, LinkError, Other, SEED_DEFAULT, SEED_MAX, ScenarioRef, marks};
use crate::base::Digest;
use crate::scenario::names::{CHECKERS, POLICIES, PROFILES};
use crate::scenario::{suggestion, units};
pub(super) use parts::Demand;
use parts::{Parts, Repeated};
pub(super) use values::damaged;
use values::{
    digests, groups, known, lanes, list, name, name_of, number, others, pack, part, percent_decode,
    percent_encode, stretch, switched_on,
};

/// Keys, in the order in which they are written.
const KEYS: [&str; 25] = [
    "scenario", "z", "seed", "kernel", "policy", "check", "compare", "set", "fork", "model",
    "digest", "t", "nth", "focus", "view", "range", "filter", "pin", "hide", "fold", "order",
    "note", "marks", "lesson", "embed",
];
/// How many of them say what runs. The others say what came out and where to look.
const KEYS_OF_RUN: usize = 9;
/// First byte of `z`: how the rest is packed.
const PACKED_DEFLATE: u8 = 1;
/// Bytes of an id or a lane's name.
const NAME_SIZE_MAX: usize = 64;
/// Bytes of what events are filtered by: a kind, a relation, a task.
const FILTER_SIZE_MAX: usize = 128;
/// Most lanes of a list, and bytes of the name of one: a process of 32 and its thread of as many.
const LANES_MAX: usize = 256;
const LANE_SIZE_MAX: usize = 80;
/// Stands for a list of groups that is empty.
const NO_GROUP: &str = "none";
/// Most items of a list, and most overrides.
const LIST_MAX: usize = 16;
const SETS_MAX: usize = 64;
/// Most forks that every run has, and most branches.
const FORKS_MAX: usize = 32;
const BRANCHES_MAX: usize = 15;
/// Stands between the number of a branch's parent and its fork.
const BRANCH_MARK: char = '~';
/// Most notes, and bytes of one.
const NOTES_MAX: usize = 32;
const NOTE_SIZE_MAX: usize = 200;
/// Runs of a link: policies, others, branches.
pub(super) const RUNS_MAX: usize = 2 * LIST_MAX + BRANCHES_MAX;
/// Most errors that are told apart; the rest is counted.
const WRONG_MAX: usize = 100;
/// 0 to 10: 6 is deflate's usual trade of size for time.
const DEFLATE_LEVEL: u8 = 9;

/// Writes a link, `#` included.
pub(super) fn encode(link: &Link) -> String {
    let mut text = "#/v1/run".to_owned();
    let mut separator = '?';
    let mut push = |key: &str, value: &str| {
        text.push(separator);
        separator = '&';
        text.push_str(key);
        text.push('=');
        // Legible where nothing would be read in another way.
        let also: &[u8] = match key {
            "fork" => b":/=+",
            "compare" => b":",
            _ => b"",
        };
        percent_encode(&mut text, value, also);
    };
    match &link.scenario {
        ScenarioRef::ById(id) => push("scenario", id),
        ScenarioRef::Inline(scenario) => push("z", &pack(scenario)),
    }
    push("seed", &link.seed.to_string());
    if let Some(kernel) = &link.kernel {
        push("kernel", kernel);
    }
    for (key, list) in [("policy", &link.policies), ("check", &link.checks)] {
        if !list.is_empty() {
            push(key, &list.join(","));
        }
    }
    if !link.compared.is_empty() {
        let others: Vec<String> = link.compared.iter().map(Other::to_string).collect();
        push("compare", &others.join(","));
    }
    for (path, value) in &link.sets {
        push("set", &format!("{path}={value}"));
    }
    for fork in &link.forks {
        push("fork", &fork.to_string());
    }
    for Branch { parent, fork } in &link.branches {
        push("fork", &format!("{parent}{BRANCH_MARK}{fork}"));
    }
    if let Some(model) = link.model {
        push("model", &model.to_string());
    }
    if !link.digests.is_empty() {
        let digests: Vec<String> = link.digests.iter().map(Digest::to_string).collect();
        push("digest", &digests.join(","));
    }
    if !link.marks.is_empty() {
        let marks: Vec<String> = link.marks.iter().map(|marks| marks::encode(marks)).collect();
        push("marks", &marks.join(","));
    }
    if let Some(t) = link.t {
        push("t", &units::format_ms(t));
    }
    if let Some(nth) = link.nth {
        push("nth", &nth.to_string());
    }
    if let Some(focus) = &link.focus {
        push("focus", focus);
    }
    for (key, part) in [("view", link.view), ("range", link.range)] {
        if let Some((from, to)) = part {
            push(key, &stretch(from, Some(to)));
        }
    }
    if let Some(filter) = &link.filter {
        push("filter", filter);
    }
    let Lanes { pinned, hidden, folded, order } = &link.lanes;
    let no_group = [NO_GROUP.to_owned()];
    let folded = folded.as_ref().map(|it| if it.is_empty() { &no_group[..] } else { it });
    for (key, names) in [
        ("pin", &pinned[..]),
        ("hide", hidden),
        ("fold", folded.unwrap_or_default()),
        ("order", order),
    ] {
        if !names.is_empty() {
            push(key, &names[..names.len().min(LANES_MAX)].join(","));
        }
    }
    for note in &link.notes {
        push("note", &format!("{},{}", stretch(note.at, note.until), note.text));
    }
    if let Some(lesson) = &link.lesson {
        push("lesson", lesson);
    }
    if link.embed {
        push("embed", "1");
    }
    text
}

/// Reads what stands behind `run?`; its length was checked before. Also tells all that is wrong with
/// it; the link is there if it is nothing that is on `demand`.
pub(super) fn decode(query: &str, demand: Demand) -> (Option<Link>, Vec<LinkError>) {
    let mut parts = Parts::new(demand);
    let mut repeated = Repeated::default();
    for part in query.split('&').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let Some(index) = KEYS.iter().position(|known| *known == key) else {
            parts.tell(|| {
                let key: String = key.chars().take(NAME_SIZE_MAX).collect();
                let hint = suggestion(&key, &KEYS);
                LinkError::UnknownKey { key, hint }
            });
            continue;
        };
        let key = KEYS[index];
        let decoded = percent_decode(value).ok_or_else(|| {
            damaged(key, "after a % come two hexadecimal digits, and the text is UTF-8")
        });
        let Some(value) = parts.weigh(key, value, decoded) else { continue };
        let taken = repeated.take(key, &value);
        match parts.weigh(key, &value, taken) {
            Some(false) if parts.values[index].is_some() => {
                parts.weigh(key, &value, Err::<(), _>(LinkError::Twice(key)));
            }
            Some(false) => parts.values[index] = Some(value),
            Some(true) | None => {}
        }
    }
    let Repeated { sets, forks, branches, notes, .. } = repeated;
    let scenario = parts.scenario();
    let seed = parts.read("seed", |key, text| number(key, text, SEED_MAX));
    let kernel = parts.read("kernel", |key, text| known(key, text, &PROFILES));
    let policies = parts.read("policy", |key, text| list(key, text, &POLICIES));
    let checks = parts.read("check", |key, text| list(key, text, &CHECKERS));
    let policies = policies.unwrap_or_default();
    let compared = parts.read("compare", others).unwrap_or_default();
    // How many there are to be is not known where something is wrong with what runs.
    let runs = policies.len().max(1) + compared.len() + branches.len();
    let runs = (!parts.fails).then_some(runs);
    let model = parts.read("model", |key, text| number(key, text, u64::from(u32::MAX)));
    let mut link = Link {
        seed: seed.unwrap_or(SEED_DEFAULT),
        kernel,
        policies,
        compared,
        checks: checks.unwrap_or_default(),
        sets,
        forks,
        branches,
        model: model.and_then(|model| u32::try_from(model).ok()),
        digests: parts.read("digest", |_, text| digests(text, runs)).unwrap_or_default(),
        marks: parts.read("marks", |_, text| marks::decode_list(text, runs)).unwrap_or_default(),
        t: parts
            .read("t", |key, text| units::parse_time(text).map_err(|error| damaged(key, error))),
        nth: parts.read("nth", |key, text| number(key, text, SEED_MAX)),
        focus: parts.read("focus", |key, text| name(key, text.to_owned())),
        view: parts.read("view", part),
        range: parts.read("range", part),
        filter: parts.read("filter", |key, text| name_of(key, text.to_owned(), FILTER_SIZE_MAX)),
        lanes: Lanes {
            pinned: parts.read("pin", lanes).unwrap_or_default(),
            hidden: parts.read("hide", lanes).unwrap_or_default(),
            folded: parts.read("fold", groups),
            order: parts.read("order", lanes).unwrap_or_default(),
        },
        notes,
        lesson: parts.read("lesson", |key, text| name(key, text.to_owned())),
        embed: parts.read("embed", switched_on).is_some(),
        ..Link::to("")
    };
    let Parts { mut wrong, more, fails, .. } = parts;
    wrong.extend(Some(LinkError::More(more)).filter(|_| more > 0));
    let link = scenario.filter(|_| !fails).map(|scenario| {
        link.scenario = scenario;
        link
    });
    (link, wrong)
}

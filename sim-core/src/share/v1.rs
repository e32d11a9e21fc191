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

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use miniz_oxide::inflate::TINFLStatus;

use super::marks;
use super::{Branch, Lanes, Link, LinkError, Note, Other, SEED_DEFAULT, SEED_MAX, ScenarioRef};
use crate::base::Digest;
use crate::base::Nanos;
use crate::scenario::names::{CHECKERS, POLICIES, PROFILES};
use crate::scenario::{Fork, TEXT_SIZE_MAX, suggestion, units};

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

/// What has to be read of a link; without all else it opens.
#[derive(Copy, Clone, Eq, PartialEq)]
pub(super) enum Demand {
    /// All that says what runs.
    Run,
    /// The scenario: a newer version wrote it, and may have more to say.
    Scenario,
}

/// What stands behind keys that may come more than once.
#[derive(Default)]
struct Repeated {
    /// Whether a fork could not be read: those behind it count it.
    lacks_fork: bool,
    sets: Vec<(String, String)>,
    forks: Vec<Fork>,
    branches: Vec<Branch>,
    notes: Vec<Note>,
}

impl Repeated {
    /// Takes a value in, if its key is one of these.
    fn take(&mut self, key: &'static str, value: &str) -> Result<bool, LinkError> {
        let room = |full: bool, most: usize| {
            let told = || damaged(key, format!("there are more than {most}"));
            if full { Err(told()) } else { Ok(()) }
        };
        match key {
            "set" => {
                let Some((path, value)) = value.split_once('=') else {
                    return Err(damaged(key, "an override has the form path=value"));
                };
                room(self.sets.len() == SETS_MAX, SETS_MAX)?;
                self.sets.push((path.to_owned(), value.to_owned()));
            }
            "fork" if self.lacks_fork => {
                return Err(damaged(key, "one before it could not be read"));
            }
            "fork" => {
                let taken = self.take_fork(key, value);
                self.lacks_fork = taken.is_err();
                taken?;
            }
            "note" => {
                room(self.notes.len() == NOTES_MAX, NOTES_MAX)?;
                self.notes.push(note(value)?);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn take_fork(&mut self, key: &'static str, value: &str) -> Result<(), LinkError> {
        match value.split_once(BRANCH_MARK) {
            Some(_) if self.branches.len() == BRANCHES_MAX => {
                Err(damaged(key, format!("there are more than {BRANCHES_MAX}")))
            }
            Some((parent, fork)) => {
                let parent = number(key, parent, self.branches.len() as u64)?;
                let parent = usize::try_from(parent).unwrap_or(0);
                self.branches.push(Branch { parent, fork: parse_fork(fork)? });
                Ok(())
            }
            None if self.forks.len() == FORKS_MAX => {
                Err(damaged(key, format!("there are more than {FORKS_MAX}")))
            }
            None => {
                self.forks.push(parse_fork(value)?);
                Ok(())
            }
        }
    }
}

/// What was read of a link's parts, and what is wrong with them.
struct Parts {
    demand: Demand,
    values: [Option<String>; KEYS.len()],
    wrong: Vec<LinkError>,
    /// How many errors there are beside those.
    more: usize,
    /// Whether `scenario` or `z` is there and cannot be read.
    lacks_scenario: bool,
    /// Whether something is wrong that the link cannot do without.
    fails: bool,
}

impl Parts {
    fn tell(&mut self, error: impl FnOnce() -> LinkError) {
        if self.wrong.len() < WRONG_MAX {
            self.wrong.push(error());
        } else {
            self.more += 1;
        }
    }

    /// The value; or what is wrong with the part, which stands there as `text`, is kept.
    fn weigh<T>(&mut self, key: &str, text: &str, read: Result<T, LinkError>) -> Option<T> {
        let of_run = KEYS[..KEYS_OF_RUN].contains(&key);
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.fails |= of_run && self.demand == Demand::Run;
                self.lacks_scenario |= KEYS[..2].contains(&key);
                self.tell(|| error.of(text));
                None
            }
        }
    }

    fn take(&mut self, key: &str) -> Option<String> {
        let index = KEYS.iter().position(|known| *known == key)?;
        self.values[index].take()
    }

    /// The value of a part, if it is there and the link can do without what is wrong with it.
    fn read<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&'static str, &str) -> Result<T, LinkError>,
    ) -> Option<T> {
        let text = self.take(key)?;
        self.weigh(key, &text, read(key, &text))
    }

    /// Where the scenario is; that is always on demand.
    fn scenario(&mut self) -> Option<ScenarioRef> {
        let there = match (self.take("scenario"), self.take("z")) {
            (Some(id), None) => {
                let read = name("scenario", id.clone()).map(ScenarioRef::ById);
                return self.weigh("scenario", &id, read);
            }
            (None, Some(packed)) => {
                let read = unpack(&packed).map(ScenarioRef::Inline);
                return self.weigh("z", &packed, read);
            }
            // It is, and cannot be read.
            (None, None) if self.lacks_scenario => return None,
            (None, None) => "neither",
            (Some(_), Some(_)) => "both",
        };
        self.tell(|| LinkError::Scenario(there));
        None
    }
}

/// Reads what stands behind `run?`; its length was checked before. Also tells all that is wrong with
/// it; the link is there if it is nothing that is on `demand`.
pub(super) fn decode(query: &str, demand: Demand) -> (Option<Link>, Vec<LinkError>) {
    let mut parts = Parts {
        demand,
        values: Default::default(),
        wrong: Vec::new(),
        more: 0,
        lacks_scenario: false,
        fails: false,
    };
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

fn switched_on(key: &'static str, text: &str) -> Result<(), LinkError> {
    if text == "1" { Ok(()) } else { Err(damaged(key, "it is 1 or not there")) }
}

fn part(key: &'static str, text: &str) -> Result<(Nanos, Nanos), LinkError> {
    match parse_stretch(key, text)? {
        (from, Some(to)) if from < to => Ok((from, to)),
        _ => Err(damaged(key, "expected two times, such as 1.5ms..20ms")),
    }
}

/// `1.5ms`, or `1.5ms..20ms`.
fn stretch(from: Nanos, to: Option<Nanos>) -> String {
    let end = to.map_or_else(String::new, |to| format!("..{}", units::format_ms(to)));
    format!("{}{end}", units::format_ms(from))
}

fn parse_stretch(key: &'static str, text: &str) -> Result<(Nanos, Option<Nanos>), LinkError> {
    let time = |text: &str| units::parse_time(text).map_err(|error| damaged(key, error));
    match text.split_once("..") {
        Some((from, to)) => Ok((time(from)?, Some(time(to)?))),
        None => Ok((time(text)?, None)),
    }
}

fn parse_fork(text: &str) -> Result<Fork, LinkError> {
    text.parse().map_err(|error| damaged("fork", error))
}

fn note(value: &str) -> Result<Note, LinkError> {
    let (when, text) =
        value.split_once(',').ok_or_else(|| damaged("note", "a note has the form 12.5ms,text"))?;
    if text.len() > NOTE_SIZE_MAX || text.chars().any(char::is_control) {
        return Err(damaged("note", format!("a note has at most {NOTE_SIZE_MAX} bytes")));
    }
    let (at, until) = parse_stretch("note", when)?;
    Ok(Note { at, until, text: text.to_owned() })
}

pub(super) fn damaged(key: &'static str, reason: impl std::fmt::Display) -> LinkError {
    LinkError::Value { key, text: String::new(), reason: format!("{reason}") }
}

fn name(key: &'static str, text: String) -> Result<String, LinkError> {
    name_of(key, text, NAME_SIZE_MAX)
}

fn name_of(key: &'static str, text: String, most: usize) -> Result<String, LinkError> {
    if text.is_empty() || text.len() > most || text.chars().any(char::is_control) {
        return Err(damaged(key, format!("a name has 1 to {most} bytes")));
    }
    Ok(text)
}

fn number(key: &'static str, text: &str, most: u64) -> Result<u64, LinkError> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok().filter(|number| digits && *number <= most);
    number.ok_or_else(|| damaged(key, format!("expected a whole number from 0 to {most}")))
}

fn known(key: &'static str, text: &str, names: &[&str]) -> Result<String, LinkError> {
    if names.contains(&text) {
        return Ok(text.to_owned());
    }
    let shown: String = text.chars().take(NAME_SIZE_MAX).collect();
    Err(damaged(key, format!("unknown `{shown}`: {}", suggestion(&shown, names))))
}

fn list(key: &'static str, text: &str, names: &[&str]) -> Result<Vec<String>, LinkError> {
    if text.split(',').count() > LIST_MAX {
        return Err(damaged(key, format!("there are more than {LIST_MAX}")));
    }
    text.split(',').map(|item| known(key, item, names)).collect()
}

fn others(key: &'static str, text: &str) -> Result<Vec<Other>, LinkError> {
    if text.split(',').count() > LIST_MAX {
        return Err(damaged(key, format!("there are more than {LIST_MAX}")));
    }
    text.split(',').map(|item| Other::parse(item).map_err(|error| damaged(key, error))).collect()
}

fn lanes(key: &'static str, text: &str) -> Result<Vec<String>, LinkError> {
    if text.split(',').count() > LANES_MAX {
        return Err(damaged(key, format!("there are more than {LANES_MAX}")));
    }
    text.split(',').map(|item| name_of(key, item.to_owned(), LANE_SIZE_MAX)).collect()
}

fn groups(key: &'static str, text: &str) -> Result<Vec<String>, LinkError> {
    if text == NO_GROUP { Ok(Vec::new()) } else { lanes(key, text) }
}

fn digests(text: &str, count: Option<usize>) -> Result<Vec<Digest>, LinkError> {
    if let Some(count) = count.filter(|count| text.split(',').count() != *count) {
        return Err(damaged("digest", format!("expected {count}, one for each run")));
    }
    let digest = |item: &str| item.parse().map_err(|error| damaged("digest", error));
    text.split(',').map(digest).collect()
}

fn pack(scenario: &str) -> String {
    let mut bytes = vec![PACKED_DEFLATE];
    bytes.extend(miniz_oxide::deflate::compress_to_vec(scenario.as_bytes(), DEFLATE_LEVEL));
    URL_SAFE_NO_PAD.encode(bytes)
}

fn unpack(packed: &str) -> Result<String, LinkError> {
    let cut = || damaged("z", "the scenario in it was cut off or changed: copy the whole link");
    let bytes = URL_SAFE_NO_PAD.decode(packed).map_err(|_| cut())?;
    let (packing, stream) = bytes.split_first().ok_or_else(cut)?;
    if *packing != PACKED_DEFLATE {
        return Err(damaged("z", "packed in a way that this program doesn't know: update it"));
    }
    let text = miniz_oxide::inflate::decompress_to_vec_with_limit(stream, TEXT_SIZE_MAX);
    let text = text.map_err(|error| match error.status {
        TINFLStatus::HasMoreOutput => {
            damaged("z", format!("the scenario in it has more than {TEXT_SIZE_MAX} bytes"))
        }
        _ => cut(),
    })?;
    String::from_utf8(text).map_err(|_| cut())
}

/// Appends text with all bytes but RFC 3986's unreserved ones and the
/// comma, which lists need, as `%XX`; those in `also` stay as they are.
fn percent_encode(out: &mut String, text: &str, also: &[u8]) {
    for byte in text.bytes() {
        let stays = b"-._~,".contains(&byte) || also.contains(&byte);
        if byte.is_ascii_alphanumeric() || stays {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// The text behind `%XX`; `None` when that is damaged or no UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || char::from(rest.next()?).to_digit(16);
            let value = digit()? * 16 + digit()?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

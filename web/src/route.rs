//! The link: what the fragment of the address asks for, and the link to
//! what is on screen. The form is the simulator's ([`sim_core::share`]);
//! here it becomes the page's own terms.

use sim_core::base::Nanos;
use sim_core::share::{self, Lanes, Link, LinkError, Other, ScenarioRef};

use crate::engine::{self, BRANCHES_MAX, OTHERS_MAX, Request, SEED_MAX};
use crate::words::{t, tn};

/// What a link says.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Route {
    /// What to run.
    pub request: Request,
    /// What came out where the link was made; of several policies, with commas.
    pub digest: Option<String>,
    /// The model's version there.
    pub model: Option<u32>,
    /// Where the cursor stands, in ns.
    pub at: Option<u64>,
    /// How many records of that instant have happened; `None`: all.
    pub nth: Option<u64>,
    /// The selected lane's title.
    pub focus: Option<String>,
    /// The part of the run on screen: from, to, in ns.
    pub view: Option<(u64, u64)>,
    /// The selected part: from, to, in ns.
    pub range: Option<(u64, u64)>,
    /// What events are filtered by.
    pub filter: Option<String>,
    /// How the lanes stand.
    pub lanes: Lanes,
    pub notes: Vec<Note>,
    /// Marks of the runs where the link was made.
    pub marks: Vec<Vec<u32>>,
    /// The step of a lesson beside it: `mmap-lock.3`.
    pub lesson: Option<String>,
    /// Whether the timeline shows alone, as part of another page.
    pub embed: bool,
    /// Whether a newer version wrote it, so that it may say more than this.
    pub newer: bool,
    /// Something to tell whoever opened it.
    pub note: Option<String>,
}

/// What somebody wrote beside a moment or a stretch of the run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// When, or from when, in ns.
    pub at: u64,
    pub until: Option<u64>,
    pub text: String,
}

/// Bytes of a note that a link carries.
pub const NOTE_BYTES_MAX: usize = 200;
/// Notes that a link carries.
pub const NOTES_MAX: usize = 32;

/// Reads a fragment, with or without `#`; an empty one is the default.
pub fn parse(fragment: &str) -> Result<Route, String> {
    let text = fragment.strip_prefix('#').unwrap_or(fragment);
    if text.is_empty() || text == "/" {
        return Ok(Route::default());
    }
    decoded(text)
}

/// On its own: most first visits bring no link.
#[inline(never)]
fn decoded(text: &str) -> Result<Route, String> {
    let (link, ignored) = engine::decode_link(text)?;
    let mut route = from_link(link);
    let told = match ignored.split_first() {
        Some((LinkError::Newer(version), ignored)) => {
            route.newer = true;
            Some(newer_text(version, ignored))
        }
        _ => ignored_text(&ignored),
    };
    route.note = route.note.or(told);
    Ok(route)
}

/// What is told of a link that opens without some of its parts.
fn ignored_text(ignored: &[LinkError]) -> Option<String> {
    let parts = match ignored {
        [] => return None,
        [_] => t!("that part"),
        _ => t!("those parts"),
    };
    Some(t!(
        "{problems}\nThe link opens without {parts}.",
        problems = engine::link_problems(ignored),
        parts
    ))
}

/// Names of parts that are told of a link; there may be as many as fit into one.
const PARTS_TOLD_MAX: usize = 8;

/// What is told of a link that a newer page made.
fn newer_text(version: &str, ignored: &[LinkError]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in ignored.iter().filter_map(LinkError::part) {
        let part = format!("“{part}”");
        if !parts.contains(&part) {
            parts.push(part);
        }
    }
    let more = match parts.len().saturating_sub(PARTS_TOLD_MAX) {
        0 => String::new(),
        more => tn!(more, " and 1 more", " and {more} more", more),
    };
    parts.truncate(PARTS_TOLD_MAX);
    let told = if parts.is_empty() {
        t!("All its parts have names that this page knows, but they may mean more by now.")
            .to_owned()
    } else {
        t!("Not understood, and left out: {parts}{more}.", parts = parts.join(", "), more)
    };
    t!(
        "A newer version of this page made the link (version {version}): it opens as far as this one understands it. {told} \
         Reload to get the newer version, if this host has it; the address stays as it is until then.",
        version,
        told
    )
}

fn from_link(link: Link) -> Route {
    let mut policies = link.policies.into_iter();
    let policy = policies.next();
    let mut others: Vec<Other> = policies.map(Other::Policy).chain(link.compared).collect();
    let too_many = others.len() > OTHERS_MAX || link.branches.len() > BRANCHES_MAX;
    others.truncate(OTHERS_MAX);
    let digests: Vec<String> = link.digests.iter().map(ToString::to_string).collect();
    Route {
        request: Request {
            scenario: link.scenario,
            seed: link.seed,
            kernel: link.kernel,
            policy,
            others,
            sets: link.sets,
            checks: link.checks,
            forks: link.forks,
            branches: link.branches.into_iter().take(BRANCHES_MAX).collect(),
        },
        digest: (!digests.is_empty() && !too_many).then(|| digests.join(",")),
        model: link.model,
        at: link.t.map(|t| t.0),
        nth: link.nth,
        focus: link.focus,
        view: link.view.map(|(from, to)| (from.0, to.0)),
        range: link.range.map(|(from, to)| (from.0, to.0)),
        filter: link.filter,
        lanes: link.lanes,
        notes: link.notes.into_iter().map(note_from_link).collect(),
        marks: link.marks,
        lesson: link.lesson,
        embed: link.embed,
        newer: false,
        note: too_many.then(|| {
            t!("The link compares more runs than fit: here are the first {others}, and of forks the first {forks}.", others = 1 + OTHERS_MAX, forks = BRANCHES_MAX)
        }),
    }
}

/// Writes a fragment, with `#`.
pub fn fragment(route: &Route) -> String {
    let request = &route.request;
    let digests = route.digest.iter().flat_map(|digests| digests.split(','));
    let (policies, compared): (Vec<Other>, Vec<Other>) =
        request.others.iter().cloned().partition(|other| matches!(other, Other::Policy(_)));
    let policies = policies.iter().map(|other| other.id().to_owned());
    let link = Link {
        scenario: request.scenario.clone(),
        seed: request.seed,
        kernel: request.kernel.clone(),
        policies: request.policy.iter().cloned().chain(policies).collect(),
        compared,
        checks: request.checks.clone(),
        sets: request.sets.clone(),
        forks: request.forks.clone(),
        branches: request.branches.clone(),
        model: route.model,
        digests: digests.filter_map(|digest| digest.parse().ok()).collect(),
        t: route.at.map(Nanos),
        nth: route.nth,
        focus: route.focus.clone(),
        view: route.view.map(|(from, to)| (Nanos(from), Nanos(to))),
        range: route.range.map(|(from, to)| (Nanos(from), Nanos(to))),
        filter: route.filter.clone(),
        lanes: route.lanes.clone(),
        notes: route.notes.iter().map(note_for_link).collect(),
        marks: Vec::new(),
        lesson: route.lesson.clone(),
        embed: route.embed,
    };
    engine::encode_link(&link.with_marks(route.marks.clone()))
}

fn note_from_link(note: share::Note) -> Note {
    Note { at: note.at.0, until: note.until.map(|until| until.0), text: note.text }
}

fn note_for_link(note: &Note) -> share::Note {
    share::Note { at: Nanos(note.at), until: note.until.map(Nanos), text: note.text.clone() }
}

/// The gallery id of a scenario, if it has one.
pub fn gallery_id(scenario: &ScenarioRef) -> Option<&str> {
    match scenario {
        ScenarioRef::ById(id) => Some(id),
        ScenarioRef::Inline(_) => None,
    }
}

/// A seed as typed: a number, or words, which stand for one.
pub fn seed(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let is_number = text.chars().all(|letter| letter.is_ascii_digit());
    let is_words = text.chars().any(char::is_alphabetic)
        && !text.starts_with(|letter: char| letter.is_ascii_digit() || "+-.".contains(letter));
    match text.parse() {
        Ok(seed) if seed <= SEED_MAX => Ok(seed),
        _ if text.is_empty() => {
            Err(t!("A seed is a whole number from 0 to {most}, or a word.", most = SEED_MAX))
        }
        _ if is_number => {
            Err(t!("{text} is too large for a seed: the largest is {most}.", text, most = SEED_MAX))
        }
        Err(_) if is_words => Ok(seed_of_words(text)),
        _ => Err(t!(
            "“{text}” is no seed: it takes a whole number from 0 to {most}, or a word.",
            text,
            most = SEED_MAX
        )),
    }
}

/// The seed that words stand for, the same everywhere and for ever; short enough to be said aloud.
/// FNV-1a of the letters, small ones, without the space between words.
fn seed_of_words(text: &str) -> u64 {
    let letters = text.chars().filter(|letter| !letter.is_whitespace());
    let bytes: String = letters.flat_map(char::to_lowercase).collect();
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    bytes.bytes().fold(0xcbf2_9ce4_8422_2325, mix) % 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::share::Branch;

    #[test]
    fn links_round_trip() {
        let route = Route {
            request: Request {
                scenario: ScenarioRef::ById("capture-6-1-s6".into()),
                seed: 7,
                kernel: Some("6.1".into()),
                policy: None,
                others: Vec::new(),
                sets: vec![("machine.cpus".into(), "2".into())],
                checks: Vec::new(),
                forks: vec!["1ms:reseed=7".parse().unwrap()],
                branches: vec![Branch { parent: 0, fork: "5ms:kill=hog".parse().unwrap() }],
            },
            digest: Some(["ab".repeat(16), "cd".repeat(16)].join(",")),
            model: Some(1),
            at: Some(1_132_096_000),
            nth: Some(2),
            focus: Some("mmap_lock of hog".into()),
            view: Some((1_000_000, 2_000_000_000)),
            range: Some((3_000_000, 4_000_001)),
            filter: Some("kind:reaping,before:7,task:hog/stuck".into()),
            lanes: Lanes { pinned: vec!["hog/stuck".into()], ..Lanes::default() },
            notes: vec![Note { at: 5_000_000, until: None, text: "here".into() }],
            lesson: Some("mmap-lock.3".into()),
            ..Route::default()
        };
        let text = fragment(&route);
        assert!(text.contains("t=1132.096ms"), "{text}");
        assert_eq!(parse(&text), Ok(route));
    }

    #[test]
    fn empty_link_is_the_default() {
        assert_eq!(parse(""), Ok(Route::default()));
        assert_eq!(parse("#/"), Ok(Route::default()));
    }

    #[test]
    fn bad_links_say_what_is_wrong() {
        for (link, expected) in [
            ("#/v9/run?seed=1", "newer"),
            ("#/v9/race?scenario=a", "newer"),
            ("#/v1/run?scenario=a&seed=x", "seed"),
            ("#/v999999999999", "newer"),
            ("#about", "no link"),
        ] {
            let problem = parse(link).unwrap_err();
            assert!(problem.contains(expected), "{link}: {problem}");
        }
    }

    #[test]
    fn damage_to_what_the_run_can_do_without_is_told_and_the_run_opens() {
        let whole = "#/v1/run?scenario=d2-direct&seed=7";
        for (part, expected) in [
            ("note=1ms,%E", "`note=1ms,%E`"),
            ("digest=0123", "`digest=0123`"),
            ("t=21", "`t=21`"),
            ("view=3ms", "`view=3ms`"),
            ("vie", "`vie`"),
            ("color=red&t=1&view=2", "`color`"),
            ("color=red&t=1&view=2", "`t=1`"),
            ("color=red&t=1&view=2", "`view=2`"),
        ] {
            let route = parse(&format!("{whole}&{part}")).unwrap();
            assert_eq!(route.request, parse(whole).unwrap().request);
            let note = route.note.unwrap();
            assert!(note.contains(expected) && note.contains("opens without"), "{note}");
        }
        // Without these another run would open than the one that was meant.
        for part in ["policy=non", "set=x", "fork=1ms", "kernel=9"] {
            assert!(parse(&format!("{whole}&{part}")).is_err(), "{part}");
        }
    }

    #[test]
    fn newer_link_opens_and_what_is_not_understood_is_told() {
        let whole = "run?scenario=d2-direct&seed=7&policy=nonblock&t=1ms";
        let route = parse(&format!("#/v2/{whole}")).unwrap();
        let mut here = parse(&format!("#/v1/{whole}")).unwrap();
        assert!(!here.newer && route.newer);
        let told = route.note.as_ref().unwrap();
        assert!(told.contains("version 2") && told.contains("All its parts"), "{told}");
        (here.newer, here.note) = (true, route.note.clone());
        assert_eq!(route, here);
        let more = parse("#/v2/run?scenario=d2-direct&policy=next&hue=9&hue=8").unwrap();
        assert_eq!(more.request.policy, None);
        let told = more.note.unwrap();
        assert!(told.contains("left out: “hue”, “policy”."), "{told}");
        let many: Vec<String> = (0..99).map(|part| format!("part{part}=1")).collect();
        let told = parse(&format!("#/v2/run?scenario=d2-direct&{}", many.join("&")))
            .unwrap()
            .note
            .unwrap();
        assert!(told.contains("and 91 more") && told.len() < 500, "{told}");
    }

    #[test]
    fn several_policies_are_compared_up_to_four() {
        let digests = ["ab".repeat(16), "cd".repeat(16)].join(",");
        let link = format!(
            "#/v1/run?scenario=gpu-fence-overlap&policy=nonblock,interval&digest={digests}"
        );
        let route = parse(&link).unwrap();
        assert_eq!(route.request.policy.as_deref(), Some("nonblock"));
        assert_eq!(route.request.others, [Other::Policy("interval".into())]);
        assert_eq!((&route.digest, &route.note), (&Some(digests), &None));
        assert_eq!(parse(&fragment(&route)), Ok(route));
        let five = "#/v1/run?scenario=x&policy=ignore,skip-any,skip-flag,nonblock,interval";
        let route = parse(five).unwrap();
        assert_eq!(route.request.others.len(), OTHERS_MAX);
        assert!(route.note.is_some());
    }

    #[test]
    fn seeds_are_checked() {
        assert_eq!(seed(" 7 "), Ok(7));
        assert!(seed("9007199254740992").unwrap_err().contains("largest"));
        assert!(seed("123456789012345678901234567890").unwrap_err().contains("largest"));
        for wrong in ["-3", "1.5", "1e5", "?", ""] {
            assert!(seed(wrong).unwrap_err().contains("whole number"), "{wrong}");
        }
        // What a word stands for is said aloud and written down, so it stays.
        assert_eq!(seed("kyiv"), Ok(608_400_386));
        assert_eq!(seed(" K yiv "), seed("kyiv"));
    }
}

//! Tests of links: what they look like, that they come back whole, and
//! what damaged ones are told.

use super::*;
use base64::Engine as _;
use expect_test::expect;
use proptest::prelude::*;

fn full() -> Link {
    Link {
        seed: 42,
        kernel: Some("5.3".to_owned()),
        policies: vec!["nonblock".to_owned(), "interval".to_owned()],
        checks: vec!["lockdep".to_owned()],
        sets: vec![
            ("task.hog.oom_score_adj".to_owned(), "-17".to_owned()),
            ("device.gpu0.fence".to_owned(), "{ exponential = { mean = \"4ms\" } }".to_owned()),
        ],
        model: Some(1),
        digests: vec![Digest(0xab), Digest(u128::MAX)],
        t: Some(Nanos(1_132_096_000)),
        focus: Some("oom_reaper".to_owned()),
        ..Link::to("gpu-fence-overlap")
    }
}

/// Pins the form: published links must stay readable.
#[test]
fn golden_links_are_stable() {
    let text = encode(&full());
    expect!["#/v1/run?scenario=gpu-fence-overlap&seed=42&kernel=5.3&policy=nonblock,interval&check=lockdep&set=task.hog.oom_score_adj%3D-17&set=device.gpu0.fence%3D%7B%20exponential%20%3D%20%7B%20mean%20%3D%20%224ms%22%20%7D%20%7D&model=1&digest=000000000000000000000000000000ab,ffffffffffffffffffffffffffffffff&t=1132.096ms&focus=oom_reaper"].assert_eq(&text);
    assert_eq!(decode(&text), Ok(full()));
    assert_eq!(decode(&format!("https://example.org/reaper/{text}\n")), Ok(full()));
    assert_eq!(decode(&text[1..]), Ok(full()));
    let short = "#/v1/run?scenario=capture-6-1-s6";
    assert_eq!(decode(short), Ok(Link::to("capture-6-1-s6")));
    // Packed by zlib, not by this program.
    let zlib = decode("#/v1/run?z=AStOzkjNTVSwVTDkAgA&seed=7").map(|link| link.scenario);
    assert_eq!(zlib, Ok(ScenarioRef::Inline("schema = 1\n".to_owned())));
}

#[test]
fn views_and_notes_travel_in_the_link() {
    let note = |at, until: Option<u64>, text: &str| Note {
        at: Nanos(at),
        until: until.map(Nanos),
        text: text.to_owned(),
    };
    let link = Link {
        view: Some((Nanos(1_500_000), Nanos(20_000_000))),
        range: Some((Nanos(2_000_000), Nanos(4_000_001))),
        notes: vec![
            note(2_000_000, None, "here, it refuses & sleeps"),
            note(3_000_000, Some(4_000_001), ""),
        ],
        ..Link::to("capture-6-1-s6")
    };
    let text = encode(&link);
    expect!["#/v1/run?scenario=capture-6-1-s6&seed=1&view=1.5ms..20ms&range=2ms..4.000001ms&note=2ms,here,%20it%20refuses%20%26%20sleeps&note=3ms..4.000001ms,"].assert_eq(&text);
    assert_eq!(decode(&text), Ok(link));
    for bad in [
        "view=3ms",
        "view=3ms..1ms",
        "range=3ms",
        "range=3ms..3ms",
        "note=3ms",
        "note=x,y",
        "note=1ms,%0a",
    ] {
        assert!(decode(&format!("#/v1/run?scenario=x&{bad}")).is_err(), "{bad}");
    }
}

#[test]
fn lanes_travel_in_the_link() {
    let names = |names: &str| names.split(',').map(str::to_owned).collect::<Vec<_>>();
    let link = Link {
        lanes: Lanes {
            pinned: names("mmap_lock of hog,gpu0"),
            hidden: names("hog/stuck"),
            folded: Some(names("tasks,cpus")),
            order: names("clock,hog"),
        },
        ..Link::to("d2-direct")
    };
    let text = encode(&link);
    expect!["#/v1/run?scenario=d2-direct&seed=1&pin=mmap_lock%20of%20hog,gpu0&hide=hog%2Fstuck&fold=tasks,cpus&order=clock,hog"].assert_eq(&text);
    assert_eq!(decode(&text), Ok(link));
    let open = Lanes { folded: Some(Vec::new()), ..Lanes::default() };
    let text = encode(&Link { lanes: open.clone(), ..Link::to("d2-direct") });
    assert!(text.ends_with("&fold=none"), "{text}");
    assert_eq!(decode(&text).map(|link| link.lanes), Ok(open));
    // What is not read is not written.
    let many = Lanes { hidden: vec!["a".to_owned(); 257], ..Lanes::default() };
    let text = encode(&Link { lanes: many, ..Link::to("d2-direct") });
    assert_eq!(decode(&text).map(|link| link.lanes.hidden.len()), Ok(256));
    for bad in ["pin=", "hide=a,", "order=a,,b", "fold=", &format!("pin={}", "a".repeat(81))] {
        let told = decode(&format!("#/v1/run?scenario=x&{bad}")).expect_err(bad);
        assert_eq!(told[0].part(), bad.split('=').next(), "{told:?}");
    }
}

#[test]
fn forks_travel_in_the_link() {
    let fork = |text: &str| text.parse::<Fork>().expect("a fork");
    let link = Link {
        forks: vec![fork("1ms:reseed=7")],
        branches: vec![
            Branch { parent: 0, fork: fork("1132.096ms/812:policy=block-always") },
            Branch { parent: 1, fork: fork("2000ms:delay=gpu0+50ms") },
            Branch { parent: 0, fork: fork("5ms:kill=hog") },
        ],
        ..Link::to("capture-6-1-s6")
    };
    let text = encode(&link);
    expect!["#/v1/run?scenario=capture-6-1-s6&seed=1&fork=1ms:reseed=7&fork=0~1132.096ms/812:policy=block-always&fork=1~2000ms:delay=gpu0+50ms&fork=0~5ms:kill=hog"].assert_eq(&text);
    assert_eq!(link.run_count(), 4);
    assert_eq!(link.path(0), link.forks);
    let path: Vec<String> = link.path(2).iter().map(Fork::to_string).collect();
    assert_eq!(
        path,
        ["1ms:reseed=7", "1132.096ms/812:policy=block-always", "2000ms:delay=gpu0+50ms"]
    );
    assert_eq!(decode(&text), Ok(link));
    for bad in ["fork=", "fork=1~5ms:kill=hog", "fork=x~5ms:kill=hog", "fork=5ms:eat=hog"] {
        assert!(decode(&format!("#/v1/run?scenario=x&{bad}")).is_err(), "{bad}");
    }
    let two = "ab".repeat(16);
    let digests = format!("#/v1/run?scenario=x&fork=0~5ms:kill=hog&digest={two},{two}");
    assert_eq!(decode(&digests).map(|link| link.digests.len()), Ok(2));
}

#[test]
fn kernels_and_checks_to_compare_with_travel_in_the_link() {
    let link = Link {
        policies: vec!["nonblock".to_owned(), "interval".to_owned()],
        compared: vec![Other::Kernel("4.9".to_owned()), Other::Check("lockdep".to_owned())],
        branches: vec![Branch { parent: 0, fork: "5ms:kill=hog".parse().expect("a fork") }],
        digests: (1..=5).map(Digest).collect(),
        ..Link::to("capture-6-1-s6")
    };
    let text = encode(&Link { digests: Vec::new(), ..link.clone() });
    expect!["#/v1/run?scenario=capture-6-1-s6&seed=1&policy=nonblock,interval&compare=kernel:4.9,check:lockdep&fork=0~5ms:kill=hog"].assert_eq(&text);
    assert_eq!(decode(&encode(&link)), Ok(link.clone()));
    let told = |run: &Link| {
        let kernel = run.kernel.clone().unwrap_or_default();
        let (checks, forks) = (run.checks.join(" "), run.forks.len());
        format!("{} {kernel} {checks} {forks} {:x}", run.policies.join(" "), run.digests[0].0)
    };
    let runs: Vec<String> = link.runs().iter().map(told).collect();
    let expected = [
        "nonblock   0 1",
        "interval   0 2",
        "nonblock 4.9  0 3",
        "nonblock  lockdep 0 4",
        "nonblock   1 5",
    ];
    assert_eq!(runs, expected);
    assert_eq!(runs.len(), link.run_count());
    for bad in ["kernel:9.9", "check:", "4.9", "color:red", &vec!["kernel:4.9"; 17].join(",")] {
        let problem = decode(&format!("#/v1/run?scenario=x&compare={bad}"));
        let parts: Vec<_> = problem.as_ref().expect_err(bad).iter().map(LinkError::part).collect();
        assert_eq!(parts, [Some("compare")], "{problem:?}");
    }
}

#[test]
fn scenarios_travel_in_the_link() {
    for entry in crate::scenario::gallery::gallery() {
        let scenario = ScenarioRef::Inline(entry.text.to_owned());
        let link = Link { scenario, ..full() };
        let text = encode(&link);
        assert!(text.len() < LINK_SIZE_MAX / 2, "{}: {}", entry.id, text.len());
        assert_eq!(decode(&text), Ok(link));
        for end in (0..text.len()).step_by(7) {
            assert!(decode(&text[..end]).is_err() || end >= text.find("&seed").expect("there"));
        }
    }
}

#[test]
fn every_text_that_is_read_fits_in() {
    // Letters that packing hardly makes fewer.
    let mut state = 1_u32;
    let letters = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b' ' + (state >> 24) as u8 % 95)
    });
    let scenario = ScenarioRef::Inline(letters.take(TEXT_SIZE_MAX).collect());
    let link = Link { scenario, ..full() };
    let text = encode(&link);
    assert!(text.len() > TEXT_SIZE_MAX, "{}", text.len());
    assert_eq!(decode(&text), Ok(link));
}

#[test]
fn damaged_links_give_plain_messages() {
    let bomb = {
        let zeros = miniz_oxide::deflate::compress_to_vec(&vec![b' '; 4 << 20], 9);
        let bytes = [&[1], &zeros[..]].concat();
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
    };
    let long = "x".repeat(LINK_SIZE_MAX + 1);
    let links = [
        "",
        "https://example.org/",
        "#/v1/walk?scenario=x",
        "#/v0/run?scenario=x",
        "#/v2/run?anything",
        "#/v99999999999/run?x",
        "#/v1/run?",
        "#/v1/run?scenario=x&z=AQ",
        "#/v1/run?scenario=x&seed=1&seed=2",
        "#/v1/run?scenario=x&sede=1",
        "#/v1/run?scenario=x&seed=9007199254740992",
        "#/v1/run?scenario=x&seed=+1",
        "#/v1/run?scenario=x&kernel=6.2",
        "#/v1/run?scenario=x&policy=nonblock,intervall",
        "#/v1/run?scenario=x&policy=nonblock&digest=00,11",
        "#/v1/run?scenario=x&digest=00",
        "#/v1/run?scenario=x&set=abc",
        "#/v1/run?scenario=x&set=%4",
        "#/v1/run?scenario=%FF",
        "#/v1/run?scenario=x&t=12",
        "#/v1/run?scenario=",
        "#/v1/run?z=!",
        "#/v1/run?z=",
        "#/v1/run?z=AgAA",
    ];
    let mut messages = Vec::new();
    for link in links.into_iter().chain([long.as_str(), &format!("#/v1/run?z={bomb}")]) {
        let errors = decode(link).expect_err(link);
        messages.extend(problems(&errors).into_iter().map(|line| line + "\n"));
    }
    expect![[r#"
        this is no link to a run: one has #/v1/run?… in it
        this is no link to a run: one has #/v1/run?… in it
        this is no link to a run: one has #/v1/run?… in it
        this is no link to a run: one has #/v1/run?… in it
        this link has version 2, newer than this program (1): reload or update
        this link has version 99999999999, newer than this program (1): reload or update
        this link needs either `scenario` or `z`, and has neither
        this link needs either `scenario` or `z`, and has both
        this link has two parts `seed`
        this link has an unknown part `sede`: did you mean seed or hide or set?
        the part `seed=9007199254740992` of this link is damaged: expected a whole number from 0 to 9007199254740991
        the part `seed=+1` of this link is damaged: expected a whole number from 0 to 9007199254740991
        the part `kernel=6.2` of this link is damaged: unknown `6.2`: did you mean 6.1 or 6.12 or 4.6?
        the part `policy=nonblock,intervall` of this link is damaged: unknown `intervall`: did you mean interval?
        the part `digest=00,11` of this link is damaged: expected 1, one for each run
        the part `digest=00` of this link is damaged: a digest has 32 digits, this has 2: copy the whole of it
        the part `set=abc` of this link is damaged: an override has the form path=value
        the part `set=%4` of this link is damaged: after a % come two hexadecimal digits, and the text is UTF-8
        the part `scenario=%FF` of this link is damaged: after a % come two hexadecimal digits, and the text is UTF-8
        the part `t=12` of this link is damaged: expected a number and a unit, such as "12.5ms" (units: ns, us, ms, s, min, h)
        the part `scenario=` of this link is damaged: a name has 1 to 64 bytes
        the part `z=!` of this link is damaged: the scenario in it was cut off or changed: copy the whole link
        the part `z=` of this link is damaged: the scenario in it was cut off or changed: copy the whole link
        the part `z=AgAA` of this link is damaged: packed in a way that this program doesn't know: update it
        this link has 524289 bytes, more than the 524288 that are read: send the scenario as a file
        the part `z=Ae3AgQAAAADCMJX7UwbSVgAAAAAAAAAAAAAAAAAA…` of this link is damaged: the scenario in it has more than 262144 bytes
    "#]].assert_eq(&messages.concat());
}

/// Links of every version, as they were once made: each opens for ever.
/// Lines may be added, never changed.
#[test]
fn links_of_every_version_open() {
    let mut count = 0;
    for line in include_str!("links.txt").lines() {
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        let link = decode(line).unwrap_or_else(|error| panic!("{line}: {error:?}"));
        if let ScenarioRef::ById(id) = &link.scenario {
            assert!(crate::scenario::gallery::find(id).is_some(), "{line}: no such scenario");
        }
        // What this version writes is what it reads.
        assert_eq!(decode(&encode(&link)), Ok(link), "{line}");
        count += 1;
    }
    assert!(count > 20, "{count}");
}

/// design.md 6.3 and interaction.md 4d: at most 200 characters for a
/// scenario of the gallery with its view.
#[test]
fn links_to_the_gallery_are_short() {
    for entry in crate::scenario::gallery::gallery() {
        let link = Link {
            seed: 12_345,
            model: Some(4),
            digests: vec![Digest(u128::MAX)],
            t: Some(Nanos(4_314_400_123)),
            focus: Some("oom_reaper".to_owned()),
            view: Some((Nanos(3_870_000_000), Nanos(4_560_000_000))),
            ..Link::to(entry.id)
        };
        let text = encode(&link);
        assert!(text.len() <= LINK_SIZE_GOAL, "{}: {text}", text.len());
        let marked = link.clone().with_marks(vec![(0..11).collect()]);
        assert!(encode(&marked).len() <= LINK_SIZE_GOAL, "{}", encode(&marked));
        let too_many = link.clone().with_marks(vec![vec![1; 36]]);
        assert_eq!(too_many, link, "no room for so many");
    }
}

/// Of a run that only its link describes, where another parts is told, too.
#[test]
fn links_that_are_long_anyway_carry_marks() {
    let marks = vec![vec![1; 36], vec![2; 36]];
    let mut link = Link { policies: vec!["nonblock".into(), "interval".into()], ..Link::to("x") };
    assert_eq!(link.clone().with_marks(marks.clone()), link, "short without");
    let text = "all work and no play ".repeat(40);
    link.notes = vec![Note { at: Nanos(5), until: None, text: text[..200].to_owned() }];
    let marked = link.clone().with_marks(marks.clone());
    assert_eq!(marked.marks, marks);
    assert_eq!(decode(&encode(&marked)), Ok(marked));
    // What is not read is not written.
    let noise = (0..TEXT_SIZE_MAX as u64).map(|n| char::from(b'!' + (n * n * 31 / 7 % 90) as u8));
    link.scenario = ScenarioRef::Inline(noise.collect());
    link.sets = vec![("a".into(), "b".repeat(LINK_SIZE_MAX - encode(&link).len() - 60))];
    assert!(encode(&link).len() <= LINK_SIZE_MAX);
    assert_eq!(link.clone().with_marks(marks), link);
}

#[test]
fn marks_tell_where_runs_part() {
    let here = [1, 2, 3, 4];
    let told = |linked: &[u32]| parting_text(linked, &here).unwrap_or_default();
    assert_eq!(told(&[9, 8, 7, 6]), "differs before record 64");
    assert_eq!(told(&[1, 2, 7, 6]), "equal up to record 128, differs before record 256");
    assert_eq!(told(&[1, 2, 3, 4]), "equal up to record 512, differs after it");
    assert_eq!(told(&[1, 2]), "equal up to record 128, differs after it");
    assert_eq!(parting_text(&[], &here), None);
    assert_eq!(equal_until(&[1, 2, 7, 6], &here), Some(128));
    assert_eq!(equal_until(&[9, 2], &here), None);
    for bad in ["marks=ab", "marks=abc,abc", "marks=a+c", "lesson=", "filter=", "embed=0"] {
        assert!(decode(&format!("#/v1/run?scenario=x&{bad}")).is_err(), "{bad}");
    }
}

#[test]
fn what_does_not_say_what_runs_can_be_done_without() {
    let whole = encode(&full());
    let plain = Link { model: None, digests: Vec::new(), t: None, focus: None, ..full() };
    // However much of its end is lost.
    for end in whole.find("&model").expect("there")..whole.len() {
        let (link, ignored) = read(&whole[..end]).expect("opens");
        assert!(ignored.len() <= 1, "{}: {ignored:?}", &whole[..end]);
        let here = Link { model: None, digests: Vec::new(), t: None, focus: None, ..link };
        assert_eq!(here, plain);
    }
    let (link, ignored) =
        read("#/v1/run?scenario=x&note=1ms,%E&note=2ms,b&nth=x&t=1ms&t=2ms&embed=1&sede=3")
            .expect("opens");
    assert_eq!((link.notes.len(), link.t, link.embed), (1, Some(Nanos(1_000_000)), true));
    assert_eq!(ignored.len(), 4, "{ignored:?}");
    for bad in ["seed=x", "set=a", "fork=1ms", "policy=no", "check=no", "kernel=1", "seed=1&seed=2"]
    {
        assert!(read(&format!("#/v1/run?scenario=x&{bad}&t=1ms")).is_err(), "{bad}");
    }
}

/// Whoever repairs a link is not to find the next damage only when the first is gone.
#[test]
fn all_damages_of_a_link_are_told() {
    let told = |link: &str| problems(&decode(link).expect_err("it is damaged")).join("\n");
    let link = "#/v1/run?scenario=%FF&seed=x&policy=non&kernel=9&set=a&fork=1ms&fork=2ms:kill=hog\
                &digest=00,11&t=12&hue=1&note=1ms,%E";
    expect![[r#"
        the part `scenario=%FF` of this link is damaged: after a % come two hexadecimal digits, and the text is UTF-8
        the part `set=a` of this link is damaged: an override has the form path=value
        the part `fork=1ms` of this link is damaged: expected TIME:CHOICE, such as 1132.096ms:policy=block-always (policy=ID, kill=TASK, end=TASK, delay=TASK+TIME, reseed=NUMBER, reseed=NUMBER/SHARE, ties=NUMBER or preempt=CPU+TIME)
        the part `fork=2ms:kill=hog` of this link is damaged: one before it could not be read
        this link has an unknown part `hue`: did you mean hide?
        the part `note=1ms,%E` of this link is damaged: after a % come two hexadecimal digits, and the text is UTF-8
        the part `seed=x` of this link is damaged: expected a whole number from 0 to 9007199254740991
        the part `kernel=9` of this link is damaged: unknown `9`: expected one of 4.6, 4.9, 4.14, 4.16, 4.19, 5.3, 5.4, 5.6, 5.12, 6.1, 6.12 and 7.1
        the part `policy=non` of this link is damaged: unknown `non`: expected one of ignore, skip-any, skip-flag, nonblock, interval, interval-two-pass, core-refuse, block-always, deadline and hand-off
        the part `digest=00,11` of this link is damaged: a digest has 32 digits, this has 2: copy the whole of it
        the part `t=12` of this link is damaged: expected a number and a unit, such as "12.5ms" (units: ns, us, ms, s, min, h)"#]].assert_eq(&told(link));
    let many: Vec<String> = (0..99).map(|part| format!("part{part}=1")).collect();
    let many = told(&format!("#/v1/run?scenario=x&{}", many.join("&")));
    assert!(
        many.ends_with("\n87 more parts are damaged or unknown") && many.len() < 3_000,
        "{many}"
    );
    // Beyond what is told apart they are counted, and take no memory.
    let wrong = decode(&format!("#/v1/run?{}", "&a".repeat(200_000))).expect_err("none is known");
    assert_eq!((wrong.len(), wrong.last()), (101, Some(&LinkError::More(199_901))));
    let lines = problems(&wrong);
    assert_eq!(lines.last().map(String::as_str), Some("199989 more parts are damaged or unknown"));
    let commas = marks::decode_list(&",".repeat(200_000), None).expect("no marks");
    assert!(commas.len() < 50, "{}", commas.len());
    assert!(marks::decode_list(",,", Some(2)).is_err());
    // Values are told as far as they can be seen, and by no control characters.
    let long = told(&format!("#/v1/run?scenario=x&t=%1B[2J{}", "9".repeat(99)));
    expect![[r#"the part `t=�[2J999999999999999999999999999999999999…` of this link is damaged: expected a number and a unit, such as "12.5ms" (units: ns, us, ms, s, min, h)"#]].assert_eq(&long);
}

#[test]
fn newer_link_opens_as_far_as_it_is_understood() {
    let whole = encode(&full()).replacen("/v1/", "/v2/", 1);
    let newer = LinkError::Newer("2".to_owned());
    assert_eq!(read(&whole), Ok((full(), vec![newer.clone()])));
    // The command line, which shows no picture that could be looked at with care, takes none.
    assert_eq!(decode(&whole), Err(vec![newer.clone()]));
    let (link, ignored) = read(
        "#/v2/run?scenario=x&seed=words&kernel=9.9&policy=next&check=all&color=red&t=1ms&set=y\
         &fork=0~5ms:kill=hog&fork=1~6ms:eat=hog&fork=1~7ms:kill=hog",
    )
    .expect("opens");
    let first = Branch { parent: 0, fork: "5ms:kill=hog".parse().expect("a fork") };
    let kept = Link { t: Some(Nanos(1_000_000)), branches: vec![first], ..Link::to("x") };
    assert_eq!((link, &ignored[0]), (kept, &newer));
    let parts: Vec<&str> = ignored.iter().filter_map(LinkError::part).collect();
    // Which run the last fork is off was said by the one before it.
    assert_eq!(parts, ["color", "set", "fork", "fork", "seed", "kernel", "policy", "check"]);
    for closed in ["", "x", "run", "run?", "run?seed=1", "run?z=AgAA", "race?scenario=x"] {
        assert_eq!(read(&format!("#/v2/{closed}")), Err(vec![newer.clone()]), "{closed}");
    }
}

prop_compose! {
    fn any_link()(
        inline: bool,
        scenario in "[a-z0-9-]{1,40}",
        seed in 0..=SEED_MAX,
        kernel in proptest::option::of(proptest::sample::select(&["4.6", "6.1", "7.1"][..])),
        policies in proptest::sample::subsequence(&["nonblock", "interval", "hand-off"][..], 0..3),
        checks in proptest::sample::subsequence(&["lockdep", "non-block"][..], 0..=2),
        compared in proptest::sample::subsequence(&["kernel:4.9", "check:lockdep"][..], 0..=1),
        sets in proptest::collection::vec(("[a-z._0-9]{0,12}", "\\PC{0,12}"), 0..4),
        model: Option<u32>,
        digests: [u128; 3],
        has_digests: bool,
        t: Option<u64>,
        focus in proptest::option::of("[a-z:/# &=%]{1,12}"),
        lesson in proptest::option::of("[a-z-]{1,20}[.][1-9]"),
        marks in proptest::collection::vec(0_u32..1 << 18, 1..20),
        shown in proptest::collection::vec("[a-z/ &=%]{1,12}", 0..3),
    ) -> Link {
        let runs = policies.len().max(1) + compared.len();
        let count = if has_digests { runs } else { 0 };
        Link {
            scenario: if inline { ScenarioRef::Inline(scenario) } else { ScenarioRef::ById(scenario) },
            seed,
            kernel: kernel.map(str::to_owned),
            policies: policies.into_iter().map(str::to_owned).collect(),
            compared: compared.into_iter().filter_map(|it| Other::parse(it).ok()).collect(),
            checks: checks.into_iter().map(str::to_owned).collect(),
            sets,
            forks: Vec::new(),
            branches: Vec::new(),
            model,
            digests: digests.into_iter().take(count).map(Digest).collect(),
            t: t.map(Nanos),
            nth: t.map(|t| t & SEED_MAX),
            focus,
            view: None,
            range: t.map(|t| (Nanos(t / 2), Nanos(t | 1))),
            notes: Vec::new(),
            filter: lesson.as_ref().map(|lesson| format!("kind:reaping,task:{lesson}")),
            lanes: Lanes {
                pinned: shown.clone(),
                folded: lesson.is_some().then(|| shown.clone()),
                ..Lanes::default()
            },
            lesson: lesson.clone(),
            embed: lesson.is_some(),
            marks: (0..count).map(|run| marks.iter().map(|mark| mark >> run).collect()).collect(),
        }
    }
}

proptest! {
    #[test]
    fn every_link_comes_back_whole(link in any_link()) {
        prop_assert_eq!(decode(&encode(&link)), Ok(link));
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,120}") {
        let _ = decode(&text);
        let _ = decode(&format!("#/v1/run?scenario=x&{text}"));
        let _ = decode(&format!("#/v1/run?z={text}"));
        let _ = read(&format!("#/v2/run?scenario=x&{text}"));
    }

    #[test]
    fn damage_never_panics(link in any_link(), at: usize, byte in "[ -~]") {
        let mut text = encode(&link);
        let at = at % text.len();
        text.replace_range(at..=at, &byte);
        let _ = decode(&text);
    }
}

//! The image of whole runs, as markup.

use super::*;
use crate::engine::{Job, Outcome, Request};
use crate::timeline::palette::mark_look;
use sim_core::analysis::MarkKind;
use sim_core::share::Other;

fn scene(request: &Request) -> Scene {
    let mut job = Job::start(request).unwrap();
    while job.advance(100_000) {}
    Scene::new(Outcome::of(job.into_run()))
}

fn shown(scene: &Scene) -> Shown<'_> {
    let lanes: Vec<usize> = (0..scene.outcome.lanes.len()).collect();
    Shown { scene, name: String::new(), lanes, lane: Some(0), followed: Vec::new(), parts: None }
}

fn image(runs: &[Shown<'_>], link: &str) -> String {
    let view = runs[0].scene.opening();
    let note = Note { at: view.start, until: None, text: "look <here>".to_owned() };
    svg(&Picture {
        title: "A GPU",
        runs,
        view,
        at: view.start,
        range: None,
        notes: &[note],
        link,
        shade: Shade::Light,
    })
}

#[test]
fn image_carries_verdict_link_and_code() {
    let scene = scene(&Request::default());
    let link = "https://example.org/#/v1/run?scenario=gpu-fence-overlap&seed=1";
    let image = image(&[shown(&scene)], link);
    assert!(image.starts_with("<svg ") && image.ends_with("</svg>\n"));
    for part in [
        "extra-victims",
        "oom_reaper",
        "seed=1",
        "url(#p-back-off)",
        "&amp;seed",
        "kernel 6.1",
        "look &lt;here&gt;",
    ] {
        assert!(image.contains(part), "{part}");
    }
    assert!(!image.contains("&seed") && !image.contains("style="));
    assert!(image.len() < 300_000, "{}", image.len());
    assert!(alt_text("A GPU", &scene).contains("Verdict: extra-victims"));
}

#[test]
fn where_a_run_parts_from_the_first_is_marked_or_said_to_be_outside() {
    let first = scene(&Request::default());
    let other = scene(&Request::default().with(&Other::Policy("skip-any".into())));
    let parting = crate::engine::parting(&first.outcome, &other.outcome).expect("they differ");
    let image = |view: Viewport| {
        let mut below = shown(&other);
        below.parts = Some(parting.at);
        svg(&Picture {
            title: "A GPU",
            runs: &[shown(&first), below],
            view,
            at: view.start,
            range: None,
            notes: &[],
            link: "#/v1/run",
            shade: Shade::Light,
        })
    };
    let end = first.outcome.run.end.0;
    let inside = image(Viewport::whole(end));
    assert_eq!(inside.matches(">parts here<").count(), 1);
    let before = image(Viewport::between(0, parting.at / 2, end));
    assert!(before.contains(">parts at ") && !before.contains("parts here"));
    let behind = image(Viewport::between(parting.at + 1_000_000, end, end));
    assert!(behind.contains("‹ parted at "));
}

#[test]
fn back_offs_refusals_locks_and_arrows_are_drawn_and_explained() {
    let scene = scene(&Request::default());
    let mut run = shown(&scene);
    run.lane = scene.outcome.lanes.iter().position(|lane| lane.title == "oom_reaper");
    let image = image(&[run], "#/v1/run?scenario=gpu-fence-overlap");
    let (sign, name, _) = mark_look(MarkKind::Refusal, Shade::Light);
    let drawn = image.matches(&format!(">{sign}</text>")).count();
    assert!(drawn > 5, "{drawn} refusals, and one in the legend");
    for told in [name, "gave up", "killed", "held", "call", "refusal", "direct reclaim"] {
        assert!(image.contains(&format!(">{told}</text>")), "{told}");
    }
    let number = |n: u32| {
        image.contains(&format!(">{n}</text>")) || image.contains(&format!(">back-off {n}</text>"))
    };
    assert!((1..=9).all(number), "{image}");
    assert!(image.contains("fill=\"url(#p-held)\"") && image.contains("stroke-dasharray"));
    // Nobody can scan what only a page has an address for.
    assert!(!image.contains("scale("));
}

#[test]
fn dark_image_is_drawn_in_the_colors_of_the_dark_page() {
    let scene = scene(&Request::default());
    let (run, view) = (shown(&scene), scene.opening());
    let picture = |shade| {
        let (title, notes, at) = ("A GPU", &[][..], view.start);
        let (runs, link, range) = (std::slice::from_ref(&run), "https://example.org/", None);
        svg(&Picture { title, runs, view, at, range, notes, link, shade })
    };
    let (light, dark) = (picture(Shade::Light), picture(Shade::Dark));
    let (ink, ground) = (hex(Shade::Light.ink()), hex(Shade::Light.ground()));
    assert!(light.contains(&ink) && light.contains(&ground));
    // Only the code, which is not scanned otherwise, stays on white, and text on bright fills dark.
    let bare: String = dark.split("<g transform").next().unwrap().to_owned();
    assert!(!bare.contains(&ground), "white");
    assert!(!bare.contains(&hex(Shade::Light.faint_ink())), "small print");
    assert!(bare.contains(&hex(Shade::Dark.ground())) && bare.contains(&hex(Shade::Dark.ink())));
    assert!(dark.contains("fill=\"#fff\"/><path d="), "the code on white");
    let shapes = |image: &str| image.matches("<rect").count();
    assert_eq!(shapes(&light), shapes(&dark));
}

#[test]
fn every_run_on_screen_is_in_the_image() {
    let first = scene(&Request::default());
    let other = scene(&Request::default().with(&Other::Policy("block-always".into())));
    let mut second = shown(&other);
    second.name = "block-always".to_owned();
    let image = image(&[shown(&first), second], "https://example.org/");
    let told = format!(">block-always: {}</text>", other.outcome.report.verdict.id());
    assert!(image.contains(&told), "{told}");
    assert_eq!(image.matches(">oom_reaper</text>").count(), 2);
}

#[test]
fn imported_scenario_has_its_own_title() {
    let text = "schema = 1\ntitle = \"Imported: hog killed\"\n";
    assert_eq!(title_of(&ScenarioRef::Inline(text.to_owned())), "Imported: hog killed");
    assert_eq!(
        title_of(&ScenarioRef::ById("gpu-fence-overlap".to_owned())),
        "A GPU mirrors part of the victim"
    );
}

#[test]
fn long_link_and_every_state_are_whole() {
    let scene = scene(&Request::default());
    let link = format!("https://example.org/#/v1/run?z={}&digest=0123", "Ab".repeat(700));
    let image = image(&[shown(&scene)], &link);
    let letters: String = image
        .split("font-family=\"monospace\" font-size=\"11\">")
        .skip(1)
        .map(|line| &line[..line.find('<').unwrap()])
        .collect();
    assert_eq!(letters, escaped(&link));
    let height: f64 =
        image.split("height=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
    let last = image.rsplit(" y=\"").next().unwrap().split('"').next().unwrap();
    assert!(last.parse::<f64>().unwrap() < height, "{last} of {height}");
    for state in legend::states([shown(&scene)].iter().map(Shown::of)) {
        let name = legend::name_of(state);
        assert!(image.contains(&format!(">{name}</text>")), "{name}");
    }
}

#[test]
fn hostile_names_are_text() {
    assert_eq!(escaped("<a href=\"x\">&\u{7}"), "&lt;a href=&quot;x&quot;&gt;&amp; ");
}

//! `link` and `verify`.

use super::tool::{call, file, printed};

#[test]
fn link_is_reproduced() {
    let scenario = "gpu-fence-overlap";
    let link = printed(&[
        "link",
        scenario,
        "--seed",
        "3",
        "--policy",
        "nonblock",
        "--set",
        "task.hog.oom_score_adj=5",
    ]);
    let link = link.trim_end();
    let digest = digest_of(link);
    assert!(link.starts_with("#/v1/run?scenario=gpu-fence-overlap&seed=3&"), "{link}");
    let expected = format!("reproduced  {digest}  nonblock\n");
    assert_eq!(printed(&["verify", link]), expected);
    assert_eq!(printed(&["verify", &format!("https://example.org/app/{link}")]), expected);
    assert_eq!(printed(&["link", link]).trim_end(), link);
}

/// The digest in a link.
fn digest_of(link: &str) -> String {
    let (_, rest) = link.split_once("&digest=").expect("a digest");
    rest.trim_end().split('&').next().expect("a first part").to_owned()
}

#[test]
fn changed_digest_differs() {
    let link = printed(&["link", "capture-6-1-s6"]);
    let digest = digest_of(&link);
    let turned: String = digest.chars().rev().collect();
    let plain = link.split("&digest=").next().expect("a first part");
    let said = call(&["verify", &format!("{plain}&digest={turned}")]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.out, format!("differs     {digest}  interval\nlink says   {turned}\n"));
    assert_eq!(said.err, "");
}

/// A link of another run, in whose marks the first four are this one's.
#[test]
fn marks_say_where_runs_part() {
    let link = printed(&["link", "gpu-fence-overlap", "--seed", "3"]);
    let (rest, marks) = link.trim_end().rsplit_once("&marks=").expect("marks");
    assert!(marks.len() > 5 * 3, "{marks}");
    let other: String = marks[12..].chars().rev().collect();
    let (digest, marks) = (digest_of(&link), format!("{}{other}", &marks[..12]));
    let turned: String = digest.chars().rev().collect();
    let link = format!("{}&marks={marks}", rest.replace(&digest, &turned));
    let said = call(&["verify", &link]);
    assert_eq!(said.code, Some(1));
    assert!(
        said.out.contains("equal up to record 512, differs before record 1024"),
        "{}",
        said.out
    );
}

#[test]
fn several_policies_have_several_digests() {
    let digest =
        |policy: &str| digest_of(&printed(&["link", "capture-6-1-s6", "--policy", policy]));
    let (one, two) = (digest("nonblock"), digest("interval"));
    let link = format!(
        "#/v1/run?scenario=capture-6-1-s6&seed=1&policy=nonblock,interval&model=1&digest={one},{two}"
    );
    assert_eq!(
        printed(&["verify", &link]),
        format!("reproduced  {one}  nonblock\nreproduced  {two}  interval\n")
    );
    let said = call(&["run", &link]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("--policy nonblock, or --policy interval"), "{}", said.err);
    assert!(printed(&["run", &link, "--policy", "nonblock"]).contains(&one));
}

#[test]
fn scenario_of_a_file_travels_in_the_link() {
    let text = include_str!("../../../traces/gpu-fence-overlap.toml");
    let name = file("mine.toml", text.replace("median = \"200ms\"", "median = \"150ms\""));
    let link = printed(&["link", &name]);
    assert!(link.starts_with("#/v1/run?z="), "{link}");
    assert!(printed(&["verify", link.trim_end()]).starts_with("reproduced  "));
}

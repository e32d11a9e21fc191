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
    let digest = link.rsplit_once("&digest=").expect("a digest").1;
    assert!(link.starts_with("#/v1/run?scenario=gpu-fence-overlap&seed=3&"), "{link}");
    let expected = format!("reproduced  {digest}  nonblock\n");
    assert_eq!(printed(&["verify", link]), expected);
    assert_eq!(printed(&["verify", &format!("https://example.org/app/{link}")]), expected);
    assert_eq!(printed(&["link", link]).trim_end(), link);
}

#[test]
fn changed_digest_differs() {
    let link = printed(&["link", "capture-6-1-s6"]);
    let (rest, digest) = link.trim_end().rsplit_once("&digest=").expect("a digest");
    let turned: String = digest.chars().rev().collect();
    let said = call(&["verify", &format!("{rest}&digest={turned}")]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.out, format!("differs     {digest}  interval\nlink says   {turned}\n"));
    assert_eq!(said.err, "");
}

#[test]
fn several_policies_have_several_digests() {
    let digest = |policy: &str| {
        let link = printed(&["link", "capture-6-1-s6", "--policy", policy]);
        link.trim_end().rsplit_once("&digest=").expect("a digest").1.to_owned()
    };
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

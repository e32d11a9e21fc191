//! `list`.

use expect_test::expect;
use serde_json::Value;

use super::tool::printed;

#[test]
fn scenarios_are_listed_by_id_and_title() {
    let text = printed(&["list"]);
    assert_eq!(text, printed(&["list", "scenarios", "--format", "text"]));
    let lines = text.lines().skip_while(|line| *line != "recordings");
    let lines = lines.take_while(|line| !line.is_empty());
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: String = lines.flat_map(|line| [words(line), "\n".to_owned()]).collect();
    expect![[r#"
        recordings
        capture-6-1-s1 One process takes all memory, dies and is gone
        capture-6-1-s2 Two grow, the larger dies, the other goes on
        capture-6-1-s2-smp Two grow on two CPUs, the larger dies
        capture-6-1-s2stuck A stuck victim without notifiers is reaped at once
        capture-6-1-s3 A notifier that always refuses: nothing is freed
        capture-6-1-s3-smp A notifier that always refuses, on two CPUs
        capture-6-1-s3exit A notifier that always refuses harms nobody who can exit
        capture-6-1-s4part Four mirrored megabytes protect a VMA of 92
        capture-6-1-s5part The same four megabytes through the interval API
        capture-6-1-s6 An interval over all of the victim: only crumbs are freed
        capture-6-1-s6-smp An interval over all of the victim, on two CPUs
        capture-6-1-s7 An interval whose callback never needs to sleep
        capture-6-1-s8w500 A lock held for half a second delays only the exit
        capture-6-1-s8w5000 A lock held for five seconds: ten attempts skipped
        capture-6-1-s12 Locked memory is reaped too
        capture-6-1-l1both The interval leak: a refusal that is never taken back
        capture-6-1-l2itv The same interval without the list: a clean exit
    "#]]
    .assert_eq(&lines);
}

#[test]
fn every_list_is_an_array_of_objects() {
    for what in ["scenarios", "policies", "drivers", "profiles", "checkers"] {
        let json: Value =
            serde_json::from_str(&printed(&["list", what, "--format", "json"])).expect("JSON");
        let items = json.as_array().expect("an array");
        assert!(!items.is_empty(), "{what}");
        for item in items {
            for field in ["id", "title", "group"] {
                let text = item[field].as_str().unwrap_or_default();
                assert!(!text.is_empty(), "{what}: {field} of {item}");
            }
            let about = item["about"].as_str().unwrap_or_default();
            assert_eq!(about.is_empty(), what != "scenarios", "{item}");
        }
        let listed = printed(&["list", what]);
        // Groups of scenarios have a line of their own.
        let is_item = |line: &&str| what != "scenarios" || line.starts_with("  ");
        assert_eq!(listed.lines().filter(is_item).count(), items.len(), "{what}");
    }
}

#[test]
fn plug_ins_carry_their_documentation() {
    let json = printed(&["list", "policies", "--format", "json"]);
    let json: Vec<Value> = serde_json::from_str(&json).expect("JSON");
    let interval = json.iter().find(|item| item["id"] == "interval").expect("interval");
    assert_eq!(interval["group"], "in kernels");
    assert_eq!(interval["kernels"], "5.6 5.12 6.1 6.12");
    assert_eq!(interval["title"], "only notifiers whose range overlaps are called");
    for part in ["summary", "mechanism", "models", "doesnt_model", "see"] {
        assert!(interval[part].is_string(), "{part}");
    }
}

#[test]
fn profiles_name_their_tree_and_their_policy() {
    let json = printed(&["list", "profiles", "--format", "json"]);
    let json: Vec<Value> = serde_json::from_str(&json).expect("JSON");
    let rows: Vec<_> =
        json.iter().map(|item| format!("{} {}", item["tree"], item["policy"])).collect();
    let ids: Vec<_> = json.iter().filter_map(|item| item["id"].as_str()).collect();
    assert_eq!(
        ids,
        ["4.6", "4.9", "4.14", "4.16", "4.19", "5.3", "5.4", "5.6", "5.12", "6.1", "6.12", "7.1"]
    );
    assert_eq!(rows[0], r#""4.6.2" "ignore""#);
    assert_eq!(rows[9], r#""6.1.192" "interval""#);
    assert_eq!(
        printed(&["list", "profiles"]).lines().find(|line| line.starts_with("6.1 ")),
        Some("6.1   Linux 6.1.192")
    );
}

#[test]
fn drivers_that_are_not_asked_stand_apart() {
    let json = printed(&["list", "drivers", "--format", "json"]);
    let json: Vec<Value> = serde_json::from_str(&json).expect("JSON");
    let silent = json.iter().filter(|item| item["group"] == "not asked");
    let silent: Vec<_> = silent.filter_map(|item| item["id"].as_str()).collect();
    assert_eq!(silent, ["secondary-tlb", "pinned"]);
}

/// What nobody has read in the source has one mark, and says what it is.
#[test]
fn drivers_that_are_not_verified_are_marked() {
    let json = printed(&["list", "drivers", "--format", "json"]);
    let json: Vec<Value> = serde_json::from_str(&json).expect("JSON");
    let mut marked = 0;
    for item in &json {
        let title = item["title"].as_str().unwrap_or_default();
        assert_eq!(title.ends_with(" [U]"), item["unverified"].is_string(), "{item}");
        marked += usize::from(title.ends_with(" [U]"));
    }
    assert!(marked > 10 && marked < json.len(), "{marked}");
    let text = printed(&["list", "drivers"]);
    assert_eq!(text.lines().filter(|line| line.ends_with(" [U]")).count(), marked);
}

#[test]
fn printed_schema_is_the_committed_one() {
    assert_eq!(printed(&["schema"]), include_str!("../../../traces/schema-1.json"));
}

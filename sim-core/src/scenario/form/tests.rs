//! Tests of forms: what they show of every scenario of the gallery, and
//! that an edit changes what it should and nothing else.

use super::super::gallery::{find, gallery};
use super::super::parse;
use super::*;

const TEXT: &str = r#"# A comment at the top.
schema = 1
title = "An example" # and one behind
kernel = "6.1"

[machine]
ram = "256MiB" # of which

[[device]]
name = "gpu0"
driver = "gpu-fence"
fence = { lognormal = { median = "200ms", p99 = "5s" } }

[[task]]
name = "hog"
program = [
  { mmap = "heap", size = "128MiB" }, # first
  { touch = "heap", rate = "60MiB/s" }
]
"#;

fn field(text: &str, path: &str) -> Field {
    let sections = form(text).expect("it is TOML");
    let mut fields = sections.into_iter().flat_map(|section| section.fields);
    fields.find(|field| field.path == path).unwrap_or_else(|| panic!("no field {path}"))
}

/// Sets a value and looks whether it is there and all other lines are as before.
fn check_set(path: &str, typed: &str) -> String {
    let before = field(TEXT, path);
    let text = set(TEXT, path, &literal(&before.input, typed)).expect("it can be set");
    assert_eq!(field(&text, path).value.as_deref(), Some(typed), "{text}");
    let stay = TEXT.lines().filter(|line| text.lines().any(|other| other == *line)).count();
    assert!(stay + 1 >= TEXT.lines().count(), "{text}");
    text
}

#[test]
fn form_shows_every_value_of_the_gallery() {
    for entry in gallery() {
        let sections = form(entry.text).unwrap_or_else(|| panic!("{} is TOML", entry.id));
        let values = sections.iter().flat_map(|section| &section.fields);
        let shown = values.filter(|field| field.value.is_some()).count();
        assert!(shown > 8, "{}: {shown}", entry.id);
        for field in sections.iter().flat_map(|section| &section.fields) {
            // What is set to what it is stays as it is, but for how a string is spelled.
            let Some(value) = &field.value else { continue };
            let text = set(entry.text, &field.path, &literal(&field.input, value))
                .unwrap_or_else(|error| panic!("{} {}: {error}", entry.id, field.path));
            let again = parse(entry.id, &text, &[]).map(|scenario| format!("{scenario:?}"));
            let first = parse(entry.id, entry.text, &[]).map(|scenario| format!("{scenario:?}"));
            assert_eq!(again, first, "{} {}", entry.id, field.path);
        }
    }
}

#[test]
fn values_are_edited_in_place() {
    let text = check_set("machine.ram", "512MiB");
    assert!(text.contains("ram = \"512MiB\" # of which"), "{text}");
    let text = check_set("task.0.program.0.size", "64MiB");
    assert!(text.contains("{ mmap = \"heap\", size = \"64MiB\" }, # first"), "{text}");
    check_set("device.0.fence", "4ms");
    check_set("title", "A \"quoted\" title");
}

#[test]
fn absent_fields_are_put_where_they_belong() {
    let text = check_set("machine.cpus", "2");
    assert!(text.contains("ram = \"256MiB\" # of which\ncpus = 2\n"), "{text}");
    let text = check_set("policy", "nonblock");
    assert!(text.contains("kernel = \"6.1\"\npolicy = \"nonblock\"\n\n[machine]"), "{text}");
    let text = check_set("task.0.program.0.thp", "true");
    assert!(text.contains("size = \"128MiB\", thp = true }, # first"), "{text}");
    let text = check_set("task.0.oom_score_adj", "-5");
    assert!(text.ends_with("]\noom_score_adj = -5\n"), "{text}");
    let text = set(TEXT, "machine.swap.size", "\"64MiB\"").expect("a table comes into being");
    assert_eq!(field(&text, "machine.swap.size").value.as_deref(), Some("64MiB"));
    let text = set(TEXT, "task.0.start.after", "\"x\"").expect("a table comes into being");
    assert_eq!(field(&text, "task.0.start.after").value.as_deref(), Some("x"));
    assert!(set(TEXT, "task.7.pid", "1").is_err());
}

#[test]
fn overrides_become_edits() {
    let sets = [("task.hog.oom_score_adj", "-17"), ("machine.ram", "1GiB")];
    let sets = sets.map(|(path, value)| (path.to_owned(), value.to_owned()));
    let text = overridden(TEXT, &sets).expect("there are such fields");
    assert!(text.contains("oom_score_adj = -17\n") && text.contains("ram = \"1GiB\" #"), "{text}");
    let one = parse("a", &text, &[]).map(|scenario| format!("{scenario:?}"));
    assert_eq!(one, parse("a", TEXT, &sets).map(|scenario| format!("{scenario:?}")));
    assert!(overridden(TEXT, &[("task.nobody.pid".to_owned(), "1".to_owned())]).is_err());
}

#[test]
fn drivers_of_the_program_have_sections() {
    let described = super::super::presets().filter(|preset| !preset_steps(preset).is_empty());
    assert!(described.count() > 5);
}

fn preset_steps(one: &super::super::Preset) -> Vec<Section> {
    let sections = super::preset(one.id);
    sections.into_iter().filter(|section| section.path.starts_with("driver.start.")).collect()
}

#[test]
fn fields_are_taken_out() {
    let text = remove(TEXT, "machine.ram").expect("it is there");
    assert!(text.contains("[machine]\n\n[[device]]"), "{text}");
    let text = remove(TEXT, "task.0.program.1.rate").expect("it is there");
    assert!(text.contains("{ touch = \"heap\" }"), "{text}");
    let text = remove(TEXT, "task.0.program.0").expect("it is there");
    assert_eq!(form(&text).map(|it| it.len()), form(TEXT).map(|it| it.len() - 1));
    let text = remove(TEXT, "device.0").expect("it is there");
    assert!(!text.contains("gpu0") && text.contains("[[task]]"), "{text}");
    assert_eq!(remove(TEXT, "policy").as_deref(), Ok(TEXT));
}

#[test]
fn lists_grow() {
    let lists = |text: &str| -> Vec<List> {
        form(text).expect("TOML").into_iter().flat_map(|section| section.lists).collect()
    };
    for list in lists(TEXT) {
        for (name, item) in &list.choices {
            let text = add(TEXT, &list.path, item)
                .unwrap_or_else(|error| panic!("{} {name}: {error}", list.path));
            let more = form(&text).unwrap_or_else(|| panic!("{} {name}: {text}", list.path)).len();
            let before = form(TEXT).expect("TOML").len();
            assert!(more > before, "{} {name}: {text}", list.path);
        }
    }
    let text = add(TEXT, "task.0.program", "{ exit = true }").expect("a list");
    let expected = "rate = \"60MiB/s\" },\n  { exit = true },\n]";
    assert!(text.contains(expected), "{text}");
}

/// What is added refers to what there is, so that the run goes on.
#[test]
fn what_is_added_is_sound() {
    let text = add(TEXT, "driver", "{ name = \"mine\" }").expect("a list");
    let text = format!("{text}\n[[lock]]\nname = \"m\"\nkind = \"mutex\"\n");
    let lists: Vec<List> =
        form(&text).expect("TOML").into_iter().flat_map(|section| section.lists).collect();
    for (path, names) in [
        ("driver.0.start", &["lock", "unlock", "fences", "work"][..]),
        (
            "task.0.program",
            &["touch", "munmap", "mlock", "register", "submit", "lock", "unlock", "kill"],
        ),
    ] {
        let list = lists.iter().find(|list| list.path == path).expect(path);
        for (name, item) in list.choices.iter().filter(|(name, _)| names.contains(name)) {
            let longer = add(&text, path, item).expect(name);
            let told = parse("x", &longer, &[]).err().unwrap_or_default();
            let unknown = told.iter().find(|it| it.problem.contains("unknown"));
            assert!(unknown.is_none(), "{path} {item}: {unknown:?}");
        }
    }
}

/// The choice of that name for the list at `path`, added.
fn grown(text: &str, path: &str, name: &str) -> String {
    let lists = form(text).expect("TOML").into_iter().flat_map(|section| section.lists);
    let list = lists.into_iter().find(|list| list.path == path).expect(path);
    let (_, item) = list.choices.iter().find(|(known, _)| *known == name).expect(name);
    add(text, path, item).expect(path)
}

/// It runs at once, whatever stands around it.
#[test]
fn thread_that_is_added_is_started_by_its_process() {
    let inline = grown(TEXT, "task.0.thread", "thread");
    let start = "program = [\n  { thread = \"new-name\" },\n  { mmap = \"heap\"";
    assert!(inline.contains(start), "{inline}");
    let bare = format!("{TEXT}\n[[task]]\nname = \"other\"\n");
    let empty = format!("{bare}program = []\n");
    let line = format!("{bare}program = [{{ exit = true }}]\n");
    let fence = find("gpu-fence-overlap").expect("it is there").text;
    let headers = find("capture-6-1-s3").expect("it is there").text;
    let task =
        headers.split("[[task.thread]]").next().expect("one").matches("[[task]]").count() - 1;
    let of_headers = format!("task.{task}.thread");
    for (text, path) in [
        (TEXT, "task.0.thread"),
        (&bare, "task.1.thread"),
        (&empty, "task.1.thread"),
        (&line, "task.1.thread"),
        (&bare, "task.0.thread"),
        (fence, "task.1.thread"),
        (headers, &of_headers),
    ] {
        // Once more, under another name; and it can use what its process has.
        let twice = grown(&grown(text, path, "thread"), path, "thread");
        assert!(twice.contains("\"new-name-2\""), "{twice}");
        parse("x", &twice, &[]).unwrap_or_else(|told| panic!("{}\n{twice}", told[0]));
        for line in text.lines().filter(|line| !line.starts_with("program = [")) {
            assert!(twice.contains(line), "{line} is as it was typed");
        }
    }
}

/// Regions are those of the task that is to use them.
#[test]
fn what_is_added_to_a_task_uses_what_it_has() {
    let fence = find("gpu-fence-overlap").expect("it is there").text;
    for (path, region) in [("task.0.program", "documents"), ("task.1.program", "heap")] {
        let text = grown(fence, path, "touch");
        assert!(text.contains(&format!("{{ touch = \"{region}\" }}")), "{text}");
        parse("x", &text, &[]).unwrap_or_else(|told| panic!("{}", told[0]));
    }
    let rings = grown(&grown(TEXT, "device.0.ring", "ring"), "device.0.ring", "ring");
    parse("x", &rings, &[]).unwrap_or_else(|told| panic!("{}", told[0]));
}

#[test]
fn distributions_have_parts() {
    for typed in [
        "4ms",
        "{ lognormal = { median = \"200ms\", p99 = \"5s\" } }",
        "{ uniform = { lo = \"1ms\", hi = \"2ms\" }, cap = \"3ms\" }",
        "{ constant = \"1ms\", cap = \"3ms\" }",
        "{ exponential = { mean = \"1ms\" } }",
    ] {
        let read = parts(typed).unwrap_or_else(|| panic!("{typed}"));
        assert_eq!(read.typed(), typed);
        for (shape, _) in SHAPE_TIMES {
            let other = read.shaped(shape);
            assert_eq!(parts(&other.typed()), Some(other));
        }
    }
    assert_eq!(parts("{ gamma = 1 }"), None);
}

#[test]
fn minimal_scenario_is_sound() {
    parse("minimal", super::super::MINIMAL, &[]).expect("it runs as it is");
    assert!(find("minimal").is_none());
}

#[test]
fn steps_change_places_and_comments_stay() {
    let text =
        "[[task]]\nname = \"a\"\nprogram = [\n  { sleep = \"1ms\" }, # first\n  \"exit\",\n]\n";
    let swapped = shift(text, "task.a.program.0", Toward::Back).expect("there is a next");
    let wanted = "  \"exit\", # first\n  { sleep = \"1ms\" },\n]\n";
    assert!(swapped.ends_with(wanted), "{swapped}");
    assert_eq!(shift(&swapped, "task.a.program.1", Toward::Front).as_deref(), Ok(text));
    for (path, toward) in [
        ("task.a.program.0", Toward::Front),
        ("task.a.program.1", Toward::Back),
        ("task.a", Toward::Front),
        ("task.0", Toward::Front),
        ("title", Toward::Back),
        ("nothing.there.1", Toward::Back),
    ] {
        assert!(shift(text, path, toward).is_err(), "{path}");
    }
}

#[test]
fn what_is_no_number_leaves_the_form_readable_and_is_shown_as_it_was_typed() {
    for typed in ["many", "", "4 8", "\"", "1e"] {
        let cpus = Input::Integer(1, 64);
        let text = set(TEXT, "machine.cpus", &literal(&cpus, typed)).expect("it can be set");
        let sections = form(&text).expect("it can be read");
        let fields = sections.iter().flat_map(|section| &section.fields);
        let field = fields.clone().find(|field| field.path == "machine.cpus").expect("there");
        assert_eq!(field.value.as_deref(), Some(typed));
        let problems = crate::scenario::parse("x", &text, &[]).expect_err("no number");
        assert!(problems[0].problem.contains("wrong type"), "{typed}: {}", problems[0]);
        let back = set(&text, "machine.cpus", &literal(&cpus, "2")).expect("it can be set");
        assert!(back.contains("cpus = 2"), "{back}");
    }
}

/// What is wrong at one place leaves the fields of all others as they are, and they can be set.
#[test]
fn form_goes_on_beside_what_is_no_toml() {
    let paths = |text: &str| -> Vec<String> {
        let sections = form(text).unwrap_or_else(|| panic!("no form of:\n{text}"));
        sections.into_iter().map(|section| section.path).collect()
    };
    let whole = paths(TEXT);
    for (good, bad) in [
        ("ram = \"256MiB\" # of which", "ram = "),
        ("ram = \"256MiB\" # of which", "ram = \"256MiB # of which"),
        ("ram = \"256MiB\" # of which", "ram"),
        ("ram = \"256MiB\" # of which", "ram = 256 MiB"),
        ("ram = \"256MiB\" # of which", "= \"256MiB\""),
        ("kernel = \"6.1\"", "kernel = 6.1.2"),
        ("driver = \"gpu-fence\"", "driver = gpu-fence"),
        ("size = \"128MiB\" }, # first", "size = 128 MiB }, # first"),
        ("size = \"128MiB\" }, # first", "size = }, # first"),
    ] {
        let text = TEXT.replace(good, bad);
        assert_ne!(text, TEXT);
        assert!(DeTable::parse(&text).is_err(), "{bad}");
        assert_eq!(paths(&text), whole, "{bad}");
        let changed = set(&text, "task.0.program.1.rate", "\"7MiB/s\"").expect(bad);
        assert_eq!(changed, text.replace("\"60MiB/s\"", "\"7MiB/s\""));
    }
}

/// A value whose bracket is open is not in the form, and all else of the file is, and can be set.
#[test]
fn form_goes_on_beside_an_open_bracket() {
    let paths = |text: &str| -> Vec<String> {
        let sections = form(text).unwrap_or_else(|| panic!("no form of:\n{text}"));
        sections.into_iter().map(|section| section.path).collect()
    };
    assert_eq!(unclosed(TEXT), None);
    let tail = "\n[[task]]\nname = \"other\"\nprogram = [{ exit = true }]\n";
    let whole = format!("{TEXT}{tail}");
    let program = whole.find("[\n").expect("a list");
    // The list's end is missing; or that of a table in it, as well.
    for (good, bad) in
        [("\"60MiB/s\" }\n]\n", "\"60MiB/s\" }\n"), ("\"60MiB/s\" }\n]\n", "\"60MiB/s\"\n")]
    {
        let text = whole.replace(good, bad);
        assert!(matches!(unclosed(&text), Some(open) if open >= program), "{text}");
        let told = paths(&text);
        assert!(!told.iter().any(|path| path.starts_with("task.0.program")), "{told:?}");
        assert!(told.iter().any(|path| path == "task.1.program.0"), "{told:?}");
        let changed = set(&text, "machine.ram", "\"512MiB\"").expect("it can be set");
        assert_eq!(changed, text.replace("256MiB", "512MiB"));
    }
    let first = format!("# ü\nkernels = [\n{TEXT}");
    assert_eq!(unclosed(&first), first.find('['));
    assert_eq!(paths(&first), paths(TEXT));
}

/// Each letter of a list or table is typed into its own field, and the text stays TOML.
#[test]
fn list_or_table_can_be_typed_letter_by_letter() {
    let typed = "[\"a\", \"b\"]";
    let mut text = set(TEXT, "device.0.driver", "[]").expect("it can be set");
    for end in 1..=typed.len() {
        let shown = field(&text, "device.0.driver");
        assert_eq!(shown.input, Input::Toml, "{text}");
        text = set(&text, &shown.path, &literal(&shown.input, &typed[..end])).expect("set");
        assert_eq!(field(&text, &shown.path).value.as_deref(), Some(&typed[..end]));
        assert!(DeTable::parse(&text).is_ok(), "{text}");
    }
    assert!(text.contains("driver = [\"a\", \"b\"]"), "{text}");
    let half = literal(&Input::Distribution, "{ fixed = ");
    assert!(DeValue::parse(&half).is_ok(), "{half}");
}

//! `lesson`.

use super::tool::{call, file, printed};

#[test]
fn lesson_that_holds_is_told_so() {
    let said = printed(&["lesson", "mmap-lock"]);
    assert!(said.starts_with("mmap-lock: “The lock around an address space” holds: "), "{said}");
}

#[test]
fn wrong_lesson_is_told_with_place_and_remedy() {
    let text = "# T\n@summary: s\n@scenario: d2-direct\n\n## S\nNever.\n@claim: verdict == recovered\n@clam: x\n";
    let path = file("wrong-lesson.md", text);
    let said = call(&["lesson", &path]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.err.contains(":8: there is no directive `@clam`: did you mean claim?"),
        "{}",
        said.err
    );
    let path = file("false-lesson.md", text.replace("@clam: x\n", ""));
    let said = call(&["lesson", &path]);
    assert!(
        said.err.contains(":7: `verdict == recovered` is not so: it is \"deadlock\""),
        "{}",
        said.err
    );
}

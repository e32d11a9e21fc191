//! Every lesson that comes with the program holds; what is wrong with
//! one is told with line and remedy.

use super::*;
use expect_test::expect;

#[test]
fn every_lesson_holds() {
    let mut wrong = Vec::new();
    for entry in ALL {
        let complaints = match parse(entry.text) {
            Ok(lesson) => {
                assert_eq!(lesson.title, entry.title());
                assert_eq!(lesson.summary, entry.summary());
                assert_eq!(lesson.steps.len(), entry.steps());
                assert!((4..=7).contains(&lesson.steps.len()), "{}: 4 to 7 steps", entry.id);
                assert!(lesson.steps.iter().any(|step| step.question.is_some()), "{}", entry.id);
                verify(&lesson)
            }
            Err(complaints) => complaints,
        };
        let line = |complaint| format!("docs/lessons/{}.md: {complaint}", entry.id);
        wrong.extend(complaints.into_iter().map(line));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn wrong_with(text: &str) -> String {
    let wrong = match parse(text) {
        Ok(lesson) => verify(&lesson),
        Err(complaints) => complaints,
    };
    let lines: Vec<String> = wrong.iter().map(|it| format!("{it}\n")).collect();
    lines.concat()
}

#[test]
fn false_claims_and_places_are_told() {
    let text = "# T\n@summary: s\n@scenario: gpu-fence-overlap\n\n## One of 40 MiB\n@cursor: give-up 2\n\
                @focus: hogg\nAll 10 times.\n@claim: verdict == recovered\n@claim: metrics.backoffs == 11\n\
                @claim: count back-off == 10\n@claim: with policy ignore: verdict == extra-victims\n\
                @claim: metrics.nothing == 1\n@claim: victim.editor.freed about 3MiB\n";
    expect![[r#"
        line 5: `give-up 2` never happens in the run: look somewhere else
        line 5: there is no lane `hogg`: there are oom_reaper, editor, hog, hog/stuck, presser, kswapd0, gpu0, oom_lock, mmap_lock of editor, mmap_lock of hog, mmap_lock of presser, CPU 0, CPU 1
        line 9: `verdict == recovered` is not so: it is "extra-victims": correct the claim and the text that states it
        line 10: `metrics.backoffs == 11` is not so: it is 10: correct the claim and the text that states it
        line 12: `with policy ignore: verdict == extra-victims` is not so: it is "recovered": correct the claim and the text that states it
        line 13: `metrics.nothing == 1` is not so: there is no metrics.nothing: see `run --format json`: correct the claim and the text that states it
        line 14: `victim.editor.freed about 3MiB` is not so: it is 42594304 bytes, 40.62 MiB: correct the claim and the text that states it
        line 5: the step states 40 without a claim: add a `@claim` that has 40 in it, or say it without
    "#]].assert_eq(&wrong_with(text));
}

#[test]
fn bad_lessons_are_told_where_and_what_to_do() {
    let text = "@scenario: gpu-fence-overlapp\ntoo early\n# T\n### no\n## One\n@curser: end\n@cursor: giveup\n\
                @cursor: blocked\n@zoom: all\n@seed: -1\n@claim: verdict is recovered\n@claim: speed == 3\n\
                @choice: a\n@question: *open\n@choice: a\n@choice: b\ntext\n@set: x\n@claim: with foo: verdict == x\n\
                [l](javascript:x)\n@reveal: now\n@reveal:\n@seed: 2\n## Two\n@summary: late\n```\n@claim: x\n";
    expect![[r"
        line 1: there is no scenario `gpu-fence-overlapp`: did you mean gpu-fence-overlap?
        line 1: the lesson has no summary: write `@summary: what it is about` below the title
        line 2: text before the first step: put it into a step, or into `@summary: …`
        line 4: a heading of another depth: a lesson has one `# Title`, and a `## Title` for each step
        line 5: the step has no scenario: write `@scenario: ID` here, or above the first step for all
        line 6: there is no directive `@curser`: did you mean cursor?
        line 7: nothing that happens is called `giveup`: did you mean give-up?
        line 8: `blocked` is a state, and of no lane: write `blocked of LANE`, such as `blocked of oom_reaper`
        line 9: `all` is no part of a run: write `whole`, or `kill - 50ms .. give-up + 50ms`
        line 10: `-1` is no seed: write 0 to 9007199254740991
        line 11: `verdict is recovered` compares nothing: put one of == != <= >= < > about contains lacks between two spaces
        line 12: `speed` is nothing that can be asked: ask for one of verdict, evidence, kernel, policy, events, end, victims, flags, reports, scenario, metrics.NAME, victim.TASK.NAME, time POINT, span POINT .. POINT, count NAME, state LANE, chain LANE, share VERDICT over A..B
        line 13: `@choice` belongs to no question: put it between `@question` and `@reveal:`
        line 14: `*` begins something that does not end: end it, or write \* for the sign
        line 14: the question has 2 choices, 0 of them right: write 2 to 6: one `@right: …`, the others `@choice: …`
        line 14: the question is never resolved: write `@reveal:` and what to read once it is answered
        line 17: text among the choices: put it before `@question`, or behind `@reveal:`
        line 18: `x` sets nothing: write `path = value`, such as `machine.cpus = 2`
        line 19: `foo` is nothing to run with: write policy ID (or own), kernel V, seed N, check ID, scenario ID or set path=value
        line 19: a link leads to `javascript:x`: write an address with https://, or #/v1/run?…
        line 20: text among the choices: put it before `@question`, or behind `@reveal:`
        line 21: `@reveal:` takes no value: write the text on the lines behind it
        line 23: `@seed` changes the run behind `@reveal:`: make it a step of its own
        line 24: the step has no scenario: write `@scenario: ID` here, or above the first step for all
        line 24: the step says nothing: write a paragraph
        line 25: `@summary` stands once, before the first step: remove this one
        line 26: a fence is not closed: end it with ```
    "]].assert_eq(&wrong_with(text));
    expect![[r"
        line 1: the lesson has no title: begin it with `# Title`
        line 1: the lesson has no summary: write `@summary: what it is about` below the title
        line 1: the lesson has 0 steps: write 1 to 32 headings `## Title`
    "]]
    .assert_eq(&wrong_with(""));
}

#[test]
fn hostile_text_never_panics() {
    let bytes: Vec<char> = "#@ \n`*[](:\\é- 10.ms".chars().collect();
    let mut state = 1_u64;
    for _ in 0..3000 {
        let mut text = String::from("# T\n## S\n@");
        for _ in 0..40 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            text.push(bytes[usize::try_from(state >> 33).unwrap_or(0) % bytes.len()]);
        }
        let _ = parse(&text);
    }
}

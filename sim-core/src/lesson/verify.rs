//! Holds a lesson to what the simulator does: every claim is evaluated,
//! every place it looks at must be there, and every number that it
//! states must stand in a claim or a directive of its step.

use super::facts::Facts;
use super::markup::{Inline, block_text};
use super::{Complaint, Lesson, Look, Question, Setting, Step, Zoom};

/// Runs what the steps run; says what is not so.
pub fn verify(lesson: &Lesson) -> Vec<Complaint> {
    let mut wrong = Vec::new();
    let mut runs = Runs::default();
    for step in &lesson.steps {
        match runs.of(&step.setting) {
            Ok(facts) => {
                let reveal = step.question.as_ref().map(|question| &question.look);
                for look in [Some(&step.look), reveal].into_iter().flatten() {
                    look_is_there(look, facts, step.line, &mut wrong);
                }
            }
            Err(text) => {
                let remedy = "change what the step runs".to_owned();
                wrong.push(Complaint { line: step.line, text, remedy });
                continue;
            }
        }
        check_claims(step, &mut runs, &mut wrong);
        check_numbers(step, &mut wrong);
    }
    wrong
}

/// Runs that were made, each once.
#[derive(Default)]
struct Runs {
    known: Vec<(Setting, Facts)>,
}

impl Runs {
    fn of(&mut self, setting: &Setting) -> Result<&Facts, String> {
        let known = self.known.iter().position(|(known, _)| known == setting);
        let place = if let Some(place) = known {
            place
        } else {
            self.known.push((setting.clone(), Facts::of(setting)?));
            self.known.len() - 1
        };
        Ok(&self.known[place].1)
    }
}

fn look_is_there(look: &Look, facts: &Facts, line: usize, wrong: &mut Vec<Complaint>) {
    let stage = facts.stage();
    let zoom = match &look.zoom {
        Some(Zoom::Between(from, to)) => vec![from, to],
        _ => Vec::new(),
    };
    for point in look.cursor.iter().chain(zoom) {
        if point.find(&stage).is_none() {
            let text = format!("`{point}` never happens in the run");
            wrong.push(Complaint { line, text, remedy: "look somewhere else".to_owned() });
        }
    }
    let is_lane = |title: &String| facts.lanes.iter().any(|lane| lane.title == *title);
    if let Some(title) = look.focus.as_ref().filter(|title| !is_lane(title)) {
        let titles: Vec<&str> = facts.lanes.iter().map(|lane| lane.title.as_str()).collect();
        let text = format!("there is no lane `{title}`");
        let remedy = format!("there are {}", titles.join(", "));
        wrong.push(Complaint { line, text, remedy });
    }
}

fn check_claims(step: &Step, runs: &mut Runs, wrong: &mut Vec<Complaint>) {
    for claim in &step.claims {
        let setting = claim.setting(&step.setting);
        let checked = match claim.seeds() {
            Some(seeds) => {
                let verdict = |seed| {
                    let seeded = Setting { seed: Some(seed), ..setting.clone() };
                    Facts::of(&seeded).map(|facts| facts.report.verdict)
                };
                let verdicts: Result<Vec<_>, _> = seeds.map(verdict).collect();
                verdicts.and_then(|verdicts| claim.check_share(&verdicts))
            }
            None => runs
                .of(&setting)
                .and_then(|facts| claim.check(facts, setting.scenario_text().unwrap_or_default())),
        };
        if let Err(found) = checked {
            let text = format!("`{}` is not so: {found}", claim.text);
            let remedy = "correct the claim and the text that states it".to_owned();
            wrong.push(Complaint { line: claim.line, text, remedy });
        }
    }
}

fn check_numbers(step: &Step, wrong: &mut Vec<Complaint>) {
    let mut known: Vec<String> = Vec::new();
    for claim in &step.claims {
        known.extend(numbers(&claim.text));
    }
    let Setting { scenario, seed, kernel, policies, checks, sets } = &step.setting;
    known.extend(seed.map(|seed| seed.to_string()));
    let names = [scenario].into_iter().chain(kernel).chain(policies).chain(checks);
    known.extend(names.flat_map(|name| numbers(name)));
    known.extend(sets.iter().flat_map(|(path, value)| numbers(&format!("{path} {value}"))));
    for text in texts(step) {
        for number in numbers(&text) {
            if !known.contains(&number) {
                let text = format!("the step states {number} without a claim");
                let remedy = format!("add a `@claim` that has {number} in it, or say it without");
                wrong.push(Complaint { line: step.line, text, remedy });
            }
        }
    }
}

/// All that the step says is so: a wrong choice isn't.
fn texts(step: &Step) -> Vec<String> {
    let run = |inlines: &[Inline]| inlines.iter().map(Inline::text).collect::<String>();
    let mut texts = vec![step.title.clone()];
    texts.extend(step.body.iter().map(block_text));
    if let Some(Question { text, choices, reveal, .. }) = &step.question {
        texts.push(run(text));
        texts.extend(choices.iter().filter(|choice| choice.right).map(|choice| run(&choice.text)));
        texts.extend(reveal.iter().map(block_text));
    }
    texts
}

/// The numbers in a text; digits that belong to a name are none.
fn numbers(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut before = ' ';
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let begins = letter.is_ascii_digit() && !before.is_alphanumeric() && !"_-".contains(before);
        let length = if begins {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            // `0..64` are two.
            let number = rest[..end].split("..").next().unwrap_or_default().trim_end_matches('.');
            found.push(number.to_owned());
            number.len()
        } else {
            letter.len_utf8()
        };
        before = rest[..length].chars().next_back().unwrap_or(' ');
        rest = &rest[length..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn digits_of_names_are_no_numbers() {
        let text = "After 10 of them gpu0 (d2-direct) frees 73.2 MiB in 100ms, by 6.1, 0..64.";
        assert_eq!(numbers(text), ["10", "73.2", "100", "6.1", "0", "64"]);
    }
}

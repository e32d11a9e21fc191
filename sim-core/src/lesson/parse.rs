//! Reads a lesson: headings, directives (`@key: value`) and text.
//!
//! Goes on after an error, so that one reading tells all of them. The
//! form is described in `docs/src/write-a-lesson.md`.

use super::claim::Claim;
use super::markup::{blocks, complaint, inlines};
use super::point::Point;
use super::{Choice, Complaint, LESSON_SIZE_MAX, Lesson, Look, Question, Setting, Step, Zoom};
use crate::scenario::gallery;
use crate::scenario::names::{checkers, policies, profiles};
use crate::scenario::suggestion;
use crate::share::SEED_MAX;

/// Most steps of a lesson, and most choices of a question.
const STEPS_MAX: usize = 32;
const CHOICES_MAX: usize = 6;

const KEYS: [&str; 15] = [
    "summary", "scenario", "seed", "kernel", "policy", "check", "set", "cursor", "zoom", "focus",
    "question", "choice", "right", "reveal", "claim",
];

/// Reads a lesson.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(text: &str) -> Result<Lesson, Vec<Complaint>> {
    if text.len() > LESSON_SIZE_MAX {
        let text = format!("the lesson has {} bytes", text.len());
        return Err(vec![complaint(1, &text, &format!("write at most {LESSON_SIZE_MAX}"))]);
    }
    let mut reader = Reader::default();
    let mut fenced = false;
    for (place, line) in text.lines().enumerate() {
        let number = place + 1;
        fenced ^= line.starts_with("```");
        match line {
            _ if fenced => reader.prose(number, line),
            _ if line.starts_with("## ") => reader.step(number, line[3..].trim()),
            _ if line.starts_with("# ") => reader.title(number, line[2..].trim()),
            _ if line.starts_with('#') => {
                let remedy = "a lesson has one `# Title`, and a `## Title` for each step";
                reader.wrong.push(complaint(number, "a heading of another depth", remedy));
            }
            _ => match line.strip_prefix('@') {
                Some(directive) => reader.directive(number, directive),
                None => reader.prose(number, line),
            },
        }
    }
    reader.finish()
}

/// A step as far as it was read.
struct Draft<'t> {
    step: Step,
    body: Vec<&'t str>,
    body_line: usize,
    question: Option<(usize, Question)>,
    reveal: Option<Vec<&'t str>>,
    reveal_line: usize,
}

#[derive(Default)]
struct Reader<'t> {
    title: Option<String>,
    summary: Option<String>,
    setting: Setting,
    drafts: Vec<Draft<'t>>,
    wrong: Vec<Complaint>,
}

impl<'t> Reader<'t> {
    fn title(&mut self, line: usize, title: &str) {
        if self.title.replace(title.to_owned()).is_some() || !self.drafts.is_empty() {
            self.wrong.push(complaint(line, "a second title", "begin a step with `## Title`"));
        }
    }

    fn step(&mut self, line: usize, title: &str) {
        self.drafts.push(Draft {
            step: Step {
                title: title.to_owned(),
                line,
                setting: self.setting.clone(),
                look: Look::default(),
                body: Vec::new(),
                question: None,
                claims: Vec::new(),
            },
            body: Vec::new(),
            body_line: line + 1,
            question: None,
            reveal: None,
            reveal_line: line,
        });
    }

    fn prose(&mut self, line: usize, text: &'t str) {
        let Some(draft) = self.drafts.last_mut() else {
            if !text.trim().is_empty() {
                let remedy = "put it into a step, or into `@summary: …`";
                self.wrong.push(complaint(line, "text before the first step", remedy));
            }
            return;
        };
        if draft.question.is_some() && draft.reveal.is_none() && !text.trim().is_empty() {
            let remedy = "put it before `@question`, or behind `@reveal:`";
            self.wrong.push(complaint(line, "text among the choices", remedy));
        }
        let part = draft.reveal.as_mut().unwrap_or(&mut draft.body);
        part.push(text);
    }

    fn directive(&mut self, line: usize, text: &str) {
        let Some((key, value)) = text.split_once(':') else {
            let found = format!("`@{text}` has no colon");
            self.wrong.push(complaint(line, &found, "a directive is `@key: value`"));
            return;
        };
        let (key, value) = (key.trim(), value.trim());
        if !KEYS.contains(&key) {
            let found = format!("there is no directive `@{key}`");
            self.wrong.push(complaint(line, &found, &suggestion(key, &KEYS)));
            return;
        }
        if value.is_empty() != (key == "reveal") {
            let (found, remedy) = if key == "reveal" {
                ("`@reveal:` takes no value", "write the text on the lines behind it")
            } else {
                ("the directive has no value", "write it behind the colon")
            };
            self.wrong.push(complaint(line, found, remedy));
            return;
        }
        // A directive ends a paragraph.
        if let Some(draft) = self.drafts.last_mut() {
            draft.reveal.as_mut().unwrap_or(&mut draft.body).push("");
        }
        if let Err((found, remedy)) = self.take(line, key, value) {
            self.wrong.push(Complaint { line, text: found, remedy });
        }
    }

    fn take(&mut self, line: usize, key: &str, value: &str) -> Result<(), (String, String)> {
        match key {
            "summary" => self.take_summary(value),
            "scenario" | "seed" | "kernel" | "policy" | "check" | "set" => {
                if self.drafts.last().is_some_and(|draft| draft.reveal.is_some()) {
                    let text = format!("`@{key}` changes the run behind `@reveal:`");
                    return Err((text, "make it a step of its own".to_owned()));
                }
                let setting = match self.drafts.last_mut() {
                    Some(draft) => &mut draft.step.setting,
                    None => &mut self.setting,
                };
                take_setting(setting, key, value)
            }
            _ => {
                let Some(draft) = self.drafts.last_mut() else {
                    let text = format!("`@{key}` before the first step");
                    return Err((text, "put it below a `## Title`".to_owned()));
                };
                draft.take(line, key, value, &mut self.wrong)
            }
        }
    }

    fn take_summary(&mut self, value: &str) -> Result<(), (String, String)> {
        if !self.drafts.is_empty() || self.summary.replace(value.to_owned()).is_some() {
            let text = "`@summary` stands once, before the first step".to_owned();
            return Err((text, "remove this one".to_owned()));
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Lesson, Vec<Complaint>> {
        if self.title.is_none() {
            self.wrong.push(complaint(1, "the lesson has no title", "begin it with `# Title`"));
        }
        if self.summary.is_none() {
            let remedy = "write `@summary: what it is about` below the title";
            self.wrong.push(complaint(1, "the lesson has no summary", remedy));
        }
        if self.drafts.is_empty() || self.drafts.len() > STEPS_MAX {
            let text = format!("the lesson has {} steps", self.drafts.len());
            let remedy = format!("write 1 to {STEPS_MAX} headings `## Title`");
            self.wrong.push(complaint(1, &text, &remedy));
        }
        let mut steps = Vec::new();
        for draft in self.drafts {
            steps.push(draft.finish(&mut self.wrong));
        }
        if !self.wrong.is_empty() {
            self.wrong.sort_by_key(|complaint| complaint.line);
            return Err(self.wrong);
        }
        let (title, summary) = (self.title.unwrap_or_default(), self.summary.unwrap_or_default());
        Ok(Lesson { title, summary, steps })
    }
}

impl Draft<'_> {
    /// Where the step looks, as far as it was read.
    fn look(&mut self) -> &mut Look {
        match (&self.reveal, &mut self.question) {
            (Some(_), Some((_, question))) => &mut question.look,
            _ => &mut self.step.look,
        }
    }

    fn take(
        &mut self,
        line: usize,
        key: &str,
        value: &str,
        wrong: &mut Vec<Complaint>,
    ) -> Result<(), (String, String)> {
        let twice = || (format!("a second `@{key}`"), "remove one of the two".to_owned());
        match key {
            "cursor" => {
                let point = Point::parse(value)?;
                self.look().cursor.replace(point).map_or(Ok(()), |_| Err(twice()))
            }
            "zoom" => {
                let zoom = zoom(value)?;
                self.look().zoom.replace(zoom).map_or(Ok(()), |_| Err(twice()))
            }
            "focus" => {
                let focus = value.to_owned();
                self.look().focus.replace(focus).map_or(Ok(()), |_| Err(twice()))
            }
            "claim" => {
                let mut look = self.step.look.clone();
                if let (Some(_), Some((_, question))) = (&self.reveal, &self.question) {
                    look.cursor = question.look.cursor.clone().or(look.cursor);
                }
                self.step.claims.push(Claim::parse(line, value, look)?);
                Ok(())
            }
            "question" => {
                let question = Question {
                    text: inlines(value, line, wrong),
                    choices: Vec::new(),
                    look: Look::default(),
                    reveal: Vec::new(),
                };
                self.question.replace((line, question)).map_or(Ok(()), |_| Err(twice()))
            }
            "choice" | "right" => {
                let Some((_, question)) = self.question.as_mut().filter(|_| self.reveal.is_none())
                else {
                    let text = format!("`@{key}` belongs to no question");
                    return Err((text, "put it between `@question` and `@reveal:`".to_owned()));
                };
                let text = inlines(value, line, wrong);
                question.choices.push(Choice { text, right: key == "right" });
                Ok(())
            }
            _ => {
                if self.question.is_none() || self.reveal.is_some() {
                    let text = "`@reveal:` belongs to no question".to_owned();
                    return Err((text, "put it behind `@question` and its choices".to_owned()));
                }
                self.reveal = Some(Vec::new());
                self.reveal_line = line + 1;
                Ok(())
            }
        }
    }

    fn finish(self, wrong: &mut Vec<Complaint>) -> Step {
        let Draft { mut step, body, body_line, question, reveal, reveal_line } = self;
        if step.setting.scenario.is_empty() {
            let remedy = "write `@scenario: ID` here, or above the first step for all";
            wrong.push(complaint(step.line, "the step has no scenario", remedy));
        }
        step.body = blocks(&body, body_line, wrong);
        if step.body.is_empty() {
            wrong.push(complaint(step.line, "the step says nothing", "write a paragraph"));
        }
        if let Some((line, mut question)) = question {
            let count = question.choices.len();
            let right = question.choices.iter().filter(|choice| choice.right).count();
            if !(2..=CHOICES_MAX).contains(&count) || right != 1 {
                let text = format!("the question has {count} choices, {right} of them right");
                let remedy =
                    format!("write 2 to {CHOICES_MAX}: one `@right: …`, the others `@choice: …`");
                wrong.push(complaint(line, &text, &remedy));
            }
            question.reveal = blocks(&reveal.unwrap_or_default(), reveal_line, wrong);
            if question.reveal.is_empty() {
                let remedy = "write `@reveal:` and what to read once it is answered";
                wrong.push(complaint(line, "the question is never resolved", remedy));
            }
            step.question = Some(question);
        }
        step
    }
}

fn zoom(value: &str) -> Result<Zoom, (String, String)> {
    if value == "whole" {
        return Ok(Zoom::Whole);
    }
    let (from, to) = value.split_once(" .. ").ok_or_else(|| {
        let text = format!("`{value}` is no part of a run");
        (text, "write `whole`, or `kill - 50ms .. give-up + 50ms`".to_owned())
    })?;
    Ok(Zoom::Between(Point::parse(from)?, Point::parse(to)?))
}

fn take_setting(setting: &mut Setting, key: &str, value: &str) -> Result<(), (String, String)> {
    let known = |value: &str, names: &[&str], what: &str| {
        if names.contains(&value) {
            Ok(value.to_owned())
        } else {
            Err((format!("there is no {what} `{value}`"), suggestion(value, names)))
        }
    };
    let list = |names: Vec<&str>, what: &str| {
        value.split(',').map(|item| known(item.trim(), &names, what)).collect::<Result<Vec<_>, _>>()
    };
    match key {
        "scenario" => {
            let ids: Vec<&str> = gallery::gallery().iter().map(|entry| entry.id).collect();
            setting.scenario = known(value, &ids, "scenario")?;
            setting.sets.clear();
        }
        "seed" => {
            let seed = value.parse().ok().filter(|seed| *seed <= SEED_MAX);
            let wrong = || (format!("`{value}` is no seed"), format!("write 0 to {SEED_MAX}"));
            setting.seed = Some(seed.ok_or_else(wrong)?);
        }
        "kernel" => setting.kernel = Some(known(value, &profiles(), "kernel")?),
        "policy" => setting.policies = list(policies(), "policy")?,
        "check" => setting.checks = list(checkers(), "checker")?,
        _ => {
            let wrong = || {
                let remedy = "write `path = value`, such as `machine.cpus = 2`".to_owned();
                (format!("`{value}` sets nothing"), remedy)
            };
            let (path, value) = value.split_once('=').ok_or_else(wrong)?;
            setting.sets.push((path.trim().to_owned(), value.trim().to_owned()));
        }
    }
    Ok(())
}

//! The scenario being edited: pure parts. What is wrong where, what was
//! kept on this machine, what a driver does as a picture. The text itself
//! is read and changed by the simulator's own reader
//! ([`sim_core::scenario::form`]).

pub mod drafts;
pub mod sketch;

use sim_core::scenario::form::Field;
use sim_core::scenario::{Diagnostic, form, parse};
use sim_core::share::ScenarioRef;

use crate::texts;

/// Id of a run of a text, as of a link's.
const TEXT_ID: &str = "link";

/// What a scenario calls itself.
pub fn title_of(text: &str) -> String {
    let sections = form::form(text).unwrap_or_default();
    let title = sections.first().and_then(|file| file.fields.iter().find(|it| it.name == "title"));
    title.and_then(|title| title.value.clone()).unwrap_or_else(|| "untitled".to_owned())
}

/// What is wrong with a text, in its order.
pub fn problems(text: &str) -> Vec<Diagnostic> {
    let mut problems = parse(TEXT_ID, text, &[]).err().unwrap_or_default();
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems
}

/// The text of a scenario with the overrides of a link written into it,
/// and what could not be.
pub fn opened(scenario: &ScenarioRef, sets: &[(String, String)]) -> (String, Option<String>) {
    let text = match scenario {
        ScenarioRef::Inline(text) => text.clone(),
        ScenarioRef::ById(id) => {
            texts::scenario(id).map(|entry| entry.text.to_owned()).unwrap_or_default()
        }
    };
    match form::overridden(&text, sets) {
        Ok(text) => (text, None),
        Err(problem) => (text, Some(problem)),
    }
}

/// What to run for a text: a scenario of the gallery, if it is one.
pub fn scenario_of(text: &str) -> ScenarioRef {
    let known = texts::scenarios().iter().find(|entry| entry.text == text);
    match known {
        Some(entry) => ScenarioRef::ById(entry.id.to_owned()),
        None => ScenarioRef::Inline(text.to_owned()),
    }
}

/// Line and column of a byte, from 1, as complaints count.
pub fn place_of(text: &str, at: usize) -> (u32, u32) {
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line as u32, column as u32)
}

/// The UTF-16 offset of a line and column, as fields count.
pub fn offset_of(text: &str, line: u32, column: u32) -> u32 {
    let mut offset = 0;
    for (number, content) in text.split('\n').enumerate() {
        if number + 1 == line as usize {
            let letters = content.chars().take(column as usize - 1);
            return offset + letters.map(|letter| letter.len_utf16() as u32).sum::<u32>();
        }
        offset += content.encode_utf16().count() as u32 + 1;
    }
    offset
}

/// What is wrong with the value of a field.
pub fn problem_of<'p>(
    text: &str,
    field: &Field,
    problems: &'p [Diagnostic],
) -> Option<&'p Diagnostic> {
    let span = field.span.clone()?;
    let (from, to) = (place_of(text, span.start), place_of(text, span.end));
    problems.iter().find(|problem| {
        let at = (problem.line, problem.column);
        from <= at && at < to.max((from.0, from.1 + 1))
    })
}

/// A quantity in its parts: number and unit, if it has that form.
pub fn split_unit(typed: &str) -> Option<(&str, &str)> {
    let typed = typed.trim();
    let end = typed.find(|letter: char| !letter.is_ascii_digit() && letter != '.')?;
    let (number, unit) = typed.split_at(end);
    (!number.is_empty()).then(|| (number, unit.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_are_told_at_their_place() {
        let text = "schema = 1\ntitle = \"x\"\nkernel = \"9.9\"\n";
        let problems = problems(text);
        let first = problems.iter().find(|problem| problem.line == 3).unwrap();
        assert_eq!((first.line, first.column), (3, 10));
        assert!(first.told().contains("unknown kernel profile"), "{}", first.told());
        let offset = offset_of(text, 3, 10) as usize;
        assert_eq!(place_of(text, offset), (3, 10));
        let sections = form::form(text).unwrap();
        let kernel = sections[0].fields.iter().find(|field| field.name == "kernel").unwrap();
        assert_eq!(problem_of(text, kernel, &problems), Some(first));
        let title = sections[0].fields.iter().find(|field| field.name == "title").unwrap();
        assert_eq!(problem_of(text, title, &problems), None);
    }

    #[test]
    fn link_overrides_show_as_edits() {
        let scenario = ScenarioRef::ById("gpu-fence-overlap".to_owned());
        let sets = [("task.hog.oom_score_adj".to_owned(), "-17".to_owned())];
        let (text, problem) = opened(&scenario, &sets);
        assert_eq!(problem, None);
        assert!(text.contains("oom_score_adj = -17"), "{text}");
        assert!(matches!(scenario_of(&text), ScenarioRef::Inline(_)));
        assert_eq!(scenario_of(&opened(&scenario, &[]).0), scenario);
    }

    #[test]
    fn quantities_have_a_number_and_a_unit() {
        assert_eq!(split_unit("12.5ms"), Some(("12.5", "ms")));
        assert_eq!(split_unit("60 MiB/s"), Some(("60", "MiB/s")));
        assert_eq!(split_unit("max"), None);
        assert_eq!(split_unit("12"), None);
    }
}

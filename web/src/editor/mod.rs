//! The scenario being edited: pure parts. What is wrong where, what was
//! kept on this machine, what can be undone, what a driver does as a picture. The text itself
//! is read and changed by the simulator's own reader
//! ([`sim_core::scenario::form`]).

pub mod drafts;
pub mod past;
pub mod sketch;

use std::ops::Range;

use sim_core::scenario::form::{Field, Section};
use sim_core::scenario::{Diagnostic, form, parse};
use sim_core::share::ScenarioRef;

use crate::texts;
use crate::words::t;

/// Id of a run of a text, as of a link's.
const TEXT_ID: &str = "link";

/// What a scenario calls itself.
pub fn title_of(text: &str) -> String {
    let sections = form::form(text).unwrap_or_default();
    let title = sections.first().and_then(|file| file.fields.iter().find(|it| it.name == "title"));
    title.and_then(|title| title.value.clone()).unwrap_or_else(|| t!("untitled").to_owned())
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

/// The UTF-16 offset of a byte.
pub fn utf16_of(text: &str, at: usize) -> u32 {
    text.get(..at).unwrap_or(text).encode_utf16().count() as u32
}

/// Whether a complaint is about what stands at `span`.
fn is_about(text: &str, span: &Range<usize>, problem: &Diagnostic) -> bool {
    let (from, to) = (place_of(text, span.start), place_of(text, span.end));
    let at = (problem.line, problem.column);
    from <= at && at < to.max((from.0, from.1 + 1))
}

/// What is wrong with the value of a field.
pub fn problem_of<'p>(
    text: &str,
    field: &Field,
    problems: &'p [Diagnostic],
) -> Option<&'p Diagnostic> {
    let span = field.span.as_ref()?;
    problems.iter().find(|problem| is_about(text, span, problem))
}

/// Complaints that no field shows, each with the section that it is about: the smallest that its
/// place is in, or the last one to begin before it.
pub fn problems_of_sections<'p>(
    text: &str,
    sections: &[Section],
    problems: &'p [Diagnostic],
) -> Vec<(usize, &'p Diagnostic)> {
    let has_field = |problem: &Diagnostic| {
        let fields = sections.iter().flat_map(|section| &section.fields);
        fields.filter_map(|it| it.span.as_ref()).any(|span| is_about(text, span, problem))
    };
    let section_of = |problem: &Diagnostic| {
        let start = |index: &usize| sections[*index].span.start;
        let within = |index: &usize| is_about(text, &sections[*index].span, problem);
        let before = |index: &usize| {
            let section = &sections[*index];
            let at = (problem.line, problem.column);
            section.depth <= 1 && place_of(text, section.span.start) <= at
        };
        let all = || 0..sections.len();
        all().filter(within).max_by_key(start).or_else(|| all().filter(before).max_by_key(start))
    };
    let unplaced = problems.iter().filter(|problem| !has_field(problem));
    unplaced.filter_map(|problem| Some((section_of(problem)?, problem))).collect()
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
    fn what_no_field_shows_is_told_at_its_section() {
        let text = "schema = 1\ntitle = \"x\"\n\n[machine]\nram = 256 MiB\ncpuz = 2\n\n[[task]]\nname = \"a\"\n\
                    program = [\n  { mmap = \"heap\", size = \"1MiB\", sise = 2 },\n  { tuch = \"heap\" },\n]\n";
        let told = |text: &str| -> Vec<(String, u32)> {
            let sections = form::form(text).unwrap();
            let found = problems(text);
            let of = problems_of_sections(text, &sections, &found);
            let mut told: Vec<_> =
                of.into_iter().map(|(index, it)| (sections[index].path.clone(), it.line)).collect();
            told.dedup();
            told
        };
        let broken = told(text);
        let ram = form::form(text).unwrap();
        let ram = ram.iter().flat_map(|it| &it.fields).find(|it| it.name == "ram").unwrap();
        let is_at_field = problem_of(text, ram, &problems(text)).is_some();
        assert!(is_at_field || broken == [("machine".to_owned(), 5)], "{broken:?}");
        let sound = text.replace("256 MiB", "\"256MiB\"");
        let expected = [("", 1), ("machine", 6), ("task.0.program.0", 11), ("task.0", 12)];
        let expected = expected.map(|(path, line)| (path.to_owned(), line));
        assert_eq!(told(&sound), expected);
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

//! `lesson`: checks lessons as the project's own tests check theirs, so
//! that who writes one needs nothing else.

use std::fs;
use std::path::Path;

use sim_core::lesson::{Complaint, find, parse, verify};

use crate::error::Error;
use crate::output;

/// Says of each lesson that it holds, or all that is wrong with it.
pub(crate) fn run(lessons: &[String]) -> Result<(), Error> {
    let mut wrong = Vec::new();
    let mut held = Vec::new();
    for name in lessons {
        let parsed = if Path::new(name).extension().is_some() {
            let failed = |error| Error::Io { doing: format!("reading {name}"), error };
            parse(&fs::read_to_string(name).map_err(failed)?)
        } else {
            find(name)
        };
        let complaints = match parsed {
            Ok(lesson) => {
                let claims: usize = lesson.steps.iter().map(|step| step.claims.len()).sum();
                let counted = |count: usize, what| {
                    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
                };
                let (steps, claims) =
                    (counted(lesson.steps.len(), "step"), counted(claims, "claim"));
                let title = &lesson.title;
                held.push(format!("{name}: “{title}” holds: {steps}, {claims}\n"));
                verify(&lesson)
            }
            Err(complaints) => complaints,
        };
        let told = |Complaint { line, text, remedy }| format!("{name}:{line}: {text}: {remedy}");
        wrong.extend(complaints.into_iter().map(told));
    }
    if wrong.is_empty() { output::write(&held.concat(), None) } else { Err(Error::BadInput(wrong)) }
}

//! Undo and redo of a scenario's text, whether it was typed or changed in
//! the form: the browser forgets what it could undo in a field as soon as
//! a program writes there. Steps are kept as what stands where, not as texts.

use std::ops::Range;

/// Steps kept.
const STEPS_MAX: usize = 500;

/// One change: at this byte, what was there became what is there now.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Step {
    at: usize,
    was: String,
    now: String,
}

/// What was, and what was undone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Past {
    done: Vec<Step>,
    undone: Vec<Step>,
    /// Whether the next letter may belong to the last step.
    goes_on: bool,
}

/// A text and what in it was just brought back, in bytes.
pub type Put = (String, Range<usize>);

impl Past {
    pub fn can_undo(&self) -> bool {
        !self.done.is_empty()
    }

    pub fn can_redo(&self) -> bool {
        !self.undone.is_empty()
    }

    /// Remembers that one text became another.
    pub fn changed(&mut self, before: &str, after: &str) {
        if before == after {
            return;
        }
        let step = difference(before, after);
        self.undone.clear();
        let last = self.done.last_mut().filter(|_| self.goes_on);
        self.goes_on = true;
        if last.is_some_and(|last| join(last, &step)) {
            return;
        }
        self.done.push(step);
        if self.done.len() > STEPS_MAX {
            self.done.remove(0);
        }
    }

    /// The text before the last step.
    pub fn undo(&mut self, text: &str) -> Option<Put> {
        let step = self.done.pop()?;
        let put = replaced(text, step.at, &step.now, &step.was);
        self.moved(put, step, false)
    }

    /// The text after the step that was undone last.
    pub fn redo(&mut self, text: &str) -> Option<Put> {
        let step = self.undone.pop()?;
        let put = replaced(text, step.at, &step.was, &step.now);
        self.moved(put, step, true)
    }

    /// Steps of another text are of no use.
    fn moved(&mut self, put: Option<Put>, step: Step, is_done: bool) -> Option<Put> {
        self.goes_on = false;
        if put.is_none() {
            *self = Self::default();
        } else if is_done {
            self.done.push(step);
        } else {
            self.undone.push(step);
        }
        put
    }
}

/// The smallest change that makes one text of another.
fn difference(before: &str, after: &str) -> Step {
    let same = |(one, other): &(char, char)| one == other;
    let length = |(letter, _): (char, char)| letter.len_utf8();
    let head: usize = before.chars().zip(after.chars()).take_while(same).map(length).sum();
    let (was, now) = (&before[head..], &after[head..]);
    let tail: usize = was.chars().rev().zip(now.chars().rev()).take_while(same).map(length).sum();
    let kept = |text: &str| text[..text.len() - tail].to_owned();
    Step { at: head, was: kept(was), now: kept(now) }
}

/// Takes a letter into the step before it, if it goes on where that ended; words are steps.
fn join(last: &mut Step, step: &Step) -> bool {
    let is_letter = |text: &str| text.chars().count() == 1;
    let begins_word = |letter: &str| {
        letter.starts_with('\n')
            || letter.starts_with(char::is_whitespace) && !last.now.ends_with(char::is_whitespace)
    };
    let typed = step.was.is_empty() && is_letter(&step.now) && !last.now.is_empty();
    if typed && step.at == last.at + last.now.len() && !begins_word(&step.now) {
        last.now.push_str(&step.now);
        return true;
    }
    let taken = step.now.is_empty() && is_letter(&step.was) && last.now.is_empty();
    if taken && step.at + step.was.len() == last.at {
        last.at = step.at;
        last.was.insert_str(0, &step.was);
        return true;
    }
    if taken && step.at == last.at {
        last.was.push_str(&step.was);
        return true;
    }
    false
}

/// The text with what stands at a place replaced, if it stands there.
fn replaced(text: &str, at: usize, there: &str, instead: &str) -> Option<Put> {
    let rest = text.get(at..)?.strip_prefix(there)?;
    Some((format!("{}{instead}{rest}", &text[..at]), at..at + instead.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goes through texts, and remembers each.
    fn written(texts: &[&str]) -> Past {
        let mut past = Past::default();
        for pair in texts.windows(2) {
            past.changed(pair[0], pair[1]);
        }
        past
    }

    /// All texts that undo leads to, then all that redo does.
    fn walk(past: &mut Past, from: &str) -> (Vec<String>, Vec<String>) {
        let mut text = from.to_owned();
        let mut back = Vec::new();
        while let Some((before, _)) = past.undo(&text) {
            back.push(before.clone());
            text = before;
        }
        let mut forth = Vec::new();
        while let Some((after, _)) = past.redo(&text) {
            forth.push(after.clone());
            text = after;
        }
        (back, forth)
    }

    #[test]
    fn what_was_removed_comes_back_and_goes_again() {
        let whole = "a = 1\n[[task]]\nname = \"ü\"\n\n[[task]]\nname = \"ö\"\n";
        let less = "a = 1\n\n[[task]]\nname = \"ö\"\n";
        let mut past = written(&[whole, less]);
        let (text, place) = past.undo(less).unwrap();
        assert_eq!(text, whole);
        assert!(text[place].contains('ü'));
        assert!(!past.can_undo() && past.can_redo());
        assert_eq!(past.redo(&text).unwrap().0, less);
    }

    #[test]
    fn letters_join_to_words_and_a_pause_by_undo_ends_one() {
        let texts = ["", "a", "ab", "ab ", "ab  ", "ab  c", "ab  cd", "ab  cd\n", "ab  cd\ne"];
        let mut past = written(&texts);
        let (back, forth) = walk(&mut past, "ab  cd\ne");
        assert_eq!(back, ["ab  cd", "ab", ""]);
        assert_eq!(forth, ["ab", "ab  cd", "ab  cd\ne"]);
        past.undo("ab  cd\ne").unwrap();
        past.changed("ab  cd", "ab  cdx");
        assert!(!past.can_redo());
        assert_eq!(past.undo("ab  cdx").unwrap().0, "ab  cd");
    }

    #[test]
    fn letters_taken_away_on_either_side_are_one_step() {
        let mut past = written(&["abcdef", "abdef", "adef", "aef"]);
        assert_eq!(walk(&mut past, "aef").0, ["abcdef"]);
        let mut apart = written(&["abcdef", "bcdef", "bcde"]);
        assert_eq!(walk(&mut apart, "bcde").0, ["bcdef", "abcdef"]);
    }

    #[test]
    fn steps_of_another_text_are_dropped() {
        let mut past = written(&["one", "two"]);
        assert_eq!(past.undo("three"), None);
        assert_eq!(past, Past::default());
        assert_eq!(past.undo("two"), None);
    }

    #[test]
    fn old_steps_go_first() {
        let texts: Vec<String> = (0..600).map(|number| format!("{number}!")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut past = written(&texts);
        let (back, forth) = walk(&mut past, "599!");
        assert_eq!((back.len(), back.last().unwrap().as_str()), (STEPS_MAX, "99!"));
        assert_eq!(forth.last().unwrap(), "599!");
    }
}

//! What is left of a packed file whose end is missing: its whole lines. Unpacking
//! is the shells' part. Leaves out files with damage before their end: what stands
//! behind that is not to be had, and what stands before it can't be told from it.

use super::{Note, NoteKind};

/// Leaves the torn last line out of what could be unpacked; the note that
/// says so, or `None` if no line is whole.
pub fn cut_off(name: &str, unpacked: &mut Vec<u8>) -> Option<Note> {
    let end = unpacked.iter().rposition(|byte| *byte == b'\n')?;
    unpacked.truncate(end + 1);
    let lines = unpacked.split(|byte| *byte == b'\n').count() - 1;
    let text = format!("what followed line {lines} of {name}: the packed file is cut off there");
    Some(Note { kind: NoteKind::Ignored, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_lines_are_left() {
        let mut unpacked = b"one\ntwo\nthr".to_vec();
        let note = cut_off("a.gz", &mut unpacked).expect("two lines");
        assert_eq!(unpacked, b"one\ntwo\n");
        assert!(note.text.contains("line 2 of a.gz"), "{}", note.text);
        assert_eq!(cut_off("a.gz", &mut b"one".to_vec()), None);
    }
}

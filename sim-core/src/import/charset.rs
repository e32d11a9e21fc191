//! The text of a file, whatever its bytes are: UTF-8, or UTF-16 as `PowerShell`'s `>` writes it. Packed
//! files are the shells' to unpack.

/// Why bytes are no text.
#[derive(Copy, Clone, Eq, PartialEq, Debug, thiserror::Error)]
pub enum NoText {
    /// They are trace-cmd's own file.
    #[error(
        "is a trace.dat, which only trace-cmd reads; expected its text: `trace-cmd report -i FILE > trace.txt`"
    )]
    TraceDat,
    /// They are something else.
    #[error("is no text; expected ftrace text or a kernel log, also packed by gzip")]
    Unknown,
}

/// How the files of trace-cmd begin (trace-cmd.dat(5)).
const TRACE_DAT: &[u8] = b"\x17\x08\x44tracing";

/// What is not of its character set is replaced; fails if it is no text at all.
pub fn text_of_bytes(bytes: &[u8]) -> Result<String, NoText> {
    if bytes.starts_with(TRACE_DAT) {
        return Err(NoText::TraceDat);
    }
    text(bytes).ok_or(NoText::Unknown)
}

fn text(bytes: &[u8]) -> Option<String> {
    let (little, big) = (u16::from_le_bytes, u16::from_be_bytes);
    let from: fn([u8; 2]) -> u16 = match bytes {
        [0xff, 0xfe, ..] => little,
        [0xfe, 0xff, ..] => big,
        _ => match zeros(bytes) {
            (0, 0) => {
                let text = String::from_utf8_lossy(bytes);
                return Some(text.trim_start_matches('\u{feff}').to_owned());
            }
            // A log is ASCII for the most part, of which UTF-16 makes every other byte zero.
            (even, odd) if odd > 8 * even => little,
            (even, odd) if even > 8 * odd => big,
            _ => return beside_zeros(bytes),
        },
    };
    let units = bytes.chunks_exact(2).map(|pair| from([pair[0], pair[1]]));
    let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    Some(text.skip_while(|c| *c == '\u{feff}').collect())
}

/// What a write that a crash cut off leaves in a log: lines, and blocks of zeros between them.
/// `None` if the rest is no text either.
fn beside_zeros(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let parts: Vec<&str> = text.split('\0').filter(|part| !part.is_empty()).collect();
    let text = parts.join("\n");
    let is_strange = |c: &char| match c {
        '\n' | '\r' | '\t' | '\u{1b}' => false,
        c => c.is_control() || *c == char::REPLACEMENT_CHARACTER,
    };
    let strange = text.chars().filter(is_strange).count();
    (!text.is_empty() && strange * 50 <= text.chars().count()).then_some(text)
}

/// Zero bytes at even and at odd places of the beginning.
fn zeros(bytes: &[u8]) -> (usize, usize) {
    let start = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let zero = |parity: usize| {
        start.iter().enumerate().filter(|(at, byte)| at % 2 == parity && **byte == 0).count()
    };
    (zero(0), zero(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn character_sets_are_told_apart() {
        let wide = |order: fn(u16) -> [u8; 2], text: &str| -> Vec<u8> {
            text.encode_utf16().flat_map(order).collect()
        };
        for (bytes, expected) in [
            (b"a\n".to_vec(), Some("a\n")),
            ("\u{feff}a".as_bytes().to_vec(), Some("a")),
            (b"a\xffb".to_vec(), Some("a\u{fffd}b")),
            (wide(u16::to_le_bytes, "\u{feff}Mem-Info: \u{e9}"), Some("Mem-Info: \u{e9}")),
            (wide(u16::to_be_bytes, "\u{feff}Mem"), Some("Mem")),
            (wide(u16::to_le_bytes, "Mem-Info:"), Some("Mem-Info:")),
            (wide(u16::to_be_bytes, "Mem-Info:"), Some("Mem-Info:")),
            (b"\x89PNG\0\0\0\0IHDR".to_vec(), None),
            (b"one\n\0\0\0\0\0two\n".to_vec(), Some("one\n\ntwo\n")),
            (vec![0; 64], None),
            (Vec::new(), Some("")),
            (b"\x17\x08\x44tracing6\0".to_vec(), None),
        ] {
            assert_eq!(text_of_bytes(&bytes).ok().as_deref(), expected, "{bytes:?}");
        }
        let told = |bytes: &[u8]| text_of_bytes(bytes).map_err(|why| why.to_string());
        assert!(told(b"\x17\x08\x44tracing7\0").is_err_and(|why| why.contains("trace-cmd report")));
        assert!(told(&[0; 64]).is_err_and(|why| why.starts_with("is no text")));
    }
}

//! QR codes of links, as an SVG path in units of modules. Pure.

use std::fmt::Write as _;

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around a code, as its standard asks for.
pub const MARGIN: i32 = 4;

/// Side in modules, margin included, and the path of the dark ones.
pub struct Code {
    pub side: i32,
    pub path: String,
}

/// The code of a link, if whoever sees it can open that: not of a fragment alone. Where it is too
/// long for one, of as much as says the same run without its marks.
pub fn of_link(link: &str) -> Option<Code> {
    if !link.contains("://") {
        return None;
    }
    code(link).or_else(|| {
        let unmarked: Vec<&str> =
            link.split('&').filter(|part| !part.starts_with("marks=")).collect();
        code(&unmarked.join("&"))
    })
}

/// The code of a text; `None` if it is too long for one.
pub fn code(text: &str) -> Option<Code> {
    let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
    let mut path = String::new();
    for y in 0..code.size() {
        let mut x = 0;
        while x < code.size() {
            let run = (x..code.size()).take_while(|x| code.get_module(*x, y)).count() as i32;
            if run > 0 {
                let (left, top) = (x + MARGIN, y + MARGIN);
                // Writing to a String cannot fail.
                let _ = write!(path, "M{left} {top}h{run}v1h-{run}z");
            }
            x += run.max(1);
        }
    }
    Some(Code { side: code.size() + 2 * MARGIN, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_have_codes_and_books_have_none() {
        let small = code("https://example.org/#/v1/run?scenario=gpu-fence-overlap").unwrap();
        // Its three corners begin with a row of seven.
        assert!(small.path.starts_with(&format!("M{MARGIN} {MARGIN}h7v1h-7z")), "{}", small.path);
        assert!((21 + 2 * MARGIN..60).contains(&small.side));
        assert!(of_link("https://example.org/#/v1/run?scenario=x").is_some());
        assert!(of_link("#/v1/run?scenario=x").is_none() && of_link("").is_none());
        let long = format!("https://example.org/#/v1/run?z={}", "x".repeat(2850));
        assert!(of_link(&long).is_some());
        let marked = format!("{long}&marks={}&embed=1", "a".repeat(108));
        assert!(code(&marked).is_none() && of_link(&marked).is_some());
        assert!(code(&"x".repeat(2900)).is_some());
        assert!(code(&"x".repeat(3000)).is_none());
    }
}

//! Pictures as pixels, for where no SVG may stand: slides, mail, chat.
//!
//! The picture is the SVG's, in its light colors, at twice its size. Letters are drawn with fonts
//! that are part of this program, and with no others: what is drawn does not depend on what a
//! machine has, and a machine without fonts draws it too. Leaves out scripts that DejaVu has no
//! letters for, such as Chinese: a title in one shows boxes.

use std::io;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree};

use crate::error::Error;

/// Pixels per unit of the SVG.
const SCALE: f32 = 2.0;
/// Families of the fonts that come with the program.
const SANS: &str = "DejaVu Sans";
/// See `SANS`.
const MONO: &str = "DejaVu Sans Mono";

/// An SVG as PNG.
pub(crate) fn png(svg: &str) -> Result<Vec<u8>, Error> {
    let drawn = drawn(svg).and_then(|pixels| pixels.encode_png().map_err(|e| e.to_string()));
    drawn.map_err(|error| Error::Io {
        doing: "drawing the picture".to_owned(),
        error: io::Error::other(error),
    })
}

fn drawn(svg: &str) -> Result<Pixmap, String> {
    let mut options = Options { font_family: SANS.to_owned(), ..Options::default() };
    let fonts = options.fontdb_mut();
    for font in [dejavu::sans::regular(), dejavu::sans::bold(), dejavu::sans_mono::regular()] {
        fonts.load_font_data(font.to_vec());
    }
    fonts.set_sans_serif_family(SANS);
    fonts.set_monospace_family(MONO);
    let tree = Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let size = tree.size().to_int_size().scale_by(SCALE);
    let mut pixels =
        size.and_then(|size| Pixmap::new(size.width(), size.height())).ok_or("it is too large")?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    Ok(pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(letter: char, style: &str) -> Vec<u8> {
        let svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='24' height='24'>\
             <text x='2' y='18' style='font:{style} system-ui,sans-serif'>{letter}</text></svg>"
        );
        drawn(&svg).expect("a picture").take()
    }

    /// Whatever the timeline writes is there as itself, not as the box of a letter that is missing.
    #[test]
    fn letters_of_the_timeline_are_all_there() {
        let missing = letter('\u{4e00}', "14px");
        for wanted in "aZ09µ%…→–−×·✕▾▸↷⊘✓■◂•".chars() {
            let there = letter(wanted, "14px");
            assert!(there.iter().any(|byte| *byte != 0), "{wanted} is blank");
            assert!(there != missing, "{wanted} is missing");
        }
        assert_ne!(letter('a', "14px"), letter('a', "600 14px"), "bold is another font");
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        assert!(png("<svg").is_err());
    }
}

//! The little of SVG that is written again and again.

use std::fmt::{self, Write as _};

use crate::export::document::escape;

/// Half pixels as pixels.
pub(super) fn half(halves: u64) -> String {
    let whole = halves / 2;
    if halves.is_multiple_of(2) { whole.to_string() } else { format!("{whole}.5") }
}

/// A line of text.
pub(super) fn text(out: &mut String, x: u64, y: u64, class: &str, text: &str) -> fmt::Result {
    let text = escape(text);
    writeln!(out, "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{text}</text>")
}

/// A line of text that ends there.
pub(super) fn text_end(out: &mut String, x: u64, y: u64, class: &str, text: &str) -> fmt::Result {
    let text = escape(text);
    writeln!(out, "<text class=\"{class} end\" x=\"{x}\" y=\"{y}\">{text}</text>")
}

/// A link, to be read and copied.
pub(super) fn link(out: &mut String, x: u64, y: u64, link: &str) -> fmt::Result {
    let shown: String = link.chars().take(LINK_SHOWN).collect();
    let dots = if shown.len() < link.len() { "…" } else { "" };
    let (whole, shown) = (escape(link), escape(&shown));
    writeln!(
        out,
        "<text class=\"link\" x=\"{x}\" y=\"{y}\"><title>{whole}</title>{shown}{dots}</text>"
    )
}

/// Characters of a link that fit on a line; the whole stands in its title.
const LINK_SHOWN: usize = 180;

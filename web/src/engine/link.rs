//! Links, and what is wrong with one, in sentences of the page.

use sim_core::share::{self, Link, LinkError};

/// Reads a link, and what is wrong with those parts of it that its run can do
/// without; why it can't be read is said as a sentence.
pub fn decode_link(text: &str) -> Result<(Link, Vec<LinkError>), String> {
    share::read(&format!("#{text}")).map_err(|errors| link_problems(&errors))
}

/// What is wrong with a link, a sentence a line.
pub fn link_problems(errors: &[LinkError]) -> String {
    let sentences = share::problems(errors).into_iter().map(|line| sentence(&line));
    sentences.collect::<Vec<_>>().join("\n")
}

/// With a capital and a stop.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase()).into_iter();
    let stop = (!text.ends_with('?')).then_some('.');
    first.chain(letters).chain(stop).collect()
}

/// Writes a link as a fragment, with `#`.
pub fn encode_link(link: &Link) -> String {
    share::encode(link)
}

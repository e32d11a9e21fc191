//! Where a link of an older model comes out as it did: on the page of that model, if this host keeps it
//! beside this page, and else from the source's tag.
//!
//! The build says in the head which are kept (`cargo xtask dist --models`), so that nobody has to ask.
//! Leaves out whether a run came out otherwise.

use yew::prelude::*;

use crate::dom;
use crate::route::{Route, fragment};

/// What is offered for a link of this model.
#[inline(never)]
pub fn replay(model: u32, route: &Route) -> Html {
    if !is_kept(&dom::meta("models"), model) {
        return html! {
            <span>{ "To replay the link, build the page from the source's tag " }<code>{ format!("model-{model}") }</code>{ "." }</span>
        };
    }
    let page = format!("model/{model}/{}", fragment(route));
    html! {
        <a href={page} title="The page as it was then, with the link's view and notes">{ format!("Replay it with model {model}") }</a>
    }
}

/// Whether a page is among those that are kept: numbers, with spaces.
fn is_kept(models: &str, model: u32) -> bool {
    models.split_whitespace().any(|kept| kept.parse() == Ok(model))
}

#[cfg(test)]
mod tests {
    use super::is_kept;

    #[test]
    fn page_is_kept_if_its_whole_number_is_named() {
        for (models, expected) in [("7 8", true), ("8", true), ("", false), ("18 80", false)] {
            assert_eq!(is_kept(models, 8), expected, "{models}");
        }
    }
}

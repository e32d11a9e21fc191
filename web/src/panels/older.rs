//! Where a link of an older model comes out as it did: on the page of that model, if this host keeps it
//! below this page, and else from the source's tag.
//!
//! The build says in the head which are kept (`cargo xtask dist --models`), so that nobody has to ask.
//! Leaves out whether a run came out otherwise.

use yew::prelude::*;

use crate::dom;
use crate::route::{Route, fragment};
use crate::words::t;

/// What is offered for a link of this model.
#[inline(never)]
pub fn replay(model: u32, route: &Route) -> Html {
    let models = dom::meta("models");
    let Some(page) = kept(&models, model) else {
        return html! {
            <span>{ t!("To replay the link, build the page from the source's tag ") }<code translate="no">{ format!("model-{model}") }</code>{ "." }</span>
        };
    };
    let page = format!("{page}{}", fragment(route));
    html! {
        <a href={page} title={t!("The page as it was then, with the link's view and notes")}>{ t!("Replay it with model {model}", model) }</a>
    }
}

/// The page of a model among those that are kept: addresses that end in `N/`, with spaces.
fn kept(models: &str, model: u32) -> Option<&str> {
    let number = model.to_string();
    models.split_whitespace().find(|page| page.split('/').nth_back(1) == Some(&number))
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn page_is_kept_if_its_whole_number_is_named() {
        for (models, expected) in [
            ("model/7/ model/8/", Some("model/8/")),
            ("../8/ ../9/", Some("../8/")),
            ("", None),
            ("model/18/ model/80/", None),
        ] {
            assert_eq!(kept(models, 8), expected, "{models}");
        }
    }
}

//! The text of a lesson as elements.

use sim_core::lesson::{Block, Inline};
use yew::prelude::*;

pub(super) fn blocks(blocks: &[Block]) -> Html {
    let block = |block: &Block| match block {
        Block::Paragraph(run) => html! { <p>{ inlines(run) }</p> },
        Block::List(items) => html! {
            <ul class="bullets">{ for items.iter().map(|item| html! { <li>{ inlines(item) }</li> }) }</ul>
        },
        Block::Code(text) => html! { <pre>{ text }</pre> },
    };
    html! { <>{ for blocks.iter().map(block) }</> }
}

pub(super) fn inlines(run: &[Inline]) -> Html {
    let inline = |inline: &Inline| match inline {
        Inline::Text(text) => html! { text },
        Inline::Emphasis(text) => html! { <em>{ text }</em> },
        Inline::Strong(text) => html! { <strong>{ text }</strong> },
        Inline::Code(text) => html! { <code>{ text }</code> },
        // `#…` would be looked up from `<base>`.
        Inline::Link { text, to } if to.starts_with('#') => {
            html! { <a href={crate::address::address_of(to)}>{ text }</a> }
        }
        Inline::Link { text, to } => {
            html! { <a href={to.clone()} target="_blank" rel="noopener noreferrer">{ text }</a> }
        }
    };
    html! { <>{ for run.iter().map(inline) }</> }
}

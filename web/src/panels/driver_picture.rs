//! A driver's callback as a picture: what it takes and waits for, in
//! order, in a call that may sleep and in one that must not.

use yew::prelude::*;

use crate::editor::sketch::{Kind, Sketch, Step};
use crate::words::t;

/// Sizes in the units of the drawing.
const WIDTH: usize = 640;
const BOX_WIDTH: usize = 300;
const BOX_HEIGHT: usize = 30;
const GAP: usize = 14;
const HEAD: usize = 26;
/// Letters that fit into a box; the full text is in its title.
const LETTERS_MAX: usize = 44;

/// The picture.
pub fn picture(name: &str, sketch: &Sketch) -> Html {
    let most = sketch.may_sleep.len().max(sketch.must_not.len()).max(1);
    let height = HEAD + most * (BOX_HEIGHT + GAP);
    let columns = [
        (t!("a call that may sleep"), &sketch.may_sleep),
        (t!("one that must not"), &sketch.must_not),
    ];
    let told = columns.map(|(title, steps)| {
        let steps: Vec<&str> = steps.iter().map(|step| step.text.as_str()).collect();
        let steps =
            if steps.is_empty() { t!("nothing").to_owned() } else { steps.join(t!(", then ")) };
        t!("In {title}: {steps}.", title, steps)
    });
    let drawn = columns.into_iter().enumerate().map(|(index, (title, steps))| {
        let left = index * (WIDTH - BOX_WIDTH);
        html! {
            <g>
                <text class="head" x={(left + BOX_WIDTH / 2).to_string()} y="16" text-anchor="middle">{ title }</text>
                { for steps.iter().enumerate().map(|(place, step)| one(left, place, step, place + 1 < steps.len())) }
            </g>
        }
    });
    html! {
        <figure class="driver-picture" tabindex="0">
            <figcaption>{ t!("What the callback of {name} does", name) }</figcaption>
            <svg viewBox={format!("0 0 {WIDTH} {height}")} role="img" aria-label={told.join(" ")}>{ for drawn }</svg>
        </figure>
    }
}

fn one(left: usize, place: usize, step: &Step, has_next: bool) -> Html {
    let top = HEAD + place * (BOX_HEIGHT + GAP);
    let (class, glyph) = match step.kind {
        Kind::Lock => ("lock", "▣"),
        Kind::Wait => ("wait", "◷"),
        Kind::Work => ("work", "▸"),
        Kind::Alloc => ("alloc", "＋"),
        Kind::Refuse => ("refuse", "⊘"),
        Kind::Wrong => ("wrong", "⚠"),
    };
    let middle = left + BOX_WIDTH / 2;
    let (from, to) = (top + BOX_HEIGHT, top + BOX_HEIGHT + GAP);
    let mut text: String = step.text.chars().take(LETTERS_MAX).collect();
    if text.len() < step.text.len() {
        text.push('…');
    }
    html! {
        <g class={class}>
            <title>{ step.text.clone() }</title>
            <rect x={(left + 1).to_string()} y={top.to_string()} width={(BOX_WIDTH - 2).to_string()} height={BOX_HEIGHT.to_string()} rx="5" />
            <text x={(left + 10).to_string()} y={(top + 20).to_string()}>{ format!("{glyph} {text}") }</text>
            { for has_next.then(|| html! { <path class="next" d={format!("M{middle} {from}V{to}m-4 -5l4 5l4 -5")} /> }) }
        </g>
    }
}

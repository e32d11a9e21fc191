//! The panel beside the timeline: the list of lessons, or one of them.

use sim_core::lesson::Question;
use yew::prelude::*;

use super::text::{blocks, inlines};
use super::{Answer, Course, Entry, Learn, Lessons, Progress, after};
use crate::panels::icon::{Icon, drawing};
use crate::state::Action;
use crate::texts;
use crate::ui::{Ui, on_escape, use_ui};
use crate::words::t;

/// The offer of the tour, which never insists.
pub fn tour_offer(ui: &Ui, learn: &Learn) -> Html {
    if !learn.offers_tour {
        return Html::default();
    }
    let take = ui.on(|_: MouseEvent| Action::Learn(Lessons::Open("tour", 0)));
    let decline = ui.on(|_: MouseEvent| Action::Learn(Lessons::DeclineTour));
    html! {
        <section class="offer" aria-label={t!("Tour")}>
            <p>{ t!("New here? A tour of two minutes shows what you see and how to move in it.") }</p>
            <button type="button" class="primary" onclick={take}>{ t!("Take the tour") }</button>
            <button type="button" onclick={decline}>{ t!("No, thanks") }</button>
        </section>
    }
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub learn: Learn,
}

#[component]
pub fn LearnPanel(props: &Props) -> Html {
    let ui = use_ui();
    let Learn { shown, course, progress, .. } = &props.learn;
    if !shown {
        return Html::default();
    }
    let close = ui.on(|_: MouseEvent| Action::Learn(Lessons::Toggle));
    let escape = on_escape(&ui, || Action::Learn(Lessons::Toggle));
    let list = ui.on(|_: MouseEvent| Action::Learn(Lessons::List));
    let title =
        course.as_ref().map_or(t!("Learn"), |course| course.lesson.title.as_str()).to_owned();
    html! {
        <aside class="learn" aria-labelledby="learn-title" onkeydown={escape}>
            <header>
                <h2 id="learn-title" tabindex="-1" translate={course.as_ref().map(|_| "no")}>{ title }</h2>
                { for course.as_ref().map(|_| html! {
                    <button type="button" onclick={list}>{ t!("All lessons") }</button>
                }) }
                <button type="button" onclick={close} aria-label={t!("Close the lessons")}>{ drawing(Icon::Close) }</button>
            </header>
            { match course {
                Some(course) => lesson_at(&ui, course),
                None => lessons(&ui, progress),
            } }
        </aside>
    }
}

fn lessons(ui: &Ui, progress: &Progress) -> Html {
    let item = |entry: &'static Entry| {
        let (seen, steps) = (progress.get(entry.id).copied().unwrap_or(0), entry.steps());
        let open = if seen < steps { seen } else { 0 };
        let onclick = ui.on(move |_: MouseEvent| Action::Learn(Lessons::Open(entry.id, open)));
        let told = match seen {
            0 => String::new(),
            seen if seen >= steps => t!("read").to_owned(),
            seen => t!("{seen} of {steps} steps", seen, steps),
        };
        html! {
            <li><button type="button" class="link" translate="no" {onclick}>{ entry.title() }</button>
                <span class="progress">{ told }</span>
                <p translate="no">{ entry.summary() }</p></li>
        }
    };
    let (tour, rest) = texts::lessons().split_at(1);
    html! {
        <div class="learn-body" tabindex="0">
            <ul class="lessons">{ for tour.iter().map(item) }</ul>
            <ol class="lessons numbered">{ for rest.iter().map(item) }</ol>
            <p class="small">{ t!("Each step shows its moment in the timeline, and some ask you to guess first. All of it is \
                run by the simulator as you read. What you have read is kept in this browser only.") }</p>
        </div>
    }
}

fn lesson_at(ui: &Ui, course: &Course) -> Html {
    let (step, place, count) = (course.present(), course.step, course.lesson.steps.len());
    let tab = |index: usize| {
        let onclick = ui.on(move |_: MouseEvent| Action::Learn(Lessons::GoTo(index)));
        let title = t!(
            "Step {number}: {title}",
            number = index + 1,
            title = course.lesson.steps[index].title
        );
        html! {
            <li><button type="button" {onclick} aria-current={(index == place).then_some("step")}
                aria-label={title.clone()} {title}>{ index + 1 }</button></li>
        }
    };
    let back = ui.on(move |_: MouseEvent| Action::Learn(Lessons::GoTo(place.saturating_sub(1))));
    let next = ui.on(move |_: MouseEvent| Action::Learn(Lessons::GoTo(place + 1)));
    let is_last = place + 1 == count;
    let following = course.id.filter(|_| is_last).and_then(after);
    html! {
        <>
            <nav aria-label={t!("Steps")}><ol class="steps">{ for (0..count).map(tab) }</ol></nav>
            <div class="learn-body" tabindex="0" aria-live="polite" translate="no">
                <h3 id="learn-step" tabindex="-1">{ &step.title }</h3>
                { blocks(&step.body) }
                if let Some(question) = &step.question { { asked(ui, question, course.answer) } }
            </div>
            <footer>
                <button type="button" onclick={back} disabled={place == 0}>{ t!("Back") }</button>
                <span>{ t!("{step} of {count}", step = place + 1, count) }</span>
                { match following {
                    Some(entry) => {
                        let go = ui.on(move |_: MouseEvent| Action::Learn(Lessons::Open(entry.id, 0)));
                        html! { <button type="button" class="primary" onclick={go} title={t!("Next lesson: {title}", title = entry.title())}>{ t!("Next lesson") }</button> }
                    }
                    None => html! {
                        <button type="button" class="primary" onclick={next} disabled={is_last}>{ t!("Next") }</button>
                    },
                } }
            </footer>
        </>
    }
}

fn asked(ui: &Ui, question: &Question, answer: Answer) -> Html {
    let open = answer == Answer::NotYet;
    let right = question.choices.iter().position(|choice| choice.right);
    let choice = |index: usize| {
        let choice = &question.choices[index];
        let answered = Answer::Chosen(index);
        let onclick = ui.on(move |_: MouseEvent| Action::Learn(Lessons::Answer(answered)));
        let mark = match (open, choice.right, answer == answered) {
            (false, true, _) => "✓ ",
            (false, false, true) => "✗ ",
            _ => "",
        };
        let class = classes!(
            "choice",
            (!open && choice.right).then_some("right"),
            (!open && !choice.right && answer == answered).then_some("wrong")
        );
        html! {
            <li><button type="button" {class} {onclick} disabled={!open}>
                { mark }<span translate="no">{ inlines(&choice.text) }</span></button></li>
        }
    };
    let told = match answer {
        Answer::NotYet => "",
        Answer::Skipped => t!("So it is:"),
        Answer::Chosen(index) if Some(index) == right => t!("Right."),
        Answer::Chosen(_) => t!("Not so."),
    };
    let skip = ui.on(|_: MouseEvent| Action::Learn(Lessons::Answer(Answer::Skipped)));
    html! {
        <section class="question" translate="yes" aria-label={t!("Your guess")}>
            <p class="asked" translate="no">{ inlines(&question.text) }</p>
            <ul>{ for (0..question.choices.len()).map(choice) }</ul>
            { for open.then(|| html! {
                <button type="button" class="link" onclick={skip}>{ t!("Just show me") }</button>
            }) }
            { for (!open).then(|| html! {
                <div class="reveal" id="reveal" tabindex="-1" translate="no"><p translate="yes"><strong>{ told }</strong></p>{ blocks(&question.reveal) }</div>
            }) }
        </section>
    }
}

//! The scenario as a form. Each field writes its value into the text at
//! its place and leaves the rest alone.

use sim_core::scenario::Diagnostic;
use sim_core::scenario::form::{self, Field, Input, List, Parts, SHAPE_TIMES, Section, Toward};
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlInputElement, HtmlSelectElement};
use yew::prelude::*;

use super::chooser::Chooser;
use super::driver_picture::picture;
use super::editor::go_to;
use super::icon::{Icon, drawing, icon_button};
use crate::dom;
use crate::editor::sketch::sketch;
use crate::editor::{place_of, problem_of, problems_of_sections, split_unit};
use crate::words::{aside, t, tn};

/// Id of the form.
pub const FORM_ID: &str = "editor-form";

#[derive(Properties, PartialEq)]
pub struct Props {
    pub text: String,
    pub sections: Vec<Section>,
    /// Whether the form is that of the text; else of an older one.
    pub readable: bool,
    pub problems: Vec<Diagnostic>,
    pub onedit: Callback<String>,
}

/// What every part of the form needs.
struct Sheet<'p> {
    props: &'p Props,
    /// What no field shows, by section.
    unplaced: Vec<(usize, &'p Diagnostic)>,
    /// The bracket that is left open, if one is: the group that it is in is not to be edited.
    open: Option<usize>,
}

#[component]
pub fn FormView(props: &Props) -> Html {
    let unplaced = problems_of_sections(&props.text, &props.sections, &props.problems);
    let sheet = Sheet { props, unplaced, open: form::unclosed(&props.text) };
    // Sections of the top, each with what is in it.
    let mut groups: Vec<Vec<&Section>> = Vec::new();
    for section in &props.sections {
        match groups.last_mut() {
            Some(group) if section.depth > 1 => group.push(section),
            _ => groups.push(vec![section]),
        }
    }
    let begins_before = |group: &Vec<&Section>, open| group[0].span.start <= open;
    let broken = sheet.open.and_then(|open| groups.iter().rposition(|it| begins_before(it, open)));
    html! {
        <div class={classes!("editor-form", (!props.readable).then_some("stale"))} id={FORM_ID} tabindex="-1" role="group" aria-label={t!("Scenario as a form")}>
            if !props.readable {
                <p class="blocked" role="status">{ t!("Too much of the text is no TOML; the form goes on when it is.") }</p>
            }
            <fieldset class="plain" disabled={!props.readable}>
                { for groups.iter().enumerate().map(|(index, group)| sheet.group(group, broken == Some(index))) }
            </fieldset>
        </div>
    }
}

impl Sheet<'_> {
    fn group(&self, group: &[&Section], is_broken: bool) -> Html {
        let Some((first, rest)) = group.split_first() else {
            return Html::default();
        };
        html! {
            <details key={first.path.clone()} open={first.depth == 0 || group.len() < 8 || is_broken}>
                <summary><span translate="no">{ first.title.clone() }</span>{ self.count(group) }</summary>
                { for self.open.filter(|_| is_broken).map(|open| self.blocked(open)) }
                <fieldset class="plain" disabled={is_broken}>
                    { self.section(first) }
                    { self.driver(first) }
                    { for rest.iter().map(|section| html! {
                        <div key={section.path.clone()} class={format!("part depth-{}", section.depth.min(4))}>
                            <h3><span translate="no">{ section.title.clone() }</span>{ self.movers(section) }{ self.remover(section) }</h3>
                            { self.section(section) }
                        </div>
                    }) }
                </fieldset>
            </details>
        }
    }

    /// Why this part of the form rests, and the way to what is to be closed.
    fn blocked(&self, open: usize) -> Html {
        let text = &self.props.text;
        let (line, column) = place_of(text, open);
        html! {
            <p class="blocked" role="status">
                { t!("The bracket in line {line}, column {column} is never closed, so there is no telling what belongs to it. This part goes on when it is closed. ", line, column) }
                <button type="button" onclick={go_to(text, line, column, 1)}>{ t!("Go to line {line}", line) }</button>
            </p>
        }
    }

    /// Complaints about a section that none of its fields shows.
    fn problems_in(&self, section: &Section) -> impl Iterator<Item = &Diagnostic> {
        let place = self.props.sections.iter().position(|it| std::ptr::eq(it, section));
        let of = move |(index, _): &&(usize, &Diagnostic)| Some(*index) == place;
        self.unplaced.iter().filter(of).map(|(_, problem)| *problem)
    }

    /// How much is wrong in a group, which may be folded.
    fn count(&self, group: &[&Section]) -> Html {
        let (text, problems) = (&self.props.text, &self.props.problems);
        let of_fields = group.iter().flat_map(|it| &it.fields);
        let of_fields = of_fields.filter_map(|field| problem_of(text, field, problems)).count();
        match of_fields + group.iter().flat_map(|it| self.problems_in(it)).count() {
            0 => Html::default(),
            more => {
                html! { <span class="flaws">{ tn!(more, " · 1 problem", " · {more} problems", more) }</span> }
            }
        }
    }

    /// What the driver of a device, or one of the file's own, does.
    fn driver(&self, section: &Section) -> Html {
        let field = if section.path.starts_with("device.") {
            "driver"
        } else if section.path.starts_with("driver.") {
            "name"
        } else {
            return Html::default();
        };
        let found =
            section.fields.iter().find(|it| it.name == field).and_then(|it| it.value.clone());
        let Some(name) = found else {
            return Html::default();
        };
        sketch(&self.props.sections, &name).map_or_else(Html::default, |it| picture(&name, &it))
    }

    fn section(&self, section: &Section) -> Html {
        let shown = section.fields.iter().filter(|it| it.value.is_some() || it.needed);
        let absent: Vec<&Field> =
            section.fields.iter().filter(|it| it.value.is_none() && !it.needed).collect();
        let problems: Vec<&Diagnostic> = self.problems_in(section).collect();
        html! {
            <>
                if !problems.is_empty() {
                    <ul class="unplaced">{ for problems.iter().map(|it| html! {
                        <li>{ t!("line {line}: {problem}", line = it.line, problem = it.told()) }</li>
                    }) }</ul>
                }
                <div class="fields">{ for shown.map(|field| self.field(field)) }</div>
                <p class="adders">
                    { self.absent(section, &absent) }
                    { for section.lists.iter().map(|list| self.more(section, list)) }
                    { for (section.item && section.depth <= 1).then(|| self.remover(section)) }
                </p>
            </>
        }
    }

    /// Edits the text by a literal at a path.
    fn writer(&self, path: &str) -> Callback<String> {
        let (text, path) = (self.props.text.clone(), path.to_owned());
        let onedit = self.props.onedit.clone();
        Callback::from(move |literal: String| {
            // A path of the form is one of the text; else the form is about to follow.
            if let Ok(changed) = form::set(&text, &path, &literal) {
                onedit.emit(changed);
            }
        })
    }

    fn remover(&self, section: &Section) -> Html {
        if !section.item {
            return Html::default();
        }
        let (text, path, onedit) =
            (self.props.text.clone(), section.path.clone(), self.props.onedit.clone());
        let remove = Callback::from(move |_: MouseEvent| {
            if let Ok(changed) = form::remove(&text, &path) {
                onedit.emit(changed);
            }
        });
        let label = t!("Remove {title}", title = section.title);
        icon_button(Icon::Close, label.clone(), label, remove, false)
    }

    /// Buttons that put a step of a program or driver before or behind its neighbor.
    fn movers(&self, section: &Section) -> Html {
        let Some((list, place)) = section.path.rsplit_once('.') else {
            return Html::default();
        };
        let Ok(place) = place.parse::<usize>() else {
            return Html::default();
        };
        let mover = |toward: Toward| {
            let changed = form::shift(&self.props.text, &section.path, toward);
            let (there, label, icon) = match toward {
                Toward::Front => (
                    place.saturating_sub(1),
                    t!("Move {title} up", title = section.title),
                    Icon::Up,
                ),
                Toward::Back => {
                    (place + 1, t!("Move {title} down", title = section.title), Icon::Down)
                }
            };
            let (can_move, onedit, next) =
                (changed.is_ok(), self.props.onedit.clone(), mover_id(list, there, toward));
            let onclick = Callback::from(move |_: MouseEvent| {
                if let Ok(changed) = &changed {
                    // Whoever moves it further finds its button under the hand.
                    dom::focus(&next);
                    onedit.emit(changed.clone());
                }
            });
            html! {
                <button type="button" id={mover_id(list, place, toward)} {onclick} aria-disabled={(!can_move).to_string()}
                    aria-label={label.clone()} title={label}>{ drawing(icon) }</button>
            }
        };
        html! { <>{ mover(Toward::Front) }{ mover(Toward::Back) }</> }
    }

    /// Fields that could be there.
    fn absent(&self, section: &Section, absent: &[&Field]) -> Html {
        if absent.is_empty() {
            return Html::default();
        }
        let (text, onedit) = (self.props.text.clone(), self.props.onedit.clone());
        let samples: Vec<(String, String)> =
            absent.iter().map(|field| (field.path.clone(), field.sample.clone())).collect();
        let add = Callback::from(move |path: String| {
            if let Some((path, sample)) = samples.iter().find(|(known, _)| *known == path)
                && let Ok(changed) = form::set(&text, path, sample)
            {
                onedit.emit(changed);
            }
        });
        html! {
            <Chooser onchoose={add} label={t!("Add a field to {title}", title = section.title)} first={t!("+ field")}>
                { for absent.iter().map(|field| html! { <option translate="no" value={field.path.clone()} title={field.doc}>{ field.name }</option> }) }
            </Chooser>
        }
    }

    /// Items that a list could have more.
    fn more(&self, section: &Section, list: &List) -> Html {
        let (text, onedit, list_of) =
            (self.props.text.clone(), self.props.onedit.clone(), list.clone());
        let add = Callback::from(move |name: String| {
            if let Some((_, item)) = list_of.choices.iter().find(|(known, _)| *known == name)
                && let Ok(changed) = form::add(&text, &list_of.path, item)
            {
                onedit.emit(changed);
            }
        });
        html! {
            <Chooser onchoose={add} label={t!("Add to {name} of {title}", name = list.name, title = section.title)} title={aside(list.doc)} first={t!("+ {list}", list = list.name)}>
                { for list.choices.iter().map(|(name, _)| html! { <option translate="no" value={*name}>{ *name }</option> }) }
            </Chooser>
        }
    }

    fn field(&self, field: &Field) -> Html {
        let id = format!("form-{}", field.path.replace('.', "-"));
        let problem = problem_of(&self.props.text, field, &self.props.problems);
        let write = {
            let (writer, input) = (self.writer(&field.path), field.input.clone());
            Callback::from(move |typed: String| writer.emit(form::literal(&input, &typed)))
        };
        let (text, path, onedit) =
            (self.props.text.clone(), field.path.clone(), self.props.onedit.clone());
        let remove = Callback::from(move |_: MouseEvent| {
            if let Ok(changed) = form::remove(&text, &path) {
                onedit.emit(changed);
            }
        });
        html! {
            <div key={field.path.clone()} class={classes!("form-field", problem.map(|_| "bad"))}>
                <label translate="no" for={id.clone()} title={field.doc}>{ field.name }</label>
                <div class="inputs">
                    { input(&id, field, problem.is_some(), &write) }
                    if !field.needed {
                        { icon_button(Icon::Minus, t!("Remove {path}", path = field.path), t!("Remove the field"), remove, false) }
                    }
                </div>
                <p id={format!("{id}-hint")} class="hint" translate="no">{ hint(field) }</p>
                if let Some(problem) = problem { <p id={format!("{id}-problem")} class="problem" translate="no">{ problem.told() }</p> }
            </div>
        }
    }
}

/// Names the button that moves an item of a list.
fn mover_id(list: &str, place: usize, toward: Toward) -> String {
    let way = if toward == Toward::Front { "up" } else { "down" };
    format!("move-{way}-{}-{place}", list.replace('.', "-"))
}

/// What a field means, and its bounds.
fn hint(field: &Field) -> String {
    match &field.input {
        Input::Integer(least, most) => t!("{doc} {least} to {most}.", doc = field.doc, least, most),
        Input::Quantity(_, bounds) => format!("{} {bounds}.", field.doc),
        _ => field.doc.to_owned(),
    }
}

fn typed(event: &InputEvent) -> String {
    let input = event.target().and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
    input.map(|it| it.value()).unwrap_or_default()
}

fn chosen(event: &Event) -> String {
    let select = event.target().and_then(|it| it.dyn_into::<HtmlSelectElement>().ok());
    select.map(|it| it.value()).unwrap_or_default()
}

fn select(id: &str, value: &str, options: &[String], hint: &str, write: &Callback<String>) -> Html {
    let known = options.iter().any(|option| option == value);
    let options = (!known).then(|| value.to_owned()).into_iter().chain(options.iter().cloned());
    html! {
        <select id={id.to_owned()} onchange={write.reform(|event: Event| chosen(&event))} aria-describedby={hint.to_owned()}>
            { for options.map(|option| html! { <option translate="no" value={option.clone()} selected={option == value}>{ option.clone() }</option> }) }
        </select>
    }
}

fn input(id: &str, field: &Field, bad: bool, write: &Callback<String>) -> Html {
    let value = field.value.clone().unwrap_or_default();
    let hint = if bad { format!("{id}-hint {id}-problem") } else { format!("{id}-hint") };
    let line = |value: String, list: Option<String>, mode: &'static str| {
        html! {
            <input id={id.to_owned()} type="text" value={value} oninput={write.reform(|event: InputEvent| typed(&event))} list={list} inputmode={mode}
                autocomplete="off" spellcheck="false" aria-invalid={bad.to_string()} aria-describedby={hint.clone()} />
        }
    };
    match &field.input {
        Input::OneOf(words) => {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            select(id, &value, &words, &hint, write)
        }
        Input::IntegerOf(numbers) => {
            let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
            select(id, &value, &numbers, &hint, write)
        }
        Input::Boolean => {
            let flip = write.reform(|event: Event| {
                let input = event.target().and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
                input.is_some_and(|it| it.checked()).to_string()
            });
            html! { <input id={id.to_owned()} type="checkbox" checked={value == "true"} onchange={flip} aria-describedby={hint} /> }
        }
        Input::Named(names) => html! {
            <>
                { line(value, Some(format!("{id}-names")), "text") }
                <datalist id={format!("{id}-names")}>{ for names.iter().map(|name| html! { <option value={name.clone()} /> }) }</datalist>
            </>
        },
        Input::Integer(..) => line(value, None, "numeric"),
        Input::Quantity(units, _) => match split_unit(&value) {
            Some((number, unit)) => {
                let (number, unit) = (number.to_owned(), unit.to_owned());
                let with_unit = {
                    let unit = unit.clone();
                    write.reform(move |event: InputEvent| format!("{}{unit}", typed(&event).trim()))
                };
                let with_number = {
                    let number = number.clone();
                    write.reform(move |value: String| format!("{number}{value}"))
                };
                let units: Vec<String> = units.iter().map(|unit| (*unit).to_owned()).collect();
                html! {
                    <>
                        <input id={id.to_owned()} class="number" type="text" inputmode="decimal" value={number} oninput={with_unit}
                            autocomplete="off" aria-invalid={bad.to_string()} aria-describedby={hint.clone()} />
                        <label class="hidden" for={format!("{id}-unit")}>{ t!("Unit of {name}", name = field.name) }</label>
                        { select(&format!("{id}-unit"), &unit, &units, &hint, &with_number) }
                    </>
                }
            }
            None => line(value, None, "text"),
        },
        Input::Distribution => match form::parts(&value) {
            Some(parts) => distribution(id, field.name, &parts, &hint, write),
            None => line(value, None, "text"),
        },
        Input::Text(_) | Input::Toml => line(value, None, "text"),
    }
}

/// A shape, and a field for each of its times.
fn distribution(id: &str, name: &str, parts: &Parts, hint: &str, write: &Callback<String>) -> Html {
    let reshape = {
        let parts = parts.clone();
        write.reform(move |shape: String| parts.shaped(&shape).typed())
    };
    let shapes: Vec<String> = SHAPE_TIMES.iter().map(|(shape, _)| (*shape).to_owned()).collect();
    let times = parts.times.iter().enumerate().map(|(index, (time_name, time))| {
        let put = {
            let parts = parts.clone();
            write.reform(move |event: InputEvent| {
                let mut parts = parts.clone();
                if let Some(time) = parts.times.get_mut(index) {
                    time.1 = typed(&event);
                }
                parts.typed()
            })
        };
        html! {
            <input type="text" class="number" translate="no" value={time.clone()} oninput={put} aria-label={format!("{name}: {time_name}")} title={*time_name} autocomplete="off" spellcheck="false" />
        }
    });
    html! { <>{ select(id, parts.shape, &shapes, hint, &reshape) }{ for times }</> }
}

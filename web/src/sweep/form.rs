//! What to sweep, as typed.

use wasm_bindgen::JsCast as _;
use web_sys::{HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

use crate::engine;

/// What is in the fields.
#[derive(Clone, PartialEq, Debug)]
pub struct Typed {
    pub policies: Vec<String>,
    /// None: that of the run on screen.
    pub kernels: Vec<String>,
    /// Values to try, a path a line.
    pub grid: String,
    pub first: String,
    pub count: String,
}

/// Seeds of a sweep unless somebody says otherwise.
const COUNT: &str = "256";

impl Typed {
    /// Fields for what is on screen.
    pub fn of(policies: Vec<String>) -> Self {
        Self {
            policies,
            kernels: Vec::new(),
            grid: String::new(),
            first: "0".to_owned(),
            count: COUNT.to_owned(),
        }
    }

    /// With a policy more, after those that are chosen; or one less.
    fn with_policy(&self, id: &str) -> Self {
        Self { policies: toggled(&self.policies, id), ..self.clone() }
    }

    fn with_kernel(&self, id: &str) -> Self {
        Self { kernels: toggled(&self.kernels, id), ..self.clone() }
    }
}

fn toggled(chosen: &[String], id: &str) -> Vec<String> {
    let mut left: Vec<String> = chosen.iter().filter(|it| *it != id).cloned().collect();
    if left.len() == chosen.len() {
        left.push(id.to_owned());
    }
    left
}

/// The fields.
pub fn fields(typed: &Typed, set: &Callback<Typed>) -> Html {
    let choice = |choice: engine::Choice, chosen: &[String], with: fn(&Typed, &str) -> Typed| {
        let is_on = chosen.iter().any(|it| it == choice.id);
        let (now, set) = (typed.clone(), set.clone());
        let onchange = Callback::from(move |_: Event| set.emit(with(&now, choice.id)));
        html! {
            <label key={choice.id} title={choice.title}><input type="checkbox" checked={is_on} {onchange} />{ choice.id }</label>
        }
    };
    let field = |id: &'static str,
                 label: &'static str,
                 value: &str,
                 with: fn(&Typed, String) -> Typed| {
        let (now, set) = (typed.clone(), set.clone());
        let oninput = Callback::from(move |event: InputEvent| {
            let input = event.target().and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
            set.emit(with(&now, input.map(|it| it.value()).unwrap_or_default()));
        });
        html! {
            <label for={id}>{ label }<input {id} type="text" inputmode="numeric" autocomplete="off" value={value.to_owned()} {oninput} /></label>
        }
    };
    let policies = engine::policies().into_iter();
    let kernels = engine::kernels().into_iter();
    let policies = policies.map(|it| choice(it, &typed.policies, Typed::with_policy));
    let kernels = kernels.map(|it| choice(it, &typed.kernels, Typed::with_kernel));
    html! {
        <>
            <fieldset class="policies"><legend>{ "Policies; the first one chosen is what the others are compared with" }</legend>
                { for policies }</fieldset>
            <details class="grid"><summary>{ "Kernels and values" }</summary>
                <fieldset class="kernels"><legend>{ "Kernels; none: the one of the run on screen" }</legend>{ for kernels }</fieldset>
                { grid_field(typed, set) }
            </details>
            <div class="seeds">
                { field("sweep-count", "Seeds", &typed.count, |typed, count| Typed { count, ..typed.clone() }) }
                { field("sweep-first", "from", &typed.first, |typed, first| Typed { first, ..typed.clone() }) }
            </div>
        </>
    }
}

/// Values to try, each with each of the others.
fn grid_field(typed: &Typed, set: &Callback<Typed>) -> Html {
    let (now, set) = (typed.clone(), set.clone());
    let oninput = Callback::from(move |event: InputEvent| {
        let field = event.target().and_then(|it| it.dyn_into::<HtmlTextAreaElement>().ok());
        let grid = field.map(|it| it.value()).unwrap_or_default();
        set.emit(Typed { grid, ..now.clone() });
    });
    html! {
        <label for="sweep-grid" class="values">{ "Values to try, a path a line" }
            <textarea id="sweep-grid" rows="3" value={typed.grid.clone()} {oninput} spellcheck="false" autocomplete="off"
                placeholder={"machine.cpus = 1, 2\nmachine.ram = 512MiB, 1GiB"} /></label>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_keep_the_order_they_were_chosen_in() {
        let typed = Typed::of(vec!["interval".to_owned()]);
        let both = typed.with_policy("ignore");
        assert_eq!(both.policies, ["interval", "ignore"]);
        assert_eq!(both.with_kernel("6.1").kernels, ["6.1"]);
        assert_eq!(both.with_policy("interval").policies, ["ignore"]);
    }
}

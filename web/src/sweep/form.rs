//! What to sweep, as typed.

use wasm_bindgen::JsCast as _;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use crate::engine;

/// What is in the fields.
#[derive(Clone, PartialEq, Debug)]
pub struct Typed {
    pub policies: Vec<String>,
    pub first: String,
    pub count: String,
}

/// Seeds of a sweep unless somebody says otherwise.
const COUNT: &str = "256";

impl Typed {
    /// Fields for what is on screen.
    pub fn of(policies: Vec<String>) -> Self {
        Self { policies, first: "0".to_owned(), count: COUNT.to_owned() }
    }

    /// With a policy more, in the order of all of them; or one less.
    fn toggled(&self, id: &str) -> Self {
        let has = |other: &str| self.policies.iter().any(|it| it == other);
        let mut policies = self.policies.clone();
        if has(id) {
            policies.retain(|it| it != id);
        } else {
            policies.push(id.to_owned());
        }
        Self { policies, ..self.clone() }
    }
}

/// The fields.
pub fn fields(typed: &Typed, set: &Callback<Typed>) -> Html {
    let policy = |choice: engine::Choice| {
        let is_on = typed.policies.iter().any(|it| it == choice.id);
        let (now, set) = (typed.clone(), set.clone());
        let onchange = Callback::from(move |_: Event| set.emit(now.toggled(choice.id)));
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
    html! {
        <>
            <fieldset class="policies"><legend>{ "Policies; the first one chosen is what the others are compared with" }</legend>
                { for engine::policies().into_iter().map(policy) }</fieldset>
            <div class="seeds">
                { field("sweep-count", "Seeds", &typed.count, |typed, count| Typed { count, ..typed.clone() }) }
                { field("sweep-first", "from", &typed.first, |typed, first| Typed { first, ..typed.clone() }) }
            </div>
        </>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_keep_the_order_they_were_chosen_in() {
        let typed = Typed::of(vec!["interval".to_owned()]);
        let both = typed.toggled("ignore");
        assert_eq!(both.policies, ["interval", "ignore"]);
        assert_eq!(both.toggled("interval").policies, ["ignore"]);
    }
}

//! What to sweep, as typed; at first, what is on screen.

use wasm_bindgen::JsCast as _;
use web_sys::{HtmlInputElement, HtmlTextAreaElement};
use yew::prelude::*;

use sim_core::share::Other;

use crate::engine::{self, Request};
use crate::words::t;

/// What is in the fields.
#[derive(Clone, PartialEq, Debug)]
pub struct Typed {
    /// None: the scenario's, or else each kernel's own.
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
    /// Fields for what is on screen; kernel and policy are those of the run that is looked at.
    pub fn shown(request: &Request, kernel: &str, policy: &str) -> Self {
        let beside = |of: fn(&Other) -> Option<&str>| request.others.iter().filter_map(of);
        let kernels: Vec<&str> = beside(Other::kernel).collect();
        let policies: Vec<&str> = beside(Other::policy).collect();
        // Kernels that are compared have each its own, unless one was chosen for all.
        let is_own = request.policy.is_none() && policies.is_empty() && !kernels.is_empty();
        Self {
            kernels: with_first(kernel, &kernels).unwrap_or_default(),
            ..Self::of(match with_first(policy, &policies) {
                _ if is_own => Vec::new(),
                Some(policies) => policies,
                None => vec![policy.to_owned()],
            })
        }
    }

    /// Fields for these policies.
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

/// The first and those it is compared with, each once; `None` where there are none.
fn with_first(first: &str, others: &[&str]) -> Option<Vec<String>> {
    let mut all = vec![first.to_owned()];
    for other in others {
        if !all.iter().any(|known| known == other) {
            all.push((*other).to_owned());
        }
    }
    (!others.is_empty()).then_some(all)
}

fn toggled(chosen: &[String], id: &str) -> Vec<String> {
    let mut left: Vec<String> = chosen.iter().filter(|it| *it != id).cloned().collect();
    if left.len() == chosen.len() {
        left.push(id.to_owned());
    }
    left
}

/// The fields; those for kernels and values are unfolded if they are `varied` on screen.
pub fn fields(typed: &Typed, varied: bool, set: &Callback<Typed>) -> Html {
    let choice = |choice: engine::Choice, chosen: &[String], with: fn(&Typed, &str) -> Typed| {
        let is_on = chosen.iter().any(|it| it == choice.id);
        let (now, set) = (typed.clone(), set.clone());
        let onchange = Callback::from(move |_: Event| set.emit(with(&now, choice.id)));
        html! {
            <label translate="no" key={choice.id} title={choice.title}><input type="checkbox" checked={is_on} {onchange} />{ choice.id }</label>
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
            <fieldset class="policies"><legend>{ t!("Policies; the first one chosen is what the others are compared with; none: the scenario's, or else each kernel's own") }</legend>
                { for policies }</fieldset>
            <details class="grid" open={varied}><summary>{ t!("Kernels and values") }</summary>
                <fieldset class="kernels"><legend>{ t!("Kernels; none: the one of the run on screen") }</legend>{ for kernels }</fieldset>
                { grid_field(typed, set) }
            </details>
            <div class="seeds">
                { field("sweep-count", t!("Seeds"), &typed.count, |typed, count| Typed { count, ..typed.clone() }) }
                { field("sweep-first", t!("from"), &typed.first, |typed, first| Typed { first, ..typed.clone() }) }
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
        <label for="sweep-grid" class="values">{ t!("Values to try, a path a line") }
            <textarea translate="no" id="sweep-grid" rows="3" value={typed.grid.clone()} {oninput} spellcheck="false" autocomplete="off"
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

    #[test]
    fn what_is_compared_on_screen_is_taken_over() {
        let shown = |policy: Option<&str>, others: &[&str]| {
            let others = others.iter().map(|other| Other::parse(other).unwrap()).collect();
            let policy = policy.map(str::to_owned);
            let request = Request { policy, others, ..Request::default() };
            let Typed { kernels, policies, .. } = Typed::shown(&request, "6.1", "interval");
            format!("{} / {}", kernels.join(" "), policies.join(" "))
        };
        assert_eq!(shown(None, &[]), " / interval");
        assert_eq!(
            shown(Some("interval"), &["policy:ignore", "policy:nonblock", "policy:ignore"]),
            " / interval ignore nonblock"
        );
        assert_eq!(shown(None, &["kernel:4.9", "kernel:5.3"]), "6.1 4.9 5.3 / ");
        assert_eq!(shown(Some("interval"), &["kernel:4.9"]), "6.1 4.9 / interval");
        assert_eq!(
            shown(Some("interval"), &["policy:ignore", "kernel:4.9"]),
            "6.1 4.9 / interval ignore"
        );
        assert_eq!(shown(None, &["check:lockdep"]), " / interval");
    }
}

//! The link to what is on screen: copied, shown, and explained.

use wasm_bindgen::JsCast as _;
use wasm_bindgen::JsValue;
use wasm_bindgen::closure::Closure;
use web_sys::HtmlInputElement;
use yew::prelude::*;

use super::dialog::Dialog;
use crate::address::{is_file, shareable};
use crate::dom;
use crate::format;
use crate::route::{Route, fragment, gallery_id};
use crate::transfer::print::drawn;
use crate::transfer::qr;
use crate::words::{t, tn};

#[derive(Properties, PartialEq)]
pub struct Props {
    pub open: bool,
    pub route: Route,
}

/// Longer links are cut off by some programs.
const LENGTH_MAX: usize = 8_000;

/// Whether the link got into the clipboard.
#[derive(Copy, Clone, PartialEq)]
enum Copied {
    NotYet,
    Yes,
    Refused,
}

#[component]
pub fn ShareDialog(props: &Props) -> Html {
    let copied = use_state_eq(|| Copied::NotYet);
    let link = if props.open { shareable(&fragment(&props.route)) } else { String::new() };
    {
        let (copied, link) = (copied.clone(), link.clone());
        use_effect_with(link, move |link| {
            copied.set(Copied::NotYet);
            if !link.is_empty() {
                copy(link, move |outcome| copied.set(outcome));
            }
        });
    }
    let code = use_memo(link.clone(), |link| qr::of_link(link));
    let again = {
        let (copied, link) = (copied.clone(), link.clone());
        Callback::from(move |_: MouseEvent| {
            let copied = copied.clone();
            copy(&link, move |outcome| copied.set(outcome));
        })
    };
    let select = Callback::from(|event: FocusEvent| {
        let input = event.target().and_then(|target| target.dyn_into::<HtmlInputElement>().ok());
        if let Some(input) = input {
            input.select();
        }
    });
    let told = match *copied {
        Copied::NotYet => "",
        Copied::Yes => t!("Copied."),
        Copied::Refused => t!("The browser did not allow copying: select the link and copy it."),
    };
    html! {
        <Dialog open={props.open} title={t!("Share this moment")}>
            <p class="share-line">
                <input type="text" readonly=true value={link.clone()} onfocus={select} aria-label={t!("Link")} />
                <button type="button" class="primary" onclick={again}>{ t!("Copy") }</button>
            </p>
            <p role="status">{ told }</p>
            { for is_file().then(|| html! {
                <p class="warn">{ t!("This page is a file on this computer, and nobody else can open its address. So this is only the \
                    part of the link behind it: it goes behind the address of any Reaperscope page, or of this file where others have it.") }</p>
            }) }
            { for (link.len() > LENGTH_MAX).then(|| html! {
                <p class="warn">{ t!("The link has more than {most} characters; some programs cut such off. \
                    Send the scenario as a file instead (Export).", most = LENGTH_MAX) }</p>
            }) }
            <div class="share-code">
                <div><p>{ t!("The link ({count} characters) contains:", count = link.len()) }</p>
                    <ul class="contents">{ for contents(&props.route).into_iter().map(|line| html! { <li>{ line }</li> }) }</ul></div>
                { match code.as_ref() {
                    Some(code) => drawn(code),
                    None if props.open && !is_file() => html! { <p class="small">{ t!("Too long for a QR code.") }</p> },
                    None => Html::default(),
                } }
            </div>
            <p class="small">{ t!("All of it stands after the #, which browsers never send to a server. \
                Whoever opens the link simulates the run anew and is told whether it came out the same, to the bit.") }</p>
        </Dialog>
    }
}

fn contents(route: &Route) -> Vec<String> {
    let request = &route.request;
    let scenario = match gallery_id(&request.scenario) {
        Some(id) => t!("the scenario {id} of the gallery", id),
        None => t!("the text of the scenario").to_owned(),
    };
    let mut lines = vec![t!("{scenario}, and the seed {seed}", scenario, seed = request.seed)];
    lines.extend(
        request.sets.iter().map(|(path, value)| t!("the change {path} = {value}", path, value)),
    );
    lines.extend(request.kernel.as_ref().map(|kernel| t!("the kernel {kernel}", kernel)));
    lines.extend(request.policy.as_ref().map(|policy| t!("the policy {policy}", policy)));
    let others = request.others.iter();
    lines.extend(
        others.map(|other| {
            t!("the {kind} {id}, to compare with", kind = other.kind(), id = other.id())
        }),
    );
    lines.extend(request.forks.iter().map(|fork| t!("the fork {fork}", fork)));
    lines.extend((!request.branches.is_empty()).then(|| {
        let forks: Vec<String> = request.branches.iter().map(|it| it.fork.to_string()).collect();
        t!("the forks {forks}", forks = forks.join(", "))
    }));
    lines.extend(route.digest.as_ref().map(|digest| {
        t!(
            "the digest {digest}…, to prove that it is the same run",
            digest = format::short_digest(digest)
        )
    }));
    lines.extend(
        route.at.map(|at| t!("the moment {at}", at = format::instant(sim_core::base::SimTime(at)))),
    );
    lines.extend(route.view.map(|_| t!("the part of the run on screen").to_owned()));
    lines.extend(route.range.map(|(from, to)| {
        let [from, to] = [from, to].map(|at| format::instant(sim_core::base::SimTime(at)));
        t!("the selected range {from} – {to}", from, to)
    }));
    lines.extend((!route.notes.is_empty()).then(|| {
        let count = route.notes.len();
        tn!(count, "your note", "your {count} notes", count)
    }));
    lines.extend(route.lesson.as_ref().map(|_| t!("the step of the lesson").to_owned()));
    let has_marks = !route.marks.is_empty() && fragment(route).contains("&marks=");
    lines.extend(has_marks.then(|| t!("marks, to tell where another run would part").to_owned()));
    lines.extend(route.focus.as_ref().map(|focus| t!("the selected lane {focus}", focus)));
    lines
}

fn copy(text: &str, done: impl Fn(Copied) + Clone + 'static) {
    let clipboard = dom::window().navigator().clipboard();
    // Absent on pages that were not loaded securely.
    if JsValue::from(clipboard.clone()).is_undefined() {
        done(Copied::Refused);
        return;
    }
    let refused = done.clone();
    let yes = Closure::once_into_js(move |_: JsValue| done(Copied::Yes));
    let no = Closure::once_into_js(move |_: JsValue| refused(Copied::Refused));
    let promise = clipboard.write_text(text);
    let then = js_sys::Reflect::get(&promise, &JsValue::from_str("then"));
    if let Some(then) = then.ok().and_then(|then| then.dyn_into::<js_sys::Function>().ok()) {
        let _ = then.call2(&promise, &yes, &no);
    }
}

//! What a sweep has found, per case: verdicts with their intervals, the
//! seeds worth a look, the distribution, what differs from the first.
//! Every bar and dot is a link to a seed.

use sim_core::experiment::{Outcome, Quantity, share_text};
use sim_core::record::RunId;
use yew::prelude::*;

use super::dots::{Axis, ranked};
use super::plan::Plan;
use super::plot::{Data, Distribution};
use super::tally::{Share, Summary, Tally};
use super::verdicts::case_of;
use crate::address::address_of;
use crate::engine::Request;
use crate::route::{Route, fragment};
use crate::shared::Shared;
use crate::timeline::palette::Shade;
use crate::words::{aside, t};

/// All that the results show, worked out once for what is there.
pub struct Found {
    plan: Plan,
    cases: Vec<(Summary, Shared<Data>)>,
}

impl Found {
    pub fn of(tally: &Tally, quantity: &'static Quantity) -> Self {
        let summaries = tally.summaries(quantity);
        let dots: Vec<_> =
            summaries.iter().map(|summary| ranked(&summary.outcomes, quantity)).collect();
        let axis = Axis::over(dots.iter().flatten());
        let data = |outcomes: &[Outcome], dots| {
            Shared::new(Data { outcomes: outcomes.to_vec(), dots, axis, quantity })
        };
        let cases = summaries.into_iter().zip(dots).map(|(summary, dots)| {
            let data = data(&summary.outcomes, dots);
            (summary, data)
        });
        Self { plan: tally.plan.clone(), cases: cases.collect() }
    }

    /// Seeds that every case has met.
    pub fn seeds(&self) -> usize {
        self.cases.first().map_or(0, |(summary, _)| summary.outcomes.len())
    }

    /// What became of the case that a run is one of, if one is.
    pub fn outcomes_of(&self, request: &Request, own: &RunId) -> Option<&[Outcome]> {
        let case = case_of(&self.plan, request, own)?;
        self.cases.get(case).map(|(summary, _)| &summary.outcomes[..])
    }
}

/// The link to a run of a sweep.
fn link_to(plan: &Plan, case: usize, seed: u64) -> String {
    let request = plan.one(case, seed);
    address_of(&fragment(&Route { request, ..Route::default() }))
}

/// The list of cases.
pub fn results(found: &Found, shade: Shade) -> Html {
    if found.seeds() == 0 {
        return Html::default();
    }
    let cases = found.cases.iter().enumerate().map(|(place, (summary, data))| {
        let link = {
            let plan = found.plan.clone();
            Callback::from(move |seed: u64| link_to(&plan, place, seed))
        };
        html! {
            <section key={summary.name.clone()} class="swept" aria-label={aside(&summary.name)}>
                <h3><span translate="no">{ &summary.name }</span><span class="picks">{ for summary.picks.iter().map(|(name, seed)| html! {
                    <a href={link.emit(*seed)} title={t!("The {name} run, seed {seed}", name, seed)}>{ *name }</a>
                }) }</span></h3>
                <ul class="shares">{ for summary.shares.iter().map(|share| bar(share, &link)) }</ul>
                <Distribution case={summary.name.clone()} data={data.clone()} {shade} link={link.clone()} />
                <dl class="quantiles">{ for summary.quantiles.iter().map(|(name, text)| html! {
                    <div key={*name}><dt>{ *name }</dt><dd translate="no">{ text }</dd></div>
                }) }</dl>
                { for summary.base.as_ref().filter(|_| !summary.differences.is_empty()).map(|base| html! {
                    <details><summary>{ t!("In pairs of one seed, against {base}", base) }</summary>
                        <dl class="differences">{ for summary.differences.iter().map(|(name, text)| html! {
                            <div key={name.clone()}><dt>{ name }</dt><dd translate="no">{ text }</dd></div>
                        }) }</dl></details>
                }) }
            </section>
        }
    });
    html! { <div class="swept-all">{ for cases }</div> }
}

/// How often a verdict came: a bar, and over it the interval. SVG, since
/// the content policy allows no styles on elements.
fn bar(share: &Share, link: &Callback<u64, String>) -> Html {
    let id = share.verdict.id();
    let interval = share.share.wilson();
    let percent = |share: f64| format!("{:.2}%", 100.0 * share);
    let (low, high) = (percent(interval.low), percent(interval.high));
    let text = share_text(share.share);
    let href = link.emit(share.seed);
    let title = t!("Open the first seed that shows it, {seed}", seed = share.seed);
    html! {
        <li key={id}><a {href} {title}>
            <span translate="no" class={format!("name verdict-{id}")}>{ id }</span>
            <svg class={format!("share verdict-{id}")} aria-hidden="true">
                <rect class="whole" width="100%" height="100%"></rect>
                <rect class="part" width={percent(share.share.share())} height="100%"></rect>
                <line x1={low.clone()} x2={high.clone()} y1="50%" y2="50%"></line>
                <line x1={low.clone()} x2={low} y1="25%" y2="75%"></line>
                <line x1={high.clone()} x2={high} y1="25%" y2="75%"></line>
            </svg>
            <span class="text" translate="no">{ text }</span>
            <span class="hidden">{ t!(", {count} of {all}", count = share.share.count, all = share.share.of) }</span>
        </a></li>
    }
}

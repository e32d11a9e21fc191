//! Three verdicts on one run, side by side: what happened in it, what lockdep says of it, and how
//! often what happened comes over seeds. They differ where a run goes well that lockdep warns of.

use sim_core::experiment::{Proportion, share_text};
use sim_core::record::{LockReports, Run, RunId};
use yew::prelude::*;

use super::plan::Plan;
use super::results::Found;
use crate::engine::{self, Outcome, Request};
use crate::state::{Action, Change, Scene};
use crate::ui::Ui;
use crate::words::t;

/// The checker that is asked.
const LOCKDEP: &str = "lockdep";

/// The case of a sweep that a run is one of, if one is.
pub fn case_of(plan: &Plan, request: &Request, own: &RunId) -> Option<usize> {
    let is_same = |other: &Request| {
        let is = |theirs: &Option<String>, asked: &Option<String>, own: &str| match theirs {
            Some(theirs) => theirs == own,
            None => asked.is_none(),
        };
        other.scenario == request.scenario
            && other.forks == request.forks
            && other.sets == request.sets
            && is(&other.kernel, &request.kernel, &own.kernel)
            && is(&other.policy, &request.policy, &own.policy)
    };
    (0..plan.cases.len()).find(|&case| is_same(&plan.one(case, request.seed)))
}

/// What lockdep says of a run; `None` if it was not asked.
fn lockdep(outcome: &Outcome) -> Option<String> {
    let Run { lock_reports: LockReports { checks, reports, .. }, .. } = &outcome.run;
    let titles = reports.iter().filter(|it| it.splat.is_lockdep()).map(|it| it.splat.title());
    let is_its = |text: &str| titles.clone().any(|title| text.starts_with(title));
    let mut told = engine::reports(outcome).filter(|it| is_its(&it.text));
    checks.contains(&LOCKDEP).then(|| match (told.next(), told.count()) {
        (None, _) => t!("nothing to report").to_owned(),
        (Some(first), 0) => first.text.clone(),
        (Some(first), more) => t!("{first}; and {more} more", first = first.text, more),
    })
}

/// The table; the last row says how to fill it where nothing was swept.
pub fn verdicts(ui: &Ui, scene: &Scene, request: &Request, found: Option<&Found>) -> Html {
    let report = &scene.outcome.report;
    let id = report.verdict.id();
    let ask = ui.on(|_: MouseEvent| Action::Choose(Change::Check(LOCKDEP)));
    let said = lockdep(&scene.outcome);
    let outcomes = found.and_then(|found| found.outcomes_of(request, &scene.outcome.run.id));
    let often = match outcomes.filter(|outcomes| !outcomes.is_empty()) {
        None => t!("not known: no sweep of it yet").to_owned(),
        Some(outcomes) => {
            let share = Proportion::of(outcomes, |it| it.verdict == report.verdict);
            t!(
                "{id} in {count} of {all} seeds: {share}",
                id,
                count = share.count,
                all = share.of,
                share = share_text(share)
            )
        }
    };
    html! {
        <table class="three-verdicts">
            <caption>{ t!("Three verdicts") }</caption>
            <tbody>
                <tr><th scope="row">{ t!("happened, seed {seed}", seed = request.seed) }</th>
                    <td><span translate="no"><b class={format!("badge verdict-{id}")}>{ id }</b>{ format!(" {}", report.evidence) }</span></td></tr>
                <tr><th scope="row">{ t!("lockdep, of this run") }</th>
                    <td>{ match said {
                        Some(text) => html! { text },
                        None => html! { <button type="button" onclick={ask} title={t!("Checkers watch and change no run")}>{ t!("Ask lockdep") }</button> },
                    } }</td></tr>
                <tr><th scope="row">{ t!("how often") }</th><td>{ often }</td></tr>
            </tbody>
        </table>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Job;
    use crate::sweep::form::Typed;
    use sim_core::share::ScenarioRef;

    fn outcome(request: &Request) -> Outcome {
        let mut job = Job::start(request).unwrap();
        while job.advance(10_000) {}
        Outcome::of(job.into_run())
    }

    #[test]
    fn run_is_found_among_the_cases_of_a_sweep() {
        let request = Request::default();
        let own = outcome(&request).run.id;
        let typed = Typed {
            policies: vec!["nonblock".to_owned(), own.policy.clone()],
            ..Typed::shown(&request, &own.kernel, &own.policy)
        };
        let plan = Plan::typed(&request, &typed).unwrap();
        assert_eq!(case_of(&plan, &request, &own), Some(1));
        let other = Request { policy: Some("nonblock".to_owned()), ..request.clone() };
        let id = outcome(&other).run.id;
        assert_eq!(case_of(&plan, &Request { seed: 9, ..other }, &id), Some(0));
        let sets = vec![("machine.cpus".to_owned(), "1".to_owned())];
        assert_eq!(case_of(&plan, &Request { sets, ..request }, &own), None);
    }

    #[test]
    fn what_other_checkers_say_is_not_lockdeps() {
        let scenario = ScenarioRef::ById("lockdep-6-1-l1".to_owned());
        let checks = ["lockdep", "might-sleep", "non-block", "wait-for"];
        let checks = checks.iter().filter(|id| engine::checkers().iter().any(|it| it.id == **id));
        let checks = checks.map(|id| (*id).to_owned()).collect();
        let told = lockdep(&outcome(&Request { scenario, checks, ..Request::default() })).unwrap();
        assert!(told.contains("circular") && !told.contains("more"), "{told}");
    }

    #[test]
    fn lockdep_is_told_where_it_was_asked() {
        let scenario = ScenarioRef::ById("lockdep-6-1-l1".to_owned());
        let mut request = Request { scenario, ..Request::default() };
        assert_eq!(lockdep(&outcome(&request)), None);
        request.checks = vec!["lockdep".to_owned()];
        let told = lockdep(&outcome(&request)).unwrap();
        assert!(told.contains("possible circular locking dependency"), "{told}");
        request.scenario = ScenarioRef::ById("gpu-fence-overlap".to_owned());
        assert_eq!(lockdep(&outcome(&request)).unwrap(), "nothing to report");
    }
}

//! What the model leaves out, as far as it matters for these runs: the
//! lines of the plug-ins that took part, and what holds for every run.

use std::collections::BTreeSet;

use super::Case;
use crate::driver;
use crate::kernel::plugin::doc_lines;
use crate::policy;

/// Holds for every run.
const ALWAYS: [&str; 3] = [
    "Times of the machine (faults, reclaim, zapping, disk) are parameters of the scenario, not \
     measurements of your machine: compare policies by them, don't predict a latency.",
    "One NUMA node; a program is a list of operations, not code: what it does between them takes \
     no time.",
    "A callback is modelled by its locks, waits and allocations; what a real driver does besides \
     is not there.",
];

/// The points.
pub(super) fn points(cases: &[Case]) -> Vec<String> {
    let mut points: Vec<String> = ALWAYS.map(str::to_owned).to_vec();
    let policies: BTreeSet<&str> =
        cases.iter().map(|case| case.shown.run.id.policy.as_str()).collect();
    for id in policies {
        let left_out = policy::find(id).and_then(|policy| left_out(policy.doc()));
        points.extend(left_out.map(|text| format!("Policy {id} leaves out: {text}")));
    }
    let devices = cases.iter().flat_map(|case| case.shown.run.cast.devices.iter());
    let drivers: BTreeSet<&str> = devices.map(|(_, device)| device.driver.as_str()).collect();
    for id in drivers {
        points.extend(
            driver::find(id)
                .and_then(|driver| left_out(driver.doc()))
                .map(|text| format!("Driver {id} leaves out: {text}")),
        );
    }
    points
}

/// What a plug-in that models all of its mechanism says.
const NOTHING: &str = "nothing is left out.";

/// What stands after "Doesn't model:", if it is anything.
fn left_out(doc: &'static str) -> Option<String> {
    let text = doc_lines(doc).find_map(|line| line.strip_prefix("Doesn't model: "))?;
    Some(text.trim().to_owned()).filter(|text| text != NOTHING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_left_out_is_a_limit() {
        let of = |id: &str| left_out(policy::find(id).expect("a policy").doc());
        assert_eq!(of("skip-any"), None);
        assert!(of("block-always").is_some_and(|text| text.contains("lock debugging")));
    }
}

//! The runs that are shown together, and which of them are still to be
//! made: a run that is on screen already is not made again because another
//! one joins it, since one request is one run. Pure.

use crate::engine::Request;

/// Runs by what was asked for, in their order.
pub struct Ensemble<T> {
    runs: Vec<(Request, Option<T>)>,
}

impl<T> Default for Ensemble<T> {
    fn default() -> Self {
        Self { runs: Vec::new() }
    }
}

impl<T: Clone> Ensemble<T> {
    /// Asks for these runs; those that are there are kept, others go.
    pub fn ask(&mut self, wanted: Vec<Request>) {
        let there = std::mem::take(&mut self.runs);
        let found = |wanted: &Request| {
            let same = there.iter().find(|(request, run)| request == wanted && run.is_some());
            same.and_then(|(_, run)| run.clone())
        };
        self.runs = wanted.into_iter().map(|request| (request.clone(), found(&request))).collect();
    }

    /// What has still to be made, in order.
    pub fn missing(&self) -> Vec<Request> {
        let missing = self.runs.iter().filter(|(_, run)| run.is_none());
        missing.map(|(request, _)| request.clone()).collect()
    }

    /// The first of the missing ones is there.
    pub fn arrived(&mut self, run: T) {
        if let Some((_, place)) = self.runs.iter_mut().find(|(_, run)| run.is_none()) {
            *place = Some(run);
        }
    }

    /// All that are there, in order.
    pub fn all(&self) -> Vec<T> {
        self.runs.iter().filter_map(|(_, run)| run.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sim_core::share::Other;

    fn policies(names: &[&str]) -> Vec<Request> {
        let policy = |name: &&str| Request::default().with(&Other::Policy((*name).to_owned()));
        names.iter().map(policy).collect()
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        let mut runs = Ensemble::default();
        runs.ask(policies(&["ignore", "interval"]));
        runs.arrived(1);
        runs.arrived(2);
        assert_eq!((runs.missing(), runs.all()), (Vec::new(), vec![1, 2]));
        runs.ask(policies(&["nonblock", "ignore", "deadline", "interval"]));
        assert_eq!(runs.missing(), policies(&["nonblock", "deadline"]));
        runs.arrived(3);
        runs.arrived(4);
        assert_eq!(runs.all(), [3, 1, 4, 2]);
        // What was left out is gone.
        runs.ask(policies(&["interval"]));
        runs.ask(policies(&["interval", "ignore"]));
        assert_eq!(runs.missing(), policies(&["ignore"]));
    }
}

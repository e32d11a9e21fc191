//! `export`: a scenario as a file, with all that was chosen for it.

use sim_core::export;
use sim_core::kernel::switches;
use sim_core::policy;

use crate::args::ExportArgs;
use crate::choice::Choice;
use crate::error::Error;
use crate::output;

/// Prints the file.
pub(crate) fn run(args: &ExportArgs) -> Result<(), Error> {
    let mut choice = Choice::of(&args.choice)?;
    if let Some(kernel) = choice.kernel {
        if switches::find(&kernel).is_none() {
            let known: Vec<_> = switches::PROFILES.iter().map(|profile| profile.id).collect();
            let known = known.join(", ");
            return Err(Error::bad_input(format!("no kernel {kernel:?}: expected one of {known}")));
        }
        choice.scenario.kernel = kernel;
    }
    if let Some(id) = choice.policy {
        if !policy::ALL.iter().any(|policy| policy.id() == id) {
            let known: Vec<_> = policy::ALL.iter().map(|policy| policy.id()).collect();
            let known = known.join(", ");
            return Err(Error::bad_input(format!("no policy {id:?}: expected one of {known}")));
        }
        choice.scenario.policy = Some(id);
    }
    output::write(&export::scenario(&choice.scenario), args.out.as_deref())
}

//! `link`: runs a scenario and prints the link that reproduces it.

use sim_core::record::Keep;
use sim_core::scenario::TieOrder;

use crate::args::LinkArgs;
use crate::choice::Choice;
use crate::error::Error;
use crate::simulate::simulate;
use crate::{link, output};

/// Prints the fragment, with the digest and the marks of the run.
pub(crate) fn run(args: &LinkArgs) -> Result<(), Error> {
    let choice = Choice::of(&args.choice)?;
    if choice.ties == TieOrder::Seeded {
        let why = "a link has no word for --ties seeded: leave it out";
        return Err(Error::bad_input(why));
    }
    let run = simulate(&choice, Keep::DigestOnly)?;
    output::write(&format!("{}\n", link::marked(&choice, &run)), None)
}

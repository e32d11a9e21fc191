//! `schema`: the JSON Schema of scenario files.

use sim_core::scenario::schema;

use crate::error::Error;
use crate::output;

/// Prints it.
pub(crate) fn run() -> Result<(), Error> {
    let text = serde_json::to_string_pretty(&schema()).expect("invariant: a schema is plain data");
    output::write(&(text + "\n"), None)
}

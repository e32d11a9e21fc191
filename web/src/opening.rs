//! The run that the page opens on, which comes with it as bytes, so that the first view needs no
//! simulator. The build has this program make them (`xtask/src/parts.rs`).
//!
//! Trusted for as long as it takes to simulate: when the rest of the program is there, the worker
//! makes the same run, and what it makes counts. Leaves out who asks it (`runner`).

use js_sys::Uint8Array;
use sim_core::record::Run;
use sim_core::scenario::run_from_wire;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::dom;
use crate::words::mark;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = restOfProgram, js_name = opening)]
    fn given() -> Option<Uint8Array>;
}

/// What a visitor reads if the run that came is not the one that is made here.
pub const DIFFERS: &str = mark!(
    "The run that came with this page is not the one that its simulator makes. \
                           What is on screen now was simulated here; please report it."
);

/// Bytes of a run that nobody has made here yet.
pub struct Opening(Vec<u8>);

impl Opening {
    /// The one that came with the page, if one did.
    pub fn of_page() -> Option<Self> {
        given().map(|bytes| Self(bytes.to_vec()))
    }

    /// The run; `None` if it is none.
    pub fn run(&self) -> Option<Run> {
        run_from_wire(&self.0).ok()
    }

    /// Whether the run that was made here is the same, byte for byte; scripts read it, too.
    pub fn is_proved_by(&self, made: &[u8]) -> bool {
        let is_same = self.0 == made;
        if let Some(root) = dom::root() {
            // Fails only for names that are no names.
            let _ =
                root.set_attribute("data-opening", if is_same { "reproduced" } else { "differs" });
        }
        is_same
    }
}

//! The wait-for graph as a picture: what of it is drawn, and where. Pure.
//!
//! The graph itself comes from the simulator's analyses; the component
//! that puts it on the page is `panels/graph.rs`.

pub mod layout;
pub mod sketch;

pub use layout::{Drawing, layout};
pub use sketch::{Sketch, sketch};

//! Charts, drawn by plotters on a canvas.

pub mod backend;
pub mod component;
pub mod draw;
pub mod memory;
pub mod series;

pub use component::{MemoryChart, use_width};

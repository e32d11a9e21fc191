//! Charts, drawn by plotters on a canvas.

mod backend;
mod component;
mod draw;
pub mod series;

pub use component::MemoryChart;

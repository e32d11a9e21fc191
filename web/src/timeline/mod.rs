//! The timeline: what is on screen, how it is drawn, what is under the
//! pointer. All but the components, `paint` and `listen` is pure and
//! tested natively.

pub mod brush;
mod component;
pub mod gesture;
pub mod hit;
pub mod layout;
mod listen;
mod overview;
mod paint;
pub mod palette;
pub mod raster;
pub mod ticks;
mod toolbar;
pub mod viewport;

pub use component::Timeline;
pub use overview::Overview;

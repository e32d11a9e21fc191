//! The timeline: what is on screen, how it is drawn, what is under the
//! pointer. All but the components, `paint` and `listen` is pure and
//! tested natively.

pub mod brush;
pub mod component;
pub mod gesture;
pub mod grid;
pub mod grid_view;
pub mod hit;
pub mod layout;
pub mod listen;
pub mod overview;
pub mod paint;
pub mod palette;
pub mod pyramid;
pub mod raster;
pub mod rows;
pub mod sight;
pub mod stack;
pub mod thin;
pub mod ticks;
pub mod toolbar;
pub mod viewport;

pub use component::Timeline;
pub use overview::Overview;
pub use stack::Stacked;

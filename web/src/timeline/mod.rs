//! The timeline: what is on screen, how it is drawn, what is under the
//! pointer. All but the components is pure and tested natively.

pub mod gesture;
pub mod hit;
pub mod layout;
pub mod palette;
pub mod raster;
pub mod ticks;
pub mod viewport;

//! The Reaperscope page.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "pixels, times and shares are converted all the time; a rounding error moves a pixel"
)]

mod demo;
mod engine;
mod format;
mod keys;
mod playback;
mod route;
mod shared;
mod state;
mod timeline;

fn main() {}

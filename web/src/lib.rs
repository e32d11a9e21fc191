//! The Reaperscope page.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "pixels, times and shares are converted all the time; a rounding error moves a pixel"
)]
#![cfg_attr(
    test,
    allow(clippy::float_cmp, reason = "the tested sums are exact in binary")
)]

pub mod address;
pub mod app;
pub mod chart;
pub mod dom;
pub mod effects;
pub mod engine;
pub mod format;
pub mod keys;
pub mod panels;
pub mod playback;
pub mod route;
pub mod runner;
pub mod shared;
pub mod state;
pub mod timeline;
pub mod ui;
pub mod virtual_list;

/// Puts the page in the place of what stands there while it loads.
pub fn start() {
    let Some(host) = dom::document().get_element_by_id("app") else {
        return;
    };
    // What the page showed while loading.
    host.set_inner_html("");
    yew::Renderer::<app::App>::with_root(host).render();
}

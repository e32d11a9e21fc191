//! The Reaperscope page.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "pixels, times and shares are converted all the time; a rounding error moves a pixel"
)]

mod address;
mod app;
mod chart;
mod demo;
mod dom;
mod effects;
mod engine;
mod format;
mod keys;
mod panels;
mod playback;
mod route;
mod runner;
mod shared;
mod state;
mod timeline;
mod ui;
mod virtual_list;

fn main() {
    let Some(host) = dom::document().get_element_by_id("app") else {
        return;
    };
    // What the page showed while loading.
    host.set_inner_html("");
    yew::Renderer::<app::App>::with_root(host).render();
}

//! The Reaperscope page.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "pixels, times and shares are converted all the time; a rounding error moves a pixel"
)]
#![cfg_attr(test, allow(clippy::float_cmp, reason = "the tested sums are exact in binary"))]

pub mod address;
pub mod app;
pub mod chart;
pub mod dom;
pub mod editor;
pub mod effects;
pub mod engine;
pub mod ensemble;
pub mod event_filter;
pub mod forks;
pub mod format;
pub mod graph;
pub mod keys;
pub mod learn;
pub mod message;
pub mod opening;
pub mod panels;
pub mod playback;
pub mod rest;
pub mod route;
pub mod runner;
pub mod series;
pub mod shared;
pub mod state;
pub mod sweep;
pub mod texts;
pub mod thread;
pub mod timeline;
pub mod transfer;
pub mod ui;
pub mod virtual_list;
pub mod words;
pub mod worker;

/// A broken invariant of the simulator ends the program; say so in the
/// page, with the link that shows it again.
fn explain_panics() {
    yew::set_custom_panic_hook(Box::new(|panic| {
        let text = words::t!(
            "Reaperscope stopped: an invariant broke.\n{panic}\n\nThis link shows it again:\n{link}",
            panic,
            link = address::address_of(&dom::window().location().hash().unwrap_or_default()),
        );
        web_sys::console::error_1(&text.as_str().into());
        if let Some(root) = dom::root() {
            // Fails only for names that are no names.
            let _ = root.set_attribute("data-state", "error");
        }
        let document = dom::document();
        let alert = document.create_element("pre");
        if let (Ok(alert), Some(body)) = (alert, document.body()) {
            alert.set_class_name("stopped");
            let _ = alert.set_attribute("role", "alert");
            alert.set_text_content(Some(&text));
            let _ = body.prepend_with_node_1(&alert);
        }
    }));
}

/// Before anything is said: a language is for as long as the page is open.
fn choose_language() {
    let query = dom::query();
    let choose = || words::chosen(&query, &dom::languages());
    if let Some(tag) = words::has_choice(&query).then(choose).flatten() {
        words::speak(tag);
        dom::set_language(tag);
    }
}

/// Puts the page in the place of what stands there while it loads; in a
/// worker there is none, and this becomes the simulator.
pub fn start() {
    rest::begin();
    if worker::serve() {
        return;
    }
    explain_panics();
    let Some(host) = dom::document().get_element_by_id("app") else {
        return;
    };
    choose_language();
    // What the page showed while loading.
    host.set_inner_html("");
    yew::Renderer::<app::App>::with_root(host).render();
}

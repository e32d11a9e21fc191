//! The browser in a few short functions. What a browser of today always
//! has is `expect`ed; what it may refuse is an `Option`.

use wasm_bindgen::JsCast as _;
use web_sys::{
    CanvasRenderingContext2d, Document, Element, FocusOptions, HtmlCanvasElement, HtmlElement,
    Window,
};

pub fn window() -> Window {
    web_sys::window().expect("invariant: the page runs in a window")
}

pub fn document() -> Document {
    window().document().expect("invariant: a window has a document")
}

/// The `html` element, which carries the attributes scripts read.
pub fn root() -> Option<HtmlElement> {
    document().document_element()?.dyn_into().ok()
}

/// What the head says under a name; empty where it says nothing.
pub fn meta(name: &str) -> String {
    let found = document().query_selector(&format!("meta[name={name}]")).ok().flatten();
    found.and_then(|element| element.get_attribute("content")).unwrap_or_default()
}

/// What the address asks behind its `?`; empty where it asks nothing.
pub fn query() -> String {
    window().location().search().unwrap_or_default()
}

/// The languages that the reader prefers, the best first.
#[inline(never)]
pub fn languages() -> Vec<String> {
    window().navigator().languages().iter().filter_map(|tag| tag.as_string()).collect()
}

/// Says which language the page speaks.
#[inline(never)]
pub fn set_language(tag: &str) {
    if let Some(root) = root() {
        // Fails only for names that are no names.
        let _ = root.set_attribute("lang", tag);
    }
}

/// Milliseconds since the page was opened.
pub fn now_ms() -> f64 {
    window().performance().map_or(0.0, |clock| clock.now())
}

/// Device pixels per CSS pixel, at least 1.
pub fn pixel_ratio() -> f64 {
    window().device_pixel_ratio().max(1.0)
}

/// Width and height of the window's inside, in CSS pixels.
pub fn window_size() -> (f64, f64) {
    let size = |told: Result<wasm_bindgen::JsValue, _>| told.ok()?.as_f64();
    let of = window();
    (size(of.inner_width()).unwrap_or(0.0), size(of.inner_height()).unwrap_or(0.0))
}

/// Sets a property through the CSS object model, which the content
/// policy allows; a `style` attribute would be refused.
pub fn set_style(element: &HtmlElement, property: &str, value: &str) {
    // Fails only for read-only declarations.
    let _ = element.style().set_property(property, value);
}

/// Whether a media query holds.
pub fn media(query: &str) -> bool {
    window().match_media(query).ok().flatten().is_some_and(|list| list.matches())
}

/// The page's background and text color as computed: the system's own
/// where it forces them.
pub fn page_colors() -> Option<(String, String)> {
    let element: Element = root()?.into();
    let style = window().get_computed_style(&element).ok().flatten()?;
    let value = |name| style.get_property_value(name).ok();
    Some((value("background-color")?, value("color")?))
}

pub fn context_2d(canvas: &HtmlCanvasElement) -> Option<CanvasRenderingContext2d> {
    canvas.get_context("2d").ok()??.dyn_into().ok()
}

/// Fits a canvas to its box; a context scaled to CSS pixels, with the
/// width and height in them.
pub fn fit_canvas(canvas: &HtmlCanvasElement) -> Option<(CanvasRenderingContext2d, f64, f64)> {
    let (width, height) = (f64::from(canvas.client_width()), f64::from(canvas.client_height()));
    if width < 1.0 || height < 1.0 {
        return None;
    }
    let ratio = pixel_ratio();
    let (pixel_width, pixel_height) = ((width * ratio) as u32, (height * ratio) as u32);
    // Setting a size clears the canvas, even to the same size.
    if canvas.width() != pixel_width {
        canvas.set_width(pixel_width);
    }
    if canvas.height() != pixel_height {
        canvas.set_height(pixel_height);
    }
    let context = context_2d(canvas)?;
    let _ = context.set_transform(ratio, 0.0, 0.0, ratio, 0.0, 0.0);
    context.clear_rect(0.0, 0.0, width, height);
    Some((context, width, height))
}

/// Whether `element` is, or stands inside, what `selector` names.
pub fn inside(element: &Element, selector: &str) -> bool {
    element.closest(selector).is_ok_and(|found| found.is_some())
}

/// Moves the focus to the element with this id.
pub fn focus(id: &str) {
    let element = document().get_element_by_id(id);
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// Gives the focus to the element with this id, if what had it is gone; nothing scrolls.
pub fn catch_focus(id: &str) {
    let is_lost = document().active_element().is_none_or(|it| it.tag_name() == "BODY");
    let element = document().get_element_by_id(id).filter(|_| is_lost);
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        let _ = element.focus_with_options(&options);
    }
}

/// Whether the element with this id has the focus.
pub fn has_focus(id: &str) -> bool {
    document().active_element().is_some_and(|element| element.id() == id)
}

/// Whether the page is part of another one.
pub fn is_embedded() -> bool {
    document().query_selector(".embedded").is_ok_and(|found| found.is_some())
}

/// Whether a dialog is open, which keeps keys to itself.
pub fn has_dialog() -> bool {
    document().query_selector("dialog[open]").is_ok_and(|found| found.is_some())
}

/// Shows what is told at the pointer, or puts it away until the pointer moves (WCAG 1.4.13).
pub fn set_tips(on: bool) {
    if let Some(root) = root() {
        // Fails only for names that are no names.
        let _ = if on {
            root.remove_attribute("data-no-tips")
        } else {
            root.set_attribute("data-no-tips", "")
        };
    }
}

/// What was stored under `key` on an earlier visit.
pub fn stored(key: &str) -> Option<String> {
    window().local_storage().ok()??.get_item(key).ok()?
}

/// Keeps `value` for later visits; whether the browser lets it. Full, or off: the choice then
/// lasts for this visit.
pub fn store(key: &str, value: &str) -> bool {
    let storage = window().local_storage().ok().flatten();
    storage.is_some_and(|storage| storage.set_item(key, value).is_ok())
}

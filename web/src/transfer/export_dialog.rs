//! The run in the formats of other tools, the view as an image, the
//! scenario as a file.

use sim_core::export;
use wasm_bindgen::JsCast as _;
use wasm_bindgen::closure::Closure;
use web_sys::{Blob, HtmlCanvasElement, HtmlImageElement};
use yew::prelude::*;

use super::{download, image};
use crate::address::shareable;
use crate::dom;
use crate::engine;
use crate::panels::dialog::Dialog;
use crate::route::{Route, fragment, gallery_id};
use crate::shared::Shared;
use crate::state::{Action, Dialog as Open, Scene};
use crate::timeline::layout::Layout;
use crate::timeline::palette::Shade;
use crate::timeline::rows::Rows;
use crate::timeline::viewport::Viewport;
use crate::ui::use_ui;
use crate::words::{mark, say, t};

#[derive(Clone, Properties, PartialEq)]
pub struct Props {
    pub open: bool,
    /// The runs on screen, the one that is looked at first, and why the others are there.
    pub scenes: Vec<(Shared<Scene>, String)>,
    /// For each but the first, whose run it is compared with, by place.
    pub parents: Vec<usize>,
    /// Of what is on screen.
    pub route: Route,
    /// Lanes on screen, top to bottom.
    pub lanes: Vec<usize>,
    /// The selected one, and the arrows that were followed.
    pub lane: usize,
    pub followed: Vec<usize>,
    pub view: Viewport,
    pub at: u64,
    pub shade: Shade,
}

/// What is on screen as an image.
fn pictured(props: &Props) -> String {
    let layout = Layout::for_width(f64::INFINITY);
    let runs = props.scenes.iter().enumerate().map(|(place, (scene, name))| {
        let outcome = &scene.outcome;
        let brief = || Rows::brief(&outcome.lanes, &outcome.run.cast, layout).lanes().collect();
        let is_first = place == 0;
        let parent = place.checked_sub(1).and_then(|place| props.parents.get(place));
        let parent = parent.and_then(|parent| props.scenes.get(*parent));
        let parts = parent.and_then(|(parent, _)| engine::parting(&parent.outcome, outcome));
        image::Shown {
            scene,
            name: name.clone(),
            lanes: if is_first { props.lanes.clone() } else { brief() },
            lane: is_first.then_some(props.lane),
            followed: if is_first { props.followed.clone() } else { Vec::new() },
            parts: parts.map(|parting| parting.at),
        }
    });
    let runs: Vec<_> = runs.collect();
    image::svg(&image::Picture {
        title: &image::title_of(&props.route.request.scenario),
        runs: &runs,
        view: props.view,
        at: props.at,
        range: props.route.range,
        notes: &props.route.notes,
        link: &shareable(&fragment(&props.route)),
        shade: props.shade,
    })
}

/// What can be saved: name, what it is for.
#[derive(Copy, Clone, PartialEq)]
enum Format {
    Chrome,
    Ftrace,
    TraceDat,
    Dmesg,
    Csv,
    Dot,
    Lockdep,
    Svg,
    Png,
    Toml,
}

const FORMATS: [(Format, &str, &str); 10] = [
    (
        Format::Chrome,
        mark!("Trace events (JSON)"),
        mark!("for Perfetto, speedscope and other timeline viewers; Import here runs it again"),
    ),
    (
        Format::Ftrace,
        mark!("ftrace text"),
        mark!("as the kernel would have traced it, with its own tracepoints"),
    ),
    (
        Format::TraceDat,
        "trace.dat",
        mark!("the same as a file for trace-cmd report and KernelShark"),
    ),
    (Format::Dmesg, mark!("Kernel log"), mark!("as dmesg would have shown it")),
    (Format::Csv, mark!("Events (CSV)"), mark!("a line per record")),
    (
        Format::Dot,
        mark!("Wait-for graph (DOT)"),
        mark!("who waits for whom at the cursor, for Graphviz"),
    ),
    (
        Format::Lockdep,
        mark!("lockdep reports"),
        mark!("what lock debugging and the hung-task detector print"),
    ),
    (
        Format::Svg,
        mark!("Image (SVG)"),
        mark!("what is on screen, in its colors, with link and QR code"),
    ),
    (Format::Png, mark!("Image (PNG)"), mark!("the same at twice the size")),
    (
        Format::Toml,
        mark!("Scenario (TOML)"),
        mark!("to edit, and to run again here or with the command line"),
    ),
];

#[component]
pub fn ExportDialog(props: &Props) -> Html {
    let ui = use_ui();
    let (Some((scene, _)), true) = (props.scenes.first().cloned(), props.open) else {
        return html! { <Dialog open=false title={t!("Export")}>{ Html::default() }</Dialog> };
    };
    let link = ui.on(|_: MouseEvent| Action::Show(Open::Share));
    let review = {
        let ui = ui.clone();
        Callback::from(move |_: MouseEvent| {
            ui.send(Action::CloseDialog);
            ui.send(Action::Sweep(true));
        })
    };
    let items = FORMATS.iter().map(|(format, name, what)| {
        let (format, scene, route) = (*format, scene.clone(), props.route.clone());
        let shown = props.clone();
        let save = Callback::from(move |_: MouseEvent| match format {
            Format::Svg => {
                let name = format!("{}.svg", stem(&route));
                download::save_text(&name, "image/svg+xml", &pictured(&shown));
            }
            Format::TraceDat => {
                let bytes = export::trace_dat(&scene.outcome.run);
                download::save_bytes(&format!("{}.dat", stem(&route)), &bytes);
            }
            Format::Dot => {
                let text = engine::wait_graph_text(&scene.outcome, shown.at);
                download::save_text(&format!("{}.dot", stem(&route)), "text/vnd.graphviz", &text);
            }
            Format::Png => save_drawn(format!("{}.png", stem(&route)), &pictured(&shown)),
            _ => save(format, &scene, &route),
        });
        html! {
            <li><button type="button" onclick={save}>{ say(name) }</button><span>{ say(what) }</span></li>
        }
    });
    html! {
        <Dialog open=true title={t!("Export")}>
            <ul class="formats">{ for items }
                <li><button type="button" onclick={review}>{ t!("Review") }</button><span>{ t!("over many seeds: one document (HTML or Markdown) for a patch thread") }</span></li>
                <li><button type="button" onclick={link}>{ t!("Link") }</button><span>{ t!("to this moment, as text and as a QR code") }</span></li>
            </ul>
            <p class="small">{ t!("Files are made in this page; nothing is sent anywhere.") }</p>
        </Dialog>
    }
}

/// Begin of the names of files.
pub fn stem(route: &Route) -> String {
    let scenario = gallery_id(&route.request.scenario).unwrap_or("scenario");
    let policy = route.request.policy.as_ref().map_or_else(String::new, |it| format!("-{it}"));
    format!("{scenario}-{}{policy}", route.request.seed)
}

fn save(format: Format, scene: &Scene, route: &Route) {
    let (run, stem) = (&scene.outcome.run, stem(route));
    let (end, kind, text) = match format {
        Format::Chrome => {
            ("trace.json", "application/json", export::chrome(run, Some(&fragment(route))))
        }
        Format::Ftrace => ("ftrace.txt", "text/plain", export::ftrace(run)),
        Format::Dmesg => ("dmesg.txt", "text/plain", export::dmesg(run)),
        Format::Csv => ("csv", "text/csv", export::csv(run)),
        Format::Lockdep => match engine::lockdep_text(&scene.outcome, &route.request) {
            Ok(text) if text.is_empty() => {
                ("lockdep.txt", "text/plain", t!("Nothing is reported of this run.\n").to_owned())
            }
            Ok(text) => ("lockdep.txt", "text/plain", text),
            // It ran, so it runs.
            Err(_) => return,
        },
        _ => match engine::scenario_text(&route.request) {
            Ok(text) => ("toml", "application/toml", text),
            // It ran, so it parses.
            Err(_) => return,
        },
    };
    download::save_text(&format!("{stem}.{end}"), kind, &text);
}

/// Saves what an SVG looks like at twice its size.
fn save_drawn(name: String, svg: &str) {
    let Ok(image) = HtmlImageElement::new() else {
        return;
    };
    let drawn = image.clone();
    let done = Closure::once_into_js(move || {
        let canvas = dom::document().create_element("canvas").ok();
        let canvas = canvas.and_then(|it| it.dyn_into::<HtmlCanvasElement>().ok());
        let Some(canvas) = canvas else {
            return;
        };
        let (width, height) = (drawn.width() * 2, drawn.height() * 2);
        canvas.set_width(width);
        canvas.set_height(height);
        if let Some(context) = dom::context_2d(&canvas) {
            let (width, height) = (f64::from(width), f64::from(height));
            let _ = context
                .draw_image_with_html_image_element_and_dw_and_dh(&drawn, 0.0, 0.0, width, height);
        }
        let saved = Closure::once_into_js(move |blob: Option<Blob>| {
            if let Some(blob) = blob {
                download::save(&name, &blob);
            }
        });
        let _ = canvas.to_blob(saved.unchecked_ref());
    });
    image.set_onload(Some(done.unchecked_ref()));
    image.set_src(&format!(
        "data:image/svg+xml,{}",
        String::from(js_sys::encode_uri_component(svg))
    ));
}

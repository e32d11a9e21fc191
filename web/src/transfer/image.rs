//! What is on screen as an SVG with real text and patterns, the verdicts, and the link with its QR
//! code, so that whoever sees the image finds the runs. Light or dark, as the page is. Pure.

mod lanes;
mod legend;

use std::fmt::Write as _;

use sim_core::base::SimTime;
use sim_core::share::ScenarioRef;

use self::legend::Entry;
use super::qr;
use crate::format;
use crate::route::{Note, gallery_id};
use crate::state::{Scene, StageArrow};
use crate::timeline::palette::{Shade, VERMILION, css as hex, mixed};
use crate::timeline::thin;
use crate::timeline::ticks::ticks;
use crate::timeline::viewport::Viewport;
use crate::words::t;

const WIDTH: f64 = 1200.0;
const GUTTER: f64 = 170.0;
const MEMORY: f64 = 90.0;
/// Points of a curve are at least this far apart.
const STEP_MIN: f64 = 0.5;
/// Link characters on a line.
const LINE: usize = 118;
const LINE_HEIGHT: f64 = 15.0;
/// How much of the ink is in the lines that carry the time.
const RULE_SHARE: f64 = 0.17;
/// Heading of a run that is compared with.
const HEADING: f64 = 30.0;

/// What is on screen.
pub struct Picture<'a> {
    pub title: &'a str,
    /// The runs, the one that is looked at first.
    pub runs: &'a [Shown<'a>],
    pub view: Viewport,
    /// The cursor.
    pub at: u64,
    /// The selected range.
    pub range: Option<(u64, u64)>,
    pub notes: &'a [Note],
    pub link: &'a str,
    /// Of the page.
    pub shade: Shade,
}

/// One run of it.
pub struct Shown<'a> {
    pub scene: &'a Scene,
    /// Why it stands below the first one.
    pub name: String,
    /// Its lanes, top to bottom.
    pub lanes: Vec<usize>,
    /// The lane whose arrows are drawn, if it has one.
    pub lane: Option<usize>,
    /// Arrows that were followed.
    pub followed: Vec<usize>,
    /// Where it parts from the run that it stands below.
    pub parts: Option<u64>,
}

impl Shown<'_> {
    fn of(&self) -> (&Scene, &[usize]) {
        (self.scene, &self.lanes)
    }

    fn arrows(&self, axis: &Axis) -> Vec<StageArrow> {
        let of_lane = self.lane.map(|lane| thin::arrows(self.scene, lane, axis.view, axis.width));
        let followed = self.followed.iter().filter_map(|it| self.scene.arrows.get(*it).copied());
        of_lane.into_iter().flatten().chain(followed).collect()
    }
}

/// The image.
pub fn svg(picture: &Picture<'_>) -> String {
    let Some(first) = picture.runs.first() else {
        return String::new();
    };
    let shade = picture.shade;
    let axis = Axis { view: picture.view, left: GUTTER, width: WIDTH - GUTTER - 16.0, shade };
    let top = 74.0;
    let mut lanes_end = top + MEMORY + 14.0;
    let mut tops = Vec::new();
    for (place, run) in picture.runs.iter().enumerate() {
        lanes_end += if place > 0 { HEADING } else { 0.0 };
        tops.push(lanes_end);
        lanes_end += lanes::PITCH * run.lanes.len() as f64;
    }
    let code = qr::of_link(picture.link);
    let link_rows = picture.link.chars().count().div_ceil(LINE) as f64;
    let foot = f64::max(if code.is_some() { 150.0 } else { 60.0 }, 44.0 + LINE_HEIGHT * link_rows);
    let states = legend::states(picture.runs.iter().map(Shown::of));
    let entries = entries(picture, &axis, &states);
    let places = legend::places(&entries);
    let foot_top = lanes_end + 64.0 + places.last().map_or(0.0, |&(_, down)| down);
    let height = foot_top + foot;
    let alt = alt_text(picture.title, first.scene);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{0}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"{1}\">\
         <title>{0}</title><rect width=\"{WIDTH}\" height=\"{height}\" fill=\"{2}\"/>",
        escaped(&alt),
        hex(shade.ink()),
        hex(shade.ground())
    );
    legend::patterns(&mut out, &states, shade);
    let report = &first.scene.outcome.report;
    let id = &first.scene.outcome.run.id;
    text(&mut out, 16.0, 26.0, "font-size=\"17\" font-weight=\"600\"", &cut(picture.title, 110));
    let told = t!(
        "kernel {kernel}, policy {policy}, seed {seed}: {verdict}",
        kernel = id.kernel,
        policy = id.policy,
        seed = id.seed,
        verdict = report.verdict.id()
    );
    text(&mut out, 16.0, 46.0, "font-weight=\"600\"", &told);
    text(&mut out, 16.0, 62.0, &faint(shade), &cut(&report.evidence, 170));
    rules(&mut out, &axis, top, lanes_end);
    if let Some((from, to)) = picture.range {
        let (from, to) = (axis.x(from), axis.x(to));
        let _ = write!(
            out,
            "<rect x=\"{from:.1}\" y=\"{top}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\" fill-opacity=\"0.12\"/>",
            to - from,
            lanes_end - top,
            hex(shade.accent())
        );
    }
    memory(&mut out, &axis, first.scene, top);
    for (place, (run, top)) in picture.runs.iter().zip(tops).enumerate() {
        if place > 0 {
            heading(&mut out, run, top - HEADING, shade);
        }
        lanes::draw(&mut out, &axis, run.of(), &run.arrows(&axis), top);
        if let Some(at) = run.parts {
            parting(&mut out, &axis, at, (top, top + lanes::PITCH * run.lanes.len() as f64));
        }
    }
    let moment = format!("t = {}", format::instant(SimTime(picture.at)));
    flag(&mut out, &axis, picture.at, &moment, (top, lanes_end, lanes_end + 28.0));
    for note in picture.notes {
        flag(&mut out, &axis, note.at, &cut(&note.text, 60), (top - 6.0, lanes_end, top + 8.0));
    }
    for (entry, (x, down)) in entries.iter().zip(places) {
        legend::explain(&mut out, *entry, (x, lanes_end + 50.0 + down), shade);
    }
    footer(&mut out, picture.link, code.as_ref(), (foot_top, shade));
    out.push_str("</svg>\n");
    out
}

/// All that is explained, each once.
fn entries(
    picture: &Picture<'_>,
    axis: &Axis,
    states: &[sim_core::analysis::LaneState],
) -> Vec<Entry> {
    let mut entries = vec![Entry::Free, Entry::Watermarks];
    entries.extend(states.iter().map(|state| Entry::State(*state)));
    for run in picture.runs {
        for entry in lanes::entries(axis, run.of(), &run.arrows(axis)) {
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
    }
    entries
}

/// What a run that is compared with is called, and what came of it.
fn heading(out: &mut String, run: &Shown<'_>, top: f64, shade: Shade) {
    let report = &run.scene.outcome.report;
    let told = format!("{}: {}", run.name, report.verdict.id());
    text(out, 16.0, top + 20.0, "font-weight=\"600\"", &told);
    let x = 32.0 + told.chars().count() as f64 * 7.2;
    text(out, x, top + 20.0, &faint(shade), &cut(&report.evidence, 130));
}

/// A line at an instant, and what is said of it.
fn flag(out: &mut String, axis: &Axis, at: u64, told: &str, (top, bottom, base): (f64, f64, f64)) {
    let Some(x) = axis.inside(at) else {
        return;
    };
    let (ink, ground) = (hex(axis.shade.ink()), hex(axis.shade.ground()));
    let _ =
        write!(out, "<path d=\"M{x:.1} {top}V{bottom}\" stroke=\"{ink}\" stroke-width=\"1.5\"/>");
    // Towards the side where there is room.
    let (x, anchor) =
        if x > axis.left + axis.width * 0.75 { (x - 4.0, "end") } else { (x + 4.0, "start") };
    let attributes = format!(
        "text-anchor=\"{anchor}\" font-weight=\"600\" stroke=\"{ground}\" stroke-width=\"3\" paint-order=\"stroke\""
    );
    text(out, x, base, &attributes, told);
}

/// Where a run parts from the one that it is compared with, or on which side of the image that is.
fn parting(out: &mut String, axis: &Axis, at: u64, (top, bottom): (f64, f64)) {
    let bad = hex(axis.shade.bad());
    let (x, told) = match axis.inside(at) {
        Some(x) => (x, t!("parts here").to_owned()),
        None if at < axis.view.start => {
            (axis.left, t!("‹ parted at {at}", at = format::instant(SimTime(at))))
        }
        None => (axis.left + axis.width, t!("parts at {at} ›", at = format::instant(SimTime(at)))),
    };
    if axis.inside(at).is_some() {
        let _ = write!(
            out,
            "<path d=\"M{x:.1} {top:.1}V{bottom:.1}\" stroke=\"{bad}\" stroke-width=\"2\" stroke-dasharray=\"4 3\"/>"
        );
    }
    let is_right = x > axis.left + axis.width * 0.75;
    let (x, anchor) = if is_right { (x - 4.0, "end") } else { (x + 4.0, "start") };
    let attributes = format!(
        "text-anchor=\"{anchor}\" fill=\"{bad}\" font-size=\"11\" font-weight=\"600\" stroke=\"{}\" stroke-width=\"3\" paint-order=\"stroke\"",
        hex(axis.shade.ground())
    );
    text(out, x, top + 2.0, &attributes, &told);
}

/// What the image shows, for who can't see it.
pub fn alt_text(title: &str, scene: &Scene) -> String {
    let outcome = &scene.outcome;
    let (id, report) = (&outcome.run.id, &outcome.report);
    t!(
        "Timeline of {title} (kernel {kernel}, policy {policy}, seed {seed}). Verdict: {verdict}. {evidence}",
        title,
        kernel = id.kernel,
        policy = id.policy,
        seed = id.seed,
        verdict = report.verdict.id(),
        evidence = report.evidence
    )
}

/// What a scenario calls itself.
pub fn title_of(scenario: &ScenarioRef) -> String {
    let entry = gallery_id(scenario).and_then(sim_core::scenario::gallery::find);
    match (entry, scenario) {
        (Some(entry), _) => entry.title.to_owned(),
        (None, ScenarioRef::ById(id)) => t!("Scenario {id}", id),
        (None, ScenarioRef::Inline(text)) => crate::editor::title_of(text),
    }
}

/// Where time is on the image, and what it is drawn in.
struct Axis {
    view: Viewport,
    left: f64,
    width: f64,
    shade: Shade,
}

impl Axis {
    fn x(&self, at: u64) -> f64 {
        self.left + self.view.px_from_time(at, self.width).clamp(0.0, self.width)
    }

    fn inside(&self, at: u64) -> Option<f64> {
        (self.view.start..=self.view.end()).contains(&at).then(|| self.x(at))
    }
}

fn rules(out: &mut String, axis: &Axis, top: f64, bottom: f64) {
    for tick in ticks(axis.view.start, axis.view.end(), 8) {
        let x = axis.x(tick.at);
        let rule = hex(mixed(axis.shade.ink(), axis.shade.ground(), RULE_SHARE));
        let _ = write!(out, "<path d=\"M{x:.1} {top}V{bottom}\" stroke=\"{rule}\"/>");
        let attributes = format!("text-anchor=\"middle\" {}", faint(axis.shade));
        text(out, x, bottom + 14.0, &attributes, &tick.label);
    }
}

/// Free memory as steps, with the watermarks.
fn memory(out: &mut String, axis: &Axis, scene: &Scene, top: f64) {
    let memory = &scene.outcome.memory;
    let most = memory.managed.max(1) as f64;
    let y = |pages: u64| top + MEMORY - pages as f64 / most * MEMORY;
    text(out, axis.left - 8.0, top + 14.0, "text-anchor=\"end\"", t!("free memory"));
    let of = t!("of {size}", size = format::pages(memory.managed));
    let attributes = format!("text-anchor=\"end\" {}", faint(axis.shade));
    text(out, axis.left - 8.0, top + 28.0, &attributes, &of);
    let points = &memory.free;
    let first = points.partition_point(|(at, _)| at.0 <= axis.view.start).saturating_sub(1);
    let mut path = String::new();
    let mut last_x = f64::NEG_INFINITY;
    let mut low = u64::MAX;
    for (at, free) in
        points[first.min(points.len())..].iter().take_while(|(at, _)| at.0 <= axis.view.end())
    {
        low = low.min(*free);
        let x = axis.x(at.0);
        if x - last_x < STEP_MIN {
            continue;
        }
        if path.is_empty() {
            let _ = write!(path, "M{x:.1} {:.1}", y(*free));
        } else {
            // The least of what was left out, so that no dip is lost.
            let _ = write!(path, "V{:.1}H{x:.1}V{:.1}", y(low), y(*free));
        }
        (last_x, low) = (x, *free);
    }
    if !path.is_empty() {
        let _ = write!(path, "V{:.1}H{:.1}", y(low), axis.left + axis.width);
        let _ = write!(
            out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"/>",
            hex(axis.shade.accent())
        );
    }
    for mark in [memory.min, memory.low, memory.high] {
        let (y, right) = (y(mark), axis.left + axis.width);
        let _ = write!(
            out,
            "<path d=\"M{:.1} {y:.1}H{right:.1}\" stroke=\"{}\" stroke-dasharray=\"4 3\"/>",
            axis.left,
            hex(VERMILION)
        );
    }
}

fn footer(out: &mut String, link: &str, code: Option<&qr::Code>, (top, shade): (f64, Shade)) {
    let mut left = 16.0;
    if let Some(code) = code {
        let scale = 132.0 / f64::from(code.side);
        let _ = write!(
            out,
            "<g transform=\"translate(8 {:.1}) scale({scale:.4})\"><rect width=\"{1}\" height=\"{1}\" fill=\"#fff\"/>\
             <path d=\"{2}\" fill=\"#000\"/></g>",
            top + 4.0,
            code.side,
            code.path
        );
        left = 152.0;
    }
    text(
        out,
        left,
        top + 24.0,
        &faint(shade),
        if code.is_some() || link.contains("://") {
            t!(
                "Reaperscope. This link simulates the run again and says whether it came out the same:"
            )
        } else {
            t!(
                "Reaperscope. Behind the address of any Reaperscope page, this simulates the run again:"
            )
        },
    );
    let link: Vec<char> = link.chars().collect();
    for (row, line) in link.chunks(LINE).enumerate() {
        let letters: String = line.iter().collect();
        text(
            out,
            left,
            top + 44.0 + LINE_HEIGHT * row as f64,
            "font-family=\"monospace\" font-size=\"11\"",
            &letters,
        );
    }
}

fn text(out: &mut String, x: f64, y: f64, attributes: &str, text: &str) {
    let _ = write!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{}</text>", escaped(text));
}

fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    let cut: String = text.chars().take(letters - 1).collect();
    format!("{cut}…")
}

/// Of small print.
fn faint(shade: Shade) -> String {
    format!("fill=\"{}\"", hex(shade.faint_ink()))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML has no word for these.
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests;

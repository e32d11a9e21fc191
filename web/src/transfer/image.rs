//! The view as an SVG with real text and patterns, the verdict, and the
//! link with its QR code, so that whoever sees the image finds the run.
//! Pure.

use std::fmt::Write as _;

use sim_core::analysis::{Lane, LaneState, MarkKind, Span};
use sim_core::base::SimTime;

use super::qr;
use crate::format;
use crate::state::Scene;
use crate::timeline::palette::{Pattern, Rgb, Shade, look};
use crate::timeline::ticks::ticks;
use crate::timeline::viewport::Viewport;

const WIDTH: f64 = 1200.0;
const GUTTER: f64 = 170.0;
const LANE: f64 = 22.0;
const MEMORY: f64 = 90.0;
/// Narrower spans are drawn as part of their neighbor.
const SPAN_MIN: f64 = 0.5;
/// Link characters on a line.
const LINE: usize = 118;
const LINE_HEIGHT: f64 = 15.0;
const LEGEND_HEIGHT: f64 = 18.0;

/// An image of some lanes of a run.
pub fn svg(scene: &Scene, lanes: &[usize], view: Viewport, at: u64, link: &str) -> String {
    let outcome = &scene.outcome;
    let axis = Axis { view, left: GUTTER, width: WIDTH - GUTTER - 16.0 };
    let top = 74.0;
    let lanes_top = top + MEMORY + 14.0;
    let lanes_end = lanes_top + LANE * lanes.len() as f64;
    let code = qr::of_link(link);
    let link_rows = link.chars().count().div_ceil(LINE) as f64;
    let foot = f64::max(if code.is_some() { 150.0 } else { 60.0 }, 44.0 + LINE_HEIGHT * link_rows);
    let states = states(&outcome.lanes, lanes);
    let legend = places(&states);
    let foot_top = lanes_end + 64.0 + legend.last().map_or(0.0, |&(_, down)| down);
    let height = foot_top + foot;
    let alt = alt_text(scene);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{0}\" font-family=\"system-ui, sans-serif\" font-size=\"12\" fill=\"#16181d\">\
         <title>{0}</title><rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>",
        escaped(&alt)
    );
    patterns(&mut out, &states);
    let id = &outcome.run.id;
    text(&mut out, 16.0, 26.0, "font-size=\"17\" font-weight=\"600\"", &title_of(scene));
    let told = format!(
        "kernel {}, policy {}, seed {}: {}",
        id.kernel,
        id.policy,
        id.seed,
        outcome.report.verdict.id()
    );
    text(&mut out, 16.0, 46.0, "font-weight=\"600\"", &told);
    text(&mut out, 16.0, 62.0, "fill=\"#555c68\"", &cut(&outcome.report.evidence, 170));
    rules(&mut out, &axis, top, lanes_end);
    memory(&mut out, &axis, scene, top);
    for (row, lane) in lanes.iter().enumerate() {
        if let Some(lane) = outcome.lanes.get(*lane) {
            draw_lane(&mut out, &axis, lane, lanes_top + LANE * row as f64);
        }
    }
    if let Some(x) = axis.inside(at) {
        let _ = write!(
            out,
            "<path d=\"M{x:.1} {top}V{lanes_end}\" stroke=\"#16181d\" stroke-width=\"1.5\"/>"
        );
        let when = format!("t = {}", format::instant(SimTime(at)));
        text(&mut out, x + 4.0, lanes_end + 28.0, "font-weight=\"600\"", &when);
    }
    for (state, (x, down)) in states.iter().zip(legend) {
        explain(&mut out, *state, x, lanes_end + 50.0 + down);
    }
    footer(&mut out, link, code.as_ref(), foot_top);
    out.push_str("</svg>\n");
    out
}

/// What the image shows, for who can't see it.
pub fn alt_text(scene: &Scene) -> String {
    let outcome = &scene.outcome;
    let (id, report) = (&outcome.run.id, &outcome.report);
    format!(
        "Timeline of {} (kernel {}, policy {}, seed {}). Verdict: {}. {}",
        title_of(scene),
        id.kernel,
        id.policy,
        id.seed,
        report.verdict.id(),
        report.evidence
    )
}

fn title_of(scene: &Scene) -> String {
    let id = &scene.outcome.run.id.scenario;
    let entry = sim_core::scenario::gallery::find(id);
    entry.map_or_else(|| format!("Scenario {id}"), |entry| entry.title.to_owned())
}

struct Axis {
    view: Viewport,
    left: f64,
    width: f64,
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
        let _ = write!(out, "<path d=\"M{x:.1} {top}V{bottom}\" stroke=\"#d5d9e0\"/>");
        text(out, x, bottom + 14.0, "text-anchor=\"middle\" fill=\"#555c68\"", &tick.label);
    }
}

/// Free memory as steps, with the watermarks.
fn memory(out: &mut String, axis: &Axis, scene: &Scene, top: f64) {
    let memory = &scene.outcome.memory;
    let most = memory.managed.max(1) as f64;
    let y = |pages: u64| top + MEMORY - pages as f64 / most * MEMORY;
    text(out, axis.left - 8.0, top + 14.0, "text-anchor=\"end\"", "free memory");
    let of = format!("of {}", format::pages(memory.managed));
    text(out, axis.left - 8.0, top + 28.0, "text-anchor=\"end\" fill=\"#555c68\"", &of);
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
        if x - last_x < SPAN_MIN {
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
            "<path d=\"{path}\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"1.5\"/>"
        );
    }
    for mark in [memory.min, memory.low, memory.high] {
        let (y, right) = (y(mark), axis.left + axis.width);
        let _ = write!(
            out,
            "<path d=\"M{:.1} {y:.1}H{right:.1}\" stroke=\"#d55e00\" stroke-dasharray=\"4 3\"/>",
            axis.left
        );
    }
}

fn draw_lane(out: &mut String, axis: &Axis, lane: &Lane, top: f64) {
    text(out, axis.left - 8.0, top + 15.0, "text-anchor=\"end\"", &cut(&lane.title, 24));
    let first = lane.spans.partition_point(|span| span.end.0 <= axis.view.start);
    let shown = lane.spans[first..].iter().take_while(|span| span.start.0 < axis.view.end());
    let mut open: Option<(f64, f64, LaneState)> = None;
    let flush = |out: &mut String, open: &mut Option<(f64, f64, LaneState)>| {
        if let Some((from, to, state)) = open.take() {
            let (name, width) = (pattern_id(state), (to - from).max(SPAN_MIN));
            let _ = write!(
                out,
                "<rect x=\"{from:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"url(#{name})\"/>",
                top + 3.0,
                LANE - 6.0
            );
        }
    };
    for Span { start, end, state, .. } in shown {
        let (from, to) = (axis.x(start.0), axis.x(end.0));
        match &mut open {
            Some((_, until, last))
                if pattern_id(*last) == pattern_id(*state) && from - *until < SPAN_MIN =>
            {
                *until = to;
            }
            Some((_, until, _)) if to - from < SPAN_MIN && to - *until < SPAN_MIN => *until = to,
            _ => {
                flush(out, &mut open);
                open = Some((from, to, *state));
            }
        }
    }
    flush(out, &mut open);
    for mark in &lane.marks {
        let glyph = match mark.kind {
            MarkKind::Kill => "✕",
            MarkKind::GiveUp => "▼",
            MarkKind::Reaped => "✓",
            _ => continue,
        };
        if let Some(x) = axis.inside(mark.at.0) {
            text(
                out,
                x,
                top + 16.0,
                "text-anchor=\"middle\" font-weight=\"700\" stroke=\"#fff\" stroke-width=\"3\" paint-order=\"stroke\"",
                glyph,
            );
        }
    }
}

/// One for all attempts and back-offs, whatever their number.
fn name_of(state: LaneState) -> String {
    match state {
        LaneState::Reaping(_) => "attempt of the reaper".to_owned(),
        LaneState::BackOff(_) => "back-off".to_owned(),
        state => state.name(),
    }
}

fn pattern_id(state: LaneState) -> String {
    format!("p-{}", name_of(state).replace(' ', "-").to_ascii_lowercase())
}

fn states(all: &[Lane], lanes: &[usize]) -> Vec<LaneState> {
    let mut found: Vec<LaneState> = Vec::new();
    for span in lanes.iter().filter_map(|lane| all.get(*lane)).flat_map(|lane| &lane.spans) {
        if !found.iter().any(|known| name_of(*known) == name_of(span.state)) {
            found.push(span.state);
        }
    }
    found
}

fn patterns(out: &mut String, states: &[LaneState]) {
    out.push_str("<defs>");
    for state in states {
        let look = look(*state, Shade::Light);
        let (ink, ground) = (hex(look.color), hex(look.under));
        let inside = match look.pattern {
            Pattern::Solid => format!("<rect width=\"8\" height=\"8\" fill=\"{ink}\"/>"),
            Pattern::Hatch => format!(
                "<path d=\"M-2 10L10 -2M-2 2L2 -2M6 10L10 6\" stroke=\"{ink}\" stroke-width=\"2.4\"/>"
            ),
            Pattern::Dots => format!("<circle cx=\"4\" cy=\"4\" r=\"2\" fill=\"{ink}\"/>"),
            Pattern::Cross => {
                format!("<path d=\"M0 0L8 8M8 0L0 8\" stroke=\"{ink}\" stroke-width=\"1.6\"/>")
            }
            Pattern::Line => format!("<rect y=\"3.5\" width=\"8\" height=\"1.5\" fill=\"{ink}\"/>"),
            Pattern::Half => format!("<rect y=\"4\" width=\"8\" height=\"4\" fill=\"{ink}\"/>"),
        };
        let _ = write!(
            out,
            "<pattern id=\"{}\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\"><rect width=\"8\" height=\"8\" fill=\"{ground}\"/>{inside}</pattern>",
            pattern_id(*state)
        );
    }
    out.push_str("</defs>");
}

/// Where each state stands in the legend: from the left, and how far down from its first row.
fn places(states: &[LaneState]) -> Vec<(f64, f64)> {
    let (mut x, mut down) = (16.0, 0.0);
    let place = |state: &LaneState| {
        let width = 34.0 + name_of(*state).len() as f64 * 6.4;
        if x > 16.0 && x + width > WIDTH - 16.0 {
            (x, down) = (16.0, down + LEGEND_HEIGHT);
        }
        let at = (x, down);
        x += width;
        at
    };
    states.iter().map(place).collect()
}

fn explain(out: &mut String, state: LaneState, x: f64, y: f64) {
    let _ = write!(
        out,
        "<rect x=\"{x:.1}\" y=\"{:.1}\" width=\"16\" height=\"12\" fill=\"url(#{})\"/>",
        y - 10.0,
        pattern_id(state)
    );
    text(out, x + 21.0, y, "", &name_of(state));
}

fn footer(out: &mut String, link: &str, code: Option<&qr::Code>, top: f64) {
    let mut left = 16.0;
    if let Some(code) = code {
        let scale = 132.0 / f64::from(code.side);
        let _ = write!(
            out,
            "<path transform=\"translate(8 {:.1}) scale({scale:.4})\" d=\"{}\" fill=\"#000\"/>",
            top + 4.0,
            code.path
        );
        left = 152.0;
    }
    text(
        out,
        left,
        top + 24.0,
        "fill=\"#555c68\"",
        if code.is_some() || link.contains("://") {
            "Reaperscope. This link simulates the run again and says whether it came out the same:"
        } else {
            "Reaperscope. Behind the address of any Reaperscope page, this simulates the run again:"
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

fn hex((red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
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
mod tests {
    use super::*;
    use crate::engine::{Job, Outcome, Request};

    #[test]
    fn image_carries_verdict_link_and_code() {
        let mut job = Job::start(&Request::default()).unwrap();
        while job.advance(100_000) {}
        let scene = Scene::new(Outcome::of(job.into_run()));
        let lanes: Vec<usize> = (0..scene.outcome.lanes.len()).collect();
        let link = "https://example.org/#/v1/run?scenario=gpu-fence-overlap&seed=1";
        let image = svg(&scene, &lanes, scene.opening(), scene.opening().start, link);
        assert!(image.starts_with("<svg ") && image.ends_with("</svg>\n"));
        for part in
            ["extra-victims", "oom_reaper", "seed=1", "url(#p-back-off)", "&amp;seed", "kernel 6.1"]
        {
            assert!(image.contains(part), "{part}");
        }
        assert!(!image.contains("&seed") && !image.contains("style="));
        assert!(image.len() < 300_000, "{}", image.len());
        assert!(alt_text(&scene).contains("Verdict: extra-victims"));
    }

    #[test]
    fn long_link_and_every_state_are_whole() {
        let mut job = Job::start(&Request::default()).unwrap();
        while job.advance(100_000) {}
        let scene = Scene::new(Outcome::of(job.into_run()));
        let lanes: Vec<usize> = (0..scene.outcome.lanes.len()).collect();
        let link = format!("https://example.org/#/v1/run?z={}&digest=0123", "Ab".repeat(700));
        let image = svg(&scene, &lanes, scene.opening(), scene.opening().start, &link);
        let letters: String = image
            .split("font-size=\"11\">")
            .skip(1)
            .map(|line| &line[..line.find('<').unwrap()])
            .collect();
        assert_eq!(letters, escaped(&link));
        let height: f64 =
            image.split("height=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap();
        let last = image.rsplit(" y=\"").next().unwrap().split('"').next().unwrap();
        assert!(last.parse::<f64>().unwrap() < height, "{last} of {height}");
        for state in states(&scene.outcome.lanes, &lanes) {
            assert!(image.contains(&format!(">{}</text>", name_of(state))), "{}", name_of(state));
        }
    }

    #[test]
    fn hostile_names_are_text() {
        assert_eq!(escaped("<a href=\"x\">&\u{7}"), "&lt;a href=&quot;x&quot;&gt;&amp; ");
    }
}

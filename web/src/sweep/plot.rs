//! The distribution of a quantity in one case: a dot per seed at its
//! value and rank, quantiles with their bounds, the axis. Drawn by
//! plotters; a dot is found again by `dots`, a key reaches it by the
//! slider below.

use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use sim_core::analysis::Verdict;
use sim_core::experiment::{Outcome, Quantity, Sample};
use wasm_bindgen::JsCast as _;
use web_sys::{HtmlCanvasElement, HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::dots::{Axis, Dot, MARGIN_PX, nearest, px_from_rank};
use crate::chart::backend::{CanvasBackend, CanvasError};
use crate::dom;
use crate::shared::Shared;
use crate::timeline::palette::{GREEN, ORANGE, Rgb, Shade, VERMILION};
use crate::words::t;

/// Height of the axis below the dots.
const AXIS_PX: f64 = 16.0;
/// Font of the axis.
const FONT_PX: i32 = 11;
/// Above so many, dots are small.
const MANY: usize = 400;

/// What a plot shows.
pub struct Data {
    pub outcomes: Vec<Outcome>,
    pub dots: Vec<Dot>,
    pub axis: Axis,
    pub quantity: &'static Quantity,
}

#[derive(Properties, PartialEq)]
pub struct Props {
    pub case: String,
    pub data: Shared<Data>,
    pub shade: Shade,
    /// The link to a seed of this case.
    pub link: Callback<u64, String>,
}

#[component]
pub fn Distribution(props: &Props) -> Html {
    let canvas = use_node_ref();
    let chosen = use_state_eq(|| None::<usize>);
    let data = &props.data;
    {
        let (canvas, chosen) = (canvas.clone(), *chosen);
        use_effect_with((data.clone(), props.shade, chosen), move |(data, shade, chosen)| {
            if let Some(canvas) = canvas.cast::<HtmlCanvasElement>()
                && let Some((context, width, height)) = dom::fit_canvas(&canvas)
            {
                let backend = CanvasBackend::new(context, (width as u32, height as u32));
                // A canvas that refuses stays empty; the table says the quantiles.
                let _ = draw(backend, data, *shade, *chosen);
            }
        });
    }
    let at = {
        let (data, canvas) = (data.clone(), canvas.clone());
        move |event: &MouseEvent| {
            let element = canvas.cast::<HtmlElement>()?;
            let (width, height) =
                (f64::from(element.client_width()), f64::from(element.client_height()));
            let point = (f64::from(event.offset_x()), f64::from(event.offset_y()));
            nearest(&data.dots, data.axis, (width, height - AXIS_PX), point)
        }
    };
    let hovered = {
        let (at, chosen) = (at.clone(), chosen.clone());
        Callback::from(move |event: MouseEvent| chosen.set(at(&event)))
    };
    let clicked = {
        let (data, link) = (data.clone(), props.link.clone());
        Callback::from(move |event: MouseEvent| {
            if let Some(dot) = at(&event).and_then(|rank| data.dots.get(rank))
                && let Some(outcome) = data.outcomes.get(dot.place)
            {
                let _ = dom::window().location().set_href(&link.emit(outcome.seed));
            }
        })
    };
    let slid = {
        let chosen = chosen.clone();
        Callback::from(move |event: InputEvent| {
            let input = event.target().and_then(|it| it.dyn_into::<HtmlInputElement>().ok());
            chosen.set(input.and_then(|input| input.value().parse().ok()));
        })
    };
    let count = data.dots.len();
    let rank = chosen.unwrap_or(count / 2).min(count.saturating_sub(1));
    let Some(outcome) = data.dots.get(rank).and_then(|dot| data.outcomes.get(dot.place)) else {
        return Html::default();
    };
    let value = value_text(data.quantity, outcome);
    let told = t!(
        "seed {seed}: {value}, {verdict}",
        seed = outcome.seed,
        value,
        verdict = outcome.verdict.id()
    );
    let label = t!(
        "{name} over seeds under {case}: every dot is a seed, at its value and its rank.{open} The slider after it goes from dot to dot.",
        name = data.quantity.name,
        case = props.case,
        open = open_text(&sample_of(data))
    );
    html! {
        <div class="distribution">
            <canvas ref={canvas} role="img" aria-label={label} onmousemove={hovered} onclick={clicked}></canvas>
            <div class="reading">
                <input type="range" min="0" max={count.saturating_sub(1).to_string()} value={rank.to_string()} oninput={slid}
                    aria-label={t!("Seed by rank, {case}", case = props.case)} aria-valuetext={told.clone()} />
                <a href={props.link.emit(outcome.seed)}>{ told }</a>
            </div>
        </div>
    }
}

/// The value of one outcome in words.
fn value_text(quantity: &Quantity, outcome: &Outcome) -> String {
    (quantity.of)(outcome).map_or_else(|| t!("never").to_owned(), quantity.text)
}

type Drawn = Result<(), DrawingAreaErrorKind<CanvasError>>;
type Chart<'a> = ChartContext<'a, CanvasBackend, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

fn rgb((red, green, blue): Rgb) -> RGBColor {
    RGBColor(red, green, blue)
}

fn draw(backend: CanvasBackend, data: &Data, shade: Shade, chosen: Option<usize>) -> Drawn {
    let area = backend.into_drawing_area();
    let (width, whole) = area.dim_in_pixel();
    let height = f64::from(whole) - AXIS_PX;
    // Pixels are the coordinates: the same that a click is looked up by.
    let mut chart =
        ChartBuilder::on(&area).build_cartesian_2d(0.0..f64::from(width), f64::from(whole)..0.0)?;
    let width = f64::from(width);
    let field = [(0.0, 0.0), (width, height)];
    chart.draw_series([Rectangle::new(field, rgb(shade.track()).filled())])?;
    if data.axis.has_never {
        let x = data.axis.right(width) + MARGIN_PX / 2.0;
        let line = [(x, 0.0), (x, height)];
        chart.draw_series(DashedLineSeries::new(line, 3, 3, rgb(shade.faint_ink()).into()))?;
    }
    quantiles(&mut chart, data, shade, (width, height))?;
    let radius = if data.dots.len() > MANY { 1 } else { 3 };
    for (rank, dot) in data.dots.iter().enumerate() {
        let Some(outcome) = data.outcomes.get(dot.place) else { continue };
        let x = data.axis.px_from_value(dot.value, width);
        let at = (x, px_from_rank(rank, data.dots.len(), height));
        mark(&mut chart, at, (outcome.verdict, radius), shade)?;
    }
    if let Some((rank, dot)) = chosen.and_then(|rank| Some((rank, data.dots.get(rank)?))) {
        let x = data.axis.px_from_value(dot.value, width);
        let at = (x, px_from_rank(rank, data.dots.len(), height));
        chart.draw_series([Circle::new(at, radius + 4, rgb(shade.ink()).stroke_width(2))])?;
    }
    labels(&area, data, shade, (width, height))
}

/// Good ends are dots, another victim a triangle, no end at all a cross.
fn mark(
    chart: &mut Chart<'_>,
    at: (f64, f64),
    (verdict, radius): (Verdict, i32),
    shade: Shade,
) -> Drawn {
    match verdict {
        Verdict::Recovered | Verdict::NoOom => {
            chart.draw_series([Circle::new(at, radius, rgb(GREEN).filled())])?;
        }
        Verdict::ExtraVictims => {
            let color = if matches!(shade, Shade::Light) { VERMILION } else { ORANGE };
            chart.draw_series([TriangleMarker::new(at, radius + 1, rgb(color).filled())])?;
        }
        Verdict::Panic | Verdict::Deadlock | Verdict::Livelock | Verdict::Stalled => {
            chart.draw_series([Cross::new(at, radius, rgb(shade.ink()).stroke_width(1))])?;
        }
    }
    Ok(())
}

/// The quantiles that are drawn, in hundredths.
const PERCENTS: [usize; 3] = [5, 50, 95];

fn sample_of(data: &Data) -> Sample<u64> {
    Sample::new(data.outcomes.iter().filter_map(data.quantity.of))
}

/// Which quantiles have an interval that too few seeds leave open, as a sentence.
fn open_text(sample: &Sample<u64>) -> String {
    let open = PERCENTS.iter().filter_map(|&percent| {
        sample.percentile(percent)?;
        let end = match sample.bounds(percent) {
            (Some(_), Some(_)) => return None,
            (None, Some(_)) => t!("of the {percent}th percentile below", percent),
            (Some(_), None) => t!("of the {percent}th percentile above", percent),
            (None, None) => t!("of the {percent}th percentile on both sides", percent),
        };
        Some(end)
    });
    let open: Vec<String> = open.collect();
    if open.is_empty() {
        return String::new();
    }
    t!(" Too few seeds bound the interval {open}: an arrow there.", open = open.join(", "))
}

/// The quantiles, each with its 95 % bounds. Where there is no bound, a dashed line goes on to the edge of
/// the values and ends in an arrow.
fn quantiles(
    chart: &mut Chart<'_>,
    data: &Data,
    shade: Shade,
    (width, height): (f64, f64),
) -> Drawn {
    let sample = sample_of(data);
    let of_all = sample.len() as f64 / data.dots.len().max(1) as f64;
    let px = |value: u64| data.axis.px_from_value(Some(value), width);
    let style = rgb(shade.faint_ink()).stroke_width(1);
    for percent in PERCENTS {
        let Some(value) = sample.percentile(percent) else { continue };
        let part = percent as f64 / 100.0 * of_all;
        let y = MARGIN_PX + (1.0 - part) * (height - 2.0 * MARGIN_PX);
        let (low, high) = sample.bounds(percent);
        // Where each end stands, and to which side it points.
        for (bound, edge, side) in
            [(low, 1.0, -1.0), (high, data.axis.right(width) + MARGIN_PX - 1.0, 1.0)]
        {
            let end = bound.map_or(edge, px);
            let line = [(px(value), y), (end, y)];
            if bound.is_some() {
                let cap = [(end, y - 4.0), (end, y + 4.0)];
                chart.draw_series([line, cap].map(|line| PathElement::new(line, style)))?;
            } else {
                let back = end - 4.0 * side;
                let head = [(back, y - 4.0), (end, y), (back, y + 4.0)];
                chart.draw_series(DashedLineSeries::new(line, 3, 3, style))?;
                chart.draw_series([PathElement::new(head, style)])?;
            }
        }
        chart.draw_series([Circle::new((px(value), y), 4, style.filled())])?;
    }
    Ok(())
}

/// Labels of the axis, by hand: plotters thins them by a font it measures in the page.
fn labels(
    area: &DrawingArea<CanvasBackend, plotters::coord::Shift>,
    data: &Data,
    shade: Shade,
    (width, height): (f64, f64),
) -> Drawn {
    use plotters::style::text_anchor::{HPos, Pos, VPos};
    let ink = rgb(shade.faint_ink());
    let y = height as i32 + 3;
    let write = |text: &str, x: f64, side: HPos| {
        let style = TextStyle::from(("system-ui", FONT_PX).into_font())
            .color(&ink)
            .pos(Pos::new(side, VPos::Top));
        area.draw_text(text, &style, (x as i32, y))
    };
    for value in data.axis.labels(width) {
        let x = data.axis.px_from_value(Some(value), width);
        let side = match x {
            x if x < 24.0 => HPos::Left,
            x if x > width - 24.0 => HPos::Right,
            _ => HPos::Center,
        };
        write(&(data.quantity.text)(value), x, side)?;
    }
    if data.axis.has_never {
        write(t!("never"), width - MARGIN_PX / 2.0, HPos::Right)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_that_few_seeds_leave_open_are_told() {
        let of = |count: u64| open_text(&Sample::new(0..count));
        let sides = " of the 5th percentile below, of the 95th percentile above: an arrow there.";
        assert_eq!(of(50), format!(" Too few seeds bound the interval{sides}"));
        assert!(of(3).contains("of the 50th percentile on both sides"), "{}", of(3));
        assert_eq!((of(1000), of(0)), (String::new(), String::new()));
    }
}

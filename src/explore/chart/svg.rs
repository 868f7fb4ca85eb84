//! A chart as SVG, by plotters.

use super::{Axis, Chart, Series, figure};
use plotters::coord::ranged1d::{AsRangedCoord, KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::prelude::*;
use std::ops::Range;

const SIZE: (u32, u32) = (860, 520);

/// Told apart also by those who do not see all colours (Okabe and Ito's palette).
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(120, 120, 120),
    RGBColor(0, 0, 0),
];

/// An axis with figures at the points, or at round values.
struct Scale {
    axis: Axis,
    /// Values that have a figure; empty: round ones.
    at: Vec<f64>,
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let (from, to) = limit;
        from + ((to - from) as f64 * self.axis.share(*value)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if !self.at.is_empty() {
            return self.at.clone();
        }
        round_values(&self.axis, hint.max_num_points().clamp(3, 9))
    }

    fn range(&self) -> Range<f64> {
        self.axis.from..self.axis.to
    }
}

impl ValueFormatter<f64> for Scale {
    fn format(value: &f64) -> String {
        figure(*value)
    }
}

/// Values of one, two or five times a power of ten between the ends.
fn round_values(axis: &Axis, count: usize) -> Vec<f64> {
    let inside = |v: &f64| *v >= axis.from && *v <= axis.to;
    if axis.log {
        let powers = axis.from.log10().floor() as i32..=axis.to.log10().ceil() as i32;
        let decades = powers.clone().count();
        let digits: &[f64] = if decades > count {
            &[1.0]
        } else if decades * 3 > count {
            &[1.0, 3.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        let all = powers.flat_map(|power| digits.iter().map(move |digit| digit * 10f64.powi(power)));
        return all.filter(inside).collect();
    }
    let least = (axis.to - axis.from) / count as f64;
    let power = 10f64.powf(least.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|s| *s >= least).unwrap_or(10.0 * power);
    let first = (axis.from / step).ceil() as i64;
    (first..).map(|n| n as f64 * step).take_while(|v| *v <= axis.to).collect()
}

/// The chart, or what plotters says is wrong.
pub fn svg(chart: &Chart) -> Result<String, String> {
    let mut text = String::new();
    draw(chart, &mut text).map_err(|e| e.to_string())?;
    Ok(text)
}

fn draw(chart: &Chart, text: &mut String) -> Result<(), Box<dyn std::error::Error>> {
    let root = SVGBackend::with_string(text, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let xs = chart.xs();
    let scales = (
        // Few points have their own figures, unless these would overlap.
        Scale { axis: chart.x.clone(), at: if xs.len() <= 8 && spread(chart, &xs) { xs } else { vec![] } },
        Scale { axis: chart.y.clone(), at: vec![] },
    );
    let mut context = ChartBuilder::on(&root)
        .caption(&chart.title, ("sans-serif", 19))
        .margin(18)
        .x_label_area_size(46)
        .y_label_area_size(72)
        .build_cartesian_2d(AsRange(scales.0), AsRange(scales.1))?;
    context
        .configure_mesh()
        .x_desc(&chart.x.label)
        .y_desc(&chart.y.label)
        .label_style(("sans-serif", 13))
        .axis_desc_style(("sans-serif", 15))
        .light_line_style(TRANSPARENT)
        .bold_line_style(BLACK.mix(0.12))
        .draw()?;
    for (n, series) in chart.series.iter().enumerate() {
        one(&mut context, series, COLOURS[n % COLOURS.len()])?;
    }
    if chart.series.len() > 1 {
        context
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.3))
            .label_font(("sans-serif", 14))
            .draw()?;
    }
    root.present()?;
    Ok(())
}

/// Whether the figures of these values stand apart.
fn spread(chart: &Chart, xs: &[f64]) -> bool {
    xs.windows(2).all(|pair| chart.x.share(pair[1]) - chart.x.share(pair[0]) > 0.05)
}

/// What a coordinate is made of.
struct AsRange(Scale);

impl AsRangedCoord for AsRange {
    type CoordDescType = Scale;
    type Value = f64;
}

impl From<AsRange> for Scale {
    fn from(range: AsRange) -> Scale {
        range.0
    }
}

type Context<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Scale, Scale>>;

fn one(context: &mut Context, series: &Series, colour: RGBColor) -> Result<(), Box<dyn std::error::Error>> {
    let points = series.points.iter().map(|p| (p.x, p.y));
    context
        .draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?
        .label(&series.name)
        .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(2)));
    // The quartiles.
    let bars = series.points.iter().filter(|p| p.high > p.low);
    context.draw_series(bars.map(|p| PathElement::new(vec![(p.x, p.low), (p.x, p.high)], colour.mix(0.6))))?;
    context.draw_series(points.map(|at| Circle::new(at, 4, colour.filled())))?;
    let labels = series.points.iter().filter(|p| !p.label.is_empty());
    context.draw_series(labels.map(|p| {
        EmptyElement::at((p.x, p.y)) + Text::new(p.label.clone(), (7, -16), ("sans-serif", 13).into_font())
    }))?;
    if let Some(p) = series.marked.and_then(|at| series.points.get(at)) {
        let ring = Circle::new((p.x, p.y), 9, colour.stroke_width(2));
        context.draw_series(std::iter::once(ring))?;
    }
    Ok(())
}

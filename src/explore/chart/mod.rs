//! Charts of a few points: as text for a terminal and as SVG.
//!
//! A chart has series of points with a spread each. An axis is logarithmic when its values differ by a factor
//! of twenty or more: intervals and latencies do.
//!
//! C1 Both forms show the same points, names and marks.
//! C2 Nothing of the system goes into an SVG: no fonts are measured, no time is read.
//!
//! Source: the SVG is drawn by plotters with its SVG backend alone.
//! Not here: timelines (`explore/timeline`), what is charted (`explore/sweep`, `explore/compare`).

mod svg;
mod text;

pub use svg::svg;
pub use text::text;

/// From this ratio of its largest value to its smallest on an axis is logarithmic.
const LOG_RATIO: f64 = 20.0;

/// What a line of the legend takes of the height of a picture.
const LEGEND_SHARE: f64 = 0.05;

/// A point of a series: a median and the quartiles around it.
#[derive(Clone, PartialEq, Debug)]
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub low: f64,
    pub high: f64,
    /// Beside the point, if it says something that the axes do not.
    pub label: String,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    pub name: String,
    pub points: Vec<Point>,
    /// The point that is recommended.
    pub marked: Option<usize>,
}

/// How an axis is drawn.
#[derive(Clone, PartialEq, Debug)]
pub struct Axis {
    pub label: String,
    pub log: bool,
    pub from: f64,
    pub to: f64,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Chart {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub series: Vec<Series>,
}

impl Axis {
    /// An axis for these values, with some room at its ends.
    fn of(label: &str, values: impl Iterator<Item = f64> + Clone) -> Axis {
        let min = values.clone().fold(f64::INFINITY, f64::min);
        let max = values.fold(f64::NEG_INFINITY, f64::max);
        if !min.is_finite() || !max.is_finite() {
            return Axis { label: label.to_string(), log: false, from: 0.0, to: 1.0 };
        }
        let log = min > 0.0 && max / min >= LOG_RATIO;
        let (from, to) = if log {
            (min / 1.15, max * 1.3)
        } else if min >= 0.0 && min < max * 0.6 {
            (0.0, max * 1.08)
        } else if max > min {
            (min - (max - min) * 0.1, max + (max - min) * 0.1)
        } else {
            (min - min.abs().max(1.0) * 0.1, max + max.abs().max(1.0) * 0.1)
        };
        Axis { label: label.to_string(), log, from, to }
    }

    /// Leaves a part of it free above the values.
    fn make_room(&mut self, part: f64) {
        let part = part.min(0.4);
        self.to = match self.log {
            true => self.from * (self.to / self.from).powf(1.0 / (1.0 - part)),
            false => self.from + (self.to - self.from) / (1.0 - part),
        };
    }

    /// Where a value lies between the ends, 0 to 1.
    fn share(&self, value: f64) -> f64 {
        let share = if self.log {
            (value.max(f64::MIN_POSITIVE) / self.from).ln() / (self.to / self.from).ln()
        } else {
            (value - self.from) / (self.to - self.from)
        };
        share.clamp(0.0, 1.0)
    }
}

impl Chart {
    pub fn new(title: &str, x: &str, y: &str, series: Vec<Series>) -> Chart {
        let all = || series.iter().flat_map(|s| &s.points);
        let xs: Vec<f64> = all().map(|p| p.x).collect();
        let ys: Vec<f64> = all().flat_map(|p| [p.low, p.high, p.y]).collect();
        let (x, mut y) = (Axis::of(x, xs.into_iter()), Axis::of(y, ys.into_iter()));
        if series.len() > 1 {
            y.make_room(LEGEND_SHARE * series.len() as f64);
        }
        Chart { title: title.to_string(), x, y, series }
    }

    /// The distinct values along the x axis, in order.
    fn xs(&self) -> Vec<f64> {
        let mut xs: Vec<f64> = self.series.iter().flat_map(|s| &s.points).map(|p| p.x).collect();
        xs.sort_by(f64::total_cmp);
        xs.dedup();
        xs
    }
}

/// A number with three digits.
pub fn figure(n: f64) -> String {
    let size = n.abs();
    let (n, unit) = match size {
        _ if size >= 1e9 => (n / 1e9, "G"),
        _ if size >= 1e6 => (n / 1e6, "M"),
        _ if size >= 1e4 => (n / 1e3, "k"),
        _ => (n, ""),
    };
    let size = n.abs();
    let decimals = match size {
        _ if size == 0.0 => 0,
        _ if size >= 100.0 || n.fract() == 0.0 => 0,
        _ => (2.0 - size.log10().floor()).clamp(0.0, 6.0) as usize,
    };
    let text = format!("{n:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{unit}")
}

#[cfg(test)]
mod tests {
    use super::{Axis, Chart, Point, Series, figure, svg, text};

    fn chart() -> Chart {
        let point = |x: f64, y: f64| Point { x, y, low: y * 0.9, high: y * 1.1, label: String::new() };
        let of = |name: &str, by: f64, marked| Series {
            name: name.to_string(),
            points: [1.0, 2.0, 4.0, 8.0].map(|x| point(x, x * by)).to_vec(),
            marked,
        };
        Chart::new("time over size", "size", "seconds", vec![of("serial", 1.0, None), of("threads & co", 0.5, Some(2))])
    }

    #[test]
    fn figures_have_three_digits() {
        for (n, text) in [
            (0.0, "0"),
            (5.0, "5"),
            (0.582, "0.582"),
            (12345.0, "12.3k"),
            (5_827_471.0, "5.83M"),
            (99.96, "100"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(figure(n), text);
        }
    }

    #[test]
    fn axes_are_logarithmic_where_values_are_far_apart() {
        assert!(Axis::of("", [0.5, 50.0].into_iter()).log);
        assert!(!Axis::of("", [5.0, 50.0].into_iter()).log);
        assert!(!Axis::of("", [0.0, 50.0].into_iter()).log);
        let axis = Axis::of("", [1.0, 100.0].into_iter());
        assert!((axis.share(10.0) - 0.5).abs() < 0.05, "{}", axis.share(10.0));
    }

    #[test]
    fn a_chart_as_text() {
        let text = text(&chart(), 60);
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
        assert_eq!(text.matches('◆').count(), 2, "the point and the legend: {text}");
        for part in ["time over size", "o serial   x threads & co   ◆ recommended", "seconds\n", " └──"] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }

    #[test]
    fn a_chart_as_svg_is_well_formed() {
        let svg = svg(&chart()).expect("it can be drawn");
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("threads &amp; co") && !svg.contains("threads & co"));
    }
}

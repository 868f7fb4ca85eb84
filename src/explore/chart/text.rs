//! A chart in the characters of a terminal.

use super::{Axis, Chart, figure};
use std::fmt::Write;

/// Rows of the picture.
const ROWS: usize = 14;
/// Columns for the figures at the left.
const LEFT: usize = 9;
/// A series' points, in the order of the series.
const SIGNS: [char; 8] = ['o', 'x', '+', '*', '#', '@', '%', '&'];

/// The chart, `width` columns wide.
pub fn text(chart: &Chart, width: usize) -> String {
    let columns = width.saturating_sub(LEFT + 2).max(20);
    let mut cells = vec![vec![' '; columns]; ROWS];
    let column = |x: f64| (chart.x.share(x) * (columns - 1) as f64).round() as usize;
    let row = |y: f64| ROWS - 1 - (chart.y.share(y) * (ROWS - 1) as f64).round() as usize;
    for series in &chart.series {
        for pair in series.points.windows(2) {
            let (from, to) = ((column(pair[0].x), row(pair[0].y)), (column(pair[1].x), row(pair[1].y)));
            line(&mut cells, from, to);
        }
    }
    for (n, series) in chart.series.iter().enumerate() {
        for p in &series.points {
            cells[row(p.y)][column(p.x)] = SIGNS[n % SIGNS.len()];
        }
    }
    for series in &chart.series {
        let named = series.points.iter().filter(|p| !p.label.is_empty());
        for p in named {
            label(&mut cells[row(p.y)], column(p.x), &p.label);
        }
        if let Some(p) = series.marked.and_then(|at| series.points.get(at)) {
            cells[row(p.y)][column(p.x)] = '◆';
        }
    }
    let mut out = format!("{}\n", chart.title);
    let _ = writeln!(out, "{:>LEFT$}", chart.y.label);
    for (n, cells) in cells.iter().enumerate() {
        let share = (ROWS - 1 - n) as f64 / (ROWS - 1) as f64;
        let figure = if n % 3 == 1 || n + 1 == ROWS { figure(value(&chart.y, share)) } else { String::new() };
        let cells: String = cells.iter().collect();
        let _ = writeln!(out, "{}", format!("{figure:>LEFT$} │{cells}").trim_end());
    }
    let _ = writeln!(out, "{:LEFT$} └{}", "", "─".repeat(columns));
    let _ = writeln!(out, "{:LEFT$}  {}", "", scale(chart, columns, &column));
    let _ = writeln!(out, "{:>w$}", chart.x.label, w = LEFT + 2 + columns);
    let many = chart.series.len() > 1;
    let mut legend: Vec<String> = Vec::new();
    for (n, series) in chart.series.iter().enumerate().filter(|_| many) {
        legend.push(format!("{} {}", SIGNS[n % SIGNS.len()], series.name));
    }
    if chart.series.iter().any(|s| s.marked.is_some()) {
        legend.push("◆ recommended".to_string());
    }
    if !legend.is_empty() {
        let _ = writeln!(out, "{:LEFT$}  {}", "", legend.join("   "));
    }
    out
}

/// The value at a share of an axis.
fn value(axis: &Axis, share: f64) -> f64 {
    if axis.log { axis.from * (axis.to / axis.from).powf(share) } else { axis.from + (axis.to - axis.from) * share }
}

/// Dots between two points, where nothing stands.
fn line(cells: &mut [Vec<char>], from: (usize, usize), to: (usize, usize)) {
    let (a, b) = if from.0 <= to.0 { (from, to) } else { (to, from) };
    let steps = (b.0 - a.0).max(a.1.abs_diff(b.1)).max(1);
    for step in 1..steps {
        let share = step as f64 / steps as f64;
        let column = (a.0 as f64 + (b.0 as f64 - a.0 as f64) * share).round() as usize;
        let row = (a.1 as f64 + (b.1 as f64 - a.1 as f64) * share).round() as usize;
        if cells[row][column] == ' ' {
            cells[row][column] = '·';
        }
    }
}

/// A text beside a point: at its right if it fits, else at its left; over dots, never over points.
fn label(cells: &mut [char], column: usize, text: &str) {
    let chars: Vec<char> = text.chars().collect();
    let right = column + 2;
    let starts = [right, column.wrapping_sub(chars.len() + 1)];
    for start in starts {
        let Some(place) = cells.get_mut(start..start.saturating_add(chars.len())) else { continue };
        if place.iter().all(|c| matches!(c, ' ' | '·')) {
            place.copy_from_slice(&chars);
            return;
        }
    }
}

/// The x axis's figures: those of the points, as many as fit.
fn scale(chart: &Chart, columns: usize, column: &dyn Fn(f64) -> usize) -> String {
    let mut line = vec![' '; columns];
    let mut free = 0;
    for x in chart.xs() {
        let text = figure(x);
        let length = text.chars().count();
        let start = column(x).saturating_sub(length / 2).min(columns.saturating_sub(length));
        if start < free || start + length > columns {
            continue;
        }
        for (i, c) in text.chars().enumerate() {
            line[start + i] = c;
        }
        free = start + length + 1;
    }
    line.into_iter().collect::<String>().trim_end().to_string()
}

//! A comparison for people and programs: a table with ratios, a chart of time over size, JSON.

use super::Comparison;
use crate::engine::Script;
use crate::explore::chart::{Chart, Point, Series, figure};
use crate::explore::statistics::Summary;
use crate::gil::World;
use crate::world::host;
use serde_json::{Value as Json, json};
use std::fmt::Write;

impl Comparison {
    fn summary(&self, variant: usize, size: usize) -> Option<Summary> {
        Summary::of(&self.seconds[variant][size])
    }

    fn script(&self) -> String {
        match &self.config.script {
            Script::File(path) => path.to_string_lossy().into_owned(),
            Script::Text { name, .. } => name.clone(),
        }
    }

    fn heading(&self) -> String {
        let world = match self.config.gil.world {
            World::Real => format!("real time on {} cores", host::cores()),
            World::Sim { .. } => "virtual time".to_string(),
        };
        let runs = if self.repeat == 1 { "1 run each".to_string() } else { format!("{} runs each", self.repeat) };
        format!("{}: {} variants, {runs}, {world}", self.script(), self.variants.len())
    }

    /// A row for each size (or one), a column for each variant: median, spread, and how it stands to the first.
    pub fn table(&self) -> String {
        let mut text = format!("{}\n", self.heading());
        if self.repeat > 1 {
            text.push_str("seconds: median ± half the interquartile range; × the time of the first variant\n");
        } else {
            text.push_str("seconds; × the time of the first variant\n");
        }
        text.push('\n');
        let mut grid: Vec<Vec<String>> = Vec::new();
        let mut head = if self.sizes.is_empty() { vec![] } else { vec!["size".to_string()] };
        head.extend(self.variants.iter().cloned());
        grid.push(head);
        for s in 0..self.sizes.len().max(1) {
            let mut row: Vec<String> = self.sizes.get(s).map(|n| figure(*n)).into_iter().collect();
            let first = self.summary(0, s).map_or(0.0, |first| first.median);
            for v in 0..self.variants.len() {
                row.push(self.summary(v, s).map_or("–".to_string(), |own| {
                    let spread = if self.repeat > 1 { format!(" ±{:.3}", own.spread()) } else { String::new() };
                    let ratio = match v {
                        0 => String::new(),
                        _ if first > 0.0 => format!("  ×{:.2}", own.median / first),
                        _ => "  ×–".to_string(),
                    };
                    format!("{:.3}{spread}{ratio}", own.median)
                }));
            }
            grid.push(row);
        }
        let width = |c: usize| grid.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0);
        for row in &grid {
            let cells = row.iter().enumerate().map(|(c, cell)| format!("{cell:>w$}", w = width(c)));
            let _ = writeln!(text, "{}", cells.collect::<Vec<_>>().join("   "));
        }
        text
    }

    /// Time over size; `None` without two sizes.
    pub fn chart(&self) -> Option<Chart> {
        if self.sizes.len() < 2 {
            return None;
        }
        let series = self.variants.iter().enumerate().map(|(v, name)| {
            let point = |(s, size): (usize, &f64)| {
                let own = self.summary(v, s)?;
                Some(Point { x: *size, y: own.median, low: own.q1, high: own.q3, label: String::new() })
            };
            let points = self.sizes.iter().enumerate().filter_map(point).collect();
            Series { name: name.clone(), points, marked: None }
        });
        Some(Chart::new(&format!("{}: time over size", self.script()), "size", "seconds", series.collect()))
    }

    pub fn json(&self) -> Json {
        let runs = |v: usize| {
            let sizes = 0..self.sizes.len().max(1);
            let one = |s: usize| {
                let summary = self.summary(v, s);
                json!({
                    "size": self.sizes.get(s),
                    "seconds": self.seconds[v][s],
                    "cpu_seconds": self.cpu_seconds[v][s],
                    "median": summary.map(|s| s.median), "q1": summary.map(|s| s.q1), "q3": summary.map(|s| s.q3),
                })
            };
            json!({ "name": self.variants[v], "results": sizes.map(one).collect::<Vec<_>>() })
        };
        json!({
            "kit": env!("CARGO_PKG_VERSION"),
            "script": self.script(),
            "simulated": self.config.gil.world != World::Real,
            "cores": host::cores(),
            "repeat": self.repeat,
            "variants": (0..self.variants.len()).map(runs).collect::<Vec<_>>(),
        })
    }
}

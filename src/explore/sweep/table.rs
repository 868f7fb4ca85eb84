//! A sweep for people: one row for each combination, one column for each figure, and below it the best.

use super::Sweep;
use super::columns::{Best, Column};
use crate::engine::Script;
use crate::engine::config::interval_text;
use crate::gil::World;
use crate::world::host;
use std::fmt::Write;

/// How many combinations are named as good as the best before they are counted.
const ALIKE_NAMED_MAX: usize = 3;

/// Where a cell's text stands in its column.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
}

impl Sweep {
    /// The whole text.
    /// `only` names the columns to show, by title or key; empty for all but the median wait, which the file
    /// formats have.
    pub fn table(&self, only: &[String]) -> String {
        let mut columns = self.columns();
        match only {
            [] => columns.retain(|c| c.key != "wait_p50_s"),
            only => columns.retain(|c| only.iter().any(|name| c.title == *name || c.key == *name)),
        }
        let best: Vec<Option<Best>> = columns.iter().map(Column::best).collect();
        let mut text = self.head(best.iter().any(Option::is_some));
        let mut grid = self.settings();
        for (column, best) in columns.iter().zip(&best) {
            grid.push((Side::Right, self.figures(column, best.as_ref())));
        }
        for line in 0..self.plan.combinations.len() + 2 {
            let mut row = String::new();
            for (side, cells) in &grid {
                let width = cells.iter().map(|c| c.chars().count()).max().unwrap_or(0);
                let _ = match side {
                    Side::Left => write!(row, "{:<width$}  ", cells[line]),
                    Side::Right => write!(row, "{:>width$}  ", cells[line]),
                };
            }
            text.push_str(row.trim_end());
            text.push('\n');
        }
        text.push('\n');
        for (column, best) in columns.iter().zip(&best) {
            if let Some(best) = best {
                text.push_str(&self.best_line(column, best));
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }

    /// What the figures mean: without it a table is not worth keeping.
    fn head(&self, marked: bool) -> String {
        let script = match &self.config.script {
            Script::File(path) => path.to_string_lossy().into_owned(),
            Script::Text { name, .. } => name.clone(),
        };
        let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let world = match (self.config.gil.world, self.plan.runs[0].seed) {
            (World::Real, _) => format!("real time on {}", count(host::cores(), "core")),
            (World::Sim { .. }, None) => "virtual time".to_string(),
            (World::Sim { .. }, Some(first)) if self.plan.repeat == 1 => format!("virtual time, seed {first}"),
            (World::Sim { .. }, Some(first)) => {
                format!("virtual time, seeds {first} to {}", first.wrapping_add(self.plan.repeat as u64 - 1))
            }
        };
        let (combinations, runs) = (self.plan.combinations.len(), count(self.plan.repeat, "run"));
        let mut text = match combinations {
            1 => format!("{script}: {runs}, {world}\n"),
            n => format!("{script}: {n} combinations, {runs} each, {world}\n"),
        };
        let spread = (self.plan.repeat > 1).then_some("median ± half the interquartile range");
        let star = marked.then_some("* best of its column");
        let legend: Vec<&str> = spread.into_iter().chain(star).collect();
        if !legend.is_empty() {
            let _ = writeln!(text, "{}", legend.join("; "));
        }
        text.push('\n');
        text
    }

    /// The columns that tell a combination from the others; two lines of heading each.
    fn settings(&self) -> Vec<(Side, Vec<String>)> {
        let all = &self.plan.combinations;
        let heading = |name: &str| vec![name.to_string(), String::new()];
        let mut interval = heading("interval");
        interval.extend(all.iter().map(|c| c.interval_us.map_or("–".to_string(), interval_text)));
        let mut policy = heading("policy");
        policy.extend(all.iter().map(|c| c.policy.to_string()));
        let mut columns = vec![(Side::Right, interval), (Side::Left, policy)];
        for (at, (name, _)) in all[0].params.iter().enumerate() {
            let mut cells = heading(name);
            cells.extend(all.iter().map(|c| c.params[at].1.clone()));
            columns.push((Side::Right, cells));
        }
        columns
    }

    fn figures(&self, column: &Column, best: Option<&Best>) -> Vec<String> {
        let spread = |c| format!("±{}", column.show(c));
        let spreads: Vec<Option<String>> =
            column.cells.iter().map(|c| c.as_ref().filter(|c| c.runs > 1).map(|c| spread(c.spread()))).collect();
        let width = spreads.iter().flatten().map(|s| s.chars().count()).max().unwrap_or(0);
        let cell = |(at, cell): (usize, &Option<_>)| {
            let Some(summary): &Option<crate::explore::statistics::Summary> = cell else {
                return pad("–", width, best.is_some());
            };
            let mark = match best {
                Some(best) if best.at.contains(&at) => "*",
                Some(_) => " ",
                None => "",
            };
            let gap = if width > 0 { " " } else { "" };
            let spread = spreads[at].as_deref().unwrap_or_default();
            format!("{}{mark}{gap}{spread:<width$}", column.show(summary.median))
        };
        let cells = column.cells.iter().enumerate().map(cell).collect::<Vec<_>>();
        let mut lines = vec![pad(&column.title, 0, best.is_some()), pad(column.unit, 0, best.is_some())];
        lines.extend(cells);
        lines
    }

    fn best_line(&self, column: &Column, best: &Best) -> String {
        let label = |at: &usize| self.plan.combinations[*at].label();
        let list = |at: &[usize]| {
            let mut names: Vec<String> = at.iter().take(ALIKE_NAMED_MAX).map(label).collect();
            if at.len() > ALIKE_NAMED_MAX {
                names.push(format!("{} more", at.len() - ALIKE_NAMED_MAX));
            }
            names.join(", ")
        };
        let value = column.cells[best.at[0]].as_ref().map_or(0.0, |c| c.median);
        let unit = if column.unit.is_empty() { String::new() } else { format!(" {}", column.unit) };
        let (first, same) = (label(&best.at[0]), &best.at[1..]);
        let mut line = format!("best {}: {first} {}{unit}", column.title, column.show(value));
        for (what, others) in [("the same", same), ("within the spread", &best.alike)] {
            if !others.is_empty() {
                let _ = write!(line, "; {what}: {}", list(others));
            }
        }
        line.push('\n');
        line
    }
}

/// Leaves room at the right for a mark and a spread, so that the figures stand under each other.
fn pad(text: &str, spread: usize, marks: bool) -> String {
    let room = usize::from(marks) + if spread > 0 { spread + 1 } else { 0 };
    format!("{text}{}", " ".repeat(room))
}

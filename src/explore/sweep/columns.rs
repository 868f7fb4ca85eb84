//! What is derived from all runs: a column for each figure and metric, its summary for each combination,
//! and which combination is best.

use super::Sweep;
use super::figures::FIGURES;
use crate::engine::Better;
use crate::explore::statistics::Summary;
use indexmap::IndexMap;

/// The share of a column's largest median below which digits are not worth their place.
const NEARLY_NOTHING: f64 = 1e-3;

/// One figure or metric over all combinations.
pub struct Column {
    /// In JSON and CSV: a figure's key, or `metric.NAME`.
    pub key: String,
    pub title: String,
    pub unit: &'static str,
    /// What a value is multiplied by to be shown in `unit`.
    pub scale: f64,
    pub better: Option<Better>,
    /// By combination; `None` where no run has a value.
    pub cells: Vec<Option<Summary>>,
}

/// The best of a column.
pub struct Best {
    /// The combinations with the best median; more than one if it is the same to the last digit.
    pub at: Vec<usize>,
    /// Others that the spread does not tell apart from it.
    pub alike: Vec<usize>,
}

impl Sweep {
    pub fn columns(&self) -> Vec<Column> {
        let mut columns = Vec::new();
        for (row, figure) in FIGURES.iter().enumerate() {
            columns.push(Column {
                key: figure.key.to_string(),
                title: figure.title.to_string(),
                unit: figure.unit,
                scale: figure.scale,
                better: figure.better,
                cells: self.cells(|run| Some(self.measured[run].figures[row])),
            });
        }
        for (name, better) in self.metrics() {
            columns.push(Column {
                key: format!("metric.{name}"),
                title: name.to_string(),
                unit: "",
                scale: 1.0,
                better: Some(better),
                cells: self.cells(|run| self.measured[run].metrics.get(name).map(|m| m.value)),
            });
        }
        columns
    }

    /// The script's metrics in the order in which they appeared; the last run's word on what is better.
    pub fn metrics(&self) -> IndexMap<&str, Better> {
        let all = self.measured.iter().flat_map(|m| &m.metrics);
        all.map(|(name, m)| (name.as_str(), m.better)).collect()
    }

    fn cells(&self, value: impl Fn(usize) -> Option<f64>) -> Vec<Option<Summary>> {
        let cell = |combination| {
            let runs = self.plan.runs.iter().enumerate().filter(|(_, r)| r.combination == combination);
            let values: Vec<f64> = runs.filter_map(|(run, _)| value(run)).collect();
            Summary::of(&values)
        };
        (0..self.plan.combinations.len()).map(cell).collect()
    }
}

impl Column {
    /// `None` if nothing is better here, or there are not two combinations to compare, or all have the
    /// same median.
    pub fn best(&self) -> Option<Best> {
        let better = self.better?;
        let filled: Vec<(usize, &Summary)> =
            self.cells.iter().enumerate().filter_map(|(i, c)| Some((i, c.as_ref()?))).collect();
        let medians = filled.iter().map(|(_, c)| c.median);
        let best = medians.reduce(match better {
            Better::Lower => f64::min,
            Better::Higher => f64::max,
        })?;
        let (at, others): (Vec<_>, Vec<_>) = filled.into_iter().partition(|(_, c)| c.median == best);
        if others.is_empty() {
            return None;
        }
        let alike = others.iter().filter(|(_, c)| at.iter().any(|(_, b)| c.overlaps(b)));
        let alike = alike.map(|(i, _)| *i).collect();
        Some(Best { at: at.iter().map(|(i, _)| *i).collect(), alike })
    }

    /// How many decimals show three digits of the smallest median: none if all are whole, six at most. A median
    /// far below the largest (rounding noise, nearly nothing) does not count.
    pub fn decimals(&self) -> usize {
        let medians = self.cells.iter().flatten().map(|c| (c.median * self.scale).abs());
        if medians.clone().all(|m| m.fract() == 0.0) && self.unit.is_empty() {
            return 0;
        }
        let largest = medians.clone().fold(0.0, f64::max);
        let smallest = medians.filter(|m| *m > largest * NEARLY_NOTHING).reduce(f64::min).unwrap_or(1.0);
        (2.0 - smallest.log10().floor()).clamp(0.0, 6.0) as usize
    }

    /// A value as the table shows it.
    pub fn show(&self, value: f64) -> String {
        format!("{:.*}", self.decimals(), value * self.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::Column;
    use crate::engine::Better;
    use crate::explore::statistics::Summary;

    fn column(better: Option<Better>, cells: &[&[f64]]) -> Column {
        let cells = cells.iter().map(|v| Summary::of(v)).collect();
        Column { key: "k".into(), title: "t".into(), unit: "", scale: 1.0, better, cells }
    }

    #[test]
    fn the_best_is_named_with_its_equals() {
        let cells: &[&[f64]] = &[&[3.0, 3.1, 3.2], &[1.0, 1.1, 1.5], &[], &[1.2, 1.3, 1.4], &[9.0]];
        let best = column(Some(Better::Lower), cells).best().unwrap();
        assert_eq!((best.at, best.alike), (vec![1], vec![3]));
        let best = column(Some(Better::Higher), cells).best().unwrap();
        assert_eq!((best.at, best.alike), (vec![4], vec![]));
        let best = column(Some(Better::Lower), &[&[2.0], &[1.0], &[1.0]]).best().unwrap();
        assert_eq!((best.at, best.alike), (vec![1, 2], vec![]));
    }

    #[test]
    fn where_nothing_differs_nothing_is_best() {
        assert!(column(None, &[&[1.0], &[2.0]]).best().is_none());
        assert!(column(Some(Better::Lower), &[&[1.0], &[1.0]]).best().is_none());
        assert!(column(Some(Better::Lower), &[&[1.0]]).best().is_none());
        assert!(column(Some(Better::Lower), &[&[], &[]]).best().is_none());
    }

    #[test]
    fn decimals_follow_the_smallest() {
        assert_eq!(column(None, &[&[1.0], &[250.0]]).decimals(), 0);
        assert_eq!(column(None, &[&[0.5], &[250.0]]).decimals(), 3);
        assert_eq!(column(None, &[&[5.25], &[50.0]]).decimals(), 2);
        assert_eq!(column(None, &[&[1234.5]]).decimals(), 0);
        assert_eq!(column(None, &[&[0.0], &[0.0002], &[0.002]]).decimals(), 6);
        assert_eq!(column(None, &[&[5.5], &[0.00000001], &[0.0]]).decimals(), 2);
        assert_eq!(column(None, &[&[0.0], &[0.5], &[0.0]]).decimals(), 3);
    }
}

//! The trade-off of two columns along the interval: its curve, its knee, a sentence.
//!
//! Both columns are made alike: 1 is the best of a curve, 0 its worst, by logarithms where values are far apart.
//! A curve whose ends are (1, 0) and (0, 1) has its *knee* where it is farthest above the line between them
//! (Satopää et al., "Finding a 'Kneedle' in a Haystack", 2011); here of the measured points only.

use super::Sweep;
use super::columns::Column;
use crate::engine::Better;
use crate::engine::config::interval_text;
use crate::explore::chart::{Chart, Point, Series, figure};

/// Values that differ by this factor are compared by their logarithms.
const LOG_RATIO: f64 = 20.0;
/// A knee nearer to the line than this is none.
const KNEE_MIN: f64 = 0.05;

/// Two columns, and the combinations that differ in the interval only.
pub struct Trade {
    pub a: Column,
    pub b: Column,
    pub curves: Vec<Curve>,
}

/// One choice of policy and parameters.
pub struct Curve {
    /// What tells it from the others; empty if it is the only one.
    pub name: String,
    /// Combinations, from the shortest interval to the longest.
    pub at: Vec<usize>,
    /// Index into `at`.
    pub knee: Option<usize>,
    pub sentence: String,
}

impl Sweep {
    /// The column called so, by its title or its key.
    pub fn column(&self, name: &str) -> Result<Column, String> {
        let mut columns = self.columns();
        let found = columns.iter().position(|c| c.title == name || c.key == name);
        found.map(|at| columns.swap_remove(at)).ok_or_else(|| {
            let known: Vec<String> = self.columns().into_iter().map(|c| c.title).collect();
            format!("there is no column '{name}'; there are: {}", known.join(", "))
        })
    }

    /// The two metrics that the script reports, if it reports just two.
    pub fn natural_pair(&self) -> Option<(String, String)> {
        match self.metrics().keys().collect::<Vec<_>>()[..] {
            [a, b] => Some((a.to_string(), b.to_string())),
            _ => None,
        }
    }

    /// Combinations in groups that differ in the interval only, with a name for each.
    pub fn curves(&self) -> Vec<(String, Vec<usize>)> {
        let all = &self.plan.combinations;
        let mut curves: Vec<(String, Vec<usize>)> = Vec::new();
        for (at, c) in all.iter().enumerate() {
            let same = |(_, of): &&mut (String, Vec<usize>)| {
                let first = &all[of[0]];
                first.policy == c.policy && first.params == c.params
            };
            match curves.iter_mut().find(same) {
                Some((_, of)) => of.push(at),
                None => {
                    let mut names = Vec::new();
                    if all.iter().any(|other| other.policy != c.policy) {
                        names.push(c.policy.to_string());
                    }
                    let differs = |(n, v): &&(String, String)| {
                        all.iter().any(|other| other.params.iter().any(|(name, value)| name == n && value != v))
                    };
                    names.extend(c.params.iter().filter(differs).map(|(n, v)| format!("{n}={v}")));
                    curves.push((names.join(", "), vec![at]));
                }
            }
        }
        curves.iter_mut().for_each(|(_, of)| of.sort_by_key(|at| all[*at].interval_us));
        curves
    }

    /// The trade-off of two columns; an error says why there is none.
    pub fn trade(&self, a: &str, b: &str) -> Result<Trade, String> {
        let (a, b) = (self.column(a)?, self.column(b)?);
        for column in [&a, &b] {
            if column.better.is_none() {
                return Err(format!("'{}' is neither good nor bad: it cannot be traded", column.title));
            }
        }
        let curve = |(name, at): (String, Vec<usize>)| {
            let at: Vec<usize> = at.into_iter().filter(|i| a.cells[*i].is_some() && b.cells[*i].is_some()).collect();
            let knee = knee(&a, &b, &at);
            let sentence = self.advice(&a, &b, &name, &at, knee);
            Curve { name, at, knee, sentence }
        };
        let curves: Vec<Curve> = self.curves().into_iter().map(curve).collect();
        if curves.iter().all(|c| c.at.len() < 2) {
            return Err("a trade-off needs two intervals or more (--switch-interval)".to_string());
        }
        Ok(Trade { a, b, curves })
    }

    fn advice(&self, a: &Column, b: &Column, name: &str, at: &[usize], knee: Option<usize>) -> String {
        let of = if name.is_empty() { String::new() } else { format!(" ({name})") };
        let label = |i: usize| self.plan.combinations[i].interval_us.map_or("–".to_string(), interval_text);
        if at.len() < 2 {
            return format!("one interval only{of}: nothing to trade");
        }
        if let Some(still) = [a, b].into_iter().find(|c| !moves(c, at)) {
            let other = if still.title == a.title { b } else { a };
            if !moves(other, at) {
                return format!("any interval{of}: neither {} nor {} changes beyond its spread", a.title, b.title);
            }
            let best = best(other, at);
            return format!(
                "recommended interval{of}: {}: it has the best {} ({}), and {} does not change beyond its spread",
                label(best),
                other.title,
                shown(other, best),
                still.title
            );
        }
        let (best_a, best_b) = (best(a, at), best(b, at));
        if best_a == best_b {
            return format!("recommended interval{of}: {}: it is the best for both", label(best_a));
        }
        let Some(knee) = knee else {
            return format!(
                "no knee{of}: what {} gains {} loses alike; {} is best for the one, {} for the other",
                a.title,
                b.title,
                label(best_a),
                label(best_b)
            );
        };
        let i = at[knee];
        let part = |c: &Column, best: usize| {
            if best == i {
                return format!("{} {}, its best", c.title, shown(c, i));
            }
            let (value, top) = (median(c, i), median(c, best));
            let share = match c.better {
                Some(Better::Higher) if top != 0.0 => format!("{:.0} % of its best", 100.0 * value / top),
                _ if top > 0.0 => format!("{} times its best", figure(value / top)),
                _ => "at best".to_string(),
            };
            format!("{} {} ({share}, {} with {})", c.title, shown(c, i), shown(c, best), label(best))
        };
        format!("recommended interval{of}: {}, the knee: {} and {}", label(i), part(a, best_a), part(b, best_b))
    }
}

impl Trade {
    /// One point for each combination, b over a.
    pub fn chart(&self, sweep: &Sweep) -> Chart {
        let point = |at: usize| {
            let (a, b) = (self.a.cells[at].as_ref(), self.b.cells[at].as_ref());
            let label = sweep.plan.combinations[at].interval_us.map_or(String::new(), interval_text);
            let y = b.map_or([0.0; 3], |b| [b.median, b.q1, b.q3].map(|v| v * self.b.scale));
            Point { x: a.map_or(0.0, |a| a.median) * self.a.scale, y: y[0], low: y[1], high: y[2], label }
        };
        let series = self.curves.iter().filter(|c| !c.at.is_empty()).map(|c| Series {
            name: c.name.clone(),
            points: c.at.iter().map(|at| point(*at)).collect(),
            marked: c.knee,
        });
        let title = format!("{} against {}", titled(&self.b), titled(&self.a));
        Chart::new(&title, &worded(&self.a), &worded(&self.b), series.collect())
    }
}

/// A chart of one column over the interval.
pub fn over_interval(sweep: &Sweep, column: &Column) -> Option<Chart> {
    let curves = sweep.curves().into_iter().map(|(name, at)| {
        let points = at.iter().filter_map(|i| {
            let (s, us) = (column.cells[*i].as_ref()?, sweep.plan.combinations[*i].interval_us?);
            let [y, low, high] = [s.median, s.q1, s.q3].map(|v| v * column.scale);
            Some(Point { x: us as f64 / 1e3, y, low, high, label: String::new() })
        });
        Series { name, points: points.collect(), marked: None }
    });
    let series: Vec<Series> = curves.filter(|s| s.points.len() > 1).collect();
    let title = format!("{} over the switch interval", titled(column));
    (!series.is_empty()).then(|| Chart::new(&title, "switch interval, ms", &worded(column), series))
}

fn titled(c: &Column) -> String {
    c.title.clone()
}

/// Name, unit, and which way is better.
fn worded(c: &Column) -> String {
    let unit = if c.unit.is_empty() { String::new() } else { format!(", {}", c.unit) };
    let better = c.better.map_or(String::new(), |b| format!(" ({} is better)", b.word()));
    format!("{}{unit}{better}", c.title)
}

fn median(c: &Column, at: usize) -> f64 {
    c.cells[at].as_ref().map_or(0.0, |s| s.median)
}

fn shown(c: &Column, at: usize) -> String {
    let unit = if c.unit.is_empty() { String::new() } else { format!(" {}", c.unit) };
    format!("{}{unit}", figure(median(c, at) * c.scale))
}

fn best(c: &Column, at: &[usize]) -> usize {
    let order = |x: &&usize, y: &&usize| median(c, **x).total_cmp(&median(c, **y));
    let found = match c.better {
        Some(Better::Higher) => at.iter().rev().max_by(order),
        _ => at.iter().min_by(order),
    };
    found.copied().unwrap_or(0)
}

/// Whether the spread tells the best of these from the worst.
fn moves(c: &Column, at: &[usize]) -> bool {
    let order = |x: &&usize, y: &&usize| median(c, **x).total_cmp(&median(c, **y));
    let ends = at.iter().min_by(order).zip(at.iter().max_by(order));
    let summaries = ends.and_then(|(lo, hi)| c.cells[*lo].as_ref().zip(c.cells[*hi].as_ref()));
    summaries.is_some_and(|(lo, hi)| lo.median != hi.median && !lo.overlaps(hi))
}

/// How good each is, from 0 to 1.
fn goodness(c: &Column, at: &[usize]) -> Vec<f64> {
    let values: Vec<f64> = at.iter().map(|i| median(c, *i)).collect();
    let (min, max) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(*v), b.max(*v)));
    let log = min > 0.0 && max / min >= LOG_RATIO;
    let scale = |v: f64| if log { v.ln() } else { v };
    let length = (scale(max) - scale(min)).max(f64::MIN_POSITIVE);
    let share = |v: f64| (scale(v) - scale(min)) / length;
    let higher = c.better == Some(Better::Higher);
    values.into_iter().map(|v| if higher { share(v) } else { 1.0 - share(v) }).collect()
}

fn knee(a: &Column, b: &Column, at: &[usize]) -> Option<usize> {
    if at.len() < 3 || !moves(a, at) || !moves(b, at) {
        return None;
    }
    let (ga, gb) = (goodness(a, at), goodness(b, at));
    let above = |i: usize| ga[i] + gb[i] - 1.0;
    let knee = (0..at.len()).rev().max_by(|x, y| above(*x).total_cmp(&above(*y)))?;
    (above(knee) > KNEE_MIN).then_some(knee)
}

#[cfg(test)]
mod tests {
    use super::{best, goodness, knee, moves};
    use crate::engine::Better;
    use crate::explore::statistics::Summary;
    use crate::explore::sweep::columns::Column;

    fn column(better: Better, medians: &[f64]) -> Column {
        let cells = medians.iter().map(|m| Summary::of(&[m * 0.99, *m, m * 1.01])).collect();
        Column { key: "k".into(), title: "t".into(), unit: "", scale: 1.0, better: Some(better), cells }
    }

    #[test]
    fn the_knee_is_farthest_from_the_line() {
        // LOCKS.md 2c: round trips per second and CPU work kept, 0.05 to 10 ms.
        let echo = column(Better::Higher, &[3098.0, 2653.0, 1333.0, 764.0, 110.0, 53.0]);
        let work = column(Better::Higher, &[0.80, 0.89, 0.95, 0.96, 0.98, 0.99]);
        let at = [0, 1, 2, 3, 4, 5];
        assert_eq!(knee(&echo, &work, &at), Some(2));
        assert_eq!((best(&echo, &at), best(&work, &at)), (0, 5));
        let good = goodness(&echo, &at);
        assert!(good[0] == 1.0 && good[5] == 0.0 && good[3] > 0.5, "by logarithms: {good:?}");
    }

    #[test]
    fn a_straight_line_has_no_knee_and_noise_no_trade() {
        let a = column(Better::Higher, &[1.0, 2.0, 3.0]);
        let b = column(Better::Lower, &[1.0, 2.0, 3.0]);
        assert_eq!(knee(&a, &b, &[0, 1, 2]), None);
        let noise = column(Better::Lower, &[1.0, 1.001, 1.002]);
        assert!(!moves(&noise, &[0, 1, 2]) && knee(&a, &noise, &[0, 1, 2]).is_none());
    }
}

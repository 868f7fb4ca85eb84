//! Which runs a sweep makes, and in what order.

use crate::engine::Config;
use crate::engine::config::interval_text;
use crate::explore::trace;
use crate::gil::policy::{self, Unit};
use crate::gil::{GilConfig, World};
use crate::world::Nanos;
use std::path::PathBuf;

/// What is asked for: the values along each axis.
#[derive(Clone, Debug)]
pub struct Axes {
    /// Rows of the table of policies.
    pub policies: Vec<String>,
    /// In microseconds; empty for each policy's own.
    pub intervals_us: Vec<u64>,
    /// Names, each with its values as texts.
    pub params: Vec<(String, Vec<String>)>,
}

/// One choice of settings: a row of the table.
#[derive(Clone, PartialEq, Debug)]
pub struct Combination {
    pub policy: &'static str,
    /// `None` for a policy without one.
    pub interval_us: Option<u64>,
    pub params: Vec<(String, String)>,
}

/// One run.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Run {
    /// Index into `Plan::combinations`.
    pub combination: usize,
    /// From 0.
    pub repeat: usize,
    pub seed: Option<u64>,
}

/// All runs, in their order.
#[derive(Clone, Debug)]
pub struct Plan {
    pub combinations: Vec<Combination>,
    pub runs: Vec<Run>,
    pub repeat: usize,
    /// Runs of each combination before the others that do not count.
    pub warmup: usize,
    /// A run that takes longer in real time is killed.
    pub limit: Nanos,
    /// The folder in which each run leaves a trace.
    pub trace: Option<PathBuf>,
}

/// How long a run may take if nothing else is said.
pub const LIMIT: Nanos = 300_000_000_000;

impl Combination {
    /// `5ms (fifo, n=2)`.
    pub fn label(&self) -> String {
        let params = self.params.iter().map(|(name, value)| format!("{name}={value}"));
        match self.interval_us {
            Some(us) => {
                let rest: Vec<String> = std::iter::once(self.policy.to_string()).chain(params).collect();
                format!("{} ({})", interval_text(us), rest.join(", "))
            }
            None if self.params.is_empty() => self.policy.to_string(),
            None => format!("{} ({})", self.policy, params.collect::<Vec<_>>().join(", ")),
        }
    }
}

impl Plan {
    /// Parameters vary slowest, then policies, then intervals, so that a table compares intervals line by
    /// line. `first_seed` makes repeats of a simulation differ. An error names an unknown policy.
    pub fn new(axes: &Axes, repeat: usize, first_seed: Option<u64>) -> Result<Plan, String> {
        let mut choices = vec![vec![]];
        for (name, values) in &axes.params {
            let longer = |chosen: &Vec<(String, String)>| {
                let one = |value: &String| {
                    let mut chosen = chosen.clone();
                    chosen.push((name.clone(), value.clone()));
                    chosen
                };
                values.iter().map(one).collect::<Vec<_>>()
            };
            choices = choices.iter().flat_map(longer).collect();
        }
        let mut combinations = Vec::new();
        for params in choices {
            for name in &axes.policies {
                let row = policy::find(name).ok_or_else(|| format!("unknown lock policy '{name}'"))?;
                let intervals = match row.unit {
                    Unit::Microseconds if axes.intervals_us.is_empty() => vec![Some(row.slice)],
                    Unit::Microseconds => axes.intervals_us.iter().map(|us| Some(*us)).collect(),
                    // An interval means nothing to this policy: one row for all of them.
                    _ => vec![None],
                };
                for interval_us in intervals {
                    combinations.push(Combination { policy: row.name, interval_us, params: params.clone() });
                }
            }
        }
        let mut runs = Vec::with_capacity(combinations.len() * repeat);
        for round in 0..repeat {
            let seed = first_seed.map(|first| first.wrapping_add(round as u64));
            let mut order: Vec<usize> = (0..combinations.len()).collect();
            if round % 2 == 1 {
                order.reverse();
            }
            runs.extend(order.into_iter().map(|combination| Run { combination, repeat: round, seed }));
        }
        Ok(Plan { combinations, runs, repeat, warmup: 0, limit: LIMIT, trace: None })
    }

    /// The file for the trace of the run of that index.
    pub fn trace_name(&self, at: usize) -> String {
        let run = &self.runs[at];
        let combination = &self.combinations[run.combination];
        let mut parts = vec![format!("{:03}", at + 1), combination.policy.to_string()];
        parts.extend(combination.interval_us.map(interval_text));
        parts.extend(combination.params.iter().map(|(name, value)| format!("{name}={value}")));
        parts.extend(run.seed.map(|seed| format!("seed={seed}")));
        trace::file_name(&parts)
    }

    /// The configuration of one run.
    pub fn config(&self, common: &Config, run: &Run) -> Config {
        let combination = &self.combinations[run.combination];
        let world = match common.gil.world {
            World::Real => World::Real,
            World::Sim { .. } => World::Sim { seed: run.seed },
        };
        let policy = combination.policy.to_string();
        let gil = GilConfig { policy, interval_us: combination.interval_us, world, ..common.gil.clone() };
        Config { gil, params: combination.params.clone(), stats: true, ..common.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::{Axes, Plan, Run};

    fn axes() -> Axes {
        let texts = |t: &[&str]| t.iter().map(|s| s.to_string()).collect();
        Axes {
            policies: texts(&["fifo", "off"]),
            intervals_us: vec![500, 5000],
            params: vec![("n".to_string(), texts(&["1", "2"])), ("m".to_string(), texts(&["x"]))],
        }
    }

    #[test]
    fn a_policy_without_interval_has_one_row() {
        let plan = Plan::new(&axes(), 1, None).unwrap();
        let labels: Vec<String> = plan.combinations.iter().map(|c| c.label()).collect();
        assert_eq!(
            labels,
            [
                "0.5ms (fifo, n=1, m=x)",
                "5ms (fifo, n=1, m=x)",
                "off (n=1, m=x)",
                "0.5ms (fifo, n=2, m=x)",
                "5ms (fifo, n=2, m=x)",
                "off (n=2, m=x)"
            ]
        );
        let axes = Axes { policies: vec!["fifo".into(), "off".into()], intervals_us: vec![], params: vec![] };
        let plan = Plan::new(&axes, 1, None).unwrap();
        let labels: Vec<String> = plan.combinations.iter().map(|c| c.label()).collect();
        assert_eq!(labels, ["5ms (fifo)", "off"]);
        let axes = Axes { policies: vec!["nosuch".into()], ..axes };
        assert!(Plan::new(&axes, 1, None).unwrap_err().contains("nosuch"));
    }

    #[test]
    fn rounds_interleave_and_turn_round() {
        let plan = Plan::new(&axes(), 3, Some(7)).unwrap();
        assert_eq!(plan.runs.len(), 18);
        let order: Vec<usize> = plan.runs.iter().map(|r| r.combination).collect();
        assert_eq!(order, [0, 1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 0, 0, 1, 2, 3, 4, 5]);
        assert_eq!(plan.runs[6], Run { combination: 5, repeat: 1, seed: Some(8) });
        for (at, run) in plan.runs.iter().enumerate() {
            assert_eq!(run.repeat, at / 6);
            assert_eq!(run.seed, Some(7 + run.repeat as u64));
        }
    }
}

//! `kit compare`: functions of a script that do the same job in different ways, timed in turns.
//!
//! A script marks its *variants* by `@kit.variant(name)`. A first worker says which there are; then each call is a
//! worker of its own (run.rs), for each size, round by round. Results are kept run by run; the table and the chart
//! are derived from them (show.rs).
//!
//! K1 Calls follow each other, never side by side, and every second round goes backwards, so that noise and
//!    drift of the machine meet all variants alike.
//! K2 What is timed is the call alone, by the clock of its world: not the start of the process, nor the module.
//! K3 A call that fails or does not end in time ends the comparison, with what it printed.
//!
//! Not here: the marks (`stdlib/kit/testing.kit`), the call itself (`engine/variant.rs`), flags (`cli/compare.rs`).

mod run;
mod show;

pub use run::{ROLE, work};

use crate::engine::Config;
use crate::engine::variant::{Answer, Task, Variant};
use crate::explore::sweep::Failure;
use crate::gil::World;
use crate::world::Nanos;

/// What is asked for beside the script.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Names; empty for all variants.
    pub only: Vec<String>,
    /// Empty for those that the script gives.
    pub sizes: Vec<f64>,
    pub repeat: usize,
    pub warmup: usize,
    pub limit: Nanos,
    /// The seed of the first round, in simulation.
    pub first_seed: Option<u64>,
}

/// A comparison that has ended.
pub struct Comparison {
    pub config: Config,
    pub repeat: usize,
    pub variants: Vec<String>,
    /// Empty if the variants take no size.
    pub sizes: Vec<f64>,
    /// Seconds, by variant, then by size (one if there are none), then by round.
    pub seconds: Vec<Vec<Vec<f64>>>,
    pub cpu_seconds: Vec<Vec<Vec<f64>>>,
}

/// Why there is no comparison.
pub enum Problem {
    /// The script or the flags are not fit for it.
    Usage(String),
    Failed(Box<Failure>),
}

/// Does all calls; `tell` hears of each before it begins.
pub fn compare(config: Config, wish: &Wish, mut tell: impl FnMut(&str)) -> Result<Comparison, Problem> {
    let (chosen, sizes) = choose(&config, wish)?;
    let columns = sizes.len().max(1);
    let mut done = Comparison {
        config,
        repeat: wish.repeat,
        variants: chosen.iter().map(|(_, v)| v.name.clone()).collect(),
        seconds: vec![vec![vec![]; columns]; chosen.len()],
        cpu_seconds: vec![vec![vec![]; columns]; chosen.len()],
        sizes,
    };
    for round in 0..wish.warmup + wish.repeat {
        let mut calls: Vec<(usize, usize)> =
            (0..columns).flat_map(|s| (0..chosen.len()).map(move |v| (v, s))).collect();
        if round % 2 == 1 {
            calls.reverse();
        }
        for (v, s) in calls {
            let size = done.sizes.get(s).copied();
            let (index, variant) = &chosen[v];
            tell(&format!("{} {}", variant.name, size.map_or(String::new(), |s| s.to_string())));
            let mut config = done.config.clone();
            if let World::Sim { seed } = &mut config.gil.world {
                *seed = wish.first_seed.map(|first| first.wrapping_add(round as u64));
            }
            let answer = run::one(config, &Task::Call(*index, size), wish.limit).map_err(|mut failure| {
                let size = size.map_or(String::new(), |s| format!("({s})"));
                failure.text = format!("{}{size} failed: {}", variant.name, failure.text);
                Problem::Failed(failure)
            })?;
            if let Answer::Took { wall_ns, cpu_ns } = answer
                && round >= wish.warmup
            {
                done.seconds[v][s].push(wall_ns as f64 / 1e9);
                done.cpu_seconds[v][s].push(cpu_ns as f64 / 1e9);
            }
        }
    }
    Ok(done)
}

/// Variants with their indices, and sizes.
type Chosen = (Vec<(usize, Variant)>, Vec<f64>);

/// The variants to call, each with its index, and the sizes.
fn choose(config: &Config, wish: &Wish) -> Result<Chosen, Problem> {
    let answer = run::one(config.clone(), &Task::List, wish.limit).map_err(Problem::Failed)?;
    let Answer::Variants(found) = answer else {
        return Err(Problem::Usage("the script's variants cannot be read".to_string()));
    };
    let usage = |text: String| Err(Problem::Usage(text));
    if found.is_empty() {
        return usage("the script marks no function with @kit.variant(\"name\")".to_string());
    }
    let known: Vec<String> = found.iter().map(|v| v.name.clone()).collect();
    if let Some(strange) = wish.only.iter().find(|name| !known.contains(name)) {
        return usage(format!("there is no variant '{strange}'; there are: {}", known.join(", ")));
    }
    let wanted = |v: &Variant| wish.only.is_empty() || wish.only.contains(&v.name);
    let chosen: Vec<(usize, Variant)> = found.into_iter().enumerate().filter(|(_, v)| wanted(v)).collect();
    let takes = chosen.iter().filter(|(_, v)| v.takes_size).count();
    if takes == 0 {
        return match wish.sizes.is_empty() {
            true => Ok((chosen, vec![])),
            false => usage("--sizes needs variants with a parameter".to_string()),
        };
    }
    if takes < chosen.len() {
        return usage("some variants take a size and some do not: they cannot be compared".to_string());
    }
    let mut sizes = wish.sizes.clone();
    if sizes.is_empty() {
        sizes = chosen.iter().find(|(_, v)| !v.sizes.is_empty()).map_or(vec![], |(_, v)| v.sizes.clone());
    }
    if sizes.is_empty() {
        return usage(
            "the variants take a size: say which by --sizes 1,2,4 or @kit.variant(name, sizes=[1, 2, 4])".to_string(),
        );
    }
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    Ok((chosen, sizes))
}

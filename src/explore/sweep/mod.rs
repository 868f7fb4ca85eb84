//! `kit sweep`: one script under many settings, each run a process of its own, and what came out of it as a
//! table.
//!
//! A *combination* is a choice of settings (policy, interval, parameters); a *plan* is the order of all runs
//! (plan.rs). Each run is a job for a worker (run.rs), which answers with *figures* (figures.rs: the table
//! of what is measured, and what the script reports). A sweep is kept whole, run by run; columns, medians
//! and the best are derived from it (columns.rs), and shown as a table (table.rs), JSON or CSV (data.rs).
//!
//! S1 Runs follow each other, never side by side: they would share the cores that they measure.
//! S2 Round by round every combination has its turn, and every second round goes backwards, so that noise
//!    and drift of the machine meet all alike.
//! S3 A run that fails ends the sweep: medians over what is left would be of different scripts.
//! S4 Without a seed nothing is drawn in simulation, so repeats of a simulated run are told apart by seeds
//!    only: the repeats have the seeds N, N+1, ….
//! S5 The best of a column is named with those that its spread does not tell apart from it.
//!
//! S6 A run that does not end is killed and ends the sweep as a failed one. Warm-up runs come first, are watched
//!    like the others, and are forgotten.
//!
//! Two columns make a trade-off along the interval (trade.rs).
//!
//! Not here: flags (`cli/sweep.rs`), statistics (`explore/statistics.rs`), charts (`explore/chart`), cores as an
//! axis. The counters of a run are those of its child processes, too (`engine/counts.rs`).

mod columns;
mod data;
mod figures;
mod plan;
mod run;
mod table;
mod trade;

pub use plan::{Axes, Combination, Plan, Run};
pub use run::{ROLE, work};
pub use trade::{Trade, over_interval};

use crate::engine::Config;
use indexmap::IndexSet;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use run::Measured;

/// A sweep that has ended: the plan, and what each of its runs said, in the plan's order.
pub struct Sweep {
    pub plan: Plan,
    /// What all runs have in common.
    config: Config,
    measured: Vec<Measured>,
}

/// A run that failed, in words and with what it printed.
pub struct Failure {
    pub text: String,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Does all runs of a plan. `config` gives what they have in common; `progress` draws a bar on standard
/// error.
pub fn sweep(config: Config, plan: Plan, progress: bool) -> Result<Sweep, Box<Failure>> {
    let target = if progress { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let warmup = plan.runs.iter().filter(|run| run.repeat == 0).cycle().take(plan.warmup * plan.combinations.len());
    let all: Vec<(bool, &Run)> =
        warmup.map(|run| (false, run)).chain(plan.runs.iter().map(|run| (true, run))).collect();
    let bar = ProgressBar::with_draw_target(Some(all.len() as u64), target);
    let style = ProgressStyle::with_template("{bar:24} {pos} of {len} runs, {eta} left  {msg}");
    bar.set_style(style.expect("the template is valid").progress_chars("━━╌"));
    let mut measured = Vec::with_capacity(plan.runs.len());
    for (counts, run) in all {
        let combination = &plan.combinations[run.combination];
        bar.set_message(combination.label());
        // A warm-up run leaves no trace.
        let trace = plan.trace.as_ref().filter(|_| counts).map(|folder| folder.join(plan.trace_name(measured.len())));
        match run::one(plan.config(&config, run), plan.limit, trace.as_deref()) {
            Ok(m) if counts => measured.push(m),
            Ok(_) => {}
            Err(mut failure) => {
                bar.finish_and_clear();
                let seed = run.seed.map_or(String::new(), |s| format!(", seed {s}"));
                let which = match counts {
                    true => format!("run {} of {}", measured.len() + 1, plan.runs.len()),
                    false => "a warm-up run".to_string(),
                };
                let (label, repeat) = (combination.label(), run.repeat + 1);
                failure.text = format!("{which} failed: {label}, repeat {repeat}{seed}: {}", failure.text);
                return Err(failure);
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(Sweep { plan, config, measured })
}

impl Sweep {
    /// What the user should know before believing the figures.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.measured.iter().any(|m| m.interval_changed) {
            warnings.push(
                "the script sets the switch interval itself (sys.setswitchinterval): the interval of a row holds \
                 only until then"
                    .to_string(),
            );
        }
        let unused: IndexSet<&String> = self.measured.iter().flat_map(|m| &m.params_unused).collect();
        for name in unused {
            warnings.push(format!("the script never asked for the parameter '{name}' (kit.param)"));
        }
        warnings
    }
}

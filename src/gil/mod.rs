//! The interpreter lock.
mod block;
mod driver;
mod events;
mod held;
mod lock;
#[cfg(test)]
mod model;
pub mod policies;
pub mod policy;
mod real;
mod roster;
mod sim;
pub mod stats;

pub use held::{Held, Interrupts, SpawnError, VM_BITS};
pub use stats::Stats;

use crate::world::{Nanos, thread};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Which world a run happens in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum World {
    Real,
    /// Virtual time. Without a seed nothing is drawn and every cost is zero.
    Sim { seed: Option<u64> },
}

/// How a run's lock is set up.
#[derive(Clone, Debug)]
pub struct GilConfig {
    /// A row of the table of policies (`policy::POLICIES`).
    pub policy: String,
    /// `None`: the row's own.
    pub interval_us: Option<u64>,
    pub world: World,
    /// Simulation: what one unit of `Held::charge` costs; 0 in the profile `zero`.
    pub unit_cost: Nanos,
    /// Whether Ctrl-C belongs to this run. Tests that share a process say no.
    pub signals: bool,
}

impl Default for GilConfig {
    fn default() -> Self {
        let policy = policy::POLICIES[0].name.to_string();
        GilConfig { policy, interval_us: None, world: World::Real, unit_cost: 0, signals: false }
    }
}

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error("unknown lock policy '{0}' (kit policies lists them)")]
    UnknownPolicy(String),
    #[error("the main thread could not be started: {0}")]
    Os(#[from] std::io::Error),
}

/// Set once, before the first script thread, and never cleared: plain and atomic counts may not mix.
static OFF: AtomicBool = AtomicBool::new(false);

/// Whether the lock is off in this process: objects lock themselves, counts are atomic.
#[inline(always)]
pub fn off() -> bool {
    OFF.load(Relaxed)
}

/// The interval as the policies use it: CPython waits at least a microsecond.
fn interval_ns(interval_us: u64) -> Nanos {
    interval_us.max(1).saturating_mul(1000)
}

/// Runs `main` as the main script thread, with the lock, in the chosen world. Returns when `main` does:
/// whoever wants other threads to end first joins them in `main`. What is left of the others never gets
/// the lock again and stays parked until the process ends.
pub fn run<R: Send>(config: GilConfig, main: impl FnOnce(Held) -> R + Send) -> Result<R, RunError> {
    let row = policy::find(&config.policy);
    let row = row.ok_or_else(|| RunError::UnknownPolicy(config.policy.clone()))?;
    let (driver, record) = match config.world {
        World::Real => {
            if row.name == "off" {
                OFF.store(true, Relaxed);
            }
            real::start(&config, row)?
        }
        World::Sim { seed } => sim::start(&config, row, seed)?,
    };
    let body = || main(Held::attach(driver, record));
    Ok(thread::run_on("main", thread::MAIN_STACK_BYTES, body)?)
}

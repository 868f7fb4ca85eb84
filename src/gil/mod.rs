//! The lock.

mod driver;
mod held;
mod real;
pub mod stats;
mod sync;

pub use held::{Held, Interrupts, SpawnError, VM_BITS};
pub use stats::Stats;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Which world a run happens in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum World {
    Real,
    Sim { seed: Option<u64> },
}

/// How a run's lock is set up.
#[derive(Clone, Debug)]
pub struct GilConfig {
    /// A row of the table of policies.
    pub policy: &'static str,
    /// `None`: the row's own.
    pub interval_us: Option<u64>,
    pub world: World,
    /// Simulation: what one unit of `Held::charge` costs. 0 with the profile `zero`.
    pub unit_cost: crate::world::Nanos,
    /// Whether Ctrl-C belongs to this run. Tests that share a process say no.
    pub signals: bool,
}

impl Default for GilConfig {
    fn default() -> Self {
        GilConfig {
            policy: "fifo",
            interval_us: None,
            world: World::Real,
            unit_cost: 0,
            signals: false,
        }
    }
}

static OFF: AtomicBool = AtomicBool::new(false);

/// Whether the lock is off: fixed before the first thread of the process.
#[inline(always)]
pub fn off() -> bool {
    OFF.load(Relaxed)
}

/// Runs `main` as the main script thread, with the lock, in the chosen world. Returns when `main` does:
/// whoever wants other threads to end first joins them in `main`. What is left of the others never gets
/// the lock again.
pub fn run<R: Send>(config: GilConfig, main: impl FnOnce(Held) -> R + Send) -> std::io::Result<R> {
    let _ = OFF.swap(config.policy == "off", Relaxed);
    let driver = real::start(&config);
    crate::world::thread::run_on("main", crate::world::thread::MAIN_STACK_BYTES, || {
        let record = driver.main();
        main(Held::attach(driver.clone(), record))
    })
}

//! The interpreter lock: exactly one thread of a process executes script code at a time.
//!
//! A *policy* (`policy.rs`, `policies/`) is a pure state machine that says who gets the lock next and
//! when its holder is asked to let go. Two *drivers* run the same policies: `real.rs` with `lock.rs`,
//! `block.rs` and `clock.rs` on OS threads and the clock, `sim.rs` with `events.rs` and `processes.rs` on events in
//! virtual time, where a run has any number of processes with a lock each. The token `Held` is the only
//! handle: it exists in attached threads only, and whatever may give the lock away takes `&mut Held`.
//! Counters (`stats.rs`) are always on; with `--trace` what they book goes to the thread's log, too (`trace`).
//!
//! One mutex per driver guards the policy *and* the world's wait table, because three things must be
//! one step or `fifo` is not determined: registering a wait and releasing; ending a wait and taking a
//! place in the queue; a forced drop and the dropper's new place. So the drivers own that mutex, and the
//! table itself stays plain data that knows no lock (`world/wait_table.rs`).
//!
//! G1 At most one thread holds the lock, unless it is off; in simulation at most one OS thread of the run is awake.
//! G2 The uncontended lock moves by one compare-and-swap and does not enter the policy. SLOW in the word
//!    means: ask the mutex; it stands while anybody waits or is held back, so no fast path overtakes.
//! G3 Messages to a thread are set under the mutex; the thread is unparked after it. Parking may end for
//!    no reason, so every park is in a loop that looks at the flags.
//! G4 There is one timer per lock, never one per waiter: the policy's `due`; one waiter or the clock thread watches it.
//!    Only a waiter makes it due, so a thread alone never sees a request.
//! G5 A breaker word is shared: bits are set and cleared one by one, never stored.
//! G6 After the end of a process's main thread nobody gets its lock: what is left stays parked for good.
//! G7 In simulation nothing that others could see happens before all events that are due by the
//!    thread's local time (`synced`); without a seed nothing is drawn.
//!
//! Source: CPython's `Python/ceval_gil.c` (drop request after an interval, forced switch). Different
//! here: the timer is computed instead of one time-out per waiter, and `fifo` hands the lock over.
//! `model.rs` explores the real driver's interleavings with loom.
//!
//! With `--gil off` (`gate.rs`) nobody waits for the lock, and any number of threads hold a `Held`; the same
//! driver runs their waits. Not here: how objects lock themselves then (object/heap.rs), cores (threads of
//! different processes always overlap) and costs of the simulated world (two
//! processes that pay for instructions pass the baton at every charge), waits for I/O: later rows and rooms.

mod block;
mod clock;
mod driver;
mod events;
mod gate;
mod held;
mod lock;
#[cfg(test)]
mod model;
pub mod policies;
pub mod policy;
mod processes;
mod real;
mod roster;
mod sim;
pub mod stats;

pub use held::{Held, Interrupts, SpawnError, Still, VM_BITS, Waker};
pub use stats::Stats;

use crate::trace::Recorder;
use crate::world::{Nanos, thread};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Which world a run happens in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum World {
    Real,
    /// Virtual time. Without a seed nothing is drawn and every cost is zero.
    Sim {
        seed: Option<u64>,
    },
}

/// How a run's lock is set up.
#[derive(Clone, Debug)]
pub struct GilConfig {
    /// A row of the table of policies (`policy::POLICIES`).
    pub policy: String,
    /// The slice: microseconds, or safe points where the row counts those. `None`: the row's own.
    pub interval_us: Option<u64>,
    pub world: World,
    /// Simulation: what one unit of `Held::charge` costs; 0 in the profile `zero`.
    pub unit_cost: Nanos,
    /// Whether Ctrl-C belongs to this run. Tests that share a process say no.
    pub signals: bool,
    /// Where events go; one recorder for one run.
    pub trace: Option<Arc<Recorder>>,
}

impl Default for GilConfig {
    fn default() -> Self {
        let policy = policy::POLICIES[0].name.to_string();
        GilConfig { policy, interval_us: None, world: World::Real, unit_cost: 0, signals: false, trace: None }
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

/// Whether a real run of this kind sets `off`.
pub fn without_lock(config: &GilConfig) -> bool {
    config.world == World::Real && config.policy == "off"
}

/// Whether the lock is off in this process: objects lock themselves, counts are atomic.
#[inline(always)]
pub fn off() -> bool {
    OFF.load(Relaxed)
}

/// Lets other threads run for a moment: whoever spins on an object that another thread has open calls this.
pub fn pause() {
    thread::pause();
}

/// Runs `main` as the main script thread, with the lock, in the chosen world. Returns when `main` does:
/// whoever wants other threads to end first joins them in `main`. What is left of the others never gets
/// the lock again and stays parked until the process ends.
pub fn run<R: Send>(config: GilConfig, main: impl FnOnce(Held) -> R + Send) -> Result<R, RunError> {
    let row = policy::find(&config.policy);
    let row = row.ok_or_else(|| RunError::UnknownPolicy(config.policy.clone()))?;
    let (driver, record) = match config.world {
        World::Real => {
            if without_lock(&config) {
                OFF.store(true, Relaxed);
            }
            real::start(&config, row)?
        }
        World::Sim { seed } => sim::start(&config, row, seed)?,
    };
    let body = || main(Held::attach(driver, record));
    Ok(thread::run_on("main", thread::MAIN_STACK_BYTES, body)?)
}

//! What the two drivers have in common: their trait, the record of a thread, the breaker's bits.

use super::held::SpawnError;
use super::policy::Unit;
use super::stats::{Account, Bucket, Stats};
use crate::trace::{Log, Recording};
use crate::world::deadlock::Deadlock;
use crate::world::sync::{Std, Sync, Word};
use crate::world::{Clock, Nanos, Place, ProcessId, Stream, Tid, WaitKey, WaitOn, Wake};
use std::sync::Arc;

/// Somebody asks for the lock: let go at the next safe point.
pub const DROP: u32 = 1;
/// Simulation: an event is due by this thread's local time.
pub const SYNC: u32 = 2;
/// Ctrl-C, main thread only.
pub const SIGNAL: u32 = 4;
/// The program ends.
pub const EXIT: u32 = 8;
/// A deadlock report waits to be taken, main thread only.
pub const DEADLOCK: u32 = 16;
/// The holder counts its safe points: its slice is a number of them.
pub const COUNT: u32 = 32;
/// The bits that the driver itself serves.
pub const LOCK_BITS: u32 = DROP | SYNC | COUNT;
/// The bits that the VM may use as it likes.
pub const VM_BITS: u32 = 0xffff_0000;

/// One thread of a run, on cache lines of its own: others write `breaker` and `flags`.
#[repr(align(64))]
pub struct RecordOf<S: Sync> {
    pub breaker: S::Word,
    /// Messages to the thread (`lock.rs`), set under the driver's mutex.
    pub flags: S::Word,
    pub parker: S::Parker,
    pub tid: Tid,
    pub process: ProcessId,
    /// The first thread of its process, with which the process ends.
    pub main: bool,
    pub name: String,
    pub daemon: bool,
    pub account: Account,
}

pub type Record = RecordOf<Std>;

impl<S: Sync> RecordOf<S> {
    pub fn new(
        tid: Tid,
        (process, main): (ProcessId, bool),
        name: &str,
        daemon: bool,
        now: Nanos,
        log: Option<Arc<Log>>,
    ) -> Arc<RecordOf<S>> {
        Arc::new(RecordOf {
            breaker: S::Word::new(0),
            flags: S::Word::new(0),
            parker: S::Parker::default(),
            tid,
            process,
            main,
            name: name.to_string(),
            daemon,
            account: Account::new(now, log),
        })
    }
}

/// One wait as `Held::wait` hands it over.
pub struct Wait {
    pub on: WaitOn,
    pub until: Option<Nanos>,
    pub place: Option<Place>,
}

/// What runs a lock policy: real threads, or events in virtual time. `me` is always the caller's own
/// record, and the caller holds the lock, except in `attach` and `enter`.
pub trait Driver: Send + std::marker::Sync {
    fn policy(&self) -> &'static str;
    fn simulated(&self) -> bool;
    fn eager(&self) -> bool;
    fn now(&self, me: &Record, clock: Clock) -> Nanos;

    /// First act of a thread on its own OS thread: returns with the lock.
    fn attach(&self, me: &Record);
    /// Last act of a thread: wakes joiners, gives the lock up for good. The main thread of a process that
    /// a simulation started ends by `end_process` instead.
    fn exit(&self, me: &Record);
    /// A new thread, alive from now on, in the queue already if the policy is eager.
    fn enroll(&self, me: &Record, name: &str, daemon: bool) -> Result<Arc<Record>, SpawnError>;
    /// The OS thread for an enrolled record could not be made.
    fn disown(&self, child: &Record);
    fn is_alive(&self, tid: Tid) -> bool;

    fn safe_point(&self, me: &Record);
    fn yield_now(&self, me: &Record);
    /// With the lock off: brings all other threads to a safe point and keeps them there until `resume`.
    fn stop_others(&self, _: &Record) {}
    fn resume(&self, _: &Record) {}
    fn wait(&self, me: &Record, wait: Wait, still: &dyn Fn() -> bool) -> Wake;
    fn wake(&self, me: &Record, key: WaitKey, n: usize) -> usize;
    /// Ends all waits for `key` at a moment of virtual time; at once where time is not virtual.
    fn wake_at(&self, me: &Record, key: WaitKey, _at: Nanos) {
        self.wake(me, key, usize::MAX);
    }
    /// `wake` by a thread that is not of this run and does not hold its lock.
    fn wake_from_outside(&self, key: WaitKey);
    fn took(&self, me: &Record, key: WaitKey);
    fn new_key(&self) -> WaitKey;

    /// Gives the lock up for native work; `enter` takes it again.
    fn leave(&self, me: &Record, then: Bucket);
    fn enter(&self, me: &Record);
    fn holding(&self, me: &Record, begins: bool);
    fn sleep_holding(&self, me: &Record, length: Nanos);
    fn spin(&self, me: &Record, length: Nanos, nogil: bool);
    fn charge(&self, me: &Record, units: u64);
    /// `None`: draw from the OS.
    fn draw(&self, me: &Record, stream: Stream) -> Option<u64>;

    /// The policy's slice, in its unit.
    fn set_interval(&self, me: &Record, interval: u64);
    fn interval(&self, me: &Record) -> u64;
    fn unit(&self) -> Unit;
    fn stats(&self, me: &Record) -> Stats;
    /// From now on a thread notes at its end how long the OS let it wait for a core.
    fn watch(&self);
    /// What was recorded so far, if the run is traced.
    fn recording(&self, me: &Record) -> Option<Recording>;
    fn take_deadlock(&self, me: &Record) -> Option<Box<Deadlock>>;
    fn poke(&self, me: &Record, tid: Option<Tid>, bits: u32);
    /// What Ctrl-C does.
    fn interrupt_main(&self, me: &Record);
    fn end_daemons(&self, me: &Record);

    /// A new process with its main thread, alive from now on. Simulation only.
    fn start_process(&self, me: &Record, name: &str) -> Result<Arc<Record>, SpawnError>;
    /// Ends a process and all that it has started. `true`: the caller was among them, its thread is over.
    fn end_process(&self, me: &Record, id: ProcessId, code: i32) -> bool;
    fn parent(&self, id: ProcessId) -> Option<ProcessId>;
    fn exit_code(&self, id: ProcessId) -> Option<i32>;
}

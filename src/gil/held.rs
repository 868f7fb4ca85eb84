//! The token: holding the interpreter lock is a value.

use super::driver::{self, Driver, Record};
use super::policy::Unit;
use super::stats::{Bucket, Stats};
use crate::trace::{Event, Recording, Spot};
use crate::world::deadlock::Deadlock;
use crate::world::{Clock, Nanos, Place, ProcessId, Stream, Tid, WaitKey, WaitKind, WaitOn, Wake, random, thread};
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Exists only in a thread that is attached: in the real world it has the interpreter lock, in the
/// simulated one the baton; with the lock off it is inside the gate, as others may be. It cannot leave its thread, be copied or be made outside this folder.
/// Everything that may give the lock away takes `&mut Held`, so no object opened through `&Held` is
/// open across it:
///
/// ```compile_fail
/// fn f(held: kit::gil::Held) {
///     std::thread::spawn(move || drop(held)); // `Held` is not `Send`
/// }
/// ```
/// ```compile_fail
/// fn open(held: &kit::gil::Held) -> &u32 { unimplemented!() }
/// fn f(held: &mut kit::gil::Held) {
///     let inside = open(held);
///     held.yield_now(); // the object would be open while another thread runs
///     assert_eq!(*inside, 0);
/// }
/// ```
///
/// Dropping it ends the thread's part in the run: joiners wake, the lock goes on.
pub struct Held {
    driver: Arc<dyn Driver>,
    me: Arc<Record>,
    place: RefCell<Option<Place>>,
    random: RefCell<Option<random::Streams>>,
    native_id: Cell<u64>,
    not_send: PhantomData<*mut ()>,
}

/// The token while all other threads stand still: see `Held::alone`.
pub struct Still<'a>(&'a Held);

impl std::ops::Deref for Still<'_> {
    type Target = Held;
    fn deref(&self) -> &Held {
        self.0
    }
}

/// Wakes from outside the run: for threads that watch something for it (see `Held::waker`). It may be kept
/// and called after the run has ended.
#[derive(Clone)]
pub struct Waker(Arc<dyn Driver>);

impl Waker {
    /// Ends all waits for `key`.
    pub fn wake(&self, key: WaitKey) {
        self.0.wake_from_outside(key);
    }
}

/// What a safe point found besides a request to let go of the lock, which it has served already.
#[derive(Default, Debug)]
pub struct Interrupts {
    /// Ctrl-C; main thread only, told once.
    pub signal: bool,
    /// The program ends and this is a daemon thread: unwind, run no more script code.
    pub exit: bool,
    /// Threads wait for each other in a cycle; main thread only, told once.
    pub deadlock: Option<Box<Deadlock>>,
    /// Bits that the VM set in the breaker word for itself (`VM_BITS`), taken out of it.
    pub work: u32,
}

/// Bits of the breaker word that belong to the VM; the rest belongs to the lock.
pub const VM_BITS: u32 = driver::VM_BITS;

/// Why a thread could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// What the OS said.
    #[error("can't start new thread")]
    Os(#[source] std::io::Error),
    /// Only a simulation has processes inside it; a real one is started by `world::child`.
    #[error("can't start a process inside this one: that is for simulations")]
    NotSimulated,
}

impl Held {
    /// Attaches the calling OS thread: returns when it has the lock.
    pub(super) fn attach(driver: Arc<dyn Driver>, me: Arc<Record>) -> Held {
        driver.attach(&me);
        Held {
            driver,
            me,
            place: RefCell::new(None),
            random: RefCell::new(None),
            native_id: Cell::new(thread::native_id()),
            not_send: PhantomData,
        }
    }

    /// The thread's breaker word. Non-zero: call `safe_point`. It does not move while the `Held` lives.
    #[inline(always)]
    pub fn breaker(&self) -> &AtomicU32 {
        &self.me.breaker
    }

    /// Serves what the breaker word asks for; may hand the lock over and take it again.
    #[cold]
    pub fn safe_point(&mut self) -> Interrupts {
        let breaker = &self.me.breaker;
        if breaker.load(Relaxed) & driver::LOCK_BITS != 0 {
            self.driver.safe_point(&self.me);
        }
        let bits = breaker.load(Relaxed);
        let taken = bits & (VM_BITS | driver::SIGNAL | driver::DEADLOCK);
        if taken != 0 {
            breaker.fetch_and(!taken, Relaxed);
        }
        Interrupts {
            signal: bits & driver::SIGNAL != 0,
            exit: bits & driver::EXIT != 0,
            deadlock: if bits & driver::DEADLOCK != 0 { self.driver.take_deadlock(&self.me) } else { None },
            work: bits & VM_BITS,
        }
    }

    /// Gives the lock away here if anybody waits for it (`kit.switch()`).
    pub fn yield_now(&mut self) {
        self.driver.yield_now(&self.me);
    }

    /// Gives up the lock, waits, takes the lock again. `until` is a moment of `Clock::Monotonic`.
    /// `still` is asked once after the wait has been registered: `false` ends it as `Notified`. It runs
    /// under the driver's mutex, so it looks at objects and does nothing else.
    pub fn wait(&mut self, on: WaitOn, until: Option<Nanos>, still: &dyn Fn(&Held) -> bool) -> Wake {
        let place = self.place.take();
        if let (Some(log), Some(place)) = (self.me.account.log(), &place) {
            log.at(spot(place), Some(on.name()).filter(|name| !name.is_empty()));
        }
        let this = &*self;
        let (kind, line) = (on.kind(), place.clone());
        let before = this.me.account.blocked(kind);
        let wake = this.driver.wait(&this.me, driver::Wait { on, until, place }, &|| still(this));
        if let Some(line) = line {
            this.me.account.waited_at(line, kind, this.me.account.blocked(kind).saturating_sub(before));
        }
        wake
    }

    /// Ends up to `n` waits for `key`, oldest first, and says how many there were.
    pub fn wake(&mut self, key: WaitKey, n: usize) -> usize {
        self.driver.wake(&self.me, key, n)
    }

    /// Ends all waits for `key` when virtual time has come to `at`: what is under way arrives then.
    pub fn wake_at(&mut self, key: WaitKey, at: Nanos) {
        self.driver.wake_at(&self.me, key, at);
    }

    /// What wakes waits of this run from a thread that is not of the run, without the lock. Real world only.
    pub fn waker(&self) -> Waker {
        Waker(self.driver.clone())
    }

    /// A key for a lock, an event, a queue: unique in this run.
    pub fn new_key(&mut self) -> WaitKey {
        self.driver.new_key()
    }

    /// This thread has taken, after waiting for it, a lock that others may still be waiting for: tells
    /// the deadlock search who owns it now. Cheap; without it a cycle may be missed, never invented.
    pub fn took(&mut self, key: WaitKey) {
        self.driver.took(&self.me, key);
    }

    /// Runs a native that keeps the lock for long; the time is booked as "holding".
    pub fn holding<R>(&mut self, f: impl FnOnce() -> R) -> R {
        self.driver.holding(&self.me, true);
        let r = f();
        self.driver.holding(&self.me, false);
        r
    }

    /// Sleeps with the lock (`kit.c_sleep`). In simulation only the thread's local time advances.
    pub fn sleep_holding(&mut self, length: Nanos) {
        self.driver.sleep_holding(&self.me, length);
    }

    /// Burns CPU for `length` by the wall clock, with the lock or, if `nogil`, without it.
    pub fn spin(&mut self, length: Nanos, nogil: bool) {
        self.driver.spin(&self.me, length, nogil);
    }

    /// Runs native work with the lock released.
    pub fn outside<R: Send>(&mut self, f: impl FnOnce() -> R + Send) -> R {
        self.outside_as(Bucket::Native, f)
    }

    /// The same for work that looks now and then whether it should stop, at Ctrl-C in the main thread, in a daemon at
    /// the end of the program: when a bit of the mask is set in the word.
    pub fn outside_until<R: Send>(&mut self, f: impl FnOnce(&AtomicU32, u32) -> R + Send) -> R {
        let me = self.me.clone();
        self.outside(move || f(&me.breaker, driver::SIGNAL | driver::EXIT))
    }

    /// The same for what waits rather than works: a call of the system that blocks.
    pub fn outside_for<R: Send>(&mut self, kind: WaitKind, f: impl FnOnce() -> R + Send) -> R {
        self.outside_as(Bucket::Blocked(kind), f)
    }

    fn outside_as<R: Send>(&mut self, bucket: Bucket, f: impl FnOnce() -> R + Send) -> R {
        /// Takes the lock again also when `f` panics: a `Held` never lives without the lock.
        struct Back<'a>(&'a Held);
        impl Drop for Back<'_> {
            fn drop(&mut self) {
                self.0.driver.enter(&self.0.me);
            }
        }
        self.driver.leave(&self.me, bucket);
        let _back = Back(self);
        f()
    }

    /// Runs `f` while no other thread of this run touches objects. With the lock on that is always so; with
    /// the lock off all others are brought to a safe point first, as this one is at one here.
    pub fn alone<R>(&mut self, f: impl FnOnce(&Still) -> R) -> R {
        /// Lets the others go on also when `f` panics.
        struct Resume<'a>(&'a Held);
        impl Drop for Resume<'_> {
            fn drop(&mut self) {
                self.0.driver.resume(&self.0.me);
            }
        }
        self.driver.stop_others(&self.me);
        let resume = Resume(self);
        f(&Still(resume.0))
    }

    /// Starts a script thread. Under an eager policy its place in the queue is taken here and now.
    pub fn spawn(&mut self, name: &str, daemon: bool, body: Box<dyn FnOnce(Held) + Send>) -> Result<Tid, SpawnError> {
        self.spawn_sized(name, daemon, 0, body)
    }

    /// The same with a stack of at least so many bytes; threads have `thread::STACK_BYTES` in any case.
    pub fn spawn_sized(
        &mut self,
        name: &str,
        daemon: bool,
        stack: usize,
        body: Box<dyn FnOnce(Held) + Send>,
    ) -> Result<Tid, SpawnError> {
        let child = self.driver.enroll(&self.me, name, daemon)?;
        let tid = child.tid;
        let (driver, record) = (self.driver.clone(), child.clone());
        let run = Box::new(move || body(Held::attach(driver, record)));
        match thread::start(name, stack.max(thread::STACK_BYTES), run) {
            Ok(()) => {
                self.trace(Event::Spawned { thread: tid.0 });
                Ok(tid)
            }
            Err(error) => {
                self.driver.disown(&child);
                Err(SpawnError::Os(error))
            }
        }
    }

    /// Starts a process of the simulation: a main thread with a lock, an interval and counters of its own.
    /// It shares virtual time and random streams with all others, and nothing of what scripts see:
    /// `body` makes its own interpreter and ends it; its result is the exit code. The end wakes
    /// `WaitKey::Process` of the new process; waits for what another process does are `WaitOn::Child`.
    pub fn spawn_process(
        &mut self,
        name: &str,
        body: Box<dyn FnOnce(Held) -> i32 + Send>,
    ) -> Result<ProcessId, SpawnError> {
        let child = self.driver.start_process(&self.me, name)?;
        let id = child.process;
        let (driver, record) = (self.driver.clone(), child.clone());
        let run = Box::new(move || {
            let mut end = End { driver: driver.clone(), me: record.clone(), code: CRASHED };
            end.code = body(Held::attach(driver, record));
        });
        match thread::start(name, thread::MAIN_STACK_BYTES, run) {
            Ok(()) => Ok(id),
            Err(error) => {
                self.driver.disown(&child);
                Err(SpawnError::Os(error))
            }
        }
    }

    /// Ends a simulated process here and now, with all its threads and all that it has started. None of
    /// them runs another step, so nothing is cleaned up and no output is made. The first process does
    /// not end so. Does not return if the caller belongs to what ends.
    pub fn end_process(&mut self, id: ProcessId, code: i32) {
        if self.driver.end_process(&self.me, id, code) {
            thread::park_for_ever();
        }
    }

    /// The exit code of a simulated process; `None` while it lives.
    pub fn process_exit_code(&self, id: ProcessId) -> Option<i32> {
        self.driver.exit_code(id)
    }

    /// The process that this thread belongs to.
    pub fn process(&self) -> ProcessId {
        self.me.process
    }

    /// The simulated process that started this one.
    pub fn parent_process(&self) -> Option<ProcessId> {
        self.driver.parent(self.me.process)
    }

    /// Whether this is the main thread of its process.
    pub fn is_main(&self) -> bool {
        self.me.main
    }

    /// Whether `spawn` and `wake` give a place in the queue at once. If not, `Thread.start` waits for
    /// the child's first steps, as CPython's does.
    pub fn eager(&self) -> bool {
        self.driver.eager()
    }

    pub fn now(&self, clock: Clock) -> Nanos {
        self.driver.now(&self.me, clock)
    }

    pub fn tid(&self) -> Tid {
        self.me.tid
    }

    /// The OS's number of this thread; in simulation a number counted from 1.
    pub fn native_id(&self) -> u64 {
        if self.driver.simulated() { u64::from(self.me.tid.0) + 1 } else { self.native_id.get() }
    }

    /// Whether the thread has not ended yet.
    pub fn is_alive(&self, tid: Tid) -> bool {
        self.driver.is_alive(tid)
    }

    /// Whether this thread may be left behind when the program ends.
    pub fn daemon(&self) -> bool {
        self.me.daemon
    }

    pub fn simulated(&self) -> bool {
        self.driver.simulated()
    }

    /// Sets the policy's slice: the switch interval in whole microseconds, or the check interval; in effect
    /// at once, also for those who wait now.
    pub fn set_switch_interval(&mut self, interval: u64) {
        self.driver.set_interval(&self.me, interval);
    }

    /// The policy's slice, in its unit.
    pub fn switch_interval(&self) -> u64 {
        self.driver.interval(&self.me)
    }

    /// What `switch_interval` counts under the policy of this run.
    pub fn slice_unit(&self) -> Unit {
        self.driver.unit()
    }

    /// The name of the lock policy's row.
    pub fn policy(&self) -> &'static str {
        self.driver.policy()
    }

    /// All counters, as they are now.
    pub fn stats(&mut self) -> Stats {
        self.driver.stats(&self.me)
    }

    /// From now on a thread notes at its end how long the OS let it wait for a core (`ThreadStats::delay_ns`).
    pub fn watch(&mut self) {
        self.driver.watch();
    }

    /// Books instructions of the counting loop (simulation only): units times the configured unit cost.
    pub fn charge(&mut self, units: u64) {
        self.driver.charge(&self.me, units);
    }

    /// A number from a named stream: seeded in simulation, from the OS in the real world.
    pub fn draw(&mut self, stream: Stream) -> u64 {
        match self.driver.draw(&self.me, stream) {
            Some(number) => number,
            None => {
                let mut random = self.random.borrow_mut();
                random.get_or_insert_with(random::Streams::from_os).stream(stream).draw()
            }
        }
    }

    /// Where the script stands; belongs to the next `wait` and shows in a deadlock report.
    pub fn set_place(&self, place: Place) {
        self.place.replace(Some(place));
    }

    /// Whether the run is traced: whoever is about to do what a trace shows says where it stands (`trace_at`).
    #[inline(always)]
    pub fn tracing(&self) -> bool {
        self.me.account.log().is_some()
    }

    /// For the trace: where the thread stands, and in what.
    pub fn trace_at(&self, place: &Place, what: Option<&str>) {
        if let Some(log) = self.me.account.log() {
            log.at(spot(place), what);
        }
    }

    /// Records what this thread has just done.
    fn trace(&self, event: Event) {
        if let Some(log) = self.me.account.log() {
            log.record(self.now(Clock::Monotonic), event);
        }
    }

    /// For the trace: this thread has started a process of the real world.
    pub fn trace_child(&self, pid: u32) {
        self.trace(Event::Child { pid });
    }

    /// A mark of the script in the trace.
    pub fn mark(&self, text: &str) {
        if let Some(log) = self.me.account.log() {
            self.trace(Event::Marked { text: log.text(text), place: log.place() });
        }
    }

    /// What the run has recorded so far, if it is traced.
    pub fn recording(&self) -> Option<Recording> {
        self.driver.recording(&self.me)
    }

    /// Sets VM bits in another thread's breaker word; `None` means all threads.
    pub fn poke(&mut self, tid: Option<Tid>, bits: u32) {
        self.driver.poke(&self.me, tid, bits & VM_BITS);
    }

    /// What Ctrl-C does: the main thread's wait ends as `Interrupted`, or its next safe point says so.
    pub fn interrupt_main(&mut self) {
        self.driver.interrupt_main(&self.me);
    }

    /// Tells all other threads that the program ends: their waits end as `Exiting`, their safe points
    /// say `exit`. For daemon threads, after the others have been joined. Threads that do not come to a
    /// safe point before the main thread's `Held` is dropped stay parked for ever.
    pub fn end_daemons(&mut self) {
        self.driver.end_daemons(&self.me);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // A process that was started by another one ends with its exit code (`End`).
        if !self.me.main || self.me.process == ProcessId::MAIN {
            self.driver.exit(&self.me);
        }
    }
}

/// A place as the trace keeps it.
fn spot(place: &Place) -> Spot {
    Spot { file: place.file.clone(), line: place.line, function: place.function.clone() }
}

/// The exit code of a process whose body panics.
const CRASHED: i32 = 70;

/// Ends the calling thread's process, also when its body panics.
struct End {
    driver: Arc<dyn Driver>,
    me: Arc<Record>,
    code: i32,
}

impl Drop for End {
    fn drop(&mut self) {
        self.driver.end_process(&self.me, self.me.process, self.code);
    }
}

//! Counters, always on: plain relaxed words that only their own thread adds to (or that are written
//! under the driver's mutex), read by whoever asks.

mod show;
mod spread;

pub use spread::{Spread, Steps};

use super::policy::Unit;
use crate::trace::{Event, Log};
use crate::world::{Nanos, Place, WaitKind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

/// What a thread is doing. The buckets of a thread add up to its lifetime.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bucket {
    /// Created, never held the lock.
    Starting,
    /// Has the lock, runs script code.
    Running,
    /// Has the lock, inside a native that keeps it.
    Holding,
    /// Wants the lock.
    Waiting,
    /// Native work off the lock.
    Native,
    /// Waits for something else than the lock.
    Blocked(WaitKind),
}

const FIXED: usize = 5;
const BUCKETS: usize = FIXED + WaitKind::COUNT;

impl Bucket {
    fn index(self) -> usize {
        match self {
            Bucket::Starting => 0,
            Bucket::Running => 1,
            Bucket::Holding => 2,
            Bucket::Waiting => 3,
            Bucket::Native => 4,
            Bucket::Blocked(kind) => FIXED + kind as usize,
        }
    }

    /// What a trace says of a thread that begins this.
    fn event(self, log: &Log) -> Event {
        let (what, place) = (log.what(), log.place());
        match self {
            Bucket::Starting => Event::Started {},
            Bucket::Running => Event::Resumed {},
            Bucket::Holding => Event::Holding { what, place },
            Bucket::Waiting => Event::Ready { place },
            Bucket::Native => Event::Outside { what, place },
            Bucket::Blocked(kind) => Event::Blocked { wait: kind as u32, what, place },
        }
    }
}

/// Why a thread gave the lock away, as the counters tell it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    Block,
    Request,
    Yield,
    Exit,
}

impl Cause {
    pub const WORDS: [&'static str; 4] = ["block", "request", "yield", "exit"];

    /// What a trace says of a thread that lets go for this cause.
    pub(super) fn event(self, log: &Log) -> Event {
        Event::Suspended { cause: self as u32, what: log.what(), place: log.place() }
    }
}

/// The counters of one thread.
pub struct Account {
    bucket: AtomicU64,
    since: AtomicU64,
    pub(super) born: Nanos,
    spent: [AtomicU64; BUCKETS],
    released: [AtomicU64; 4],
    pub(super) acquires: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) forced_waits: AtomicU64,
    /// How often it got the lock from another thread.
    switches: AtomicU64,
    /// How often it came to a safe point with its breaker set.
    pub(super) stops: AtomicU64,
    wait_ns_max: AtomicU64,
    waits: Steps,
    /// Since when it has the lock.
    held_since: AtomicU64,
    slice_ns_max: AtomicU64,
    slices: Steps,
    /// The OS's number of the thread, 0 before it runs and after its end.
    pub(super) native_id: AtomicU64,
    /// How long the OS let it wait for a core, noted at its end if somebody measures.
    pub(super) delay_ns: AtomicU64,
    /// How long after the deadlines of its waits it woke up.
    pub(super) late_ns: AtomicU64,
    lines: Mutex<Vec<Line>>,
    /// With `--trace`: what goes to the buckets goes there too.
    log: Option<Arc<Log>>,
}

/// How long a thread waited at one line of the script.
#[derive(Clone, Debug)]
pub struct Line {
    pub place: Place,
    pub kind: WaitKind,
    pub ns: Nanos,
}

/// Lines that a thread keeps apart; waits at others are in the buckets only.
const LINES_MAX: usize = 64;

/// The larger one stays, by the only writer.
fn most(word: &AtomicU64, ns: Nanos) {
    if ns > word.load(Relaxed) {
        word.store(ns, Relaxed);
    }
}

/// One more, by the only writer.
pub(super) fn bump(word: &AtomicU64, by: u64) {
    word.store(word.load(Relaxed) + by, Relaxed);
}

impl Account {
    pub fn new(now: Nanos, log: Option<Arc<Log>>) -> Account {
        Account {
            bucket: AtomicU64::new(Bucket::Starting.index() as u64),
            since: AtomicU64::new(now),
            born: now,
            spent: [const { AtomicU64::new(0) }; BUCKETS],
            released: [const { AtomicU64::new(0) }; 4],
            acquires: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            forced_waits: AtomicU64::new(0),
            switches: AtomicU64::new(0),
            stops: AtomicU64::new(0),
            wait_ns_max: AtomicU64::new(0),
            waits: Steps::default(),
            held_since: AtomicU64::new(now),
            slice_ns_max: AtomicU64::new(0),
            slices: Steps::default(),
            native_id: AtomicU64::new(0),
            delay_ns: AtomicU64::new(0),
            late_ns: AtomicU64::new(0),
            lines: Mutex::new(Vec::new()),
            log,
        }
    }

    /// What waits of this kind have taken so far.
    pub fn blocked(&self, kind: WaitKind) -> Nanos {
        self.spent[FIXED + kind as usize].load(Relaxed)
    }

    /// Books a finished wait to its line.
    pub fn waited_at(&self, place: Place, kind: WaitKind, ns: Nanos) {
        let Ok(mut lines) = self.lines.lock() else { return };
        if let Some(line) = lines.iter_mut().find(|l| l.kind == kind && l.place == place) {
            line.ns += ns;
        } else if lines.len() < LINES_MAX {
            lines.push(Line { place, kind, ns });
        }
    }

    /// The thread begins something else at `now`; returns how long the last thing lasted.
    pub fn book(&self, next: Bucket, now: Nanos) -> Nanos {
        let spent = now.saturating_sub(self.since.load(Relaxed));
        bump(&self.spent[self.bucket.load(Relaxed) as usize], spent);
        self.bucket.store(next.index() as u64, Relaxed);
        self.since.store(now, Relaxed);
        if let Some(log) = &self.log {
            log.record(now, next.event(log));
        }
        spent
    }

    /// The thread's log, if the run is traced.
    pub fn log(&self) -> Option<&Log> {
        self.log.as_deref()
    }

    /// Records what no bucket tells; by whom, see T1.
    pub fn trace(&self, now: Nanos, event: impl FnOnce(&Log) -> Event) {
        if let Some(log) = &self.log {
            log.record(now, event(log));
        }
    }

    /// The thread got the lock, after waiting for it or at once, from another thread or from itself.
    pub fn got(&self, now: Nanos, waited: bool, switched: bool) {
        let before = self.bucket.load(Relaxed) as usize;
        let spent = self.book(Bucket::Running, now);
        bump(&self.acquires, 1);
        bump(&self.switches, u64::from(switched));
        self.held_since.store(now, Relaxed);
        if waited && before == Bucket::Waiting.index() {
            most(&self.wait_ns_max, spent);
            self.waits.add(spent);
        }
    }

    /// The thread lets go of the lock. Before it does: afterwards others may read the account.
    pub fn lost(&self, cause: Cause, now: Nanos) {
        bump(&self.released[cause as usize], 1);
        if matches!(cause, Cause::Request | Cause::Yield) {
            self.trace(now, |log| cause.event(log));
        }
        let slice = now.saturating_sub(self.held_since.load(Relaxed));
        most(&self.slice_ns_max, slice);
        self.slices.add(slice);
    }

    fn spent(&self, bucket: usize, now: Nanos) -> Nanos {
        let open = self.bucket.load(Relaxed) as usize == bucket;
        let open = if open { now.saturating_sub(self.since.load(Relaxed)) } else { 0 };
        self.spent[bucket].load(Relaxed) + open
    }

    /// A copy with what is going on now counted in.
    pub fn read(&self, name: &str, now: Nanos) -> ThreadStats {
        let at = |bucket: Bucket| self.spent(bucket.index(), now);
        let waits = self.waits.read();
        ThreadStats {
            tid: 0,
            native_id: self.native_id.load(Relaxed),
            delay_ns: self.delay_ns.load(Relaxed),
            late_ns: self.late_ns.load(Relaxed),
            lines: self.lines.lock().map_or_else(|_| Vec::new(), |lines| lines.clone()),
            name: name.to_string(),
            threads: 1,
            lifetime_ns: now.saturating_sub(self.born),
            starting_ns: at(Bucket::Starting),
            running_ns: at(Bucket::Running),
            holding_ns: at(Bucket::Holding),
            waiting_ns: at(Bucket::Waiting),
            native_ns: at(Bucket::Native),
            blocked_ns: std::array::from_fn(|i| self.spent(FIXED + i, now)),
            acquires: self.acquires.load(Relaxed),
            released: std::array::from_fn(|i| self.released[i].load(Relaxed)),
            requests: self.requests.load(Relaxed),
            failed: self.failed.load(Relaxed),
            forced_waits: self.forced_waits.load(Relaxed),
            switches: self.switches.load(Relaxed),
            stops: self.stops.load(Relaxed),
            wait_ns_max: self.wait_ns_max.load(Relaxed),
            wait_spread: waits,
            slice_ns_max: self.slice_ns_max.load(Relaxed),
            slices: self.slices.read(),
        }
    }
}

/// The counters of one thread, as data.
#[derive(Clone, Debug, Default)]
pub struct ThreadStats {
    pub name: String,
    /// The thread's number in its run.
    pub tid: u32,
    /// The OS's number while it lives, in the real world.
    pub native_id: u64,
    /// How long it was ready without a core; known only at its end, and if `Held::watch` was called before.
    pub delay_ns: Nanos,
    /// How long after the deadlines of its waits it woke up: the system's doing.
    pub late_ns: Nanos,
    /// Where it waited, for the first lines.
    pub lines: Vec<Line>,
    /// 1, or how many finished threads this row sums up.
    pub threads: u64,
    pub lifetime_ns: Nanos,
    pub starting_ns: Nanos,
    pub running_ns: Nanos,
    pub holding_ns: Nanos,
    pub waiting_ns: Nanos,
    pub native_ns: Nanos,
    /// By row of the table of waits.
    pub blocked_ns: [Nanos; WaitKind::COUNT],
    pub acquires: u64,
    /// By `Cause`.
    pub released: [u64; 4],
    /// How often others asked this thread to let go.
    pub requests: u64,
    pub failed: u64,
    pub forced_waits: u64,
    /// How often it got the lock from another thread.
    pub switches: u64,
    /// How often it came to a safe point with its breaker set.
    pub stops: u64,
    pub wait_ns_max: Nanos,
    /// Its waits for the lock, by length.
    pub wait_spread: Spread,
    pub slice_ns_max: Nanos,
    /// How long it had the lock each time, by length; the present time is not in it.
    pub slices: Spread,
}

/// The counters of the lock.
#[derive(Clone, Debug, Default)]
pub struct LockStats {
    pub acquires: u64,
    pub held_ns: Nanos,
    /// How long it was held while somebody waited for it.
    pub contended_ns: Nanos,
    /// Switches: taken by another thread than the last time.
    pub handovers: u64,
    /// By `Cause`.
    pub released: [u64; 4],
    pub requests_set: u64,
    pub requests_honoured: u64,
    pub failed: u64,
    pub forced_waits: u64,
    /// Safe points at which a thread found its breaker set.
    pub stops: u64,
    /// All waits for the lock and all slices, by length.
    pub waits: Spread,
    pub slices: Spread,
}

/// All counters of a run at one moment.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    pub policy: &'static str,
    /// The slice, in the policy's unit.
    pub interval_us: u64,
    pub unit: Unit,
    pub simulated: bool,
    pub elapsed_ns: Nanos,
    pub threads: Vec<ThreadStats>,
    pub lock: LockStats,
}

impl ThreadStats {
    pub fn held_ns(&self) -> Nanos {
        self.running_ns + self.holding_ns
    }

    /// How often it waited for the lock.
    pub fn waits(&self) -> u64 {
        self.wait_spread.count()
    }

    pub fn blocked_all_ns(&self) -> Nanos {
        self.blocked_ns.iter().sum()
    }

    /// What happened since `then`, an earlier reading of the same thread.
    pub fn since(&self, then: &ThreadStats) -> ThreadStats {
        let mut new = self.clone();
        for (now, then) in [
            (&mut new.lifetime_ns, then.lifetime_ns),
            (&mut new.starting_ns, then.starting_ns),
            (&mut new.running_ns, then.running_ns),
            (&mut new.holding_ns, then.holding_ns),
            (&mut new.waiting_ns, then.waiting_ns),
            (&mut new.native_ns, then.native_ns),
            (&mut new.acquires, then.acquires),
            (&mut new.requests, then.requests),
            (&mut new.failed, then.failed),
            (&mut new.forced_waits, then.forced_waits),
            (&mut new.switches, then.switches),
            (&mut new.stops, then.stops),
            (&mut new.delay_ns, then.delay_ns),
            (&mut new.late_ns, then.late_ns),
        ] {
            *now = now.saturating_sub(then);
        }
        new.blocked_ns.iter_mut().zip(then.blocked_ns).for_each(|(now, then)| *now = now.saturating_sub(then));
        new.released.iter_mut().zip(then.released).for_each(|(now, then)| *now = now.saturating_sub(then));
        new.wait_spread = self.wait_spread.since(&then.wait_spread);
        new.slices = self.slices.since(&then.slices);
        for line in &mut new.lines {
            let same = then.lines.iter().find(|l| l.kind == line.kind && l.place == line.place);
            line.ns = line.ns.saturating_sub(same.map_or(0, |l| l.ns));
        }
        new
    }

    /// Adds another thread's row to this one.
    pub fn merge(&mut self, other: &ThreadStats) {
        self.threads += other.threads;
        self.name = format!("({} threads)", self.threads);
        for (mine, theirs) in [
            (&mut self.lifetime_ns, other.lifetime_ns),
            (&mut self.starting_ns, other.starting_ns),
            (&mut self.running_ns, other.running_ns),
            (&mut self.holding_ns, other.holding_ns),
            (&mut self.waiting_ns, other.waiting_ns),
            (&mut self.native_ns, other.native_ns),
            (&mut self.acquires, other.acquires),
            (&mut self.requests, other.requests),
            (&mut self.failed, other.failed),
            (&mut self.forced_waits, other.forced_waits),
            (&mut self.switches, other.switches),
            (&mut self.stops, other.stops),
            (&mut self.delay_ns, other.delay_ns),
            (&mut self.late_ns, other.late_ns),
        ] {
            *mine += theirs;
        }
        self.blocked_ns.iter_mut().zip(other.blocked_ns).for_each(|(mine, theirs)| *mine += theirs);
        self.released.iter_mut().zip(other.released).for_each(|(mine, theirs)| *mine += theirs);
        self.wait_ns_max = self.wait_ns_max.max(other.wait_ns_max);
        self.slice_ns_max = self.slice_ns_max.max(other.slice_ns_max);
        self.wait_spread.add(&other.wait_spread);
        self.slices.add(&other.slices);
    }
}

impl Stats {
    /// Fills in what the lock's row adds up from the threads'.
    pub(super) fn sum_up(&mut self) {
        let lock = &mut self.lock;
        for t in &self.threads {
            lock.acquires += t.acquires;
            lock.held_ns += t.held_ns();
            lock.handovers += t.switches;
            lock.stops += t.stops;
            lock.failed += t.failed;
            lock.forced_waits += t.forced_waits;
            lock.released.iter_mut().zip(t.released).for_each(|(sum, n)| *sum += n);
            lock.waits.add(&t.wait_spread);
            lock.slices.add(&t.slices);
        }
    }

    /// The share of the time during which somebody waited for the lock while another thread held it.
    pub fn contention(&self) -> f64 {
        self.lock.contended_ns as f64 / self.elapsed_ns.max(1) as f64
    }

    /// How long nobody had the lock.
    pub fn free_ns(&self) -> Nanos {
        self.elapsed_ns.saturating_sub(self.lock.held_ns)
    }

    /// How long threads waited for the lock, all together.
    pub fn waiting_ns(&self) -> Nanos {
        self.threads.iter().map(|t| t.waiting_ns + t.starting_ns).sum()
    }

    /// What the lock's row counted since `then`, an earlier reading of the same run.
    pub fn lock_since(&self, then: &Stats) -> LockStats {
        let (now, then) = (&self.lock, &then.lock);
        LockStats {
            acquires: now.acquires - then.acquires,
            held_ns: now.held_ns.saturating_sub(then.held_ns),
            contended_ns: now.contended_ns.saturating_sub(then.contended_ns),
            handovers: now.handovers - then.handovers,
            released: std::array::from_fn(|i| now.released[i] - then.released[i]),
            requests_set: now.requests_set - then.requests_set,
            requests_honoured: now.requests_honoured - then.requests_honoured,
            failed: now.failed - then.failed,
            forced_waits: now.forced_waits - then.forced_waits,
            stops: now.stops - then.stops,
            waits: now.waits.since(&then.waits),
            slices: now.slices.since(&then.slices),
        }
    }
}

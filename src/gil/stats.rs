//! Counters, always on: plain relaxed words that only their own thread adds to (or that are written
//! under the driver's mutex), read by whoever asks.

use crate::world::{Nanos, WaitKind};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

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
    wait_ns_max: AtomicU64,
    waits: Mutex<Option<Box<Histogram<u64>>>>,
}

/// One more, by the only writer.
pub(super) fn bump(word: &AtomicU64, by: u64) {
    word.store(word.load(Relaxed) + by, Relaxed);
}

impl Account {
    pub fn new(now: Nanos) -> Account {
        const ZERO: AtomicU64 = AtomicU64::new(0);
        Account {
            bucket: AtomicU64::new(Bucket::Starting.index() as u64),
            since: AtomicU64::new(now),
            born: now,
            spent: [const { ZERO }; BUCKETS],
            released: [const { ZERO }; 4],
            acquires: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            forced_waits: AtomicU64::new(0),
            wait_ns_max: AtomicU64::new(0),
            waits: Mutex::new(None),
        }
    }

    /// The thread begins something else at `now`; returns how long the last thing lasted.
    pub fn book(&self, next: Bucket, now: Nanos) -> Nanos {
        let spent = now.saturating_sub(self.since.load(Relaxed));
        bump(&self.spent[self.bucket.load(Relaxed) as usize], spent);
        self.bucket.store(next.index() as u64, Relaxed);
        self.since.store(now, Relaxed);
        spent
    }

    /// The thread got the lock, after waiting for it or at once.
    pub fn got(&self, now: Nanos, waited: bool) {
        let before = self.bucket.load(Relaxed) as usize;
        let spent = self.book(Bucket::Running, now);
        bump(&self.acquires, 1);
        if waited && before == Bucket::Waiting.index() {
            self.wait_ns_max.fetch_max(spent, Relaxed);
            // One digit is enough for a thread; the histogram is made when it first waits.
            let mut waits = self.waits.lock();
            if waits.is_none() {
                *waits = Histogram::new(1).ok().map(Box::new);
            }
            if let Some(histogram) = waits.as_mut() {
                histogram.saturating_record(spent);
            }
        }
    }

    pub fn released(&self, cause: Cause) {
        bump(&self.released[cause as usize], 1);
    }

    fn spent(&self, bucket: usize, now: Nanos) -> Nanos {
        let open = self.bucket.load(Relaxed) as usize == bucket;
        let open = if open {
            now.saturating_sub(self.since.load(Relaxed))
        } else {
            0
        };
        self.spent[bucket].load(Relaxed) + open
    }

    /// A copy with what is going on now counted in.
    pub fn read(&self, name: &str, now: Nanos) -> ThreadStats {
        let at = |bucket: Bucket| self.spent(bucket.index(), now);
        let waits = self.waits.lock();
        let quantile = |q| waits.as_ref().map_or(0, |h| h.value_at_quantile(q));
        ThreadStats {
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
            waits: waits.as_ref().map_or(0, |h| h.len()),
            wait_ns_p50: quantile(0.5),
            wait_ns_p99: quantile(0.99),
            wait_ns_max: self.wait_ns_max.load(Relaxed),
        }
    }
}

/// The counters of one thread, as data.
#[derive(Clone, Debug, Default)]
pub struct ThreadStats {
    pub name: String,
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
    pub waits: u64,
    pub wait_ns_p50: Nanos,
    pub wait_ns_p99: Nanos,
    pub wait_ns_max: Nanos,
}

/// The counters of the lock.
#[derive(Clone, Debug, Default)]
pub struct LockStats {
    pub acquires: u64,
    pub held_ns: Nanos,
    pub contended_ns: Nanos,
    pub handovers: u64,
    pub requests_set: u64,
    pub requests_honoured: u64,
    pub failed: u64,
    pub forced_waits: u64,
}

/// All counters of a run at one moment.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    pub policy: &'static str,
    pub interval_us: u64,
    pub simulated: bool,
    pub elapsed_ns: Nanos,
    pub threads: Vec<ThreadStats>,
    pub lock: LockStats,
}

//! Counters, always on: plain relaxed words that only their own thread adds to (or that are written
//! under the driver's mutex), read by whoever asks.

use crate::trace::{Event, Log};
use crate::world::{Nanos, Place, WaitKind};
use hdrhistogram::Histogram;
use std::fmt::Write;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
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

/// How long a thread waited for the lock, counted in steps of a quarter of a power of two. It lies in the
/// thread's record, so that a thread that has just got the lock does not allocate; whoever reads makes a
/// real histogram of it.
struct Waits([AtomicU32; WAIT_ROWS]);

/// Up to 2^40 ns, 18 minutes; longer waits count as that.
const WAIT_ROWS: usize = 40 * 4;

impl Waits {
    fn add(&self, ns: Nanos) {
        let ns = ns.clamp(4, (1 << 40) - 1);
        let power = ns.ilog2();
        let row = power as usize * 4 + (ns >> (power - 2) & 3) as usize;
        let count = &self.0[row];
        count.store(count.load(Relaxed).saturating_add(1), Relaxed);
    }

    fn read(&self) -> Histogram<u64> {
        let mut histogram = Histogram::new(2).expect("two digits are allowed");
        for (row, count) in self.0.iter().enumerate() {
            let count = u64::from(count.load(Relaxed));
            if count > 0 {
                // The middle of the step.
                let ns = (9 + 2 * (row as u64 & 3)) << (row / 4) >> 3;
                histogram.saturating_record_n(ns, count);
            }
        }
        histogram
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
    wait_ns_max: AtomicU64,
    waits: Waits,
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
            wait_ns_max: AtomicU64::new(0),
            waits: Waits([const { AtomicU32::new(0) }; WAIT_ROWS]),
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

    /// The thread got the lock, after waiting for it or at once.
    pub fn got(&self, now: Nanos, waited: bool) {
        let before = self.bucket.load(Relaxed) as usize;
        let spent = self.book(Bucket::Running, now);
        bump(&self.acquires, 1);
        if waited && before == Bucket::Waiting.index() {
            self.wait_ns_max.fetch_max(spent, Relaxed);
            self.waits.add(spent);
        }
    }

    pub fn released(&self, cause: Cause) {
        bump(&self.released[cause as usize], 1);
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
        let quantile = |q| waits.value_at_quantile(q);
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
            waits: waits.len(),
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

impl ThreadStats {
    pub fn held_ns(&self) -> Nanos {
        self.running_ns + self.holding_ns
    }

    pub fn blocked_all_ns(&self) -> Nanos {
        self.blocked_ns.iter().sum()
    }

    /// What happened since `then`, an earlier reading of the same thread. Quantiles are left as they are.
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
            (&mut new.waits, then.waits),
            (&mut new.delay_ns, then.delay_ns),
            (&mut new.late_ns, then.late_ns),
        ] {
            *now = now.saturating_sub(then);
        }
        new.blocked_ns.iter_mut().zip(then.blocked_ns).for_each(|(now, then)| *now = now.saturating_sub(then));
        new.released.iter_mut().zip(then.released).for_each(|(now, then)| *now = now.saturating_sub(then));
        for line in &mut new.lines {
            let same = then.lines.iter().find(|l| l.kind == line.kind && l.place == line.place);
            line.ns = line.ns.saturating_sub(same.map_or(0, |l| l.ns));
        }
        new
    }

    /// Adds another thread's row to this one; quantiles become the larger of the two.
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
            (&mut self.waits, other.waits),
            (&mut self.delay_ns, other.delay_ns),
            (&mut self.late_ns, other.late_ns),
        ] {
            *mine += theirs;
        }
        self.blocked_ns.iter_mut().zip(other.blocked_ns).for_each(|(mine, theirs)| *mine += theirs);
        self.released.iter_mut().zip(other.released).for_each(|(mine, theirs)| *mine += theirs);
        self.wait_ns_p50 = self.wait_ns_p50.max(other.wait_ns_p50);
        self.wait_ns_p99 = self.wait_ns_p99.max(other.wait_ns_p99);
        self.wait_ns_max = self.wait_ns_max.max(other.wait_ns_max);
    }
}

impl Stats {
    /// Fills in what the lock's row adds up from the threads'.
    pub(super) fn sum_up(&mut self) {
        self.lock.acquires = self.threads.iter().map(|t| t.acquires).sum();
        self.lock.held_ns = self.threads.iter().map(ThreadStats::held_ns).sum();
    }

    /// The same as data for programs.
    pub fn json(&self) -> serde_json::Value {
        let threads: Vec<_> = self.threads.iter().map(thread_json).collect();
        let l = &self.lock;
        serde_json::json!({
            "policy": self.policy,
            "interval_us": self.interval_us,
            "simulated": self.simulated,
            "elapsed_ns": self.elapsed_ns,
            "threads": threads,
            "lock": {
                "acquires": l.acquires, "held_ns": l.held_ns, "contended_ns": l.contended_ns,
                "handovers": l.handovers, "requests_set": l.requests_set,
                "requests_honoured": l.requests_honoured, "failed": l.failed,
                "forced_waits": l.forced_waits,
            },
        })
    }

    /// The table that `--stats` prints.
    pub fn render(&self) -> String {
        let world = if self.simulated { "virtual" } else { "real" };
        let mut text = format!(
            "lock policy {}, switch interval {} us, {} s of {world} time\n\n",
            self.policy,
            self.interval_us,
            seconds(self.elapsed_ns)
        );
        let head = ["thread", "running", "holding", "waiting", "native", "blocked"];
        let tail = ["block", "request", "yield", "longest wait"];
        let head = head.iter().chain(&tail).map(|h| h.to_string()).collect();
        let mut rows: Vec<Vec<String>> = vec![head];
        for t in &self.threads {
            let mut row = vec![t.name.clone()];
            let times = [t.running_ns, t.holding_ns, t.waiting_ns + t.starting_ns, t.native_ns];
            row.extend(times.map(seconds));
            row.push(seconds(t.blocked_all_ns()));
            row.extend(t.released[..3].iter().map(u64::to_string));
            row.push(seconds(t.wait_ns_max));
            rows.push(row);
        }
        table(&mut text, &rows);
        let share = |ns: Nanos| 100.0 * ns as f64 / (self.elapsed_ns.max(1)) as f64;
        let l = &self.lock;
        let _ = write!(
            text,
            "\nlock held {:.1} % of the time, {:.1} % while others waited; taken {} times, {} hand-overs\n\
             requests {} set, {} honoured; {} waiters woken in vain, {} forced switches\n",
            share(l.held_ns),
            share(l.contended_ns),
            l.acquires,
            l.handovers,
            l.requests_set,
            l.requests_honoured,
            l.failed,
            l.forced_waits
        );
        text
    }
}

fn thread_json(t: &ThreadStats) -> serde_json::Value {
    let kinds = WaitKind::ALL.iter().zip(t.blocked_ns);
    let blocked: serde_json::Map<String, serde_json::Value> =
        kinds.map(|(kind, ns)| (kind.word().to_string(), ns.into())).collect();
    let causes = Cause::WORDS.iter().zip(t.released);
    let released: serde_json::Map<String, serde_json::Value> =
        causes.map(|(word, n)| (word.to_string(), n.into())).collect();
    serde_json::json!({
        "name": t.name, "threads": t.threads, "lifetime_ns": t.lifetime_ns,
        "starting_ns": t.starting_ns, "running_ns": t.running_ns, "holding_ns": t.holding_ns,
        "waiting_ns": t.waiting_ns, "native_ns": t.native_ns, "blocked_ns": blocked,
        "acquires": t.acquires, "released": released, "requests": t.requests, "failed": t.failed,
        "forced_waits": t.forced_waits, "waits": t.waits, "wait_ns_p50": t.wait_ns_p50,
        "wait_ns_p99": t.wait_ns_p99, "wait_ns_max": t.wait_ns_max,
    })
}

fn seconds(ns: Nanos) -> String {
    format!("{:.3}", ns as f64 / 1e9)
}

/// Writes rows with the first column to the left and the others to the right.
fn table(text: &mut String, rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let mut line = String::new();
        for (c, cell) in row.iter().enumerate() {
            let w = widths[c];
            let _ = if c == 0 { write!(line, "{cell:w$}") } else { write!(line, "  {cell:>w$}") };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

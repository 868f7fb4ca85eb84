//! Where events go while a run goes on: a log for each thread, tables of places and texts beside them.

use super::event::{Event, PlaceIx, TextIx};
use super::recording::{Process, Recording, Spot, Thread};
use indexmap::IndexSet;
use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Events that one process may record: 48 MB.
pub const EVENTS_MAX: usize = 2 << 20;

/// Words of an event: the moment, then two words of two fields each.
const WORDS: usize = 3;

/// The first piece of a log; each further one is twice as long, so that a short thread costs little.
const FIRST: usize = 32;
const PIECES: usize = 17;

/// Places and texts that one process may name; later ones are none.
const NAMES_MAX: usize = 1 << 20;

type Names = IndexSet<Spot, foldhash::fast::FixedState>;
type Texts = IndexSet<Arc<str>, foldhash::fast::FixedState>;

/// What all logs of a run share.
struct Shared {
    /// Events that still fit.
    left: AtomicUsize,
    places: Mutex<Names>,
    texts: Mutex<Texts>,
}

/// Records one run. Made before it, read after it.
pub struct Recorder {
    shared: Arc<Shared>,
    logs: Mutex<Vec<Arc<Log>>>,
    /// The lock's own log: requests.
    lock: Arc<Log>,
    processes: Mutex<Vec<Process>>,
}

/// The events of one thread.
pub struct Log {
    shared: Arc<Shared>,
    process: u32,
    thread: u32,
    name: String,
    pieces: [OnceLock<Box<[AtomicU64]>>; PIECES],
    length: AtomicUsize,
    dropped: AtomicU64,
    /// Where the thread stood in the script when it last said so, and in what.
    place: AtomicU32,
    what: AtomicU32,
}

fn open<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The number of `name` in its table plus one; 0 when the table is full.
fn intern<T: Hash + Eq>(names: &Mutex<IndexSet<T, foldhash::fast::FixedState>>, name: T) -> u32 {
    let mut names = open(names);
    if names.len() >= NAMES_MAX && !names.contains(&name) {
        return 0;
    }
    u32::try_from(names.insert_full(name).0 + 1).unwrap_or(0)
}

/// The piece that holds event `n`, and its place there.
fn locate(n: usize) -> (usize, usize) {
    let piece = (n / FIRST + 1).ilog2() as usize;
    (piece, n - FIRST * ((1 << piece) - 1))
}

impl Recorder {
    pub fn new() -> Arc<Recorder> {
        Recorder::with_room(EVENTS_MAX)
    }

    /// A recorder that keeps about so many events.
    pub fn with_room(events: usize) -> Arc<Recorder> {
        let shared =
            Arc::new(Shared { left: AtomicUsize::new(events), places: Mutex::default(), texts: Mutex::default() });
        let lock = Arc::new(Log::new(shared.clone(), 0, u32::MAX, "the lock"));
        Arc::new(Recorder { shared, logs: Mutex::default(), lock, processes: Mutex::default() })
    }

    /// A new process of the run; the first one is there before its first thread.
    pub fn process(&self, process: Process) {
        open(&self.processes).push(process);
    }

    /// The log of a new thread of the process with that number.
    pub fn thread(&self, process: u32, thread: u32, name: &str) -> Arc<Log> {
        let log = Arc::new(Log::new(self.shared.clone(), process, thread, name));
        open(&self.logs).push(log.clone());
        log
    }

    /// The log for what happens to the lock, written under the driver's mutex.
    pub fn lock(&self) -> Arc<Log> {
        self.lock.clone()
    }

    /// What was recorded, `end` being now.
    pub fn read(&self, end: u64) -> Recording {
        let thread = |log: &Arc<Log>| Thread {
            process: log.process,
            thread: log.thread,
            name: log.name.clone(),
            events: log.read(),
            dropped: log.dropped.load(Relaxed),
        };
        Recording {
            processes: open(&self.processes).clone(),
            threads: open(&self.logs).iter().map(thread).collect(),
            requests: self.lock.read(),
            requests_dropped: self.lock.dropped.load(Relaxed),
            places: open(&self.shared.places).iter().cloned().collect(),
            texts: open(&self.shared.texts).iter().cloned().collect(),
            end,
        }
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recorder")
    }
}

impl Log {
    fn new(shared: Arc<Shared>, process: u32, thread: u32, name: &str) -> Log {
        Log {
            shared,
            process,
            thread,
            name: name.to_string(),
            pieces: [const { OnceLock::new() }; PIECES],
            length: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            place: AtomicU32::new(0),
            what: AtomicU32::new(0),
        }
    }

    /// Where the thread stands from now on, and in what (a native, the name of what it waits for).
    pub fn at(&self, spot: Spot, what: Option<&str>) {
        self.place.store(intern(&self.shared.places, spot), Relaxed);
        self.what.store(what.map_or(0, |what| self.text(what).0), Relaxed);
    }

    pub fn place(&self) -> PlaceIx {
        PlaceIx(self.place.load(Relaxed))
    }

    pub fn what(&self) -> TextIx {
        TextIx(self.what.load(Relaxed))
    }

    pub fn text(&self, text: &str) -> TextIx {
        TextIx(intern(&self.shared.texts, Arc::from(text)))
    }

    /// Adds an event (T1).
    #[cold]
    pub fn record(&self, at: u64, event: Event) {
        let n = self.length.load(Relaxed);
        let (piece, within) = locate(n);
        let Some(words) = self.pieces.get(piece).and_then(|words| self.room(words, FIRST << piece)) else {
            self.dropped.fetch_add(1, Relaxed);
            return;
        };
        let [kind, a, b, c] = event.words().map(u64::from);
        for (word, value) in words[within * WORDS..].iter().zip([at, kind << 32 | a, b << 32 | c]) {
            word.store(value, Relaxed);
        }
        self.length.store(n + 1, Release);
    }

    /// A piece of `events` events, made if it is missing and there is room.
    fn room<'a>(&self, words: &'a OnceLock<Box<[AtomicU64]>>, events: usize) -> Option<&'a [AtomicU64]> {
        if words.get().is_none() {
            self.shared.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(events)).ok()?;
        }
        Some(words.get_or_init(|| (0..events * WORDS).map(|_| AtomicU64::new(0)).collect()))
    }

    fn read(&self) -> Vec<(u64, Event)> {
        let length = self.length.load(Acquire);
        let one = |n: usize| {
            let (piece, within) = locate(n);
            let words = self.pieces[piece].get()?.get(within * WORDS..(within + 1) * WORDS)?;
            let [at, first, second] = std::array::from_fn(|i| words[i].load(Relaxed));
            let halves = |word: u64| [(word >> 32) as u32, word as u32];
            let ([kind, a], [b, c]) = (halves(first), halves(second));
            Some((at, Event::of([kind, a, b, c])?))
        };
        (0..length).filter_map(one).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Event, FIRST, Recorder, Spot, locate};
    use std::sync::Arc;

    #[test]
    fn pieces_follow_each_other() {
        assert_eq!(locate(0), (0, 0));
        assert_eq!(locate(FIRST - 1), (0, FIRST - 1));
        assert_eq!(locate(FIRST), (1, 0));
        assert_eq!(locate(3 * FIRST), (2, 0));
        assert_eq!(locate(7 * FIRST - 1), (2, 4 * FIRST - 1));
    }

    #[test]
    fn what_is_recorded_is_read_in_order() {
        let recorder = Recorder::with_room(1 << 12);
        let log = recorder.thread(0, 3, "worker");
        let spot = Spot { file: Arc::from("a.kit"), line: 7, function: Arc::from("f") };
        for at in 0..1000 {
            log.at(spot.clone(), (at % 2 == 0).then_some("sleep"));
            log.record(at, Event::Blocked { wait: at as u32, what: log.what(), place: log.place() });
        }
        let read = recorder.read(1000);
        assert_eq!((read.threads.len(), read.places.len(), read.texts.len()), (1, 1, 1));
        assert_eq!(read.threads[0].events.len(), 1000);
        for (n, (at, event)) in read.threads[0].events.iter().enumerate() {
            assert_eq!(*at, n as u64);
            let Event::Blocked { wait, what, place } = event else { panic!("{event:?}") };
            assert_eq!((*wait, what.0, place.0), (n as u32, u32::from(n % 2 == 0), 1));
        }
    }

    #[test]
    fn memory_is_bounded_and_says_what_it_lost() {
        let recorder = Recorder::with_room(FIRST * 4);
        let log = recorder.thread(0, 0, "main");
        for at in 0..1000 {
            log.record(at, Event::Resumed {});
        }
        let thread = &recorder.read(0).threads[0];
        assert_eq!(thread.events.len(), FIRST * 3);
        assert_eq!(thread.dropped as usize, 1000 - FIRST * 3);
    }
}

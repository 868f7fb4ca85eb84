//! The one door to everything outside: clocks, OS threads, files, standard streams, arguments, the
//! environment, child processes, randomness, the end of the process. No other folder names `std::time`, `std::thread`,
//! `std::fs`, `std::process`, `std::env` or a random source.
//!
//! Here is also what waiting *is*: the table of waits (`waits!` below), the wait table that says who
//! waits for what (`wait_table.rs`, plain data), and what a deadlock is (`deadlock.rs`). The world does
//! not know the interpreter lock. A wait gives the lock up and its end asks for it again, and both must
//! be one step with the table's change, so the mutex over {lock policy, wait table} belongs to the
//! drivers in `gil/`, which use this folder's table, clocks and threads.
//!
//! W1 A thread has at most one entry in the wait table. Whoever removes it has decided how the wait ended.
//! W2 A wait registers before its thread gives the lock up, and asks `still` after registering: no wake
//!    is lost, whether or not the waker holds the lock.
//! W3 A wait without a deadline is counted by who can end it. All live threads of a process in waits that
//!    only threads of that process can end is a deadlock.
//! W4 An owner stands in the table only while somebody is registered for its key, and a wake erases it:
//!    a cycle found through owners is never out of date (it may be missed, not invented).
//!
//! Not here: who gets the interpreter lock (`gil/policies`), virtual time and its events (`gil/sim.rs`),
//! permissions: later rows and rooms.

#![allow(clippy::disallowed_methods, clippy::disallowed_types)] // this folder is the door

pub mod alloc;
pub mod capture;
pub mod channel;
pub mod child;
pub mod clock;
pub mod command;
pub mod deadlock;
pub mod disk;
pub mod fd;
pub mod file;
pub mod handle;
pub mod host;
pub mod http;
pub mod net;
pub mod out;
pub mod overlay;
pub mod packet;
pub mod pipe;
pub mod poller;
pub mod random;
pub mod sched;
pub mod shared;
pub mod signal;
pub mod simnet;
pub mod sync;
pub mod template;
pub mod terminal;
pub mod thread;
pub mod wait_table;
pub mod work;
pub mod zone;

use std::fmt;
use std::sync::Arc;

/// A moment or a length of time in nanoseconds. Virtual time uses the same unit; there are no floats in it.
pub type Nanos = u64;

/// One script thread of one run, numbered from 0 (the main thread) in order of creation; never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Tid(pub u32);

impl Tid {
    pub const MAIN: Tid = Tid(0);
}

/// One process of a run, numbered from 1 (the one that the run began with) in order of creation. In the
/// real world a run has one process and the others are runs of their own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ProcessId(pub u32);

impl ProcessId {
    pub const MAIN: ProcessId = ProcessId(1);

    /// Its place in a row of all processes.
    pub fn index(self) -> usize {
        self.0 as usize - 1
    }
}

/// The clocks a script can read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Clock {
    /// Since 1970, as `time.time`.
    Wall,
    /// Never goes back; deadlines (`until`) are moments of this clock.
    Monotonic,
    /// As `time.perf_counter`; the same clock as `Monotonic`.
    Perf,
    /// CPU time of all threads of the process.
    Process,
    /// CPU time of the calling thread.
    Thread,
}

/// Named random streams: a new draw in one leaves the others alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// What the script draws (`random`, `uuid`).
    Script,
    /// Which waiter a race wakes.
    Choice,
    /// Which of several events of one instant comes first.
    Ties,
    /// How long a woken thread needs to come to its feet.
    Latency,
}

/// What a `wake` names: an object's key (see `Held::new_key`), the end of a thread, or the end of a
/// simulated process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum WaitKey {
    Object(u64),
    Thread(Tid),
    Process(ProcessId),
}

/// Where in the script a thread stands, for reports. Built only when a wait registers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    pub file: Arc<str>,
    pub line: u32,
    pub function: Arc<str>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if !self.function.is_empty() && &*self.function != "<module>" {
            write!(f, " in {}()", self.function)?;
        }
        Ok(())
    }
}

/// How a wait ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Wake {
    /// Somebody woke the key, or `still` said that there is nothing to wait for.
    Notified,
    /// The deadline passed.
    TimedOut,
    /// Ctrl-C; main thread only.
    Interrupted,
    /// No thread can go on; main thread only.
    Deadlock(Box<deadlock::Deadlock>),
    /// The program ends and this is a daemon thread.
    Exiting,
}

/// Who can end a wait that has no deadline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EndedBy {
    /// Nobody: such a wait has a deadline.
    Moment,
    /// A thread of the same process.
    Thread,
    /// Another process. In the real world nothing can be concluded from it; a simulation sees all processes.
    Process,
}

/// Whether the owner of what one waits for closes a cycle for certain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proof {
    /// Nobody owns such a thing.
    NoOwner,
    /// Only the owner can end the wait: a cycle is a deadlock.
    Cycle,
    /// Any thread may end the wait: a cycle is a suspicion.
    Suspicion,
}

/// Turns the table of waits into `WaitOn`, `WaitKind` and their properties.
macro_rules! waits {
    ($($(#[doc = $doc:literal])+ $kind:ident { $($field:ident : $type:ty),* }
        word $word:literal, ended by $by:ident, proof $proof:ident;)+) => {
        /// What a thread waits for. Generated from the table of waits.
        #[derive(Clone, PartialEq, Debug)]
        pub enum WaitOn { $($(#[doc = $doc])+ $kind { $($field: $type),* },)+ }

        /// A row of the table of waits, without the data of one wait.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum WaitKind { $($(#[doc = $doc])+ $kind,)+ }

        impl WaitKind {
            pub const ALL: &'static [WaitKind] = &[$(WaitKind::$kind),+];
            pub const COUNT: usize = WaitKind::ALL.len();
            /// One word for tables and reports.
            pub fn word(self) -> &'static str { match self { $(WaitKind::$kind => $word),+ } }
            pub fn doc(self) -> &'static str {
                match self { $(WaitKind::$kind => concat!($($doc, "\n"),+).trim_ascii()),+ }
            }
            pub fn ended_by(self) -> EndedBy { match self { $(WaitKind::$kind => EndedBy::$by),+ } }
            pub fn proof(self) -> Proof { match self { $(WaitKind::$kind => Proof::$proof),+ } }
        }

        impl WaitOn {
            pub fn kind(&self) -> WaitKind { match self { $(WaitOn::$kind { .. } => WaitKind::$kind),+ } }
        }
    };
}

waits! {
    /// A pause until a moment. It has no key: only its deadline or a signal ends it.
    Sleep {} word "sleep", ended by Moment, proof NoOwner;
    /// A script lock. Any thread may release it, so a cycle through one is a suspicion only.
    Lock { key: WaitKey, owner: Option<Tid>, name: Arc<str> } word "lock", ended by Thread, proof Suspicion;
    /// A re-entrant script lock, which only its owner can release.
    RLock { key: WaitKey, owner: Option<Tid>, name: Arc<str> } word "rlock", ended by Thread, proof Cycle;
    /// A condition variable: some thread must notify.
    Condition { key: WaitKey } word "condition", ended by Thread, proof NoOwner;
    /// A semaphore: some thread must release it.
    Semaphore { key: WaitKey } word "semaphore", ended by Thread, proof NoOwner;
    /// An event: some thread must set it.
    Event { key: WaitKey } word "event", ended by Thread, proof NoOwner;
    /// A barrier: the other parties must arrive.
    Barrier { key: WaitKey } word "barrier", ended by Thread, proof NoOwner;
    /// A queue: some thread must put or take.
    Queue { key: WaitKey } word "queue", ended by Thread, proof NoOwner;
    /// A future: some thread must finish the work.
    Future { key: WaitKey } word "future", ended by Thread, proof NoOwner;
    /// The next thing to do of an event loop whose tasks all wait: a timer, or a word from another thread.
    Loop { key: WaitKey } word "event loop", ended by Thread, proof NoOwner;
    /// The end of a thread.
    Join { tid: Tid } word "join", ended by Thread, proof Cycle;
    /// Data through a pipe or a socket, from wherever it comes.
    Io { key: WaitKey } word "io", ended by Process, proof NoOwner;
    /// The answer of an HTTP server, or more of it.
    Response { key: WaitKey } word "http", ended by Process, proof NoOwner;
    /// A connection that somebody opens.
    Accept { key: WaitKey, work: Option<work::Labour> } word "accept", ended by Process, proof NoOwner;
    /// The answer of whom one connects to.
    Connect { key: WaitKey, work: Option<work::Labour> } word "connect", ended by Process, proof NoOwner;
    /// Data from a socket.
    Receive { key: WaitKey, work: Option<work::Labour> } word "recv", ended by Process, proof NoOwner;
    /// Room for data in a socket.
    Send { key: WaitKey, work: Option<work::Labour> } word "send", ended by Process, proof NoOwner;
    /// One of several descriptors; an event loop's next thing to do when it watches any.
    Ready { key: WaitKey, work: Option<work::Labour> } word "select", ended by Process, proof NoOwner;
    /// The address of a name.
    Resolve { key: WaitKey } word "name lookup", ended by Process, proof NoOwner;
    /// A file: opening it, reading, writing.
    File { key: WaitKey, work: Option<work::Labour> } word "file", ended by Process, proof NoOwner;
    /// The end of a child process, or a message from it; no thread of this process can end the wait.
    Child { key: WaitKey } word "child", ended by Process, proof NoOwner;
    /// A message from another process, room for one to it, the output of a program. In the real world the
    /// thread does the reading and writing itself.
    Message { key: WaitKey, work: Option<work::Labour> } word "message", ended by Process, proof NoOwner;
    /// A lock, semaphore or event that processes share.
    Permit { key: WaitKey, work: Option<work::Labour> } word "process lock", ended by Process, proof NoOwner;
}

impl WaitOn {
    /// The key by which others end this wait; none for a sleep.
    pub fn key(&self) -> Option<WaitKey> {
        match self {
            WaitOn::Sleep {} => None,
            WaitOn::Lock { key, .. } | WaitOn::RLock { key, .. } => Some(*key),
            WaitOn::Condition { key }
            | WaitOn::Semaphore { key }
            | WaitOn::Event { key }
            | WaitOn::Barrier { key }
            | WaitOn::Queue { key }
            | WaitOn::Future { key }
            | WaitOn::Loop { key }
            | WaitOn::Io { key }
            | WaitOn::Response { key }
            | WaitOn::Child { key }
            | WaitOn::Accept { key, .. }
            | WaitOn::Connect { key, .. }
            | WaitOn::Receive { key, .. }
            | WaitOn::Send { key, .. }
            | WaitOn::Ready { key, .. }
            | WaitOn::Resolve { key }
            | WaitOn::File { key, .. }
            | WaitOn::Message { key, .. }
            | WaitOn::Permit { key, .. } => Some(*key),
            WaitOn::Join { tid } => Some(WaitKey::Thread(*tid)),
        }
    }

    /// What the waiting thread does itself.
    pub fn work(&self) -> Option<&work::Labour> {
        match self {
            WaitOn::Message { work, .. }
            | WaitOn::Permit { work, .. }
            | WaitOn::Accept { work, .. }
            | WaitOn::Connect { work, .. }
            | WaitOn::Receive { work, .. }
            | WaitOn::Send { work, .. }
            | WaitOn::Ready { work, .. }
            | WaitOn::File { work, .. } => work.as_ref(),
            _ => None,
        }
    }

    /// Who owns what is waited for, as far as the waiter knows.
    pub fn owner(&self) -> Option<Tid> {
        match self {
            WaitOn::Lock { owner, .. } | WaitOn::RLock { owner, .. } => *owner,
            WaitOn::Join { tid } => Some(*tid),
            _ => None,
        }
    }

    /// The name that the script's author knows the thing by; empty when it has none.
    pub fn name(&self) -> &str {
        match self {
            WaitOn::Lock { name, .. } | WaitOn::RLock { name, .. } => name,
            _ => "",
        }
    }
}

//! What happened in a run, as slices of time: made of a recording, kept as Chrome trace events, read back.
//!
//! A *timeline* has a track for each thread, cut into slices in which it does one thing (`State`), and for
//! each process the lock's holds: who had it from when to when. Whatever shows a run (`explore/timeline`,
//! Perfetto) shows a timeline, so a file and a run that has just ended look the same.
//!
//! L1 Slices of a track follow each other and do not overlap; what lasted no time has none.
//! L2 A hold is what lies between getting the lock and giving it up; its slices are running or holding.
//! L3 Moments count from the timeline's start, in nanoseconds; the file has microseconds with three decimals.
//! L4 Nothing depends on an address or a clock: the file of a simulated run is the same byte for byte.
//!
//! Format: Trace Event Format of Chrome (X slices, i instants, C counters, s/f flows, M names), which Perfetto
//! opens. What a reader needs beyond it stands in `args` and `otherData`.
//!
//! Not here: pictures (`explore/timeline`), recording (`gil`, `trace`).

mod build;
mod chrome;
mod read;

pub use build::timeline;
pub use chrome::write;
pub use read::{ReadError, read};

use crate::engine::tracing::Traced;
use crate::trace::Spot;
use crate::world::{Nanos, file, host};
use std::path::Path;
use std::sync::Arc;

/// Writes what a run of `script` recorded to a file, piece by piece.
pub fn save(path: &Path, script: &str, traced: &Traced) -> std::io::Result<()> {
    let timeline = timeline(&traced.recording, script, traced.simulated);
    let mut writer = file::create(path)?;
    write(&timeline, &mut |bytes| writer.write_all(bytes))?;
    writer.flush()
}

/// Makes the folder for the traces of many runs, if it is not there.
pub fn make_folder(path: &Path) -> Result<(), String> {
    match host::make_dir(path) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(format!("can't make the folder '{}' for traces: {e}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The name of a run's trace among others: what tells the run from them, in characters that every system allows.
pub fn file_name(parts: &[String]) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._=".contains(c) { c } else { '-' };
    format!("{}.json", parts.join("-").chars().map(plain).collect::<String>().trim_matches('-'))
}

/// Turns the table of states into `State` and what is said of each.
macro_rules! states {
    ($($(#[doc = $doc:literal])+ $state:ident $word:literal sign $sign:literal ansi $ansi:literal colours $light:literal $dark:literal;)+) => {
        /// What a thread does.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub enum State { $($(#[doc = $doc])+ $state,)+ }

        impl State {
            pub const ALL: &'static [State] = &[$(State::$state),+];
            /// In files and legends.
            pub fn word(self) -> &'static str { match self { $(State::$state => $word),+ } }
            /// One cell of a terminal.
            pub fn sign(self) -> char { match self { $(State::$state => $sign),+ } }
            /// The colour of that cell, as an SGR code.
            pub fn ansi(self) -> &'static str { match self { $(State::$state => $ansi),+ } }
            /// In pictures: on a light ground and on a dark one.
            pub fn colours(self) -> (&'static str, &'static str) { match self { $(State::$state => ($light, $dark)),+ } }
            pub fn doc(self) -> &'static str { match self { $(State::$state => concat!($($doc, "\n"),+).trim_ascii()),+ } }
        }
    };
}

states! {
    /// Has the lock and runs script code.
    Running "running" sign '█' ansi "32" colours "#2f9e5b" "#3fbf74";
    /// Has the lock and is in a native that keeps it.
    Holding "holding" sign '▓' ansi "31" colours "#d9453d" "#f0655c";
    /// Wants the lock, which another thread has.
    Ready "ready" sign '░' ansi "33" colours "#f0b429" "#f5c451";
    /// Gave up the lock and waits for something else.
    Blocked "blocked" sign '─' ansi "90" colours "#c9d1d9" "#4b535d";
    /// Gave up the lock and works in a native.
    Outside "outside" sign '═' ansi "36" colours "#3b82c4" "#5aa2e6";
    /// Was created and has not run yet.
    Starting "starting" sign '·' ansi "90" colours "#e6e9ec" "#343b43";
}

impl State {
    pub fn find(word: &str) -> Option<State> {
        State::ALL.iter().copied().find(|s| s.word() == word)
    }

    pub fn has_lock(self) -> bool {
        matches!(self, State::Running | State::Holding)
    }
}

/// Something that a thread did for a while.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slice {
    pub from: Nanos,
    pub to: Nanos,
    pub state: State,
    /// The native (holding, outside), the wait (blocked), why it is ready; may be empty.
    pub what: Arc<str>,
    /// Where it stands; of running, where it stood at the end.
    pub place: Option<Spot>,
    /// Why it gave the lock up at the end, a word of `gil::stats::Cause`; empty if it did not.
    pub cause: Arc<str>,
}

/// One thread.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Track {
    /// Kit's number of the thread plus one, as scripts see it.
    pub ident: u32,
    pub name: String,
    pub slices: Vec<Slice>,
    pub instants: Vec<Instant>,
    pub dropped: u64,
}

/// Turns the table of instants into `Kind`.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident $word:literal;)+) => {
        /// What happens to a thread in no time.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Kind { $($(#[doc = $doc])+ $kind,)+ }

        impl Kind {
            pub fn word(self) -> &'static str { match self { $(Kind::$kind => $word),+ } }
            pub fn find(word: &str) -> Option<Kind> { [$(Kind::$kind),+].into_iter().find(|k| k.word() == word) }
        }
    };
}

kinds! {
    /// It was asked to let go of the lock; the text names who asked.
    Request "request";
    /// The script's own mark (`kit.mark`).
    Mark "mark";
    /// It was woken for the lock and found it taken.
    Failed "woken in vain";
    /// It must wait until another has had the lock.
    HeldBack "held back";
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instant {
    pub at: Nanos,
    pub kind: Kind,
    pub text: Arc<str>,
    pub place: Option<Spot>,
}

/// The lock in one thread's hands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    pub from: Nanos,
    pub to: Nanos,
    /// Index into `Process::tracks`.
    pub track: usize,
    /// Why it ended, as in its last slice.
    pub cause: Arc<str>,
}

/// One process, which has one lock.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Process {
    pub pid: u32,
    /// The pid of the process that started it, 0 if that is not in the timeline.
    pub parent: u32,
    pub name: String,
    pub policy: String,
    pub interval_us: u64,
    pub tracks: Vec<Track>,
    pub holds: Vec<Hold>,
}

/// A run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Timeline {
    pub script: String,
    pub simulated: bool,
    /// Its length.
    pub end: Nanos,
    pub processes: Vec<Process>,
}

impl Process {
    /// The holds, from the tracks (L2): runs of slices that have the lock.
    fn find_holds(&mut self) {
        let mut holds = Vec::new();
        for (track, t) in self.tracks.iter().enumerate() {
            let mut slices = t.slices.iter().peekable();
            while let Some(first) = slices.next() {
                if !first.state.has_lock() {
                    continue;
                }
                let mut last = first;
                while last.cause.is_empty()
                    && let Some(next) = slices.next_if(|s| s.state.has_lock() && s.from == last.to)
                {
                    last = next;
                }
                holds.push(Hold { from: first.from, to: last.to, track, cause: last.cause.clone() });
            }
        }
        holds.sort_by_key(|h| (h.from, h.to, h.track));
        self.holds = holds;
    }

    /// How many threads wanted the lock, from each moment on.
    pub fn waiters(&self) -> Vec<(Nanos, usize)> {
        let ready = self.tracks.iter().flat_map(|t| &t.slices).filter(|s| s.state == State::Ready);
        let mut changes: Vec<(Nanos, isize)> = ready.flat_map(|s| [(s.from, 1), (s.to, -1)]).collect();
        changes.sort_unstable();
        let (mut counts, mut now): (Vec<(Nanos, usize)>, isize) = (Vec::new(), 0);
        for (at, by) in changes {
            now += by;
            let count = usize::try_from(now).unwrap_or(0);
            match counts.last_mut() {
                Some(last) if last.0 == at => last.1 = count,
                _ => counts.push((at, count)),
            }
        }
        counts
    }
}

impl Timeline {
    /// Every thread with its process.
    pub fn tracks(&self) -> impl Iterator<Item = (&Process, &Track)> {
        self.processes.iter().flat_map(|p| p.tracks.iter().map(move |t| (p, t)))
    }

    pub fn dropped(&self) -> u64 {
        self.tracks().map(|(_, t)| t.dropped).sum()
    }
}

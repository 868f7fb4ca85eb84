//! Lock policies: who gets the interpreter lock next, and when its holder is asked to let go.
//!
//! A policy is a pure state machine. It knows threads by number and moments by nanoseconds; it has no
//! clock, no thread, no lock and no randomness of its own. Two drivers run the same policy: `real.rs` on
//! OS threads, `sim.rs` on events. A policy is one file in `policies/` and one row of the table below.

use super::policies::{Bfs, Cpython, Fifo, Off, Priority, Pypy, Ruby, Ticks};
use crate::world::{Nanos, Tid};

/// The answer to a request for the lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ask {
    /// The lock is the asker's; `frees` names a thread that a forced switch held back until now.
    Granted { frees: Option<Tid> },
    /// The asker waits.
    Wait,
}

/// What the one timer of the lock brought about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lapse {
    Nothing,
    /// This holder is asked to let go at its next safe point.
    Drop {
        holder: Tid,
    },
    /// This holder counts its safe points from now on, and `check` is asked when the slice is used up.
    Watch {
        holder: Tid,
    },
    /// The lock is free and this waiter is to try (`woken`).
    Race {
        waiter: Tid,
    },
}

/// Why a thread lets go of the lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// It is about to wait, or to work without the lock.
    Block,
    /// It was asked to, or yields of its own will.
    Requested,
    /// It ends.
    Exit,
}

/// Where the lock goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum To {
    Nobody,
    /// It is this thread's already.
    Thread(Tid),
    /// It is free; the driver picks a waiter and wakes it, and that one tries (`woken`).
    Race,
}

/// The answer to a release.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handoff {
    pub to: To,
    /// The releaser must not go on until some `frees` names it.
    pub stay: bool,
}

pub trait LockPolicy: Send {
    /// `t` wants the lock; may be called on its behalf by another thread (start, wake).
    fn request(&mut self, t: Tid, now: Nanos) -> Ask;
    /// The waiter that a race woke has come to its feet: it takes the lock or begins to wait anew.
    fn woken(&mut self, t: Tid, now: Nanos) -> Ask {
        self.request(t, now)
    }
    /// The one next moment at which `lapse` would do something.
    fn due(&self) -> Option<Nanos>;
    fn lapse(&mut self, now: Nanos) -> Lapse {
        match (self.due(), self.holder()) {
            (Some(due), Some(holder)) if now >= due => {
                self.requested();
                Lapse::Drop { holder }
            }
            _ => Lapse::Nothing,
        }
    }
    /// The holder is asked to let go from now on.
    fn requested(&mut self);
    /// At the first safe point after a request, or when the counted ones are used up: must the holder let go?
    fn check(&mut self, holder: Tid, now: Nanos) -> bool;
    fn release(&mut self, t: Tid, why: Why, now: Nanos) -> Handoff;
    /// The fast path moved the lock without asking: learn who has it.
    fn adopt(&mut self, holder: Option<Tid>, now: Nanos);
    /// A waiter is no more; clears a request that is left without a waiter.
    fn forget(&mut self, t: Tid);
    /// Nobody waits, nobody is held back: the fast path is allowed.
    fn quiet(&self) -> bool {
        self.waiters() == 0
    }
    fn holder(&self) -> Option<Tid>;
    fn waiters(&self) -> usize;
    fn waiter(&self, i: usize) -> Tid;
    /// A constant of the policy: start and wake give a place in the queue at once.
    fn eager(&self) -> bool;
    /// A constant of the policy: who let go because it had to tries at once to take the lock again, in a step
    /// of its own, so the waiter that the release woke mostly finds it taken.
    fn barges(&self) -> bool {
        false
    }
    /// The safe points of a slice, where the policy counts them (`Lapse::Watch`).
    fn points(&self) -> u64 {
        0
    }
    /// A new slice, in nanoseconds or safe points.
    fn set_slice(&mut self, slice: u64);
}

/// What the number that belongs to a policy counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Unit {
    /// A switch interval, in microseconds.
    Microseconds,
    /// A check interval: how often the holder would have looked in the interpreter that the policy is from;
    /// so many of its checks is what one safe point here stands for.
    Checks(u64),
    /// The policy has no such number.
    #[default]
    None,
}

/// One lock policy, as the command line knows it.
pub struct Row {
    pub name: &'static str,
    pub doc: &'static str,
    /// The slice a thread may keep the lock for while others wait, in `unit`s.
    pub slice: u64,
    pub unit: Unit,
    /// Builds the state machine for a slice in nanoseconds or safe points.
    pub make: fn(u64) -> Box<dyn LockPolicy>,
}

/// A slice as the policies are told it: nanoseconds of at least one microsecond, as CPython waits, or safe
/// points.
pub fn inner_slice(unit: Unit, slice: u64) -> u64 {
    match unit {
        Unit::Microseconds | Unit::None => slice.max(1).saturating_mul(1000),
        Unit::Checks(per_point) => slice.max(1).div_ceil(per_point),
    }
}

impl Unit {
    /// The slice is a number of safe points, not a time.
    pub fn counts(self) -> bool {
        matches!(self, Unit::Checks(_))
    }

    /// The slice as a switch interval, if it is one.
    pub fn interval(self, slice: u64) -> Option<u64> {
        (self == Unit::Microseconds).then_some(slice)
    }

    /// The slice as a check interval, if it is one.
    pub fn checks(self, slice: u64) -> Option<u64> {
        self.counts().then_some(slice)
    }
}

/// The slice and its unit in words.
pub fn slice_text(unit: Unit, slice: u64) -> String {
    match unit {
        Unit::Microseconds => format!("switch interval {slice} us"),
        Unit::Checks(1) => format!("check interval {slice} safe points"),
        Unit::Checks(per_point) => format!("check interval {slice} ticks, {per_point} to a safe point"),
        Unit::None => "no switch interval".to_string(),
    }
}

/// Turns the table of policies into `POLICIES`.
macro_rules! policies {
    ($($(#[doc = $doc:literal])+ $name:literal slice $slice:literal $unit:ident $(($per_point:literal))? = $make:expr;)+) => {
        /// The table of lock policies; the first row is the default.
        pub static POLICIES: &[Row] = &[$(Row {
            name: $name,
            doc: concat!($($doc, "\n"),+).trim_ascii(),
            slice: $slice,
            unit: Unit::$unit $(($per_point))?,
            make: $make,
        }),+];
    };
}

policies! {
    /// CPython's protocol without its chances: a waiter asks for the lock when it has waited, and
    /// nothing has switched, for one interval; the holder lets go at its next safe point. The lock
    /// goes straight to whoever has waited longest, and a thread that is started or woken has its
    /// place in the queue at once, so the script determines the order.
    "fifo" slice 5_000 Microseconds = |interval| Box::new(Fifo::new(interval));
    /// CPython 3.2 and later, with its freedom: a release wakes one waiter, a late-comer may take the
    /// lock first, a thread that was asked to let go waits until another has had it, and
    /// `Thread.start()` waits for the new thread's first steps. Tune with this one for CPython.
    "cpython" slice 5_000 Microseconds = |interval| Box::new(Cpython::new(interval));
    /// Who waits for something else is served before who computes: a thread that was made to let go
    /// is low until it blocks; a waiter of high rank asks a low holder at once, and is served first.
    /// Beazley's proposal for CPython; threads that block often can starve those that compute.
    "priority" slice 5_000 Microseconds = |interval| Box::new(Priority::new(interval));
    /// The lock as a small scheduler: each thread has a slice and a deadline, the earliest deadline is
    /// next. Who comes back from a wait has an early deadline and asks at once; a used-up slice brings
    /// a later deadline, so nobody starves. Aides' proposal for CPython.
    "bfs" slice 5_000 Microseconds = |interval| Box::new(Bfs::new(interval));
    /// Ruby 3.3: direct hand-over in order of arrival; a slice of 100 ms, counted in ticks of a tenth
    /// while anybody waits. Who comes back from a wait joins the tail.
    "ruby" slice 100_000 Microseconds = |interval| Box::new(Ruby::new(interval));
    /// CPython before 3.2: no clock and no request. After so many ticks the holder releases the lock and
    /// tries at once to take it again, while the waiter that it woke is still coming to its feet; so on
    /// several cores threads wake in vain thousands of times a second and two of them are slower than one.
    /// A safe point counts for three ticks: Python 2.7 made 3.0 in a turn of `for i in r: x += i`.
    "ticks" slice 100 Checks(3) = |points| Box::new(Ticks::new(points));
    /// PyPy: letting go in order to wait costs nothing and calls nobody; the first waiter looks every 0.1 ms
    /// whether the lock is free, so short waits do not give it away. A slice is work, a number of safe
    /// points; at its end the lock goes to the first waiter and its holder queues behind the others.
    "pypy" slice 10_000 Checks(1) = |points| Box::new(Pypy::new(points));
    /// No lock: script threads run at the same time. Objects lock themselves for the length of one
    /// operation, so `list.append` loses nothing and `c += 1` may. In simulation threads that wait or
    /// burn time overlap, and the code between is never interrupted.
    "off" slice 0 None = |_| Box::new(Off);
}

/// The row of that name.
pub fn find(name: &str) -> Option<&'static Row> {
    POLICIES.iter().find(|row| row.name == name)
}

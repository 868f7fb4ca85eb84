//! Trace events: what can be told about a run, moment by moment.
//!
//! The table of events stands in `event.rs`. A *recorder* (`recorder.rs`) belongs to one run; each thread has a
//! *log* in it, a row of words that only grows. When the run is over the logs become a *recording*
//! (`recording.rs`), plain data that crosses processes. Counters (`gil/stats.rs`) are always on and are not
//! events; events are recorded with `--trace` only.
//!
//! T1 A log has one writer at a time: its thread, or whoever acts for it under the driver's mutex while it
//!    waits. So recording takes no lock; words are relaxed and the length is released after them.
//! T2 A log is in the order of its thread. Logs of one run share a clock, and so do the processes of one machine
//!    (`CLOCK_MONOTONIC`) and those of one simulation.
//! T3 Memory is bounded by `EVENTS_MAX` a process. What does not fit is counted, never silently lost.
//! T4 Nothing is drawn and nothing is ordered by an address: a simulated run has the same recording twice.
//!
//! Not here: who records (`gil`), what is made of a recording (`explore/trace`).

pub mod event;
pub mod recorder;
pub mod recording;

pub use event::{Event, PlaceIx, TextIx};
pub use recorder::{Log, Recorder};
pub use recording::{Recording, Spot};

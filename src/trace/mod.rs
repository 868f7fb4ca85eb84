//! Trace events: what can be told about a run, moment by moment.
//!
//! The table of events stands in `event.rs`. Counters (`gil/stats.rs`) are always on and are not events;
//! events are recorded with `--trace` only.
//!
//! Not here yet: the recorder, and the reports that read what it wrote.

pub mod event;

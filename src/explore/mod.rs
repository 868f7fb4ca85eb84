//! Many runs: what is learnt by starting scripts more than once. Each run is a process of its own, made
//! through `engine/job.rs`, so that no run meets what another left behind.
//!
//! X1 Nothing here runs script code in this process: it collects, starts, reads results, judges, reports.
//! X2 What a child answers is data (JSON in frames); what it prints is captured and shown, never parsed.
//! X3 A child that dies, hangs or answers nonsense is a result with a name, not an error of the whole.
//!
//! A single run is looked at here, too: what it recorded becomes a timeline (`trace`), which is shown (`timeline`).
//!
//! Not here: flags and where output goes (`cli`), how one script runs (`engine`).

pub mod chart;
pub mod compare;
pub mod statistics;
pub mod sweep;
pub mod testing;
pub mod timeline;
pub mod trace;

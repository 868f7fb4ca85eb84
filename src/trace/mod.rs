//! Trace events.

//! Tests: collecting them, running each in a fresh interpreter, judging timings, reporting.

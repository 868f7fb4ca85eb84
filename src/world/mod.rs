//! The one door to clocks, threads, files.

//! The real clocks. Virtual time is kept by the simulated driver.

#![allow(unsafe_code)]

use super::{Clock, Nanos};

/// Reads a real clock. `Monotonic` and `Perf` count from an unspecified start, as CPython's do.
pub fn read(clock: Clock) -> Nanos {
    let id = match clock {
        Clock::Wall => libc::CLOCK_REALTIME,
        Clock::Monotonic | Clock::Perf => libc::CLOCK_MONOTONIC,
        Clock::Process => libc::CLOCK_PROCESS_CPUTIME_ID,
        Clock::Thread => libc::CLOCK_THREAD_CPUTIME_ID,
    };
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `t` is ours to write. The call fails for clocks that do not exist only; these do everywhere.
    let failed = unsafe { libc::clock_gettime(id, &mut t) };
    debug_assert_eq!(failed, 0);
    u64::try_from(t.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(t.tv_nsec).unwrap_or(0)
}

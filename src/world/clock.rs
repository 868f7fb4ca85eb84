//! The real clocks. Virtual time is kept by the simulated driver.

use super::{Clock, Nanos};
use rustix::time::{ClockId, clock_gettime};

/// Reads a real clock. `Monotonic` and `Perf` count from an unspecified start, as CPython's do.
pub fn read(clock: Clock) -> Nanos {
    let t = clock_gettime(match clock {
        Clock::Wall => ClockId::Realtime,
        Clock::Monotonic | Clock::Perf => ClockId::Monotonic,
        Clock::Process => ClockId::ProcessCPUTime,
        Clock::Thread => ClockId::ThreadCPUTime,
    });
    u64::try_from(t.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(t.tv_nsec).unwrap_or(0)
}

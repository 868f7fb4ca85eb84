//! `time`: clocks and sleeping. All clocks are the world's: virtual in simulation.

use super::seconds;
use crate::natives;
use crate::object::Value;
use crate::vm::{Call, Next, Res};
use crate::world::{Clock, WaitOn};

natives! { pub TIME, "time";
    /// Waits at least `seconds` (int or float); other threads run meanwhile. `sleep(0)` lets others run
    /// too. ValueError if negative.
    waits sleep("seconds, /") = sleep;
    /// Seconds since 1970 as a float.
    holds time("") = time;
    /// Nanoseconds since 1970.
    holds time_ns("") = time_ns;
    /// Seconds of a clock that never goes back; only differences mean something.
    holds monotonic("") = monotonic;
    /// Nanoseconds of a clock that never goes back.
    holds monotonic_ns("") = monotonic_ns;
    /// Seconds of the finest clock, for measuring; only differences mean something.
    holds perf_counter("") = perf_counter;
    /// Nanoseconds of the finest clock.
    holds perf_counter_ns("") = perf_counter_ns;
    /// Seconds of CPU time that all threads of the process have used.
    holds process_time("") = process_time;
    /// Nanoseconds of CPU time of the process.
    holds process_time_ns("") = process_time_ns;
    /// Seconds of CPU time that this thread has used.
    holds thread_time("") = thread_time;
    /// Nanoseconds of CPU time of this thread.
    holds thread_time_ns("") = thread_time_ns;
}

fn sleep(c: &mut Call) -> Res<Next> {
    let ns = c.arg(0);
    let ns = seconds::nanos(c, &ns)?;
    let Ok(ns) = u64::try_from(ns) else {
        return Err(c.value_error("sleep length must be non-negative"));
    };
    Ok(Next::Wait {
        on: WaitOn::Sleep {},
        until: Some(seconds::deadline(c, ns)),
        still: Box::new(|_| true),
        then: Box::new(|c, wake| {
            c.after_wake(wake)?;
            Ok(Next::Done(Value::None))
        }),
    })
}

/// Two functions for a clock: seconds and nanoseconds.
macro_rules! clocks {
    ($($seconds:ident $nanos:ident $clock:ident)*) => {
        $(
            fn $seconds(c: &mut Call) -> Res<Value> {
                Ok(Value::float(c.held.now(Clock::$clock) as f64 / 1e9))
            }
            fn $nanos(c: &mut Call) -> Res<Value> {
                Ok(Value::Int(c.held.now(Clock::$clock) as i64))
            }
        )*
    };
}
clocks! {
    time time_ns Wall
    monotonic monotonic_ns Monotonic
    perf_counter perf_counter_ns Perf
    process_time process_time_ns Process
    thread_time thread_time_ns Thread
}

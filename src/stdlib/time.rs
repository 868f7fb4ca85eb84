//! `time`: clocks and sleeping. All clocks are the world's: virtual in simulation.

use super::seconds;
use crate::natives;
use crate::object::{Name, Ref, Value};
use crate::vm::{Call, Next, Res, Thread};
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
    /// Seconds since 1970 (now) as a struct_time.
    holds gmtime("seconds=None, /") = gmtime;
    /// The same: Kit's local time is UTC.
    holds localtime("seconds=None, /") = gmtime;
    /// The seconds since 1970 of a time tuple.
    holds mktime("tuple, /") = mktime;
    /// A time tuple (now) as text in a format.
    holds strftime("format, tuple=None, /") = strftime;
    /// Text in a format as a struct_time.
    holds strptime("string, format='%a %b %d %H:%M:%S %Y', /") = strptime;
    /// A time tuple (now) as `Thu Jan  1 00:00:00 1970`.
    holds asctime("tuple=None, /") = asctime;
    /// Seconds since 1970 (now) as `Thu Jan  1 00:00:00 1970`.
    holds ctime("seconds=None, /") = ctime;
    /// Nine numbers as a moment, also by name: `tm_year` and so on.
    holds struct_time("sequence, /") = struct_time;
}

/// Calls a function of the module that knows the calendar, which is written in Kit.
fn calendar(c: &mut Call, name: &str, args: &[Value]) -> Res<Value> {
    let module = c.import("_calendar", true)?;
    let f = c.get_attr(&module, Name::of(name))?;
    c.call(&f, args)
}

fn now(c: &Call) -> Value {
    Value::float(c.held.now(Clock::Wall) as f64 / 1e9)
}

/// Argument 0, None when it is absent.
fn first(c: &Call) -> Value {
    c.some(0).unwrap_or(Value::None)
}

fn gmtime(c: &mut Call) -> Res<Value> {
    let args = [first(c), now(c)];
    calendar(c, "moment", &args)
}
fn mktime(c: &mut Call) -> Res<Value> {
    let args = [first(c)];
    let seconds = calendar(c, "seconds_of", &args)?;
    Ok(Value::float(c.to_float(&seconds)?))
}
fn strftime(c: &mut Call) -> Res<Value> {
    let args = [first(c), c.some(1).unwrap_or(Value::None), now(c)];
    calendar(c, "formatted_time", &args)
}
fn strptime(c: &mut Call) -> Res<Value> {
    let format = c.opt(1).unwrap_or_else(|| c.th.str("%a %b %d %H:%M:%S %Y"));
    let args = [first(c), format];
    calendar(c, "parsed_time", &args)
}
fn asctime(c: &mut Call) -> Res<Value> {
    let args = [first(c), now(c)];
    calendar(c, "ascii_time", &args)
}
fn ctime(c: &mut Call) -> Res<Value> {
    let args = [first(c), now(c)];
    calendar(c, "current_time", &args)
}
fn struct_time(c: &mut Call) -> Res<Value> {
    let args = [first(c)];
    calendar(c, "struct_time", &args)
}

/// The zone is UTC.
pub fn init(th: &mut Thread, module: &Ref) -> Res<()> {
    let utc = th.str("UTC");
    let names = th.tuple(vec![utc.clone(), utc]);
    super::set_in(th, module, "tzname", names);
    super::set_in(th, module, "timezone", Value::Int(0));
    super::set_in(th, module, "altzone", Value::Int(0));
    super::set_in(th, module, "daylight", Value::Int(0));
    Ok(())
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

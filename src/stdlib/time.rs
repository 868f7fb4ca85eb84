//! `time`: clocks and sleeping. All clocks are the world's: virtual in simulation.

use super::seconds;
use crate::natives;
use crate::object::{Name, Ref, TypeId, Value};
use crate::vm::{Call, Next, Res, Thread};
use crate::world::{Clock, WaitOn, zone};

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
    /// The same in local time, which is UTC in simulation.
    holds localtime("seconds=None, /") = localtime;
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
    /// Reads the time zone anew from the environment.
    holds tzset("") = tzset;
    /// The time of a clock, by its number.
    holds clock_gettime("clk_id, /") = clock_gettime;
    /// The same in nanoseconds.
    holds clock_gettime_ns("clk_id, /") = clock_gettime_ns;
    /// The resolution of a clock in seconds.
    holds clock_getres("clk_id, /") = clock_getres;
    /// What is known of the clock `time`, `monotonic`, `perf_counter`, `process_time` or `thread_time`.
    holds get_clock_info("name, /") = get_clock_info;
    /// The local zone at a moment in seconds since 1970: seconds from UTC, whether it is summer time, its name.
    holds _zone("seconds, /") = zone_at;
    /// What only few scripts ask for, made when it is asked for.
    holds __getattr__("name, /") = late;
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
fn localtime(c: &mut Call) -> Res<Value> {
    let args = [first(c), now(c)];
    calendar(c, "local_moment", &args)
}
fn mktime(c: &mut Call) -> Res<Value> {
    let args = [first(c)];
    let seconds = calendar(c, "local_seconds_of", &args)?;
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

/// `struct_time` is a class of the calendar.
fn late(c: &mut Call) -> Res<Value> {
    let name = c.arg(0);
    match c.expect_str(&name, "an attribute")? {
        "struct_time" => {
            let module = c.import("_calendar", true)?;
            c.get_attr(&module, Name::of("struct_time"))
        }
        other => {
            let text = format!("module 'time' has no attribute '{other}'");
            Err(c.raise(TypeId::AttributeError, text))
        }
    }
}

/// The local zone at a moment; in simulation UTC, wherever it runs.
fn offset(th: &Thread, seconds: i64) -> zone::Offset {
    if th.held.simulated() { zone::utc() } else { zone::offset(th.env_var("TZ"), seconds) }
}

fn zone_at(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let seconds = c.index(&v)?;
    let o = offset(c, seconds);
    let name = c.str(&o.name);
    Ok(c.tuple(vec![Value::Int(o.seconds.into()), Value::bool(o.is_dst), name]))
}

fn tzset(c: &mut Call) -> Res<Value> {
    let Some(Value::Obj(module)) = c.interp.modules.with(&c.held, |all| all.get(Name::of("time")).cloned()) else {
        return Ok(Value::None);
    };
    set_zone(c, &module);
    Ok(Value::None)
}

/// `tzname`, `timezone`, `altzone`, `daylight`: those of January and July of this year, as in CPython.
fn set_zone(th: &mut Thread, module: &Ref) {
    const YEAR: i64 = 31_556_952;
    let year = th.held.now(Clock::Wall) as i64 / 1_000_000_000 / YEAR * YEAR;
    let (january, july) = (offset(th, year + 3 * 86400), offset(th, year + YEAR / 2));
    let (standard, summer) = if january.seconds <= july.seconds { (january, july) } else { (july, january) };
    let names = vec![th.str(&standard.name), th.str(&summer.name)];
    let names = th.tuple(names);
    super::set_in(th, module, "tzname", names);
    super::set_in(th, module, "timezone", -i64::from(standard.seconds));
    super::set_in(th, module, "altzone", -i64::from(summer.seconds));
    super::set_in(th, module, "daylight", i64::from(standard.seconds != summer.seconds));
}

/// Numbers of clocks, as Linux has them.
const CLOCKS: &[(&str, i64, Clock)] = &[
    ("CLOCK_REALTIME", 0, Clock::Wall),
    ("CLOCK_MONOTONIC", 1, Clock::Monotonic),
    ("CLOCK_PROCESS_CPUTIME_ID", 2, Clock::Process),
    ("CLOCK_THREAD_CPUTIME_ID", 3, Clock::Thread),
    ("CLOCK_MONOTONIC_RAW", 4, Clock::Perf),
    ("CLOCK_BOOTTIME", 7, Clock::Monotonic),
];

fn clock_ns(c: &mut Call) -> Res<u64> {
    let v = c.arg(0);
    let number = c.index(&v)?;
    match CLOCKS.iter().find(|row| row.1 == number) {
        Some(row) => Ok(c.held.now(row.2)),
        None => {
            let text = c.str("Invalid argument");
            Err(c.raise_with(TypeId::OSError, vec![Value::Int(22), text]))
        }
    }
}
fn clock_gettime(c: &mut Call) -> Res<Value> {
    Ok(Value::float(clock_ns(c)? as f64 / 1e9))
}
fn clock_gettime_ns(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(clock_ns(c)? as i64))
}
fn clock_getres(c: &mut Call) -> Res<Value> {
    clock_ns(c)?;
    Ok(Value::float(1e-9))
}

fn get_clock_info(c: &mut Call) -> Res<Value> {
    let name = c.arg(0);
    let (function, monotonic, adjustable) = match c.expect_str(&name, "get_clock_info() argument 1")? {
        "time" => ("CLOCK_REALTIME", false, true),
        "monotonic" | "perf_counter" => ("CLOCK_MONOTONIC", true, false),
        "process_time" => ("CLOCK_PROCESS_CPUTIME_ID", true, false),
        "thread_time" => ("CLOCK_THREAD_CPUTIME_ID", true, false),
        _ => return Err(c.value_error("unknown clock")),
    };
    let implementation = c.string(format!("clock_gettime({function})"));
    let module = c.import("_sysinfo", true)?;
    let row = [implementation, Value::bool(monotonic), Value::bool(adjustable)];
    c.call_method(&module, Name::of("clock_info"), &row)
}

pub fn init(th: &mut Thread, module: &Ref) -> Res<()> {
    set_zone(th, module);
    for (name, number, _) in CLOCKS {
        super::set_in(th, module, name, *number);
    }
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

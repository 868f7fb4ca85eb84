//! `kit`: what a script can do with the interpreter lock itself.

use super::{make_module, seconds, set_in};
use crate::gil::policy::{POLICIES, Unit};
use crate::gil::stats::{Cause, LockStats, Spread, Stats, ThreadStats};
use crate::natives;
use crate::object::opaque::Opaque;
use crate::object::pure::{float, int};
use crate::object::types::Attrs;
use crate::object::{Name, Ref, TypeId, Value};
use crate::vm::make::{float_of, int_of, text};
use crate::vm::report::{Better, Metric};
use crate::vm::{Call, Res, Thread};
use crate::world::{Nanos, WaitKind};

natives! { pub KIT, "kit";
    /// Sleeps `seconds` *without* giving up the interpreter lock, as a C function that forgot to release
    /// it: no other thread runs meanwhile. ValueError if negative.
    holds c_sleep("seconds, /") = c_sleep;
    /// Computes for `seconds` of wall time. With `nogil=True` it releases the interpreter lock while
    /// computing, so other threads run; else it keeps it. ValueError if negative.
    computes spin("seconds, /, nogil=False") = spin;
    /// Gives the interpreter lock to a thread that waits for it, if there is one.
    computes switch("") = switch;
    /// Puts a mark into the trace of this run (`--trace`, `kit timeline`), with the script's line. Without one
    /// it does nothing.
    holds mark("text, /") = mark;
    /// Reports a figure of this run: `kit sweep` makes a column of it, `kit run --stats` shows it. Of a
    /// name reported again the last value counts. `better` is "lower" or "higher": which way `kit sweep`
    /// looks for the best. The value is an int or a float, not infinite and not nan (ValueError). Only
    /// what the main process reports is seen.
    holds metric("name, value, better='lower'") = metric;
    /// What `--param name=…` (of `kit run` or `kit sweep`) says, else `default`. The text is read as what
    /// `default` is: bool, int, float or str (also for None). ValueError if it cannot be read so.
    holds param("name, default") = param;
    /// Names of `kit.testing` are names of `kit`, and `server`, and `nogil`, which is numba's `njit`; they are imported
    /// when the first of them is asked for.
    holds __getattr__("name, /") = from_elsewhere;
}

natives! { pub GIL, "kit.gil";
    /// The counters so far, as a dict: `policy`, `interval_us` or `check_interval` (the other is None),
    /// `simulated`, `elapsed_s`, `contention` (the share of the time during which somebody waited for the
    /// lock while another thread held it), `lock` (a dict) and `threads` (a list of dicts, one a thread).
    /// Times are seconds, other values counts.
    holds stats("") = stats;
    /// The name of the lock policy that this program runs under.
    holds policy("") = policy;
    /// The switch interval in microseconds; 0 under a policy that has no such thing.
    holds interval_us("") = interval_us;
    /// The names of all lock policies, as a tuple.
    holds policies("") = policies;
    /// All counters now, for `_between`.
    holds _reading("") = reading;
    /// The counters between two readings, as a dict.
    holds _between("before, after, /") = between;
    /// `measure` is a name of `kit.gil`; it is written in Kit and imported when it is asked for.
    holds __getattr__("name, /") = from_gil;
}

/// `kit.gil` is there without an import of its own.
pub fn init(th: &mut Thread, module: &Ref) -> Res<()> {
    if let Some(gil) = make_module(th, "kit.gil")? {
        let old = th.interp.modules.with(&th.held, |m| m.set(Name::of("kit.gil"), gil.clone()));
        drop(old);
        set_in(th, module, "gil", gil);
    }
    let path = th.list(vec![]);
    set_in(th, module, "__path__", path);
    Ok(())
}

fn length(c: &mut Call, what: &str) -> Res<Nanos> {
    let ns = c.arg(0);
    let ns = seconds::nanos(c, &ns)?;
    match u64::try_from(ns) {
        Ok(ns) => Ok(ns),
        Err(_) => Err(c.value_error(format!("{what} length must be non-negative"))),
    }
}

fn c_sleep(c: &mut Call) -> Res<Value> {
    let ns = length(c, "sleep")?;
    if c.held.tracing() {
        let place = c.place();
        c.held.trace_at(&place, Some("kit.c_sleep"));
    }
    c.held.sleep_holding(ns);
    Ok(Value::None)
}

fn spin(c: &mut Call) -> Res<Value> {
    let ns = length(c, "spin")?;
    let nogil = match c.opt(1) {
        Some(v) => c.truth(&v)?,
        None => false,
    };
    c.held.spin(ns, nogil);
    Ok(Value::None)
}

fn switch(c: &mut Call) -> Res<Value> {
    c.held.yield_now();
    Ok(Value::None)
}

fn mark(c: &mut Call) -> Res<Value> {
    let text = c.arg(0);
    let text = c.expect_str(&text, "kit.mark() argument")?.to_string();
    if c.held.tracing() {
        let place = c.place();
        c.held.trace_at(&place, None);
        c.held.mark(&text);
    }
    Ok(Value::None)
}

fn metric(c: &mut Call) -> Res<Value> {
    let (name, value) = (c.arg(0), c.arg(1));
    let name = c.expect_str(&name, "kit.metric() argument 'name'")?.to_string();
    let value = match c.try_float(&value)? {
        Some(x) => x,
        None => {
            let got = c.type_name(&value);
            return Err(c.type_error(format!("kit.metric() argument 'value' must be a number, not {got}")));
        }
    };
    if !value.is_finite() {
        return Err(c.value_error(format!("the metric '{name}' is not a finite number")));
    }
    let better = match c.opt(2) {
        None => Better::Lower,
        Some(word) => {
            let word = c.expect_str(&word, "kit.metric() argument 'better'")?;
            match Better::find(word) {
                Some(better) => better,
                None => return Err(c.value_error("kit.metric() argument 'better' must be 'lower' or 'higher'")),
            }
        }
    };
    c.interp.reporting.metric(&c.held, &name, Metric { value, better });
    Ok(Value::None)
}

fn param(c: &mut Call) -> Res<Value> {
    let (name, default) = (c.arg(0), c.arg(1));
    let name = c.expect_str(&name, "kit.param() argument 'name'")?.to_string();
    let readable = matches!(default, Value::None | Value::Bool(_))
        || int_of(&default).is_some()
        || float_of(&default).is_some()
        || text(&default).is_some();
    if !readable {
        let got = c.type_name(&default);
        return Err(
            c.type_error(format!("kit.param() argument 'default' must be bool, int, float, str or None, not {got}"))
        );
    }
    let Some(given) = c.interp.reporting.param(&c.held, &name) else {
        return Ok(default);
    };
    let read = match &default {
        Value::Bool(_) => match given.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(Value::bool(true)),
            "false" | "0" => Some(Value::bool(false)),
            _ => None,
        },
        v if int_of(v).is_some() => int::parse(&given, 10, int::MAX_STR_DIGITS).ok().map(|i| c.int(i)),
        v if float_of(v).is_some() => float::parse(&given).ok().map(Value::float),
        _ => Some(c.str(&given)),
    };
    match read {
        Some(v) => Ok(v),
        None => {
            let kind = c.type_name(&default);
            Err(c.value_error(format!("the parameter '{name}' must be of type {kind}, not '{given}'")))
        }
    }
}

/// The names that `kit` has from library modules, which are loaded when they are asked for.
const ELSEWHERE: &[(&str, &[&str])] = &[
    (
        "kit.testing",
        &[
            "InconclusiveTiming",
            "Skipped",
            "TimingError",
            "approx",
            "expect_cpu",
            "expect_duration",
            "faster",
            "raises",
            "skip",
            "variant",
        ],
    ),
    ("_kit_server", &["server"]),
];

fn from_elsewhere(c: &mut Call) -> Res<Value> {
    let name = c.arg(0);
    let name = c.expect_str(&name, "an attribute's name")?.to_string();
    if name == "nogil" {
        let numba = c.import("numba", true)?;
        return c.get_attr(&numba, Name::of("njit"));
    }
    let Some((module, _)) = ELSEWHERE.iter().find(|(_, names)| names.contains(&name.as_str())) else {
        return Err(c.raise(TypeId::AttributeError, format!("module 'kit' has no attribute '{name}'")));
    };
    let module = c.import(module, true)?;
    c.get_attr(&module, Name::of(&name))
}

fn policy(c: &mut Call) -> Res<Value> {
    let name = c.held.policy();
    Ok(c.str(name))
}

fn policies(c: &mut Call) -> Res<Value> {
    let names = POLICIES.iter().map(|row| c.str(row.name)).collect();
    Ok(c.tuple(names))
}

fn interval_us(c: &mut Call) -> Res<Value> {
    let time = c.held.slice_unit() == Unit::Microseconds;
    Ok(count(if time { c.held.switch_interval() } else { 0 }))
}

fn count(n: u64) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}
fn secs(ns: Nanos) -> Value {
    Value::float(ns as f64 / 1e9)
}

/// A dict with names as keys.
pub fn record(th: &mut Thread, rows: Vec<(&str, Value)>) -> Res<Value> {
    let d = th.dict();
    for (name, v) in rows {
        let key = th.str(name);
        th.dict_set(&d, key, v)?;
    }
    Ok(d.into())
}

fn stats(c: &mut Call) -> Res<Value> {
    let s = c.held.stats();
    let mut threads = Vec::with_capacity(s.threads.len());
    for t in &s.threads {
        threads.push(thread_record(c, t)?);
    }
    let (policy, threads, lock) = (c.str(s.policy), c.list(threads), lock_record(c, &s.lock, s.free_ns())?);
    record(
        c,
        vec![
            ("policy", policy),
            ("interval_us", s.unit.interval(s.interval_us).map_or(Value::None, count)),
            ("check_interval", s.unit.checks(s.interval_us).map_or(Value::None, count)),
            ("simulated", Value::bool(s.simulated)),
            ("elapsed_s", secs(s.elapsed_ns)),
            ("contention", Value::float(s.contention())),
            ("lock", lock),
            ("threads", threads),
        ],
    )
}

/// A reading of all counters, as an object that scripts only hand back.
fn reading(c: &mut Call) -> Res<Value> {
    let stats = c.held.stats();
    let state = Opaque { state: Box::new(stats), attrs: Attrs::default() };
    Ok(Ref::new(&c.held, TypeId::TimedRegion.shape(), state).into())
}

fn stats_of(c: &mut Call, i: usize) -> Res<Stats> {
    let v = c.arg(i);
    let found = v.as_ref().and_then(|r| r.try_with::<Opaque, _>(&c.held, |o| o.state.downcast_ref::<Stats>().cloned()));
    match found.flatten() {
        Some(stats) => Ok(stats),
        None => Err(c.type_error("a reading of the counters is needed")),
    }
}

fn between(c: &mut Call) -> Res<Value> {
    let (before, after) = (stats_of(c, 0)?, stats_of(c, 1)?);
    let l = after.lock_since(&before);
    let wall = after.elapsed_ns.saturating_sub(before.elapsed_ns);
    let contention = l.contended_ns as f64 / wall.max(1) as f64;
    let mut rows = lock_rows(c, &l, wall.saturating_sub(l.held_ns))?;
    rows.extend([
        ("wall", secs(wall)),
        ("held", secs(l.held_ns)),
        ("waiting", secs(after.waiting_ns().saturating_sub(before.waiting_ns()))),
        ("switches", count(l.handovers)),
        ("requests", count(l.requests_set)),
        ("contention", Value::float(contention)),
    ]);
    record(c, rows)
}

fn from_gil(c: &mut Call) -> Res<Value> {
    let name = c.arg(0);
    let name = c.expect_str(&name, "an attribute's name")?.to_string();
    if name != "measure" {
        return Err(c.raise(TypeId::AttributeError, format!("module 'kit.gil' has no attribute '{name}'")));
    }
    let module = c.import("_gil", true)?;
    c.get_attr(&module, Name::of(&name))
}

/// Lengths of time by how they are spread.
fn spread_record(th: &mut Thread, spread: &Spread) -> Res<Value> {
    let [p50, p99] = spread.quantiles([0.5, 0.99]);
    let rows =
        vec![("count", count(spread.count())), ("p50", secs(p50)), ("p99", secs(p99)), ("max", secs(spread.top()))];
    record(th, rows)
}

fn lock_record(th: &mut Thread, l: &LockStats, free: Nanos) -> Res<Value> {
    let rows = lock_rows(th, l, free)?;
    record(th, rows)
}

fn causes_record(th: &mut Thread, released: &[u64; 4]) -> Res<Value> {
    record(th, Cause::WORDS.iter().zip(released).map(|(w, n)| (*w, count(*n))).collect())
}

fn lock_rows(th: &mut Thread, l: &LockStats, free: Nanos) -> Res<Vec<(&'static str, Value)>> {
    let released = causes_record(th, &l.released)?;
    let (waits, slices) = (spread_record(th, &l.waits)?, spread_record(th, &l.slices)?);
    Ok(vec![
        ("acquires", count(l.acquires)),
        ("held_s", secs(l.held_ns)),
        ("free_s", secs(free)),
        ("contended_s", secs(l.contended_ns)),
        ("handovers", count(l.handovers)),
        ("retakes", count(l.acquires - l.handovers)),
        ("released", released),
        ("requests_set", count(l.requests_set)),
        ("requests_honoured", count(l.requests_honoured)),
        ("failed", count(l.failed)),
        ("forced_waits", count(l.forced_waits)),
        ("stops", count(l.stops)),
        ("waits", waits),
        ("slices", slices),
    ])
}

fn thread_record(th: &mut Thread, t: &ThreadStats) -> Res<Value> {
    let blocked = WaitKind::ALL.iter().zip(t.blocked_ns).filter(|(_, ns)| *ns > 0);
    let blocked = record(th, blocked.map(|(k, ns)| (k.word(), secs(ns))).collect())?;
    let released = causes_record(th, &t.released)?;
    let slices = spread_record(th, &t.slices)?;
    let [wait_p50, wait_p99] = t.wait_spread.quantiles([0.5, 0.99]);
    let name = th.str(&t.name);
    record(
        th,
        vec![
            ("name", name),
            ("threads", count(t.threads)),
            ("lifetime_s", secs(t.lifetime_ns)),
            ("starting_s", secs(t.starting_ns)),
            ("running_s", secs(t.running_ns)),
            ("holding_s", secs(t.holding_ns)),
            ("waiting_s", secs(t.waiting_ns)),
            ("native_s", secs(t.native_ns)),
            ("blocked_s", blocked),
            ("acquires", count(t.acquires)),
            ("released", released),
            ("requests", count(t.requests)),
            ("failed", count(t.failed)),
            ("forced_waits", count(t.forced_waits)),
            ("switches", count(t.switches)),
            ("stops", count(t.stops)),
            ("waits", count(t.waits())),
            ("wait_p50_s", secs(wait_p50)),
            ("wait_p99_s", secs(wait_p99)),
            ("wait_max_s", secs(t.wait_ns_max)),
            ("slices", slices),
            ("slice_max_s", secs(t.slice_ns_max)),
        ],
    )
}

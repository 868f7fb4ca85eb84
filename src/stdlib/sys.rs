//! `sys`: the interpreter's arguments, streams, limits and switch interval.

use super::builtins::attributes;
use super::{files, set_in};
use crate::gil::policy::Unit;
use crate::natives;
use crate::object::exception::Exception;
use crate::object::{Kind, Name, Ref, TypeId, Value};
use crate::vm::make::text;
use crate::vm::{Call, Res, Thread};
use crate::world::host;

natives! { pub SYS, "sys";
    /// Ends the program with `code` as its exit status (a text is printed and means 1): raises SystemExit.
    holds exit("code=None, /") = attributes::exit;
    /// The switch interval in seconds: how long a thread may keep the interpreter lock while another
    /// waits for it.
    holds getswitchinterval("") = getswitchinterval;
    /// Sets the switch interval in seconds, to whole microseconds. ValueError unless positive.
    holds setswitchinterval("interval, /") = setswitchinterval;
    /// The check interval: after how many checks a thread looks whether another one waits. How many a safe point
    /// stands for, `kit policies` tells. RuntimeError under a lock policy that has a switch interval instead.
    holds getcheckinterval("") = getcheckinterval;
    /// Sets the check interval; what is below 1 means 1.
    holds setcheckinterval("n, /") = setcheckinterval;
    /// How deep calls may nest.
    holds getrecursionlimit("") = getrecursionlimit;
    /// Sets how deep calls may nest, in this thread and those it starts.
    holds setrecursionlimit("limit, /") = setrecursionlimit;
    /// The traceback of an exception, as text.
    holds _format_exception("exc, /") = format_exception;
    /// File, line and text of the line of the script that runs.
    holds _line_here("") = line_here;
    /// The most digits that an int may have as decimal text; 0: any number.
    holds get_int_max_str_digits("") = get_int_max_str_digits;
    /// Sets it; at least 640, or 0 for no limit.
    holds set_int_max_str_digits("maxdigits") = set_int_max_str_digits;
    /// The exception being handled as (class, exception, None); Nones outside `except`.
    holds exc_info("") = exc_info;
    /// The exception being handled, or None.
    holds exception("") = exception;
    /// How many references an object has, that of the call included.
    holds getrefcount("object, /") = getrefcount;
    /// The text itself: equal texts need not be the same object.
    holds intern("string, /") = intern;
    /// Whether there is an interpreter lock.
    holds _is_gil_enabled("") = is_gil_enabled;
    /// The name of the encoding of text: "utf-8".
    holds getdefaultencoding("") = utf8;
    /// The name of the encoding of file names: "utf-8".
    holds getfilesystemencoding("") = utf8;
    /// Whether the program is ending.
    holds is_finalizing("") = is_finalizing;
    /// The bytes that an object itself takes, without what it refers to.
    holds getsizeof("object, default=None") = getsizeof;
    /// What only few scripts ask for, made when it is asked for.
    holds __getattr__("name, /") = late;
}

/// The version of the language that Kit follows.
const PYTHON: [i64; 3] = [3, 11, 0];

pub fn init(th: &mut Thread, module: &Ref) -> Res<()> {
    let argv = th.interp.argv.iter().map(|a| th.str(a)).collect();
    let argv = th.list(argv);
    set_in(th, module, "argv", argv);
    let streams = [("stdin", "__stdin__"), ("stdout", "__stdout__"), ("stderr", "__stderr__")];
    for (number, (name, first)) in streams.into_iter().enumerate() {
        let stream = files::standard(th, number as u8);
        set_in(th, module, name, stream.clone());
        set_in(th, module, first, stream);
    }
    let folder = th.interp.argv.first().and_then(|a| std::path::Path::new(a).parent()?.to_str());
    let folder = th.str(folder.unwrap_or_default());
    let path = th.list(vec![folder]);
    set_in(th, module, "path", path);
    let modules = th.interp.modules.with(&th.held, |m| m.iter().map(|(n, v)| (n.text(), v.clone())).collect());
    let modules = super::kit::record(th, modules)?;
    set_in(th, module, "modules", modules);
    let program = host::args().into_iter().next().unwrap_or_default();
    let texts = [
        ("version", format!("{}.{}.{} (Kit {})", PYTHON[0], PYTHON[1], PYTHON[2], env!("CARGO_PKG_VERSION"))),
        ("platform", "linux".into()),
        ("byteorder", "little".into()),
        ("executable", program),
        ("copyright", "".into()),
    ];
    for (name, t) in texts {
        let v = th.str(&t);
        set_in(th, module, name, v);
    }
    set_in(th, module, "maxsize", i64::MAX);
    set_in(th, module, "maxunicode", 0x10ffff_i64);
    set_in(th, module, "hexversion", (PYTHON[0] << 24) | (PYTHON[1] << 16) | (PYTHON[2] << 8) | 0xf0);
    set_in(th, module, "dont_write_bytecode", true);
    Ok(())
}

/// Records of named fields, made by the library when they are asked for.
fn late(c: &mut Call) -> Res<Value> {
    let name = c.arg(0);
    let name = c.expect_str(&name, "an attribute")?.to_string();
    let known = ["version_info", "float_info", "int_info", "hash_info", "thread_info", "flags", "implementation"];
    if !known.contains(&name.as_str()) {
        let refused = ["settrace", "setprofile", "gettrace", "getprofile", "addaudithook", "audit"];
        let why = if refused.contains(&name.as_str()) { ": Kit has no hooks into running code" } else { "" };
        let text = format!("module 'sys' has no attribute '{name}'{why}");
        return Err(c.raise(TypeId::AttributeError, text));
    }
    let made = c.import("_sysinfo", true)?;
    let v = c.get_attr(&made, Name::of(&name))?;
    if let Some(Value::Obj(sys)) = c.interp.modules.with(&c.held, |all| all.get(Name::of("sys")).cloned()) {
        c.store_global(&sys, Name::of(&name), v.clone());
    }
    Ok(v)
}

/// The bytes that an object itself takes in Kit, without what it refers to.
fn getsizeof(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    if let Some(said) = c.special(&v, Name::of("__sizeof__"), &[])? {
        return Ok(said);
    }
    Ok(Value::Int(size_of_value(c, &v)))
}

/// The same without asking the object's class.
pub fn size_of_value(c: &Call, v: &Value) -> i64 {
    use crate::object::types::{ByteArray, Bytes, List, Str, Tuple};
    const VALUE: usize = size_of::<Value>();
    let Value::Obj(r) = v else { return VALUE as i64 };
    let rows = |n: usize| n * VALUE;
    let held = &c.held;
    let payload = match r.kind() {
        Kind::Str => size_of::<Str>() + r.frozen::<Str>().text.len(),
        Kind::Bytes => size_of::<Bytes>() + r.frozen::<Bytes>().0.len(),
        Kind::ByteArray => size_of::<ByteArray>() + r.with::<ByteArray, _>(held, |b| b.0.capacity()),
        Kind::Tuple => size_of::<Tuple>() + rows(r.frozen::<Tuple>().0.len()),
        Kind::Deque => {
            use crate::object::deque::Deque;
            size_of::<Deque>() + r.with::<Deque, _>(held, |d| rows(d.items.capacity()))
        }
        Kind::List => size_of::<List>() + r.with::<List, _>(held, |l| rows(l.items.capacity())),
        // An entry has a hash, a key, a value, and a place in the index.
        Kind::Dict => 96 + c.dict_len(r) * (2 * VALUE + 16),
        Kind::Set | Kind::FrozenSet => 96 + c.set_len(r) * (VALUE + 16),
        Kind::BigInt => {
            32 + crate::vm::make::int_of(v).map_or(0, |i| crate::object::pure::int::bit_length(i) as usize / 8 + 8)
        }
        Kind::Instance => 64 + rows(c.instance_items(r).len()),
        _ => 96,
    };
    // Count, lock and shape stand before the payload.
    (payload + 16) as i64
}

/// PyPy's rate: what it calls 0.005 seconds are 10,000 safe points.
const CHECKS_PER_SECOND: f64 = 2e6;

fn getswitchinterval(c: &mut Call) -> Res<Value> {
    let slice = c.held.switch_interval() as f64;
    Ok(Value::float(match (c.held.policy(), c.held.slice_unit()) {
        ("pypy", _) => slice / CHECKS_PER_SECOND,
        (_, Unit::Checks(_)) => 0.0,
        _ => slice * 1e-6,
    }))
}

fn checks(c: &mut Call) -> Res<()> {
    if c.held.slice_unit().counts() {
        return Ok(());
    }
    let policy = c.held.policy();
    Err(c.runtime_error(format!("the lock policy '{policy}' has no check interval; see sys.setswitchinterval")))
}

fn getcheckinterval(c: &mut Call) -> Res<Value> {
    checks(c)?;
    Ok(Value::Int(i64::try_from(c.held.switch_interval()).unwrap_or(i64::MAX)))
}

fn setcheckinterval(c: &mut Call) -> Res<Value> {
    checks(c)?;
    let n = c.arg(0);
    let n = c.index(&n)?;
    c.held.set_switch_interval(u64::try_from(n).unwrap_or(0).max(1));
    c.interp.reporting.interval_changed();
    Ok(Value::None)
}

fn setswitchinterval(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let seconds = c.to_float(&v)?;
    if seconds <= 0.0 {
        return Err(c.value_error("switch interval must be strictly positive"));
    }
    match (c.held.policy(), c.held.slice_unit()) {
        ("pypy", _) => {
            c.held.set_switch_interval(((seconds * CHECKS_PER_SECOND) as u64).max(1));
            c.interp.reporting.interval_changed();
            return Ok(Value::None);
        }
        (policy, Unit::Checks(_)) => {
            let text = format!("the lock policy '{policy}' has no switch interval; see sys.setcheckinterval");
            return Err(c.runtime_error(text));
        }
        _ => {}
    }
    // The cast goes to the nearest end for what does not fit and to 0 for NaN.
    c.held.set_switch_interval((seconds * 1e6) as u64);
    c.interp.reporting.interval_changed();
    Ok(Value::None)
}

fn getrecursionlimit(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(c.limit.into()))
}

fn setrecursionlimit(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let n = c.index(&v)?;
    if n < 1 {
        return Err(c.value_error("recursion limit must be greater or equal than 1"));
    }
    if n <= i64::from(c.depth) {
        let (depth, kind) = (c.depth, TypeId::RecursionError);
        return Err(c.raise(
            kind,
            format!("cannot set the recursion limit to {n} at the recursion depth {depth}: the limit is too low"),
        ));
    }
    let Ok(limit) = i32::try_from(n) else {
        return Err(c.raise(TypeId::OverflowError, "Python int too large to convert to C int"));
    };
    c.limit = limit as u32;
    c.interp.recursion_limit.store(limit as u32, std::sync::atomic::Ordering::Relaxed);
    Ok(Value::None)
}

fn get_int_max_str_digits(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(c.max_str_digits() as i64))
}

fn set_int_max_str_digits(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let n = c.index(&v)?;
    match usize::try_from(n) {
        Ok(n) if n == 0 || n >= 640 => c.interp.int_max_str_digits.store(n, std::sync::atomic::Ordering::Relaxed),
        _ => return Err(c.value_error("maxdigits must be 0 or larger than 640")),
    }
    Ok(Value::None)
}

fn exc_info(c: &mut Call) -> Res<Value> {
    let e = c.handled.clone();
    let class = match &e {
        Value::Obj(_) => c.type_of(&e).into(),
        _ => Value::None,
    };
    Ok(c.tuple(vec![class, e, Value::None]))
}

fn exception(c: &mut Call) -> Res<Value> {
    match c.handled.clone() {
        Value::Obj(r) if r.is::<Exception>() => Ok(r.into()),
        _ => Ok(Value::None),
    }
}

fn getrefcount(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    // `v` itself is one too many.
    Ok(Value::Int(match &v {
        Value::Obj(r) if r.is_immortal() => i64::from(u32::MAX),
        Value::Obj(r) => i64::from(r.count()) - 1,
        _ => i64::from(u32::MAX),
    }))
}

fn intern(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    if text(&v).is_none() {
        let got = c.type_name(&v);
        return Err(c.type_error(format!("intern() argument must be str, not {got}")));
    }
    Ok(v)
}

fn is_gil_enabled(c: &mut Call) -> Res<Value> {
    // Not `gil::off()`: a simulation without the lock has plain counts all the same.
    Ok(Value::bool(c.held.policy() != "off"))
}

fn utf8(c: &mut Call) -> Res<Value> {
    Ok(c.str("utf-8"))
}

fn is_finalizing(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(c.interp.ending.load(std::sync::atomic::Ordering::Relaxed)))
}

fn format_exception(c: &mut Call) -> Res<Value> {
    let e = c.arg(0);
    let t = c.format_exception(&e);
    Ok(c.string(t))
}

fn line_here(c: &mut Call) -> Res<Value> {
    let (file, line, source) = c.line_here();
    let row = vec![c.str(&file), Value::Int(line.into()), c.string(source)];
    Ok(c.tuple(row))
}

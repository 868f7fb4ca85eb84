//! `_thread`: starting and joining threads. The `Thread` class is in `kit/threading.kit`.

use super::builtins::attributes::is_callable;
use super::locks::{self, Purpose};
use super::{get_in, plain_queue, seconds, set_in};
use crate::gil::Held;
use crate::natives;
use crate::object::{Name, Parcel, Ref, TypeId, Value};
use crate::vm::make::text;
use crate::vm::{Call, Interp, Next, Res, Thread};
use crate::world::{Tid, WaitOn, out};
use std::sync::atomic::Ordering::Relaxed;

natives! { pub THREAD, "_thread";
    /// Starts a thread that calls `thread._bootstrap()`; returns its number. RuntimeError if the system
    /// has no room for one.
    holds start("thread, name, daemon, /") = start;
    /// Starts a thread that calls `function(*args, **kwargs)`; returns its number. What it raises is
    /// reported, SystemExit is not. The program's end does not wait for it.
    holds start_new_thread("function, args, kwargs=None, /") = start_new_thread;
    /// The same.
    holds start_new("function, args, kwargs=None, /") = start_new_thread;
    /// Ends the thread: raises SystemExit.
    holds exit("") = exit;
    /// The same.
    holds exit_thread("") = exit;
    /// Raises KeyboardInterrupt in the main thread, as Ctrl-C does; `signum` can only be 2, SIGINT.
    holds interrupt_main("signum=2, /") = interrupt_main;
    /// Has Ctrl-C call `handler()` at the next safe point of the main thread, which it calls this from, in
    /// place of raising KeyboardInterrupt there; None ends that. A wait raises in any case. Returns the
    /// handler before.
    holds _on_interrupt("handler, /") = on_interrupt;
    /// The stack size of threads started later, in bytes; 0 is the default. Sets it to `size` and returns
    /// the one before. A thread has 16 MiB in any case, and more if this asks for more.
    holds stack_size("size=0, /") = stack_size;
    /// How many threads that the script has started are running.
    holds _count("") = count;
    /// Waits for the end of thread `ident`, at most `timeout` seconds. Returns whether it has ended.
    waits join("ident, timeout=None, /") = join;
    /// Whether thread `ident` has not ended yet.
    holds is_alive("ident, /") = is_alive;
    /// Whether a started thread has its place in the lock's queue at once, so that `start` need not wait
    /// for its first steps.
    holds eager("") = eager;
    /// The `Thread` object of this thread, or None.
    holds current("") = current;
    /// Makes `thread` the `Thread` object of this thread.
    holds set_current("thread, /") = set_current;
    /// The number of this thread: 1 for the main thread, never used again.
    holds get_ident("") = get_ident;
    /// The operating system's number of this thread.
    holds get_native_id("") = get_native_id;
    /// A new lock, free at first.
    holds allocate_lock("") = locks::new_lock;
    /// The same.
    holds allocate("") = locks::new_lock;
    /// An event that reports as `purpose`: "condition", "semaphore", "barrier", "queue", "future" or "event loop".
    holds event_for("purpose, /") = event_for;
    /// Puts `item` into a `queue.Queue` or `LifoQueue` and returns True, if it is a plain one, free, has room, and
    /// nobody waits for an item; else False.
    holds _put_at_once("queue, item, /") = plain_queue::put;
    /// Takes an item out of a `queue.Queue` or `LifoQueue`, if it is a plain one, free, has one, and nobody waits for
    /// room; else returns `nothing`.
    holds _get_at_once("queue, nothing, /") = plain_queue::get;
    /// Writes the exception `e` of the thread called `name` to standard error.
    holds report("name, e, /") = report;
}

/// The longest timeout in seconds.
const TIMEOUT_MAX: f64 = 9223372036.0;

pub fn init(th: &mut Thread, module: &Ref) -> Res<()> {
    for (name, t) in [
        ("LockType", TypeId::Lock),
        ("RLock", TypeId::RLock),
        ("Event", TypeId::Event),
        ("SimpleQueue", TypeId::SimpleQueue),
    ] {
        let class = th.interp.class(&th.held, t).clone();
        set_in(th, module, name, class);
    }
    let error = th.interp.class(&th.held, TypeId::RuntimeError).clone();
    set_in(th, module, "error", error);
    set_in(th, module, "TIMEOUT_MAX", TIMEOUT_MAX);
    Ok(())
}

/// The number that scripts see. 0 stays free: it means "none" to many programs.
fn ident(tid: Tid) -> Value {
    Value::Int(i64::from(tid.0) + 1)
}

fn tid_of(c: &mut Call, v: &Value) -> Res<Tid> {
    let i = c.index(v)?;
    match u32::try_from(i - 1) {
        Ok(n) => Ok(Tid(n)),
        Err(_) => Err(c.value_error("no such thread")),
    }
}

fn start(c: &mut Call) -> Res<Value> {
    let name = match text(&c.arg(1)) {
        Some(t) => t.to_string(),
        None => return Err(c.type_error("a thread's name must be str")),
    };
    let daemon = c.arg(2);
    let daemon = c.truth(&daemon)?;
    let object = Parcel::new(&c.held, c.arg(0));
    let (interp, limit) = (c.interp, c.limit);
    let body = Box::new(move |held: Held| run(held, interp, limit, object));
    spawn(c, &name, daemon, body)
}

fn spawn(c: &mut Call, name: &str, daemon: bool, body: Box<dyn FnOnce(Held) + Send>) -> Res<Value> {
    let interp = c.interp;
    let body = Box::new(move |held: Held| {
        // In the thread itself and with the lock, so the count is never ahead of what runs.
        interp.running.fetch_add(1, Relaxed);
        body(held);
    });
    let stack = c.interp.stack_size.load(Relaxed);
    match c.held.spawn_sized(name, daemon, stack, body) {
        Ok(tid) => Ok(ident(tid)),
        Err(e) => Err(c.runtime_error(e.to_string())),
    }
}

/// In a box and made apart, so that it takes nothing of the stack on which the thread will sleep.
#[inline(never)]
fn begin(held: Held, interp: &'static Interp, limit: u32) -> Box<Thread> {
    let mut th = Box::new(Thread::new(held, interp));
    th.limit = limit;
    th
}

/// What a new thread is to call, on its way there.
struct Errand {
    function: Parcel,
    args: Parcel,
    kwargs: Parcel,
}

fn start_new_thread(c: &mut Call) -> Res<Value> {
    let (function, args, kwargs) = (c.arg(0), c.arg(1), c.opt(2));
    if !is_callable(c, &function) {
        return Err(c.type_error("first arg must be callable"));
    }
    if !c.is_a(&args, TypeId::Tuple) {
        return Err(c.type_error("2nd arg must be a tuple"));
    }
    if kwargs.as_ref().is_some_and(|v| !c.is_a(v, TypeId::Dict)) {
        return Err(c.type_error("optional 3rd arg must be a dictionary"));
    }
    let name = match c.get_attr(&function, Name::of("__name__")) {
        Ok(v) => text(&v).unwrap_or("thread").to_string(),
        Err(_) => {
            drop(c.take_raised());
            "thread".to_string()
        }
    };
    let parcel = |v| Parcel::new(&c.held, v);
    let (function, args, kwargs) = (parcel(function), parcel(args), parcel(kwargs.unwrap_or(Value::None)));
    let errand = Errand { function, args, kwargs };
    let (interp, limit) = (c.interp, c.limit);
    let body = Box::new(move |held: Held| {
        let mut th = begin(held, interp, limit);
        run_errand(&mut th, errand);
        th.interp.running.fetch_sub(1, Relaxed);
        drop(th.finish());
    });
    spawn(c, &name, true, body)
}

fn run_errand(th: &mut Thread, errand: Errand) {
    let function = errand.function.open(&th.held);
    let (args, kwargs) = (errand.args.open(&th.held), errand.kwargs.open(&th.held));
    let result = call_star(th, &function, &args, &kwargs);
    drop((args, kwargs));
    if result.is_ok() || th.ending.is_some() {
        return;
    }
    let e = th.take_raised();
    if !th.is_a(&e, TypeId::SystemExit) {
        let what = th.repr(&function).unwrap_or_else(|_| "a function".into());
        let report = th.format_exception(&e);
        out::error(format!("Exception ignored in thread started by: {what}\n{report}").as_bytes());
    }
}

fn call_star(th: &mut Thread, function: &Value, args: &Value, kwargs: &Value) -> Res<Value> {
    let args = th.collect(args)?;
    let mut named = Vec::new();
    if let Value::Obj(d) = kwargs {
        for (k, v) in th.dict_items(d) {
            match text(&k) {
                Some(name) => named.push((Name::of(name), v)),
                None => return Err(th.type_error("keywords must be strings")),
            }
        }
    }
    th.call_kw(function, &args, &named)
}

fn exit(c: &mut Call) -> Res<Value> {
    Err(c.raise_with(TypeId::SystemExit, Vec::new()))
}

fn interrupt_main(c: &mut Call) -> Res<Value> {
    if let Some(signal) = c.opt(0) {
        match c.index(&signal)? {
            2 => {}
            1..=64 => return Err(c.value_error("interrupt_main: Kit handles no signal but SIGINT")),
            _ => return Err(c.value_error("signal number out of range")),
        }
    }
    c.held.interrupt_main();
    Ok(Value::None)
}

fn on_interrupt(c: &mut Call) -> Res<Value> {
    if !c.held.is_main() {
        return Err(c.value_error("only the main thread is told of Ctrl-C"));
    }
    let handler = c.arg(0);
    Ok(std::mem::replace(&mut c.on_interrupt, handler))
}

/// CPython's least stack on Linux.
const STACK_MIN: i64 = 32 << 10;

fn stack_size(c: &mut Call) -> Res<Value> {
    let old = c.interp.stack_size.load(Relaxed);
    let size = match c.opt(0) {
        Some(size) => c.index(&size)?,
        None => 0,
    };
    if size < 0 {
        return Err(c.value_error("size must be 0 or a positive value"));
    }
    if size != 0 && size < STACK_MIN {
        return Err(c.value_error(format!("size not valid: {size} bytes")));
    }
    c.interp.stack_size.store(usize::try_from(size).unwrap_or(usize::MAX), Relaxed);
    Ok(Value::Int(old as i64))
}

fn count(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(c.interp.running.load(Relaxed) as i64))
}

/// The whole life of a script thread other than the main one.
fn run(held: Held, interp: &'static Interp, limit: u32, object: Parcel) {
    let mut th = begin(held, interp, limit);
    let object = object.open(&th.held);
    th.object = object.clone();
    let result = th.call_method(&object, Name::of("_bootstrap"), &[]);
    drop(object);
    end(th, result);
}

/// The end of a thread, apart for the same reason as `begin`.
#[cold]
#[inline(never)]
fn end(mut th: Box<Thread>, result: Res<Value>) {
    // `_bootstrap` reports what the thread's function raises: what arrives here went wrong in the
    // report itself, or is the end of the program.
    if result.is_err() && th.ending.is_none() {
        let e = th.take_raised();
        let report = th.format_exception(&e);
        out::error(format!("Exception in thread\n{report}").as_bytes());
    }
    drop(result);
    th.interp.running.fetch_sub(1, Relaxed);
    drop(th.finish());
}

fn join(c: &mut Call) -> Res<Next> {
    let tid = c.arg(0);
    let tid = tid_of(c, &tid)?;
    if !c.held.is_alive(tid) {
        return Ok(Next::Done(Value::TRUE));
    }
    let until = c.some(1);
    let until = seconds::optional_deadline(c, until)?;
    if until.is_some_and(|at| at <= seconds::deadline(c, 0)) {
        return Ok(Next::Done(Value::FALSE));
    }
    Ok(Next::Wait {
        on: WaitOn::Join { tid },
        until,
        // A thread ends with the lock, which this one has until the wait is registered.
        still: Box::new(|_| true),
        then: Box::new(|c, wake| Ok(Next::Done(Value::bool(c.after_wake(wake)?)))),
    })
}

fn is_alive(c: &mut Call) -> Res<Value> {
    let tid = c.arg(0);
    let tid = tid_of(c, &tid)?;
    Ok(Value::bool(c.held.is_alive(tid)))
}

fn eager(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(c.held.eager()))
}

fn current(c: &mut Call) -> Res<Value> {
    Ok(c.object.clone())
}

fn set_current(c: &mut Call) -> Res<Value> {
    let new = c.arg(0);
    let old = std::mem::replace(&mut c.object, new);
    drop(old);
    Ok(Value::None)
}

fn get_ident(c: &mut Call) -> Res<Value> {
    Ok(ident(c.held.tid()))
}

fn get_native_id(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(c.held.native_id() as i64))
}

fn event_for(c: &mut Call) -> Res<Value> {
    let purpose = match text(&c.arg(0)) {
        Some("event") => Purpose::Event,
        Some("condition") => Purpose::Condition,
        Some("semaphore") => Purpose::Semaphore,
        Some("barrier") => Purpose::Barrier,
        Some("queue") => Purpose::Queue,
        Some("future") => Purpose::Future,
        Some("event loop") => Purpose::Loop,
        _ => return Err(c.value_error("no such purpose of an event")),
    };
    Ok(locks::make_event(c, purpose))
}

fn report(c: &mut Call) -> Res<Value> {
    let name = c.arg(0);
    let name = c.str_text(&name)?;
    let e = c.arg(1);
    let report = c.format_exception(&e);
    out::error(format!("Exception in thread {name}:\n{report}").as_bytes());
    Ok(Value::None)
}

/// The end of the program, called by the main thread: waits for all threads that are not daemons.
pub fn join_all(th: &mut Thread) -> Res<()> {
    match get_in(th, "threading", "_shutdown") {
        Some(shutdown) => th.call(&shutdown, &[]).map(drop),
        None => Ok(()),
    }
}

//! `_asyncio`: what of an event loop runs at each step of a task. `asyncio` itself is in `kit/`.
//!
//! An agenda lists what is ready: tasks, which are driven here, pairs of a callback and its future, and handles, which
//! Kit code calls. A task that
//! gives way or sleeps goes back to the agenda without any Kit code of the library; all else (futures, errors,
//! results, cancelling) is `Task`'s own, in `kit/_asyncio_core.kit`. The semantics are CPython 3.11's.

use crate::natives;
use crate::object::agenda::{Agenda, Timer};
use crate::object::function::{Await, Awaiter, Generator};
use crate::object::types::Tuple;
use crate::object::{Name, Ref, TypeId, Value, name};
use crate::vm::generator::{Enter, Step};
use crate::vm::make::float_of;
use crate::vm::{Call, Res};
use crate::world::Clock;
use std::collections::{BinaryHeap, VecDeque};

natives! { pub ASYNCIO, "_asyncio";
    /// Waits `delay` seconds, without holding up other tasks; gives `result`.
    holds sleep("delay, result=None") = sleep;
    /// Has `begins(generator)` called in this thread before the first step of an asynchronous generator, and
    /// `dropped(generator)` when nobody refers to it any more, in place of closing it; None undoes that. Returns the
    /// two before.
    holds generator_hooks("begins, dropped, /") = generator_hooks;
}

natives! { pub AGENDA, method "Agenda";
    /// What is to run in the next round: a task, a handle, or a tuple of a callback and its future.
    holds push("item, /") = push;
    /// What is ready first, taken away; IndexError when nothing is.
    holds pop("") = pop;
    /// How many items are ready.
    holds ready("") = ready;
    /// Makes a handle ready at a moment of the monotonic clock, in seconds.
    holds at("when, handle, /") = at;
    /// Seconds until the next timer, negative if it is late; None without one.
    holds until_next("") = until_next;
    /// Makes those ready whose moment has come.
    holds due("") = due;
    /// Counts a timer that was cancelled; when they are many they are swept.
    holds timer_cancelled("") = timer_cancelled;
    /// Runs what is ready; with `many`, round after round until nothing is, or somebody halts it.
    holds run("many, /") = run;
    /// Whether `run` comes back after a round.
    holds halt("yes, /") = halt;
    /// The task that runs now, or None.
    holds current("") = current;
    /// Makes a task the one that runs now; gives the one before.
    holds enter("task, /") = enter;
    /// Lists a task by what it awaits: None or a sleep. False for anything else.
    holds wait("task, awaited, /") = wait;
    /// Ends a sleep early; False if it is over.
    holds forget("sleep, /") = forget;
    /// Forgets all.
    holds clear("") = clear;
}

natives! { pub NEW_AGENDA, "new";
    /// An empty agenda: what tasks are, what to call with a handle, and what with a callback that has raised, its
    /// future, and the error.
    holds Agenda("task_class, run_handle, callback_raised, /") = new_agenda;
}

/// Timers are due this much early: a clock's step, in seconds.
const RESOLUTION: f64 = 1e-9;

/// Cancelled timers are swept when there are this many, and more than half of all.
const MANY_CANCELLED: usize = 100;

fn new_agenda(c: &mut Call) -> Res<Value> {
    let agenda = Agenda {
        task_class: c.arg(1),
        run_handle: c.arg(2),
        callback_raised: c.arg(3),
        ready: VecDeque::new(),
        timers: BinaryHeap::new(),
        number: 0,
        cancelled: 0,
        current: Value::None,
        halted: false,
        fields: (u32::MAX, [0; 3]),
    };
    Ok(Ref::new(&c.held, TypeId::Agenda.shape(), agenda).into())
}

pub fn init(th: &mut crate::vm::Thread, module: &Ref) -> Res<()> {
    for (name, t) in [("Agenda", TypeId::Agenda), ("Sleep", TypeId::Sleep)] {
        let class = th.interp.class(&th.held, t).clone();
        super::set_in(th, module, name, class);
    }
    Ok(())
}

/// The agenda whose method this is.
fn own(c: &Call) -> Ref {
    let Value::Obj(r) = c.arg(0) else { unreachable!("a method's own object") };
    r
}

fn this<R>(c: &Call, f: impl FnOnce(&mut Agenda) -> R) -> R {
    own(c).with::<Agenda, _>(&c.held, f)
}

/// Seconds of the monotonic clock.
fn seconds_now(c: &Call) -> f64 {
    c.held.now(Clock::Monotonic) as f64 / 1e9
}

fn sleep(c: &mut Call) -> Res<Value> {
    let (delay, result) = (c.arg(0), c.opt(1).unwrap_or(Value::None));
    Ok(c.awaiter(Await::Sleep, delay, result))
}

fn generator_hooks(c: &mut Call) -> Res<Value> {
    let hooks = [c.arg(0), c.arg(1)];
    let before = std::mem::replace(&mut c.generator_hooks, hooks);
    Ok(c.tuple(before.to_vec()))
}

fn push(c: &mut Call) -> Res<Value> {
    let item = c.arg(1);
    if item.as_ref().is_some_and(|r| r.is::<Tuple>() && r.frozen::<Tuple>().0.len() != 2) {
        return Err(c.type_error("expected a callback and its future"));
    }
    this(c, |a| a.ready.push_back(item));
    Ok(Value::None)
}

fn pop(c: &mut Call) -> Res<Value> {
    match this(c, |a| a.ready.pop_front()) {
        Some(item) => Ok(item),
        None => Err(c.raise(TypeId::IndexError, "nothing is ready")),
    }
}

fn ready(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(this(c, |a| a.ready.len()) as i64))
}

fn at(c: &mut Call) -> Res<Value> {
    let (when, handle) = (c.arg(1), c.arg(2));
    let when = c.to_float(&when)?;
    this(c, |a| a.at(when, handle));
    Ok(Value::None)
}

fn until_next(c: &mut Call) -> Res<Value> {
    let now = seconds_now(c);
    let next = this(c, |a| a.timers.peek().map(|t| t.when));
    Ok(next.map_or(Value::None, |when| Value::float(when - now)))
}

fn due(c: &mut Call) -> Res<Value> {
    let agenda = own(c);
    make_due(c, &agenda);
    Ok(Value::None)
}

/// Makes those timers ready whose moment has come.
fn make_due(c: &Call, agenda: &Ref) {
    if agenda.with::<Agenda, _>(&c.held, |a| a.timers.is_empty()) {
        return;
    }
    let end = seconds_now(c) + RESOLUTION;
    while let Some(timer) = agenda.with::<Agenda, _>(&c.held, |a| {
        let due = a.timers.peek().is_some_and(|t| t.when <= end);
        if due { a.timers.pop() } else { None }
    }) {
        if let Some(item) = awake(c, timer) {
            agenda.with::<Agenda, _>(&c.held, |a| a.ready.push_back(item));
        }
    }
}

/// What a timer makes ready: the handle, or the task that sleeps; None of a sleep that was ended.
fn awake(c: &Call, timer: Timer) -> Option<Value> {
    match timer.item.as_ref().and_then(|r| r.try_with::<Awaiter, _>(&c.held, |s| s.of.take())) {
        Some(task) => (!task.is_unbound()).then_some(task),
        None => Some(timer.item),
    }
}

fn timer_cancelled(c: &mut Call) -> Res<Value> {
    let agenda = own(c);
    let many = agenda.with::<Agenda, _>(&c.held, |a| {
        a.cancelled += 1;
        a.cancelled > MANY_CANCELLED && a.cancelled * 2 > a.timers.len()
    });
    if many {
        // Attributes are read with the agenda closed (L3).
        let timers = agenda.with::<Agenda, _>(&c.held, |a| {
            a.cancelled = 0;
            std::mem::take(&mut a.timers)
        });
        let mut left = Vec::new();
        for timer in timers {
            if !is_cancelled(c, &timer)? {
                left.push(timer);
            }
        }
        agenda.with::<Agenda, _>(&c.held, |a| a.timers.extend(left));
    }
    Ok(Value::None)
}

fn is_cancelled(c: &mut Call, timer: &Timer) -> Res<bool> {
    let Some(r) = timer.item.as_ref() else { return Ok(true) };
    if let Some(over) = r.try_with::<Awaiter, _>(&c.held, |s| s.of.is_unbound()) {
        return Ok(over);
    }
    let cancelled = c.get_attr(&timer.item, name::CANCELLED)?;
    c.truth(&cancelled)
}

fn halt(c: &mut Call) -> Res<Value> {
    let yes = c.arg(1);
    let yes = c.truth(&yes)?;
    this(c, |a| a.halted = yes);
    Ok(Value::None)
}

fn current(c: &mut Call) -> Res<Value> {
    Ok(this(c, |a| a.current.clone()))
}

fn enter(c: &mut Call) -> Res<Value> {
    let task = c.arg(1);
    Ok(this(c, |a| std::mem::replace(&mut a.current, task)))
}

fn wait(c: &mut Call) -> Res<Value> {
    let (task, awaited) = (c.arg(1), c.arg(2));
    let agenda = own(c);
    list(c, &agenda, &task, &awaited).map(Value::bool)
}

/// Lists a task by what it awaits; false if that is neither None nor a sleep.
fn list(c: &mut Call, agenda: &Ref, task: &Value, awaited: &Value) -> Res<bool> {
    if awaited.is_none() {
        agenda.with::<Agenda, _>(&c.held, |a| a.ready.push_back(task.clone()));
        return Ok(true);
    }
    let Value::Obj(sleep) = awaited else { return Ok(false) };
    // The delay gives place to the task.
    let delay = sleep.try_with::<Awaiter, _>(&c.held, |s| {
        (s.what == Await::Sleep).then(|| std::mem::replace(&mut s.of, task.clone()))
    });
    let Some(Some(delay)) = delay else { return Ok(false) };
    let seconds = match float_of(&delay) {
        Some(x) => x,
        None => c.to_float(&delay)?,
    };
    let when = seconds_now(c) + seconds;
    let sleep = awaited.clone();
    agenda.with::<Agenda, _>(&c.held, |a| a.at(when, sleep));
    c.set_attr_plain(task, name::FUT_WAITER, awaited.clone())?;
    Ok(true)
}

fn forget(c: &mut Call) -> Res<Value> {
    let sleep = c.arg(1);
    let Some(r) = sleep.as_ref() else { return Ok(Value::bool(false)) };
    let task = r.try_with::<Awaiter, _>(&c.held, |s| s.of.take());
    let was_listed = task.is_some_and(|t| !t.is_unbound());
    if was_listed {
        timer_cancelled(c)?;
    }
    Ok(Value::bool(was_listed))
}

fn clear(c: &mut Call) -> Res<Value> {
    let gone = this(c, |a| (std::mem::take(&mut a.ready), std::mem::take(&mut a.timers)));
    drop(gone);
    Ok(Value::None)
}

fn run(c: &mut Call) -> Res<Value> {
    let many = c.arg(1);
    let many = c.truth(&many)?;
    let agenda = own(c);
    let (task_class, run_handle) = agenda.with::<Agenda, _>(&c.held, |a| (a.task_class.clone(), a.run_handle.clone()));
    loop {
        make_due(c, &agenda);
        for _ in 0..agenda.with::<Agenda, _>(&c.held, |a| a.ready.len()) {
            let Some(item) = agenda.with::<Agenda, _>(&c.held, |a| a.ready.pop_front()) else { break };
            if let Value::Obj(pair) = &item
                && pair.is::<Tuple>()
            {
                call_back(c, &agenda, pair)?;
                continue;
            }
            let class = item.as_ref().map(|r| c.class_of(r));
            let is_task = class.zip(task_class.as_ref()).is_some_and(|(a, b)| a.same(b));
            if is_task { step(c, &agenda, &item)? } else { c.call(&run_handle, &[item]).map(drop)? }
        }
        // Tasks that run no script code have no safe point of their own.
        c.safe_point()?;
        if !many || agenda.with::<Agenda, _>(&c.held, |a| a.halted || a.ready.is_empty()) {
            return Ok(Value::None);
        }
    }
}

/// Calls the callback of a future that is done.
fn call_back(c: &mut Call, agenda: &Ref, pair: &Ref) -> Res<()> {
    let [callback, future] = &*pair.frozen::<Tuple>().0 else { unreachable!("`push` takes pairs") };
    match c.call(callback, std::slice::from_ref(future)) {
        Ok(_) => Ok(()),
        Err(raised) if c.ending.is_some() => Err(raised),
        Err(_) => {
            let e = c.take_raised();
            let report = agenda.with::<Agenda, _>(&c.held, |a| a.callback_raised.clone());
            c.call(&report, &[callback.clone(), future.clone(), e]).map(drop)
        }
    }
}

/// What a step needs of a task's own fields, without the class's say: `_must_cancel`, `_coro`, `_fut_waiter`.
fn fields(c: &mut Call, agenda: &Ref, task: &Value) -> Res<[Value; 3]> {
    const NAMES: [Name; 3] = [name::MUST_CANCEL, name::CORO, name::FUT_WAITER];
    let mut known = agenda.with::<Agenda, _>(&c.held, |a| a.fields);
    let shape = known.0;
    if let Some(values) = task.as_ref().and_then(|r| c.slot_values(r, NAMES, &mut known)) {
        if known.0 != shape {
            agenda.with::<Agenda, _>(&c.held, |a| a.fields = known);
        }
        return Ok(values);
    }
    Ok([c.get_attr(task, NAMES[0])?, c.get_attr(task, NAMES[1])?, c.get_attr(task, NAMES[2])?])
}

/// As `list`, but a task that cancelled itself in this step does not go to sleep: `_wait_for` knows what to do.
fn settle(c: &mut Call, agenda: &Ref, task: &Value, awaited: &Value) -> Res<bool> {
    let sleep = awaited.as_ref().is_some_and(|r| r.is::<Awaiter>());
    if sleep && !matches!(fields(c, agenda, task)?[0], Value::Bool(0)) {
        return Ok(false);
    }
    list(c, agenda, task, awaited)
}

/// Lets a task run until it waits for something.
fn step(c: &mut Call, agenda: &Ref, task: &Value) -> Res<()> {
    let [must_cancel, coro, waiter] = fields(c, agenda, task)?;
    let driven = coro.as_ref().filter(|r| r.is::<Generator>() || r.is::<Awaiter>());
    let Some(driven) = driven.filter(|_| matches!(must_cancel, Value::Bool(0))) else {
        return c.call_method(task, name::TASK_STEP, &[]).map(drop);
    };
    if !waiter.is_none() {
        c.set_attr_plain(task, name::FUT_WAITER, Value::None)?;
    }
    let before = agenda.with::<Agenda, _>(&c.held, |a| std::mem::replace(&mut a.current, task.clone()));
    let stepped = match driven.is::<Generator>() {
        true => c.send(driven, Value::None),
        false => c.drive(driven, Enter::Send(Value::None)),
    };
    let result = match stepped {
        Ok(Step::Yielded(awaited)) => match settle(c, agenda, task, &awaited) {
            Ok(false) => c.call_method(task, name::WAIT_FOR, &[awaited]).map(drop),
            listed => listed.map(drop),
        },
        Ok(Step::Returned(v)) => c.call_method(task, name::FINISH, &[v]).map(drop),
        Err(raised) if c.ending.is_some() => Err(raised),
        Err(_) => {
            let e = c.take_raised();
            c.call_method(task, name::FAIL, &[e]).map(drop)
        }
    };
    let gone = agenda.with::<Agenda, _>(&c.held, |a| std::mem::replace(&mut a.current, before));
    drop(gone);
    result
}

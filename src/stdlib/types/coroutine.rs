//! Methods of coroutines, of asynchronous generators and of what awaiting them delegates to.

use super::function::{close, itself, own, send, stepped, throw, thrown};
use crate::natives;
use crate::object::function::{Await, Awaiter};
use crate::object::{Ref, Value};
use crate::vm::generator::Enter;
use crate::vm::{Call, Res};

natives! { pub COROUTINE, method "coroutine";
    /// Goes on with `value` as what the innermost wait gives. StopIteration with the result at the end.
    holds send("value, /") = send;
    /// Raises an exception where the coroutine waits.
    holds throw("type, value=None, traceback=None, /") = throw;
    /// Ends the coroutine by GeneratorExit.
    holds close("") = close;
    /// An iterator that drives the coroutine.
    holds __await__("") = wrapper;
}

natives! { pub ASYNC_GENERATOR, method "async_generator";
    /// The generator itself.
    holds __aiter__("") = itself;
    /// An awaitable for the next item. StopAsyncIteration at the end.
    holds __anext__("") = anext;
    /// An awaitable for the next item; `value` is what `yield` gives.
    holds asend("value, /") = asend;
    /// An awaitable that raises an exception where the generator stands.
    holds athrow("type, value=None, traceback=None, /") = athrow;
    /// An awaitable that ends the generator by GeneratorExit.
    holds aclose("") = aclose;
}

macro_rules! awaiters {
    ($($table:ident $type:literal)*) => {$(
        natives! { pub $table, method $type;
            /// Goes on with `value` as what the innermost wait gives. StopIteration with the result at the end.
            holds send("value, /") = drive_send;
            /// Raises an exception where it waits.
            holds throw("type, value=None, traceback=None, /") = drive_throw;
            /// It is not awaited any more.
            holds close("") = drive_close;
            /// One step.
            holds __next__("") = drive_next;
            /// Itself.
            holds __iter__("") = itself;
            /// Itself.
            holds __await__("") = itself;
        }
    )*};
}
awaiters! {
    WRAPPER "coroutine_wrapper"
    SEND "async_generator_asend"
    THROW "async_generator_athrow"
    NEXT "anext_awaitable"
    SLEEP "sleep_coroutine"
}

fn wrapper(c: &mut Call) -> Res<Value> {
    let g = own(c)?;
    Ok(c.awaiter(Await::Coroutine, g.into(), Value::None))
}

fn anext(c: &mut Call) -> Res<Value> {
    let g = own(c)?;
    c.generator_step(&g, Await::Send, Value::None)
}

fn asend(c: &mut Call) -> Res<Value> {
    let (g, v) = (own(c)?, c.arg(1));
    c.generator_step(&g, Await::Send, v)
}

fn athrow(c: &mut Call) -> Res<Value> {
    let g = own(c)?;
    let e = thrown(c)?;
    c.generator_step(&g, Await::Throw, e)
}

fn aclose(c: &mut Call) -> Res<Value> {
    let g = own(c)?;
    c.generator_step(&g, Await::Close, Value::None)
}

fn own_awaiter(c: &mut Call) -> Res<Ref> {
    match c.arg(0) {
        Value::Obj(r) if r.is::<Awaiter>() => Ok(r),
        other => {
            let (row, of, got) = (c.row.name, c.row.module, c.type_name(&other));
            Err(c.type_error(format!("descriptor '{row}' for '{of}' objects doesn't apply to a '{got}' object")))
        }
    }
}

fn drive_send(c: &mut Call) -> Res<Value> {
    let (a, v) = (own_awaiter(c)?, c.arg(1));
    let step = c.drive(&a, Enter::Send(v))?;
    stepped(c, step)
}

fn drive_next(c: &mut Call) -> Res<Value> {
    let a = own_awaiter(c)?;
    let step = c.drive(&a, Enter::Send(Value::None))?;
    stepped(c, step)
}

fn drive_throw(c: &mut Call) -> Res<Value> {
    let a = own_awaiter(c)?;
    let e = thrown(c)?;
    let step = c.drive(&a, Enter::Throw(e))?;
    stepped(c, step)
}

fn drive_close(c: &mut Call) -> Res<Value> {
    let a = own_awaiter(c)?;
    c.close_awaiter(&a)?;
    Ok(Value::None)
}

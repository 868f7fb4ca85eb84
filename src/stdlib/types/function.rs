//! Methods of generators and functions.

use crate::natives;
use crate::object::class::Class;
use crate::object::function::Generator;
use crate::object::{Ref, TypeId, Value};
use crate::vm::generator::Step;
use crate::vm::{Call, Res};

natives! { pub GENERATOR, method "generator";
    /// Goes on with `value` as what `yield` gives; the next item. StopIteration at the end.
    holds send("value, /") = send;
    /// Raises an exception where the generator stands; the next item.
    holds throw("type, value=None, traceback=None, /") = throw;
    /// Ends the generator by GeneratorExit.
    holds close("") = close;
    /// The next item. StopIteration at the end.
    holds __next__("") = next;
    /// The generator itself.
    holds __iter__("") = itself;
}

natives! { pub FUNCTION, method "function";
    /// The function bound to an object.
    holds __get__("instance, owner=None, /") = get;
    /// Calls the function.
    holds __call__("*args, **kwargs") = call;
}

pub(super) fn own(c: &mut Call) -> Res<Ref> {
    match c.arg(0) {
        Value::Obj(r) if r.is::<Generator>() => Ok(r),
        other => {
            let (row, got) = (c.row.name, c.type_name(&other));
            Err(c.type_error(format!("descriptor '{row}' for 'generator' objects doesn't apply to a '{got}' object")))
        }
    }
}

/// What a generator has come back with, as the result of a method.
pub(super) fn stepped(c: &mut Call, step: Step) -> Res<Value> {
    match step {
        Step::Yielded(v) => Ok(v),
        Step::Returned(v) => {
            let args = if v.is_none() { Vec::new() } else { vec![v.clone()] };
            let e = c.new_exception(TypeId::StopIteration, Vec::new());
            if let Value::Obj(r) = &e {
                c.fill_exception(r, args);
            }
            Err(c.raise_value(e))
        }
    }
}

pub(super) fn send(c: &mut Call) -> Res<Value> {
    let (g, v) = (own(c)?, c.arg(1));
    let step = c.send(&g, v)?;
    stepped(c, step)
}

fn next(c: &mut Call) -> Res<Value> {
    let g = own(c)?;
    let step = c.send(&g, Value::None)?;
    stepped(c, step)
}

pub(super) fn throw(c: &mut Call) -> Res<Value> {
    let g = own(c)?;
    let e = thrown(c)?;
    let step = c.throw(&g, e)?;
    stepped(c, step)
}

/// The exception that the arguments of a `throw` name.
pub(super) fn thrown(c: &mut Call) -> Res<Value> {
    let what = c.arg(1);
    let is_class = what.as_ref().is_some_and(|r| r.is::<Class>());
    let e = match (is_class, c.some(2)) {
        (false, _) => what,
        (true, Some(v)) if c.is_a(&v, TypeId::BaseException) => v,
        (true, Some(v)) => c.call(&what, &[v])?,
        (true, None) => c.call(&what, &[])?,
    };
    if !c.is_a(&e, TypeId::BaseException) {
        let got = c.type_name(&e);
        return Err(
            c.type_error(format!("exceptions must be classes or instances deriving from BaseException, not {got}"))
        );
    }
    Ok(e)
}

pub(super) fn close(c: &mut Call) -> Res<Value> {
    let g = own(c)?;
    c.close_generator(&g)?;
    Ok(Value::None)
}

pub(super) fn itself(c: &mut Call) -> Res<Value> {
    Ok(c.arg(0))
}

fn get(c: &mut Call) -> Res<Value> {
    let (f, this) = (c.arg(0), c.arg(1));
    if this.is_none() {
        return Ok(f);
    }
    Ok(c.method(f, this))
}

fn call(c: &mut Call) -> Res<Value> {
    let (f, args, kwargs) = (c.arg(0), c.rest(), c.kwargs());
    c.call_kw(&f, &args, &kwargs)
}

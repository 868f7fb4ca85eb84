//! Methods of exceptions.

use crate::natives;
use crate::object::class::Class;
use crate::object::exception::Exception;
use crate::object::types::List;
use crate::object::{Name, TypeId, Value};
use crate::stdlib::builtins::attributes::is_callable;
use crate::vm::exception_group::MESSAGE;
use crate::vm::make::{text, tuple_items};
use crate::vm::{Call, Res, Thread};

natives! { pub EXCEPTION, method "BaseException";
    /// Takes the arguments as `args`.
    holds __init__("*args, **kwargs") = init;
    /// The exception itself. (Kit has no traceback objects.)
    holds with_traceback("tb, /") = with_traceback;
    /// Adds a line that the traceback shows after the message.
    holds add_note("note, /") = add_note;
}

natives! { pub GROUP, method "BaseExceptionGroup";
    /// A group of the same message, of other exceptions.
    holds derive("excs, /") = derive;
    /// The part of the group whose leaves are of these classes, or for which a function says so; None if there is none.
    holds subgroup("condition, /") = subgroup;
    /// That part, and the rest.
    holds split("condition, /") = split;
}

fn init(c: &mut Call) -> Res<Value> {
    let (e, args) = (c.arg(0), c.rest());
    if !c.kwargs().is_empty() {
        let name = c.type_name(&e);
        return Err(c.type_error(format!("{name}() takes no keyword arguments")));
    }
    if let Value::Obj(r) = &e {
        c.fill_exception(r, args);
    }
    Ok(Value::None)
}

fn with_traceback(c: &mut Call) -> Res<Value> {
    let tb = c.arg(1);
    if !tb.is_none() {
        return Err(c.type_error("__traceback__ must be a traceback or None"));
    }
    Ok(c.arg(0))
}

fn add_note(c: &mut Call) -> Res<Value> {
    let (e, note) = (c.arg(0), c.arg(1));
    if text(&note).is_none() {
        let got = c.type_name(&note);
        return Err(c.type_error(format!("note must be a str, not '{got}'")));
    }
    let Value::Obj(r) = &e else {
        return Ok(Value::None);
    };
    let notes = r.with::<Exception, _>(&c.held, |x| x.notes.clone());
    match &notes {
        Value::Obj(list) if list.is::<List>() => {
            list.with::<List, _>(&c.held, |l| l.items.push(note));
        }
        _ => {
            let list = c.list(vec![note]);
            r.with::<Exception, _>(&c.held, |x| x.notes = list);
        }
    }
    Ok(Value::None)
}

fn derive(c: &mut Call) -> Res<Value> {
    let (this, excs) = (c.arg(0), c.arg(1));
    let message = c.get_attr(&this, Name::of(MESSAGE))?;
    let class = c.interp.class(&c.held, TypeId::BaseExceptionGroup).clone();
    c.call(&class.into(), &[message, excs])
}

/// What decides which exceptions are meant.
enum Condition {
    Classes(Value),
    Function(Value),
}

impl Condition {
    fn holds(&self, c: &mut Thread, e: &Value) -> Res<bool> {
        match self {
            Condition::Classes(classes) => c.is_instance(e, classes),
            Condition::Function(f) => {
                let said = c.call(f, std::slice::from_ref(e))?;
                c.truth(&said)
            }
        }
    }
}

fn condition(c: &mut Call) -> Res<Condition> {
    let v = c.arg(1);
    let class = |c: &Thread, v: &Value| {
        let base = c.interp.class(&c.held, TypeId::BaseException);
        v.as_ref().is_some_and(|r| r.is::<Class>() && c.is_subclass(r, base))
    };
    let all = match tuple_items(&v) {
        Some(row) => row.iter().all(|v| class(c, v)),
        None => class(c, &v),
    };
    if all {
        return Ok(Condition::Classes(v));
    }
    let is_class = v.as_ref().is_some_and(|r| r.is::<Class>());
    if !is_class && is_callable(c, &v) {
        return Ok(Condition::Function(v));
    }
    Err(c.type_error("expected a function, exception type or tuple of exception types"))
}

/// The part that is meant and, if it is asked for, the rest.
fn divide(c: &mut Thread, e: &Value, by: &Condition, rest: bool) -> Res<(Value, Value)> {
    if by.holds(c, e)? {
        return Ok((e.clone(), Value::None));
    }
    let Some(members) = c.group_members(e) else { return Ok((Value::None, e.clone())) };
    let (mut inside, mut outside) = (Vec::new(), Vec::new());
    for member in members {
        let (yes, no) = c.guarded(" in a group of exceptions", |th| divide(th, &member, by, rest))?;
        inside.extend((!yes.is_none()).then_some(yes));
        outside.extend((!no.is_none()).then_some(no));
    }
    let inside = c.group_subset(e, inside)?;
    let outside = if rest { c.group_subset(e, outside)? } else { Value::None };
    Ok((inside, outside))
}

fn subgroup(c: &mut Call) -> Res<Value> {
    let by = condition(c)?;
    let this = c.arg(0);
    Ok(divide(c, &this, &by, false)?.0)
}

fn split(c: &mut Call) -> Res<Value> {
    let by = condition(c)?;
    let this = c.arg(0);
    let (inside, outside) = divide(c, &this, &by, true)?;
    Ok(c.tuple(vec![inside, outside]))
}

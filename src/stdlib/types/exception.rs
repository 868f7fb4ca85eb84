//! Methods of exceptions.

use crate::natives;
use crate::object::Value;
use crate::object::exception::Exception;
use crate::object::types::List;
use crate::vm::make::text;
use crate::vm::{Call, Res};

natives! { pub EXCEPTION, method "BaseException";
    /// Takes the arguments as `args`.
    holds __init__("*args, **kwargs") = init;
    /// The exception itself. (Kit has no traceback objects.)
    holds with_traceback("tb, /") = with_traceback;
    /// Adds a line that the traceback shows after the message.
    holds add_note("note, /") = add_note;
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

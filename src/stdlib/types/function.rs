//! Methods of generators, functions and properties.

use crate::natives;
use crate::object::class::Class;
use crate::object::function::Generator;
use crate::object::types::{Descriptor, DescriptorKind};
use crate::object::{Kind, Ref, TypeId, Value};
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

natives! { pub PROPERTY, method "property";
    /// The property with another function to get it.
    holds getter("fget, /") = getter;
    /// The property with another function to set it.
    holds setter("fset, /") = setter;
    /// The property with another function to delete it.
    holds deleter("fdel, /") = deleter;
}

fn own(c: &mut Call) -> Res<Ref> {
    match c.arg(0) {
        Value::Obj(r) if r.is::<Generator>() => Ok(r),
        other => {
            let (row, got) = (c.row.name, c.type_name(&other));
            Err(c.type_error(format!(
                "descriptor '{row}' for 'generator' objects doesn't apply to a '{got}' object"
            )))
        }
    }
}

/// What a generator has come back with, as the result of a method.
fn stepped(c: &mut Call, step: Step) -> Res<Value> {
    match step {
        Step::Yielded(v) => Ok(v),
        Step::Returned(v) => {
            let args = if v.is_none() {
                Vec::new()
            } else {
                vec![v.clone()]
            };
            let e = c.new_exception(TypeId::StopIteration, Vec::new());
            if let Value::Obj(r) = &e {
                c.fill_exception(r, args);
            }
            Err(c.raise_value(e))
        }
    }
}

fn send(c: &mut Call) -> Res<Value> {
    let (g, v) = (own(c)?, c.arg(1));
    let step = c.send(&g, v)?;
    stepped(c, step)
}

fn next(c: &mut Call) -> Res<Value> {
    let g = own(c)?;
    let step = c.send(&g, Value::None)?;
    stepped(c, step)
}

fn throw(c: &mut Call) -> Res<Value> {
    let (g, what) = (own(c)?, c.arg(1));
    let is_class = what.as_ref().is_some_and(|r| r.is::<Class>());
    let e = match (is_class, c.some(2)) {
        (false, _) => what,
        (true, Some(v)) if c.is_a(&v, TypeId::BaseException) => v,
        (true, Some(v)) => c.call(&what, &[v])?,
        (true, None) => c.call(&what, &[])?,
    };
    if !c.is_a(&e, TypeId::BaseException) {
        let got = c.type_name(&e);
        return Err(c.type_error(format!(
            "exceptions must be classes or instances deriving from BaseException, not {got}"
        )));
    }
    let step = c.throw(&g, e)?;
    stepped(c, step)
}

fn close(c: &mut Call) -> Res<Value> {
    let g = own(c)?;
    c.close_generator(&g)?;
    Ok(Value::None)
}

fn itself(c: &mut Call) -> Res<Value> {
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

/// A copy of the property with one of its functions changed.
fn changed(c: &mut Call, change: impl FnOnce(&mut Descriptor, Value)) -> Res<Value> {
    let (p, f) = (c.arg(0), c.arg(1));
    let Some(old) = p.as_ref().filter(|r| r.kind() == Kind::Descriptor) else {
        return Ok(p);
    };
    let old = old.frozen::<Descriptor>();
    let mut new = Descriptor {
        kind: DescriptorKind::Property,
        get: old.get.clone(),
        set: old.set.clone(),
        delete: old.delete.clone(),
        doc: old.doc.clone(),
    };
    change(&mut new, f);
    Ok(Ref::new(&c.held, TypeId::Property.shape(), new).into())
}

fn getter(c: &mut Call) -> Res<Value> {
    changed(c, |p, f| p.get = f)
}
fn setter(c: &mut Call) -> Res<Value> {
    changed(c, |p, f| p.set = f)
}
fn deleter(c: &mut Call) -> Res<Value> {
    changed(c, |p, f| p.delete = f)
}

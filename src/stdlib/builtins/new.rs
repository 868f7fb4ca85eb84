//! Constructors of iterators, ranges, descriptors and `super`; argument 0 is the class (L1).

use crate::natives;
use crate::object::class::Class;
use crate::object::dict::Dict;
use crate::object::iter::Iter;
use crate::object::module::Namespace;
use crate::object::pure::int::IntVal;
use crate::object::types::{Descriptor, DescriptorKind, Slice};
use crate::object::{Name, Ref, TypeId, Value};
use crate::vm::make::{text, tuple_items};
use crate::vm::{Call, Res, Thread};

natives! { pub NEW, "new";
    /// The class of an object; with three arguments, a new class as a class statement makes it.
    quick type("object, bases=None, dict=None, /, **kwds") = type_;
    /// A bare object, equal to itself only.
    holds object("*args, **kwargs") = object;
    /// Pairs `(number, item)`, numbered from `start`.
    holds enumerate("iterable, start=0") = enumerate;
    /// Tuples of one item of each iterable, until the shortest ends; with `strict=True` a ValueError if
    /// they end differently.
    holds zip("*iterables, strict=False") = zip;
    /// The results of `func` on one item of each iterable, made when they are asked for.
    holds map("*args") = map;
    /// The items for which `func` is true (with None: that are true).
    holds filter("function, iterable, /") = filter;
    /// The items of a sequence from last to first.
    holds reversed("sequence, /") = reversed;
    /// The ints from `start` (0) up to but not including `stop`, by `step` (1).
    holds range("start, stop=None, step=None, /") = range;
    /// What `a[start:stop:step]` passes on.
    holds slice("start, stop=None, step=None, /") = slice;
    /// An attribute that is computed: by functions to get, set and delete it.
    holds property("fget=None, fset=None, fdel=None, doc=None") = property;
    /// A method whose first argument is the class.
    holds classmethod("function, /") = classmethod;
    /// A method without an object.
    holds staticmethod("function, /") = staticmethod;
    /// A function with its first argument.
    holds method("function, instance, /") = method;
    /// Attributes of `obj` as the classes after `type` define them.
    holds super("type=None, obj=None, /") = super_;
}

fn method(c: &mut Call) -> Res<Value> {
    let (f, this) = (c.arg(1), c.arg(2));
    if !super::attributes::is_callable(c, &f) {
        return Err(c.type_error("first argument must be callable"));
    }
    if this.is_none() {
        return Err(c.type_error("instance must not be None"));
    }
    Ok(c.th.method(f, this))
}

fn type_(c: &mut Call) -> Res<Value> {
    if c.opt(3).is_some() {
        return new_class(c);
    }
    if c.opt(2).is_some() || !c.kwargs().is_empty() {
        return Err(c.type_error("type() takes 1 or 3 arguments"));
    }
    let v = c.arg(1);
    Ok(c.type_of(&v).into())
}

/// `type(name, bases, dict)`: as a class statement with this namespace.
fn new_class(c: &mut Call) -> Res<Value> {
    let (name, bases, dict) = (c.arg(1), c.arg(2), c.arg(3));
    let wrong = |c: &mut Call, i: usize, want: &str, got: &Value| {
        let got = c.type_name(got);
        c.type_error(format!("type.__new__() argument {i} must be {want}, not {got}"))
    };
    let Some(name) = text(&name).map(Name::of) else { return Err(wrong(c, 1, "str", &name)) };
    let Some(bases) = tuple_items(&bases).map(<[Value]>::to_vec) else { return Err(wrong(c, 2, "tuple", &bases)) };
    let items = match &dict {
        Value::Obj(d) if d.is::<Dict>() => c.dict_items(d),
        _ => return Err(wrong(c, 3, "dict", &dict)),
    };
    let mut names = Namespace::default();
    for (k, v) in items {
        let Some(k) = text(&k) else { return Err(c.type_error("Kit's classes have names of str only")) };
        names.set(Name::of(k), v);
    }
    if name.text().contains('\0') {
        return Err(c.value_error("type name must not contain null characters"));
    }
    if let Some(q) = names.get(Name::of("__qualname__")).filter(|q| text(q).is_none()).cloned() {
        let got = c.type_name(&q);
        return Err(c.type_error(format!("type __qualname__ must be a str, not {got}")));
    }
    let options = c.kwargs();
    c.finish_class(name, bases, names, None, Value::Unbound, options).map(Value::Obj)
}

fn object(c: &mut Call) -> Res<Value> {
    if !c.rest().is_empty() || !c.kwargs().is_empty() {
        return Err(c.type_error("object() takes no arguments"));
    }
    let class = c.interp.class(&c.held, TypeId::Object).clone();
    Ok(Ref::new_instance(&c.held, TypeId::Object.shape(), class, 0).into())
}

fn enumerate(c: &mut Call) -> Res<Value> {
    let items = c.arg(1);
    let inner = c.iter(&items)?;
    let count = match c.opt(2) {
        None => Value::Int(0),
        Some(v) => {
            let i = c.index_int(&v)?;
            c.int(i)
        }
    };
    Ok(c.iterator(Iter::Enumerate { inner, count }))
}

/// An iterator over each value.
fn iterators(c: &mut Call, values: &[Value]) -> Res<Vec<Value>> {
    values.iter().map(|v| c.iter(v)).collect()
}

fn zip(c: &mut Call) -> Res<Value> {
    let strict = match c.opt(1) {
        Some(v) => c.truth(&v)?,
        None => false,
    };
    let args = c.rest();
    let inner = iterators(c, &args)?;
    Ok(c.iterator(Iter::Zip { inner, strict }))
}

fn map(c: &mut Call) -> Res<Value> {
    let args = c.rest();
    match &args[..] {
        [func, iterables @ ..] if !iterables.is_empty() => {
            let inner = iterators(c, iterables)?;
            Ok(c.iterator(Iter::Map { func: func.clone(), inner }))
        }
        _ => Err(c.type_error("map() must have at least two arguments.")),
    }
}

fn filter(c: &mut Call) -> Res<Value> {
    let (func, items) = (c.arg(1), c.arg(2));
    let inner = c.iter(&items)?;
    Ok(c.iterator(Iter::Filter { func, inner }))
}

fn reversed(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    c.reversed(&v)
}

fn range(c: &mut Call) -> Res<Value> {
    let mut parts = [IntVal::Small(0), IntVal::Small(0), IntVal::Small(1)];
    let given = [c.opt(1), c.opt(2), c.opt(3)];
    let first = if given[1].is_none() { 1 } else { 0 };
    for (part, v) in parts[first..].iter_mut().zip(given.iter().flatten()) {
        *part = c.index_int(v)?;
    }
    if parts[2].borrow().is_zero() {
        return Err(c.value_error("range() arg 3 must not be zero"));
    }
    match &parts {
        [IntVal::Small(start), IntVal::Small(stop), IntVal::Small(step)] => Ok(c.range(*start, *stop, *step)),
        _ => {
            let [start, stop, step] = parts;
            Ok(c.range_of(start, stop, step))
        }
    }
}

fn slice(c: &mut Call) -> Res<Value> {
    let or_none = |v: Option<Value>| v.unwrap_or(Value::None);
    let first = c.arg(1);
    let (start, stop) = match c.opt(2) {
        None => (Value::None, first),
        Some(stop) => (first, stop),
    };
    let step = or_none(c.opt(3));
    Ok(Ref::new(&c.held, TypeId::Slice.shape(), Slice { start, stop, step }).into())
}

fn property(c: &mut Call) -> Res<Value> {
    let at = |i: usize| c.some(i).unwrap_or(Value::None);
    let (get, set, delete) = (at(1), at(2), at(3));
    let doc = match c.some(4) {
        Some(doc) => doc,
        None if get.is_none() => Value::None,
        None => c.find_attr(&get, Name::of("__doc__"))?.unwrap_or(Value::None),
    };
    Ok(descriptor(c, TypeId::Property, Descriptor { kind: DescriptorKind::Property, get, set, delete, doc }))
}

fn descriptor(th: &Thread, t: TypeId, d: Descriptor) -> Value {
    Ref::new(&th.held, t.shape(), d).into()
}

fn wrapper(c: &mut Call, t: TypeId, kind: DescriptorKind) -> Res<Value> {
    let get = c.arg(1);
    let doc = c.find_attr(&get, Name::of("__doc__"))?.unwrap_or(Value::None);
    Ok(descriptor(c, t, Descriptor { kind, get, set: Value::None, delete: Value::None, doc }))
}
fn classmethod(c: &mut Call) -> Res<Value> {
    wrapper(c, TypeId::ClassMethod, DescriptorKind::ClassMethod)
}
fn staticmethod(c: &mut Call) -> Res<Value> {
    wrapper(c, TypeId::StaticMethod, DescriptorKind::StaticMethod)
}

fn super_(c: &mut Call) -> Res<Value> {
    let (Some(class), Some(this)) = (c.opt(1), c.opt(2)) else {
        return Err(c.runtime_error("super(): no arguments"));
    };
    if !class.as_ref().is_some_and(|r| r.is::<Class>()) {
        let got = c.type_name(&class);
        return Err(c.type_error(format!("super() argument 1 must be a type, not {got}")));
    }
    c.make_super(&class, &this)
}

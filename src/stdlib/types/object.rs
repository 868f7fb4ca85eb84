//! Methods of object and type.

use crate::natives;
use crate::object::class::Class;
use crate::object::function::Native;
use crate::object::{Kind, Name, Ref, TypeId, Value};
use crate::stdlib::builtins::attributes::{attribute_names, name_arg};
use crate::vm::make::{float_of, int_of, text};
use crate::vm::ops::compare::CmpOp;
use crate::vm::{Call, Res};

natives! { pub OBJECT, method "object";
    /// What repr() gives for the builtin type.
    holds __repr__("") = repr;
    /// What str() gives for the builtin type.
    holds __str__("") = str_;
    /// What format() gives for the builtin type.
    holds __format__("format_spec, /") = format;
    /// What hash() gives for the builtin type.
    holds __hash__("") = hash;
    /// `self == other` of the builtin type.
    holds __eq__("other, /") = eq;
    /// `self != other` of the builtin type.
    holds __ne__("other, /") = ne;
    /// `self < other` of the builtin type.
    holds __lt__("other, /") = lt;
    /// `self <= other` of the builtin type.
    holds __le__("other, /") = le;
    /// `self > other` of the builtin type.
    holds __gt__("other, /") = gt;
    /// `self >= other` of the builtin type.
    holds __ge__("other, /") = ge;
    /// Nothing: a bare object has nothing to set up.
    holds __init__("*args, **kwargs") = init;
    /// A new object of the class that is the first argument.
    holds __new__("self, /, *args, **kwargs") = new;
    /// Called for each class derived from this one.
    holds __init_subclass__("self=None, /, **kwargs") = init_subclass;
    /// Sets an attribute, without asking the class's own `__setattr__`.
    holds __setattr__("name, value, /") = setattr;
    /// Deletes an attribute, without asking the class's own `__delattr__`.
    holds __delattr__("name, /") = delattr;
    /// The attribute of this name.
    holds __getattribute__("name, /") = getattribute;
    /// The names of its attributes.
    holds __dir__("") = dir;
    /// The bytes that it takes in Kit, without what it refers to.
    holds __sizeof__("") = sizeof;
    /// Its attributes, as copies and pickles keep them.
    holds __getstate__("") = getstate;
    /// How it is made anew: a function, its arguments, attributes.
    holds __reduce__("") = reduce;
    /// The same for a version of the pickle protocol.
    holds __reduce_ex__("protocol, /") = reduce_ex;
    /// NotImplemented: what derives from the class is what says so.
    holds __subclasshook__("cls, *args") = subclasshook;
}

natives! { pub TYPE, method "type";
    /// The order in which attributes are looked up: the class and those it derives from.
    holds mro("") = mro;
    /// The classes that derive from it directly.
    holds __subclasses__("") = subclasses;
    /// The names of its attributes and of those of the classes it derives from.
    holds __dir__("") = dir;
    /// Whether an object is an instance.
    holds __instancecheck__("instance, /") = instancecheck;
    /// Whether a class derives from it.
    holds __subclasscheck__("subclass, /") = subclasscheck;
    /// The namespace that a class statement begins with.
    holds __prepare__("cls, *args, **kwargs") = prepare;
}

natives! { pub TYPE_GETTERS, method "type";
    /// The class it derives from first; None for object.
    holds __base__("") = base;
}

fn base(c: &mut Call) -> Res<Value> {
    let class = c.arg(0);
    let first = match class.as_ref() {
        Some(r) => r.try_with::<Class, _>(&c.held, |k| k.bases.first().cloned()).flatten(),
        None => None,
    };
    Ok(first.map_or(Value::None, Value::Obj))
}

fn repr(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let t = c.base_repr(&v)?;
    Ok(c.string(t))
}

fn str_(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let t = c.base_str(&v)?;
    Ok(c.string(t))
}

fn format(c: &mut Call) -> Res<Value> {
    let (v, spec) = (c.arg(0), c.arg(1));
    let Some(spec) = text(&spec) else {
        let got = super::shown_type(c, &spec);
        return Err(c.type_error(format!("__format__() argument must be str, not {got}")));
    };
    let t = c.base_format(&v, spec)?;
    Ok(c.string(t))
}

fn hash(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    Ok(Value::Int(c.base_hash(&v)?))
}

macro_rules! compares {
    ($($name:ident $op:ident)*) => {$(
        fn $name(c: &mut Call) -> Res<Value> {
            let (a, b) = (c.arg(0), c.arg(1));
            // An int leaves a float to the float.
            if int_of(&a).is_some() && float_of(&b).is_some() {
                return Ok(super::not_implemented(c));
            }
            match c.base_compare(CmpOp::$op, &a, &b)? {
                Some(v) => Ok(v),
                None if a.same(&b) && matches!(CmpOp::$op, CmpOp::Eq | CmpOp::Ne) => {
                    Ok(Value::bool(CmpOp::$op == CmpOp::Eq))
                }
                None => Ok(super::not_implemented(c)),
            }
        }
    )*};
}
compares! { eq Eq ne Ne lt Lt le Le gt Gt ge Ge }

fn init(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let given = c.count() > 1 || !c.kwargs().is_empty();
    if given && v.as_ref().is_some_and(|r| r.kind() == Kind::Instance) {
        return Err(c.type_error("object.__init__() takes exactly one argument (the instance to initialize)"));
    }
    Ok(Value::None)
}

fn new(c: &mut Call) -> Res<Value> {
    let class = c.arg(0);
    let Some(class) = class.as_ref().filter(|r| r.is::<Class>()).cloned() else {
        let got = c.type_name(&class);
        return Err(c.type_error(format!("object.__new__(X): X is not a type object ({got})")));
    };
    if c.derives_value(&class) {
        let (args, kwargs) = (c.rest(), c.kwargs());
        return c.new_value(&class, &args, &kwargs);
    }
    if c.type_id(&class).is_some_and(|t| t != TypeId::Object && t.kind() != Kind::Exception) {
        let (args, kwargs) = (c.rest(), c.kwargs());
        return c.call_kw(&class.into(), &args, &kwargs);
    }
    if class.with::<Class, _>(&c.held, |k| k.instances) == Kind::Exception {
        let args = c.rest();
        let v = c.new_exception_of(&class, &args)?;
        if let Value::Obj(r) = &v {
            c.fill_exception(r, args);
        }
        return Ok(v);
    }
    c.new_object(&class)
}

fn init_subclass(c: &mut Call) -> Res<Value> {
    if c.kwargs().is_empty() {
        return Ok(Value::None);
    }
    let this = c.arg(0);
    let class = match &this {
        Value::Obj(r) if r.is::<Class>() => c.class_name(r).text(),
        _ => "object",
    };
    Err(c.type_error(format!("{class}.__init_subclass__() takes no keyword arguments")))
}

fn setattr(c: &mut Call) -> Res<Value> {
    let n = name_arg(c)?;
    let (v, to) = (c.arg(0), c.arg(2));
    c.set_attr_plain(&v, n, to)?;
    Ok(Value::None)
}

fn delattr(c: &mut Call) -> Res<Value> {
    let n = name_arg(c)?;
    let v = c.arg(0);
    c.del_attr_plain(&v, n)?;
    Ok(Value::None)
}

fn getattribute(c: &mut Call) -> Res<Value> {
    let n = name_arg(c)?;
    let v = c.arg(0);
    c.get_attr_plain(&v, n)
}

fn subclasses(c: &mut Call) -> Res<Value> {
    let class = c.arg(0);
    let mut found = Vec::new();
    if let Some(class) = class.as_ref() {
        let mut all = Vec::new();
        let heap = &c.interp.heap;
        c.held.alone(|alone| {
            heap.for_each(alone, |r| {
                if r.is::<Class>() {
                    all.push(r.clone());
                }
            });
        });
        let derives = |r: &Ref| r.with::<Class, _>(&c.held, |k| k.from_script && k.bases.iter().any(|b| b.same(class)));
        found = all.into_iter().filter(derives).map(Value::Obj).collect();
    }
    Ok(c.list(found))
}

fn dir(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let mut names = attribute_names(c, &v)?;
    names.sort();
    names.dedup();
    Ok(super::strings(c, names))
}

fn sizeof(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    Ok(Value::Int(crate::stdlib::sys::size_of_value(c, &v)))
}

fn getstate(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let Value::Obj(r) = &v else { return Ok(Value::None) };
    let own = c.instance_items(r);
    if own.is_empty() {
        return Ok(Value::None);
    }
    // What lies in slots of the class is told apart from the rest.
    let class = c.type_of(&v);
    let mut all = Vec::new();
    for (n, v) in own {
        let slot = c.lookup(&class, n).is_some_and(|m| m.as_ref().is_some_and(|m| m.shape() == TypeId::Member.shape()));
        all.push((slot, n, v));
    }
    let part = |wanted: bool| {
        let of = all.iter().filter(move |(slot, ..)| *slot == wanted);
        of.map(|(_, n, v)| (*n, v.clone())).collect::<Vec<_>>()
    };
    let (slots, rest) = (part(true), part(false));
    let rest = if rest.is_empty() { Value::None } else { c.names_dict(rest) };
    if slots.is_empty() {
        return Ok(rest);
    }
    let slots = c.names_dict(slots);
    Ok(c.tuple(vec![rest, slots]))
}

/// What the library's `copyreg` says of an object.
fn reduce_by(c: &mut Call, protocol: Value) -> Res<Value> {
    let v = c.arg(0);
    let module = c.import("copyreg", true)?;
    c.call_method(&module, Name::of("_reduce"), &[v, protocol])
}

fn reduce(c: &mut Call) -> Res<Value> {
    reduce_by(c, Value::Int(0))
}

fn reduce_ex(c: &mut Call) -> Res<Value> {
    let (v, protocol) = (c.arg(0), c.arg(1));
    c.index(&protocol)?;
    if let Some(said) = c.special(&v, Name::of("__reduce__"), &[])? {
        return Ok(said);
    }
    if let Some(f) = c.lookup_special(&v, Name::of("__reduce__"))
        && f.as_ref()
            .and_then(|f| f.get::<Native>())
            .is_some_and(|n| c.interp.natives[n.row as usize].module != "object")
    {
        return c.call(&f, &[v]);
    }
    reduce_by(c, protocol)
}

fn subclasshook(c: &mut Call) -> Res<Value> {
    Ok(super::not_implemented(c))
}

fn instancecheck(c: &mut Call) -> Res<Value> {
    let (class, v) = (c.arg(0), c.arg(1));
    let of = c.type_of(&v);
    Ok(Value::bool(class.as_ref().is_some_and(|class| c.is_subclass(&of, class))))
}

fn subclasscheck(c: &mut Call) -> Res<Value> {
    let (class, v) = (c.arg(0), c.arg(1));
    let Some(of) = v.as_ref().filter(|r| r.is::<Class>()) else {
        return Err(c.type_error("issubclass() arg 1 must be a class"));
    };
    Ok(Value::bool(class.as_ref().is_some_and(|class| c.is_subclass(of, class))))
}

fn prepare(c: &mut Call) -> Res<Value> {
    Ok(c.dict().into())
}

fn mro(c: &mut Call) -> Res<Value> {
    let class = c.arg(0);
    let order = match class.as_ref() {
        Some(r) => r.try_with::<Class, _>(&c.held, |k| k.mro.clone()).unwrap_or_default(),
        None => Vec::new(),
    };
    let all = std::iter::once(class).chain(order.into_iter().map(Value::Obj)).collect();
    Ok(c.list(all))
}

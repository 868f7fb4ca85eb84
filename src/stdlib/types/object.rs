//! Methods of object and type.

use crate::natives;
use crate::object::class::Class;
use crate::object::{Kind, Ref, TypeId, Value};
use crate::stdlib::builtins::attributes::name_arg;
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
}

natives! { pub TYPE, method "type";
    /// The order in which attributes are looked up: the class and those it derives from.
    holds mro("") = mro;
    /// The classes that derive from it directly.
    holds __subclasses__("") = subclasses;
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

fn mro(c: &mut Call) -> Res<Value> {
    let class = c.arg(0);
    let order = match class.as_ref() {
        Some(r) => r.try_with::<Class, _>(&c.held, |k| k.mro.clone()).unwrap_or_default(),
        None => Vec::new(),
    };
    let all = std::iter::once(class).chain(order.into_iter().map(Value::Obj)).collect();
    Ok(c.list(all))
}

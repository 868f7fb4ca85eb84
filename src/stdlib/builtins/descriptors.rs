//! Methods of `property` and of the members that `__slots__` makes.
//!
//! A property is a frozen descriptor that the interpreter knows. An object of a class derived from `property` is an
//! instance that has the functions as attributes; these rows are what it inherits.

use crate::natives;
use crate::object::types::{Descriptor, DescriptorKind};
use crate::object::{Name, Ref, TypeId, Value};
use crate::vm::make::text;
use crate::vm::{Call, Res};

natives! { pub PROPERTY, method "property";
    /// A copy of the property with another function to read it.
    holds getter("fget, /") = getter;
    /// A copy of the property with a function to set it: `@name.setter`.
    holds setter("fset, /") = setter;
    /// A copy of the property with a function to delete it: `@name.deleter`.
    holds deleter("fdel, /") = deleter;
    /// Keeps the functions.
    holds __init__("fget=None, fset=None, fdel=None, doc=None") = init;
    /// What reading the attribute of an object gives.
    holds __get__("instance, owner=None, /") = get;
    /// Sets the attribute of an object.
    holds __set__("instance, value, /") = set;
    /// Deletes the attribute of an object.
    holds __delete__("instance, /") = delete;
}

natives! { pub MEMBER, method "member_descriptor";
    /// What is in the slot of an object; the member itself for its class.
    holds __get__("instance, owner=None, /") = member_get;
    /// Fills the slot of an object.
    holds __set__("instance, value, /") = member_set;
    /// Empties the slot of an object.
    holds __delete__("instance, /") = member_delete;
}

const PARTS: [&str; 4] = ["fget", "fset", "fdel", "__doc__"];

/// A function of a property, or its doc.
fn part(c: &mut Call, this: &Value, i: usize) -> Res<Value> {
    if let Some(d) = this.as_ref().and_then(|r| r.get::<Descriptor>()) {
        return Ok([&d.get, &d.set, &d.delete, &d.doc][i].clone());
    }
    let own = this.as_ref().map(|r| c.instance_items(r)).unwrap_or_default();
    Ok(own.into_iter().find(|(n, _)| n.text() == PARTS[i]).map_or(Value::None, |(_, v)| v))
}

/// The copy with part `i` replaced: of the same class.
fn copy(c: &mut Call, i: usize) -> Res<Value> {
    let (this, function) = (c.arg(0), c.arg(1));
    let mut parts = Vec::new();
    for at in 0..PARTS.len() {
        parts.push(part(c, &this, at)?);
    }
    if !function.is_none() {
        parts[i] = function;
    }
    match this.as_ref().and_then(|r| r.get::<Descriptor>()) {
        Some(_) => {
            let [get, set, delete, doc] = parts.try_into().unwrap_or_default();
            let new = Descriptor { kind: DescriptorKind::Property, get, set, delete, doc };
            Ok(Ref::new(&c.held, TypeId::Property.shape(), new).into())
        }
        None => {
            let class = c.type_of(&this).into();
            c.call(&class, &parts)
        }
    }
}

fn getter(c: &mut Call) -> Res<Value> {
    copy(c, 0)
}
fn setter(c: &mut Call) -> Res<Value> {
    copy(c, 1)
}
fn deleter(c: &mut Call) -> Res<Value> {
    copy(c, 2)
}

fn init(c: &mut Call) -> Res<Value> {
    let Value::Obj(this) = c.arg(0) else { return Ok(Value::None) };
    if this.is::<Descriptor>() {
        return Err(c.type_error("Kit's properties keep the functions they were made with"));
    }
    for (i, n) in PARTS.iter().enumerate() {
        let mut v = c.opt(i + 1).unwrap_or(Value::None);
        if i == 3 && v.is_none() {
            let get = c.opt(1).unwrap_or(Value::None);
            v = if get.is_none() {
                Value::None
            } else {
                c.find_attr(&get, Name::of("__doc__"))?.unwrap_or(Value::None)
            };
        }
        c.set_slot(&this, Name::of(n), v);
    }
    Ok(Value::None)
}

/// The function of part `i`, or the AttributeError that there is none.
fn function(c: &mut Call, i: usize, what: &str) -> Res<Value> {
    let (this, instance) = (c.arg(0), c.arg(1));
    let f = part(c, &this, i)?;
    if !f.is_none() {
        return Ok(f);
    }
    let owner = c.type_name(&instance);
    let name = property_name(c, &this, &instance);
    let text = match name {
        Some(n) => format!("property '{n}' of '{owner}' object has no {what}"),
        None => format!("property of '{owner}' object has no {what}"),
    };
    Err(c.raise(TypeId::AttributeError, text))
}

/// Under which name the class of an object has the property.
fn property_name(c: &Call, this: &Value, instance: &Value) -> Option<Name> {
    use crate::object::class::Class;
    let class = c.type_of(instance);
    let line = std::iter::once(class.clone()).chain(class.with::<Class, _>(&c.held, |k| k.mro.clone()));
    line.into_iter()
        .find_map(|k| k.with::<Class, _>(&c.held, |k| k.names.iter().find(|(_, v)| v.same(this)).map(|(n, _)| n)))
}

fn get(c: &mut Call) -> Res<Value> {
    let instance = c.arg(1);
    if instance.is_none() {
        return Ok(c.arg(0));
    }
    let f = function(c, 0, "getter")?;
    c.call(&f, &[instance])
}

fn set(c: &mut Call) -> Res<Value> {
    let (instance, v) = (c.arg(1), c.arg(2));
    let f = function(c, 1, "setter")?;
    c.call(&f, &[instance, v])?;
    Ok(Value::None)
}

fn delete(c: &mut Call) -> Res<Value> {
    let instance = c.arg(1);
    let f = function(c, 2, "deleter")?;
    c.call(&f, &[instance])?;
    Ok(Value::None)
}

/// The slot's name, and the object if it has such a slot.
fn member(c: &mut Call) -> Res<(Name, Value)> {
    let (this, instance) = (c.arg(0), c.arg(1));
    let Some(d) = this.as_ref().and_then(|r| r.get::<Descriptor>()) else {
        return Err(c.type_error("a member is needed"));
    };
    let n = Name::of(text(&d.get).unwrap_or_default());
    let Some(class) = d.set.as_ref() else { return Ok((n, instance)) };
    let of = c.type_of(&instance);
    if c.is_subclass(&of, class) {
        return Ok((n, instance));
    }
    let (owner, got) = (c.class_name(class), c.type_name(&instance));
    Err(c.type_error(format!("descriptor '{n}' for '{owner}' objects doesn't apply to a '{got}' object")))
}

fn member_get(c: &mut Call) -> Res<Value> {
    if c.arg(1).is_none() {
        return Ok(c.arg(0));
    }
    let (n, instance) = member(c)?;
    c.get_attr_plain(&instance, n)
}

fn member_set(c: &mut Call) -> Res<Value> {
    let (n, instance) = member(c)?;
    let v = c.arg(2);
    c.set_attr_plain(&instance, n, v)?;
    Ok(Value::None)
}

fn member_delete(c: &mut Call) -> Res<Value> {
    let (n, instance) = member(c)?;
    c.del_attr_plain(&instance, n)?;
    Ok(Value::None)
}

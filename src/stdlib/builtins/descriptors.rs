//! Methods of `property`: decorators that add a function to it.

use crate::natives;
use crate::object::types::{Descriptor, DescriptorKind};
use crate::object::{Ref, TypeId, Value};
use crate::vm::{Call, Res};

natives! { pub PROPERTY, method "property";
    /// A copy of the property with another function to read it.
    holds getter("fget, /") = getter;
    /// A copy of the property with a function to set it: `@name.setter`.
    holds setter("fset, /") = setter;
    /// A copy of the property with a function to delete it: `@name.deleter`.
    holds deleter("fdel, /") = deleter;
}

fn copy(c: &mut Call, change: fn(&mut Descriptor, Value)) -> Res<Value> {
    let (this, function) = (c.arg(0), c.arg(1));
    let Some(old) = this.as_ref().and_then(|r| r.get::<Descriptor>()) else {
        return Err(c.type_error("a property is needed"));
    };
    let mut new = Descriptor {
        kind: DescriptorKind::Property,
        get: old.get.clone(),
        set: old.set.clone(),
        delete: old.delete.clone(),
        doc: old.doc.clone(),
    };
    change(&mut new, function);
    Ok(Ref::new(&c.held, TypeId::Property.shape(), new).into())
}

fn getter(c: &mut Call) -> Res<Value> {
    copy(c, |d, f| d.get = f)
}
fn setter(c: &mut Call) -> Res<Value> {
    copy(c, |d, f| d.set = f)
}
fn deleter(c: &mut Call) -> Res<Value> {
    copy(c, |d, f| d.delete = f)
}

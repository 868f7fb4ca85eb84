//! Subscripts: `obj[key]`, `obj[key] = v`, `del obj[key]`.

use super::scripted;
use crate::object::class::Class;
use crate::object::pure::int::IntRef;
use crate::object::pure::slice;
use crate::object::pure::text::char_at;
use crate::object::types::*;
use crate::object::{Kind, Name, Ref, TypeId, Value, name};
use crate::vm::make::int_of;
use crate::vm::{Raised, Res, Thread};

/// The class of what `list[int]` gives, in the library's `_generic`.
const GENERIC_ALIAS: &str = "GenericAlias";

/// Types that take arguments in brackets, with those derived from them.
const GENERIC_TYPES: &[TypeId] = &[
    TypeId::List,
    TypeId::Dict,
    TypeId::Tuple,
    TypeId::Set,
    TypeId::FrozenSet,
    TypeId::Enumerate,
    TypeId::BaseExceptionGroup,
];

/// Classes of the library that do.
const GENERIC_CLASSES: &[(&str, &str)] = &[
    ("collections", "deque"),
    ("collections", "ChainMap"),
    ("contextlib", "AbstractContextManager"),
    ("contextlib", "AbstractAsyncContextManager"),
    ("functools", "cached_property"),
    ("functools", "partial"),
    ("functools", "partialmethod"),
    ("itertools", "chain"),
    ("os", "PathLike"),
    ("os", "DirEntry"),
    ("queue", "Queue"),
    ("queue", "SimpleQueue"),
    ("re", "Match"),
    ("re", "Pattern"),
    ("types", "MappingProxyType"),
    ("weakref", "ref"),
];

impl Thread {
    /// `obj[key]`.
    #[inline]
    pub fn get_item(&mut self, obj: &Value, key: &Value) -> Res<Value> {
        if let Value::Obj(r) = obj
            && !scripted(obj)
        {
            if let Value::Int(i) = key {
                match r.kind() {
                    Kind::List => {
                        let found = r.with::<List, _>(&self.held, |l| {
                            slice::index(l.items.len(), *i).map(|at| l.items[at].clone())
                        });
                        if let Some(v) = found {
                            return Ok(v);
                        }
                    }
                    Kind::Tuple => {
                        let items = &r.frozen::<Tuple>().0;
                        if let Some(at) = slice::index(items.len(), *i) {
                            return Ok(items[at].clone());
                        }
                    }
                    _ => {}
                }
            }
            if r.kind() == Kind::Dict {
                return match self.dict_get(r, key)? {
                    Some(v) => Ok(v),
                    None => Err(self.key_error(key.clone())),
                };
            }
        }
        self.get_item_slow(obj, key)
    }

    #[inline(never)]
    fn get_item_slow(&mut self, obj: &Value, key: &Value) -> Res<Value> {
        if scripted(obj)
            && let Some(v) = self.special(obj, name::GETITEM, std::slice::from_ref(key))?
        {
            return Ok(v);
        }
        self.base_get_item(obj, key)
    }

    /// What the builtin type gives.
    pub fn base_get_item(&mut self, obj: &Value, key: &Value) -> Res<Value> {
        let Value::Obj(r) = obj else {
            return Err(self.not_subscriptable(obj));
        };
        if let Some(s) = key.as_ref().and_then(|k| k.get::<Slice>())
            && let Some(v) = self.get_slice(r, s)?
        {
            return Ok(v);
        }
        match r.kind() {
            Kind::Dict => self.dict_item(obj, r, key),
            Kind::List => {
                let i = self.position(key, "list indices must be integers or slices, not ")?;
                let found =
                    r.with::<List, _>(&self.held, |l| slice::index(l.items.len(), i).map(|at| l.items[at].clone()));
                found.ok_or_else(|| self.index_error("list index out of range"))
            }
            Kind::Tuple => {
                let i = self.position(key, "tuple indices must be integers or slices, not ")?;
                let items = &r.frozen::<Tuple>().0;
                match slice::index(items.len(), i) {
                    Some(at) => Ok(items[at].clone()),
                    None => Err(self.index_error("tuple index out of range")),
                }
            }
            Kind::Str => {
                let plain = int_of(key).is_some() || self.has_special(key, name::INDEX);
                if !plain {
                    let got = self.type_name(key);
                    return Err(self.type_error(format!("string indices must be integers, not '{got}'")));
                }
                let i = self.position(key, "")?;
                let s = r.frozen::<Str>();
                match char_at(&s.text, s.chars, i) {
                    Some(c) => Ok(self.str(c)),
                    None => Err(self.index_error("string index out of range")),
                }
            }
            Kind::Bytes => {
                let i = self.position(key, "byte indices must be integers or slices, not ")?;
                let b = &r.frozen::<Bytes>().0;
                match slice::index(b.len(), i) {
                    Some(at) => Ok(Value::Int(b[at] as i64)),
                    None => Err(self.index_error("index out of range")),
                }
            }
            Kind::ByteArray => {
                let i = self.position(key, "bytearray indices must be integers or slices, not ")?;
                let found = r.with::<ByteArray, _>(&self.held, |b| slice::index(b.0.len(), i).map(|at| b.0[at]));
                match found {
                    Some(b) => Ok(Value::Int(b as i64)),
                    None => Err(self.index_error("bytearray index out of range")),
                }
            }
            Kind::Range => self.range_item(r, key),
            Kind::LongRange => self.long_range_item(r, key),
            Kind::Deque => self.deque_get(r, key),
            Kind::Class => self.class_item(obj, r, key),
            _ => Err(self.not_subscriptable(obj)),
        }
    }

    fn range_item(&mut self, r: &Ref, key: &Value) -> Res<Value> {
        let outside = "range object index out of range";
        if int_of(key).is_some_and(|i| matches!(i, IntRef::Big(_))) {
            return Err(self.index_error(outside));
        }
        let i = self.position(key, "range indices must be integers or slices, not ")?;
        let x = *r.frozen::<Range>();
        match slice::index(x.len as usize, i) {
            Some(at) => Ok(Value::Int(slice::range_item(x.start, x.step, at as u64))),
            None => Err(self.index_error(outside)),
        }
    }

    /// `d[key]` of a dict, `__missing__` of a class derived from dict asked.
    fn dict_item(&mut self, obj: &Value, d: &Ref, key: &Value) -> Res<Value> {
        if let Some(v) = self.dict_get(d, key)? {
            return Ok(v);
        }
        if scripted(obj)
            && let Some(v) = self.special(obj, name::MISSING, std::slice::from_ref(key))?
        {
            return Ok(v);
        }
        Err(self.key_error(key.clone()))
    }

    /// `list[int]`: a class that takes arguments, with them. A script class may say what it gives.
    fn class_item(&mut self, obj: &Value, class: &Ref, key: &Value) -> Res<Value> {
        if let Some(f) = self.lookup(class, Name::of("__class_getitem__")) {
            let f = match &f {
                Value::Obj(r) => r.get::<Descriptor>().map_or(f.clone(), |d| d.get.clone()),
                _ => f,
            };
            return self.call(&f, &[obj.clone(), key.clone()]);
        }
        if self.is_generic(class) {
            let module = self.import("_generic", true)?;
            return self.call_method(&module, Name::of(GENERIC_ALIAS), &[obj.clone(), key.clone()]);
        }
        let name = self.class_name(class);
        Err(self.type_error(format!("type '{name}' is not subscriptable")))
    }

    /// Does the class take arguments in brackets?
    fn is_generic(&self, class: &Ref) -> bool {
        if self.type_id(class) == Some(TypeId::Type) {
            return true;
        }
        let of = |t: &TypeId| self.is_subclass(class, self.interp.class(&self.held, *t));
        let (module, name) = class.with::<Class, _>(&self.held, |c| (c.module, c.name));
        GENERIC_TYPES.iter().any(of) || GENERIC_CLASSES.contains(&(module.text(), name.text()))
    }

    /// Is it what `list[int]` gives?
    pub fn is_generic_alias(&self, v: &Value) -> bool {
        let Value::Obj(r) = v else { return false };
        r.kind() == Kind::Instance && {
            let class = self.class_of(r);
            class.with::<Class, _>(&self.held, |c| c.name.text() == GENERIC_ALIAS && c.module.text() == "types")
        }
    }

    #[cold]
    fn not_subscriptable(&mut self, obj: &Value) -> Raised {
        let name = self.type_name(obj);
        self.type_error(format!("'{name}' object is not subscriptable"))
    }

    /// A subscript as a number; what does not fit 64 bits is an IndexError.
    #[inline]
    fn position(&mut self, key: &Value, wrong: &str) -> Res<i64> {
        if let Value::Int(i) = key {
            return Ok(*i);
        }
        if let Some(i) = int_of(key) {
            return match i.to_i64() {
                Some(i) => Ok(i),
                None => Err(self.does_not_fit(key, TypeId::IndexError)),
            };
        }
        match self.try_index(key)? {
            Some(i) => match i.borrow().to_i64() {
                Some(i) => Ok(i),
                None => Err(self.does_not_fit(key, TypeId::IndexError)),
            },
            None => {
                let got = self.type_name(key);
                Err(self.type_error(format!("{wrong}{got}")))
            }
        }
    }

    /// `obj[key] = v`.
    #[inline]
    pub fn set_item(&mut self, obj: &Value, key: &Value, v: Value) -> Res<()> {
        if let Value::Obj(r) = obj
            && !scripted(obj)
        {
            match (r.kind(), key) {
                (Kind::List, Value::Int(i)) => {
                    let old = r.with::<List, _>(&self.held, |l| match slice::index(l.items.len(), *i) {
                        Some(at) => Some(std::mem::replace(&mut l.items[at], v)),
                        None => None,
                    });
                    return match old {
                        Some(_) => Ok(()),
                        None => Err(self.index_error("list assignment index out of range")),
                    };
                }
                (Kind::Dict, _) => return self.dict_set(r, key.clone(), v),
                _ => {}
            }
        }
        self.set_item_slow(obj, key, v)
    }

    #[inline(never)]
    fn set_item_slow(&mut self, obj: &Value, key: &Value, v: Value) -> Res<()> {
        if scripted(obj) && self.special(obj, name::SETITEM, &[key.clone(), v.clone()])?.is_some() {
            return Ok(());
        }
        self.base_set_item(obj, key, v)
    }

    /// What the builtin type does.
    pub fn base_set_item(&mut self, obj: &Value, key: &Value, v: Value) -> Res<()> {
        if let Value::Obj(r) = obj {
            let slice = key.as_ref().and_then(|k| k.get::<Slice>());
            match (r.kind(), slice) {
                (Kind::Dict, _) => return self.dict_set(r, key.clone(), v),
                (Kind::List, Some(s)) => return self.set_list_slice(r, s, &v),
                (Kind::ByteArray, Some(s)) => return self.set_bytes_slice(r, s, &v),
                (Kind::Deque, _) => return self.deque_set(r, key, v),
                (Kind::List, None) => {
                    let i = self.position(key, "list indices must be integers or slices, not ")?;
                    let old = r.with::<List, _>(&self.held, |l| {
                        let at = slice::index(l.items.len(), i)?;
                        Some(std::mem::replace(&mut l.items[at], v))
                    });
                    return match old {
                        Some(_) => Ok(()),
                        None => Err(self.index_error("list assignment index out of range")),
                    };
                }
                (Kind::ByteArray, None) => {
                    let i = self.position(key, "bytearray indices must be integers or slices, not ")?;
                    let byte = self.byte(&v, "byte must be in range(0, 256)")?;
                    let done =
                        r.with::<ByteArray, _>(&self.held, |b| slice::index(b.0.len(), i).map(|at| b.0[at] = byte));
                    return done.ok_or_else(|| self.index_error("bytearray index out of range"));
                }
                _ => {}
            }
        }
        let name = self.type_name(obj);
        Err(self.type_error(format!("'{name}' object does not support item assignment")))
    }

    /// `del obj[key]`.
    pub fn del_item(&mut self, obj: &Value, key: &Value) -> Res<()> {
        if scripted(obj) && self.special(obj, name::DELITEM, std::slice::from_ref(key))?.is_some() {
            return Ok(());
        }
        self.base_del_item(obj, key)
    }

    pub fn base_del_item(&mut self, obj: &Value, key: &Value) -> Res<()> {
        if let Value::Obj(r) = obj {
            let slice = key.as_ref().and_then(|k| k.get::<Slice>());
            match (r.kind(), slice) {
                (Kind::Dict, _) => {
                    return match self.dict_remove(r, key)? {
                        Some(_) => Ok(()),
                        None => Err(self.key_error(key.clone())),
                    };
                }
                (Kind::List | Kind::ByteArray, Some(s)) => return self.del_slice(r, s),
                (Kind::Deque, _) => return self.deque_delete(r, key),
                (Kind::List, None) => {
                    let i = self.position(key, "list indices must be integers or slices, not ")?;
                    let old =
                        r.with::<List, _>(&self.held, |l| slice::index(l.items.len(), i).map(|at| l.items.remove(at)));
                    return match old {
                        Some(_) => Ok(()),
                        None => Err(self.index_error("list assignment index out of range")),
                    };
                }
                (Kind::ByteArray, None) => {
                    let i = self.position(key, "bytearray indices must be integers or slices, not ")?;
                    let done =
                        r.with::<ByteArray, _>(&self.held, |b| slice::index(b.0.len(), i).map(|at| b.0.remove(at)));
                    return match done {
                        Some(_) => Ok(()),
                        None => Err(self.index_error("bytearray index out of range")),
                    };
                }
                _ => {}
            }
        }
        let name = self.type_name(obj);
        // A type that is no sequence in any way is told so in other words.
        let not = if obj.as_ref().is_some_and(|r| r.kind() != Kind::BigInt) { "doesn't" } else { "does not" };
        Err(self.type_error(format!("'{name}' object {not} support item deletion")))
    }
}

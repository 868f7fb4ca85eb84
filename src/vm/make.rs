//! Making objects of the builtin types, and looking into values.

use super::thread::{Res, Thread};
use crate::object::dict::Dict;
use crate::object::function::{Method, Native};
use crate::object::iter::Iter;
use crate::object::pure::int::{IntRef, IntVal};
use crate::object::types::*;
use crate::object::{Ref, TypeId, Value};

impl Thread {
    pub fn str(&mut self, text: &str) -> Value {
        let mut chars = text.chars();
        match (chars.next(), chars.next()) {
            (None, _) => self.interp.fixed(&self.held).empty_str.clone(),
            (Some(c), None) if (c as u32) < 256 => self.interp.fixed(&self.held).chars[c as usize].clone(),
            _ => Ref::new(&self.held, TypeId::Str.shape(), Str::new(text)).into(),
        }
    }
    pub fn string(&mut self, text: String) -> Value {
        if text.len() <= 2 { self.str(&text) } else { Ref::new(&self.held, TypeId::Str.shape(), Str::new(text)).into() }
    }
    pub fn bytes(&mut self, b: impl Into<Box<[u8]>>) -> Value {
        Ref::new(&self.held, TypeId::Bytes.shape(), Bytes(b.into(), Derived::default())).into()
    }
    pub fn bytearray(&mut self, b: Vec<u8>) -> Value {
        Ref::new(&self.held, TypeId::ByteArray.shape(), ByteArray(b)).into()
    }
    pub fn tuple(&mut self, items: Vec<Value>) -> Value {
        if items.is_empty()
            && let Some(f) = self.interp.fixed.get()
        {
            return f.get(&self.held).empty_tuple.clone();
        }
        Ref::new(&self.held, TypeId::Tuple.shape(), Tuple(items.into(), Derived::default())).into()
    }
    pub fn list(&mut self, items: Vec<Value>) -> Value {
        Ref::new(&self.held, TypeId::List.shape(), List { items, attrs: Attrs::default() }).into()
    }
    /// An empty dict; fill it with `dict_set`.
    pub fn dict(&mut self) -> Ref {
        Ref::new(&self.held, TypeId::Dict.shape(), Dict::default())
    }
    /// An empty set; fill it with `set_add`.
    pub fn set(&mut self) -> Ref {
        Ref::new(&self.held, TypeId::Set.shape(), Set::default())
    }
    pub fn int(&mut self, i: IntVal) -> Value {
        match i {
            IntVal::Small(i) => Value::Int(i),
            IntVal::Big(b) => Ref::new(&self.held, TypeId::Int.shape(), BigIntObj::new(b)).into(),
        }
    }
    pub fn method(&mut self, func: Value, this: Value) -> Value {
        Ref::new(&self.held, TypeId::Method.shape(), Method { func, this }).into()
    }
    /// A builtin function, bound to `this` unless it is `Unbound`.
    pub fn native(&mut self, row: u32, this: Value) -> Value {
        let t = if this.is_unbound() && self.interp.natives[row as usize].method {
            TypeId::MethodDescriptor
        } else {
            TypeId::Native
        };
        Ref::new(&self.held, t.shape(), Native { row, this }).into()
    }
    /// A builtin iterator of the type that its state implies.
    pub fn iterator(&mut self, state: Iter) -> Value {
        let t = match &state {
            Iter::Done | Iter::Sequence { .. } => TypeId::SequenceIterator,
            Iter::List { .. } => TypeId::ListIterator,
            Iter::Tuple { .. } => TypeId::TupleIterator,
            Iter::Str { .. } => TypeId::StrIterator,
            Iter::Bytes { .. } => TypeId::BytesIterator,
            Iter::Range { .. } => TypeId::RangeIterator,
            Iter::LongRange(_) => TypeId::LongRangeIterator,
            Iter::Deque { reversed: false, .. } => TypeId::DequeIterator,
            Iter::Deque { reversed: true, .. } => TypeId::DequeReverseIterator,
            Iter::Tool(tool) => tool.type_id(),
            Iter::Dict { part: Part::Keys, .. } => TypeId::DictKeyIterator,
            Iter::Dict { part: Part::Values, .. } => TypeId::DictValueIterator,
            Iter::Dict { part: Part::Items, .. } => TypeId::DictItemIterator,
            Iter::Set { .. } => TypeId::SetIterator,
            Iter::Enumerate { .. } => TypeId::Enumerate,
            Iter::Zip { .. } => TypeId::Zip,
            Iter::Map { .. } => TypeId::Map,
            Iter::Filter { .. } => TypeId::Filter,
            Iter::Reversed { .. } => TypeId::Reversed,
            Iter::Calls { .. } => TypeId::CallableIterator,
        };
        Ref::new(&self.held, t.shape(), state).into()
    }

    /// The text of a str value.
    pub fn expect_str<'v>(&mut self, v: &'v Value, what: &str) -> Res<&'v str> {
        match text(v) {
            Some(t) => Ok(t),
            None => {
                let got = if v.is_none() { "None" } else { self.type_name(v) };
                Err(self.type_error(format!("{what} must be str, not {got}")))
            }
        }
    }
}

/// The text, if the value is a str.
#[inline]
pub fn text(v: &Value) -> Option<&str> {
    match v {
        Value::Obj(r) => r.get::<Str>().map(|s| &*s.text),
        _ => None,
    }
}

/// The str payload, if the value is one.
pub fn str_of(v: &Value) -> Option<&Str> {
    v.as_ref().and_then(|r| r.get::<Str>())
}

/// The items, if the value is a tuple.
pub fn tuple_items(v: &Value) -> Option<&[Value]> {
    v.as_ref().and_then(|r| r.get::<Tuple>()).map(|t| &*t.0)
}

/// The number, if the value is an int or a bool (`bool` is an `int`).
pub fn int_of(v: &Value) -> Option<IntRef<'_>> {
    match v {
        Value::Int(i) => Some(IntRef::Small(*i)),
        Value::Bool(b) => Some(IntRef::Small(*b as i64)),
        Value::Obj(r) => r.get::<BigIntObj>().map(BigIntObj::int),
        _ => None,
    }
}

/// The number, if the value is a float.
pub fn float_of(v: &Value) -> Option<f64> {
    match v {
        Value::Float(b) => Some(b.get()),
        Value::Obj(r) => r.get::<FloatObj>().map(|x| x.x),
        _ => None,
    }
}

//! `hash()`.

use super::scripted;
use crate::object::class::Class;
use crate::object::function::{Method, Native};
use crate::object::pure::hash as pure;
use crate::object::pure::int::IntRef;
use crate::object::types::{Bytes, FloatObj, FrozenSet, Part, Range, Str, Tuple, View};
use crate::object::{Kind, Ref, TypeId, Value, name};
use crate::vm::make::int_of;
use crate::vm::{Res, Thread};
use std::sync::atomic::Ordering::Relaxed;

/// CPython's is the address of None.
const HASH_OF_NONE: i64 = 0xfca8_6420;

impl Thread {
    /// `hash(v)`; TypeError when it has none.
    #[inline]
    pub fn hash(&mut self, v: &Value) -> Res<i64> {
        match v {
            Value::Int(i) => Ok(pure::small_int(*i)),
            Value::Obj(r) if r.shape() == TypeId::Str.shape() => Ok(r.frozen::<Str>().hash()),
            Value::Obj(_) => self.hash_object(v),
            Value::Bool(b) => Ok(*b as i64),
            Value::Float(x) => {
                // All NaNs of one bit pattern are one object here, so the bits are their identity.
                Ok(pure::float(x.get()).unwrap_or_else(|| pure::address(x.0)))
            }
            Value::None | Value::Unbound => Ok(HASH_OF_NONE),
        }
    }

    #[inline(never)]
    fn hash_object(&mut self, v: &Value) -> Res<i64> {
        if scripted(v) {
            if self.loses_hash(v) {
                return Err(self.unhashable(v));
            }
            if let Some(h) = self.special(v, name::HASH, &[])? {
                return match int_of(&h) {
                    // As it is, where it fits; -1 is not a hash.
                    Some(IntRef::Small(i)) => Ok(if i == -1 { -2 } else { i }),
                    Some(i) => Ok(pure::int(i)),
                    None => Err(self.type_error("__hash__ method should return an integer")),
                };
            }
        }
        self.base_hash(v)
    }

    /// A script class that defines `__eq__` and not `__hash__`, or sets it to None, has no hash.
    fn loses_hash(&mut self, v: &Value) -> bool {
        let none = matches!(self.lookup_special(v, name::HASH), Some(Value::None));
        if none || !self.has_special(v, name::EQ) {
            return none;
        }
        let class = self.type_of(v);
        let mut order = vec![class.clone()];
        class.with::<Class, _>(&self.held, |c| order.extend(c.mro.iter().cloned()));
        for c in order {
            let found = c.with::<Class, _>(&self.held, |c| {
                if !c.from_script {
                    return Some(false);
                }
                match c.names.get(name::HASH) {
                    Some(h) => Some(h.is_none()),
                    None => c.names.get(name::EQ).map(|_| true),
                }
            });
            if let Some(lost) = found {
                return lost;
            }
        }
        false
    }

    #[cold]
    fn unhashable(&mut self, v: &Value) -> crate::vm::Raised {
        let name = self.type_name(v);
        self.type_error(format!("unhashable type: '{name}'"))
    }

    /// The hash that the builtin type gives.
    pub fn base_hash(&mut self, v: &Value) -> Res<i64> {
        let Value::Obj(r) = v else {
            return self.hash(v);
        };
        Ok(match r.kind() {
            Kind::Str => r.frozen::<Str>().hash(),
            Kind::Float => {
                let x = r.frozen::<FloatObj>().x;
                pure::float(x).unwrap_or_else(|| pure::address(r.address() as u64))
            }
            Kind::BigInt => int_of(v).map_or(0, pure::int),
            Kind::Bytes => pure::bytes(&r.frozen::<Bytes>().0),
            Kind::Tuple => return self.guarded("", |th| th.hash_tuple(r)),
            Kind::FrozenSet => hash_frozenset(r.frozen::<FrozenSet>()),
            Kind::Range => {
                let Range { start, step, len, .. } = *r.frozen::<Range>();
                // Equal ranges are equal sequences, whatever their bounds and steps were.
                let none = (HASH_OF_NONE, HASH_OF_NONE);
                let (start, step) = match len {
                    0 => none,
                    1 => (pure::small_int(start), HASH_OF_NONE),
                    _ => (pure::small_int(start), pure::small_int(step)),
                };
                pure::tuple([pure::small_int(len), start, step])
            }
            Kind::LongRange => self.hash_long_range(r)?,
            Kind::List | Kind::Deque | Kind::Dict | Kind::Set | Kind::ByteArray | Kind::Slice | Kind::Cell => {
                return Err(self.unhashable(v));
            }
            Kind::View if r.frozen::<View>().part != Part::Values => {
                return Err(self.unhashable(v));
            }
            Kind::Method => {
                let m = r.frozen::<Method>();
                identity(&m.this) ^ identity(&m.func).rotate_left(7)
            }
            Kind::Native => {
                let n = r.frozen::<Native>();
                identity(&n.this) ^ pure::small_int(n.row as i64)
            }
            _ => pure::address(r.address() as u64),
        })
    }

    fn hash_tuple(&mut self, r: &Ref) -> Res<i64> {
        let items = &r.frozen::<Tuple>().0;
        // Most tuples are short: no allocation for their hashes.
        let mut few = [0i64; 8];
        if items.len() <= few.len() {
            for (h, v) in few.iter_mut().zip(items.iter()) {
                *h = self.hash(v)?;
            }
            return Ok(pure::tuple(few[..items.len()].iter().copied()));
        }
        let mut hashes = Vec::with_capacity(items.len());
        for v in items.iter() {
            hashes.push(self.hash(v)?);
        }
        Ok(pure::tuple(hashes))
    }
}

/// By identity, of whatever a method is bound to.
fn identity(v: &Value) -> i64 {
    match v {
        Value::Obj(r) => pure::address(r.address() as u64),
        Value::Int(i) => pure::small_int(*i),
        Value::Float(x) => x.0 as i64,
        Value::Bool(b) => *b as i64,
        _ => HASH_OF_NONE,
    }
}

fn hash_frozenset(s: &FrozenSet) -> i64 {
    let known = s.hash.load(Relaxed);
    if known != 0 {
        return known as i64;
    }
    let h = pure::frozenset(s.table.hashed().map(|(h, _)| h));
    s.hash.store(h as u64, Relaxed);
    h
}

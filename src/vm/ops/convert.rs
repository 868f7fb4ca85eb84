//! Truth, length, and conversions to numbers and bytes.

use super::scripted;
use crate::object::deque::Deque;
use crate::object::pure::int::{IntRef, IntVal};
use crate::object::pure::{float, int};
use crate::object::types::*;
use crate::object::{Kind, Ref, TypeId, Value, name};
use crate::vm::make::{float_of, int_of, text};
use crate::vm::{Raised, Res, Thread};

impl Thread {
    /// `bool(v)`.
    #[inline]
    pub fn truth(&mut self, v: &Value) -> Res<bool> {
        match v {
            Value::Bool(b) => Ok(*b != 0),
            Value::Int(i) => Ok(*i != 0),
            Value::None | Value::Unbound => Ok(false),
            Value::Float(x) => Ok(x.get() != 0.0),
            Value::Obj(r) => self.truth_of_object(v, r),
        }
    }

    #[inline(never)]
    fn truth_of_object(&mut self, v: &Value, r: &Ref) -> Res<bool> {
        if scripted(v) {
            if let Some(answer) = self.special(v, name::BOOL, &[])? {
                return match answer {
                    Value::Bool(b) => Ok(b != 0),
                    other => {
                        let got = self.type_name(&other);
                        Err(self.type_error(format!("__bool__ should return bool, returned {got}")))
                    }
                };
            }
            if let Some(n) = self.special(v, name::LEN, &[])? {
                return Ok(self.length_answer(n)? != 0);
            }
        }
        if let Some(i) = int_of(v) {
            return Ok(!matches!(i, IntRef::Small(0)));
        }
        if let Some(x) = float_of(v) {
            return Ok(x != 0.0);
        }
        Ok(self.base_length(r).is_none_or(|n| n != 0))
    }

    /// `len(v)`.
    #[inline]
    pub fn length(&mut self, v: &Value) -> Res<usize> {
        if let Value::Obj(r) = v {
            if scripted(v)
                && let Some(n) = self.special(v, name::LEN, &[])?
            {
                return self.length_answer(n);
            }
            if let Some(n) = self.base_length(r) {
                return Ok(n);
            }
            if r.kind() == Kind::LongRange {
                return Err(self.raise(TypeId::OverflowError, "Python int too large to convert to C ssize_t"));
            }
        }
        let name = self.type_name(v);
        Err(self.type_error(format!("object of type '{name}' has no len()")))
    }

    /// The length that the builtin type of an object gives; `None` when it has none.
    pub fn base_length(&self, r: &Ref) -> Option<usize> {
        Some(match r.kind() {
            Kind::Str => r.frozen::<Str>().chars,
            Kind::List => r.with::<List, _>(&self.held, |l| l.items.len()),
            Kind::Dict => self.dict_len(r),
            Kind::Tuple => r.frozen::<Tuple>().0.len(),
            Kind::Set | Kind::FrozenSet => self.set_len(r),
            Kind::Bytes => r.frozen::<Bytes>().0.len(),
            Kind::ByteArray => r.with::<ByteArray, _>(&self.held, |b| b.0.len()),
            Kind::Range => r.frozen::<Range>().len as usize,
            Kind::LongRange => {
                usize::try_from(&r.frozen::<LongRange>().len).ok().filter(|n| *n <= i64::MAX as usize)?
            }
            Kind::Deque => r.with::<Deque, _>(&self.held, |d| d.items.len()),
            Kind::View => self.dict_len(&r.frozen::<View>().dict),
            _ => return None,
        })
    }

    fn length_answer(&mut self, n: Value) -> Res<usize> {
        let n = self.index(&n)?;
        usize::try_from(n).map_err(|_| self.value_error("__len__() should return >= 0"))
    }

    /// An index or count, through `__index__`.
    #[inline]
    pub fn index(&mut self, v: &Value) -> Res<i64> {
        match v {
            Value::Int(i) => Ok(*i),
            Value::Bool(b) => Ok(*b as i64),
            _ => match self.index_int(v)? {
                IntVal::Small(i) => Ok(i),
                IntVal::Big(_) => Err(self.does_not_fit(v, TypeId::OverflowError)),
            },
        }
    }

    #[cold]
    pub(super) fn does_not_fit(&mut self, v: &Value, error: TypeId) -> Raised {
        let name = self.type_name(v);
        self.raise(error, format!("cannot fit '{name}' into an index-sized integer"))
    }

    /// The int that `__index__` gives.
    pub fn index_int(&mut self, v: &Value) -> Res<IntVal> {
        match self.try_index(v)? {
            Some(i) => Ok(i),
            None => Err(self.no_index(v)),
        }
    }

    #[cold]
    fn no_index(&mut self, v: &Value) -> Raised {
        let name = self.type_name(v);
        self.type_error(format!("'{name}' object cannot be interpreted as an integer"))
    }

    /// The same, or `None` for what is no index at all.
    pub fn try_index(&mut self, v: &Value) -> Res<Option<IntVal>> {
        if let Some(i) = int_of(v) {
            return Ok(Some(i.to_val()));
        }
        self.int_method(v, name::INDEX, "__index__")
    }

    /// A script method that must return an int.
    fn int_method(&mut self, v: &Value, method: crate::object::Name, shown: &str) -> Res<Option<IntVal>> {
        if !scripted(v) {
            return Ok(None);
        }
        let Some(answer) = self.special(v, method, &[])? else {
            return Ok(None);
        };
        match int_of(&answer) {
            Some(i) => Ok(Some(i.to_val())),
            None => {
                let got = self.type_name(&answer);
                Err(self.type_error(format!("{shown} returned non-int (type {got})")))
            }
        }
    }

    /// An index that is pinned into 64 bits, as slices and `find` take it.
    pub fn clamped(&mut self, v: &Value) -> Res<i64> {
        match self.try_index(v)? {
            Some(i) => Ok(i.borrow().clamp_i64()),
            None => Err(self.type_error("slice indices must be integers or None or have an __index__ method")),
        }
    }

    /// A float from a number: what the functions of `math` take.
    pub fn to_float(&mut self, v: &Value) -> Res<f64> {
        match self.try_float(v)? {
            Some(x) => Ok(x),
            None => {
                let name = self.type_name(v);
                Err(self.type_error(format!("must be real number, not {name}")))
            }
        }
    }

    /// The float of a number; `None` for what is no number.
    pub fn try_float(&mut self, v: &Value) -> Res<Option<f64>> {
        if let Some(x) = float_of(v) {
            return Ok(Some(x));
        }
        if let Some(i) = int_of(v) {
            let x = int::to_float(i);
            return self.pure(x).map(Some);
        }
        if !scripted(v) {
            return Ok(None);
        }
        if let Some(answer) = self.special(v, name::FLOAT, &[])? {
            return match float_of(&answer) {
                Some(x) => Ok(Some(x)),
                None => {
                    let (of, got) = (self.type_name(v), self.type_name(&answer));
                    let text = format!("{of}.__float__ returned non-float (type {got})");
                    Err(self.type_error(text))
                }
            };
        }
        match self.int_method(v, name::INDEX, "__index__")? {
            Some(i) => {
                let x = int::to_float(i.borrow());
                self.pure(x).map(Some)
            }
            None => Ok(None),
        }
    }

    /// `float(v)`: also from text.
    pub fn parse_float(&mut self, v: &Value) -> Res<f64> {
        if let Some(t) = text(v) {
            let x = float::parse(t);
            return self.pure(x);
        }
        if let Some(b) = self.bytes_like(v) {
            let t = String::from_utf8_lossy(&b).into_owned();
            return match float::parse(&t) {
                Ok(x) => Ok(x),
                Err(_) => {
                    let shown = self.repr(v)?;
                    Err(self.value_error(format!("could not convert string to float: {shown}")))
                }
            };
        }
        match self.try_float(v)? {
            Some(x) => Ok(x),
            None => {
                let name = self.type_name(v);
                Err(self.type_error(format!("float() argument must be a string or a real number, not '{name}'")))
            }
        }
    }

    /// `int(v)`.
    pub fn to_int(&mut self, v: &Value) -> Res<Value> {
        let i = self.int_val_of(v)?;
        Ok(self.int(i))
    }

    fn int_val_of(&mut self, v: &Value) -> Res<IntVal> {
        if let Some(i) = int_of(v) {
            return Ok(i.to_val());
        }
        if let Some(x) = float_of(v) {
            let i = int::from_float(x);
            return self.pure(i);
        }
        if text(v).is_some() || self.bytes_like(v).is_some() {
            return self.parse_int(v, 10);
        }
        for (method, shown) in [(name::INT, "__int__"), (name::INDEX, "__index__"), (name::TRUNC, "__trunc__")] {
            if let Some(i) = self.int_method(v, method, shown)? {
                return Ok(i);
            }
        }
        let name = self.type_name(v);
        Err(self
            .type_error(format!("int() argument must be a string, a bytes-like object or a real number, not '{name}'")))
    }

    /// `int(text, base)`.
    pub fn parse_int(&mut self, v: &Value, base: i64) -> Res<IntVal> {
        if let Some(t) = text(v) {
            let i = int::parse(t, base, self.max_str_digits());
            return self.pure(i);
        }
        let Some(b) = self.bytes_like(v) else {
            return Err(self.type_error("int() can't convert non-string with explicit base"));
        };
        match std::str::from_utf8(&b).ok().map(|t| int::parse(t, base, self.max_str_digits())) {
            Some(Ok(i)) => Ok(i),
            _ => {
                // A bytearray is shown as bytes.
                let b = self.bytes(b);
                let shown = self.repr(&b)?;
                Err(self.value_error(format!("invalid literal for int() with base {base}: {shown}")))
            }
        }
    }

    /// The most digits that an int may have as decimal text; 0: any number.
    pub fn max_str_digits(&self) -> usize {
        self.interp.int_max_str_digits.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// MemoryError where so many bytes are not to be had.
    pub fn room(&mut self, bytes: usize) -> Res<()> {
        self.pure(crate::object::pure::room(bytes))
    }

    /// The same for a row of values.
    pub fn room_for(&mut self, items: usize) -> Res<()> {
        self.room(items.saturating_mul(size_of::<Value>()))
    }

    /// A duration in seconds: what `sleep` and timeouts take.
    pub fn seconds(&mut self, v: &Value) -> Res<f64> {
        match v {
            Value::Int(i) => Ok(*i as f64),
            _ if float_of(v).is_some_and(f64::is_nan) => Err(self.value_error("Invalid value NaN (not a number)")),
            _ if float_of(v).is_some() => Ok(float_of(v).unwrap_or_default()),
            _ => match self.try_index(v)? {
                Some(i) => {
                    let x = int::to_float(i.borrow());
                    self.pure(x)
                }
                None => match self.try_float(v)? {
                    Some(x) => Ok(x),
                    None => Err(self.no_index(v)),
                },
            },
        }
    }

    /// A copy of the bytes, if the value is bytes or a bytearray.
    pub fn bytes_like(&self, v: &Value) -> Option<Vec<u8>> {
        v.as_ref().filter(|r| matches!(r.kind(), Kind::Bytes | Kind::ByteArray)).map(|r| self.bytes_copy(r))
    }

    /// A copy of the bytes of a bytes object or bytearray.
    pub(super) fn bytes_copy(&self, r: &Ref) -> Vec<u8> {
        match r.get::<Bytes>() {
            Some(b) => b.0.to_vec(),
            None => r.try_with::<ByteArray, _>(&self.held, |b| b.0.clone()).unwrap_or_default(),
        }
    }

    /// The bytes of a bytes-like object.
    pub fn to_bytes(&mut self, v: &Value) -> Res<Vec<u8>> {
        match self.bytes_like(v) {
            Some(b) => Ok(b),
            None => {
                let name = self.type_name(v);
                Err(self.type_error(format!("a bytes-like object is required, not '{name}'")))
            }
        }
    }

    /// An int from 0 to 255.
    pub fn byte(&mut self, v: &Value, wrong: &str) -> Res<u8> {
        let i = self.index_int(v)?;
        match i.borrow() {
            IntRef::Small(i @ 0..=255) => Ok(i as u8),
            _ => Err(self.value_error(wrong)),
        }
    }
}

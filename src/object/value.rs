//! The value: sixteen bytes that a register, a list item or an attribute holds.
//!
//! V1: every payload is one 8-byte word of integer class, so rustc keeps a value in two registers
//! (one `bool` or `f64` payload costs up to three times the run time of the loop); `tests/tidy.rs`
//! checks the emitted shape of a probe. V2: tag 0 is `Unbound`, so zeroed memory is a valid row of
//! unset values; scripts never see it. V3: an int that fits 64 bits is always `Int`.

use super::heap::Ref;

/// The bits of a float, so that its payload is of integer class (V1).
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct FBits(pub u64);

/// Any value a script can hold.
#[repr(u64)]
#[derive(Default)]
pub enum Value {
    /// An unset local, cell, slot or hole (V2).
    #[default]
    Unbound = 0,
    None = 1,
    /// 0 or 1.
    Bool(u64) = 2,
    Int(i64) = 3,
    Float(FBits) = 4,
    Obj(Ref) = 5,
}

impl Value {
    pub const TRUE: Value = Value::Bool(1);
    pub const FALSE: Value = Value::Bool(0);

    #[inline(always)]
    pub fn bool(b: bool) -> Value {
        Value::Bool(b as u64)
    }
    #[inline(always)]
    pub fn float(x: f64) -> Value {
        Value::Float(FBits(x.to_bits()))
    }
    #[inline(always)]
    pub fn is_unbound(&self) -> bool {
        matches!(self, Value::Unbound)
    }
    #[inline(always)]
    pub fn is_none(&self) -> bool {
        matches!(self, Value::None)
    }
    /// The object, where it is one.
    #[inline(always)]
    pub fn as_ref(&self) -> Option<&Ref> {
        match self {
            Value::Obj(r) => Some(r),
            _ => None,
        }
    }
    /// Identity, as `is` means it: equal words. Two immediates of one type and value are identical.
    #[inline(always)]
    pub fn same(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Obj(a), Value::Obj(b)) => a.same(b),
            (Value::None, Value::None) | (Value::Unbound, Value::Unbound) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => a == b,
            _ => false,
        }
    }
    /// Takes the value out, leaving `Unbound`.
    #[inline(always)]
    pub fn take(&mut self) -> Value {
        std::mem::replace(self, Value::Unbound)
    }
}

impl FBits {
    #[inline(always)]
    pub fn get(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl Clone for Value {
    // A `match` over all variants would compile to a second jump table in every move.
    #[inline(always)]
    fn clone(&self) -> Value {
        super::heap::copy_counted(self)
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Unbound => f.write_str("Unbound"),
            Value::None => f.write_str("None"),
            Value::Bool(b) => write!(f, "{}", *b == 1),
            Value::Int(i) => write!(f, "{i}"),
            Value::Float(b) => write!(f, "{}", b.get()),
            Value::Obj(r) => write!(f, "<{:?} object>", r.kind()),
        }
    }
}

impl From<bool> for Value {
    fn from(b: bool) -> Value {
        Value::bool(b)
    }
}
impl From<i64> for Value {
    fn from(i: i64) -> Value {
        Value::Int(i)
    }
}
impl From<f64> for Value {
    fn from(x: f64) -> Value {
        Value::float(x)
    }
}
impl From<Ref> for Value {
    fn from(r: Ref) -> Value {
        Value::Obj(r)
    }
}

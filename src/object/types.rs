//! The payloads of the plain data types.

use super::heap::{Guarded, Ref};
use super::kind::{Kind, Trace};
pub use super::lock::Lock;
use super::pure::int::IntRef;
use super::pure::pyset::PySet;
use super::value::Value;
use num_bigint::BigInt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Visits the objects among `values`.
pub fn trace_all(values: &[Value], f: &mut dyn FnMut(&Ref)) {
    for v in values {
        if let Value::Obj(r) = v {
            f(r);
        }
    }
}

macro_rules! no_references {
    ($($t:ty),*) => {
        $(impl Trace for $t {
            fn trace(&self, _f: &mut dyn FnMut(&Ref)) {}
            fn clear(&mut self) {}
        })*
    };
}

/// Class and attributes of an instance of a script class that derives from a type whose values never
/// change; `None`: it is of the builtin type itself. The rest of its payload is that of a plain value.
#[derive(Default)]
pub struct Derived(pub Option<Box<DerivedBody>>);

pub struct DerivedBody {
    pub class: Ref,
    pub slots: Guarded<Vec<Value>>,
}

impl Derived {
    pub fn of(class: Ref) -> Derived {
        Derived(Some(Box::new(DerivedBody { class, slots: Guarded::default() })))
    }
    /// The part of an object, if its kind has one.
    pub fn at(r: &Ref) -> Option<&DerivedBody> {
        let d = match r.kind() {
            Kind::BigInt => &r.frozen::<BigIntObj>().derived,
            Kind::Float => &r.frozen::<FloatObj>().derived,
            Kind::Str => &r.frozen::<Str>().derived,
            Kind::Bytes => &r.frozen::<Bytes>().1,
            Kind::Tuple => &r.frozen::<Tuple>().1,
            Kind::FrozenSet => &r.frozen::<FrozenSet>().derived,
            _ => return None,
        };
        d.0.as_deref()
    }
    /// Of objects on their way out: the collector sees into what nobody has open.
    fn visit(&self, f: &mut dyn FnMut(&Ref)) {
        if let Some(d) = &self.0 {
            d.visit(f);
        }
    }
}

impl DerivedBody {
    /// As `Derived::visit`.
    pub fn visit(&self, f: &mut dyn FnMut(&Ref)) {
        f(&self.class);
        self.slots.look(|s| trace_all(s, f));
    }
}

/// An int that does not fit 64 bits (V3), or one of a derived class.
pub struct BigIntObj {
    pub big: BigInt,
    /// The value of a derived int that fits 64 bits; `big` is 0 then.
    pub small: Option<i64>,
    pub derived: Derived,
}

impl BigIntObj {
    pub fn new(big: BigInt) -> BigIntObj {
        BigIntObj { big, small: None, derived: Derived::default() }
    }
    #[inline]
    pub fn int(&self) -> IntRef<'_> {
        match self.small {
            None => IntRef::Big(&self.big),
            Some(i) => IntRef::Small(i),
        }
    }
}

/// A float of a derived class: all others are in the value itself.
pub struct FloatObj {
    pub x: f64,
    pub derived: Derived,
}

/// Unicode text; indices are code points.
pub struct Str {
    pub text: Box<str>,
    /// Number of code points; equal to `text.len()` exactly when all of it is ASCII.
    pub chars: usize,
    hash: AtomicU64,
    pub derived: Derived,
}

impl Str {
    pub fn new(text: impl Into<Box<str>>) -> Str {
        let text = text.into();
        let chars = if text.is_ascii() { text.len() } else { text.chars().count() };
        Str { text, chars, hash: AtomicU64::new(0), derived: Derived::default() }
    }
    #[inline(always)]
    pub fn is_ascii(&self) -> bool {
        self.chars == self.text.len()
    }
    /// The hash, computed once. 0 means not yet known; a hash of 0 is stored as 1.
    pub fn hash(&self) -> i64 {
        let h = self.hash.load(Relaxed);
        if h != 0 {
            return h as i64;
        }
        let h = super::pure::hash::str(&self.text);
        let h = if h == 0 { 1 } else { h };
        self.hash.store(h as u64, Relaxed);
        h
    }
}

pub struct Bytes(pub Box<[u8]>, pub Derived);
pub struct ByteArray(pub Vec<u8>);

/// `range` of `len` items; what does not fit 64 bits is a `LongRange`.
#[derive(Clone, Copy)]
pub struct Range {
    pub start: i64,
    pub stop: i64,
    pub step: i64,
    pub len: i64,
}

/// A range whose bounds, step or length do not all fit 64 bits.
pub struct LongRange {
    pub start: BigInt,
    pub stop: BigInt,
    pub step: BigInt,
    pub len: BigInt,
}

no_references!(BigIntObj, FloatObj, Str, Bytes, ByteArray, Range, LongRange);

/// Class and attributes of an instance of a script class that derives from a native kind.
#[derive(Default)]
pub struct Attrs(pub Option<Box<AttrBody>>);

pub struct AttrBody {
    pub class: Ref,
    pub slots: Vec<Value>,
}

impl Trace for Attrs {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        if let Some(b) = &self.0 {
            f(&b.class);
            trace_all(&b.slots, f);
        }
    }
    fn clear(&mut self) {
        if let Some(b) = &mut self.0 {
            b.slots.clear();
        }
    }
}

pub struct Tuple(pub Box<[Value]>, pub Derived);

impl Trace for Tuple {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        trace_all(&self.0, f);
        self.1.visit(f);
    }
    fn clear(&mut self) {
        self.0 = Box::new([]);
        self.1 = Derived::default();
    }
}

pub struct Slice {
    pub start: Value,
    pub stop: Value,
    pub step: Value,
}

#[derive(Default)]
pub struct List {
    pub items: Vec<Value>,
    pub attrs: Attrs,
}

impl Trace for List {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        trace_all(&self.items, f);
        self.attrs.trace(f);
    }
    fn clear(&mut self) {
        self.items = Vec::new();
        self.attrs.clear();
    }
}

#[derive(Default)]
pub struct Set {
    pub table: PySet<Value>,
    pub attrs: Attrs,
}

impl Trace for Set {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        for v in self.table.iter() {
            if let Value::Obj(r) = v {
                f(r);
            }
        }
        self.attrs.trace(f);
    }
    fn clear(&mut self) {
        self.table = PySet::default();
        self.attrs.clear();
    }
}

/// The hash is computed once; 0 means not yet known.
#[derive(Default)]
pub struct FrozenSet {
    pub table: PySet<Value>,
    pub hash: AtomicU64,
    pub derived: Derived,
}

impl Trace for FrozenSet {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        for v in self.table.iter() {
            if let Value::Obj(r) = v {
                f(r);
            }
        }
        self.derived.visit(f);
    }
    fn clear(&mut self) {
        self.table = PySet::default();
        self.derived = Derived::default();
    }
}

pub struct Cell(pub Value);

/// What a `View` shows of its dict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    Keys,
    Values,
    Items,
}

pub struct View {
    pub dict: Ref,
    pub part: Part,
}

impl Trace for View {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        f(&self.dict);
    }
    // A view cannot be the only link that closes a cycle: its dict is cleared.
    fn clear(&mut self) {}
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DescriptorKind {
    Property,
    ClassMethod,
    StaticMethod,
}

/// `get` is the function of a classmethod or staticmethod.
pub struct Descriptor {
    pub kind: DescriptorKind,
    pub get: Value,
    pub set: Value,
    pub delete: Value,
    pub doc: Value,
}

/// `super()`: attributes of `this` looked up after `class` in the order of `object_class`.
pub struct Super {
    pub class: Value,
    pub this: Value,
    pub object_class: Value,
}

macro_rules! traces_fields {
    ($($t:ident { $($field:tt),* })*) => {
        $(impl Trace for $t {
            fn trace(&self, f: &mut dyn FnMut(&Ref)) {
                $(if let Value::Obj(r) = &self.$field { f(r) })*
            }
            fn clear(&mut self) {
                $(drop(self.$field.take());)*
            }
        })*
    };
}
pub(crate) use traces_fields;

traces_fields! {
    Slice { start, stop, step }
    Cell { 0 }
    Descriptor { get, set, delete, doc }
    Super { class, this, object_class }
}

//! What crosses threads: parcels, and state of an interpreter that is opened with the token.
#![allow(unsafe_code)]

use super::open::{Open, Rank};
use super::places::Words;
use super::{Header, LOCAL, Ref};
use crate::gil::Held;
use crate::object::value::Value;
use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU32;

/// A value on its way to another thread (H2).
pub struct Parcel(ManuallyDrop<Value>);

// SAFETY: H2: without a token nothing can be done with the value inside.
unsafe impl Send for Parcel {}
// SAFETY: as above: `peek` needs a token too.
unsafe impl Sync for Parcel {}

impl Parcel {
    pub fn new(_held: &Held, v: Value) -> Parcel {
        Parcel(ManuallyDrop::new(v))
    }
    pub fn open(mut self, _held: &Held) -> Value {
        let v = std::mem::take(&mut *self.0);
        std::mem::forget(self);
        v
    }
    pub fn peek(&self, _held: &Held) -> Value {
        (*self.0).clone()
    }
}

impl Drop for Parcel {
    fn drop(&mut self) {
        // Outside its heap a parcel keeps its value for ever: better a leak than an uncounted free (H1).
        if LOCAL.try_with(|l| !l.root.get().is_null()).unwrap_or(false) {
            // SAFETY: dropped once, by an attached thread.
            unsafe { ManuallyDrop::drop(&mut self.0) };
        }
    }
}

/// State that belongs to an interpreter and is opened with the token, as objects are (H3).
#[derive(Default)]
pub struct Guarded<T> {
    busy: AtomicU32,
    v: UnsafeCell<T>,
}

// SAFETY: H1, H3: reached only in an attached thread, by one opener at a time.
unsafe impl<T> Send for Guarded<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Guarded<T> {}

impl<T> Guarded<T> {
    pub const fn new(v: T) -> Self {
        Guarded { busy: AtomicU32::new(0), v: UnsafeCell::new(v) }
    }
    #[inline]
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn with<R>(&self, _held: &Held, f: impl FnOnce(&mut T) -> R) -> R {
        let open = Open::new(&self.busy, Rank::Table);
        // SAFETY: H3.
        let out = f(unsafe { &mut *self.v.get() });
        drop(open);
        out
    }
}

impl<T> Guarded<T> {
    /// The same for state that is part of an object, and ranks as one (H8).
    #[cfg_attr(debug_assertions, track_caller)]
    pub fn with_object<R>(&self, _held: &Held, f: impl FnOnce(&mut T) -> R) -> R {
        let open = Open::new(&self.busy, Rank::Object);
        // SAFETY: H3.
        let out = f(unsafe { &mut *self.v.get() });
        drop(open);
        out
    }
    /// Looks in without the token: for the collector, when nobody else runs.
    pub(crate) fn look<R>(&self, f: impl FnOnce(&T) -> R) -> R {
        let open = Open::new(&self.busy, Rank::Table);
        // SAFETY: H3: the busy mark makes it the only opener.
        let out = f(unsafe { &*self.v.get() });
        drop(open);
        out
    }
    /// The state itself, for the loop's short cuts while the lock is on.
    #[inline(always)]
    pub(crate) fn peek(&self) -> *const T {
        self.v.get()
    }
}

/// What is fixed once the interpreter stands, and read by all its threads.
pub struct Shared<T>(T);

// SAFETY: H1: read with the token only, and never written.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub fn new(_held: &Held, v: T) -> Self {
        Shared(v)
    }
    #[inline(always)]
    pub fn get(&self, _held: &Held) -> &T {
        &self.0
    }
}

/// A table of values that never die, for the loop with the lock off: immortal objects and small ints. A word is
/// an object's address, an int shifted left over a 1, or 0 for nothing.
#[derive(Default)]
pub struct Lasting(Words);

impl Lasting {
    pub fn reserve(&self) -> Option<u32> {
        self.0.reserve()
    }
    #[inline(always)]
    pub fn get(&self, _held: &Held, at: u32) -> Option<Value> {
        let word = self.0.get(at);
        if word & 1 != 0 {
            return Some(Value::Int(word as i64 >> 1));
        }
        let object = NonNull::new(word as *mut Header)?;
        // SAFETY: H6: only immortal objects of this heap are put here, and they live as long as it.
        Some(Value::Obj(Ref(object)))
    }
    /// May it be put here?
    pub fn keeps(v: &Value) -> bool {
        match v {
            Value::Obj(r) => r.is_immortal(),
            Value::Int(i) => *i << 1 >> 1 == *i,
            _ => false,
        }
    }
    /// Says no if the value may die.
    pub fn put(&self, _held: &Held, at: u32, v: &Value) -> bool {
        let word = match v {
            _ if !Lasting::keeps(v) => return false,
            Value::Obj(r) => r.address(),
            Value::Int(i) => (*i << 1 | 1) as usize,
            _ => return false,
        };
        self.0.put(at, word);
        true
    }
    pub fn unset(&self, at: u32) {
        self.0.put(at, 0);
    }
}

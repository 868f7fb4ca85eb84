//! What operators and protocols mean: everything that may run script code through a dunder method.
//!
//! Each function takes the thread and clones or references of values that lie outside its registers
//! (R5). For each protocol there are two functions: `repr(v)` asks the methods of a script class first;
//! `base_repr(v)` is what the builtin type itself does, which `super().__repr__()` reaches.
//!
//! O1: an exact builtin object has a shape below `TypeId::COUNT`, so one comparison of its header tells
//! that no script method can be meant (`scripted`). O2: a payload is opened only around plain work on it;
//! before anything that may call back, what is needed is copied out and the object closed; after a call
//! back the object is looked at anew. O3: where two objects must be open at once, the iterator is opened
//! before what it iterates; nothing else opens two. O4: what recurses through data counts in the
//! thread's depth (`guarded`), so a deep list ends in a RecursionError.
//!
//! Source of the meaning: CPython 3.11 `Objects/abstract.c`, `Objects/object.c`, `Objects/typeobject.c`.
//! Not here: the methods of the types by name (`stdlib/types`), attribute access and calls (`vm`).

use super::thread::{Res, Thread};
use crate::object::function::Native;
use crate::object::{Name, TypeId, Value};

pub mod arith;
pub mod compare;
pub mod convert;
pub mod deque;
pub mod format;
pub mod hash;
pub mod item;
pub mod iter;
pub mod range;
pub mod repr;
pub mod set_algebra;
pub mod slice;
pub mod table;
pub mod tools;
pub mod unpack;

/// May the class of this value have script methods (O1)? False is certain, true is to be looked up.
#[inline(always)]
pub fn scripted(v: &Value) -> bool {
    matches!(v, Value::Obj(r) if r.shape() as usize >= TypeId::COUNT)
}

impl Thread {
    /// Is it the value that a binary method returns when it does not know the other operand?
    #[inline]
    pub fn is_not_implemented(&self, v: &Value) -> bool {
        v.as_ref().is_some() && v.same(&self.interp.fixed(&self.held).not_implemented)
    }

    /// Calls a script method of a binary operator; `None` when there is none or it does not know `other`.
    pub(super) fn ask(&mut self, v: &Value, name: Name, other: &Value) -> Res<Option<Value>> {
        if !scripted(v) {
            return Ok(None);
        }
        let answer = self.special(v, name, std::slice::from_ref(other))?;
        Ok(answer.filter(|a| !self.is_not_implemented(a)))
    }

    /// Does a script class of `v` define this method?
    pub(in crate::vm) fn has_special(&self, v: &Value, name: Name) -> bool {
        scripted(v) && matches!(self.lookup_special(v, name), Some(f) if !f.as_ref().is_some_and(|f| f.is::<Native>()))
    }

    /// One step deeper through data (O4); `doing` completes "maximum recursion depth exceeded".
    #[inline]
    pub(crate) fn guarded<T>(&mut self, doing: &str, f: impl FnOnce(&mut Thread) -> Res<T>) -> Res<T> {
        if self.frames.len() as u32 + self.depth >= self.limit || self.depth >= self.depth_max {
            return Err(self.too_deep_in(doing));
        }
        self.depth += 1;
        let out = f(self);
        self.depth -= 1;
        out
    }
}

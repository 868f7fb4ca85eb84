//! Sets among each other: union, intersection, difference, subset.
//!
//! Keys keep their hashes, and the steps are CPython's, so results of numbers iterate in its order. The
//! right side of the operators is a set; that of the methods any iterable.

use crate::object::pure::pyset::PySet;
use crate::object::types::{Part, Set, View};
use crate::object::{Kind, Ref, Value};
use crate::vm::ops::arith::BinOp;
use crate::vm::{Res, Thread};

impl Thread {
    /// Is it a set or frozenset, also of a script class derived from set?
    #[inline]
    pub fn is_set(v: &Value) -> Option<&Ref> {
        v.as_ref().filter(|r| matches!(r.kind(), Kind::Set | Kind::FrozenSet))
    }

    /// `a op b` for two sets, or for a dict's keys or items with anything iterable; `None`: not these.
    pub(super) fn set_binary(&mut self, op: BinOp, a: &Value, b: &Value) -> Res<Option<Value>> {
        let (x, y) = match (Thread::is_set(a), Thread::is_set(b)) {
            (Some(x), Some(y)) => (x.clone(), y.clone()),
            _ if set_like(a) || (set_like(b) && Thread::is_set(a).is_some()) => {
                if !matches!(op, BinOp::Sub | BinOp::BitAnd | BinOp::BitOr | BinOp::BitXor) {
                    return Ok(None);
                }
                let x = self.as_set(a)?;
                let y = self.as_set(b)?;
                (x, y)
            }
            _ => return Ok(None),
        };
        let out = match op {
            BinOp::Sub => self.set_difference(&x, &y)?,
            BinOp::BitAnd => self.set_intersection(&x, &y)?,
            BinOp::BitOr => self.set_union(&x, &y)?,
            BinOp::BitXor => self.set_symmetric_difference(&x, &y)?,
            _ => return Ok(None),
        };
        Ok(Some(self.as_kind_of(out, x.kind())))
    }

    /// A fresh set as a set or frozenset.
    pub fn as_kind_of(&mut self, s: Ref, kind: Kind) -> Value {
        if kind == Kind::FrozenSet { self.freeze(s) } else { s.into() }
    }

    /// The set itself, or a new set of an iterable's items.
    pub fn as_set(&mut self, v: &Value) -> Res<Ref> {
        if let Some(r) = Thread::is_set(v) {
            return Ok(r.clone());
        }
        let s = self.set();
        self.set_update(&s, v)?;
        Ok(s)
    }

    /// A fresh set with the same keys.
    pub fn set_copy(&mut self, s: &Ref) -> Ref {
        let out = self.set();
        self.set_merge(&out, s).expect("keys of a set are distinct, and the new one has none");
        out
    }

    /// Adds the keys of another set, as `set_merge` does.
    fn set_merge(&mut self, into: &Ref, from: &Ref) -> Res<()> {
        // A copy, for two objects are never open at once.
        let keys = self.with_set(from, PySet::clone).unwrap_or_default();
        if into.with::<Set, _>(&self.held, |s| s.table.merge(&keys)) {
            return Ok(());
        }
        for (h, k) in keys.hashed() {
            self.set_add_hashed(into, h, k.clone())?;
        }
        Ok(())
    }

    /// `s |= iterable`.
    pub fn set_update(&mut self, s: &Ref, other: &Value) -> Res<()> {
        if let Some(o) = Thread::is_set(other)
            && !super::scripted(other)
        {
            if o.same(s) {
                return Ok(());
            }
            return self.set_merge(s, &o.clone());
        }
        let it = self.iter(other)?;
        while let Some(v) = self.next(&it)? {
            self.set_add(s, v)?;
        }
        Ok(())
    }

    pub fn set_union(&mut self, a: &Ref, b: &Ref) -> Res<Ref> {
        let out = self.set_copy(a);
        self.set_merge(&out, b)?;
        Ok(out)
    }

    pub fn set_intersection(&mut self, a: &Ref, b: &Ref) -> Res<Ref> {
        // The smaller one is walked, the larger one asked.
        let (walk, ask) = if self.set_len(b) > self.set_len(a) { (a, b) } else { (b, a) };
        let out = self.set();
        for (h, k) in self.set_hashed(walk) {
            if self.set_has_hashed(ask, h, &k)? {
                self.set_add_hashed(&out, h, k)?;
            }
        }
        Ok(out)
    }

    pub fn set_difference(&mut self, a: &Ref, b: &Ref) -> Res<Ref> {
        if self.set_len(a) >> 2 > self.set_len(b) {
            let out = self.set_copy(a);
            self.set_subtract(&out, b)?;
            return Ok(out);
        }
        let out = self.set();
        for (h, k) in self.set_hashed(a) {
            if !self.set_has_hashed(b, h, &k)? {
                self.set_add_hashed(&out, h, k)?;
            }
        }
        Ok(out)
    }

    /// `s -= other`.
    pub fn set_subtract(&mut self, s: &Ref, other: &Ref) -> Res<()> {
        for (h, k) in self.set_hashed(other) {
            self.set_discard_hashed(s, h, &k)?;
        }
        s.with::<Set, _>(&self.held, |s| s.table.drop_dummies());
        Ok(())
    }

    pub fn set_symmetric_difference(&mut self, a: &Ref, b: &Ref) -> Res<Ref> {
        let out = self.set_copy(b);
        self.set_toggle(&out, a)?;
        Ok(out)
    }

    /// `s ^= other`: what is in both goes, what is only in `other` comes.
    pub fn set_toggle(&mut self, s: &Ref, other: &Ref) -> Res<()> {
        for (h, k) in self.set_hashed(other) {
            if !self.set_discard_hashed(s, h, &k)? {
                self.set_add_hashed(s, h, k)?;
            }
        }
        Ok(())
    }

    /// Gives `s` the keys of a fresh set.
    pub fn set_become(&mut self, s: &Ref, fresh: Ref) {
        let table = fresh.with::<Set, _>(&self.held, |f| std::mem::take(&mut f.table));
        let old = s.with::<Set, _>(&self.held, |s| std::mem::replace(&mut s.table, table));
        drop(old);
    }

    /// Are all keys of `a` in `b`?
    pub fn is_subset(&mut self, a: &Ref, b: &Ref) -> Res<bool> {
        if self.set_len(a) > self.set_len(b) {
            return Ok(false);
        }
        for (h, k) in self.set_hashed(a) {
            if !self.set_has_hashed(b, h, &k)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// `s op= other` in place for a set; `None`: not a set, or not with this operator.
    pub(super) fn set_inplace(&mut self, op: BinOp, s: &Value, other: &Value) -> Res<Option<Value>> {
        let (Value::Obj(r), Some(o)) = (s, Thread::is_set(other)) else {
            return Ok(None);
        };
        if !r.is::<Set>() {
            return Ok(None);
        }
        let (r, o) = (r.clone(), o.clone());
        match op {
            BinOp::BitOr => self.set_merge_apart(&r, &o)?,
            BinOp::BitAnd => {
                let fresh = self.set_intersection(&r, &o)?;
                self.set_become(&r, fresh);
            }
            BinOp::Sub if r.same(&o) => self.set_become_empty(&r),
            BinOp::Sub => self.set_subtract(&r, &o)?,
            BinOp::BitXor if r.same(&o) => self.set_become_empty(&r),
            BinOp::BitXor => self.set_toggle(&r, &o)?,
            _ => return Ok(None),
        }
        Ok(Some(s.clone()))
    }

    fn set_merge_apart(&mut self, s: &Ref, o: &Ref) -> Res<()> {
        if s.same(o) { Ok(()) } else { self.set_merge(s, o) }
    }

    pub fn set_become_empty(&mut self, s: &Ref) {
        s.with::<Set, _>(&self.held, |s| s.table.clear());
    }
}

/// keys() and items() of a dict behave as sets.
pub(super) fn set_like(v: &Value) -> bool {
    v.as_ref().and_then(|r| r.get::<View>()).is_some_and(|v| v.part != Part::Values)
}

//! An object's own attributes: the row of slots that its shape describes.
//!
//! Every operation is one opening: shape and slots are read and changed together, so that with the lock off
//! no thread sees the slots of one shape under another. The table of shapes is opened inside (H8).

use super::thread::Thread;
use crate::object::class::Class;
use crate::object::deque::Deque;
use crate::object::dict::Dict;
use crate::object::exception::Exception;
use crate::object::instance::Instance;
use crate::object::opaque::Opaque;
use crate::object::types::{Attrs, Derived, List, Set};
use crate::object::{Kind, Name, Ref, TypeId, Value};
use std::sync::atomic::Ordering::Relaxed;

/// The slots of an open object.
pub(super) enum Row<'a> {
    /// Of an instance: those in its block, then the others.
    Instance(&'a mut Instance, &'a mut [Value]),
    Other(&'a mut Vec<Value>),
}

impl Row<'_> {
    pub fn get(&self, slot: usize) -> Option<&Value> {
        match self {
            Row::Instance(i, row) => match row.get(slot) {
                Some(v) => Some(v),
                None => i.more.as_ref()?.get(slot - row.len()),
            },
            Row::Other(row) => row.get(slot),
        }
    }

    /// Puts a value into a slot that may be new; gives the old value back.
    pub fn put(&mut self, slot: usize, v: Value) -> Value {
        let (row, slot) = match self {
            Row::Instance(_, row) if slot < row.len() => return std::mem::replace(&mut row[slot], v),
            Row::Instance(i, row) => (&mut **i.more.get_or_insert_default(), slot - row.len()),
            Row::Other(row) => (&mut **row, slot),
        };
        if row.len() <= slot {
            row.resize_with(slot + 1, || Value::Unbound);
        }
        std::mem::replace(&mut row[slot], v)
    }

    /// Takes a slot out of the first `n`: later ones move down.
    fn remove(&mut self, slot: usize, n: usize) -> Value {
        let mut gone = self.put(n - 1, Value::Unbound);
        for at in (slot..n - 1).rev() {
            gone = self.put(at, gone);
        }
        gone
    }
}

impl Thread {
    /// Opens the slots of an object with attributes of its own; `None`: it has none. The shape that `f` is
    /// given, and may change, belongs to the slots until they are closed.
    pub(super) fn with_row<R>(&self, r: &Ref, f: impl FnOnce(&mut Row, u32) -> R) -> Option<R> {
        if TypeId::of_shape(r.shape()).is_some() {
            return None;
        }
        let held = &self.held;
        let in_attrs = |a: &mut Attrs, f: &mut dyn FnMut(&mut Row)| {
            if let Some(b) = &mut a.0 {
                f(&mut Row::Other(&mut b.slots));
            }
        };
        let mut f = Some(f);
        let mut out = None;
        let mut once = |row: &mut Row| {
            if let Some(f) = f.take() {
                out = Some(f(row, r.shape()));
            }
        };
        match r.kind() {
            Kind::Instance => r.with_slots(held, |i, row| once(&mut Row::Instance(i, row))),
            Kind::List => r.with::<List, _>(held, |x| in_attrs(&mut x.attrs, &mut once)),
            Kind::Dict => r.with::<Dict, _>(held, |x| in_attrs(&mut x.attrs, &mut once)),
            Kind::Set => r.with::<Set, _>(held, |x| in_attrs(&mut x.attrs, &mut once)),
            Kind::Deque => r.with::<Deque, _>(held, |x| in_attrs(&mut x.attrs, &mut once)),
            Kind::Exception => r.with::<Exception, _>(held, |x| in_attrs(&mut x.attrs, &mut once)),
            Kind::Opaque => r.with::<Opaque, _>(held, |x| in_attrs(&mut x.attrs, &mut once)),
            _ => {
                if let Some(d) = Derived::at(r) {
                    d.slots.with_object(held, |s| once(&mut Row::Other(s)));
                }
            }
        }
        out
    }

    /// A slot of an instance, or of an instance of a class derived from a native kind.
    pub fn slot_value(&self, r: &Ref, attr: Name) -> Option<Value> {
        self.with_row(r, |row, shape| {
            let slot = self.interp.shapes.with(&self.held, |s| s.slot(shape, attr))?;
            row.get(slot as usize).cloned()
        })?
    }

    /// Several slots at once; `known` is where they were in an object of that shape, and is kept so. `None` if one is
    /// missing.
    pub fn slot_values<const N: usize>(
        &self,
        r: &Ref,
        attrs: [Name; N],
        known: &mut (u32, [u32; N]),
    ) -> Option<[Value; N]> {
        self.with_row(r, |row, shape| {
            if known.0 != shape {
                let mut found = [0; N];
                for (at, attr) in found.iter_mut().zip(attrs) {
                    *at = self.interp.shapes.with(&self.held, |s| s.slot(shape, attr))?;
                }
                *known = (shape, found);
            }
            let mut values = [const { Value::Unbound }; N];
            for (value, at) in values.iter_mut().zip(known.1) {
                *value = row.get(at as usize).filter(|v| !v.is_unbound())?.clone();
            }
            Some(values)
        })?
    }

    /// Changes a slot where `slot_values` has found it; `None`: the object has another shape by now.
    pub fn put_slot(&self, r: &Ref, known: u32, slot: u32, v: Value) -> Option<()> {
        let old = self.with_row(r, |row, shape| (shape == known).then(|| row.put(slot as usize, v)))?;
        old.map(drop)
    }

    /// Names and values of an object's own attributes, in the order they were first set.
    pub fn instance_items(&self, r: &Ref) -> Vec<(Name, Value)> {
        let items = self.with_row(r, |row, shape| {
            let names = self.interp.shapes.with(&self.held, |s| s.names(shape).to_vec());
            let items = names.into_iter().enumerate().filter_map(|(at, n)| Some((n, row.get(at)?.clone())));
            items.filter(|(_, v)| !v.is_unbound()).collect()
        });
        items.unwrap_or_default()
    }

    /// Sets an instance's own attribute, whatever its class says, growing the shape if the name is new.
    pub fn set_slot(&mut self, r: &Ref, attr: Name, v: Value) {
        let held = &self.held;
        let put = self.with_row(r, |row, shape| {
            let (grown, slot) = self.interp.shapes.with(held, |s| match s.slot(shape, attr) {
                Some(slot) => (shape, slot as usize),
                None => (s.with(shape, attr), s.names(shape).len()),
            });
            let old = row.put(slot, v);
            if grown != shape {
                r.set_shape(held, grown);
            }
            (old, (grown != shape).then_some(slot + 1))
        });
        if let Some((_old, Some(slots))) = &put {
            self.learn_hint(r, *slots);
        }
    }

    /// The next instance of the class gets as many trailing slots as this one has needed.
    fn learn_hint(&self, r: &Ref, slots: usize) {
        if r.kind() != Kind::Instance {
            return;
        }
        let class = r.with::<Instance, _>(&self.held, |i| i.class.clone());
        class.with::<Class, _>(&self.held, |c| c.slots_hint.fetch_max(slots.min(64) as u16, Relaxed));
    }

    /// Takes a slot out: later slots move down, as the smaller shape has them.
    pub(super) fn remove_slot(&mut self, r: &Ref, attr: Name) -> Option<Value> {
        let held = &self.held;
        self.with_row(r, |row, shape| {
            let (slot, n, smaller) = self.interp.shapes.with(held, |s| {
                let slot = s.slot(shape, attr)?;
                Some((slot as usize, s.names(shape).len(), s.without(shape, attr)))
            })?;
            r.set_shape(held, smaller);
            Some(row.remove(slot, n))
        })?
    }
}

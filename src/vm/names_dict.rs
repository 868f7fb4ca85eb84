//! `__dict__` and `globals()`: dicts of names that belong to another object.
//!
//! Attributes lie in slots and namespaces, not in dicts, so such a dict is a copy that is kept in step: what is
//! changed in it is changed in its owner at once, and whoever reads it first has it brought up to date. N1: a
//! dict of the type `NamesDict` has its owner as the one slot of its attributes; every function that reads
//! a dict's table asks for the type (`vm/ops/table.rs`, the start of an iteration, the length).

use super::thread::{Res, Thread};
use crate::object::class::Class;
use crate::object::dict::Dict;
use crate::object::function::Function;
use crate::object::module::Module;
use crate::object::types::{AttrBody, Attrs, Str};
use crate::object::{Kind, Name, Ref, TypeId, Value};

impl Thread {
    /// A dict of names and values that belongs to nobody.
    pub fn names_dict(&mut self, items: Vec<(Name, Value)>) -> Value {
        let d = self.dict();
        for (n, v) in items {
            let key = self.str(n.text());
            self.push_name(&d, key, v);
        }
        d.into()
    }

    fn push_name(&self, d: &Ref, key: Value, v: Value) {
        let hash = super::make::str_of(&key).map_or(0, |s| s.hash());
        d.with::<Dict, _>(&self.held, |d| d.table.push(hash, key, v));
    }

    /// The dict of an object's own names (N1).
    pub fn live_dict(&mut self, owner: &Ref) -> Value {
        let items = self.own_names(owner);
        let d = self.names_dict(items);
        let class = self.interp.class(&self.held, TypeId::Dict).clone();
        if let Value::Obj(r) = &d {
            let body = AttrBody { class, slots: vec![owner.clone().into()] };
            r.with::<Dict, _>(&self.held, |d| d.attrs = Attrs(Some(Box::new(body))));
            r.set_shape(&self.held, TypeId::NamesDict.shape());
        }
        d
    }

    fn own_names(&self, owner: &Ref) -> Vec<(Name, Value)> {
        let held = &self.held;
        match owner.kind() {
            Kind::Class => owner.with::<Class, _>(held, |c| c.names.iter().map(|(n, v)| (n, v.clone())).collect()),
            Kind::Module => owner.with::<Module, _>(held, |m| m.names.iter().map(|(n, v)| (n, v.clone())).collect()),
            Kind::Function => owner.with::<Function, _>(held, |f| f.attrs.clone()),
            _ => {
                let mut items = self.instance_items(owner);
                self.leave_out_slots(owner, &mut items);
                items
            }
        }
    }

    fn owner_of(&self, d: &Ref) -> Option<Ref> {
        let slot = d.with::<Dict, _>(&self.held, |d| d.attrs.0.as_ref().and_then(|b| b.slots.first().cloned()));
        slot.and_then(|v| v.as_ref().cloned())
    }

    /// Brings a dict of names up to date; other dicts are left alone.
    #[inline(always)]
    pub(super) fn refresh_names(&self, d: &Ref) {
        if d.shape() == TypeId::NamesDict.shape() {
            self.refresh_from_owner(d);
        }
    }

    #[cold]
    #[inline(never)]
    fn refresh_from_owner(&self, d: &Ref) {
        let Some(owner) = self.owner_of(d) else { return };
        let items = self.own_names(&owner);
        let same = d.with::<Dict, _>(&self.held, |d| {
            let is = |((k, v), (n, w)): ((&Value, &Value), &(Name, Value))| {
                super::make::text(k) == Some(n.text()) && v.same(w)
            };
            d.table.len() == items.len() && d.table.iter().zip(&items).all(is)
        });
        if same {
            return;
        }
        // Made before the dict is opened, for all is changed in one opening.
        let keys: Vec<Value> =
            items.iter().map(|(n, _)| Ref::new(&self.held, TypeId::Str.shape(), Str::new(n.text())).into()).collect();
        // Values change in place, so that a loop over the names goes on; other names make a new table.
        let old: Vec<Value> = d.with::<Dict, _>(&self.held, |d| {
            let names = d.table.iter().zip(&items).all(|((k, _), (n, _))| super::make::text(k) == Some(n.text()));
            if !names || d.table.len() != items.len() {
                let old = d.table.iter().flat_map(|(k, v)| [k.clone(), v.clone()]).collect();
                d.table.clear();
                for (key, (_, v)) in keys.into_iter().zip(&items) {
                    let hash = super::make::str_of(&key).map_or(0, |s| s.hash());
                    d.table.push(hash, key, v.clone());
                }
                return old;
            }
            let at: Vec<usize> = (0..d.table.slots()).filter(|&at| d.table.entry(at).is_some()).collect();
            let put =
                |(at, (_, v)): (usize, &(Name, Value))| Some(std::mem::replace(d.table.value_mut(at)?, v.clone()));
            at.into_iter().zip(&items).filter_map(put).collect()
        });
        drop(old);
    }

    /// A name was set (or removed) in the `__dict__` of an object: so it is in the object.
    pub fn name_changed(&mut self, d: &Ref, key: &Value, v: Option<Value>) -> Res<()> {
        if d.shape() != TypeId::NamesDict.shape() {
            return Ok(());
        }
        let Some(r) = self.owner_of(d) else { return Ok(()) };
        let Some(attr) = super::make::text(key).map(Name::of) else {
            return Err(self.type_error("Kit's attribute names are str"));
        };
        match (r.kind(), v) {
            (Kind::Class, Some(_)) => Err(self.type_error("'mappingproxy' object does not support item assignment")),
            (Kind::Class, None) => Err(self.type_error("'mappingproxy' object does not support item deletion")),
            (Kind::Module | Kind::Function, Some(v)) => self.set_attr_plain(&r.into(), attr, v),
            (_, Some(v)) if TypeId::of_shape(r.shape()).is_some() => self.set_attr_plain(&r.into(), attr, v),
            (_, Some(v)) => {
                self.set_slot(&r, attr, v);
                Ok(())
            }
            (Kind::Module | Kind::Function, None) => self.del_attr_plain(&r.into(), attr),
            (_, None) => {
                drop(self.remove_slot(&r, attr));
                Ok(())
            }
        }
    }
}
